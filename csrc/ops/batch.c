#include "core/batch.h"

#include <string.h>

#include "core/fail.h"
#include "core/memory.h"

/* Fewer multiplications than this take no longer than waking the other threads. */
enum { WORTH_WAKING = 1 << 17 };

/* A sine and a cosine in double cost about as much as this many multiplications. */
enum { PHASE_WORK = 128 };

static int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t sks_batch_softmax_floats(const sks_batch *batch) {
  return 2 * round_up(batch->tile_queries, 16) + batch->tile_queries * batch->stride;
}

sks_softmax sks_batch_softmax(const sks_batch *batch, float *memory) {
  int64_t column = round_up(batch->tile_queries, 16);
  return (sks_softmax){.max = memory, .sum = memory + column, .acc = memory + 2 * column};
}

void sks_batch_run(const sks_batch *batch, int64_t work, int64_t tasks, sks_task *task,
                   void *argument) {
  if (work >= WORTH_WAKING) {
    sks_pool_run(batch->attention->device->pool, tasks, task, argument);
    return;
  }
  for (int64_t i = 0; i < tasks; i++) task(argument, i, 0);
}

static bool allocate_scratch(sks_batch *batch, int32_t threads) {
  int64_t queries = batch->tile_queries, column = round_up(queries, 16),
          softmax = sks_batch_softmax_floats(batch);
  int64_t floats =
      2 * queries * batch->stride + 2 * column + queries * SKS_ATTEND_SLOTS + 2 * softmax;
  batch->scratch = sks_memory_allocate(threads * (int64_t)sizeof(sks_scratch), "a batch");
  batch->scratch_floats =
      sks_memory_allocate(threads * floats * (int64_t)sizeof(float), "a batch's scratch");
  if (!batch->scratch || !batch->scratch_floats) return false;
  for (int32_t i = 0; i < threads; i++) {
    float *at = batch->scratch_floats + i * floats;
    sks_scratch *scratch = &batch->scratch[i];
    scratch->stream_queries = at;
    scratch->cache_queries = at += queries * batch->stride;
    scratch->slopes = at += queries * batch->stride;
    scratch->distances = at += column;
    scratch->scores = at += column;
    scratch->running = sks_batch_softmax(batch, at += queries * SKS_ATTEND_SLOTS);
    scratch->chunk = sks_batch_softmax(batch, at + softmax);
  }
  return true;
}

static bool allocate(sks_batch *batch) {
  const sks_attention *attention = batch->attention;
  int64_t rows = batch->max_rows;
  int32_t threads = sks_pool_threads(attention->device->pool);
  batch->streams = sks_memory_allocate(rows * (int64_t)sizeof(sks_stream), "a batch's streams");
  batch->rows = sks_memory_allocate(rows * (int64_t)sizeof(sks_row), "a batch's rows");
  batch->tiles = sks_memory_allocate(rows * (int64_t)sizeof(sks_tile), "a batch's tiles");
  batch->appended = sks_memory_allocate(attention->layers * (int64_t)sizeof(bool), "a batch");
  if (!batch->streams || !batch->rows || !batch->tiles || !batch->appended) return false;
  if (attention->rotary_half > 0) {
    batch->phases = sks_memory_allocate(rows * 4 * attention->rotary_half * (int64_t)sizeof(float),
                                        "a batch's phases");
    if (!batch->phases) return false;
  }
  /* With one thread there is nobody to split for; with more, four tasks for each even out what they
   * cost. */
  batch->split_below =
      threads > 1 ? (int32_t)smaller(4 * threads, rows * attention->kv_heads + 1) : 0;
  if (batch->split_below > 0) {
    int64_t floats = (int64_t)batch->split_below * SKS_MAX_CHUNKS * sks_batch_softmax_floats(batch);
    batch->partial =
        sks_memory_allocate(floats * (int64_t)sizeof(float), "a batch's partial results");
    batch->done =
        sks_memory_allocate(batch->split_below * (int64_t)sizeof(*batch->done), "a batch");
    if (!batch->partial || !batch->done) return false;
  }
  return allocate_scratch(batch, threads);
}

int32_t sks_batch_create(const sks_attention *attention, int32_t max_rows, sks_batch **batch) {
  if (max_rows < 1)
    return sks_fail(SKS_INVALID_ARGUMENT, "batch max_rows is %d, expected at least 1", max_rows);
  sks_batch *made = sks_memory_allocate(sizeof(*made), "a batch");
  if (!made) return SKS_OUT_OF_MEMORY;
  made->attention = attention;
  made->max_rows = max_rows;
  made->tile_queries = attention->group > SKS_TILE_QUERIES ? attention->group : SKS_TILE_QUERIES;
  made->stride = round_up(attention->head_dim, 16);
  if (!allocate(made)) {
    sks_batch_destroy(made);
    return SKS_OUT_OF_MEMORY;
  }
  *batch = made;
  return SKS_OK;
}

void sks_batch_destroy(sks_batch *batch) {
  if (!batch) return;
  sks_memory_free(batch->streams);
  sks_memory_free(batch->rows);
  sks_memory_free(batch->tiles);
  sks_memory_free(batch->phases);
  sks_memory_free(batch->appended);
  sks_memory_free(batch->scratch);
  sks_memory_free(batch->scratch_floats);
  sks_memory_free(batch->partial);
  sks_memory_free(batch->done);
  sks_memory_free(batch);
}

static int32_t check_stream(const sks_batch *batch, const sks_cache *cache, int32_t rows,
                            int32_t i) {
  if (cache->attention != batch->attention)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "caches[%d] was made for another attention than the batch", i);
  if (cache->listed) return sks_fail(SKS_INVALID_ARGUMENT, "caches[%d] is in the batch twice", i);
  if (rows < 1 || rows > cache->max_rows)
    return sks_fail(SKS_INVALID_ARGUMENT, "rows[%d] is %d, expected 1 to %d, the cache's max_rows",
                    i, rows, cache->max_rows);
  if (rows > SKS_POSITION_LIMIT - cache->position)
    return sks_fail(SKS_IMPOSSIBLE,
                    "caches[%d] is at position %lld, which is too near 2^62 for %d more tokens", i,
                    (long long)cache->position, rows);
  return SKS_OK;
}

static int32_t check_streams(const sks_batch *batch, sks_cache *const *caches, const int32_t *rows,
                             int32_t streams) {
  if (streams < 1 || streams > batch->max_rows)
    return sks_fail(SKS_INVALID_ARGUMENT, "streams is %d, expected 1 to %d", streams,
                    batch->max_rows);
  int32_t status = SKS_OK, checked = 0;
  int64_t total = 0;
  for (; status == SKS_OK && checked < streams; checked++) {
    status = check_stream(batch, caches[checked], rows[checked], checked);
    caches[checked]->listed = true;
    total += rows[checked];
  }
  while (checked > 0) caches[--checked]->listed = false;
  if (status == SKS_OK && total > batch->max_rows)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "the step has %lld rows, expected at most %d, the batch's max_rows",
                    (long long)total, batch->max_rows);
  return status;
}

static int64_t clamp_chunk(int64_t blocks) {
  int64_t even = (blocks + SKS_MAX_CHUNKS - 1) / SKS_MAX_CHUNKS;
  return even > SKS_CHUNK_BLOCKS ? even : SKS_CHUNK_BLOCKS;
}

static void add_tile(sks_batch *batch, const sks_cache *cache, int32_t row, int32_t rows) {
  sks_tile *tile = &batch->tiles[batch->tile_count++];
  tile->row = row;
  tile->rows = rows;
  int64_t keys = sks_spans_between(&cache->ring, batch->rows[row].view,
                                   batch->rows[row + rows - 1].view, tile->spans);
  tile->blocks = 0;
  for (int i = 0; i < SKS_SPANS; i++) tile->blocks += sks_span_blocks(&tile->spans[i]);
  tile->chunk_blocks = clamp_chunk(tile->blocks);
  tile->chunks = (int32_t)((tile->blocks + tile->chunk_blocks - 1) / tile->chunk_blocks);
  tile->first_chunk = batch->chunk_count;
  batch->chunk_count += tile->chunks;
  batch->work += 2 * keys * rows * batch->attention->heads * batch->attention->head_dim;
}

static void add_stream(sks_batch *batch, sks_cache *cache, int32_t rows) {
  int32_t first = batch->row_count;
  for (int32_t i = 0; i < rows; i++)
    batch->rows[batch->row_count++] =
        (sks_row){.cache = cache, .view = sks_view_of(&cache->ring, cache->position + i)};
  int32_t tile_rows = batch->tile_queries / batch->attention->group;
  for (int32_t i = 0; i < rows; i += tile_rows)
    add_tile(batch, cache, first + i, rows - i < tile_rows ? rows - i : tile_rows);
  batch->streams[batch->stream_count++] =
      (sks_stream){.cache = cache, .rows = rows, .edits = cache->edits};
}

static void fill_phase(const sks_attention *attention, int64_t position, float *phase) {
  for (int32_t i = 0; i < attention->rotary_half; i++) {
    double cosine, sine;
    sks_phase(attention->turns[i], position, &cosine, &sine);
    phase[i] = (float)cosine;
    phase[attention->rotary_half + i] = (float)sine;
  }
}

static void fill_phases(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  sks_batch *batch = argument;
  const sks_attention *attention = batch->attention;
  sks_row *row = &batch->rows[index];
  float *phases = batch->phases + index * 4 * attention->rotary_half;
  fill_phase(attention, row->view.position, phases);
  row->stream_phase = row->query_phase = phases;
  if (row->view.query == row->view.position) return;
  fill_phase(attention, row->view.query, phases + 2 * attention->rotary_half);
  row->query_phase = phases + 2 * attention->rotary_half;
}

int32_t sks_batch_begin(sks_batch *batch, sks_cache *const *caches, const int32_t *rows,
                        int32_t streams) {
  int32_t status = check_streams(batch, caches, rows, streams);
  for (int32_t i = 0; status == SKS_OK && i < streams; i++)
    status = sks_cache_reserve(caches[i], caches[i]->position + rows[i]);
  if (status != SKS_OK) return status;

  batch->row_count = batch->stream_count = batch->tile_count = batch->chunk_count = 0;
  batch->work = 0;
  for (int32_t i = 0; i < streams; i++) add_stream(batch, caches[i], rows[i]);
  int32_t half = batch->attention->rotary_half;
  if (half > 0)
    sks_batch_run(batch, (int64_t)batch->row_count * half * PHASE_WORK, batch->row_count,
                  fill_phases, batch);
  memset(batch->appended, 0, (size_t)batch->attention->layers * sizeof(bool));
  batch->begun = true;
  return SKS_OK;
}

static int32_t check_begun(const sks_batch *batch) {
  if (!batch->begun)
    return sks_fail(SKS_IMPOSSIBLE, "the batch has no step: sks_batch_begin comes first");
  for (int32_t i = 0; i < batch->stream_count; i++)
    if (batch->streams[i].cache->edits != batch->streams[i].edits)
      return sks_fail(SKS_IMPOSSIBLE, "caches[%d] was changed since the step began", i);
  return SKS_OK;
}

int32_t sks_batch_check(const sks_batch *batch, int32_t layer) {
  if (layer < 0 || layer >= batch->attention->layers)
    return sks_fail(SKS_INVALID_ARGUMENT, "layer is %d, expected 0 to %d", layer,
                    batch->attention->layers - 1);
  return check_begun(batch);
}

int32_t sks_batch_commit(sks_batch *batch) {
  int32_t status = check_begun(batch);
  if (status != SKS_OK) return status;
  for (int32_t layer = 0; layer < batch->attention->layers; layer++)
    if (!batch->appended[layer])
      return sks_fail(SKS_IMPOSSIBLE, "the step cannot be committed: layer %d was not appended",
                      layer);
  for (int32_t i = 0; i < batch->stream_count; i++) {
    sks_cache *cache = batch->streams[i].cache;
    cache->position += batch->streams[i].rows;
    cache->edits++;
  }
  batch->begun = false;
  return SKS_OK;
}
