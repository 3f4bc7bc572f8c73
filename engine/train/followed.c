/*
 * followed.c - finds outputs that can be compared, and makes what runs them.
 *
 * A softmax is compared by what it reads, its logits: its own output is so flat at the ends that
 * hardly a gradient comes back through it.
 */
#include "train/followed.h"
#include "train/view.h"

#include <stdlib.h>
#include <string.h>

/* ---- which outputs --------------------------------------------------------------------------- */

/* As the spec has it, made definite. */
static struct fsn__followed_output describe(const struct fsn__graph *graph, int value,
                                            enum fsn_output_loss loss, double weight)
{
    const struct fsn__tensor *t = &graph->values[value].tensor;
    struct fsn__followed_output out = {graph->values[value].name, value, loss, weight, 0};
    const struct fsn__node *softmax = fsn__view_softmax(graph, value, &out.axis);

    if (loss == FSN_OUTPUT_AUTO)
        out.loss = softmax ? FSN_OUTPUT_KL : FSN_OUTPUT_MSE;
    if (out.loss != FSN_OUTPUT_KL)
        return out;
    if (softmax)
        out.value = softmax->in[0];
    else
        out.axis = t->ndim == 4 ? 1 : t->ndim - 1;
    return out;
}

static bool has_images(const struct fsn__graph *graph, int value)
{
    const struct fsn__tensor *t = &graph->values[value].tensor;
    const struct fsn__tensor *input = &graph->values[graph->inputs[0]].tensor;

    return !graph->values[value].late && t->dtype == FSN__F32 && t->ndim >= 2 &&
           graph->values[value].producer >= 0 && t->dim[0] == input->dim[0];
}

static bool is_output(const struct fsn__graph *graph, int value)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return true;
    return false;
}

/* The value inside that could be followed and whose name is most like the one that is not there. */
static const char *nearest_inner(const struct fsn__graph *graph, const char *name)
{
    enum { COMPARED = 4096 };
    size_t best = strlen(name) / 3 + 2;
    const char *nearest = NULL;

    for (int i = 0; i < graph->value_count && i < COMPARED; i++) {
        const size_t distance = fsn_edit_distance(graph->values[i].name, name);

        if (distance < best && has_images(graph, i) && !is_output(graph, i)) {
            best = distance;
            nearest = graph->values[i].name;
        }
    }
    return nearest;
}

static enum fsn_status find_named(const struct fsn__graph *graph, const char *who,
                                  const struct fsn_distill_output *wanted,
                                  struct fsn__followed_output *out, struct fsn_error *err)
{
    const int at = fsn__graph_find_computed(graph, wanted->name);
    const struct fsn__value *value;
    const char *nearest;

    if (at < 0) {
        nearest = nearest_inner(graph, wanted->name);
        return FSN__FAIL(
            err, FSN_INVALID,
            "%s: distill_outputs: the network has no output '%.100s'; it has %s%s%.60s%s", who,
            wanted->name, FSN__LIST_OUTPUTS(graph), nearest ? ", and inside it '" : "",
            nearest ? nearest : "", nearest ? "'" : "");
    }
    value = &graph->values[at];
    if (!has_images(graph, at))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: output '%.100s' is %s %s, expected float32 with a row for each "
                         "image",
                         who, value->name, fsn__dtype_name(value->tensor.dtype),
                         FSN__SHAPE(&value->tensor));
    *out = describe(graph, at, wanted->loss, wanted->weight);
    return FSN_OK;
}

/* Every output that can be followed. */
static enum fsn_status find_all(const struct fsn__graph *graph, const char *who,
                                struct fsn__followed_list *out, struct fsn_error *err)
{
    bool *blocked = calloc((size_t)graph->node_count + 1, sizeof *blocked);
    enum fsn_status status = blocked ? FSN_OK : FSN__NOMEM(err);

    for (int i = 0; status == FSN_OK && i < graph->output_count; i++) {
        const int value = graph->outputs[i];
        const struct fsn__ends end = {1, {value}};

        if (!has_images(graph, value))
            continue;
        memset(blocked, 0, (size_t)graph->node_count * sizeof *blocked);
        if (fsn__graph_find_blocked(graph, &end, blocked) != 0)
            continue;
        if (out->count == FSN_MAX_DISTILL_OUTPUTS)
            status = FSN__FAIL(err, FSN_MISMATCH,
                               "%s: the network has more than %d outputs: name those that are to "
                               "follow by distill_outputs",
                               who, FSN_MAX_DISTILL_OUTPUTS);
        else
            out->item[out->count++] = describe(graph, value, FSN_OUTPUT_AUTO, 1);
    }
    free(blocked);
    if (status == FSN_OK && out->count == 0)
        status =
            FSN__FAIL(err, FSN_MISMATCH,
                      "%s: no output can be distilled: one of float32 with a row for each "
                      "image is needed, behind operators with a gradient; the network has %s, and "
                      "values inside it may be named by distill_outputs",
                      who, FSN__LIST_OUTPUTS(graph));
    return status;
}

enum fsn_status fsn__followed_find(const struct fsn__graph *graph, const char *who,
                                   const struct fsn_spec *spec, struct fsn__followed_list *out,
                                   int *at, struct fsn_error *err)
{
    const struct fsn_distill_outputs *named = &spec->distill_outputs;
    struct fsn__followed_list found = {.count = 0};
    enum fsn_status status = FSN_OK;

    if (at)
        *at = -1;
    if (graph->input_count != 1)
        return FSN__FAIL(err, FSN_MISMATCH, "%s: one input (images) is needed, the network has %d",
                         who, graph->input_count);
    if (named->count == 0)
        status = find_all(graph, who, &found, err);
    for (int i = 0; status == FSN_OK && i < named->count; i++) {
        status = find_named(graph, who, &named->item[i], &found.item[found.count++], err);
        if (status != FSN_OK && at)
            *at = i;
    }
    if (status == FSN_OK)
        *out = found;
    return status;
}

/* ---- what runs ------------------------------------------------------------------------------- */

static struct fsn__tensor *output(const struct fsn__followed *network, int i)
{
    if (network->exec)
        return fsn__exec_output(network->exec, i);
    /* one output alone may be made in shares */
    return network->outputs.count == 1 ? fsn__shards_output(network->shards)
                                       : fsn__shards_output_of(network->shards, i);
}

static struct fsn__measure measure_of(const struct fsn__followed_output *how,
                                      const struct fsn__tensor *t, const struct fsn_spec *spec)
{
    struct fsn__measure measure = {how->loss, spec->finetune.distill.temperature, 1, 1, 1};

    if (how->loss == FSN_OUTPUT_KL) {
        measure.outer = fsn__numel_range(t, 1, how->axis);
        measure.length = t->dim[how->axis];
        measure.inner = fsn__numel_range(t, how->axis + 1, t->ndim);
    } else {
        measure.length = fsn__numel_range(t, 1, t->ndim);
    }
    return measure;
}

/* Points into what runs. */
static enum fsn_status look_at(struct fsn__followed *network, const char *who,
                               const struct fsn_spec *spec, struct fsn_error *err)
{
    struct fsn__exec *exec = network->exec;
    const struct fsn__tensor *images =
        exec ? fsn__exec_input(exec, 0) : fsn__shards_input(network->shards);

    for (int i = 0; i < network->outputs.count; i++) {
        const struct fsn__followed_output *how = &network->outputs.item[i];
        const struct fsn__tensor *t = output(network, i);

        if (t->dtype != FSN__F32 || t->ndim < 2 || t->dim[0] != network->batch)
            return FSN__FAIL(err, FSN_MISMATCH,
                             "%s: of a batch of %lld images output '%.100s' is %s %s, expected "
                             "float32 with a row for each",
                             who, (long long)network->batch, how->name, fsn__dtype_name(t->dtype),
                             FSN__SHAPE(t));
        if (exec && !fsn__exec_output_grad(exec, i))
            return FSN__FAIL(err, FSN_MISMATCH,
                             "%s: no weight that could be trained lies before output '%.100s'", who,
                             how->name);
        network->measure[i] = measure_of(how, t, spec);
        network->output[i] = fsn__f32(t);
        network->doutput[i] = exec ? fsn__f32(fsn__exec_output_grad(exec, i)) : NULL;
    }
    network->images = fsn__f32(images);
    network->image_bytes = fsn__tensor_bytes(images);
    return FSN_OK;
}

/* The outputs themselves, by mse. */
static void take_as_written(const struct fsn__graph *graph, struct fsn__followed_list *outputs)
{
    for (int i = 0; i < outputs->count; i++) {
        outputs->item[i].value = fsn__graph_find_computed(graph, outputs->item[i].name);
        outputs->item[i].loss = FSN_OUTPUT_MSE;
    }
}

enum fsn_status fsn__followed_create(struct fsn__graph *graph, const char *who,
                                     const struct fsn_dataset *data, const struct fsn_spec *spec,
                                     const struct fsn__exec_options *options, bool as_written,
                                     struct fsn__followed *out, struct fsn_error *err)
{
    struct fsn__exec_options actual = *options;
    struct fsn__followed made = {.exec = NULL};
    int values[FSN_MAX_DISTILL_OUTPUTS];
    enum fsn_status status = fsn__followed_find(graph, who, spec, &made.outputs, NULL, err);

    if (status == FSN_OK)
        status = fsn__view_fix_batch(graph, who, &actual, err);
    if (status != FSN_OK)
        return status;
    if (as_written)
        take_as_written(graph, &made.outputs);
    for (int i = 0; i < made.outputs.count; i++)
        values[i] = made.outputs.item[i].value;
    status = fsn__view_create(graph, who, data, values, made.outputs.count, &made.graph, err);
    if (status == FSN_OK)
        status = actual.training ? fsn__exec_create(made.graph, &actual, &made.exec, err)
                                 : fsn__shards_create(made.graph, &actual, &made.shards, err);
    made.batch = actual.batch;
    if (status == FSN_OK)
        status = look_at(&made, who, spec, err);
    if (status != FSN_OK) {
        fsn__followed_clear(&made);
        return status;
    }
    *out = made;
    return FSN_OK;
}

enum fsn_status fsn__followed_forward(struct fsn__followed *network, uint64_t step,
                                      struct fsn_error *err)
{
    return network->exec ? fsn__exec_forward(network->exec, step, err)
                         : fsn__shards_forward(network->shards, err);
}

void fsn__followed_clear(struct fsn__followed *network)
{
    fsn__exec_destroy(network->exec);
    fsn__shards_destroy(network->shards);
    fsn__graph_destroy(network->graph);
    *network = (struct fsn__followed){.exec = NULL};
}

enum fsn_status fsn__followed_check_pair(const struct fsn__followed *teacher,
                                         const struct fsn__followed *student, struct fsn_error *err)
{
    if (teacher->image_bytes != student->image_bytes || teacher->batch != student->batch ||
        teacher->outputs.count != student->outputs.count)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "teacher: takes %lld images of %zu bytes in all and has %d outputs, the "
                         "student %lld of %zu and %d",
                         (long long)teacher->batch, teacher->image_bytes, teacher->outputs.count,
                         (long long)student->batch, student->image_bytes, student->outputs.count);
    for (int i = 0; i < teacher->outputs.count; i++) {
        const struct fsn__measure *a = &teacher->measure[i], *b = &student->measure[i];

        if (a->loss != b->loss || a->outer != b->outer || a->length != b->length ||
            a->inner != b->inner ||
            strcmp(teacher->outputs.item[i].name, student->outputs.item[i].name) != 0)
            return FSN__FAIL(err, FSN_MISMATCH,
                             "teacher: output '%.60s' has %lld values an image, the student's "
                             "'%.60s' %lld; both must be of one kind",
                             teacher->outputs.item[i].name, (long long)fsn__measure_values(a),
                             student->outputs.item[i].name, (long long)fsn__measure_values(b));
    }
    return FSN_OK;
}
