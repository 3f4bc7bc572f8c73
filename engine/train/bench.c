/* bench.c - how fast a network runs or trains: whole steps on random images, timed one by one.
 *
 * A training step is what the trainer does between loading two batches: teacher forward when there
 * is a teacher, forward, loss, backward, SGD. It works on copies of the networks. The first steps
 * touch fresh memory and are not counted. Inference runs in shares (graph/shards.h); the operators'
 * times are then those of the first share, which is as long as the step.
 *
 * What a step is made of, phase by phase and operator by operator, is kept of the fastest step
 * alone: on a machine with other work it is the one disturbed least, and its parts add up.
 */
#include "core/rng.h"
#include "train/classifier.h"
#include "train/meter.h"
#include "train/parameters.h"

#include <stdlib.h>
#include <string.h>

enum { WARMUP_STEPS = 2, MAX_STEPS = 1000000 };

struct network {
    struct fsn__graph *graph; /* NULL: none */
    struct fsn__classifier run;
};

/* Of one step; the parts of struct fsn_bench in seconds. */
struct parts {
    double whole;
    double phase[FSN_BENCH_PHASE_COUNT];
    int operator_count;
    struct operator_seconds {
        const char *name;
        int nodes;
        double forward, backward;
    } operators[FSN_BENCH_MAX_OPERATORS];
};

struct bench {
    const struct fsn_bench_options *options;
    struct fsn__pool *pool;
    struct network student, teacher;
    struct fsn__parameters parameters;
    int32_t *labels;
    double *wall, *cpu; /* [steps] seconds */
    struct parts now, fastest;
};

static const struct fsn_spec SETTINGS = {.finetune = {.momentum = 0.9,
                                                      .weight_decay = 1e-4,
                                                      .distill = {.alpha = 0.9, .temperature = 4}}};
static const double RATE = 1e-4;

const char *fsn_bench_phase_name(enum fsn_bench_phase phase)
{
    static const char *const names[] = {
#define NAME(code, name) [FSN_BENCH_##code] = name,
        FSN_BENCH_PHASE_LIST(NAME)
#undef NAME
    };
    return (unsigned)phase < FSN_BENCH_PHASE_COUNT ? names[phase] : "unknown";
}

/* ---- preparation ----------------------------------------------------------------------------- */

/* The images that the network takes, as the shape of a data set. */
static struct fsn_dataset image_shape(const struct fsn__graph *graph)
{
    const struct fsn__tensor *input =
        graph->input_count > 0 ? &graph->values[graph->inputs[0]].tensor : NULL;
    struct fsn_dataset shape = {.classes = 1};

    if (input && input->ndim == 4) { /* else fsn__classifier_create says why not */
        shape.channels = (int)input->dim[1];
        shape.height = (int)input->dim[2];
        shape.width = (int)input->dim[3];
    }
    return shape;
}

static bool is_mixed(const struct bench *b)
{
    return b->options->training && b->options->precision == FSN_PRECISION_MIXED;
}

static enum fsn_status make_student(struct bench *b, const struct fsn_model *model,
                                    struct fsn_error *err)
{
    const struct fsn__exec_options options = {.batch = b->options->batch,
                                              .training = b->options->training,
                                              .pool = b->pool,
                                              .bf16 = is_mixed(b)};
    /* Training writes the weights; inference reads those of the model. */
    enum fsn_status status = options.training
                                 ? fsn__graph_clone(model->graph, &b->student.graph, err)
                                 : fsn__graph_alias(model->graph, &b->student.graph, err);
    struct fsn_dataset shape;

    if (status != FSN_OK)
        return status;
    shape = image_shape(b->student.graph);
    if (options.training)
        fsn__graph_mark_trainable(b->student.graph);
    status = fsn__classifier_create(b->student.graph, "bench", &shape, NULL, &options,
                                    &b->student.run, err);
    if (status == FSN_OK && options.training)
        status =
            fsn__parameters_collect(b->student.run.graph, b->student.run.exec, &b->parameters, err);
    return status;
}

/* In the form in which a job runs its teacher: no dropout, batch norm folded. */
static enum fsn_status make_teacher(struct bench *b, struct fsn_error *err)
{
    const struct fsn__exec_options options = {
        .batch = b->student.run.batch, .pool = b->pool, .bf16 = is_mixed(b)};
    const struct fsn_dataset shape = image_shape(b->student.graph);
    enum fsn_status status = fsn__graph_alias(b->options->teacher->graph, &b->teacher.graph, err);

    if (status == FSN_OK)
        status = fsn__graph_drop_identity(b->teacher.graph, err);
    if (status == FSN_OK)
        status = fsn__graph_fold_bn(b->teacher.graph, err);
    if (status == FSN_OK)
        status = fsn__classifier_create(b->teacher.graph, "teacher", &shape, NULL, &options,
                                        &b->teacher.run, err);
    if (status == FSN_OK && (b->teacher.run.batch != b->student.run.batch ||
                             b->teacher.run.classes != b->student.run.classes))
        status = FSN__FAIL(err, FSN_MISMATCH,
                           "teacher: gives %lld x %lld logits, the student %lld x %lld",
                           (long long)b->teacher.run.batch, (long long)b->teacher.run.classes,
                           (long long)b->student.run.batch, (long long)b->student.run.classes);
    return status;
}

static void fill(struct bench *b)
{
    struct fsn__classifier *student = &b->student.run;
    struct fsn__rng rng = fsn__rng_open(0, FSN__RNG_BENCH, 0, 0);
    size_t floats = student->image_bytes / sizeof(float);

    for (size_t i = 0; i < floats; i++)
        student->images[i] = (float)fsn__rng_normal(&rng);
    for (int64_t i = 0; i < student->batch; i++)
        b->labels[i] = (int32_t)fsn__rng_below(&rng, (uint64_t)student->classes);
    if (b->teacher.graph)
        memcpy(b->teacher.run.images, student->images, student->image_bytes);
}

static enum fsn_status prepare(struct bench *b, const struct fsn_model *model,
                               struct fsn_error *err)
{
    enum fsn_status status = fsn__pool_create(b->options->threads, &b->pool, err);

    if (status == FSN_OK)
        status = make_student(b, model, err);
    if (status == FSN_OK && b->options->teacher)
        status = make_teacher(b, err);
    if (status != FSN_OK)
        return status;
    b->labels = calloc((size_t)b->student.run.batch, sizeof *b->labels);
    b->wall = calloc((size_t)b->options->steps, sizeof *b->wall);
    b->cpu = calloc((size_t)b->options->steps, sizeof *b->cpu);
    if (!b->labels || !b->wall || !b->cpu)
        return FSN__NOMEM(err);
    fill(b);
    return FSN_OK;
}

static void clear(struct bench *b)
{
    free(b->labels);
    free(b->wall);
    free(b->cpu);
    fsn__parameters_clear(&b->parameters);
    fsn__classifier_clear(&b->student.run);
    fsn__classifier_clear(&b->teacher.run);
    fsn__graph_destroy(b->student.graph);
    fsn__graph_destroy(b->teacher.graph);
    fsn__pool_destroy(b->pool);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The row of an operator; the last one takes all those that find no room. */
static struct operator_seconds *find_operator(struct parts *parts, const char *name)
{
    int i = 0;

    while (i < parts->operator_count && strcmp(parts->operators[i].name, name) != 0)
        i++;
    if (i < parts->operator_count)
        return &parts->operators[i];
    if (i == FSN_BENCH_MAX_OPERATORS) {
        parts->operators[i - 1].name = "(others)";
        return &parts->operators[i - 1];
    }
    parts->operators[i] = (struct operator_seconds){.name = name};
    parts->operator_count++;
    return &parts->operators[i];
}

static void time_node(const struct fsn__op *op, bool backward, double seconds, void *user)
{
    struct operator_seconds *row = find_operator(user, op->name);

    row->nodes += !backward;
    *(backward ? &row->backward : &row->forward) += seconds;
}

/* Books the time since *mark under the phase. */
static void end_phase(struct bench *b, enum fsn_bench_phase phase, double *mark)
{
    const double now = fsn__seconds();

    b->now.phase[phase] = now - *mark;
    *mark = now;
}

static void find_loss(struct bench *b)
{
    const struct fsn__classifier *student = &b->student.run;

    fsn__distill_loss(student->logits, b->teacher.run.logits, b->labels, student->batch,
                      student->classes, SETTINGS.finetune.distill.alpha,
                      SETTINGS.finetune.distill.temperature, student->dlogits, NULL);
}

static enum fsn_status run_step(struct bench *b, uint64_t step, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    double mark = fsn__seconds();

    if (b->teacher.graph) {
        status = fsn__classifier_forward(&b->teacher.run, step, err);
        end_phase(b, FSN_BENCH_TEACHER, &mark);
    }
    if (status == FSN_OK)
        status = fsn__classifier_forward(&b->student.run, step, err);
    end_phase(b, FSN_BENCH_FORWARD, &mark);
    if (status != FSN_OK || !b->options->training)
        return status;
    find_loss(b);
    end_phase(b, FSN_BENCH_LOSS, &mark);
    status = fsn__exec_backward(b->student.run.exec, err);
    end_phase(b, FSN_BENCH_BACKWARD, &mark);
    if (status != FSN_OK)
        return status;
    fsn__parameters_step(&b->parameters, &SETTINGS, RATE, b->pool);
    end_phase(b, FSN_BENCH_OPTIMIZER, &mark);
    return FSN_OK;
}

static enum fsn_status run_steps(struct bench *b, struct fsn_error *err)
{
    if (b->options->training)
        fsn__exec_set_timer(b->student.run.exec, time_node, &b->now);
    else
        fsn__shards_set_timer(b->student.run.shards, time_node, &b->now);
    for (int i = -WARMUP_STEPS; i < b->options->steps; i++) {
        const double cpu = fsn__cpu_seconds(), start = fsn__seconds();
        enum fsn_status status;

        b->now = (struct parts){0};
        status = run_step(b, (uint64_t)(i + WARMUP_STEPS), err);
        if (status != FSN_OK)
            return status;
        b->now.whole = fsn__seconds() - start;
        if (i < 0)
            continue;
        b->wall[i] = b->now.whole;
        b->cpu[i] = fsn__cpu_seconds() - cpu;
        if (i == 0 || b->now.whole < b->fastest.whole)
            b->fastest = b->now;
    }
    return FSN_OK;
}

/* ---- result ---------------------------------------------------------------------------------- */

/* Bytes of the network's constants, weights among them. */
static size_t constant_bytes(const struct fsn__graph *graph)
{
    size_t bytes = 0;

    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].tensor.data)
            bytes += fsn__tensor_bytes(&graph->values[i].tensor);
    return bytes;
}

/* Adds a network's memory to what is planned and to the bound below any plan. */
static enum fsn_status add_memory(const struct network *network, struct fsn_bench *out,
                                  struct fsn_error *err)
{
    size_t constants, bound;
    enum fsn_status status;

    if (!network->graph)
        return FSN_OK;
    status = fsn__classifier_memory_bound(&network->run, &bound, err);
    if (status != FSN_OK)
        return status;
    constants = constant_bytes(network->graph);
    out->memory_bytes += (int64_t)(fsn__classifier_memory(&network->run) + constants);
    out->memory_bound_bytes += (int64_t)(bound + constants);
    return FSN_OK;
}

static enum fsn_status find_memory(const struct bench *b, struct fsn_bench *out,
                                   struct fsn_error *err)
{
    enum fsn_status status = add_memory(&b->student, out, err);
    int64_t momentum = 0;

    if (status == FSN_OK)
        status = add_memory(&b->teacher, out, err);
    for (int i = 0; i < b->parameters.count; i++)
        momentum += b->parameters.item[i].size * (int64_t)sizeof(float);
    out->memory_bytes += momentum;
    out->memory_bound_bytes += momentum;
    return status;
}

/* Multiply-adds of a step. Backward is twice forward: by the data and by the weights. */
static double macs_of(const struct bench *b)
{
    double image = (double)fsn__graph_macs(b->student.graph) * (b->options->training ? 3 : 1);

    if (b->teacher.graph)
        image += (double)fsn__graph_macs(b->teacher.graph);
    return image * (double)b->student.run.batch;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void summarise(struct bench *b, struct fsn_bench *out)
{
    const int steps = b->options->steps;
    double median, p10;

    qsort(b->wall, (size_t)steps, sizeof *b->wall, compare);
    qsort(b->cpu, (size_t)steps, sizeof *b->cpu, compare);
    median = b->wall[steps / 2];
    p10 = b->wall[steps / 10];
    *out = (struct fsn_bench){
        .steps = steps,
        .images_per_second_median = fsn__per_second(b->student.run.batch, median),
        .images_per_second_p10 = fsn__per_second(b->student.run.batch, p10),
        .ms_median = 1e3 * median,
        .batch = (int)b->student.run.batch,
        .threads = fsn__pool_slices(b->pool),
        .ms_p10 = 1e3 * p10,
        .cpu_ms_p10 = 1e3 * b->cpu[steps / 10],
        .gflops = median > 0 ? 2e-9 * macs_of(b) / median : 0,
        .fastest_ms = 1e3 * b->fastest.whole,
        .operator_count = b->fastest.operator_count,
    };
    for (int i = 0; i < FSN_BENCH_PHASE_COUNT; i++)
        out->phase_ms[i] = 1e3 * b->fastest.phase[i];
    for (int i = 0; i < out->operator_count; i++) {
        const struct operator_seconds *row = &b->fastest.operators[i];

        out->operators[i] = (struct fsn_bench_operator){row->name, row->nodes, 1e3 * row->forward,
                                                        1e3 * row->backward};
    }
}

enum fsn_status fsn_bench_model(const struct fsn_model *model,
                                const struct fsn_bench_options *options, struct fsn_bench *out,
                                struct fsn_error *err)
{
    struct bench b = {.options = options};
    struct fsn_bench result;
    enum fsn_status status;

    if (options->batch < 1 || options->steps < 1 || options->steps > MAX_STEPS)
        return FSN__FAIL(err, FSN_INVALID,
                         "bench: batch must be at least 1 and steps 1..%d, got %d and %d",
                         MAX_STEPS, options->batch, options->steps);
    if (options->teacher && !options->training)
        return FSN__FAIL(err, FSN_INVALID, "bench: a teacher takes part in training alone");
    status = prepare(&b, model, err);
    if (status == FSN_OK)
        status = run_steps(&b, err);
    if (status == FSN_OK) {
        summarise(&b, &result);
        status = find_memory(&b, &result, err);
    }
    if (status == FSN_OK)
        *out = result;
    clear(&b);
    return status;
}
