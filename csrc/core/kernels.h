/*
 * The dispatch table: single-threaded kernels over plain memory. The reference kernels fill every
 * slot first; each instruction set the machine has then puts its own over those it improves.
 * The CPU's operations (csrc/cpu) check nothing that the public functions (csrc/ops) have checked,
 * split the work, and call through here.
 */
#ifndef SINKSTREAM_CORE_KERNELS_H
#define SINKSTREAM_CORE_KERNELS_H

#include <stdint.h>

#include "core/kv.h"
#include "core/panel.h"
#include "sinkstream/attention.h"

/*
 * y[r * y_stride + j] = <w[j], x[r]> for j in [0, n) and r in [0, rows). w [n, columns] of `type`,
 * the slot's, as it is stored, x [rows, columns]. `columns` is a whole number of blocks.
 */
typedef void sks_linear_kernel(int32_t type, const void *w, int64_t n, int64_t columns,
                               const float *x, int64_t rows, float *y, int64_t y_stride);

/*
 * The same for the SKS_PANEL_CHANNELS channels of one panel. x are `rows` rows of what the slot's
 * type takes: sks_input_blocks(columns) of sks_input_block, or sks_bf16_values(columns) of bf16.
 */
typedef void sks_panel_kernel(int32_t type, const void *panel, int64_t columns, const void *x,
                              int64_t rows, float *y, int64_t y_stride);

/*
 * The softmax of some queries over the keys they have met: their largest score, the sum of
 * exp(score - max), and the sum of values weighted so. Of no keys at all: -infinity, 0, 0.
 */
typedef struct sks_softmax {
  float *max; /* [queries] */
  float *sum; /* [queries] */
  float *acc; /* [queries, stride] */
} sks_softmax;

enum { SKS_ATTEND_SLOTS = 128 }; /* of the slots whose scores an attend kernel keeps at a time */

/*
 * Some queries meet consecutive rows of one KV head, all of them all of these. Rows of queries and
 * of `acc` are `stride` floats apart, a multiple of 16, zero from head_dim on, and aligned to 64
 * bytes.
 */
typedef struct sks_attend_args {
  const float *queries; /* [query_count, stride], rotated and scaled */
  int64_t query_count;
  int64_t stride;
  int64_t head_dim;
  const char *keys;   /* blocks of the slot's type (core/kv.h), aligned to 32 bytes */
  const char *values; /* likewise */
  int64_t slot;       /* of the first key among the blocks */
  int64_t key_count;
  const float *slopes; /* [query_count] ALiBi: score -= slope * distance; or NULL */
  /* [query_count] from the query to the first key, one less for each key after. */
  const float *distances;
  float *scores;       /* scratch [query_count, SKS_ATTEND_SLOTS] */
  sks_softmax softmax; /* in and out */
} sks_attend_args;

typedef struct sks_kernels {
  const char *isa;

  sks_linear_kernel *linear[SKS_TYPES];
  sks_panel_kernel *panel[SKS_TYPES]; /* only of types that sks_packs */
  /* An input row for quantised weights: sks_input_blocks(columns) blocks. */
  void (*quantize)(const float *x, int64_t columns, sks_input_block *blocks);

  /* `count` is a whole number of the type's blocks. */
  void (*widen[SKS_TYPES])(const void *source, int64_t count, float *target);
  void (*narrow[SKS_TYPES])(const float *source, int64_t count, void *target);

  /*
   * By layout: y = scale * x, [head_dim] and disjoint, with its first 2 * half channels rotated.
   * Where pair i is channels a and b, y[a] = x[a] cos[i] - x[b] sin[i] and y[b] = x[b] cos[i] +
   * x[a] sin[i].
   */
  void (*rotate[SKS_ROTARY_LAYOUTS])(const float *x, const float *cosines, const float *sines,
                                     int64_t half, int64_t head_dim, float scale, float *y);
  void (*attend[SKS_KV_TYPES])(const sks_attend_args *args);
  /*
   * x [head_dim] as an SKS_Q8_0 row: of each run of SKS_SCALE_CHANNELS channels the scale is its
   * largest magnitude / 127, rounded to f16, and the elements are the channels over the scale,
   * rounded and at most 127 in magnitude. A run that holds a NaN or an infinity, or is too large
   * for an f16 scale, becomes NaN.
   */
  void (*quantize_kv)(const float *x, int64_t head_dim, int8_t *elements, uint16_t *scales);

  void (*rms_norm)(const float *x, int64_t columns, const float *weight, float epsilon, float *y);
  void (*layer_norm)(const float *x, int64_t columns, const float *weight, const float *bias,
                     float epsilon, float *y);

  void (*silu_gate)(const float *gate, const float *up, int64_t count, float *y);
  void (*gelu_exact)(float *x, int64_t count);
  void (*gelu_tanh)(float *x, int64_t count);
  void (*clamp)(float *x, int64_t count, float limit);

  int64_t (*argmax)(const float *x, int64_t count);
  double (*log_sum_exp)(const float *x, int64_t count);
} sks_kernels;

/* Each overwrites the slots it has better kernels for. */
void sks_kernels_reference(sks_kernels *table);
void sks_kernels_avx2(sks_kernels *table);
void sks_kernels_avx512(sks_kernels *table);
void sks_kernels_avx512_vnni(sks_kernels *table);
void sks_kernels_avx512_bf16(sks_kernels *table);

#endif
