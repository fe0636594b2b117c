#include "core/backend.h"
#include "ops/check.h"

int32_t sks_attention_weights(sks_batch *batch, int32_t layer, const float *queries,
                              int64_t row_stride, int64_t group_stride, const float *sink_logits,
                              int32_t row, float *weights, int64_t capacity, int64_t *keys) {
  sks_device *device = batch->attention->device;
  int32_t status = sks_batch_check_appended(batch, layer);
  if (status == SKS_OK)
    status = sks_require_slot(device, device->backend->attention_weights != NULL,
                              "sks_attention_weights");
  if (status == SKS_OK) status = sks_require_range(row, 0, batch->row_count - 1, "row");
  if (status != SKS_OK) return status;
  sks_span spans[SKS_SPANS];
  const sks_row *of = &batch->rows[row];
  int64_t count = sks_spans_between(&of->cache->ring, of->view, of->view, spans);
  if (capacity / batch->attention->heads < count)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "room for %lld weights; expected room for %d heads of %lld tokens",
                    (long long)capacity, batch->attention->heads, (long long)count);
  status = device->backend->attention_weights(batch, layer, queries, row_stride, group_stride,
                                              sink_logits, row, weights);
  if (status == SKS_OK) *keys = count;
  return status;
}
