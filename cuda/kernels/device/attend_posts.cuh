// How the warps of several blocks, each of which has some keys of a row, merge what they found: in
// memory, where every number says by itself that it has come. So nobody waits for a barrier or for
// memory to settle, and blocks may lie on any processors. Blocks wait for each other, so that those
// of a row must follow each other in a launch: they are dispatched in order, and at most eight.
#ifndef SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_POSTS_CUH
#define SINKSTREAM_CUDA_KERNELS_DEVICE_ATTEND_POSTS_CUH

#include "cuda/kernels/device/attend_sixteens.cuh"

// A number as it is sent: never zero bits, which stand for nothing.
__device__ static inline float sks_posted(float x) { return __float_as_uint(x) ? x : -0.0f; }

__device__ static inline bool sks_has_come(float x) { return __float_as_uint(x) != 0; }

// Loads that see what other processors have stored (PTX ISA, "ld.relaxed"; others may find an old
// line in the first-level cache again and again), and stores to be seen so.
__device__ static inline float4 sks_look_at(const float4 *posted) {
  float4 x;
  asm volatile("ld.relaxed.gpu.global.v4.f32 {%0, %1, %2, %3}, [%4];\n"
               : "=f"(x.x), "=f"(x.y), "=f"(x.z), "=f"(x.w)
               : "l"(posted)
               : "memory");
  return x;
}

__device__ static inline float2 sks_look_at(const float2 *posted) {
  float2 x;
  asm volatile("ld.relaxed.gpu.global.v2.f32 {%0, %1}, [%2];\n"
               : "=f"(x.x), "=f"(x.y)
               : "l"(posted)
               : "memory");
  return x;
}

__device__ static inline void sks_post(float4 *to, float4 x) {
  asm volatile("st.relaxed.gpu.global.v4.f32 [%0], {%1, %2, %3, %4};\n" ::"l"(to), "f"(x.x),
               "f"(x.y), "f"(x.z), "f"(x.w)
               : "memory");
}

__device__ static inline void sks_post(float2 *to, float2 x) {
  asm volatile("st.relaxed.gpu.global.v2.f32 [%0], {%1, %2};\n" ::"l"(to), "f"(x.x), "f"(x.y)
               : "memory");
}

// What the warps of up to `most_parts` blocks send for their queries. Values of a lane lie by four:
// quad `u` of a query is 32 channels, four of each of eight groups of lanes. Zero before and after.
template <int most_parts, typename running>
struct sks_attend_posts {
  enum { WARPS = 4, GROUPS = SKS_WARP / 4, QUADS = running::STEPS / 2 };
  static_assert(WARPS * most_parts <= SKS_WARP, "a lane knows what one of them sent");
  float4 *values;  // [QUERIES, QUADS, senders, GROUPS]
  float2 *stats;   // [QUERIES, QUADS, senders]: largest score and sum of weights
  int parts, senders;

  __device__ sks_attend_posts(char *memory, int parts_of_row)
      : values(reinterpret_cast<float4 *>(memory)),
        parts(parts_of_row),
        senders(parts_of_row * WARPS) {
    stats = reinterpret_cast<float2 *>(values + running::QUERIES * QUADS * senders * GROUPS);
  }

  // Of so many parts.
  __host__ __device__ static int64_t bytes(int64_t parts) {
    return running::QUERIES * QUADS * parts * WARPS *
           static_cast<int64_t>(GROUPS * sizeof(float4) + sizeof(float2));
  }

  // By warp `sender`.
  __device__ void send(const running &r, int heads, int sender) const {
    int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
    constexpr bool single = running::QUERIES == 1;
#pragma unroll
    for (int tile = 0; tile < running::TILES; tile++) {
      int q = single ? 0 : tile * 4 + lane % 4;
      float sum = sks_lane_sum(r, tile);
      if (q >= heads) continue;
#pragma unroll
      for (int u = 0; u < QUADS; u++) {
        // Lanes that share a query share the work.
        if (single && lane % 4 != u % 4) continue;
        int to = (q * QUADS + u) * senders + sender;
        float4 four = make_float4(sks_posted(sks_lane_value(r, tile, 4 * u)),
                                  sks_posted(sks_lane_value(r, tile, 4 * u + 1)),
                                  sks_posted(sks_lane_value(r, tile, 4 * u + 2)),
                                  sks_posted(sks_lane_value(r, tile, 4 * u + 3)));
        sks_post(values + to * GROUPS + lane / 4, four);
        if (lane < 4)
          sks_post(stats + to, make_float2(sks_posted(r.largest[tile]), sks_posted(sum)));
      }
    }
  }

  // By block `part`, a warp for a quad: senders merge in order of lanes. `finish` gets query,
  // channel and value; the lanes of a warp have 32 channels that lie side by side.
  template <typename function>
  __device__ void merge(const sks_attend_job &job, int first_head, int heads, int part,
                        const function &finish) const {
    int lane = static_cast<int>(threadIdx.x) % SKS_WARP;
    int warp = static_cast<int>(threadIdx.x) / SKS_WARP;
    for (int quad = part + parts * warp; quad < heads * QUADS; quad += parts * WARPS) {
      float2 *its_stats = stats + quad * senders + lane;
      float4 *its_values = values + (quad * senders + lane % 4) * GROUPS + lane / 4;
      float2 its;
      float4 four[most_parts];
      bool all;
      do {
        its = lane < senders ? sks_look_at(its_stats) : make_float2(-INFINITY, 1);
        all = sks_has_come(its.x) && sks_has_come(its.y);
#pragma unroll
        for (int p = 0; p < most_parts; p++)
          four[p] =
              p < parts ? sks_look_at(its_values + p * WARPS * GROUPS) : make_float4(1, 1, 1, 1);
#pragma unroll
        for (int p = 0; p < most_parts; p++)
          all = all && sks_has_come(four[p].x) && sks_has_come(four[p].y) &&
                sks_has_come(four[p].z) && sks_has_come(four[p].w);
      } while (!__all_sync(~0u, all));
      if (lane < senders) sks_post(its_stats, make_float2(0, 0));
#pragma unroll
      for (int p = 0; p < most_parts; p++)
        if (p < parts) sks_post(its_values + p * WARPS * GROUPS, make_float4(0, 0, 0, 0));

      float largest = sks_warp_max(its.x);
      float keep = its.x == -INFINITY ? 0.0f : sks_exp2(its.x - largest);
      // A sum that is no number shows, whatever it is weighed with.
      float sum = sks_warp_sum(keep == 0 && its.y == its.y ? 0.0f : its.y * keep);
      float total[4] = {};
#pragma unroll
      for (int p = 0; p < most_parts; p++) {
        float weight = __shfl_sync(~0u, keep, (p * WARPS + lane % 4) % SKS_WARP);
        if (p >= parts) continue;
        total[0] = fmaf(four[p].x, weight, total[0]);
        total[1] = fmaf(four[p].y, weight, total[1]);
        total[2] = fmaf(four[p].z, weight, total[2]);
        total[3] = fmaf(four[p].w, weight, total[3]);
      }
#pragma unroll
      for (int i = 0; i < 4; i++) {
        total[i] += __shfl_xor_sync(~0u, total[i], 1);
        total[i] += __shfl_xor_sync(~0u, total[i], 2);
      }
      int q = quad / QUADS, own = lane % 4;
      int c = sks_lane_channel<running::SCALED>(lane, quad % QUADS * 4 + own);
      float x = own < 2 ? own == 0 ? total[0] : total[1] : own == 2 ? total[2] : total[3];
      if (c < job.attention.head_dim)
        finish(q, c, x * sks_softmax_factor(job, first_head + q, largest, sum));
    }
  }
};

#endif
