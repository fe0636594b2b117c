/* Element types of weights and of cached keys and values. */
#ifndef SINKSTREAM_TYPES_H
#define SINKSTREAM_TYPES_H

enum sks_type {
  SKS_F32 = 0,  /* IEEE binary32 */
  SKS_F16 = 1,  /* IEEE binary16 */
  SKS_BF16 = 2, /* bfloat16: the upper half of a binary32 */
  SKS_TYPES = 3 /* how many there are */
};

#endif
