#include "cuda/kernels/device/driver.cuh"
#include "cuda/kernels/loading.h"

namespace {

enum { MOST_KERNELS = 128 };  // of a file; more are loaded as they are used

struct driver {
  decltype(cuFuncGetModule) *module_of;
  decltype(cuModuleGetFunctionCount) *count;
  decltype(cuModuleEnumerateFunctions) *enumerate;
  decltype(cuFuncLoad) *load;

  bool find() {
    return sks_driver_function("cuFuncGetModule", 11000, &module_of) == cudaSuccess &&
           sks_driver_function("cuModuleGetFunctionCount", 12040, &count) == cudaSuccess &&
           sks_driver_function("cuModuleEnumerateFunctions", 12040, &enumerate) == cudaSuccess &&
           sks_driver_function("cuFuncLoad", 12040, &load) == cudaSuccess;
  }

  // All kernels of a source file, which is a module.
  bool load_all_beside(const void *kernel) const {
    cudaFunction_t function;
    CUmodule module;
    unsigned kernels = 0;
    if (cudaGetFuncBySymbol(&function, kernel) != cudaSuccess ||
        module_of(&module, function) != CUDA_SUCCESS || count(&kernels, module) != CUDA_SUCCESS)
      return false;
    if (kernels > MOST_KERNELS) kernels = MOST_KERNELS;
    CUfunction all[MOST_KERNELS];
    if (enumerate(all, kernels, module) != CUDA_SUCCESS) return false;
    for (unsigned i = 0; i < kernels; i++)
      if (load(all[i]) != CUDA_SUCCESS) return false;
    return true;
  }
};

}  // namespace

void sks_cuda_load_kernels() {
  driver its;
  // In this order: the other way round nothing was gained.
  if (!its.find() || !its.load_all_beside(sks_cuda_linear_kernel()) ||
      !its.load_all_beside(sks_cuda_attend_few_kernel()))
    cudaGetLastError();  // whoever launches one will be told
}
