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

/* What fills the table: one file of this folder for each operation or object. */
sks_buffer_read_function sks_cpu_buffer_read;
sks_widen_function sks_cpu_widen;
sks_quantize_function sks_cpu_quantize;
sks_weights_create_function sks_cpu_weights_create;
sks_weights_destroy_function sks_cpu_weights_destroy;
sks_workspace_create_function sks_cpu_workspace_create;
sks_workspace_destroy_function sks_cpu_workspace_destroy;
sks_linear_function sks_cpu_linear;
sks_embed_function sks_cpu_embed;
sks_normalize_function sks_cpu_normalize;
sks_clamp_function sks_cpu_clamp;
sks_top_k_function sks_cpu_top_k;
void sks_cpu_top_k_of_row(const float *logits, int32_t count, int32_t k, int32_t *indices,
                          float *values);
sks_nll_function sks_cpu_nll;
sks_choice_create_function sks_cpu_choice_create;
sks_choice_destroy_function sks_cpu_choice_destroy;
sks_choose_function sks_cpu_choose;
sks_choice_wait_function sks_cpu_choice_wait;
sks_cache_allocate_function sks_cpu_cache_allocate;
sks_cache_free_function sks_cpu_cache_free;
sks_cache_grow_function sks_cpu_cache_grow;
sks_cache_move_function sks_cpu_cache_move;
sks_cache_pack_function sks_cpu_cache_pack;
sks_cache_unpack_function sks_cpu_cache_unpack;
sks_batch_create_function sks_cpu_batch_create;
sks_batch_destroy_function sks_cpu_batch_destroy;
sks_batch_begin_function sks_cpu_batch_begin;
sks_append_function sks_cpu_append;
sks_attend_function sks_cpu_attend;
sks_attention_weights_function sks_cpu_attention_weights;

#endif
