// Elements of the float types, one by one and by the 16 bytes.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ELEMENT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ELEMENT_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

__device__ static inline float2 sks_widen_2_f16(uint32_t pair) {
  __half2 halves;
  memcpy(&halves, &pair, sizeof halves);
  return __half22float2(halves);
}

__device__ static inline float2 sks_widen_2_bf16(uint32_t pair) {
  return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
}

__device__ static inline float sks_widen_half(uint16_t bits) {
  return __half2float(__ushort_as_half(bits));
}

__device__ static inline uint16_t sks_narrow_half(float x) {
  return __half_as_ushort(__float2half_rn(x));
}

__device__ static inline uint16_t sks_narrow_bfloat(float x) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(x));
}

// e^x = 2^(x * log2(e)).
constexpr float SKS_LOG2_E = 1.4426950408889634f;

// 2^x for x <= 0: no more than the processor's instruction, which takes what is tiny for zero.
__device__ static inline float sks_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// 1 / x, to the last bit but one; what is denormal, x or the result, counts as zero.
__device__ static inline float sks_reciprocal(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

__device__ static inline float4 sks_add_fours(float4 a, float4 b) {
  return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

// The larger of two sizes; a NaN is larger than all. Compute capability 8.0.
__device__ static inline float sks_larger(float a, float b) {
  float y;
  asm("max.NaN.f32 %0, %1, %2;\n" : "=f"(y) : "f"(fabsf(a)), "f"(fabsf(b)));
  return y;
}

// The lower halves of two words, the first one's lower.
__device__ static inline uint32_t sks_low_halves(uint32_t first, uint32_t second) {
  return __byte_perm(first, second, 0x5410);
}

// One signed byte of a word as a float.
__device__ static inline float sks_signed_byte(uint32_t word, int i) {
  return static_cast<float>(static_cast<int8_t>(word >> 8 * i));
}

#endif
