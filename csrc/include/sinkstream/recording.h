/*
 * Operations recorded once and replayed as one: on a GPU a CUDA graph, which costs one launch where
 * its operations would cost hundreds. What changes from step to step lies in device memory, so that
 * a recording made for the first step of a stream serves every later one.
 */
#ifndef SINKSTREAM_RECORDING_H
#define SINKSTREAM_RECORDING_H

#include <stdint.h>

#include "sinkstream/device.h"

/* Used by one thread at a time. */
typedef struct sks_recording sks_recording;

/* 1 where the device can record; 0 where it cannot and operations must be called each time. */
SKS_API int32_t sks_device_records(const sks_device *device);

/*
 * From here to sks_recording_end the calling thread's operations on the device are noted instead of
 * run. All that take and give device memory can be: sks_embed, sks_linear, sks_normalize,
 * sks_clamp, sks_buffer_copy, and of one batch, whose step has begun with one row of each stream,
 * sks_append and sks_attend; no others. Other threads' operations on the device wait for its end
 * and are run, not noted. Errors: SKS_UNSUPPORTED (the device records nothing), SKS_IMPOSSIBLE
 * (this thread has one in progress on the device).
 */
SKS_API int32_t sks_recording_begin(sks_device *device);

/* Ends it, in the thread that began it. `recording` NULL: it is dropped. Errors: SKS_IMPOSSIBLE
 * (this thread has none in progress on the device), SKS_FAULT (an operation could not be recorded),
 * SKS_OUT_OF_MEMORY; nothing is in progress after any of them. A step has appended nothing then,
 * whether it fails or not: operations that were noted happen with a replay. */
SKS_API int32_t sks_recording_end(sks_device *device, sks_recording **recording);

/*
 * Runs the operations, with the memory and the objects they were recorded with, which must still be
 * there. Where they append to a batch or attend with it, a step of it must have begun, with one row
 * of each stream and as many rows as when they were recorded (sks_batch_begin_padded); any streams
 * of the same type of keys and values, as long as none since then has seen more keys than those
 * before could. Errors: SKS_IMPOSSIBLE (another number of rows, another type, more keys, no step).
 */
SKS_API int32_t sks_recording_replay(sks_recording *recording);

/* NULL is allowed. */
SKS_API void sks_recording_destroy(sks_recording *recording);

#endif
