#include "core/attention.h"

#include <math.h>
#include <string.h>

#include "core/backend.h"
#include "core/hash.h"
#include "core/kv.h"
#include "core/memory.h"
#include "ops/check.h"

static int32_t check_spec(const sks_attention_spec *spec) {
  int32_t status = sks_require_range(spec->layers, 1, INT32_MAX, "layers");
  if (status == SKS_OK) status = sks_require_range(spec->kv_heads, 1, INT32_MAX, "kv_heads");
  if (status != SKS_OK) return status;
  if (spec->heads < 1 || spec->heads % spec->kv_heads != 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "heads is %d; expected a multiple of kv_heads, %d",
                    spec->heads, spec->kv_heads);
  if (spec->head_dim < SKS_HEAD_DIM_STEP || spec->head_dim > SKS_MAX_HEAD_DIM ||
      spec->head_dim % SKS_HEAD_DIM_STEP != 0)
    return sks_fail(SKS_INVALID_ARGUMENT, "head_dim is %d; expected a multiple of %d from %d to %d",
                    spec->head_dim, SKS_HEAD_DIM_STEP, SKS_HEAD_DIM_STEP, SKS_MAX_HEAD_DIM);
  if (spec->rotary_dim < 0 || spec->rotary_dim > spec->head_dim || spec->rotary_dim % 2 != 0)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "rotary_dim is %d; expected an even number from 0 to head_dim, %d",
                    spec->rotary_dim, spec->head_dim);
  if (spec->rotary_layout < 0 || spec->rotary_layout >= SKS_ROTARY_LAYOUTS)
    return sks_fail(SKS_INVALID_ARGUMENT,
                    "rotary_layout is %d; expected SKS_ROTARY_HALF_SPLIT (0) or "
                    "SKS_ROTARY_INTERLEAVED (1)",
                    spec->rotary_layout);
  if (!isfinite(spec->scale))
    return sks_fail(SKS_INVALID_ARGUMENT, "scale is %g; expected a finite number",
                    (double)spec->scale);
  if (spec->rotary_dim > 0 && !spec->inverse_frequencies)
    return sks_fail(SKS_INVALID_ARGUMENT, "inverse_frequencies is NULL; expected %d numbers",
                    spec->rotary_dim / 2);
  for (int32_t i = 0; i < spec->rotary_dim / 2; i++)
    if (!isfinite(spec->inverse_frequencies[i]))
      return sks_fail(SKS_INVALID_ARGUMENT,
                      "inverse_frequencies[%d] is %g; expected a finite number", i,
                      spec->inverse_frequencies[i]);
  for (int32_t i = 0; spec->alibi_slopes && i < spec->heads; i++)
    if (!isfinite(spec->alibi_slopes[i]))
      return sks_fail(SKS_INVALID_ARGUMENT, "alibi_slopes[%d] is %g; expected a finite number", i,
                      (double)spec->alibi_slopes[i]);
  return SKS_OK;
}

int32_t sks_attention_create(sks_device *device, const sks_attention_spec *spec,
                             sks_attention **attention) {
  int32_t status = check_spec(spec);
  if (status != SKS_OK) return status;

  int32_t half = spec->rotary_dim / 2;
  int64_t turns_bytes = half * (int64_t)sizeof(sks_turns);
  int64_t slopes_bytes = spec->alibi_slopes ? spec->heads * (int64_t)sizeof(float) : 0;
  sks_attention *made =
      sks_memory_allocate((int64_t)sizeof(*made) + turns_bytes + slopes_bytes, "an attention");
  if (!made) return SKS_OUT_OF_MEMORY;
  sks_turns *turns = (sks_turns *)(made + 1);
  float *slopes = (float *)(turns + half);
  for (int32_t i = 0; i < half; i++) turns[i] = sks_turns_of(spec->inverse_frequencies[i]);
  if (spec->alibi_slopes) memcpy(slopes, spec->alibi_slopes, (size_t)slopes_bytes);

  int32_t shape[] = {spec->layers, spec->kv_heads, spec->head_dim, spec->rotary_dim,
                     spec->rotary_layout};
  uint64_t fingerprint = sks_hash(SKS_HASH_START, shape, sizeof(shape));
  fingerprint = sks_hash(fingerprint, turns, turns_bytes);
  fingerprint = sks_hash(fingerprint, slopes, slopes_bytes);

  made->device = device;
  made->layers = spec->layers;
  made->heads = spec->heads;
  made->kv_heads = spec->kv_heads;
  made->group = spec->heads / spec->kv_heads;
  made->head_dim = spec->head_dim;
  made->rotary_half = half;
  made->rotary_layout = spec->rotary_layout;
  made->scale = spec->scale;
  made->fingerprint = fingerprint;
  made->turns = turns;
  made->slopes = spec->alibi_slopes ? slopes : NULL;
  status = device->backend->attention_create(made);
  if (status != SKS_OK) {
    sks_memory_free(made);
    return status;
  }
  *attention = made;
  return SKS_OK;
}

void sks_attention_destroy(sks_attention *attention) {
  if (!attention) return;
  attention->device->backend->attention_destroy(attention);
  sks_memory_free(attention);
}
