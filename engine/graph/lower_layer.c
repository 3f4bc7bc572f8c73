/* lower_layer.c - lowering of convolution, batch norm, activations and addition.
 *
 *   FilterSummary -> Conv                Conv that reads F
 *   Conv -> BatchNormalization -> Relu   Conv (with its channel sums), BnCoef; the rest is lazy
 *   Add (-> Relu)                        Join; for inference the later of the two convolutions
 *                                        before it adds the other branch, and applies the Relu
 *   Clip                                 Join with bounds (Relu6)
 */
#include "graph/lowering.h"

#include <math.h>
#include <string.h>

enum {
    CONV_A = 3,
    CONV_B,
    CONV_RESIDUAL,
    CONV_SCALE,
    CONV_BASE,
    CONV_SHARE,
    CONV_INPUTS
};                            /* after x, w, bias */
enum { MAX_CONV_ATTRS = 16 }; /* ONNX has six */

/* ---- convolution ------------------------------------------------------------------------------
 */

static struct fsn__attr int_attr(const char *name, int64_t i)
{
    return (struct fsn__attr){.name = name, .type = FSN__ATTR_INT, .i = i};
}

/* The node that gathers the value, when a kernel can read its Filter Summary in its place. */
static const struct fsn__node *summary_of(const struct fsn__lowering *l, int value)
{
    const int producer = l->from->values[value].producer;
    const struct fsn__node *node = producer >= 0 ? &l->from->nodes[producer] : NULL;
    const struct fsn__tensor *scale;

    if (!node || node->op != &fsn__op_filter_summary ||
        fsn__from_tensor(l, node->in[0])->dtype != FSN__F32)
        return NULL;
    if (node->n_in > 2 && node->in[2] >= 0)
        return NULL;
    if (node->n_in > FSN__FS_OFFSET && node->in[FSN__FS_OFFSET] >= 0)
        return NULL; /* no kernel reads between elements: the operator writes the filters out */
    scale = node->n_in > 1 ? fsn__from_tensor(l, node->in[1]) : NULL;
    if (scale && (l->training || scale->dim[0] != fsn__from_tensor(l, value)->dim[0]))
        return NULL;
    return node;
}

bool fsn__lower_filter_summary(struct fsn__lowering *l, const struct fsn__node *node)
{
    return summary_of(l, node->out[0]) != NULL;
}

/* The weight inputs of a fast convolution, and the attribute that says how to read them, if any. */
static void lower_weights(struct fsn__lowering *l, int value, int *in, struct fsn__attrs *attrs,
                          int64_t *ints)
{
    const struct fsn__node *summary = summary_of(l, value);
    struct fsn__fs_geometry geometry;

    if (!summary) {
        in[1] = fsn__plain_of(l, value);
        return;
    }
    in[1] = fsn__plain_of(l, summary->in[0]);
    in[CONV_SCALE] = summary->n_in > 1 ? fsn__plain_of(l, summary->in[1]) : -1;
    in[CONV_BASE] = summary->n_in > FSN__FS_BASE ? fsn__plain_of(l, summary->in[FSN__FS_BASE]) : -1;
    in[CONV_SHARE] =
        summary->n_in > FSN__FS_SHARE ? fsn__plain_of(l, summary->in[FSN__FS_SHARE]) : -1;
    if (l->status == FSN_OK)
        l->status = fsn__fs_geometry_read(&summary->attrs, fsn__from_tensor(l, summary->in[0]),
                                          summary->name, &geometry, l->err);
    if (l->status != FSN_OK)
        return;
    fsn__geometry_to_ints(&geometry, ints);
    attrs->item[attrs->count++] = (struct fsn__attr){
        .name = "summary", .type = FSN__ATTR_INTS, .count = FSN__GEOMETRY_INTS, .ints = ints};
    if (geometry.slot)
        attrs->item[attrs->count++] = (struct fsn__attr){.name = "slots",
                                                         .type = FSN__ATTR_INTS,
                                                         .count = (size_t)geometry.k,
                                                         .ints = geometry.slot};
}

/* Whether some fast kernel takes the convolution. */
static bool has_kernel(const struct fsn__lowering *l, const struct fsn__node *node)
{
    const struct fsn__op_ctx ctx = {.op = node->op, .name = node->name, .attrs = &node->attrs};
    struct fsn__conv_shape shape;
    struct fsn__tensor x;

    if (!fsn__is_map(l, node->in[0]) || !fsn__is_map(l, node->in[1]) ||
        !fsn__is_map(l, node->out[0]))
        return false;
    x = *fsn__from_tensor(l, node->in[0]);
    return fsn__conv_shape_read(&ctx, &x, fsn__from_tensor(l, node->in[1]), &shape, NULL) ==
               FSN_OK &&
           fsn__choose_algorithm(&shape, FSN__FORWARD) != FSN__IM2COL;
}

bool fsn__lower_conv(struct fsn__lowering *l, const struct fsn__node *node)
{
    const bool sums = l->training && l->normalised[node->out[0]];
    struct fsn__attr item[MAX_CONV_ATTRS + 4];
    struct fsn__attrs attrs = {.item = item};
    int64_t geometry[FSN__GEOMETRY_INTS];
    struct fsn__form x;
    int in[CONV_INPUTS], out[3];

    if (node->attrs.count > MAX_CONV_ATTRS || !has_kernel(l, node))
        return false;
    x = fsn__blocked_form(l, node->in[0]);
    in[0] = x.z;
    in[2] = node->n_in > 2 ? fsn__plain_of(l, node->in[2]) : -1;
    in[CONV_A] = x.a;
    in[CONV_B] = x.b;
    in[CONV_RESIDUAL] = in[CONV_SCALE] = in[CONV_BASE] = in[CONV_SHARE] = -1;
    for (size_t i = 0; i < node->attrs.count; i++)
        item[attrs.count++] = node->attrs.item[i];
    item[attrs.count++] = int_attr("load_relu", x.relu);
    item[attrs.count++] = int_attr("store_relu", 0);
    lower_weights(l, node->in[1], in, &attrs, geometry);
    fsn__emit(l, &fsn__op_fast_conv, &attrs, CONV_INPUTS, in, sums ? 3 : 1, out);
    fsn__set_solid(l, node->out[0], out[0]);
    if (sums) {
        l->form[node->out[0]].s1 = out[1];
        l->form[node->out[0]].s2 = out[2];
    }
    return true;
}

/* ---- batch norm -------------------------------------------------------------------------------
 */

bool fsn__lower_batch_norm(struct fsn__lowering *l, const struct fsn__node *node)
{
    const int x = node->in[0];
    int in[7], out[2], z;
    struct fsn__form form;

    if (!fsn__has_blocked(l, x) || node->n_out != 1 ||
        (!l->training && fsn__attr_int(&node->attrs, "training_mode", 0) != 0))
        return false;
    for (int i = 0; i < 4; i++) /* scale, shift, running mean and variance */
        in[i] = fsn__plain_of(l, node->in[1 + i]);
    z = fsn__solid_of(l, x);
    if (l->training) {
        fsn__need_sums(l, x);
        in[4] = z;
        in[5] = l->form[x].s1;
        in[6] = l->form[x].s2;
    }
    fsn__emit(l, &fsn__op_bn_coef, &node->attrs, l->training ? 7 : 4, in, 2, out);
    form = (struct fsn__form){.z = z, .a = out[0], .b = out[1], .s1 = -1, .s2 = -1};
    fsn__set_lazy(l, node->out[0], &form);
    /* Where no gradient is wanted of z, no convolution would work out those of a and b. */
    if (l->training && !l->trained[x] && l->trained[node->out[0]])
        (void)fsn__solid_of(l, node->out[0]);
    return true;
}

/* ---- activations ------------------------------------------------------------------------------
 */

/* Has the node that writes x apply the Relu, if it can. */
static bool absorb_relu(struct fsn__lowering *l, int x)
{
    struct fsn__node *join = fsn__own_producer(l, x, &fsn__op_join);
    struct fsn__node *conv = fsn__own_producer(l, x, &fsn__op_fast_conv);

    if (join && fsn__emitted_attr(join, "clip")->i == 0) {
        fsn__emitted_attr(join, "relu")->i = 1;
        return true;
    }
    if (conv && !l->training) {
        fsn__emitted_attr(conv, "store_relu")->i = 1;
        return true;
    }
    return false;
}

bool fsn__lower_relu(struct fsn__lowering *l, const struct fsn__node *node)
{
    const int x = node->in[0];
    struct fsn__form form;

    if (!fsn__has_blocked(l, x))
        return false;
    form = l->form[x];
    form.relu = !absorb_relu(l, x);
    form.s1 = form.s2 = -1; /* those were of x; nothing asks for z's behind a Relu */
    fsn__set_lazy(l, node->out[0], &form);
    return true;
}

/* The scalar bound of a Clip, or `none` when it is absent. */
static bool read_bound(const struct fsn__lowering *l, const struct fsn__node *node, int slot,
                       float none, float *out)
{
    const struct fsn__tensor *t = slot < node->n_in ? fsn__from_tensor(l, node->in[slot]) : NULL;

    *out = none;
    if (!t)
        return true;
    if (!t->data || t->dtype != FSN__F32)
        return false;
    *out = *fsn__f32(t);
    return true;
}

bool fsn__lower_clip(struct fsn__lowering *l, const struct fsn__node *node)
{
    float bounds[2];
    int y;

    if (!fsn__has_blocked(l, node->in[0]) || !read_bound(l, node, 1, -INFINITY, &bounds[0]) ||
        !read_bound(l, node, 2, INFINITY, &bounds[1]) || !(bounds[0] <= 0.0F) ||
        !(bounds[1] >= 0.0F)) /* the lanes that are no channels must stay zero */
        return false;
    y = fsn__emit_join(l, &l->form[node->in[0]], NULL, bounds);
    fsn__set_solid(l, node->out[0], y);
    return true;
}

/* ---- addition ---------------------------------------------------------------------------------
 */

/* Inference: has the convolution that writes value `main` add `other`, if it can: `other` must be
 * written out before it runs. */
static bool absorb_add(struct fsn__lowering *l, int main, int other)
{
    struct fsn__node *conv = fsn__own_producer(l, main, &fsn__op_fast_conv);
    const struct fsn__form *form = &l->form[other];

    if (!conv || main == other || conv->in[CONV_RESIDUAL] >= 0 ||
        fsn__emitted_attr(conv, "store_relu")->i != 0 || form->z < 0 || form->a >= 0 ||
        form->relu || l->to->values[form->z].producer >= l->to->values[conv->out[0]].producer)
        return false;
    conv->in[CONV_RESIDUAL] = form->z;
    return true;
}

bool fsn__lower_add(struct fsn__lowering *l, const struct fsn__node *node)
{
    const int x = node->in[0], y = node->in[1];
    struct fsn__form first, second;

    if (!fsn__is_map(l, x) || !fsn__is_map(l, y) ||
        !fsn__same_shape(fsn__from_tensor(l, x), fsn__from_tensor(l, y)) ||
        (!fsn__has_blocked(l, x) && !fsn__has_blocked(l, y)))
        return false;
    if (!l->training) {
        int sum = absorb_add(l, x, y) ? x : absorb_add(l, y, x) ? y : -1;

        if (sum >= 0) {
            fsn__set_solid(l, node->out[0], l->form[sum].z);
            return true;
        }
    }
    first = fsn__blocked_form(l, x);
    second = fsn__blocked_form(l, y);
    fsn__set_solid(l, node->out[0], fsn__emit_join(l, &first, &second, NULL));
    return true;
}
