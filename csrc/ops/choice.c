#include "core/choice.h"

#include "core/backend.h"
#include "core/memory.h"
#include "ops/check.h"

int32_t sks_choice_create(sks_device *device, int32_t max_rows, sks_choice **choice) {
  int32_t status = sks_require_range(max_rows, 1, INT32_MAX, "max_rows");
  if (status != SKS_OK) return status;
  sks_choice *made = sks_memory_allocate(sizeof *made, "a choice");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  *made = (sks_choice){.device = device, .max_rows = max_rows};
  status = device->backend->choice_create(made);
  if (status != SKS_OK) {
    sks_memory_free(made);
    return status;
  }
  *choice = made;
  return SKS_OK;
}

void sks_choice_destroy(sks_choice *choice) {
  if (choice == NULL) return;
  choice->device->backend->choice_destroy(choice);
  sks_memory_free(choice);
}

int32_t sks_choose(sks_choice *choice, const float *logits, int32_t rows, int32_t count,
                   const int32_t *banned, int32_t banned_count, int32_t *ids) {
  int32_t status = sks_require_range(rows, 1, choice->max_rows, "rows");
  if (status == SKS_OK) status = sks_require_range(count, 1, INT32_MAX, "count");
  int64_t most = count <= SKS_MOST_BANNED ? (int64_t)count - 1 : SKS_MOST_BANNED; /* one is left */
  if (status == SKS_OK) status = sks_require_range(banned_count, 0, most, "banned_count");
  if (status == SKS_OK) status = sks_require_pointer(logits, "logits");
  if (status == SKS_OK && banned_count > 0) status = sks_require_pointer(banned, "banned");
  if (status == SKS_OK) status = sks_require_pointer(ids, "ids");
  if (status != SKS_OK) return status;
  status = choice->device->backend->choose(choice, logits, rows, count, banned, banned_count, ids);
  if (status != SKS_IMPOSSIBLE) /* else the device was asked nothing */
    choice->rows = status == SKS_OK ? rows : 0;
  return status;
}

int32_t sks_choice_wait(sks_choice *choice, int32_t *ids) {
  int32_t status = sks_require_pointer(ids, "ids");
  if (status != SKS_OK) return status;
  if (choice->rows == 0)
    return sks_fail(SKS_IMPOSSIBLE, "nothing was chosen: sks_choose comes first");
  return choice->device->backend->choice_wait(choice, ids);
}
