/* An NVIDIA GPU as a device (core/backend.h): one stream, in which operations run in the order of
 * the calls. */
#ifndef SINKSTREAM_CUDA_BACKEND_GPU_H
#define SINKSTREAM_CUDA_BACKEND_GPU_H

#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdbool.h>

#include "core/backend.h"
#include "core/fail.h"
#include "cuda/backend/blas.h"
#include "cuda/kernels/append.h"
#include "cuda/kernels/put.h"
#include "cuda/kernels/rounded.h"

/* Memory of the device that is in use. */
typedef struct sks_gpu_block {
  struct sks_gpu_block *next;
  void *memory;
  int64_t bytes;
} sks_gpu_block;

/* Pinned memory and memory of the device of the same size, through which files are uploaded. */
typedef struct sks_gpu_stage {
  char *pinned, *device;
  cudaEvent_t free; /* recorded where the copy out of the pinned memory ends */
} sks_gpu_stage;

/* A layer that sks_append was asked for; the rows are read where they lie. */
typedef struct sks_gpu_appended {
  const sks_batch *batch; /* NULL: there is none */
  int32_t layer;
  sks_cuda_attention attention;
  sks_cuda_step step;
  sks_cuda_new_rows rows;
} sks_gpu_appended;

/* What is launched with the next operation, so that it costs one launch: small writes, and then the
 * beginning of a step; or an append, which the layer's sks_attend does on its way. */
typedef struct sks_gpu_waiting {
  sks_cuda_puts puts;
  bool begins;
  sks_cuda_attention attention;
  sks_cuda_step step;
  sks_gpu_appended appended;
  cudaError_t error; /* of the launch, until somebody leaves with it */
  uint64_t lost;     /* launches that failed, whoever was told of it */
} sks_gpu_waiting;

enum { SKS_GPU_MOST_ROOMS = 64 }; /* each is twice as large as the one before */

/* Memory of the device that grows as needed. What it has outgrown stays until the room goes: a
 * recording may have been made with it. */
typedef struct sks_gpu_room {
  void *memory;
  int64_t bytes;
  void *all[SKS_GPU_MOST_ROOMS]; /* the present one last */
  int32_t count;
} sks_gpu_room;

/* What an operation has left once more in 16 bits, for a linear layer that is the next one. */
typedef struct sks_gpu_left {
  uint64_t operation;  /* its number */
  const float *values; /* [rows, columns] */
  int32_t rows;
  int64_t columns;
  sks_cuda_rounded rounded;
} sks_gpu_left;

/* Pinned memory that kernels write small results to themselves; `serial` comes last. */
typedef struct sks_gpu_answer {
  uint32_t serial; /* of the newest question that has been answered */
  _Alignas(64) char data[];
} sks_gpu_answer;

enum { SKS_GPU_STAGES = 2, SKS_GPU_STAGE_BYTES = 16 << 20 };

/* Of the first steps: for a library of products, expanded weights and partial softmaxes. */
enum { SKS_GPU_STEP_BYTES = 384 << 20 };

typedef struct sks_gpu {
  sks_device base;
  int32_t index;
  char name[256], isa[32];
  cudaStream_t stream;
  pthread_mutex_t lock; /* recursive; a recording holds it from begin to end */
  bool recording;
  sks_gpu_blas blas;
  sks_gpu_waiting waiting;
  uint64_t operation;   /* the number of the present one */
  int32_t rounded_type; /* that the newest product takes its input in; SKS_F32: none */
  sks_gpu_left left;
  sks_gpu_block *blocks;
  sks_gpu_stage stages[SKS_GPU_STAGES]; /* made with the first weights */
  /* Where small results go on their way to the host; grown as needed. */
  sks_gpu_room results;
  char *host_results;
  sks_gpu_answer *answer;
  int64_t answer_bytes;
  uint32_t asked;           /* the serial of the newest question */
  sks_gpu_room top_scratch; /* of sks_cuda_top_k */
} sks_gpu;

/* Until sks_gpu_leave no other thread uses the device. */
sks_gpu *sks_gpu_enter(const sks_device *device);

/* The same, but what waits goes on waiting until the caller launches it, if at all. */
sks_gpu *sks_gpu_enter_waiting(const sks_device *device);

/* Launches what waits. */
cudaError_t sks_gpu_launch_waiting(sks_gpu *gpu);

/* What `error` stands for as a status; `what` ran into it. */
int32_t sks_gpu_leave(sks_gpu *gpu, cudaError_t error, const char *what);

/* The same for a function that has a status already. */
int32_t sks_gpu_done(sks_gpu *gpu, int32_t status);

/* The same for a function that cannot fail: what went wrong before, the next one tells. */
void sks_gpu_quit(sks_gpu *gpu);

/* Refuses a step whose beginning may be lost, or an append: another thread may have been told. */
int32_t sks_gpu_require_whole(sks_gpu *gpu, const sks_batch *batch);

/* The status of an error, inside. */
int32_t sks_gpu_check(const sks_gpu *gpu, cudaError_t error, const char *what);

/* Refuses, while operations are recorded, what cannot be. */
int32_t sks_gpu_require_running(const sks_gpu *gpu, const char *what);

/* Fails with what takes memory, how much, if that is known (else 0), and what the device has. */
int32_t sks_gpu_out_of_memory(const sks_gpu *gpu, int64_t bytes, const char *what);

/* Memory of the host that the device may write; freed by cudaFreeHost. */
int32_t sks_gpu_pinned(const sks_gpu *gpu, int64_t bytes, const char *what, void **memory);

/* Zeroed memory of the device, aligned to 256. Between enter and leave, as all below. */
int32_t sks_gpu_allocate(sks_gpu *gpu, int64_t bytes, const char *what, void **memory);

/* NULL is allowed. What the device was asked before is done first. */
void sks_gpu_free(sks_gpu *gpu, void *memory);

/* Makes the room at least `bytes` large: zeroed, where it grows. */
int32_t sks_gpu_ensure(sks_gpu *gpu, int64_t bytes, const char *what, sks_gpu_room *room);

void sks_gpu_free_room(sks_gpu *gpu, sks_gpu_room *room);

/* Room for results on both sides. */
int32_t sks_gpu_results(sks_gpu *gpu, int64_t bytes);

/* Waits until `bytes` of results are in gpu->host_results. `error` is that of the kernel's launch.
 */
int32_t sks_gpu_fetch(sks_gpu *gpu, cudaError_t error, int64_t bytes, const char *what);

/* The present operation, whose launches have been taken, has left [rows, columns] of `values` once
 * more; nothing, if rounded.rows is NULL. */
void sks_gpu_leave_rounded(sks_gpu *gpu, const float *values, int32_t rows, int64_t columns,
                           sks_cuda_rounded rounded);

/* What the operation before this one has left of them, of that type; rows: NULL if nothing. */
sks_cuda_rounded sks_gpu_find_rounded(const sks_gpu *gpu, const float *values, int32_t rows,
                                      int64_t columns, int32_t type);

/* Host memory to the device's, before the next operation; `from` may change after. */
cudaError_t sks_gpu_write(sks_gpu *gpu, void *to, const void *from, int64_t bytes);

/* Makes room for an answer of so many bytes; the serial of the question, which the kernel is to
 * leave in gpu->answer->serial once it has written the answer to gpu->answer->data. */
int32_t sks_gpu_ask(sks_gpu *gpu, int64_t bytes, uint32_t *serial);

/* Waits for the answer to the question asked last. `error` is that of the kernel's launch. */
int32_t sks_gpu_await(sks_gpu *gpu, cudaError_t error, const char *what);

/* The status of a product of cuBLAS, which is there. Sums are float32. */
int32_t sks_gpu_multiply(sks_gpu *gpu, const sks_gpu_product *product);

/* What fills the table, a file of cuda/backend each. */
sks_buffer_allocate_function sks_gpu_buffer_allocate;
sks_buffer_free_function sks_gpu_buffer_free;
sks_copy_function sks_gpu_upload;
sks_copy_function sks_gpu_download;
sks_copy_function sks_gpu_copy;
sks_buffer_read_function sks_gpu_buffer_read;
sks_weights_create_function sks_gpu_weights_create;
sks_weights_destroy_function sks_gpu_weights_destroy;
sks_workspace_create_function sks_gpu_workspace_create;
sks_workspace_destroy_function sks_gpu_workspace_destroy;
sks_linear_function sks_gpu_linear;
sks_embed_function sks_gpu_embed;
sks_normalize_function sks_gpu_normalize;
sks_clamp_function sks_gpu_clamp;
sks_top_k_function sks_gpu_top_k;
sks_nll_function sks_gpu_nll;
sks_attention_create_function sks_gpu_attention_create;
sks_attention_destroy_function sks_gpu_attention_destroy;
sks_cache_row_bytes_function sks_gpu_cache_row_bytes;
sks_cache_allocate_function sks_gpu_cache_allocate;
sks_cache_free_function sks_gpu_cache_free;
sks_cache_grow_function sks_gpu_cache_grow;
sks_cache_move_function sks_gpu_cache_move;
sks_cache_pack_function sks_gpu_cache_pack;
sks_cache_unpack_function sks_gpu_cache_unpack;
sks_batch_create_function sks_gpu_batch_create;
sks_batch_destroy_function sks_gpu_batch_destroy;
sks_batch_begin_function sks_gpu_batch_begin;
sks_batch_commit_function sks_gpu_batch_commit;
sks_append_function sks_gpu_append;
sks_attend_function sks_gpu_attend;
sks_attention_weights_function sks_gpu_attention_weights;
sks_record_begin_function sks_gpu_record_begin;
sks_record_end_function sks_gpu_record_end;
sks_replay_function sks_gpu_replay;
sks_recording_destroy_function sks_gpu_recording_destroy;

/* What the library that opened this one lends. */
extern sks_host sks_gpu_host;

#endif
