/* Activations: every kernel against the formula in long double, to a few units in the last place.
 */
#include <math.h>
#include <string.h>

#include "sinkstream/clamp.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"

static long double silu(long double x) { return x / (1 + expl(-x)); }

static long double gelu_exact(long double x) { return x / 2 * erfcl(-x * sqrtl(0.5L)); }

static long double gelu_tanh(long double x) {
  long double u = 0.79788456080286535588L * (x + 0.044715L * x * x * x); /* sqrt(2 / pi) */
  return x / (1 + expl(-2 * u));                                         /* 0.5 x (1 + tanh u) */
}

/* Distance from the exact value in units in the last place of a float; below 2^-125 tails may
 * become 0. */
static double ulps(float got, long double exact) {
  if (isnan(got) || isnan((double)exact)) return isnan(got) && isnan((double)exact) ? 0 : INFINITY;
  if (isinf(got)) return got == (float)exact ? 0 : INFINITY;
  if (fabsl(exact) < 0x1p-119L) return fabsl(got - exact) < 0x1p-119L ? 0 : INFINITY;
  int exponent;
  frexpl(exact, &exponent);
  return (double)(fabsl(got - exact) / ldexpl(1, exponent - 24));
}

/* Sizes from far below rounding to far above the range, of both signs, and what is no number. */
static float argument(int64_t i, int64_t count) {
  static const float special[] = {0.0f, -0.0f, INFINITY, NAN, 1e30f, -1e30f, 0x1p-149f, -0x1p-130f};
  if (i < 8) return special[i];
  if (i % 2) return (float)(-25.0 + 50.0 * (double)i / (double)count);
  float size = (float)exp(-30.0 + 36.0 * (double)i / (double)count);
  return i % 4 ? size : -size;
}

typedef struct function {
  const char *name;
  long double (*exact)(long double);
  double most_ulps;
} function;

static const function FUNCTIONS[] = {
    {"silu", silu, 3}, {"gelu_exact", gelu_exact, 6}, {"gelu_tanh", gelu_tanh, 3}};

static void apply(const sks_kernels *k, int f, const float *x, const float *ones, int64_t count,
                  float *y) {
  memcpy(y, x, (size_t)count * sizeof(float));
  if (f == 0) k->silu_gate(x, ones, count, y);
  if (f == 1) k->gelu_exact(y, count);
  if (f == 2) k->gelu_tanh(y, count);
}

static void test_accuracy(const sks_kernels *kernels) {
  int64_t count = check_effort(200000);
  float *x = malloc((size_t)count * sizeof(float)), *y = malloc((size_t)count * sizeof(float));
  float *ones = malloc((size_t)count * sizeof(float));
  for (int64_t i = 0; i < count; i++) {
    x[i] = argument(i, count);
    ones[i] = 1;
  }
  for (int f = 0; f < 3; f++) {
    double worst = 0;
    apply(kernels, f, x, ones, count, y);
    for (int64_t i = 0; i < count; i++) {
      double error = ulps(y[i], FUNCTIONS[f].exact(x[i]));
      if (error > worst) worst = error;
      CHECK(error <= FUNCTIONS[f].most_ulps, "%s %s(%a) = %a, %g ulp from %La", kernels->isa,
            FUNCTIONS[f].name, (double)x[i], (double)y[i], error, FUNCTIONS[f].exact(x[i]));
    }
    printf("  %s: at most %.2f ulp\n", FUNCTIONS[f].name, worst);
  }
  free(x);
  free(y);
  free(ones);
}

/* Bit by bit what single elements give, at every length, against either guard page. */
static void test_lengths(const sks_kernels *kernels, uint64_t seed) {
  for (int64_t count = 0; count <= 70; count++) {
    for (int at_end = 0; at_end < 2; at_end++) {
      size_t bytes = (size_t)count * sizeof(float);
      guarded x = at_end ? guard_end(bytes) : guard_start(bytes),
              y = at_end ? guard_end(bytes) : guard_start(bytes);
      guarded up = at_end ? guard_end(bytes) : guard_start(bytes);
      float *in = (float *)x.data, *out = (float *)y.data, *gain = (float *)up.data, one;
      rng_fill(&seed, in, count, 4);
      rng_fill(&seed, gain, count, 4);
      for (int f = 0; f < 3; f++) {
        apply(kernels, f, in, gain, count, out);
        for (int64_t i = 0; i < count; i++) {
          apply(kernels, f, in + i, gain + i, 1, &one);
          CHECK(out[i] == one, "%s %s, %lld of %lld", kernels->isa, FUNCTIONS[f].name, (long long)i,
                (long long)count);
        }
      }
      memcpy(out, in, bytes);
      kernels->clamp(out, count, 1.5f);
      for (int64_t i = 0; i < count; i++)
        CHECK(out[i] == fminf(fmaxf(in[i], -1.5f), 1.5f), "%s clamp(%g) = %g", kernels->isa,
              (double)in[i], (double)out[i]);
      guard_free(x);
      guard_free(y);
      guard_free(up);
    }
  }
  float nan = NAN;
  kernels->clamp(&nan, 1, 1);
  CHECK(isnan(nan), "%s clamp lost a NaN", kernels->isa);
}

static void test_kernels(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  (void)reference; /* the formulas in long double are the oracle, of the reference too */
  test_accuracy(kernels);
  test_lengths(kernels, seed);
}

/* On a count that is cut into many tasks. */
static void test_clamp(uint64_t seed) {
  enum { COUNT = 240040 };
  float *x = malloc(sizeof(float) * COUNT), *y = malloc(sizeof(float) * COUNT);
  rng_fill(&seed, x, COUNT, 3);
  for (int32_t threads = 1; threads <= 8; threads = threads == 3 ? 8 : threads + 1) {
    sks_device *device;
    CHECK(sks_device_open_cpu(threads, NULL, &device) == SKS_OK, "%s", sks_last_error());
    int64_t allocations = sks_allocations();
    memcpy(y, x, sizeof(float) * COUNT);
    CHECK(sks_clamp(device, y, COUNT, 1) == SKS_OK, "%s", sks_last_error());
    CHECK(sks_allocations() == allocations, "asked for memory");
    for (int64_t i = 0; i < COUNT; i++)
      CHECK(y[i] == fminf(fmaxf(x[i], -1), 1), "clamp[%lld] with %d threads", (long long)i,
            (int)threads);
    sks_device_close(device);
  }
  free(x);
  free(y);
}

static void test_refused(void) {
  sks_device *device;
  float x[4] = {0};
  CHECK(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_clamp(device, x, 4, 0), SKS_INVALID_ARGUMENT, "limit is 0");
  CHECK_REFUSED(sks_clamp(device, x, 4, NAN), SKS_INVALID_ARGUMENT, "limit is nan");
  CHECK_REFUSED(sks_clamp(device, x, -1, 1), SKS_INVALID_ARGUMENT, "count is -1");
  CHECK_REFUSED(sks_clamp(device, NULL, 4, 1), SKS_INVALID_ARGUMENT, "x is NULL");
  sks_device_close(device);
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for_every_isa(test_kernels, seed);
  test_clamp(seed);
  test_refused();
  return check_report();
}
