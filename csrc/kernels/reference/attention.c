#include <math.h>

#include "core/kv_row.h"
#include "kernels/reference/reference.h"
#include "kernels/reference/scalar.h"

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

static void load_row(sks_kv_row row, float *x) {
  char packed[SKS_MAX_ROW_BYTES];
  sks_kv_pack(row, packed);
  if (row.type != SKS_Q8_0) {
    sks_reference_widen(packed, row.type, row.head_dim, x);
    return;
  }
  for (int64_t c = 0; c < row.head_dim; c++)
    x[c] =
        (float)(int8_t)packed[c] * sks_load(packed + row.head_dim, c / SKS_SCALE_CHANNELS, SKS_F16);
}

/* One query over all keys, key by key. */
static void attend_query(const sks_attend_args *args, int32_t type, int64_t q) {
  const float *query = args->queries + q * args->stride;
  int64_t head_dim = args->head_dim;
  double max = args->softmax.max[q], sum = args->softmax.sum[q], acc[SKS_MAX_HEAD_DIM];
  for (int64_t c = 0; c < head_dim; c++) acc[c] = args->softmax.acc[q * args->stride + c];

  for (int64_t k = 0; k < args->key_count; k++) {
    float key[SKS_MAX_HEAD_DIM], value[SKS_MAX_HEAD_DIM];
    load_row(sks_kv_row_of(type, head_dim, true, args->keys, args->slot + k), key);
    load_row(sks_kv_row_of(type, head_dim, false, args->values, args->slot + k), value);
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

static void attend_q8_0(const sks_attend_args *args) { attend(args, SKS_Q8_0); }

/* In float, step by step as any other kernel: elements and scales are the same, bit for bit. */
static void quantize_kv(const float *x, int64_t head_dim, int8_t *elements, uint16_t *scales) {
  for (int64_t run = 0; run < head_dim; run += SKS_SCALE_CHANNELS) {
    int64_t end = run + SKS_SCALE_CHANNELS < head_dim ? run + SKS_SCALE_CHANNELS : head_dim;
    float largest = 0, poison = 0; /* a NaN where a channel is not finite */
    for (int64_t c = run; c < end; c++) {
      largest = fmaxf(largest, fabsf(x[c]));
      poison += x[c] * 0;
    }
    uint16_t half = sks_narrow_f16(largest / 127 + poison);
    float scale = sks_widen_f16(half), inverse = scale == 0 ? 0 : 1 / scale;
    for (int64_t c = run; c < end; c++) {
      float element = rintf(x[c] * inverse);
      elements[c] = (int8_t)(element > -127 ? element < 127 ? element : 127 : -127);
    }
    scales[run / SKS_SCALE_CHANNELS] = half;
  }
}

void sks_reference_attention(sks_kernels *table) {
  table->rotate[SKS_ROTARY_HALF_SPLIT] = rotate_half_split;
  table->rotate[SKS_ROTARY_INTERLEAVED] = rotate_interleaved;
  table->attend[SKS_F32] = attend_f32;
  table->attend[SKS_F16] = attend_f16;
  table->attend[SKS_BF16] = attend_bf16;
  table->attend[SKS_Q8_0] = attend_q8_0;
  table->quantize_kv = quantize_kv;
}
