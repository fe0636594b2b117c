#include "cuda/kernels/device/activation.cuh"
#include "cuda/kernels/device/cluster.cuh"
#include "cuda/kernels/device/launch.cuh"
#include "cuda/kernels/device/matrix_product.cuh"
#include "cuda/kernels/device/reduce.cuh"
#include "cuda/kernels/device/tensor_map.cuh"
#include "cuda/kernels/linear_batch.h"

namespace {

enum {
  // Warps of a block: some multiply, some finish the tile before meanwhile, one brings weights and
  // input. Three to a quarter of a processor.
  MULTIPLIERS = 8 * SKS_WARP,
  FINISHERS = 3 * SKS_WARP,
  THREADS = MULTIPLIERS + FINISHERS + SKS_WARP,
  INPUTS = SKS_CUDA_BATCH_ROWS,  // rows of x, those that are not there zero
  INPUT_BYTES = INPUTS * SKS_BOX_ROW_BYTES,
  SLOT = 16,   // channels that a warp multiplies at a time
  SLOTS = 16,  // of a tile: two for each warp
  SLOT_BYTES = SLOT * SKS_BOX_ROW_BYTES,
  PITCH = SLOTS * SLOT + 4,  // floats of a row of sums: what a warp writes meets every bank
  SUM_BYTES = INPUTS * PITCH * 4,
  MOST_STAGES = 12,
  CLUSTER = 4,
  BLOCK_BYTES = 176 << 10  // of shared memory: leaves room for the kernels before and after
};

struct batch_args {
  const float *bias;
  float *y;
  int32_t rows, channels;  // of y
  int32_t chunks;          // of columns, SKS_BOX_COLUMNS each
  int32_t output;
  int32_t tile_slots;  // of y: with a gate a tile has as many of `up` behind them
  int32_t tiles;
  int32_t stages, stage_bytes;
};

struct batch_maps {
  CUtensorMap weights, input;
};

#if __CUDA_ARCH__ >= 900

// The tiles of a cluster, every so many of all.
struct sequence {
  int32_t tile, step, tiles, slots;
  bool gated;

  __device__ sequence(const batch_args &args, int32_t cluster, int32_t clusters) {
    tile = cluster;
    step = clusters;
    tiles = args.tiles;
    slots = args.tile_slots;
    gated = args.output == SKS_SILU_GATE;
  }
  __device__ int32_t first_channel() const { return tile * slots * SLOT; }
  __device__ int32_t all_slots() const { return gated ? 2 * slots : slots; }
  __device__ bool last() const { return tile + step >= tiles; }
  __device__ bool ended() const { return tile >= tiles; }
  __device__ void next() { tile += step; }
};

// Where in a ring of stages.
struct place {
  int32_t stage = 0;
  uint32_t parity = 0;
  __device__ void next(int32_t stages) {
    if (++stage < stages) return;
    stage = 0;
    parity ^= 1;
  }
};

// Brings all that the block multiplies, a chunk of weights and of input at a time. Every so many
// chunks of columns are the block's.
struct bringer {
  const batch_maps *maps;
  const batch_args *args;
  char *ring;
  sks_arrivals *full;
  sequence tiles;
  int32_t chunk, first_chunk, step;

  __device__ bool ended() const { return tiles.ended() || first_chunk >= args->chunks; }
  __device__ void next() {
    chunk += step;
    if (chunk < args->chunks) return;
    chunk = first_chunk;
    tiles.next();
  }
  __device__ void bring_weights(int32_t stage) const {
    char *to = ring + stage * args->stage_bytes;
    int32_t row = tiles.first_channel(), column = chunk * SKS_BOX_COLUMNS;
    sks_arrivals_expect(full + stage, static_cast<uint32_t>(args->stage_bytes));
    sks_box_copy(to, &maps->weights, row, column, full + stage);
    if (tiles.gated)
      sks_box_copy(to + tiles.slots * SLOT_BYTES, &maps->weights, args->channels + row, column,
                   full + stage);
  }
  __device__ void bring_input(int32_t stage) const {
    sks_box_copy(ring + stage * args->stage_bytes + tiles.all_slots() * SLOT_BYTES, &maps->input, 0,
                 chunk * SKS_BOX_COLUMNS, full + stage);
  }
};

// By one thread. Weights come ahead of the kernel before.
__device__ void bring(bringer weights, sks_arrivals *empty) {
  bringer input = weights;
  const int32_t stages = weights.args->stages;
  int32_t ahead = 0;
  for (; ahead < stages && !weights.ended(); ahead++, weights.next()) weights.bring_weights(ahead);
  sks_wait_for_previous();
  sks_copies_see();
  for (int32_t i = 0; i < ahead; i++, input.next()) input.bring_input(i);
  for (place at; !weights.ended(); weights.next(), at.next(stages)) {
    sks_arrivals_wait(empty + at.stage, at.parity);
    weights.bring_weights(at.stage);
    weights.bring_input(at.stage);
  }
}

using sums_of_warp = float[2][INPUTS / 8][4];

// The sums of a warp's first `active` slots grow by a chunk of columns.
template <typename product, int active>
__device__ void multiply(const char *weights, const char *input, int lane, sums_of_warp &sums) {
#pragma unroll
  for (int step = 0; step < SKS_BOX_COLUMNS / 16; step++) {
    uint32_t a[active][4];
#pragma unroll
    for (int j = 0; j < active; j++)
      sks_load_matrices(a[j], weights + j * (SLOTS / 2 * SLOT_BYTES) +
                                  sks_box_at(lane % 16, step * 2 + lane / 16));
#pragma unroll
    for (int pair = 0; pair < INPUTS / 16; pair++) {
      uint32_t b[4];
      sks_load_matrices(
          b, input + sks_box_at(pair * 16 + lane / 16 * 8 + lane % 8, step * 2 + lane / 8 % 2));
#pragma unroll
      for (int j = 0; j < active; j++) {
        product::add(sums[j][2 * pair], a[j], b[0], b[1]);
        product::add(sums[j][2 * pair + 1], a[j], b[2], b[3]);
      }
    }
  }
}

// Where the blocks of the cluster find them: [INPUTS][PITCH].
__device__ void put_sums(const sums_of_warp &sums, int active, int warp, int lane, float *shared) {
#pragma unroll
  for (int j = 0; j < 2; j++) {
    if (j >= active) break;
#pragma unroll
    for (int eight = 0; eight < INPUTS / 8; eight++) {
      const float(&four)[4] = sums[j][eight];
      float *to =
          shared + (eight * 8 + lane % 4 * 2) * PITCH + (warp + j * SLOTS / 2) * SLOT + lane / 4;
      to[0] = four[0];
      to[PITCH] = four[1];
      to[8] = four[2];
      to[PITCH + 8] = four[3];
    }
  }
}

// The sums of all blocks of the cluster at the same place, in order.
__device__ float4 sum_of_cluster(const float *shared, int ranks) {
  float4 found[CLUSTER];
#pragma unroll
  for (int r = 0; r < CLUSTER; r++)
    if (r < ranks) found[r] = sks_cluster_load(shared, r);
  float4 sum = found[0];
#pragma unroll
  for (int r = 1; r < CLUSTER; r++)
    if (r < ranks) {
      sum.x += found[r].x;
      sum.y += found[r].y;
      sum.z += found[r].z;
      sum.w += found[r].w;
    }
  return sum;
}

// Four channels of a row of y.
__device__ void finish_four(const batch_args &args, const sequence &tiles, const float *shared,
                            int ranks, int row, int four) {
  int32_t channel = tiles.first_channel() + four * 4;
  if (channel >= args.channels) return;
  float *y = args.y + static_cast<int64_t>(row) * args.channels + channel;
  const bool whole = args.channels % 4 == 0, adds = args.output == SKS_ADD;
  float4 other = make_float4(0, 0, 0, 0);
  if (adds && whole) other = *reinterpret_cast<const float4 *>(y);
  shared += row * PITCH + four * 4;
  float4 sum = sum_of_cluster(shared, ranks);
  if (tiles.gated) other = sum_of_cluster(shared + tiles.slots * SLOT, ranks);
  const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
  const float others[4] = {other.x, other.y, other.z, other.w};
  float results[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (channel + i >= args.channels) break;
    float z = sums[i], up = others[i];
    if (args.bias) {
      z += args.bias[channel + i];
      if (tiles.gated) up += args.bias[args.channels + channel + i];
    }
    if (adds && !whole) up = y[i];
    results[i] = tiles.gated ? sks_silu(z) * up : sks_output_of(args.output, z, &up);
    if (!whole) y[i] = results[i];
  }
  if (whole)
    *reinterpret_cast<float4 *>(y) = make_float4(results[0], results[1], results[2], results[3]);
}

// The block's rows of a tile, by `threads` threads: every so many rows are the block's.
__device__ void finish(const batch_args &args, const sequence &tiles, const float *shared, int rank,
                       int ranks, int thread, int threads) {
  const int fours = SLOT * tiles.slots / 4;
#pragma unroll 1
  for (int i = thread; i / fours * ranks + rank < args.rows; i += threads)
    finish_four(args, tiles, shared, ranks, i / fours * ranks + rank, i % fours);
}

template <int barrier, int threads>
__device__ void meet() {
  asm volatile("bar.sync %0, %1;\n" ::"r"(barrier), "r"(threads) : "memory");
}

#endif

// Registers are left for the kernels before and after.
template <typename product>
__global__ __launch_bounds__(2 * THREADS) void linear_batch(const __grid_constant__ batch_maps maps,
                                                            batch_args args) {
#if __CUDA_ARCH__ >= 900
  extern __shared__ char memory[];
  __shared__ sks_arrivals full[MOST_STAGES], empty[MOST_STAGES];
  __shared__ sks_arrivals written, read;  // the sums of a tile, by every block of the cluster
  char *ring = memory + (0 - sks_shared_address(memory)) % SKS_BOX_ALIGNMENT;
  float *shared = reinterpret_cast<float *>(ring + args.stages * args.stage_bytes);
  const int rank = sks_cluster_rank(), ranks = sks_cluster_blocks();
  const int thread = static_cast<int>(threadIdx.x), lane = thread % SKS_WARP;
  uint32_t tile = 0;
  sequence tiles(args, static_cast<int32_t>(blockIdx.x) / ranks,
                 static_cast<int32_t>(gridDim.x) / ranks);

  sks_let_next_start();
  if (thread == THREADS - SKS_WARP) {
    sks_tensor_map_prefetch(&maps.weights);
    sks_tensor_map_prefetch(&maps.input);
    for (int32_t i = 0; i < args.stages; i++) {
      sks_arrivals_init(full + i);
      sks_arrivals_init(empty + i, MULTIPLIERS / SKS_WARP);
    }
    sks_arrivals_init(&written, static_cast<uint32_t>(ranks));
    sks_arrivals_init(&read, static_cast<uint32_t>(ranks));
    sks_arrivals_ready();
  }
  __syncthreads();
  sks_cluster_arrive();
  if (thread >= MULTIPLIERS + FINISHERS) {
    if (lane == 0) bring({&maps, &args, ring, full, tiles, rank, rank, ranks}, empty);
    __syncwarp();
    sks_wait_for_previous();
    sks_cluster_wait();
  } else if (thread >= MULTIPLIERS) {
    sks_wait_for_previous();
    sks_cluster_wait();
    for (; !tiles.last(); tile++, tiles.next()) {
      sks_arrivals_wait_cluster(&written, tile & 1);
      finish(args, tiles, shared, rank, ranks, thread - MULTIPLIERS, FINISHERS);
      meet<2, FINISHERS>();
      if (thread - MULTIPLIERS < ranks) sks_arrivals_arrive_read(&read, thread - MULTIPLIERS);
    }
  } else {
    sks_wait_for_previous();
    sks_cluster_wait();
    const int warp = thread / SKS_WARP;
    place at;
    for (;; tile++, tiles.next()) {
      sums_of_warp sums = {};
      const int active = warp + SLOTS / 2 < tiles.all_slots() ? 2
                         : warp < tiles.all_slots()           ? 1
                                                              : 0;
      for (int32_t chunk = rank; chunk < args.chunks; chunk += ranks) {
        sks_arrivals_wait(full + at.stage, at.parity);
        const char *stage = ring + at.stage * args.stage_bytes, *w = stage + warp * SLOT_BYTES;
        const char *x = stage + tiles.all_slots() * SLOT_BYTES;
        if (active == 2)
          multiply<product, 2>(w, x, lane, sums);
        else if (active == 1)
          multiply<product, 1>(w, x, lane, sums);
        __syncwarp();
        if (lane == 0) sks_arrivals_arrive(empty + at.stage);
        at.next(args.stages);
      }
      if (tile > 0) sks_arrivals_wait_cluster(&read, (tile - 1) & 1);
      put_sums(sums, active, warp, lane, shared);
      meet<1, MULTIPLIERS>();
      if (thread < ranks) sks_arrivals_arrive_at(&written, thread);
      if (tiles.last()) break;
    }
  }
  // The last tile, by all but the one who brings.
  if (thread < MULTIPLIERS + FINISHERS) {
    sks_arrivals_wait_cluster(&written, tile & 1);
    finish(args, tiles, shared, rank, ranks, thread, MULTIPLIERS + FINISHERS);
  }
  // Nobody's memory goes before all have read it.
  sks_cluster_arrive();
  sks_cluster_wait();
#endif
}

// How many clusters, each block alone on its processor, are on the card at once; asked once for
// each device.
template <typename kernel>
cudaError_t clusters_of(kernel *of, int *count) {
  enum { MOST_DEVICES = 64 };
  static thread_local int known[MOST_DEVICES];
  int device;
  cudaError_t error = cudaGetDevice(&device);
  if (error != cudaSuccess) return error;
  if (device >= MOST_DEVICES) return cudaErrorInvalidDevice;
  if (known[device] == 0) {
    error = cudaFuncSetAttribute(reinterpret_cast<const void *>(of),
                                 cudaFuncAttributeMaxDynamicSharedMemorySize, BLOCK_BYTES);
    if (error != cudaSuccess) return error;
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = CLUSTER;
    attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(CLUSTER);
    config.blockDim = dim3(THREADS);
    config.dynamicSmemBytes = BLOCK_BYTES;
    config.attrs = &attribute;
    config.numAttrs = 1;
    error = cudaOccupancyMaxActiveClusters(&known[device], of, &config);
    if (error != cudaSuccess) return error;
    if (known[device] == 0) return cudaErrorNotSupported;
  }
  *count = known[device];
  return cudaSuccess;
}

// The tiles with which the cluster that has most to do has least. To end one takes as long as to
// multiply another slot.
void choose_tiles(int32_t most_slots, int32_t clusters, batch_args *args) {
  int32_t slots = (args->channels + SLOT - 1) / SLOT, least = INT32_MAX;
  for (int32_t size = most_slots; size > 0; size--) {
    int32_t tiles = (slots + size - 1) / size;
    int32_t work = (tiles + clusters - 1) / clusters * (size + 1);
    if (work >= least) continue;
    least = work;
    args->tile_slots = size;
    args->tiles = tiles;
  }
}

template <typename product>
cudaError_t launch(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                   int64_t x_stride, batch_args args, bool overlap) {
  int clusters = 0;
  cudaError_t error = clusters_of(linear_batch<product>, &clusters);
  if (error != cudaSuccess) return error;
  bool gated = args.output == SKS_SILU_GATE;
  choose_tiles(gated ? SLOTS / 2 : SLOTS, clusters, &args);
  args.stage_bytes = (gated ? 2 : 1) * args.tile_slots * SLOT_BYTES + INPUT_BYTES;
  const int around = SKS_BOX_ALIGNMENT + SUM_BYTES;
  args.stages = (BLOCK_BYTES - around) / args.stage_bytes;
  if (args.stages > MOST_STAGES) args.stages = MOST_STAGES;
  size_t shared = static_cast<size_t>(around + args.stages * args.stage_bytes);
  batch_maps maps;
  error = sks_tensor_map(matrix->type, matrix->elements, matrix->rows, matrix->columns,
                         sks_cuda_pitch(matrix->type, matrix->columns), args.tile_slots * SLOT,
                         &maps.weights);
  if (error == cudaSuccess)
    error = sks_tensor_map(matrix->type, x, args.rows, matrix->columns, x_stride * 2, INPUTS,
                           &maps.input);
  if (error != cudaSuccess) return error;
  dim3 grid(static_cast<unsigned>(CLUSTER * (clusters < args.tiles ? clusters : args.tiles)));
  return sks_launch_cluster(linear_batch<product>, grid, THREADS, CLUSTER, shared, stream, overlap,
                            maps, args);
}

}  // namespace

bool sks_cuda_linear_batches(const sks_cuda_matrix *matrix) {
  sks_card card = {};
  return (matrix->type == SKS_F16 || matrix->type == SKS_BF16) &&
         sks_card_of(&card) == cudaSuccess && card.is_large();
}

cudaError_t sks_cuda_linear_batch(cudaStream_t stream, const sks_cuda_matrix *matrix, const void *x,
                                  int64_t x_stride, int32_t rows, float *y, int32_t output,
                                  bool overlap) {
  if (rows == 0) return cudaSuccess;
  bool gated = output == SKS_SILU_GATE;
  if (!sks_cuda_linear_batches(matrix) || rows > SKS_CUDA_BATCH_ROWS ||
      (gated && matrix->rows % 2 != 0) || x_stride % 8 != 0)
    return cudaErrorInvalidValue;
  batch_args args = {};
  args.bias = matrix->bias;
  args.y = y;
  args.rows = rows;
  args.channels = static_cast<int32_t>(gated ? matrix->rows / 2 : matrix->rows);
  args.chunks = static_cast<int32_t>((matrix->columns + SKS_BOX_COLUMNS - 1) / SKS_BOX_COLUMNS);
  args.output = output;
  return matrix->type == SKS_F16
             ? launch<sks_product_f16>(stream, matrix, x, x_stride, args, overlap)
             : launch<sks_product_bf16>(stream, matrix, x, x_stride, args, overlap);
}
