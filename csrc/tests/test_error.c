/* What the tests compare with: an error that is no number must never be forgotten. */
#include "support/check.h"
#include "support/error.h"

int main(void) {
  CHECK(worse_error(1, 2) == 2, "the larger one");
  CHECK(worse_error(2, 1) == 2, "the larger one");
  CHECK(isnan(worse_error(1, NAN)), "no number is worse");
  CHECK(isnan(worse_error(NAN, 1)), "and stays");
  CHECK(worse_error(0, INFINITY) == INFINITY, "infinity is a number");
  CHECK(isnan(worse_error(INFINITY, NAN)), "no number is worse than infinity");
  return check_report();
}
