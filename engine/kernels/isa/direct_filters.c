/* direct_filters.c - filters (filters.h) in the order in which the register tiles read
 * them: for each chunk of destination blocks, source block, tap and lane, the chunk's 16-lane rows.
 * Lanes past the last destination channel are zero, so outputs are zero there; source lanes past
 * the last channel are never read.
 */
#include "kernels/isa/direct.h"

#include <string.h>

/* Room for the piece of one filter that is read at a time. */
typedef float piece[FSN__MAX_CHUNK * FSN__LANES * FSN__DIRECT_MAX_TAPS];

static void pack_depthwise(const struct fsn__conv_shape *shape, const struct fsn__filters *w,
                           float *packed, int64_t block)
{
    const int64_t area = shape->r * shape->s;

    packed += block * area * FSN__LANES;
    for (int64_t lane = 0; lane < FSN__LANES; lane++) {
        const int64_t c = block * FSN__LANES + lane;
        piece copy;
        const float *from = c < shape->c ? fsn__filters_read(w, c, 0, 1, copy) : NULL;

        for (int64_t tap = 0; tap < area; tap++)
            packed[tap * FSN__LANES + lane] = from ? from[tap] : 0.0f;
    }
}

/* Source lane `lane` and destination lanes [0, count) of one chunk: `from` is the filter of the
 * first, the next one lies dst_step further, taps tap_step apart. */
static void pack_lane(const struct fsn__direct_plan *plan, float *to, const float *from,
                      int64_t count, int64_t width, int64_t dst_step, int64_t tap_step)
{
    const int64_t to_step = FSN__LANES * width;

    if (plan->filter_taps == 1) {
        for (int64_t i = 0; i < count; i++)
            to[i] = from[i * dst_step];
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        float *at = to + i;

        for (int64_t tap = 0; tap < plan->filter_taps; tap++, at += to_step)
            *at = from[tap * tap_step];
        from += dst_step;
    }
}

/* One source block of one chunk that begins at destination block dst0. The longer strides of w are
 * walked in the outer loop, so that filters are read in order. */
static void pack_block(const struct fsn__direct_plan *plan, const struct fsn__conv_shape *shape,
                       bool transpose, const struct fsn__filters *w, float *packed, int64_t group,
                       int64_t dst0, int64_t chunk, int64_t block)
{
    const int64_t width = chunk * FSN__LANES, tap_step = plan->few ? shape->s : 1;
    const int64_t area = shape->r * shape->s;
    const int64_t src0 = block * FSN__LANES, d0 = dst0 * FSN__LANES;
    const int64_t src_left = plan->src_channels - src0, dst_left = plan->dst_channels - d0;
    const int64_t lanes = src_left < FSN__LANES ? src_left : FSN__LANES;
    const int64_t real = dst_left < width ? dst_left : width;
    piece copy;

    packed += ((group * plan->dst_blocks + dst0) * plan->src_blocks + block * chunk) *
              plan->filter_taps * FSN__LANES * FSN__LANES;
    for (int64_t i = 0; real < width && i < plan->filter_taps * FSN__LANES; i++)
        memset(packed + i * width + real, 0, (size_t)(width - real) * sizeof *packed);
    if (transpose) { /* source: filters; destination: channels */
        const int64_t k = group * plan->src_channels + src0;

        for (int64_t lane = 0; lane < lanes; lane++)
            pack_lane(plan, packed + lane * width, fsn__filters_read(w, k + lane, d0, real, copy),
                      real, width, area, 1);
        return;
    }
    for (int64_t i = 0; i < real; i++) {
        const int64_t k = group * plan->dst_channels + d0 + i;
        const float *filter = plan->few ? fsn__filters_read(w, k, 0, plan->few_channels, copy)
                                        : fsn__filters_read(w, k, src0, lanes, copy);

        for (int64_t lane = 0; lane < lanes; lane++) {
            const int64_t s = src0 + lane;
            const float *from = filter + lane * area;

            if (plan->few) /* lane = column * C + channel */
                from = filter + s % plan->few_channels * area + s / plan->few_channels;
            pack_lane(plan, packed + lane * width + i, from, 1, width, 0, tap_step);
        }
    }
}

void fsn__direct_pack_filters(const struct fsn__direct_plan *plan,
                              const struct fsn__conv_shape *shape, bool transpose,
                              const struct fsn__filters *w, float *packed, int thread, int threads)
{
    int64_t begin, end;

    fsn__share(plan->groups * plan->src_blocks, thread, threads, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        const int64_t group = item / plan->src_blocks, block = item % plan->src_blocks;

        if (plan->depthwise) {
            pack_depthwise(shape, w, packed, group);
            continue;
        }
        for (int64_t dst0 = 0; dst0 < plan->dst_blocks;) {
            const int chunk = fsn__direct_chunk(plan->dst_blocks - dst0);

            pack_block(plan, shape, transpose, w, packed, group, dst0, chunk, block);
            dst0 += chunk;
        }
    }
}
