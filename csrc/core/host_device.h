/* Marks functions that GPU kernels call too. */
#ifndef SINKSTREAM_CORE_HOST_DEVICE_H
#define SINKSTREAM_CORE_HOST_DEVICE_H

#ifdef __CUDACC__
#define SKS_HOST_DEVICE __host__ __device__
#else
#define SKS_HOST_DEVICE
#endif

#endif
