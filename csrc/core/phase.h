/*
 * Rotary phases as 64-bit fractions of a turn. Integer multiplication wraps as angles do, so a
 * position of any size costs no precision: the phases of two positions differ by exactly the phase
 * of their difference.
 */
#ifndef SINKSTREAM_CORE_PHASE_H
#define SINKSTREAM_CORE_PHASE_H

#include <math.h>
#include <stdint.h>

#include "core/host_device.h"

/* Turns per token, in units of 2^-64. */
typedef uint64_t sks_turns;

/* `radians` per token; finite. */
static inline sks_turns sks_turns_of(double radians) {
  const long double two_pi = 6.283185307179586476925286766559005768L;
  long double turns = fmodl((long double)radians / two_pi, 1.0L);
  if (turns < 0) turns += 1.0L;
  long double scaled = roundl(ldexpl(turns, 64));
  return scaled >= 0x1p64L ? 0 : (sks_turns)scaled;
}

/* Cosine and sine of the angle that `tokens` tokens turn by; negative turns back. */
static inline SKS_HOST_DEVICE void sks_phase(sks_turns per_token, int64_t tokens, double *cosine,
                                             double *sine) {
  int64_t phase = (int64_t)((uint64_t)tokens * per_token);
  double angle = (double)phase * (6.283185307179586476925286766559005768 * 0x1p-64);
  *cosine = cos(angle);
  *sine = sin(angle);
}

#endif
