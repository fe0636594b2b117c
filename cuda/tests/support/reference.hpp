// The CPU library and its tests' support, which are C, for tests in C++.
#ifndef SINKSTREAM_CUDA_TESTS_SUPPORT_REFERENCE_HPP
#define SINKSTREAM_CUDA_TESTS_SUPPORT_REFERENCE_HPP

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
#include "core/cache.h"
#include "core/element.h"
#include "core/kernels.h"
#include "core/kv_row.h"
#include "sinkstream/attention.h"
#include "sinkstream/cache.h"
#include "sinkstream/convert.h"
#include "sinkstream/linear.h"
#include "sinkstream/norm.h"
#include "sinkstream/sampling.h"
#include "support/check.h"
#include "support/jump.h"
#include "support/rng.h"
#include "support/weights.h"
}

#endif
