/* output_loss.c - see output_loss.h. */
#include "train/output_loss.h"

#include <math.h>
#include <stdlib.h>

/* ---- of one image ---------------------------------------------------------------------------- */

/* log sum_c exp(z[c inner] / T). */
static double log_sum(const float *z, const struct fsn__measure *m)
{
    double most = z[0], sum = 0;

    for (int64_t c = 1; c < m->length; c++)
        if (z[c * m->inner] > most)
            most = z[c * m->inner];
    for (int64_t c = 0; c < m->length; c++)
        sum += exp((z[c * m->inner] - most) / m->temperature);
    return most / m->temperature + log(sum);
}

/* KL of one row; `factor` times its gradient over T goes into ds. */
static double row_divergence(const struct fsn__measure *m, const float *s, const float *t,
                             double factor, float *ds)
{
    const double norm_s = log_sum(s, m), norm_t = log_sum(t, m);
    double sum = 0;

    for (int64_t c = 0; c < m->length; c++) {
        const double log_s = s[c * m->inner] / m->temperature - norm_s;
        const double log_t = t[c * m->inner] / m->temperature - norm_t;
        const double p = exp(log_t);

        if (p > 0)
            sum += p * (log_t - log_s);
        if (ds)
            ds[c * m->inner] = (float)(factor * (exp(log_s) - p) / m->temperature);
    }
    return sum;
}

/* dD/ds = T^2 / rows (softmax(s / T) - softmax(t / T)) / T */
static double image_kl(const struct fsn__measure *m, const float *s, const float *t, double factor,
                       float *ds)
{
    const double rows = (double)(m->outer * m->inner), scale = m->temperature * m->temperature;
    double sum = 0;

    for (int64_t o = 0; o < m->outer; o++)
        for (int64_t i = 0; i < m->inner; i++) {
            const int64_t at = o * m->length * m->inner + i;

            sum += row_divergence(m, s + at, t + at, factor * scale / rows, ds ? ds + at : NULL);
        }
    return scale * sum / rows;
}

/* dD/ds = 2 (s - t) / values */
static double image_mse(const struct fsn__measure *m, const float *s, const float *t, double factor,
                        float *ds)
{
    const int64_t values = fsn__measure_values(m);
    double sum = 0;

    for (int64_t j = 0; j < values; j++) {
        const double d = (double)s[j] - t[j];

        sum += d * d;
        if (ds)
            ds[j] = (float)(factor * 2 * d / (double)values);
    }
    return sum / (double)values;
}

/* dD/ds = (s (s t) / |s|^2 - t) / (|s| |t|) */
static double image_cosine(const struct fsn__measure *m, const float *s, const float *t,
                           double factor, float *ds)
{
    const int64_t values = fsn__measure_values(m);
    double ss = 0, tt = 0, st = 0, norms;

    for (int64_t j = 0; j < values; j++) {
        ss += (double)s[j] * s[j];
        tt += (double)t[j] * t[j];
        st += (double)s[j] * t[j];
    }
    norms = sqrt(ss * tt);
    for (int64_t j = 0; ds && j < values; j++)
        ds[j] = norms > 0 ? (float)(factor * (s[j] * st / ss - t[j]) / norms) : 0;
    return norms > 0 || isnan(norms) ? 1 - st / norms : 1;
}

/* ---- of a batch ------------------------------------------------------------------------------ */

struct comparison {
    const struct fsn__measure *measure;
    const float *s, *t;
    float *ds;
    int64_t images;
    double factor;
    double *each;
};

static void compare_share(void *arg, int slice, int slices)
{
    const struct comparison *c = arg;
    const struct fsn__measure *m = c->measure;
    const int64_t values = fsn__measure_values(m);
    int64_t begin, end;

    fsn__share(c->images, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *s = c->s + i * values, *t = c->t + i * values;
        float *ds = c->ds ? c->ds + i * values : NULL;

        c->each[i] = m->loss == FSN_OUTPUT_KL    ? image_kl(m, s, t, c->factor, ds)
                     : m->loss == FSN_OUTPUT_MSE ? image_mse(m, s, t, c->factor, ds)
                                                 : image_cosine(m, s, t, c->factor, ds);
    }
}

double fsn__output_loss(const struct fsn__measure *measure, const float *s, const float *t,
                        int64_t images, double factor, float *ds, double *scratch,
                        struct fsn__pool *pool)
{
    struct comparison c = {measure, s, t, ds, images, factor / (double)images, scratch};
    double sum = 0;

    fsn__pool_run(pool, compare_share, &c);
    for (int64_t i = 0; i < images; i++)
        sum += scratch[i];
    return sum / (double)images;
}

/* ---- spread ---------------------------------------------------------------------------------- */

enum fsn_status fsn__spread_create(const struct fsn__measure *measure, struct fsn__spread *out,
                                   struct fsn_error *err)
{
    double *sum = calloc((size_t)fsn__measure_values(measure), sizeof *sum);

    if (!sum)
        return FSN__NOMEM(err);
    *out = (struct fsn__spread){.sum = sum};
    return FSN_OK;
}

void fsn__spread_clear(struct fsn__spread *spread)
{
    free(spread->sum);
    *spread = (struct fsn__spread){.sum = NULL};
}

static void add_probabilities(struct fsn__spread *spread, const struct fsn__measure *m,
                              const float *t)
{
    for (int64_t o = 0; o < m->outer; o++)
        for (int64_t i = 0; i < m->inner; i++) {
            const int64_t at = o * m->length * m->inner + i;
            const double norm = log_sum(t + at, m);

            for (int64_t c = 0; c < m->length; c++) {
                const double log_p = t[at + c * m->inner] / m->temperature - norm;

                spread->sum[at + c * m->inner] += exp(log_p);
                if (exp(log_p) > 0)
                    spread->own += exp(log_p) * log_p;
            }
        }
}

static void add_values(struct fsn__spread *spread, const struct fsn__measure *m, const float *t)
{
    const int64_t values = fsn__measure_values(m);
    double square = 0, scale = 1;

    for (int64_t j = 0; j < values; j++)
        square += (double)t[j] * t[j];
    spread->own += square;
    if (m->loss == FSN_OUTPUT_COSINE)
        scale = square > 0 ? 1 / sqrt(square) : 0;
    for (int64_t j = 0; j < values; j++)
        spread->sum[j] += scale * t[j];
}

void fsn__spread_add(struct fsn__spread *spread, const struct fsn__measure *measure, const float *t,
                     int64_t images)
{
    const int64_t values = fsn__measure_values(measure);

    for (int64_t i = 0; i < images; i++) {
        if (measure->loss == FSN_OUTPUT_KL)
            add_probabilities(spread, measure, t + i * values);
        else
            add_values(spread, measure, t + i * values);
    }
    spread->images += images;
}

/* What is left of `all` when `said` of it is known; rounding is nothing. */
static double rest(double all, double said)
{
    return all - said > 1e-10 * fabs(all) ? all - said : 0;
}

double fsn__spread_of(const struct fsn__spread *spread, const struct fsn__measure *measure)
{
    const double n = (double)spread->images;
    const int64_t values = fsn__measure_values(measure);
    double square = 0, entropy = 0;

    if (spread->images == 0)
        return 0;
    for (int64_t j = 0; j < values; j++) {
        const double mean = spread->sum[j] / n;

        square += mean * mean;
        if (measure->loss == FSN_OUTPUT_KL && mean > 0)
            entropy -= mean * log(mean);
    }
    switch (measure->loss) {
    case FSN_OUTPUT_COSINE:
        return rest(1, sqrt(square));
    case FSN_OUTPUT_KL: /* the entropy of the mean less the mean entropy */
        return measure->temperature * measure->temperature * rest(entropy, -spread->own / n) /
               (double)(measure->outer * measure->inner);
    case FSN_OUTPUT_AUTO:
    case FSN_OUTPUT_MSE:
        break;
    }
    return rest(spread->own / n, square) / (double)values;
}
