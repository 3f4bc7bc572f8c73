/* upgrade.c - nodes of older ONNX operator sets in the form of version 18, which op.h speaks.
 *
 * Source: the changelog of the ONNX operators. What changed for the operators that the engine has:
 *   Add, Sub, Mul, Div, Pow, And, Or, Xor, Equal, Greater, Less
 *                       < 7 `broadcast`, which fitted b's axes to a's last ones as now; `axis`,
 * which fitted them elsewhere, is not read BatchNormalization  < 7 `is_test`; < 9 `spatial`; < 14 a
 * second output meant training Clip                < 11 bounds were attributes Dropout < 12 the
 * ratio was an attribute Gemm                < 7 `broadcast` Pad                 < 11 pads and
 * value were attributes Resize              < 11 inputs x and scales, asymmetric coordinates,
 * rounded down where it enlarges and up where it shrinks (by ONNX's cases and ONNX Runtime; version
 * 10 does not say) Slice               < 10 starts, ends and axes were attributes Reduce* < 18 axes
 * were an attribute (ReduceSum: < 13) Softmax, LogSoftmax, Hardmax < 13 everything from `axis` on
 * was one distribution (default axis 1) Split               < 13 the sizes were an attribute
 *   Squeeze, Unsqueeze  < 13 axes were an attribute
 *   TopK                < 10 k was an attribute
 *   Upsample            < 9 scales were an attribute; from 10 on it is Resize
 * All others kept their form from version 7 on, and many from version 1 on: files older than 7 are
 * read where they use those alone (`changed` has the rest). Versions 19 to FSN__OPSET_MAX added
 * element types and attributes with neutral defaults (AveragePool's dilations, Cast's saturate,
 * Pad's mode "wrap"), so nodes pass as they are and the operator judges the attributes; the
 * conformance suites that reach version 27 hold this.
 */
#include "onnx/import.h"

#include <stdlib.h>
#include <string.h>

/* ---- attributes that became inputs -------------------------------------------------------------
 */

static enum fsn_status add_input(struct fsn__importer *im, struct fsn__draft *draft, int slot,
                                 const struct fsn__tensor *t, struct fsn_error *err)
{
    enum fsn_status status;
    int value;

    status = fsn__import_charge(im, draft, (size_t)fsn__numel(t), err);
    if (status == FSN_OK)
        status = fsn__graph_add_const(im->graph, NULL, FSN__VALUE_CONST, t, &value, err);
    if (status != FSN_OK)
        return status;
    while (draft->n_in <= slot)
        draft->in[draft->n_in++] = -1;
    draft->in[slot] = value;
    return FSN_OK;
}

/* Moves a list of ints to input `slot`; an absent list leaves the input absent. */
static enum fsn_status ints_to_input(struct fsn__importer *im, struct fsn__draft *draft,
                                     const char *name, int slot, struct fsn_error *err)
{
    struct fsn__tensor t = {.dtype = FSN__I64, .ndim = 1};
    enum fsn_status status;
    const int64_t *ints;
    size_t count;

    ints = fsn__attr_ints(&draft->attrs, name, &count);
    if (!fsn__attr_find(&draft->attrs, name))
        return FSN_OK;
    t.dim[0] = (int64_t)count;
    t.data = (void *)(uintptr_t)ints; /* only read */
    status = add_input(im, draft, slot, &t, err);
    fsn__draft_remove(draft, name);
    return status;
}

static enum fsn_status float_to_input(struct fsn__importer *im, struct fsn__draft *draft,
                                      const char *name, int slot, struct fsn_error *err)
{
    float value = fsn__attr_float(&draft->attrs, name, 0);
    struct fsn__tensor t = {.dtype = FSN__F32, .data = &value};
    enum fsn_status status;

    if (!fsn__attr_find(&draft->attrs, name))
        return FSN_OK;
    status = add_input(im, draft, slot, &t, err);
    fsn__draft_remove(draft, name);
    return status;
}

static enum fsn_status expect_one_input(const struct fsn__draft *draft, struct fsn_error *err)
{
    if (draft->n_in == 1)
        return FSN_OK;
    return FSN__FAIL(err, FSN_FORMAT,
                     "%s '%s': %d inputs; in operator set version %lld it has one and takes the "
                     "rest as attributes",
                     draft->op, draft->label, draft->n_in, (long long)draft->opset);
}

static enum fsn_status upgrade_axes(struct fsn__importer *im, struct fsn__draft *draft,
                                    struct fsn_error *err)
{
    enum fsn_status status = expect_one_input(draft, err);

    return status == FSN_OK ? ints_to_input(im, draft, "axes", 1, err) : status;
}

/* In every version: how many parts there are says how long each is, so those without a name, of
 * which the draft has dropped the last ones, count too. */
static enum fsn_status upgrade_split(struct fsn__importer *im, struct fsn__draft *draft,
                                     struct fsn_error *err)
{
    const int parts = (int)draft->proto->n_output; /* at most FSN__MAX_IO: resolved */
    enum fsn_status status = FSN_OK;

    while (draft->n_out < parts)
        draft->out[draft->n_out++] = -1;
    for (int i = 0; i < parts && status == FSN_OK; i++)
        if (draft->out[i] < 0)
            status = fsn__graph_add_value(im->graph, NULL, FSN__VALUE_COMPUTED, NULL,
                                          &draft->out[i], err);
    if (status != FSN_OK || draft->opset >= 13)
        return status;
    status = expect_one_input(draft, err);
    return status == FSN_OK ? ints_to_input(im, draft, "split", 1, err) : status;
}

static enum fsn_status upgrade_top_k(struct fsn__importer *im, struct fsn__draft *draft,
                                     struct fsn_error *err)
{
    int64_t k = fsn__attr_int(&draft->attrs, "k", 0);
    const struct fsn__tensor t = {.dtype = FSN__I64, .ndim = 1, .dim = {1}, .data = &k};
    enum fsn_status status = expect_one_input(draft, err);

    if (status == FSN_OK)
        status = add_input(im, draft, 1, &t, err);
    fsn__draft_remove(draft, "k");
    return status;
}

static enum fsn_status upgrade_slice(struct fsn__importer *im, struct fsn__draft *draft,
                                     struct fsn_error *err)
{
    enum fsn_status status = expect_one_input(draft, err);

    if (status == FSN_OK)
        status = ints_to_input(im, draft, "starts", 1, err);
    if (status == FSN_OK)
        status = ints_to_input(im, draft, "ends", 2, err);
    return status == FSN_OK ? ints_to_input(im, draft, "axes", 3, err) : status;
}

static enum fsn_status upgrade_pad(struct fsn__importer *im, struct fsn__draft *draft,
                                   struct fsn_error *err)
{
    enum fsn_status status = expect_one_input(draft, err);

    if (status == FSN_OK)
        status = ints_to_input(im, draft, "pads", 1, err);
    return status == FSN_OK ? float_to_input(im, draft, "value", 2, err) : status;
}

static enum fsn_status upgrade_clip(struct fsn__importer *im, struct fsn__draft *draft,
                                    struct fsn_error *err)
{
    enum fsn_status status = expect_one_input(draft, err);

    if (status == FSN_OK)
        status = float_to_input(im, draft, "min", 1, err);
    return status == FSN_OK ? float_to_input(im, draft, "max", 2, err) : status;
}

static enum fsn_status upgrade_dropout(struct fsn__importer *im, struct fsn__draft *draft,
                                       struct fsn_error *err)
{
    enum fsn_status status = expect_one_input(draft, err);

    return status == FSN_OK ? float_to_input(im, draft, "ratio", 1, err) : status;
}

/* ---- meanings that changed ------------------------------------------------------------------- */

static enum fsn_status upgrade_softmax(struct fsn__importer *im, struct fsn__draft *draft,
                                       struct fsn_error *err)
{
    enum fsn_status status =
        fsn__draft_set_int(draft, "axis", fsn__attr_int(&draft->attrs, "axis", 1), err);

    (void)im;
    return status == FSN_OK ? fsn__draft_set_int(draft, "flatten", 1, err) : status;
}

static enum fsn_status upgrade_batch_norm(struct fsn__importer *im, struct fsn__draft *draft,
                                          struct fsn_error *err)
{
    (void)im;
    if (draft->opset < 7 && fsn__attr_int(&draft->attrs, "is_test", 0) == 0)
        return FSN__FAIL(
            err, FSN_UNSUPPORTED,
            "BatchNormalization '%s' is in its training form (is_test = 0); export the "
            "model in evaluation mode",
            draft->label);
    if (draft->opset < 9 && fsn__attr_int(&draft->attrs, "spatial", 1) == 0)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "BatchNormalization '%s': statistics per element (spatial = 0) are not "
                         "supported",
                         draft->label);
    fsn__draft_remove(draft, "spatial");
    fsn__draft_remove(draft, "is_test");
    return fsn__import_batch_norm_outputs(draft, err);
}

/* Where a's and b's axes met, until numpy's rule came: b's with a's last ones, as now, or from
 * `axis` on. */
static enum fsn_status upgrade_broadcast(struct fsn__importer *im, struct fsn__draft *draft,
                                         struct fsn_error *err)
{
    (void)im;
    if (fsn__attr_find(&draft->attrs, "axis") && fsn__attr_int(&draft->attrs, "broadcast", 0) != 0)
        return FSN__FAIL(
            err, FSN_UNSUPPORTED,
            "%s '%s' is of ONNX operator set version %lld, of which its attribute axis "
            "cannot be read; version 7 and later can",
            draft->op, draft->label, (long long)draft->opset);
    fsn__draft_remove(draft, "axis");
    fsn__draft_remove(draft, "broadcast");
    return FSN_OK;
}

/* The scales, where they are known already: +1 none shrinks, -1 none enlarges, 0 both or unknown.
 */
static int direction_of_scales(const struct fsn__importer *im, int value)
{
    const struct fsn__tensor *t = value >= 0 ? &im->graph->values[value].tensor : NULL;
    bool shrinks = false, enlarges = false;

    if (!t || !t->data || t->dtype != FSN__F32)
        return 0;
    for (int64_t i = 0; i < fsn__numel(t); i++) {
        shrinks |= fsn__f32(t)[i] < 1;
        enlarges |= fsn__f32(t)[i] > 1;
    }
    return shrinks && enlarges ? 0 : shrinks ? -1 : 1;
}

/* Scales move behind the region that operator set 11 put in front of them. */
static enum fsn_status upgrade_resize(struct fsn__importer *im, struct fsn__draft *draft,
                                      struct fsn_error *err)
{
    enum fsn_status status;
    bool shrinks;

    if (draft->n_in != 2)
        return FSN__FAIL(err, FSN_FORMAT, "%s '%s': %d inputs, expected x and scales", draft->op,
                         draft->label, draft->n_in);
    shrinks = direction_of_scales(im, draft->in[1]) < 0;
    draft->in[draft->n_in++] = draft->in[1];
    draft->in[1] = -1;
    status = fsn__draft_set_string(draft, "coordinate_transformation_mode", "asymmetric", err);
    return status == FSN_OK
               ? fsn__draft_set_string(draft, "nearest_mode", shrinks ? "ceil" : "floor", err)
               : status;
}

static enum fsn_status upgrade_upsample(struct fsn__importer *im, struct fsn__draft *draft,
                                        struct fsn_error *err)
{
    const struct fsn__attr *scales = fsn__attr_find(&draft->attrs, "scales");
    enum fsn_status status = FSN_OK;

    if (scales && scales->type == FSN__ATTR_FLOATS) {
        const struct fsn__tensor t = {.dtype = FSN__F32,
                                      .ndim = 1,
                                      .dim = {(int64_t)scales->count},
                                      .data = (void *)(uintptr_t)scales->floats}; /* only read */

        status = expect_one_input(draft, err);
        if (status == FSN_OK)
            status = add_input(im, draft, 1, &t, err);
        fsn__draft_remove(draft, "scales");
    }
    if (status == FSN_OK)
        status = upgrade_resize(im, draft, err);
    draft->op = fsn__op_resize.name;
    return status;
}

/* The engine holds half precision as float32, and float64 too in a model that is narrowed. */
static enum fsn_status upgrade_dtype(struct fsn__importer *im, struct fsn__draft *draft,
                                     const char *attr, struct fsn_error *err)
{
    int64_t to = fsn__attr_int(&draft->attrs, attr, 0);

    if (to == FSN__ONNX_FLOAT16 || to == FSN__ONNX_BFLOAT16 ||
        (to == FSN__ONNX_DOUBLE && im->tensors.narrow))
        return fsn__draft_set_int(draft, attr, FSN__ONNX_FLOAT, err);
    return FSN_OK;
}

static enum fsn_status upgrade_cast(struct fsn__importer *im, struct fsn__draft *draft,
                                    struct fsn_error *err)
{
    return upgrade_dtype(im, draft, "to", err);
}

static enum fsn_status upgrade_eye_like(struct fsn__importer *im, struct fsn__draft *draft,
                                        struct fsn_error *err)
{
    return upgrade_dtype(im, draft, "dtype", err);
}

struct upgrade {
    const char *op;
    int64_t below; /* applies to operator set versions below this one */
    enum fsn_status (*run)(struct fsn__importer *im, struct fsn__draft *draft,
                           struct fsn_error *err);
};

static const struct upgrade upgrades[] = {
    {"Add", 7, upgrade_broadcast},
    {"And", 7, upgrade_broadcast},
    {"BatchNormalization", 14, upgrade_batch_norm},
    {"Cast", INT64_MAX, upgrade_cast},
    {"Clip", 11, upgrade_clip},
    {"Div", 7, upgrade_broadcast},
    {"Dropout", 12, upgrade_dropout},
    {"Equal", 7, upgrade_broadcast},
    {"EyeLike", INT64_MAX, upgrade_eye_like},
    {"Gemm", 7, upgrade_broadcast},
    {"Greater", 7, upgrade_broadcast},
    {"Hardmax", 13, upgrade_softmax},
    {"Less", 7, upgrade_broadcast},
    {"LogSoftmax", 13, upgrade_softmax},
    {"Mul", 7, upgrade_broadcast},
    {"Or", 7, upgrade_broadcast},
    {"Pad", 11, upgrade_pad},
    {"Pow", 7, upgrade_broadcast},
    {"ReduceL1", 18, upgrade_axes},
    {"ReduceL2", 18, upgrade_axes},
    {"ReduceLogSum", 18, upgrade_axes},
    {"ReduceLogSumExp", 18, upgrade_axes},
    {"ReduceMax", 18, upgrade_axes},
    {"ReduceMean", 18, upgrade_axes},
    {"ReduceMin", 18, upgrade_axes},
    {"ReduceProd", 18, upgrade_axes},
    {"ReduceSum", 13, upgrade_axes},
    {"ReduceSumSquare", 18, upgrade_axes},
    {"Resize", 11, upgrade_resize},
    {"Slice", 10, upgrade_slice},
    {"Softmax", 13, upgrade_softmax},
    {"Split", INT64_MAX, upgrade_split},
    {"Squeeze", 13, upgrade_axes},
    {"Sub", 7, upgrade_broadcast},
    {"TopK", 10, upgrade_top_k},
    {"Unsqueeze", 13, upgrade_axes},
    {"Upsample", INT64_MAX, upgrade_upsample},
    {"Xor", 7, upgrade_broadcast},
};

bool fsn__import_renames(const char *op)
{
    return strcmp(op, "Upsample") == 0;
}

/* Operators that got the form that is read here after version 1. */
static const struct {
    const char *op;
    int64_t version;
} changed[] = {
    {"Cast", 6},   {"Concat", 4}, {"Dropout", 7}, {"GlobalLpPool", 2},
    {"LpPool", 2}, {"PRelu", 7},  {"Pad", 2},     {"Reshape", 5},
    {"Selu", 6},   {"Split", 2},  {"Tile", 6},    {"Upsample", 7},
};

static enum fsn_status check_age(const struct fsn__draft *draft, struct fsn_error *err)
{
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++)
        if (draft->opset < changed[i].version && strcmp(changed[i].op, draft->op) == 0)
            return FSN__FAIL(
                err, FSN_UNSUPPORTED,
                "%s '%s' is of ONNX operator set version %lld; its form of version %lld "
                "and later can be read",
                draft->op, draft->label, (long long)draft->opset, (long long)changed[i].version);
    return FSN_OK;
}

enum fsn_status fsn__import_upgrade(struct fsn__importer *im, struct fsn__draft *draft,
                                    struct fsn_error *err)
{
    enum fsn_status status = check_age(draft, err);

    if (status != FSN_OK)
        return status;
    for (size_t i = 0; i < sizeof upgrades / sizeof upgrades[0]; i++)
        if (draft->opset < upgrades[i].below && strcmp(upgrades[i].op, draft->op) == 0)
            return upgrades[i].run(im, draft, err);
    return FSN_OK;
}

void fsn__import_plain_softmax(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        struct fsn__node *node = &graph->nodes[i];
        int64_t axis, rank;

        if (!fsn__attr_int(&node->attrs, "flatten", 0))
            continue;
        rank = graph->values[node->in[0]].tensor.ndim;
        axis = fsn__attr_int(&node->attrs, "axis", 1);
        if (axis != rank - 1 && axis != -1)
            continue;
        for (size_t j = 0; j < node->attrs.count; j++)
            if (strcmp(node->attrs.item[j].name, "flatten") == 0)
                node->attrs.item[j] = node->attrs.item[--node->attrs.count];
    }
}
