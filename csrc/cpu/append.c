#include "cpu/batch.h"
#include "cpu/cache.h"

/* Rotating, rounding and storing a channel of a key and of a value takes as long as about this many
 * multiplications. */
enum { STORE_WORK = 32 };

typedef struct append_task {
  const sks_cpu_batch *batch;
  int32_t layer;
  const float *keys, *values;
  int64_t row_stride, head_stride;
} append_task;

static void append_row(const append_task *task, int64_t index, int32_t head) {
  const sks_attention *attention = task->batch->attention;
  const sks_kernels *kernels = &task->batch->cpu->kernels;
  const sks_row *row = &task->batch->rows[index];
  const float *phase = task->batch->row_phases[index].stream;
  int64_t slot = sks_slot_of(&row->cache->ring, row->view.position);
  int64_t at = index * task->row_stride + head * task->head_stride;
  const float *key = task->keys + at;
  float rotated[SKS_MAX_HEAD_DIM];
  if (attention->rotary_half > 0) {
    kernels->rotate[attention->rotary_layout](key, phase, phase + attention->rotary_half,
                                              attention->rotary_half, attention->head_dim, 1.0f,
                                              rotated);
    key = rotated;
  }
  sks_kv_store(kernels, key, sks_cache_key(row->cache, task->layer, head, slot));
  sks_kv_store(kernels, task->values + at, sks_cache_value(row->cache, task->layer, head, slot));
}

/* All rows of one KV head: neighbouring keys share lines of memory, which no two threads should
 * write. */
static void append_head(void *argument, int64_t head, int32_t thread) {
  (void)thread;
  const append_task *task = argument;
  for (int32_t i = 0; i < task->batch->row_count; i++) append_row(task, i, (int32_t)head);
}

int32_t sks_cpu_append(sks_batch *step, int32_t layer, const float *keys, const float *values,
                       int64_t row_stride, int64_t head_stride) {
  const sks_cpu_batch *batch = step->own;
  const sks_attention *attention = batch->attention;
  append_task task = {batch, layer, keys, values, row_stride, head_stride};
  int64_t work = (int64_t)batch->row_count * attention->kv_heads * attention->head_dim * STORE_WORK;
  sks_cpu_batch_run(batch, work, attention->kv_heads, append_head, &task);
  return SKS_OK;
}
