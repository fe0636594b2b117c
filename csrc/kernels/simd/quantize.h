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
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
      vec value = vec_mul(values[v], vec_set(factor)), high = vec_round(value);
      vec_store_bytes(block->high + v * LANES, high);
      vec rest = vec_mul(vec_sub(value, high), vec_set(SKS_INPUT_BASE));
      vec low = vec_max(vec_round(rest), vec_set(-SKS_INPUT_DIGIT));
      vec_store_bytes(block->low + v * LANES, vec_min(low, vec_set(SKS_INPUT_DIGIT)));
    }
    int32_t minus[2] = {0};
    for (int i = 0; i < SKS_PANEL_BLOCK; i++)
      minus[i / 16] -= SKS_INPUT_BASE * block->high[i] + block->low[i];
    block->minus_sums[0] = minus[0] + minus[1];
    block->minus_sums[1] = minus[1];
    block->minus_sum = block->scale * (float)block->minus_sums[0];
  }
}

#endif
