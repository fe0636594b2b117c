#include "core/batch.h"

enum { MAX_HEAD_DIM = 256 };

typedef struct append_task {
  const sks_batch *batch;
  int32_t layer;
  const float *keys, *values;
  int64_t row_stride, head_stride;
} append_task;

static void append_row(void *argument, int64_t index, int32_t thread) {
  (void)thread;
  const append_task *task = argument;
  const sks_attention *attention = task->batch->attention;
  const sks_kernels *kernels = &attention->device->kernels;
  const sks_row *row = &task->batch->rows[index];
  int32_t type = row->cache->type, half = attention->rotary_half, head_dim = attention->head_dim;
  int64_t slot = sks_slot_of(&row->cache->ring, row->view.position);
  for (int32_t head = 0; head < attention->kv_heads; head++) {
    int64_t at = index * task->row_stride + head * task->head_stride;
    const float *key = task->keys + at;
    float rotated[MAX_HEAD_DIM];
    if (half > 0) {
      kernels->rotate[attention->rotary_layout](key, row->stream_phase, row->stream_phase + half,
                                                half, head_dim, 1.0f, rotated);
      key = rotated;
    }
    kernels->narrow[type](key, head_dim, sks_key_row(row->cache, task->layer, head, slot));
    kernels->narrow[type](task->values + at, head_dim,
                          sks_value_row(row->cache, task->layer, head, slot));
  }
}

int32_t sks_append(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                   int64_t row_stride, int64_t head_stride) {
  int32_t status = sks_batch_check(batch, layer);
  if (status != SKS_OK) return status;
  for (int32_t i = 0; i < batch->stream_count; i++) {
    sks_cache *cache = batch->streams[i].cache;
    int64_t end = cache->position + batch->streams[i].rows;
    if (cache->stored_end < end) cache->stored_end = end;
  }
  const sks_attention *attention = batch->attention;
  append_task task = {batch, layer, keys, values, row_stride, head_stride};
  int64_t work = (int64_t)batch->row_count * attention->kv_heads * attention->head_dim;
  sks_batch_run(batch, work, batch->row_count, append_row, &task);
  batch->appended[layer] = true;
  return SKS_OK;
}
