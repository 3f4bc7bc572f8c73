/* export_fs.c - a Filter Summary layer in standard ONNX.
 *
 *   W[k] = (F[idx_k] - zero) * scale[k]
 *
 * idx is computed by integer operators on constants, so a runtime folds all of it at load and runs
 * the dense network. (DequantizeLinear instead of Cast, Sub and Mul would not be folded by ONNX
 * Runtime, and every run would pay for it.) The formulas are those of ops/fs_geometry.h:
 *   1d: idx[k,e] = (floor(k L / d) + e) mod L, d = K (even) or K - 1 (reference)
 *   3d: idx[k,c,r,s] = (((i_c t_c + c) mod D) H + (i_y t_y + r) mod H) V + (i_x t_x + s) mod V,
 *       k = (i_c g_y + i_y) g_x + i_x
 *
 * Each layout is one table of rows, read twice: as the body of a model-local function, which the
 * small form calls once a layer, and written out per layer with the caller's numbers put in.
 */
#include "onnx/export.h"

#include "ops/fs_geometry.h"

#include <stdlib.h>
#include <string.h>

/* ---- the tables ------------------------------------------------------------------------------ */

enum literal {
    NONE,
    PARAM_INT,  /* Constant: an int attribute of the call */
    PARAM_INTS, /* Constant: a list attribute of the call */
    VALUE_INT,  /* Constant: the number at hand */
    VALUE_INTS, /* Constant: -1 and then ones, `number` elements: the shape of a column */
    CAST_FLOAT, /* Cast to float32 */
    CAST_INT    /* Cast to int64 */
};

struct row {
    const char *op, *out;
    const char *in[3];
    enum literal literal;
    const char *param;
    int64_t number;
};

#define CONST_PARAM(out, kind, name)                       \
    {                                                      \
        "Constant", out, {NULL, NULL, NULL}, kind, name, 0 \
    }
#define CONST_VALUE(out, kind, value)                          \
    {                                                          \
        "Constant", out, {NULL, NULL, NULL}, kind, NULL, value \
    }
#define ROW1(out, op, a)                        \
    {                                           \
        op, out, {a, NULL, NULL}, NONE, NULL, 0 \
    }
#define ROW2(out, op, a, b)                  \
    {                                        \
        op, out, {a, b, NULL}, NONE, NULL, 0 \
    }
#define ROW3(out, op, a, b, c)            \
    {                                     \
        op, out, {a, b, c}, NONE, NULL, 0 \
    }

/* Rows that both tables begin with: small numbers, the filters' shape K, C, R, S. */
#define ROWS_SHAPE                                                                    \
    CONST_VALUE("0", VALUE_INT, 0), CONST_VALUE("1", VALUE_INT, 1),                   \
        CONST_VALUE("2", VALUE_INT, 2), CONST_VALUE("3", VALUE_INT, 3),               \
        CONST_PARAM("shape", PARAM_INTS, "shape"), ROW2("K", "Gather", "shape", "0"), \
        ROW2("C", "Gather", "shape", "1"), ROW2("R", "Gather", "shape", "2"),         \
        ROW2("S", "Gather", "shape", "3"), ROW1("size", "Shape", "F"),                \
        ROW3("k", "Range", "0", "K", "1")
/* F as float, around zero. */
#define ROWS_LEVELS \
    {"Cast", "Ff", {"F", NULL, NULL}, CAST_FLOAT, NULL, 0}, ROW2("F0", "Sub", "Ff", "zero")

static const struct row rows_1d[] = {
    ROWS_SHAPE,
    CONST_PARAM("d", PARAM_INT, "divisor"),
    CONST_VALUE("col", VALUE_INTS, 2),
    ROW2("kL", "Mul", "k", "size"),
    ROW2("s", "Div", "kL", "d"),
    ROW2("s1", "Reshape", "s", "col"), /* starts, [K,1] */
    ROW2("CR", "Mul", "C", "R"),
    ROW2("n", "Mul", "CR", "S"),
    ROW3("e", "Range", "0", "n", "1"),
    ROW2("se", "Add", "s1", "e"),
    ROW2("i", "Mod", "se", "size"), /* [K,n] */
    ROWS_LEVELS,
    ROW2("q", "Gather", "F0", "i"),
    ROW2("sc", "Reshape", "scale", "col"),
    ROW2("w", "Mul", "q", "sc"),
    ROW2("W", "Reshape", "w", "shape"),
};

static const struct row rows_3d[] = {
    ROWS_SHAPE,
    CONST_PARAM("grid", PARAM_INTS, "grid"),
    CONST_PARAM("t", PARAM_INTS, "strides"),
    ROW2("D", "Gather", "size", "0"),
    ROW2("H", "Gather", "size", "1"),
    ROW2("V", "Gather", "size", "2"),
    ROW2("gy", "Gather", "grid", "1"),
    ROW2("gx", "Gather", "grid", "2"),
    ROW2("tc", "Gather", "t", "0"),
    ROW2("ty", "Gather", "t", "1"),
    ROW2("tx", "Gather", "t", "2"),
    CONST_VALUE("c4", VALUE_INTS, 4),
    CONST_VALUE("c3", VALUE_INTS, 3),
    CONST_VALUE("c2", VALUE_INTS, 2),
    CONST_VALUE("c1", VALUE_INTS, 1),
    ROW2("k4", "Reshape", "k", "c4"), /* [K,1,1,1] */
    ROW2("yk", "Div", "k4", "gx"),
    ROW2("ic", "Div", "yk", "gy"),
    ROW2("iy", "Mod", "yk", "gy"),
    ROW2("ix", "Mod", "k4", "gx"),
    ROW2("sc", "Mul", "ic", "tc"),
    ROW2("sy", "Mul", "iy", "ty"),
    ROW2("sx", "Mul", "ix", "tx"),
    ROW3("c", "Range", "0", "C", "1"),
    ROW3("r", "Range", "0", "R", "1"),
    ROW3("s", "Range", "0", "S", "1"),
    ROW2("cc", "Reshape", "c", "c3"), /* [C,1,1] */
    ROW2("rr", "Reshape", "r", "c2"), /* [R,1] */
    ROW2("ac", "Add", "sc", "cc"),
    ROW2("ay", "Add", "sy", "rr"),
    ROW2("ax", "Add", "sx", "s"),
    ROW2("mc", "Mod", "ac", "D"),
    ROW2("my", "Mod", "ay", "H"),
    ROW2("mx", "Mod", "ax", "V"),
    ROW2("cH", "Mul", "mc", "H"),
    ROW2("cy", "Add", "cH", "my"),
    ROW2("yV", "Mul", "cy", "V"),
    ROW2("i", "Add", "yV", "mx"), /* [K,C,R,S] */
    ROWS_LEVELS,
    ROW2("F1", "Reshape", "F0", "c1"), /* flat */
    ROW2("q", "Gather", "F1", "i"),
    ROW2("z", "Reshape", "scale", "c4"),
    ROW2("W", "Mul", "q", "z"),
};

/* Where the filters do not stand in order, this row for the one that writes "k". */
static const struct row row_slots = {"Cast", "k", {"slots", NULL, NULL}, CAST_INT, NULL, 0};

/* An attribute of a call. */
struct param {
    const char *name;
    size_t count;
    const int64_t *ints;
    bool list;
};

enum { MAX_PARAMS = 3, MAX_INPUTS = 4 };

struct summary {
    const char *function;
    const struct row *rows;
    size_t row_count, param_count, input_count; /* inputs: F, scale, zero, and slots if any */
    struct param param[MAX_PARAMS];
    struct fsn__fs_geometry g;
    int64_t divisor, shape[4];
};

/* Fills what a layer's geometry means in the file. The params point into *s. */
static void describe(struct summary *s)
{
    const struct fsn__fs_geometry *g = &s->g;

    s->shape[0] = g->k;
    s->shape[1] = g->c;
    s->shape[2] = g->r;
    s->shape[3] = g->s;
    s->param[0] = (struct param){"shape", 4, s->shape, true};
    s->input_count = g->slot ? 4 : 3;
    if (g->layout == FSN_LAYOUT_1D) {
        s->function = g->slot ? "PlacedFilterSummary1d" : "FilterSummary1d";
        s->rows = rows_1d;
        s->row_count = sizeof rows_1d / sizeof rows_1d[0];
        s->divisor = g->spacing == FSN_SPACING_REFERENCE && g->k > 1 ? g->k - 1 : g->k;
        s->param[1] = (struct param){"divisor", 1, &s->divisor, false};
        s->param_count = 2;
    } else {
        s->function = g->slot ? "PlacedFilterSummary3d" : "FilterSummary3d";
        s->rows = rows_3d;
        s->row_count = sizeof rows_3d / sizeof rows_3d[0];
        s->param[1] = (struct param){"grid", 3, g->grid, true};
        s->param[2] = (struct param){"strides", 3, g->stride, true};
        s->param_count = 3;
    }
}

/* ---- rows to nodes -----------------------------------------------------------------------------
 */

/* What a row's names become: themselves in a function, names of their own when written out. */
struct naming {
    struct fsn__names *names; /* NULL: as they are */
    const char **as;
};

static const char *named(const struct naming *naming, const char *name)
{
    return naming->names && name ? naming->as[fsn__names_find(naming->names, name)] : name;
}

static void write_constant(struct fsn__exporter *ex, FsnOnnx__NodeProto *node,
                           const struct row *row, const struct summary *values)
{
    static const int64_t column[4] = {-1, 1, 1, 1};
    FsnOnnx__AttributeProto *attr;

    if (row->literal == VALUE_INT) {
        fsn__export_attr_int(ex, node, "value_int", row->number);
    } else if (row->literal == VALUE_INTS) {
        fsn__export_attr_ints(ex, node, "value_ints", (size_t)row->number, column);
    } else if (row->literal == CAST_FLOAT || row->literal == CAST_INT) {
        fsn__export_attr_int(ex, node, "to",
                             row->literal == CAST_INT ? FSN__ONNX_INT64 : FSN__ONNX_FLOAT);
    } else if (!values) { /* in a function: a reference to the call's attribute */
        bool list = row->literal == PARAM_INTS;

        attr = fsn__export_attr(ex, node, list ? "value_ints" : "value_int",
                                list ? FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS
                                     : FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
        if (attr)
            attr->ref_attr_name = (char *)(uintptr_t)row->param;
    } else {
        for (size_t i = 0; i < values->param_count; i++) {
            const struct param *param = &values->param[i];

            if (strcmp(param->name, row->param) != 0)
                continue;
            if (param->list)
                fsn__export_attr_ints(ex, node, "value_ints", param->count, param->ints);
            else
                fsn__export_attr_int(ex, node, "value_int", param->ints[0]);
        }
    }
}

/* values NULL: a function's body, referring to the call's attributes. */
static void write_rows(struct fsn__exporter *ex, struct fsn__buf *list, const struct summary *s,
                       const struct naming *naming, const struct summary *values)
{
    for (size_t i = 0; i < s->row_count && !ex->out_of_memory; i++) {
        const bool placed = s->g.slot && strcmp(s->rows[i].out, row_slots.out) == 0;
        const struct row *row = placed ? &row_slots : &s->rows[i];
        const char *in[3], *out = named(naming, row->out);
        FsnOnnx__NodeProto *node;
        size_t n_in = 0;

        for (; n_in < 3 && row->in[n_in]; n_in++)
            in[n_in] = named(naming, row->in[n_in]);
        node = fsn__export_node(ex, list, row->op, n_in, in, 1, &out);
        if (row->literal != NONE)
            write_constant(ex, node, row, values);
    }
}

/* ---- the forms ------------------------------------------------------------------------------- */

static const char *const function_inputs[MAX_INPUTS] = {"F", "scale", "zero", "slots"};
static const char *const function_outputs[] = {"W"};

static void add_function(struct fsn__exporter *ex, const struct summary *s)
{
    FsnOnnx__FunctionProto *function;
    FsnOnnx__OperatorSetIdProto **opset;
    struct fsn__buf nodes = {.max = SIZE_MAX};
    struct naming as_is = {NULL, NULL};

    for (size_t i = 0; i < ex->function_count; i++)
        if (strcmp(ex->functions[i]->name, s->function) == 0)
            return;
    function = fsn__export_alloc(ex, 1, sizeof *function);
    opset = fsn__export_alloc(ex, 1, sizeof(void *));
    write_rows(ex, &nodes, s, &as_is, NULL);
    if (ex->out_of_memory)
        goto out;
    fsn_onnx__function_proto__init(function);
    function->name = (char *)(uintptr_t)s->function;
    function->domain = (char *)(uintptr_t) "fsnet";
    function->n_input = s->input_count;
    function->input = (char **)(uintptr_t)function_inputs;
    function->n_output = 1;
    function->output = (char **)(uintptr_t)function_outputs;
    function->n_attribute = s->param_count;
    function->attribute = fsn__export_alloc(ex, MAX_PARAMS, sizeof(char *));
    function->n_node = nodes.size / sizeof(void *);
    function->node = fsn__export_alloc(ex, function->n_node, sizeof(void *));
    function->n_opset_import = 1;
    function->opset_import = opset;
    opset[0] = fsn__export_opset(ex, "", FSN__EXPORT_OPSET);
    if (ex->out_of_memory)
        goto out;
    for (size_t i = 0; i < s->param_count; i++)
        function->attribute[i] = (char *)(uintptr_t)s->param[i].name;
    memcpy(function->node, nodes.data, nodes.size);
    ex->functions[ex->function_count++] = function;
out:
    fsn__buf_free(&nodes);
}

/* The slots as a constant of the narrowest integers. */
static const char *write_slots(struct fsn__exporter *ex, const struct fsn__fs_geometry *g)
{
    const enum fsn__dtype dtype = g->k <= 1 << 8 ? FSN__U8 : g->k <= 1 << 16 ? FSN__U16 : FSN__I64;
    const char *name = fsn__export_new_name(ex);
    struct fsn__tensor t = {.dtype = dtype, .ndim = 1, .dim = {g->k}};

    t.data = fsn__export_alloc(ex, (size_t)g->k, sizeof(int64_t));
    for (int64_t k = 0; k < g->k && t.data; k++)
        if (dtype == FSN__U8)
            ((uint8_t *)t.data)[k] = (uint8_t)g->slot[k];
        else if (dtype == FSN__U16)
            ((uint16_t *)t.data)[k] = (uint16_t)g->slot[k];
        else
            ((int64_t *)t.data)[k] = g->slot[k];
    if (t.data)
        fsn__export_initialiser(ex, name, &t);
    return name;
}

/* The names of F, scale, zero and slots; what a node lacks is a shared constant of the file. */
static void input_names(struct fsn__exporter *ex, const struct fsn__node *node,
                        const struct summary *s, const char **in)
{
    struct fsn__tensor t = {.dtype = FSN__F32};

    in[0] = fsn__export_value(ex, node->in[0]);
    if (node->n_in > 1 && node->in[1] >= 0) {
        in[1] = fsn__export_value(ex, node->in[1]);
    } else {
        if (!ex->one) {
            static float one = 1;

            t = (struct fsn__tensor){.dtype = FSN__F32, .ndim = 1, .dim = {1}, .data = &one};
            ex->one = fsn__export_new_name(ex);
            fsn__export_initialiser(ex, ex->one, &t);
        }
        in[1] = ex->one;
    }
    if (node->n_in > 2 && node->in[2] >= 0) {
        in[2] = fsn__export_value(ex, node->in[2]);
    } else {
        if (!ex->zero) {
            static float zero = 0;

            t = (struct fsn__tensor){.dtype = FSN__F32, .data = &zero};
            ex->zero = fsn__export_new_name(ex);
            fsn__export_initialiser(ex, ex->zero, &t);
        }
        in[2] = ex->zero;
    }
    if (s->g.slot)
        in[3] = write_slots(ex, &s->g);
}

static void write_call(struct fsn__exporter *ex, const struct fsn__node *node,
                       const struct summary *s)
{
    const char *in[MAX_INPUTS], *out;
    FsnOnnx__NodeProto *call;

    add_function(ex, s);
    input_names(ex, node, s, in);
    out = fsn__export_value(ex, node->out[0]);
    call = fsn__export_node(ex, &ex->nodes, s->function, s->input_count, in, 1, &out);
    if (!call)
        return;
    call->domain = (char *)(uintptr_t) "fsnet";
    for (size_t i = 0; i < s->param_count; i++) {
        const struct param *param = &s->param[i];

        if (param->list)
            fsn__export_attr_ints(ex, call, param->name, param->count, param->ints);
        else
            fsn__export_attr_int(ex, call, param->name, param->ints[0]);
    }
}

static void write_out(struct fsn__exporter *ex, const struct fsn__node *node,
                      const struct summary *s)
{
    const char *as[sizeof rows_3d / sizeof rows_3d[0] + MAX_INPUTS];
    struct fsn__names names = {0};
    struct naming naming = {&names, as};
    size_t count = s->input_count;

    input_names(ex, node, s, as);
    for (size_t i = 0; i < count; i++)
        ex->out_of_memory |= !fsn__names_put(&names, function_inputs[i], (int)i);
    for (size_t i = 0; i < s->row_count; i++) {
        const char *out = s->rows[i].out;

        as[count] =
            strcmp(out, "W") == 0 ? fsn__export_value(ex, node->out[0]) : fsn__export_new_name(ex);
        ex->out_of_memory |= !fsn__names_put(&names, out, (int)count++);
    }
    write_rows(ex, &ex->nodes, s, &naming, s);
    fsn__names_free(&names);
}

/* Runs the operator once and writes the filters. */
static enum fsn_status write_dense(struct fsn__exporter *ex, const struct fsn__node *node,
                                   struct fsn_error *err)
{
    const struct fsn__value *values = ex->graph->values;
    struct fsn__tensor inputs[5], w = values[node->out[0]].tensor;
    struct fsn__tensor *in[5] = {NULL}, *out[1] = {&w};
    struct fsn__op_ctx ctx = {.op = node->op,
                              .name = node->name,
                              .attrs = &node->attrs,
                              .n_in = node->n_in,
                              .n_out = 1,
                              .in = in,
                              .out = out};
    size_t work = 0, saved = 0; /* nothing is saved outside training */
    enum fsn_status status;

    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i] < 0)
            continue;
        inputs[i] = values[node->in[i]].tensor;
        in[i] = &inputs[i];
        if (!inputs[i].data)
            return FSN__FAIL(err, FSN_UNSUPPORTED,
                             "FilterSummary '%s': input '%s' is not constant; its filters cannot "
                             "be written out",
                             node->name, values[node->in[i]].name);
    }
    status = node->op->infer(&ctx, err);
    if (status != FSN_OK)
        return status;
    if (node->op->sizes)
        node->op->sizes(&ctx, &work, &saved);
    w.data = fsn__export_alloc(ex, fsn__tensor_bytes(&w), 1);
    ctx.work = fsn__aligned_calloc(work, 1);
    status = w.data && ctx.work ? node->op->forward(&ctx, err) : FSN__NOMEM(err);
    free(ctx.work);
    if (status == FSN_OK)
        fsn__export_initialiser(ex, fsn__export_value(ex, node->out[0]), &w);
    return status;
}

enum fsn_status fsn__export_filter_summary(struct fsn__exporter *ex, int node,
                                           struct fsn_error *err)
{
    const struct fsn__node *from = &ex->graph->nodes[node];
    struct summary s = {.divisor = 0};
    enum fsn_status status;

    if (ex->form == FSN_EXPORT_DENSE)
        return write_dense(ex, from, err);
    status = fsn__fs_geometry_read(&from->attrs, &ex->graph->values[from->in[0]].tensor, from->name,
                                   &s.g, err);
    if (status == FSN_OK && from->n_in > 3)
        status = FSN__FAIL(err, FSN_UNSUPPORTED,
                           "FilterSummary '%s': its filters are not yet all its own", from->name);
    if (status != FSN_OK)
        return status;
    describe(&s);
    if (ex->form == FSN_EXPORT_SMALL)
        write_call(ex, from, &s);
    else
        write_out(ex, from, &s);
    return ex->out_of_memory ? FSN__NOMEM(err) : FSN_OK;
}
