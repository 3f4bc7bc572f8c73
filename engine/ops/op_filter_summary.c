/*
 * op_filter_summary.c - FilterSummary: all the filters of a convolution, read out of one tensor.
 *
 *   W[k] = (F[idx_k] - zero) * scale[k]          W: [K,C,R,S]
 *   W[k] = ((1 - t) base[k] + t (F[idx_k] - zero)) * scale[k]
 *                                                while sharing is progressive: base, t given
 *
 * and F[idx_k] is interpolated between two elements while locations are learned (fs_between.h).
 *
 * Inputs: F, f32 or uint8 levels, [L] (layout 1d) or [D,H,V] (layout 3d); scale, f32 [1] or [K],
 * optional; zero, f32 scalar, optional; base, f32 like W, and t, one f32, optional, both or none;
 * steps, uint8 [S], with uint8 F and the attribute `segment` alone: F[i] - zero is multiplied by
 * steps[i / segment] too, i in memory order, S = ceil(L / segment); offset, f32 [K], layout 1d
 * alone: how far from its start each filter lies. Other attributes and the places idx_k:
 * fs_geometry.h; the attribute `bits` (32: as it is) says how F is to be stored, and nothing of
 * what is computed. Backward (f32 F): dF += A^T (t scale dW), a scatter-add in the order of the
 * filters, and the gradient of offset; base has none.
 *
 * What is the same for every filter (the zero, a scale of one element) is applied to F before the
 * gather, where it costs least; a scale per filter, or of blended ones, to the filters after it.
 */
#include "ops/fs_between.h"
#include "ops/infer.h"

#include <math.h>
#include <string.h>

static const struct fsn__tensor *input_of(const struct fsn__op_ctx *ctx, int i)
{
    return ctx->n_in > i ? ctx->in[i] : NULL;
}

static enum fsn_status check_inputs(const struct fsn__op_ctx *ctx, const struct fsn__fs_geometry *g,
                                    struct fsn_error *err)
{
    const struct fsn__tensor *f = ctx->in[0];
    const struct fsn__tensor *scale = input_of(ctx, FSN__FS_SCALE);
    const struct fsn__tensor *zero = input_of(ctx, FSN__FS_ZERO);
    const struct fsn__tensor *base = input_of(ctx, FSN__FS_BASE);
    const struct fsn__tensor *share = input_of(ctx, FSN__FS_SHARE);
    const int64_t shape[4] = {g->k, g->c, g->r, g->s};

    if (f->dtype != FSN__F32 && f->dtype != FSN__U8)
        return FSN__FAIL(err, FSN_SHAPE, "FilterSummary '%s': F is %s, not float32 or uint8",
                         ctx->name, fsn__dtype_name(f->dtype));
    if (scale && (scale->dtype != FSN__F32 || scale->ndim != 1 ||
                  (scale->dim[0] != 1 && scale->dim[0] != g->k)))
        return FSN__FAIL(
            err, FSN_SHAPE, "FilterSummary '%s': scale must be float32 [1] or [%lld], is %s %s",
            ctx->name, (long long)g->k, fsn__dtype_name(scale->dtype), FSN__SHAPE(scale));
    if (zero && (zero->dtype != FSN__F32 || fsn__numel(zero) != 1))
        return FSN__FAIL(err, FSN_SHAPE, "FilterSummary '%s': zero must be one float32, is %s %s",
                         ctx->name, fsn__dtype_name(zero->dtype), FSN__SHAPE(zero));
    if (!base != !share)
        return FSN__FAIL(err, FSN_INVALID,
                         "FilterSummary '%s': base and its share come together, only %s is there",
                         ctx->name, base ? "base" : "the share");
    if (base &&
        (base->dtype != FSN__F32 || base->ndim != 4 || memcmp(base->dim, shape, sizeof shape) != 0))
        return FSN__FAIL(err, FSN_SHAPE,
                         "FilterSummary '%s': base must be float32 like the filters, is %s %s",
                         ctx->name, fsn__dtype_name(base->dtype), FSN__SHAPE(base));
    if (share && (share->dtype != FSN__F32 || fsn__numel(share) != 1))
        return FSN__FAIL(err, FSN_SHAPE,
                         "FilterSummary '%s': the share must be one float32, is %s %s", ctx->name,
                         fsn__dtype_name(share->dtype), FSN__SHAPE(share));
    return FSN_OK;
}

static enum fsn_status check_steps(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *f = ctx->in[0], *steps = input_of(ctx, FSN__FS_STEPS);
    const int64_t segment = fsn__attr_int(ctx->attrs, "segment", 0);

    if (!steps)
        return FSN_OK;
    if (f->dtype != FSN__U8 || steps->dtype != FSN__U8 || segment < 1)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID,
                            "steps must be uint8, for uint8 levels and segments of at least 1; "
                            "they are %s, for %s and segments of %lld",
                            fsn__dtype_name(steps->dtype), fsn__dtype_name(f->dtype),
                            (long long)segment);
    if (steps->ndim != 1 || steps->dim[0] != (fsn__numel(f) - 1) / segment + 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "steps must be [%lld], their shape is %s",
                            (long long)((fsn__numel(f) - 1) / segment + 1), FSN__SHAPE(steps));
    return FSN_OK;
}

static enum fsn_status check_offset(const struct fsn__op_ctx *ctx, const struct fsn__fs_geometry *g,
                                    struct fsn_error *err)
{
    const struct fsn__tensor *offset = input_of(ctx, FSN__FS_OFFSET);

    if (!offset)
        return FSN_OK;
    if (g->layout != FSN_LAYOUT_1D)
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "only filters of layout 1d can have an offset");
    if (offset->dtype != FSN__F32 || offset->ndim != 1 || offset->dim[0] != g->k)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "offset must be float32 [%lld], is %s %s",
                            (long long)g->k, fsn__dtype_name(offset->dtype), FSN__SHAPE(offset));
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct fsn__fs_geometry g;
    enum fsn_status status;

    status = fsn__fs_geometry_read(ctx->attrs, ctx->in[0], ctx->name, &g, err);
    if (status != FSN_OK)
        return status;
    status = check_inputs(ctx, &g, err);
    if (status == FSN_OK)
        status = check_steps(ctx, err);
    if (status == FSN_OK)
        status = check_offset(ctx, &g, err);
    if (status != FSN_OK)
        return status;
    fsn__shape_set(ctx->out[0], FSN__F32, 4, (int64_t[]){g.k, g.c, g.r, g.s});
    return FSN_OK;
}

/* Scratch: F as it is gathered, or one scaled filter on the way back. */
static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    const struct fsn__tensor *w = ctx->out[0];
    int64_t f_count = fsn__numel(ctx->in[0]), n = w->dim[1] * w->dim[2] * w->dim[3];

    *work = (size_t)(f_count > n ? f_count : n) * sizeof(float);
    *saved = 0;
}

/* ---- forward --------------------------------------------------------------------------------- */

struct gather_job {
    const struct fsn__fs_geometry *g;
    const float *f;
    const float *scale; /* [K], or one where scale_step is 0; NULL: none */
    int64_t scale_step;
    const float *base; /* [K C R S] or NULL */
    float share;
    const float *offset; /* [K] or NULL */
    float *w;
};

static void gather_task(void *arg, int thread, int threads)
{
    const struct gather_job *job = arg;
    const int64_t n = fsn__fs_filter_size(job->g);
    int64_t begin, end;

    fsn__share(job->g->k, thread, threads, &begin, &end);
    for (int64_t k = begin; k < end; k++) {
        float *w = job->w + k * n;

        if (job->offset)
            fsn__fs_gather_between(job->g, k, job->offset[k], job->f, w);
        else
            fsn__fs_gather_filter(job->g, k, job->f, w);
        for (int64_t i = 0; job->base && i < n; i++)
            w[i] = fsn__fs_blend(job->base[k * n + i], w[i], job->share);
        for (int64_t i = 0; job->scale && i < n; i++)
            w[i] *= job->scale[k * job->scale_step];
    }
}

/* How much of the filters is F's; the rest is base's. */
static float share_of(const struct fsn__op_ctx *ctx)
{
    const struct fsn__tensor *share = input_of(ctx, FSN__FS_SHARE);

    return share ? *fsn__f32(share) : 1.0F;
}

/* *out: NULL without offsets. What training makes of them may be no place at all. */
static enum fsn_status read_offset(const struct fsn__op_ctx *ctx, const float **out,
                                   struct fsn_error *err)
{
    const struct fsn__tensor *offset = input_of(ctx, FSN__FS_OFFSET);

    *out = NULL;
    if (!offset)
        return FSN_OK;
    for (int64_t k = 0; k < offset->dim[0]; k++)
        if (!isfinite(fsn__f32(offset)[k]))
            return FSN__OP_FAIL(ctx, err, FSN_DIVERGED,
                                "the location of filter %lld is not a finite number", (long long)k);
    *out = fsn__f32(offset);
    return FSN_OK;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *f = ctx->in[0];
    const struct fsn__tensor *scale = input_of(ctx, FSN__FS_SCALE);
    const struct fsn__tensor *zero = input_of(ctx, FSN__FS_ZERO);
    const float share = share_of(ctx);
    const bool per_filter = scale && (scale->dim[0] > 1 || share != 1.0F);
    const float offset = zero ? *fsn__f32(zero) : 0.0F;
    const float factor = scale && !per_filter ? *fsn__f32(scale) : 1.0F;
    struct fsn__fs_geometry g;
    struct gather_job job;
    enum fsn_status status;

    status = fsn__fs_geometry_read(ctx->attrs, f, ctx->name, &g, err);
    if (status != FSN_OK)
        return status;
    job = (struct gather_job){.g = &g,
                              .f = fsn__f32(f),
                              .scale = per_filter ? fsn__f32(scale) : NULL,
                              .scale_step = scale && scale->dim[0] > 1,
                              .share = share,
                              .w = fsn__f32(ctx->out[0])};
    status = read_offset(ctx, &job.offset, err);
    if (status != FSN_OK)
        return status;
    if (share != 1.0F)
        job.base = fsn__f32(ctx->in[FSN__FS_BASE]);
    if (f->dtype == FSN__U8 || zero || (scale && !per_filter)) {
        const int64_t count = fsn__fs_size(&g);
        const uint8_t *levels = f->data;
        const struct fsn__tensor *of_segments = input_of(ctx, FSN__FS_STEPS);
        const uint8_t *steps = of_segments ? of_segments->data : NULL;
        const int64_t segment = fsn__attr_int(ctx->attrs, "segment", 0);
        const float *values = f->data;
        float *work = ctx->work;

        for (int64_t i = 0; i < count; i++) {
            work[i] = (f->dtype == FSN__U8 ? (float)levels[i] : values[i]) - offset;
            if (steps)
                work[i] *= (float)steps[i / segment];
            work[i] *= factor;
        }
        job.f = work;
    }
    fsn__pool_run(ctx->pool, gather_task, &job);
    return FSN_OK;
}

/* ---- backward -------------------------------------------------------------------------------- */

/* Filter k: df and the gradient of its offset, either NULL where it is not wanted. */
static void scatter(const struct fsn__fs_geometry *g, int64_t k, const float *f,
                    const float *offset, const float *dw, float *df, float *doffset)
{
    if (offset) {
        const double slope = fsn__fs_scatter_between(g, k, offset[k], f, dw, df);

        if (doffset)
            doffset[k] += (float)slope;
    } else if (df) {
        fsn__fs_scatter_add_filter(g, k, dw, df);
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *scale = input_of(ctx, FSN__FS_SCALE);
    const struct fsn__tensor *df = ctx->din[0];
    const struct fsn__tensor *doffset =
        input_of(ctx, FSN__FS_OFFSET) ? ctx->din[FSN__FS_OFFSET] : NULL;
    const float share = share_of(ctx);
    const float *offset, *dw;
    struct fsn__fs_geometry g;
    enum fsn_status status;
    int64_t n;

    if ((!df && !doffset) || !ctx->dout[0])
        return FSN_OK;
    status = fsn__fs_geometry_read(ctx->attrs, ctx->in[0], ctx->name, &g, err);
    if (status == FSN_OK)
        status = read_offset(ctx, &offset, err);
    if (status != FSN_OK)
        return status;
    n = fsn__fs_filter_size(&g);
    dw = fsn__f32(ctx->dout[0]);
    for (int64_t k = 0; k < g.k; k++, dw += n) {
        const float *row = dw;

        if (scale || share != 1.0F) {
            const float factor = scale ? share * fsn__f32(scale)[scale->dim[0] > 1 ? k : 0] : share;
            float *scaled = ctx->work;

            for (int64_t i = 0; i < n; i++)
                scaled[i] = dw[i] * factor;
            row = scaled;
        }
        scatter(&g, k, fsn__f32(ctx->in[0]), offset, row, df ? fsn__f32(df) : NULL,
                doffset ? fsn__f32(doffset) : NULL);
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_filter_summary = {
    .name = "FilterSummary",
    .domain = "fsnet",
    .min_in = 1,
    .max_in = FSN__FS_INPUTS,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << FSN__FS_F | 1 << FSN__FS_SCALE | 1 << FSN__FS_SHARE | 1 << FSN__FS_OFFSET,
    .backward_out = 0,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
