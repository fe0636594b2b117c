/* Random numbers that a seed repeats (splitmix64: Steele, Lea, Flood, OOPSLA 2014). The state is
 * the seed. */
#ifndef SINKSTREAM_TESTS_SUPPORT_RNG_H
#define SINKSTREAM_TESTS_SUPPORT_RNG_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The seed of a test's main: its first argument, else SINKSTREAM_TEST_SEED, else 1. Prints it. */
static inline uint64_t rng_seed(int argc, char **argv) {
  const char *text = argc > 1 ? argv[1] : getenv("SINKSTREAM_TEST_SEED");
  uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
  printf("seed %llu\n", (unsigned long long)seed);
  return seed;
}

static inline uint64_t rng_next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

/* 0 .. bound-1. */
static inline int64_t rng_below(uint64_t *state, int64_t bound) {
  return (int64_t)(rng_next(state) % (uint64_t)bound);
}

/* Between -1 and 1. */
static inline float rng_float(uint64_t *state) {
  return (float)((double)(int64_t)rng_next(state) * 0x1p-63);
}

static inline void rng_fill(uint64_t *state, float *x, int64_t count, float scale) {
  for (int64_t i = 0; i < count; i++) x[i] = scale * rng_float(state);
}

#endif
