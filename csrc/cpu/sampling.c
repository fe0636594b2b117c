#include <math.h>
#include <stdbool.h>

#include "cpu/cpu.h"
#include "cpu/split.h"

/* Whether a comes before b: larger first, equal ones by index, NaN last. */
static bool before(float a, int32_t a_index, float b, int32_t b_index) {
  if (isnan(a) || isnan(b)) return isnan(a) == isnan(b) ? a_index < b_index : isnan(b);
  return a > b || (a == b && a_index < b_index);
}

/* A heap of the best so far, the last of them on top. */
typedef struct heap {
  int32_t *indices;
  float *values;
} heap;

static void swap(heap h, int64_t a, int64_t b) {
  int32_t index = h.indices[a];
  float value = h.values[a];
  h.indices[a] = h.indices[b];
  h.values[a] = h.values[b];
  h.indices[b] = index;
  h.values[b] = value;
}

static void sift_down(heap h, int64_t at, int64_t size) {
  for (;;) {
    int64_t last = at;
    for (int64_t child = 2 * at + 1; child <= 2 * at + 2 && child < size; child++) {
      if (before(h.values[last], h.indices[last], h.values[child], h.indices[child])) last = child;
    }
    if (last == at) return;
    swap(h, at, last);
    at = last;
  }
}

void sks_cpu_top_k_of_row(const float *logits, int32_t count, int32_t k, int32_t *indices,
                          float *values) {
  heap h = {indices, values};
  for (int32_t i = 0; i < k; i++) {
    indices[i] = i;
    values[i] = logits[i];
  }
  for (int64_t i = k / 2 - 1; i >= 0; i--) sift_down(h, i, k);
  for (int32_t i = k; i < count; i++) {
    if (before(logits[i], i, values[0], indices[0])) {
      indices[0] = i;
      values[0] = logits[i];
      sift_down(h, 0, k);
    }
  }
  for (int64_t size = k - 1; size > 0; size--) {
    swap(h, 0, size);
    sift_down(h, 0, size);
  }
}

typedef struct top_k_task {
  const sks_kernels *kernels;
  const float *logits;
  int32_t count, k;
  int32_t *indices;
  float *values;
} top_k_task;

static void top_k_row(void *argument, int64_t r, int32_t thread) {
  (void)thread;
  const top_k_task *t = argument;
  const float *row = t->logits + r * t->count;
  int32_t *indices = t->indices + r * t->k;
  float *values = t->values + r * t->k;
  if (t->k > 1) {
    sks_cpu_top_k_of_row(row, t->count, t->k, indices, values);
  } else {
    *indices = (int32_t)t->kernels->argmax(row, t->count);
    *values = row[*indices];
  }
}

int32_t sks_cpu_top_k(sks_device *device, const float *logits, int32_t rows, int32_t count,
                      int32_t k, int32_t *indices, float *values) {
  top_k_task task = {.kernels = &sks_cpu_of(device)->kernels,
                     .logits = logits,
                     .count = count,
                     .k = k,
                     .indices = indices,
                     .values = values};
  sks_run_each(sks_cpu_of(device)->pool, rows, count, top_k_row, &task);
  return SKS_OK;
}

typedef struct nll_task {
  const sks_kernels *kernels;
  const float *logits;
  const int32_t *targets;
  int64_t count;
  double *loss;
} nll_task;

static void nll_row(void *argument, int64_t r, int32_t thread) {
  (void)thread;
  const nll_task *t = argument;
  const float *row = t->logits + r * t->count;
  t->loss[r] = t->kernels->log_sum_exp(row, t->count) - row[t->targets[r]];
}

int32_t sks_cpu_nll(sks_device *device, const float *logits, int32_t rows, int32_t count,
                    const int32_t *targets, double *loss) {
  nll_task task = {.kernels = &sks_cpu_of(device)->kernels,
                   .logits = logits,
                   .targets = targets,
                   .count = count,
                   .loss = loss};
  sks_run_each(sks_cpu_of(device)->pool, rows, 16 * (int64_t)count, nll_row, &task);
  return SKS_OK;
}
