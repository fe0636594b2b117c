#include "core/backend.h"
#include "core/memory.h"
#include "ops/check.h"

int32_t sks_workspace_create(sks_device *device, int32_t max_rows, int32_t max_columns,
                             sks_workspace **workspace) {
  int32_t status = sks_require_range(max_rows, 1, INT32_MAX, "max_rows");
  if (status == SKS_OK) status = sks_require_range(max_columns, 1, INT32_MAX - 64, "max_columns");
  if (status != SKS_OK) return status;
  sks_workspace *made = sks_memory_allocate(sizeof *made, "a workspace");
  if (made == NULL) return SKS_OUT_OF_MEMORY;
  *made = (sks_workspace){.device = device, .max_rows = max_rows, .max_columns = max_columns};
  status = device->backend->workspace_create(made);
  if (status != SKS_OK) {
    sks_memory_free(made);
    return status;
  }
  *workspace = made;
  return SKS_OK;
}

void sks_workspace_destroy(sks_workspace *workspace) {
  if (workspace == NULL) return;
  workspace->device->backend->workspace_destroy(workspace);
  sks_memory_free(workspace);
}
