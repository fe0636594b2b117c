#include <math.h>

#include "core/element.h"
#include "core/kernels.h"
#include "kernels/reference/reference.h"

enum { MAX_HEAD_DIM = 256 };

/* Channel a of pair i is i * step, channel b `apart` further on. */
static void rotate(const float *x, const float *cosines, const float *sines, int64_t half,
                   int64_t step, int64_t apart, int64_t head_dim, float scale, float *y) {
  for (int64_t i = 0; i < half; i++) {
    double a = x[i * step], b = x[i * step + apart];
    y[i * step] = (float)((a * cosines[i] - b * sines[i]) * scale);
    y[i * step + apart] = (float)((b * cosines[i] + a * sines[i]) * scale);
  }
  for (int64_t i = 2 * half; i < head_dim; i++) y[i] = x[i] * scale;
}

static void rotate_half_split(const float *x, const float *cosines, const float *sines,
                              int64_t half, int64_t head_dim, float scale, float *y) {
  rotate(x, cosines, sines, half, 1, half, head_dim, scale, y);
}

static void rotate_interleaved(const float *x, const float *cosines, const float *sines,
                               int64_t half, int64_t head_dim, float scale, float *y) {
  rotate(x, cosines, sines, half, 2, 1, head_dim, scale, y);
}

/* One query over all keys, key by key. */
static void attend_query(const sks_attend_args *args, int32_t type, int64_t q) {
  const float *query = args->queries + q * args->stride;
  int64_t head_dim = args->head_dim, row_bytes = head_dim * sks_element_bytes(type);
  double max = args->softmax.max[q], sum = args->softmax.sum[q], acc[MAX_HEAD_DIM];
  for (int64_t c = 0; c < head_dim; c++) acc[c] = args->softmax.acc[q * args->stride + c];

  for (int64_t k = 0; k < args->key_count; k++) {
    float key[MAX_HEAD_DIM], value[MAX_HEAD_DIM];
    sks_reference_widen((const char *)args->keys + k * row_bytes, type, head_dim, key);
    sks_reference_widen((const char *)args->values + k * row_bytes, type, head_dim, value);
    double score = 0;
    for (int64_t c = 0; c < head_dim; c++) score += (double)query[c] * key[c];
    if (args->slopes) score -= args->slopes[q] * ((double)args->distances[q] - (double)k);
    if (score == -INFINITY) continue; /* weighs nothing, also where no larger score came before */
    if (score > max) {
      double keep = exp(max - score);
      sum *= keep;
      for (int64_t c = 0; c < head_dim; c++) acc[c] *= keep;
      max = score;
    }
    double weight = exp(score - max);
    sum += weight;
    for (int64_t c = 0; c < head_dim; c++) acc[c] += weight * value[c];
  }

  /* `max` is kept as a float: what was weighted by exp(-max) is weighted by what is kept. */
  args->softmax.max[q] = (float)max;
  double rounding = exp(max - (double)(float)max);
  args->softmax.sum[q] = (float)(sum * rounding);
  for (int64_t c = 0; c < head_dim; c++)
    args->softmax.acc[q * args->stride + c] = (float)(acc[c] * rounding);
}

static void attend(const sks_attend_args *args, int32_t type) {
  for (int64_t q = 0; q < args->query_count; q++) attend_query(args, type, q);
}

static void attend_f32(const sks_attend_args *args) { attend(args, SKS_F32); }

static void attend_f16(const sks_attend_args *args) { attend(args, SKS_F16); }

static void attend_bf16(const sks_attend_args *args) { attend(args, SKS_BF16); }

void sks_reference_attention(sks_kernels *table) {
  table->rotate[SKS_ROTARY_HALF_SPLIT] = rotate_half_split;
  table->rotate[SKS_ROTARY_INTERLEAVED] = rotate_interleaved;
  table->attend[SKS_F32] = attend_f32;
  table->attend[SKS_F16] = attend_f16;
  table->attend[SKS_BF16] = attend_bf16;
}
