/* random_floats.h: arrays for tests of kernels, the same in every run. */
#ifndef ASSAY_TEST_RANDOM_FLOATS_H
#define ASSAY_TEST_RANDOM_FLOATS_H

#include "base/check.h"
#include "base/rng.h"

/* n standard normal numbers; `stream` tells arrays of one test apart. The caller frees. */
static inline float *random_floats(size_t n, uint64_t stream)
{
    float *v = xcalloc(n, sizeof *v);
    struct rng rng = rng_make(41, stream);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)rng_normal(&rng);
    return v;
}

#endif
