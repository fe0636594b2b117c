#include "core/choice.h"

#include <string.h>

#include "core/memory.h"
#include "cpu/cpu.h"
#include "cpu/split.h"

/* `own` of a choice is what was chosen, [max_rows]. */

int32_t sks_cpu_choice_create(sks_choice *choice) {
  choice->own = sks_memory_allocate(choice->max_rows * (int64_t)sizeof(int32_t), "a choice");
  return choice->own != NULL ? SKS_OK : SKS_OUT_OF_MEMORY;
}

void sks_cpu_choice_destroy(sks_choice *choice) { sks_memory_free(choice->own); }

typedef struct choose_task {
  const sks_kernels *kernels;
  const float *logits;
  int32_t count;
  const int32_t *banned;
  int32_t banned_count;
  int32_t *ids;
} choose_task;

static bool is_banned(const choose_task *t, int32_t id) {
  for (int32_t i = 0; i < t->banned_count; i++)
    if (t->banned[i] == id) return true;
  return false;
}

/* The first of the largest that is not banned: so many can only be the banned ones but for one. */
static void choose_row(void *argument, int64_t r, int32_t thread) {
  (void)thread;
  const choose_task *t = argument;
  const float *row = t->logits + r * t->count;
  int32_t ids[SKS_MOST_BANNED + 1] = {(int32_t)t->kernels->argmax(row, t->count)};
  float values[SKS_MOST_BANNED + 1];
  if (is_banned(t, ids[0])) sks_cpu_top_k_of_row(row, t->count, t->banned_count + 1, ids, values);
  int32_t first = 0;
  while (is_banned(t, ids[first])) first++;
  t->ids[r] = ids[first];
}

int32_t sks_cpu_choose(sks_choice *choice, const float *logits, int32_t rows, int32_t count,
                       const int32_t *banned, int32_t banned_count, int32_t *ids) {
  choose_task task = {.kernels = &sks_cpu_of(choice->device)->kernels,
                      .logits = logits,
                      .count = count,
                      .banned = banned,
                      .banned_count = banned_count,
                      .ids = choice->own};
  sks_run_each(sks_cpu_of(choice->device)->pool, rows, count, choose_row, &task);
  memcpy(ids, choice->own, (size_t)rows * sizeof *ids);
  return SKS_OK;
}

int32_t sks_cpu_choice_wait(sks_choice *choice, int32_t *ids) {
  memcpy(ids, choice->own, (size_t)choice->rows * sizeof *ids);
  return SKS_OK;
}
