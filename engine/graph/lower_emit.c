/* lower_emit.c - nodes of the lowered graph, and the forms of values (lowering.h). */
#include "graph/lowering.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more entry of origin. */
static void grow_origin(struct fsn__lowering *l)
{
    int capacity = l->origin_capacity ? 2 * l->origin_capacity : 64;
    int *origin;

    if (l->status != FSN_OK || l->to->node_count < l->origin_capacity)
        return;
    origin = realloc(l->origin, (size_t)capacity * sizeof *origin);
    if (!origin) {
        l->status = FSN__NOMEM(l->err);
        return;
    }
    l->origin = origin;
    l->origin_capacity = capacity;
}

void fsn__emit(struct fsn__lowering *l, const struct fsn__op *op, const struct fsn__attrs *attrs,
               int n_in, const int *in, int n_out, int *out)
{
    const struct fsn__node *node = &l->from->nodes[l->node];
    int index = -1;

    grow_origin(l);
    for (int i = 0; i < n_out; i++) {
        out[i] = -1;
        if (l->status == FSN_OK)
            l->status =
                fsn__graph_add_value(l->to, node->name, FSN__VALUE_COMPUTED, NULL, &out[i], l->err);
    }
    if (l->status == FSN_OK)
        l->status =
            fsn__graph_add_node(l->to, op, node->name, attrs, n_in, in, n_out, out, &index, l->err);
    if (l->status == FSN_OK)
        l->status = fsn__graph_infer_node(l->to, index, l->err);
    if (l->status == FSN_OK)
        l->origin[index] = l->node;
}

void fsn__keep_node(struct fsn__lowering *l, const struct fsn__node *node)
{
    int in[FSN__MAX_IO], out[FSN__MAX_IO];

    for (int i = 0; i < node->n_in; i++)
        in[i] = fsn__plain_of(l, node->in[i]);
    fsn__emit(l, node->op, &node->attrs, node->n_in, in, node->n_out, out);
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] >= 0)
            l->form[node->out[i]].plain = out[i];
}

/* ---- forms ------------------------------------------------------------------------------------
 */

static int64_t channels_of(const struct fsn__lowering *l, int value)
{
    return l->from->values[value].tensor.dim[1];
}

void fsn__set_lazy(struct fsn__lowering *l, int value, const struct fsn__form *form)
{
    const int plain = l->form[value].plain;

    l->form[value] = *form;
    l->form[value].plain = plain;
}

void fsn__set_solid(struct fsn__lowering *l, int value, int z)
{
    fsn__set_lazy(l, value, &(struct fsn__form){.z = z, .a = -1, .b = -1, .s1 = -1, .s2 = -1});
}

struct fsn__form fsn__blocked_form(struct fsn__lowering *l, int value)
{
    if (!fsn__has_blocked(l, value) && l->status == FSN_OK) {
        int plain = fsn__plain_of(l, value), z = -1;

        fsn__emit(l, &fsn__op_pack, NULL, 1, &plain, 1, &z);
        fsn__set_solid(l, value, z);
    }
    return l->form[value];
}

int fsn__solid_of(struct fsn__lowering *l, int value)
{
    struct fsn__form form = fsn__blocked_form(l, value);

    if (form.a >= 0 || form.relu)
        fsn__set_solid(l, value, fsn__emit_join(l, &form, NULL, NULL));
    return l->form[value].z;
}

/* The node that was left out when its turn came, for the node now being lowered. */
static void catch_up(struct fsn__lowering *l, int value)
{
    const int reader = l->node;

    l->node = l->from->values[value].producer;
    fsn__keep_node(l, &l->from->nodes[l->node]);
    l->node = reader;
}

int fsn__plain_of(struct fsn__lowering *l, int value)
{
    if (value < 0 || l->status != FSN_OK)
        return -1;
    if (l->form[value].plain < 0 && l->from->values[value].tensor.data) {
        const struct fsn__value *constant = &l->from->values[value];

        if (l->status == FSN_OK)
            l->status = fsn__graph_add_borrowed(l->to, constant->name, constant->kind,
                                                &constant->tensor, &l->form[value].plain, l->err);
    } else if (l->form[value].plain < 0 && !fsn__has_blocked(l, value)) {
        catch_up(l, value);
    } else if (l->form[value].plain < 0) {
        struct fsn__attr channels = {
            .name = "channels", .type = FSN__ATTR_INT, .i = channels_of(l, value)};
        const struct fsn__attrs attrs = {.count = 1, .item = &channels};
        int z = fsn__solid_of(l, value);

        fsn__emit(l, &fsn__op_unpack, &attrs, 1, &z, 1, &l->form[value].plain);
    }
    return l->form[value].plain;
}

bool fsn__is_map(const struct fsn__lowering *l, int value)
{
    const struct fsn__tensor *t = fsn__from_tensor(l, value);

    return t && t->dtype == FSN__F32 && t->ndim == 4 && fsn__numel(t) > 0;
}

struct fsn__node *fsn__own_producer(const struct fsn__lowering *l, int value,
                                    const struct fsn__op *op)
{
    const struct fsn__form *form = &l->form[value];
    int producer;

    if (l->status != FSN_OK || form->z < 0 || form->a >= 0 || form->relu || form->plain >= 0 ||
        l->uses[value] != 1)
        return NULL;
    producer = l->to->values[form->z].producer;
    return producer >= 0 && l->to->nodes[producer].op == op ? &l->to->nodes[producer] : NULL;
}

struct fsn__attr *fsn__emitted_attr(const struct fsn__node *node, const char *name)
{
    for (size_t i = 0; i < node->attrs.count; i++)
        if (strcmp(node->attrs.item[i].name, name) == 0)
            return &node->attrs.item[i];
    return NULL;
}

/* ---- nodes that several patterns make ---------------------------------------------------------
 */

int fsn__emit_join(struct fsn__lowering *l, const struct fsn__form *first,
                   const struct fsn__form *second, const float *clip)
{
    struct fsn__attr item[] = {
        {.name = "relu1", .type = FSN__ATTR_INT, .i = first->relu},
        {.name = "relu2", .type = FSN__ATTR_INT, .i = second && second->relu},
        {.name = "relu", .type = FSN__ATTR_INT, .i = 0},
        {.name = "clip", .type = FSN__ATTR_INT, .i = clip != NULL},
        {.name = "low", .type = FSN__ATTR_FLOAT, .f = clip ? clip[0] : -INFINITY},
        {.name = "high", .type = FSN__ATTR_FLOAT, .f = clip ? clip[1] : INFINITY},
    };
    const struct fsn__attrs attrs = {.count = sizeof item / sizeof item[0], .item = item};
    const int in[] = {first->z,
                      first->a,
                      first->b,
                      second ? second->z : -1,
                      second ? second->a : -1,
                      second ? second->b : -1};
    int y = -1;

    fsn__emit(l, &fsn__op_join, &attrs, second ? 6 : 3, in, 1, &y);
    return y;
}

void fsn__need_sums(struct fsn__lowering *l, int value)
{
    struct fsn__form *form = &l->form[value];
    int sums[2];

    if (form->s1 >= 0)
        return;
    fsn__emit(l, &fsn__op_channel_sums, NULL, 1, &form->z, 2, sums);
    form->s1 = sums[0];
    form->s2 = sums[1];
}
