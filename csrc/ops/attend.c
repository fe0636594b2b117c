#include "core/backend.h"
#include "core/fail.h"
#include "core/memory.h"
#include "core/recording.h"

/* Makes the batch the one that the recording steps. */
static int32_t record(sks_recording *recording, sks_batch *batch) {
  int32_t status = sks_batch_check_recordable(batch);
  if (status != SKS_OK) return status;
  if (!recording->batch) {
    recording->appended =
        sks_memory_allocate(batch->attention->layers * (int64_t)sizeof(bool), "a recording");
    if (!recording->appended) return SKS_OUT_OF_MEMORY;
    recording->batch = batch;
    recording->rows = batch->padded_rows;
    recording->type = batch->streams[0].cache->type;
    recording->most_keys = batch->most_keys;
  }
  if (recording->batch != batch)
    return sks_fail(SKS_IMPOSSIBLE, "the recording steps another batch; one batch each");
  return SKS_OK;
}

int32_t sks_append(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                   int64_t row_stride, int64_t head_stride) {
  const sks_device *device = batch->attention->device;
  sks_recording *recording = sks_recording_in_progress(device);
  int32_t status = sks_batch_check(batch, layer);
  if (status == SKS_OK && recording) status = record(recording, batch);
  if (status != SKS_OK) return status;
  sks_batch_mark_stored(batch);
  status = device->backend->append(batch, layer, keys, values, row_stride, head_stride);
  if (status != SKS_OK) return status;
  batch->appended[layer] = true;
  if (recording) recording->appended[layer] = true;
  return SKS_OK;
}

int32_t sks_attend(sks_batch *batch, int32_t layer, const float *queries, int64_t row_stride,
                   int64_t group_stride, const float *sink_logits, float *out) {
  int32_t status = sks_batch_check_appended(batch, layer);
  if (status != SKS_OK) return status;
  sks_recording *recording = sks_recording_in_progress(batch->attention->device);
  if (recording) status = record(recording, batch);
  if (status != SKS_OK) return status;
  return batch->attention->device->backend->attend(batch, layer, queries, row_stride, group_stride,
                                                   sink_logits, out);
}
