#ifndef SINKSTREAM_CPU_BATCH_H
#define SINKSTREAM_CPU_BATCH_H

#include <stdbool.h>

#include "core/batch.h"
#include "cpu/cpu.h"

/* Of a row: cosines, then sines, [rotary_half] each, at its token's position and at its query's
 * position in the cache; the same pointer where the positions are the same. */
typedef struct sks_row_phases {
  const float *stream;
  const float *query;
} sks_row_phases;

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
  /* Of a tile: bounds the memory for partial results, however long a dense cache gets. */
  SKS_MAX_CHUNKS = 16
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

/* What the CPU has of a batch. */
typedef struct sks_cpu_batch {
  sks_cpu *cpu;
  const sks_attention *attention;
  const sks_row *rows; /* of the step */
  int32_t row_count;
  int32_t tile_queries;
  int64_t stride;      /* floats from one query to the next in scratch memory */
  int32_t split_below; /* with fewer (tile, KV head) pairs, the chunks become tasks of their own */

  int32_t tile_count, chunk_count;
  int64_t work; /* multiplications of one layer's attention */
  sks_tile *tiles;
  float *phases;
  sks_row_phases *row_phases; /* [max_rows] */

  sks_scratch *scratch; /* [threads] */
  float *scratch_floats;
  float *partial; /* room for split_below * SKS_MAX_CHUNKS softmaxes of tile_queries queries */
  _Atomic int32_t *done; /* [split_below] chunks of a (tile, KV head) pair that are done */
} sks_cpu_batch;

/* Runs the tasks on the pool, or on the caller alone where waking threads costs more than `work`
 * multiplications. */
void sks_cpu_batch_run(const sks_cpu_batch *batch, int64_t work, int64_t tasks, sks_task *task,
                       void *argument);

/* Floats of a running softmax of tile_queries queries, and its parts in that memory. */
int64_t sks_batch_softmax_floats(const sks_cpu_batch *batch);
sks_softmax sks_batch_softmax(const sks_cpu_batch *batch, float *memory);

#endif
