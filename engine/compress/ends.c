/*
 * ends.c - where the part of a network ends that is compressed, trained and measured.
 *
 * A file may go on behind what its training knew: boxes are decoded, overlapping ones suppressed.
 * Such a tail has no weights and often no gradient. Ends inside the graph cut it off, for training
 * and for figures alone: it stays in every graph and in every file, as it was.
 */
#include "compress/ends.h"

#include "train/detector.h"
#include "train/followed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum fsn_status find_followed(const struct fsn__graph *graph, const struct fsn_spec *spec,
                                     struct fsn__ends *out, int *at, struct fsn_error *err)
{
    struct fsn__followed_list list;
    enum fsn_status status = fsn__followed_find(graph, "model", spec, &list, at, err);

    for (int i = 0; status == FSN_OK && i < list.count; i++)
        out->value[out->count++] = fsn__graph_find_computed(graph, list.item[i].name);
    return status;
}

enum fsn_status fsn__find_ends(const struct fsn__graph *graph, enum fsn__task task, int classes,
                               const struct fsn_spec *spec, struct fsn__ends *out, int *at,
                               struct fsn_error *err)
{
    struct fsn__detector_head head;
    enum fsn_status status;

    *out = (struct fsn__ends){.count = 0};
    if (at)
        *at = -1;
    if (task == FSN__TASK_DISTILL)
        return find_followed(graph, spec, out, at, err);
    if (task == FSN__TASK_CLASSIFY)
        return FSN_OK;
    status = fsn__detector_outputs_find(graph, "model", classes, spec, &head, err);
    if (status == FSN_OK)
        *out = (struct fsn__ends){2, {head.ends[0], head.ends[1]}};
    return status;
}

struct fsn__ends_place fsn__ends_pointer(enum fsn__task task, const struct fsn_spec *spec, int at)
{
    struct fsn__ends_place place = {"/model_id"};

    if (task == FSN__TASK_DISTILL && at >= 0)
        snprintf(place.text, sizeof place.text, "/distill_outputs/%d", at);
    else if (task == FSN__TASK_DETECT && spec->detection.locations)
        snprintf(place.text, sizeof place.text, "/detection/locations");
    else if (task == FSN__TASK_DETECT && spec->detection.confidences)
        snprintf(place.text, sizeof place.text, "/detection/confidences");
    return place;
}

static bool is_output(const struct fsn__graph *graph, int value)
{
    for (int i = 0; i < graph->output_count - graph->inner_count; i++)
        if (graph->outputs[i] == value)
            return true;
    return false;
}

bool fsn__ends_are_outputs(const struct fsn__graph *graph, const struct fsn__ends *ends)
{
    for (int i = 0; i < ends->count; i++)
        if (!is_output(graph, ends->value[i]))
            return false;
    return true;
}

enum fsn_status fsn__note_cut(const struct fsn__graph *graph, const struct fsn__ends *ends,
                              struct fsn_plan *plan, struct fsn_error *err)
{
    bool *needed;
    int others;

    if (fsn__ends_are_outputs(graph, ends))
        return FSN_OK;
    needed = calloc((size_t)graph->node_count + 1, sizeof *needed);
    others = needed ? fsn__graph_find_needed(graph, ends, needed) : -1;
    free(needed);
    plan->cut = calloc((size_t)ends->count, sizeof *plan->cut);
    if (others < 0 || !plan->cut)
        return FSN__NOMEM(err);
    plan->tail_nodes = others;
    for (int i = 0; i < ends->count; i++) {
        plan->cut[i] = strdup(graph->values[ends->value[i]].name);
        if (!plan->cut[i])
            return FSN__NOMEM(err);
        plan->cut_count++;
    }
    return FSN_OK;
}
