/* The linear layer and the embedding lookup: kernels against the reference, the operations around
 * them. */
#include <math.h>
#include <string.h>

#include "core/device.h"
#include "core/element.h"
#include "ops/weights.h"
#include "sinkstream/linear.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"

typedef struct shape {
  int64_t n, columns, rows;
} shape;

/* Where a buffer lies between its guard pages. */
enum { ENDS_AT_GUARD, STARTS_AT_GUARD, ODD_ADDRESS, PLACEMENTS };

static guarded buffer(size_t bytes, int placement) {
  if (placement == STARTS_AT_GUARD) return guard_start(bytes);
  return guard_end(placement == ODD_ADDRESS ? bytes + 1 : bytes);
}

/* An odd address is for weights alone: floats are aligned by contract, but may start at any one. */
static guarded floats(int64_t count, int placement) {
  size_t bytes = (size_t)count * sizeof(float);
  return placement == STARTS_AT_GUARD ? guard_start(bytes) : guard_end(bytes);
}

/* Weights between -1 and 1, as the type holds them. */
static void fill_weights(const sks_kernels *reference, int32_t type, int64_t count, uint64_t *seed,
                         void *w) {
  float values[64];
  for (int64_t i = 0; i < count; i += 64) {
    int64_t some = count - i < 64 ? count - i : 64;
    rng_fill(seed, values, some, 1);
    reference->narrow[type](values, some, (char *)w + i * sks_element_bytes(type));
  }
}

/* y against the reference's, where what is summed is at most `columns` + 2 in size; and nothing
 * written between rows. */
static void compare(const char *isa, int32_t type, shape s, const float *y, const float *expected,
                    int64_t stride) {
  double worst = 0;
  bool gaps_kept = true;
  for (int64_t r = 0; r < s.rows; r++) {
    for (int64_t j = 0; j < stride && r * stride + j < (s.rows - 1) * stride + s.n; j++) {
      double error = fabs((double)y[r * stride + j] - expected[r * stride + j]);
      if (j >= s.n) gaps_kept &= error == 0;
      if (!(error <= worst)) worst = error;
    }
  }
  CHECK(worst <= 1e-7 * (8 + (double)s.columns / 4), "%s type %d, %lld x %lld, %lld rows: error %g",
        isa, type, (long long)s.n, (long long)s.columns, (long long)s.rows, worst);
  CHECK(gaps_kept, "%s type %d wrote between rows", isa, type);
}

static void test_shape(const sks_kernels *kernels, const sks_kernels *reference, int32_t type,
                       shape s, int placement, uint64_t *seed) {
  int64_t stride = s.n + rng_below(seed, 3), y_count = (s.rows - 1) * stride + s.n;
  guarded w = buffer((size_t)(s.n * s.columns * sks_element_bytes(type)), placement);
  guarded x = floats(s.rows * s.columns, placement), bias = floats(s.n, placement);
  guarded y = floats(y_count, placement), expected = floats(y_count, placement);
  fill_weights(reference, type, s.n * s.columns, seed, w.data);
  rng_fill(seed, (float *)x.data, s.rows * s.columns, 1);
  rng_fill(seed, (float *)bias.data, s.n, 1);
  rng_fill(seed, (float *)y.data, y_count, 1);
  memcpy(expected.data, y.data, (size_t)y_count * sizeof(float));

  const float *b = rng_below(seed, 2) ? (const float *)bias.data : NULL;
  int32_t add = (int32_t)rng_below(seed, 2);
  kernels->linear[type](w.data, s.n, s.columns, b, (const float *)x.data, s.rows, (float *)y.data,
                        stride, add);
  reference->linear[type](w.data, s.n, s.columns, b, (const float *)x.data, s.rows,
                          (float *)expected.data, stride, add);
  compare(kernels->isa, type, s, (const float *)y.data, (const float *)expected.data, stride);
  guard_free(w);
  guard_free(x);
  guard_free(bias);
  guard_free(y);
  guard_free(expected);
}

static void test_shapes(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  for (int32_t type = 0; type < SKS_FLOAT_TYPES; type++) {
    /* Every length of the last vector, and of the last group of channels and rows. */
    for (int64_t i = 0; i < 36; i++)
      for (int placement = 0; placement < PLACEMENTS; placement++)
        test_shape(kernels, reference, type, (shape){1 + i % 9, 1 + i, 1 + i % 14}, placement,
                   &seed);
    for (int64_t i = 0; i < check_effort(200); i++) {
      shape s = {1 + rng_below(&seed, 80), 1 + rng_below(&seed, 200), 1 + rng_below(&seed, 30)};
      test_shape(kernels, reference, type, s, (int)rng_below(&seed, PLACEMENTS), &seed);
    }
    /* More columns than any kernel takes at once. */
    for (int64_t columns = 1020; columns <= 6000; columns = columns * 3 / 2 + 1)
      for (int64_t rows = 1; rows < 16; rows += 6)
        test_shape(kernels, reference, type, (shape){37, columns, rows},
                   (int)(columns % PLACEMENTS), &seed);
  }
}

/* A weight that is not a number reaches its channel only, an activation its row only. */
static void test_nan_stays_where_it_is(const sks_kernels *kernels, const sks_kernels *reference,
                                       uint64_t seed) {
  enum { N = 11, COLUMNS = 45, ROWS = 9 };
  for (int32_t type = 0; type < SKS_FLOAT_TYPES; type++) {
    char w[N * COLUMNS * 4];
    float x[ROWS * COLUMNS], y[ROWS * N], bad = type == SKS_F16 ? INFINITY : NAN;
    fill_weights(reference, type, N * COLUMNS, &seed, w);
    reference->narrow[type](&bad, 1, w + (5 * COLUMNS + 44) * sks_element_bytes(type));
    rng_fill(&seed, x, ROWS * COLUMNS, 1);
    x[7 * COLUMNS + 44] = -INFINITY;
    for (int64_t rows = ROWS; rows >= 1; rows -= ROWS - 1) {
      const float *from = x + (ROWS - rows) * COLUMNS;
      kernels->linear[type](w, N, COLUMNS, NULL, from, rows, y, N, SKS_STORE);
      for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < N; j++)
          CHECK(isfinite(y[r * N + j]) == (j != 5 && r != 7), "%s type %d: y[%lld, %lld] = %g",
                kernels->isa, type, (long long)r, (long long)j, (double)y[r * N + j]);
    }
  }
}

/* Three tensors of three types stacked, the middle one without a bias, over many tasks. */
typedef struct stack {
  int64_t columns, rows;
  char *data[3];
  float *bias[3], *x, *y;
  sks_weight_part parts[3];
} stack;

static stack make_stack(const int64_t part_rows[3], int64_t columns, int64_t rows, uint64_t seed) {
  stack s = {.columns = columns, .rows = rows};
  sks_kernels reference;
  sks_kernels_reference(&reference);
  int64_t channels = 0;
  for (int i = 0; i < 3; i++) {
    s.data[i] = malloc((size_t)(part_rows[i] * columns * sks_element_bytes(i)));
    s.bias[i] = malloc((size_t)part_rows[i] * sizeof(float));
    fill_weights(&reference, i, part_rows[i] * columns, &seed, s.data[i]);
    rng_fill(&seed, s.bias[i], part_rows[i], 1);
    s.parts[i] = (sks_weight_part){s.data[i], i == 1 ? NULL : s.bias[i], part_rows[i], i, 0};
    channels += part_rows[i];
  }
  s.x = malloc((size_t)(rows * columns) * sizeof(float));
  s.y = malloc((size_t)(rows * channels) * sizeof(float));
  rng_fill(&seed, s.x, rows * columns, 1);
  rng_fill(&seed, s.y, rows * channels, 1);
  return s;
}

static void free_stack(stack *s) {
  for (int i = 0; i < 3; i++) {
    free(s->data[i]);
    free(s->bias[i]);
  }
  free(s->x);
  free(s->y);
}

static double expected(const stack *s, int64_t r, int64_t channel) {
  int i = 0;
  for (; channel >= s->parts[i].rows; i++) channel -= s->parts[i].rows;
  sks_kernels reference;
  sks_kernels_reference(&reference);
  float y;
  reference.linear[i](s->data[i] + channel * s->columns * sks_element_bytes(i), 1, s->columns,
                      s->parts[i].bias ? s->bias[i] + channel : NULL, s->x + r * s->columns, 1, &y,
                      1, SKS_STORE);
  return y;
}

static void test_stacked_parts(uint64_t seed) {
  static const int64_t part_rows[3] = {101, 64, 250};
  enum { CHANNELS = 415, ROWS = 9 };
  stack s = make_stack(part_rows, 333, ROWS, seed);
  sks_device *device;
  sks_weights *weights = NULL;
  CHECK(sks_device_open_cpu(2, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_weights_create(device, s.columns, s.parts, 3, &weights) == SKS_OK, "%s",
        sks_last_error());
  float *before = malloc(sizeof(float) * ROWS * CHANNELS);
  memcpy(before, s.y, sizeof(float) * ROWS * CHANNELS);
  float bias = s.bias[0][0];
  s.bias[0][0] = NAN; /* was copied */
  CHECK(sks_linear(device, weights, s.x, ROWS, s.y, SKS_ADD) == SKS_OK, "%s", sks_last_error());
  s.bias[0][0] = bias;
  for (int64_t r = 0; r < ROWS; r++)
    for (int64_t j = 0; j < CHANNELS; j++)
      CHECK(fabs(s.y[r * CHANNELS + j] - before[r * CHANNELS + j] - expected(&s, r, j)) < 1e-5,
            "row %lld channel %lld", (long long)r, (long long)j);

  float row[333];
  static const int32_t ids[] = {0, 100, 101, 164, 165, 414};
  float y[6 * 333];
  CHECK(sks_embed(device, weights, ids, 6, y) == SKS_OK, "%s", sks_last_error());
  sks_kernels reference;
  sks_kernels_reference(&reference);
  for (int i = 0; i < 6; i++) {
    int part = i / 2;
    int64_t at = i % 2 ? part_rows[part] - 1 : 0;
    reference.widen[part](s.data[part] + at * 333 * sks_element_bytes(part), 333, row);
    CHECK(memcmp(row, y + i * 333, sizeof row) == 0, "row %d", (int)ids[i]);
  }
  memset(y, 0x55, sizeof y);
  memcpy(row, y, sizeof row);
  CHECK_REFUSED(sks_embed(device, weights, (int32_t[]){0, 415}, 2, y), SKS_INVALID_ARGUMENT,
                "token id is 415");
  CHECK_REFUSED(sks_embed(device, weights, (int32_t[]){0, -1}, 2, y), SKS_INVALID_ARGUMENT,
                "token id is -1");
  CHECK(memcmp(row, y, sizeof row) == 0, "a refused lookup wrote");
  free(before);
  free_stack(&s);
  sks_weights_destroy(weights);
  sks_device_close(device);
}

/* Bit by bit the same for any number of threads, and for rows together or alone; and no memory is
 * asked for. */
static void test_same_for_any_split(const char *isa, uint64_t seed) {
  static const int64_t part_rows[3] = {500, 200, 301};
  enum { CHANNELS = 1001, ROWS = 8 };
  static const int32_t threads[] = {1, 2, 3, 8};
  stack s = make_stack(part_rows, 1100, ROWS, seed);
  float *first = malloc(sizeof(float) * ROWS * CHANNELS);
  for (int t = 0; t < 4; t++) {
    sks_device *device;
    sks_weights *weights = NULL;
    CHECK(sks_device_open_cpu(threads[t], isa, &device) == SKS_OK, "%s", sks_last_error());
    CHECK(sks_weights_create(device, s.columns, s.parts, 3, &weights) == SKS_OK, "%s",
          sks_last_error());
    int64_t allocations = sks_allocations();
    CHECK(sks_linear(device, weights, s.x, ROWS, s.y, SKS_STORE) == SKS_OK, "%s", sks_last_error());
    if (t == 0) memcpy(first, s.y, sizeof(float) * ROWS * CHANNELS);
    CHECK(memcmp(first, s.y, sizeof(float) * ROWS * CHANNELS) == 0, "%s: %d threads", isa,
          (int)threads[t]);
    for (int64_t r = 0; r < ROWS; r++)
      CHECK(sks_linear(device, weights, s.x + r * s.columns, 1, s.y + r * CHANNELS, SKS_STORE) ==
                SKS_OK,
            "row %lld", (long long)r);
    CHECK(memcmp(first, s.y, sizeof(float) * ROWS * CHANNELS) == 0, "%s: one row at a time", isa);
    CHECK(sks_allocations() == allocations, "asked for memory");
    sks_weights_destroy(weights);
    sks_device_close(device);
  }
  free(first);
  free_stack(&s);
}

static void test_kernels(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  test_shapes(kernels, reference, seed);
  test_nan_stays_where_it_is(kernels, reference, seed);
  const char *isa = strncmp(kernels->isa, "avx512", 6) == 0 ? "avx512" : kernels->isa;
  test_same_for_any_split(isa, seed);
}

static void test_refused(void) {
  sks_device *device;
  sks_weights *weights = NULL;
  float x[8] = {0};
  sks_weight_part part = {x, NULL, 2, SKS_F32, 0}, two[2] = {part, part};
  CHECK(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_weights_create(device, 0, &part, 1, &weights), SKS_INVALID_ARGUMENT,
                "columns is 0");
  CHECK_REFUSED(sks_weights_create(device, 4, &part, 0, &weights), SKS_INVALID_ARGUMENT,
                "part_count is 0");
  CHECK_REFUSED(sks_weights_create(device, 4, NULL, 1, &weights), SKS_INVALID_ARGUMENT,
                "parts is NULL");
  two[1].type = 3;
  CHECK_REFUSED(sks_weights_create(device, 4, two, 2, &weights), SKS_INVALID_ARGUMENT,
                "type of a part is 3");
  two[1] = (sks_weight_part){x, NULL, 0, SKS_F32, 0};
  CHECK_REFUSED(sks_weights_create(device, 4, two, 2, &weights), SKS_INVALID_ARGUMENT,
                "rows of a part is 0");
  two[1] = (sks_weight_part){NULL, NULL, 2, SKS_F32, 0};
  CHECK_REFUSED(sks_weights_create(device, 4, two, 2, &weights), SKS_INVALID_ARGUMENT,
                "data of a part is NULL");
  two[0].rows = two[1].rows = INT32_MAX;
  two[1].data = x;
  CHECK_REFUSED(sks_weights_create(device, 4, two, 2, &weights), SKS_INVALID_ARGUMENT,
                "rows of all parts");
  CHECK(weights == NULL, "a refused call set the weights");

  CHECK(sks_weights_create(device, 4, &part, 1, &weights) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_linear(device, weights, x, -1, x, SKS_STORE), SKS_INVALID_ARGUMENT,
                "rows is -1");
  CHECK_REFUSED(sks_linear(device, weights, x, 1, x, 2), SKS_INVALID_ARGUMENT, "output is 2");
  CHECK_REFUSED(sks_linear(device, weights, NULL, 1, x, SKS_STORE), SKS_INVALID_ARGUMENT,
                "x is NULL");
  CHECK_REFUSED(sks_linear(device, weights, x, 1, NULL, SKS_STORE), SKS_INVALID_ARGUMENT,
                "y is NULL");
  CHECK(sks_linear(device, weights, x, 0, x, SKS_STORE) == SKS_OK, "no rows: %s", sks_last_error());
  sks_weights_destroy(weights);
  sks_weights_destroy(NULL);
  sks_device_close(device);
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for_every_isa(test_kernels, seed);
  test_stacked_parts(seed);
  test_refused();
  return check_report();
}
