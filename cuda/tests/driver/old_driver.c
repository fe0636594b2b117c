/* A driver that is older than any toolkit that builds this: all that is asked of it. */
#include <cuda.h>

CUresult cuDriverGetVersion(int *version) {
  *version = 11040;
  return CUDA_SUCCESS;
}
