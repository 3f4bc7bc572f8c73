/* rng.h - counter-based random streams.
 *
 * A stream is named by (seed, a, b, c), for instance (seed, purpose, epoch, image index): any
 * stream can be opened at any time in any thread, so results never depend on order, on thread count
 * or on where a run was interrupted. Generator: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
#ifndef FSN_CORE_RNG_H
#define FSN_CORE_RNG_H

#include <math.h>
#include <stdint.h>

/* What a stream is for; the `a` of its name. Append only: the order is part of reproducibility. */
enum fsn__rng_purpose {
    FSN__RNG_INIT = 1,
    FSN__RNG_SHUFFLE,
    FSN__RNG_AUGMENT,
    FSN__RNG_DROPOUT,
    FSN__RNG_DRAW,
    FSN__RNG_BENCH,
    FSN__RNG_TEST,
    FSN__RNG_SPLIT,
    FSN__RNG_HOLDOUT,
    FSN__RNG_MIXUP,
    FSN__RNG_SELECTION
};

struct fsn__rng {
    uint64_t state;
};

static inline uint64_t fsn__rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t fsn__rng_next(struct fsn__rng *rng)
{
    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    return fsn__rng_mix(rng->state);
}

/* As if fsn__rng_next had been called n times: the state only counts. */
static inline void fsn__rng_skip(struct fsn__rng *rng, uint64_t n)
{
    rng->state += n * UINT64_C(0x9e3779b97f4a7c15);
}

static inline struct fsn__rng fsn__rng_open(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    struct fsn__rng rng;

    rng.state = fsn__rng_mix(seed + golden);
    rng.state = fsn__rng_mix((rng.state ^ a) + golden);
    rng.state = fsn__rng_mix((rng.state ^ b) + golden);
    rng.state = fsn__rng_mix((rng.state ^ c) + golden);
    return rng;
}

__extension__ typedef unsigned __int128 fsn__u128;

/* Uniform in [0, n), n > 0, without modulo bias worth naming (n << 2^64): multiply-shift. */
static inline uint64_t fsn__rng_below(struct fsn__rng *rng, uint64_t n)
{
    return (uint64_t)(((fsn__u128)fsn__rng_next(rng) * n) >> 64);
}

/* Uniform in [0, 1), 53 bits. */
static inline double fsn__rng_uniform(struct fsn__rng *rng)
{
    return (double)(fsn__rng_next(rng) >> 11) * 0x1.0p-53;
}

/* Standard normal (Box-Muller, the cosine half). */
static inline double fsn__rng_normal(struct fsn__rng *rng)
{
    double u = 1.0 - fsn__rng_uniform(rng), v = fsn__rng_uniform(rng);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

#endif
