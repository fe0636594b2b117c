/*
 * The KV cache of one stream, all layers: the first S tokens of the stream (sink tokens) and a ring
 * of the newest ones. Xiao et al., "Efficient Streaming Language Models with Attention Sinks",
 * section 3.2 (arXiv 2309.17453).
 *
 * Token t attends to the sinks j < min(S, t + 1) and to the window [max(S, t - R), t]. The ring has
 * room for R + max_rows tokens, so that a chunk of up to max_rows tokens is appended before any of
 * them attends; storing over the oldest rows is the eviction. Keys are rotated once, at their
 * position in the stream.
 *
 * A cache is used by one thread at a time.
 */
#ifndef SINKSTREAM_CACHE_H
#define SINKSTREAM_CACHE_H

#include <stdint.h>

#include "sinkstream/device.h"
#include "sinkstream/types.h"

typedef struct sks_attention sks_attention;
typedef struct sks_cache sks_cache;

/* A window that keeps every token: the storage grows with the stream. */
enum sks_window { SKS_DENSE = -1 };

typedef struct sks_cache_spec {
  int64_t sinks;    /* S >= 0; 0 where the window is SKS_DENSE */
  int64_t window;   /* R >= 1, or SKS_DENSE */
  int32_t max_rows; /* most tokens of this stream in one batch, >= 1 */
  int32_t type;     /* of keys and values: SKS_F32, SKS_F16, SKS_BF16 or SKS_Q8_0 (signed bytes, an
                       f16 scale for each 32 channels of a row) */
} sks_cache_spec;

/* Errors: SKS_INVALID_ARGUMENT, SKS_OUT_OF_MEMORY (says how many bytes the cache takes, how many
 * are free, and which windows fit). */
SKS_API int32_t sks_cache_create(const sks_attention *attention, const sks_cache_spec *spec,
                                 sks_cache **cache);

/* NULL is allowed. */
SKS_API void sks_cache_destroy(sks_cache *cache);

/* Bytes that a cache of this spec holds for keys and values (a dense one: at its start); INT64_MAX
 * where that overflows. */
SKS_API int32_t sks_cache_required_bytes(const sks_attention *attention, const sks_cache_spec *spec,
                                         int64_t *bytes);

/*
 * Makes room for the first `tokens` tokens of a dense cache. Where it must grow it doubles, as far
 * as there is the memory and up to `most` tokens, so that the copies cost a constant per token;
 * rounded up to whole blocks. On a GPU it takes old and new storage at once until the rows are
 * copied, on the CPU one layer more. Any other cache has all its room already. Contents stay,
 * whatever it returns. Errors: SKS_INVALID_ARGUMENT (tokens < 0), SKS_OUT_OF_MEMORY (says what that
 * takes, what is free, and which windows fit in its place).
 */
SKS_API int32_t sks_cache_grow(sks_cache *cache, int64_t tokens, int64_t most);

/* The first tokens of a stream that there is room for now; INT64_MAX for a ring. */
SKS_API int64_t sks_cache_room(const sks_cache *cache);

/* Bytes held now for keys and values. */
SKS_API int64_t sks_cache_bytes(const sks_cache *cache);

/* The position of the next token: tokens appended, less those dropped or evicted by range. */
SKS_API int64_t sks_cache_position(const sks_cache *cache);

/* How many tokens the next one will attend to besides itself: sinks and window. */
SKS_API int64_t sks_cache_tokens(const sks_cache *cache);

/* Forgets every token. Keeps the storage. */
SKS_API void sks_cache_clear(sks_cache *cache);

/*
 * Takes back the newest `count` tokens. Errors: SKS_INVALID_ARGUMENT (count < 0 or more than the
 * position), SKS_IMPOSSIBLE where rows that the shorter stream would attend to have been stored
 * over already. Always possible while nothing has been evicted, and for the first max_rows - 1
 * tokens after that.
 */
SKS_API int32_t sks_cache_drop_last(sks_cache *cache, int64_t count);

/*
 * Removes the tokens at positions [begin, end) from the window. Newer tokens move down by end -
 * begin, so that positions in the cache stay contiguous; their keys are turned by that much, once,
 * and rounded once more to the cache's type. The window fills up again from there. Errors:
 * SKS_INVALID_ARGUMENT (not begin <= end <= position, or begin < S: sink tokens stay),
 * SKS_IMPOSSIBLE (begin has left the window already).
 */
SKS_API int32_t sks_cache_evict(sks_cache *cache, int64_t begin, int64_t end);

/*
 * The whole state as bytes of host memory that another cache of the same attention and spec can
 * take in, on any machine of this byte order and any of its devices. Export writes exactly
 * sks_cache_state_bytes(cache) bytes. Import checks the bytes' own header against the cache and
 * changes nothing where it does not fit (SKS_INVALID_ARGUMENT).
 */
SKS_API int64_t sks_cache_state_bytes(const sks_cache *cache);
SKS_API int32_t sks_cache_export(const sks_cache *cache, void *target, int64_t bytes);
SKS_API int32_t sks_cache_import(sks_cache *cache, const void *source, int64_t bytes);

#endif
