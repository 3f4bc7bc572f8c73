/* direct_plan.c - which shapes the direct convolution takes, and the geometry of its passes. */
#include "kernels/direct_plan.h"

#include <string.h>

/* Floats of a packed band: a fraction of the L2 (1 MB on the machines measured), which filters,
 * sums and the destination share. */
#define BAND_FLOATS INT64_C(49152)
/* Floats of the packed maps of a batch; half of the L2 is left to filters, sums and destination. */
#define BATCH_FLOATS INT64_C(131072)
/* Wider dilation or padding than the filter would make packed rows of mostly zeros. */
#define MAX_DILATION 64
/* Neighbouring rows of a 1x1 convolution are one long row up to this many pixels. */
#define LONG_ROW 256

bool fsn__direct_takes(const struct fsn__conv_shape *shape)
{
    const int64_t cg = shape->groups > 0 ? shape->c / shape->groups : 0;
    const int64_t kg = shape->groups > 0 ? shape->k / shape->groups : 0;

    if (shape->n < 1 || shape->p < 1 || shape->q < 1 || shape->h < 1 || shape->w < 1)
        return false;
    if (shape->r < 1 || shape->s < 1 || shape->r > FSN__DIRECT_MAX_TAPS ||
        shape->s > FSN__DIRECT_MAX_TAPS || shape->r * shape->s > FSN__DIRECT_MAX_TAPS)
        return false;
    if (shape->stride_y < 1 || shape->stride_x < 1 || shape->stride_y > FSN__DIRECT_MAX_STRIDE ||
        shape->stride_x > FSN__DIRECT_MAX_STRIDE || shape->dilation_y < 1 || shape->dilation_x < 1)
        return false;
    if (shape->dilation_y > MAX_DILATION || shape->dilation_x > MAX_DILATION ||
        shape->pad_top < 0 || shape->pad_left < 0 ||
        shape->pad_top > (shape->r - 1) * shape->dilation_y ||
        shape->pad_left > (shape->s - 1) * shape->dilation_x)
        return false;
    if (cg < 1 || kg < 1)
        return false;
    if (shape->groups == 1)
        return true;
    if (cg == 1)
        return kg == 1;
    return cg % FSN__LANES == 0 && kg % FSN__LANES == 0;
}

static void set_channels(const struct fsn__conv_shape *shape, int64_t src, int64_t dst,
                         struct fsn__direct_plan *plan)
{
    plan->depthwise = shape->groups > 1 && shape->groups == shape->c;
    plan->images = shape->n;
    plan->groups = plan->depthwise ? fsn__channel_blocks(shape->c) : shape->groups;
    plan->src_channels = plan->depthwise ? FSN__LANES : src / shape->groups;
    plan->dst_channels = plan->depthwise ? FSN__LANES : dst / shape->groups;
    plan->src_blocks = fsn__channel_blocks(plan->src_channels);
    plan->dst_blocks = fsn__channel_blocks(plan->dst_channels);
    plan->src_map_blocks = fsn__channel_blocks(src);
    plan->dst_map_blocks = fsn__channel_blocks(dst);
    plan->taps = plan->filter_taps = shape->r * shape->s;
}

/* Offsets of rows and columns come in `row` and `col` by the tap's number; they become offsets in
 * the packed source. */
static void pack_geometry(struct fsn__direct_plan *plan, const int64_t *row, const int64_t *col)
{
    int64_t col_max = INT64_MIN, width, fixed, per_row;

    plan->row_min = plan->col_min = INT64_MAX;
    plan->row_max = INT64_MIN;
    for (int64_t t = 0; t < plan->taps; t++) {
        const int64_t y = row[plan->tap[t].weight], x = col[plan->tap[t].weight];

        plan->row_min = y < plan->row_min ? y : plan->row_min;
        plan->row_max = y > plan->row_max ? y : plan->row_max;
        plan->col_min = x < plan->col_min ? x : plan->col_min;
        col_max = x > col_max ? x : col_max;
    }
    if (plan->taps == 0) /* every tap falls between the elements of so small a map */
        plan->row_min = plan->row_max = plan->col_min = col_max = 0;
    width = (plan->grid_cols - 1) * plan->src_step_x + col_max - plan->col_min + 1;
    plan->column_pitch = (width + plan->src_step_x - 1) / plan->src_step_x;
    plan->row_pitch = plan->column_pitch * plan->src_step_x * FSN__LANES;
    for (int64_t t = 0; t < plan->taps; t++) {
        struct fsn__direct_tap *tap = &plan->tap[t];
        const int64_t down = row[tap->weight] - plan->row_min;
        const int64_t right = col[tap->weight] - plan->col_min;

        tap->source =
            down * plan->row_pitch + (right % plan->src_step_x) * plan->column_pitch * FSN__LANES;
        tap->source += right / plan->src_step_x * FSN__LANES;
        plan->rows_used |= 1u << (down % plan->src_step_y);
        plan->cols_used |= 1u << (right % plan->src_step_x);
    }
    fixed = plan->row_max - plan->row_min + 1;
    per_row = plan->row_pitch * plan->src_blocks;
    plan->band = (BAND_FLOATS / per_row - fixed) / plan->src_step_y + 1;
    plan->band = plan->band < 1 ? 1 : plan->band;
    plan->band = plan->band > plan->grid_rows ? plan->grid_rows : plan->band;
    plan->bands = (plan->grid_rows + plan->band - 1) / plan->band;
    plan->band = (plan->grid_rows + plan->bands - 1) / plan->bands;
    plan->bands = (plan->grid_rows + plan->band - 1) / plan->band;
    plan->block_pitch = fsn__direct_packed_rows(plan, plan->band) * plan->row_pitch;
}

/* A 1x1 convolution of stride 1 sees no rows: m rows of a map are one row m times as long, which
 * splits into register tiles with less waste. */
static struct fsn__conv_shape merge_rows(const struct fsn__conv_shape *shape)
{
    struct fsn__conv_shape merged = *shape;
    int64_t rows = 1;

    if (shape->r != 1 || shape->s != 1 || shape->stride_y != 1 || shape->stride_x != 1 ||
        shape->pad_top != 0 || shape->pad_left != 0 || shape->p != shape->h || shape->q != shape->w)
        return merged;
    for (int64_t m = 2; m <= shape->h && m * shape->w <= LONG_ROW; m++)
        if (shape->h % m == 0)
            rows = m;
    merged.h = merged.p = shape->h / rows;
    merged.w = merged.q = shape->w * rows;
    return merged;
}

void fsn__direct_plan_forward(const struct fsn__conv_shape *given, struct fsn__direct_plan *plan)
{
    const struct fsn__conv_shape merged = merge_rows(given), *shape = &merged;
    int64_t row[FSN__DIRECT_MAX_TAPS], col[FSN__DIRECT_MAX_TAPS];

    memset(plan, 0, sizeof *plan);
    set_channels(shape, shape->c, shape->k, plan);
    plan->few = shape->groups == 1 && shape->c <= 4 && shape->s > 1;
    plan->src_h = shape->h;
    plan->src_w = shape->w;
    plan->dst_h = plan->grid_rows = shape->p;
    plan->dst_w = plan->grid_cols = shape->q;
    plan->src_step_y = shape->stride_y;
    plan->src_step_x = plan->few ? 1 : shape->stride_x;
    plan->dst_step_y = plan->dst_step_x = 1;
    if (plan->few) {
        plan->few_channels = shape->c;
        plan->few_cols = shape->s;
        plan->few_step = shape->stride_x;
        plan->few_dilation = shape->dilation_x;
        plan->few_left = shape->pad_left;
        plan->src_channels = shape->c * shape->s;
        plan->src_blocks = fsn__channel_blocks(plan->src_channels);
        plan->taps = plan->filter_taps = shape->r;
    }
    for (int64_t t = 0; t < plan->taps; t++) {
        const int64_t r = plan->few ? t : t / shape->s, s = plan->few ? 0 : t % shape->s;

        row[t] = r * shape->dilation_y - shape->pad_top;
        col[t] = plan->few ? 0 : s * shape->dilation_x - shape->pad_left;
        plan->tap[t].weight = t;
    }
    plan->phase_count = 1;
    plan->phase[0] =
        (struct fsn__direct_phase){.rows = shape->p, .cols = shape->q, .taps = (int)plan->taps};
    pack_geometry(plan, row, col);
}

void fsn__direct_plan_backward(const struct fsn__conv_shape *given, struct fsn__direct_plan *plan)
{
    const struct fsn__conv_shape merged = merge_rows(given), *shape = &merged;
    const int64_t sy = shape->stride_y, sx = shape->stride_x;
    int64_t row[FSN__DIRECT_MAX_TAPS], col[FSN__DIRECT_MAX_TAPS];
    int taps = 0;

    memset(plan, 0, sizeof *plan);
    set_channels(shape, shape->k, shape->c, plan);
    plan->src_h = shape->p;
    plan->src_w = shape->q;
    plan->dst_h = shape->h;
    plan->dst_w = shape->w;
    plan->src_step_y = plan->src_step_x = 1;
    plan->dst_step_y = sy;
    plan->dst_step_x = sx;
    plan->grid_rows = (shape->h + sy - 1) / sy;
    plan->grid_cols = (shape->w + sx - 1) / sx;
    for (int64_t py = 0; py < sy && py < shape->h; py++) {
        for (int64_t px = 0; px < sx && px < shape->w; px++) {
            struct fsn__direct_phase *phase = &plan->phase[plan->phase_count++];

            phase->y0 = py;
            phase->x0 = px;
            phase->rows = (shape->h - py + sy - 1) / sy;
            phase->cols = (shape->w - px + sx - 1) / sx;
            phase->tap0 = taps;
            for (int64_t t = 0; t < shape->r * shape->s; t++) {
                const int64_t down = py + shape->pad_top - t / shape->s * shape->dilation_y;
                const int64_t right = px + shape->pad_left - t % shape->s * shape->dilation_x;

                if (down % sy != 0 || right % sx != 0)
                    continue;
                row[t] = down / sy;
                col[t] = right / sx;
                plan->tap[taps++].weight = t;
            }
            phase->taps = taps - phase->tap0;
        }
    }
    plan->taps = taps;
    pack_geometry(plan, row, col);
}

struct fsn__direct_batches fsn__direct_batch(const struct fsn__direct_plan *plan, int threads)
{
    const int64_t share = (plan->images + threads - 1) / threads; /* of a thread */
    int64_t most = BATCH_FLOATS / (plan->src_blocks * plan->block_pitch), batches;

    most = plan->bands > 1 || most < 1 ? 1 : most;
    batches = (share + most - 1) / most * threads;
    batches = batches < plan->images ? batches : plan->images;
    return (struct fsn__direct_batches){batches, (plan->images + batches - 1) / batches};
}
