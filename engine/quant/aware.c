/*
 * aware.c - training that sees what the quantiser makes of F.
 *
 *   F -> FilterSummary      becomes      F, step, zero -> FakeQuantize -> FilterSummary
 *
 * The nodes are there from the first epoch on and let F through (step 0) until the quantiser is
 * fitted, so that one graph serves the whole run and a checkpoint of any epoch holds all of it.
 */
#include "quant/quant.h"

#include <stdio.h>
#include <stdlib.h>

/* Long enough for any real name; a longer one is cut, and made unique by the graph. */
enum { NAME_SIZE = 512 };

struct fsn__quant_form fsn__quant_form_of(const struct fsn__node *node, enum fsn_quant_range range)
{
    return (struct fsn__quant_form){.bits = (int)fsn__attr_int(&node->attrs, "bits", 32),
                                    .segment = fsn__attr_int(&node->attrs, "segment", 0),
                                    .range = range};
}

static enum fsn_status add_state(struct fsn__graph *graph, const char *f, const char *what,
                                 enum fsn__value_kind kind, int ndim, int64_t n, int *out,
                                 struct fsn_error *err)
{
    struct fsn__tensor t = {0};
    char name[NAME_SIZE];

    fsn__shape_set(&t, FSN__F32, ndim, &n);
    snprintf(name, sizeof name, "%s.%s", f, what);
    return fsn__graph_add_const(graph, name, kind, &t, out, err);
}

static enum fsn_status insert_behind(struct fsn__graph *graph, int f,
                                     const struct fsn__quant_form *form, bool learned, int *out,
                                     struct fsn_error *err)
{
    const int64_t steps = fsn__step_count(form, fsn__numel(&graph->values[f].tensor));
    const char *name = graph->values[f].name; /* the arena's, it stays */
    struct fsn__attr item[] = {
        {.name = "bits", .type = FSN__ATTR_INT, .i = form->bits},
        {.name = "segment", .type = FSN__ATTR_INT, .i = form->segment},
    };
    const struct fsn__attrs attrs = {.count = 2, .item = item};
    int in[3] = {f, -1, -1};
    char node[NAME_SIZE];
    enum fsn_status status = add_state(
        graph, name, "step", learned ? FSN__VALUE_PARAM : FSN__VALUE_STAT, 1, steps, &in[1], err);

    if (status == FSN_OK)
        status = add_state(graph, name, "zero", FSN__VALUE_STAT, 0, 1, &in[2], err);
    snprintf(node, sizeof node, "%s.quantised", name);
    return status == FSN_OK ? fsn__graph_apply(graph, "FakeQuantize", node, &attrs, 3, in, out, err)
                            : status;
}

enum fsn_status fsn__aware_insert(struct fsn__graph *graph, bool learned, struct fsn_error *err)
{
    const int nodes = graph->node_count, values = graph->value_count;
    int *behind = malloc(((size_t)values + 1) * sizeof *behind); /* of each F */
    enum fsn_status status = behind ? FSN_OK : FSN__NOMEM(err);

    for (int i = 0; behind && i < values; i++)
        behind[i] = -1;
    for (int i = 0; i < nodes && status == FSN_OK; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        const struct fsn__quant_form form = fsn__quant_form_of(node, FSN_RANGE_AUTO);
        const int f = node->n_in > 0 ? node->in[0] : -1;

        if (node->op != &fsn__op_filter_summary || form.bits > 8)
            continue;
        if (behind[f] < 0)
            status = insert_behind(graph, f, &form, learned, &behind[f], err);
        if (status == FSN_OK)
            status = fsn__graph_set_input(graph, i, 0, behind[f], err);
    }
    free(behind);
    return status == FSN_OK ? fsn__graph_sort(graph, err) : status;
}

enum fsn_status fsn__aware_fit(struct fsn__graph *graph, enum fsn_quant_range range,
                               struct fsn_error *err)
{
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        const struct fsn__quant_form form = fsn__quant_form_of(node, range);
        const struct fsn__tensor *f;

        if (node->op != &fsn__op_fake_quantize)
            continue;
        f = &graph->values[node->in[0]].tensor;
        if (!f->data)
            return FSN__FAIL(err, FSN_INTERNAL, "FakeQuantize '%s': '%s' is not a constant",
                             node->name, graph->values[node->in[0]].name);
        *fsn__f32(&graph->values[node->in[2]].tensor) = fsn__steps_fit(
            fsn__f32(f), fsn__numel(f), &form, fsn__f32(&graph->values[node->in[1]].tensor));
    }
    return FSN_OK;
}
