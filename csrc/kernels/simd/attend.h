/*
 * Attention of some queries over consecutive slots of one KV head, for any instruction set: include
 * after its vector.h.
 *
 * Up to SKS_ATTEND_SLOTS slots at a time: scores of all queries, the softmax of each folded in,
 * then the weighted values. The blocks of core/kv.h are made for both products: a vector of keys is
 * one channel of SKS_KV_SLOTS keys, a vector of values is some channels of one value, and either is
 * multiplied by one number of each query of a tile. It is widened once for all of them, nothing is
 * summed across a vector, and CHAINS sums in flight hide an addition's latency.
 */
#ifndef SINKSTREAM_KERNELS_SIMD_ATTEND_H
#define SINKSTREAM_KERNELS_SIMD_ATTEND_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/kernels.h"
#include "core/round_up.h"
#include "kernels/simd/elements.h"
#include "kernels/simd/exp.h"

enum {
  CHAINS = 8,
  KEY_VECTORS = SKS_KV_SLOTS / LANES,
  TILE_QUERIES = CHAINS / KEY_VECTORS, /* most of a tile */
  GROUP_CHANNELS = SKS_KV_SLOTS,       /* of values: as many vectors as a block's keys have */
  GROUPS_PER_SCALE = SKS_SCALE_CHANNELS / GROUP_CHANNELS,
  LINE_BYTES = 64,
  SECOND_LEVEL = 2, /* of caches: the first has no room for more fetches than there are loads */
  BLOCKS_AHEAD = 2
};

/* LANES elements of keys or values of `type`. */
SKS_INLINE vec widen_elements(const char *at, const int32_t type) {
  return type == SKS_Q8_0 ? vec_widen_int8(at) : vec_widen(at, type);
}

/* The same where a row may end after 8 elements. */
SKS_INLINE vec half_elements(const char *at, const int32_t type) {
  return type == SKS_Q8_0 ? vec_widen_int8_half(at) : vec_widen_half(at, type);
}

/* Lanes [v * LANES, (v + 1) * LANES) of the block's scales number `run`. */
SKS_INLINE vec block_scales(const sks_attend_args *args, const char *block, int64_t run, int v) {
  return vec_widen(block + sks_kv_scales_at(SKS_Q8_0, args->head_dim) +
                       (run * SKS_KV_SLOTS + v * LANES) * SKS_SCALE_BYTES,
                   SKS_F16);
}

/* Whether arithmetic takes longer than reading: then the keys' product is the time to fetch the
 * values, and theirs that to fetch the next keys. Else memory is read as one stream at a time,
 * which the processor sees by itself, if only what comes behind the page at hand is asked for. */
SKS_INLINE bool fetches_by_turns(const int32_t type, const int count) {
  return count > 1 || type == SKS_Q8_0;
}

SKS_INLINE void fetch(const char *at, const int64_t bytes) {
#pragma GCC unroll SKS_UNROLL
  for (int64_t i = 0; i < bytes; i += LINE_BYTES) __builtin_prefetch(at + i, 0, SECOND_LEVEL);
}

/* sums[i * KEY_VECTORS + v]: query i with vector v of the block's keys, over channels [begin, end).
 * Each is summed up in several chains where there are few. */
SKS_INLINE void dot_block(const int32_t type, const char *keys, const float *queries,
                          int64_t stride, int64_t begin, int64_t end, const int count,
                          const char *next, vec *sums) {
  const int outputs = count * KEY_VECTORS, parts = CHAINS / outputs;
  const int step = parts > 4 ? parts : 4;
  const int64_t channel_bytes = SKS_KV_SLOTS * sks_kv_element_bytes(type);
  vec chains[CHAINS];
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < CHAINS; i++) chains[i] = vec_zero();
  for (int64_t c = begin; c < end; c += step) {
    fetch(next + c * channel_bytes, step * channel_bytes);
#pragma GCC unroll SKS_UNROLL
    for (int s = 0; s < step; s++) {
      vec key[KEY_VECTORS];
#pragma GCC unroll SKS_UNROLL
      for (int v = 0; v < KEY_VECTORS; v++)
        key[v] = widen_elements(
            keys + (c + s) * channel_bytes + v * LANES * sks_kv_element_bytes(type), type);
#pragma GCC unroll SKS_UNROLL
      for (int i = 0; i < count; i++) {
        vec channel = vec_set(queries[i * stride + c + s]);
#pragma GCC unroll SKS_UNROLL
        for (int v = 0; v < KEY_VECTORS; v++) {
          vec *chain = &chains[s % parts * outputs + i * KEY_VECTORS + v];
          *chain = vec_fma(channel, key[v], *chain);
        }
      }
    }
  }
#pragma GCC unroll SKS_UNROLL
  for (int half = CHAINS / 2; half >= outputs; half /= 2)
#pragma GCC unroll SKS_UNROLL
    for (int i = 0; i < half; i++) chains[i] = vec_add(chains[i], chains[i + half]);
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < outputs; i++) sums[i] = chains[i];
}

/* Scores of `count` queries from q on with the block at `keys`, the `index`-th of these slots. */
SKS_INLINE void score_tile(const int32_t type, const sks_attend_args *args, const char *keys,
                           int64_t index, int64_t q, const int count, const char *next) {
  const float *queries = args->queries + q * args->stride;
  vec sums[CHAINS];
  if (type == SKS_Q8_0) {
    vec run[CHAINS];
#pragma GCC unroll SKS_UNROLL
    for (int i = 0; i < CHAINS; i++) sums[i] = vec_zero();
    for (int64_t c = 0; c < args->head_dim; c += SKS_SCALE_CHANNELS) {
      int64_t left = args->head_dim - c;
      dot_block(type, keys, queries, args->stride, c,
                c + (left < SKS_SCALE_CHANNELS ? left : SKS_SCALE_CHANNELS), count, next, run);
#pragma GCC unroll SKS_UNROLL
      for (int i = 0; i < count * KEY_VECTORS; i++)
        sums[i] = vec_fma(run[i], block_scales(args, keys, c / SKS_SCALE_CHANNELS, i % KEY_VECTORS),
                          sums[i]);
    }
  } else {
    dot_block(type, keys, queries, args->stride, 0, args->head_dim, count, next, sums);
  }
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < count * KEY_VECTORS; i++)
    vec_store(args->scores + (q + i / KEY_VECTORS) * SKS_ATTEND_SLOTS + index * SKS_KV_SLOTS +
                  i % KEY_VECTORS * LANES,
              sums[i]);
}

SKS_INLINE void score_tiles(const int32_t type, const sks_attend_args *args, const char *keys,
                            const char *values, int64_t blocks, int64_t q, const int count) {
  const int64_t bytes = sks_kv_block_bytes(type, args->head_dim);
  for (int64_t b = 0; b < blocks; b++) {
    const char *next =
        fetches_by_turns(type, count) ? values + b * bytes : keys + (b + BLOCKS_AHEAD) * bytes;
    score_tile(type, args, keys + b * bytes, b, q, count, next);
  }
}

/* Scores of all queries with `blocks` blocks. */
SKS_INLINE void score_blocks(const int32_t type, const sks_attend_args *args, const char *keys,
                             const char *values, int64_t blocks) {
  int64_t q = 0;
  for (; q + TILE_QUERIES <= args->query_count; q += TILE_QUERIES)
    score_tiles(type, args, keys, values, blocks, q, TILE_QUERIES);
  if (TILE_QUERIES > 4 && q + 4 <= args->query_count) {
    score_tiles(type, args, keys, values, blocks, q, 4);
    q += 4;
  }
  if (q + 2 <= args->query_count) {
    score_tiles(type, args, keys, values, blocks, q, 2);
    q += 2;
  }
  if (q < args->query_count) score_tiles(type, args, keys, values, blocks, q, 1);
}

/* ALiBi: takes slope times distance off the scores of query q with `slots` slots, a whole number of
 * vectors, of which the first is number `first` among the keys. */
static inline void add_bias(const sks_attend_args *args, int64_t q, int64_t first, int64_t slots) {
  float *scores = args->scores + q * SKS_ATTEND_SLOTS;
  vec slope = vec_set(args->slopes[q]);
  for (int64_t k = 0; k < slots; k += LANES) {
    vec distance = vec_sub(vec_set(args->distances[q] - (float)(first + k)), vec_lane_numbers());
    vec_store(scores + k, vec_sub(vec_load(scores + k), vec_mul(slope, distance)));
  }
}

/*
 * Turns the scores of query q with the slots [begin, end) of these into weights, and folds their
 * largest and their sum into the softmax. Slot 0 is number `first` among the keys. Slots before
 * `begin` and after `end` weigh nothing, whatever lies there.
 */
static inline void weigh(const sks_attend_args *args, int64_t q, int64_t first, int64_t begin,
                         int64_t end) {
  float *scores = args->scores + q * SKS_ATTEND_SLOTS;
  int64_t padded = sks_round_up(end, LANES);
  if (args->slopes) add_bias(args, q, first, padded);
  for (int64_t k = 0; k < begin; k++) scores[k] = -INFINITY;
  for (int64_t k = end; k < padded; k++) scores[k] = -INFINITY;
  vec largest = vec_load(scores);
  for (int64_t k = LANES; k < padded; k += LANES) largest = vec_max(largest, vec_load(scores + k));
  vec before = vec_set(args->softmax.max[q]);
  vec max = vec_max(before, vec_set(vec_largest(largest)));
  vec_store_part(&args->softmax.max[q], max, 1);
  /* Scores of -infinity alone: subtracting the largest would make them NaN. */
  vec base = vec_max(vec_set(-FLT_MAX), max), sum = vec_zero();
  /* Without asking whether the largest is a new one, which the processor would often guess wrongly.
   */
  vec keep = vec_exp(vec_sub(before, base));
  float *acc = args->softmax.acc + q * args->stride;
  for (int64_t c = 0; c < args->stride; c += LANES)
    vec_store(acc + c, vec_mul(vec_load(acc + c), keep));
  for (int64_t k = 0; k < padded; k += LANES) {
    vec weight = vec_exp(vec_sub(vec_load(scores + k), base));
    vec_store(scores + k, weight);
    sum = vec_add(sum, weight);
  }
  args->softmax.sum[q] = args->softmax.sum[q] * vec_largest(keep) + vec_sum(sum);
}

/* What the values of the slots [begin, end) are multiplied by: row i + t * count is that of query i
 * for the t-th run of channels of a tile. */
typedef struct weights {
  const float *rows; /* SKS_ATTEND_SLOTS apart */
  int64_t begin, end;
  int64_t next; /* from the values to the keys of the slots after these */
} weights;

/* `groups` groups of channels from `group` on of `count` queries; the last one ends after 8
 * channels where `ragged`. */
SKS_INLINE void value_tile(const int32_t type, const sks_attend_args *args, const char *values,
                           weights w, int64_t q, int64_t group, const int count, const int groups,
                           const bool ragged) {
  const int64_t element = sks_kv_element_bytes(type), row_bytes = args->head_dim * element;
  float *acc = args->softmax.acc + q * args->stride + group * GROUP_CHANNELS;
  vec sums[CHAINS];
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < count * groups * KEY_VECTORS; i++)
    sums[i] = vec_load(acc + i / (groups * KEY_VECTORS) * args->stride +
                       i % (groups * KEY_VECTORS) * LANES);
  for (int64_t k = w.begin; k < w.end;) {
    /* Scales lie between the rows of one block and of the next. */
    int64_t block = k / SKS_KV_SLOTS, end = (block + 1) * SKS_KV_SLOTS;
    if (type != SKS_Q8_0 || end > w.end) end = w.end;
    const char *at = values + block * sks_kv_block_bytes(type, args->head_dim) +
                     k % SKS_KV_SLOTS * row_bytes + group * GROUP_CHANNELS * element;
#pragma GCC unroll 4
    for (; k < end; k++, at += row_bytes) {
      if (fetches_by_turns(type, count)) fetch(at + w.next, LINE_BYTES);
      vec value[CHAINS];
#pragma GCC unroll SKS_UNROLL
      for (int j = 0; j < groups * KEY_VECTORS; j++) {
        bool half = ragged && j / KEY_VECTORS == groups - 1;
        if (half && j % KEY_VECTORS * LANES >= 8)
          value[j] = vec_zero();
        else if (half)
          value[j] = half_elements(at + j * LANES * element, type);
        else
          value[j] = widen_elements(at + j * LANES * element, type);
      }
#pragma GCC unroll SKS_UNROLL
      for (int i = 0; i < count; i++) {
#pragma GCC unroll SKS_UNROLL
        for (int j = 0; j < groups * KEY_VECTORS; j++) {
          int run = type == SKS_Q8_0 ? j / KEY_VECTORS / GROUPS_PER_SCALE : 0;
          vec weight = vec_set(w.rows[(i + run * count) * SKS_ATTEND_SLOTS + k]);
          vec *sum = &sums[i * groups * KEY_VECTORS + j];
          *sum = vec_fma(weight, value[j], *sum);
        }
      }
    }
  }
#pragma GCC unroll SKS_UNROLL
  for (int i = 0; i < count * groups * KEY_VECTORS; i++)
    vec_store(acc + i / (groups * KEY_VECTORS) * args->stride + i % (groups * KEY_VECTORS) * LANES,
              sums[i]);
}

/* The weights of `count` queries times the scales of `runs` runs of channels from `run` on. */
SKS_INLINE void scale_weights(const sks_attend_args *args, const char *values, const float *from,
                              int64_t end, int64_t run, const int count, const int runs,
                              float *scaled) {
  for (int64_t k = 0; k < end; k += SKS_KV_SLOTS) {
    const char *block = values + k / SKS_KV_SLOTS * sks_kv_block_bytes(SKS_Q8_0, args->head_dim);
    for (int t = 0; t < runs; t++)
      for (int v = 0; v < KEY_VECTORS; v++) {
        vec scale = block_scales(args, block, run + t, v);
        for (int i = 0; i < count; i++) {
          int64_t at = i * SKS_ATTEND_SLOTS + k + v * LANES;
          vec_store(scaled + t * count * SKS_ATTEND_SLOTS + at,
                    vec_mul(vec_load(from + at), scale));
        }
      }
  }
}

/* Tiles of `groups` groups while there are so many, from `group` on; returns the group after them.
 */
SKS_INLINE int64_t value_tiles(const int32_t type, const sks_attend_args *args, const char *values,
                               weights w, int64_t q, int64_t group, const int count,
                               const int groups, float *scaled) {
  int64_t all = (args->head_dim + GROUP_CHANNELS - 1) / GROUP_CHANNELS;
  for (; group + groups <= all; group += groups) {
    weights of = w;
    of.rows += q * SKS_ATTEND_SLOTS;
    if (type == SKS_Q8_0) {
      const int runs = (groups + GROUPS_PER_SCALE - 1) / GROUPS_PER_SCALE;
      if (group % GROUPS_PER_SCALE == 0) /* else the last tile's are these */
        scale_weights(args, values, of.rows, w.end, group / GROUPS_PER_SCALE, count, runs, scaled);
      of.rows = scaled;
    }
    if (group + groups == all && args->head_dim % GROUP_CHANNELS != 0)
      value_tile(type, args, values, of, q, group, count, groups, true);
    else
      value_tile(type, args, values, of, q, group, count, groups, false);
  }
  return group;
}

/* All channels of `count` queries, most groups first. */
SKS_INLINE void add_values(const int32_t type, const sks_attend_args *args, const char *values,
                           weights w, int64_t q, const int count) {
  const int most = CHAINS / (count * KEY_VECTORS);
  float scaled[CHAINS * SKS_ATTEND_SLOTS]; /* of runs of channels times queries, at most so many */
  int64_t group = 0;
  if (most >= 8) group = value_tiles(type, args, values, w, q, group, count, 8, scaled);
  if (most >= 4) group = value_tiles(type, args, values, w, q, group, count, 4, scaled);
  if (most >= 2) group = value_tiles(type, args, values, w, q, group, count, 2, scaled);
  value_tiles(type, args, values, w, q, group, count, 1, scaled);
}

SKS_INLINE void add_all_values(const int32_t type, const sks_attend_args *args, const char *values,
                               weights w) {
  int64_t q = 0;
  for (; q + TILE_QUERIES <= args->query_count; q += TILE_QUERIES)
    add_values(type, args, values, w, q, TILE_QUERIES);
  if (TILE_QUERIES > 4 && q + 4 <= args->query_count) {
    add_values(type, args, values, w, q, 4);
    q += 4;
  }
  if (q + 2 <= args->query_count) {
    add_values(type, args, values, w, q, 2);
    q += 2;
  }
  if (q < args->query_count) add_values(type, args, values, w, q, 1);
}

SKS_INLINE void attend_type(const int32_t type, const sks_attend_args *args) {
  const int64_t bytes = sks_kv_block_bytes(type, args->head_dim);
  int64_t end = args->slot + args->key_count;
  for (int64_t at = args->slot / SKS_KV_SLOTS * SKS_KV_SLOTS; at < end; at += SKS_ATTEND_SLOTS) {
    int64_t skip = at < args->slot ? args->slot - at : 0;
    int64_t stop = end - at < SKS_ATTEND_SLOTS ? end - at : SKS_ATTEND_SLOTS;
    int64_t blocks = (stop + SKS_KV_SLOTS - 1) / SKS_KV_SLOTS;
    const char *keys = args->keys + at / SKS_KV_SLOTS * bytes,
               *values = args->values + at / SKS_KV_SLOTS * bytes;
    score_blocks(type, args, keys, values, blocks);
    for (int64_t q = 0; q < args->query_count; q++) weigh(args, q, at - args->slot, skip, stop);
    add_all_values(type, args, values,
                   (weights){args->scores, skip, stop, keys - values + blocks * bytes});
  }
}

static void attend_f32(const sks_attend_args *args) { attend_type(SKS_F32, args); }

static void attend_f16(const sks_attend_args *args) { attend_type(SKS_F16, args); }

static void attend_bf16(const sks_attend_args *args) { attend_type(SKS_BF16, args); }

static void attend_q8_0(const sks_attend_args *args) { attend_type(SKS_Q8_0, args); }

static void quantize_kv(const float *x, int64_t head_dim, int8_t *elements, uint16_t *scales) {
  for (int64_t run = 0; run < head_dim; run += SKS_SCALE_CHANNELS) {
    int64_t left = head_dim - run, count = left < SKS_SCALE_CHANNELS ? left : SKS_SCALE_CHANNELS;
    vec largest = vec_zero(), poison = vec_zero(); /* a NaN where a channel is not finite */
    for (int64_t c = 0; c < count; c += LANES) {
      vec channels = load_left(x + run + c, count - c, 0);
      largest = vec_max(vec_abs(channels), largest);
      poison = vec_add(poison, vec_mul(channels, vec_zero()));
    }
    vec scale = vec_set(vec_largest(largest) / 127 + vec_sum(poison));
    char halves[LANES * 2];
    vec_narrow(halves, scale, SKS_F16);
    memcpy(&scales[run / SKS_SCALE_CHANNELS], halves, sizeof *scales);
    float rounded;
    vec_store_part(&rounded, vec_widen(halves, SKS_F16), 1);
    vec inverse = vec_set(rounded == 0 ? 0 : 1 / rounded);
    for (int64_t c = 0; c < count; c += LANES) {
      vec element = vec_mul(load_left(x + run + c, count - c, 0), inverse);
      element = vec_min(vec_max(element, vec_set(-127)), vec_set(127)); /* -127 where it is NaN */
      int8_t bytes[LANES];
      vec_narrow_int8(bytes, element);
      memcpy(elements + run + c, bytes, (size_t)(count - c < LANES ? count - c : LANES));
    }
  }
}

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
  table->attend[SKS_Q8_0] = attend_q8_0;
  table->quantize_kv = quantize_kv;
}

#endif
