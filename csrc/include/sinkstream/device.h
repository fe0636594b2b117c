/*
 * A device runs the operations: the CPU, as a pool of threads over the kernels of one instruction
 * set, or an NVIDIA GPU. What an operation calls its input and output is device memory
 * (sks_buffer_allocate), which for the CPU is any host memory; a parameter that is host memory on
 * every device says so. What an object is made from (specs, weight parts) is host memory.
 *
 * A GPU runs operations in the order of the calls, and the calls do not wait for it; those that put
 * something into host memory do. A fault of an earlier operation is told by the next call.
 *
 * Thread-safety: operations may be called on one device from several threads. On the CPU, one
 * caller at a time gets the pool; the others run their operation on their own thread alone. Results
 * do not depend on which. On a GPU callers wait for each other.
 */
#ifndef SINKSTREAM_DEVICE_H
#define SINKSTREAM_DEVICE_H

#include <stdint.h>

#include "sinkstream/status.h"

typedef struct sks_device sks_device;

/*
 * Opens the CPU. `threads`: how many threads an operation uses, the caller's among them; 0 = what
 * the environment's SINKSTREAM_THREADS says, or, where that is not set, the cores this process may
 * use. `isa`: "reference", "avx2" or "avx512"; NULL = the environment's
 * SINKSTREAM_ISA, or, where that is not set, the best of this machine. Errors: SKS_INVALID_ARGUMENT
 * (threads or SINKSTREAM_THREADS out of 1..SKS_MAX_THREADS, unknown isa), SKS_UNSUPPORTED (the
 * processor or the operating system lacks it), SKS_OUT_OF_MEMORY.
 */
SKS_API int32_t sks_device_open_cpu(int32_t threads, const char *isa, sks_device **device);

/*
 * Opens an NVIDIA GPU through libsinkstream_cuda.so. `index`: which one, as the driver counts them,
 * from 0. `library`: a path of that file; NULL = what the environment's SINKSTREAM_CUDA_LIBRARY
 * says, or, where that is not set, the one beside this library. The dynamic linker looks for no
 * name: one without a slash is a file of the current folder. Errors: SKS_UNSUPPORTED (no such
 * library, another version of it, no driver, no such GPU, one that is too old; the text says
 * which), SKS_OUT_OF_MEMORY.
 */
SKS_API int32_t sks_device_open_cuda(int32_t index, const char *library, sks_device **device);

/* Ends the threads. Nothing made on the device may be used after. NULL is allowed. */
SKS_API void sks_device_close(sks_device *device);

/* Threads of the host that an operation uses, the caller's among them. */
SKS_API int32_t sks_device_threads(const sks_device *device);

/* "cpu" or "cuda". */
SKS_API const char *sks_device_kind(const sks_device *device);

/* What the card calls itself, e.g. "NVIDIA H200"; "CPU" for the CPU. */
SKS_API const char *sks_device_name(const sks_device *device);

/* Bytes of the device's memory in all, and of those that could be had now: what only the system's
 * cache of files holds is among them. */
SKS_API int32_t sks_device_memory(sks_device *device, int64_t *total, int64_t *available);

/* What the kernels in use need: "reference", "avx2", "avx512", "avx512+vnni" or
 * "avx512+vnni+bf16"; of a GPU its compute capability, and cuBLAS where that was found, e.g.
 * "sm_90+cublas". */
SKS_API const char *sks_device_isa(const sks_device *device);

/* `bytes` of zeroed device memory, aligned to 64. Free with sks_buffer_free. Errors:
 * SKS_OUT_OF_MEMORY. */
SKS_API int32_t sks_buffer_allocate(sks_device *device, int64_t bytes, void **buffer);
SKS_API void sks_buffer_free(sks_device *device, void *buffer);

/* Copies `bytes` from host memory to a device's, back, or within a device's. The host's memory may
 * be changed or freed after. Errors: SKS_INVALID_ARGUMENT (bytes < 0). */
SKS_API int32_t sks_buffer_upload(sks_device *device, void *to, const void *from, int64_t bytes);
SKS_API int32_t sks_buffer_download(sks_device *device, void *to, const void *from, int64_t bytes);
SKS_API int32_t sks_buffer_copy(sks_device *device, void *to, const void *from, int64_t bytes);

/*
 * Reads device memory once, with all threads, and does nothing else with it: what no operation that
 * must read as much can beat, where it is more than the processor's caches hold. `sum` gets the sum
 * of its 64-bit words (host memory), the last one filled up with zeros. Any alignment. Errors:
 * SKS_INVALID_ARGUMENT (bytes < 0).
 */
SKS_API int32_t sks_buffer_read(sks_device *device, const void *buffer, int64_t bytes,
                                uint64_t *sum);

/* Bytes this library holds at this moment, in all threads and devices, and how often it has ever
 * asked for memory. */
SKS_API int64_t sks_allocated_bytes(void);
SKS_API int64_t sks_allocations(void);

#endif
