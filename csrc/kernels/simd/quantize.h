/* Quantises an input row for packed weights, for any instruction set: include after its vector.h.
 * Rounds as the reference does. */
#ifndef SINKSTREAM_KERNELS_SIMD_QUANTIZE_H
#define SINKSTREAM_KERNELS_SIMD_QUANTIZE_H

#include "core/kernels.h"
#include "kernels/simd/elements.h"

/* Smaller than this a block's largest value is taken for zero: 127 over it would overflow. */
#define QUANTIZE_NOTHING 0x1p-100f

static void quantize(const float *x, int64_t columns, sks_input_block *blocks) {
  enum { VECTORS = SKS_PANEL_BLOCK / LANES };
  for (int64_t b = 0; b < sks_input_blocks(columns); b++) {
    vec values[VECTORS], largest = vec_zero();
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      int64_t at = b * SKS_PANEL_BLOCK + v * LANES;
      values[v] = at < columns ? load_left(x + at, columns - at, 0) : vec_zero();
      largest = vec_max_size(largest, vec_abs(values[v]));
    }
    sks_input_block *block = &blocks[b];
    float most = vec_largest_size(largest);
    bool nothing = most < QUANTIZE_NOTHING;
    float factor = nothing ? 0 : SKS_INPUT_DIGIT / most;
    block->scale = nothing ? 0 : most / (SKS_INPUT_DIGIT * SKS_INPUT_BASE);
    vec both[2] = {vec_zero(), vec_zero()}; /* of the first 16, of the others: exact, below 2^24 */
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      vec value = vec_mul(values[v], vec_set(factor)), high = vec_round(value);
      vec rest = vec_mul(vec_sub(value, high), vec_set(SKS_INPUT_BASE));
      vec low =
          vec_min(vec_max(vec_round(rest), vec_set(-SKS_INPUT_DIGIT)), vec_set(SKS_INPUT_DIGIT));
      vec_store_bytes(block->high + v * LANES, high);
      vec_store_bytes(block->low + v * LANES, low);
      vec digits = vec_fma(high, vec_set(SKS_INPUT_BASE), low);
      both[2 * v / VECTORS] = vec_add(both[2 * v / VECTORS], digits);
    }
    bool number = most == most; /* else the scale is none either */
    block->minus_sums[1] = number ? -(int32_t)vec_sum(both[1]) : 0;
    block->minus_sums[0] = number ? block->minus_sums[1] - (int32_t)vec_sum(both[0]) : 0;
    block->minus_sum = block->scale * (float)block->minus_sums[0];
  }
}

#endif
