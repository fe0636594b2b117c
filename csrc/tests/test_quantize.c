/* Quantisers: how far from the source, by bounds that follow from the formats; rows that formats
 * hold exactly or nearly so; what must not matter; what is refused. */
#include <math.h>
#include <string.h>

#include "core/device.h"
#include "core/element.h"
#include "sinkstream/convert.h"
#include "sinkstream/quantize.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/rng.h"

enum { COLUMNS = 768, MOST_BYTES = COLUMNS * 4 };

/* source [rows, columns] quantised into target, and back. */
static void round_trip(sks_device *device, int32_t type, const float *source, int64_t rows,
                       int64_t columns, void *target, float *back) {
  REQUIRE(sks_quantize(device, source, type, rows, columns, target) == SKS_OK, "%s",
          sks_last_error());
  REQUIRE(sks_widen(device, target, type, rows * columns, back) == SKS_OK, "%s", sks_last_error());
}

static double normal(uint64_t *seed) {
  double u = ((double)rng_next(seed) + 1) * 0x1p-64, v = (double)rng_next(seed) * 0x1p-64;
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* Student's t with 3 degrees of freedom. */
static double heavy_tailed(uint64_t *seed) {
  double square = 0;
  for (int i = 0; i < 3; i++) square += pow(normal(seed), 2);
  return normal(seed) / sqrt(square / 3);
}

static double uniform(uint64_t *seed) { return (double)rng_float(seed); }

static double one_sided(uint64_t *seed) { return normal(seed) * 0.1 + 1; }

/* The largest of x[0..count). */
static double largest(const float *x, int count) {
  double most = -INFINITY;
  for (int i = 0; i < count; i++) most = fmax(most, (double)x[i]);
  return most;
}

/* The largest of x[0..count) where x is negated. */
static double largest_negated(const float *x, int count) {
  double most = -INFINITY;
  for (int i = 0; i < count; i++) most = fmax(most, -(double)x[i]);
  return most;
}

static double magnitude(const float *x, int count) {
  return fmax(largest(x, count), largest_negated(x, count));
}

/* From the least value, or 0, to the largest, or 0. */
static double range(const float *x, int count) {
  return fmax(largest(x, count), 0) + fmax(largest_negated(x, count), 0);
}

/* What an f16 scale below 2^-14, right to 2^-25 only, makes of the largest value that counts it. */
static double slack(int32_t type) {
  static const int counts[SKS_TYPES] = {0, 1, 0, 127, 8, 63 * 16, 63 * 32, 128 * 32};
  return counts[type] * 0x1p-25;
}

/*
 * How far a value of a block may be from its source. A step of the block's scale, half of which
 * rounding takes; and what the rounding of scales takes: an f16 is right to 2^-11, a code of a
 * k-format's scale to half a step of the largest.
 */
static double bound(int32_t type, const float *block, int i) {
  double most = magnitude(block, sks_block_of(type).values), widest = 0;
  const float *sub = block + i / 32 * 32;
  switch (type) {
    case SKS_F32:
      return 0;
    case SKS_F16:
      return fabs((double)block[i]) * 0x1p-11 + slack(type);
    case SKS_BF16:
      return fabs((double)block[i]) * 0x1p-8;
    case SKS_Q8_0:
      return most / 127 / 2 + most * 0x1p-11 + slack(type);
    case SKS_Q4_0: /* -8 to 7: half a step more where a value is as far out as the extreme one */
      return most / 8 + most * 0x1p-11 + slack(type);
    case SKS_Q6_K:
      return magnitude(block + i / 16 * 16, 16) / 32 + most / 128 + most * 0x1p-11 + slack(type);
    default:
      for (int j = 0; j < 256; j += 32) widest = fmax(widest, range(block + j, 32));
      return range(sub, 32) / (type == SKS_Q4_K ? 15 : 31) + 2 * widest / 63 + slack(type);
  }
}

static void check_bounds(int32_t type, const float *x, const float *back, int64_t count,
                         const char *what) {
  int values = sks_block_of(type).values;
  for (int64_t i = 0; i < count; i++) {
    double error = fabs((double)back[i] - x[i]),
           most = bound(type, x + i / values * values, (int)(i % values));
    if (!CHECK(error <= most, "%s %s: value %lld, %g, became %g; expected within %g",
               sks_type_name(type), what, (long long)i, (double)x[i], (double)back[i], most))
      return;
  }
}

/* The relative error of a whole distribution: no worse than that of ggml's own quantisers
 * (quantize_row_*_ref of ggml 0.27 on two million such values), give or take what so many fewer
 * samples leave to chance. */
static void test_distribution(sks_device *device, uint64_t seed, double (*draw)(uint64_t *seed),
                              const char *what, const double *ggml) {
  enum { ROWS = 64 };
  static float x[ROWS * COLUMNS], back[ROWS * COLUMNS];
  static uint8_t target[ROWS * MOST_BYTES];
  double square = 0;
  for (int i = 0; i < ROWS * COLUMNS; i++) {
    x[i] = (float)draw(&seed);
    square += (double)x[i] * x[i];
  }
  for (int32_t type = 0; type < SKS_TYPES; type++) {
    round_trip(device, type, x, ROWS, COLUMNS, target, back);
    check_bounds(type, x, back, ROWS * COLUMNS, what);
    double error = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++) error += pow((double)back[i] - x[i], 2);
    if (type >= SKS_FLOAT_TYPES) {
      double relative = sqrt(error / square), most = ggml[type - SKS_FLOAT_TYPES] * 1.01;
      CHECK(relative <= most, "%s %s: relative error %g; expected at most %g", sks_type_name(type),
            what, relative, most);
    }
  }
}

static void test_distributions(sks_device *device, uint64_t seed) {
  /* q8_0, q4_0, q4_k, q5_k, q6_k */
  test_distribution(device, seed, normal, "normal",
                    (double[]){0.005351, 0.085905, 0.071379, 0.036103, 0.017766});
  test_distribution(device, seed, uniform, "uniform",
                    (double[]){0.003765, 0.065048, 0.054578, 0.027599, 0.013242});
  /* No two samples of this one have the same largest values, hence errors: only bounds. */
  test_distribution(device, seed, heavy_tailed, "heavy-tailed", (double[]){1, 1, 1, 1, 1});
  test_distribution(device, seed, one_sided, "one-sided", (double[]){1, 1, 1, 1, 1});
}

/* Every magnitude there is, blocks of their own: bounds hold, nothing becomes infinite or NaN. */
static void test_magnitudes(sks_device *device, uint64_t seed) {
  float x[COLUMNS], back[COLUMNS];
  uint8_t target[MOST_BYTES];
  for (int exponent = -149; exponent <= 15; exponent++) {
    for (int i = 0; i < COLUMNS; i++) x[i] = ldexpf(rng_float(&seed), exponent);
    for (int32_t type = SKS_FLOAT_TYPES; type < SKS_TYPES; type++) {
      round_trip(device, type, x, 1, COLUMNS, target, back);
      check_bounds(type, x, back, COLUMNS, "of one magnitude");
    }
  }
  for (int64_t repeat = 0; repeat < check_effort(50); repeat++) {
    for (int i = 0; i < COLUMNS; i++)
      x[i] = ldexpf(rng_float(&seed), (int)rng_below(&seed, 30) - 15);
    for (int32_t type = SKS_FLOAT_TYPES; type < SKS_TYPES; type++) {
      round_trip(device, type, x, 1, COLUMNS, target, back);
      check_bounds(type, x, back, COLUMNS, "of mixed magnitudes");
    }
  }
}

/* A row of one value is that value as far as an f16 scale holds it; a row of zeros is zeros. */
static void test_constant_rows(sks_device *device) {
  static const float constants[] = {1, -1, 0.02f, -0.02f, 3.14159f, -1e-4f, 65504, -65504};
  float x[COLUMNS], back[COLUMNS];
  uint8_t target[MOST_BYTES];
  for (int32_t type = 0; type < SKS_TYPES; type++) {
    for (size_t c = 0; c < sizeof constants / sizeof constants[0]; c++) {
      for (int i = 0; i < COLUMNS; i++) x[i] = constants[c];
      round_trip(device, type, x, 1, COLUMNS, target, back);
      double most =
          fabs((double)constants[c]) * (type == SKS_BF16 ? 0x1p-8 : 0x1p-10) + slack(type);
      for (int i = 0; i < COLUMNS; i++)
        CHECK(fabs((double)back[i] - x[i]) <= most, "%s: %g became %g", sks_type_name(type),
              (double)x[i], (double)back[i]);
    }
    for (int i = 0; i < COLUMNS; i++) x[i] = i % 2 ? 0.0f : -0.0f;
    round_trip(device, type, x, 1, COLUMNS, target, back);
    for (int i = 0; i < COLUMNS; i++)
      CHECK(back[i] == 0, "%s: 0 became %g", sks_type_name(type), (double)back[i]);
  }
}

/* One value a hundred times as large as the others stays; other blocks do not notice it. */
static void test_one_outlier(sks_device *device, uint64_t seed) {
  float x[COLUMNS], plain[COLUMNS], back[COLUMNS];
  uint8_t target[MOST_BYTES];
  for (int32_t type = SKS_FLOAT_TYPES; type < SKS_TYPES; type++) {
    int values = sks_block_of(type).values;
    for (int sign = -1; sign <= 1; sign += 2) {
      rng_fill(&seed, x, COLUMNS, 0.02f);
      round_trip(device, type, x, 1, COLUMNS, target, plain);
      int at = (int)rng_below(&seed, COLUMNS);
      x[at] = 2.0f * (float)sign;
      round_trip(device, type, x, 1, COLUMNS, target, back);
      check_bounds(type, x, back, COLUMNS, "with an outlier");
      CHECK(fabsf(back[at] - x[at]) <= 0.02f, "%s: the outlier %g became %g", sks_type_name(type),
            (double)x[at], (double)back[at]);
      for (int i = 0; i < COLUMNS; i++)
        CHECK(i / values == at / values || back[i] == plain[i], "%s: value %d is %g beside %g",
              sks_type_name(type), i, (double)back[i], (double)plain[i]);
    }
  }
}

/* What a simple format holds it gives back, bit for bit. */
static void test_idempotence(sks_device *device, uint64_t seed) {
  float x[COLUMNS], back[COLUMNS];
  uint8_t once[MOST_BYTES], twice[MOST_BYTES];
  for (int32_t type = 0; type <= SKS_Q4_0; type++) {
    for (int repeat = 0; repeat < 20; repeat++) {
      for (int i = 0; i < COLUMNS; i++) x[i] = (float)heavy_tailed(&seed);
      round_trip(device, type, x, 1, COLUMNS, once, back);
      round_trip(device, type, back, 1, COLUMNS, twice, x);
      CHECK(memcmp(once, twice, (size_t)sks_bytes_of(type, COLUMNS)) == 0, "%s",
            sks_type_name(type));
    }
  }
}

/* Threads, instruction sets, the number of rows in a call and the target's place do not matter. */
static void test_what_must_not_matter(uint64_t seed) {
  enum { ROWS = 301 };
  static float x[ROWS * COLUMNS];
  static uint8_t expected[ROWS * MOST_BYTES];
  for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = (float)heavy_tailed(&seed);
  sks_device *one;
  REQUIRE(sks_device_open_cpu(1, "reference", &one) == SKS_OK, "%s", sks_last_error());
  for (int32_t type = 0; type < SKS_TYPES; type++) {
    int64_t row_bytes = sks_bytes_of(type, COLUMNS);
    size_t bytes = (size_t)(ROWS * row_bytes);
    for (int r = 0; r < ROWS; r++)
      CHECK(
          sks_quantize(one, x + r * COLUMNS, type, 1, COLUMNS, expected + r * row_bytes) == SKS_OK,
          "%s", sks_last_error());
    for (int32_t threads = 1; threads <= 4; threads++) {
      sks_device *device;
      REQUIRE(sks_device_open_cpu(threads, NULL, &device) == SKS_OK, "%s", sks_last_error());
      guarded source = guard_end(sizeof x), target = guard_end(bytes + (threads == 2));
      memcpy(source.data, x, sizeof x);
      CHECK(sks_quantize(device, (float *)source.data, type, ROWS, COLUMNS, target.data) == SKS_OK,
            "%s", sks_last_error());
      CHECK(memcmp(target.data, expected, bytes) == 0, "%s on %d threads", sks_type_name(type),
            threads);
      guard_free(source);
      guard_free(target);
      sks_device_close(device);
    }
  }
  sks_device_close(one);
}

static void test_refusals(sks_device *device) {
  enum { ROWS = 200 };
  static float x[ROWS * COLUMNS];
  static uint8_t target[ROWS * MOST_BYTES], untouched[ROWS * MOST_BYTES];
  CHECK_REFUSED(sks_quantize(device, x, SKS_TYPES, 1, COLUMNS, target), SKS_INVALID_ARGUMENT,
                "type is 8");
  CHECK_REFUSED(sks_quantize(device, x, -1, 1, COLUMNS, target), SKS_INVALID_ARGUMENT,
                "type is -1");
  CHECK_REFUSED(sks_quantize(device, x, SKS_F16, -1, COLUMNS, target), SKS_INVALID_ARGUMENT,
                "rows is -1");
  CHECK_REFUSED(sks_quantize(device, x, SKS_F16, 1, 0, target), SKS_INVALID_ARGUMENT,
                "columns is 0");
  CHECK_REFUSED(sks_quantize(device, x, SKS_Q8_0, 1, 48, target), SKS_INVALID_ARGUMENT,
                "columns is 48; expected a multiple of 32, the block of q8_0");
  CHECK_REFUSED(sks_quantize(device, x, SKS_Q4_K, 1, 128, target), SKS_INVALID_ARGUMENT,
                "multiple of 256, the block of q4_k");
  CHECK_REFUSED(sks_quantize(device, NULL, SKS_F16, 1, COLUMNS, target), SKS_INVALID_ARGUMENT,
                "source is NULL");
  CHECK_REFUSED(sks_quantize(device, x, SKS_F16, 1, COLUMNS, NULL), SKS_INVALID_ARGUMENT,
                "target is NULL");
  CHECK(sks_quantize(device, x, SKS_Q8_0, 0, COLUMNS, target) == SKS_OK, "%s", sks_last_error());

  const float wrong[] = {NAN, INFINITY, -INFINITY, 65536, -65536, 0x1.ffp127f};
  memset(target, 0x5a, sizeof target);
  memset(untouched, 0x5a, sizeof untouched);
  for (int32_t type = 0; type < SKS_TYPES; type++) {
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
      if ((type == SKS_F32 && w >= 3) || (type == SKS_BF16 && (w == 3 || w == 4))) continue;
      x[150 * COLUMNS + 5] = wrong[w];
      x[199 * COLUMNS] = wrong[w];
      CHECK_REFUSED(sks_quantize(device, x, type, ROWS, COLUMNS, target), SKS_INVALID_ARGUMENT,
                    "source row 150 column 5 is ");
      CHECK(memcmp(target, untouched, sizeof target) == 0, "%s wrote before it refused %g",
            sks_type_name(type), (double)wrong[w]);
    }
  }
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  sks_device *device;
  REQUIRE(sks_device_open_cpu(2, NULL, &device) == SKS_OK, "%s", sks_last_error());
  test_distributions(device, seed);
  test_magnitudes(device, seed);
  test_constant_rows(device);
  test_one_outlier(device, seed);
  test_idempotence(device, seed);
  test_refusals(device);
  sks_device_close(device);
  test_what_must_not_matter(seed);
  return check_report();
}
