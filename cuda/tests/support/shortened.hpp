// What a test leaves out under a checker that makes every access of memory slow.
#ifndef SINKSTREAM_CUDA_TESTS_SUPPORT_SHORTENED_HPP
#define SINKSTREAM_CUDA_TESTS_SUPPORT_SHORTENED_HPP

#include <algorithm>
#include <cstdlib>

// `full` repetitions, or a size; where SINKSTREAM_TEST_SHORT is set an Nth of it, but not less than
// `least`: what the test needs to mean something. N is the variable's value, or 12 for a 1.
static inline int shortened(int full, int least = 1) {
  const char *value = getenv("SINKSTREAM_TEST_SHORT");
  if (!value) return full;
  int part = atoi(value) > 1 ? atoi(value) : 12;
  return std::min(full, std::max(least, (full + part - 1) / part));
}

#endif
