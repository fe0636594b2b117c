/*
 * One decoding step of a Llama without the JVM: every operation of a token over random weights, in
 * turns with a plain read of as many bytes, and what each kind of operation takes of it. Usage:
 * bench_step [type] [window] [threads], e.g. bench_step q4_0 1020 2; TinyLlama-1.1B's shape.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/element.h"
#include "sinkstream/attention.h"
#include "sinkstream/linear.h"
#include "support/measure.h"

enum {
  LAYERS = 22,
  HIDDEN = 2048,
  HEADS = 32,
  KV_HEADS = 4,
  HEAD_DIM = 64,
  INNER = 5632,
  VOCABULARY = 32000,
  SINKS = 4,
  QKV = (HEADS + 2 * KV_HEADS) * HEAD_DIM,
  REPEATS = 31,
  READ_BYTES = 512 << 20
};

typedef struct layer {
  sks_weights *qkv, *output, *gate_up, *down;
} layer;

typedef struct model {
  sks_device *device;
  sks_workspace *workspace;
  sks_attention *attention;
  sks_batch *batch;
  sks_cache *cache;
  layer layers[LAYERS];
  sks_weights *head;
  sks_norm norm;
  float *x, *qkv, *attended, *inner, *logits;
  double linear_seconds, attention_seconds;
} model;

static void *buffer(sks_device *device, int64_t bytes) {
  void *made;
  check(sks_buffer_allocate(device, bytes, &made));
  return made;
}

static sks_weights *weights(const model *m, int32_t type, int64_t columns, int64_t rows,
                            int32_t parts) {
  int64_t bytes = sks_bytes_of(type, rows * columns);
  char *data = buffer(m->device, bytes);
  memset(data, 0x1c, (size_t)bytes); /* small numbers of every type */
  sks_weight_part both[2] = {{data, NULL, rows / parts, type, 1},
                             {data + bytes / 2, NULL, rows / parts, type, 1}};
  sks_weights *made;
  check(sks_weights_create(m->device, columns, both, parts, &made));
  sks_buffer_free(m->device, data);
  return made;
}

static void make(model *m, int32_t type, int64_t window) {
  double frequencies[HEAD_DIM / 2];
  for (int i = 0; i < HEAD_DIM / 2; i++) frequencies[i] = pow(10000, -2.0 * i / HEAD_DIM);
  sks_attention_spec attention = {.layers = LAYERS,
                                  .heads = HEADS,
                                  .kv_heads = KV_HEADS,
                                  .head_dim = HEAD_DIM,
                                  .rotary_dim = HEAD_DIM,
                                  .scale = 0.125f,
                                  .inverse_frequencies = frequencies};
  sks_cache_spec cache = {.sinks = SINKS, .window = window, .max_rows = 256, .type = SKS_F16};
  check(sks_attention_create(m->device, &attention, &m->attention));
  check(sks_batch_create(m->attention, 256, &m->batch));
  check(sks_cache_create(m->attention, &cache, &m->cache));
  check(sks_workspace_create(m->device, 1, INNER, &m->workspace));
  for (int i = 0; i < LAYERS; i++)
    m->layers[i] = (layer){.qkv = weights(m, type, HIDDEN, QKV, 1),
                           .output = weights(m, type, HIDDEN, HIDDEN, 1),
                           .gate_up = weights(m, type, HIDDEN, 2 * INNER, 2),
                           .down = weights(m, type, INNER, HIDDEN, 1)};
  m->head = weights(m, type, HIDDEN, VOCABULARY, 1);
  m->x = buffer(m->device, HIDDEN * 4);
  m->qkv = buffer(m->device, 256 * QKV * 4);
  m->attended = buffer(m->device, 256 * HIDDEN * 4);
  m->inner = buffer(m->device, INNER * 4);
  m->logits = buffer(m->device, VOCABULARY * 4);
  float *ones = buffer(m->device, HIDDEN * 4);
  for (int i = 0; i < HIDDEN; i++) ones[i] = 1;
  m->norm = (sks_norm){ones, NULL, 1e-5f, SKS_RMS_NORM};
}

static void linear(model *m, const sks_weights *w, const sks_norm *norm, const float *x, float *y,
                   int32_t output) {
  double start = seconds();
  check(sks_linear(m->workspace, w, norm, x, 1, y, output));
  m->linear_seconds += seconds() - start;
}

static void attend(model *m, int32_t index) {
  double start = seconds();
  check(sks_append(m->batch, index, m->qkv + HEADS * HEAD_DIM,
                   m->qkv + (HEADS + KV_HEADS) * HEAD_DIM, QKV, HEAD_DIM));
  check(sks_attend(m->batch, index, m->qkv, QKV, HEADS / KV_HEADS * HEAD_DIM, NULL, m->attended));
  m->attention_seconds += seconds() - start;
}

static void begin(model *m, int32_t rows) { check(sks_batch_begin(m->batch, &m->cache, &rows, 1)); }

static void step(model *m) {
  begin(m, 1);
  for (int i = 0; i < HIDDEN; i++) m->x[i] = (float)(i % 17) / 17;
  for (int i = 0; i < LAYERS; i++) {
    const layer *l = &m->layers[i];
    linear(m, l->qkv, &m->norm, m->x, m->qkv, SKS_STORE);
    attend(m, i);
    linear(m, l->output, NULL, m->attended, m->x, SKS_ADD);
    linear(m, l->gate_up, &m->norm, m->x, m->inner, SKS_SILU_GATE);
    linear(m, l->down, NULL, m->inner, m->x, SKS_ADD);
  }
  check(sks_batch_commit(m->batch));
  linear(m, m->head, &m->norm, m->x, m->logits, SKS_STORE);
}

/* Fills the ring, attention alone. */
static void fill(model *m, int64_t tokens) {
  for (int64_t done = 0; done < tokens; done += 256) {
    begin(m, 256);
    for (int i = 0; i < LAYERS; i++) attend(m, i);
    check(sks_batch_commit(m->batch));
  }
}

static int64_t weight_bytes(const model *m) {
  int64_t bytes = sks_weights_bytes(m->head);
  for (int i = 0; i < LAYERS; i++) {
    const layer *l = &m->layers[i];
    bytes += sks_weights_bytes(l->qkv) + sks_weights_bytes(l->output) +
             sks_weights_bytes(l->gate_up) + sks_weights_bytes(l->down);
  }
  return bytes;
}

int main(int argc, char **argv) {
  int32_t type = SKS_Q4_0;
  for (int32_t i = 0; argc > 1 && i < SKS_TYPES; i++)
    if (strcmp(argv[1], sks_type_name(i)) == 0) type = i;
  int64_t window = argc > 2 ? atoll(argv[2]) : 1020;
  model m = {0};
  check(sks_device_open_cpu(argc > 3 ? atoi(argv[3]) : 0, NULL, &m.device));
  make(&m, type, window);
  fill(&m, SINKS + window);
  char *read = buffer(m.device, READ_BYTES);
  memset(read, 1, READ_BYTES);

  double steps[REPEATS], reads[REPEATS], linears[REPEATS], attentions[REPEATS];
  double bytes = (double)weight_bytes(&m) + (double)sks_cache_bytes(m.cache);
  step(&m);
  for (int i = 0; i < REPEATS; i++) {
    reads[i] = read_seconds(m.device, read, READ_BYTES) * bytes / READ_BYTES;
    m.linear_seconds = m.attention_seconds = 0;
    double start = seconds();
    step(&m);
    steps[i] = seconds() - start;
    linears[i] = m.linear_seconds;
    attentions[i] = m.attention_seconds;
  }
  double took = median(steps, REPEATS), floor = median(reads, REPEATS);
  double linear = median(linears, REPEATS), attention = median(attentions, REPEATS);
  printf("%s %s, %d+%lld in f16, %d threads: %.2f ms a token, %.1f tok/s, %.0f MB\n",
         sks_device_isa(m.device), sks_type_name(type), (int)SINKS, (long long)window,
         sks_device_threads(m.device), 1e3 * took, 1 / took, 1e-6 * bytes);
  printf("  plain read of as much: %.2f ms (%.1f GB/s), %.0f %% of the step\n", 1e3 * floor,
         1e-9 * bytes / floor, 100 * floor / took);
  printf("  linear %.2f ms, attention %.2f ms (%.1f %%), the rest %.2f ms\n", 1e3 * linear,
         1e3 * attention, 100 * attention / took, 1e3 * (took - linear - attention));
  return 0;
}
