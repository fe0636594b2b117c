/*
 * Attention of a step's rows over their caches: as sks_attend (sinkstream/attention.h), with device
 * memory. Two ways:
 *
 * sks_cuda_attend_rows: each row by itself; one token of each of many streams. Sums are float32,
 * and so are products of float32 keys; other keys meet queries and weights, two numbers of 16 bits
 * each, on the tensor cores (2^-22 is left over, 2^-17 with bf16). A block takes a part of the keys
 * of one row through one KV head, with up to eight of the group's queries. The parts merge in their
 * order, through memory: blocks send what they found and each merges some channels, or, with
 * float32, whatever block is the last of a row merges all. Where a step has rows enough for all
 * processors they stay whole, but with float32. So how keys are cut depends on the model and on how
 * many rows the step has, on nothing else beside the row. Floor: the visible rows' bytes over the
 * card's memory bandwidth. attend_rows.cu chooses: attend_float.cu with float32 keys, else
 * attend_many.cu where rows stay whole and attend_few.cu where they do not.
 *
 * sks_cuda_attend_tiles: up to SKS_CUDA_TILE_ROWS consecutive rows of a stream together, products
 * on the tensor cores in f16 (bf16 with keys of that type) with float32 sums. For chunks of a
 * prompt. Rows must have been appended. attend_tiles.cu.
 */
#ifndef SINKSTREAM_CUDA_KERNELS_ATTEND_H
#define SINKSTREAM_CUDA_KERNELS_ATTEND_H

#include "cuda/kernels/append.h"
#include "cuda/kernels/rounded.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What both ways take; pointers of device memory. */
typedef struct sks_cuda_attend_args {
  const float *queries; /* as sks_attend's, with these strides */
  int64_t row_stride, group_stride;
  const float *sink_logits; /* [heads], or NULL */
  float *out;               /* [rows, heads, head_dim] */
  sks_cuda_rounded rounded; /* out once more, where sks_cuda_attend_leaves its type */
} sks_cuda_attend_args;

/*
 * `most_keys`: as many keys as any row of this step, or of a replay of it, may see: S + R + 1, or
 * for dense caches any bound above (blocks beyond the keys end at once). `new_rows`: not NULL where
 * every stream has one row in the step and the layer was not appended: attend stores the new key
 * and value itself. `workspace`: sks_cuda_attend_workspace bytes, aligned to 256, zeroed once when
 * allocated and used by one stream at a time; every launch leaves it zero.
 */
cudaError_t sks_cuda_attend_rows(cudaStream_t stream, const sks_cuda_attention *attention,
                                 const sks_cuda_step *step, int32_t layer,
                                 const sks_cuda_new_rows *new_rows,
                                 const sks_cuda_attend_args *args, int64_t most_keys,
                                 void *workspace, int64_t workspace_bytes, bool overlap);

/* Whether sks_cuda_attend_rows leaves `rounded` as `type` of a step that has so many rows: 16 bits
 * where rows stay whole; whole numbers where they do not, but with float32 keys or a head_dim that
 * is no multiple of 32. */
bool sks_cuda_attend_leaves(const sks_cuda_attention *attention, int32_t rows, int32_t type);

/* Enough for `rows` rows at once; with less (but that for one row) the launch is cut into several.
 */
int64_t sks_cuda_attend_workspace(const sks_cuda_attention *attention, int32_t rows,
                                  int64_t most_keys);

/* Most rows of a tile. */
enum { SKS_CUDA_TILE_ROWS = 64 };

/* `rows` consecutive rows of one stream from `row` on. */
typedef struct sks_cuda_tile {
  int32_t row, rows;
} sks_cuda_tile;

/* Whether sks_cuda_attend_tiles can do it: not with float32 keys. */
bool sks_cuda_attend_has_tiles(const sks_cuda_attention *attention);

/* `tiles` [tile_count] in device memory, none larger than SKS_CUDA_TILE_ROWS rows. */
cudaError_t sks_cuda_attend_tiles(cudaStream_t stream, const sks_cuda_attention *attention,
                                  const sks_cuda_step *step, int32_t layer,
                                  const sks_cuda_attend_args *args, const sks_cuda_tile *tiles,
                                  int32_t tile_count);

#ifdef __cplusplus
}
#endif

#endif
