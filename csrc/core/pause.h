#ifndef SINKSTREAM_CORE_PAUSE_H
#define SINKSTREAM_CORE_PAUSE_H

/* Once around a loop that waits for memory to change. */
static inline void sks_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

#endif
