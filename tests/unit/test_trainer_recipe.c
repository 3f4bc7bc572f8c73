/* test_trainer_recipe.c - what the settings of fine-tuning do to a run. */
#include "toy_run.h"
#include "train/holdout.h"
#include "train/parameters.h"
#include "train/snapshot.h"

#include "../golden/training_tables.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static float *values_of(const struct fsn__graph *graph, const char *name)
{
    return fsn__f32(&graph->values[fsn__graph_find_value(graph, name)].tensor);
}

/* ---- gradients and decay ------------------------------------------------------------------- */

static void clipped_gradients_equal_pytorch(void **state)
{
    (void)state;
    for (int slices = 1; slices <= 4; slices++) {
        float grads[8];
        struct fsn__parameter items[2] = {{.grad = grads, .size = 5},
                                          {.grad = grads + 5, .size = 3}};
        struct fsn__parameters parameters = {.count = 2, .item = items};
        struct fsn__pool *pool;

        memcpy(grads, clip_grads, sizeof grads);
        assert_int_equal(fsn__pool_create(slices, &pool, NULL), FSN_OK);
        assert_true(fabs(fsn__parameters_clip(&parameters, 100, pool) - clip_norm) < 1e-6);
        assert_memory_equal(grads, clip_grads, sizeof grads); /* small enough as they were */
        fsn__parameters_clip(&parameters, 0.5, pool);
        for (int i = 0; i < 8; i++)
            assert_true(fabsf(grads[i] - clip_clipped[i]) < 1e-6f);
        fsn__pool_destroy(pool);
    }
}

/* One step without momentum moves all weights together by lr times the norm at most. */
static void a_clipped_step_is_short(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *fresh = toy_network(1);
    struct toy_result r;
    double square = 0;

    f->spec.finetune.epochs = 1;
    f->spec.finetune.batch_size = TOY_IMAGES;
    f->spec.finetune.lr = 1;
    f->spec.finetune.warmup_steps = 0;
    f->spec.finetune.momentum = 0;
    f->spec.finetune.weight_decay = 0;
    f->spec.finetune.clip_norm = 0.01;
    r = toy_train(f, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    for (int v = 0; v < fresh->value_count; v++)
        for (int64_t i = 0;
             fresh->values[v].kind == FSN__VALUE_PARAM && i < fsn__numel(&fresh->values[v].tensor);
             i++)
            square += pow(fsn__f32(&r.student->values[v].tensor)[i] -
                              fsn__f32(&fresh->values[v].tensor)[i],
                          2);
    assert_true(fabs(sqrt(square) - 0.01) < 1e-5);
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

/* As in weight_decay_spares_biases_and_batch_norm, the other way round. */
static void batch_norm_and_biases_have_a_decay_of_their_own(void **state)
{
    static const char *const names[] = {"bn.scale", "fc.b", "conv.w", "fc.w"};
    struct toy_run *f = *state;
    struct fsn__graph *fresh = toy_network(1);
    struct toy_result r;

    f->spec.finetune.epochs = 1;
    f->spec.finetune.lr = 1e-6;
    f->spec.finetune.weight_decay = 0;
    f->spec.finetune.weight_decay_bn = 1e5; /* lr wd = 0.1 a step at the peak */
    f->spec.finetune.momentum = 0;
    r = toy_train(f, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    for (int i = 0; i < 4; i++) {
        const float before = values_of(fresh, names[i])[0],
                    after = values_of(r.student, names[i])[0];

        if (i < 2)
            assert_true(fabsf(after) < 0.9f * fabsf(before));
        else
            assert_true(fabsf(after - before) < 1e-4f);
    }
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

/* ---- the average of the weights ------------------------------------------------------------ */

/* The average of the last steps is near the last weights, which hardly move any more. */
static void the_result_is_the_average_of_the_weights(void **state)
{
    struct toy_run *f = *state;
    struct toy_result plain, average;
    float w, a;

    f->spec.finetune.recalibrate_bn = 0;
    plain = toy_train(f, 1, NULL);
    f->spec.finetune.ema = 0.5;
    average = toy_train(f, 1, NULL);
    w = values_of(plain.student, "conv.w")[0];
    a = values_of(average.student, "conv.w")[0];
    assert_true(w != a && fabsf(w - a) < 1e-2f * fabsf(w));
    toy_clear(&average);

    /* A memory of the whole run lags behind. */
    f->spec.finetune.ema = 0.99;
    average = toy_train(f, 1, NULL);
    assert_true(fabsf(values_of(average.student, "conv.w")[0] - w) > 10 * fabsf(w - a));
    for (int i = 0; i < TOY_EPOCHS; i++) /* the training itself is the same */
        assert_true(plain.curve.rows[i].train_loss == average.curve.rows[i].train_loss);
    toy_clear(&average);
    toy_clear(&plain);
}

/* ---- images held back ---------------------------------------------------------------------- */

static void held_back_images_are_measured_and_not_trained_on(void **state)
{
    struct toy_run *f = *state;
    struct fsn__images *images = &f->data->split[FSN_SPLIT_TRAIN];
    struct toy_result a, b;
    struct fsn__parts parts;

    f->spec.finetune.holdout = 0.2;
    f->spec.finetune.epochs = 1; /* nothing to choose among */
    a = toy_train(f, 1, NULL);
    assert_int_equal(a.status, FSN_OK);
    assert_int_equal(fsn__parts_create(f->data, 0.2, f->spec.seed, &parts, NULL), FSN_OK);
    for (int64_t i = 0; i < parts.held_count; i++)
        for (int p = 0; p < TOY_SIZE * TOY_SIZE; p++)
            images->pixels[parts.held[i] * TOY_SIZE * TOY_SIZE + p] ^= 255;
    b = toy_train(f, 1, NULL);
    assert_true(toy_same_state(a.student, b.student));
    assert_true(a.curve.rows[0].held_loss != b.curve.rows[0].held_loss);
    assert_int_equal(f->watch.last.steps, parts.train_count / TOY_BATCH);
    fsn__parts_clear(&parts);
    toy_clear(&a);
    toy_clear(&b);
}

/* What the row says is what fsn__evaluate says of the network that comes out. */
static void the_figure_is_that_of_the_network_after_the_epoch(void **state)
{
    struct toy_run *f = *state;
    const struct fsn__meter quiet = {0};
    struct toy_result r;
    struct fsn__parts parts;
    struct fsn_eval eval;

    f->spec.finetune.holdout = 0.2;
    f->spec.finetune.epochs = 1;
    f->spec.finetune.ema = 0.9;
    f->spec.finetune.recalibrate_bn = 0;
    r = toy_train(f, 1, NULL);
    assert_int_equal(fsn__parts_create(f->data, 0.2, f->spec.seed, &parts, NULL), FSN_OK);
    assert_int_equal(fsn__evaluate_images(r.student, f->data, FSN_SPLIT_TRAIN, parts.held,
                                          parts.held_count, &f->spec, NULL, &quiet, NULL, &eval,
                                          NULL),
                     FSN_OK);
    assert_true(r.curve.rows[0].held_top1 == eval.top1 && r.curve.rows[0].held_loss == eval.loss);
    assert_int_equal(eval.images, parts.held_count);
    fsn__parts_clear(&parts);
    toy_clear(&r);
}

/* A run that is to be spoilt at its end: the best epoch is what comes out. */
static void the_best_epoch_is_the_result(void **state)
{
    struct toy_run *f = *state;
    struct toy_result whole, part;
    int best = TOY_EPOCHS - 1;

    f->spec.finetune.holdout = 0.3;
    f->spec.finetune.warmup_steps = 0;
    f->spec.finetune.recalibrate_bn = 0;
    f->spec.finetune.schedule = FSN_SCHEDULE_STEP;
    f->spec.finetune.milestone_count = 0;
    f->spec.finetune.lr = 0.8; /* too high to settle: sooner or later an epoch is a step back */
    for (int tries = 0; best == TOY_EPOCHS - 1; tries++) {
        if (tries > 0)
            toy_clear(&whole);
        assert_in_range(tries, 0, 20);
        f->spec.seed++;
        whole = toy_train(f, 1, NULL);
        assert_int_equal(whole.status, FSN_OK);
        best = fsn__best_epoch(&whole.curve);
    }
    f->spec.finetune.epochs = best + 1;
    part = toy_train(f, 1, NULL);
    assert_true(toy_same_state(whole.student, part.student));
    toy_clear(&whole);
    toy_clear(&part);
}

/* A network that does not move is never better than after its first epoch. */
static void training_ends_when_patience_is_over(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r, again;

    f->spec.finetune.holdout = 0.2;
    f->spec.finetune.patience = 2;
    f->spec.finetune.lr = 1e-8;
    f->spec.finetune.momentum = 0;
    f->data->split[FSN_SPLIT_TRAIN].pixels[0] ^= 1;
    r = toy_train(f, 1, f->checkpoint);
    assert_int_equal(r.status, FSN_OK);
    assert_in_range(r.curve.count, 3, TOY_EPOCHS);
    assert_int_equal(r.curve.count, fsn__best_epoch(&r.curve) + 3);
    f->watch = (struct toy_watch){0};
    again = toy_train(f, 1, f->checkpoint); /* and is not taken further later */
    assert_int_equal(again.curve.count, r.curve.count);
    assert_int_equal(f->watch.rows, 0);
    assert_true(toy_same_state(r.student, again.student));
    toy_clear(&again);
    toy_clear(&r);
}

/* ---- labels and the teacher ---------------------------------------------------------------- */

static void the_teachers_figure_is_on_the_training_images(void **state)
{
    struct toy_run *f = *state;
    struct toy_result teacher, student;

    f->spec.finetune.epochs = 12;
    teacher = toy_train(f, 1, NULL);
    assert_true(isnan(teacher.curve.rows[0].teacher_top1));
    f->spec.finetune.epochs = 1;
    student = toy_train_graph(f, toy_network(2), teacher.student, 1, NULL);
    assert_true(student.curve.rows[0].teacher_top1 > 90);
    toy_clear(&student);
    for (int i = 0; i < TOY_IMAGES; i++) /* labels of another order of the classes */
        f->data->split[FSN_SPLIT_TRAIN].labels[i] =
            (f->data->split[FSN_SPLIT_TRAIN].labels[i] + 1) % TOY_CLASSES;
    student = toy_train_graph(f, toy_network(2), teacher.student, 1, NULL);
    assert_true(student.curve.rows[0].teacher_top1 < 10);
    toy_clear(&student);
    toy_clear(&teacher);
}

static void mixed_and_smoothed_labels_are_learnt_from(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r;

    f->spec.finetune.epochs = 12;
    f->spec.finetune.mixup = 0.1;
    f->spec.finetune.label_smoothing = 0.1;
    r = toy_train(f, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_true(toy_top1(f, r.student) > 75);
    toy_clear(&r);
}

/* The teacher's maps alone teach the convolution, which alone is before them. */
static void a_student_takes_over_the_teachers_maps(void **state)
{
    struct toy_run *f = *state;
    struct toy_result teacher, student;

    f->spec.finetune.epochs = 12;
    teacher = toy_train(f, 1, NULL);
    f->spec.finetune.distill.alpha = 1e-9;
    f->spec.finetune.distill.feature = 1000;
    f->spec.finetune.lr = 1e-3;
    student = toy_train_graph(f, toy_network(2), teacher.student, 1, NULL);
    assert_int_equal(student.status, FSN_OK);
    assert_true(student.curve.rows[11].train_loss < 0.5 * student.curve.rows[0].train_loss);
    toy_clear(&student);
    toy_clear(&teacher);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        CASE(clipped_gradients_equal_pytorch),
        CASE(a_clipped_step_is_short),
        CASE(batch_norm_and_biases_have_a_decay_of_their_own),
        CASE(the_result_is_the_average_of_the_weights),
        CASE(held_back_images_are_measured_and_not_trained_on),
        CASE(the_figure_is_that_of_the_network_after_the_epoch),
        CASE(the_best_epoch_is_the_result),
        CASE(training_ends_when_patience_is_over),
        CASE(the_teachers_figure_is_on_the_training_images),
        CASE(mixed_and_smoothed_labels_are_learnt_from),
        CASE(a_student_takes_over_the_teachers_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
