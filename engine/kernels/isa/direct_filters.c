/* direct_filters.c - filters [K][C / groups][R][S] in the order in which the register tiles read
 * them: for each chunk of destination blocks, source block, tap and lane, the chunk's 16-lane rows.
 * Lanes past the last destination channel are zero, so outputs are zero there; source lanes past
 * the last channel are never read.
 */
#include "kernels/isa/direct.h"

/* Where the filters of (destination channel d, source channel s of the group) begin, and how far
 * apart its packed taps lie there. */
static int64_t filter_at(const struct fsn__direct_plan *plan, const struct fsn__conv_shape *shape,
                         bool transpose, int64_t group, int64_t d, int64_t s)
{
    const int64_t cg = shape->c / shape->groups, area = shape->r * shape->s;

    if (transpose) /* source: filters; destination: channels */
        return ((group * plan->src_channels + s) * cg + d) * area;
    if (plan->few) /* lane = column * C + channel */
        return (d * cg + s % plan->few_channels) * area + s / plan->few_channels;
    return ((group * plan->dst_channels + d) * cg + s) * area;
}

static void pack_depthwise(const struct fsn__conv_shape *shape, const float *w, float *packed,
                           int64_t block)
{
    const int64_t area = shape->r * shape->s;

    for (int64_t tap = 0; tap < area; tap++)
        for (int64_t lane = 0; lane < FSN__LANES; lane++) {
            const int64_t c = block * FSN__LANES + lane;

            packed[(block * area + tap) * FSN__LANES + lane] =
                c < shape->c ? w[c * area + tap] : 0.0f;
        }
}

/* One source block of one chunk that begins at destination block dst0. */
static void pack_block(const struct fsn__direct_plan *plan, const struct fsn__conv_shape *shape,
                       bool transpose, const float *w, float *packed, int64_t group, int64_t dst0,
                       int64_t chunk, int64_t block)
{
    const int64_t width = chunk * FSN__LANES, step = plan->few ? shape->s : 1;
    const int64_t left = plan->src_channels - block * FSN__LANES;
    const int64_t lanes = left < FSN__LANES ? left : FSN__LANES;

    packed += ((group * plan->dst_blocks + dst0) * plan->src_blocks + block * chunk) *
              plan->filter_taps * FSN__LANES * FSN__LANES;
    for (int64_t i = 0; i < width; i++) {
        const int64_t d = dst0 * FSN__LANES + i;

        for (int64_t lane = 0; lane < lanes; lane++) {
            const int64_t s = block * FSN__LANES + lane;
            const bool real = d < plan->dst_channels;
            const float *from = real ? w + filter_at(plan, shape, transpose, group, d, s) : NULL;

            for (int64_t tap = 0; tap < plan->filter_taps; tap++)
                packed[(tap * FSN__LANES + lane) * width + i] = real ? from[tap * step] : 0.0f;
        }
    }
}

void fsn__direct_pack_filters(const struct fsn__direct_plan *plan,
                              const struct fsn__conv_shape *shape, bool transpose, const float *w,
                              float *packed, int thread, int threads)
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
            const int chunk = fsn__direct_chunk(plan, plan->dst_blocks - dst0);

            pack_block(plan, shape, transpose, w, packed, group, dst0, chunk, block);
            dst0 += chunk;
        }
    }
}
