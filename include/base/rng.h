/* rng.h: a counter-based random stream. Value i of stream (seed, stream) depends on nothing else, so a
 * completion's draws do not depend on the batch it rode in and a resumed run continues to the same bits.
 * Mixer: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied twice to (key + counter * odd). */
#ifndef ASSAY_BASE_RNG_H
#define ASSAY_BASE_RNG_H

#include <math.h>
#include <stdint.h>

struct rng {
    uint64_t key, counter;
};

static inline uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static inline struct rng rng_make(uint64_t seed, uint64_t stream)
{
    return (struct rng){
        rng_mix(rng_mix(seed + 0x9e3779b97f4a7c15ull) ^ (stream * 0xd1342543de82ef95ull + 1)), 0};
}

static inline uint64_t rng_u64(struct rng *r)
{
    return rng_mix(rng_mix(r->key + 0x9e3779b97f4a7c15ull * ++r->counter) ^ r->key);
}

/* Uniform in [0, 1) with 53 bits. */
static inline double rng_uniform(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

/* Uniform in 0 .. n-1 (n > 0) by multiply-shift; bias below 2^-32 for n < 2^32. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)rng_u64(r) * n) >> 64);
}

/* Standard normal by Box-Muller. */
static inline double rng_normal(struct rng *r)
{
    double u = 1.0 - rng_uniform(r), v = rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

#endif
