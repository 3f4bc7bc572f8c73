/* graph.c - building graphs: values, nodes, names, copies. */
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__graph_create(struct fsn__graph **out, struct fsn_error *err)
{
    struct fsn__graph *graph = calloc(1, sizeof *graph);

    if (!graph)
        return FSN__NOMEM(err);
    *out = graph;
    return FSN_OK;
}

void fsn__graph_destroy(struct fsn__graph *graph)
{
    if (!graph)
        return;
    for (int i = 0; i < graph->value_count; i++)
        if (!graph->values[i].borrowed)
            free(graph->values[i].tensor.data);
    free(graph->values);
    free(graph->nodes);
    fsn__names_free(&graph->value_names);
    fsn__names_free(&graph->node_names);
    fsn__arena_free(&graph->arena);
    free(graph);
}

/* Doubles an array of elements of `size` bytes when it is full; NULL when it cannot. */
static void *grow(void *array, int count, int *capacity, size_t size)
{
    int larger;

    if (count < *capacity)
        return array;
    if (*capacity > INT32_MAX / 2)
        return NULL;
    larger = *capacity ? *capacity * 2 : 32;
    array = realloc(array, (size_t)larger * size);
    if (array)
        *capacity = larger;
    return array;
}

/* A name that `names` does not hold yet: the wish itself, or the wish with a number. The number
 * counts up over the whole graph, so that a file full of equal names stays cheap. */
static const char *unique_name(struct fsn__graph *graph, const struct fsn__names *names,
                               const char *wish, const char *fallback)
{
    size_t size;
    char *name;

    if (wish && *wish && fsn__names_find(names, wish) < 0)
        return fsn__arena_strdup(&graph->arena, wish);
    if (!wish || !*wish)
        wish = fallback;
    size = strlen(wish) + 16;
    name = fsn__arena_alloc(&graph->arena, size, 1);
    do {
        if (!name)
            return NULL;
        snprintf(name, size, "%s_%u", wish, ++graph->invented);
    } while (fsn__names_find(names, name) >= 0);
    return name;
}

enum fsn_status fsn__graph_add_value(struct fsn__graph *graph, const char *name,
                                     enum fsn__value_kind kind, const struct fsn__tensor *shape,
                                     int *out, struct fsn_error *err)
{
    struct fsn__tensor own = {.dtype = FSN__F32}; /* shape may be that of a value, which move now */
    struct fsn__value *values, *value;

    if (shape)
        fsn__shape_copy(&own, shape);
    values = grow(graph->values, graph->value_count, &graph->value_capacity, sizeof *values);
    if (!values)
        return FSN__NOMEM(err);
    graph->values = values;
    value = &values[graph->value_count];
    memset(value, 0, sizeof *value);
    value->kind = kind;
    value->producer = -1;
    if (shape)
        fsn__shape_copy(&value->tensor, &own);
    value->name = unique_name(graph, &graph->value_names, name, "v");
    if (!value->name || !fsn__names_put(&graph->value_names, value->name, graph->value_count))
        return FSN__NOMEM(err);
    *out = graph->value_count++;
    return FSN_OK;
}

enum fsn_status fsn__graph_add_const(struct fsn__graph *graph, const char *name,
                                     enum fsn__value_kind kind, const struct fsn__tensor *tensor,
                                     int *out, struct fsn_error *err)
{
    struct fsn__tensor copy = {.dtype = tensor->dtype};
    enum fsn_status status;

    fsn__shape_copy(&copy, tensor);
    status = fsn__tensor_alloc(&copy, err);
    if (status != FSN_OK)
        return status;
    if (tensor->data)
        memcpy(copy.data, tensor->data, fsn__tensor_bytes(tensor));
    return fsn__graph_add_owned(graph, name, kind, &copy, out, err);
}

enum fsn_status fsn__graph_add_owned(struct fsn__graph *graph, const char *name,
                                     enum fsn__value_kind kind, const struct fsn__tensor *tensor,
                                     int *out, struct fsn_error *err)
{
    enum fsn_status status = fsn__graph_add_value(graph, name, kind, tensor, out, err);

    if (status == FSN_OK)
        graph->values[*out].tensor.data = tensor->data;
    else
        free(tensor->data);
    return status;
}

enum fsn_status fsn__graph_add_borrowed(struct fsn__graph *graph, const char *name,
                                        enum fsn__value_kind kind, const struct fsn__tensor *tensor,
                                        int *out, struct fsn_error *err)
{
    enum fsn_status status = fsn__graph_add_value(graph, name, kind, tensor, out, err);

    if (status == FSN_OK) {
        graph->values[*out].tensor.data = tensor->data;
        graph->values[*out].borrowed = true;
    }
    return status;
}

static bool copy_attr(struct fsn__arena *arena, struct fsn__attr *to, const struct fsn__attr *from)
{
    size_t bytes;

    *to = *from;
    to->name = fsn__arena_strdup(arena, from->name);
    if (!to->name)
        return false;
    switch (from->type) {
    case FSN__ATTR_INT:
    case FSN__ATTR_FLOAT:
        return true;
    case FSN__ATTR_STRING:
        to->s = fsn__arena_strdup(arena, from->s);
        return to->s != NULL;
    case FSN__ATTR_INTS: {
        int64_t *ints = fsn__arena_alloc(arena, from->count, sizeof *ints);

        if (ints && from->count)
            memcpy(ints, from->ints, from->count * sizeof *ints);
        to->ints = ints;
        return ints != NULL;
    }
    case FSN__ATTR_FLOATS: {
        float *floats = fsn__arena_alloc(arena, from->count, sizeof *floats);

        if (floats && from->count)
            memcpy(floats, from->floats, from->count * sizeof *floats);
        to->floats = floats;
        return floats != NULL;
    }
    case FSN__ATTR_TENSOR:
        bytes = fsn__tensor_bytes(&from->tensor);
        to->tensor.data = fsn__arena_alloc(arena, bytes, 1);
        if (to->tensor.data && bytes)
            memcpy(to->tensor.data, from->tensor.data, bytes);
        return to->tensor.data != NULL;
    }
    return false;
}

static bool copy_attrs(struct fsn__arena *arena, struct fsn__attrs *to,
                       const struct fsn__attrs *from)
{
    if (!from || from->count == 0)
        return true;
    to->item = fsn__arena_alloc(arena, from->count, sizeof *to->item);
    if (!to->item)
        return false;
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++)
        if (!copy_attr(arena, &to->item[i], &from->item[i]))
            return false;
    return true;
}

static int *copy_indices(struct fsn__arena *arena, int count, const int *from)
{
    int *to = fsn__arena_alloc(arena, (size_t)count, sizeof *to);

    if (to && count > 0)
        memcpy(to, from, (size_t)count * sizeof *to);
    return to;
}

enum fsn_status fsn__graph_add_node(struct fsn__graph *graph, const struct fsn__op *op,
                                    const char *name, const struct fsn__attrs *attrs, int n_in,
                                    const int *in, int n_out, const int *out, int *node,
                                    struct fsn_error *err)
{
    struct fsn__node *nodes, *added;

    if (n_in < op->min_in || n_in > op->max_in || n_out < op->min_out || n_out > op->max_out)
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s '%s': %d inputs and %d outputs, expected %d..%d and %d..%d", op->name,
                         name ? name : "", n_in, n_out, op->min_in, op->max_in, op->min_out,
                         op->max_out);
    nodes = grow(graph->nodes, graph->node_count, &graph->node_capacity, sizeof *nodes);
    if (!nodes)
        return FSN__NOMEM(err);
    graph->nodes = nodes;
    added = &nodes[graph->node_count];
    memset(added, 0, sizeof *added);
    added->op = op;
    added->n_in = n_in;
    added->n_out = n_out;
    added->in = copy_indices(&graph->arena, n_in, in);
    added->out = copy_indices(&graph->arena, n_out, out);
    added->name = unique_name(graph, &graph->node_names, name, op->name);
    if (!added->in || !added->out || !added->name ||
        !copy_attrs(&graph->arena, &added->attrs, attrs) ||
        !fsn__names_put(&graph->node_names, added->name, graph->node_count))
        return FSN__NOMEM(err);
    for (int i = 0; i < n_out; i++)
        if (out[i] >= 0)
            graph->values[out[i]].producer = graph->node_count;
    if (node)
        *node = graph->node_count;
    graph->node_count++;
    return FSN_OK;
}

enum fsn_status fsn__graph_apply(struct fsn__graph *graph, const char *op, const char *name,
                                 const struct fsn__attrs *attrs, int n_in, const int *in, int *out,
                                 struct fsn_error *err)
{
    const struct fsn__op *found = fsn__op_find("", op);
    enum fsn_status status;
    int value, node;

    if (!found)
        found = fsn__op_find("fsnet", op);
    if (!found)
        return FSN__FAIL(err, FSN_INTERNAL, "no operator '%s'", op);
    status = fsn__graph_add_value(graph, name, FSN__VALUE_COMPUTED, NULL, &value, err);
    if (status == FSN_OK)
        status = fsn__graph_add_node(graph, found, name, attrs, n_in, in, 1, &value, &node, err);
    if (status == FSN_OK)
        status = fsn__graph_infer_node(graph, node, err);
    if (status == FSN_OK)
        *out = value;
    return status;
}

enum fsn_status fsn__graph_add_input(struct fsn__graph *graph, const char *name,
                                     const struct fsn__tensor *shape, int *out,
                                     struct fsn_error *err)
{
    enum fsn_status status;

    if (graph->input_count == FSN__MAX_IO)
        return FSN__FAIL(err, FSN_LIMIT, "input '%s': at most %d inputs", name, FSN__MAX_IO);
    status = fsn__graph_add_value(graph, name, FSN__VALUE_INPUT, shape, out, err);
    if (status == FSN_OK)
        graph->inputs[graph->input_count++] = *out;
    return status;
}

enum fsn_status fsn__graph_add_output(struct fsn__graph *graph, int value, struct fsn_error *err)
{
    if (graph->output_count == FSN__MAX_IO)
        return FSN__FAIL(err, FSN_LIMIT, "output '%s': at most %d outputs",
                         graph->values[value].name, FSN__MAX_IO);
    graph->outputs[graph->output_count++] = value;
    return FSN_OK;
}

enum fsn_status fsn__graph_add_inner(struct fsn__graph *graph, int value, int *at,
                                     struct fsn_error *err)
{
    enum fsn_status status;

    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value) {
            *at = i;
            return FSN_OK;
        }
    status = fsn__graph_add_output(graph, value, err);
    if (status != FSN_OK)
        return status;
    graph->inner_count++;
    *at = graph->output_count - 1;
    return FSN_OK;
}

void fsn__graph_drop_inner(struct fsn__graph *graph)
{
    graph->output_count -= graph->inner_count;
    graph->inner_count = 0;
}

int fsn__graph_find_value(const struct fsn__graph *graph, const char *name)
{
    return fsn__names_find(&graph->value_names, name);
}

int fsn__graph_find_computed(const struct fsn__graph *graph, const char *name)
{
    const int value = fsn__graph_find_value(graph, name);

    return value >= 0 && graph->values[value].producer >= 0 ? value : -1;
}

typedef enum fsn_status add_constant(struct fsn__graph *graph, const char *name,
                                     enum fsn__value_kind kind, const struct fsn__tensor *tensor,
                                     int *out, struct fsn_error *err);

static enum fsn_status copy_graph(const struct fsn__graph *graph, add_constant *add,
                                  struct fsn__graph **out, struct fsn_error *err)
{
    struct fsn__graph *copy = NULL;
    enum fsn_status status = fsn__graph_create(&copy, err);
    int index;

    for (int i = 0; i < graph->value_count && status == FSN_OK; i++) {
        const struct fsn__value *value = &graph->values[i];

        if (value->tensor.data)
            status = add(copy, value->name, value->kind, &value->tensor, &index, err);
        else
            status =
                fsn__graph_add_value(copy, value->name, value->kind, &value->tensor, &index, err);
        if (status == FSN_OK) {
            copy->values[index].decay = value->decay;
            copy->values[index].location = value->location;
            copy->values[index].cubes = value->cubes;
            copy->values[index].late = value->late;
        }
    }
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        status = fsn__graph_add_node(copy, node->op, node->name, &node->attrs, node->n_in, node->in,
                                     node->n_out, node->out, NULL, err);
    }
    if (status != FSN_OK) {
        fsn__graph_destroy(copy);
        return status;
    }
    copy->input_count = graph->input_count;
    copy->output_count = graph->output_count;
    copy->inner_count = graph->inner_count;
    memcpy(copy->inputs, graph->inputs, sizeof copy->inputs);
    memcpy(copy->outputs, graph->outputs, sizeof copy->outputs);
    copy->invented = graph->invented;
    *out = copy;
    return FSN_OK;
}

enum fsn_status fsn__graph_clone(const struct fsn__graph *graph, struct fsn__graph **out,
                                 struct fsn_error *err)
{
    return copy_graph(graph, fsn__graph_add_const, out, err);
}

enum fsn_status fsn__graph_alias(const struct fsn__graph *graph, struct fsn__graph **out,
                                 struct fsn_error *err)
{
    return copy_graph(graph, fsn__graph_add_borrowed, out, err);
}

enum fsn_status fsn__graph_set_input(struct fsn__graph *graph, int node, int slot, int value,
                                     struct fsn_error *err)
{
    struct fsn__node *target = &graph->nodes[node];

    if (slot >= target->n_in) {
        int *in = fsn__arena_alloc(&graph->arena, (size_t)slot + 1, sizeof *in);

        if (!in)
            return FSN__NOMEM(err);
        for (int i = 0; i <= slot; i++)
            in[i] = i < target->n_in ? target->in[i] : -1;
        target->in = in;
        target->n_in = slot + 1;
    }
    target->in[slot] = value;
    return FSN_OK;
}
