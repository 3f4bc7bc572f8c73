/* test_trainer.c - training runs on a toy task: what they learn, report and refuse. */
#include "net_builder.h"
#include "toy_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- learning ------------------------------------------------------------------------------ */

static void loss_falls_and_images_never_seen_are_recognised(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r;

    f->spec.finetune.epochs = 12;
    r = toy_train(f, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_int_equal(r.curve.count, 12);
    assert_true(r.curve.rows[11].train_loss < r.curve.rows[0].train_loss / 2);
    assert_true(r.curve.rows[11].train_top1 > 90);
    assert_true(toy_top1(f, r.student) > 90);
    toy_clear(&r);
}

/* Labels all 0 teach nothing but class 0; the teacher knows better. */
static void a_student_learns_from_its_teacher_against_wrong_labels(void **state)
{
    struct toy_run *f = *state;
    struct toy_result teacher, student;
    struct fsn__graph *before = NULL;

    f->spec.finetune.epochs = 12;
    teacher = toy_train(f, 1, NULL);
    assert_int_equal(teacher.status, FSN_OK);
    assert_int_equal(fsn__graph_clone(teacher.student, &before, NULL), FSN_OK);
    memset(f->data->split[FSN_SPLIT_TRAIN].labels, 0, TOY_IMAGES * sizeof(int32_t));
    f->spec.finetune.distill.alpha = 1;
    f->spec.finetune.distill.temperature = 2;
    student = toy_train_graph(f, toy_network(2), teacher.student, 1, NULL);
    assert_int_equal(student.status, FSN_OK);
    assert_true(toy_top1(f, student.student) > 90);
    assert_true(toy_same_state(teacher.student, before)); /* frozen */
    toy_clear(&student);

    f->spec.finetune.distill.alpha = 0; /* the teacher is not asked */
    student = toy_train_graph(f, toy_network(2), teacher.student, 1, NULL);
    assert_int_equal(student.status, FSN_OK);
    assert_true(toy_top1(f, student.student) < 50);
    toy_clear(&student);
    toy_clear(&teacher);
    fsn__graph_destroy(before);
}

static void logits_may_keep_two_axes_of_one(void **state)
{
    struct toy_run *f = *state;
    struct net net = net_create(3);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE);
    struct toy_result r;

    x = net_relu(&net, net_batch_norm(&net, "bn", net_conv(&net, "a", x, 1, 8, 3, 1), 8));
    x = net_global_pool(&net, net_conv(&net, "b", x, 8, TOY_CLASSES, 1, 1));
    f->spec.finetune.epochs = 12;
    r = toy_train_graph(f, net_finish(&net, x), NULL, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_true(r.curve.rows[11].train_loss < r.curve.rows[0].train_loss * 0.8);
    toy_clear(&r);
}

/* Statistics settle on the weights as they are; the weights stay. */
static void no_epochs_change_statistics_alone(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *fresh = toy_network(1);
    struct toy_result r;
    int moved = 0;

    f->spec.finetune.epochs = 0;
    r = toy_train(f, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_int_equal(r.curve.count, 0);
    for (int i = 0; i < fresh->value_count; i++) {
        const struct fsn__tensor *was = &fresh->values[i].tensor,
                                 *is = &r.student->values[i].tensor;
        bool same;

        if (!was->data)
            continue;
        same = memcmp(was->data, is->data, fsn__tensor_bytes(was)) == 0;
        if (r.student->values[i].kind == FSN__VALUE_STAT)
            moved += !same;
        else
            assert_true(same);
    }
    assert_int_equal(moved, 2); /* mean and variance */
    assert_int_equal(f->watch.rows, 0);
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

static void a_batch_is_never_larger_than_the_data(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r;

    f->spec.finetune.batch_size = 4096;
    r = toy_train(f, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_int_equal(f->watch.last.steps, 1);
    toy_clear(&r);
}

/* Weight decay with no gradient worth the name (lr tiny, wd huge) shrinks what it applies to. */
static void weight_decay_spares_biases_and_batch_norm(void **state)
{
    static const char *const spared[] = {"fc.b", "bn.scale", "bn.shift"};
    struct toy_run *f = *state;
    struct fsn__graph *fresh = toy_network(1);
    struct toy_result r;
    int w;

    f->spec.finetune.epochs = 1;
    f->spec.finetune.lr = 1e-6;
    f->spec.finetune.weight_decay = 1e5; /* lr wd = 0.1 a step at the peak */
    f->spec.finetune.momentum = 0;
    r = toy_train(f, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    w = fsn__graph_find_value(fresh, "conv.w");
    assert_true(fabsf(fsn__f32(&r.student->values[w].tensor)[0]) <
                0.9f * fabsf(fsn__f32(&fresh->values[w].tensor)[0]));
    for (size_t i = 0; i < sizeof spared / sizeof spared[0]; i++) {
        int v = fsn__graph_find_value(fresh, spared[i]);

        assert_true(fabsf(fsn__f32(&r.student->values[v].tensor)[0] -
                          fsn__f32(&fresh->values[v].tensor)[0]) < 1e-4f);
    }
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

/* ---- reports and failures ------------------------------------------------------------------ */

static void progress_is_told_once_a_step_and_a_row_once_an_epoch(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r = toy_train(f, 1, NULL);

    assert_int_equal(r.status, FSN_OK);
    assert_int_equal(f->watch.calls, TOY_EPOCHS * TOY_STEPS + 50); /* and 50 settling passes */
    assert_int_equal(f->watch.rows, TOY_EPOCHS);
    assert_false(f->watch.fell_back);
    assert_int_equal(f->watch.first.stage, FSN_STAGE_FINETUNE);
    assert_int_equal(f->watch.first.epoch, 1);
    assert_int_equal(f->watch.first.epochs, TOY_EPOCHS);
    assert_int_equal(f->watch.first.step, 1);
    assert_int_equal(f->watch.first.steps, TOY_STEPS);
    assert_true(isfinite(f->watch.first.loss));
    assert_true(f->watch.first.images_per_second > 0);
    assert_true(f->watch.first.seconds_left > 0);
    assert_true(fabs(f->watch.first.fraction - (0.25 + 0.5 / (TOY_EPOCHS * TOY_STEPS))) < 1e-12);
    assert_true(fabs(f->watch.last.fraction - 0.75) < 1e-12);
    for (int i = 0; i < TOY_EPOCHS; i++) {
        assert_true(r.curve.rows[i].seconds > 0);
        assert_true(fabs(r.curve.rows[i].images_per_second * r.curve.rows[i].seconds -
                         TOY_BATCH * TOY_STEPS) < 1e-6);
        assert_true(r.curve.rows[i].lr ==
                    fsn__learning_rate(&f->spec, (i + 1) * TOY_STEPS - 1, TOY_EPOCHS * TOY_STEPS));
    }
    toy_clear(&r);
}

static void a_learning_rate_far_too_high_is_reported_as_divergence(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r;

    f->spec.finetune.lr = 1e30;
    r = toy_train(f, 1, f->checkpoint);
    toy_assert_says(&r, FSN_DIVERGED, "epoch 1");
    toy_assert_says(&r, FSN_DIVERGED, "lower finetune.lr than 1e+30");
    assert_null(r.curve.rows); /* out-parameters only on success */
    assert_int_equal(temp_dir_count(&f->folder), 0);
    toy_clear(&r);
}

/* One step an epoch: its loss is finite, the weights after it are not. */
static void weights_that_overflow_in_the_last_step_are_noticed(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r;

    f->spec.finetune.epochs = 1;
    f->spec.finetune.batch_size = TOY_IMAGES;
    f->spec.finetune.lr = 1e39; /* infinite in f32 */
    r = toy_train(f, 1, f->checkpoint);
    toy_assert_says(&r, FSN_DIVERGED, "epoch 1, step 1");
    assert_int_equal(temp_dir_count(&f->folder), 0);
    toy_clear(&r);
}

static void a_checkpoint_that_cannot_be_written_ends_the_run(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r = toy_train(f, 1, "/nonexistent-folder/checkpoint");

    toy_assert_says(&r, FSN_IO, "/nonexistent-folder/checkpoint");
    toy_clear(&r);
}

static void what_does_not_fit_together_is_refused_before_the_first_step(void **state)
{
    struct toy_run *f = *state;
    struct net net = net_create(1);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE);
    struct fsn__graph *wide;
    struct toy_result r;

    x = net_flatten(&net, net_global_pool(&net, x));
    wide = net_finish(&net, net_gemm(&net, "fc", x, 1, TOY_CLASSES + 1));
    r = toy_train_graph(f, toy_network(1), wide, 1, NULL);
    toy_assert_says(&r, FSN_MISMATCH, "teacher: gives 16 x 5 logits, the student 16 x 4");
    toy_clear(&r);
    fsn__graph_destroy(wide);

    f->data->classes = 11;
    r = toy_train(f, 1, NULL);
    toy_assert_says(&r, FSN_MISMATCH, "4 classes apart, the data set has 11");
    f->data->classes = TOY_CLASSES;
    toy_clear(&r);

    net = net_create(1);
    x = net_input(&net, 1, TOY_SIZE, TOY_SIZE);
    r = toy_train_graph(f, net_finish(&net, net_flatten(&net, x)), NULL, 1, NULL);
    toy_assert_says(&r, FSN_MISMATCH, "no weight that could be trained");
    toy_clear(&r);

    f->data->split[FSN_SPLIT_TRAIN].count = 0;
    r = toy_train(f, 1, NULL);
    toy_assert_says(&r, FSN_MISMATCH, "no images in its train split");
    f->data->split[FSN_SPLIT_TRAIN].count = TOY_IMAGES;
    toy_clear(&r);
    assert_int_equal(f->watch.calls, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        CASE(loss_falls_and_images_never_seen_are_recognised),
        CASE(a_student_learns_from_its_teacher_against_wrong_labels),
        CASE(logits_may_keep_two_axes_of_one),
        CASE(no_epochs_change_statistics_alone),
        CASE(a_batch_is_never_larger_than_the_data),
        CASE(weight_decay_spares_biases_and_batch_norm),
        CASE(progress_is_told_once_a_step_and_a_row_once_an_epoch),
        CASE(a_learning_rate_far_too_high_is_reported_as_divergence),
        CASE(weights_that_overflow_in_the_last_step_are_noticed),
        CASE(a_checkpoint_that_cannot_be_written_ends_the_run),
        CASE(what_does_not_fit_together_is_refused_before_the_first_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
