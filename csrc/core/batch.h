#ifndef SINKSTREAM_CORE_BATCH_H
#define SINKSTREAM_CORE_BATCH_H

#include <stdbool.h>

#include "core/attention.h"
#include "core/cache.h"

typedef struct sks_stream {
  sks_cache *cache;
  int32_t rows;
  int64_t edits; /* of the cache, when the step began */
} sks_stream;

/* A row's stream, and what its token sees. */
typedef struct sks_row {
  sks_cache *cache;
  sks_view view;
} sks_row;

struct sks_batch {
  const sks_attention *attention;
  int32_t max_rows;

  bool begun;
  int32_t row_count, stream_count;
  int32_t padded_rows; /* that operations run on; those from row_count on belong to no stream */
  int64_t step_keys;   /* a bound of what a row of this step sees */
  int64_t most_keys;   /* of any step until now: what operations are made for; it never falls */
  sks_stream *streams; /* [max_rows] */
  sks_row *rows;       /* [max_rows] */
  bool *appended;      /* [layers] */
  void *own;           /* of the back end */
};

/* Whether operations may run on the step: it was begun, and its caches are as they were then. */
int32_t sks_batch_check(const sks_batch *batch, int32_t layer);

/* The same for operations that read what the step has appended to the layer. */
int32_t sks_batch_check_appended(const sks_batch *batch, int32_t layer);

/* Whether a recording can take the step: what it does then depends on how many rows there are
 * alone. */
int32_t sks_batch_check_recordable(const sks_batch *batch);

/* The step's rows are about to be stored over what lay in their slots. */
void sks_batch_mark_stored(const sks_batch *batch);

#endif
