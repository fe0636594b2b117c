/* How far found numbers are from expected ones, over many. */
#ifndef SINKSTREAM_TESTS_SUPPORT_ERROR_H
#define SINKSTREAM_TESTS_SUPPORT_ERROR_H

#include <math.h>

/* The worse of the worst error so far and another one: what is no number is worse than all, and
 * stays. */
static inline double worse_error(double worst, double error) {
  return isnan(worst) || error <= worst ? worst : error;
}

#endif
