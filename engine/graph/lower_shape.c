/* lower_shape.c - lowering of pooling and of what only moves channels and pixels.
 *
 *   MaxPool, AveragePool, GlobalAveragePool   the blocked operators of the same name
 *   Concat along the channels                 ChannelCopy, and ConcatSums when batch norm follows
 *   Slice of height and width, Pad of channels ChannelCopy; one after the other is one ChannelCopy
 *                                             (the shortcut without parameters, "option A")
 */
#include "graph/lowering.h"

#include <string.h>

/* ---- pooling ----------------------------------------------------------------------------------
 */

static void emit_unary(struct fsn__lowering *l, const struct fsn__node *node,
                       const struct fsn__op *op, const struct fsn__attrs *attrs, int *y)
{
    int x = fsn__solid_of(l, node->in[0]);

    fsn__emit(l, op, attrs, 1, &x, 1, y);
}

/* Every window meets the input. */
static bool windows_meet_input(const struct fsn__lowering *l, const struct fsn__node *node)
{
    struct fsn__tensor x = *fsn__from_tensor(l, node->in[0]), *in = &x;
    const struct fsn__op_ctx ctx = {
        .op = node->op, .name = node->name, .attrs = &node->attrs, .n_in = 1, .in = &in};
    struct fsn__window window;

    if (fsn__window_read_pool(&ctx, &window, NULL) != FSN_OK)
        return false;
    for (int i = 0; i < FSN__WINDOW_AXES; i++)
        for (int64_t o = 0; o < window.axis[i].out; o++) {
            int64_t begin, end;

            fsn__window_tap_range(&window.axis[i], o, &begin, &end);
            if (begin == end)
                return false;
        }
    return true;
}

bool fsn__lower_max_pool(struct fsn__lowering *l, const struct fsn__node *node)
{
    int y;

    if (!fsn__has_blocked(l, node->in[0]) || node->n_out != 1 || !windows_meet_input(l, node))
        return false;
    emit_unary(l, node, &fsn__op_fast_max_pool, &node->attrs, &y);
    fsn__set_solid(l, node->out[0], y);
    return true;
}

bool fsn__lower_average_pool(struct fsn__lowering *l, const struct fsn__node *node)
{
    int y;

    if (!fsn__has_blocked(l, node->in[0]))
        return false;
    emit_unary(l, node, &fsn__op_fast_average_pool, &node->attrs, &y);
    fsn__set_solid(l, node->out[0], y);
    return true;
}

bool fsn__lower_global_pool(struct fsn__lowering *l, const struct fsn__node *node)
{
    struct fsn__attr channels = {.name = "channels", .type = FSN__ATTR_INT};
    const struct fsn__attrs attrs = {.count = 1, .item = &channels};

    if (!fsn__has_blocked(l, node->in[0]))
        return false;
    channels.i = fsn__from_tensor(l, node->in[0])->dim[1];
    emit_unary(l, node, &fsn__op_fast_global_pool, &attrs, &l->form[node->out[0]].plain);
    return true;
}

/* ---- ChannelCopy ------------------------------------------------------------------------------
 */

struct copy_attrs {
    int64_t offsets[FSN__MAX_IO], counts[FSN__MAX_IO];
    int64_t starts[2], steps[2], sizes[2];
    struct fsn__attr item[6];
};

/* Attributes of a ChannelCopy of `count` inputs that writes what value y is. */
static struct fsn__attrs copy_attrs(const struct fsn__lowering *l, struct copy_attrs *a, int count,
                                    int y)
{
    const struct fsn__tensor *t = fsn__from_tensor(l, y);
    const struct {
        const char *name;
        const int64_t *ints;
        size_t count;
    } lists[] = {{"offsets", a->offsets, (size_t)count},
                 {"counts", a->counts, (size_t)count},
                 {"starts", a->starts, 2},
                 {"steps", a->steps, 2},
                 {"sizes", a->sizes, 2}};

    a->sizes[0] = t->dim[2];
    a->sizes[1] = t->dim[3];
    for (int i = 0; i < 5; i++)
        a->item[i] = (struct fsn__attr){.name = lists[i].name,
                                        .type = FSN__ATTR_INTS,
                                        .count = lists[i].count,
                                        .ints = lists[i].ints};
    a->item[5] = (struct fsn__attr){.name = "channels", .type = FSN__ATTR_INT, .i = t->dim[1]};
    return (struct fsn__attrs){.count = 6, .item = a->item};
}

/* ---- Concat -----------------------------------------------------------------------------------
 */

bool fsn__is_channel_concat(const struct fsn__lowering *l, const struct fsn__node *node)
{
    const int64_t axis = fsn__attr_int(&node->attrs, "axis", 0);

    if (node->op != &fsn__op_concat || (axis != 1 && axis != -3))
        return false;
    for (int i = 0; i < node->n_in; i++)
        if (!fsn__is_map(l, node->in[i]))
            return false;
    return node->n_in > 0;
}

/* The concatenation's sums, from those of its parts. */
static void concat_sums(struct fsn__lowering *l, const struct fsn__node *node,
                        const int64_t *channels)
{
    const struct fsn__attr item = {
        .name = "channels", .type = FSN__ATTR_INTS, .count = (size_t)node->n_in, .ints = channels};
    const struct fsn__attrs attrs = {.count = 1, .item = (struct fsn__attr[]){item}};
    int s1[FSN__MAX_IO], s2[FSN__MAX_IO];

    for (int i = 0; i < node->n_in; i++) {
        fsn__need_sums(l, node->in[i]);
        s1[i] = l->form[node->in[i]].s1;
        s2[i] = l->form[node->in[i]].s2;
    }
    fsn__emit(l, &fsn__op_concat_sums, &attrs, node->n_in, s1, 1, &l->form[node->out[0]].s1);
    fsn__emit(l, &fsn__op_concat_sums, &attrs, node->n_in, s2, 1, &l->form[node->out[0]].s2);
}

bool fsn__lower_concat(struct fsn__lowering *l, const struct fsn__node *node)
{
    struct copy_attrs copy = {.steps = {1, 1}};
    struct fsn__attrs attrs;
    int x[FSN__MAX_IO], y;
    int64_t offset = 0;
    bool any = false;

    if (!fsn__is_channel_concat(l, node))
        return false;
    for (int i = 0; i < node->n_in; i++)
        any |= fsn__has_blocked(l, node->in[i]);
    if (!any)
        return false;
    for (int i = 0; i < node->n_in; i++) {
        x[i] = fsn__solid_of(l, node->in[i]);
        copy.offsets[i] = offset;
        copy.counts[i] = fsn__from_tensor(l, node->in[i])->dim[1];
        offset += copy.counts[i];
    }
    attrs = copy_attrs(l, &copy, node->n_in, node->out[0]);
    fsn__emit(l, &fsn__op_channel_copy, &attrs, node->n_in, x, 1, &y);
    fsn__set_solid(l, node->out[0], y);
    if (l->training && l->normalised[node->out[0]])
        concat_sums(l, node, copy.counts);
    return true;
}

/* ---- Slice and Pad ----------------------------------------------------------------------------
 */

/* The ints of a list attribute of a node that this pass emitted. */
static int64_t *emitted_ints(const struct fsn__node *node, const char *name)
{
    return (int64_t *)fsn__emitted_attr(node, name)->ints; /* in the lowered graph's arena */
}

/* Makes the copy part of the one that leads to its input and that nothing else reads. */
static void extend_copy(struct fsn__lowering *l, struct fsn__node *before,
                        const struct copy_attrs *copy, const struct fsn__tensor *y)
{
    for (int i = 0; i < 2; i++) {
        emitted_ints(before, "starts")[i] += copy->starts[i] * emitted_ints(before, "steps")[i];
        emitted_ints(before, "steps")[i] *= copy->steps[i];
        emitted_ints(before, "sizes")[i] = y->dim[2 + i];
    }
    emitted_ints(before, "offsets")[0] += copy->offsets[0];
    fsn__emitted_attr(before, "channels")->i = y->dim[1];
    l->status = fsn__graph_infer_node(l->to, (int)(before - l->to->nodes), l->err);
}

static void emit_copy(struct fsn__lowering *l, const struct fsn__node *node,
                      struct copy_attrs *copy)
{
    struct fsn__node *before = fsn__own_producer(l, node->in[0], &fsn__op_channel_copy);
    int y;

    if (before && before->n_in == 1) {
        extend_copy(l, before, copy, fsn__from_tensor(l, node->out[0]));
        y = l->form[node->in[0]].z;
    } else {
        struct fsn__attrs attrs = copy_attrs(l, copy, 1, node->out[0]);
        int x = fsn__solid_of(l, node->in[0]);

        copy->counts[0] = fsn__from_tensor(l, node->in[0])->dim[1];
        fsn__emit(l, &fsn__op_channel_copy, &attrs, 1, &x, 1, &y);
    }
    fsn__set_solid(l, node->out[0], y);
}

/* Entry i of the optional list in `slot`, `none` when the list is absent. */
static int64_t entry(const struct fsn__lowering *l, const struct fsn__node *node, int slot,
                     int64_t i, int64_t none)
{
    const struct fsn__tensor *t = slot < node->n_in ? fsn__from_tensor(l, node->in[slot]) : NULL;

    return t ? fsn__get_i64(t, i) : none;
}

bool fsn__lower_slice(struct fsn__lowering *l, const struct fsn__node *node)
{
    struct copy_attrs copy = {.steps = {1, 1}};
    const struct fsn__tensor *x = fsn__from_tensor(l, node->in[0]);

    if (!fsn__has_blocked(l, node->in[0]) || !fsn__is_map(l, node->out[0]))
        return false;
    for (int64_t i = 0; i < fsn__from_tensor(l, node->in[1])->dim[0]; i++) {
        const int64_t axis = entry(l, node, 3, i, i), at = axis < 0 ? axis + 4 : axis;
        const int64_t step = entry(l, node, 4, i, 1);
        int64_t start = entry(l, node, 1, i, 0);

        if (at < 2) { /* must be taken whole */
            if (step != 1 || x->dim[at] != fsn__from_tensor(l, node->out[0])->dim[at])
                return false;
            continue;
        }
        if (step < 1)
            return false;
        if (start < 0)
            start = start < -x->dim[at] ? 0 : start + x->dim[at];
        copy.starts[at - 2] = start;
        copy.steps[at - 2] = step < x->dim[at] ? step : x->dim[at]; /* one element at most */
    }
    emit_copy(l, node, &copy);
    return true;
}

bool fsn__lower_pad(struct fsn__lowering *l, const struct fsn__node *node)
{
    struct copy_attrs copy = {.steps = {1, 1}};
    const struct fsn__tensor *value = node->n_in > 2 ? fsn__from_tensor(l, node->in[2]) : NULL;
    const int64_t count = fsn__from_tensor(l, node->in[1])->dim[0] / 2;

    if (!fsn__has_blocked(l, node->in[0]) ||
        strcmp(fsn__attr_string(&node->attrs, "mode", "constant"), "constant") != 0 ||
        (value && (!value->data || value->dtype != FSN__F32 || *fsn__f32(value) != 0.0F)))
        return false;
    for (int64_t i = 0; i < count; i++) {
        const int64_t axis = entry(l, node, 3, i, i), at = axis < 0 ? axis + 4 : axis;
        const int64_t begin = entry(l, node, 1, i, 0), end = entry(l, node, 1, count + i, 0);

        if (begin < 0 || end < 0 || (at != 1 && (begin != 0 || end != 0)))
            return false;
        if (at == 1)
            copy.offsets[0] = begin;
    }
    emit_copy(l, node, &copy);
    return true;
}
