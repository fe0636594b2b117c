/*
 * What a kind of device does: the table that the public functions (csrc/ops) call through once
 * arguments are checked. csrc/cpu fills it for the CPU, cuda/ for NVIDIA GPUs, in a library of its
 * own that is opened at run time; SKS_BACKEND_VERSION changes with whatever the two sides share,
 * the structs of csrc/core among it.
 *
 * Objects are made by csrc/ops, which keeps what every device has (shapes, positions, the ring); a
 * back end hangs what it needs itself on `own`.
 */
#ifndef SINKSTREAM_CORE_BACKEND_H
#define SINKSTREAM_CORE_BACKEND_H

#include <stdint.h>

#include "core/batch.h"
#include "core/device.h"
#include "core/matrix.h"
#include "core/spans.h"
#include "sinkstream/linear.h"
#include "sinkstream/norm.h"

enum { SKS_BACKEND_VERSION = 4 };

/*
 * Functions return a status with the last error set. Where one has no error it cannot fail. A slot
 * that says so may be NULL: the device cannot do that, and csrc/ops says so.
 */
struct sks_backend {
  void (*close)(sks_device *device);

  /* Memory in all and memory free now. */
  int32_t (*memory)(sks_device *device, int64_t *total, int64_t *available);
  int32_t (*buffer_allocate)(sks_device *device, int64_t bytes, void **buffer);
  void (*buffer_free)(sks_device *device, void *buffer);
  int32_t (*upload)(sks_device *device, void *to, const void *from, int64_t bytes);
  int32_t (*download)(sks_device *device, void *to, const void *from, int64_t bytes);
  int32_t (*copy)(sks_device *device, void *to, const void *from, int64_t bytes);
  int32_t (*buffer_read)(sks_device *device, const void *buffer, int64_t bytes, uint64_t *sum);

  /* Between host memory; may be NULL. */
  int32_t (*widen)(sks_device *device, const void *source, int32_t type, int64_t count,
                   float *target);
  int32_t (*quantize)(sks_device *device, const float *source, int32_t type, int64_t rows,
                      int64_t columns, void *target);

  /* Takes in the parts of a matrix whose shape is filled in; also its `bytes`. */
  int32_t (*weights_create)(sks_weights *weights, const sks_weight_part *parts);
  void (*weights_destroy)(sks_weights *weights);
  int32_t (*workspace_create)(sks_workspace *workspace);
  void (*workspace_destroy)(sks_workspace *workspace);
  int32_t (*linear)(sks_workspace *workspace, const sks_weights *weights, const sks_norm *norm,
                    const float *x, int32_t rows, float *y, int32_t output);
  int32_t (*embed)(sks_device *device, const sks_weights *table, const int32_t *ids, int32_t rows,
                   float *y);
  int32_t (*normalize)(sks_device *device, const sks_norm *norm, const float *x, int32_t rows,
                       int32_t columns, float *y);
  int32_t (*clamp)(sks_device *device, float *x, int64_t count, float limit);
  int32_t (*top_k)(sks_device *device, const float *logits, int32_t rows, int32_t count, int32_t k,
                   int32_t *indices, float *values);
  int32_t (*nll)(sks_device *device, const float *logits, int32_t rows, int32_t count,
                 const int32_t *targets, double *loss);

  int32_t (*attention_create)(sks_attention *attention);
  void (*attention_destroy)(sks_attention *attention);

  /* What steps need of the device's memory beside a cache that fills it; 0 for a host, whose memory
   * nobody fills. */
  int64_t step_bytes;
  /* Bytes that a key, or a value, of one KV head takes in the storage. */
  int64_t (*cache_row_bytes)(int32_t type, int64_t head_dim);
  /* Storage for `slots` slots of every layer, whole blocks of SKS_KV_SLOTS; `bytes` is what that
   * is. On failure nothing is left behind. */
  int32_t (*cache_allocate)(sks_cache *cache, int64_t slots, int64_t bytes);
  void (*cache_free)(sks_cache *cache);
  /* More slots, the rows kept; where it fails the cache goes on with what it has. */
  int32_t (*cache_grow)(sks_cache *cache, int64_t slots);
  /* The rows of tokens [from, end) go down by `distance` tokens, their keys turned back by that. */
  int32_t (*cache_move)(sks_cache *cache, int64_t from, int64_t end, int64_t distance);
  /* Between the rows of the spans and packed host memory: by layer, keys before values, by head; a
   * row's elements, then its scales (core/kv.h). */
  int32_t (*cache_pack)(const sks_cache *cache, const sks_span spans[SKS_SPANS], char *packed);
  int32_t (*cache_unpack)(sks_cache *cache, const sks_span spans[SKS_SPANS], const char *packed);

  int32_t (*batch_create)(sks_batch *batch);
  void (*batch_destroy)(sks_batch *batch);
  /* The batch's rows are those of the new step. */
  int32_t (*batch_begin)(sks_batch *batch);
  int32_t (*batch_commit)(sks_batch *batch); /* may be NULL: nothing to do */
  int32_t (*append)(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                    int64_t row_stride, int64_t head_stride);
  int32_t (*attend)(sks_batch *batch, int32_t layer, const float *queries, int64_t row_stride,
                    int64_t group_stride, const float *sink_logits, float *out);

  /* May be NULL. The softmax of one row, to host memory. */
  int32_t (*attention_weights)(sks_batch *batch, int32_t layer, const float *queries,
                               int64_t row_stride, int64_t group_stride, const float *sink_logits,
                               int32_t row, float *weights);

  /* All may be NULL: the device records nothing. From begin to end no other thread gets to run an
   * operation. */
  int32_t (*record_begin)(sks_device *device);
  int32_t (*record_end)(sks_device *device, void **own);
  /* `batch`, whose step has begun, is the one that was recorded, or NULL. */
  int32_t (*replay)(sks_device *device, void *own, const sks_batch *batch);
  void (*recording_destroy)(sks_device *device, void *own);
};

/*
 * The entry of a back end in a library of its own, under the name SKS_BACKEND_ENTRY. `host` lends
 * what the library must not have twice; it is copied.
 */
typedef struct sks_host {
  int32_t version; /* SKS_BACKEND_VERSION; whoever has another one refuses */
  int32_t (*fail)(int32_t status, const char *text);
  void *(*allocate)(int64_t bytes, const char *what);
  void (*free)(void *memory);
  /* Counts device memory among what the library holds. */
  void (*account)(int64_t bytes, int64_t allocations);
  /* sks_top_k over a row in host memory, for more than a device chooses itself. */
  void (*top_k)(const float *logits, int32_t count, int32_t k, int32_t *indices, float *values);
} sks_host;

typedef int32_t sks_backend_entry(const sks_host *host, int32_t index, sks_device **device);
#define SKS_BACKEND_ENTRY "sks_backend_open"

#endif
