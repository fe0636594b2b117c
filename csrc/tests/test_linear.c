/* The linear layer over weights as they are stored, what it does with its result, and the embedding
 * lookup. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/element.h"
#include "cpu/cpu.h"
#include "sinkstream/linear.h"
#include "support/check.h"
#include "support/error.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"
#include "support/weights.h"

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
      worst = worse_error(worst, error);
    }
  }
  CHECK(worst <= 1e-7 * (8 + (double)s.columns / 4), "%s type %d, %lld x %lld, %lld rows: error %g",
        isa, type, (long long)s.n, (long long)s.columns, (long long)s.rows, worst);
  CHECK(gaps_kept, "%s type %d wrote between rows", isa, type);
}

static void test_shape(const sks_kernels *kernels, const sks_kernels *reference, int32_t type,
                       shape s, int placement, uint64_t *seed) {
  s.columns *= sks_block_of(type).values;
  int64_t stride = s.n + rng_below(seed, 3), y_count = (s.rows - 1) * stride + s.n;
  guarded w = buffer((size_t)sks_bytes_of(type, s.n * s.columns), placement);
  guarded x = floats(s.rows * s.columns, placement);
  guarded y = floats(y_count, placement), expected = floats(y_count, placement);
  weights_fill(type, s.n * s.columns, seed, w.data);
  rng_fill(seed, (float *)x.data, s.rows * s.columns, 1);
  rng_fill(seed, (float *)y.data, y_count, 1);
  memcpy(expected.data, y.data, (size_t)y_count * sizeof(float));
  kernels->linear[type](type, w.data, s.n, s.columns, (const float *)x.data, s.rows,
                        (float *)y.data, stride);
  reference->linear[type](type, w.data, s.n, s.columns, (const float *)x.data, s.rows,
                          (float *)expected.data, stride);
  compare(kernels->isa, type, s, (const float *)y.data, (const float *)expected.data, stride);
  guard_free(w);
  guard_free(x);
  guard_free(y);
  guard_free(expected);
}

static void test_shapes(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  for (int32_t type = 0; type < SKS_TYPES; type++) {
    int64_t block = sks_block_of(type).values;
    /* Every length of the last vector, and of the last group of channels and rows. */
    for (int64_t i = 0; i < (block == 1 ? 36 : 12); i++)
      for (int placement = 0; placement < PLACEMENTS; placement++)
        test_shape(kernels, reference, type,
                   (shape){1 + i % 9, 1 + i / (block < 256 ? 1 : 6), 1 + i % 14}, placement, &seed);
    for (int64_t i = 0; i < check_effort(block == 1 ? 200 : 40); i++) {
      shape s = {1 + rng_below(&seed, 80), 1 + rng_below(&seed, block == 1 ? 200 : 1 + 256 / block),
                 1 + rng_below(&seed, 30)};
      test_shape(kernels, reference, type, s, (int)rng_below(&seed, PLACEMENTS), &seed);
    }
    /* More columns than any kernel takes at once. */
    for (int64_t columns = 1020; columns <= (block == 1 ? 6000 : 2000);
         columns = columns * 3 / 2 + 1)
      for (int64_t rows = 1; rows < 16; rows += 6)
        test_shape(kernels, reference, type, (shape){37, (columns + block - 1) / block, rows},
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
    weights_fill(type, N * COLUMNS, &seed, w);
    reference->narrow[type](&bad, 1, w + sks_bytes_of(type, 5 * COLUMNS + 44));
    rng_fill(&seed, x, ROWS * COLUMNS, 1);
    x[7 * COLUMNS + 44] = -INFINITY;
    for (int64_t rows = ROWS; rows >= 1; rows -= ROWS - 1) {
      const float *from = x + (ROWS - rows) * COLUMNS;
      kernels->linear[type](type, w, N, COLUMNS, from, rows, y, N);
      for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < N; j++)
          CHECK(isfinite(y[r * N + j]) == (j != 5 && r != 7), "%s type %d: y[%lld, %lld] = %g",
                kernels->isa, type, (long long)r, (long long)j, (double)y[r * N + j]);
    }
  }
}

/* Tensors of several types stacked, every second one with a bias, over many tasks. */
enum { PARTS = 4, STACK_CHANNELS = 101 + 64 + 250 + 64 };

static const int64_t PART_ROWS[PARTS] = {101, 64, 250, 64};
static const int32_t PART_TYPES[PARTS] = {SKS_F32, SKS_BF16, SKS_Q8_0, SKS_Q6_K};

typedef struct stack {
  sks_device *device;
  sks_workspace *workspace;
  sks_weights *weights;
  int64_t columns, rows;
  char *data[PARTS];
  float *bias[PARTS], *x, *y;
} stack;

static stack make_stack(const char *isa, int32_t threads, bool packed, int64_t columns,
                        int64_t rows, uint64_t seed) {
  stack s = {.columns = columns, .rows = rows};
  sks_weight_part parts[PARTS];
  REQUIRE(sks_device_open_cpu(threads, isa, &s.device) == SKS_OK, "%s", sks_last_error());
  for (int i = 0; i < PARTS; i++) {
    int32_t type = PART_TYPES[i];
    s.data[i] = malloc((size_t)sks_bytes_of(type, PART_ROWS[i] * columns));
    s.bias[i] = malloc((size_t)PART_ROWS[i] * sizeof(float));
    weights_fill(type, PART_ROWS[i] * columns, &seed, s.data[i]);
    rng_fill(&seed, s.bias[i], PART_ROWS[i], 1);
    parts[i] = (sks_weight_part){s.data[i], i % 2 ? NULL : s.bias[i], PART_ROWS[i], type, packed};
  }
  s.x = malloc((size_t)(rows * columns) * sizeof(float));
  s.y = malloc((size_t)(rows * STACK_CHANNELS) * sizeof(float));
  rng_fill(&seed, s.x, rows * columns, 1);
  rng_fill(&seed, s.y, rows * STACK_CHANNELS, 1);
  REQUIRE(sks_weights_create(s.device, columns, parts, PARTS, &s.weights) == SKS_OK, "%s",
          sks_last_error());
  REQUIRE(sks_workspace_create(s.device, (int32_t)rows, (int32_t)columns, &s.workspace) == SKS_OK,
          "%s", sks_last_error());
  return s;
}

static void free_stack(stack *s) {
  for (int i = 0; i < PARTS; i++) {
    free(s->data[i]);
    free(s->bias[i]);
  }
  free(s->x);
  free(s->y);
  sks_weights_destroy(s->weights);
  sks_workspace_destroy(s->workspace);
  sks_device_close(s->device);
}

/* Channel `channel` of W x + b, by the reference kernel. */
static double expected(const stack *s, const float *x, int64_t channel) {
  sks_kernels reference;
  sks_kernels_reference(&reference);
  int i = 0;
  for (; channel >= PART_ROWS[i]; i++) channel -= PART_ROWS[i];
  float y;
  reference.linear[0](PART_TYPES[i], s->data[i] + sks_bytes_of(PART_TYPES[i], channel * s->columns),
                      1, s->columns, x, 1, &y, 1);
  return (double)y + (i % 2 ? 0 : s->bias[i][channel]);
}

static void linear_of(const stack *s, const sks_norm *norm, int64_t row, int64_t rows, float *y,
                      int32_t output) {
  REQUIRE(sks_linear(s->workspace, s->weights, norm, s->x + row * s->columns, (int32_t)rows, y,
                     output) == SKS_OK,
          "%s", sks_last_error());
}

static void test_outputs(uint64_t seed) {
  enum { COLUMNS = 768, ROWS = 9, COUNT = ROWS * STACK_CHANNELS };
  stack s = make_stack(NULL, 2, false, COLUMNS, ROWS, seed);
  float *plain = malloc(sizeof(float) * COUNT), *other = malloc(sizeof(float) * COUNT);
  float kept = s.bias[0][0];
  s.bias[0][0] = NAN; /* was copied */
  linear_of(&s, NULL, 0, ROWS, plain, SKS_STORE);
  s.bias[0][0] = kept;
  for (int64_t i = 0; i < COUNT; i++) {
    double right = expected(&s, s.x + i / STACK_CHANNELS * COLUMNS, i % STACK_CHANNELS);
    CHECK(fabs(plain[i] - right) < 1e-4, "y[%lld] = %g, not %g", (long long)i, (double)plain[i],
          right);
  }
  memcpy(other, s.y, sizeof(float) * COUNT);
  linear_of(&s, NULL, 0, ROWS, other, SKS_ADD);
  for (int64_t i = 0; i < COUNT; i++)
    CHECK(other[i] == s.y[i] + plain[i], "residual %lld", (long long)i);
  for (int32_t output = SKS_GELU_EXACT; output <= SKS_GELU_TANH; output++) {
    linear_of(&s, NULL, 0, ROWS, other, output);
    for (int64_t i = 0; i < COUNT; i++) {
      float gelu = plain[i];
      if (output == SKS_GELU_EXACT)
        sks_cpu_of(s.device)->kernels.gelu_exact(&gelu, 1);
      else
        sks_cpu_of(s.device)->kernels.gelu_tanh(&gelu, 1);
      CHECK(other[i] == gelu, "gelu %d of %g is %g, not %g", (int)output, (double)plain[i],
            (double)other[i], (double)gelu);
    }
  }

  /* A norm in front is that norm, then the layer. */
  float weight[COLUMNS], bias[COLUMNS];
  rng_fill(&seed, weight, COLUMNS, 1);
  rng_fill(&seed, bias, COLUMNS, 1);
  for (int32_t kind = SKS_RMS_NORM; kind <= SKS_LAYER_NORM; kind++) {
    sks_norm norm = {weight, bias, 1e-5f, kind};
    linear_of(&s, &norm, 0, ROWS, other, SKS_STORE);
    float *x = malloc(sizeof(float) * ROWS * COLUMNS);
    memcpy(x, s.x, sizeof(float) * ROWS * COLUMNS);
    CHECK(sks_normalize(s.device, &norm, x, ROWS, COLUMNS, s.x) == SKS_OK, "%s", sks_last_error());
    linear_of(&s, NULL, 0, ROWS, plain, SKS_STORE);
    CHECK(memcmp(plain, other, sizeof(float) * COUNT) == 0, "norm %d", (int)kind);
    memcpy(s.x, x, sizeof(float) * ROWS * COLUMNS);
    free(x);
  }
  free(plain);
  free(other);
  free_stack(&s);
}

/* silu(gate) * up, of weights as they are stored and packed; and each of the two alone. */
static void test_gate(uint64_t seed) {
  enum { COLUMNS = 256, INNER = 75, ROWS = 101 };
  for (int32_t type = 0; type < SKS_TYPES; type++) {
    for (int32_t packed = 0; packed < 2; packed++) {
      sks_device *device;
      sks_workspace *workspace;
      sks_weights *weights;
      size_t bytes = (size_t)sks_bytes_of(type, INNER * COLUMNS);
      char *data[2] = {malloc(bytes), malloc(bytes)};
      float *x = malloc(sizeof(float) * ROWS * COLUMNS), *y = malloc(sizeof(float) * ROWS * INNER);
      float *both = malloc(sizeof(float) * ROWS * 2 * INNER), bias[INNER];
      rng_fill(&seed, x, ROWS * COLUMNS, 0.1f);
      rng_fill(&seed, bias, INNER, 1);
      weights_fill(type, INNER * COLUMNS, &seed, data[0]);
      weights_fill(type, INNER * COLUMNS, &seed, data[1]);
      sks_weight_part parts[2] = {{data[0], NULL, INNER, type, packed},
                                  {data[1], bias, INNER, type, packed}};
      REQUIRE(sks_device_open_cpu(2, NULL, &device) == SKS_OK, "%s", sks_last_error());
      REQUIRE(sks_weights_create(device, COLUMNS, parts, 2, &weights) == SKS_OK, "%s",
              sks_last_error());
      REQUIRE(sks_workspace_create(device, ROWS, COLUMNS, &workspace) == SKS_OK, "%s",
              sks_last_error());
      CHECK(sks_linear(workspace, weights, NULL, x, ROWS, both, SKS_STORE) == SKS_OK, "%s",
            sks_last_error());
      CHECK(sks_linear(workspace, weights, NULL, x, ROWS, y, SKS_SILU_GATE) == SKS_OK, "%s",
            sks_last_error());
      for (int64_t i = 0; i < ROWS * INNER; i++) {
        const float *row = both + i / INNER * 2 * INNER;
        float right;
        sks_cpu_of(device)->kernels.silu_gate(row + i % INNER, row + INNER + i % INNER, 1, &right);
        CHECK(y[i] == right, "type %d packed %d: y[%lld] = %g, not %g", (int)type, (int)packed,
              (long long)i, (double)y[i], (double)right);
      }
      for (int i = 0; i < 2; i++) {
        sks_weights *alone;
        REQUIRE(sks_weights_create(device, COLUMNS, &parts[i], 1, &alone) == SKS_OK, "%s",
                sks_last_error());
        CHECK(sks_linear(workspace, alone, NULL, x, ROWS, y, SKS_STORE) == SKS_OK, "%s",
              sks_last_error());
        for (int64_t r = 0; r < ROWS; r++)
          CHECK(memcmp(y + r * INNER, both + (2 * r + i) * INNER, sizeof(float) * INNER) == 0,
                "type %d packed %d: row %lld of part %d alone differs", (int)type, (int)packed,
                (long long)r, i);
        sks_weights_destroy(alone);
        free(data[i]);
      }
      free(x);
      free(y);
      free(both);
      sks_weights_destroy(weights);
      sks_workspace_destroy(workspace);
      sks_device_close(device);
    }
  }
}

static void test_embed(uint64_t seed) {
  enum { COLUMNS = 256, IDS = 8 };
  stack s = make_stack(NULL, 1, false, COLUMNS, 1, seed);
  static const int32_t ids[IDS] = {0, 100, 101, 164, 165, 414, 415, 478};
  float y[IDS * COLUMNS], row[COLUMNS];
  sks_kernels reference;
  sks_kernels_reference(&reference);
  CHECK(sks_embed(s.device, s.weights, ids, IDS, y) == SKS_OK, "%s", sks_last_error());
  for (int i = 0; i < IDS; i++) {
    int32_t type = PART_TYPES[i / 2];
    int64_t at = i % 2 ? PART_ROWS[i / 2] - 1 : 0;
    reference.widen[type](s.data[i / 2] + sks_bytes_of(type, at * COLUMNS), COLUMNS, row);
    CHECK(memcmp(row, y + i * COLUMNS, sizeof row) == 0, "row %d", (int)ids[i]);
  }
  memset(y, 0x55, sizeof y);
  memcpy(row, y, sizeof row);
  CHECK_REFUSED(sks_embed(s.device, s.weights, (int32_t[]){0, STACK_CHANNELS}, 2, y),
                SKS_INVALID_ARGUMENT, "token id is 479; expected 0 to 478");
  CHECK_REFUSED(sks_embed(s.device, s.weights, (int32_t[]){0, -1}, 2, y), SKS_INVALID_ARGUMENT,
                "token id is -1");
  stack packed = make_stack(NULL, 1, true, COLUMNS, 1, seed);
  CHECK_REFUSED(sks_embed(packed.device, packed.weights, ids, 1, y), SKS_INVALID_ARGUMENT,
                "the embedding is packed; expected weights as they are stored");
  CHECK(memcmp(row, y, sizeof row) == 0, "a refused lookup wrote");
  free_stack(&packed);
  free_stack(&s);
}

/* Bit by bit the same for any number of threads, and for rows together or alone; and no memory is
 * asked for. */
static void test_same_for_any_split(const char *isa, bool packed, uint64_t seed) {
  enum { ROWS = 29, COUNT = ROWS * STACK_CHANNELS };
  static const int32_t threads[] = {1, 2, 3, 8};
  float *first = malloc(sizeof(float) * COUNT);
  for (int t = 0; t < 4; t++) {
    stack s = make_stack(isa, threads[t], packed, 1280, ROWS, seed);
    int64_t allocations = sks_allocations();
    linear_of(&s, NULL, 0, ROWS, s.y, SKS_STORE);
    if (t == 0) memcpy(first, s.y, sizeof(float) * COUNT);
    CHECK(memcmp(first, s.y, sizeof(float) * COUNT) == 0, "%s: %d threads", isa, (int)threads[t]);
    for (int64_t r = 0; r < ROWS; r++)
      linear_of(&s, NULL, r, 1, s.y + r * STACK_CHANNELS, SKS_STORE);
    CHECK(memcmp(first, s.y, sizeof(float) * COUNT) == 0, "%s: one row at a time", isa);
    CHECK(sks_allocations() == allocations, "asked for memory");
    free_stack(&s);
  }
  free(first);
}

static void test_kernels(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  test_shapes(kernels, reference, seed);
  test_nan_stays_where_it_is(kernels, reference, seed);
  const char *isa = strncmp(kernels->isa, "avx512", 6) == 0 ? "avx512" : kernels->isa;
  test_same_for_any_split(isa, false, seed);
  test_same_for_any_split(isa, true, seed);
}

static void test_refused_weights(sks_device *device) {
  sks_weights *weights = NULL;
  float x[8] = {0};
  sks_weight_part part = {x, NULL, 2, SKS_F32, 0}, two[2] = {part, part};
  CHECK_REFUSED(sks_weights_create(device, 0, &part, 1, &weights), SKS_INVALID_ARGUMENT,
                "columns is 0");
  CHECK_REFUSED(sks_weights_create(device, 4, &part, 0, &weights), SKS_INVALID_ARGUMENT,
                "part_count is 0");
  CHECK_REFUSED(sks_weights_create(device, 4, NULL, 1, &weights), SKS_INVALID_ARGUMENT,
                "parts is NULL");
  two[1].type = SKS_TYPES;
  CHECK_REFUSED(sks_weights_create(device, 4, two, 2, &weights), SKS_INVALID_ARGUMENT,
                "type of a part is 8");
  two[1].type = SKS_Q4_0;
  CHECK_REFUSED(sks_weights_create(device, 4, two, 2, &weights), SKS_INVALID_ARGUMENT,
                "columns is 4; expected a multiple of 32");
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
}

static void test_refused_calls(sks_device *device) {
  sks_weights *weights = NULL;
  sks_workspace *workspace = NULL, *narrow = NULL;
  float x[8] = {0};
  sks_weight_part part = {x, NULL, 2, SKS_F32, 0};
  CHECK_REFUSED(sks_workspace_create(device, 0, 4, &workspace), SKS_INVALID_ARGUMENT,
                "max_rows is 0");
  CHECK_REFUSED(sks_workspace_create(device, 1, 0, &workspace), SKS_INVALID_ARGUMENT,
                "max_columns is 0");
  REQUIRE(sks_workspace_create(device, 2, 4, &workspace) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_workspace_create(device, 2, 3, &narrow) == SKS_OK, "%s", sks_last_error());
  REQUIRE(sks_weights_create(device, 4, &part, 1, &weights) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_linear(workspace, weights, NULL, x, -1, x, SKS_STORE), SKS_INVALID_ARGUMENT,
                "rows is -1");
  CHECK_REFUSED(sks_linear(workspace, weights, NULL, x, 3, x, SKS_STORE), SKS_INVALID_ARGUMENT,
                "rows is 3; expected 0 to 2");
  CHECK_REFUSED(sks_linear(narrow, weights, NULL, x, 1, x, SKS_STORE), SKS_INVALID_ARGUMENT,
                "columns is 4; expected 1 to 3");
  CHECK_REFUSED(sks_linear(workspace, weights, NULL, x, 1, x, 5), SKS_INVALID_ARGUMENT,
                "output is 5");
  CHECK_REFUSED(sks_linear(workspace, weights, NULL, x, 1, x, SKS_SILU_GATE), SKS_INVALID_ARGUMENT,
                "a gated output of 1 parts");
  CHECK_REFUSED(sks_linear(workspace, weights, &(sks_norm){x, NULL, 0, 7}, x, 1, x, SKS_STORE),
                SKS_INVALID_ARGUMENT, "kind of the norm is 7");
  CHECK_REFUSED(sks_linear(workspace, weights, NULL, NULL, 1, x, SKS_STORE), SKS_INVALID_ARGUMENT,
                "x is NULL");
  CHECK_REFUSED(sks_linear(workspace, weights, NULL, x, 1, NULL, SKS_STORE), SKS_INVALID_ARGUMENT,
                "y is NULL");
  CHECK(sks_linear(workspace, weights, NULL, x, 0, x, SKS_STORE) == SKS_OK, "no rows: %s",
        sks_last_error());
  sks_weights_destroy(weights);
  sks_weights_destroy(NULL);
  sks_workspace_destroy(workspace);
  sks_workspace_destroy(narrow);
  sks_workspace_destroy(NULL);
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for_every_isa(test_kernels, seed);
  test_outputs(seed);
  test_gate(seed);
  test_embed(seed);
  sks_device *device;
  REQUIRE(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  test_refused_weights(device);
  test_refused_calls(device);
  sks_device_close(device);
  return check_report();
}
