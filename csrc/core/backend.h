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

#include "core/operations.h"

enum { SKS_BACKEND_VERSION = 5 };

/* A slot that says so may be NULL: the device cannot do that, and csrc/ops says so. */
struct sks_backend {
  sks_close_function *close;
  sks_memory_function *memory;
  sks_buffer_allocate_function *buffer_allocate;
  sks_buffer_free_function *buffer_free;
  sks_copy_function *upload, *download, *copy;
  sks_buffer_read_function *buffer_read;

  sks_widen_function *widen;       /* may be NULL */
  sks_quantize_function *quantize; /* may be NULL */

  sks_weights_create_function *weights_create;
  sks_weights_destroy_function *weights_destroy;
  sks_workspace_create_function *workspace_create;
  sks_workspace_destroy_function *workspace_destroy;
  sks_linear_function *linear;
  sks_embed_function *embed;
  sks_normalize_function *normalize;
  sks_clamp_function *clamp;
  sks_top_k_function *top_k;
  sks_nll_function *nll;

  sks_choice_create_function *choice_create;
  sks_choice_destroy_function *choice_destroy;
  sks_choose_function *choose;
  sks_choice_wait_function *choice_wait;

  sks_attention_create_function *attention_create;
  sks_attention_destroy_function *attention_destroy;

  /* What steps need of the device's memory beside a cache that fills it; 0 for a host, whose memory
   * nobody fills. */
  int64_t step_bytes;
  sks_cache_row_bytes_function *cache_row_bytes;
  sks_cache_allocate_function *cache_allocate;
  sks_cache_free_function *cache_free;
  sks_cache_grow_function *cache_grow;
  sks_cache_move_function *cache_move;
  sks_cache_pack_function *cache_pack;
  sks_cache_unpack_function *cache_unpack;

  sks_batch_create_function *batch_create;
  sks_batch_destroy_function *batch_destroy;
  sks_batch_begin_function *batch_begin;
  sks_batch_commit_function *batch_commit; /* may be NULL: nothing to do */
  sks_append_function *append;
  sks_attend_function *attend;
  sks_attention_weights_function *attention_weights; /* may be NULL */

  /* All may be NULL: the device records nothing. */
  sks_record_begin_function *record_begin;
  sks_record_end_function *record_end;
  sks_replay_function *replay;
  sks_recording_destroy_function *recording_destroy;
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
