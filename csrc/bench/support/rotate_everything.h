/*
 * The published way of streaming attention (StreamingLLM, arXiv 2309.17453, kv_cache.py and
 * modify_llama.py) in plain C, as the peer that ours is measured against: keys are cached
 * unrotated; each step evicts the oldest window token and concatenates the new one, by copying,
 * then rotates every key at its place in the cache, then attends. It is as fast as plain C gets
 * without another method: the copy is one memmove, a key is rotated once for its whole group of
 * query heads and meets them while it is in the processor's cache, rows are widened by the
 * library's kernels, all threads take part, and the compiler vectorises for the machine it runs on.
 */
#ifndef SINKSTREAM_BENCH_SUPPORT_ROTATE_EVERYTHING_H
#define SINKSTREAM_BENCH_SUPPORT_ROTATE_EVERYTHING_H

#include <stdint.h>

#define ROTATE_EVERYTHING_API __attribute__((visibility("default")))

/* A cache of `layers` layers at steady state: `sinks` + `window` tokens, zeros at first. */
typedef struct rotate_everything rotate_everything;

/* `threads`: 0 = the cores this process may use; `type`: SKS_F32, SKS_F16 or SKS_BF16. NULL where
 * that fails. */
ROTATE_EVERYTHING_API rotate_everything *rotate_everything_create(int32_t threads, int32_t layers,
                                                                  int32_t heads, int32_t kv_heads,
                                                                  int32_t head_dim, int64_t sinks,
                                                                  int64_t window, int32_t type);
ROTATE_EVERYTHING_API void rotate_everything_destroy(rotate_everything *cache);

/* One token in one layer: queries [heads, head_dim], keys and values [kv_heads, head_dim], out
 * [heads, head_dim]. It attends to sinks + window + 1 keys, itself among them. */
ROTATE_EVERYTHING_API void rotate_everything_step(rotate_everything *cache, int32_t layer,
                                                  const float *queries, const float *keys,
                                                  const float *values, float *out);

#endif
