/* test_judge.c - which figures of a job are warned of, and which are in order. */
#include "compress/compress.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* A sound job: ten classes, a baseline of 92 %, a short run that ended at 75 %. */
struct fixture {
    int64_t images[FSN_SPLIT_COUNT][10]; /* of each class */
    struct fsn_spec spec;
    struct fsn_epoch rows[2];
    struct fsn__curve curve;
    struct fsn__report report;
};

static void start(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    fsn_spec_defaults(&f->spec);
    f->rows[0] = (struct fsn_epoch){
        .train_top1 = 40, .teacher_top1 = 94, .held_top1 = NAN, .held_loss = NAN};
    f->rows[1] = (struct fsn_epoch){
        .train_top1 = 70, .teacher_top1 = 95, .held_top1 = NAN, .held_loss = NAN};
    f->curve = (struct fsn__curve){.count = 2, .rows = f->rows};
    f->report.spec = &f->spec;
    f->report.curve = &f->curve;
    f->report.data.classes = 10;
    for (int i = 0; i < 10; i++) {
        f->images[FSN_SPLIT_TRAIN][i] = 5000;
        f->images[FSN_SPLIT_TEST][i] = 1000;
    }
    f->report.data.per_class[FSN_SPLIT_TRAIN] = f->images[FSN_SPLIT_TRAIN];
    f->report.data.per_class[FSN_SPLIT_TEST] = f->images[FSN_SPLIT_TEST];
    f->report.baseline_train_top1 = 97;
    f->report.baseline.eval = (struct fsn_eval){.top1 = 92, .images = 10000};
    f->report.compressed.eval = (struct fsn_eval){.top1 = 75, .images = 10000};
}

static void judge(struct fixture *f)
{
    fsn__judge_baseline(&f->report);
    fsn__judge_training(&f->report);
}

static void expect(struct fixture *f, const char *text)
{
    judge(f);
    if (f->report.warning_count != (text ? 1 : 0))
        fail_msg("%d warnings, the first '%s'", f->report.warning_count, f->report.warnings[0]);
    if (text && !strstr(f->report.warnings[0], text))
        fail_msg("'%s' does not say '%s'", f->report.warnings[0], text);
}

static void a_sound_job_is_not_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    expect(&f, NULL);
    start(&f); /* no training, no teacher */
    f.curve.count = 0;
    expect(&f, NULL);
    start(&f);
    f.rows[1].teacher_top1 = NAN;
    expect(&f, NULL);
}

/* Chance is 10 %, a tenth of the way to perfection 19 %. One warning, not one for each sign. */
static void a_baseline_that_guesses_is_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    f.report.baseline.eval.top1 = 18.9;
    f.rows[1].teacher_top1 = f.rows[1].train_top1 = 10;
    expect(&f, "preprocess.mean, std and scale");
    start(&f);
    f.report.baseline.eval.top1 = 19.1;
    expect(&f, NULL);
}

/* Half of the way from 10 % to 92 %: 51 %. */
static void labels_that_the_baseline_does_not_know_are_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    f.report.baseline_train_top1 = 50.9;
    f.rows[1].teacher_top1 = f.rows[1].train_top1 = 11; /* no wonder, then */
    expect(&f, "labels of the training images");
    start(&f);
    f.report.baseline_train_top1 = 51.1;
    expect(&f, NULL);
    start(&f); /* these are not mixed */
    f.report.baseline_train_top1 = 50.9;
    f.spec.finetune.mixup = 0.2;
    expect(&f, "labels of the training images");
}

static void an_augmentation_that_the_baseline_does_not_know_is_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    f.rows[1].teacher_top1 = 50.9;
    f.rows[1].train_top1 = 11;
    expect(&f, "finetune.augment");
    start(&f);
    f.rows[1].teacher_top1 = 51.1;
    expect(&f, NULL);
    start(&f); /* mixed images are not to be recognised */
    f.rows[1].teacher_top1 = 40;
    f.spec.finetune.mixup = 0.2;
    expect(&f, NULL);
}

static void set_preprocess(struct fixture *f, enum fsn_scale scale, float mean, float std)
{
    start(f);
    f->spec.preprocess.scale = scale;
    f->spec.preprocess.channels = 3;
    for (int i = 0; i < 3; i++) {
        f->spec.preprocess.mean[i] = mean;
        f->spec.preprocess.std[i] = std;
    }
}

static void mean_and_std_of_another_range_are_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    set_preprocess(&f, FSN_SCALE_UNIT, 123.7F, 58.4F);
    f.report.baseline.eval.top1 = 10; /* the cause is named, and nothing else */
    expect(&f, "mean 123.7 and std 58.4 seem to be of pixels in 0..255");
    set_preprocess(&f, FSN_SCALE_UNIT, 0, 255);
    expect(&f, "of pixels in 0..255");
    set_preprocess(&f, FSN_SCALE_BYTE, 0.485F, 0.229F);
    expect(&f, "of pixels in 0..1, and preprocess.scale says 0..255");
    set_preprocess(&f, FSN_SCALE_UNIT, 0.485F, 0.229F);
    expect(&f, NULL);
    set_preprocess(&f, FSN_SCALE_UNIT, 0, 1);
    expect(&f, NULL);
    set_preprocess(&f, FSN_SCALE_BYTE, 103.9F, 1); /* as Caffe has it */
    expect(&f, NULL);
    set_preprocess(&f, FSN_SCALE_BYTE, 0, 255);
    expect(&f, NULL);
    set_preprocess(&f, FSN_SCALE_BYTE, 0, 1);
    expect(&f, NULL);
}

static void splits_of_different_classes_are_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    for (int i = 0; i < 9; i++)
        f.images[FSN_SPLIT_TEST][i] = 0;
    expect(&f, "the test images are of 1 of 10 classes, and the training images of 10");
    start(&f);
    for (int i = 0; i < 6; i++)
        f.images[FSN_SPLIT_TEST][i] = 0;
    expect(&f, "of 4 of 10 classes");
    start(&f);
    for (int i = 0; i < 5; i++)
        f.images[FSN_SPLIT_TEST][i] = 0;
    expect(&f, NULL);
    start(&f);
    f.images[FSN_SPLIT_TRAIN][3] = 0;
    expect(&f, "1 of the 10 classes that the test images are of have no training images");
    start(&f); /* what is not trained forgets nothing */
    f.images[FSN_SPLIT_TRAIN][3] = 0;
    f.spec.finetune.epochs = 0;
    expect(&f, NULL);
}

static void a_student_that_learnt_little_is_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    f.rows[1].train_top1 = 50.9;
    expect(&f, "more finetune.epochs");
}

/* 100 held-back and 10000 test images at about 80 %: a standard error of 4 %, so from 14 on. */
static void held_back_images_that_disagree_with_the_test_are_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    f.curve.held_images = 100;
    f.rows[0].held_top1 = 75;
    f.rows[1].held_top1 = 88;
    expect(&f, NULL);
    start(&f);
    f.curve.held_images = 100;
    f.rows[0].held_top1 = 91;
    expect(&f, "held back");
}

static void a_search_that_found_nothing_says_so(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    fsn__judge_search(&f.report, 0.5, 0.5, 0.5);
    assert_int_equal(f.report.warning_count, 0);
    fsn__judge_search(&f.report, 0.6, 0.1, 0.5);
    assert_int_equal(f.report.warning_count, 1);
    assert_non_null(strstr(f.report.warnings[0], "no file that was tried loses at most 0.50"));
    fsn__judge_search(&f.report, 0.4, 0.75, 0.5);
    assert_int_equal(f.report.warning_count, 2);
    assert_non_null(strstr(f.report.warnings[1], "0.75 on those that had no part in it"));
}

static void warnings_have_an_end(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    for (int i = 0; i < 100; i++)
        fsn__report_warn(&f.report, "%d %0400d", i, 0);
    assert_int_equal(f.report.warning_count, FSN__MAX_WARNINGS);
    assert_int_equal(strlen(f.report.warnings[7]), sizeof f.report.warnings[7] - 1);
}

/* A sound detector of the fixture's classes: 45 % before, 30 % after a short run. */
static void start_detector(struct fixture *f)
{
    start(f);
    f->report.task = f->report.figures = FSN__TASK_DETECT;
    f->report.data.detection = true;
    f->report.data.objects[FSN_SPLIT_TEST] =
        (struct fsn_object_counts){.count = 90, .difficult = 4};
    f->rows[0].train_top1 = f->rows[0].teacher_top1 = NAN;
    f->rows[1] = f->rows[0];
    f->report.baseline.detection.map50 = 45;
    f->report.compressed.detection.map50 = 30;
}

static void a_detector_that_training_ruined_is_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start_detector(&f);
    expect(&f, NULL);
    start_detector(&f);
    f.report.compressed.detection.map50 = 22.6; /* just more than a half */
    expect(&f, NULL);
    start_detector(&f);
    f.report.compressed.detection.map50 = 0.02;
    expect(&f, "has an mAP of 0.0 %, less than half of the baseline's 45.0 %");
    start_detector(&f); /* one that finds nothing cannot be ruined */
    f.report.baseline.detection.map50 = 4;
    f.report.compressed.detection.map50 = 0;
    expect(&f, "detection.default_boxes");
    start_detector(&f);
    f.report.figures = FSN__TASK_SEGMENT;
    f.report.task = FSN__TASK_DISTILL;
    f.report.baseline.segmentation.miou = 70;
    f.report.compressed.segmentation.miou = 34;
    expect(&f, "a mean IoU of 34.0 %");
}

static void outputs_that_training_ruined_are_warned_of(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    f.report.task = f.report.figures = FSN__TASK_DISTILL;
    f.report.outputs.count = 3;
    f.report.outputs.item[0] = (struct fsn__report_output){"a", .start_error = 0.2, .error = 0.21};
    f.report.outputs.item[1] = (struct fsn__report_output){"b", .start_error = 3, .error = 0.9};
    f.report.outputs.item[2] = (struct fsn__report_output){"c", .start_error = NAN, .error = NAN};
    expect(&f, NULL);
    f.report.outputs.item[0] =
        (struct fsn__report_output){"a", .start_error = 1e-7, .error = 1e-3}; /* by rounding */
    expect(&f, NULL);
    f.report.outputs.item[0] = (struct fsn__report_output){"a", .start_error = 0.2, .error = 0.23};
    expect(&f, "1 of 3 outputs have an error above that before training");
    f.report.warning_count = 0;
    f.report.outputs.item[1].start_error = 1.5;
    f.report.outputs.item[1].error = 10.7;
    expect(&f, "2 of 3 outputs have");
    f.report.warning_count = 0;
    expect(&f, "'b' has 10.7 and had 1.5");
}

static void that_nothing_can_be_measured_is_said_in_words(void **state)
{
    struct fixture f;

    (void)state;
    start_detector(&f);
    f.report.data.objects[FSN_SPLIT_TEST].difficult = 90;
    f.report.baseline.detection.map50 = f.report.compressed.detection.map50 = NAN;
    expect(&f, "no object of the test images counts (there are 90, all difficult or crowds)");
    start_detector(&f);
    f.report.figures = FSN__TASK_SEGMENT;
    f.report.baseline.segmentation.miou = f.report.compressed.segmentation.miou = NAN;
    expect(&f, "no pixel of the test masks has a class");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_job_is_not_warned_of),
        cmocka_unit_test(a_baseline_that_guesses_is_warned_of),
        cmocka_unit_test(labels_that_the_baseline_does_not_know_are_warned_of),
        cmocka_unit_test(an_augmentation_that_the_baseline_does_not_know_is_warned_of),
        cmocka_unit_test(mean_and_std_of_another_range_are_warned_of),
        cmocka_unit_test(splits_of_different_classes_are_warned_of),
        cmocka_unit_test(a_student_that_learnt_little_is_warned_of),
        cmocka_unit_test(held_back_images_that_disagree_with_the_test_are_warned_of),
        cmocka_unit_test(a_search_that_found_nothing_says_so),
        cmocka_unit_test(warnings_have_an_end),
        cmocka_unit_test(a_detector_that_training_ruined_is_warned_of),
        cmocka_unit_test(outputs_that_training_ruined_are_warned_of),
        cmocka_unit_test(that_nothing_can_be_measured_is_said_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
