/* choose.c - which algorithm computes a convolution: the one of least estimated time.
 *
 * Per image, in multiply-adds at the machine's peak rate, with channels C', K' rounded up to whole
 * blocks of 16 lanes and T = ceil(P / 4) ceil(Q / 4) tiles:
 *
 *   direct    P Q (C / groups) R S K' product + (H W C' + P Q K') map
 *   Winograd  T 36 (C' K' product + (C' + K') transform)
 *
 * A product of the direct convolution is one with a real channel, of Winograd one with a lane. The
 * weights of the terms are measured (tests/bench/bench_conv on Zen 4, AVX-512 and AVX2 alike):
 * Winograd's products run at the peak of the machine, the direct ones somewhat below; `map` is what
 * packing and storing an element costs, `transform` an element of a transformed tile, there and
 * back. im2col has no row: outside the blocked layout it is slower wherever one of the two works.
 */
#include "kernels/kernels.h"

struct cost {
    double product, map, transform;
};
static const struct cost direct = {.product = 1.1, .map = 4};
static const struct cost winograd = {.product = 1.0, .transform = 10};

static int64_t lanes(int64_t channels)
{
    return (channels + FSN__LANES - 1) / FSN__LANES * FSN__LANES;
}

static double direct_cost(const struct fsn__conv_shape *s)
{
    const int64_t in = lanes(s->c) * s->h * s->w, out = lanes(s->k) * s->p * s->q;
    const int64_t products = s->c / s->groups * s->r * s->s; /* of one output */

    return (double)out * (double)products * direct.product + (double)(in + out) * direct.map;
}

static double winograd_cost(const struct fsn__conv_shape *s)
{
    const int64_t tiles = (s->p + 3) / 4 * ((s->q + 3) / 4), c = lanes(s->c), k = lanes(s->k);

    return 36 * (double)tiles *
           ((double)c * (double)k * winograd.product + (double)(c + k) * winograd.transform);
}

enum fsn__algorithm fsn__choose_algorithm(const struct fsn__conv_shape *shape)
{
    const bool by_winograd = fsn__winograd_takes(shape), by_direct = fsn__direct_takes(shape);

    if (by_winograd && by_direct)
        return winograd_cost(shape) < direct_cost(shape) ? FSN__WINOGRAD : FSN__DIRECT;
    return by_winograd ? FSN__WINOGRAD : by_direct ? FSN__DIRECT : FSN__IM2COL;
}
