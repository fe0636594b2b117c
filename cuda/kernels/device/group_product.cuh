// Products of four warps on the tensor cores (wgmma): 64 rows of one box by 16, 32 or 64 rows of
// another, 16 columns at a time, both in shared memory; f16 and bf16, sums float32. PTX ISA,
// "Asynchronous warpgroup level matrix instructions". Needs machine code for sm_90a.
//
// Thread t of the four warps holds, of the eights of the second box's rows, sums[eight][0 .. 1] of
// the first box's row t / 32 * 16 + t % 32 / 4 and [2 .. 3] of the row 8 below; columns t % 4 * 2
// and the next.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_GROUP_PRODUCT_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_GROUP_PRODUCT_CUH

#include <cstdint>

#include "cuda/kernels/device/tensor_map.cuh"

struct sks_group_f16 {
  enum { TYPE = SKS_F16 };
  static constexpr char name[] = "f16";
};

struct sks_group_bf16 {
  enum { TYPE = SKS_BF16 };
  static constexpr char name[] = "bf16";
};

// A box (tensor_map.cuh) as an operand: rows in eights, the 128-byte swizzle.
__device__ static inline uint64_t sks_box_operand(const void *box) {
  const uint64_t eights = SKS_BOX_ALIGNMENT >> 4, swizzle_128 = 1;
  return (sks_shared_address(box) >> 4) | 1ull << 16 | eights << 32 | swizzle_128 << 62;
}

// The same box 16 columns, or `eights` of rows, further.
enum { SKS_OPERAND_STEP = 32 >> 4, SKS_OPERAND_EIGHT = SKS_BOX_ALIGNMENT >> 4 };

// Before the first product of several, and after sums were touched.
__device__ static inline void sks_group_begin() {
  asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
}

__device__ static inline void sks_group_end() {
  asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
}

// All but the newest `pending` that ended are done: sums may be read, boxes written.
template <int pending>
__device__ static inline void sks_group_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(pending) : "memory");
}

// Of the thread's first two sums of each eight.
__device__ static inline int sks_group_row(int thread) {
  return thread / 32 * 16 + thread % 32 / 4;
}

__device__ static inline int sks_group_column(int thread) { return thread % 4 * 2; }

template <typename type>
__device__ static inline void sks_group_add_16(float (*d)[4], uint64_t a, uint64_t b, int adds) {
  asm volatile(
      "{\n"
      ".reg .pred adds;\n"
      "setp.ne.u32 adds, %11, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n16k16.f32.%10.%10 "
      "{%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, adds, 1, 1, 0, 0;\n"
      "}\n"
      : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]),
        "+f"(d[1][2]), "+f"(d[1][3])
      : "l"(a), "l"(b), "C"(type::name), "r"(adds));
}

template <typename type>
__device__ static inline void sks_group_add_32(float (*d)[4], uint64_t a, uint64_t b, int adds) {
  asm volatile(
      "{\n"
      ".reg .pred adds;\n"
      "setp.ne.u32 adds, %19, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.%18.%18 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}, %16, %17, adds, 1, "
      "1, 0, 0;\n"
      "}\n"
      : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]),
        "+f"(d[1][2]), "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]),
        "+f"(d[3][0]), "+f"(d[3][1]), "+f"(d[3][2]), "+f"(d[3][3])
      : "l"(a), "l"(b), "C"(type::name), "r"(adds));
}

template <typename type>
__device__ static inline void sks_group_add_64(float (*d)[4], uint64_t a, uint64_t b, int adds) {
  asm volatile(
      "{\n"
      ".reg .pred adds;\n"
      "setp.ne.u32 adds, %35, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.%34.%34 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, "
      "adds, 1, 1, 0, 0;\n"
      "}\n"
      : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]),
        "+f"(d[1][2]), "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]),
        "+f"(d[3][0]), "+f"(d[3][1]), "+f"(d[3][2]), "+f"(d[3][3]), "+f"(d[4][0]), "+f"(d[4][1]),
        "+f"(d[4][2]), "+f"(d[4][3]), "+f"(d[5][0]), "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3]),
        "+f"(d[6][0]), "+f"(d[6][1]), "+f"(d[6][2]), "+f"(d[6][3]), "+f"(d[7][0]), "+f"(d[7][1]),
        "+f"(d[7][2]), "+f"(d[7][3])
      : "l"(a), "l"(b), "C"(type::name), "r"(adds));
}

// sums [eights][4] grow by 16 columns of both boxes; without `adds` they start there.
template <typename type, int eights>
__device__ static inline void sks_group_add(float (*sums)[4], uint64_t a, uint64_t b, int adds) {
  static_assert(eights % 2 == 0, "pieces are of 16 rows, 32 or 64");
  constexpr int piece = eights >= 8 ? 8 : eights >= 4 ? 4 : 2;
  if constexpr (piece == 8)
    sks_group_add_64<type>(sums, a, b, adds);
  else if constexpr (piece == 4)
    sks_group_add_32<type>(sums, a, b, adds);
  else
    sks_group_add_16<type>(sums, a, b, adds);
  if constexpr (eights > piece)
    sks_group_add<type, eights - piece>(sums + piece, a, b + piece * SKS_OPERAND_EIGHT, adds);
}

#endif
