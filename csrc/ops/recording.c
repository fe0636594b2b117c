#include "core/recording.h"

#include <string.h>

#include "core/backend.h"
#include "core/element.h"
#include "core/fail.h"
#include "core/memory.h"

/* The newest that the calling thread has in progress, one for each device. A device keeps other
 * threads out meanwhile, but only once they are in the back end: here they must not see it. */
static _Thread_local sks_recording *newest;

/* Where it hangs, or the end of the list. */
static sks_recording **find(const sks_device *device) {
  sks_recording **at = &newest;
  while (*at && (*at)->device != device) at = &(*at)->outer;
  return at;
}

sks_recording *sks_recording_in_progress(const sks_device *device) { return *find(device); }

int32_t sks_device_records(const sks_device *device) {
  return device->backend->record_begin != NULL;
}

int32_t sks_recording_begin(sks_device *device) {
  if (!sks_device_records(device))
    return sks_fail(SKS_UNSUPPORTED, "a %s device records nothing", device->kind);
  sks_recording *made = sks_memory_allocate(sizeof *made, "a recording");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  int32_t status = device->backend->record_begin(device);
  if (status != SKS_OK) {
    sks_memory_free(made);
    return status;
  }
  *made = (sks_recording){.device = device, .outer = newest};
  newest = made;
  return SKS_OK;
}

static void free_all(sks_recording *recording) {
  sks_memory_free(recording->appended);
  sks_memory_free(recording);
}

int32_t sks_recording_end(sks_device *device, sks_recording **recording) {
  sks_recording **at = find(device), *made = *at;
  if (made == NULL) return sks_fail(SKS_IMPOSSIBLE, "no recording is in progress in this thread");
  *at = made->outer;
  /* What was only recorded has not happened, and will not if the recording fails. */
  if (made->batch)
    memset(made->batch->appended, 0, (size_t)made->batch->attention->layers * sizeof(bool));
  int32_t status = device->backend->record_end(device, &made->own);
  if (status != SKS_OK) {
    free_all(made);
    return status;
  }
  if (recording != NULL)
    *recording = made;
  else
    sks_recording_destroy(made);
  return SKS_OK;
}

/* The batch's step is one that the recording can take. */
static int32_t check_batch(const sks_recording *recording) {
  sks_batch *batch = recording->batch;
  int32_t status = sks_batch_check(batch, 0);
  if (status == SKS_OK) status = sks_batch_check_recordable(batch);
  if (status != SKS_OK) return status;
  for (int32_t i = 0; i < batch->stream_count; i++)
    if (batch->streams[i].cache->type != recording->type)
      return sks_fail(SKS_IMPOSSIBLE, "caches[%d] is of type %s; it was recorded with %s", i,
                      sks_type_name(batch->streams[i].cache->type), sks_type_name(recording->type));
  if (batch->padded_rows != recording->rows)
    return sks_fail(SKS_IMPOSSIBLE, "the step has %d rows; it was recorded with %d",
                    batch->padded_rows, recording->rows);
  if (batch->step_keys > recording->most_keys)
    return sks_fail(SKS_IMPOSSIBLE, "rows see up to %lld keys; it was recorded with %lld",
                    (long long)batch->step_keys, (long long)recording->most_keys);
  return SKS_OK;
}

int32_t sks_recording_replay(sks_recording *recording) {
  sks_batch *batch = recording->batch;
  int32_t status = batch ? check_batch(recording) : SKS_OK;
  if (status != SKS_OK) return status;
  if (batch) sks_batch_mark_stored(batch);
  status = recording->device->backend->replay(recording->device, recording->own, batch);
  for (int32_t i = 0; status == SKS_OK && batch && i < batch->attention->layers; i++)
    batch->appended[i] |= recording->appended[i];
  return status;
}

void sks_recording_destroy(sks_recording *recording) {
  if (recording == NULL) return;
  recording->device->backend->recording_destroy(recording->device, recording->own);
  free_all(recording);
}
