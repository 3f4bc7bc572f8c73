/* head.c - finds the logits: chooses the output and looks behind its final activation.
 *
 * The activation is looked for through operators that only rename or reshape (Identity, Dropout,
 * Reshape, Flatten, Squeeze, Unsqueeze), since exporters put them on either side of it. The logits
 * are what the activation reads, provided that is one vector an image of the same length; without
 * an activation they are the output itself. */
#include "graph/head.h"

#include <stdio.h>
#include <string.h>

bool fsn__graph_is_vector(const struct fsn__tensor *t, int64_t *classes)
{
    int64_t length = 1;

    if (t->dtype != FSN__F32 || t->ndim < 2)
        return false;
    for (int i = 1; i < t->ndim; i++) {
        if (t->dim[i] < 1 || (t->dim[i] > 1 && length > 1))
            return false;
        length *= t->dim[i];
    }
    if (classes)
        *classes = length;
    return true;
}

static bool is_one_of(const struct fsn__op *op, const char *const *names)
{
    for (; *names; names++)
        if (!*op->domain && strcmp(op->name, *names) == 0)
            return true;
    return false;
}

/* *activation: the operator that makes scores of the logits; stays as it was where there is none.
 */
static int behind_activation(const struct fsn__graph *graph, int output, const char **activation)
{
    static const char *const activations[] = {"Softmax", "LogSoftmax", "Sigmoid", NULL};
    static const char *const renamings[] = {"Identity", "Dropout",   "Reshape", "Flatten",
                                            "Squeeze",  "Unsqueeze", NULL};
    const struct fsn__tensor *scores = &graph->values[output].tensor;
    int value = output;

    for (int node = graph->values[value].producer; node >= 0;
         node = graph->values[value].producer) {
        const struct fsn__op *op = graph->nodes[node].op;
        int64_t length = 0, wanted = 0;

        value = graph->nodes[node].in[0];
        if (value < 0)
            return output;
        if (is_one_of(op, activations)) {
            if (!fsn__graph_is_vector(&graph->values[value].tensor, &length) ||
                !fsn__graph_is_vector(scores, &wanted) || length != wanted)
                return output;
            *activation = op->name;
            return value;
        }
        if (!is_one_of(op, renamings))
            return output;
    }
    return output;
}

static int find_by_name(const struct fsn__graph *graph, const char *name)
{
    for (int i = 0; i < graph->output_count; i++)
        if (strcmp(graph->values[graph->outputs[i]].name, name) == 0)
            return i;
    return -1;
}

/* The first output of `classes` scores, else the first of more; classes 0: of any. -1: none. */
static int find_by_shape(const struct fsn__graph *graph, int64_t classes)
{
    int larger = -1;

    for (int i = 0; i < graph->output_count; i++) {
        int64_t length = 0;

        if (graph->values[graph->outputs[i]].late ||
            !fsn__graph_is_vector(&graph->values[graph->outputs[i]].tensor, &length))
            continue;
        if (classes == 0 || length == classes)
            return i;
        if (length > classes && larger < 0)
            larger = i;
    }
    return larger;
}

const char *fsn__graph_list_outputs(const struct fsn__graph *graph, char text[400])
{
    size_t used = 0;

    text[0] = 0;
    for (int i = 0; i < graph->output_count && used < 300; i++) {
        const struct fsn__value *value = &graph->values[graph->outputs[i]];

        used += (size_t)snprintf(text + used, 400 - used, "%s'%.60s' %s %.30s", i ? ", " : "",
                                 value->name, fsn__dtype_name(value->tensor.dtype),
                                 FSN__SHAPE(&value->tensor));
    }
    return text;
}

enum fsn_status fsn__graph_find_head(const struct fsn__graph *graph, const char *name,
                                     int64_t classes, struct fsn__head *out, struct fsn_error *err)
{
    struct fsn__head head = {0};
    const char *activation = "";

    if (name) {
        head.output = find_by_name(graph, name);
        if (head.output < 0)
            return FSN__FAIL(err, FSN_INVALID, "the network has no output '%.100s'; it has %s",
                             name, FSN__LIST_OUTPUTS(graph));
    } else if (graph->output_count > 1) {
        head.output = find_by_shape(graph, classes);
        if (head.output < 0)
            return FSN__FAIL(err, FSN_MISMATCH,
                             "none of the network's outputs gives one score a class: %s",
                             FSN__LIST_OUTPUTS(graph));
    }
    head.logits = behind_activation(graph, graph->outputs[head.output], &activation);
    head.sigmoid = strcmp(activation, "Sigmoid") == 0;
    if (graph->values[head.logits].late ||
        !fsn__graph_is_vector(&graph->values[head.logits].tensor, &head.classes))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "output '%s' is %s %s, expected one row of logits an image, "
                         "float32 [N,classes]",
                         graph->values[head.logits].name,
                         fsn__dtype_name(graph->values[head.logits].tensor.dtype),
                         FSN__SHAPE(&graph->values[head.logits].tensor));
    *out = head;
    return FSN_OK;
}
