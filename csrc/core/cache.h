#ifndef SINKSTREAM_CORE_CACHE_H
#define SINKSTREAM_CORE_CACHE_H

#include <stdbool.h>

#include "core/kv.h"
#include "core/spans.h"
#include "sinkstream/cache.h"

/* No position passes this, so that sums and differences of positions cannot overflow. */
#define SKS_POSITION_LIMIT (INT64_C(1) << 62)

struct sks_cache {
  const sks_attention *attention;
  sks_ring ring;
  int32_t max_rows;
  int32_t type;
  int64_t position;
  /* One past the newest token whose rows were ever stored, a given-up step's among them. */
  int64_t stored_end;
  /* How often the contents changed, so that a batch notices a change behind its back. */
  int64_t edits;
  int64_t slots; /* there is room for in every layer, whole blocks of SKS_KV_SLOTS */
  bool listed;   /* only inside sks_batch_begin: the cache was in its list before */
  void *own;     /* of the back end: the storage */
};

/* Bytes of one layer with this many slots; false where that overflows. */
bool sks_cache_layer_bytes(const sks_attention *attention, int32_t type, int64_t slots,
                           int64_t *bytes);

#endif
