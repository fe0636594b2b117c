/* Streams of random tokens through a batch, each compared with the oracle: what the attention and
 * cache tests share. */
#ifndef SINKSTREAM_TESTS_SUPPORT_STAGE_H
#define SINKSTREAM_TESTS_SUPPORT_STAGE_H

#include <stdbool.h>

#include "support/oracle.h"

enum { STAGE_STREAMS = 4, STAGE_MAX_HEADS = 256, STAGE_MAX_DIM = 256 };

/* How queries, keys and values lie in one row of a fused projection. */
enum layout {
  STACKED, /* Llama, MPT: all queries, all keys, all values */
  GROUPED  /* Falcon: per KV head its queries, its key, its value; with one query each, GPT-NeoX */
};

typedef struct stage_spec {
  int32_t layers, heads, kv_heads, head_dim, rotary_dim, rotary_layout;
  int64_t sinks, window;
  int32_t max_rows, type;
  bool alibi, sink_logits;
  enum layout layout;
  bool unchecked; /* outputs are hashed only, where another run of the same is checked */
} stage_spec;

typedef struct stage {
  stage_spec spec;
  sks_attention *attention;
  sks_batch *batch;
  sks_cache *caches[STAGE_STREAMS];
  oracle *oracles[STAGE_STREAMS];
  double inverse_frequencies[STAGE_MAX_DIM / 2];
  float slopes[STAGE_MAX_HEADS];
  float sink_logits[STAGE_MAX_HEADS];
  /* Largest error of any output so far, relative to the largest of its head's outputs. */
  double worst;
  uint64_t output_hash; /* of all outputs so far, bit for bit */
} stage;

/* Creates attention, batch and `streams` caches on the device. Random slopes and logits from
 * `seed`. */
stage *stage_create(sks_device *device, const stage_spec *spec, int streams, uint64_t seed);
void stage_destroy(stage *s);

/*
 * One step of rows[i] tokens (0: not in the step) of each stream, drawn from `seed`, with every
 * buffer between guard pages, and compared. Given up instead of committed where `abandon`.
 */
void stage_step(stage *s, const int32_t *rows, uint64_t seed, bool abandon);

/* As if a long stream had passed: the window is empty and the next token is number `position`. */
void stage_jump(stage *s, int stream, int64_t position);

/* What the error of an output may be with keys and values of this type. */
double stage_tolerance(int32_t type);

#endif
