// Products of 16 x 16 by 16 x 8 on the tensor cores (mma.m16n8k16) and the loads of their operands
// (ldmatrix), for f16 and bf16. PTX ISA, "Warp-level matrix instructions".
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_MATRIX_PRODUCT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_MATRIX_PRODUCT_CUH

#include "cuda/kernels/device/element.cuh"

// Four 8 x 8 matrices of 16-bit elements; lanes 8 i .. 8 i + 7 give the rows of matrix i.
__device__ static inline void sks_load_matrices(uint32_t (&x)[4], const void *row) {
  uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(at)
               : "memory");
}

__device__ static inline void sks_load_transposed(uint32_t (&x)[4], const void *row) {
  uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(at)
               : "memory");
}

struct sks_product_f16 {
  __device__ static uint16_t narrow(float x) { return sks_narrow_half(x); }
  __device__ static float widen(uint16_t x) { return sks_widen_half(x); }
  __device__ static float2 widen_2(uint32_t pair) { return sks_widen_2_f16(pair); }
  __device__ static uint32_t narrow_2(float a, float b) {
    __half2 pair = __floats2half2_rn(a, b);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
  }
  __device__ static void add(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};\n"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

struct sks_product_bf16 {
  __device__ static uint16_t narrow(float x) { return sks_narrow_bfloat(x); }
  __device__ static float widen(uint16_t x) {
    return __uint_as_float(static_cast<uint32_t>(x) << 16);
  }
  __device__ static float2 widen_2(uint32_t pair) { return sks_widen_2_bf16(pair); }
  __device__ static uint32_t narrow_2(float a, float b) {
    __nv_bfloat162 pair = __floats2bfloat162_rn(a, b);
    uint32_t bits;
    memcpy(&bits, &pair, sizeof bits);
    return bits;
  }
  __device__ static void add(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};\n"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

#endif
