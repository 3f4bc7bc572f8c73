/* moments.h - the Filter Summary whose filters write what given ones write, on given inputs.
 *
 * Symbols: K filters in G groups, n weights each; p a patch of a convolution's input as the student
 * sees it, y what the teacher's convolution writes at the same place. Over many places:
 *   H = cov(p, p) [G][n][n],  R = cov(y, p) [K][n],  V = var(y) [K]
 * (or the plain second moments, where nothing behind the layer takes up a constant). */
#ifndef FSN_FS_MOMENTS_H
#define FSN_FS_MOMENTS_H

#include "ops/fs_geometry.h"

struct fsn__moments {
    int64_t groups, k, n;
    int64_t places; /* summed up so far */
    float *h;       /* [G][n][n] */
    float *r;       /* [K][n] */
    double *v;      /* [K] */
    double *mean_p; /* [G][n] */
    double *mean_y; /* [K] */
};

FSN_NODISCARD enum fsn_status fsn__moments_alloc(struct fsn__moments *m, int64_t groups, int64_t k,
                                                 int64_t n, struct fsn_error *err);
void fsn__moments_free(struct fsn__moments *m);
/* Adds one image's places to the sums. col: [n][count] patches of group `group`, y: [K/G][count]
 * what the teacher writes there. */
void fsn__moments_add(struct fsn__moments *m, int64_t group, const float *col, const float *y,
                      int64_t count, struct fsn__pool *pool);
/* Sums into moments. centred: about the means. */
void fsn__moments_finish(struct fsn__moments *m, bool centred);

struct fsn__moments_fit {
    const float *w; /* [K][n]: the teacher's filters, which a small part of the sum holds to */
    const float *importance; /* [K]: an error of filter k weighs importance[k]^2 */
    bool scaled;             /* filter k may be written by scale[k] times the one in f */
    bool (*go_on)(void *user, double done); /* false: FSN_CANCELLED; NULL: nobody asks */
    void *user;
    struct fsn__pool *pool;
};

/* Lowers  sum_k importance_k^2 E (y_k - scale_k (A_k f) p)^2  from the given f and scale by
 * conjugate gradients. *error: the root of that sum over that of importance_k^2 V_k. scale: [K],
 * ones unless scaled. Deterministic for any number of slices. Errors: NOMEM, CANCELLED. */
FSN_NODISCARD enum fsn_status fsn__fs_fit_moments(const struct fsn__fs_geometry *g,
                                                  const struct fsn__moments *m,
                                                  const struct fsn__moments_fit *how, float *scale,
                                                  float *f, double *error, struct fsn_error *err);
/* Variance of what filter k of f writes: (A_k f)^T H (A_k f). filter: scratch of n. */
double fsn__moments_variance(const struct fsn__moments *m, int64_t k, const float *filter);

#endif
