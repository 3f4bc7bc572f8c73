/* direct_weights.c - the gradient of the filters: for every tap (r, s),
 *
 *     dw[k, c, r, s] += sum over n, p, q of dz[n, k, p, q] x[n, c, p sy + r dy - top, q sx + ...]
 *
 * A task item is a band of rows of one group, of several images at once when maps are small: x is
 * packed as forward packs it (direct_plan.h), dz too if it must be transformed, and for each pair
 * of blocks and each tap the 16 x 16 gradients stay in registers while the pixels of the item pass
 * by. Each thread sums into gradients of its own, [group][dst block][src block][tap][lane][16];
 * these are added up in the order of the threads and put in the filters' order.
 */
#include "kernels/isa/direct.h"

struct weights {
    struct fsn__direct_plan plan;
    const struct fsn__conv_shape *shape;
    const float *x, *dz;
    struct fsn__reader x_reader, dz_reader;
    bool dz_in_place;
    struct fsn__direct_batches batch;
    float *packed, *dz_packed, *sum;              /* [threads] */
    int64_t packed_floats, dz_floats, sum_floats; /* of one thread */
    float *dw;
};

static int64_t pair_floats(const struct fsn__direct_plan *plan)
{
    return plan->filter_taps * FSN__LANES * (plan->depthwise ? 1 : FSN__LANES);
}

static void measure(struct weights *g, int threads)
{
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t image = plan->src_blocks * plan->block_pitch;

    g->batch = fsn__direct_batch(plan, threads);
    g->packed_floats = g->batch.most * image;
    g->dz_floats = g->batch.most * plan->dst_blocks * plan->band * plan->dst_w * FSN__LANES;
    g->sum_floats = plan->groups * plan->dst_blocks * plan->src_blocks * pair_floats(plan);
}

size_t fsn__direct_weights_work(const struct fsn__conv_shape *shape, int threads)
{
    struct weights g = {0};

    fsn__direct_plan_forward(shape, &g.plan);
    measure(&g, threads);
    return (size_t)(threads * (g.packed_floats + g.dz_floats + g.sum_floats)) * sizeof(float);
}

/* Reads x of `images` images into packed, and dz into dz_packed unless it is used where it is. */
static void pack_item(const struct weights *g, int64_t image0, int64_t images, int64_t group,
                      int64_t row0, int64_t rows, float *packed, float *dz_packed)
{
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t x_map = plan->src_h * plan->src_w * FSN__LANES;
    const int64_t dz_map = plan->dst_h * plan->dst_w * FSN__LANES;
    const int64_t pixels = rows * plan->dst_w;
    const int64_t x_block = plan->few ? 0 : group * plan->src_blocks;

    for (int64_t i = 0; i < images; i++) {
        const int64_t x_at = ((image0 + i) * plan->src_map_blocks + x_block) * x_map;
        const struct fsn__reader reader =
            fsn__direct_reader_at(&g->x_reader, x_block * FSN__LANES, x_at);

        fsn__direct_pack_source(plan, g->x + x_at, &reader, row0, rows,
                                packed + i * plan->src_blocks * plan->block_pitch);
        for (int64_t b = 0; !g->dz_in_place && b < plan->dst_blocks; b++) {
            const int64_t block = group * plan->dst_blocks + b;
            const int64_t at = ((image0 + i) * plan->dst_map_blocks + block) * dz_map +
                               row0 * plan->dst_w * FSN__LANES;
            const struct fsn__reader dz_reader =
                fsn__direct_reader_at(&g->dz_reader, block * FSN__LANES, at);

            fsn__direct_read(dz_packed + (i * plan->dst_blocks + b) * pixels * FSN__LANES,
                             g->dz + at, pixels, &dz_reader);
        }
    }
}

/* All taps of one pair of blocks over the pixels that `outer` describes. */
static void run_pair(const struct fsn__direct_plan *plan, struct fsn__outer *outer,
                     const float *source, int64_t lanes)
{
    const int64_t tiles = (lanes + FSN__MAX_OUTER - 1) / FSN__MAX_OUTER;
    float *dw = outer->dw;

    for (int64_t t = 0; t < plan->filter_taps; t++) {
        const float *x = source + plan->tap[t].source;

        for (int64_t i = 0; i < tiles; i++) {
            const int64_t lane = lanes * i / tiles, end = lanes * (i + 1) / tiles;

            outer->x = x + lane;
            outer->dw = dw + (t * FSN__LANES + lane) * FSN__LANES;
            fsn__outer_tile(end - lane)(outer);
        }
    }
}

/* Depthwise there are two loads to a multiplication: all taps of a row, while it is in the L1. */
static void run_depthwise(const struct fsn__direct_plan *plan, const struct fsn__outer *all,
                          const float *source)
{
    struct fsn__outer one = *all;

    one.images = one.rows = 1;
    for (int64_t i = 0; i < all->images * all->rows; i++) {
        const int64_t image = i / all->rows, row = i % all->rows;

        one.dz = all->dz + image * all->dz_image + row * all->dz_row;
        for (int64_t t = 0; t < plan->filter_taps; t++) {
            one.x = source + plan->tap[t].source + image * all->x_image + row * all->x_row;
            one.dw = all->dw + t * FSN__LANES;
            fsn__outer_depthwise(&one);
        }
        one.add = true;
    }
}

static void run_item(const struct weights *g, int64_t item, bool add, float *packed,
                     float *dz_packed, float *sum)
{
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t group = item % plan->groups, part = item / plan->groups;
    const int64_t row0 = part % plan->bands * plan->band;
    const int64_t batch = part / plan->bands, image0 = plan->images * batch / g->batch.batches;
    const int64_t images = plan->images * (batch + 1) / g->batch.batches - image0;
    const int64_t rows = plan->dst_h - row0 < plan->band ? plan->dst_h - row0 : plan->band;
    const int64_t dz_map = plan->dst_h * plan->dst_w * FSN__LANES;
    const int64_t dz_block = g->dz_in_place ? dz_map : rows * plan->dst_w * FSN__LANES;
    const float *dz = dz_packed;

    pack_item(g, image0, images, group, row0, rows, packed, dz_packed);
    if (g->dz_in_place)
        dz = g->dz + (image0 * plan->dst_map_blocks + group * plan->dst_blocks) * dz_map +
             row0 * plan->dst_w * FSN__LANES;
    sum += group * plan->dst_blocks * plan->src_blocks * pair_floats(plan);
    for (int64_t b = 0; b < plan->dst_blocks; b++) {
        for (int64_t c = 0; c < plan->src_blocks; c++) {
            const int64_t left = plan->src_channels - c * FSN__LANES;
            struct fsn__outer outer = {
                .dz = dz + b * dz_block,
                .x_image = plan->src_blocks * plan->block_pitch,
                .x_row = plan->src_step_y * plan->row_pitch,
                .dz_image = (g->dz_in_place ? plan->dst_map_blocks : plan->dst_blocks) * dz_block,
                .dz_row = plan->dst_w * FSN__LANES,
                .images = images,
                .rows = rows,
                .cols = plan->dst_w,
                .dw = sum + (b * plan->src_blocks + c) * pair_floats(plan),
                .add = add,
            };

            if (plan->depthwise)
                run_depthwise(plan, &outer, packed);
            else
                run_pair(plan, &outer, packed + c * plan->block_pitch,
                         left < FSN__LANES ? left : FSN__LANES);
        }
    }
}

static void item_task(void *arg, int thread, int threads)
{
    const struct weights *g = arg;
    const struct fsn__direct_plan *plan = &g->plan;
    int64_t begin, end;

    fsn__share(g->batch.batches * plan->bands * plan->groups, thread, threads, &begin, &end);
    for (int64_t item = begin; item < end; item++)
        run_item(g, item, item - begin >= plan->groups, g->packed + thread * g->packed_floats,
                 g->dz_packed + thread * g->dz_floats, g->sum + thread * g->sum_floats);
}

/* Whether the thread had an item of the group: item % groups == group in its share. */
static bool had_group(const struct weights *g, int64_t group, int thread, int threads)
{
    const int64_t groups = g->plan.groups;
    int64_t begin, end;

    fsn__share(g->batch.batches * g->plan.bands * groups, thread, threads, &begin, &end);
    return (group + groups - begin % groups) % groups < end - begin;
}

/* dw of one pair of blocks, from one thread's sums of it. */
static void add_pair(const struct weights *g, const float *sum, int64_t group, int64_t b, int64_t c)
{
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t area = g->shape->r * g->shape->s, cg = g->shape->c / g->shape->groups;
    const int64_t tap_step = plan->few ? g->shape->s : 1;
    const int64_t sum_step = plan->depthwise ? FSN__LANES : FSN__LANES * FSN__LANES;
    const int64_t first_k = (group * plan->dst_blocks + b) * FSN__LANES;
    const int64_t left =
        plan->depthwise ? g->shape->k - first_k : plan->dst_channels - b * FSN__LANES;
    const int64_t src_left = plan->depthwise ? 1 : plan->src_channels - c * FSN__LANES;
    const int64_t lanes = src_left < FSN__LANES ? src_left : FSN__LANES;

    for (int64_t i = 0; i < left && i < FSN__LANES; i++) {
        float *filter = g->dw + (first_k + i) * cg * area;

        for (int64_t lane = 0; lane < lanes; lane++) {
            const int64_t s = c * FSN__LANES + lane;
            const float *from = sum + lane * FSN__LANES + i;
            float *dw = filter + s * area;

            if (plan->few)
                dw = filter + s % plan->few_channels * area + s / plan->few_channels;
            for (int64_t t = 0; t < plan->filter_taps; t++)
                dw[t * tap_step] += from[t * sum_step];
        }
    }
}

static void add_task(void *arg, int thread, int threads)
{
    const struct weights *g = arg;
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t pair = pair_floats(plan);
    int64_t begin, end;

    fsn__share(plan->groups * plan->dst_blocks * plan->src_blocks, thread, threads, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        const int64_t group = item / plan->src_blocks / plan->dst_blocks;
        float *total = NULL;

        for (int from = 0; from < threads; from++) {
            float *sum = g->sum + from * g->sum_floats + item * pair;

            if (!had_group(g, group, from, threads))
                continue;
            for (int64_t i = 0; total && i < pair; i++)
                total[i] += sum[i];
            total = total ? total : sum;
        }
        if (total)
            add_pair(g, total, group, item / plan->src_blocks % plan->dst_blocks,
                     item % plan->src_blocks);
    }
}

void fsn__direct_backward_weights(const struct fsn__conv_shape *shape, const float *x,
                                  const struct fsn__load *load, const float *dz,
                                  const struct fsn__grad_load *grad, float *dw, void *work,
                                  struct fsn__pool *pool)
{
    const int threads = fsn__pool_slices(pool);
    struct weights g = {.shape = shape, .x = x, .dz = dz, .dw = dw, .packed = work};

    fsn__direct_plan_forward(shape, &g.plan);
    measure(&g, threads);
    g.dz_packed = g.packed + threads * g.packed_floats;
    g.sum = g.dz_packed + threads * g.dz_floats;
    g.x_reader = fsn__direct_reader(load);
    g.dz_reader = fsn__direct_grad_reader(grad);
    g.dz_in_place = !g.dz_reader.ds1;
    fsn__pool_run(pool, item_task, &g);
    fsn__pool_run(pool, add_task, &g);
}
