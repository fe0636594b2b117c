#include "sinkstream/device.h"

#include "core/backend.h"
#include "ops/check.h"

void sks_device_close(sks_device *device) {
  if (device != NULL) device->backend->close(device);
}

int32_t sks_device_threads(const sks_device *device) { return device->threads; }

const char *sks_device_kind(const sks_device *device) { return device->kind; }

const char *sks_device_name(const sks_device *device) { return device->name; }

const char *sks_device_isa(const sks_device *device) { return device->isa; }

int32_t sks_device_memory(sks_device *device, int64_t *total, int64_t *available) {
  int32_t status = sks_require_pointer(total, "total");
  if (status == SKS_OK) status = sks_require_pointer(available, "available");
  return status == SKS_OK ? device->backend->memory(device, total, available) : status;
}

int32_t sks_buffer_allocate(sks_device *device, int64_t bytes, void **buffer) {
  return device->backend->buffer_allocate(device, bytes, buffer);
}

void sks_buffer_free(sks_device *device, void *buffer) {
  if (buffer != NULL) device->backend->buffer_free(device, buffer);
}

static int32_t check_copy(const void *to, const void *from, int64_t bytes) {
  int32_t status = sks_require_range(bytes, 0, INT64_MAX, "bytes");
  if (status == SKS_OK) status = sks_require_pointer(to, "to");
  return status == SKS_OK ? sks_require_pointer(from, "from") : status;
}

int32_t sks_buffer_upload(sks_device *device, void *to, const void *from, int64_t bytes) {
  int32_t status = check_copy(to, from, bytes);
  return status == SKS_OK ? device->backend->upload(device, to, from, bytes) : status;
}

int32_t sks_buffer_download(sks_device *device, void *to, const void *from, int64_t bytes) {
  int32_t status = check_copy(to, from, bytes);
  return status == SKS_OK ? device->backend->download(device, to, from, bytes) : status;
}

int32_t sks_buffer_copy(sks_device *device, void *to, const void *from, int64_t bytes) {
  int32_t status = check_copy(to, from, bytes);
  return status == SKS_OK ? device->backend->copy(device, to, from, bytes) : status;
}

int32_t sks_buffer_read(sks_device *device, const void *buffer, int64_t bytes, uint64_t *sum) {
  int32_t status = sks_require_range(bytes, 0, INT64_MAX, "bytes");
  if (status == SKS_OK) status = sks_require_pointer(buffer, "buffer");
  if (status == SKS_OK) status = sks_require_pointer(sum, "sum");
  return status == SKS_OK ? device->backend->buffer_read(device, buffer, bytes, sum) : status;
}
