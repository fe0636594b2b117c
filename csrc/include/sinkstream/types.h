/* Element types of weights and of cached keys and values, and the limits of what is taken. */
#ifndef SINKSTREAM_TYPES_H
#define SINKSTREAM_TYPES_H

/* The quantised ones are ggml's block formats (ggml-common.h), as GGUF files hold them: a row is a
 * whole number of blocks. */
enum sks_type {
  SKS_F32 = 0,  /* IEEE binary32 */
  SKS_F16 = 1,  /* IEEE binary16 */
  SKS_BF16 = 2, /* bfloat16: the upper half of a binary32 */
  SKS_Q8_0 = 3, /* 32 values in 34 bytes: an f16 scale, 32 signed bytes */
  SKS_Q4_0 = 4, /* 32 values in 18 bytes: an f16 scale, 32 nibbles that count from -8 */
  SKS_Q4_K = 5, /* 256 values in 144 bytes: f16 scales of 8 sub-blocks' 6-bit scales and minima */
  SKS_Q5_K = 6, /* 256 values in 176 bytes: Q4_K with a fifth bit */
  SKS_Q6_K = 7, /* 256 values in 210 bytes: 6 bits, 16 sub-blocks with 8-bit scales */
  SKS_TYPES = 8 /* how many there are */
};

enum sks_limits {
  SKS_HEAD_DIM_STEP = 8,  /* what channels of a head are a multiple of */
  SKS_MAX_HEAD_DIM = 256, /* most of them */
  SKS_MAX_THREADS = 1024  /* of a CPU, for one operation */
};

#endif
