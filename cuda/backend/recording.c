#include "cuda/backend/batch.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"

/* `own` of a recording is its executable graph. */

int32_t sks_gpu_record_begin(sks_device *device) {
  sks_gpu *gpu = sks_gpu_enter(device);
  int32_t status = sks_gpu_require_running(gpu, "a recording");
  if (status == SKS_OK)
    status = sks_gpu_check(
        gpu, cudaStreamBeginCapture(gpu->stream, cudaStreamCaptureModeThreadLocal), "a recording");
  if (status != SKS_OK) return sks_gpu_leave_with(gpu, status);
  gpu->recording = true;
  return SKS_OK; /* still inside: nobody else's operations belong to it */
}

int32_t sks_gpu_record_end(sks_device *device, void **own) {
  sks_gpu *gpu = sks_gpu_enter(device); /* an append that waits is part of it */
  gpu->recording = false;
  cudaGraph_t graph = NULL;
  cudaGraphExec_t made = NULL;
  cudaError_t error = cudaStreamEndCapture(gpu->stream, &graph);
  if (error == cudaSuccess) error = cudaGraphInstantiate(&made, graph, 0);
  if (graph != NULL) cudaGraphDestroy(graph);
  if (error == cudaSuccess) error = cudaGraphUpload(made, gpu->stream);
  int32_t status = sks_gpu_leave(gpu, error, "a recording"); /* still inside: of the beginning */
  if (status == SKS_OK)
    *own = made;
  else if (made != NULL)
    cudaGraphExecDestroy(made);
  sks_gpu_leave_silently(gpu);
  return status;
}

int32_t sks_gpu_replay(sks_device *device, void *own, const sks_batch *batch) {
  sks_gpu *gpu;
  int32_t status = sks_gpu_enter_step(device, batch, "a replay", &gpu);
  if (status == SKS_OK) status = sks_gpu_check(gpu, cudaGraphLaunch(own, gpu->stream), "a replay");
  return sks_gpu_leave_with(gpu, status);
}

void sks_gpu_recording_destroy(sks_device *device, void *own) {
  sks_gpu *gpu = sks_gpu_enter(device);
  cudaStreamSynchronize(gpu->stream);
  cudaGraphExecDestroy(own);
  sks_gpu_leave_silently(gpu);
}
