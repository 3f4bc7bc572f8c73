/*
 * locations.c - layout learned: filters that move along their Filter Summary while it is trained.
 *
 * Yang et al., "FSNet" (arXiv 1902.03264 v3), learned locations. There s = L sigmoid(g); here the
 * location is start_k + offset_k, so that it begins where the start put the filter, for any length
 * of F with all bits of a float for what is behind the point, and has no end to run into: F is a
 * ring. The node interpolates (ops/fs_between.h) while offsets are an input of it; training rounds
 * them at the share `finetune.rounding` of its steps (train/parameters.h), and then what they
 * say becomes the node's slots, of free spacing.
 */
#include "fs/fs.h"
#include "ops/fs_between.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_offset(const struct fsn__node *node)
{
    return node->op == &fsn__op_filter_summary && node->n_in > FSN__FS_OFFSET &&
           node->in[FSN__FS_OFFSET] >= 0;
}

void fsn__fs_locate(const struct fsn__fs_geometry *g, const float *offset, int64_t *start)
{
    for (int64_t k = 0; k < g->k; k++)
        start[k] = fsn__fs_moved_start(g, k, offset ? rint((double)offset[k]) : 0);
}

/* Sets an attribute, appending it where it is not there yet; its contents must stay. */
static enum fsn_status set_attr(struct fsn__graph *graph, struct fsn__node *node,
                                const struct fsn__attr *attr, struct fsn_error *err)
{
    const size_t count = node->attrs.count;
    struct fsn__attr *item = fsn__arena_alloc(&graph->arena, count + 1, sizeof *item);
    size_t at = 0;

    if (!item)
        return FSN__NOMEM(err);
    memcpy(item, node->attrs.item, count * sizeof *item);
    while (at < count && strcmp(item[at].name, attr->name) != 0)
        at++;
    item[at] = *attr;
    node->attrs = (struct fsn__attrs){.count = at < count ? count : count + 1, .item = item};
    return FSN_OK;
}

static enum fsn_status fix_node(struct fsn__graph *graph, struct fsn__node *node,
                                struct fsn_error *err)
{
    const struct fsn__attr is_free = {.name = "spacing", .type = FSN__ATTR_STRING, .s = "free"};
    const struct fsn__tensor *offset = &graph->values[node->in[FSN__FS_OFFSET]].tensor;
    struct fsn__fs_geometry g;
    struct fsn__attr slots = {.name = "slots", .type = FSN__ATTR_INTS};
    int64_t *start;
    enum fsn_status status = fsn__fs_geometry_read(
        &node->attrs, &graph->values[node->in[FSN__FS_F]].tensor, node->name, &g, err);

    if (status != FSN_OK)
        return status;
    start = fsn__arena_alloc(&graph->arena, (size_t)g.k, sizeof *start);
    if (!start)
        return FSN__NOMEM(err);
    fsn__fs_locate(&g, fsn__f32(offset), start);
    slots.ints = start;
    slots.count = (size_t)g.k;
    status = set_attr(graph, node, &is_free, err);
    if (status == FSN_OK)
        status = set_attr(graph, node, &slots, err);
    node->in[FSN__FS_OFFSET] = -1;
    while (node->in[node->n_in - 1] < 0)
        node->n_in--;
    return status;
}

/* The share of filters whose offset is no longer 0 when it is rounded. */
static double share_moved(const struct fsn__tensor *offset)
{
    int64_t moved = 0;

    for (int64_t k = 0; k < offset->dim[0]; k++)
        moved += rint((double)fsn__f32(offset)[k]) != 0;
    return (double)moved / (double)offset->dim[0];
}

enum fsn_status fsn__fs_fix_locations(struct fsn__graph *graph, struct fsn_plan *plan,
                                      struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < plan->layer_count; i++) {
        const int conv = fsn__names_find(&graph->node_names, plan->layers[i].name);
        const int producer = conv >= 0 ? graph->values[graph->nodes[conv].in[1]].producer : -1;

        if (producer >= 0 && has_offset(&graph->nodes[producer]))
            plan->layers[i].moved =
                share_moved(&graph->values[graph->nodes[producer].in[FSN__FS_OFFSET]].tensor);
    }
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++)
        if (has_offset(&graph->nodes[i]))
            status = fix_node(graph, &graph->nodes[i], err);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}
