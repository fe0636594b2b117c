/* RMSNorm and LayerNorm: the reference against the formula, kernels against the reference, the
 * operations. */
#include <math.h>
#include <string.h>

#include "sinkstream/norm.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"

typedef enum kind { RMS, LAYER, LAYER_WITHOUT_BIAS } kind;

static void run(const sks_kernels *k, kind kind, const float *x, int64_t n, const float *weight,
                const float *bias, float *y) {
  if (kind == RMS) {
    k->rms_norm(x, n, weight, 1e-5f, y);
  } else {
    k->layer_norm(x, n, weight, kind == LAYER ? bias : NULL, 1e-5f, y);
  }
}

/* y[i] by the formula, summed in long double. */
static double by_formula(kind kind, const float *x, int64_t n, const float *weight,
                         const float *bias, int64_t i) {
  long double mean = 0, squares = 0;
  for (int64_t j = 0; j < n && kind != RMS; j++) mean += (long double)x[j] / n;
  for (int64_t j = 0; j < n; j++) squares += (x[j] - mean) * (x[j] - mean) / n;
  long double y = (x[i] - mean) / sqrtl(squares + (long double)1e-5f) * weight[i];
  return (double)(kind == LAYER ? y + bias[i] : y);
}

/* The largest error in units in the last place of the largest part of a sum: a float that rounds
 * right has 0.5. */
static void test_row(const sks_kernels *kernels, kind kind, int64_t n, float mean, bool at_end,
                     bool in_place, uint64_t *seed) {
  size_t bytes = (size_t)n * sizeof(float);
  guarded x, weight, bias, y;
  guarded *all[] = {&x, &weight, &bias, &y};
  for (int i = 0; i < 4; i++) {
    *all[i] = at_end ? guard_end(bytes) : guard_start(bytes);
    rng_fill(seed, (float *)all[i]->data, n, 2);
  }
  float *in = malloc(bytes), *out = (float *)(in_place ? x.data : y.data);
  for (int64_t i = 0; i < n; i++) ((float *)x.data)[i] += mean;
  memcpy(in, x.data, bytes);
  run(kernels, kind, (float *)x.data, n, (float *)weight.data, (float *)bias.data, out);
  for (int64_t i = 0; i < n; i++) {
    double expected = by_formula(kind, in, n, (float *)weight.data, (float *)bias.data, i);
    double most = fmax(fabs(expected), kind == LAYER ? fabsf(((float *)bias.data)[i]) : 0);
    CHECK(fabs(out[i] - expected) <= 0.6 * 0x1p-23 * most + 1e-9 * fabs((double)mean),
          "%s kind %d, %lld columns, mean %g: y[%lld] = %g, not %g", kernels->isa, (int)kind,
          (long long)n, (double)mean, (long long)i, (double)out[i], expected);
  }
  free(in);
  for (int i = 0; i < 4; i++) guard_free(*all[i]);
}

static void test_kernels(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  (void)reference; /* the formula is simple enough to be the oracle itself */
  for (kind kind = RMS; kind <= LAYER_WITHOUT_BIAS; kind++) {
    for (int64_t n = 1; n <= 70; n++) {
      test_row(kernels, kind, n, 0, n % 2, n % 3 == 0, &seed);
      test_row(kernels, kind, n, 1000, n % 2 == 0, n % 3 == 1,
               &seed); /* where the mean's rounding would show */
    }
    for (int64_t n = 500; n < check_effort(5000); n = n * 2 + 1)
      test_row(kernels, kind, n, 0.5f, true, false, &seed);
  }
}

static void test_operations(uint64_t seed) {
  enum { ROWS = 37, COLUMNS = 5001 };
  float *x = malloc(sizeof(float) * ROWS * COLUMNS), *y = malloc(sizeof(float) * ROWS * COLUMNS);
  float *first = malloc(sizeof(float) * ROWS * COLUMNS), weight[COLUMNS], bias[COLUMNS];
  rng_fill(&seed, x, ROWS * COLUMNS, 1);
  rng_fill(&seed, weight, COLUMNS, 1);
  rng_fill(&seed, bias, COLUMNS, 1);
  for (int layer = 0; layer < 2; layer++) {
    for (int32_t threads = 1; threads <= 8; threads = threads == 3 ? 8 : threads + 1) {
      sks_device *device;
      CHECK(sks_device_open_cpu(threads, NULL, &device) == SKS_OK, "%s", sks_last_error());
      int64_t allocations = sks_allocations();
      sks_norm norm = {weight, bias, 1e-5f, layer ? SKS_LAYER_NORM : SKS_RMS_NORM};
      CHECK(sks_normalize(device, &norm, x, ROWS, COLUMNS, y) == SKS_OK, "%s", sks_last_error());
      CHECK(sks_allocations() == allocations, "asked for memory");
      if (threads == 1) memcpy(first, y, sizeof(float) * ROWS * COLUMNS);
      CHECK(memcmp(first, y, sizeof(float) * ROWS * COLUMNS) == 0, "%d threads", threads);
      for (int64_t r = 0; r < ROWS; r += ROWS - 1)
        CHECK(fabs(y[r * COLUMNS + 7] - by_formula(layer ? LAYER : RMS, x + r * COLUMNS, COLUMNS,
                                                   weight, bias, 7)) < 1e-6,
              "row %lld", (long long)r);
      sks_device_close(device);
    }
  }
  sks_device *device;
  CHECK(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  sks_norm norm = {weight, NULL, 1e-5f, SKS_RMS_NORM}, unknown = {weight, NULL, 1e-5f, 2};
  sks_norm bare = {NULL, NULL, 1e-5f, SKS_LAYER_NORM};
  CHECK_REFUSED(sks_normalize(device, &norm, x, -1, 4, y), SKS_INVALID_ARGUMENT, "rows is -1");
  CHECK_REFUSED(sks_normalize(device, &norm, x, 1, 0, y), SKS_INVALID_ARGUMENT, "columns is 0");
  CHECK_REFUSED(sks_normalize(device, NULL, x, 1, 4, y), SKS_INVALID_ARGUMENT, "norm is NULL");
  CHECK_REFUSED(sks_normalize(device, &bare, x, 1, 4, y), SKS_INVALID_ARGUMENT,
                "weight of the norm is NULL");
  CHECK_REFUSED(sks_normalize(device, &unknown, x, 1, 4, y), SKS_INVALID_ARGUMENT,
                "kind of the norm is 2");
  CHECK_REFUSED(sks_normalize(device, &norm, NULL, 1, 4, y), SKS_INVALID_ARGUMENT, "x is NULL");
  CHECK_REFUSED(sks_normalize(device, &norm, x, 1, 4, NULL), SKS_INVALID_ARGUMENT, "y is NULL");
  sks_device_close(device);
  free(x);
  free(y);
  free(first);
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for_every_isa(test_kernels, seed);
  test_operations(seed);
  return check_report();
}
