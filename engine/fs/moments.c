/*
 * moments.c - least squares on what a layer does.
 *
 * With v_k = A_k F, i_k the importance and s_k the scale of filter k, the error
 *
 *     E(F) = sum_k i_k^2 E (y_k - s_k v_k p)^2 = sum_k i_k^2 (V_k - 2 s_k R_k v_k + s_k^2 v_k^T H
 * v_k)
 *
 * is quadratic in F, so conjugate gradients find its least: (Hestenes, Stiefel 1952; here with the
 * diagonal as preconditioner)
 *
 *     M F = b,   M x = sum_k A_k^T i_k^2 s_k^2 H (A_k x),   b = sum_k A_k^T i_k^2 s_k R_k.
 *
 * One product with M is a gather, a matrix product [K,n] [n,n] and a scatter. In turns with the
 * best scales for a given F, s_k = R_k v_k / (v_k^T H v_k). Too few places leave directions of the
 * weights undetermined, and those that are seldom used are measured badly: a RIDGE of the mean
 * variance is added to H's diagonal, and its product with w to R, which draws the filters towards
 * the teacher's.
 */
#include "fs/moments.h"
#include "core/blas.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 4, STEPS = 12 };
static const double RIDGE = 0.01;

/* ---- sums ------------------------------------------------------------------------------------ */

enum fsn_status fsn__moments_alloc(struct fsn__moments *m, int64_t groups, int64_t k, int64_t n,
                                   struct fsn_error *err)
{
    *m = (struct fsn__moments){.groups = groups, .k = k, .n = n};
    m->h = fsn__aligned_calloc((size_t)(groups * n * n), sizeof *m->h);
    m->r = fsn__aligned_calloc((size_t)(k * n), sizeof *m->r);
    m->v = fsn__aligned_calloc((size_t)k, sizeof *m->v);
    m->mean_p = fsn__aligned_calloc((size_t)(groups * n), sizeof *m->mean_p);
    m->mean_y = fsn__aligned_calloc((size_t)k, sizeof *m->mean_y);
    if (m->h && m->r && m->v && m->mean_p && m->mean_y)
        return FSN_OK;
    fsn__moments_free(m);
    return FSN__NOMEM(err);
}

void fsn__moments_free(struct fsn__moments *m)
{
    free(m->h);
    free(m->r);
    free(m->v);
    free(m->mean_p);
    free(m->mean_y);
    *m = (struct fsn__moments){.groups = 0};
}

struct addition {
    struct fsn__moments *m;
    int64_t group, count;
    const float *col, *y;
};

static double sum_of(const float *x, int64_t count, double *squares)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++) {
        sum += x[i];
        if (squares)
            *squares += (double)x[i] * x[i];
    }
    return sum;
}

/* A slice has rows of H and of R to itself. */
static void add_task(void *arg, int slice, int slices)
{
    const struct addition *a = arg;
    struct fsn__moments *m = a->m;
    const int64_t n = m->n, kg = m->k / m->groups, k0 = a->group * kg;
    int64_t begin, end;

    fsn__share(n, slice, slices, &begin, &end);
    if (begin < end)
        fsn__sgemm(false, true, end - begin, n, a->count, 1, a->col + begin * a->count, a->count,
                   a->col, a->count, 1, m->h + (a->group * n + begin) * n, n);
    for (int64_t i = begin; i < end; i++)
        m->mean_p[a->group * n + i] += sum_of(a->col + i * a->count, a->count, NULL);
    fsn__share(kg, slice, slices, &begin, &end);
    if (begin < end)
        fsn__sgemm(false, true, end - begin, n, a->count, 1, a->y + begin * a->count, a->count,
                   a->col, a->count, 1, m->r + (k0 + begin) * n, n);
    for (int64_t k = begin; k < end; k++)
        m->mean_y[k0 + k] += sum_of(a->y + k * a->count, a->count, &m->v[k0 + k]);
}

void fsn__moments_add(struct fsn__moments *m, int64_t group, const float *col, const float *y,
                      int64_t count, struct fsn__pool *pool)
{
    struct addition a = {m, group, count, col, y};

    fsn__pool_run(pool, add_task, &a);
    if (group == 0)
        m->places += count;
}

void fsn__moments_finish(struct fsn__moments *m, bool centred)
{
    const double scale = m->places > 0 ? 1 / (double)m->places : 0, about = centred ? 1 : 0;
    const int64_t n = m->n, kg = m->k / m->groups;

    for (int64_t i = 0; i < m->groups * n; i++)
        m->mean_p[i] *= scale;
    for (int64_t k = 0; k < m->k; k++) {
        const double *mean = m->mean_p + k / kg * n;

        m->mean_y[k] *= scale;
        m->v[k] = fmax(m->v[k] * scale - about * m->mean_y[k] * m->mean_y[k], 0);
        for (int64_t i = 0; i < n; i++)
            m->r[k * n + i] = (float)(m->r[k * n + i] * scale - about * m->mean_y[k] * mean[i]);
    }
    for (int64_t row = 0; row < m->groups * n; row++) {
        const double *mean = m->mean_p + row / n * n;

        for (int64_t i = 0; i < n; i++)
            m->h[row * n + i] =
                (float)(m->h[row * n + i] * scale - about * m->mean_p[row] * mean[i]);
    }
}

/* ---- the system ------------------------------------------------------------------------------ */

struct system {
    const struct fsn__fs_geometry *g;
    const struct fsn__moments *m;
    const struct fsn__moments_fit *how;
    int64_t all, size;
    double *ridge;          /* [G] */
    float *filters, *image; /* [K][n]: v and H v */
    const float *scale;
    float *x, *b, *d, *residual, *direction, *product; /* [size] */
};

struct rows {
    const struct system *s;
    const float *v;
    float *out;
};

/* out_k = (H + ridge) v_k, filters split over the slices. */
static void product_task(void *arg, int slice, int slices)
{
    const struct rows *job = arg;
    const struct fsn__moments *m = job->s->m;
    const int64_t n = m->n, kg = m->k / m->groups;
    int64_t begin, end;

    for (int64_t group = 0; group < m->groups; group++) {
        fsn__share(kg, slice, slices, &begin, &end);
        begin += group * kg;
        end += group * kg;
        if (begin >= end)
            continue;
        fsn__sgemm(false, false, end - begin, n, n, 1, job->v + begin * n, n, m->h + group * n * n,
                   n, 0, job->out + begin * n, n);
        for (int64_t i = begin * n; i < end * n; i++)
            job->out[i] += (float)job->s->ridge[group] * job->v[i];
    }
}

static float weight_of(const struct system *s, int64_t k)
{
    return s->how->importance[k] * s->how->importance[k] * s->scale[k];
}

/* y = M x */
static void multiply(struct system *s, const float *x, float *y)
{
    struct rows job = {s, s->filters, s->image};

    fsn__fs_gather(s->g, x, s->filters);
    fsn__pool_run(s->how->pool, product_task, &job);
    for (int64_t k = 0; k < s->m->k; k++) {
        const float factor = weight_of(s, k) * s->scale[k];

        for (int64_t i = 0; i < s->m->n; i++)
            s->image[k * s->m->n + i] *= factor;
    }
    memset(y, 0, (size_t)s->size * sizeof *y);
    fsn__fs_scatter_add(s->g, s->image, y);
}

/* R with the ridge's share of w. */
static float target(const struct system *s, int64_t k, int64_t i)
{
    const int64_t at = k * s->m->n + i, group = k / (s->m->k / s->m->groups);

    return s->m->r[at] + (float)s->ridge[group] * s->how->w[at];
}

/* b, and the diagonal of M. */
static void set_right_side(struct system *s)
{
    const int64_t n = s->m->n, kg = s->m->k / s->m->groups;

    for (int64_t k = 0; k < s->m->k; k++)
        for (int64_t i = 0; i < n; i++)
            s->filters[k * n + i] = weight_of(s, k) * target(s, k, i);
    memset(s->b, 0, (size_t)s->size * sizeof *s->b);
    fsn__fs_scatter_add(s->g, s->filters, s->b);
    for (int64_t k = 0; k < s->m->k; k++)
        for (int64_t i = 0; i < n; i++)
            s->filters[k * n + i] = weight_of(s, k) * s->scale[k] *
                                    (s->m->h[(k / kg * n + i) * n + i] + (float)s->ridge[k / kg]);
    memset(s->d, 0, (size_t)s->size * sizeof *s->d);
    fsn__fs_scatter_add(s->g, s->filters, s->d);
}

static double dot(const float *a, const float *b, int64_t count)
{
    double sum = 0;

    for (int64_t i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* From residual to the preconditioned one, in s->product; returns their product. */
static double precondition(struct system *s)
{
    for (int64_t j = 0; j < s->size; j++)
        s->product[j] = s->d[j] > 0 ? s->residual[j] / s->d[j] : 0;
    return dot(s->residual, s->product, s->size);
}

static bool asked_to_stop(const struct system *s, double done)
{
    return s->how->go_on && !s->how->go_on(s->how->user, done);
}

static enum fsn_status solve(struct system *s, double done, struct fsn_error *err)
{
    double rz, old;

    set_right_side(s);
    multiply(s, s->x, s->residual);
    for (int64_t j = 0; j < s->size; j++)
        s->residual[j] = s->b[j] - s->residual[j];
    rz = precondition(s);
    memcpy(s->direction, s->product, (size_t)s->size * sizeof *s->direction);
    for (int step = 0; step < STEPS && rz > 0; step++) {
        double curvature, alpha;

        if (asked_to_stop(s, done + (double)step / (STEPS * TURNS)))
            return FSN__FAIL(err, FSN_CANCELLED, "cancelled while filters are fitted");
        multiply(s, s->direction, s->product);
        curvature = dot(s->direction, s->product, s->size);
        if (!(curvature > 0))
            break;
        alpha = rz / curvature;
        for (int64_t j = 0; j < s->size; j++) {
            s->x[j] += (float)(alpha * s->direction[j]);
            s->residual[j] -= (float)(alpha * s->product[j]);
        }
        old = rz;
        rz = precondition(s);
        for (int64_t j = 0; j < s->size; j++)
            s->direction[j] = s->product[j] + (float)(rz / old) * s->direction[j];
    }
    return FSN_OK;
}

/* Filters and their images for the present F. */
static void look(struct system *s)
{
    struct rows job = {s, s->filters, s->image};

    fsn__fs_gather(s->g, s->x, s->filters);
    fsn__pool_run(s->how->pool, product_task, &job);
}

/* No scale falls under a tenth of what would give the filter the variance of its target. */
static void find_scales(struct system *s, float *scale)
{
    const int64_t n = s->m->n;

    look(s);
    for (int64_t k = 0; k < s->m->k; k++) {
        const double vhv = dot(s->filters + k * n, s->image + k * n, n);
        double vr = 0, least;

        for (int64_t i = 0; i < n; i++)
            vr += (double)s->filters[k * n + i] * target(s, k, i);
        if (!(vhv > 0))
            continue;
        least = 0.1 * sqrt(s->m->v[k] / vhv);
        if (fabs(vr / vhv) > least)
            scale[k] = (float)(vr / vhv);
        else if (least > 0)
            scale[k] = (float)copysign(least, vr);
    }
}

static double relative_error(struct system *s)
{
    const int64_t n = s->m->n, kg = s->m->k / s->m->groups;
    double missed = 0, all = 0;

    look(s);
    for (int64_t k = 0; k < s->m->k; k++) {
        const float *v = s->filters + k * n;
        const double scale = s->scale[k];
        const double weight = (double)s->how->importance[k] * s->how->importance[k];
        const double vhv = dot(v, s->image + k * n, n) - s->ridge[k / kg] * dot(v, v, n);

        missed +=
            weight * (s->m->v[k] - 2 * scale * dot(v, s->m->r + k * n, n) + scale * scale * vhv);
        all += weight * s->m->v[k];
    }
    return all > 0 ? sqrt(fmax(missed, 0) / all) : 0;
}

static enum fsn_status open_system(struct system *s, struct fsn_error *err)
{
    float **vectors[] = {&s->x, &s->b, &s->d, &s->residual, &s->direction, &s->product};
    bool enough;

    s->all = s->m->k * s->m->n;
    s->size = fsn__fs_size(s->g);
    s->ridge = calloc((size_t)s->m->groups, sizeof *s->ridge);
    s->filters = fsn__aligned_calloc((size_t)s->all, sizeof *s->filters);
    s->image = fsn__aligned_calloc((size_t)s->all, sizeof *s->image);
    enough = s->ridge && s->filters && s->image;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        *vectors[i] = fsn__aligned_calloc((size_t)s->size, sizeof **vectors[i]);
        enough &= *vectors[i] != NULL;
    }
    if (!enough)
        return FSN__NOMEM(err);
    for (int64_t group = 0; group < s->m->groups; group++) {
        for (int64_t i = 0; i < s->m->n; i++)
            s->ridge[group] += s->m->h[(group * s->m->n + i) * s->m->n + i];
        s->ridge[group] *= RIDGE / (double)s->m->n;
    }
    return FSN_OK;
}

static void close_system(struct system *s)
{
    free(s->ridge);
    free(s->filters);
    free(s->image);
    free(s->x);
    free(s->b);
    free(s->d);
    free(s->residual);
    free(s->direction);
    free(s->product);
}

enum fsn_status fsn__fs_fit_moments(const struct fsn__fs_geometry *g, const struct fsn__moments *m,
                                    const struct fsn__moments_fit *how, float *scale, float *f,
                                    double *error, struct fsn_error *err)
{
    struct system s = {.g = g, .m = m, .how = how, .scale = scale};
    enum fsn_status status = open_system(&s, err);

    if (status == FSN_OK)
        memcpy(s.x, f, (size_t)s.size * sizeof *f);
    for (int turn = 0; turn < TURNS && status == FSN_OK; turn++) {
        if (how->scaled)
            find_scales(&s, scale);
        status = solve(&s, (double)turn / TURNS, err);
    }
    if (status == FSN_OK) {
        if (how->scaled)
            find_scales(&s, scale);
        *error = relative_error(&s);
        memcpy(f, s.x, (size_t)s.size * sizeof *f);
    }
    close_system(&s);
    return status;
}

double fsn__moments_variance(const struct fsn__moments *m, int64_t k, const float *filter)
{
    const int64_t n = m->n;
    const float *h = m->h + k / (m->k / m->groups) * n * n;
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += filter[i] * dot(h + i * n, filter, n);
    return fmax(sum, 0);
}
