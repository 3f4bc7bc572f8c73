/*
 * tail.c - see tail.h.
 *
 * Boxes as in detect/box_codec.h, in its order of operations. Default boxes are written as grids
 * (detect/box_grids.h) which Expand and Concat lay out, so that they take a few hundred bytes in a
 * file; a runtime folds that at load.
 */
#include "detect/tail.h"

#include "detect/box_grids.h"

#include <stdlib.h>
#include <string.h>

/* Nodes are added while the status is good; values of nodes that were not are -1. */
struct maker {
    struct fsn__graph *graph;
    struct fsn_error *err;
    enum fsn_status status;
};

/* name: of the output; NULL: any. */
static int apply_named(struct maker *m, const char *op, const char *name,
                       const struct fsn__attr *attr, int n_in, const int *in)
{
    struct fsn__attr item = attr ? *attr : (struct fsn__attr){.name = ""};
    const struct fsn__attrs attrs = {.count = attr ? 1 : 0, .item = &item};
    int out = -1;

    if (m->status == FSN_OK)
        m->status = fsn__graph_apply(m->graph, op, name, &attrs, n_in, in, &out, m->err);
    return m->status == FSN_OK ? out : -1;
}

static int apply(struct maker *m, const char *op, const struct fsn__attr *attr, int n_in,
                 const int *in)
{
    return apply_named(m, op, NULL, attr, n_in, in);
}

static int unary(struct maker *m, const char *op, int x)
{
    return apply(m, op, NULL, 1, &x);
}

static int binary(struct maker *m, const char *op, int x, int y)
{
    return apply(m, op, NULL, 2, (int[]){x, y});
}

static int constant(struct maker *m, enum fsn__dtype dtype, int ndim, const int64_t *dim,
                    const void *data)
{
    struct fsn__tensor t = {.data = NULL};
    int out = -1;

    if (m->status != FSN_OK)
        return -1;
    fsn__shape_set(&t, dtype, ndim, dim);
    t.data = (void *)(uintptr_t)data; /* copied */
    m->status = fsn__graph_add_const(m->graph, NULL, FSN__VALUE_CONST, &t, &out, m->err);
    return m->status == FSN_OK ? out : -1;
}

static int ints(struct maker *m, int64_t count, const int64_t *data)
{
    return constant(m, FSN__I64, 1, &count, data);
}

static int scalar(struct maker *m, float x)
{
    return constant(m, FSN__F32, 0, NULL, &x);
}

static int concat(struct maker *m, int64_t axis, int count, const int *values)
{
    const struct fsn__attr attr = {.name = "axis", .type = FSN__ATTR_INT, .i = axis};

    return apply(m, "Concat", &attr, count, values);
}

/* Elements from..to-1 along an axis. */
static int slice(struct maker *m, int x, int64_t axis, int64_t from, int64_t to)
{
    const int in[4] = {x, ints(m, 1, &from), ints(m, 1, &to), ints(m, 1, &axis)};

    return apply(m, "Slice", NULL, 4, in);
}

/* ---- default boxes ----------------------------------------------------------------------------
 */

/* Numbers `of` of the boxes that begin at standard, `step` boxes apart, as a constant of shape. */
static int numbers(struct maker *m, const float *standard, int64_t count, int64_t step, int of,
                   const int64_t shape[4])
{
    float *data = calloc((size_t)count, sizeof *data);
    int out;

    if (!data && m->status == FSN_OK)
        m->status = FSN__NOMEM(m->err);
    for (int64_t i = 0; data && i < count; i++)
        data[i] = standard[4 * i * step + of];
    out = constant(m, FSN__F32, 4, shape, data);
    free(data);
    return out;
}

/* The boxes of a grid, [boxes][4]. */
static int lay_out(struct maker *m, const struct fsn__box_grid *grid, const float *standard)
{
    const int64_t h = grid->height, w = grid->width, b = grid->boxes;
    const float *first = standard + 4 * grid->first;
    const int all = ints(m, 4, (int64_t[]){h, w, b, 1});
    int part[4];

    part[0] = numbers(m, first, w, b, 0, (int64_t[]){1, w, 1, 1});
    part[1] = numbers(m, first, h, w * b, 1, (int64_t[]){h, 1, 1, 1});
    part[2] = numbers(m, first, b, 1, 2, (int64_t[]){1, 1, b, 1});
    part[3] = numbers(m, first, b, 1, 3, (int64_t[]){1, 1, b, 1});
    for (int i = 0; i < 4; i++)
        part[i] = binary(m, "Expand", part[i], all);
    return binary(m, "Reshape", concat(m, 3, 4, part), ints(m, 2, (int64_t[]){-1, 4}));
}

/* [P][4] */
static int default_boxes(struct maker *m, const struct fsn__tail *tail, int64_t boxes)
{
    struct fsn__box_grid grids[FSN__MAX_BOX_GRIDS];
    const int count = fsn__find_box_grids(tail->standard, boxes, grids);
    int part[FSN__MAX_BOX_GRIDS];

    if (count == 0)
        return constant(m, FSN__F32, 2, (int64_t[]){boxes, 4}, tail->standard);
    for (int i = 0; i < count; i++)
        part[i] = lay_out(m, &grids[i], tail->standard);
    return count == 1 ? part[0] : concat(m, 0, count, part);
}

/* ---- boxes and scores ------------------------------------------------------------------------ */

static int two(struct maker *m, const float variance[2])
{
    return constant(m, FSN__F32, 1, (int64_t[]){2}, variance);
}

/* Corners [N,P,4], clipped to the image. */
static int decode(struct maker *m, const struct fsn__tail *tail, int64_t boxes, const char *name)
{
    const int standard = default_boxes(m, tail, boxes);
    const int centre = slice(m, standard, 1, 0, 2), size = slice(m, standard, 1, 2, 4);
    int moved = slice(m, tail->locations, 2, 0, 2), grown = slice(m, tail->locations, 2, 2, 4);
    int corner[2];

    moved = binary(m, "Mul", binary(m, "Mul", moved, two(m, tail->variance)), size);
    moved = binary(m, "Add", centre, moved);
    grown = unary(m, "Exp", binary(m, "Mul", grown, two(m, tail->variance + 2)));
    grown = binary(m, "Mul", binary(m, "Mul", size, grown), scalar(m, 0.5F));
    corner[0] = binary(m, "Sub", moved, grown);
    corner[1] = binary(m, "Add", moved, grown);
    return apply_named(m, "Clip", name, NULL, 3,
                       (int[]){concat(m, 2, 2, corner), scalar(m, 0), scalar(m, 1)});
}

/* [N,C,P] */
static int score(struct maker *m, const struct fsn__tail *tail, int64_t classes, const char *name)
{
    const struct fsn__attr axis = {.name = "axis", .type = FSN__ATTR_INT, .i = 2};
    const int64_t turned[3] = {0, 2, 1};
    const struct fsn__attr perm = {
        .name = "perm", .type = FSN__ATTR_INTS, .count = 3, .ints = turned};
    int x = apply(m, "Softmax", &axis, 1, &tail->confidences);

    x = slice(m, x, 2, 1, classes + 1);
    return apply_named(m, "Transpose", name, &perm, 1, &x);
}

/* ---- suppression ----------------------------------------------------------------------------- */

/* Column i of [found,3]: [found]. */
static int column(struct maker *m, int rows, int64_t i, const char *name)
{
    const struct fsn__attr axis = {.name = "axis", .type = FSN__ATTR_INT, .i = 1};
    const int in[2] = {rows, constant(m, FSN__I64, 0, NULL, &i)};

    return apply_named(m, "Gather", name, &axis, 2, in);
}

/* Makes an output of a value whose shape is not known before an image is seen; width 0: [found]. */
static void give_out(struct maker *m, int value, enum fsn__dtype dtype, int64_t width)
{
    if (m->status != FSN_OK)
        return;
    fsn__shape_set(&m->graph->values[value].tensor, dtype, width > 0 ? 2 : 1,
                   (int64_t[]){FSN_BATCH, width});
    m->status = fsn__graph_add_output(m->graph, value, m->err);
}

/* The k best of x [N,C,P] along its last axis, and where they were. */
static void top(struct maker *m, int x, int64_t k, int out[2])
{
    const int in[2] = {x, ints(m, 1, &k)};
    int node = -1;

    out[0] = out[1] = -1;
    for (int i = 0; i < 2 && m->status == FSN_OK; i++)
        m->status =
            fsn__graph_add_value(m->graph, NULL, FSN__VALUE_COMPUTED, NULL, &out[i], m->err);
    if (m->status == FSN_OK)
        m->status = fsn__graph_add_node(m->graph, fsn__op_find("", "TopK"), NULL, NULL, 2, in, 2,
                                        out, &node, m->err);
    if (m->status == FSN_OK)
        m->status = fsn__graph_infer_node(m->graph, node, m->err);
}

/* boxes [N,C k,4] with each class in a place of its own, where it meets no other: a cell of a
 * square around the image. In a row of hundreds of classes the last ones' small boxes would lose
 * digits that tell how much they overlap; in the square no number is larger than about half the
 * root. */
static int set_apart(struct maker *m, int boxes, int64_t classes, int64_t k)
{
    float *places = calloc((size_t)classes * 4, sizeof *places);
    int x = binary(m, "Reshape", boxes, ints(m, 4, (int64_t[]){0, classes, k, 4}));
    int64_t side = 1;

    while (side * side < classes)
        side++;
    if (!places && m->status == FSN_OK)
        m->status = FSN__NOMEM(m->err);
    for (int64_t c = 0; places && c < classes; c++) {
        places[4 * c] = places[4 * c + 2] = (float)(c % side - side / 2);
        places[4 * c + 1] = places[4 * c + 3] = (float)(c / side - side / 2);
    }
    x = binary(m, "Add", x, constant(m, FSN__F32, 3, (int64_t[]){classes, 1, 4}, places));
    free(places);
    return binary(m, "Reshape", x, ints(m, 3, (int64_t[]){0, classes * k, 4}));
}

/* Suppression of all classes at once, since ONNX's operator limits what is kept for one class: the
 * best of each class, set apart, are taken as boxes of one. */
static void suppress(struct maker *m, const struct fsn__nms_options *options, int boxes, int scores)
{
    const struct fsn__attr in_image = {.name = "batch_dims", .type = FSN__ATTR_INT, .i = 1};
    const struct fsn__attr axis = {.name = "axis", .type = FSN__ATTR_INT, .i = 1};
    const int64_t classes = m->graph->values[scores].tensor.dim[1];
    const int64_t all = m->graph->values[scores].tensor.dim[2];
    const int64_t k =
        options->candidates > 0 && options->candidates < all ? options->candidates : all;
    const int64_t keep =
        options->keep > 0 && options->keep < classes * k ? options->keep : classes * k;
    int best[2], in[5], at[2], rows;

    top(m, scores, k, best);
    at[0] = boxes;
    at[1] = binary(m, "Reshape", best[1], ints(m, 3, (int64_t[]){0, classes * k, 1}));
    boxes = apply(m, "GatherND", &in_image, 2, at); /* [N,C k,4] */
    in[0] = set_apart(m, boxes, classes, k);
    in[1] = binary(m, "Reshape", best[0], ints(m, 3, (int64_t[]){0, 1, classes * k}));
    in[2] = ints(m, 1, &keep);
    in[3] = constant(m, FSN__F32, 1, (int64_t[]){1}, &options->overlap);
    in[4] = constant(m, FSN__F32, 1, (int64_t[]){1}, &options->score);
    rows = apply(m, "NonMaxSuppression", NULL, 5, in); /* image, 0, place among C k */
    at[0] = rows;
    at[1] = ints(m, 2, (int64_t[]){0, 2});
    at[1] = apply(m, "Gather", &axis, 2, at);
    at[0] = boxes;
    give_out(m, column(m, rows, 0, "detection_images"), FSN__I64, 0);
    give_out(m,
             apply_named(m, "Div", "detection_classes", NULL, 2,
                         (int[]){column(m, rows, 2, NULL), constant(m, FSN__I64, 0, NULL, &k)}),
             FSN__I64, 0);
    give_out(m, apply_named(m, "GatherND", "detection_scores", NULL, 2, (int[]){in[1], rows}),
             FSN__F32, 0);
    give_out(m, apply_named(m, "GatherND", "detection_boxes", NULL, 2, at), FSN__F32, 4);
}

enum fsn_status fsn__append_detector_tail(struct fsn__graph *graph, const struct fsn__tail *tail,
                                          struct fsn_error *err)
{
    struct maker m = {graph, err, FSN_OK};
    const int64_t boxes = graph->values[tail->locations].tensor.dim[1];
    const int64_t classes = graph->values[tail->confidences].tensor.dim[2] - 1;
    const bool last = !tail->suppress;
    const int corners = decode(&m, tail, boxes, last ? "detection_boxes" : NULL);
    const int scores = score(&m, tail, classes, last ? "detection_scores" : NULL);

    if (m.status != FSN_OK)
        return m.status;
    fsn__graph_drop_inner(graph);
    graph->output_count = 0;
    if (!last) {
        suppress(&m, tail->suppress, corners, scores);
        return m.status;
    }
    m.status = fsn__graph_add_output(graph, corners, err);
    if (m.status == FSN_OK)
        m.status = fsn__graph_add_output(graph, scores, err);
    return m.status;
}
