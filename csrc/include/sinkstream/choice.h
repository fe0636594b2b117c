/*
 * The likeliest next tokens (greedy decoding), chosen where the logits are: a step begins with them
 * before the host knows which they are, so that a device need not wait for the host between two
 * tokens.
 */
#ifndef SINKSTREAM_CHOICE_H
#define SINKSTREAM_CHOICE_H

#include <stdint.h>

#include "sinkstream/device.h"

enum sks_choice_limits { SKS_MOST_BANNED = 8 };

/* One thread at a time. */
typedef struct sks_choice sks_choice;

/* Room for the choices of `max_rows` rows. Errors: SKS_INVALID_ARGUMENT (max_rows below 1),
 * SKS_OUT_OF_MEMORY, SKS_IMPOSSIBLE (while operations are recorded), SKS_FAULT. */
SKS_API int32_t sks_choice_create(sks_device *device, int32_t max_rows, sks_choice **choice);

/* NULL is allowed. */
SKS_API void sks_choice_destroy(sks_choice *choice);

/*
 * ids[r] = the index of the largest of logits[r, 0..count) but for `banned`, the lowest of equal
 * ones, NaN last; as sks_top_k with k = 1 where none is banned. `ids` [rows] is device memory, from
 * which the operations that follow read (sks_embed); `banned` [banned_count] is host memory, any
 * numbers. Does not wait for the device. Errors: SKS_INVALID_ARGUMENT (rows not 1 to max_rows,
 * banned_count not 0 to SKS_MOST_BANNED or not below count), SKS_OUT_OF_MEMORY (the first one),
 * SKS_IMPOSSIBLE (while operations are recorded), SKS_FAULT. Where the device fails or has no
 * memory, what was chosen before is lost.
 */
SKS_API int32_t sks_choose(sks_choice *choice, const float *logits, int32_t rows, int32_t count,
                           const int32_t *banned, int32_t banned_count, int32_t *ids);

/*
 * Waits for what the last sks_choose chose, though not for the operations that follow it: ids
 * [rows], host memory. Errors: SKS_IMPOSSIBLE (nothing was chosen; while operations are recorded),
 * SKS_FAULT.
 */
SKS_API int32_t sks_choice_wait(sks_choice *choice, int32_t *ids);

#endif
