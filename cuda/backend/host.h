/* What the library that opened this one lends. */
#ifndef SINKSTREAM_CUDA_BACKEND_HOST_H
#define SINKSTREAM_CUDA_BACKEND_HOST_H

#include "core/backend.h"

extern sks_host sks_gpu_host;

#endif
