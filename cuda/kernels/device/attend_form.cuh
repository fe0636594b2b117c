// The form of a kernel that a model needs: sks_launch_form<kernel> calls
// kernel::launch<kv, product, queries, most_steps>(job, arguments ...).
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_FORM_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_FORM_CUH

#include "cuda/kernels/device/attend_sixteens.cuh"

template <typename kernel, typename kv, typename product, int queries, typename... Arguments>
static cudaError_t sks_launch_steps(const sks_attend_job &job, Arguments... arguments) {
  switch (sks_channels_of(job.attention.head_dim)) {
    case 64:
      return kernel::template launch<kv, product, queries, 4>(job, arguments...);
    case 128:
      return kernel::template launch<kv, product, queries, 8>(job, arguments...);
    default:
      return kernel::template launch<kv, product, queries, 16>(job, arguments...);
  }
}

// Eight columns make four queries; one is worth a form of its own, whose loads are less.
template <typename kernel, typename kv, typename product, typename... Arguments>
static cudaError_t sks_launch_queries(const sks_attend_job &job, Arguments... arguments) {
  if (job.group == 1) return sks_launch_steps<kernel, kv, product, 1>(job, arguments...);
  if (job.group <= 4) return sks_launch_steps<kernel, kv, product, 4>(job, arguments...);
  return sks_launch_steps<kernel, kv, product, SKS_ATTEND_QUERIES>(job, arguments...);
}

template <typename kernel, typename... Arguments>
static cudaError_t sks_launch_form(const sks_attend_job &job, Arguments... arguments) {
  switch (job.attention.type) {
    case SKS_F16:
      return sks_launch_queries<kernel, sks_kv_f16, sks_product_f16>(job, arguments...);
    case SKS_BF16:
      return sks_launch_queries<kernel, sks_kv_bf16, sks_product_bf16>(job, arguments...);
    case SKS_Q8_0:
      return sks_launch_queries<kernel, sks_kv_q8_0, sks_product_f16>(job, arguments...);
    default:
      return cudaErrorInvalidValue;
  }
}

#endif
