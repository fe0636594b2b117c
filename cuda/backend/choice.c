#include "core/choice.h"

#include <string.h>

#include "core/memory.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"
#include "cuda/kernels/sampling.h"

/* Its own question: other threads ask theirs before its answer is fetched. */
typedef struct sks_gpu_choice {
  sks_gpu_question question;
  void *scratch; /* of sks_cuda_top_k */
} sks_gpu_choice;

int32_t sks_gpu_choice_create(sks_choice *choice) {
  sks_gpu_choice *own = sks_memory_allocate(sizeof *own, "a choice");
  if (own == NULL) return SKS_OUT_OF_MEMORY;
  choice->own = own;
  sks_gpu *gpu = sks_gpu_enter(choice->device);
  int32_t status = sks_gpu_leave_with(
      gpu, sks_gpu_allocate(gpu, choice->max_rows * (int64_t)SKS_CUDA_TOP_SCRATCH,
                            "room for a choice", &own->scratch));
  if (status != SKS_OK) sks_gpu_choice_destroy(choice);
  return status;
}

void sks_gpu_choice_destroy(sks_choice *choice) {
  sks_gpu_choice *own = choice->own;
  sks_gpu *gpu = sks_gpu_enter(choice->device);
  sks_gpu_free(gpu, own->scratch);
  cudaFreeHost(own->question.answer);
  sks_gpu_leave_silently(gpu);
  sks_memory_free(own);
}

int32_t sks_gpu_choose(sks_choice *choice, const float *logits, int32_t rows, int32_t count,
                       const int32_t *banned, int32_t banned_count, int32_t *ids) {
  sks_gpu_choice *own = choice->own;
  sks_gpu *gpu = sks_gpu_enter(choice->device);
  size_t index_bytes = (size_t)choice->max_rows * sizeof *ids;
  int32_t status = sks_gpu_ask(gpu, &own->question,
                               (int64_t)(index_bytes + (size_t)choice->max_rows * sizeof *logits));
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  char *data = own->question.answer->data;
  sks_cuda_top to = {.indices = (int32_t *)data,
                     .values = (float *)(data + index_bytes),
                     .ids = ids,
                     .answered = &own->question.answer->serial,
                     .serial = own->question.asked};
  sks_cuda_banned all_banned = {.count = banned_count};
  if (banned_count > 0) memcpy(all_banned.indices, banned, (size_t)banned_count * sizeof *banned);
  cudaError_t error =
      sks_cuda_top_k(gpu->stream, logits, rows, count, 1, &all_banned, own->scratch, &to);
  return sks_gpu_leave(gpu, error, "sks_choose");
}

int32_t sks_gpu_choice_wait(sks_choice *choice, int32_t *ids) {
  sks_gpu_choice *own = choice->own;
  sks_gpu *gpu = sks_gpu_enter(choice->device);
  int32_t status = sks_gpu_require_running(gpu, "a wait for a choice");
  if (status == SKS_OK) status = sks_gpu_await(gpu, &own->question, cudaSuccess, "sks_choice_wait");
  if (status == SKS_OK) memcpy(ids, own->question.answer->data, (size_t)choice->rows * sizeof *ids);
  return sks_gpu_leave_with(gpu, status);
}
