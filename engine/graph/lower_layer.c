/* lower_layer.c - lowering of convolution, batch norm, activations and addition.
 *
 *   Conv -> BatchNormalization -> Relu   Conv (with its channel sums), BnCoef; the rest is lazy
 *   Add (-> Relu)                        Join; for inference the later of the two convolutions
 *                                        before it adds the other branch, and applies the Relu
 *   Clip                                 Join with bounds (Relu6)
 */
#include "graph/lowering.h"

#include <math.h>
#include <string.h>

enum { CONV_A = 3, CONV_B, CONV_RESIDUAL, CONV_INPUTS }; /* after x, w, bias */
enum { MAX_CONV_ATTRS = 16 };                            /* ONNX has six */

/* ---- convolution ------------------------------------------------------------------------------
 */

static struct fsn__attr int_attr(const char *name, int64_t i)
{
    return (struct fsn__attr){.name = name, .type = FSN__ATTR_INT, .i = i};
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
    struct fsn__attr item[MAX_CONV_ATTRS + 2];
    struct fsn__attrs attrs = {.count = node->attrs.count + 2, .item = item};
    struct fsn__form x;
    int in[CONV_INPUTS], out[3];

    if (node->attrs.count > MAX_CONV_ATTRS || !has_kernel(l, node))
        return false;
    x = fsn__blocked_form(l, node->in[0]);
    in[0] = x.z;
    in[1] = fsn__plain_of(l, node->in[1]);
    in[2] = node->n_in > 2 ? fsn__plain_of(l, node->in[2]) : -1;
    in[CONV_A] = x.a;
    in[CONV_B] = x.b;
    in[CONV_RESIDUAL] = -1;
    for (size_t i = 0; i < node->attrs.count; i++)
        item[i] = node->attrs.item[i];
    item[node->attrs.count] = int_attr("load_relu", x.relu);
    item[node->attrs.count + 1] = int_attr("store_relu", 0);
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
