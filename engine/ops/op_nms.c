/*
 * op_nms.c - NonMaxSuppression: for each image and class the boxes with the highest scores, without
 * those that overlap a chosen one too much.
 *
 * Inputs: boxes [N, S, 4], scores [N, C, S], then optional scalars: the most boxes of a class (0,
 * the default: none at all), the overlap from which on a box is dropped (intersection over union
 * greater than it), the score that a box must exceed. Output: int64 [chosen, 3], rows (image,
 * class, box) in the order of images, classes and falling scores; of equal scores the lower box
 * first. Boxes are two opposite corners (y, x, y, x), or centre and size (x, y, w, h) with
 * center_point_box = 1.
 *
 * How many rows there are is in the data, and the executor plans all memory before it sees any. So
 * all inputs must be constant when shapes are inferred (where they are not, graph/late.c leaves the
 * node alone); the selection runs once to count and once to write.
 */
#include "core/mem.h"
#include "ops/infer.h"

#include <math.h>
#include <stdlib.h>

/* Pairs of boxes that are compared at most: minutes of work, far beyond any detector. */
#define MAX_PAIRS (INT64_C(1) << 36)

struct box {
    float y1, x1, y2, x2; /* low corner, high corner */
};

struct candidate {
    float score;
    int64_t box;
};

struct nms {
    int64_t images, classes, boxes, most;
    float overlap, threshold;
    bool centred;
    const float *box, *score;
};

static enum fsn_status check_scalar(const struct fsn__op_ctx *ctx, int in, enum fsn__dtype dtype,
                                    const char *what, struct fsn_error *err)
{
    const struct fsn__tensor *t;

    if (!fsn__op_has_input(ctx, in))
        return FSN_OK;
    t = ctx->in[in];
    if (t->dtype != dtype || fsn__numel(t) != 1)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s is %s %s, expected one %s", what,
                            fsn__dtype_name(t->dtype), FSN__SHAPE(t), fsn__dtype_name(dtype));
    return FSN_OK;
}

static enum fsn_status check_inputs(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *boxes = ctx->in[0], *scores = ctx->in[1];
    enum fsn_status status = fsn__op_float_input(ctx, 0, "boxes", err);

    if (status == FSN_OK)
        status = fsn__op_float_input(ctx, 1, "scores", err);
    if (status == FSN_OK)
        status = check_scalar(ctx, 2, FSN__I64, "max_output_boxes_per_class", err);
    if (status == FSN_OK)
        status = check_scalar(ctx, 3, FSN__F32, "iou_threshold", err);
    if (status == FSN_OK)
        status = check_scalar(ctx, 4, FSN__F32, "score_threshold", err);
    if (status != FSN_OK)
        return status;
    if (boxes->ndim != 3 || scores->ndim != 3 || boxes->dim[2] != 4 ||
        boxes->dim[0] != scores->dim[0] || boxes->dim[1] != scores->dim[2])
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                            "boxes %s and scores %s, expected [N,S,4] and [N,C,S]",
                            FSN__SHAPE(boxes), FSN__SHAPE(scores));
    for (int i = 0; i < ctx->n_in; i++)
        if (ctx->in[i] && !ctx->in[i]->data)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "how many boxes it chooses is in the data; it is supported for "
                                "constant inputs only");
    return FSN_OK;
}

static struct nms read_nms(const struct fsn__op_ctx *ctx)
{
    struct nms n = {
        .images = ctx->in[1]->dim[2] > 0 ? ctx->in[1]->dim[0] : 0, /* without boxes: no work */
        .classes = ctx->in[1]->dim[1],
        .boxes = ctx->in[1]->dim[2],
        .most = fsn__op_has_input(ctx, 2) ? *fsn__i64(ctx->in[2]) : 0,
        .overlap = fsn__op_has_input(ctx, 3) ? *fsn__f32(ctx->in[3]) : 0.0F,
        .threshold = fsn__op_has_input(ctx, 4) ? *fsn__f32(ctx->in[4]) : -INFINITY,
        .centred = fsn__attr_int(ctx->attrs, "center_point_box", 0) != 0,
        .box = fsn__f32(ctx->in[0]),
        .score = fsn__f32(ctx->in[1]),
    };

    if (n.most < 0)
        n.most = 0;
    if (n.most > n.boxes)
        n.most = n.boxes;
    return n;
}

static struct box read_box(const struct nms *n, int64_t i)
{
    const float *b = n->box + 4 * i;

    if (n->centred)
        return (struct box){b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2};
    return (struct box){fminf(b[0], b[2]), fminf(b[1], b[3]), fmaxf(b[0], b[2]), fmaxf(b[1], b[3])};
}

static float area(struct box b)
{
    return fmaxf(b.y2 - b.y1, 0.0F) * fmaxf(b.x2 - b.x1, 0.0F);
}

static bool overlaps(const struct nms *n, struct box a, struct box b)
{
    const struct box common = {fmaxf(a.y1, b.y1), fmaxf(a.x1, b.x1), fminf(a.y2, b.y2),
                               fminf(a.x2, b.x2)};
    const float shared = area(common), all = area(a) + area(b) - shared;

    return shared > 0.0F && shared / all > n->overlap;
}

static int by_score(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->box < b->box ? -1 : 1;
}

/* The boxes of one image and class, best first, at the front of list; how many. */
static int64_t choose(const struct nms *n, int64_t image, const float *score,
                      struct candidate *list)
{
    int64_t count = 0, chosen = 0;

    for (int64_t i = 0; i < n->boxes; i++)
        if (score[i] > n->threshold) /* NaN never is */
            list[count++] = (struct candidate){score[i], image * n->boxes + i};
    if (count > 0)
        qsort(list, (size_t)count, sizeof *list, by_score);
    for (int64_t i = 0; i < count && chosen < n->most; i++) {
        const struct box box = read_box(n, list[i].box);
        bool apart = true;

        for (int64_t j = 0; j < chosen && apart; j++)
            apart = !overlaps(n, box, read_box(n, list[j].box));
        if (apart)
            list[chosen++] = list[i];
    }
    return chosen;
}

/* All images and classes; out: rows of three, or NULL to count only. */
static enum fsn_status select_boxes(const struct nms *n, int64_t *out, int64_t *rows,
                                    struct fsn_error *err)
{
    struct candidate *list = calloc(n->boxes > 0 ? (size_t)n->boxes : 1, sizeof *list);

    *rows = 0;
    if (!list)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < n->images * n->classes; i++) {
        const int64_t image = i / n->classes;
        const int64_t chosen = choose(n, image, n->score + i * n->boxes, list);

        for (int64_t j = 0; j < chosen && out; j++) {
            int64_t *row = out + 3 * (*rows + j);

            row[0] = image;
            row[1] = i % n->classes;
            row[2] = list[j].box - image * n->boxes;
        }
        *rows += chosen;
    }
    free(list);
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    int64_t dim[2] = {0, 3}, pairs;
    struct nms n;
    enum fsn_status status = check_inputs(ctx, err);

    if (status != FSN_OK)
        return status;
    n = read_nms(ctx);
    if (!fsn__mul_i64(n.boxes, n.most, &pairs) ||
        !fsn__mul_i64(pairs, n.images * n.classes, &pairs) || pairs > MAX_PAIRS)
        return FSN__OP_FAIL(
            ctx, err, FSN_LIMIT, "choosing %lld of %lld boxes for %lld classes takes too long",
            (long long)n.most, (long long)n.boxes, (long long)(n.images * n.classes));
    status = select_boxes(&n, NULL, &dim[0], err);
    return status == FSN_OK ? fsn__op_set_output(ctx, FSN__I64, 2, dim, err) : status;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct nms n = read_nms(ctx);
    int64_t rows;

    return select_boxes(&n, fsn__i64(ctx->out[0]), &rows, err);
}

const struct fsn__op fsn__op_non_max_suppression = {
    .name = "NonMaxSuppression",
    .domain = "",
    .min_in = 2,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__NO_GRADIENT | FSN__COUNTS,
    .infer = infer,
    .forward = forward,
};
