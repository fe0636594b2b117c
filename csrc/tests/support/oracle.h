/*
 * The published way, word for word and in double (Xiao et al., section 3.2): a list of unrotated
 * tokens; for each query the tokens in the cache are lined up, queries and keys rotated by their
 * place in that line, and a full softmax taken. Shares no code with the library: no ring, no spans,
 * no phases, no online softmax.
 */
#ifndef SINKSTREAM_TESTS_SUPPORT_ORACLE_H
#define SINKSTREAM_TESTS_SUPPORT_ORACLE_H

#include <stdint.h>

#include "sinkstream/attention.h"

typedef struct oracle {
  sks_attention_spec spec;
  sks_cache_spec cache;
  int64_t tokens;  /* in the list */
  int64_t barrier; /* window tokens before this one in the list are gone */
  int64_t room;
  float *rows; /* [room, layers, 2, kv_heads, head_dim]: keys, then values as the cache's type
                  rounds them */
  int64_t places;
  double *phases; /* [places, rotary_dim / 2, 2]: cosine and sine */
} oracle;

oracle *oracle_create(const sks_attention_spec *spec, const sks_cache_spec *cache);
void oracle_destroy(oracle *stream);

/* Adds one token; its rows are then filled layer by layer. Key and value of KV head g are at keys +
 * g * head_stride. */
void oracle_add_token(oracle *stream);
void oracle_set_row(oracle *stream, int64_t token, int32_t layer, const float *keys,
                    const float *values, int64_t head_stride);

/* The newest tokens, or those of a range, are struck from the list. */
void oracle_drop_last(oracle *stream, int64_t count);
void oracle_evict(oracle *stream, int64_t begin, int64_t end);

/* Everything but sink tokens is gone. */
void oracle_forget_window(oracle *stream);

/* How many sink and window tokens `token` sees besides itself. */
int64_t oracle_seen(const oracle *stream, int64_t token);

/* weights [oracle_seen + 1]: what query head `head` of `token`, which is in the list, gives to each
 * token that it sees. `sink_logit`: NULL or one number. */
void oracle_weights(const oracle *stream, int64_t token, int32_t layer, int32_t head,
                    const float *query, const float *sink_logit, double *weights);

/* out [head_dim] of query head `head` of `token`, which is in the list. `sink_logit`: NULL or one
 * number. */
void oracle_attend(const oracle *stream, int64_t token, int32_t layer, int32_t head,
                   const float *query, const float *sink_logit, double *out);

#endif
