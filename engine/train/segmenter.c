/* segmenter.c - finds the class map of a network, and makes what runs it. */
#include "train/segmenter.h"
#include "train/view.h"

#include <string.h>

/* ---- the class map --------------------------------------------------------------------------- */

static bool is_map(const struct fsn__graph *graph, int value, int classes)
{
    const struct fsn__tensor *t = &graph->values[value].tensor;

    return t->dtype == FSN__F32 && t->ndim == 4 && t->dim[1] >= classes && t->dim[2] > 0 &&
           t->dim[3] > 0 && graph->values[value].producer >= 0;
}

/* What a Softmax over the classes reads. */
static int logits_of(const struct fsn__graph *graph, int value)
{
    int axis = 0;
    const struct fsn__node *softmax = fsn__view_softmax(graph, value, &axis);

    return softmax && axis == 1 ? softmax->in[0] : value;
}

static int find_named(const struct fsn__graph *graph, const char *name)
{
    for (int i = 0; i < graph->output_count; i++)
        if (strcmp(graph->values[graph->outputs[i]].name, name) == 0)
            return graph->outputs[i];
    return -1;
}

/* The only output of exactly so many scores, or of more; -1: none, -2: several. */
static int find_only(const struct fsn__graph *graph, int classes, bool more)
{
    int found = -1;

    for (int i = 0; i < graph->output_count; i++) {
        const int value = graph->outputs[i];

        if (!is_map(graph, value, classes) ||
            (!more && graph->values[value].tensor.dim[1] != classes))
            continue;
        if (found != -1)
            return -2;
        found = value;
    }
    return found;
}

enum fsn_status fsn__class_map_find(const struct fsn__graph *graph, const char *who, int classes,
                                    const struct fsn_spec *spec, struct fsn__class_map *out,
                                    struct fsn_error *err)
{
    int value;

    if (spec->output) {
        value = find_named(graph, spec->output);
        if (value < 0)
            return FSN__FAIL(err, FSN_INVALID, "%s: output: the network has no '%.100s'; it has %s",
                             who, spec->output, FSN__LIST_OUTPUTS(graph));
        if (!is_map(graph, value, classes))
            return FSN__FAIL(
                err, FSN_MISMATCH,
                "%s: output '%.100s' is %s %s, expected float32 [N,%d,h,w], a score of "
                "each class for each pixel",
                who, spec->output, fsn__dtype_name(graph->values[value].tensor.dtype),
                FSN__SHAPE(&graph->values[value].tensor), classes);
    } else {
        value = find_only(graph, classes, false);
        if (value == -1)
            value = find_only(graph, classes, true);
        if (value < 0)
            return FSN__FAIL(
                err, FSN_MISMATCH,
                "%s: %s of %d scores for each pixel, float32 [N,%d,h,w]%s; it has %s", who,
                value == -1 ? "the network has no output" : "the network has several outputs",
                classes, classes, value == -1 ? "" : ": name one by output",
                FSN__LIST_OUTPUTS(graph));
    }
    *out =
        (struct fsn__class_map){value, logits_of(graph, value), graph->values[value].tensor.dim[1]};
    return FSN_OK;
}

/* ---- what runs ------------------------------------------------------------------------------- */

/* Points into what runs. */
static enum fsn_status look_at(struct fsn__segmenter *s, const char *who, struct fsn_error *err)
{
    const struct fsn__tensor *images =
        s->exec ? fsn__exec_input(s->exec, 0) : fsn__shards_input(s->shards);
    const struct fsn__tensor *scores =
        s->exec ? fsn__exec_output(s->exec, 0) : fsn__shards_output(s->shards);

    if (scores->dtype != FSN__F32 || scores->ndim != 4 || scores->dim[0] != s->batch ||
        scores->dim[1] != s->classes)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: of a batch of %lld images the class map is %s %s, expected float32 "
                         "[%lld,%lld,h,w]",
                         who, (long long)s->batch, fsn__dtype_name(scores->dtype),
                         FSN__SHAPE(scores), (long long)s->batch, (long long)s->classes);
    if (s->exec && !fsn__exec_output_grad(s->exec, 0))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: no weight that could be trained lies before the class map", who);
    s->height = scores->dim[2];
    s->width = scores->dim[3];
    s->images = fsn__f32(images);
    s->scores = fsn__f32(scores);
    s->dscores = s->exec ? fsn__f32(fsn__exec_output_grad(s->exec, 0)) : NULL;
    return FSN_OK;
}

enum fsn_status fsn__segmenter_create(struct fsn__graph *graph, const char *who,
                                      const struct fsn_dataset *data, const struct fsn_spec *spec,
                                      const struct fsn__exec_options *options, bool as_written,
                                      struct fsn__segmenter *out, struct fsn_error *err)
{
    struct fsn__exec_options actual = *options;
    struct fsn__segmenter made = {.exec = NULL};
    struct fsn__class_map map;
    enum fsn_status status;

    if (!data->segmentation)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the data set has no masks (%s), which give the class of every pixel",
                         who, data->format);
    status = fsn__class_map_find(graph, who, data->classes, spec, &map, err);
    if (status == FSN_OK)
        status = fsn__view_fix_batch(graph, who, &actual, err);
    if (status == FSN_OK)
        status = fsn__view_create(graph, who, data, as_written ? &map.output : &map.logits, 1,
                                  &made.graph, err);
    if (status == FSN_OK)
        status = actual.training ? fsn__exec_create(made.graph, &actual, &made.exec, err)
                                 : fsn__shards_create(made.graph, &actual, &made.shards, err);
    made.batch = actual.batch;
    made.classes = status == FSN_OK ? map.classes : 0;
    if (status == FSN_OK)
        status = look_at(&made, who, err);
    if (status != FSN_OK) {
        fsn__segmenter_clear(&made);
        return status;
    }
    *out = made;
    return FSN_OK;
}

enum fsn_status fsn__segmenter_forward(struct fsn__segmenter *segmenter, uint64_t step,
                                       struct fsn_error *err)
{
    return segmenter->exec ? fsn__exec_forward(segmenter->exec, step, err)
                           : fsn__shards_forward(segmenter->shards, err);
}

void fsn__segmenter_clear(struct fsn__segmenter *segmenter)
{
    fsn__exec_destroy(segmenter->exec);
    fsn__shards_destroy(segmenter->shards);
    fsn__graph_destroy(segmenter->graph);
    *segmenter = (struct fsn__segmenter){.exec = NULL};
}
