/* detector.c - does the network find what the data set has? Then it gets an executor. */
#include "train/detector.h"
#include "train/view.h"

static enum fsn_status check_rows(const struct fsn__tensor *t, const char *who, const char *name,
                                  int64_t batch, int64_t boxes, int64_t width,
                                  struct fsn_error *err)
{
    if (t->dtype == FSN__F32 && t->ndim == 3 && t->dim[0] == batch && t->dim[1] == boxes &&
        t->dim[2] == width)
        return FSN_OK;
    return FSN__FAIL(err, FSN_MISMATCH,
                     "%s: of a batch of %lld images the %s are %s %s, expected [%lld,%lld,%lld]",
                     who, (long long)batch, name, fsn__dtype_name(t->dtype), FSN__SHAPE(t),
                     (long long)batch, (long long)boxes, (long long)width);
}

/* Output i of what runs. */
static struct fsn__tensor *output(const struct fsn__detector *detector, int i)
{
    return detector->exec ? fsn__exec_output(detector->exec, i)
                          : fsn__shards_output_of(detector->shards, i);
}

/* Points into what runs. */
static enum fsn_status look_at(struct fsn__detector *detector, const char *who,
                               struct fsn_error *err)
{
    const struct fsn__detector_head *head = &detector->head;
    struct fsn__exec *exec = detector->exec;
    const struct fsn__tensor *images =
        exec ? fsn__exec_input(exec, 0) : fsn__shards_input(detector->shards);
    const struct fsn__tensor *locations = output(detector, 0), *confidences = output(detector, 1);
    enum fsn_status status =
        check_rows(locations, who, "locations", detector->batch, head->boxes, 4, err);

    if (status == FSN_OK)
        status = check_rows(confidences, who, "confidences", detector->batch, head->boxes,
                            head->classes + 1, err);
    if (status != FSN_OK)
        return status;
    if (exec && (!fsn__exec_output_grad(exec, 0) || !fsn__exec_output_grad(exec, 1)))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: no weight that could be trained lies before the %s", who,
                         fsn__exec_output_grad(exec, 0) ? "confidences" : "locations");
    detector->images = fsn__f32(images);
    detector->image_bytes = fsn__tensor_bytes(images);
    detector->locations = fsn__f32(locations);
    detector->confidences = fsn__f32(confidences);
    detector->dlocations = exec ? fsn__f32(fsn__exec_output_grad(exec, 0)) : NULL;
    detector->dconfidences = exec ? fsn__f32(fsn__exec_output_grad(exec, 1)) : NULL;
    return FSN_OK;
}

enum fsn_status fsn__detector_create_with(struct fsn__graph *graph, const char *who,
                                          const struct fsn_dataset *data,
                                          const struct fsn_spec *spec,
                                          const struct fsn__exec_options *options,
                                          const int *values, int count, struct fsn__detector *out,
                                          struct fsn_error *err)
{
    int outputs[FSN__MAX_IO];
    struct fsn__exec_options actual = *options;
    struct fsn__detector made = {.exec = NULL};
    enum fsn_status status;

    if (!data->detection)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the data set has no boxes (%s); a detector needs objects with boxes, "
                         "as voc and coco sets have",
                         who, data->format);
    status = fsn__view_fix_batch(graph, who, &actual, err);
    if (status == FSN_OK)
        status = fsn__detector_head_find(graph, who, data->classes, spec, &made.head, err);
    if (status != FSN_OK)
        goto fail;
    outputs[0] = made.head.locations;
    outputs[1] = made.head.confidences;
    for (int i = 0; i < count; i++)
        outputs[i + 2] = values[i];
    status = fsn__view_create(graph, who, data, outputs, count + 2, &made.graph, err);
    if (status == FSN_OK)
        status = actual.training ? fsn__exec_create(made.graph, &actual, &made.exec, err)
                                 : fsn__shards_create(made.graph, &actual, &made.shards, err);
    if (status != FSN_OK)
        goto fail;
    made.batch = actual.batch;
    status = look_at(&made, who, err);
    if (status != FSN_OK)
        goto fail;
    *out = made;
    return FSN_OK;
fail:
    fsn__detector_clear(&made);
    return status;
}

enum fsn_status fsn__detector_create(struct fsn__graph *graph, const char *who,
                                     const struct fsn_dataset *data, const struct fsn_spec *spec,
                                     const struct fsn__exec_options *options,
                                     struct fsn__detector *out, struct fsn_error *err)
{
    return fsn__detector_create_with(graph, who, data, spec, options, NULL, 0, out, err);
}

const struct fsn__tensor *fsn__detector_value(const struct fsn__detector *detector, int i)
{
    return output(detector, i + 2);
}

float *fsn__detector_value_grad(const struct fsn__detector *detector, int i)
{
    return fsn__f32(fsn__exec_output_grad(detector->exec, i + 2));
}

enum fsn_status fsn__detector_forward(struct fsn__detector *detector, uint64_t step,
                                      struct fsn_error *err)
{
    return detector->exec ? fsn__exec_forward(detector->exec, step, err)
                          : fsn__shards_forward(detector->shards, err);
}

size_t fsn__detector_memory(const struct fsn__detector *detector)
{
    return detector->exec ? fsn__exec_memory(detector->exec) : fsn__shards_memory(detector->shards);
}

void fsn__detector_clear(struct fsn__detector *detector)
{
    fsn__exec_destroy(detector->exec);
    fsn__shards_destroy(detector->shards);
    fsn__graph_destroy(detector->graph);
    fsn__detector_head_clear(&detector->head);
    detector->exec = NULL;
    detector->shards = NULL;
    detector->graph = NULL;
}
