/* winograd.c - the three passes of a Winograd convolution, from their stages (winograd.h). */
#include "kernels/isa/winograd_stages.h"

#include <string.h>

/* An output that the L2 cannot hold is written past the caches. */
enum { STREAM_BYTES = 1 << 20 };

/* ---- small U: the tiles are split over the threads ------------------------------------------ */

/* All filters are one piece. */
static struct wino_piece whole(const struct fsn__wino *plan)
{
    return (struct wino_piece){.blocks = plan->k_blocks, .count = plan->c};
}

static void small_filters_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__wino *plan = &pass->plan;
    const struct wino_piece all = whole(plan);
    float *u = work_of(pass, thread).u;
    int64_t begin, end;

    fsn__share(plan->k_blocks * plan->c_blocks, thread, threads, &begin, &end);
    for (; begin < end; begin++)
        filter(pass, &all, begin / plan->c_blocks, begin % plan->c_blocks * FSN__LANES, u);
}

/* The outputs of `count` tiles from `first` on; adds to work->sums. */
static void convolve_tiles(const struct pass *pass, const struct fsn__wino_work *work,
                           int64_t first, int64_t count)
{
    const struct wino_piece all = whole(&pass->plan);

    input(pass, first, count, work->v);
    multiply(pass, work, &all, count, false);
    output(pass, 0, pass->plan.k_blocks, first, count, work);
}

static void small_tiles_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__wino *plan = &pass->plan;
    struct fsn__wino_work work = fsn__wino_work(plan, pass->work, thread);
    int64_t begin, end;

    memset(work.sums, 0, plan->sums_bytes);
    fsn__share(plan->tiles, thread, threads, &begin, &end);
    for (int64_t count; begin < end; begin += count) {
        count = least(plan->capacity, end - begin);
        convolve_tiles(pass, &work, begin, count);
    }
}

/* What `count` tiles from `first` on give to dU; add: to what is there. */
static void correlate_tiles(const struct pass *pass, const struct fsn__wino_work *work,
                            int64_t first, int64_t count, bool add)
{
    const struct fsn__wino *plan = &pass->plan;

    input(pass, first, count, work->v);
    gradient(pass, first, count, work->m);
    for (int f = 0; f < plan->frequencies; f++) {
        int64_t blocks = plan->c_blocks * fsn__wino_parts(f, plan->c_parts);

        for (int64_t c = 0; c < blocks; c++)
            wino_correlate(work->v + f * plan->v_step + c * plan->capacity * FSN__LANES,
                           work->m + f * plan->m_step, work->u + f * plan->u_step + c * SQUARE,
                           blocks * SQUARE, plan->capacity, count, plan->k_blocks, add);
    }
}

/* dU of this thread's tiles. */
static void small_gradient_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__wino *plan = &pass->plan;
    struct fsn__wino_work work = fsn__wino_work(plan, pass->work, thread);
    int64_t begin, end;
    bool add = false;

    fsn__share(plan->tiles, thread, threads, &begin, &end);
    if (begin == end)
        memset(work.u, 0, plan->u_bytes);
    for (int64_t count; begin < end; begin += count, add = true) {
        count = least(plan->capacity, end - begin);
        correlate_tiles(pass, &work, begin, count, add);
    }
}

/* Both gradients of one block of tiles after the other: what the first has read of dz, z and x, the
 * second finds in the cache. */
static void small_backward_task(void *arg, int thread, int threads)
{
    const struct pass *data = arg, *weights = data->weights;
    struct fsn__wino_work data_work = work_of(data, thread),
                          weights_work = work_of(weights, thread);
    int64_t begin, end;
    bool add = false;

    memset(data_work.sums, 0, data->plan.sums_bytes);
    fsn__share(data->plan.tiles, thread, threads, &begin, &end);
    if (begin == end)
        memset(weights_work.u, 0, weights->plan.u_bytes);
    for (int64_t count; begin < end; begin += count, add = true) {
        count = least(data->plan.capacity, end - begin);
        convolve_tiles(data, &data_work, begin, count);
        correlate_tiles(weights, &weights_work, begin, count, add);
    }
}

/* dw from the dU of all threads, in the order of the threads. */
static void small_reduce_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__wino *plan = &pass->plan;
    const float *du = fsn__wino_work(plan, pass->work, 0).u;
    int64_t step = threads > 1 ? fsn__wino_work(plan, pass->work, 1).u - du : 0, begin, end;

    fsn__share(plan->k_blocks * plan->c_blocks, thread, threads, &begin, &end);
    for (; begin < end; begin++)
        filter_gradient(pass, du, begin, threads, step, begin % plan->c_blocks,
                        begin / plan->c_blocks);
}

/* ---- large U: the filters are split over the threads ---------------------------------------- */

static void large_input_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__wino *plan = &pass->plan;
    struct fsn__wino_work work = fsn__wino_work(plan, pass->work, thread);
    int64_t begin, end;

    fsn__share(pass->count, thread, threads, &begin, &end);
    input(pass, pass->first + begin, end - begin, work.v + begin * FSN__LANES);
    if (plan->pass == FSN__WINO_BACKWARD_WEIGHTS)
        gradient(pass, pass->first + begin, end - begin, work.m + begin * FSN__LANES);
    else if (pass->first == 0)
        memset(work.sums, 0, plan->sums_bytes);
}

static void large_filters_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__wino *plan = &pass->plan;
    struct fsn__wino_work work = fsn__wino_work(plan, pass->work, thread);
    const int64_t group = FSN__WINO_GROUP / plan->k_parts, chunk = FSN__WINO_CHUNK / plan->c_parts;
    int64_t begin, end;

    fsn__share((plan->k_blocks + group - 1) / group, thread, threads, &begin, &end);
    for (; begin < end; begin++) {
        struct wino_piece piece = {.block = begin * group};

        piece.blocks = least(group, plan->k_blocks - piece.block);
        for (; piece.c < plan->c; piece.c += chunk) {
            piece.count = least(chunk, plan->c - piece.c);
            for (int64_t j = 0; j < piece.blocks; j++)
                for (int64_t i = 0; i < piece.count; i += FSN__LANES)
                    filter(pass, &piece, j, i, work.u);
            multiply(pass, &work, &piece, pass->count, piece.c > 0);
        }
        output(pass, piece.block, piece.blocks, pass->first, pass->count, &work);
    }
}

static void large_gradient_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const struct fsn__wino *plan = &pass->plan;
    struct fsn__wino_work work = fsn__wino_work(plan, pass->work, thread);
    int64_t groups = (plan->k_blocks + FSN__WINO_GROUP - 1) / FSN__WINO_GROUP, begin, end;
    int64_t plane = plan->capacity * FSN__LANES;

    fsn__share(groups * plan->c_blocks, thread, threads, &begin, &end);
    for (; begin < end; begin++) {
        int64_t block = begin / plan->c_blocks * FSN__WINO_GROUP, c = begin % plan->c_blocks;
        int64_t blocks = least(FSN__WINO_GROUP, plan->k_blocks - block);

        for (int f = 0; f < plan->frequencies; f++) {
            int64_t parts = fsn__wino_parts(f, plan->c_parts);

            for (int64_t part = 0; part < parts; part++)
                wino_correlate(work.v + f * plan->v_step + (c * parts + part) * plane,
                               work.m + f * plan->m_step + block * plane,
                               work.u + f * plan->u_step + part * SQUARE, parts * SQUARE,
                               plan->capacity, pass->count, blocks, false);
        }
        for (int64_t j = 0; j < blocks; j++)
            filter_gradient(pass, work.u, j, 1, 0, c, block + j);
    }
}

/* ---- the passes ----------------------------------------------------------------------------- */

static void run_rounds(struct pass *pass, fsn__task *task, struct fsn__pool *pool)
{
    for (pass->first = 0; pass->first < pass->plan.tiles; pass->first += pass->count) {
        pass->count = least(pass->plan.capacity, pass->plan.tiles - pass->first);
        fsn__pool_run(pool, large_input_task, pass);
        fsn__pool_run(pool, task, pass);
    }
}

static void run_convolution(struct pass *pass, struct fsn__pool *pool)
{
    if (pass->plan.large) {
        run_rounds(pass, large_filters_task, pool);
    } else {
        fsn__pool_run(pool, small_filters_task, pass);
        fsn__pool_run(pool, small_tiles_task, pass);
    }
}

/* The sums of the threads, in their order; which: 0 or 1. */
static double total(const struct pass *pass, struct fsn__pool *pool, int which, int64_t channel)
{
    double sum = 0;

    for (int t = 0; t < fsn__pool_slices(pool); t++)
        sum += work_of(pass, t).sums[which * pass->plan.k_blocks * FSN__LANES + channel];
    return sum;
}

static bool streams(const struct fsn__wino *plan, const float *map)
{
    return (size_t)(plan->n * plan->k_blocks * plan->p * plan->q) * FSN__LANES * sizeof(float) >
               STREAM_BYTES &&
           (uintptr_t)map % (FSN__LANES * sizeof(float)) == 0;
}

static size_t work_bytes(const struct fsn__conv_shape *shape, int threads)
{
    return fsn__wino_work_bytes(shape, threads);
}

static void forward(const struct fsn__conv_shape *shape, const float *x,
                    const struct fsn__load *load, const struct fsn__filters *w, float *z,
                    const struct fsn__store *store, void *work, struct fsn__pool *pool)
{
    struct pass pass = {
        .reader = {.map = x, .load = load},
        .writer = {.map = z, .store = store},
        .w = w,
        .work = work,
    };

    fsn__wino_plan(shape, FSN__WINO_FORWARD, fsn__pool_slices(pool), &pass.plan);
    pass.writer.stream = streams(&pass.plan, z);
    run_convolution(&pass, pool);
    for (int64_t k = 0; store && k < pass.plan.k_blocks * FSN__LANES; k++) {
        if (store->sum)
            store->sum[k] = (float)total(&pass, pool, 0, k);
        if (store->sum_sq)
            store->sum_sq[k] = (float)total(&pass, pool, 1, k);
    }
}

static struct pass data_pass(const struct fsn__conv_shape *shape, const struct fsn__conv_back *back,
                             void *work, int threads)
{
    struct pass pass = {
        .reader = {.map = back->dz, .grad = back->grad},
        .writer = {.map = back->dx, .grad = back->store},
        .w = back->w,
        .work = work,
    };

    fsn__wino_plan(shape, FSN__WINO_BACKWARD_DATA, threads, &pass.plan);
    pass.writer.stream = streams(&pass.plan, back->dx) && !(back->store && back->store->accumulate);
    return pass;
}

static struct pass weights_pass(const struct fsn__conv_shape *shape,
                                const struct fsn__conv_back *back, void *work, int threads)
{
    struct pass pass = {
        .reader = {.map = back->x, .load = back->load},
        .gradient = {.map = back->dz, .grad = back->grad},
        .dw = back->dw,
        .work = work,
    };

    fsn__wino_plan(shape, FSN__WINO_BACKWARD_WEIGHTS, threads, &pass.plan);
    return pass;
}

static void add_data_sums(const struct pass *pass, struct fsn__pool *pool)
{
    const struct fsn__grad_store *store = pass->writer.grad;

    for (int64_t c = 0; store && c < pass->plan.k_blocks * FSN__LANES; c++) {
        if (store->da)
            store->da[c] += (float)total(pass, pool, 0, c);
        if (store->db)
            store->db[c] += (float)total(pass, pool, 1, c);
    }
}

static void run_data(struct pass *pass, struct fsn__pool *pool)
{
    run_convolution(pass, pool);
    add_data_sums(pass, pool);
}

static void run_weights(struct pass *pass, struct fsn__pool *pool)
{
    if (pass->plan.large) {
        run_rounds(pass, large_gradient_task, pool);
    } else {
        fsn__pool_run(pool, small_gradient_task, pass);
        fsn__pool_run(pool, small_reduce_task, pass);
    }
}

static void backward(const struct fsn__conv_shape *shape, const struct fsn__conv_back *back,
                     void *work, struct fsn__pool *pool)
{
    const int threads = fsn__pool_slices(pool);
    struct pass data = data_pass(shape, back, work, threads);
    struct pass weights = weights_pass(shape, back, work, threads);

    if (back->dx && back->dw && fsn__wino_joint(&data.plan, &weights.plan)) {
        data.weights = &weights;
        fsn__pool_run(pool, small_filters_task, &data);
        fsn__pool_run(pool, small_backward_task, &data);
        fsn__pool_run(pool, small_reduce_task, &weights);
        add_data_sums(&data, pool);
        return;
    }
    if (back->dw)
        run_weights(&weights, pool);
    if (back->dx)
        run_data(&data, pool);
}

extern const struct fsn__kernels FSN__ISA_NAME(fsn__winograd);
const struct fsn__kernels FSN__ISA_NAME(fsn__winograd) = {
    .isa = FSN__ISA_STRING,
    .work = work_bytes,
    .forward = forward,
    .backward = backward,
};
