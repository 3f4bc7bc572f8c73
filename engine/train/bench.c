/* bench.c - how fast a network runs or trains: whole steps on random images, timed one by one.
 *
 * A training step is what the trainer does between two batches: forward, cross-entropy, backward,
 * SGD. It works on a copy of the network. The first steps touch fresh memory and are not counted.
 */
#include "core/rng.h"
#include "train/classifier.h"
#include "train/meter.h"
#include "train/parameters.h"

#include <stdlib.h>

enum { WARMUP_STEPS = 2, MAX_STEPS = 1000000 };

struct bench {
    struct fsn__graph *graph;
    struct fsn__pool *pool;
    struct fsn__classifier network;
    struct fsn__parameters parameters;
    int32_t *labels;
    double *seconds; /* [steps] */
};

static const struct fsn_spec SETTINGS = {.finetune = {.momentum = 0.9, .weight_decay = 1e-4}};
static const double RATE = 1e-4;

static void fill(struct bench *b)
{
    struct fsn__rng rng = fsn__rng_open(0, FSN__RNG_BENCH, 0, 0);
    size_t floats = b->network.image_bytes / sizeof(float);

    for (size_t i = 0; i < floats; i++)
        b->network.images[i] = (float)fsn__rng_normal(&rng);
    for (int64_t i = 0; i < b->network.batch; i++)
        b->labels[i] = (int32_t)fsn__rng_below(&rng, (uint64_t)b->network.classes);
}

static enum fsn_status prepare(struct bench *b, const struct fsn_model *model, bool training,
                               int batch, int steps, struct fsn_error *err)
{
    struct fsn__exec_options options = {.batch = batch, .training = training, .pool = b->pool};
    const struct fsn__tensor *input;
    struct fsn_dataset shape = {.classes = 1};
    enum fsn_status status = fsn__graph_clone(model->graph, &b->graph, err);

    if (status != FSN_OK)
        return status;
    input = b->graph->input_count > 0 ? &b->graph->values[b->graph->inputs[0]].tensor : NULL;
    if (input && input->ndim == 4) { /* else the check below says why not */
        shape.channels = (int)input->dim[1];
        shape.height = (int)input->dim[2];
        shape.width = (int)input->dim[3];
    }
    if (training)
        fsn__graph_mark_trainable(b->graph);
    status = fsn__classifier_create(b->graph, "bench", &shape, &options, &b->network, err);
    if (status == FSN_OK && training)
        status = fsn__parameters_collect(b->graph, b->network.exec, &b->parameters, err);
    if (status != FSN_OK)
        return status;
    b->labels = calloc((size_t)b->network.batch, sizeof *b->labels);
    b->seconds = calloc((size_t)steps, sizeof *b->seconds);
    return b->labels && b->seconds ? FSN_OK : FSN__NOMEM(err);
}

static enum fsn_status run_step(struct bench *b, bool training, uint64_t step,
                                struct fsn_error *err)
{
    enum fsn_status status = fsn__exec_forward(b->network.exec, step, err);

    if (status != FSN_OK || !training)
        return status;
    fsn__distill_loss(b->network.logits, NULL, b->labels, b->network.batch, b->network.classes, 0,
                      1, b->network.dlogits, NULL);
    status = fsn__exec_backward(b->network.exec, err);
    if (status == FSN_OK)
        fsn__parameters_step(&b->parameters, &SETTINGS, RATE, b->pool);
    return status;
}

static int64_t memory_of(const struct bench *b)
{
    size_t bytes = fsn__exec_memory(b->network.exec);

    for (int i = 0; i < b->graph->value_count; i++)
        if (b->graph->values[i].tensor.data)
            bytes += fsn__tensor_bytes(&b->graph->values[i].tensor);
    for (int i = 0; i < b->parameters.count; i++)
        bytes += (size_t)b->parameters.item[i].size * sizeof(float); /* momentum */
    return (int64_t)bytes;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

enum fsn_status fsn_bench_model(const struct fsn_model *model, bool training, int batch,
                                int threads, int steps, struct fsn_bench *out,
                                struct fsn_error *err)
{
    struct bench b = {0};
    enum fsn_status status;

    if (batch < 1 || steps < 1 || steps > MAX_STEPS)
        return FSN__FAIL(err, FSN_INVALID,
                         "bench: batch must be at least 1 and steps 1..%d, got %d and %d",
                         MAX_STEPS, batch, steps);
    status = fsn__pool_create(threads, &b.pool, err);
    if (status == FSN_OK)
        status = prepare(&b, model, training, batch, steps, err);
    if (status != FSN_OK)
        goto out;
    fill(&b);
    for (int i = -WARMUP_STEPS; i < steps; i++) {
        double start = fsn__seconds();

        status = run_step(&b, training, (uint64_t)(i + WARMUP_STEPS), err);
        if (status != FSN_OK)
            goto out;
        if (i >= 0)
            b.seconds[i] = fsn__seconds() - start;
    }
    qsort(b.seconds, (size_t)steps, sizeof *b.seconds, compare);
    *out = (struct fsn_bench){
        .steps = steps,
        .images_per_second_median = fsn__per_second(b.network.batch, b.seconds[steps / 2]),
        .images_per_second_p10 = fsn__per_second(b.network.batch, b.seconds[steps / 10]),
        .ms_median = 1e3 * b.seconds[steps / 2],
        .memory_bytes = memory_of(&b),
    };
out:
    free(b.labels);
    free(b.seconds);
    fsn__parameters_clear(&b.parameters);
    fsn__classifier_clear(&b.network);
    fsn__graph_destroy(b.graph);
    fsn__pool_destroy(b.pool);
    return status;
}
