#ifndef SINKSTREAM_CORE_ATTENTION_H
#define SINKSTREAM_CORE_ATTENTION_H

#include "core/device.h"
#include "core/phase.h"
#include "sinkstream/attention.h"

struct sks_attention {
  sks_device *device;
  int32_t layers, heads, kv_heads, group; /* group = heads / kv_heads */
  int32_t head_dim, rotary_half, rotary_layout;
  float scale;
  uint64_t fingerprint;   /* of all that stored keys depend on, so that a state of another model is
                             known as such */
  const sks_turns *turns; /* [rotary_half] */
  const float *slopes;    /* [heads], or NULL */
  void *own;              /* of the back end */
};

#endif
