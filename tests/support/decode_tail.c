/* See decode_tail.h. The operators are those that PyTorch's exporter writes. */
#include "decode_tail.h"

#include "detect/box_codec.h"
#include "detect/default_boxes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CENTRE, SIZE };

static void ok(enum fsn_status status, const struct fsn_error *err)
{
    if (status == FSN_OK)
        return;
    fprintf(stderr, "decode_tail: %s\n", err->text);
    exit(1);
}

static int constant(struct fsn__graph *g, const char *name, const struct fsn__tensor *t)
{
    struct fsn_error err = {0};
    int value = -1;

    ok(fsn__graph_add_const(g, name, FSN__VALUE_CONST, t, &value, &err), &err);
    return value;
}

static int number(struct fsn__graph *g, float x)
{
    return constant(g, NULL, &(struct fsn__tensor){FSN__F32, 1, {1}, &x});
}

static int whole(struct fsn__graph *g, int64_t x)
{
    return constant(g, NULL, &(struct fsn__tensor){FSN__I64, 1, {1}, &x});
}

static int wholes(struct fsn__graph *g, int64_t x, int64_t y)
{
    int64_t both[2] = {x, y};

    return constant(g, NULL, &(struct fsn__tensor){FSN__I64, 1, {2}, both});
}

/* ints: an attribute of one number (attr), or of `count`; NULL: none. */
static int apply(struct fsn__graph *g, const char *op, const char *name, const char *attr,
                 size_t count, const int64_t *ints, int n_in, const int *in)
{
    struct fsn__attr item = {.name = attr,
                             .type = count > 0 ? FSN__ATTR_INTS : FSN__ATTR_INT,
                             .i = ints ? ints[0] : 0,
                             .count = count,
                             .ints = ints};
    const struct fsn__attrs attrs = {.count = attr ? 1 : 0, .item = &item};
    struct fsn_error err = {0};
    int value = -1;

    ok(fsn__graph_apply(g, op, name, &attrs, n_in, in, &value, &err), &err);
    return value;
}

static int two(struct fsn__graph *g, const char *op, int a, int b)
{
    return apply(g, op, NULL, NULL, 0, NULL, 2, (int[]){a, b});
}

static int slice(struct fsn__graph *g, int x, int axis, int from, int to)
{
    return apply(g, "Slice", NULL, NULL, 0, NULL, 4,
                 (int[]){x, whole(g, from), whole(g, to), whole(g, axis)});
}

static int join(struct fsn__graph *g, const char *name, int64_t axis, int a, int b)
{
    return apply(g, "Concat", name, "axis", 0, &axis, 2, (int[]){a, b});
}

/* Centres (which CENTRE) or sizes of the default boxes, [1][P][2]. */
static int defaults(struct fsn__graph *g, int size, int which)
{
    const struct fsn__box_rule rule = fsn__ssd_lite_box_rule(size);
    struct fsn__tensor t = {FSN__F32, 3, {1, 0, 2}, NULL};
    struct fsn_error err = {0};
    float *box = NULL;
    int value;

    ok(fsn__default_boxes(&rule, &box, &t.dim[1], &err), &err);
    for (int64_t i = 0; i < t.dim[1]; i++)
        memmove(box + 2 * i, box + 4 * i + (which == CENTRE ? 0 : 2), 2 * sizeof *box);
    t.data = box;
    value = constant(g, which == CENTRE ? "centres" : "sizes", &t);
    free(box);
    return value;
}

static int decode(struct fsn__graph *g, int offsets, int size)
{
    const int sizes = defaults(g, size, SIZE);
    int centre = slice(g, offsets, 2, 0, 2), extent = slice(g, offsets, 2, 2, 4), half;

    centre = two(g, "Mul", two(g, "Mul", centre, number(g, fsn__ssd_variance[0])), sizes);
    centre = two(g, "Add", centre, defaults(g, size, CENTRE));
    extent = two(g, "Mul", extent, number(g, fsn__ssd_variance[2]));
    extent = two(g, "Mul", apply(g, "Exp", NULL, NULL, 0, NULL, 1, &extent), sizes);
    half = two(g, "Mul", extent, number(g, 0.5F));
    return join(g, "boxes", 2, two(g, "Sub", centre, half), two(g, "Add", centre, half));
}

static int probabilities(struct fsn__graph *g, int logits)
{
    static const int64_t turn[3] = {0, 2, 1}, last = 2;
    const int64_t scores = g->values[logits].tensor.dim[2];
    int x = apply(g, "Softmax", NULL, "axis", 0, &last, 1, &logits);

    x = apply(g, "Transpose", NULL, "perm", 3, turn, 1, &x);
    return slice(g, x, 1, 1, (int)scores);
}

static void add_output(struct fsn__graph *g, int value, enum fsn__dtype dtype, int64_t width)
{
    struct fsn__value *v = &g->values[value];
    struct fsn_error err = {0};

    if (v->late)
        fsn__shape_set(&v->tensor, dtype, width > 0 ? 2 : 1, (int64_t[]){FSN_BATCH, width});
    ok(fsn__graph_add_output(g, value, &err), &err);
}

static void suppress_boxes(struct fsn__graph *g, int boxes, int scores)
{
    static const int64_t second = 1;
    const int chosen =
        apply(g, "NonMaxSuppression", "chosen", NULL, 0, NULL, 5,
              (int[]){boxes, scores, whole(g, 20), number(g, 0.45F), number(g, 0.3F)});
    const int place =
        apply(g, "Gather", NULL, "axis", 0, &second, 2, (int[]){chosen, wholes(g, 0, 2)});

    add_output(g, chosen, FSN__I64, 3);
    add_output(g, apply(g, "GatherND", "kept", NULL, 0, NULL, 2, (int[]){boxes, place}), FSN__F32,
               4);
    add_output(g, apply(g, "GatherND", "kept_scores", NULL, 0, NULL, 2, (int[]){scores, chosen}),
               FSN__F32, 0);
}

void decode_tail(struct fsn__graph *graph, int size, bool suppress)
{
    static const char *const names[2] = {"raw_boxes", "raw_scores"};
    struct fsn_error err = {0};
    int raw[2], boxes, scores;

    for (int i = 0; i < 2; i++) {
        raw[i] = graph->outputs[i];
        graph->values[raw[i]].name = names[i];
    }
    graph->output_count = 0;
    boxes = decode(graph, raw[0], size);
    scores = probabilities(graph, raw[1]);
    if (suppress) {
        suppress_boxes(graph, boxes, scores);
    } else {
        add_output(graph, boxes, FSN__F32, 4);
        add_output(graph, scores, FSN__F32, 0);
    }
    ok(fsn__graph_prune(graph, &err), &err);
}
