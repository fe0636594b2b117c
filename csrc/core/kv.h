/*
 * How the keys, and how the values, of one KV head lie in memory: what append writes, and
 * attention, eviction and states read. Blocks of SKS_KV_SLOTS slots one behind the other, and in a
 * block
 *
 *   keys    elements [head_dim][SKS_KV_SLOTS], scales [runs][SKS_KV_SLOTS]
 *   values  elements [SKS_KV_SLOTS][head_dim], scales [runs][SKS_KV_SLOTS]
 *
 * A vector of keys is one channel of many keys, so that scores come out of multiplications alone,
 * with no sum across a vector; a vector of values is many channels of one value. Only SKS_Q8_0 has
 * scales, f16, one for each run of SKS_SCALE_CHANNELS channels (the last may be shorter): its
 * elements are signed bytes, which the scale multiplies. Blocks are multiples of 32 bytes.
 */
#ifndef SINKSTREAM_CORE_KV_H
#define SINKSTREAM_CORE_KV_H

#include <stdint.h>

#include "core/host_device.h"
#include "sinkstream/types.h"

enum {
  SKS_KV_TYPES = 4, /* SKS_F32, SKS_F16, SKS_BF16, SKS_Q8_0 */
  SKS_KV_SLOTS = 16,
  SKS_SCALE_CHANNELS = 32,
  SKS_SCALE_BYTES = 2,
  SKS_MAX_ROW_BYTES = SKS_MAX_HEAD_DIM * 4
};

static inline SKS_HOST_DEVICE int64_t sks_kv_element_bytes(int32_t type) {
  return type == SKS_F32 ? 4 : type == SKS_Q8_0 ? 1 : 2;
}

/* Scales of a row. */
static inline SKS_HOST_DEVICE int64_t sks_kv_scales(int32_t type, int64_t head_dim) {
  return type == SKS_Q8_0 ? (head_dim + SKS_SCALE_CHANNELS - 1) / SKS_SCALE_CHANNELS : 0;
}

/* Elements and scales, as states hold them. */
static inline SKS_HOST_DEVICE int64_t sks_kv_row_bytes(int32_t type, int64_t head_dim) {
  return head_dim * sks_kv_element_bytes(type) + sks_kv_scales(type, head_dim) * SKS_SCALE_BYTES;
}

static inline int64_t sks_kv_block_bytes(int32_t type, int64_t head_dim) {
  return SKS_KV_SLOTS * sks_kv_row_bytes(type, head_dim);
}

/* A block's scales, behind its elements. */
static inline int64_t sks_kv_scales_at(int32_t type, int64_t head_dim) {
  return SKS_KV_SLOTS * head_dim * sks_kv_element_bytes(type);
}

#endif
