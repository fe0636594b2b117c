// Attention row by row: which kernel takes a step's rows, into how many parts they are cut, and the
// memory through which parts merge.
#include "cuda/kernels/attend.h"
#include "cuda/kernels/device/attend_job.cuh"

namespace {

enum {
  TICKETS = 1 << 16,  // of a launch: bounds its rows
  MOST_ROWS = 65535,  // of a launch: of a grid's third dimension
  MANY_ITEMS = 128    // heads of rows, or parts of their groups: rows stay whole
};

// The tickets stay where they are, whatever the rows and keys of a launch: all must be zero.
constexpr int64_t TICKET_BYTES = TICKETS * static_cast<int64_t>(sizeof(int32_t));
static_assert(TICKET_BYTES % 256 == 0, "what lies behind them is aligned");

int64_t bytes_of(const sks_cuda_attention *attention, int64_t rows, int64_t parts) {
  int64_t bytes = attention->type == SKS_F32 ? sks_attend_float_bytes(attention, rows, parts)
                                             : sks_attend_few_bytes(attention, rows, parts);
  return TICKET_BYTES + sks_round_up(bytes, 256);
}

int64_t parts_of(const sks_cuda_attention *attention, int64_t rows, int64_t keys) {
  return attention->type == SKS_F32 ? sks_attend_float_parts(attention, keys)
                                    : sks_attend_few_parts(attention, rows, keys);
}

// Rows enough for all processors as they are.
bool stay_whole(const sks_cuda_attention *attention, int64_t rows) {
  return attention->type != SKS_F32 && rows * sks_attend_blocks(*attention) >= MANY_ITEMS;
}

}  // namespace

bool sks_cuda_attend_leaves(const sks_cuda_attention *attention, int32_t rows, int32_t type) {
  if (stay_whole(attention, rows)) return type == SKS_F16 || type == SKS_BF16;
  return type == SKS_CUDA_NUMBERS && attention->type != SKS_F32 &&
         attention->head_dim % SKS_WARP == 0;
}

int64_t sks_cuda_attend_workspace(const sks_cuda_attention *attention, int32_t rows,
                                  int64_t most_keys) {
  // More rows stay whole, and need none.
  int64_t in_parts = (MANY_ITEMS - 1) / sks_attend_blocks(*attention);
  if (attention->type == SKS_F32 || rows < in_parts) in_parts = rows;
  // A row of a step that has no other is cut finest.
  return bytes_of(attention, in_parts < 1 ? 1 : in_parts, parts_of(attention, 1, most_keys));
}

cudaError_t sks_cuda_attend_rows(cudaStream_t stream, const sks_cuda_attention *attention,
                                 const sks_cuda_step *step, int32_t layer,
                                 const sks_cuda_new_rows *new_rows, const sks_cuda_attend_args *in,
                                 int64_t most_keys, void *workspace, int64_t workspace_bytes,
                                 bool overlap) {
  sks_attend_job job = {};
  job.attention = *attention;
  job.step = *step;
  job.layer = layer;
  job.fused = new_rows != nullptr;
  if (new_rows) job.rows = *new_rows;
  job.in = *in;
  job.group = attention->heads / attention->kv_heads;
  if (in->rounded.rows && !sks_cuda_attend_leaves(attention, step->row_count, in->rounded.type))
    return cudaErrorInvalidValue;
  job.tickets = static_cast<int32_t *>(workspace);
  if (stay_whole(attention, step->row_count))
    return sks_attend_many_launch(stream, job, step->row_count, overlap);
  job.most_parts = static_cast<int32_t>(parts_of(attention, step->row_count, most_keys));
  int64_t rows = step->row_count;
  while (rows > 1 && (rows > MOST_ROWS || rows * attention->heads > TICKETS ||
                      bytes_of(attention, rows, job.most_parts) > workspace_bytes))
    rows = (rows + 1) / 2;
  if (bytes_of(attention, rows, job.most_parts) > workspace_bytes) return cudaErrorInvalidValue;
  job.parts_memory = static_cast<char *>(workspace) + TICKET_BYTES;
  for (int64_t row = 0; row < step->row_count; row += rows) {
    int64_t count = step->row_count - row < rows ? step->row_count - row : rows;
    job.first_row = static_cast<int32_t>(row);
    cudaError_t error = attention->type == SKS_F32
                            ? sks_attend_float_launch(stream, job, count, overlap)
                            : sks_attend_few_launch(stream, job, count, overlap);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}
