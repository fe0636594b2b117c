/*
 * Packed weights and the input that their kernels take.
 *
 * A panel is SKS_PANEL_CHANNELS = 32 output channels, all columns, as one stream of memory that is
 * read from its first byte to its last: group after group of columns, each a header with the
 * scales, then its blocks of 32 columns. In a block, unit k (128 bytes) holds columns 4k..4k+3 of
 * channel 0, then those of channel 1, and so on: 16 channels are what one integer dot product
 * instruction takes. Whole numbers are unsigned; sks_zero_point says what stands for zero.
 *
 *   type  columns  header                                       a block
 *   Q8_0  64       f16 d[2 blocks][32]                          8 units of bytes
 *   Q4_0  64       f16 d[2 blocks][32]                          4 units of nibbles
 *   Q4_K  256      f16 d[32], dmin[32]; u8 scales[8][32],       4 units of nibbles
 *                  minima[8][32]
 *   Q5_K  256      as Q4_K                                      4 units of nibbles, 1 of fifth bits
 *   Q6_K  256      f16 d[32], 0[32]; i8 scales[16][32]          4 units of nibbles, 2 of bit pairs
 *   BF16  2        none                                         one unit: both columns of channel
 * 0, then of channel 1, and so on
 *
 * A unit k < 4 of nibbles has unit k in its low nibbles and unit k + 4 in its high ones. Bit k of a
 * byte of fifth bits belongs to that byte of unit k. Bits 2k and 2k + 1 of a byte of the first unit
 * of bit pairs belong to that byte of unit k, of the second one to unit k + 4.
 */
#ifndef SINKSTREAM_CORE_PANEL_H
#define SINKSTREAM_CORE_PANEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/blocks.h"

enum { SKS_PANEL_CHANNELS = 32, SKS_PANEL_BLOCK = 32, SKS_PANEL_UNIT = 4 * SKS_PANEL_CHANNELS };

/* Whether weights of the type can be packed; float32 and float16 are read as they are stored. */
static inline bool sks_packs(int32_t type) { return type >= SKS_BF16; }

typedef struct sks_panel_group {
  int32_t columns;
  int32_t header_bytes;
  int32_t block_bytes; /* of 32 columns */
  int32_t bytes;       /* in all */
} sks_panel_group;

static inline sks_panel_group sks_panel_group_of(int32_t type) {
  enum { CHANNELS = SKS_PANEL_CHANNELS, UNIT = SKS_PANEL_UNIT };
  switch (type) {
    case SKS_BF16:
      return (sks_panel_group){2, 0, 16 * UNIT, UNIT};
    case SKS_Q8_0:
      return (sks_panel_group){64, 4 * CHANNELS, 8 * UNIT, 4 * CHANNELS + 2 * 8 * UNIT};
    case SKS_Q4_0:
      return (sks_panel_group){64, 4 * CHANNELS, 4 * UNIT, 4 * CHANNELS + 2 * 4 * UNIT};
    case SKS_Q4_K:
      return (sks_panel_group){256, 20 * CHANNELS, 4 * UNIT, 20 * CHANNELS + 8 * 4 * UNIT};
    case SKS_Q5_K:
      return (sks_panel_group){256, 20 * CHANNELS, 5 * UNIT, 20 * CHANNELS + 8 * 5 * UNIT};
    default: /* SKS_Q6_K */
      return (sks_panel_group){256, 20 * CHANNELS, 6 * UNIT, 20 * CHANNELS + 8 * 6 * UNIT};
  }
}

/* Where a header's fields begin. */
enum {
  SKS_PANEL_DMIN = 2 * SKS_PANEL_CHANNELS,
  SKS_PANEL_SCALES = 4 * SKS_PANEL_CHANNELS,
  SKS_PANEL_MINIMA = 12 * SKS_PANEL_CHANNELS
};

/* Bytes of a panel. */
static inline int64_t sks_panel_bytes(int32_t type, int64_t columns) {
  sks_panel_group group = sks_panel_group_of(type);
  return (columns + group.columns - 1) / group.columns * group.bytes;
}

/*
 * 32 columns of an input row for quantised weights: x[i] is within a scale of scale *
 * (SKS_INPUT_BASE * high[i] + low[i]), two signed digits from -127 to 127. One digit alone, 8 bits,
 * is off by 1e-3 in a model's mean loss.
 */
enum {
  SKS_INPUT_DIGIT_BITS = 8,
  SKS_INPUT_BASE = 1 << SKS_INPUT_DIGIT_BITS,
  SKS_INPUT_DIGIT = 127
};

typedef struct sks_input_block {
  float scale;
  float minus_sum;       /* -(sum of x) */
  int32_t minus_sums[2]; /* -(sum of SKS_INPUT_BASE * high + low), of all, of the last 16 */
  int8_t high[SKS_PANEL_BLOCK];
  int8_t low[SKS_PANEL_BLOCK];
} sks_input_block;

/* Blocks of an input row: those of whole groups of any type. Blocks past the columns are zero. */
static inline int64_t sks_input_blocks(int64_t columns) { return (columns + 63) / 64 * 2; }

/* bf16 values of an input row: an even number. */
static inline int64_t sks_bf16_values(int64_t columns) { return (columns + 1) / 2 * 2; }

#endif
