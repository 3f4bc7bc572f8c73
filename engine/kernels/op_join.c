/* op_join.c - Join: writes out what lay there as (z, a, b, relu), alone or added to another.
 *
 *   v_i = relu_i?(a_i z_i + b_i)         y = act(v_1 [+ v_2])
 *
 * Inputs: z1, a1, b1, z2, a2, b2; a and b are vectors that may be absent (v = z), z2 may be. The
 * end of a residual block is such a Join of two, with Relu; what a pooling layer or a plain
 * operator reads is one of a single value. Attributes: relu1, relu2; relu or clip (then low and
 * high, of a single value only) for act.
 *
 * Backward, with g = dy where act lets it pass (relu: y > 0; clip: low <= v <= high) and g_i = g
 * where relu_i does (a_i z_i + b_i > 0):
 *   dz_i += a_i g_i,  da_i += sum g_i z_i,  db_i += sum g_i
 *
 * Memory bound: one pass. Backward goes over a plane once an operand; the second time dy and y come
 * from the cache.
 */
#include "kernels/blocked.h"

#include <math.h>
#include <string.h>

enum { IN_COUNT = 6, OPERANDS = 2 };

/* One operand; a, b as they apply to the block at hand. */
struct operand {
    const float *z, *a, *b; /* z NULL: there is none; a NULL: 1 and 0 */
    float floor;            /* of v: 0 with relu, else -infinity */
    float *dz;              /* backward; NULL: not wanted */
    bool overwrite;
    bool sums; /* da and db are wanted */
};

struct join {
    struct fsn__blocked size;
    struct operand operand[OPERANDS];
    float low, high; /* act: bounds of y */
    bool relu, clip;
    float *y;
    const float *dy;
    double *parts; /* [threads][operand][da, db][Cb 16] */
};

/* ---- one plane of pixels, 16 lanes each -------------------------------------------------------
 */

/* a and b of the operand's block, as arrays that the compiler can keep in registers. */
static void read_affine(const struct operand *o, int64_t block, float *a, float *b)
{
    for (int l = 0; l < FSN__LANES; l++) {
        a[l] = o->a ? o->a[block * FSN__LANES + l] : 1.0F;
        b[l] = o->a ? o->b[block * FSN__LANES + l] : 0.0F;
    }
}

static void forward_one(const struct join *j, int64_t block, int64_t at)
{
    const struct operand *o = j->operand;
    const float *restrict z = o->z + at;
    float *restrict y = j->y + at;
    /* One operand: its Relu and act are one pair of bounds. */
    const float low = o->floor > j->low ? o->floor : j->low, high = j->high;
    float a[FSN__LANES], b[FSN__LANES];

    read_affine(o, block, a, b);
    for (int64_t p = 0; p < j->size.plane; p += FSN__LANES)
        for (int l = 0; l < FSN__LANES; l++) {
            float v = a[l] * z[p + l] + b[l];

            v = v < low ? low : v;
            y[p + l] = v > high ? high : v;
        }
}

static void forward_two(const struct join *j, int64_t block, int64_t at)
{
    const struct operand *o = j->operand;
    const float *restrict z1 = o[0].z + at, *restrict z2 = o[1].z + at;
    float *restrict y = j->y + at;
    const float floor1 = o[0].floor, floor2 = o[1].floor, low = j->low;
    float a1[FSN__LANES], b1[FSN__LANES], a2[FSN__LANES], b2[FSN__LANES];

    read_affine(&o[0], block, a1, b1);
    read_affine(&o[1], block, a2, b2);
    for (int64_t p = 0; p < j->size.plane; p += FSN__LANES)
        for (int l = 0; l < FSN__LANES; l++) {
            float v1 = a1[l] * z1[p + l] + b1[l], v2 = a2[l] * z2[p + l] + b2[l], v;

            v1 = v1 < floor1 ? floor1 : v1;
            v2 = v2 < floor2 ? floor2 : v2;
            v = v1 + v2;
            y[p + l] = v < low ? low : v;
        }
}

/* Operand i's gradients of pixels [from, to) of the plane at `at`; adds to da, db. */
static void backward_run(const struct join *j, const struct operand *o, const float *a,
                         const float *b, int64_t from, int64_t to, float *da, float *db)
{
    const float *restrict z = o->z, *restrict y = j->y, *restrict dy = j->dy;
    float *restrict dz = o->dz;
    const float low = j->clip ? j->low : -INFINITY, high = j->clip ? j->high : INFINITY;
    const float threshold = j->relu ? 0.0F : -INFINITY;
    const bool overwrite = o->overwrite;

    for (int64_t p = from; p < to; p += FSN__LANES)
        for (int l = 0; l < FSN__LANES; l++) {
            const float x = z[p + l], v = a[l] * x + b[l];
            float g = y[p + l] > threshold ? dy[p + l] : 0.0F;

            g = v > o->floor && v >= low && v <= high ? g : 0.0F;
            da[l] += g * x;
            db[l] += g;
            if (dz)
                dz[p + l] = overwrite ? a[l] * g : dz[p + l] + a[l] * g;
        }
}

/* ---- all planes -------------------------------------------------------------------------------
 */

static void forward_task(void *arg, int thread, int threads)
{
    const struct join *j = arg;
    int64_t begin, end;

    fsn__share(j->size.n * j->size.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        if (j->operand[1].z)
            forward_two(j, i % j->size.blocks, i * j->size.plane);
        else
            forward_one(j, i % j->size.blocks, i * j->size.plane);
    }
}

static void backward_task(void *arg, int thread, int threads)
{
    const struct join *j = arg;
    const int64_t channels = j->size.blocks * FSN__LANES;
    double *parts = j->parts + thread * OPERANDS * 2 * channels;
    int64_t begin, end;

    memset(parts, 0, OPERANDS * 2 * (size_t)channels * sizeof *parts);
    fsn__share(j->size.n * j->size.blocks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t block = i % j->size.blocks, at = i * j->size.plane;

        for (int k = 0; k < OPERANDS; k++) {
            const struct operand *o = &j->operand[k];
            double *da = parts + (2 * k) * channels + block * FSN__LANES, *db = da + channels;
            float a[FSN__LANES], b[FSN__LANES];

            if (!o->z || (!o->dz && !o->sums))
                continue;
            read_affine(o, block, a, b);
            for (int64_t from = 0; from < j->size.plane; from += FSN__SUM_RUN) {
                const int64_t to = fsn__run_end(from, j->size.plane);
                float da_run[FSN__LANES] = {0}, db_run[FSN__LANES] = {0};

                backward_run(j, o, a, b, at + from, at + to, da_run, db_run);
                for (int l = 0; l < FSN__LANES; l++) {
                    da[l] += (double)da_run[l];
                    db[l] += (double)db_run[l];
                }
            }
        }
    }
}

/* ---- the operator -----------------------------------------------------------------------------
 */

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *z = ctx->in[0];
    enum fsn_status status = FSN_OK;

    for (int k = 0; k < OPERANDS && status == FSN_OK; k++) {
        if (k == 1 && !fsn__op_has_input(ctx, 3))
            continue;
        status = fsn__blocked_input(ctx, 3 * k, err);
        if (status == FSN_OK && !fsn__same_shape(z, ctx->in[3 * k]))
            return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "it adds %s and %s", FSN__SHAPE(z),
                                FSN__SHAPE(ctx->in[3 * k]));
        for (int i = 1; i < 3 && status == FSN_OK; i++)
            status = fsn__vector_input(ctx, 3 * k + i, z->dim[1] * FSN__LANES, err);
    }
    return status == FSN_OK
               ? fsn__blocked_output(ctx, z->dim[0], z->dim[1], z->dim[2], z->dim[3], err)
               : status;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const size_t channels = (size_t)(ctx->in[0]->dim[1] * FSN__LANES);

    *work = ctx->training
                ? OPERANDS * 2 * channels * sizeof(double) * (size_t)fsn__pool_threads(ctx->pool)
                : 0;
    *saved = 0;
}

static void read_join(const struct fsn__op_ctx *ctx, struct join *j)
{
    static const char *const relu[OPERANDS] = {"relu1", "relu2"};

    *j = (struct join){.size = fsn__blocked_of(ctx->out[0]),
                       .low = -INFINITY,
                       .high = INFINITY,
                       .relu = fsn__attr_int(ctx->attrs, "relu", 0) != 0,
                       .clip = fsn__attr_int(ctx->attrs, "clip", 0) != 0,
                       .y = fsn__f32(ctx->out[0])};
    for (int k = 0; k < OPERANDS; k++)
        j->operand[k] = (struct operand){
            .z = fsn__input_data(ctx, 3 * k),
            .a = fsn__input_data(ctx, 3 * k + 1),
            .b = fsn__input_data(ctx, 3 * k + 2),
            .floor = fsn__attr_int(ctx->attrs, relu[k], 0) != 0 ? 0.0F : -INFINITY};
    if (j->relu)
        j->low = 0.0F;
    if (j->clip) {
        j->low = fsn__attr_float(ctx->attrs, "low", -INFINITY);
        j->high = fsn__attr_float(ctx->attrs, "high", INFINITY);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct join j;

    (void)err;
    read_join(ctx, &j);
    fsn__pool_run(ctx->pool, forward_task, &j);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    float *da[OPERANDS], *db[OPERANDS];
    int64_t channels;
    struct join j;

    (void)err;
    if (!ctx->dout[0])
        return FSN_OK;
    read_join(ctx, &j);
    j.dy = fsn__f32(ctx->dout[0]);
    j.parts = ctx->work;
    channels = j.size.blocks * FSN__LANES;
    for (int k = 0; k < OPERANDS; k++) {
        struct operand *o = &j.operand[k];

        o->dz = fsn__input_grad_raw(ctx, 3 * k, &o->overwrite);
        da[k] = fsn__input_grad(ctx, 3 * k + 1);
        db[k] = fsn__input_grad(ctx, 3 * k + 2);
        o->sums = da[k] || db[k];
    }
    fsn__pool_run(ctx->pool, backward_task, &j);
    for (int k = 0; k < OPERANDS; k++) {
        const double *parts = j.parts + 2 * k * channels;
        const int64_t stride = OPERANDS * 2 * channels;
        const int threads = fsn__pool_threads(ctx->pool);

        fsn__combine_sums(parts, threads, stride, channels, da[k], true);
        fsn__combine_sums(parts + channels, threads, stride, channels, db[k], true);
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_join = {
    .name = "Join",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = IN_COUNT,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .backward_in = (1 << IN_COUNT) - 1,
    .backward_out = 1 << 0,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
