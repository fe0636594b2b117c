// Boxes of a matrix in global memory, brought to shared memory by the copy engine (PTX ISA,
// "cp.async.bulk.tensor"; CUDA driver API, "Tensor Map Object Management"). What lies outside the
// matrix comes as zeros. Compute capability 9.0.
//
// A box has 64 columns of 16 bits: 128 bytes a row. Their sixteens of bytes are exchanged (the
// 128-byte swizzle), so that eight rows of one column lie in different banks; the box is aligned to
// 1024 bytes.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_TENSOR_MAP_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_TENSOR_MAP_CUH

#include "cuda/kernels/device/driver.cuh"
#include "cuda/kernels/device/stage.cuh"
#include "sinkstream/types.h"

enum { SKS_BOX_COLUMNS = 64, SKS_BOX_ROW_BYTES = 128, SKS_BOX_ALIGNMENT = 1024 };

// The map of a matrix [rows, columns] of f16 or bf16, `pitch` bytes from row to row, that gives
// boxes of `box_rows` rows. Base and pitch are whole sixteens of bytes.
static inline cudaError_t sks_tensor_map(int32_t type, const void *matrix, int64_t rows,
                                         int64_t columns, int64_t pitch, int32_t box_rows,
                                         CUtensorMap *map) {
  static thread_local decltype(cuTensorMapEncodeTiled) *encode;
  if (encode == nullptr) {
    cudaError_t error = sks_driver_function("cuTensorMapEncodeTiled", 12000, &encode);
    if (error != cudaSuccess) return error;
  }
  const cuuint64_t size[2] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
  const cuuint64_t stride = static_cast<cuuint64_t>(pitch);
  const cuuint32_t box[2] = {SKS_BOX_COLUMNS, static_cast<cuuint32_t>(box_rows)};
  const cuuint32_t steps[2] = {1, 1};
  CUresult result = encode(
      map, type == SKS_F16 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2,
      const_cast<void *>(matrix), size, &stride, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
      CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

// By one thread.
__device__ static inline void sks_box_copy(void *shared, const CUtensorMap *map, int32_t row,
                                           int32_t column, sks_arrivals *barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      " [%0], [%1, {%2, %3}], [%4];\n" ::"r"(sks_shared_address(shared)),
      "l"(map), "r"(column), "r"(row), "r"(sks_shared_address(barrier))
      : "memory");
#endif
}

// The same of what nobody reads again soon: it leaves the second-level cache first.
__device__ static inline void sks_box_copy_once(void *shared, const CUtensorMap *map, int32_t row,
                                                int32_t column, sks_arrivals *barrier) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .b64 once;\n"
      "createpolicy.fractional.L2::evict_first.b64 once, 1.0;\n"
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      ".L2::cache_hint [%0], [%1, {%2, %3}], [%4], once;\n"
      "}\n" ::"r"(sks_shared_address(shared)),
      "l"(map), "r"(column), "r"(row), "r"(sks_shared_address(barrier))
      : "memory");
#endif
}

#endif
