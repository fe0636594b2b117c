#include "cuda/kernels/linear.h"

#include "core/element.h"
#include "cuda/backend/gpu.h"
#include "cuda/backend/table.h"
#include "cuda/backend/weights.h"
#include "cuda/backend/workspace.h"
#include "cuda/kernels/linear_batch.h"
#include "cuda/kernels/pack.h"

/* The product with weights that lie as it takes them, or with expanded ones piece by piece. */
static int32_t multiply(sks_gpu *gpu, sks_gpu_workspace *own, const sks_cuda_matrix *matrix,
                        sks_gpu_product product) {
  if (matrix->type == product.type) {
    product.w = matrix->elements;
    product.w_stride =
        sks_cuda_pitch(matrix->type, matrix->columns) / sks_element_bytes(matrix->type);
    product.channels = matrix->rows;
    return sks_gpu_multiply(gpu, &product);
  }
  int64_t stride = sks_cuda_rounded_stride(matrix->columns);
  int64_t at_once = SKS_GPU_EXPANDED_BYTES / (2 * stride) / SKS_CUDA_ROW_TILE * SKS_CUDA_ROW_TILE;
  if (at_once == 0) at_once = SKS_CUDA_ROW_TILE;
  /* As large for all, so that it does not grow for a few bytes. */
  int64_t bytes =
      at_once * stride * 2 < SKS_GPU_EXPANDED_BYTES ? SKS_GPU_EXPANDED_BYTES : at_once * stride * 2;
  int32_t status = sks_gpu_ensure(gpu, bytes, "room for expanded weights", &own->expanded);
  float *y = product.y;
  for (int64_t first = 0; first < matrix->rows && status == SKS_OK; first += at_once) {
    int64_t rows = matrix->rows - first < at_once ? matrix->rows - first : at_once;
    status = sks_gpu_check(gpu,
                           sks_cuda_expand(gpu->stream, matrix, first, rows, product.type,
                                           own->expanded.memory, stride),
                           "sks_linear");
    if (status != SKS_OK) break;
    product.w = own->expanded.memory;
    product.w_stride = stride;
    product.channels = rows;
    product.y = y + first;
    status = sks_gpu_multiply(gpu, &product);
  }
  return status;
}

/* Room for the most and widest rows at once, also where these are narrower: what is recorded keeps
 * its address, whatever comes later. */
static int32_t input_room(sks_gpu *gpu, const sks_workspace *workspace, int32_t type,
                          void **memory) {
  sks_gpu_workspace *own = workspace->own;
  int64_t bytes = workspace->max_rows * sks_cuda_rounded_stride(workspace->max_columns) *
                  sks_element_bytes(type);
  sks_gpu_room *room = type == SKS_F32 ? &own->float_input : &own->input;
  int32_t status = sks_gpu_ensure(gpu, bytes, "room for the input of a product", room);
  *memory = room->memory;
  return status;
}

/* x as `type`, if the product takes it as it is and the operation before has left it so; that is
 * what operations leave from now on. */
static sks_cuda_rounded left_input(sks_gpu *gpu, const sks_norm *norm, const float *x, int32_t rows,
                                   int64_t columns, int32_t type) {
  gpu->rounded_type = type;
  if (norm != NULL) return (sks_cuda_rounded){0};
  return sks_gpu_kept_rounded(gpu, x, rows, columns, type);
}

/* norm(x) as `type`, as it was left or in the workspace. */
static int32_t prepare(sks_gpu *gpu, const sks_workspace *workspace, const sks_norm *norm,
                       const float *x, int32_t rows, int64_t columns, int32_t type,
                       sks_cuda_rounded *input) {
  *input = left_input(gpu, norm, x, rows, columns, type);
  if (input->rows != NULL) return SKS_OK;
  *input = (sks_cuda_rounded){NULL, sks_cuda_rounded_stride(columns), type};
  int32_t status = input_room(gpu, workspace, type, &input->rows);
  if (status != SKS_OK) return status;
  return sks_gpu_check(
      gpu,
      sks_cuda_prepare(gpu->stream, norm, x, rows, columns, type, input->rows, input->stride, true),
      "sks_linear");
}

/* A batch: input rounded, then one kernel. What comes out of an activation most often goes into a
 * product. */
static int32_t batch_rows(sks_gpu *gpu, const sks_workspace *workspace,
                          const sks_cuda_matrix *matrix, const sks_norm *norm, const float *x,
                          int32_t rows, float *y, int32_t output) {
  sks_gpu_workspace *own = workspace->own;
  sks_cuda_rounded input,
      left = {NULL, sks_cuda_rounded_stride(workspace->max_columns), matrix->type};
  int64_t channels = output == SKS_SILU_GATE ? matrix->rows / 2 : matrix->rows;
  int32_t status = prepare(gpu, workspace, norm, x, rows, matrix->columns, matrix->type, &input);
  /* Not where x itself was left: blocks that are done would write over what others read. */
  if (status == SKS_OK && output != SKS_STORE && output != SKS_ADD &&
      channels <= workspace->max_columns && input.rows != own->output.memory) {
    status = sks_gpu_ensure(gpu, SKS_CUDA_BATCH_ROWS * left.stride * sks_element_bytes(left.type),
                            "room for the input of the next product", &own->output);
    left.rows = own->output.memory;
  }
  if (status == SKS_OK)
    status = sks_gpu_check(gpu,
                           sks_cuda_linear_batch(gpu->stream, matrix, input.rows, input.stride,
                                                 rows, y, left, output, true),
                           "sks_linear");
  if (status == SKS_OK) sks_gpu_keep_rounded(gpu, y, rows, channels, left);
  return status;
}

/* Many rows: input rounded, a product of cuBLAS, then what becomes of it. */
static int32_t many_rows(sks_gpu *gpu, const sks_workspace *workspace,
                         const sks_cuda_matrix *matrix, const sks_norm *norm, const float *x,
                         int32_t rows, float *y, int32_t output) {
  sks_gpu_workspace *own = workspace->own;
  int32_t type = matrix->type == SKS_F32 || matrix->type == SKS_BF16 ? matrix->type : SKS_F16;
  bool apart = output == SKS_SILU_GATE || (output == SKS_ADD && matrix->bias != NULL);
  sks_cuda_rounded input;
  int32_t status = prepare(gpu, workspace, norm, x, rows, matrix->columns, type, &input);
  if (status == SKS_OK && apart)
    status = sks_gpu_ensure(gpu, workspace->max_rows * matrix->rows * (int64_t)sizeof(float),
                            "room for the sums of a product", &own->sums);
  if (status != SKS_OK) return status;
  float *sums = apart ? own->sums.memory : y;
  status = multiply(gpu, own, matrix,
                    (sks_gpu_product){.type = type,
                                      .rows = rows,
                                      .columns = matrix->columns,
                                      .x = input.rows,
                                      .x_stride = input.stride,
                                      .y = sums,
                                      .y_stride = matrix->rows,
                                      .beta = output == SKS_ADD && !apart ? 1 : 0});
  if (status != SKS_OK) return status;
  if (!apart && matrix->bias == NULL && (output == SKS_STORE || output == SKS_ADD)) return SKS_OK;
  return sks_gpu_check(
      gpu, sks_cuda_finish(gpu->stream, sums, matrix->bias, rows, matrix->rows, y, output, true),
      "sks_linear");
}

/* One row or a few: in whole numbers, if they were left so. */
static int32_t few_rows(sks_gpu *gpu, const sks_cuda_matrix *matrix, const sks_norm *norm,
                        const float *x, int32_t rows, float *y, int32_t output) {
  int32_t type = sks_cuda_scale_columns(matrix->type) > 0 ? SKS_CUDA_NUMBERS : SKS_F32;
  sks_cuda_rounded left = left_input(gpu, norm, x, rows, matrix->columns, type);
  return sks_gpu_check(gpu,
                       sks_cuda_linear(gpu->stream, matrix, norm, x, left, rows, y, output, true),
                       "sks_linear");
}

int32_t sks_gpu_linear(sks_workspace *workspace, const sks_weights *weights, const sks_norm *norm,
                       const float *x, int32_t rows, float *y, int32_t output) {
  sks_gpu *gpu = sks_gpu_enter(workspace->device);
  const sks_gpu_matrix *own = sks_gpu_matrix_of(weights);
  bool rounds = own->matrix.type != SKS_F32;
  if (rows > 1 && rows <= SKS_CUDA_BATCH_ROWS && !own->exact &&
      sks_cuda_linear_batches(&own->matrix))
    return sks_gpu_leave_with(gpu,
                              batch_rows(gpu, workspace, &own->matrix, norm, x, rows, y, output));
  if (rows > SKS_CUDA_FEW_ROWS && gpu->blas.library != NULL && !(own->exact && rounds))
    return sks_gpu_leave_with(gpu,
                              many_rows(gpu, workspace, &own->matrix, norm, x, rows, y, output));
  return sks_gpu_leave_with(gpu, few_rows(gpu, &own->matrix, norm, x, rows, y, output));
}
