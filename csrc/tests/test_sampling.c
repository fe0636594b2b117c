/* What becomes of logits: the largest ones and the loss against sorting and the formula, with ties
 * and NaN. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/backend.h"
#include "core/fail.h"
#include "sinkstream/choice.h"
#include "sinkstream/sampling.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"

typedef struct candidate {
  float value;
  int32_t index;
} candidate;

/* Larger first, equal ones by index, NaN last. */
static int in_order(const void *left, const void *right) {
  const candidate *a = left, *b = right;
  if (isnan(a->value) != isnan(b->value)) return isnan(a->value) ? 1 : -1;
  if (a->value > b->value) return -1;
  if (a->value < b->value) return 1;
  return a->index < b->index ? -1 : 1;
}

/* Kinds of rows: many ties, some NaN, infinities, nothing but NaN. */
enum { SPREAD, TIES, SOME_NAN, INFINITE, ALL_NAN, LOWEST, KINDS };

static void fill_row(float *x, int64_t count, int kind, uint64_t *seed) {
  for (int64_t i = 0; i < count; i++) {
    x[i] = 20 * rng_float(seed);
    if (kind == TIES) x[i] = (float)rng_below(seed, 4);
    if (kind == SOME_NAN && rng_below(seed, 3) == 0) x[i] = NAN;
    if (kind == INFINITE && rng_below(seed, 3) == 0)
      x[i] = rng_below(seed, 2) ? -INFINITY : INFINITY;
    if (kind == ALL_NAN) x[i] = NAN;
    if (kind == LOWEST) x[i] = -INFINITY;
  }
}

static void sorted(const float *x, int64_t count, candidate *all) {
  for (int64_t i = 0; i < count; i++) all[i] = (candidate){x[i], (int32_t)i};
  qsort(all, (size_t)count, sizeof *all, in_order);
}

static void test_kernels(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  (void)reference; /* sorting and the formula are the oracle */
  candidate all[300];
  for (int64_t count = 1; count <= 300; count += count < 70 ? 1 : 23) {
    for (int kind = 0; kind < KINDS; kind++) {
      size_t bytes = (size_t)count * sizeof(float);
      guarded buffer = kind % 2 ? guard_start(bytes) : guard_end(bytes);
      float *x = (float *)buffer.data;
      fill_row(x, count, kind, &seed);
      sorted(x, count, all);
      int64_t best = kernels->argmax(x, count);
      CHECK(best == all[0].index, "%s: %lld of %lld, kind %d; expected %d", kernels->isa,
            (long long)best, (long long)count, kind, (int)all[0].index);
      if (kind == SPREAD || kind == TIES) {
        long double sum = 0;
        for (int64_t i = 0; i < count; i++) sum += expl((long double)x[i] - all[0].value);
        double error = kernels->log_sum_exp(x, count) - (double)(all[0].value + logl(sum));
        CHECK(fabs(error) < 2e-7, "%s: %lld logits, error %g", kernels->isa, (long long)count,
              error);
      }
      guard_free(buffer);
    }
  }
}

static void test_operations(sks_device *device, uint64_t seed) {
  enum { ROWS = 9, COUNT = 1000 };
  static float logits[ROWS * COUNT], values[COUNT];
  static candidate all[COUNT];
  int32_t indices[COUNT], targets[ROWS];
  double loss[ROWS];
  for (int64_t r = 0; r < ROWS; r++) {
    fill_row(logits + r * COUNT, COUNT, (int)(r % KINDS), &seed);
    targets[r] = (int32_t)rng_below(&seed, COUNT);
  }
  int64_t allocations = sks_allocations();
  CHECK(sks_nll(device, logits, ROWS, COUNT, targets, loss) == SKS_OK, "%s", sks_last_error());
  for (int64_t r = 0; r < ROWS; r++) {
    const float *row = logits + r * COUNT;
    sorted(row, COUNT, all);
    if (r % KINDS == SPREAD || r % KINDS == TIES) {
      long double sum = 0;
      for (int64_t i = 0; i < COUNT; i++) sum += expl((long double)row[i]);
      CHECK(fabs(loss[r] - (double)(logl(sum) - row[targets[r]])) < 5e-7, "row %lld: %g",
            (long long)r, loss[r]);
    }
    for (int32_t k = 1; k <= COUNT; k = 2 * k + 1) {
      CHECK(sks_top_k(device, row, 1, COUNT, k, indices, values) == SKS_OK, "%s", sks_last_error());
      for (int32_t i = 0; i < k; i++)
        CHECK(indices[i] == all[i].index && memcmp(&values[i], &all[i].value, sizeof(float)) == 0,
              "row %lld, k %d: place %d is %d, not %d", (long long)r, (int)k, (int)i,
              (int)indices[i], (int)all[i].index);
    }
    CHECK(sks_top_k(device, row, 1, COUNT, COUNT, indices, values) == SKS_OK, "%s",
          sks_last_error());
    CHECK(indices[COUNT - 1] == all[COUNT - 1].index, "row %lld: the last of all", (long long)r);
  }
  CHECK(sks_allocations() == allocations, "asked for memory");
}

/* Many rows at once are as one by one; enough of them for several tasks. */
static void test_top_k_of_rows(sks_device *device, uint64_t seed) {
  enum { ROWS = 13, COUNT = 12345, MOST = 40 };
  static float logits[ROWS * COUNT], values[ROWS * MOST], its_values[MOST];
  static int32_t indices[ROWS * MOST], its_indices[MOST];
  rng_fill(&seed, logits, ROWS * COUNT, 10);
  for (int32_t k = 1; k <= MOST; k += 13) {
    CHECK(sks_top_k(device, logits, ROWS, COUNT, k, indices, values) == SKS_OK, "%s",
          sks_last_error());
    for (int64_t r = 0; r < ROWS; r++) {
      CHECK(sks_top_k(device, logits + r * COUNT, 1, COUNT, k, its_indices, its_values) == SKS_OK,
            "%s", sks_last_error());
      CHECK(memcmp(indices + r * k, its_indices, (size_t)k * sizeof *indices) == 0 &&
                memcmp(values + r * k, its_values, (size_t)k * sizeof *values) == 0,
            "row %lld, k %d", (long long)r, (int)k);
    }
  }
  CHECK(sks_top_k(device, logits, 0, COUNT, 1, indices, values) == SKS_OK, "%s", sks_last_error());
}

/* The first one in order that is not banned, left where it is to be read and told afterwards. */
static void test_choices(sks_device *device, uint64_t seed) {
  enum { ROWS = 5, COUNT = 70 };
  float logits[ROWS * COUNT];
  candidate all[COUNT];
  sks_choice *choice;
  REQUIRE(sks_choice_create(device, ROWS, &choice) == SKS_OK, "%s", sks_last_error());
  int64_t allocations = sks_allocations();
  for (int round = 0; round < 200; round++) {
    int32_t rows = (int32_t)(1 + rng_below(&seed, ROWS));
    int32_t count = (int32_t)(1 + rng_below(&seed, rng_below(&seed, 2) ? 4 : COUNT));
    int32_t most = count <= SKS_MOST_BANNED ? count - 1 : SKS_MOST_BANNED;
    int32_t banned[SKS_MOST_BANNED], banned_count = (int32_t)rng_below(&seed, most + 1);
    for (int32_t i = 0; i < banned_count; i++)
      banned[i] = (int32_t)rng_below(&seed, count + 3) - 1; /* some are no index */
    for (int32_t r = 0; r < rows; r++)
      fill_row(logits + r * count, count, (int)rng_below(&seed, KINDS), &seed);
    if (banned_count > 0 && rng_below(&seed, 2)) { /* the best one, so that it shows */
      sorted(logits, count, all);
      banned[0] = all[0].index;
    }
    int32_t ids[ROWS], told[ROWS];
    CHECK(sks_choose(choice, logits, rows, count, banned, banned_count, ids) == SKS_OK, "%s",
          sks_last_error());
    CHECK(sks_choice_wait(choice, told) == SKS_OK, "%s", sks_last_error());
    for (int32_t r = 0; r < rows; r++) {
      sorted(logits + r * count, count, all);
      int32_t place = 0;
      for (int32_t i = 0; i < banned_count; i++)
        if (all[place].index == banned[i]) place++, i = -1;
      CHECK(ids[r] == all[place].index && told[r] == ids[r], "row %d of %d: %d, told %d; not %d",
            (int)r, (int)count, (int)ids[r], (int)told[r], (int)all[place].index);
    }
  }
  CHECK(sks_allocations() == allocations, "asked for memory");
  sks_choice_destroy(choice);
}

/* Each keeps its own until it is asked, whoever asks for something else meanwhile. */
static void test_choices_apart(sks_device *device) {
  const float x[] = {1, 3, 2, 9, 8, 7, 4, 5, 6};
  int32_t ids[3], told[3], best;
  float value;
  sks_choice *a, *b;
  REQUIRE(sks_choice_create(device, 3, &a) == SKS_OK && sks_choice_create(device, 1, &b) == SKS_OK,
          "%s", sks_last_error());
  CHECK(sks_choose(a, x, 3, 3, NULL, 0, ids) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_top_k(device, x, 1, 9, 1, &best, &value) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_choose(b, x, 1, 9, &best, 1, ids) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_choice_wait(a, told) == SKS_OK && told[0] == 1 && told[1] == 0 && told[2] == 2,
        "%d, %d, %d", (int)told[0], (int)told[1], (int)told[2]);
  CHECK(sks_choice_wait(b, told) == SKS_OK && told[0] == 4 && best == 3, "%d, %d", (int)told[0],
        (int)best);
  sks_choice_destroy(a);
  sks_choice_destroy(b);
}

/* Fewer rows than there is room for: what stands behind theirs is left alone. */
static void test_choice_of_fewer_rows(sks_device *device) {
  const float x[6] = {1, 3, 2, 6, 5, 4};
  int32_t ids[4] = {-7, -7, -7, -7}, told[4] = {-7, -7, -7, -7};
  int64_t held = sks_allocated_bytes();
  sks_choice *choice;
  REQUIRE(sks_choice_create(device, 4, &choice) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_choose(choice, x, 2, 3, NULL, 0, ids) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_choice_wait(choice, told) == SKS_OK, "%s", sks_last_error());
  const int32_t expected[4] = {1, 0, -7, -7};
  CHECK(memcmp(ids, expected, sizeof ids) == 0, "%d, %d, %d, %d", (int)ids[0], (int)ids[1],
        (int)ids[2], (int)ids[3]);
  CHECK(memcmp(told, expected, sizeof told) == 0, "%d, %d, %d, %d", (int)told[0], (int)told[1],
        (int)told[2], (int)told[3]);
  sks_choice_destroy(choice);
  CHECK(sks_allocated_bytes() == held, "%lld bytes leaked",
        (long long)(sks_allocated_bytes() - held));
}

static void test_refused_choices(sks_device *device) {
  float x[9] = {0};
  int32_t ids[2] = {-7, -7}, banned[9] = {0};
  sks_choice *choice;
  CHECK_REFUSED(sks_choice_create(device, 0, &choice), SKS_INVALID_ARGUMENT, "max_rows is 0");
  REQUIRE(sks_choice_create(device, 2, &choice) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_choice_wait(choice, ids), SKS_IMPOSSIBLE, "nothing was chosen");
  CHECK_REFUSED(sks_choose(choice, x, 0, 4, NULL, 0, ids), SKS_INVALID_ARGUMENT,
                "rows is 0; expected 1 to 2");
  CHECK_REFUSED(sks_choose(choice, x, 3, 2, NULL, 0, ids), SKS_INVALID_ARGUMENT, "rows is 3");
  CHECK_REFUSED(sks_choose(choice, x, 1, 0, NULL, 0, ids), SKS_INVALID_ARGUMENT, "count is 0");
  CHECK_REFUSED(sks_choose(choice, x, 1, 4, banned, 4, ids), SKS_INVALID_ARGUMENT,
                "banned_count is 4; expected 0 to 3");
  CHECK_REFUSED(sks_choose(choice, x, 1, 8, banned, 8, ids), SKS_INVALID_ARGUMENT,
                "banned_count is 8; expected 0 to 7");
  CHECK_REFUSED(sks_choose(choice, x, 1, 9, banned, 9, ids), SKS_INVALID_ARGUMENT,
                "banned_count is 9; expected 0 to 8");
  CHECK_REFUSED(sks_choose(choice, x, 1, 4, NULL, 1, ids), SKS_INVALID_ARGUMENT, "banned is NULL");
  CHECK_REFUSED(sks_choose(choice, NULL, 1, 4, NULL, 0, ids), SKS_INVALID_ARGUMENT,
                "logits is NULL");
  CHECK_REFUSED(sks_choose(choice, x, 1, 4, NULL, 0, NULL), SKS_INVALID_ARGUMENT, "ids is NULL");
  CHECK(ids[0] == -7, "a refused call wrote");
  CHECK_REFUSED(sks_choice_wait(choice, ids), SKS_IMPOSSIBLE, "nothing was chosen");
  sks_choice_destroy(choice);
  sks_choice_destroy(NULL);
}

static int32_t failure;

static int32_t fail_to_choose(sks_choice *choice, const float *logits, int32_t rows, int32_t count,
                              const int32_t *banned, int32_t banned_count, int32_t *ids) {
  (void)choice, (void)logits, (void)rows, (void)count, (void)banned, (void)banned_count, (void)ids;
  return sks_fail(failure, "a device that fails");
}

/* What is refused leaves the choice before it as it was; a device that fails loses it. */
static void test_choice_after_failures(sks_device *device) {
  const float x[4] = {0, 1, 3, 2};
  int32_t ids[1], told[1] = {-1};
  const sks_backend *whole = device->backend;
  sks_backend failing = *whole;
  failing.choose = fail_to_choose;
  sks_choice *choice;
  REQUIRE(sks_choice_create(device, 1, &choice) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_choose(choice, x, 1, 4, NULL, 0, ids) == SKS_OK, "%s", sks_last_error());
  CHECK_REFUSED(sks_choose(choice, x, 2, 4, NULL, 0, ids), SKS_INVALID_ARGUMENT, "rows is 2");
  device->backend = &failing;
  failure = SKS_IMPOSSIBLE;
  CHECK_REFUSED(sks_choose(choice, x, 1, 4, NULL, 0, ids), SKS_IMPOSSIBLE, "a device that fails");
  CHECK(sks_choice_wait(choice, told) == SKS_OK && told[0] == 2, "%d: %s", (int)told[0],
        sks_last_error());
  failure = SKS_FAULT;
  CHECK_REFUSED(sks_choose(choice, x, 1, 4, NULL, 0, ids), SKS_FAULT, "a device that fails");
  CHECK_REFUSED(sks_choice_wait(choice, told), SKS_IMPOSSIBLE, "nothing was chosen");
  device->backend = whole;
  CHECK(sks_choose(choice, x, 1, 4, NULL, 0, ids) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_choice_wait(choice, told) == SKS_OK && told[0] == 2, "%d", (int)told[0]);
  sks_choice_destroy(choice);
}

static void test_refused(sks_device *device) {
  float x[4] = {0}, values[4];
  int32_t index[4];
  double loss[4] = {-1, -1, -1, -1};
  CHECK_REFUSED(sks_top_k(device, x, 1, 4, 0, index, values), SKS_INVALID_ARGUMENT,
                "k is 0; expected 1 to 4");
  CHECK_REFUSED(sks_top_k(device, x, 1, 4, 5, index, values), SKS_INVALID_ARGUMENT,
                "k is 5; expected 1 to 4");
  CHECK_REFUSED(sks_top_k(device, x, -1, 4, 2, index, values), SKS_INVALID_ARGUMENT, "rows is -1");
  CHECK_REFUSED(sks_top_k(device, x, 1, 0, 1, index, values), SKS_INVALID_ARGUMENT, "count is 0");
  CHECK_REFUSED(sks_top_k(device, NULL, 1, 4, 2, index, values), SKS_INVALID_ARGUMENT,
                "logits is NULL");
  CHECK_REFUSED(sks_top_k(device, x, 1, 4, 2, NULL, values), SKS_INVALID_ARGUMENT,
                "indices is NULL");
  CHECK_REFUSED(sks_top_k(device, x, 1, 4, 2, index, NULL), SKS_INVALID_ARGUMENT, "values is NULL");
  CHECK_REFUSED(sks_nll(device, x, 2, 2, (int32_t[]){0, 2}, loss), SKS_INVALID_ARGUMENT,
                "target is 2; expected 0 to 1");
  CHECK_REFUSED(sks_nll(device, x, 2, 2, (int32_t[]){-1, 0}, loss), SKS_INVALID_ARGUMENT,
                "target is -1");
  CHECK_REFUSED(sks_nll(device, x, 2, 2, NULL, loss), SKS_INVALID_ARGUMENT, "targets is NULL");
  CHECK(loss[0] == -1, "a refused call wrote");
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for_every_isa(test_kernels, seed);
  for (int32_t threads = 1; threads <= 3; threads++) {
    sks_device *device;
    CHECK(sks_device_open_cpu(threads, NULL, &device) == SKS_OK, "%s", sks_last_error());
    test_operations(device, seed);
    test_top_k_of_rows(device, seed);
    test_choices(device, seed);
    test_choices_apart(device);
    test_choice_of_fewer_rows(device);
    test_refused(device);
    test_refused_choices(device);
    test_choice_after_failures(device);
    sks_device_close(device);
  }
  return check_report();
}
