/* features.c - which feature maps are compared, and the loss that compares them.
 *
 * Source: Romero et al., "FitNets: Hints for Thin Deep Nets" (arXiv 1412.6550). Student and teacher
 * are one architecture here, so no regressor stands between the maps s and t, and the loss can be
 * made free of scale by the variance of the teacher's map over the batch:
 *
 *     loss = w sum (s - t)^2 / sum (t - mean t)^2        ds = 2 w (s - t) / sum (t - mean t)^2
 *
 * which is w times the share of the teacher's variance that the student misses. Sums are per image,
 * in double, and added in the order of the images.
 */
#include "train/features.h"

#include <string.h>

static bool is_map(const struct fsn__tensor *t)
{
    return t->dtype == FSN__F32 && t->ndim == 4 && t->dim[2] * t->dim[3] > 1;
}

/* Whether a node makes its first input's maps smaller, or makes them into something else. */
static bool ends_stage(const struct fsn__graph *graph, const struct fsn__node *node)
{
    const struct fsn__tensor *in, *out;

    if (node->n_in < 1 || node->n_out < 1 || node->in[0] < 0 || node->out[0] < 0)
        return false;
    in = &graph->values[node->in[0]].tensor;
    out = &graph->values[node->out[0]].tensor;
    if (graph->values[node->in[0]].kind != FSN__VALUE_COMPUTED || !is_map(in) ||
        out->dtype != FSN__F32)
        return false;
    return out->ndim != 4 || out->dim[2] < in->dim[2] || out->dim[3] < in->dim[3];
}

static bool same_shape(const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    bool same = a->dtype == b->dtype && a->ndim == b->ndim;

    for (int d = 0; same && d < a->ndim; d++)
        same = a->dim[d] == b->dim[d];
    return same;
}

static void append(struct fsn__stage_ends *ends, int student, int teacher)
{
    enum { MAX = FSN__MAX_IO - 1 };

    for (int i = 0; i < ends->count; i++)
        if (ends->teacher[i] == teacher)
            return;
    if (ends->count == MAX) {
        memmove(ends->student, ends->student + 1, (MAX - 1) * sizeof *ends->student);
        memmove(ends->teacher, ends->teacher + 1, (MAX - 1) * sizeof *ends->teacher);
        ends->count--;
    }
    ends->student[ends->count] = student;
    ends->teacher[ends->count++] = teacher;
}

enum fsn_status fsn__stage_ends_find(const struct fsn__graph *student,
                                     const struct fsn__graph *teacher, struct fsn__stage_ends *out,
                                     struct fsn_error *err)
{
    struct fsn__stage_ends ends = {0};

    for (int i = 0; i < teacher->node_count; i++) {
        const struct fsn__node *node = &teacher->nodes[i];
        int value;

        if (!ends_stage(teacher, node))
            continue;
        value = fsn__graph_find_value(student, teacher->values[node->in[0]].name);
        if (value >= 0 && student->values[value].kind == FSN__VALUE_COMPUTED &&
            same_shape(&student->values[value].tensor, &teacher->values[node->in[0]].tensor))
            append(&ends, value, node->in[0]);
    }
    if (ends.count == 0)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "finetune.distill.feature: student and teacher have no feature map in "
                         "common where the size of the maps falls; set it to 0");
    *out = ends;
    return FSN_OK;
}

struct comparison {
    const float *s, *t;
    float *ds;
    int64_t images, size;
    double *missed, *sum, *square; /* [images] of (s - t)^2, t, t^2 */
    double factor;                 /* of s - t in ds */
};

static void measure_share(void *arg, int slice, int slices)
{
    const struct comparison *c = arg;
    int64_t begin, end;

    fsn__share(c->images, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *s = c->s + i * c->size, *t = c->t + i * c->size;
        double missed = 0, sum = 0, square = 0;

        for (int64_t j = 0; j < c->size; j++) {
            const double d = (double)s[j] - t[j];

            missed += d * d;
            sum += t[j];
            square += (double)t[j] * t[j];
        }
        c->missed[i] = missed;
        c->sum[i] = sum;
        c->square[i] = square;
    }
}

static void gradient_share(void *arg, int slice, int slices)
{
    const struct comparison *c = arg;
    const float factor = (float)c->factor;
    int64_t begin, end;

    fsn__share(c->images * c->size, slice, slices, &begin, &end);
    for (int64_t j = begin; j < end; j++)
        c->ds[j] = factor * (c->s[j] - c->t[j]);
}

double fsn__feature_loss(const float *s, const float *t, int64_t images, int64_t size,
                         double weight, float *ds, double *scratch, struct fsn__pool *pool)
{
    struct comparison c = {.s = s,
                           .t = t,
                           .ds = ds,
                           .images = images,
                           .size = size,
                           .missed = scratch,
                           .sum = scratch + images,
                           .square = scratch + 2 * images};
    double missed = 0, sum = 0, square = 0, spread, loss = 0;

    fsn__pool_run(pool, measure_share, &c);
    for (int64_t i = 0; i < images; i++) {
        missed += c.missed[i];
        sum += c.sum[i];
        square += c.square[i];
    }
    spread = square - sum * sum / (double)(images * size);
    /* What rounding leaves of a constant map is not a variance. */
    if (!(spread <= 1e-12 * square)) {
        c.factor = 2 * weight / spread;
        loss = weight * missed / spread;
    }
    fsn__pool_run(pool, gradient_share, &c);
    return loss;
}

double fsn__features_compare(const struct fsn__stage_ends *ends,
                             const struct fsn__classifier *student,
                             const struct fsn__classifier *teacher, double weight, double *scratch,
                             struct fsn__pool *pool)
{
    const int64_t batch = student->batch;
    double loss = 0;

    for (int i = 0; i < ends->count; i++) {
        const struct fsn__tensor *s = fsn__classifier_value(student, i);
        const struct fsn__tensor *t = fsn__classifier_value(teacher, i);

        loss += fsn__feature_loss(fsn__f32(s), fsn__f32(t), batch, fsn__numel(s) / batch,
                                  weight / ends->count, fsn__classifier_value_grad(student, i),
                                  scratch, pool);
    }
    return loss;
}
