/* Checks that count: a test runs on after a failure, and a test that checked nothing has failed. */
#ifndef SINKSTREAM_TESTS_SUPPORT_CHECK_H
#define SINKSTREAM_TESTS_SUPPORT_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* CHECK(condition, format, ...): the text says with what values it failed. Returns the condition.
 */
#define CHECK(condition, ...) check_that(condition, #condition, __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 5, 6))) bool check_that(bool condition, const char *text,
                                                      const char *file, int line,
                                                      const char *format, ...);

/* CHECK, and the test ends here where it fails: what comes after would fail for the same reason. */
#define REQUIRE(...)                               \
  do {                                             \
    if (!CHECK(__VA_ARGS__)) exit(check_report()); \
  } while (0)

/* CHECK that the call was refused with this status, and that the last error contains `words`. */
#define CHECK_REFUSED(call, status, words) \
  check_refused(call, status, words, #call, __FILE__, __LINE__)

void check_refused(int32_t got, int32_t expected, const char *words, const char *call,
                   const char *file, int line);

/* What main returns: 0 where there were checks and none failed. Says how many there were. */
int check_report(void);

/* `full` repetitions, or a few where a sanitizer makes each of them slow. */
int64_t check_effort(int64_t full);

#endif
