/*
 * activations.c - the student's layers brought near to the teacher's, one after the other.
 *
 * For each converted convolution, in the order of the network: the student as it is by now, with
 * all layers before this one fitted, runs on some training images up to the layer's input x; the
 * teacher runs up to the layer's output y. From the patches of x and the values of y come the
 * moments (fs/moments.h), and from them F. So a layer also makes up for what the ones before it get
 * wrong.
 *
 * Batch norm behind the layer takes up the scale s of each filter, and gets mean and variance of
 * what the new filters write, which follow from the moments. The scale that is best for the layer
 * alone shrinks what it writes by the correlation with the target; what batch norm is given is the
 * one that keeps the teacher's variance, since training and the settling of statistics bring that
 * about anyway. The filters as they were, which progressive sharing begins with, are put on the
 * same scale.
 */
#include "compress/activations.h"
#include "core/mem.h"
#include "fs/absorb.h"
#include "fs/moments.h"
#include "ops/conv.h"
#include "ops/im2col.h"
#include "train/meter.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Small images by the hundreds; of large ones, which have many places each, as many as have so many
 * pixels, but FEWEST. */
enum { MOST = 256, FEWEST = 32, PIXELS = 1 << 18, BATCH = 32 };

/* One of the two networks, run up to one value. */
struct side {
    struct fsn__graph *view;
    struct fsn__exec *exec;
};

struct fitter {
    const struct fsn__train_job *job;
    struct fsn__graph *teacher;
    struct fsn_plan *plan;
    struct fsn__transform transform;
    struct fsn__meter meter;
    int64_t images, batch;
    int64_t *order;
    int32_t *labels;
    int *student_uses, *teacher_uses;
    double done; /* share of the layers */
    struct fsn_error *err;
};

/* A layer of both. */
struct layer {
    struct fsn_plan_layer *row;
    int conv, teacher_conv, summary; /* nodes */
    struct fsn__fs_geometry g;
    struct fsn__moments moments;
    struct side student, reference;
    bool absorbs;
    struct fsn__absorber bn, teacher_bn;
    float *scale, *importance; /* [K] */
};

static bool go_on(void *user, double done)
{
    const struct fitter *fit = user;
    const struct fsn_progress now = {.loss = NAN};

    (void)done;
    return fsn__meter_tell(&fit->meter, fit->done, now);
}

/* ---- the moments of a layer -------------------------------------------------------------------
 */

static void close_side(struct side *side)
{
    fsn__exec_destroy(side->exec);
    fsn__graph_destroy(side->view);
    *side = (struct side){NULL, NULL};
}

static enum fsn_status open_side(struct fitter *fit, const struct fsn__graph *graph, int value,
                                 const char *who, struct side *side)
{
    const struct fsn__exec_options options = {.batch = fit->batch, .pool = fit->job->pool};
    enum fsn_status status =
        fsn__view_create(graph, who, fit->job->data, &value, 1, &side->view, fit->err);

    if (status == FSN_OK)
        status = fsn__exec_create(side->view, &options, &side->exec, fit->err);
    if (status == FSN_OK)
        status = fsn__view_aim(side->view, &fit->transform, fit->err);
    return status;
}

/* x of the student for the batch in memory; the images themselves where the layer reads them. */
static const struct fsn__tensor *input_of(const struct layer *l)
{
    return l->student.exec ? fsn__exec_output(l->student.exec, 0)
                           : fsn__exec_input(l->reference.exec, 0);
}

static enum fsn_status read_sizes(struct fitter *fit, const struct layer *l,
                                  struct fsn__conv_sizes *sizes)
{
    const struct fsn__node *conv = &fit->job->student->nodes[l->conv];
    struct fsn__tensor x = *input_of(l), w = {.dtype = FSN__F32}, y = {.dtype = FSN__F32};
    struct fsn__tensor *in[] = {&x, &w}, *out[] = {&y};
    const struct fsn__op_ctx ctx = {.op = conv->op,
                                    .name = conv->name,
                                    .attrs = &conv->attrs,
                                    .n_in = 2,
                                    .n_out = 1,
                                    .in = in,
                                    .out = out};

    fsn__shape_set(&w, FSN__F32, 4, (int64_t[]){l->g.k, l->g.c, l->g.r, l->g.s});
    return fsn__conv_read(&ctx, &w, sizes, fit->err);
}

static void add_images(struct fitter *fit, struct layer *l, const struct fsn__conv_sizes *s,
                       int64_t count, float *col)
{
    const float *x = fsn__f32(input_of(l)), *y = fsn__f32(fsn__exec_output(l->reference.exec, 0));

    for (int64_t i = 0; i < count; i++)
        for (int64_t group = 0; group < s->groups; group++) {
            const int64_t at = i * s->groups + group;

            fsn__im2col(&s->window, s->cg, x + at * s->cg * s->in, col);
            fsn__moments_add(&l->moments, group, col, y + at * s->kg * s->out, s->out,
                             fit->job->pool);
        }
}

static enum fsn_status run_batch(struct fitter *fit, struct layer *l, int64_t first, int64_t count)
{
    const struct fsn__train_job *job = fit->job;
    struct fsn__tensor *images = fsn__exec_input(l->reference.exec, 0);
    enum fsn_status status =
        fsn__load_batch(job->data, FSN_SPLIT_TRAIN, fit->order + first, count, &fit->transform,
                        true, 0, job->pool, fsn__f32(images), fit->labels, fit->err);

    if (status == FSN_OK && l->student.exec) {
        memcpy(fsn__exec_input(l->student.exec, 0)->data, images->data, fsn__tensor_bytes(images));
        status = fsn__exec_forward(l->student.exec, 0, fit->err);
    }
    return status == FSN_OK ? fsn__exec_forward(l->reference.exec, 0, fit->err) : status;
}

static enum fsn_status gather_moments(struct fitter *fit, struct layer *l)
{
    const struct fsn__graph *student = fit->job->student;
    const int x = student->nodes[l->conv].in[0];
    struct fsn__conv_sizes sizes;
    float *col = NULL;
    enum fsn_status status;

    status = open_side(fit, fit->teacher, fit->teacher->nodes[l->teacher_conv].out[0], "teacher",
                       &l->reference);
    if (status == FSN_OK && student->values[x].producer >= 0)
        status = open_side(fit, student, x, "student", &l->student);
    if (status == FSN_OK)
        status = read_sizes(fit, l, &sizes);
    if (status == FSN_OK)
        status = fsn__moments_alloc(&l->moments, sizes.groups, l->g.k, sizes.depth, fit->err);
    if (status != FSN_OK)
        return status;
    col = fsn__aligned_calloc((size_t)(sizes.depth * sizes.out), sizeof *col);
    if (!col)
        return FSN__NOMEM(fit->err);
    for (int64_t done = 0; done < fit->images && status == FSN_OK; done += fit->batch) {
        const int64_t left = fit->images - done, count = left < fit->batch ? left : fit->batch;

        status = run_batch(fit, l, done, count);
        if (status == FSN_OK)
            add_images(fit, l, &sizes, count, col);
        if (status == FSN_OK && !go_on(fit, 0))
            status = FSN__FAIL(fit->err, FSN_CANCELLED, "cancelled while filters are fitted");
    }
    free(col);
    fsn__moments_finish(&l->moments, l->absorbs);
    return status;
}

/* ---- what becomes of the layer ----------------------------------------------------------------
 */

static struct fsn__tensor *input_tensor(const struct fitter *fit, const struct layer *l, int slot)
{
    const struct fsn__node *summary = &fit->job->student->nodes[l->summary];

    return slot < summary->n_in && summary->in[slot] >= 0
               ? &fit->job->student->values[summary->in[slot]].tensor
               : NULL;
}

/* Batch norm as the teacher has it, then with the scale in it and the statistics that F has. */
static enum fsn_status renew_batch_norm(struct fitter *fit, struct layer *l, const float *f)
{
    const int64_t n = l->moments.n;
    const size_t bytes = (size_t)l->g.k * sizeof(float);
    float *filter = fsn__aligned_calloc((size_t)n, sizeof *filter);

    if (!filter)
        return FSN__NOMEM(fit->err);
    memcpy(l->bn.gamma, l->teacher_bn.gamma, bytes);
    memcpy(l->bn.mean, l->teacher_bn.mean, bytes);
    memcpy(l->bn.var, l->teacher_bn.var, bytes);
    for (int64_t k = 0; k < l->g.k; k++) {
        const double v = l->moments.v[k];
        double own;

        fsn__fs_gather_filter(&l->g, k, f, filter);
        own = fsn__moments_variance(&l->moments, k, filter);
        if (own > 0 && v > 0)
            l->scale[k] = (float)copysign(sqrt(v / own), l->scale[k]);
    }
    fsn__absorb(&l->bn, l->scale);
    for (int64_t k = 0; k < l->g.k; k++) {
        const double *mean = l->moments.mean_p + k / (l->g.k / l->moments.groups) * n;
        double sum = 0;

        fsn__fs_gather_filter(&l->g, k, f, filter);
        for (int64_t i = 0; i < n; i++)
            sum += filter[i] * mean[i];
        l->bn.mean[k] = (float)sum;
        l->bn.var[k] = (float)fsn__moments_variance(&l->moments, k, filter);
    }
    free(filter);
    return FSN_OK;
}

static void rescale_base(const struct layer *l, const float *w, float *base)
{
    const int64_t n = l->moments.n;

    for (int64_t i = 0; i < l->g.k * n; i++)
        base[i] = w[i] / l->scale[i / n];
}

static void set_importance(struct layer *l)
{
    for (int64_t k = 0; k < l->g.k; k++) {
        l->importance[k] = l->absorbs ? fsn__absorber_factor(&l->teacher_bn, k) : 1;
        l->scale[k] = 1;
    }
}

static enum fsn_status fit_layer(struct fitter *fit, struct layer *l)
{
    const struct fsn__node *conv = &fit->teacher->nodes[l->teacher_conv];
    const float *w = fsn__f32(&fit->teacher->values[conv->in[1]].tensor);
    struct fsn__tensor *f = input_tensor(fit, l, 0), *base = input_tensor(fit, l, 3);
    const struct fsn__moments_fit how = {.w = w,
                                         .importance = l->importance,
                                         .scaled = l->absorbs,
                                         .go_on = go_on,
                                         .user = fit,
                                         .pool = fit->job->pool};
    enum fsn_status status = gather_moments(fit, l);

    if (status == FSN_OK)
        status = fsn__fs_fit_moments(&l->g, &l->moments, &how, l->scale, fsn__f32(f),
                                     &l->row->activation_error, fit->err);
    if (status == FSN_OK && l->absorbs)
        status = renew_batch_norm(fit, l, fsn__f32(f));
    if (status == FSN_OK && base)
        rescale_base(l, w, fsn__f32(base));
    return status;
}

/* Finds the layer in both networks; false where it has no weights of its own to be fitted by. */
static bool find_layer(struct fitter *fit, struct layer *l)
{
    const struct fsn__graph *student = fit->job->student;
    int filters;

    l->conv = fsn__names_find(&student->node_names, l->row->name);
    l->teacher_conv = fsn__names_find(&fit->teacher->node_names, l->row->name);
    if (l->conv < 0 || l->teacher_conv < 0)
        return false;
    filters = student->nodes[l->conv].in[1];
    l->summary = student->values[filters].producer;
    if (l->summary < 0 || fit->student_uses[filters] != 1 ||
        (student->nodes[l->conv].n_in > 2 && student->nodes[l->conv].in[2] >= 0))
        return false;
    l->absorbs =
        fsn__find_absorber(student, l->conv, fit->student_uses, &l->bn) &&
        fsn__find_absorber(fit->teacher, l->teacher_conv, fit->teacher_uses, &l->teacher_bn);
    return fsn__fs_geometry_read(&student->nodes[l->summary].attrs, input_tensor(fit, l, 0),
                                 l->row->name, &l->g, NULL) == FSN_OK;
}

static enum fsn_status fit_row(struct fitter *fit, struct fsn_plan_layer *row)
{
    struct layer l = {.row = row};
    enum fsn_status status = FSN_OK;

    if (row->layout == FSN_LAYOUT_DENSE || !find_layer(fit, &l))
        return FSN_OK;
    l.scale = calloc((size_t)l.g.k, sizeof *l.scale);
    l.importance = calloc((size_t)l.g.k, sizeof *l.importance);
    if (l.scale && l.importance) {
        set_importance(&l);
        status = fit_layer(fit, &l);
    } else {
        status = FSN__NOMEM(fit->err);
    }
    close_side(&l.student);
    close_side(&l.reference);
    fsn__moments_free(&l.moments);
    free(l.scale);
    free(l.importance);
    return status;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static enum fsn_status prepare(struct fitter *fit)
{
    const struct fsn__train_job *job = fit->job;
    const struct fsn__tensor *input = &job->student->values[job->student->inputs[0]].tensor;
    const int64_t train = job->data->split[FSN_SPLIT_TRAIN].count;
    const int64_t pixels = fsn__numel_range(input, 1, 4) / 3 + 1;

    if (train < 1)
        return FSN__FAIL(fit->err, FSN_MISMATCH, "the data set has no images in its train split");
    fit->images = PIXELS / pixels;
    fit->images = fit->images < FEWEST ? FEWEST : fit->images > MOST ? MOST : fit->images;
    fit->images = fit->images < train ? fit->images : train;
    fit->batch = input->dim[0] == FSN_BATCH ? BATCH : input->dim[0];
    fit->order = calloc((size_t)train, sizeof *fit->order);
    fit->labels = calloc((size_t)fit->batch, sizeof *fit->labels);
    fit->student_uses = fsn__graph_count_uses(job->student);
    fit->teacher_uses = fsn__graph_count_uses(fit->teacher);
    if (!fit->order || !fit->labels || !fit->student_uses || !fit->teacher_uses)
        return FSN__NOMEM(fit->err);
    fsn__shuffle(fit->order, train, job->spec->seed, 0);
    fsn__meter_start(&fit->meter, 0);
    return FSN_OK;
}

enum fsn_status fsn__fit_activations(const struct fsn__train_job *job, struct fsn__graph *teacher,
                                     struct fsn_plan *plan, struct fsn_error *err)
{
    struct fitter fit = {
        .job = job,
        .teacher = teacher,
        .plan = plan,
        .transform = fsn__view_transform(job->data, job->spec),
        .meter = {job->progress, job->user, FSN_STAGE_FIT, job->fraction_from, job->fraction_from,
                  0, 0},
        .err = err,
    };
    enum fsn_status status = prepare(&fit);

    fit.transform.cutout = false; /* what is blanked says nothing of a layer */
    for (size_t i = 0; i < plan->layer_count && status == FSN_OK; i++) {
        fit.done = (double)i / (double)plan->layer_count;
        status = fit_row(&fit, &plan->layers[i]);
    }
    free(fit.order);
    free(fit.labels);
    free(fit.student_uses);
    free(fit.teacher_uses);
    return status;
}
