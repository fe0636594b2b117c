#include "core/batch.h"

#include <string.h>

#include "core/memory.h"
#include "cuda/backend/cache.h"
#include "cuda/backend/gpu.h"
#include "cuda/kernels/attend.h"
#include "cuda/kernels/attention_weights.h"
#include "cuda/kernels/linear_batch.h"

enum {
  LEAST_TILE_ROWS = 8,              /* of a stream in a step, for tiles to pay */
  MOST_WORKSPACE_BYTES = 128 << 20, /* for partial softmaxes; with less, launches are cut */
  ROUNDED_BYTES = 2                 /* of what a stride counts */
};

/* An array of the device's that is the same in most steps, and what it has of it. */
typedef struct sks_gpu_written {
  void *to;
  void *copy; /* in host memory */
  int64_t bytes;
} sks_gpu_written;

/* What a GPU has of a batch. What has changed of where rows stand is written to the device when a
 * step begins; kernels get pointers to it, which never change, so that a recorded step is replayed
 * for ever. */
typedef struct sks_gpu_batch {
  sks_cuda_attention attention;
  sks_cuda_step step;
  void *memory; /* what the step points to */
  sks_cuda_tile *tiles;
  bool one_row_each; /* every stream has one row in the step */
  bool tiled;
  int32_t tile_count;
  void *rounded; /* results once more, for the product that takes them */
  sks_gpu_room workspace;
  /* What is written to the device, [max_rows] each. */
  sks_cuda_cache *host_caches;
  int64_t *host_positions;
  sks_cuda_row *host_rows;
  sks_cuda_tile *host_tiles;
  sks_gpu_written written_caches, written_rows;
  bool committed; /* the last step was */
  uint64_t lost;  /* launches of what waited that had failed when the last step began */
} sks_gpu_batch;

/* Rows whose results are left rounded, too: as many as a product of our own takes. */
static int64_t most_rounded(const sks_batch *batch) {
  return batch->max_rows < SKS_CUDA_BATCH_ROWS ? batch->max_rows : SKS_CUDA_BATCH_ROWS;
}

static int64_t rounded_stride(const sks_attention *attention, int32_t type) {
  int64_t columns = (int64_t)attention->heads * attention->head_dim;
  return type == SKS_CUDA_NUMBERS ? sks_cuda_number_stride(columns)
                                  : sks_cuda_rounded_stride(columns);
}

static int32_t allocate(sks_gpu *gpu, const sks_batch *batch, sks_gpu_batch *own) {
  int64_t rows = batch->max_rows;
  int64_t caches = sks_cuda_round(rows * (int64_t)sizeof(sks_cuda_cache), 256),
          positions = sks_cuda_round(rows * (int64_t)sizeof(int64_t), 256),
          entries = sks_cuda_round(rows * (int64_t)sizeof(sks_cuda_row), 256),
          tokens = sks_cuda_round(rows * (int64_t)sizeof(sks_cuda_token), 256),
          tiles = sks_cuda_round(rows * (int64_t)sizeof(sks_cuda_tile), 256),
          phases = sks_cuda_round(rows * 4 * batch->attention->rotary_half * (int64_t)sizeof(float),
                                  256),
          rounded = most_rounded(batch) * rounded_stride(batch->attention, SKS_CUDA_NUMBERS) *
                    ROUNDED_BYTES; /* more than other types take */
  int32_t status =
      sks_gpu_allocate(gpu, caches + positions + entries + tokens + tiles + phases + rounded,
                       "a batch", &own->memory);
  if (status != SKS_OK) return status;
  char *memory = own->memory;
  own->step.caches = own->written_caches.to = memory;
  own->step.positions = (int64_t *)(memory += caches);
  own->step.rows = own->written_rows.to = (memory += positions);
  own->step.tokens = (sks_cuda_token *)(memory += entries);
  own->tiles = (sks_cuda_tile *)(memory += tokens);
  own->step.phases = (float *)(memory += tiles);
  own->rounded = memory + phases;
  own->host_caches = sks_memory_allocate(rows * (int64_t)sizeof *own->host_caches, "a batch");
  own->host_positions = sks_memory_allocate(rows * (int64_t)sizeof *own->host_positions, "a batch");
  own->host_rows = sks_memory_allocate(rows * (int64_t)sizeof *own->host_rows, "a batch");
  own->host_tiles = sks_memory_allocate(rows * (int64_t)sizeof *own->host_tiles, "a batch");
  own->written_caches.copy = sks_memory_allocate(caches, "a batch");
  own->written_rows.copy = sks_memory_allocate(entries, "a batch");
  return own->host_caches && own->host_positions && own->host_rows && own->host_tiles &&
                 own->written_caches.copy && own->written_rows.copy
             ? SKS_OK
             : SKS_OUT_OF_MEMORY;
}

int32_t sks_gpu_batch_create(sks_batch *batch) {
  sks_gpu_batch *own = sks_memory_allocate(sizeof *own, "a batch");
  if (own == NULL) return SKS_OUT_OF_MEMORY;
  batch->own = own;
  sks_gpu *gpu = sks_gpu_enter(batch->attention->device);
  int32_t status = sks_gpu_done(gpu, allocate(gpu, batch, own));
  if (status != SKS_OK) sks_gpu_batch_destroy(batch);
  return status;
}

void sks_gpu_batch_destroy(sks_batch *batch) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter(batch->attention->device);
  sks_gpu_free(gpu, own->memory);
  sks_gpu_free_room(gpu, &own->workspace);
  sks_gpu_quit(gpu);
  sks_memory_free(own->host_caches);
  sks_memory_free(own->host_positions);
  sks_memory_free(own->host_rows);
  sks_memory_free(own->host_tiles);
  sks_memory_free(own->written_caches.copy);
  sks_memory_free(own->written_rows.copy);
  sks_memory_free(own);
}

/* The step's streams, rows and tiles as the device takes them. */
static int32_t describe(const sks_batch *batch, sks_gpu_batch *own) {
  int32_t row = 0, type = batch->streams[0].cache->type, most = 0;
  own->tile_count = 0;
  for (int32_t i = 0; i < batch->stream_count; i++) {
    const sks_stream *stream = &batch->streams[i];
    if (stream->cache->type != type)
      return sks_fail(SKS_UNSUPPORTED,
                      "caches[%d] is of type %d, caches[0] of %d; on a GPU a step's are of one", i,
                      stream->cache->type, type);
    own->host_caches[i] = sks_gpu_cache_of(stream->cache);
    own->host_positions[i] = stream->cache->position;
    if (most < stream->rows) most = stream->rows;
    for (int32_t r = 0; r < stream->rows; r += SKS_CUDA_TILE_ROWS) {
      int32_t left = stream->rows - r;
      own->host_tiles[own->tile_count++] = (sks_cuda_tile){
          .row = row + r, .rows = left < SKS_CUDA_TILE_ROWS ? left : SKS_CUDA_TILE_ROWS};
    }
    for (int32_t r = 0; r < stream->rows; r++)
      own->host_rows[row++] = (sks_cuda_row){.cache = i, .offset = r};
  }
  for (; row < batch->padded_rows; row++) own->host_rows[row] = (sks_cuda_row){.cache = -1};
  own->attention = sks_gpu_attention_of(batch->attention, type);
  own->step.row_count = batch->padded_rows;
  own->one_row_each = most == 1;
  own->tiled = most >= LEAST_TILE_ROWS && sks_cuda_attend_has_tiles(&own->attention);
  return SKS_OK;
}

/* Memory for the partial results of this step. */
static int32_t ensure_workspace(sks_gpu *gpu, const sks_batch *batch, sks_gpu_batch *own) {
  if (own->tiled) return SKS_OK;
  int64_t one = sks_cuda_attend_workspace(&own->attention, 1, batch->most_keys);
  int64_t need = sks_cuda_attend_workspace(&own->attention, batch->padded_rows, batch->most_keys);
  if (need > MOST_WORKSPACE_BYTES) need = one > MOST_WORKSPACE_BYTES ? one : MOST_WORKSPACE_BYTES;
  return sks_gpu_ensure(gpu, need, "a batch's partial results", &own->workspace);
}

static cudaError_t write_changed(sks_gpu *gpu, sks_gpu_written *written, const void *from,
                                 int64_t bytes) {
  if (bytes <= written->bytes && memcmp(from, written->copy, (size_t)bytes) == 0)
    return cudaSuccess;
  memcpy(written->copy, from, (size_t)bytes);
  written->bytes = bytes;
  return sks_gpu_write(gpu, written->to, from, bytes);
}

/* What the step's beginning reads, where it is not on the device already. */
static cudaError_t write_step(sks_gpu *gpu, const sks_batch *batch, sks_gpu_batch *own) {
  /* What did not get as far as the device, another thread may have been told. */
  if (!own->committed || own->lost != gpu->waiting.lost)
    own->written_caches.bytes = own->written_rows.bytes = 0;
  own->committed = false;
  own->lost = gpu->waiting.lost;
  int64_t streams = batch->stream_count, rows = batch->padded_rows;
  cudaError_t error = write_changed(gpu, &own->written_caches, own->host_caches,
                                    streams * (int64_t)sizeof *own->host_caches);
  if (error == cudaSuccess)
    error = write_changed(gpu, &own->written_rows, own->host_rows,
                          rows * (int64_t)sizeof *own->host_rows);
  if (error == cudaSuccess)
    error = sks_gpu_write(gpu, own->step.positions, own->host_positions,
                          streams * (int64_t)sizeof *own->host_positions);
  if (error == cudaSuccess && own->tiled)
    error = sks_gpu_write(gpu, own->tiles, own->host_tiles,
                          own->tile_count * (int64_t)sizeof *own->host_tiles);
  return error;
}

int32_t sks_gpu_batch_begin(sks_batch *batch) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter_waiting(batch->attention->device);
  int32_t status = sks_gpu_require_running(gpu, "the beginning of a step");
  if (status == SKS_OK) status = describe(batch, own);
  if (status == SKS_OK) status = ensure_workspace(gpu, batch, own);
  if (status != SKS_OK) return sks_gpu_done(gpu, status);
  if (gpu->waiting.appended.batch == batch) gpu->waiting.appended.batch = NULL; /* given up */
  cudaError_t error = sks_gpu_launch_waiting(gpu); /* of which nothing may be written twice */
  if (error == cudaSuccess) error = write_step(gpu, batch, own);
  gpu->waiting.begins = error == cudaSuccess;
  gpu->waiting.attention = own->attention;
  gpu->waiting.step = own->step;
  return sks_gpu_leave(gpu, error, "sks_batch_begin");
}

int32_t sks_gpu_require_whole(sks_gpu *gpu, const sks_batch *batch) {
  const sks_gpu_batch *own = batch->own;
  if (own->lost == gpu->waiting.lost) return SKS_OK;
  gpu->waiting.error = cudaSuccess; /* told here, if nowhere else */
  return sks_fail(SKS_FAULT, "%s: launches failed since the step began", gpu->name);
}

int32_t sks_gpu_batch_commit(sks_batch *batch) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter_waiting(batch->attention->device);
  int32_t status = sks_gpu_check(gpu, sks_gpu_launch_waiting(gpu), "sks_batch_commit");
  if (status == SKS_OK) status = sks_gpu_require_whole(gpu, batch);
  status = sks_gpu_done(gpu, status);
  own->committed = status == SKS_OK;
  return status;
}

int32_t sks_gpu_append(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                       int64_t row_stride, int64_t head_stride) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter_waiting(batch->attention->device);
  int32_t status = sks_gpu_check(gpu, sks_gpu_launch_waiting(gpu), "sks_append");
  if (status == SKS_OK)
    status = sks_gpu_require_whole(gpu, batch); /* or it would go where others are */
  if (status != SKS_OK) return sks_gpu_done(gpu, status);
  gpu->waiting.appended = (sks_gpu_appended){.batch = batch,
                                             .layer = layer,
                                             .attention = own->attention,
                                             .step = own->step,
                                             .rows = {keys, values, row_stride, head_stride}};
  cudaError_t error = own->one_row_each ? cudaSuccess : sks_gpu_launch_waiting(gpu);
  return sks_gpu_leave(gpu, error, "sks_append");
}

/* Where the results of the step's rows are left for a product of the type of the one before;
 * nowhere if there is no such place. */
static sks_cuda_rounded place_for_rounded(const sks_gpu *gpu, const sks_batch *batch) {
  const sks_gpu_batch *own = batch->own;
  int32_t rows = own->step.row_count;
  int32_t type = gpu->rounded_type;
  if (rows > most_rounded(batch) || !sks_cuda_attend_leaves(&own->attention, rows, type))
    return (sks_cuda_rounded){0};
  return (sks_cuda_rounded){own->rounded, rounded_stride(batch->attention, type), type};
}

int32_t sks_gpu_attend(sks_batch *batch, int32_t layer, const float *queries, int64_t row_stride,
                       int64_t group_stride, const float *sink_logits, float *out) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter_waiting(batch->attention->device);
  sks_cuda_attend_args args = {queries, row_stride, group_stride, sink_logits, out, {0}};
  sks_gpu_appended *appended = &gpu->waiting.appended;
  bool stores = appended->batch == batch && appended->layer == layer;
  if (stores) appended->batch = NULL;
  cudaError_t error = sks_gpu_launch_waiting(gpu);
  if (error == cudaSuccess && own->tiled)
    error = sks_cuda_attend_tiles(gpu->stream, &own->attention, &own->step, layer, &args,
                                  own->tiles, own->tile_count);
  else if (error == cudaSuccess) {
    args.rounded = place_for_rounded(gpu, batch);
    error = sks_cuda_attend_rows(gpu->stream, &own->attention, &own->step, layer,
                                 stores ? &appended->rows : NULL, &args, batch->most_keys,
                                 own->workspace.memory, own->workspace.bytes, true);
    if (error == cudaSuccess)
      sks_gpu_leave_rounded(gpu, out, own->step.row_count,
                            (int64_t)own->attention.heads * own->attention.head_dim, args.rounded);
    else if (stores)
      gpu->waiting.lost++; /* the append with it */
  }
  return sks_gpu_leave(gpu, error, "sks_attend");
}

int32_t sks_gpu_attention_weights(sks_batch *batch, int32_t layer, const float *queries,
                                  int64_t row_stride, int64_t group_stride,
                                  const float *sink_logits, int32_t row, float *weights) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter(batch->attention->device);
  sks_span spans[SKS_SPANS];
  const sks_row *of = &batch->rows[row];
  int64_t keys = sks_spans_between(&of->cache->ring, of->view, of->view, spans);
  int64_t bytes = batch->attention->heads * keys * (int64_t)sizeof *weights;
  int32_t status = sks_gpu_results(gpu, bytes);
  if (status != SKS_OK) return sks_gpu_done(gpu, status);
  sks_cuda_attend_args args = {queries,     row_stride,          group_stride,
                               sink_logits, gpu->results.memory, {0}};
  cudaError_t error =
      sks_cuda_attention_weights(gpu->stream, &own->attention, &own->step, layer, row, &args);
  status = sks_gpu_fetch(gpu, error, bytes, "sks_attention_weights");
  if (status == SKS_OK) memcpy(weights, gpu->host_results, (size_t)bytes);
  return sks_gpu_done(gpu, status);
}
