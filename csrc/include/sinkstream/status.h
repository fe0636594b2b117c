/* Status codes, the last error text and the library's version. */
#ifndef SINKSTREAM_STATUS_H
#define SINKSTREAM_STATUS_H

#include <stdint.h>

#define SKS_API __attribute__((visibility("default")))

/* What every fallible function returns. On anything but SKS_OK no object and no stream has changed,
 * what results were to be written to means nothing, and sks_last_error() says why. */
enum sks_status {
  SKS_OK = 0,
  SKS_INVALID_ARGUMENT = 1, /* an argument is out of its documented range */
  SKS_OUT_OF_MEMORY = 2,    /* the text says how many bytes were asked for, where that is known */
  SKS_UNSUPPORTED = 3,      /* this machine or build lacks what was asked for */
  /* legal, but not in the present state: rows already evicted, no room in the cache */
  SKS_IMPOSSIBLE = 4,
  SKS_FAULT = 5 /* the device or its driver failed: what was computed there is lost */
};

/* Text of the last failure on the calling thread, UTF-8, never NULL; valid until that thread's next
 * failure. */
SKS_API const char *sks_last_error(void);

/* Semantic version of the library, e.g. "0.1.0". */
SKS_API const char *sks_version(void);

#endif
