/* Conversion of element types: every half there is, every kind of float, any length and place. */
#include <math.h>
#include <string.h>

#include "core/device.h"
#include "core/element.h"
#include "cpu/weights.h"
#include "sinkstream/convert.h"
#include "support/check.h"
#include "support/guard.h"
#include "support/isa.h"
#include "support/rng.h"
#include "support/weights.h"

enum { HALVES = 1 << 16 };

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* The value by the formula of the format, not by its bits: IEEE 754-2008, 3.4. */
static double value_of(uint16_t half, int32_t type) {
  int fraction_bits = type == SKS_F16 ? 10 : 7, bias = type == SKS_F16 ? 15 : 127;
  int exponent = (half & 0x7fff) >> fraction_bits, fraction = half & ((1 << fraction_bits) - 1);
  int most = type == SKS_F16 ? 31 : 255;
  double sign = half & 0x8000 ? -1 : 1;
  if (exponent == most) return fraction ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * ldexp(fraction, 1 - bias - fraction_bits);
  return sign * ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

static void test_every_half(const sks_kernels *kernels) {
  static uint16_t halves[HALVES], back[HALVES];
  static float wide[HALVES];
  for (int i = 0; i < HALVES; i++) halves[i] = (uint16_t)i;
  for (int32_t type = SKS_F16; type <= SKS_BF16; type++) {
    kernels->widen[type](halves, HALVES, wide);
    kernels->narrow[type](wide, HALVES, back);
    for (int i = 0; i < HALVES; i++) {
      double value = value_of(halves[i], type);
      if (isnan(value)) {
        CHECK(isnan(wide[i]) && isnan(value_of(back[i], type)), "%s type %d: NaN %04x",
              kernels->isa, type, i);
      } else {
        CHECK(wide[i] == value && !signbit(wide[i]) == !signbit(value),
              "%s type %d: %04x is %g, not %g", kernels->isa, type, i, value, (double)wide[i]);
        CHECK(back[i] == halves[i], "%s type %d: %04x came back as %04x", kernels->isa, type, i,
              back[i]);
      }
    }
  }
}

/* `half` is the nearest to x there is: neither neighbour is nearer, and of two equally near ones it
 * is the even one. */
static bool nearest(float x, uint16_t half, int32_t type) {
  if (isnan(x)) return isnan(value_of(half, type));
  if (!signbit(x) != !(half >> 15)) return false;
  uint16_t infinity = type == SKS_F16 ? 0x7c00 : 0x7f80;
  /* What rounding takes for infinity is the next power of two. */
  double past = type == SKS_F16 ? 65536.0 : 0x1p128;
  uint16_t magnitude = half & 0x7fff;
  double size = fabs((double)x), got = magnitude == infinity ? past : value_of(magnitude, type);
  double below = magnitude == 0 ? 0 : value_of((uint16_t)(magnitude - 1), type);
  double above = magnitude >= infinity - 1 ? past : value_of((uint16_t)(magnitude + 1), type);
  if (magnitude > infinity) return false;
  if (isinf(x)) return magnitude == infinity;
  double error = fabs(size - got), down = fabs(size - below), up = fabs(size - above);
  bool even = magnitude % 2 == 0;
  bool no_nearer_below = magnitude == 0 || error < down || (error == down && even);
  bool no_nearer_above = magnitude == infinity || error < up || (error == up && even);
  return no_nearer_below && no_nearer_above;
}

/* Random bit patterns, and all halves' values and the points half way between, each with its
 * neighbours. */
static void test_rounding(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  enum { COUNT = 3 * 2 * HALVES };
  static float x[COUNT];
  static uint16_t half[COUNT], expected[COUNT];
  for (int32_t type = SKS_F16; type <= SKS_BF16; type++) {
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < COUNT; i++) {
        uint32_t bits = (uint32_t)rng_next(&seed);
        if (pass == 1) {
          double value = value_of((uint16_t)(i / 6), type),
                 next = value_of((uint16_t)(i / 6 + 1), type);
          bits = bits_of((float)(i % 2 ? (value + next) / 2 : value)) + (uint32_t)(i / 2 % 3) - 1;
        }
        memcpy(&x[i], &bits, sizeof bits);
      }
      kernels->narrow[type](x, COUNT, half);
      reference->narrow[type](x, COUNT, expected);
      for (int i = 0; i < COUNT; i++) {
        CHECK(nearest(x[i], half[i], type), "%s type %d: %a became %04x", kernels->isa, type,
              (double)x[i], half[i]);
        CHECK(half[i] == expected[i] || isnan(x[i]), "%s type %d: %a became %04x, not %04x",
              kernels->isa, type, (double)x[i], half[i], expected[i]);
      }
    }
  }
}

/* Every length to three vectors, against either guard page, at even and odd addresses. */
static void test_places(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  for (int32_t type = 0; type < SKS_FLOAT_TYPES; type++) {
    for (int64_t count = 0; count < 50; count++) {
      for (int at_end = 0; at_end < 2; at_end++) {
        for (size_t slack = 0; slack < 2; slack++) {
          size_t bytes = (size_t)(count * sks_element_bytes(type)),
                 floats = (size_t)count * sizeof(float);
          guarded narrow = at_end ? guard_end(bytes + slack) : guard_start(bytes);
          guarded wide = at_end ? guard_end(floats) : guard_start(floats);
          float source[50] = {0}, target[50] = {0};
          char expected[200];
          rng_fill(&seed, source, count, 100);
          memcpy(wide.data, source, floats);
          reference->narrow[type](source, count, expected);
          kernels->narrow[type]((float *)wide.data, count, narrow.data);
          CHECK(memcmp(narrow.data, expected, bytes) == 0, "%s type %d count %lld", kernels->isa,
                type, (long long)count);
          kernels->widen[type](narrow.data, count, (float *)wide.data);
          reference->widen[type](expected, count, target);
          CHECK(memcmp(wide.data, target, floats) == 0, "%s type %d count %lld", kernels->isa, type,
                (long long)count);
          guard_free(narrow);
          guard_free(wide);
        }
      }
    }
  }
}

/* Blocks of every bit pattern, against the reference bit by bit, between guard pages. */
static void test_blocks(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  for (int32_t type = SKS_FLOAT_TYPES; type < SKS_TYPES; type++) {
    for (int64_t blocks = 1; blocks <= check_effort(40); blocks++) {
      int64_t count = blocks * sks_block_of(type).values;
      size_t bytes = (size_t)sks_bytes_of(type, count), widened = (size_t)count * sizeof(float);
      guarded source = blocks % 2 ? guard_end(bytes) : guard_start(bytes);
      guarded y = blocks % 3 ? guard_end(widened) : guard_start(widened);
      float *right = malloc(widened);
      weights_fill(type, count, &seed, source.data);
      kernels->widen[type](source.data, count, (float *)y.data);
      reference->widen[type](source.data, count, right);
      CHECK(memcmp(y.data, right, widened) == 0, "%s type %d, %lld blocks", kernels->isa, (int)type,
            (long long)blocks);
      free(right);
      guard_free(source);
      guard_free(y);
    }
  }
}

static void test_kernels(const sks_kernels *kernels, const sks_kernels *reference, uint64_t seed) {
  test_every_half(kernels);
  test_rounding(kernels, reference, seed);
  test_places(kernels, reference, seed);
  test_blocks(kernels, reference, seed);
}

static void test_operation(void) {
  static const uint16_t bf16[] = {0x3f80, 0xc000, 0x7f80};
  float y[3] = {0};
  sks_device *device;
  CHECK(sks_device_open_cpu(1, NULL, &device) == SKS_OK, "%s", sks_last_error());
  CHECK(sks_widen(device, bf16, SKS_BF16, 3, y) == SKS_OK, "%s", sks_last_error());
  CHECK(y[0] == 1 && y[1] == -2 && y[2] == INFINITY, "%g %g %g", (double)y[0], (double)y[1],
        (double)y[2]);
  CHECK_REFUSED(sks_widen(device, bf16, SKS_TYPES, 3, y), SKS_INVALID_ARGUMENT, "type is 8");
  CHECK_REFUSED(sks_widen(device, bf16, SKS_Q8_0, 33, y), SKS_INVALID_ARGUMENT,
                "count is 33; expected a multiple of 32");
  CHECK_REFUSED(sks_widen(device, bf16, SKS_BF16, -1, y), SKS_INVALID_ARGUMENT, "count is -1");
  CHECK_REFUSED(sks_widen(device, NULL, SKS_BF16, 3, y), SKS_INVALID_ARGUMENT, "source is NULL");
  CHECK_REFUSED(sks_widen(device, bf16, SKS_BF16, 3, NULL), SKS_INVALID_ARGUMENT, "target is NULL");
  sks_device_close(device);
}

int main(int argc, char **argv) {
  uint64_t seed = rng_seed(argc, argv);
  for_every_isa(test_kernels, seed);
  test_operation();
  return check_report();
}
