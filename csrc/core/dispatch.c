#include "core/dispatch.h"

#include <stdio.h>
#include <string.h>

#include "core/fail.h"
#include "core/features.h"

/* One instruction set: what it is forced by, what it is called in use, and whether this machine has
 * it. */
typedef struct level {
  const char *name; /* two of the same name are forced together, as far as the machine has them */
  const char *isa;
  bool (*present)(const sks_features *features);
  void (*fill)(sks_kernels *table);
} level;

static bool always(const sks_features *features) {
  (void)features;
  return true;
}

#ifdef SINKSTREAM_KERNELS_AVX2
static bool has_avx2(const sks_features *features) { return features->avx2; }
#endif
#ifdef SINKSTREAM_KERNELS_AVX512
static bool has_avx512(const sks_features *features) { return features->avx512; }
#endif
#ifdef SINKSTREAM_KERNELS_AVX512_VNNI
static bool has_avx512_vnni(const sks_features *features) { return features->avx512_vnni; }
#endif
#ifdef SINKSTREAM_KERNELS_AVX512_BF16
static bool has_avx512_bf16(const sks_features *features) { return features->avx512_bf16; }
#endif

/* From the slowest to the fastest: each fills its slots over those before it. */
static const level levels[] = {
    {"reference", "reference", always, sks_kernels_reference},
#ifdef SINKSTREAM_KERNELS_AVX2
    {"avx2", "avx2", has_avx2, sks_kernels_avx2},
#endif
#ifdef SINKSTREAM_KERNELS_AVX512
    {"avx512", "avx512", has_avx512, sks_kernels_avx512},
#endif
#ifdef SINKSTREAM_KERNELS_AVX512_VNNI
    {"avx512", "avx512+vnni", has_avx512_vnni, sks_kernels_avx512_vnni},
#endif
#ifdef SINKSTREAM_KERNELS_AVX512_BF16
    {"avx512", "avx512+vnni+bf16", has_avx512_bf16, sks_kernels_avx512_bf16},
#endif
};

enum { LEVELS = sizeof levels / sizeof levels[0] };

/* Fills the table with levels[0..last], as far as the machine has them. */
static void fill_up_to(int last, const sks_features *features, sks_kernels *table) {
  memset(table, 0, sizeof *table);
  for (int i = 0; i <= last; i++) {
    if (levels[i].present(features)) {
      levels[i].fill(table);
      table->isa = levels[i].isa;
    }
  }
}

/* The names this machine can be asked for, comma-separated. */
static const char *available(const sks_features *features, char *text, size_t size) {
  size_t length = 0;
  const char *previous = "";
  text[0] = '\0';
  for (int i = 0; i < LEVELS; i++) {
    if (levels[i].present(features) && strcmp(previous, levels[i].name) != 0) {
      length += (size_t)snprintf(text + length, size - length, "%s%s", i == 0 ? "" : ", ",
                                 levels[i].name);
      previous = levels[i].name;
    }
  }
  return text;
}

static bool known(const char *isa) {
  static const char *const names[] = {"reference", "avx2", "avx512"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i], isa) == 0) {
      return true;
    }
  }
  return false;
}

int32_t sks_dispatch(const char *isa, sks_kernels *table) {
  sks_features features = sks_features_of_this_machine();
  char names[128];
  int last = -1;
  for (int i = 0; i < LEVELS; i++) {
    if (levels[i].present(&features) && (isa == NULL || strcmp(isa, levels[i].name) == 0)) {
      last = i;
    }
  }
  if (last < 0) {
    return known(isa) ? sks_fail(SKS_UNSUPPORTED, "instruction set '%s': this machine has %s", isa,
                                 available(&features, names, sizeof names))
                      : sks_fail(SKS_INVALID_ARGUMENT,
                                 "instruction set '%s' is unknown; this machine has %s", isa,
                                 available(&features, names, sizeof names));
  }
  fill_up_to(last, &features, table);
  return SKS_OK;
}

bool sks_dispatch_level(int32_t level, sks_kernels *table) {
  sks_features features = sks_features_of_this_machine();
  for (int i = 0; i < LEVELS; i++) {
    if (levels[i].present(&features) && level-- == 0) {
      fill_up_to(i, &features, table);
      return true;
    }
  }
  return false;
}
