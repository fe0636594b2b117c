/*
 * A device runs the operations: today the CPU, as a pool of threads over the kernels of one
 * instruction set. Every pointer that an operation takes is memory the device can reach; for the
 * CPU that is any host memory.
 *
 * Thread-safety: operations may be called on one device from several threads. One caller at a time
 * gets the pool; the others run their operation on their own thread alone. Results do not depend on
 * which.
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
 * (threads or SINKSTREAM_THREADS out of 1..1024, unknown isa), SKS_UNSUPPORTED (the processor or
 * the operating system lacks it), SKS_OUT_OF_MEMORY.
 */
SKS_API int32_t sks_device_open_cpu(int32_t threads, const char *isa, sks_device **device);

/* Ends the threads. Nothing made on the device may be used after. NULL is allowed. */
SKS_API void sks_device_close(sks_device *device);

SKS_API int32_t sks_device_threads(const sks_device *device);

/* What the kernels in use need: "reference", "avx2", "avx512", "avx512+vnni" or
 * "avx512+vnni+bf16". */
SKS_API const char *sks_device_isa(const sks_device *device);

/* `bytes` of zeroed device memory, aligned to 64. Free with sks_buffer_free. */
SKS_API int32_t sks_buffer_allocate(sks_device *device, int64_t bytes, void **buffer);
SKS_API void sks_buffer_free(sks_device *device, void *buffer);

/*
 * Reads memory once, with all threads, and does nothing else with it: what no operation that must
 * read as much can beat, where it is more than the processor's caches hold. `sum` gets the sum of
 * its 64-bit words, the last one filled up with zeros. Any alignment. Errors: SKS_INVALID_ARGUMENT
 * (bytes < 0).
 */
SKS_API int32_t sks_buffer_read(sks_device *device, const void *buffer, int64_t bytes,
                                uint64_t *sum);

/* Bytes this library holds at this moment, in all threads and devices, and how often it has ever
 * asked for memory. */
SKS_API int64_t sks_allocated_bytes(void);
SKS_API int64_t sks_allocations(void);

#endif
