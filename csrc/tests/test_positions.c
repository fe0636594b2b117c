/* Phases against quadruple precision, and exact differences however far along the stream. */
#include <math.h>

#include "core/phase.h"
#include "support/check.h"

/* Angle of `tokens` tokens, reduced to half a turn either way, by way of 113 bits. */
static double expected_angle(double radians, int64_t tokens) {
  const __float128 two_pi = 6.28318530717958647692528676655900576839433879875021Q;
  __float128 turns = (__float128)radians / two_pi * tokens;
  turns -= (__float128)(int64_t)turns;
  if (turns > 0.5Q) turns -= 1;
  if (turns < -0.5Q) turns += 1;
  return (double)(turns * two_pi);
}

static void check_angle(double radians, int64_t tokens, double tolerance) {
  double cosine, sine, angle = expected_angle(radians, tokens);
  sks_phase(sks_turns_of(radians), tokens, &cosine, &sine);
  REQUIRE(fabs(cosine - cos(angle)) <= tolerance && fabs(sine - sin(angle)) <= tolerance,
          "%.17g radians, %lld tokens: %.17g %.17g; expected %.17g %.17g", radians,
          (long long)tokens, cosine, sine, cos(angle), sin(angle));
}

int main(void) {
  static const double bases[] = {1e4, 5e5, 1e6, 1.5};
  static const int64_t far[] = {
      0, 4096, 1 << 24, INT64_C(1) << 31, INT64_C(1) << 40, INT64_C(1) << 61};
  for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
    for (int i = 0; i < 64; i++) {
      double radians = pow(bases[b], -2.0 * i / 128);
      for (int64_t tokens = -3000; tokens <= 3000; tokens += 37)
        check_angle(radians, tokens, 1e-15);
      /* A frequency is rounded to 2^-65 turns: this many tokens on, the sum of that is below 1e-12.
       */
      check_angle(radians, INT64_C(1) << 20, 1e-12);
      check_angle(-radians, 12345, 1e-13);
      check_angle(radians * 1000, 999, 1e-13);

      sks_turns turns = sks_turns_of(radians);
      for (size_t f = 0; f < sizeof(far) / sizeof(far[0]); f++) {
        for (int64_t distance = 0; distance < 5000; distance += 113) {
          uint64_t difference = (uint64_t)(far[f] + distance) * turns - (uint64_t)far[f] * turns;
          REQUIRE(difference == (uint64_t)distance * turns, "at %lld", (long long)far[f]);
          /* And so in cosines: cos(a - b) of two far positions is that of their distance. */
          double c0, s0, c1, s1, c, s;
          sks_phase(turns, far[f], &c0, &s0);
          sks_phase(turns, far[f] + distance, &c1, &s1);
          sks_phase(turns, distance, &c, &s);
          REQUIRE(fabs(c1 * c0 + s1 * s0 - c) <= 2e-15, "at %lld + %lld: %g", (long long)far[f],
                  (long long)distance, c1 * c0 + s1 * s0 - c);
        }
      }
    }
  }
  REQUIRE(sks_turns_of(0) == 0, "no rotation");
  REQUIRE(sks_turns_of(6.283185307179586476925286766559005768) + 2048 < 4096,
          "a whole turn is none");
  return check_report();
}
