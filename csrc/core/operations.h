/*
 * What a device does, a function type each: slots of the table (core/backend.h) point to such
 * functions, csrc/cpu and cuda/backend declare theirs by them. They return a status with the last
 * error set; where one has no error it cannot fail. Arguments have been checked (csrc/ops).
 */
#ifndef SINKSTREAM_CORE_OPERATIONS_H
#define SINKSTREAM_CORE_OPERATIONS_H

#include <stdint.h>

#include "core/batch.h"
#include "core/choice.h"
#include "core/device.h"
#include "core/matrix.h"
#include "core/spans.h"
#include "sinkstream/linear.h"
#include "sinkstream/norm.h"

typedef void sks_close_function(sks_device *device);
/* Memory in all and memory free now. */
typedef int32_t sks_memory_function(sks_device *device, int64_t *total, int64_t *available);

typedef int32_t sks_buffer_allocate_function(sks_device *device, int64_t bytes, void **buffer);
typedef void sks_buffer_free_function(sks_device *device, void *buffer);
typedef int32_t sks_copy_function(sks_device *device, void *to, const void *from, int64_t bytes);
typedef int32_t sks_buffer_read_function(sks_device *device, const void *buffer, int64_t bytes,
                                         uint64_t *sum);

/* Between host memory. */
typedef int32_t sks_widen_function(sks_device *device, const void *source, int32_t type,
                                   int64_t count, float *target);
typedef int32_t sks_quantize_function(sks_device *device, const float *source, int32_t type,
                                      int64_t rows, int64_t columns, void *target);

/* Takes in the parts of a matrix whose shape is filled in; also its `bytes`. */
typedef int32_t sks_weights_create_function(sks_weights *weights, const sks_weight_part *parts);
typedef void sks_weights_destroy_function(sks_weights *weights);
typedef int32_t sks_workspace_create_function(sks_workspace *workspace);
typedef void sks_workspace_destroy_function(sks_workspace *workspace);

typedef int32_t sks_linear_function(sks_workspace *workspace, const sks_weights *weights,
                                    const sks_norm *norm, const float *x, int32_t rows, float *y,
                                    int32_t output);
typedef int32_t sks_embed_function(sks_device *device, const sks_weights *table, const int32_t *ids,
                                   int32_t rows, float *y);
typedef int32_t sks_normalize_function(sks_device *device, const sks_norm *norm, const float *x,
                                       int32_t rows, int32_t columns, float *y);
typedef int32_t sks_clamp_function(sks_device *device, float *x, int64_t count, float limit);
typedef int32_t sks_top_k_function(sks_device *device, const float *logits, int32_t rows,
                                   int32_t count, int32_t k, int32_t *indices, float *values);
typedef int32_t sks_nll_function(sks_device *device, const float *logits, int32_t rows,
                                 int32_t count, const int32_t *targets, double *loss);

typedef int32_t sks_choice_create_function(sks_choice *choice);
typedef void sks_choice_destroy_function(sks_choice *choice);
typedef int32_t sks_choose_function(sks_choice *choice, const float *logits, int32_t rows,
                                    int32_t count, const int32_t *banned, int32_t banned_count,
                                    int32_t *ids);
/* Of the last choice, of which there is one. */
typedef int32_t sks_choice_wait_function(sks_choice *choice, int32_t *ids);

typedef int32_t sks_attention_create_function(sks_attention *attention);
typedef void sks_attention_destroy_function(sks_attention *attention);

/* Bytes that a key, or a value, of one KV head takes in the storage. */
typedef int64_t sks_cache_row_bytes_function(int32_t type, int64_t head_dim);
/* Storage for `slots` slots of every layer, whole blocks of SKS_KV_SLOTS; `bytes` is what that is.
 * On failure nothing is left behind. */
typedef int32_t sks_cache_allocate_function(sks_cache *cache, int64_t slots, int64_t bytes);
typedef void sks_cache_free_function(sks_cache *cache);
/* More slots, the rows kept; where it fails the cache goes on with what it has. */
typedef int32_t sks_cache_grow_function(sks_cache *cache, int64_t slots);
/* The rows of tokens [from, end) go down by `distance` tokens, their keys turned back by that. */
typedef int32_t sks_cache_move_function(sks_cache *cache, int64_t from, int64_t end,
                                        int64_t distance);
/* Between the rows of the spans and packed host memory: by layer, keys before values, by head; a
 * row's elements, then its scales (core/kv.h). */
typedef int32_t sks_cache_pack_function(const sks_cache *cache, const sks_span spans[SKS_SPANS],
                                        char *packed);
typedef int32_t sks_cache_unpack_function(sks_cache *cache, const sks_span spans[SKS_SPANS],
                                          const char *packed);

typedef int32_t sks_batch_create_function(sks_batch *batch);
typedef void sks_batch_destroy_function(sks_batch *batch);
/* The batch's rows are those of the new step. */
typedef int32_t sks_batch_begin_function(sks_batch *batch);
typedef int32_t sks_batch_commit_function(sks_batch *batch);
typedef int32_t sks_append_function(sks_batch *batch, int32_t layer, const float *keys,
                                    const float *values, int64_t row_stride, int64_t head_stride);
typedef int32_t sks_attend_function(sks_batch *batch, int32_t layer, const float *queries,
                                    int64_t row_stride, int64_t group_stride,
                                    const float *sink_logits, float *out);
/* The softmax of one row, to host memory. */
typedef int32_t sks_attention_weights_function(sks_batch *batch, int32_t layer,
                                               const float *queries, int64_t row_stride,
                                               int64_t group_stride, const float *sink_logits,
                                               int32_t row, float *weights);

/* From begin to end no other thread gets to run an operation. */
typedef int32_t sks_record_begin_function(sks_device *device);
typedef int32_t sks_record_end_function(sks_device *device, void **own);
/* `batch`, whose step has begun, is the one that was recorded, or NULL. */
typedef int32_t sks_replay_function(sks_device *device, void *own, const sks_batch *batch);
typedef void sks_recording_destroy_function(sks_device *device, void *own);

#endif
