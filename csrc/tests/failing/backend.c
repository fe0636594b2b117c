/*
 * A back end in a library of its own, for tests of what becomes of streams where a device fails:
 * the CPU's, of which one operation at a time can be told to.
 */
#include "core/backend.h"

#include <string.h>

#include "sinkstream/device.h"

static sks_backend table;
static const sks_backend *cpu;
static sks_host host;
static char armed[32];
static int32_t spared;

/* A call of this operation fails, once, as where a driver does: the one after so many more. */
SKS_API void sks_failing_arm(const char *operation, int32_t after) {
  strncpy(armed, operation, sizeof armed - 1);
  spared = after;
}

static bool fails(const char *operation) {
  if (strcmp(armed, operation) != 0 || spared-- > 0) return false;
  armed[0] = '\0';
  host.fail(SKS_FAULT, "the device failed, as it was told to");
  return true;
}

static int32_t copy(sks_device *device, void *to, const void *from, int64_t bytes) {
  return fails("copy") ? SKS_FAULT : cpu->copy(device, to, from, bytes);
}

static int32_t linear(sks_workspace *workspace, const sks_weights *weights, const sks_norm *norm,
                      const float *x, int32_t rows, float *y, int32_t output) {
  return fails("linear") ? SKS_FAULT : cpu->linear(workspace, weights, norm, x, rows, y, output);
}

static int32_t nll(sks_device *device, const float *logits, int32_t rows, int32_t count,
                   const int32_t *targets, double *loss) {
  return fails("nll") ? SKS_FAULT : cpu->nll(device, logits, rows, count, targets, loss);
}

static int32_t choice_wait(sks_choice *choice, int32_t *ids) {
  return fails("choice_wait") ? SKS_FAULT : cpu->choice_wait(choice, ids);
}

/* The CPU's has nothing to do. */
static int32_t batch_commit(sks_batch *batch) {
  (void)batch;
  return fails("batch_commit") ? SKS_FAULT : SKS_OK;
}

SKS_API int32_t sks_backend_open(const sks_host *lent, int32_t index, sks_device **device) {
  (void)index;
  if (lent->version != SKS_BACKEND_VERSION)
    return lent->fail(SKS_UNSUPPORTED, "the failing back end is of another version");
  int32_t status = sks_device_open_cpu(1, NULL, device);
  if (status != SKS_OK) return status;
  host = *lent;
  cpu = (*device)->backend;
  table = *cpu;
  table.copy = copy;
  table.linear = linear;
  table.nll = nll;
  table.choice_wait = choice_wait;
  table.batch_commit = batch_commit;
  (*device)->backend = &table;
  return SKS_OK;
}
