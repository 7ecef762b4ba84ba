/* simd.h: sixteen floats at a time in GCC's vector extension (one AVX-512 register; the compiler
 * splits them on lesser machines), and an exponential that loops over it can be vectorised by. */
#ifndef ASSAY_SIMD_H
#define ASSAY_SIMD_H

#include <stdint.h>
#include <string.h>

#define NN_INLINE static inline __attribute__((always_inline))

enum { NN_LANES = 16 };

typedef float v16 __attribute__((vector_size(64)));
typedef float v16_unaligned __attribute__((vector_size(64), aligned(4), may_alias));

NN_INLINE v16 v16_load(const float *p)
{
    return *(const v16_unaligned *)p;
}

NN_INLINE void v16_store(float *p, v16 v)
{
    *(v16_unaligned *)p = v;
}

typedef int32_t v16_index __attribute__((vector_size(64)));

/* Lane i is lane (i + n) mod 16 of v. */
#define V16_TURNED(v, n)                                                                           \
    __builtin_shufflevector((v), (v), (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6,   \
                            (n) + 7, (n) + 8, (n) + 9, (n) + 10, (n) + 11, (n) + 12, (n) + 13,     \
                            (n) + 14, (n) + 15)

/* Lanes are added pairwise, halves first. */
NN_INLINE float v16_sum(v16 v)
{
    v += V16_TURNED(v, 8);
    v += V16_TURNED(v, 4);
    v += V16_TURNED(v, 2);
    v += V16_TURNED(v, 1);
    return v[0];
}

/* Of each lane; where either is NaN, b's. */
NN_INLINE v16 v16_max(v16 a, v16 b)
{
    const v16_index above = a > b;
    return (v16)(((v16_index)a & above) | ((v16_index)b & ~above));
}

NN_INLINE float v16_highest(v16 v)
{
    v = v16_max(v, V16_TURNED(v, 8));
    v = v16_max(v, V16_TURNED(v, 4));
    v = v16_max(v, V16_TURNED(v, 2));
    v = v16_max(v, V16_TURNED(v, 1));
    return v[0];
}

/* Lanes below n are v's, the others rest's. */
NN_INLINE v16 v16_first(v16 v, int n, v16 rest)
{
    const v16_index lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                    first = lane < (v16_index){0} + n;
    return (v16)(((v16_index)v & first) | ((v16_index)rest & ~first));
}

/* One step of v16_transpose: halves of 2 * s lanes are exchanged between row i and row i + s. */
#define V16_UPPER(l, s) ((l) & (s) ? 16 + (l) - (s) : (l))
#define V16_LOWER(l, s) ((l) & (s) ? 16 + (l) : (l) + (s))
#define V16_LANES(f, s)                                                                            \
    f(0, s), f(1, s), f(2, s), f(3, s), f(4, s), f(5, s), f(6, s), f(7, s), f(8, s), f(9, s),      \
        f(10, s), f(11, s), f(12, s), f(13, s), f(14, s), f(15, s)
#define V16_EXCHANGE(v, s)                                                                         \
    for (int i_ = 0; i_ < 16; i_++)                                                                \
        if (!(i_ & (s))) {                                                                         \
            const v16 a_ = (v)[i_], b_ = (v)[i_ + (s)];                                            \
            (v)[i_] = __builtin_shufflevector(a_, b_, V16_LANES(V16_UPPER, s));                    \
            (v)[i_ + (s)] = __builtin_shufflevector(a_, b_, V16_LANES(V16_LOWER, s));              \
        }

/* Lane j of row i and lane i of row j change places. */
NN_INLINE void v16_transpose(v16 v[16]){V16_EXCHANGE(v, 8) V16_EXCHANGE(v, 4) V16_EXCHANGE(v, 2)
                                            V16_EXCHANGE(v, 1)}

NN_INLINE float nn_dot(const float *a, const float *b, int n)
{
    v16 sum = {0};
    int i = 0;
    for (; i + NN_LANES <= n; i += NN_LANES)
        sum += v16_load(a + i) * v16_load(b + i);
    float rest = 0;
    for (; i < n; i++)
        rest += a[i] * b[i];
    return v16_sum(sum) + rest;
}

NN_INLINE float nn_sum(const float *a, int n)
{
    v16 sum = {0};
    int i = 0;
    for (; i + NN_LANES <= n; i += NN_LANES)
        sum += v16_load(a + i);
    float rest = 0;
    for (; i < n; i++)
        rest += a[i];
    return v16_sum(sum) + rest;
}

NN_INLINE int nn_round_up(int n, int multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* The bounds of nn_exp's argument, 88 and -87.3 (softmax.c). A compiler that saw them would go on to fold what a loop
 * makes of the exponential of either, such as 1 / (1 + e^88), and to multiply every lane by that denormal number before it
 * selects: ten times slower. */
extern const float nn_exp_highest, nn_exp_lowest;

/* exp(x) to about 1e-7 relative. x is split as n ln 2 + r with |r| <= ln(2)/2; e^r is a polynomial,
 * 2^n goes into the exponent bits. Arguments are clamped to where the result is a normal number;
 * NaN stays NaN. Branch-free, so loops of it vectorise. */
NN_INLINE float nn_exp(float x)
{
    const float shift =
        0x1.8p23f; /* adding it rounds to an integer, which then lies in the low mantissa bits */
    x = x > nn_exp_highest ? nn_exp_highest : x;
    x = x < nn_exp_lowest ? nn_exp_lowest : x;
    float shifted = x * 0x1.715476p0f + shift, n = shifted - shift;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    float r = x - n * 0x1.63p-1f +
              n * 0x1.bd0106p-13f; /* ln 2 in two parts, the first exact in nine bits */
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    uint32_t power = (uint32_t)(bits - 0x4b400000 + 127) << 23;
    float scale;
    memcpy(&scale, &power, sizeof scale);
    return p * scale;
}

/* nn_exp of each lane. */
NN_INLINE v16 v16_exp(v16 x)
{
    const v16 shift = (v16){0} + 0x1.8p23f, highest = (v16){0} + nn_exp_highest,
              lowest = (v16){0} + nn_exp_lowest;
    const v16_index above = x > highest, below = x < lowest;
    x = (v16)(((v16_index)highest & above) | ((v16_index)x & ~above));
    x = (v16)(((v16_index)lowest & below) | ((v16_index)x & ~below));
    const v16 shifted = x * 0x1.715476p0f + shift, n = shifted - shift;
    const v16 r = x - n * 0x1.63p-1f + n * 0x1.bd0106p-13f;
    v16 p = (v16){0} + 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * (v16)(((v16_index)shifted - 0x4b400000 + 127) << 23);
}

#endif
