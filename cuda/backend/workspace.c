#include "cuda/backend/workspace.h"

#include "core/matrix.h"
#include "core/memory.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

int32_t sks_gpu_workspace_create(sks_workspace *workspace) {
  workspace->own = sks_memory_allocate(sizeof(sks_gpu_workspace), "a workspace");
  return workspace->own == NULL ? SKS_OUT_OF_MEMORY : SKS_OK;
}

void sks_gpu_workspace_destroy(sks_workspace *workspace) {
  sks_gpu_workspace *own = workspace->own;
  sks_gpu *gpu = sks_gpu_enter(workspace->device);
  sks_gpu_room *rooms[] = {&own->input, &own->float_input, &own->output, &own->sums,
                           &own->expanded};
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) sks_gpu_free_room(gpu, rooms[i]);
  sks_gpu_leave_silently(gpu);
  sks_memory_free(own);
}
