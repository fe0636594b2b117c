/*
 * Attention of one model over streaming caches: its shape and positions, the ragged batch, append
 * and attend.
 *
 * A step is: sks_batch_begin; for each layer sks_append, then sks_attend; sks_batch_commit. Nothing
 * a step did shows in a cache before the commit, so a step that is given up leaves every stream as
 * it was.
 *
 * Positions (Xiao et al., section 3.2): the query of token t stands at p(t) = min(t, S + R), sink
 * token j at j, window token i at p(t) - (t - i). Rotary scores depend on differences only, so a
 * key is rotated once, at its position in the stream, and the query twice: at t for the window, at
 * p(t) for the sink tokens. Phases are exact: a frequency is held as a 64-bit fraction of a turn
 * per token, and integer multiplication wraps as angles do, so that a difference of positions gives
 * the same angle anywhere in the stream.
 */
#ifndef SINKSTREAM_ATTENTION_H
#define SINKSTREAM_ATTENTION_H

#include <stdint.h>

#include "sinkstream/cache.h"
#include "sinkstream/device.h"

/* Which two channels of a head are pair i of the rotation, i in [0, rotary_dim / 2). */
enum sks_rotary_layout {
  SKS_ROTARY_HALF_SPLIT = 0, /* i and i + rotary_dim / 2: HF transformers' rotate_half */
  /* 2 i and 2 i + 1: Su et al., arXiv 2104.09864; GGUF files of the Llama architecture */
  SKS_ROTARY_INTERLEAVED = 1,
  SKS_ROTARY_LAYOUTS = 2 /* how many there are */
};

/* Shape and positions of a model's attention. */
typedef struct sks_attention_spec {
  int32_t layers;
  int32_t heads; /* query heads, a multiple of kv_heads; query head h reads KV head h / (heads /
                    kv_heads) */
  int32_t kv_heads;
  int32_t head_dim;      /* a multiple of SKS_HEAD_DIM_STEP, at most SKS_MAX_HEAD_DIM */
  int32_t rotary_dim;    /* channels 0..rotary_dim-1 of a head are rotated; even; 0 = none */
  int32_t rotary_layout; /* enum sks_rotary_layout */
  float scale;           /* of the scores, usually 1 / sqrt(head_dim) */
  const double *inverse_frequencies; /* [rotary_dim / 2] radians per token; copied; NULL where
                                        rotary_dim is 0 */
  const float *alibi_slopes; /* [heads]: score -= slope * cache distance; copied; NULL = none */
} sks_attention_spec;

/* Immutable, thread-safe. Must outlive the caches and batches made for it. */
typedef struct sks_attention sks_attention;

/* Copies the spec. Errors: SKS_INVALID_ARGUMENT (names the field), SKS_OUT_OF_MEMORY; on a GPU also
 * SKS_IMPOSSIBLE (while operations are recorded). */
SKS_API int32_t sks_attention_create(sks_device *device, const sks_attention_spec *spec,
                                     sks_attention **attention);

/* NULL is allowed. */
SKS_API void sks_attention_destroy(sks_attention *attention);

/* The rows that go through the layers together: some newest tokens of each of some streams. One
 * thread at a time. */
typedef struct sks_batch sks_batch;

/* Room for `max_rows` rows in all. Steps of this batch allocate nothing on a CPU; on a GPU the
 * first ones that see more keys than any before do, where partial results need it. */
SKS_API int32_t sks_batch_create(const sks_attention *attention, int32_t max_rows,
                                 sks_batch **batch);

/* NULL is allowed. */
SKS_API void sks_batch_destroy(sks_batch *batch);

/*
 * Starts a step of rows[i] >= 1 tokens of caches[i], for each of `streams` different caches of this
 * attention: the rows of the batch are those of caches[0], then of caches[1], and so on, each at
 * its stream's next positions; both arrays are host memory. A dense cache grows here where it must.
 * A step begun before and not committed is given up. Errors: SKS_INVALID_ARGUMENT (too many rows, a
 * cache twice or of another attention), SKS_OUT_OF_MEMORY (dense growth; on a GPU also room for
 * partial results), SKS_UNSUPPORTED (on a GPU, caches of several types), SKS_IMPOSSIBLE (a position
 * would pass 2^62).
 */
SKS_API int32_t sks_batch_begin(sks_batch *batch, sks_cache *const *caches, const int32_t *rows,
                                int32_t streams);

/*
 * The same, with rows added at the end up to `padded_rows`, if that is more: operations may run on
 * them and what they give means nothing. So a recording serves steps of fewer streams than it was
 * made with (recording.h). Errors: also SKS_INVALID_ARGUMENT (padded_rows not 0 to max_rows).
 */
SKS_API int32_t sks_batch_begin_padded(sks_batch *batch, sks_cache *const *caches,
                                       const int32_t *rows, int32_t streams, int32_t padded_rows);

/*
 * Rotates and stores the new keys and values of one layer. Channel c of KV head g of row r is at
 * [r * row_stride + g * head_stride + c], strides in floats, so that any fused QKV output is read
 * where it lies. Errors: SKS_INVALID_ARGUMENT (no such layer), SKS_IMPOSSIBLE as sks_batch_commit
 * says; while operations are recorded also SKS_IMPOSSIBLE (a stream with several rows, a second
 * batch) and SKS_OUT_OF_MEMORY.
 */
SKS_API int32_t sks_append(sks_batch *batch, int32_t layer, const float *keys, const float *values,
                           int64_t row_stride, int64_t head_stride);

/*
 * out[r, h, :] = softmax over the sink tokens and the window of row r. Channel c of query head h is
 * at [r * row_stride + (h / group) * group_stride + (h % group) * head_dim + c] with group = heads
 * / kv_heads; queries come unrotated. `sink_logits` [heads] adds exp(sink_logits[h]) to the
 * denominator ("softmax off by one" is 0.0), NULL = no such term. out [rows, heads, head_dim]
 * row-major. Every layer is appended before it attends. Errors: as sks_append.
 */
SKS_API int32_t sks_attend(sks_batch *batch, int32_t layer, const float *queries,
                           int64_t row_stride, int64_t group_stride, const float *sink_logits,
                           float *out);

/*
 * For looking at a model, not for speed: what sks_attend weights the values of one row of the step
 * with. *keys becomes how many tokens the row sees, and weights [heads, *keys], row-major, the
 * softmax over them: the sink tokens, then the window, in the order of the stream. Arguments are
 * those of sks_attend; with sink logits, the weights of a head add up to less than 1. `capacity` is
 * how many floats `weights` has room for. One thread. Errors: SKS_INVALID_ARGUMENT (no such row, no
 * room), SKS_IMPOSSIBLE as sks_attend.
 */
SKS_API int32_t sks_attention_weights(sks_batch *batch, int32_t layer, const float *queries,
                                      int64_t row_stride, int64_t group_stride,
                                      const float *sink_logits, int32_t row, float *weights,
                                      int64_t capacity, int64_t *keys);

/*
 * Makes the step's tokens part of their streams. Append, attend and commit fail with SKS_IMPOSSIBLE
 * where no step has begun or a cache was changed since, attend where the layer was not appended,
 * commit where any layer was not.
 */
SKS_API int32_t sks_batch_commit(sks_batch *batch);

#endif
