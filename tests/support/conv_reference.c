/* conv_reference.c - the convolution passes as loops over every product, in double precision.
 *
 * All three passes walk the same products: output element (n, k, p, q) meets input element
 * (n, c, y, x) through filter element (k, c', r, s) when
 *     y = p stride_y - pad_top + r dilation_y,   x = q stride_x - pad_left + s dilation_x
 * lie inside the input, c = (k / (K / groups)) (C / groups) + c'. They differ only in which of the
 * three is the sum.
 */
#include "conv_reference.h"
#include "core/mem.h"

#include <stdlib.h>

int64_t conv_map_size(enum conv_layout layout, int64_t n, int64_t c, int64_t h, int64_t w)
{
    if (layout == CONV_BLOCKED)
        c = (c + FSN__LANES - 1) / FSN__LANES * FSN__LANES;
    return n * c * h * w;
}

int64_t conv_map_at(enum conv_layout layout, int64_t channels, int64_t h, int64_t w, int64_t n,
                    int64_t c, int64_t y, int64_t x)
{
    int64_t blocks = (channels + FSN__LANES - 1) / FSN__LANES;

    if (layout == CONV_PLAIN)
        return ((n * channels + c) * h + y) * w + x;
    return (((n * blocks + c / FSN__LANES) * h + y) * w + x) * FSN__LANES + c % FSN__LANES;
}

static int64_t input_at(enum conv_layout layout, const struct fsn__conv_shape *s, int64_t n,
                        int64_t c, int64_t y, int64_t x)
{
    return conv_map_at(layout, s->c, s->h, s->w, n, c, y, x);
}

static int64_t output_at(enum conv_layout layout, const struct fsn__conv_shape *s, int64_t n,
                         int64_t k, int64_t p, int64_t q)
{
    return conv_map_at(layout, s->k, s->p, s->q, n, k, p, q);
}

static double affine(const struct fsn__load *load, double z, int64_t c)
{
    return load && load->a ? (double)load->a[c] * z + (double)load->b[c] : z;
}

static double loaded(const struct fsn__load *load, double z, int64_t c)
{
    double x = affine(load, z, c);

    return load && load->relu && !(x > 0) ? 0 : x;
}

static double grad_loaded(const struct fsn__grad_load *grad, const float *dz, int64_t at, int64_t k)
{
    if (!grad || !grad->ds1)
        return dz[at];
    return (double)dz[at] * (grad->scale ? (double)grad->scale[k] : 1) + (double)grad->ds1[k] +
           2 * (double)grad->z[at] * (double)grad->ds2[k];
}

/* The products of one output element: calls visit for each that lies inside the input. */
struct product {
    int64_t n, c, y, x, weight;
};

typedef void visit_product(void *user, const struct product *product);

static void walk_products(const struct fsn__conv_shape *s, int64_t n, int64_t k, int64_t p,
                          int64_t q, visit_product *visit, void *user)
{
    int64_t c_group = s->c / s->groups;
    int64_t first = k / (s->k / s->groups) * c_group;

    for (int64_t c = 0; c < c_group; c++)
        for (int64_t i = 0; i < s->r; i++)
            for (int64_t j = 0; j < s->s; j++) {
                struct product product = {
                    .n = n,
                    .c = first + c,
                    .y = p * s->stride_y - s->pad_top + i * s->dilation_y,
                    .x = q * s->stride_x - s->pad_left + j * s->dilation_x,
                    .weight = ((k * c_group + c) * s->r + i) * s->s + j,
                };

                if (product.y >= 0 && product.y < s->h && product.x >= 0 && product.x < s->w)
                    visit(user, &product);
            }
}

/* What the visits of one pass read and add to. */
struct pass {
    enum conv_layout layout;
    const struct fsn__conv_shape *shape;
    const float *x, *w;
    const struct fsn__load *load;
    double value; /* forward: the sum; backward: the gradient of the output element */
    double *grad; /* backward: of the input or of the filters */
};

static void add_forward(void *user, const struct product *t)
{
    struct pass *pass = user;
    int64_t at = input_at(pass->layout, pass->shape, t->n, t->c, t->y, t->x);

    pass->value += (double)pass->w[t->weight] * loaded(pass->load, pass->x[at], t->c);
}

static void add_backward_data(void *user, const struct product *t)
{
    struct pass *pass = user;
    int64_t at = input_at(CONV_PLAIN, pass->shape, t->n, t->c, t->y, t->x);

    pass->grad[at] += (double)pass->w[t->weight] * pass->value;
}

static void add_backward_weights(void *user, const struct product *t)
{
    struct pass *pass = user;
    int64_t at = input_at(pass->layout, pass->shape, t->n, t->c, t->y, t->x);

    pass->grad[t->weight] += loaded(pass->load, pass->x[at], t->c) * pass->value;
}

void conv_reference_forward(enum conv_layout layout, const struct fsn__conv_shape *s,
                            const float *x, const struct fsn__load *load, const float *w, double *z,
                            const struct fsn__store *store, double *sum, double *sum_sq)
{
    for (int64_t k = 0; k < s->k; k++) {
        double s1 = 0, s2 = 0;

        for (int64_t i = 0; i < s->n * s->p * s->q; i++) {
            int64_t n = i / (s->p * s->q), p = i / s->q % s->p, q = i % s->q;
            int64_t at = output_at(layout, s, n, k, p, q);
            struct pass pass = {layout, s, x, w, load, 0, NULL};

            walk_products(s, n, k, p, q, add_forward, &pass);
            if (store && store->bias)
                pass.value += (double)store->bias[k];
            if (store && store->residual)
                pass.value += (double)store->residual[at];
            if (store && store->relu && !(pass.value > 0))
                pass.value = 0;
            z[at] = pass.value;
            s1 += pass.value;
            s2 += pass.value * pass.value;
        }
        if (sum)
            sum[k] = s1;
        if (sum_sq)
            sum_sq[k] = s2;
    }
}

/* Calls visit with the gradient of every output element in pass->value. */
static void walk_gradient(struct pass *pass, const float *dz, const struct fsn__grad_load *grad,
                          visit_product *visit)
{
    const struct fsn__conv_shape *s = pass->shape;

    for (int64_t k = 0; k < s->k; k++)
        for (int64_t i = 0; i < s->n * s->p * s->q; i++) {
            int64_t n = i / (s->p * s->q), p = i / s->q % s->p, q = i % s->q;

            pass->value = grad_loaded(grad, dz, output_at(pass->layout, s, n, k, p, q), k);
            walk_products(s, n, k, p, q, visit, pass);
        }
}

void conv_reference_backward_data(enum conv_layout layout, const struct fsn__conv_shape *s,
                                  const float *dz, const struct fsn__grad_load *grad,
                                  const float *w, double *dx, const struct fsn__grad_store *store,
                                  double *da, double *db)
{
    const struct fsn__load *load = store ? store->load : NULL;
    double *g =
        fsn__aligned_calloc((size_t)conv_map_size(CONV_PLAIN, s->n, s->c, s->h, s->w), sizeof *g);
    struct pass pass = {layout, s, NULL, w, NULL, 0, g};

    if (!g)
        abort();
    walk_gradient(&pass, dz, grad, add_backward_data);
    for (int64_t i = 0; i < s->n * s->c * s->h * s->w; i++) {
        int64_t c = i / (s->h * s->w) % s->c, n = i / (s->h * s->w * s->c);
        int64_t at = input_at(layout, s, n, c, i / s->w % s->h, i % s->w);
        double slope = load && load->a ? (double)load->a[c] : 1;
        double passed = g[i];

        if (store && store->joined) { /* all of it, where x is positive */
            dx[at] = store->z[at] > 0 ? passed + (store->accumulate ? dx[at] : 0) : 0;
            da[c] += dx[at] * (double)store->joined[at];
            db[c] += dx[at];
            continue;
        }
        if (load && load->relu && !(affine(load, store->z[at], c) > 0))
            passed = 0;
        dx[at] = slope * passed + (store && store->accumulate ? dx[at] : 0);
        if (da)
            da[c] += passed * (double)store->z[at];
        if (db)
            db[c] += passed;
    }
    free(g);
}

void conv_reference_backward_weights(enum conv_layout layout, const struct fsn__conv_shape *s,
                                     const float *x, const struct fsn__load *load, const float *dz,
                                     const struct fsn__grad_load *grad, double *dw)
{
    struct pass pass = {layout, s, x, NULL, load, 0, dw};

    walk_gradient(&pass, dz, grad, add_backward_weights);
}
