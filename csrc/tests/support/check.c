#include "support/check.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "sinkstream/status.h"

enum { SHOWN = 20 }; /* failures are told one by one up to here */

static _Atomic int64_t checks;
static _Atomic int64_t failures;

bool check_that(bool condition, const char *text, const char *file, int line, const char *format,
                ...) {
  atomic_fetch_add(&checks, 1);
  if (!condition && atomic_fetch_add(&failures, 1) < SHOWN) {
    fprintf(stderr, "%s:%d: %s: ", file, line, text);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
  }
  return condition;
}

void check_refused(int32_t got, int32_t expected, const char *words, const char *call,
                   const char *file, int line) {
  check_that(got == expected, call, file, line, "status %d; expected %d", (int)got, (int)expected);
  check_that(strstr(sks_last_error(), words) != NULL, call, file, line, "'%s' lacks '%s'",
             sks_last_error(), words);
}

int check_report(void) {
  printf("%lld checks, %lld failures\n", (long long)checks, (long long)failures);
  return checks > 0 && failures == 0 ? 0 : 1;
}

int64_t check_effort(int64_t full) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return (full + 9) / 10;
#else
  return full;
#endif
}
