#include <regex.h>
#include <stdio.h>

#include "sinkstream/status.h"

int main(void) {
  regex_t semantic;
  if (regcomp(&semantic, "^[0-9]+\\.[0-9]+\\.[0-9]+$", REG_EXTENDED | REG_NOSUB) != 0) {
    return 1;
  }
  int mismatch = regexec(&semantic, sks_version(), 0, NULL, 0);
  regfree(&semantic);
  if (mismatch) {
    fprintf(stderr, "not a semantic version: %s\n", sks_version());
  }
  return mismatch != 0;
}
