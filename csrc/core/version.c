#include "sinkstream/status.h"

const char *sks_version(void) { return SINKSTREAM_VERSION; }
