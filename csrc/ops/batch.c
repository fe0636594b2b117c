#include <string.h>

#include "core/backend.h"
#include "core/memory.h"
#include "ops/check.h"

static bool allocate(sks_batch *batch) {
  int64_t rows = batch->max_rows;
  batch->streams = sks_memory_allocate(rows * (int64_t)sizeof(sks_stream), "a batch's streams");
  batch->rows = sks_memory_allocate(rows * (int64_t)sizeof(sks_row), "a batch's rows");
  batch->appended =
      sks_memory_allocate(batch->attention->layers * (int64_t)sizeof(bool), "a batch");
  return batch->streams && batch->rows && batch->appended;
}

static void free_all(sks_batch *batch) {
  sks_memory_free(batch->streams);
  sks_memory_free(batch->rows);
  sks_memory_free(batch->appended);
  sks_memory_free(batch);
}

int32_t sks_batch_create(const sks_attention *attention, int32_t max_rows, sks_batch **batch) {
  int32_t status = sks_require_range(max_rows, 1, INT32_MAX, "batch max_rows");
  if (status != SKS_OK) return status;
  sks_batch *made = sks_memory_allocate(sizeof(*made), "a batch");
  if (!made) return SKS_OUT_OF_MEMORY;
  made->attention = attention;
  made->max_rows = max_rows;
  status = allocate(made) ? attention->device->backend->batch_create(made) : SKS_OUT_OF_MEMORY;
  if (status != SKS_OK) {
    free_all(made);
    return status;
  }
  *batch = made;
  return SKS_OK;
}

void sks_batch_destroy(sks_batch *batch) {
  if (!batch) return;
  batch->attention->device->backend->batch_destroy(batch);
  free_all(batch);
}

static int32_t check_stream(const sks_batch *batch, const sks_cache *cache, int32_t rows,
                            int32_t i) {
  if (cache->attention != batch->attention)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "caches[%d] was made for another attention than the batch", i);
  if (cache->listed) return sks_fail(SKS_INVALID_ARGUMENT, "caches[%d] is in the batch twice", i);
  if (rows < 1 || rows > cache->max_rows)
    return sks_fail(SKS_INVALID_ARGUMENT, "rows[%d] is %d; expected 1 to %d, the cache's max_rows",
                    i, rows, cache->max_rows);
  if (rows > SKS_POSITION_LIMIT - cache->position)
    return sks_fail(SKS_IMPOSSIBLE,
                    "caches[%d] is at position %lld, which is too near 2^62 for %d more tokens", i,
                    (long long)cache->position, rows);
  return SKS_OK;
}

static int32_t check_streams(const sks_batch *batch, sks_cache *const *caches, const int32_t *rows,
                             int32_t streams) {
  int32_t status = sks_require_range(streams, 1, batch->max_rows, "streams"), checked = 0;
  int64_t total = 0;
  for (; status == SKS_OK && checked < streams; checked++) {
    status = check_stream(batch, caches[checked], rows[checked], checked);
    caches[checked]->listed = true;
    total += rows[checked];
  }
  while (checked > 0) caches[--checked]->listed = false;
  if (status == SKS_OK && total > batch->max_rows)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "the step has %lld rows; expected at most %d, the batch's max_rows",
                    (long long)total, batch->max_rows);
  return status;
}

/* A bound of the keys that a row of the stream sees, which for a ring never changes. */
static int64_t bound_of_keys(const sks_cache *cache, int32_t rows) {
  if (cache->ring.window != SKS_ENDLESS) return cache->ring.sinks + cache->ring.window + 1;
  int64_t bound = 1024; /* doubled, so that it seldom changes */
  while (bound < cache->position + rows) bound *= 2;
  return bound;
}

static void add_stream(sks_batch *batch, sks_cache *cache, int32_t rows) {
  int64_t keys = bound_of_keys(cache, rows);
  if (batch->step_keys < keys) batch->step_keys = keys;
  for (int32_t i = 0; i < rows; i++)
    batch->rows[batch->row_count++] =
        (sks_row){.cache = cache, .view = sks_view_of(&cache->ring, cache->position + i)};
  batch->streams[batch->stream_count++] =
      (sks_stream){.cache = cache, .rows = rows, .edits = cache->edits};
}

int32_t sks_batch_begin(sks_batch *batch, sks_cache *const *caches, const int32_t *rows,
                        int32_t streams) {
  return sks_batch_begin_padded(batch, caches, rows, streams, 0);
}

int32_t sks_batch_begin_padded(sks_batch *batch, sks_cache *const *caches, const int32_t *rows,
                               int32_t streams, int32_t padded_rows) {
  int32_t status = sks_require_range(padded_rows, 0, batch->max_rows, "padded_rows");
  if (status == SKS_OK) status = check_streams(batch, caches, rows, streams);
  for (int32_t i = 0; status == SKS_OK && i < streams; i++)
    status = sks_cache_grow(caches[i], caches[i]->position + rows[i], INT64_MAX);
  if (status != SKS_OK) return status;

  batch->begun = false;
  batch->row_count = batch->stream_count = 0;
  batch->step_keys = 0;
  for (int32_t i = 0; i < streams; i++) add_stream(batch, caches[i], rows[i]);
  if (batch->most_keys < batch->step_keys) batch->most_keys = batch->step_keys;
  batch->padded_rows = padded_rows > batch->row_count ? padded_rows : batch->row_count;
  memset(batch->appended, 0, (size_t)batch->attention->layers * sizeof(bool));
  status = batch->attention->device->backend->batch_begin(batch);
  batch->begun = status == SKS_OK;
  return status;
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
  int32_t status = sks_require_range(layer, 0, batch->attention->layers - 1, "layer");
  return status == SKS_OK ? check_begun(batch) : status;
}

int32_t sks_batch_check_appended(const sks_batch *batch, int32_t layer) {
  int32_t status = sks_batch_check(batch, layer);
  if (status != SKS_OK || batch->appended[layer]) return status;
  return sks_fail(SKS_IMPOSSIBLE, "layer %d attends before its keys and values were appended",
                  layer);
}

int32_t sks_batch_check_recordable(const sks_batch *batch) {
  for (int32_t i = 0; i < batch->stream_count; i++)
    if (batch->streams[i].rows != 1)
      return sks_fail(SKS_IMPOSSIBLE,
                      "rows[%d] of the step is %d; a recording takes one row of each stream", i,
                      batch->streams[i].rows);
  return SKS_OK;
}

void sks_batch_mark_stored(const sks_batch *batch) {
  for (int32_t i = 0; i < batch->stream_count; i++) {
    sks_cache *cache = batch->streams[i].cache;
    int64_t end = cache->position + batch->streams[i].rows;
    if (cache->stored_end < end) cache->stored_end = end;
  }
}

int32_t sks_batch_commit(sks_batch *batch) {
  int32_t status = check_begun(batch);
  if (status != SKS_OK) return status;
  for (int32_t layer = 0; layer < batch->attention->layers; layer++)
    if (!batch->appended[layer])
      return sks_fail(SKS_IMPOSSIBLE, "the step cannot be committed: layer %d was not appended",
                      layer);
  const sks_backend *backend = batch->attention->device->backend;
  if (backend->batch_commit) status = backend->batch_commit(batch);
  if (status != SKS_OK) return status;
  for (int32_t i = 0; i < batch->stream_count; i++) {
    sks_cache *cache = batch->streams[i].cache;
    cache->position += batch->streams[i].rows;
    cache->edits++;
  }
  batch->begun = false;
  return SKS_OK;
}
