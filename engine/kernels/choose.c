/* choose.c - which algorithm computes a pass of a convolution: the one of least estimated time; the
 * matrix unit wherever it may, which is faster than either of the others but on maps of a tile or
 * two, where Winograd has a sixth of the products and rows are half zeros between them.
 *
 * Per image, in multiply-adds at the machine's peak rate, with C' = C rounded up to whole blocks of
 * 16 lanes, K' likewise, and T = ceil(P / 4) ceil(Q / 4) tiles (ceil(H / 4) ceil(W / 4) in backward
 * by the data):
 *
 *                        products (channels)     direct                    Winograd
 *   forward              C K'                    P Q (C / groups) K' R S   36 T C K'
 *   backward, data       C' K                    P Q C' (K / groups) R S   36 T C' K
 *   backward, weights    C K', Winograd C' K'    P Q (C / groups) K' R S   36 T C' K'
 *
 * With stride 2 (winograd_strided.h) T = ceil(P / 4) ceil(Q / 4) in every pass, and the 36 are 81
 * products, and transforms of 81 C' + 25 K'.
 *
 * A channel that a pass sums over costs what it is; one that it writes comes in whole blocks. To
 * each product term is added what surrounds it: (H W C' + P Q K') map for the direct convolution,
 * which packs and stores every element once, and 36 T (C' + K') transform for Winograd. So a layer
 * with few input channels may use Winograd forward, where they make its products few, and the
 * direct convolution for its weights, where they do not.
 *
 * The weights are fitted to times of 29 layers (tests/bench/bench_conv on Zen 4, AVX-512; AVX2 and
 * the baseline rank the algorithms alike), Winograd's product as the unit of 0.021 ns; `transform`
 * differs because backward by the data reads gradients through two affine maps and writes through
 * one. What it got wrong there lay within a tenth of either, but for the weights of 8-16 channels
 * at 32x32 (1.3). With stride 2 (11 layers, Zen 5) the
 * same weights choose what is a third faster in the median; wrong is the gradient of the filters of
 * 256-512@8 for a single image (1.4), and forward on the baseline (1.2), where they are right for
 * the whole step.
 *
 * im2col has no row. As measured by whole steps with FSNET_FAST=0 (7x7 stem at 224, 5x5, depthwise
 * 3x3 and 5x5, groups of 16) it is the slower one by up to 2.3, but where few channels fill their
 * blocks badly: 20-50 channels of 5x5 take a fifth longer here, a first layer of one channel and
 * 5x5 twice as long. Neither leaves the blocked layout for that. The two backward passes are judged
 * one by one, though where both are Winograd's they share a walk and are cheaper together.
 */
#include "kernels/amx_plan.h"

enum { LEAST_MAP = 36 }; /* pixels, for the matrix unit in place of Winograd */

static const double direct_product = 1.1, direct_map = 10, winograd_product = 1;
static const double winograd_transform[FSN__PASS_COUNT] = {
    [FSN__FORWARD] = 6,
    [FSN__BACKWARD_DATA] = 12,
    [FSN__BACKWARD_WEIGHTS] = 10,
};

static int64_t lanes(int64_t channels)
{
    return (channels + FSN__LANES - 1) / FSN__LANES * FSN__LANES;
}

static double direct_cost(const struct fsn__conv_shape *s, enum fsn__pass pass)
{
    const int64_t c = lanes(s->c), k = lanes(s->k), taps = s->r * s->s;
    const int64_t pairs =
        pass == FSN__BACKWARD_DATA ? c * (s->k / s->groups) : s->c / s->groups * k;

    return (double)(s->p * s->q) * (double)(pairs * taps) * direct_product +
           (double)(c * s->h * s->w + k * s->p * s->q) * direct_map;
}

static double winograd_cost(const struct fsn__conv_shape *s, enum fsn__pass pass)
{
    const bool data = pass == FSN__BACKWARD_DATA, strided = s->stride_y == 2;
    const int64_t rows = data && !strided ? s->h : s->p;
    const int64_t columns = data && !strided ? s->w : s->q;
    const int64_t tiles = (rows + 3) / 4 * ((columns + 3) / 4);
    const int64_t c = lanes(s->c), k = lanes(s->k);
    const int64_t pairs = (pass == FSN__FORWARD ? s->c : c) * (data ? s->k : k);

    const double products = strided ? 81 : 36;
    const double mapped = strided ? 81 * (double)c + 25 * (double)k : 36 * (double)(c + k);

    return (double)tiles *
           (products * (double)pairs * winograd_product + mapped * winograd_transform[pass]);
}

enum fsn__algorithm fsn__choose_algorithm(const struct fsn__conv_shape *shape, enum fsn__pass pass)
{
    const bool by_winograd = fsn__winograd_takes(shape), by_direct = fsn__direct_takes(shape);

    if (shape->bf16 && fsn__amx_takes(shape) && fsn__amx_usable() &&
        !(by_winograd && shape->p * shape->q < LEAST_MAP))
        return FSN__AMX;
    if (by_winograd && by_direct)
        return winograd_cost(shape, pass) < direct_cost(shape, pass) ? FSN__WINOGRAD : FSN__DIRECT;
    return by_winograd ? FSN__WINOGRAD : by_direct ? FSN__DIRECT : FSN__IM2COL;
}

const char *fsn__algorithm_name(enum fsn__algorithm algorithm)
{
    static const char *const names[] = {[FSN__IM2COL] = "im2col",
                                        [FSN__WINOGRAD] = "winograd",
                                        [FSN__DIRECT] = "direct",
                                        [FSN__AMX] = "amx"};

    return names[algorithm];
}
