#include <string.h>

#include "core/memory.h"
#include "cpu/cpu.h"

static void close_cpu(sks_device *device) {
  sks_pool_destroy(sks_cpu_of(device)->pool);
  sks_memory_free(device);
}

static int32_t memory(sks_device *device, int64_t *total, int64_t *available) {
  (void)device;
  *total = sks_memory_of_machine();
  *available = sks_memory_available();
  return SKS_OK;
}

static int32_t buffer_allocate(sks_device *device, int64_t bytes, void **buffer) {
  (void)device;
  *buffer = sks_memory_allocate(bytes, "buffer");
  return *buffer == NULL ? SKS_OUT_OF_MEMORY : SKS_OK;
}

static void buffer_free(sks_device *device, void *buffer) {
  (void)device;
  sks_memory_free(buffer);
}

static int32_t copy(sks_device *device, void *to, const void *from, int64_t bytes) {
  (void)device;
  memmove(to, from, (size_t)bytes);
  return SKS_OK;
}

static int32_t attention_create(sks_attention *attention) {
  (void)attention;
  return SKS_OK;
}

static void attention_destroy(sks_attention *attention) { (void)attention; }

const sks_backend sks_cpu_backend = {
    .close = close_cpu,
    .memory = memory,
    .buffer_allocate = buffer_allocate,
    .buffer_free = buffer_free,
    .upload = copy,
    .download = copy,
    .copy = copy,
    .buffer_read = sks_cpu_buffer_read,
    .widen = sks_cpu_widen,
    .quantize = sks_cpu_quantize,
    .weights_create = sks_cpu_weights_create,
    .weights_destroy = sks_cpu_weights_destroy,
    .workspace_create = sks_cpu_workspace_create,
    .workspace_destroy = sks_cpu_workspace_destroy,
    .linear = sks_cpu_linear,
    .embed = sks_cpu_embed,
    .normalize = sks_cpu_normalize,
    .clamp = sks_cpu_clamp,
    .top_k = sks_cpu_top_k,
    .nll = sks_cpu_nll,
    .choice_create = sks_cpu_choice_create,
    .choice_destroy = sks_cpu_choice_destroy,
    .choose = sks_cpu_choose,
    .choice_wait = sks_cpu_choice_wait,
    .attention_create = attention_create,
    .attention_destroy = attention_destroy,
    .cache_row_bytes = sks_kv_row_bytes,
    .cache_allocate = sks_cpu_cache_allocate,
    .cache_free = sks_cpu_cache_free,
    .cache_grow = sks_cpu_cache_grow,
    .cache_move = sks_cpu_cache_move,
    .cache_pack = sks_cpu_cache_pack,
    .cache_unpack = sks_cpu_cache_unpack,
    .batch_create = sks_cpu_batch_create,
    .batch_destroy = sks_cpu_batch_destroy,
    .batch_begin = sks_cpu_batch_begin,
    .append = sks_cpu_append,
    .attend = sks_cpu_attend,
    .attention_weights = sks_cpu_attention_weights,
};
