/* classifier.c - does the network fit the data? Then it gets an executor. */
#include "train/classifier.h"
#include "train/view.h"

static enum fsn_status check_logits(const struct fsn__tensor *logits, const char *who,
                                    const struct fsn_dataset *data, int64_t batch,
                                    struct fsn_error *err)
{
    int64_t classes = 0;

    if (!fsn__graph_is_vector(logits, &classes) || logits->dim[0] != batch)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: a batch of %lld images gives %s %s, expected one row of logits an "
                         "image, [%lld,classes]",
                         who, (long long)batch, fsn__dtype_name(logits->dtype), FSN__SHAPE(logits),
                         (long long)batch);
    if (classes < data->classes)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the network tells %lld classes apart, the data set has %d", who,
                         (long long)classes, data->classes);
    return FSN_OK;
}

enum fsn_status fsn__check_classes(const struct fsn_dataset *data, const char *who,
                                   struct fsn_error *err)
{
    if (data->classes > 0)
        return FSN_OK;
    return FSN__FAIL(err, FSN_MISMATCH,
                     "%s: the data set has images without classes (%s), which a classifier is "
                     "neither trained nor measured by",
                     who, data->format);
}

enum fsn_status fsn__classifier_create_with(struct fsn__graph *graph, const char *who,
                                            const struct fsn_dataset *data, const char *output,
                                            const struct fsn__exec_options *options,
                                            const int *values, int count,
                                            struct fsn__classifier *out, struct fsn_error *err)
{
    int outputs[FSN__MAX_IO];
    struct fsn__exec_options actual = *options;
    struct fsn__classifier made = {0};
    const struct fsn__tensor *images, *logits;
    struct fsn__head head = {0};
    enum fsn_status status;

    if (data->detection)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the data set is one of boxes (%s), which are not classes of images: "
                         "a detector finds them",
                         who, data->format);
    if (data->segmentation)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the data set is one of masks (%s), whose classes are of pixels and "
                         "not of images",
                         who, data->format);
    status = fsn__graph_find_head(graph, output, data->classes, &head, err);
    if (status != FSN_OK)
        return status;
    status = fsn__view_fix_batch(graph, who, &actual, err);
    if (status != FSN_OK)
        return status;
    outputs[0] = head.logits;
    for (int i = 0; i < count; i++)
        outputs[i + 1] = values[i];
    status = fsn__view_create(graph, who, data, outputs, count + 1, &made.graph, err);
    if (status == FSN_OK)
        status = actual.training ? fsn__exec_create(made.graph, &actual, &made.exec, err)
                                 : fsn__shards_create(made.graph, &actual, &made.shards, err);
    if (status != FSN_OK) {
        fsn__classifier_clear(&made);
        return status;
    }
    images = made.exec ? fsn__exec_input(made.exec, 0) : fsn__shards_input(made.shards);
    logits = made.exec ? fsn__exec_output(made.exec, 0) : fsn__shards_output(made.shards);
    status = check_logits(logits, who, data, actual.batch, err);
    if (status == FSN_OK && made.exec && !fsn__exec_output_grad(made.exec, 0))
        status = FSN__FAIL(err, FSN_MISMATCH,
                           "%s: no weight that could be trained lies before the "
                           "output",
                           who);
    if (status != FSN_OK) {
        fsn__classifier_clear(&made);
        return status;
    }
    made.batch = actual.batch;
    made.classes = head.classes;
    made.images = fsn__f32(images);
    made.image_bytes = fsn__tensor_bytes(images);
    made.logits = fsn__f32(logits);
    made.dlogits = made.exec ? fsn__f32(fsn__exec_output_grad(made.exec, 0)) : NULL;
    *out = made;
    return FSN_OK;
}

enum fsn_status fsn__classifier_create(struct fsn__graph *graph, const char *who,
                                       const struct fsn_dataset *data, const char *output,
                                       const struct fsn__exec_options *options,
                                       struct fsn__classifier *out, struct fsn_error *err)
{
    return fsn__classifier_create_with(graph, who, data, output, options, NULL, 0, out, err);
}

const struct fsn__tensor *fsn__classifier_value(const struct fsn__classifier *classifier, int i)
{
    return classifier->exec ? fsn__exec_output(classifier->exec, i + 1)
                            : fsn__shards_output_of(classifier->shards, i + 1);
}

float *fsn__classifier_value_grad(const struct fsn__classifier *classifier, int i)
{
    return fsn__f32(fsn__exec_output_grad(classifier->exec, i + 1));
}

enum fsn_status fsn__classifier_forward(struct fsn__classifier *classifier, uint64_t step,
                                        struct fsn_error *err)
{
    return classifier->exec ? fsn__exec_forward(classifier->exec, step, err)
                            : fsn__shards_forward(classifier->shards, err);
}

size_t fsn__classifier_memory(const struct fsn__classifier *classifier)
{
    return classifier->exec ? fsn__exec_memory(classifier->exec)
                            : fsn__shards_memory(classifier->shards);
}

enum fsn_status fsn__classifier_memory_bound(const struct fsn__classifier *classifier,
                                             size_t *bytes, struct fsn_error *err)
{
    return classifier->exec ? fsn__exec_memory_bound(classifier->exec, bytes, err)
                            : fsn__shards_memory_bound(classifier->shards, bytes, err);
}

void fsn__classifier_clear(struct fsn__classifier *classifier)
{
    fsn__exec_destroy(classifier->exec);
    fsn__shards_destroy(classifier->shards);
    fsn__graph_destroy(classifier->graph);
    classifier->exec = NULL;
    classifier->shards = NULL;
    classifier->graph = NULL;
}
