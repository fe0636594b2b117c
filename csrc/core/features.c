#include "core/features.h"

#include <stdint.h>

#if defined(__x86_64__)

#include <cpuid.h>

/* XCR0 bits: which registers the operating system saves (Intel SDM volume 1, 13.3). */
#define XCR0_YMM 0x06u /* SSE and AVX state */
#define XCR0_ZMM 0xe6u /* those, opmask, and both halves of the ZMM state */

static uint64_t saved_registers(void) {
  uint32_t low;
  uint32_t high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static bool has(uint32_t bits, uint32_t wanted) { return (bits & wanted) == wanted; }

sks_features sks_features_of_this_machine(void) {
  sks_features found = {0};
  uint32_t a;
  uint32_t b;
  uint32_t c;
  uint32_t d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C)) {
    return found;
  }
  uint64_t saved = saved_registers();
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    return found;
  }
  found.avx2 = (saved & XCR0_YMM) == XCR0_YMM && has(b, bit_AVX2);
  found.avx512 = found.avx2 && (saved & XCR0_ZMM) == XCR0_ZMM &&
                 has(b, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
  found.avx512_vnni = found.avx512 && has(c, bit_AVX512VNNI);
  found.avx512_bf16 =
      found.avx512_vnni && __get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, bit_AVX512BF16);
  return found;
}

#else

sks_features sks_features_of_this_machine(void) { return (sks_features){0}; }

#endif
