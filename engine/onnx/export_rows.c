/* export_rows.c - a body given as rows: a call of a model-local function with that body, in the
 * small form, or the rows themselves with the caller's numbers put in. */
#include "onnx/export_fs.h"

#include <string.h>

/* What a row's names become: themselves in a function, names of their own when written out. */
struct naming {
    struct fsn__names *names; /* NULL: as they are */
    const char **as;
};

static const char *named(const struct naming *naming, const char *name)
{
    return naming->names && name ? naming->as[fsn__names_find(naming->names, name)] : name;
}

static void write_param(struct fsn__exporter *ex, FsnOnnx__NodeProto *node, const char *name,
                        const struct fsn__fs_param *param)
{
    if (param->list)
        fsn__export_attr_ints(ex, node, name, param->count, param->ints);
    else
        fsn__export_attr_int(ex, node, name, param->ints[0]);
}

static void write_constant(struct fsn__exporter *ex, FsnOnnx__NodeProto *node,
                           const struct fsn__fs_row *row, const struct fsn__fs_body *values)
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
        for (size_t i = 0; i < values->param_count; i++)
            if (strcmp(values->param[i].name, row->param) == 0)
                write_param(ex, node, values->param[i].list ? "value_ints" : "value_int",
                            &values->param[i]);
    }
}

static const struct fsn__fs_row *row_at(const struct fsn__fs_body *body, size_t index)
{
    for (size_t i = 0; i < FSN__FS_PIECES; i++) {
        if (index < body->piece[i].count)
            return &body->piece[i].row[index];
        index -= body->piece[i].count;
    }
    return NULL;
}

/* values NULL: a function's body, referring to the call's attributes. */
static void write_rows(struct fsn__exporter *ex, struct fsn__buf *list,
                       const struct fsn__fs_body *body, const struct naming *naming,
                       const struct fsn__fs_body *values)
{
    const struct fsn__fs_row *row;

    for (size_t i = 0; !ex->out_of_memory && (row = row_at(body, i)) != NULL; i++) {
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

static void add_function(struct fsn__exporter *ex, const struct fsn__fs_body *body)
{
    FsnOnnx__FunctionProto *const *known =
        (FsnOnnx__FunctionProto *const *)(void *)ex->functions.data;
    FsnOnnx__FunctionProto *function;
    FsnOnnx__OperatorSetIdProto **opset;
    struct fsn__buf nodes = {.max = SIZE_MAX};
    struct naming as_is = {NULL, NULL};

    for (size_t i = 0; i < ex->functions.size / sizeof *known; i++)
        if (strcmp(known[i]->name, body->function) == 0)
            return;
    function = fsn__export_alloc(ex, 1, sizeof *function);
    opset = fsn__export_alloc(ex, 1, sizeof(void *));
    write_rows(ex, &nodes, body, &as_is, NULL);
    if (ex->out_of_memory)
        goto out;
    fsn_onnx__function_proto__init(function);
    function->name = (char *)(uintptr_t)body->function;
    function->domain = (char *)(uintptr_t)FSN__EXPORT_DOMAIN;
    function->n_input = body->input_count;
    function->input = fsn__export_alloc(ex, FSN__FS_MAX_INPUTS, sizeof(char *));
    function->n_output = 1;
    function->output = fsn__export_alloc(ex, 1, sizeof(char *));
    function->n_attribute = body->param_count;
    function->attribute = fsn__export_alloc(ex, FSN__FS_MAX_PARAMS, sizeof(char *));
    function->n_node = nodes.size / sizeof(void *);
    function->node = fsn__export_alloc(ex, function->n_node, sizeof(void *));
    function->n_opset_import = 1;
    function->opset_import = opset;
    opset[0] = fsn__export_opset(ex, "", FSN__EXPORT_OPSET);
    if (ex->out_of_memory)
        goto out;
    function->output[0] = (char *)(uintptr_t)body->output;
    for (size_t i = 0; i < body->input_count; i++)
        function->input[i] = (char *)(uintptr_t)body->input[i];
    for (size_t i = 0; i < body->param_count; i++)
        function->attribute[i] = (char *)(uintptr_t)body->param[i].name;
    memcpy(function->node, nodes.data, nodes.size);
    fsn__export_append(ex, &ex->functions, function);
out:
    fsn__buf_free(&nodes);
}

static void write_call(struct fsn__exporter *ex, struct fsn__buf *list,
                       const struct fsn__fs_body *body, const char *const *in, const char *out)
{
    FsnOnnx__NodeProto *call;

    add_function(ex, body);
    call = fsn__export_node(ex, list, body->function, body->input_count, in, 1, &out);
    if (!call)
        return;
    call->domain = (char *)(uintptr_t)FSN__EXPORT_DOMAIN;
    for (size_t i = 0; i < body->param_count; i++)
        write_param(ex, call, body->param[i].name, &body->param[i]);
}

static void write_out(struct fsn__exporter *ex, struct fsn__buf *list,
                      const struct fsn__fs_body *body, const char *const *in, const char *out)
{
    const char *as[FSN__FS_MAX_ROWS + FSN__FS_MAX_INPUTS];
    struct fsn__names names = {0};
    struct naming naming = {&names, as};
    const struct fsn__fs_row *row;
    size_t count = body->input_count;

    for (size_t i = 0; i < count; i++) {
        as[i] = in[i];
        ex->out_of_memory |= !fsn__names_put(&names, body->input[i], (int)i);
    }
    for (size_t i = 0; count < sizeof as / sizeof *as && (row = row_at(body, i)) != NULL; i++) {
        as[count] = strcmp(row->out, body->output) == 0 ? out : fsn__export_new_name(ex);
        ex->out_of_memory |= !fsn__names_put(&names, row->out, (int)count++);
    }
    write_rows(ex, list, body, &naming, body);
    fsn__names_free(&names);
}

void fsn__export_body(struct fsn__exporter *ex, struct fsn__buf *list,
                      const struct fsn__fs_body *body, const char *const *in, const char *out)
{
    if (ex->form == FSN_EXPORT_SMALL)
        write_call(ex, list, body, in, out);
    else
        write_out(ex, list, body, in, out);
}
