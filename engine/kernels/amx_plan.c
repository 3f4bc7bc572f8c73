/* amx_plan.c - which shapes the matrix unit takes, and the geometry of its passes. */
#include "kernels/amx_plan.h"

/* Elements of source and destination of a batch or band: with what belongs to them backward (z, the
 * raw input, what is packed) most of a L2 of 2 MB, which CPUs with this unit have. */
#define BATCH_ELEMENTS INT64_C(131072)
/* Filters and their sums are gone through for every batch: it has this share of their number at
 * least. */
#define FILTER_SHARE 8
/* Positions whose sums are held at a time: 36 KB for two blocks. */
#define STRIP_POSITIONS INT64_C(288)

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of one side: what is padded before and after lies within the filter. */
static bool pads_fit(int64_t in, int64_t out, int64_t filter, int64_t before)
{
    const int64_t after = out + filter - 1 - in - before;

    return in >= 1 && out >= 1 && before >= 0 && before < filter && after >= 0 && after < filter;
}

bool fsn__amx_takes(const struct fsn__conv_shape *s)
{
    return s->stride_y == 1 && s->stride_x == 1 && s->dilation_y == 1 && s->dilation_x == 1 &&
           s->groups == 1 && s->r >= 1 && s->s >= 1 && s->r <= FSN__AMX_MAX_TAPS &&
           s->s <= FSN__AMX_MAX_TAPS && s->r * s->s <= FSN__AMX_MAX_TAPS && s->n >= 1 &&
           s->c >= 1 && s->k >= 1 && pads_fit(s->h, s->p, s->r, s->pad_top) &&
           pads_fit(s->w, s->q, s->s, s->pad_left);
}

/* Whole images, several if they fit; bands of one that is large, or where there are fewer than
 * threads. */
static void cut(struct fsn__amx_plan *plan, int threads)
{
    const int64_t blocks = plan->src_blocks + plan->dst_blocks;
    const int64_t row = most(plan->src_w, plan->dst_w) * blocks * FSN__LANES;
    const int64_t image = most(plan->src_h, plan->dst_h) * row;
    const int64_t share = (plan->images + threads - 1) / threads;
    const int64_t filters = plan->src_channels * plan->dst_channels * plan->r * plan->s;
    int64_t batch = most(BATCH_ELEMENTS, filters / FILTER_SHARE) / image;

    plan->band = plan->dst_h;
    plan->bands = 1;
    if (image > 4 * BATCH_ELEMENTS) {
        plan->band = least(most(2 * BATCH_ELEMENTS / row - (plan->r - 1), 1), plan->dst_h);
        plan->bands = (plan->dst_h + plan->band - 1) / plan->band;
    }
    if (plan->images < threads) {
        const int64_t parts = (threads + plan->images - 1) / plan->images;

        plan->band = least(plan->band, (plan->dst_h + parts - 1) / parts);
        plan->bands = (plan->dst_h + plan->band - 1) / plan->band;
    }
    batch = plan->bands > 1 ? 1 : most(least(batch, share), 1);
    plan->batches =
        plan->bands > 1 ? plan->images : least((share + batch - 1) / batch * threads, plan->images);
    plan->most = (plan->images + plan->batches - 1) / plan->batches;
    plan->strip = most(STRIP_POSITIONS / plan->pitch, 1);
}

static void measure(struct fsn__amx_plan *plan, int threads)
{
    const int64_t right = plan->dst_w + plan->s - 1 - plan->src_w - plan->left;
    const int64_t bottom = plan->dst_h + plan->r - 1 - plan->src_h - plan->top;

    plan->src_blocks = fsn__channel_blocks(plan->src_channels);
    plan->dst_blocks = fsn__channel_blocks(plan->dst_channels);
    plan->pitch = plan->src_w + most(plan->left, right);
    plan->image_rows = plan->src_h + most(plan->top, bottom);
    plan->lanes = plan->src_blocks == 1 ? FSN__LANES : FSN__AMX_DEPTH;
    plan->chunks = (plan->src_blocks * FSN__LANES + plan->lanes - 1) / plan->lanes;
    plan->steps_across = plan->src_blocks == 1 ? (plan->s + 1) / 2 : plan->s;
    cut(plan, threads);
}

void fsn__amx_plan_forward(const struct fsn__conv_shape *s, int threads, struct fsn__amx_plan *plan)
{
    *plan = (struct fsn__amx_plan){.images = s->n,
                                   .src_channels = s->c,
                                   .dst_channels = s->k,
                                   .src_h = s->h,
                                   .src_w = s->w,
                                   .dst_h = s->p,
                                   .dst_w = s->q,
                                   .r = s->r,
                                   .s = s->s,
                                   .top = s->pad_top,
                                   .left = s->pad_left};
    measure(plan, threads);
}

void fsn__amx_plan_backward(const struct fsn__conv_shape *s, int threads,
                            struct fsn__amx_plan *plan)
{
    *plan = (struct fsn__amx_plan){.images = s->n,
                                   .src_channels = s->k,
                                   .dst_channels = s->c,
                                   .src_h = s->p,
                                   .src_w = s->q,
                                   .dst_h = s->h,
                                   .dst_w = s->w,
                                   .r = s->r,
                                   .s = s->s,
                                   .top = s->r - 1 - s->pad_top,
                                   .left = s->s - 1 - s->pad_left};
    measure(plan, threads);
}

struct fsn__amx_band fsn__amx_band(const struct fsn__amx_plan *plan, int64_t item)
{
    const int64_t batch = item / plan->bands, image = plan->images * batch / plan->batches;
    struct fsn__amx_band band = {.image = image,
                                 .images = plan->images * (batch + 1) / plan->batches - image,
                                 .row0 = item % plan->bands * plan->band};

    band.rows = plan->bands > 1 ? least(plan->band, plan->dst_h - band.row0)
                                : (band.images - 1) * plan->image_rows + plan->dst_h;
    return band;
}

int64_t fsn__amx_most_rows(const struct fsn__amx_plan *plan)
{
    return plan->bands > 1 ? plan->band : (plan->most - 1) * plan->image_rows + plan->dst_h;
}

bool fsn__amx_joint(const struct fsn__amx_plan *data, const struct fsn__amx_plan *weights)
{
    return data->bands == 1 && weights->bands == 1 && data->batches == weights->batches &&
           data->pitch == weights->pitch && data->image_rows == weights->image_rows;
}
