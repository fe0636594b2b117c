#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "cpu/batch.h"
#include "cpu/cache.h"

typedef struct attend_task {
  const sks_cpu_batch *batch;
  int32_t layer;
  const float *queries;
  int64_t row_stride, group_stride;
  const float *sink_logits;
  float *out;
} attend_task;

/* One tile through one KV head, and the softmax that its queries fold keys into. */
typedef struct pass {
  const attend_task *task;
  const sks_tile *tile;
  int32_t kv_head;
  sks_scratch *scratch;
  sks_softmax softmax;
} pass;

static sks_softmax softmax_from(const sks_softmax *softmax, int64_t query, int64_t stride) {
  return (sks_softmax){softmax->max + query, softmax->sum + query, softmax->acc + query * stride};
}

static void softmax_clear(sks_softmax *softmax, int64_t queries, int64_t stride) {
  for (int64_t i = 0; i < queries; i++) softmax->max[i] = -INFINITY;
  memset(softmax->sum, 0, (size_t)queries * sizeof(float));
  memset(softmax->acc, 0, (size_t)(queries * stride) * sizeof(float));
}

/* Folds the softmax of one query over other keys into `into`. */
static void softmax_merge(sks_softmax into, sks_softmax from, int64_t head_dim) {
  if (*from.sum == 0) return;
  float max = *into.max > *from.max ? *into.max : *from.max;
  float keep = expf(*into.max - max), take = expf(*from.max - max);
  *into.max = max;
  *into.sum = *into.sum * keep + *from.sum * take;
  for (int64_t c = 0; c < head_dim; c++) into.acc[c] = into.acc[c] * keep + from.acc[c] * take;
}

/* `query`, rotated and scaled. */
static void rotate_query(const sks_cpu_batch *batch, const float *query, const float *phase,
                         float *rotated) {
  const sks_attention *attention = batch->attention;
  int32_t half = attention->rotary_half;
  batch->cpu->kernels.rotate[attention->rotary_layout](
      query, phase, phase + half, half, attention->head_dim, attention->scale, rotated);
}

static void rotate_queries(const pass *p) {
  const sks_cpu_batch *batch = p->task->batch;
  const sks_attention *attention = batch->attention;
  int32_t group = attention->group;
  for (int32_t r = 0; r < p->tile->rows; r++) {
    int64_t index = p->tile->row + r;
    const sks_row_phases *phases = &batch->row_phases[index];
    for (int32_t h = 0; h < group; h++) {
      const float *query = p->task->queries + index * p->task->row_stride +
                           p->kv_head * p->task->group_stride + (int64_t)h * attention->head_dim;
      int64_t at = (r * group + h) * batch->stride;
      float *rotated = p->scratch->stream_queries + at;
      rotate_query(batch, query, phases->stream, rotated);
      if (phases->query == phases->stream)
        memcpy(p->scratch->cache_queries + at, rotated,
               (size_t)attention->head_dim * sizeof(float));
      else
        rotate_query(batch, query, phases->query, p->scratch->cache_queries + at);
      if (attention->slopes)
        p->scratch->slopes[r * group + h] = attention->slopes[p->kv_head * group + h];
    }
  }
}

/* Rows [row, row + rows) of the tile meet the tokens [begin, end), whose rows lie in `span`. */
static void meet(const pass *p, const sks_span *span, bool sinks, int32_t row, int32_t rows,
                 int64_t begin, int64_t end) {
  if (begin >= end) return;
  const sks_cpu_batch *batch = p->task->batch;
  const sks_attention *attention = batch->attention;
  const sks_scratch *scratch = p->scratch;
  const sks_row *first = &batch->rows[p->tile->row + row];
  int32_t group = attention->group;
  int64_t from = (int64_t)row * group, slot = span->slot + (begin - span->position);
  const float *queries = sinks ? scratch->cache_queries : scratch->stream_queries;
  sks_attend_args args = {
      .queries = queries + from * batch->stride,
      .query_count = (int64_t)rows * group,
      .stride = batch->stride,
      .head_dim = attention->head_dim,
      .keys = sks_cache_keys(first->cache, p->task->layer, p->kv_head),
      .values = sks_cache_values(first->cache, p->task->layer, p->kv_head),
      .slot = slot,
      .key_count = end - begin,
      .scores = scratch->scores,
      .softmax = softmax_from(&p->softmax, from, batch->stride),
  };
  if (attention->slopes) {
    for (int32_t r = 0; r < rows; r++) {
      int64_t position = sinks ? first[r].view.query : first[r].view.position;
      for (int32_t h = 0; h < group; h++)
        scratch->distances[r * group + h] = (float)(position - begin);
    }
    args.slopes = scratch->slopes + from;
    args.distances = scratch->distances;
  }
  batch->cpu->kernels.attend[first->cache->type](&args);
}

static int64_t seen_from(const sks_row *row, bool sinks) { return sinks ? 0 : row->view.first; }

static int64_t seen_to(const sks_row *row, bool sinks) {
  return sinks ? row->view.sinks : row->view.position + 1;
}

static int64_t within(int64_t position, int64_t low, int64_t high) {
  if (position < low) return low;
  return position > high ? high : position;
}

/*
 * Every row of the tile meets what it sees of `span`. What all rows see, they meet together; the
 * few tokens before and after it, which only some see, each row meets alone, so that no row ever
 * touches a token it does not see.
 */
static void meet_span(const pass *p, const sks_span *span, bool sinks) {
  const sks_row *rows = &p->task->batch->rows[p->tile->row];
  int32_t count = p->tile->rows;
  int64_t begin = span->position, end = span->position + span->count;
  int64_t shared = within(seen_from(&rows[count - 1], sinks), begin, end);
  int64_t shared_end = within(seen_to(&rows[0], sinks), shared, end);
  for (int32_t r = 0; r < count; r++) {
    int64_t seen_end = within(seen_to(&rows[r], sinks), begin, shared);
    meet(p, span, sinks, r, 1, within(seen_from(&rows[r], sinks), begin, shared), seen_end);
  }
  meet(p, span, sinks, 0, count, shared, shared_end);
  for (int32_t r = 0; r < count; r++)
    meet(p, span, sinks, r, 1, shared_end, within(seen_to(&rows[r], sinks), shared_end, end));
}

/* The softmax of the tile's queries over one chunk of its keys. Chunks are cut between blocks, so
 * that no block is computed twice. */
static void attend_chunk(pass *p, int32_t chunk) {
  const sks_cpu_batch *batch = p->task->batch;
  const sks_tile *tile = p->tile;
  softmax_clear(&p->softmax, (int64_t)tile->rows * batch->attention->group, batch->stride);
  int64_t begin = chunk * tile->chunk_blocks, end = begin + tile->chunk_blocks, block = 0;
  for (int i = 0; i < SKS_SPANS; i++) {
    const sks_span *span = &tile->spans[i];
    int64_t blocks = sks_span_blocks(span), first = span->slot / SKS_KV_SLOTS - block;
    int64_t skip = (first + within(begin, block, block + blocks)) * SKS_KV_SLOTS - span->slot;
    int64_t stop = (first + within(end, block, block + blocks)) * SKS_KV_SLOTS - span->slot;
    skip = within(skip, 0, span->count), stop = within(stop, 0, span->count);
    block += blocks;
    if (skip >= stop) continue;
    sks_span part = {
        .slot = span->slot + skip, .position = span->position + skip, .count = stop - skip};
    meet_span(p, &part, i == 0);
  }
}

static void start_query(const attend_task *task, int64_t head, sks_softmax softmax) {
  softmax_clear(&softmax, 1, task->batch->stride);
  if (!task->sink_logits) return;
  *softmax.max = task->sink_logits[head];
  *softmax.sum = 1;
}

static void finish_query(const attend_task *task, int64_t row, int64_t head, sks_softmax softmax) {
  const sks_attention *attention = task->batch->attention;
  float *out = task->out + (row * attention->heads + head) * attention->head_dim;
  float factor = 1 / *softmax.sum;
  for (int32_t c = 0; c < attention->head_dim; c++) out[c] = softmax.acc[c] * factor;
}

/* Query `q` of the pass's tile and KV head: which row and head that is. */
static int64_t row_of(const pass *p, int64_t q) {
  return p->tile->row + q / p->task->batch->attention->group;
}

static int64_t head_of(const pass *p, int64_t q) {
  int64_t group = p->task->batch->attention->group;
  return p->kv_head * group + q % group;
}

static void attend_whole(void *argument, int64_t index, int32_t thread) {
  const attend_task *task = argument;
  const sks_cpu_batch *batch = task->batch;
  const sks_attention *attention = batch->attention;
  sks_scratch *scratch = &batch->scratch[thread];
  pass p = {.task = task,
            .tile = &batch->tiles[index / attention->kv_heads],
            .kv_head = (int32_t)(index % attention->kv_heads),
            .scratch = scratch,
            .softmax = scratch->chunk};
  int64_t queries = (int64_t)p.tile->rows * attention->group;
  rotate_queries(&p);
  for (int64_t q = 0; q < queries; q++)
    start_query(task, head_of(&p, q), softmax_from(&scratch->running, q, batch->stride));
  for (int32_t chunk = 0; chunk < p.tile->chunks; chunk++) {
    attend_chunk(&p, chunk);
    for (int64_t q = 0; q < queries; q++)
      softmax_merge(softmax_from(&scratch->running, q, batch->stride),
                    softmax_from(&p.softmax, q, batch->stride), attention->head_dim);
  }
  for (int64_t q = 0; q < queries; q++)
    finish_query(task, row_of(&p, q), head_of(&p, q),
                 softmax_from(&scratch->running, q, batch->stride));
}

static sks_softmax partial_of(const sks_cpu_batch *batch, int32_t chunk, int32_t kv_head) {
  int64_t index = (int64_t)chunk * batch->attention->kv_heads + kv_head;
  return sks_batch_softmax(batch, batch->partial + index * sks_batch_softmax_floats(batch));
}

/* Merges the softmaxes of all chunks of the pass's tile and KV head, in their order. */
static void merge_parts(const pass *p) {
  const attend_task *task = p->task;
  const sks_cpu_batch *batch = task->batch;
  for (int64_t q = 0; q < (int64_t)p->tile->rows * batch->attention->group; q++) {
    sks_softmax running = softmax_from(&p->scratch->running, 0, batch->stride);
    start_query(task, head_of(p, q), running);
    for (int32_t chunk = 0; chunk < p->tile->chunks; chunk++) {
      sks_softmax partial = partial_of(batch, p->tile->first_chunk + chunk, p->kv_head);
      softmax_merge(running, softmax_from(&partial, q, batch->stride), batch->attention->head_dim);
    }
    finish_query(task, row_of(p, q), head_of(p, q), running);
  }
}

/* One chunk; whoever does the last of its tile and KV head merges them. */
static void attend_part(void *argument, int64_t index, int32_t thread) {
  const attend_task *task = argument;
  const sks_cpu_batch *batch = task->batch;
  int32_t kv_heads = batch->attention->kv_heads;
  /* A thread's next chunk is mostly this one's neighbour, whose first keys are on their way. */
  int32_t chunk = (int32_t)(index % batch->chunk_count);
  int32_t kv_head = (int32_t)(index / batch->chunk_count);
  const sks_tile *tile = batch->tiles;
  while (chunk >= tile->first_chunk + tile->chunks) tile++;
  pass p = {.task = task,
            .tile = tile,
            .kv_head = kv_head,
            .scratch = &batch->scratch[thread],
            .softmax = partial_of(batch, chunk, kv_head)};
  rotate_queries(&p);
  attend_chunk(&p, chunk - tile->first_chunk);
  _Atomic int32_t *done = &batch->done[(tile - batch->tiles) * kv_heads + kv_head];
  if (atomic_fetch_add(done, 1) + 1 < tile->chunks) return;
  atomic_store(done, 0);
  merge_parts(&p);
}

int32_t sks_cpu_attend(sks_batch *step, int32_t layer, const float *queries, int64_t row_stride,
                       int64_t group_stride, const float *sink_logits, float *out) {
  const sks_cpu_batch *batch = step->own;
  attend_task task = {batch, layer, queries, row_stride, group_stride, sink_logits, out};
  int32_t kv_heads = batch->attention->kv_heads;
  int64_t pairs = (int64_t)batch->tile_count * kv_heads;
  if (pairs >= batch->split_below || batch->chunk_count == batch->tile_count) {
    sks_cpu_batch_run(batch, batch->work, pairs, attend_whole, &task);
    return SKS_OK;
  }
  sks_cpu_batch_run(batch, batch->work, (int64_t)batch->chunk_count * kv_heads, attend_part, &task);
  return SKS_OK;
}
