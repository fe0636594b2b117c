/* The CPU as a device: a pool of threads over the kernels of one instruction set. */
#ifndef SINKSTREAM_CPU_CPU_H
#define SINKSTREAM_CPU_CPU_H

#include "core/backend.h"
#include "core/kernels.h"
#include "core/pool.h"

typedef struct sks_cpu {
  sks_device base;
  sks_pool *pool;
  sks_kernels kernels; /* the table: no slot is ever NULL */
} sks_cpu;

static inline sks_cpu *sks_cpu_of(const sks_device *device) { return (sks_cpu *)device; }

extern const sks_backend sks_cpu_backend;

/* What fills the table, a file of csrc/cpu each. */
int32_t sks_cpu_buffer_read(sks_device *device, const void *buffer, int64_t bytes, uint64_t *sum);
int32_t sks_cpu_widen(sks_device *device, const void *source, int32_t type, int64_t count,
                      float *target);
int32_t sks_cpu_quantize(sks_device *device, const float *source, int32_t type, int64_t rows,
                         int64_t columns, void *target);
int32_t sks_cpu_weights_create(sks_weights *weights, const sks_weight_part *parts);
void sks_cpu_weights_destroy(sks_weights *weights);
int32_t sks_cpu_workspace_create(sks_workspace *workspace);
void sks_cpu_workspace_destroy(sks_workspace *workspace);
int32_t sks_cpu_linear(sks_workspace *workspace, const sks_weights *weights, const sks_norm *norm,
                       const float *x, int32_t rows, float *y, int32_t output);
int32_t sks_cpu_embed(sks_device *device, const sks_weights *table, const int32_t *ids,
                      int32_t rows, float *y);
int32_t sks_cpu_normalize(sks_device *device, const sks_norm *norm, const float *x, int32_t rows,
                          int32_t columns, float *y);
int32_t sks_cpu_clamp(sks_device *device, float *x, int64_t count, float limit);
int32_t sks_cpu_top_k(sks_device *device, const float *logits, int32_t rows, int32_t count,
                      int32_t k, int32_t *indices, float *values);
void sks_cpu_top_k_of_row(const float *logits, int32_t count, int32_t k, int32_t *indices,
                          float *values);
int32_t sks_cpu_nll(sks_device *device, const float *logits, int32_t rows, int32_t count,
                    const int32_t *targets, double *loss);
int32_t sks_cpu_cache_allocate(sks_cache *cache, int64_t slots, int64_t bytes);
void sks_cpu_cache_free(sks_cache *cache);
int32_t sks_cpu_cache_grow(sks_cache *cache, int64_t slots);
int32_t sks_cpu_cache_move(sks_cache *cache, int64_t from, int64_t end, int64_t distance);
int32_t sks_cpu_cache_pack(const sks_cache *cache, const sks_span spans[SKS_SPANS], char *packed);
int32_t sks_cpu_cache_unpack(sks_cache *cache, const sks_span spans[SKS_SPANS], const char *packed);
int32_t sks_cpu_batch_create(sks_batch *batch);
void sks_cpu_batch_destroy(sks_batch *batch);
int32_t sks_cpu_batch_begin(sks_batch *batch);
int32_t sks_cpu_append(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                       int64_t row_stride, int64_t head_stride);
int32_t sks_cpu_attend(sks_batch *batch, int32_t layer, const float *queries, int64_t row_stride,
                       int64_t group_stride, const float *sink_logits, float *out);
int32_t sks_cpu_attention_weights(sks_batch *batch, int32_t layer, const float *queries,
                                  int64_t row_stride, int64_t group_stride,
                                  const float *sink_logits, int32_t row, float *weights);

#endif
