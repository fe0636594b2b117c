#ifndef SINKSTREAM_CORE_BATCH_H
#define SINKSTREAM_CORE_BATCH_H

#include <stdbool.h>

#include "core/attention.h"
#include "core/cache.h"

typedef struct sks_stream {
  sks_cache *cache;
  int32_t rows;
  int64_t edits; /* of the cache, when the step began */
} sks_stream;

/* A row's token, and cosines, then sines, [rotary_half] each, at its position and at its query's
 * position in the cache. */
typedef struct sks_row {
  sks_cache *cache;
  sks_view view;
  const float *stream_phase;
  const float *query_phase; /* the same pointer where the positions are the same */
} sks_row;

/*
 * Consecutive rows of one stream that read keys and values together. Their keys are cut into
 * chunks, and each chunk's softmax is taken alone and merged in order. Tiles and chunks depend on
 * the step alone, never on the threads, so that results do not either.
 */
typedef struct sks_tile {
  int32_t row, rows;
  int64_t blocks; /* of SKS_KV_SLOTS slots, whole or in part, that hold the keys */
  int64_t chunk_blocks;
  int32_t chunks;
  int32_t first_chunk; /* of all chunks of the step */
  sks_span spans[SKS_SPANS];
} sks_tile;

/* How many blocks of SKS_KV_SLOTS slots the span's rows lie in. */
static inline int64_t sks_span_blocks(const sks_span *span) {
  if (span->count == 0) return 0;
  return (span->slot + span->count - 1) / SKS_KV_SLOTS - span->slot / SKS_KV_SLOTS + 1;
}

enum {
  SKS_TILE_QUERIES = 32, /* queries of a tile and KV head, where a group is not more */
  SKS_CHUNK_BLOCKS = 16, /* least blocks of a chunk */
  SKS_MAX_CHUNKS =
      16 /* of a tile: bounds the memory for partial results, however long a dense cache gets */
};

/* What one thread needs to attend to one tile through one KV head. */
typedef struct sks_scratch {
  float *stream_queries; /* [tile_queries, stride] */
  float *cache_queries;  /* [tile_queries, stride] */
  float *slopes;         /* [tile_queries] */
  float *distances;      /* [tile_queries] */
  float *scores;         /* [tile_queries, SKS_ATTEND_SLOTS] */
  sks_softmax running, chunk;
} sks_scratch;

struct sks_batch {
  const sks_attention *attention;
  int32_t max_rows;
  int32_t tile_queries;
  int64_t stride;      /* floats from one query to the next in scratch memory */
  int32_t split_below; /* with fewer (tile, KV head) pairs, the chunks become tasks of their own */

  bool begun;
  int32_t row_count, stream_count, tile_count, chunk_count;
  int64_t work; /* multiplications of one layer's attention */
  sks_stream *streams;
  sks_row *rows;
  sks_tile *tiles;
  float *phases;
  bool *appended; /* [layers] */

  sks_scratch *scratch; /* [threads] */
  float *scratch_floats;
  float *partial; /* room for split_below * SKS_MAX_CHUNKS softmaxes of tile_queries queries */
  _Atomic int32_t *done; /* [split_below] chunks of a (tile, KV head) pair that are done */
};

/* Whether operations may run on the step: it was begun, and its caches are as they were then. */
int32_t sks_batch_check(const sks_batch *batch, int32_t layer);

/* Runs the tasks on the pool, or on the caller alone where waking threads costs more than `work`
 * multiplications. */
void sks_batch_run(const sks_batch *batch, int64_t work, int64_t tasks, sks_task *task,
                   void *argument);

/* Floats of a running softmax of tile_queries queries, and its parts in that memory. */
int64_t sks_batch_softmax_floats(const sks_batch *batch);
sks_softmax sks_batch_softmax(const sks_batch *batch, float *memory);

#endif
