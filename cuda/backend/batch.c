#include "cuda/backend/batch.h"

#include <string.h>

#include "core/element.h"
#include "core/memory.h"
#include "core/round_up.h"
#include "cuda/backend/attention.h"
#include "cuda/backend/cache.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"
#include "cuda/kernels/linear_batch.h"

enum {
  LEAST_TILE_ROWS = 8, /* of a stream in a step, for tiles to pay */
  ROUNDED_BYTES = 2    /* of what a stride counts */
};

int64_t sks_gpu_most_rounded(const sks_batch *batch) {
  return batch->max_rows < SKS_CUDA_BATCH_ROWS ? batch->max_rows : SKS_CUDA_BATCH_ROWS;
}

int64_t sks_gpu_rounded_stride(const sks_attention *attention, int32_t type) {
  int64_t columns = (int64_t)attention->heads * attention->head_dim;
  return type == SKS_CUDA_NUMBERS ? sks_cuda_number_stride(columns)
                                  : sks_cuda_rounded_stride(columns);
}

static int32_t allocate(sks_gpu *gpu, const sks_batch *batch, sks_gpu_batch *own) {
  int64_t rows = batch->max_rows;
  int64_t caches = sks_round_up(rows * (int64_t)sizeof(sks_cuda_cache), 256),
          positions = sks_round_up(rows * (int64_t)sizeof(int64_t), 256),
          entries = sks_round_up(rows * (int64_t)sizeof(sks_cuda_row), 256),
          tokens = sks_round_up(rows * (int64_t)sizeof(sks_cuda_token), 256),
          tiles = sks_round_up(rows * (int64_t)sizeof(sks_cuda_tile), 256),
          phases =
              sks_round_up(rows * 4 * batch->attention->rotary_half * (int64_t)sizeof(float), 256),
          rounded = sks_gpu_most_rounded(batch) *
                    sks_gpu_rounded_stride(batch->attention, SKS_CUDA_NUMBERS) *
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
  int32_t status = sks_gpu_leave_with(gpu, allocate(gpu, batch, own));
  if (status != SKS_OK) sks_gpu_batch_destroy(batch);
  return status;
}

void sks_gpu_batch_destroy(sks_batch *batch) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu = sks_gpu_enter(batch->attention->device);
  sks_gpu_free(gpu, own->memory);
  sks_gpu_free_room(gpu, &own->workspace);
  sks_gpu_leave_silently(gpu);
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
                      "caches[%d] is of type %s, caches[0] of %s; on a GPU a step's are of one", i,
                      sks_type_name(stream->cache->type), sks_type_name(type));
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
  if (need > SKS_GPU_PARTIAL_BYTES)
    need = one > SKS_GPU_PARTIAL_BYTES ? one : SKS_GPU_PARTIAL_BYTES;
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
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  if (gpu->waiting.appended.batch == batch) gpu->waiting.appended.batch = NULL; /* given up */
  cudaError_t error = sks_gpu_launch_waiting(gpu); /* of which nothing may be written twice */
  if (error == cudaSuccess) error = write_step(gpu, batch, own);
  gpu->waiting.begins = error == cudaSuccess;
  gpu->waiting.attention = own->attention;
  gpu->waiting.step = own->step;
  return sks_gpu_leave(gpu, error, "sks_batch_begin");
}

int32_t sks_gpu_enter_step(const sks_device *device, const sks_batch *batch, const char *what,
                           sks_gpu **gpu) {
  sks_gpu *its = *gpu = sks_gpu_enter_waiting(device);
  int32_t status = sks_gpu_check(its, sks_gpu_launch_waiting(its), what);
  if (status != SKS_OK || batch == NULL) return status;
  const sks_gpu_batch *own = batch->own;
  if (own->lost == its->waiting.lost) return SKS_OK;
  its->waiting.error = cudaSuccess; /* told here, if nowhere else */
  return sks_fail(SKS_FAULT, "%s: launches failed since the step began", its->name);
}

int32_t sks_gpu_batch_commit(sks_batch *batch) {
  sks_gpu_batch *own = batch->own;
  sks_gpu *gpu;
  int32_t status = sks_gpu_enter_step(batch->attention->device, batch, "sks_batch_commit", &gpu);
  status = sks_gpu_leave_with(gpu, status);
  own->committed = status == SKS_OK;
  return status;
}
