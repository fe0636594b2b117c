/*
 * Packed weights and the input that their kernels take.
 *
 * A panel is SKS_PANEL_CHANNELS = 32 output channels, all columns, as one stream of memory that is
 * read from its first byte to its last: group after group of columns, each a header, then its
 * blocks of 32 columns. A block is 64 bytes with its scales, then units of 128 bytes: unit k holds
 * columns 4k..4k+3 of channel 0, then those of channel 1, and so on. 16 channels are what one
 * integer dot product instruction takes. Whole numbers are unsigned; sks_zero_point says what
 * stands for zero.
 *
 *   type  columns  header              scales of a block          units of a block
 *   Q8_0  32       none                f16 d[32]                  8 of bytes
 *   Q4_0  32       none                f16 d[32]                  4 of nibbles
 *   Q4_K  256      f16 d[32], dmin[32] u8 scales[32], minima[32]  4 of nibbles
 *   Q5_K  256      f16 d[32], dmin[32] u8 scales[32], minima[32]  4 of nibbles, 1 of fifth bits
 *   Q6_K  256      f16 d[32]           i8 scales[2][32]           4 of nibbles, 2 of bit pairs
 *   BF16  2        none                none                       1: both columns of each channel
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
#include "core/round_up.h"

enum {
  SKS_PANEL_CHANNELS = 32,
  SKS_PANEL_BLOCK = 32,
  SKS_PANEL_SCALES = 2 * SKS_PANEL_CHANNELS, /* bytes of a block's scales */
  SKS_PANEL_UNIT = 4 * SKS_PANEL_CHANNELS
};

/* Whether weights of the type can be packed; float32 and float16 are read as they are stored. */
static inline bool sks_packs(int32_t type) { return type >= SKS_BF16; }

typedef struct sks_panel_group {
  int32_t columns;
  int32_t header_bytes;
  int32_t block_bytes;
  int32_t bytes; /* in all */
} sks_panel_group;

/* A group of quantised columns. */
static inline sks_panel_group sks_panel_blocks(int32_t columns, int32_t header_bytes,
                                               int32_t units) {
  int32_t block = SKS_PANEL_SCALES + units * SKS_PANEL_UNIT;
  return (sks_panel_group){columns, header_bytes, block,
                           header_bytes + columns / SKS_PANEL_BLOCK * block};
}

static inline sks_panel_group sks_panel_group_of(int32_t type) {
  switch (type) {
    case SKS_BF16:
      return (sks_panel_group){2, 0, 0, SKS_PANEL_UNIT};
    case SKS_Q8_0:
      return sks_panel_blocks(32, 0, 8);
    case SKS_Q4_0:
      return sks_panel_blocks(32, 0, 4);
    case SKS_Q4_K:
      return sks_panel_blocks(256, 4 * SKS_PANEL_CHANNELS, 4);
    case SKS_Q5_K:
      return sks_panel_blocks(256, 4 * SKS_PANEL_CHANNELS, 5);
    default: /* SKS_Q6_K */
      return sks_panel_blocks(256, 2 * SKS_PANEL_CHANNELS, 6);
  }
}

/* Where dmin begins in a header, and minima, or the scales of the last 16 columns, in a block. */
enum { SKS_PANEL_DMIN = 2 * SKS_PANEL_CHANNELS, SKS_PANEL_MORE_SCALES = SKS_PANEL_CHANNELS };

/* Bytes of a panel. */
static inline int64_t sks_panel_bytes(int32_t type, int64_t columns) {
  sks_panel_group group = sks_panel_group_of(type);
  return sks_ceil_div(columns, group.columns) * group.bytes;
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

/* Blocks of an input row. What is past the columns is zero. */
static inline int64_t sks_input_blocks(int64_t columns) {
  return sks_ceil_div(columns, SKS_PANEL_BLOCK);
}

/* bf16 values of an input row: an even number. */
static inline int64_t sks_bf16_values(int64_t columns) { return sks_round_up(columns, 2); }

#endif
