/* op_fast_conv.c - Conv on blocked tensors, with what surrounds it in a network.
 *
 *   z = conv(load(x), w) + bias + residual, relu'd if store_relu
 *   s1 = sum z, s2 = sum z^2 per filter, for the batch norm that follows
 *
 * Inputs: x blocked (raw); w [K,C/groups,R,S], or with the attribute `summary` the Filter Summary
 * that holds the filters; bias [K]; a, b vectors (load: x is read as a x + b); residual blocked
 * like z; scale [K] of the filters (Filter Summary and inference only); base [K,C/groups,R,S] and
 * share, which the Filter Summary's filters are blended with (op_filter_summary.c). All but x and w
 * are optional. Outputs: z blocked; s1, s2 vectors. Attributes: those of ONNX's Conv; summary (the
 * geometry, filters.h) and slots (fs_geometry.h); load_relu (what is read goes through Relu),
 * store_relu (what is written does; inference only, since backward would need the mask).
 *
 * The passes themselves are those of kernels.h, each with the algorithm that choose.c names
 * for it. The work space is [bias padded to whole blocks | da, db nobody asked for | gradient of
 * the filters, on its way to that of their Filter Summary | kernels'].
 */
#include "kernels/blocked.h"

#include <string.h>

enum { IN_X, IN_W, IN_BIAS, IN_A, IN_B, IN_RESIDUAL, IN_SCALE, IN_BASE, IN_SHARE, IN_COUNT };
enum { OUT_Z, OUT_S1, OUT_S2 };

struct conv {
    struct fsn__conv_shape shape;
    const struct fsn__kernels *kernels[FSN__PASS_COUNT];
    struct fsn__filters filters;
    struct fsn__load load;
    float *bias;   /* padded, in the work space */
    float *spare;  /* two vectors of x */
    double *parts; /* [threads][Kb 16], bias gradient */
    float *dw;     /* [K][C][R][S] */
    void *kernel_work;
};

static size_t vector_bytes(int64_t channels)
{
    return (size_t)(fsn__channel_blocks(channels) * FSN__LANES) * sizeof(double);
}

static bool has_summary(const struct fsn__op_ctx *ctx)
{
    return fsn__attr_find(ctx->attrs, "summary") != NULL;
}

static enum fsn_status read_geometry(const struct fsn__op_ctx *ctx,
                                     struct fsn__fs_geometry *geometry, struct fsn_error *err)
{
    const struct fsn__tensor *w = ctx->in[IN_W];
    bool fits = false;
    size_t count;
    const int64_t *ints = fsn__attr_ints(ctx->attrs, "summary", &count), *slot;

    if (count == FSN__GEOMETRY_INTS) {
        *geometry = fsn__geometry_of_ints(ints);
        slot = fsn__attr_ints(ctx->attrs, "slots", &count);
        geometry->slot = slot;
        fits = fsn__fs_size(geometry) == fsn__numel(w) && (!slot || (int64_t)count == geometry->k);
    } else if (!ints && w->ndim == 4) {
        *geometry = fsn__filters_plain(w->dim[0], w->dim[1], w->dim[2], w->dim[3]);
        fits = true;
    }
    return fits ? FSN_OK
                : FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "weight has shape %s", FSN__SHAPE(w));
}

/* How the filters lie, and with them the shape. */
static enum fsn_status read_shape(const struct fsn__op_ctx *ctx, struct fsn__fs_geometry *g,
                                  struct fsn__conv_shape *shape, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[IN_X];
    struct fsn__tensor plain = {.data = NULL}, w = {.data = NULL};
    enum fsn_status status = read_geometry(ctx, g, err);
    int64_t channels;

    if (status != FSN_OK)
        return status;
    channels = g->c * fsn__attr_int(ctx->attrs, "group", 1);
    fsn__shape_set(&plain, FSN__F32, 4, (int64_t[]){x->dim[0], channels, x->dim[2], x->dim[3]});
    fsn__shape_set(&w, FSN__F32, 4, (int64_t[]){g->k, g->c, g->r, g->s});
    status = fsn__conv_shape_read(ctx, &plain, &w, shape, err);
    shape->bf16 = ctx->bf16;
    return status;
}

/* The kernels of each pass. */
static enum fsn_status choose_kernels(const struct fsn__conv_shape *shape,
                                      const struct fsn__kernels *kernels[FSN__PASS_COUNT],
                                      struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (int pass = 0; pass < FSN__PASS_COUNT && status == FSN_OK; pass++)
        status = fsn__kernels_get(fsn__choose_algorithm(shape, (enum fsn__pass)pass),
                                  &kernels[pass], err);
    return status;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[IN_X];
    struct fsn__fs_geometry geometry;
    struct fsn__conv_shape shape;
    const struct fsn__kernels *kernels[FSN__PASS_COUNT];
    enum fsn_status status = fsn__blocked_input(ctx, IN_X, err);

    if (status == FSN_OK)
        status = read_shape(ctx, &geometry, &shape, err);
    if (status == FSN_OK && fsn__channel_blocks(shape.c) != x->dim[1])
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "%lld channels do not fill %lld blocks",
                            (long long)shape.c, (long long)x->dim[1]);
    if (status == FSN_OK)
        status = choose_kernels(&shape, kernels, err);
    if (status == FSN_OK)
        status = fsn__vector_input(ctx, IN_BIAS, shape.k, err);
    if (status == FSN_OK)
        status = fsn__vector_input(ctx, IN_A, x->dim[1] * FSN__LANES, err);
    if (status == FSN_OK)
        status = fsn__vector_input(ctx, IN_B, x->dim[1] * FSN__LANES, err);
    if (status == FSN_OK)
        status = fsn__vector_input(ctx, IN_SCALE, shape.k, err);
    if (status != FSN_OK)
        return status;
    if (ctx->training && fsn__attr_int(ctx->attrs, "store_relu", 0) != 0)
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "store_relu has no gradient");
    if (ctx->training && fsn__op_has_input(ctx, IN_SCALE))
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "a scale of the filters has no gradient");
    fsn__vector_output(ctx, OUT_S1, fsn__channel_blocks(shape.k));
    fsn__vector_output(ctx, OUT_S2, fsn__channel_blocks(shape.k));
    return fsn__blocked_output(ctx, shape.n, fsn__channel_blocks(shape.k), shape.p, shape.q, err);
}

/* Floats of the gradient of all filters, when it has a place of its own. */
static size_t filter_gradient_floats(const struct fsn__op_ctx *ctx,
                                     const struct fsn__fs_geometry *g)
{
    const size_t floats = (size_t)(g->k * fsn__fs_filter_size(g));

    return ctx->training && has_summary(ctx) ? (floats + FSN__LANES - 1) / FSN__LANES * FSN__LANES
                                             : 0;
}

/* Of the blend nothing is left once the share is whole. */
static void read_blend(const struct fsn__op_ctx *ctx, struct fsn__filters *filters)
{
    const float *share = fsn__input_data(ctx, IN_SHARE);

    filters->share = share ? *share : 1.0F;
    filters->base = filters->share != 1.0F ? fsn__input_data(ctx, IN_BASE) : NULL;
}

/* After infer nothing of this can fail; where something did, it is said. */
static enum fsn_status read_conv(const struct fsn__op_ctx *ctx, struct conv *c,
                                 struct fsn_error *err)
{
    const int threads = fsn__pool_slices(ctx->pool);
    char *work = ctx->work;
    enum fsn_status status;

    memset(c, 0, sizeof *c);
    status = read_shape(ctx, &c->filters.geometry, &c->shape, err);
    if (status == FSN_OK)
        status = choose_kernels(&c->shape, c->kernels, err);
    if (status != FSN_OK)
        return status;
    c->filters.f = fsn__input_data(ctx, IN_W);
    c->filters.scale = fsn__input_data(ctx, IN_SCALE);
    read_blend(ctx, &c->filters);
    c->load = (struct fsn__load){.a = fsn__input_data(ctx, IN_A),
                                 .b = fsn__input_data(ctx, IN_B),
                                 .relu = fsn__attr_int(ctx->attrs, "load_relu", 0) != 0};
    if (!work)
        return FSN_OK;
    c->bias = (float *)work;
    work += vector_bytes(c->shape.k);
    c->spare = (float *)work;
    work += vector_bytes(c->shape.c);
    c->parts = (double *)work;
    work += vector_bytes(c->shape.k) * (size_t)threads;
    c->dw = (float *)work;
    c->kernel_work = c->dw + filter_gradient_floats(ctx, &c->filters.geometry);
    return FSN_OK;
}

/* Scratch of the kernels, also of those that are taken where nothing may be rounded. */
static size_t kernel_bytes(const struct fsn__op_ctx *ctx)
{
    struct fsn__op_ctx either = *ctx;
    size_t most = 0;
    struct conv c;

    for (int bf16 = 0; bf16 <= ctx->bf16; bf16++) {
        either.bf16 = bf16;
        if (read_conv(&either, &c, NULL) != FSN_OK)
            return 0;
        for (int pass = 0; pass < FSN__PASS_COUNT; pass++) {
            const size_t bytes = c.kernels[pass]->work(&c.shape, fsn__pool_slices(ctx->pool));

            most = bytes > most ? bytes : most;
        }
    }
    return most;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const int threads = fsn__pool_slices(ctx->pool);
    const size_t kernel = kernel_bytes(ctx);
    struct conv c;

    *work = *saved = 0;
    if (read_conv(ctx, &c, NULL) != FSN_OK)
        return;
    *work = vector_bytes(c.shape.k) * (size_t)(threads + 1) + vector_bytes(c.shape.c) +
            filter_gradient_floats(ctx, &c.filters.geometry) * sizeof(float) + kernel;
}

bool fsn__fast_conv_finishes(const struct fsn__op_ctx *ctx)
{
    struct fsn__fs_geometry geometry;
    struct fsn__conv_shape shape;

    enum fsn__algorithm data;

    if (read_shape(ctx, &geometry, &shape, NULL) != FSN_OK)
        return false;
    data = fsn__choose_algorithm(&shape, FSN__BACKWARD_DATA);
    return data == FSN__WINOGRAD || data == FSN__AMX;
}

static void describe(const struct fsn__op_ctx *ctx, struct fsn__op_kernel *out)
{
    struct fsn__fs_geometry geometry;
    struct fsn__conv_shape shape;

    if (read_shape(ctx, &geometry, &shape, NULL) != FSN_OK)
        return;
    out->forward = fsn__algorithm_name(fsn__choose_algorithm(&shape, FSN__FORWARD));
    out->backward_data = fsn__algorithm_name(fsn__choose_algorithm(&shape, FSN__BACKWARD_DATA));
    out->backward_weights =
        fsn__algorithm_name(fsn__choose_algorithm(&shape, FSN__BACKWARD_WEIGHTS));
    out->macs =
        shape.n * shape.p * shape.q * shape.k * (shape.c / shape.groups) * shape.r * shape.s;
    out->load = fsn__fused(FSN__FUSED_FILTER_SUMMARY, has_summary(ctx)) |
                fsn__fused(FSN__FUSED_BATCH_NORM, fsn__op_has_input(ctx, IN_A)) |
                fsn__fused(FSN__FUSED_RELU, fsn__attr_int(ctx->attrs, "load_relu", 0) != 0);
    out->store = fsn__fused(FSN__FUSED_BIAS, fsn__op_has_input(ctx, IN_BIAS)) |
                 fsn__fused(FSN__FUSED_RESIDUAL, fsn__op_has_input(ctx, IN_RESIDUAL)) |
                 fsn__fused(FSN__FUSED_RELU, fsn__attr_int(ctx->attrs, "store_relu", 0) != 0) |
                 fsn__fused(FSN__FUSED_SUMS, ctx->n_out > OUT_S1 && ctx->out[OUT_S1]);
}

/* ---- forward ----------------------------------------------------------------------------------
 */

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const float *bias = fsn__input_data(ctx, IN_BIAS);
    struct fsn__store store = {.residual = fsn__input_data(ctx, IN_RESIDUAL),
                               .relu = fsn__attr_int(ctx->attrs, "store_relu", 0) != 0};
    struct conv c;
    const enum fsn_status status = read_conv(ctx, &c, err);

    if (status != FSN_OK)
        return status;
    if (bias) {
        memset(c.bias, 0, vector_bytes(c.shape.k));
        memcpy(c.bias, bias, (size_t)c.shape.k * sizeof *bias);
        store.bias = c.bias;
    }
    if (ctx->n_out > OUT_S2 && ctx->out[OUT_S1] && ctx->out[OUT_S2]) {
        store.sum = ctx->out[OUT_S1]->data;
        store.sum_sq = ctx->out[OUT_S2]->data;
    }
    c.kernels[FSN__FORWARD]->forward(&c.shape, fsn__input_data(ctx, IN_X), &c.load, &c.filters,
                                     ctx->out[OUT_Z]->data, &store, c.kernel_work, ctx->pool);
    return FSN_OK;
}

/* ---- backward ---------------------------------------------------------------------------------
 */

/* What the whole gradient of z is for, besides the kernels: bias and residual. */
struct rest {
    struct fsn__blocked size;
    const float *dz;
    const struct fsn__grad_load *grad;
    float *dresidual;
    bool overwrite;
    double *parts; /* or NULL */
};

static void rest_task(void *arg, int thread, int threads)
{
    const struct rest *r = arg;
    const struct fsn__grad_load *grad = r->grad;
    const int64_t channels = r->size.blocks * FSN__LANES;
    double *parts = r->parts ? r->parts + thread * channels : NULL;
    int64_t begin, end;

    if (parts)
        memset(parts, 0, (size_t)channels * sizeof *parts);
    fsn__share(r->size.n * r->size.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = i % r->size.blocks * FSN__LANES, at = i * r->size.plane;
        double sum[FSN__LANES] = {0};

        for (int64_t p = 0; p < r->size.plane; p += FSN__LANES)
            for (int l = 0; l < FSN__LANES; l++) {
                float g = r->dz[at + p + l];

                if (grad->scale)
                    g *= grad->scale[first + l];
                if (grad->ds1)
                    g += grad->ds1[first + l] + 2.0F * grad->z[at + p + l] * grad->ds2[first + l];
                sum[l] += (double)g;
                if (r->dresidual)
                    r->dresidual[at + p + l] = r->overwrite ? g : r->dresidual[at + p + l] + g;
            }
        for (int l = 0; parts && l < FSN__LANES; l++)
            parts[first + l] += sum[l];
    }
}

static void backward_rest(const struct fsn__op_ctx *ctx, const struct conv *c,
                          const struct fsn__grad_load *grad)
{
    float *dbias = fsn__input_grad(ctx, IN_BIAS);
    struct rest rest = {.size = fsn__blocked_of(ctx->out[OUT_Z]),
                        .dz = ctx->dout[OUT_Z]->data,
                        .grad = grad,
                        .parts = dbias ? c->parts : NULL};

    rest.dresidual = fsn__input_grad_raw(ctx, IN_RESIDUAL, &rest.overwrite);
    if (!dbias && !rest.dresidual)
        return;
    fsn__pool_run(ctx->pool, rest_task, &rest);
    fsn__combine_sums(c->parts, fsn__pool_slices(ctx->pool), rest.size.blocks * FSN__LANES,
                      c->shape.k, dbias, true);
}

/* One walk over the maps where the same algorithm computes both gradients. */
static void backward_kernels(const struct fsn__op_ctx *ctx, const struct conv *c,
                             const struct fsn__conv_back *back)
{
    const struct fsn__kernels *data = c->kernels[FSN__BACKWARD_DATA];
    const struct fsn__kernels *weights = c->kernels[FSN__BACKWARD_WEIGHTS];
    struct fsn__conv_back one = *back;

    if (data == weights) {
        data->backward(&c->shape, back, c->kernel_work, ctx->pool);
        return;
    }
    if (back->dw) {
        one.dx = NULL;
        weights->backward(&c->shape, &one, c->kernel_work, ctx->pool);
    }
    if (back->dx) {
        one.dx = back->dx;
        one.dw = NULL;
        data->backward(&c->shape, &one, c->kernel_work, ctx->pool);
    }
}

/* What the Join before x is spared: x is its y. */
static void finish(const struct fsn__op_ctx *join, const struct conv *c,
                   struct fsn__grad_store *store)
{
    const int64_t blocks = fsn__channel_blocks(c->shape.c);

    store->joined = fsn__data_of(fsn__join_normalised(join));
    store->da = join->saved;
    store->db = store->da + blocks * FSN__LANES;
    memset(join->saved, 0, fsn__join_sums_bytes(blocks));
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__grad_load grad = {.z = fsn__data_of(ctx->out[OUT_Z]),
                                  .ds1 = fsn__output_grad(ctx, OUT_S1),
                                  .ds2 = fsn__output_grad(ctx, OUT_S2),
                                  .scale = fsn__data_of(ctx->dout_scale)};
    struct fsn__grad_store store = {.z = fsn__input_data(ctx, IN_X)};
    struct fsn__conv_back back = {.x = store.z};
    float *df;
    struct conv c;
    enum fsn_status status;
    bool fresh;

    if (!ctx->dout[OUT_Z]) /* it comes whenever one of s1 and s2 does: what reads them reads z */
        return FSN_OK;
    status = read_conv(ctx, &c, err);
    if (status != FSN_OK)
        return status;
    if (!grad.ds1 || !grad.ds2)
        grad.ds1 = grad.ds2 = NULL;
    if (grad.scale && !grad.ds1)
        return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "its gradient has a scale and no sums");
    df = fsn__input_grad(ctx, IN_W);
    back.load = &c.load;
    back.w = &c.filters;
    back.dz = ctx->dout[OUT_Z]->data;
    back.grad = &grad;
    back.dw = df;
    if (df && has_summary(ctx)) { /* from the kernel the gradient of all filters, then that of F */
        back.dw = c.dw;
        memset(c.dw, 0, filter_gradient_floats(ctx, &c.filters.geometry) * sizeof *c.dw);
    }
    back.dx = fsn__input_grad_raw(ctx, IN_X, &fresh);
    if (back.dx) {
        store.load = &c.load;
        store.accumulate = !fresh;
        store.da = fsn__input_grad(ctx, IN_A);
        store.db = fsn__input_grad(ctx, IN_B);
        if (c.load.a && !store.da)
            store.da = c.spare;
        if (c.load.a && !store.db)
            store.db = c.spare + fsn__channel_blocks(c.shape.c) * FSN__LANES;
        if (ctx->finishes)
            finish(ctx->finishes, &c, &store);
        back.store = &store;
    }
    backward_kernels(ctx, &c, &back);
    if (back.dw != df)
        fsn__filters_scatter(&c.filters, c.dw, df, ctx->pool);
    backward_rest(ctx, &c, &grad);
    return FSN_OK;
}

const struct fsn__op fsn__op_fast_conv = {
    .name = "Conv",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 2,
    .max_in = IN_COUNT,
    .min_out = 1,
    .max_out = 3,
    .flags = FSN__OVERWRITES,
    .backward_in = 1 << IN_X | 1 << IN_W | 1 << IN_A | 1 << IN_B | 1 << IN_BASE | 1 << IN_SHARE,
    .backward_out = 1 << OUT_Z,
    .infer = infer,
    .sizes = sizes,
    .describe = describe,
    .forward = forward,
    .backward = backward,
};
