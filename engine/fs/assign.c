/*
 * assign.c - filters to slots, by swaps.
 *
 * Where filter a lies in slot p, it adds w_a[e] to S[idx_p(e)], the sum of the weights that read an
 * element of F. How many read it, u, does not depend on who sits where, and the least-squares error
 * (fit.c) is |w|^2 - sum_j S_j^2 / u_j. So the best order of the filters has the largest
 *
 *     Q = sum_j S_j^2 / u_j,
 *
 * and so have the best signs, where something behind the layer undoes them. Swapping a in p with b
 * in q changes Q on the elements of the two slots alone: 2 n steps a pair (try_swap). Pairs are not
 * tried blindly. With M[k,p] = sum_e w_k[e] S[idx_p(e)] / u[idx_p(e)], one matrix product for all,
 * the gain is about 2 (|M[b,p]| + |M[a,q]| - M[a,p] - M[b,q]) + what each adds to itself, and each
 * filter is tried with the CANDIDATES others of which most can be hoped. Rounds end when a whole
 * one finds nothing, or with the budget of steps, which a few of the largest layers reach (some
 * seconds).
 */
#include "fs/assign.h"
#include "core/blas.h"
#include "core/mem.h"
#include "core/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 32, STARTS = 6 };
static const int64_t BUDGET = INT64_C(1) << 27; /* elements looked at */

struct search {
    int64_t k, n, size;
    int64_t *slot;
    float *w;       /* [K][n], signs applied */
    int32_t *place; /* [K][n]: where slot p reads its elements */
    float *inverse; /* [size]: 1 / u */
    double *sum;    /* [size]: S */
    double *moved;  /* [size]: what a swap adds to S; zeros in between */
    float *hope;    /* [K][K]: M, of filters by slots */
    float *own;     /* [K]: what a filter adds to its own M */
    float *rows;    /* [K][n]: S / u as each slot reads it */
    int64_t left;   /* of the budget */
};

/* ---- one step ----------------------------------------------------------------------------------
 */

/* Adds x to what slot p's element e will hold; returns by how much that raises Q. */
static inline double move(struct search *s, int64_t p, int64_t e, double x)
{
    const int32_t j = s->place[p * s->n + e];
    const double gain = x * (2 * (s->sum[j] + s->moved[j]) + x) * s->inverse[j];

    s->moved[j] += x;
    return gain;
}

/* Keeps what was moved in slot p, or takes it back. */
static void settle(struct search *s, int64_t p, bool keep)
{
    for (int64_t e = 0; e < s->n; e++) {
        const int32_t j = s->place[p * s->n + e];

        if (keep)
            s->sum[j] += s->moved[j];
        s->moved[j] = 0;
    }
}

static void negate(float *w, int64_t n)
{
    for (int64_t e = 0; e < n; e++)
        w[e] = -w[e];
}

/* The sign with which filter `in` fits best where `out` lies now. */
static double better_sign(const struct search *s, int64_t in, int64_t out)
{
    const float *w = s->w + in * s->n, *old = s->w + out * s->n;
    const int32_t *place = s->place + s->slot[out] * s->n;
    double fit = 0;

    for (int64_t e = 0; e < s->n; e++)
        fit += w[e] * (s->sum[place[e]] - old[e]) * s->inverse[place[e]];
    return fit < 0 ? -1 : 1;
}

/* Swaps a and b if that raises Q. */
static bool try_swap(struct search *s, int64_t a, int64_t b, bool with_signs)
{
    const int64_t p = s->slot[a], q = s->slot[b];
    const float *wa = s->w + a * s->n, *wb = s->w + b * s->n;
    const double sign_a = with_signs ? better_sign(s, a, b) : 1;
    const double sign_b = with_signs ? better_sign(s, b, a) : 1;
    double gain = 0, scale = 0;
    bool keep;

    for (int64_t e = 0; e < s->n; e++) {
        gain += move(s, p, e, sign_b * wb[e] - wa[e]);
        gain += move(s, q, e, sign_a * wa[e] - wb[e]);
        scale += fabs((double)wa[e]) + fabs((double)wb[e]);
    }
    keep = gain > 1e-6 * scale * scale / (double)s->n; /* not what rounding makes of nothing */
    settle(s, p, keep);
    settle(s, q, keep);
    if (!keep)
        return false;
    s->slot[a] = q;
    s->slot[b] = p;
    if (sign_a < 0)
        negate(s->w + a * s->n, s->n);
    if (sign_b < 0)
        negate(s->w + b * s->n, s->n);
    return true;
}

static bool try_sign(struct search *s, int64_t a)
{
    float *w = s->w + a * s->n;
    double gain = 0, scale = 0;
    bool keep;

    for (int64_t e = 0; e < s->n; e++) {
        gain += move(s, s->slot[a], e, -2.0 * w[e]);
        scale += fabs((double)w[e]);
    }
    keep = gain > 1e-6 * scale * scale / (double)s->n;
    settle(s, s->slot[a], keep);
    if (keep)
        negate(w, s->n);
    return keep;
}

/* ---- whom to try ------------------------------------------------------------------------------
 */

/* M as things are at the beginning of a round. */
static void look_around(struct search *s)
{
    for (int64_t i = 0; i < s->k * s->n; i++)
        s->rows[i] = (float)(s->sum[s->place[i]] * s->inverse[s->place[i]]);
    fsn__sgemm(false, true, s->k, s->k, s->n, 1, s->w, s->n, s->rows, s->n, 0, s->hope, s->k);
    for (int64_t a = 0; a < s->k; a++) {
        const int32_t *place = s->place + s->slot[a] * s->n;

        s->own[a] = 0;
        for (int64_t e = 0; e < s->n; e++)
            s->own[a] += s->w[a * s->n + e] * s->w[a * s->n + e] * s->inverse[place[e]];
    }
}

static float promise(const struct search *s, int64_t a, int64_t b, bool with_signs)
{
    const int64_t p = s->slot[a], q = s->slot[b];
    float in_p = s->hope[b * s->k + p], in_q = s->hope[a * s->k + q];

    if (with_signs) {
        in_p = fabsf(in_p);
        in_q = fabsf(in_q);
    }
    return in_p + in_q - s->hope[a * s->k + p] - s->hope[b * s->k + q] + s->own[a] + s->own[b];
}

/* The filters that promise most for a swap with a, best first; returns how many. */
static int candidates(const struct search *s, int64_t a, bool with_signs, int64_t *best)
{
    float value[CANDIDATES];
    int count = 0;

    for (int64_t b = 0; b < s->k; b++) {
        const float p = b != a ? promise(s, a, b, with_signs) : -INFINITY;
        int at;

        if (b == a || (count == CANDIDATES && p <= value[count - 1]))
            continue;
        if (count < CANDIDATES)
            count++;
        for (at = count - 1; at > 0 && value[at - 1] < p; at--) {
            value[at] = value[at - 1];
            best[at] = best[at - 1];
        }
        value[at] = p;
        best[at] = b;
    }
    return count;
}

static bool run_round(struct search *s, bool with_signs)
{
    int64_t best[CANDIDATES];
    bool any = false;

    look_around(s);
    for (int64_t a = 0; a < s->k && s->left > 0; a++) {
        const int count = candidates(s, a, with_signs, best);

        if (with_signs)
            any |= try_sign(s, a);
        for (int i = 0; i < count && s->left > 0; i++) {
            any |= try_swap(s, a, best[i], with_signs);
            s->left -= 2 * s->n;
        }
    }
    return any;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static void *array(int64_t count, size_t size)
{
    return fsn__aligned_calloc((size_t)count, size);
}

/* Where every slot reads. */
static void find_places(struct search *s, const struct fsn__fs_geometry *g)
{
    struct fsn__fs_geometry in_order = *g;
    const int64_t area = g->r * g->s;

    in_order.slot = NULL;
    for (int64_t p = 0; p < s->k; p++)
        for (int64_t c = 0; c < g->c; c++)
            for (int64_t at = 0; at < area; at++)
                s->place[p * s->n + c * area + at] =
                    (int32_t)fsn__fs_element(&in_order, p, c, at / g->s, at % g->s);
}

static enum fsn_status open_search(struct search *s, const struct fsn__fs_geometry *g,
                                   struct fsn_error *err)
{
    const int64_t all = g->k * fsn__fs_filter_size(g);

    *s = (struct search){
        .k = g->k, .n = fsn__fs_filter_size(g), .size = fsn__fs_size(g), .left = BUDGET};
    s->slot = array(s->k, sizeof *s->slot);
    s->w = array(all, sizeof *s->w);
    s->rows = array(all, sizeof *s->rows);
    s->place = array(all, sizeof *s->place);
    s->inverse = array(s->size, sizeof *s->inverse);
    s->sum = array(s->size, sizeof *s->sum);
    s->moved = array(s->size, sizeof *s->moved);
    s->hope = array(s->k * s->k, sizeof *s->hope);
    s->own = array(s->k, sizeof *s->own);
    if (!s->slot || !s->w || !s->rows || !s->place || !s->inverse || !s->sum || !s->moved ||
        !s->hope || !s->own)
        return FSN__NOMEM(err);
    find_places(s, g);
    for (int64_t i = 0; i < all; i++)
        s->inverse[s->place[i]] += 1;
    for (int64_t j = 0; j < s->size; j++)
        s->inverse[j] = s->inverse[j] > 0 ? 1 / s->inverse[j] : 0;
    return FSN_OK;
}

static void close_search(struct search *s)
{
    free(s->slot);
    free(s->w);
    free(s->rows);
    free(s->place);
    free(s->inverse);
    free(s->sum);
    free(s->moved);
    free(s->hope);
    free(s->own);
}

/* Filters in order at the first start, and in some other order at each later one. */
static void begin(struct search *s, const float *w, uint64_t start)
{
    struct fsn__rng rng = fsn__rng_open(0, FSN__RNG_INIT, start, 3);

    for (int64_t k = 0; k < s->k; k++) {
        const int64_t j = start > 0 ? (int64_t)fsn__rng_below(&rng, (uint64_t)k + 1) : k;

        s->slot[k] = s->slot[j];
        s->slot[j] = k;
    }
    memcpy(s->w, w, (size_t)(s->k * s->n) * sizeof *w);
    memset(s->sum, 0, (size_t)s->size * sizeof *s->sum);
    for (int64_t k = 0; k < s->k; k++)
        for (int64_t e = 0; e < s->n; e++)
            s->sum[s->place[s->slot[k] * s->n + e]] += w[k * s->n + e];
}

static double quality(const struct search *s)
{
    double q = 0;

    for (int64_t j = 0; j < s->size; j++)
        q += s->sum[j] * s->sum[j] * s->inverse[j];
    return q;
}

static void take(const struct search *s, const float *w, int64_t *slot, float *sign)
{
    memcpy(slot, s->slot, (size_t)s->k * sizeof *slot);
    for (int64_t k = 0; sign && k < s->k; k++) {
        sign[k] = 1;
        for (int64_t e = 0; e < s->n; e++)
            if (s->w[k * s->n + e] != w[k * s->n + e])
                sign[k] = -1;
    }
}

enum fsn_status fsn__fs_assign(const struct fsn__fs_geometry *g, const float *w, int64_t *slot,
                               float *sign, struct fsn_error *err)
{
    struct search s;
    double best = -1;
    enum fsn_status status = open_search(&s, g, err);

    for (uint64_t start = 0; status == FSN_OK && start < STARTS && s.left > 0; start++) {
        begin(&s, w, start);
        while (s.left > 0 && run_round(&s, sign != NULL))
            continue;
        if (quality(&s) > best) {
            best = quality(&s);
            take(&s, w, slot, sign);
        }
    }
    close_search(&s);
    return status;
}
