#include <math.h>

#include "cpu/batch.h"
#include "cpu/cache.h"

/* A query of the row, rotated and scaled. */
typedef struct query {
  const sks_cpu_batch *batch;
  const sks_row *row;
  const sks_row_phases *phases;
  int32_t layer, head;
  float stream[SKS_MAX_HEAD_DIM]; /* for the window */
  float cache[SKS_MAX_HEAD_DIM];  /* for the sink tokens */
} query;

static void rotate(query *q, const float *from) {
  const sks_attention *attention = q->batch->attention;
  int32_t half = attention->rotary_half;
  const float *phases[] = {q->phases->stream, q->phases->query};
  float *rotated[] = {q->stream, q->cache};
  for (int i = 0; i < 2; i++)
    q->batch->cpu->kernels.rotate[attention->rotary_layout](
        from, phases[i], phases[i] + half, half, attention->head_dim, attention->scale, rotated[i]);
}

/* The score of the key of `position`, which lies in `slot`. */
static double score(const query *q, bool sink, int64_t position, int64_t slot) {
  const sks_attention *attention = q->batch->attention;
  const sks_view *view = &q->row->view;
  float key[SKS_MAX_HEAD_DIM];
  sks_kv_load(&q->batch->cpu->kernels,
              sks_cache_key(q->row->cache, q->layer, q->head / attention->group, slot), key);
  const float *rotated = sink ? q->cache : q->stream;
  double sum = 0;
  for (int32_t c = 0; c < attention->head_dim; c++) sum += (double)rotated[c] * key[c];
  if (attention->slopes)
    sum -= attention->slopes[q->head] * (double)((sink ? view->query : view->position) - position);
  return sum;
}

/* The softmax of `count` scores, in place. */
static void softmax(float *x, int64_t count, const float *sink_logit) {
  double max = sink_logit ? *sink_logit : -INFINITY;
  for (int64_t i = 0; i < count; i++) max = fmax(max, x[i]);
  double sum = sink_logit ? exp(*sink_logit - max) : 0;
  for (int64_t i = 0; i < count; i++) sum += exp(x[i] - max);
  for (int64_t i = 0; i < count; i++) x[i] = (float)(exp(x[i] - max) / sum);
}

int32_t sks_cpu_attention_weights(sks_batch *step, int32_t layer, const float *queries,
                                  int64_t row_stride, int64_t group_stride,
                                  const float *sink_logits, int32_t row, float *weights) {
  const sks_cpu_batch *batch = step->own;
  const sks_attention *attention = batch->attention;
  query q = {
      .batch = batch, .row = &batch->rows[row], .phases = &batch->row_phases[row], .layer = layer};
  sks_span spans[SKS_SPANS];
  int64_t count = sks_spans_between(&q.row->cache->ring, q.row->view, q.row->view, spans);
  for (q.head = 0; q.head < attention->heads; q.head++) {
    rotate(&q, queries + row * row_stride + q.head / attention->group * group_stride +
                   (int64_t)(q.head % attention->group) * attention->head_dim);
    float *to = weights + q.head * count, *at = to;
    for (int i = 0; i < SKS_SPANS; i++)
      for (int64_t j = 0; j < spans[i].count; j++)
        *at++ = (float)score(&q, i == 0, spans[i].position + j, spans[i].slot + j);
    softmax(to, count, sink_logits ? &sink_logits[q.head] : NULL);
  }
  return SKS_OK;
}
