/*
 * op_top_k.c - TopK: the k largest (or smallest) elements along an axis, and their places.
 *
 * Of equal elements the one at the lower place comes first, as the specification has it; NaN counts
 * as larger than everything. The result is always in order, which `sorted` = 0 leaves open.
 * Outputs: 0 the elements, 1 their places (int64). Types: all numeric ones; no gradient.
 *
 * Each line along the axis is a list of places that is sorted, shared by the threads.
 */
#include "ops/infer.h"
#include "ops/walk.h"

#include <stdlib.h>
#include <string.h>

/* An element in a form that all types share: its rank among all is that of (key, place). */
struct candidate {
    union {
        double real;
        int64_t integer;
        uint64_t natural;
    } key;
    int64_t place;
};

struct top_k {
    const struct fsn__tensor *x;
    char *values;
    int64_t *places; /* or NULL */
    int64_t lines, length, inner, k;
    bool largest;
    struct candidate *work; /* [threads][length] */
};

static enum fsn_status read_top_k(const struct fsn__op_ctx *ctx, int *axis, int64_t *k,
                                  struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int count;
    enum fsn_status status =
        fsn__op_axis(ctx, fsn__attr_int(ctx->attrs, "axis", -1), x->ndim, axis, err);

    if (status == FSN_OK)
        status = fsn__op_ints(ctx, 1, "K", 1, k, &count, err);
    if (status != FSN_OK)
        return status;
    if (count != 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its K input has no element");
    if (x->dim[*axis] == FSN_BATCH)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "chooses along the batch axis, which is not supported");
    if (*k < 0 || *k > x->dim[*axis])
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "K is %lld, axis %d of input %s has fewer elements", (long long)*k,
                            *axis, FSN__SHAPE(x));
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS], k;
    int axis;
    enum fsn_status status;

    if (x->dtype == FSN__BOOL)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its input is %s, expected numbers",
                            fsn__dtype_name(x->dtype));
    status = read_top_k(ctx, &axis, &k, err);
    if (status != FSN_OK)
        return status;
    for (int i = 0; i < x->ndim; i++)
        dim[i] = i == axis ? k : x->dim[i];
    status = fsn__op_set_output(ctx, x->dtype, x->ndim, dim, err);
    if (status == FSN_OK)
        status = fsn__op_set_output_at(ctx, 1, FSN__I64, x->ndim, dim, err);
    return status;
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    int64_t k;
    int axis;

    *work = *saved = 0;
    if (read_top_k(ctx, &axis, &k, NULL) == FSN_OK)
        *work = (size_t)ctx->in[0]->dim[axis] * (size_t)fsn__pool_slices(ctx->pool) *
                sizeof(struct candidate);
}

/* ---- order ---------------------------------------------------------------------------------- */

/* Places never are equal: the order is total. */
static int by_place(const struct candidate *a, const struct candidate *b)
{
    return a->place < b->place ? -1 : 1;
}

static int compare_real(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    const bool a_nan = a->key.real != a->key.real, b_nan = b->key.real != b->key.real;

    if (a_nan || b_nan)
        return a_nan && b_nan ? by_place(a, b) : a_nan ? -1 : 1;
    if (a->key.real != b->key.real)
        return a->key.real > b->key.real ? -1 : 1;
    return by_place(a, b);
}

static int compare_integer(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;

    if (a->key.integer != b->key.integer)
        return a->key.integer > b->key.integer ? -1 : 1;
    return by_place(a, b);
}

static int compare_natural(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;

    if (a->key.natural != b->key.natural)
        return a->key.natural > b->key.natural ? -1 : 1;
    return by_place(a, b);
}

/* The smallest first: by the keys the other way round, and by the place as it is. */
#define DEFINE_SMALLEST(kind)                                                  \
    static int smallest_##kind(const void *left, const void *right)            \
    {                                                                          \
        const struct candidate *a = left, *b = right;                          \
        const struct candidate x = {a->key, b->place}, y = {b->key, a->place}; \
                                                                               \
        return -compare_##kind(&x, &y);                                        \
    }

DEFINE_SMALLEST(real)
DEFINE_SMALLEST(integer)
DEFINE_SMALLEST(natural)

typedef int compare_function(const void *left, const void *right);

static compare_function *compare_for(enum fsn__dtype dtype, bool largest)
{
    if (dtype == FSN__F32 || dtype == FSN__F64)
        return largest ? compare_real : smallest_real;
    if (dtype == FSN__U64)
        return largest ? compare_natural : smallest_natural;
    return largest ? compare_integer : smallest_integer;
}

static void load(const struct fsn__tensor *x, int64_t i, struct candidate *out)
{
    if (x->dtype == FSN__F32)
        out->key.real = (double)fsn__f32(x)[i];
    else if (x->dtype == FSN__F64)
        out->key.real = ((const double *)x->data)[i];
    else
        out->key.integer = fsn__get_i64(x, i); /* of uint64: the same bits */
}

/* ---- forward -------------------------------------------------------------------------------- */

static void forward_lines(void *arg, int thread, int threads)
{
    const struct top_k *t = arg;
    const size_t bytes = fsn__dtype_bytes(t->x->dtype);
    struct candidate *list = t->work + t->length * thread;
    compare_function *compare = compare_for(t->x->dtype, t->largest);
    int64_t begin, end;

    fsn__share(t->lines, thread, threads, &begin, &end);
    for (int64_t line = begin; line < end; line++) {
        const int64_t outer = line / t->inner, inner = line % t->inner;

        for (int64_t i = 0; i < t->length; i++) {
            load(t->x, (outer * t->length + i) * t->inner + inner, &list[i]);
            list[i].place = i;
        }
        qsort(list, (size_t)t->length, sizeof *list, compare);
        for (int64_t i = 0; i < t->k; i++) {
            const int64_t to = (outer * t->k + i) * t->inner + inner;
            const int64_t from = (outer * t->length + list[i].place) * t->inner + inner;

            memcpy(t->values + (size_t)to * bytes, (const char *)t->x->data + (size_t)from * bytes,
                   bytes);
            if (t->places)
                t->places[to] = list[i].place;
        }
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    struct top_k t = {.x = x,
                      .values = ctx->out[0]->data,
                      .largest = fsn__attr_int(ctx->attrs, "largest", 1) != 0,
                      .work = ctx->work};
    int axis;
    enum fsn_status status = read_top_k(ctx, &axis, &t.k, err);

    if (status != FSN_OK || t.k == 0)
        return status;
    t.places = ctx->n_out > 1 && ctx->out[1] ? fsn__i64(ctx->out[1]) : NULL;
    t.length = x->dim[axis];
    t.inner = fsn__numel_range(x, axis + 1, x->ndim);
    t.lines = fsn__numel_range(x, 0, axis) * t.inner;
    fsn__pool_run(fsn__numel(x) < FSN__SERIAL_BELOW ? NULL : ctx->pool, forward_lines, &t);
    return FSN_OK;
}

const struct fsn__op fsn__op_top_k = {
    .name = "TopK",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 2,
    .flags = FSN__NO_GRADIENT,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
};
