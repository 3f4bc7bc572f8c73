/* shards.c - executors side by side, one for each share of the batch.
 *
 * Which networks are split: those that use each of their weights at least USES times in a share,
 * counted in multiplications. Measured (Zen 5, two cores; shares of 2, 4, 8, 16, 32 images of
 * ResNet-18, which are 100 to 1600 uses): 1.20, 1.13, 1.25, 1.15, 1.18 x. Below that, as in a few
 * images through layers that are fully connected, reading the weights is most of the work.
 */
#include "graph/shards.h"

#include <stdlib.h>
#include <string.h>

enum { USES = 64 };

struct share {
    struct fsn__exec *exec;
    int64_t first, count; /* images of the batch */
    enum fsn_status status;
    struct fsn_error err;
};

struct fsn__shards {
    struct fsn__pool *pool;
    struct fsn__tensor input,
        output; /* of the whole batch; of a single share: the executor's own */
    int count;
    struct share share[];
};

static int64_t weights_of(const struct fsn__graph *graph)
{
    int64_t total = 0;

    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].tensor.data)
            total += fsn__numel(&graph->values[i].tensor);
    return total;
}

static int choose_count(const struct fsn__graph *graph, const struct fsn__exec_options *options)
{
    const int slices = fsn__pool_slices(options->pool);
    const int64_t dim = graph->input_count == 1 ? graph->values[graph->inputs[0]].tensor.dim[0] : 1;
    int64_t weights = weights_of(graph), images;

    if (dim != FSN_BATCH || graph->output_count != 1 || slices < 2 || options->batch < slices)
        return 1;
    images = options->batch / slices;
    return fsn__graph_macs(graph) / (weights > 0 ? weights : 1) >= USES / images ? slices : 1;
}

static enum fsn_status create_share(struct fsn__graph *graph, struct fsn__exec_options options,
                                    int index, int count, struct share *share,
                                    struct fsn_error *err)
{
    int64_t end;

    fsn__share(options.batch, index, count, &share->first, &end);
    share->count = end - share->first;
    if (count > 1) {
        options.batch = share->count;
        options.pool = NULL;
    }
    return fsn__exec_create(graph, &options, &share->exec, err);
}

/* The whole batch's tensor around a share's. */
static enum fsn_status widen(const struct fsn__tensor *share, int64_t batch,
                             struct fsn__tensor *whole, struct fsn_error *err)
{
    fsn__shape_copy(whole, share);
    whole->dim[0] = batch;
    whole->data = fsn__aligned_calloc(fsn__tensor_bytes(whole), 1);
    return whole->data ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status create(struct fsn__graph *graph, const struct fsn__exec_options *options,
                              int count, struct fsn__shards **out, struct fsn_error *err)
{
    struct fsn__shards *shards = calloc(1, sizeof *shards + (size_t)count * sizeof *shards->share);
    enum fsn_status status = FSN_OK;

    if (!shards)
        return FSN__NOMEM(err);
    shards->pool = options->pool;
    for (shards->count = 0; shards->count < count && status == FSN_OK; shards->count++)
        status =
            create_share(graph, *options, shards->count, count, &shards->share[shards->count], err);
    if (status == FSN_OK && count == 1) {
        shards->input = *fsn__exec_input(shards->share[0].exec, 0);
        shards->output = *fsn__exec_output(shards->share[0].exec, 0);
    } else if (status == FSN_OK) {
        status =
            widen(fsn__exec_input(shards->share[0].exec, 0), options->batch, &shards->input, err);
        if (status == FSN_OK)
            status = widen(fsn__exec_output(shards->share[0].exec, 0), options->batch,
                           &shards->output, err);
    }
    if (status != FSN_OK) {
        fsn__shards_destroy(shards);
        return status;
    }
    *out = shards;
    return FSN_OK;
}

/* Whether every share gives one row of output an image. */
static bool fits(const struct fsn__shards *shards)
{
    for (int i = 0; i < shards->count; i++) {
        const struct fsn__tensor *output = fsn__exec_output(shards->share[i].exec, 0);

        if (output->ndim < 1 || output->dim[0] != shards->share[i].count)
            return false;
    }
    return true;
}

enum fsn_status fsn__shards_create(struct fsn__graph *graph,
                                   const struct fsn__exec_options *options,
                                   struct fsn__shards **out, struct fsn_error *err)
{
    const int count = choose_count(graph, options);
    struct fsn__shards *split = NULL;

    if (count > 1 && create(graph, options, count, &split, NULL) == FSN_OK && fits(split)) {
        *out = split;
        return FSN_OK;
    }
    fsn__shards_destroy(split); /* in one piece it may do, or say why not */
    return create(graph, options, 1, out, err);
}

void fsn__shards_destroy(struct fsn__shards *shards)
{
    if (!shards)
        return;
    if (shards->count > 1) {
        free(shards->input.data);
        free(shards->output.data);
    }
    for (int i = 0; i < shards->count; i++)
        fsn__exec_destroy(shards->share[i].exec);
    free(shards);
}

struct fsn__tensor *fsn__shards_input(struct fsn__shards *shards)
{
    return &shards->input;
}

struct fsn__tensor *fsn__shards_output(struct fsn__shards *shards)
{
    return &shards->output;
}

struct fsn__tensor *fsn__shards_output_of(struct fsn__shards *shards, int i)
{
    return fsn__exec_output(shards->share[0].exec, i);
}

/* Rows [first, first + count) of the whole batch. */
static char *rows(const struct fsn__tensor *whole, const struct share *share, size_t *bytes)
{
    const size_t row = fsn__tensor_bytes(whole) / (size_t)whole->dim[0];

    *bytes = row * (size_t)share->count;
    return (char *)whole->data + row * (size_t)share->first;
}

static void share_task(void *arg, int slice, int slices)
{
    struct fsn__shards *shards = arg;
    struct share *share = &shards->share[slice];
    size_t bytes;
    char *part;

    (void)slices;
    part = rows(&shards->input, share, &bytes);
    memcpy(fsn__exec_input(share->exec, 0)->data, part, bytes);
    share->status = fsn__exec_forward(share->exec, 0, &share->err);
    part = rows(&shards->output, share, &bytes);
    memcpy(part, fsn__exec_output(share->exec, 0)->data, bytes);
}

enum fsn_status fsn__shards_forward(struct fsn__shards *shards, struct fsn_error *err)
{
    if (shards->count == 1)
        return fsn__exec_forward(shards->share[0].exec, 0, err);
    fsn__pool_run(shards->pool, share_task, shards);
    for (int i = 0; i < shards->count; i++)
        if (shards->share[i].status != FSN_OK) {
            if (err)
                *err = shards->share[i].err;
            return shards->share[i].status;
        }
    return FSN_OK;
}

int fsn__shards_count(const struct fsn__shards *shards)
{
    return shards->count;
}

void fsn__shards_set_timer(struct fsn__shards *shards, fsn__exec_timer_fn *timer, void *user)
{
    fsn__exec_set_timer(shards->share[0].exec, timer, user);
}

size_t fsn__shards_memory(const struct fsn__shards *shards)
{
    size_t bytes = 0;

    for (int i = 0; i < shards->count; i++)
        bytes += fsn__exec_memory(shards->share[i].exec);
    if (shards->count > 1)
        bytes += fsn__tensor_bytes(&shards->input) + fsn__tensor_bytes(&shards->output);
    return bytes;
}

enum fsn_status fsn__shards_memory_bound(struct fsn__shards *shards, size_t *bytes,
                                         struct fsn_error *err)
{
    size_t total = 0, share;

    for (int i = 0; i < shards->count; i++) {
        enum fsn_status status = fsn__exec_memory_bound(shards->share[i].exec, &share, err);

        if (status != FSN_OK)
            return status;
        total += share;
    }
    *bytes = total;
    return FSN_OK;
}
