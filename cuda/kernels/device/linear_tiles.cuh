// The weights of one row or a few on their way into a block: which tiles of rows its groups of
// threads sum, and the rings that these come through.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_LINEAR_TILES_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_LINEAR_TILES_CUH

#include "cuda/kernels/device/linear_input.cuh"
#include "cuda/kernels/device/stage.cuh"
#include "cuda/kernels/linear.h"

struct sks_linear_args {
  const char *elements;
  const char *scales;
  int32_t pitch;
  int32_t scale_bytes;  // of a tile
  const float *bias;
  int32_t rows;               // of the matrix
  int32_t columns;            // of it and of x
  int32_t units, more_units;  // of a block: tiles of rows, with a gate pairs of them; the first
                              // `more_units` blocks have one more
  int32_t group_units;        // units / groups: to divide takes a kernel long
  int32_t output;
  int32_t stages;        // of a group's ring
  int32_t early_stages;  // of these, that an early group fills before x is there
  bool all_make;         // numbers; else a group's first warp, which asks for weights, does not
  int32_t stage_bytes;
  sks_input_norm norm;
  const float *x;
  sks_cuda_rounded left;  // x once more, if it was left
  float *y;
  int32_t y_columns;
};

// A block's threads stand in groups, one for each y. Each takes tiles of rows of its own, its
// threads side by side over the columns.
struct sks_row_group {
  int index, count, threads, thread, lane, warp, warps;
  __device__ sks_row_group()
      : index(static_cast<int>(threadIdx.y)),
        count(static_cast<int>(blockDim.y)),
        threads(static_cast<int>(blockDim.x)),
        thread(static_cast<int>(threadIdx.x)),
        lane(static_cast<int>(threadIdx.x % SKS_WARP)),
        warp(static_cast<int>(threadIdx.x / SKS_WARP)),
        warps(static_cast<int>(blockDim.x / SKS_WARP)) {}
  __device__ void meet() const {
    asm volatile("bar.sync %0, %1;\n" ::"r"(index + 1), "r"(threads) : "memory");
  }
};

// The tiles of `tile` rows that a group sums: every so many of its block's units. Gate and up
// follow each other tile by tile, so that the thread that has the one gets the other.
template <int tile>
struct sks_tile_sequence {
  int32_t first_unit, step, tiles;
  bool gated;
  __device__ sks_tile_sequence(const sks_linear_args &args, const sks_row_group &g) {
    int32_t block = static_cast<int32_t>(blockIdx.x);
    int32_t units = args.units + (block < args.more_units ? 1 : 0);
    gated = args.output == SKS_SILU_GATE;
    first_unit = block * args.units + min(block, args.more_units) + g.index;
    step = g.count;
    tiles = args.group_units + (g.index < units - args.group_units * step ? 1 : 0);
    if (gated) tiles *= 2;
  }
  __device__ int32_t row(const sks_linear_args &args, int32_t i) const {
    if (!gated) return (first_unit + i * step) * tile;
    return (first_unit + (i >> 1) * step) * tile + (i & 1) * args.y_columns;
  }
};

// A group's ring of tiles: elements, then scales.
template <typename weight, int tile>
struct sks_tile_ring {
  char *memory;
  sks_arrivals *arrivals;

  // Of the tile whose first row is `row`.
  __device__ static uint32_t tile_rows(const sks_linear_args &args, uint32_t row) {
    return min(static_cast<uint32_t>(args.rows) - row, static_cast<uint32_t>(tile));
  }
  __device__ static const char *elements_of(const sks_linear_args &args, uint32_t row) {
    return args.elements + static_cast<uint64_t>(row) * static_cast<uint32_t>(args.pitch);
  }
  __device__ static const char *scales_of(const sks_linear_args &args, uint32_t row) {
    return args.scales +
           static_cast<uint64_t>(row / SKS_CUDA_ROW_TILE) * static_cast<uint32_t>(args.scale_bytes);
  }

  // Starts the copy of tile `i` of the sequence into `stage`. Rows past the matrix's end stay what
  // they were: they are summed, and nobody stores it.
  __device__ void start(const sks_linear_args &args, const sks_row_group &g,
                        const sks_tile_sequence<tile> &tiles, int32_t i, int32_t stage) const {
#if __CUDA_ARCH__ >= 900
    if (g.thread != 0 || i >= tiles.tiles) return;
    const uint32_t row = static_cast<uint32_t>(tiles.row(args, i));
    const uint32_t bytes = tile_rows(args, row) * static_cast<uint32_t>(args.pitch);
    char *to = memory + stage * args.stage_bytes;
    sks_arrivals_expect(arrivals + stage, bytes + (weight::SCALED ? args.scale_bytes : 0));
    sks_bulk_copy_once(to, elements_of(args, row), bytes, arrivals + stage);
    if (weight::SCALED)
      sks_bulk_copy_once(to + tile * args.pitch, scales_of(args, row),
                         static_cast<uint32_t>(args.scale_bytes), arrivals + stage);
#else
    if (i < tiles.tiles) {
      const uint32_t row = static_cast<uint32_t>(tiles.row(args, i));
      const int32_t bytes = static_cast<int32_t>(tile_rows(args, row)) * args.pitch;
      char *to = memory + stage * args.stage_bytes;
      const char *from = elements_of(args, row);
      for (int32_t at = g.thread * 16; at < bytes; at += g.threads * 16)
        sks_copy_16(to + at, from + at);
      from = scales_of(args, row);
      for (int at = g.thread * 16; weight::SCALED && at < args.scale_bytes; at += g.threads * 16)
        sks_copy_16(to + tile * args.pitch + at, from + at);
    }
    sks_copy_commit();
#endif
  }

  __device__ void wait(const sks_linear_args &args, const sks_row_group &g, int32_t stage,
                       uint32_t parity) const {
#if __CUDA_ARCH__ >= 900
    sks_arrivals_wait(arrivals + stage, parity);
#else
    if (args.stages == 1)
      sks_copy_wait<0>();
    else if (args.stages == 2)
      sks_copy_wait<1>();
    else
      sks_copy_wait<2>();
    g.meet();
#endif
  }
};

#endif
