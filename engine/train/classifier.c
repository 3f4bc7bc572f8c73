/* classifier.c - does the network fit the data? Then it gets an executor. */
#include "train/classifier.h"

static enum fsn_status check_input(const struct fsn__graph *graph, const char *who,
                                   const struct fsn_dataset *data, struct fsn_error *err)
{
    const struct fsn__value *input;
    const int64_t *dim;

    if (graph->input_count != 1 || graph->output_count < 1)
        return FSN__FAIL(
            err, FSN_MISMATCH,
            "%s: one input (images) and an output (logits) are needed, the network has "
            "%d and %d",
            who, graph->input_count, graph->output_count);
    input = &graph->values[graph->inputs[0]];
    dim = input->tensor.dim;
    if (input->tensor.dtype != FSN__F32 || input->tensor.ndim != 4 || dim[1] != data->channels ||
        dim[2] != data->height || dim[3] != data->width)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: input '%s' takes %s %s, the images are [N,%d,%d,%d]", who,
                         input->name, fsn__dtype_name(input->tensor.dtype),
                         FSN__SHAPE(&input->tensor), data->channels, data->height, data->width);
    return FSN_OK;
}

static enum fsn_status check_logits(const struct fsn__tensor *logits, const char *who,
                                    const struct fsn_dataset *data, int64_t batch,
                                    struct fsn_error *err)
{
    bool flat =
        logits->ndim == 2 || (logits->ndim == 4 && logits->dim[2] == 1 && logits->dim[3] == 1);

    if (logits->dtype != FSN__F32 || !flat || logits->dim[0] != batch)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: a batch of %lld images gives %s %s, expected one row of logits an "
                         "image, [%lld,classes]",
                         who, (long long)batch, fsn__dtype_name(logits->dtype), FSN__SHAPE(logits),
                         (long long)batch);
    if (logits->dim[1] < data->classes)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the network tells %lld classes apart, the data set has %d", who,
                         (long long)logits->dim[1], data->classes);
    return FSN_OK;
}

enum fsn_status fsn__classifier_create(struct fsn__graph *graph, const char *who,
                                       const struct fsn_dataset *data,
                                       const struct fsn__exec_options *options,
                                       struct fsn__classifier *out, struct fsn_error *err)
{
    struct fsn__exec_options actual = *options;
    struct fsn__classifier made = {0};
    const struct fsn__tensor *images, *logits;
    enum fsn_status status = check_input(graph, who, data, err);
    int64_t fixed;

    if (status != FSN_OK)
        return status;
    fixed = graph->values[graph->inputs[0]].tensor.dim[0];
    if (fixed != FSN_BATCH && fixed != actual.batch && actual.training)
        return FSN__FAIL(
            err, FSN_MISMATCH,
            "%s: the network is made for batches of %lld images, training was to use "
            "%lld: set finetune.batch_size to that or export it with a free batch axis",
            who, (long long)fixed, (long long)actual.batch);
    if (fixed != FSN_BATCH)
        actual.batch = fixed;
    status = actual.training ? fsn__exec_create(graph, &actual, &made.exec, err)
                             : fsn__shards_create(graph, &actual, &made.shards, err);
    if (status != FSN_OK)
        return status;
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
    made.classes = logits->dim[1];
    made.images = fsn__f32(images);
    made.image_bytes = fsn__tensor_bytes(images);
    made.logits = fsn__f32(logits);
    made.dlogits = made.exec ? fsn__f32(fsn__exec_output_grad(made.exec, 0)) : NULL;
    *out = made;
    return FSN_OK;
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
    classifier->exec = NULL;
    classifier->shards = NULL;
}

enum fsn_status fsn__check_preprocess(const struct fsn_preprocess *preprocess,
                                      const struct fsn_dataset *data, struct fsn_error *err)
{
    if (preprocess->channels != 0 && preprocess->channels != data->channels)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "preprocess: mean and std are given for %d channels, the images have %d",
                         preprocess->channels, data->channels);
    return FSN_OK;
}
