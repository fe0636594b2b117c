// A row of x on its way into a linear layer, by blocks that each need all of it: its norm, and its
// whole numbers where the weights are quantised.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_LINEAR_INPUT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_LINEAR_INPUT_CUH

#include "cuda/kernels/device/input_numbers.cuh"
#include "sinkstream/norm.h"

struct sks_input_norm {
  const float *weight, *bias;  // NULL: no norm, no bias
  float epsilon;
  float share;  // 1 / columns: to divide takes many instructions
  int32_t kind;
  int32_t threads;  // that share a layer norm's sums: as many whatever the rows of x

  __device__ bool is(int32_t of_kind) const { return weight && kind == of_kind; }
  // 1 over the square root of the mean square + epsilon.
  __device__ float scale(float squares) const { return rsqrtf(fmaf(squares, share, epsilon)); }
};

// Columns from `first` on, of `total`, a multiple of four: zero past the end.
template <int columns>
__device__ static inline void sks_load_fours(const float *x, int32_t total, int32_t first,
                                             float (&values)[columns]) {
#pragma unroll
  for (int i = 0; i < columns; i += 4) {
    float4 four = make_float4(0, 0, 0, 0);
    if (first + i < total) four = *reinterpret_cast<const float4 *>(x + first + i);
    memcpy(values + i, &four, sizeof four);
  }
}

// The same of any number, or of one that is known to be a multiple of `whole`.
template <int whole, int columns>
__device__ static inline void sks_load_columns(const float *x, int32_t total, int32_t first,
                                               float (&values)[columns]) {
  if (whole % 4 == 0 || total % 4 == 0) {
    sks_load_fours(x, total, first, values);
  } else {
#pragma unroll
    for (int i = 0; i < columns; i++) values[i] = first + i < total ? x[first + i] : 0.0f;
  }
}

// Mean of a row, and the sum of squares of the distances from it, by `threads` of the block;
// `share` is 1 / columns, `scratch` [SKS_MOST_WARPS] twice. Not in line, as RMS norms are what most
// models have.
__device__ static __noinline__ float2 sks_measure_row(const float *row, int32_t columns,
                                                      int32_t threads, float share,
                                                      float *scratch) {
  int32_t thread = sks_block_thread(), first = thread < threads ? thread : columns;
  float sum = 0, squares = 0;
  for (int32_t c = first; c < columns; c += threads) sum += row[c];
  float mean = sks_block_sum(sum, scratch) * share;
  for (int32_t c = first; c < columns; c += threads)
    squares = fmaf(row[c] - mean, row[c] - mean, squares);
  return make_float2(mean, sks_block_sum(squares, scratch + SKS_MOST_WARPS));
}

// What is done of a norm before rows of the matrix are summed: (x - mean) scale factor + term. An
// RMS norm's division comes after that, so that nobody waits for it.
struct sks_row_norm {
  float mean = 0, scale = 1;

  // Of a layer norm, by the block.
  __device__ void measure(const sks_input_norm &norm, int32_t columns, const float *row,
                          float *scratch) {
    float2 its = sks_measure_row(row, columns, norm.threads, norm.share, scratch);
    mean = its.x;
    scale = norm.scale(its.y);
  }

  // Columns from `first` on, of a multiple of `whole`; the sum of their squares before.
  template <int whole, int count>
  __device__ float apply(const sks_input_norm &norm, int32_t columns, int32_t first,
                         const float *factors, float *x) const {
    float squares = 0;
    if (norm.kind == SKS_RMS_NORM) {
#pragma unroll
      for (int i = 0; i < count; i++) {
        squares = fmaf(x[i], x[i], squares);
        x[i] *= factors[i];
      }
      return squares;
    }
    float terms[count] = {};
    if (norm.bias) sks_load_columns<whole>(norm.bias, columns, first, terms);
#pragma unroll
    for (int i = 0; i < count; i++) x[i] = fmaf((x[i] - mean) * scale, factors[i], terms[i]);
    return 0;
  }
};

// Threads of a block turn a row of x into whole numbers, eight columns each at a time, the next
// ones on their way.
struct sks_number_maker {
  enum { AT_ONCE = sks_input_numbers::COLUMNS };
  const sks_input_norm &norm;
  int32_t columns, first, step;
  float factors[AT_ONCE];  // of the norm, for the first columns: there before x is

  // Thread `thread` of `threads`, whole warps.
  __device__ sks_number_maker(const sks_input_norm &input_norm, int32_t row_columns, int32_t thread,
                              int32_t threads)
      : norm(input_norm), columns(row_columns), first(thread * AT_ONCE), step(threads * AT_ONCE) {
    if (norm.weight && thread >= 0) load(norm.weight, first, factors);
  }

  __device__ void make(const sks_row_norm &measured, const float *row,
                       const sks_input_numbers &numbers) const {
    float x[AT_ONCE], its[AT_ONCE];
    memcpy(its, factors, sizeof its);
    load(row, first, x);
    // Whole warps go on: their lanes exchange.
    const auto is_there = [&](int32_t c) { return c - first % (AT_ONCE * SKS_WARP) < columns; };
#pragma unroll 1
    for (int32_t c = first; is_there(c);) {
      float next[AT_ONCE];
      const bool more = is_there(c + step);
      if (more) load(row, c + step, next);
      float squares = 0;
      if (norm.weight) squares = measured.apply<AT_ONCE, AT_ONCE>(norm, columns, c, its, x);
      numbers.put(x, squares, c, columns);
      c += step;
      if (!more) break;
      memcpy(x, next, sizeof x);
      if (norm.weight) load(norm.weight, c, its);
    }
  }

 private:
  // Columns from `c` on; past the end any.
  __device__ void load(const float *from, int32_t c, float (&values)[AT_ONCE]) const {
    const float4 *fours = reinterpret_cast<const float4 *>(from + min(c, columns - AT_ONCE));
#pragma unroll
    for (int i = 0; i < AT_ONCE / 4; i++) {
      const float4 four = fours[i];
      memcpy(values + 4 * i, &four, sizeof four);
    }
  }
};

#endif
