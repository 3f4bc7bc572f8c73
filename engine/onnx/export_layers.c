/* export_layers.c - layers that are alike, as calls of one function.
 *
 * A layer of the small form is a few nodes: the call that makes its filters, the operator that
 * reads them, and what alone goes on from there (an addition, an activation). Networks repeat
 * themselves: most layers differ from another one in nothing but their constants. Each kind of
 * which there are several becomes a model-local function with the body of one of them,
 *
 *   L1(x, levels, scale, zero, slots, bias) -> y
 *
 * and each of its layers one short node. Runtimes write functions out before they optimise, so what
 * runs is the same.
 */
#include "onnx/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of all the nodes of a layer, and of what they read and make; it ends where there would be more.
 */
enum { LAYER_NODES = 8, LAYER_NAMES = 26 };

struct layer {
    size_t count, node[LAYER_NODES];  /* places in ex->nodes, rising */
    FsnOnnx__FunctionProto *function; /* as it would be */
    unsigned char *key; /* its bytes without a name: layers of one kind have the same */
    size_t key_size;
    const char **in;          /* what the call reads */
    FsnOnnx__NodeProto *call; /* NULL: the nodes stay */
};

struct use {
    size_t count, reader; /* reader: the last, a place in ex->nodes */
    bool filters;         /* made by a Filter Summary's call */
};

struct outliner {
    struct fsn__exporter *ex;
    FsnOnnx__NodeProto **node; /* ex->nodes */
    size_t node_count;
    struct fsn__names names; /* of values -> use */
    struct use *use;
    struct layer *layer;
    size_t layer_count;
    size_t *layer_of; /* per node: its layer + 1; 0: none */
    size_t kinds;     /* written so far */
};

static bool is_summary(const FsnOnnx__NodeProto *node)
{
    return node->domain && *node->domain;
}

/* ---- who reads what -------------------------------------------------------------------------- */

static struct use *use_of(struct outliner *o, const char *name)
{
    int at = fsn__names_find(&o->names, name);

    if (at < 0) {
        at = (int)o->names.count;
        if (!fsn__names_put(&o->names, name, at))
            o->ex->out_of_memory = true;
    }
    return &o->use[at];
}

static void count_uses(struct outliner *o)
{
    const struct fsn__graph *graph = o->ex->graph;

    for (size_t i = 0; i < o->node_count; i++) {
        const FsnOnnx__NodeProto *node = o->node[i];

        for (size_t j = 0; j < node->n_input; j++) {
            struct use *use = use_of(o, node->input[j]);

            use->count++;
            use->reader = i;
        }
        for (size_t j = 0; j < node->n_output; j++)
            use_of(o, node->output[j])->filters = is_summary(node);
    }
    for (int i = 0; i < graph->output_count; i++) /* inner ones too: they are found by name */
        use_of(o, graph->values[graph->outputs[i]].name)->count += 2;
}

static size_t count_names(const struct outliner *o)
{
    size_t count = (size_t)o->ex->graph->output_count;

    for (size_t i = 0; i < o->node_count; i++)
        count += o->node[i]->n_input + o->node[i]->n_output;
    return count;
}

/* ---- one layer ------------------------------------------------------------------------------- */

/* Whether the node at `at` can be the next of a layer: it alone makes one value of what it reads,
 * and no filters but the layer's own. */
static bool goes_on(struct outliner *o, const struct layer *layer, size_t at)
{
    const FsnOnnx__NodeProto *node = o->node[at];
    size_t filters = 0;

    for (size_t i = 0; i < node->n_input; i++)
        filters += use_of(o, node->input[i])->filters;
    return node->n_output == 1 && !is_summary(node) && o->layer_of[at] == 0 &&
           filters == (layer->count == 1);
}

/* The layer that begins with a Filter Summary's call; false: it is none. */
static bool follow(struct outliner *o, size_t first, struct layer *layer)
{
    layer->node[0] = first;
    layer->count = 1;
    while (layer->count < LAYER_NODES) {
        const char *made = o->node[layer->node[layer->count - 1]]->output[0];
        const struct use *use = use_of(o, made);

        if (use->count != 1 || !goes_on(o, layer, use->reader))
            break;
        layer->node[layer->count++] = use->reader;
    }
    return layer->count > 1;
}

/* What is read from outside, in order: a letter for each place, so that layers are alike whether or
 * not two places read one value. */
struct inside {
    size_t inputs;
    const char *outer[LAYER_NAMES];
};

static const char *letter(size_t i)
{
    static const char *const letters[LAYER_NAMES] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                                     "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                                     "s", "t", "u", "v", "w", "x", "y", "z"};

    return letters[i];
}

/* Which node of the layer makes the value; layer->count: none. */
static size_t find_maker(const struct outliner *o, const struct layer *layer, const char *name)
{
    size_t i = 0;

    while (i < layer->count && strcmp(o->node[layer->node[i]]->output[0], name) != 0)
        i++;
    return i;
}

/* False: there are too many. */
static bool list_inputs(const struct outliner *o, const struct layer *layer, struct inside *inside)
{
    inside->inputs = 0;
    for (size_t i = 0; i < layer->count; i++) {
        const FsnOnnx__NodeProto *node = o->node[layer->node[i]];

        for (size_t j = 0; j < node->n_input; j++) {
            if (!*node->input[j] || find_maker(o, layer, node->input[j]) < layer->count)
                continue;
            if (inside->inputs + layer->count == LAYER_NAMES)
                return false;
            inside->outer[inside->inputs++] = node->input[j];
        }
    }
    return true;
}

/* Node i of the layer as it stands in the body; *next: the input that comes next. */
static FsnOnnx__NodeProto *copy_node(const struct outliner *o, const struct layer *layer, size_t i,
                                     const struct inside *inside, size_t *next)
{
    struct fsn__exporter *ex = o->ex;
    const FsnOnnx__NodeProto *from = o->node[layer->node[i]];
    FsnOnnx__NodeProto *to = fsn__export_alloc(ex, 1, sizeof *to);
    char **input = fsn__export_alloc(ex, from->n_input + 1, sizeof *input);
    char **output = fsn__export_alloc(ex, 1, sizeof *output);

    if (!to || !input || !output)
        return NULL;
    *to = *from; /* attributes are shared */
    to->name = NULL;
    to->input = input;
    to->output = output;
    for (size_t j = 0; j < from->n_input; j++) {
        const size_t maker = find_maker(o, layer, from->input[j]);

        if (!*from->input[j])
            input[j] = from->input[j]; /* absent */
        else if (maker < layer->count)
            input[j] = (char *)(uintptr_t)letter(inside->inputs + maker);
        else
            input[j] = (char *)(uintptr_t)letter((*next)++);
    }
    output[0] = (char *)(uintptr_t)letter(inside->inputs + i);
    return to;
}

/* The function of a layer, and its bytes. */
static void build_function(struct outliner *o, struct layer *layer)
{
    struct fsn__exporter *ex = o->ex;
    FsnOnnx__FunctionProto *function = fsn__export_alloc(ex, 1, sizeof *function);
    struct inside inside = {.inputs = 0};
    size_t next = 0;

    while (layer->count > 1 && !list_inputs(o, layer, &inside))
        layer->count--;
    if (!function || layer->count < 2)
        return;
    fsn_onnx__function_proto__init(function);
    function->domain = (char *)(uintptr_t)FSN__EXPORT_DOMAIN;
    function->n_node = layer->count;
    function->node = fsn__export_alloc(ex, layer->count, sizeof(void *));
    function->input = fsn__export_alloc(ex, inside.inputs + 1, sizeof(char *));
    function->output = fsn__export_alloc(ex, 1, sizeof(char *));
    function->opset_import = fsn__export_alloc(ex, 2, sizeof(void *));
    layer->in = fsn__export_alloc(ex, inside.inputs + 1, sizeof(char *));
    if (ex->out_of_memory)
        return;
    for (size_t i = 0; i < layer->count; i++)
        function->node[i] = copy_node(o, layer, i, &inside, &next);
    function->n_input = inside.inputs;
    for (size_t i = 0; i < inside.inputs; i++) {
        function->input[i] = (char *)(uintptr_t)letter(i);
        layer->in[i] = inside.outer[i];
    }
    function->n_output = 1;
    function->output[0] = (char *)(uintptr_t)letter(inside.inputs + layer->count - 1);
    function->n_opset_import = 2;
    function->opset_import[0] = fsn__export_opset(ex, "", FSN__EXPORT_OPSET);
    function->opset_import[1] = fsn__export_opset(ex, FSN__EXPORT_DOMAIN, 1);
    if (ex->out_of_memory)
        return;
    layer->key_size = fsn_onnx__function_proto__get_packed_size(function);
    layer->key = fsn__export_alloc(ex, layer->key_size, 1);
    if (layer->key)
        fsn_onnx__function_proto__pack(function, layer->key);
    layer->function = function;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void find_layers(struct outliner *o)
{
    for (size_t i = 0; i < o->node_count && !o->ex->out_of_memory; i++) {
        struct layer layer = {.count = 0};

        if (!is_summary(o->node[i]) || !follow(o, i, &layer))
            continue;
        build_function(o, &layer);
        if (!layer.key) /* too many names */
            continue;
        o->layer[o->layer_count++] = layer;
        for (size_t j = 0; j < layer.count; j++)
            o->layer_of[layer.node[j]] = o->layer_count;
    }
}

/* 0: of one kind. */
static int compare_kinds(const struct layer *x, const struct layer *y)
{
    const size_t shorter = x->key_size < y->key_size ? x->key_size : y->key_size;
    const int order = memcmp(x->key, y->key, shorter);

    return order != 0 ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

static int by_kind(const void *a, const void *b)
{
    const struct layer *x = *(struct layer *const *)a, *y = *(struct layer *const *)b;
    const int order = compare_kinds(x, y);

    return order != 0 ? order : (x > y) - (x < y); /* the first one's function is written */
}

/* The bytes of a message of this size in a list of them. */
static size_t listed(size_t size)
{
    return size + (size < 128 ? 2 : size < 16384 ? 3 : 4);
}

static FsnOnnx__NodeProto *write_call(struct outliner *o, const struct layer *layer,
                                      const char *name)
{
    struct fsn__exporter *ex = o->ex;
    const FsnOnnx__FunctionProto *function = layer->function;
    FsnOnnx__NodeProto *call = fsn__export_alloc(ex, 1, sizeof *call);

    if (!call)
        return NULL;
    fsn_onnx__node_proto__init(call);
    call->op_type = (char *)(uintptr_t)name;
    call->domain = function->domain;
    call->n_input = function->n_input;
    call->input = (char **)(uintptr_t)layer->in;
    call->n_output = 1;
    call->output = o->node[layer->node[layer->count - 1]]->output;
    return call;
}

/* Layers of one kind become calls, if that makes the file smaller. */
static void outline(struct outliner *o, struct layer *const *alike, size_t count)
{
    struct fsn__exporter *ex = o->ex;
    FsnOnnx__FunctionProto *function = alike[0]->function;
    size_t before = 0, after;
    char name[24];

    snprintf(name, sizeof name, "L%zu", o->kinds + 1);
    function->name = fsn__export_text(ex, name);
    after = listed(fsn_onnx__function_proto__get_packed_size(function));
    for (size_t i = 0; i < count && !ex->out_of_memory; i++) {
        struct layer *layer = alike[i];

        layer->call = write_call(o, layer, function->name);
        if (!layer->call)
            return;
        after += listed(fsn_onnx__node_proto__get_packed_size(layer->call));
        for (size_t j = 0; j < layer->count; j++)
            before += listed(fsn_onnx__node_proto__get_packed_size(o->node[layer->node[j]]));
    }
    if (after < before) {
        o->kinds++;
        fsn__export_append(ex, &ex->functions, function);
        return;
    }
    for (size_t i = 0; i < count; i++)
        alike[i]->call = NULL;
}

static void outline_kinds(struct outliner *o, struct layer **sorted)
{
    for (size_t i = 0; i < o->layer_count; i++)
        sorted[i] = &o->layer[i];
    if (o->layer_count > 0)
        qsort(sorted, o->layer_count, sizeof(void *), by_kind);
    for (size_t first = 0, next; first < o->layer_count && !o->ex->out_of_memory; first = next) {
        for (next = first + 1; next < o->layer_count; next++)
            if (compare_kinds(sorted[next], sorted[first]) != 0)
                break;
        outline(o, &sorted[first], next - first);
    }
}

/* A call stands where the last node of its layer stood: there all that it reads has been made. */
static void put_calls(struct outliner *o)
{
    size_t kept = 0;

    for (size_t i = 0; i < o->node_count; i++) {
        const struct layer *layer = o->layer_of[i] > 0 ? &o->layer[o->layer_of[i] - 1] : NULL;

        if (!layer || !layer->call)
            o->node[kept++] = o->node[i];
        else if (i == layer->node[layer->count - 1])
            o->node[kept++] = layer->call;
    }
    o->ex->nodes.size = kept * sizeof(void *);
}

void fsn__export_layers(struct fsn__exporter *ex)
{
    struct outliner o = {.ex = ex,
                         .node = (FsnOnnx__NodeProto **)(void *)ex->nodes.data,
                         .node_count = ex->nodes.size / sizeof(void *)};
    struct layer **sorted = fsn__export_alloc(ex, o.node_count + 1, sizeof(void *));

    o.use = fsn__export_alloc(ex, count_names(&o) + 1, sizeof *o.use);
    o.layer = fsn__export_alloc(ex, o.node_count + 1, sizeof *o.layer);
    o.layer_of = fsn__export_alloc(ex, o.node_count + 1, sizeof *o.layer_of);
    if (ex->out_of_memory)
        return;
    count_uses(&o);
    find_layers(&o);
    outline_kinds(&o, sorted);
    if (!ex->out_of_memory)
        put_calls(&o);
    fsn__names_free(&o.names);
}
