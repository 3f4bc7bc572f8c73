/*
 * choose_3d.c - grid and strides of a Filter Summary of layout 3d.
 *
 * Source: Yang et al., FSNet v1 (arXiv 1902.03264v1) and the grids of its reference implementation:
 * K = g_c g_y g_x filters at strides t_c = C / g_c, t_y = t_x = 2, so D = C, H = 2 g_y, V = 2 g_x
 * and a 3x3 layer's ratio is 9 g_c / 4. Its tables, as g_y g_x g_c:
 *   64 = 4 4 4, 128 = 8 4 4, 256 = 8 8 4, 512 = 8 8 8; on an image of 3 channels 64 = 8 8 1.
 *
 * Here the grid follows from the budget, for any layer. g_c runs over the divisors of C. The K/g_c
 * places in the plane make a rectangle, as square as possible. Of these candidates the one nearest
 * to the ratio (in its logarithm) is taken, out of the strictest class that meets the budget:
 *   1. the grid has exactly K places, is not deeper than wide (g_c <= g_y, g_x), and neighbours lie
 *      two steps apart in the plane and in depth;
 *   2. deeper than wide too: few filters a layer then share an edge, many the same rows;
 *   3. with places left empty: K prime, say;
 *   4. strides of 1: neighbours share most of their weights, which costs the most accuracy.
 * The tables above come out of class 1 for every ratio from 13 to 18, and so does g_c = 2, the
 * reference's choice for the narrow networks of CIFAR, for ratios from 3.2 to 6.3.
 *
 * Larger filters may also lie further apart, as long as they overlap: t up to R - 1, at most
 * MAX_STRIDE. An axis on which the filter has one element has stride 1. 1x1 filters have nothing to
 * share but channels: g_y = g_x = 1, g_c = K, t_c = floor(C / ratio), D = K t_c.
 */
#include "fs/choose.h"

#include <math.h>

enum { MAX_STRIDE = 16 };

/* How far from the budget (ratio asked / ratio reached) the classes so far may be before the next
 * one is tried as well. */
static const struct class
{
    bool deep, padded, close;
    double miss;
} classes[] = {
    {.miss = 0},
    {.deep = true, .miss = 2},
    {.deep = true, .padded = true, .miss = 2},
    {.deep = true, .padded = true, .close = true, .miss = 8},
};

static int64_t filter_elements(const struct fsn__fs_geometry *g)
{
    return g->k * fsn__fs_filter_size(g);
}

static double reached(const struct fsn__fs_geometry *g)
{
    return (double)filter_elements(g) / (double)fsn__fs_size(g);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* The rectangle g_y >= g_x of the fewest places that holds `places` and is at most four times as
 * long as wide; the squarest of equals. */
static void plane(int64_t places, int64_t *g_y, int64_t *g_x)
{
    int64_t x = (int64_t)sqrt((double)places), best = INT64_MAX;

    for (; x >= 1; x--) {
        int64_t y = ceil_div(places, x);

        if (y > 4 * x)
            break;
        if (y * x < best) {
            best = y * x;
            *g_y = y;
            *g_x = x;
        }
    }
}

/* Stride along an axis of the plane on which the filter has `extent` elements. */
static int64_t plane_stride(int64_t extent, int64_t wish)
{
    const int64_t largest = extent > 3 ? extent - 1 : 2;

    if (extent == 1)
        return 1;
    return wish < largest ? wish : largest;
}

/* Sets grid, strides and sizes for g_c layers and a wished stride in the plane. */
static void lay_out(struct fsn__fs_geometry *g, int64_t g_c, int64_t wish)
{
    g->grid[0] = g_c;
    plane(ceil_div(g->k, g_c), &g->grid[1], &g->grid[2]);
    g->stride[0] = g->c / g_c;
    g->stride[1] = plane_stride(g->r, wish);
    g->stride[2] = plane_stride(g->s, wish);
    for (int i = 0; i < 3; i++)
        g->fs_dim[i] = g->grid[i] * g->stride[i];
}

static bool allowed(const struct fsn__fs_geometry *g, const struct class *class)
{
    const int64_t *grid = g->grid;

    if (!class->deep && (grid[0] > grid[1] || grid[0] > grid[2]))
        return false;
    if (!class->padded && grid[0] * grid[1] * grid[2] != g->k)
        return false;
    return class->close || grid[0] == 1 || g->stride[0] >= 2;
}

/* Tries one (g_c, stride) and keeps it in *best when it comes nearer to the ratio. */
static void consider(const struct fsn__fs_geometry *layer, const struct class *class, int64_t g_c,
                     int64_t wish, double ratio, struct fsn__fs_geometry *best, double *distance)
{
    struct fsn__fs_geometry g = *layer;
    double d;

    if (g_c > g.k)
        return;
    lay_out(&g, g_c, wish);
    d = fabs(log(reached(&g) / ratio));
    if (allowed(&g, class) && d < *distance) {
        *distance = d;
        *best = g;
    }
}

static void search(const struct fsn__fs_geometry *layer, const struct class *class, double ratio,
                   struct fsn__fs_geometry *best, double *distance)
{
    const int64_t longest = layer->r > layer->s ? layer->r : layer->s;
    const int64_t last = plane_stride(longest, MAX_STRIDE);

    for (int64_t wish = class->close ? 1 : 2; wish <= last; wish++)
        for (int64_t i = 1; i * i <= layer->c; i++)
            if (layer->c % i == 0) {
                consider(layer, class, i, wish, ratio, best, distance);
                consider(layer, class, layer->c / i, wish, ratio, best, distance);
            }
}

static void lay_out_1x1(struct fsn__fs_geometry *g, double ratio)
{
    double t_c = floor((double)g->c / ratio);

    g->grid[0] = g->k;
    g->grid[1] = g->grid[2] = 1;
    g->stride[0] = t_c > 1 ? (int64_t)t_c : 1;
    g->stride[1] = g->stride[2] = 1;
    g->fs_dim[0] = g->k * g->stride[0];
    g->fs_dim[1] = g->fs_dim[2] = 1;
}

struct fsn__fs_geometry fsn__fs_choose_3d(int64_t k, int64_t c, int64_t r, int64_t s, double ratio)
{
    struct fsn__fs_geometry layer = {.layout = FSN_LAYOUT_3D, .k = k, .c = c, .r = r, .s = s};
    struct fsn__fs_geometry best = layer;
    double distance = INFINITY;

    if (r == 1 && s == 1) {
        lay_out_1x1(&best, ratio);
        return best;
    }
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (distance == INFINITY || ratio / reached(&best) > classes[i].miss)
            search(&layer, &classes[i], ratio, &best, &distance);
    return best;
}
