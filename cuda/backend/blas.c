#include "cuda/backend/blas.h"

#include <dlfcn.h>
#include <library_types.h>
#include <string.h>

#include "cuda/backend/gpu.h"

/* Of cublas_api.h, which need not be there. */
enum {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_OP_N = 0,
  CUBLAS_OP_T = 1,
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_GEMM_DEFAULT = -1
};

static void *find_library(void) {
  static const char *const names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) return library;
  }
  return NULL;
}

static bool find(void *library, const char *name, void *function) {
  void *found = dlsym(library, name);
  memcpy(function, &found, sizeof found);
  return found != NULL;
}

void sks_gpu_blas_find(sks_gpu_blas *blas) {
  void *library = find_library();
  if (library == NULL) return;
  if (find(library, "cublasCreate_v2", &blas->create) &&
      find(library, "cublasDestroy_v2", &blas->destroy) &&
      find(library, "cublasSetStream_v2", &blas->set_stream) &&
      find(library, "cublasSetWorkspace_v2", &blas->set_workspace) &&
      find(library, "cublasGemmEx", &blas->gemm))
    blas->library = library;
}

void sks_gpu_blas_close(sks_gpu_blas *blas) {
  if (blas->handle != NULL) blas->destroy(blas->handle);
}

static int32_t check(const sks_gpu *gpu, int status) {
  if (status == CUBLAS_STATUS_SUCCESS) return SKS_OK;
  if (status == CUBLAS_STATUS_ALLOC_FAILED) return sks_gpu_out_of_memory(gpu, 0, "cuBLAS");
  return sks_fail(SKS_FAULT, "%s: cuBLAS failed with its status %d", gpu->name, status);
}

/* Whole, or not at all. */
static int32_t open(sks_gpu *gpu) {
  sks_gpu_blas *blas = &gpu->blas;
  if (blas->handle != NULL) return SKS_OK;
  void *workspace = NULL, *handle = NULL;
  int32_t status =
      sks_gpu_allocate(gpu, SKS_GPU_BLAS_WORKSPACE_BYTES, "cuBLAS's workspace", &workspace);
  if (status == SKS_OK) status = check(gpu, blas->create(&handle));
  if (status == SKS_OK) status = check(gpu, blas->set_stream(handle, gpu->stream));
  if (status == SKS_OK)
    status = check(gpu, blas->set_workspace(handle, workspace, SKS_GPU_BLAS_WORKSPACE_BYTES));
  if (status == SKS_OK) {
    blas->handle = handle;
    return SKS_OK;
  }
  if (handle != NULL) blas->destroy(handle);
  sks_gpu_free(gpu, workspace);
  return status;
}

static int type_of(int32_t type) {
  return type == SKS_F16 ? CUDA_R_16F : type == SKS_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

int32_t sks_gpu_multiply(sks_gpu *gpu, const sks_gpu_product *p) {
  int32_t status = open(gpu);
  if (status != SKS_OK) return status;
  const float one = 1;
  int type = type_of(p->type);
  /* cuBLAS counts by columns: its c is y transposed, w transposed back times x. */
  return check(
      gpu, gpu->blas.gemm(gpu->blas.handle, CUBLAS_OP_T, CUBLAS_OP_N, (int)p->channels,
                          (int)p->rows, (int)p->columns, &one, p->w, type, (int)p->w_stride, p->x,
                          type, (int)p->x_stride, &p->beta, p->y, CUDA_R_32F, (int)p->y_stride,
                          CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
}
