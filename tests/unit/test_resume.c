/* test_resume.c - a training run repeats, stops, goes on, and knows its own checkpoint. */
#include "fs/fs.h"
#include "toy_run.h"
#include "train/parameters.h"
#include "train/statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- the same bits again ------------------------------------------------------------------- */

static void the_same_seed_and_thread_count_give_the_same_bytes(void **state)
{
    struct toy_run *f = *state;

    for (int threads = 1; threads <= 3; threads++) {
        struct toy_result a = toy_train(f, threads, NULL), b = toy_train(f, threads, NULL);

        assert_int_equal(a.status, FSN_OK);
        assert_true(toy_same_state(a.student, b.student));
        toy_assert_same_curve(&a.curve, &b.curve);
        toy_clear(&a);
        toy_clear(&b);
    }
}

static void the_number_of_cores_changes_no_byte(void **state)
{
    struct toy_run *f = *state;

    f->spec.finetune.epochs = 2;
    for (int slices = 2; slices <= 5; slices++) {
        struct fsn__cores one = FSN__CORES(1), two = FSN__CORES(2), five = FSN__CORES(5);
        struct fsn__cores *more[] = {&two, &five};
        struct toy_result alone, beside;

        f->cores = &one;
        alone = toy_train(f, slices, NULL);
        assert_int_equal(alone.status, FSN_OK);
        for (int i = 0; i < 2; i++) {
            f->cores = more[i];
            beside = toy_train(f, slices, NULL);
            assert_true(toy_same_state(alone.student, beside.student));
            toy_assert_same_curve(&alone.curve, &beside.curve);
            toy_clear(&beside);
        }
        toy_clear(&alone);
    }
}

static void another_seed_gives_other_bytes(void **state)
{
    struct toy_run *f = *state;
    struct toy_result a = toy_train(f, 1, NULL), b;

    f->spec.seed++;
    b = toy_train(f, 1, NULL);
    assert_false(toy_same_state(a.student, b.student));
    toy_clear(&a);
    toy_clear(&b);
}

enum { SETTLE_PASSES = 50 };

/* The definition of a run, written down once more: every epoch has its own order and its own
 * augmentation, and what does not fill a batch is dropped; at the end, statistics are measured in
 * forward passes over the last epoch's batches. */
static void replay(const struct toy_run *f, struct fsn__graph *student)
{
    const struct fsn__transform transform = {.preprocess = f->spec.preprocess,
                                             .crop_padding = f->spec.finetune.crop_padding,
                                             .flip = f->spec.finetune.flip,
                                             .seed = f->spec.seed};
    const struct fsn__exec_options options = {
        .batch = TOY_BATCH, .training = true, .seed = f->spec.seed, .bf16 = true};
    struct fsn__parameters parameters = {0};
    struct fsn__statistics statistics = {0};
    struct fsn__exec *exec = NULL;
    int64_t order[TOY_IMAGES];
    int32_t labels[TOY_BATCH];

    assert_int_equal(fsn__exec_create(student, &options, &exec, NULL), FSN_OK);
    assert_int_equal(fsn__parameters_collect(student, exec, &parameters, NULL), FSN_OK);
    assert_int_equal(fsn__statistics_create(student, &statistics, NULL), FSN_OK);
    for (int step = 0; step < TOY_EPOCHS * TOY_STEPS + SETTLE_PASSES; step++) {
        const bool settle = step >= TOY_EPOCHS * TOY_STEPS;
        const int epoch = settle ? TOY_EPOCHS - 1 : step / TOY_STEPS;
        const int first = step % TOY_STEPS * TOY_BATCH;

        fsn__shuffle(order, TOY_IMAGES, f->spec.seed, (uint64_t)epoch);
        assert_int_equal(fsn__load_batch(f->data, FSN_SPLIT_TRAIN, order + first, TOY_BATCH,
                                         &transform, true, (uint64_t)epoch, NULL,
                                         fsn__f32(fsn__exec_input(exec, 0)), labels, NULL),
                         FSN_OK);
        fsn__exec_set_bf16(exec, !settle);
        if (settle)
            fsn__statistics_before(&statistics);
        assert_int_equal(fsn__exec_forward(exec, (uint64_t)step, NULL), FSN_OK);
        if (settle) {
            fsn__statistics_after(&statistics);
            continue;
        }
        fsn__distill_loss(fsn__f32(fsn__exec_output(exec, 0)), NULL, labels, TOY_BATCH, TOY_CLASSES,
                          0, 1, fsn__f32(fsn__exec_output_grad(exec, 0)), NULL);
        assert_int_equal(fsn__exec_backward(exec, NULL), FSN_OK);
        fsn__parameters_step(&parameters, &f->spec,
                             fsn__learning_rate(&f->spec, step, TOY_EPOCHS * TOY_STEPS), NULL);
    }
    fsn__statistics_finish(&statistics);
    fsn__statistics_clear(&statistics);
    fsn__parameters_clear(&parameters);
    fsn__exec_destroy(exec);
}

static void a_run_is_the_documented_sequence_of_steps(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r = toy_train(f, 1, NULL);
    struct fsn__graph *expected = toy_network(1);

    replay(f, expected);
    assert_true(toy_same_state(r.student, expected));
    fsn__graph_destroy(expected);
    toy_clear(&r);
}

/* The load was another one before it stopped. */
static void a_run_goes_on_with_the_same_bytes_on_other_cores(void **state)
{
    struct toy_run *f = *state;
    struct fsn__cores one = FSN__CORES(1), two = FSN__CORES(2);
    struct toy_result whole, half, rest;

    f->cores = &one;
    whole = toy_train(f, 3, NULL);
    f->watch = (struct toy_watch){.stop_epoch = 3, .stop_step = 2};
    half = toy_train(f, 3, f->checkpoint);
    toy_assert_says(&half, FSN_CANCELLED, "cancelled");
    f->watch = (struct toy_watch){0};
    f->cores = &two;
    rest = toy_train(f, 3, f->checkpoint);
    assert_int_equal(rest.status, FSN_OK);
    assert_int_equal(f->watch.first.epoch, 3);
    assert_true(toy_same_state(rest.student, whole.student));
    toy_assert_same_curve(&rest.curve, &whole.curve);
    toy_clear(&whole);
    toy_clear(&half);
    toy_clear(&rest);
}

/* Stops at the given place, goes on from the checkpoint, and compares with a run that never was
 * stopped and wrote no checkpoints. */
static void check_resume_of(struct toy_run *f, struct fsn__graph *(*network)(uint64_t), int threads,
                            int stop_epoch, int stop_step, int first_epoch)
{
    struct fsn__graph *teacher = toy_network(9);
    struct toy_result whole = toy_train_graph(f, network(1), teacher, threads, NULL), half, rest;

    f->watch = (struct toy_watch){.stop_epoch = stop_epoch, .stop_step = stop_step};
    half = toy_train_graph(f, network(1), teacher, threads, f->checkpoint);
    toy_assert_says(&half, FSN_CANCELLED, "cancelled");
    f->watch = (struct toy_watch){0};
    rest = toy_train_graph(f, network(1), teacher, threads, f->checkpoint);
    assert_int_equal(rest.status, FSN_OK);
    assert_int_equal(f->watch.first.epoch, first_epoch);
    assert_int_equal(f->watch.rows, TOY_EPOCHS - first_epoch + 1);
    assert_true(toy_same_state(rest.student, whole.student));
    toy_assert_same_curve(&rest.curve, &whole.curve);
    toy_clear(&whole);
    toy_clear(&half);
    toy_clear(&rest);
    fsn__graph_destroy(teacher);
    remove(f->checkpoint);
}

static void check_resume(struct toy_run *f, int threads, int stop_epoch, int stop_step,
                         int first_epoch)
{
    check_resume_of(f, toy_network, threads, stop_epoch, stop_step, first_epoch);
}

/* With Filter Summaries that take the filters over little by little. */
static struct fsn__graph *summary_network(uint64_t seed, enum fsn_layout layout)
{
    const struct fsn__fs_options options = {
        .start = FSN_START_ASSIGNED, .sharing = true, .learn = true};
    struct fsn__graph *dense = toy_network(seed), *out = NULL;
    struct fsn_plan *plan = NULL;
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.filter_summary.layout = layout;
    assert_int_equal(fsn__fs_plan(dense, &spec, &plan, NULL, NULL), FSN_OK);
    assert_int_equal(fsn__fs_convert(dense, plan, &options, &out, NULL), FSN_OK);
    assert_true(*fsn__fs_sharing(out) == 0);
    fsn_plan_destroy(plan);
    fsn_spec_clear(&spec);
    fsn__graph_destroy(dense);
    return out;
}

static struct fsn__graph *sharing_network(uint64_t seed)
{
    return summary_network(seed, FSN_LAYOUT_1D);
}

static struct fsn__graph *learned_network(uint64_t seed)
{
    return summary_network(seed, FSN_LAYOUT_LEARNED);
}

static void a_run_stopped_while_filters_change_hands_ends_with_the_same_bytes(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r;

    f->spec.finetune.sharing = 0.7;
    check_resume_of(f, sharing_network, 2, 3, 4, 3);             /* amid it */
    check_resume_of(f, sharing_network, 1, 5, TOY_STEPS - 1, 5); /* it is over */
    r = toy_train_graph(f, sharing_network(1), NULL, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_true(*fsn__fs_sharing(r.student) == 1);
    assert_int_equal(fsn__fs_end_sharing(r.student, NULL), FSN_OK);
    assert_null(fsn__fs_sharing(r.student));
    assert_true(fsn__graph_find_value(r.student, "sharing") < 0);
    toy_clear(&r);
}

static void a_run_stopped_anywhere_ends_with_the_bytes_of_an_undisturbed_one(void **state)
{
    struct toy_run *f = *state;

    check_resume(f, 1, 1, 2, 1);         /* before the first checkpoint */
    check_resume(f, 1, 3, 4, 3);         /* within an epoch: it is repeated */
    check_resume(f, 1, 3, TOY_STEPS, 4); /* as an epoch ends */
    check_resume(f, 1, TOY_EPOCHS, TOY_STEPS - 1, TOY_EPOCHS);
    check_resume(f, 2, 2, 1, 2);
}

/* Every setting that keeps state of its own or draws numbers, at once. */
static void use_everything(struct fsn_spec *spec)
{
    spec->finetune.ema = 0.9;
    spec->finetune.holdout = 0.2;
    spec->finetune.mixup = 0.4;
    spec->finetune.label_smoothing = 0.1;
    spec->finetune.cutout = true;
    spec->finetune.clip_norm = 0.5;
    spec->finetune.weight_decay_bn = 1e-3;
    spec->finetune.distill.feature = 0.5;
    spec->finetune.recalibrate_bn = 3;
}

/* Locations are rounded within epoch 4, at its start, and never. */
static void a_run_that_learns_locations_goes_on_before_and_after_they_are_rounded(void **state)
{
    struct toy_run *f = *state;

    use_everything(&f->spec);
    f->spec.finetune.distill.feature = 0;
    f->spec.finetune.location_lr = 1000;
    f->spec.finetune.rounding = 0.6;
    check_resume_of(f, learned_network, 1, 3, 4, 3);
    check_resume_of(f, learned_network, 2, 4, TOY_STEPS - 1, 5); /* the holdout takes a step */
    f->spec.finetune.rounding = 0.5;
    check_resume_of(f, learned_network, 1, 4, 1, 4);
    f->spec.finetune.rounding = 0;
    check_resume_of(f, learned_network, 1, 2, 1, 2);
}

static void a_run_with_every_setting_goes_on_as_if_it_had_not_stopped(void **state)
{
    struct toy_run *f = *state;

    use_everything(&f->spec);
    check_resume(f, 1, 3, 4, 3);
    check_resume(f, 2, 5, 1, 5);
}

static void the_number_of_cores_changes_no_byte_with_every_setting(void **state)
{
    struct toy_run *f = *state;
    struct fsn__cores one = FSN__CORES(1), five = FSN__CORES(5);
    struct fsn__graph *teacher = toy_network(9);
    struct toy_result alone, beside;

    f->spec.finetune.epochs = 2;
    use_everything(&f->spec);
    f->cores = &one;
    alone = toy_train_graph(f, toy_network(1), teacher, 3, NULL);
    f->cores = &five;
    beside = toy_train_graph(f, toy_network(1), teacher, 3, NULL);
    assert_int_equal(alone.status, FSN_OK);
    assert_true(toy_same_state(alone.student, beside.student));
    toy_assert_same_curve(&alone.curve, &beside.curve);
    toy_clear(&alone);
    toy_clear(&beside);
    fsn__graph_destroy(teacher);
}

static void a_finished_run_is_taken_up_without_another_step(void **state)
{
    struct toy_run *f = *state;
    struct toy_result a = toy_train(f, 1, f->checkpoint), b;

    f->watch = (struct toy_watch){0};
    b = toy_train(f, 1, f->checkpoint);
    assert_int_equal(b.status, FSN_OK);
    assert_int_equal(f->watch.calls, SETTLE_PASSES); /* no step among them */
    assert_int_equal(f->watch.rows, 0);
    assert_true(toy_same_state(a.student, b.student));
    toy_assert_same_curve(&a.curve, &b.curve);
    assert_true(a.curve.rows[0].seconds == b.curve.rows[0].seconds);
    toy_clear(&a);
    toy_clear(&b);
}

static void a_damaged_checkpoint_means_starting_over(void **state)
{
    struct toy_run *f = *state;
    struct toy_result whole = toy_train(f, 1, f->checkpoint), again;

    temp_dir_write(&f->folder, "checkpoint", "not a checkpoint", 16);
    f->watch = (struct toy_watch){0};
    again = toy_train(f, 1, f->checkpoint);
    assert_int_equal(again.status, FSN_OK);
    assert_int_equal(f->watch.rows, TOY_EPOCHS);
    assert_true(toy_same_state(again.student, whole.student));
    toy_clear(&whole);
    toy_clear(&again);
}

/* ---- what is not the same run -------------------------------------------------------------- */

static void expect_foreign(struct toy_run *f, struct fsn__graph *student,
                           struct fsn__graph *teacher, int threads, const char *what)
{
    struct toy_result r = toy_train_graph(f, student, teacher, threads, f->checkpoint);

    if (r.status != FSN_INVALID || !strstr(r.err.text, "another run"))
        fail_msg("%s: status %s, '%s'", what, fsn_status_name(r.status), r.err.text);
    toy_clear(&r);
}

static void a_checkpoint_is_refused_when_anything_that_matters_has_changed(void **state)
{
    struct toy_run *f = *state;
    struct fsn_spec spec = f->spec;
    struct fsn__graph *teacher = toy_network(9);
    struct toy_result r = toy_train(f, 1, f->checkpoint);
    uint8_t *pixel = &f->data->split[FSN_SPLIT_TRAIN].pixels[777];

    assert_int_equal(r.status, FSN_OK);
    toy_clear(&r);
#define CHANGED(field, value)                               \
    do {                                                    \
        f->spec.field = value;                              \
        expect_foreign(f, toy_network(1), NULL, 1, #field); \
        f->spec = spec;                                     \
    } while (0)
    CHANGED(seed, 43);
    CHANGED(preprocess.channels, f->spec.preprocess.channels ? 0 : 1);
    CHANGED(finetune.epochs, TOY_EPOCHS + 1);
    CHANGED(finetune.batch_size, TOY_BATCH + 1);
    CHANGED(finetune.lr, 0.2);
    CHANGED(finetune.location_lr, 3);
    CHANGED(finetune.rounding, 0.6);
    CHANGED(finetune.momentum, 0.8);
    CHANGED(finetune.weight_decay, 0.125);
    CHANGED(finetune.precision, FSN_PRECISION_FLOAT32);
    CHANGED(finetune.schedule, FSN_SCHEDULE_STEP);
    CHANGED(finetune.warmup_steps, 3);
    CHANGED(finetune.crop_padding, 2);
    CHANGED(finetune.flip, false);
    CHANGED(finetune.distill.temperature, 1.5);
    CHANGED(finetune.distill.feature, 0.5);
    CHANGED(finetune.weight_decay_bn, 0.125);
    CHANGED(finetune.clip_norm, 1);
    CHANGED(finetune.ema, 0.5);
    CHANGED(finetune.label_smoothing, 0.1);
    CHANGED(finetune.mixup, 0.5);
    CHANGED(finetune.cutout, true);
    CHANGED(finetune.cutout_size, 3);
    CHANGED(finetune.holdout, 0.2);
    CHANGED(finetune.patience, 2);
    CHANGED(finetune.recalibrate_bn, 7);
#undef CHANGED
    expect_foreign(f, toy_network(1), NULL, 2, "threads");
    expect_foreign(f, toy_network(2), NULL, 1, "initial weights");
    expect_foreign(f, toy_network(1), teacher, 1, "teacher");
    *pixel ^= 1;
    expect_foreign(f, toy_network(1), NULL, 1, "a pixel");
    *pixel ^= 1;
    f->data->split[FSN_SPLIT_TRAIN].labels[7] ^= 1;
    expect_foreign(f, toy_network(1), NULL, 1, "a label");
    f->data->split[FSN_SPLIT_TRAIN].labels[7] ^= 1;
    r = toy_train(f, 1, f->checkpoint); /* all as it was: welcome */
    assert_int_equal(r.status, FSN_OK);
    toy_clear(&r);
    fsn__graph_destroy(teacher);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_same_seed_and_thread_count_give_the_same_bytes),
        CASE(the_number_of_cores_changes_no_byte),
        CASE(another_seed_gives_other_bytes),
        CASE(a_run_is_the_documented_sequence_of_steps),
        CASE(a_run_goes_on_with_the_same_bytes_on_other_cores),
        CASE(a_run_stopped_while_filters_change_hands_ends_with_the_same_bytes),
        CASE(a_run_stopped_anywhere_ends_with_the_bytes_of_an_undisturbed_one),
        CASE(a_run_that_learns_locations_goes_on_before_and_after_they_are_rounded),
        CASE(a_run_with_every_setting_goes_on_as_if_it_had_not_stopped),
        CASE(the_number_of_cores_changes_no_byte_with_every_setting),
        CASE(a_finished_run_is_taken_up_without_another_step),
        CASE(a_damaged_checkpoint_means_starting_over),
        CASE(a_checkpoint_is_refused_when_anything_that_matters_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
