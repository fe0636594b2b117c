/*
 * Attention of some queries over consecutive rows of one KV head, for any instruction set: include
 * after its vector.h.
 *
 * Blocks of SKS_ATTEND_BLOCK keys: scores of all queries, the softmax of each folded in, then the
 * weighted values. Both products go by tiles that fill the registers, so that a key or value is
 * loaded and widened once for several queries and comes from memory once for all. With one query
 * (decoding, MHA) a tile is LANES whole keys, read as a stream.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_ATTEND_H
#define SINKSTREAM_KERNELS_SIMD_ATTEND_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/element.h"
#include "core/kernels.h"
#include "kernels/simd/exp.h"

enum {
  TILE_QUERIES = LANES / 4, /* of the tiles for many queries */
  TILE_VECTORS = 4,         /* of values, in those */
  PAIR_VECTORS = LANES / 2, /* of values, for two queries */
  ROW_VECTORS = 8           /* of values, for one query: so many sums hide an addition's latency */
};

/* What is fixed where a kernel is instantiated. */
typedef struct shape {
  int32_t type;
  int64_t head_dim;
  bool tuned; /* head_dim is a constant, too */
} shape;

SKS_INLINE int64_t row_bytes(shape s) { return s.head_dim * sks_element_bytes(s.type); }

SKS_INLINE int64_t row_vectors(shape s) { return (s.head_dim + LANES - 1) / LANES; }

/* Vector `v` of a row; never reads past the row. */
SKS_INLINE vec row_vector(shape s, const char *row, int64_t v) {
  const char *at = row + v * LANES * sks_element_bytes(s.type);
  if (s.head_dim % LANES != 0 && v == s.head_dim / LANES) return vec_widen_half(at, s.type);
  return vec_widen(at, s.type);
}

/*
 * Reads one element of each line of memory of a row. Tiles for several queries read their rows in
 * columns, where the processor does not see what comes; having met the rows in the order of memory
 * it fetches ahead.
 */
SKS_INLINE void touch_row(shape s, const char *row) {
#pragma GCC unroll SKS_UNROLL
  for (int64_t i = 0; i < row_bytes(s); i += 64) (void)*(const volatile char *)(row + i);
}

/* Scores of `queries` queries from q on with LANES / queries keys from k on; past the block's last
 * key, that key again. */
SKS_INLINE void score_tile(shape s, const sks_attend_args *args, const char *keys, int64_t count,
                           int64_t q, int64_t k, const int queries) {
  const int tile_keys = LANES / queries;
  const float *query = args->queries + q * args->stride;
  const char *rows[LANES];
  vec sums[LANES];
#pragma GCC unroll SKS_UNROLL
  for (int j = 0; j < tile_keys; j++)
    rows[j] = keys + (k + j < count ? k + j : count - 1) * row_bytes(s);
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < LANES; i++) sums[i] = vec_zero();
  if (queries == 1) {
    /* Row by row, as memory delivers them: in columns the processor would not see what comes. */
#pragma GCC unroll SKS_UNROLL
    for (int j = 0; j < LANES; j++) {
#pragma GCC unroll SKS_UNROLL
      for (int64_t v = 0; v < row_vectors(s); v++)
        sums[j] = vec_fma(vec_load(query + v * LANES), row_vector(s, rows[j], v), sums[j]);
      __asm__ volatile("" ::: "memory"); /* or GCC mixes the rows again */
    }
  } else {
    for (int j = 0; q == 0 && j < tile_keys; j++) touch_row(s, rows[j]);
    for (int64_t v = 0; v < row_vectors(s); v++) {
      vec key[LANES];
#pragma GCC unroll SKS_UNROLL
      for (int j = 0; j < tile_keys; j++) key[j] = row_vector(s, rows[j], v);
#pragma GCC unroll SKS_UNROLL
      for (int i = 0; i < queries; i++) {
        vec part = vec_load(query + i * args->stride + v * LANES);
#pragma GCC unroll SKS_UNROLL
        for (int j = 0; j < tile_keys; j++)
          sums[i * tile_keys + j] = vec_fma(part, key[j], sums[i * tile_keys + j]);
      }
    }
  }
  float scores[LANES];
  vec_store(scores, vec_sums(sums));
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < queries; i++)
    memcpy(args->scores + (q + i) * SKS_ATTEND_BLOCK + k, scores + i * tile_keys,
           tile_keys * sizeof(float));
}

SKS_INLINE void score_block(shape s, const sks_attend_args *args, const char *keys, int64_t count) {
  int64_t q = 0;
  for (; q + TILE_QUERIES <= args->query_count; q += TILE_QUERIES)
    for (int64_t k = 0; k < count; k += LANES / TILE_QUERIES)
      score_tile(s, args, keys, count, q, k, TILE_QUERIES);
  if (q + 2 <= args->query_count) {
    for (int64_t k = 0; k < count; k += LANES / 2) score_tile(s, args, keys, count, q, k, 2);
    q += 2;
  }
  if (q < args->query_count)
    for (int64_t k = 0; k < count; k += LANES) score_tile(s, args, keys, count, q, k, 1);
}

/*
 * Turns the scores of query q with `count` keys, the block's first being number `first`, into
 * weights, and folds their largest and their sum into the softmax.
 */
SKS_INLINE void weigh(const sks_attend_args *args, int64_t q, int64_t first, int64_t count,
                      int64_t vectors) {
  float *scores = args->scores + q * SKS_ATTEND_BLOCK;
  int64_t padded = (count + LANES - 1) / LANES * LANES;
  for (int64_t k = count; k < padded; k++) scores[k] = -INFINITY;
  vec largest = vec_set(-INFINITY);
  for (int64_t k = 0; k < padded; k += LANES) {
    vec score = vec_load(scores + k);
    if (args->slopes) {
      vec distance = vec_sub(vec_set(args->distances[q] - (float)(first + k)), vec_lane_numbers());
      score = vec_sub(score, vec_mul(vec_set(args->slopes[q]), distance));
      vec_store(scores + k, score);
    }
    largest = vec_max(largest, score);
  }
  float *max = &args->softmax.max[q];
  float block_max = vec_largest(largest);
  if (!(block_max <= *max)) {
    float *acc = args->softmax.acc + q * args->stride;
    vec keep = vec_exp(vec_set(*max - block_max));
    for (int64_t v = 0; v < vectors; v++)
      vec_store(acc + v * LANES, vec_mul(vec_load(acc + v * LANES), keep));
    args->softmax.sum[q] *= vec_largest(keep);
    *max = block_max;
  }
  /* Scores of -infinity alone: subtracting the largest would make them NaN. */
  vec base = vec_set(*max == -INFINITY ? 0.0f : *max), sum = vec_zero();
  for (int64_t k = 0; k < padded; k += LANES) {
    vec weight = vec_exp(vec_sub(vec_load(scores + k), base));
    vec_store(scores + k, weight);
    sum = vec_add(sum, weight);
  }
  args->softmax.sum[q] += vec_sum(sum);
}

/* Adds the weighted values of the block to vectors [v, v + vectors) of queries [q, q + queries). */
SKS_INLINE void value_tile(shape s, const sks_attend_args *args, const char *values, int64_t count,
                           int64_t q, int64_t v, const int queries, const int vectors) {
  float *acc = args->softmax.acc + q * args->stride + v * LANES;
  const float *weights = args->scores + q * SKS_ATTEND_BLOCK;
  vec sums[TILE_QUERIES * TILE_VECTORS > ROW_VECTORS ? TILE_QUERIES * TILE_VECTORS : ROW_VECTORS];
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < queries; i++)
#pragma GCC unroll SKS_UNROLL
    for (int j = 0; j < vectors; j++)
      sums[i * vectors + j] = vec_load(acc + i * args->stride + j * LANES);
  for (int64_t k = 0; k < count; k++) {
    if ((queries > 1 || vectors < row_vectors(s)) && q == 0 && v == 0)
      touch_row(s, values + k * row_bytes(s));
    vec value[ROW_VECTORS];
#pragma GCC unroll SKS_UNROLL
    for (int j = 0; j < vectors; j++) value[j] = row_vector(s, values + k * row_bytes(s), v + j);
#pragma GCC unroll SKS_UNROLL
    for (int i = 0; i < queries; i++) {
      vec weight = vec_set(weights[i * SKS_ATTEND_BLOCK + k]);
#pragma GCC unroll SKS_UNROLL
      for (int j = 0; j < vectors; j++)
        sums[i * vectors + j] = vec_fma(weight, value[j], sums[i * vectors + j]);
    }
  }
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < queries; i++)
#pragma GCC unroll SKS_UNROLL
    for (int j = 0; j < vectors; j++)
      vec_store(acc + i * args->stride + j * LANES, sums[i * vectors + j]);
}

/* All vectors of some queries, in tiles of `most` and one of what is left. */
SKS_INLINE void value_tiles(shape s, const sks_attend_args *args, const char *values, int64_t count,
                            int64_t q, const int queries, const int most) {
  int64_t v = 0;
  for (; v + most <= row_vectors(s); v += most)
    value_tile(s, args, values, count, q, v, queries, most);
  if (s.tuned) {
    if (row_vectors(s) % most)
      value_tile(s, args, values, count, q, v, queries, (int)(row_vectors(s) % most));
  } else {
    for (; v < row_vectors(s); v++) value_tile(s, args, values, count, q, v, queries, 1);
  }
}

SKS_INLINE void value_block(shape s, const sks_attend_args *args, const char *values,
                            int64_t count) {
  int64_t q = 0;
  for (; q + TILE_QUERIES <= args->query_count; q += TILE_QUERIES)
    value_tiles(s, args, values, count, q, TILE_QUERIES, TILE_VECTORS);
  if (q + 2 <= args->query_count) {
    value_tiles(s, args, values, count, q, 2, PAIR_VECTORS);
    q += 2;
  }
  if (q < args->query_count) value_tiles(s, args, values, count, q, 1, ROW_VECTORS);
}

SKS_INLINE void attend_shape(shape s, const sks_attend_args *args) {
  for (int64_t first = 0; first < args->key_count; first += SKS_ATTEND_BLOCK) {
    int64_t left = args->key_count - first,
            count = left < SKS_ATTEND_BLOCK ? left : SKS_ATTEND_BLOCK;
    score_block(s, args, (const char *)args->keys + first * row_bytes(s), count);
    for (int64_t q = 0; q < args->query_count; q++) weigh(args, q, first, count, row_vectors(s));
    value_block(s, args, (const char *)args->values + first * row_bytes(s), count);
  }
}

/* One function for each head_dim that models use, so that its loops have constant ends, and one for
 * all others. */
SKS_INLINE void attend_type(const int32_t type, const sks_attend_args *args) {
  switch (args->head_dim) {
    case 64:
      attend_shape((shape){type, 64, true}, args);
      break;
    case 80:
      attend_shape((shape){type, 80, true}, args);
      break;
    case 96:
      attend_shape((shape){type, 96, true}, args);
      break;
    case 112:
      attend_shape((shape){type, 112, true}, args);
      break;
    case 128:
      attend_shape((shape){type, 128, true}, args);
      break;
    default:
      attend_shape((shape){type, args->head_dim, false}, args);
  }
}

static void attend_f32(const sks_attend_args *args) { attend_type(SKS_F32, args); }

static void attend_f16(const sks_attend_args *args) { attend_type(SKS_F16, args); }

static void attend_bf16(const sks_attend_args *args) { attend_type(SKS_BF16, args); }

static void rotate_half_split(const float *restrict x, const float *restrict cosines,
                              const float *restrict sines, int64_t half, int64_t head_dim,
                              float scale, float *restrict y) {
  for (int64_t i = 0; i < half; i++) {
    y[i] = (x[i] * cosines[i] - x[i + half] * sines[i]) * scale;
    y[i + half] = (x[i + half] * cosines[i] + x[i] * sines[i]) * scale;
  }
  for (int64_t i = 2 * half; i < head_dim; i++) y[i] = x[i] * scale;
}

static void rotate_interleaved(const float *restrict x, const float *restrict cosines,
                               const float *restrict sines, int64_t half, int64_t head_dim,
                               float scale, float *restrict y) {
  for (int64_t i = 0; i < half; i++) {
    y[2 * i] = (x[2 * i] * cosines[i] - x[2 * i + 1] * sines[i]) * scale;
    y[2 * i + 1] = (x[2 * i + 1] * cosines[i] + x[2 * i] * sines[i]) * scale;
  }
  for (int64_t i = 2 * half; i < head_dim; i++) y[i] = x[i] * scale;
}

static void fill_attention(sks_kernels *table) {
  table->rotate[SKS_ROTARY_HALF_SPLIT] = rotate_half_split;
  table->rotate[SKS_ROTARY_INTERLEAVED] = rotate_interleaved;
  table->attend[SKS_F32] = attend_f32;
  table->attend[SKS_F16] = attend_f16;
  table->attend[SKS_BF16] = attend_bf16;
}

#endif
