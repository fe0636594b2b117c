#include "support/recorder.h"

#include "core/backend.h"
#include "core/fail.h"
#include "core/kv.h"
#include "core/memory.h"
#include "support/check.h"

static recorder *enter(const sks_device *device) {
  recorder *r = (recorder *)device;
  atomic_fetch_add(&r->waiting, 1);
  pthread_mutex_lock(&r->lock);
  atomic_fetch_sub(&r->waiting, 1);
  return r;
}

static int32_t leave(recorder *r, int32_t status) {
  pthread_mutex_unlock(&r->lock);
  return status;
}

static int32_t operate(const sks_device *device) { return leave(enter(device), SKS_OK); }

static void close_recorder(sks_device *device) {
  recorder *r = (recorder *)device;
  pthread_mutex_destroy(&r->lock);
  sks_memory_free(r);
}

static int32_t memory(sks_device *device, int64_t *total, int64_t *available) {
  *total = *available = INT64_MAX;
  return operate(device);
}

static int32_t attention_create(sks_attention *attention) { return operate(attention->device); }

static void attention_destroy(sks_attention *attention) { operate(attention->device); }

static int32_t cache_allocate(sks_cache *cache, int64_t slots, int64_t bytes) {
  (void)slots;
  (void)bytes;
  return operate(cache->attention->device);
}

static void cache_free(sks_cache *cache) { operate(cache->attention->device); }

static int32_t batch_create(sks_batch *batch) { return operate(batch->attention->device); }

static void batch_destroy(sks_batch *batch) { operate(batch->attention->device); }

static int32_t batch_begin(sks_batch *batch) { return operate(batch->attention->device); }

static int32_t append(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                      int64_t row_stride, int64_t head_stride) {
  (void)layer;
  (void)keys;
  (void)values;
  (void)row_stride;
  (void)head_stride;
  recorder *r = enter(batch->attention->device);
  bool fails = r->recording && r->fail_append;
  return leave(r, fails ? sks_fail(SKS_FAULT, "the append fails") : SKS_OK);
}

static int32_t attend(sks_batch *batch, int32_t layer, const float *queries, int64_t row_stride,
                      int64_t group_stride, const float *sink_logits, float *out) {
  (void)layer;
  (void)queries;
  (void)row_stride;
  (void)group_stride;
  (void)sink_logits;
  (void)out;
  return operate(batch->attention->device);
}

static int32_t record_begin(sks_device *device) {
  recorder *r = enter(device);
  if (r->recording) return leave(r, sks_fail(SKS_IMPOSSIBLE, "a recording cannot be recorded"));
  if (r->fail_begin) return leave(r, sks_fail(SKS_FAULT, "the recording does not begin"));
  r->recording = true;
  return SKS_OK; /* still inside */
}

static int32_t record_end(sks_device *device, void **own) {
  recorder *r = enter(device);
  CHECK(r->recording, "nothing is recorded");
  r->recording = false;
  int32_t status = r->fail_end ? sks_fail(SKS_FAULT, "the recording fails") : SKS_OK;
  if (status == SKS_OK) *own = sks_memory_allocate(1, "a recording");
  leave(r, status); /* of the beginning */
  return leave(r, status);
}

static int32_t replay(sks_device *device, void *own, const sks_batch *batch) {
  (void)batch;
  CHECK(own != NULL, "a recording that did not end");
  return operate(device);
}

static void recording_destroy(sks_device *device, void *own) {
  sks_memory_free(own);
  operate(device);
}

static const sks_backend table = {
    .close = close_recorder,
    .memory = memory,
    .attention_create = attention_create,
    .attention_destroy = attention_destroy,
    .cache_row_bytes = sks_kv_row_bytes,
    .cache_allocate = cache_allocate,
    .cache_free = cache_free,
    .batch_create = batch_create,
    .batch_destroy = batch_destroy,
    .batch_begin = batch_begin,
    .append = append,
    .attend = attend,
    .record_begin = record_begin,
    .record_end = record_end,
    .replay = replay,
    .recording_destroy = recording_destroy,
};

recorder *recorder_open(void) {
  recorder *r = sks_memory_allocate(sizeof *r, "a device");
  REQUIRE(r != NULL, "%s", sks_last_error());
  r->base = (sks_device){
      .backend = &table, .kind = "recorder", .name = "a recorder", .isa = "none", .threads = 1};
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&r->lock, &recursive);
  pthread_mutexattr_destroy(&recursive);
  return r;
}
