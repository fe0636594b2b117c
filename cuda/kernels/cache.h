/*
 * How keys and values of a stream lie in device memory, and what a step of some streams is there.
 *
 * A layer is kv_heads times, one behind the other,
 *
 *   keys    [slots] rows of sks_cuda_row_pitch bytes: head_dim elements of the cache's type, then,
 *           SKS_Q8_0 only, f16 scales, one for each SKS_SCALE_CHANNELS channels (core/kv.h)
 *   values  [slots] the same
 *
 * so that the rows that a query sees are at most three contiguous pieces (core/spans.h).
 *
 * Everything that changes from step to step lies on the device, and a recorded step is replayed for
 * ever: sks_cuda_put_and_begin (put.h) writes where each stream stands now and works out what the
 * layers read of it. A row whose `cache` is negative is idle: nothing is stored or computed for it,
 * so that streams join and leave a recorded step by their entries in `rows` alone.
 */
#ifndef SINKSTREAM_CUDA_KERNELS_CACHE_H
#define SINKSTREAM_CUDA_KERNELS_CACHE_H

#include <stdint.h>

#include "core/kv.h"
#include "core/phase.h"
#include "core/round_up.h"
#include "core/spans.h"

/* Where the rows of one stream lie, in device memory: most often the same in every step. */
typedef struct sks_cuda_cache {
  sks_ring ring;
  char *base; /* of layer 0, aligned to 256 */
  int64_t layer_bytes;
  int64_t slots; /* rows of each head: at least ring.sinks + ring.slots, or what a dense cache has
                    grown to */
} sks_cuda_cache;

/* One row of a step, in device memory: the token `offset` tokens after the position of cache number
 * `cache` (-1: idle). */
typedef struct sks_cuda_row {
  int32_t cache, offset;
  int32_t reserved[2]; /* 16 bytes an entry */
} sks_cuda_row;

/* The shape of the model's attention; pointers of device memory. */
typedef struct sks_cuda_attention {
  int32_t heads, kv_heads, head_dim;
  int32_t rotary_half, rotary_layout;
  int32_t type; /* of keys and values, of all caches of a step */
  float scale;
  const sks_turns *turns; /* [rotary_half] */
  const float *slopes;    /* [heads], or NULL */
} sks_cuda_attention;

/* A row's token, as the step's beginning found it: what it sees, and where its own row goes. All
 * that a block needs in one piece. */
typedef struct sks_cuda_token {
  int64_t slot; /* of its own row; -1: idle */
  sks_view view;
  int64_t keys; /* that it sees: those of the spans */
  sks_span spans[SKS_SPANS];
  char *base; /* these as in its cache */
  int64_t layer_bytes, slots;
} sks_cuda_token;

/* A step; pointers of device memory. */
typedef struct sks_cuda_step {
  int32_t row_count;
  const sks_cuda_cache *caches;
  int64_t *positions;       /* of the next token of each of them */
  const sks_cuda_row *rows; /* [row_count] */
  sks_cuda_token *tokens;   /* [row_count], scratch */
  float *phases;            /* [row_count][4][rotary_half], scratch: cosines and sines at the row's
                               position in the stream, then at its query's in the cache */
} sks_cuda_step;

/* Bytes from one key to the next. */
static inline SKS_HOST_DEVICE int64_t sks_cuda_row_pitch(int32_t type, int64_t head_dim) {
  return sks_round_up(sks_kv_row_bytes(type, head_dim), 16);
}

/* Bytes of one KV head. */
static inline SKS_HOST_DEVICE int64_t sks_cuda_head_bytes(int32_t type, int64_t head_dim,
                                                          int64_t slots) {
  return 2 * slots * sks_cuda_row_pitch(type, head_dim);
}

static inline int64_t sks_cuda_layer_bytes(int32_t type, int64_t head_dim, int64_t kv_heads,
                                           int64_t slots) {
  return sks_round_up(kv_heads * sks_cuda_head_bytes(type, head_dim, slots), 256);
}

#endif
