/* export_fs.c - a Filter Summary layer in standard ONNX.
 *
 *   W[k] = (F[idx_k] - zero) * scale[k]
 *
 * idx is computed by integer operators on constants, so a runtime folds all of it at load and runs
 * the dense network. (DequantizeLinear instead of Cast, Sub and Mul would not be folded by ONNX
 * Runtime, and every run would pay for it.) The formulas are those of ops/fs_geometry.h:
 *   1d: idx[k,e] = (floor(k L / d) + e) mod L, d = K (even) or K - 1 (reference)
 *       or (start_k + e) mod L with the starts stored (free)
 *   3d: idx[k,c,r,s] = (((i_c t_c + c) mod D) H + (i_y t_y + r) mod H) V + (i_x t_x + s) mod V,
 *       k = (i_c g_y + i_y) g_x + i_x
 *
 * Levels that need fewer than 8 bits are packed, eight of them in as many bytes as a level has
 * bits. How many bits that is, the levels themselves say.
 *
 * Each layout is a list of rows (export_fs_rows.c), read twice: as the body of a model-local
 * function, which the small form calls once a layer, and written out per layer with the caller's
 * numbers put in.
 */
#include "onnx/export_fs.h"

#include "ops/fs_geometry.h"

#include <stdlib.h>
#include <string.h>

/* ---- a layer ----------------------------------------------------------------------------------
 */

/* An attribute of a call. */
struct param {
    const char *name;
    size_t count;
    const int64_t *ints;
    bool list;
};

enum { MAX_PARAMS = 5, MAX_INPUTS = 5, NODE_INPUTS = FSN__FS_INPUTS };

struct summary {
    struct fsn__fs_rows rows;
    size_t input_count, param_count;
    const char *input[MAX_INPUTS]; /* F, scale, zero; slots and steps if any */
    struct param param[MAX_PARAMS];
    struct fsn__fs_geometry g;
    int64_t divisor, shape[4], segment;
    int bits; /* of a level that is packed; 8: none is */
    enum fsn__fs_levels stored;
};

/* Fills what a layer's geometry means in the file. The params point into *s. */
static void describe(struct summary *s)
{
    const struct fsn__fs_geometry *g = &s->g;
    const bool located = g->layout == FSN_LAYOUT_1D && g->spacing == FSN_SPACING_FREE;

    s->shape[0] = g->k;
    s->shape[1] = g->c;
    s->shape[2] = g->r;
    s->shape[3] = g->s;
    s->param[0] = (struct param){"shape", 4, s->shape, true};
    s->param_count = 1;
    if (g->layout == FSN_LAYOUT_3D) {
        s->param[s->param_count++] = (struct param){"grid", 3, g->grid, true};
        s->param[s->param_count++] = (struct param){"strides", 3, g->stride, true};
    } else if (!located) {
        s->divisor = g->spacing == FSN_SPACING_REFERENCE && g->k > 1 ? g->k - 1 : g->k;
        s->param[s->param_count++] = (struct param){"divisor", 1, &s->divisor, false};
    }
    if (s->stored == FSN__FS_PACKED)
        s->param[s->param_count++] =
            (struct param){"size", g->layout == FSN_LAYOUT_1D ? 1 : 3, g->fs_dim, true};
    if (s->segment > 0)
        s->param[s->param_count++] = (struct param){"segment", 1, &s->segment, false};
    s->input[s->input_count++] = "F";
    s->input[s->input_count++] = "scale";
    s->input[s->input_count++] = "zero";
    if (g->slot)
        s->input[s->input_count++] = "slots";
    if (s->segment > 0)
        s->input[s->input_count++] = "steps";
    fsn__fs_rows_choose(g->layout,
                        located   ? FSN__FS_LOCATED
                        : g->slot ? FSN__FS_PLACED
                                  : FSN__FS_IN_ORDER,
                        s->stored, s->segment > 0, &s->rows);
}

/* The fewest bits, 1 to 8, that hold every level. */
static int bits_of_levels(const struct fsn__tensor *levels)
{
    const int64_t n = fsn__numel(levels);
    const uint8_t *level = levels->data;
    int bits = 1;

    for (int64_t i = 0; i < n; i++)
        while (level[i] >> bits != 0)
            bits++;
    return bits;
}

/* Bits of F's levels, 8 for an F that is not packed. */
static int packed_bits(const struct fsn__tensor *f)
{
    return f->data && f->dtype == FSN__U8 ? bits_of_levels(f) : 8;
}

/* Whether all that are packed fill their bytes: only then summaries of layout 1d do without their
 * sizes, so that all are calls of one function. */
static bool are_whole(struct fsn__exporter *ex)
{
    const struct fsn__graph *graph = ex->graph;

    for (int i = 0; i < graph->node_count && !ex->whole_known; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        if (node->op == &fsn__op_filter_summary && node->n_out > 0) {
            const struct fsn__tensor *f = &graph->values[node->in[0]].tensor;

            ex->parted |= fsn__numel(f) % 8 != 0 && packed_bits(f) < 8;
        }
    }
    ex->whole_known = true;
    return !ex->parted;
}

/* Levels as [bits,P], P = ceil(n / 8): level i has its place in column i % P, as the digit i / P to
 * the base 2^bits of the integer whose bytes the column is, least first. */
static void pack(struct fsn__exporter *ex, const struct fsn__tensor *levels, int bits,
                 struct fsn__tensor *out)
{
    const int64_t n = fsn__numel(levels), columns = (n + 7) / 8;
    const uint8_t *level = levels->data;
    uint8_t *bytes;

    fsn__shape_set(out, FSN__U8, 2, (int64_t[]){bits, columns});
    out->data = bytes = fsn__export_alloc(ex, (size_t)columns, (size_t)bits);
    for (int64_t p = 0; bytes && p < columns; p++) {
        uint64_t word = 0;

        for (int64_t digit = 0; digit < 8 && digit * columns + p < n; digit++)
            word |= (uint64_t)level[digit * columns + p] << (digit * bits);
        for (int b = 0; b < bits; b++)
            bytes[b * columns + p] = (uint8_t)(word >> (8 * b));
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
                           const struct fsn__fs_row *row, const struct summary *values)
{
    static const int64_t column[4] = {-1, 1, 1, 1}, zeros[1] = {0};
    FsnOnnx__AttributeProto *attr;

    if (row->literal == VALUE_INT) {
        fsn__export_attr_int(ex, node, "value_int", row->number);
    } else if (row->literal == VALUE_INTS) {
        fsn__export_attr_ints(ex, node, "value_ints", (size_t)row->number, column);
    } else if (row->literal == VALUE_ZEROS) {
        fsn__export_attr_ints(ex, node, "value_ints", (size_t)row->number, zeros);
    } else if (row->literal == CAST_TO) {
        fsn__export_attr_int(ex, node, "to", row->number);
    } else if (row->literal == DROP_DIMS) {
        fsn__export_attr_int(ex, node, "keepdims", 0);
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

static const struct fsn__fs_row *row_at(const struct summary *s, size_t index)
{
    for (size_t i = 0; i < FSN__FS_PIECES; i++) {
        if (index < s->rows.piece[i].count)
            return &s->rows.piece[i].row[index];
        index -= s->rows.piece[i].count;
    }
    return NULL;
}

/* values NULL: a function's body, referring to the call's attributes. */
static void write_rows(struct fsn__exporter *ex, struct fsn__buf *list, const struct summary *s,
                       const struct naming *naming, const struct summary *values)
{
    const struct fsn__fs_row *row;

    for (size_t i = 0; !ex->out_of_memory && (row = row_at(s, i)) != NULL; i++) {
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

static const char *const function_outputs[] = {"W"};

static void add_function(struct fsn__exporter *ex, const struct summary *s)
{
    FsnOnnx__FunctionProto *const *known =
        (FsnOnnx__FunctionProto *const *)(void *)ex->functions.data;
    FsnOnnx__FunctionProto *function;
    FsnOnnx__OperatorSetIdProto **opset;
    struct fsn__buf nodes = {.max = SIZE_MAX};
    struct naming as_is = {NULL, NULL};

    for (size_t i = 0; i < ex->functions.size / sizeof *known; i++)
        if (strcmp(known[i]->name, s->rows.function) == 0)
            return;
    function = fsn__export_alloc(ex, 1, sizeof *function);
    opset = fsn__export_alloc(ex, 1, sizeof(void *));
    write_rows(ex, &nodes, s, &as_is, NULL);
    if (ex->out_of_memory)
        goto out;
    fsn_onnx__function_proto__init(function);
    function->name = (char *)(uintptr_t)s->rows.function;
    function->domain = (char *)(uintptr_t)FSN__EXPORT_DOMAIN;
    function->n_input = s->input_count;
    function->input = fsn__export_alloc(ex, MAX_INPUTS, sizeof(char *));
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
    for (size_t i = 0; i < s->input_count; i++)
        function->input[i] = (char *)(uintptr_t)s->input[i];
    for (size_t i = 0; i < s->param_count; i++)
        function->attribute[i] = (char *)(uintptr_t)s->param[i].name;
    memcpy(function->node, nodes.data, nodes.size);
    fsn__export_append(ex, &ex->functions, function);
out:
    fsn__buf_free(&nodes);
}

/* F as it is, or packed (once, however many nodes read it). */
static const char *levels_name(struct fsn__exporter *ex, int f, int bits)
{
    struct fsn__tensor packed;

    if (bits == 8 || !ex->graph->values[f].tensor.data)
        return fsn__export_value(ex, f);
    if (!ex->stored_name[f]) {
        pack(ex, &ex->graph->values[f].tensor, bits, &packed);
        ex->stored_name[f] = fsn__export_new_name(ex);
        fsn__export_initialiser(ex, ex->stored_name[f], &packed);
    }
    return ex->stored_name[f];
}

/* The narrowest integers that hold any slot. */
static enum fsn__dtype dtype_of_slots(const struct fsn__fs_geometry *g)
{
    const int64_t slots = g->spacing == FSN_SPACING_FREE ? g->fs_dim[0] : g->k;

    return slots <= 1 << 8 ? FSN__U8 : slots <= 1 << 16 ? FSN__U16 : FSN__I32;
}

static const char *add_slots(struct fsn__exporter *ex, const struct fsn__fs_geometry *g)
{
    const char *name = fsn__export_new_name(ex);
    struct fsn__tensor t = {.dtype = dtype_of_slots(g), .ndim = 1, .dim = {g->k}};

    t.data = fsn__export_alloc(ex, (size_t)g->k, sizeof(int64_t));
    for (int64_t k = 0; k < g->k && t.data; k++)
        if (t.dtype == FSN__U8)
            ((uint8_t *)t.data)[k] = (uint8_t)g->slot[k];
        else if (t.dtype == FSN__U16)
            ((uint16_t *)t.data)[k] = (uint16_t)g->slot[k];
        else
            ((int32_t *)t.data)[k] = (int32_t)g->slot[k];
    if (t.data)
        fsn__export_initialiser(ex, name, &t);
    return name;
}

/* A constant that layers share: slots in order (the number of them, their type), or a zero. */
struct shared {
    double what;
    enum fsn__dtype dtype;
    const char *name;
};

static const char *find_shared(const struct fsn__exporter *ex, double what, enum fsn__dtype dtype)
{
    const struct shared *known = (const struct shared *)(const void *)ex->shared.data;

    for (size_t i = 0; i < ex->shared.size / sizeof *known; i++)
        if (known[i].what == what && known[i].dtype == dtype)
            return known[i].name;
    return NULL;
}

static const char *share(struct fsn__exporter *ex, double what, enum fsn__dtype dtype,
                         const char *name)
{
    const struct shared shared = {what, dtype, name};

    if (!fsn__buf_append(&ex->shared, &shared, sizeof shared))
        ex->out_of_memory = true;
    return name;
}

/* Filters side by side have their slots in order; these are written once for all layers. */
static const char *write_slots(struct fsn__exporter *ex, const struct fsn__fs_geometry *g)
{
    const enum fsn__dtype dtype = dtype_of_slots(g);
    const char *name;

    for (int64_t k = 0; k < g->k; k++)
        if (g->slot[k] != k)
            return add_slots(ex, g);
    name = find_shared(ex, (double)g->k, dtype);
    return name ? name : share(ex, (double)g->k, dtype, add_slots(ex, g));
}

/* The zero of packed levels, of which a file has few (quant/steps.c). Their names have one length,
 * whichever layer is the first to have which, so that no file is larger than its plan's. */
static const char *zero_name(struct fsn__exporter *ex, int value)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    const struct fsn__tensor *t = &ex->graph->values[value].tensor;
    const char *name = t->data ? find_shared(ex, (double)fsn__f32(t)[0], FSN__F32) : NULL;

    for (const char *digit = digits; t->data && !name && *digit; digit++) {
        const char text[] = {'z', *digit, 0};

        if (fsn__names_find(&ex->taken, text) >= 0)
            continue;
        name = share(ex, (double)fsn__f32(t)[0], FSN__F32, fsn__export_text(ex, text));
        if (!name || !fsn__names_put(&ex->taken, name, value)) {
            ex->out_of_memory = true;
            return NULL;
        }
        fsn__export_initialiser(ex, name, t);
    }
    return name ? name : fsn__export_value(ex, value);
}

/* The names of the summary's inputs; what a node lacks of scale and zero is a shared constant of
 * the file. */
static void input_names(struct fsn__exporter *ex, const struct fsn__node *node,
                        const struct summary *s, const char **in)
{
    struct fsn__tensor t = {.dtype = FSN__F32};

    in[0] = levels_name(ex, node->in[0], s->bits);
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
        in[2] = s->bits < 8 ? zero_name(ex, node->in[2]) : fsn__export_value(ex, node->in[2]);
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
    if (s->segment > 0)
        in[s->input_count - 1] = fsn__export_value(ex, node->in[FSN__FS_STEPS]);
}

static void write_call(struct fsn__exporter *ex, const struct fsn__node *node,
                       const struct summary *s)
{
    const char *in[MAX_INPUTS], *out;
    FsnOnnx__NodeProto *call;

    add_function(ex, s);
    input_names(ex, node, s, in);
    out = fsn__export_value(ex, node->out[0]);
    call = fsn__export_node(ex, &ex->nodes, s->rows.function, s->input_count, in, 1, &out);
    if (!call)
        return;
    call->domain = (char *)(uintptr_t)FSN__EXPORT_DOMAIN;
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
    const char *as[FSN__FS_MAX_ROWS + MAX_INPUTS];
    struct fsn__names names = {0};
    struct naming naming = {&names, as};
    const struct fsn__fs_row *row;
    size_t count = s->input_count;

    input_names(ex, node, s, as);
    for (size_t i = 0; i < s->input_count; i++)
        ex->out_of_memory |= !fsn__names_put(&names, s->input[i], (int)i);
    for (size_t i = 0; count < sizeof as / sizeof *as && (row = row_at(s, i)) != NULL; i++) {
        as[count] = strcmp(row->out, "W") == 0 ? fsn__export_value(ex, node->out[0])
                                               : fsn__export_new_name(ex);
        ex->out_of_memory |= !fsn__names_put(&names, row->out, (int)count++);
    }
    write_rows(ex, &ex->nodes, s, &naming, s);
    fsn__names_free(&names);
}

/* Runs the operator once and writes the filters. */
static enum fsn_status write_dense(struct fsn__exporter *ex, const struct fsn__node *node,
                                   struct fsn_error *err)
{
    const struct fsn__value *values = ex->graph->values;
    struct fsn__tensor inputs[NODE_INPUTS], w = values[node->out[0]].tensor;
    struct fsn__tensor *in[NODE_INPUTS] = {NULL}, *out[1] = {&w};
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
    const struct fsn__tensor *f = &ex->graph->values[from->in[0]].tensor;
    struct summary s = {.divisor = 0};
    enum fsn_status status;

    if (ex->form == FSN_EXPORT_DENSE)
        return write_dense(ex, from, err);
    status = fsn__fs_geometry_read(&from->attrs, &ex->graph->values[from->in[0]].tensor, from->name,
                                   &s.g, err);
    if (status == FSN_OK && ((from->n_in > FSN__FS_BASE && from->in[FSN__FS_BASE] >= 0) ||
                             (from->n_in > FSN__FS_OFFSET && from->in[FSN__FS_OFFSET] >= 0)))
        status = FSN__FAIL(err, FSN_UNSUPPORTED,
                           "FilterSummary '%s': its filters are still in training", from->name);
    if (status != FSN_OK)
        return status;
    s.bits = packed_bits(f);
    if (from->n_in > FSN__FS_STEPS && from->in[FSN__FS_STEPS] >= 0)
        s.segment = fsn__attr_int(&from->attrs, "segment", 0);
    if (s.bits < 8)
        s.stored =
            s.g.layout == FSN_LAYOUT_1D && are_whole(ex) ? FSN__FS_PACKED_WHOLE : FSN__FS_PACKED;
    describe(&s);
    if (ex->form == FSN_EXPORT_SMALL)
        write_call(ex, from, &s);
    else
        write_out(ex, from, &s);
    return ex->out_of_memory ? FSN__NOMEM(err) : FSN_OK;
}
