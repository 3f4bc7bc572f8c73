/* test_detect_objective.c - detectors are trained: what they learn, from boxes and from a teacher,
 * that a run goes on as if it had not stopped, and what is refused. */
#include "core/rng.h"
#include "data/detection_batch.h"
#include "detect/multibox_loss.h"
#include "toy_detector.h"
#include "toy_run.h"
#include "train/detector.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { IMAGES = 20, BATCH = 6, STEPS = IMAGES / BATCH, EPOCHS = 4 };

static int setup(void **state)
{
    struct toy_run *f;

    toy_setup(state);
    f = *state;
    fsn_dataset_destroy(f->data);
    f->data = toy_boxes(IMAGES, 4, 3);
    f->spec.finetune.epochs = EPOCHS;
    f->spec.finetune.batch_size = BATCH;
    f->spec.finetune.lr = 0.01;
    f->spec.finetune.recalibrate_bn = 2;
    toy_box_rule(&f->spec);
    return 0;
}

static void no_augmentation(struct fsn_spec *spec)
{
    spec->finetune.crop_padding = 0;
    spec->finetune.flip = false;
}

static struct toy_result run(struct toy_run *f, struct fsn__graph *teacher, int threads,
                             const char *checkpoint)
{
    return toy_train_graph(f, toy_detector(1, TOY_SHAPES), teacher, threads, checkpoint);
}

/* ---- learning ------------------------------------------------------------------------------ */

static void ssd_lite_learns_its_images(void **state)
{
    struct toy_run *f = *state;
    struct toy_result r;

    no_augmentation(&f->spec);
    f->spec.finetune.epochs = 12;
    f->spec.finetune.lr = 0.03;
    f->spec.detection.default_boxes = (struct fsn_default_boxes){.kind = FSN_BOXES_AUTO};
    r = toy_train_graph(f, toy_ssd_lite(1), NULL, 2, NULL);
    if (r.status != FSN_OK)
        fail_msg("%s", r.err.text);
    assert_int_equal(r.curve.count, 12);
    assert_true(r.curve.rows[11].train_loss < 0.7 * r.curve.rows[0].train_loss);
    for (int i = 0; i < 12; i++) {
        /* each picture has a shape, and each shape has a box at least */
        assert_true(r.curve.rows[i].matched >= 1);
        assert_true(isnan(r.curve.rows[i].train_top1) && isnan(r.curve.rows[i].teacher_top1));
        assert_true(isnan(r.curve.rows[i].held_loss));
    }
    toy_clear(&r);
}

/* Loss and matched boxes of images 0 .. n of a shuffled order, from the pieces. */
static struct fsn__multibox_terms expected(const struct toy_run *f, struct fsn__graph *student,
                                           const int64_t *images, int64_t n)
{
    const struct fsn__exec_options options = {.batch = n};
    struct fsn__transform transform = {.preprocess = f->spec.preprocess,
                                       .seed = f->spec.seed,
                                       .channels = 3,
                                       .height = 8 * TOY_MAP,
                                       .width = 8 * TOY_MAP};
    struct fsn__detector network = {.exec = NULL};
    struct fsn__object_batch objects = {.first = NULL};
    struct fsn__multibox *multibox = NULL;
    struct fsn__multibox_batch batch = {.images = n};
    struct fsn__multibox_terms terms;

    assert_int_equal(
        fsn__detector_create(student, "test", f->data, &f->spec, &options, &network, NULL), FSN_OK);
    assert_int_equal(fsn__multibox_create(network.head.standard, TOY_BOXES, TOY_SHAPES, n,
                                          &fsn__ssd_multibox, NULL, &multibox, NULL),
                     FSN_OK);
    assert_int_equal(fsn__load_detection_batch(f->data, FSN_SPLIT_TRAIN, images, n, &transform,
                                               f->spec.finetune.flip, 0, NULL, network.images,
                                               &objects, NULL),
                     FSN_OK);
    assert_int_equal(fsn__detector_forward(&network, 0, NULL), FSN_OK);
    batch.locations = network.locations;
    batch.confidences = network.confidences;
    batch.objects = objects.objects;
    batch.first_object = objects.first;
    terms = fsn__multibox_loss(multibox, &batch, NULL, NULL);
    fsn__multibox_destroy(multibox);
    fsn__object_batch_clear(&objects);
    fsn__detector_clear(&network);
    return terms;
}

static void check_first_step(struct toy_run *f)
{
    struct fsn__graph *fresh = toy_detector(1, TOY_SHAPES);
    struct fsn__multibox_terms terms;
    int64_t order[IMAGES];
    struct toy_result r;

    f->spec.finetune.epochs = 1;
    f->spec.finetune.batch_size = IMAGES;
    f->spec.finetune.precision = FSN_PRECISION_FLOAT32; /* as the network that it is held against */
    fsn__shuffle(order, IMAGES, f->spec.seed, 0);
    terms = expected(f, fresh, order, IMAGES);
    r = run(f, NULL, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_true(terms.loss > 0 && terms.matched >= IMAGES);
    assert_true(fabs(r.curve.rows[0].train_loss - terms.loss) < 1e-5 * terms.loss);
    assert_true(fabs(r.curve.rows[0].matched * IMAGES - (double)terms.matched) < 1e-9);
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

static void the_loss_is_that_of_the_images_as_they_are_augmented(void **state)
{
    check_first_step(*state);
}

static void without_crop_and_flip_images_are_taken_whole(void **state)
{
    struct toy_run *f = *state;

    no_augmentation(&f->spec);
    check_first_step(f);
}

static void a_teacher_that_is_the_student_teaches_nothing(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = toy_detector(1, TOY_SHAPES), *other = toy_detector(2, TOY_SHAPES);
    struct toy_result r;

    f->spec.finetune.epochs = 1;
    f->spec.finetune.distill.alpha = 1;
    f->spec.finetune.weight_decay = 0;
    r = run(f, teacher, 2, NULL);
    if (r.status != FSN_OK)
        fail_msg("%s", r.err.text);
    assert_true(r.curve.rows[0].train_loss >= 0 && r.curve.rows[0].train_loss < 1e-6);
    assert_true(r.curve.rows[0].matched >= 1);
    toy_clear(&r);
    r = run(f, other, 2, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_true(r.curve.rows[0].train_loss > 1e-3);
    toy_clear(&r);
    f->spec.finetune.distill.alpha = 0; /* it is not asked */
    r = run(f, teacher, 2, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_true(r.curve.rows[0].train_loss > 0.1);
    toy_clear(&r);
    fsn__graph_destroy(teacher);
    fsn__graph_destroy(other);
}

static void a_student_comes_nearer_to_its_teacher(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = toy_detector(2, TOY_SHAPES);
    struct toy_result r;

    f->spec.finetune.epochs = 8;
    f->spec.finetune.distill.alpha = 1;
    r = run(f, teacher, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_true(r.curve.rows[7].train_loss < 0.8 * r.curve.rows[0].train_loss);
    toy_clear(&r);
    fsn__graph_destroy(teacher);
}

/* The figure of held-back images is that of all of them as one batch. */
static void held_back_images_are_judged_by_the_loss(void **state)
{
    struct toy_run *f = *state;
    struct fsn__multibox_terms terms;
    struct toy_result r;
    int best = 0;

    no_augmentation(&f->spec);
    f->spec.finetune.holdout = 0.5;
    f->spec.finetune.lr = 0.2; /* so that the last epoch is not always the best */
    r = run(f, NULL, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_int_equal(r.curve.held_images, IMAGES / 2);
    for (int i = 0; i < EPOCHS; i++) {
        assert_true(isnan(r.curve.rows[i].held_top1));
        assert_true(r.curve.rows[i].held_loss > 0);
        if (r.curve.rows[i].held_loss < r.curve.rows[best].held_loss)
            best = i;
    }
    {
        int64_t held[IMAGES], count = 0;
        bool is_held[IMAGES] = {false};
        struct fsn__rng rng = fsn__rng_open(f->spec.seed, FSN__RNG_HOLDOUT, 0, 0);
        int64_t order[IMAGES];

        /* as holdout.c says: the first half of the images in an order of this stream */
        for (int64_t i = 0; i < IMAGES; i++) {
            const int64_t j = (int64_t)fsn__rng_below(&rng, (uint64_t)i + 1);

            order[i] = order[j];
            order[j] = i;
        }
        for (int64_t i = 0; i < IMAGES / 2; i++)
            is_held[order[i]] = true;
        for (int64_t i = 0; i < IMAGES; i++)
            if (is_held[i])
                held[count++] = i;
        terms = expected(f, r.student, held, count);
    }
    assert_true(fabs(terms.loss - r.curve.rows[best].held_loss) < 1e-5 * terms.loss);
    toy_clear(&r);
}

/* ---- the same bytes again -------------------------------------------------------------------- */

static void check_resume(struct toy_run *f, int threads, int stop_epoch, int stop_step,
                         int first_epoch)
{
    struct fsn__graph *teacher = toy_detector(9, TOY_SHAPES);
    struct toy_result whole = run(f, teacher, threads, NULL), half, rest;

    assert_int_equal(whole.status, FSN_OK);
    f->watch = (struct toy_watch){.stop_epoch = stop_epoch, .stop_step = stop_step};
    half = run(f, teacher, threads, f->checkpoint);
    toy_assert_says(&half, FSN_CANCELLED, "cancelled");
    f->watch = (struct toy_watch){0};
    rest = run(f, teacher, threads, f->checkpoint);
    assert_int_equal(rest.status, FSN_OK);
    assert_int_equal(f->watch.first.epoch, first_epoch);
    assert_int_equal(f->watch.rows, EPOCHS - first_epoch + 1);
    assert_true(toy_same_state(rest.student, whole.student));
    toy_assert_same_curve(&rest.curve, &whole.curve);
    toy_clear(&whole);
    toy_clear(&half);
    toy_clear(&rest);
    fsn__graph_destroy(teacher);
    remove(f->checkpoint);
}

static void a_run_stopped_anywhere_ends_with_the_bytes_of_an_undisturbed_one(void **state)
{
    struct toy_run *f = *state;

    check_resume(f, 1, 1, 2, 1);
    check_resume(f, 2, 3, STEPS, 4);
    f->spec.finetune.holdout = 0.1; /* a step less is none: 18 images */
    f->spec.finetune.ema = 0.9;
    f->spec.finetune.clip_norm = 1;
    check_resume(f, 2, 3, 2, 3);
}

static void the_number_of_cores_changes_no_byte(void **state)
{
    struct toy_run *f = *state;
    struct fsn__cores one = FSN__CORES(1), five = FSN__CORES(5);
    struct toy_result alone, beside;

    f->spec.finetune.epochs = 2;
    f->cores = &one;
    alone = run(f, NULL, 3, NULL);
    f->cores = &five;
    beside = run(f, NULL, 3, NULL);
    assert_int_equal(alone.status, FSN_OK);
    assert_true(toy_same_state(alone.student, beside.student));
    toy_assert_same_curve(&alone.curve, &beside.curve);
    toy_clear(&alone);
    toy_clear(&beside);
}

static void expect_foreign(struct toy_run *f, const char *what)
{
    struct toy_result r = run(f, NULL, 1, f->checkpoint);

    if (r.status != FSN_INVALID || !strstr(r.err.text, "another run"))
        fail_msg("%s: status %s, '%s'", what, fsn_status_name(r.status), r.err.text);
    toy_clear(&r);
}

static void a_checkpoint_is_refused_when_boxes_or_rules_have_changed(void **state)
{
    struct toy_run *f = *state;
    struct fsn__object *object = &f->data->split[FSN_SPLIT_TRAIN].objects[2];
    const struct fsn__object was = *object;
    const struct fsn_spec spec = f->spec;
    struct toy_result r;

    f->spec.finetune.epochs = 1;
    r = run(f, NULL, 1, f->checkpoint);
    assert_int_equal(r.status, FSN_OK);
    toy_clear(&r);
    object->box.x1 += 0.01F;
    expect_foreign(f, "a box");
    *object = was;
    object->label = (was.label + 1) % TOY_SHAPES;
    expect_foreign(f, "a label");
    *object = was;
    object->difficult = true;
    expect_foreign(f, "a difficult object");
    *object = was;
    f->spec.detection.default_boxes.maps[0].min_size = 11;
    expect_foreign(f, "the size of default boxes");
    f->spec.detection.default_boxes = spec.detection.default_boxes;
    f->spec.detection.default_boxes.variance[3] = 0.25;
    expect_foreign(f, "a variance");
    f->spec.detection.default_boxes = spec.detection.default_boxes;
    f->spec.detection.default_boxes.clip = true;
    expect_foreign(f, "clipping");
    f->spec.detection.default_boxes = spec.detection.default_boxes;
    f->spec.detection.score = 0.5; /* has no part in training */
    r = run(f, NULL, 1, f->checkpoint);
    assert_int_equal(r.status, FSN_OK);
    toy_clear(&r);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void assert_refused(struct toy_run *f, struct fsn__graph *student,
                           struct fsn__graph *teacher, enum fsn_status status, const char *text)
{
    struct toy_result r = toy_train_graph(f, student, teacher, 1, NULL);

    toy_assert_says(&r, status, text);
    toy_clear(&r);
}

static void what_is_for_classifiers_is_refused(void **state)
{
    struct toy_run *f = *state;
    const struct fsn_spec spec = f->spec;
    struct fsn__graph *teacher = toy_detector(2, TOY_SHAPES);

#define REFUSED(field, value)                                                                     \
    do {                                                                                          \
        f->spec.finetune.field = value;                                                           \
        assert_refused(f, toy_detector(1, TOY_SHAPES), teacher, FSN_INVALID, "finetune." #field); \
        f->spec = spec;                                                                           \
    } while (0)
    REFUSED(mixup, 0.4);
    REFUSED(label_smoothing, 0.1);
    REFUSED(distill.feature, 0.5);
#undef REFUSED
    f->spec.finetune.cutout = true;
    assert_refused(f, toy_detector(1, TOY_SHAPES), NULL, FSN_INVALID, "cutout");
    f->spec = spec;
    fsn__graph_destroy(teacher);
}

static void networks_that_do_not_fit_are_named(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = toy_detector(2, TOY_SHAPES + 2);

    assert_refused(f, toy_detector(1, TOY_SHAPES + 1), NULL, FSN_MISMATCH, "training: ");
    assert_refused(f, toy_network(1), NULL, FSN_MISMATCH, "training: ");
    assert_refused(f, toy_detector(1, TOY_SHAPES), teacher, FSN_MISMATCH, "teacher: ");
    fsn__graph_destroy(teacher);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        CASE(ssd_lite_learns_its_images),
        CASE(the_loss_is_that_of_the_images_as_they_are_augmented),
        CASE(without_crop_and_flip_images_are_taken_whole),
        CASE(a_teacher_that_is_the_student_teaches_nothing),
        CASE(a_student_comes_nearer_to_its_teacher),
        CASE(held_back_images_are_judged_by_the_loss),
        CASE(a_run_stopped_anywhere_ends_with_the_bytes_of_an_undisturbed_one),
        CASE(the_number_of_cores_changes_no_byte),
        CASE(a_checkpoint_is_refused_when_boxes_or_rules_have_changed),
        CASE(what_is_for_classifiers_is_refused),
        CASE(networks_that_do_not_fit_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
