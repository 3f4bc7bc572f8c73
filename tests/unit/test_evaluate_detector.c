/* test_evaluate_detector.c - average precision of a detector whose outputs are known: each image is
 * of one colour, and the network writes for it what stands in a table. Figures by hand. */
#include "core/pool.h"
#include "graph/graph.h"
#include "train/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"

/* Four default boxes, the quarters of the image; two classes, cat and dog. */
enum { IMAGES = 3, BOXES = 4, CLASSES = 2, ROW = CLASSES + 1, SIZE = 64, CAT = 0, DOG = 1 };

struct outputs {
    float locations[IMAGES][BOXES][4];
    float confidences[IMAGES][BOXES][ROW];
};

/* Nothing is found: the background is sure. */
static struct outputs nothing(void)
{
    struct outputs o = {0};

    for (int i = 0; i < IMAGES; i++)
        for (int b = 0; b < BOXES; b++)
            o.confidences[i][b][0] = 20;
    return o;
}

/* Box b of image i holds the class with logit z against 0 of the rest. */
static void see(struct outputs *o, int i, int b, int label, float z)
{
    o->confidences[i][b][0] = 0;
    o->confidences[i][b][1 + label] = z;
}

/* [N,3] times table [IMAGES][BOXES * width], as [N,BOXES,width]. */
static int rows(struct fsn__graph *graph, const char *name, int colours, int64_t width,
                const float *table)
{
    struct fsn__tensor weight = {0}, shape = {0};
    int64_t dims[3] = {0, BOXES, width};
    int in[2] = {colours, -1}, x = -1;

    fsn__shape_set(&weight, FSN__F32, 2, (int64_t[]){IMAGES, BOXES * width});
    weight.data = (void *)(uintptr_t)table;
    fsn__shape_set(&shape, FSN__I64, 1, (int64_t[]){3});
    shape.data = dims;
    assert_int_equal(fsn__graph_add_const(graph, NULL, FSN__VALUE_CONST, &weight, &in[1], NULL),
                     FSN_OK);
    assert_int_equal(fsn__graph_apply(graph, "MatMul", NULL, NULL, 2, in, &in[0], NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_const(graph, NULL, FSN__VALUE_CONST, &shape, &in[1], NULL),
                     FSN_OK);
    assert_int_equal(fsn__graph_apply(graph, "Reshape", name, NULL, 2, in, &x, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_output(graph, x, NULL), FSN_OK);
    return x;
}

/* The mean of each channel chooses the row: red is image 0, green 1, blue 2. */
static struct fsn__graph *detector(const struct outputs *o, int64_t batch)
{
    struct fsn__graph *graph = NULL;
    struct fsn__tensor shape;
    int x;

    fsn__shape_set(&shape, FSN__F32, 4, (int64_t[]){batch, IMAGES, SIZE, SIZE});
    assert_int_equal(fsn__graph_create(&graph, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_input(graph, "images", &shape, &x, NULL), FSN_OK);
    assert_int_equal(fsn__graph_apply(graph, "GlobalAveragePool", NULL, NULL, 1, &x, &x, NULL),
                     FSN_OK);
    assert_int_equal(fsn__graph_apply(graph, "Flatten", NULL, NULL, 1, &x, &x, NULL), FSN_OK);
    rows(graph, "loc", x, 4, &o->locations[0][0][0]);
    rows(graph, "conf", x, ROW, &o->confidences[0][0][0]);
    return graph;
}

#define OBJECT(name, difficult, x0, y0, x1, y1)                                          \
    "<object><name>" name "</name><difficult>" difficult "</difficult><bndbox><xmin>" x0 \
    "</xmin><ymin>" y0 "</ymin><xmax>" x1 "</xmax><ymax>" y1 "</ymax></bndbox></object>"
#define ANNOTATION(objects) "<annotation>" objects "</annotation>"

/* Test images of 64 x 48: a dog in the first quarter of the red one, a cat in the middle of the
 * green one, a dog in the last quarter of the blue one and a difficult cat in its first. A train
 * image that is like the red one. */
static struct fsn_dataset *open_set(void)
{
    static const char red[] = ANNOTATION(OBJECT("dog", "0", "1", "1", "32", "24"));
    static const char green[] = ANNOTATION(OBJECT("cat", "0", "17", "13", "48", "36"));
    static const char blue[] = ANNOTATION(OBJECT("dog", "0", "33", "25", "64", "48")
                                              OBJECT("cat", "1", "1", "1", "32", "24"));
    static const char test[] = "1\n2\n3\n", train[] = "4\n";
    struct made_bytes image[IMAGES] = {make_png_of(64, 48, 255, 0, 0),
                                       make_png_of(64, 48, 0, 255, 0),
                                       make_png_of(64, 48, 0, 0, 255)};
    const struct made_entry entries[] = {
        {.name = "V/JPEGImages/1.png", .bytes = image[0].data, .size = image[0].size},
        {.name = "V/JPEGImages/2.png", .bytes = image[1].data, .size = image[1].size},
        {.name = "V/JPEGImages/3.png", .bytes = image[2].data, .size = image[2].size},
        {.name = "V/JPEGImages/4.png", .bytes = image[0].data, .size = image[0].size},
        {.name = "V/Annotations/1.xml", .bytes = red, .size = sizeof red - 1},
        {.name = "V/Annotations/2.xml", .bytes = green, .size = sizeof green - 1},
        {.name = "V/Annotations/3.xml", .bytes = blue, .size = sizeof blue - 1},
        {.name = "V/Annotations/4.xml", .bytes = red, .size = sizeof red - 1},
        {.name = "V/ImageSets/Main/test.txt", .bytes = test, .size = sizeof test - 1},
        {.name = "V/ImageSets/Main/train.txt", .bytes = train, .size = sizeof train - 1},
    };
    struct fsn_error err;
    struct fsn_dataset *data =
        open_entries(entries, sizeof entries / sizeof *entries, FSN_OK, &err);

    for (int i = 0; i < IMAGES; i++)
        free(image[i].data);
    return data;
}

/* Quarters of the image; an offset of 1 is a default box's width, or a factor of e. */
static struct fsn_spec quarters(void)
{
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.detection.default_boxes = (struct fsn_default_boxes){
        .kind = FSN_BOXES_RULE,
        .map_count = 1,
        .maps = {{.width = 2, .height = 2, .step = 32, .min_size = 32}},
        .variance = {1, 1, 1, 1},
    };
    return spec;
}

static struct fsn_detection_eval evaluate(const struct outputs *o, int64_t batch,
                                          const struct fsn_spec *spec, enum fsn_split split,
                                          struct fsn__pool *pool)
{
    const struct fsn__meter quiet = {0};
    struct fsn__graph *graph = detector(o, batch);
    struct fsn_dataset *data = open_set();
    struct fsn_detection_eval eval = {0};
    struct fsn_error err = {.status = FSN_OK};

    if (fsn__evaluate_detector(graph, data, split, spec, pool, &quiet, &eval, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
    return eval;
}

static void near(double got, double want)
{
    if (!(fabs(got - want) < 1e-4))
        fail_msg("got %.9g, want %.9g", got, want);
}

/* All objects where they are; the cat half a box right of and below the first quarter. */
static struct outputs perfect(void)
{
    struct outputs o = nothing();

    see(&o, 0, 0, DOG, 9);
    see(&o, 1, 0, CAT, 8);
    o.locations[1][0][0] = o.locations[1][0][1] = 0.5F;
    see(&o, 2, 3, DOG, 7);
    return o;
}

static void what_is_found_where_it_is_counts_in_full(void **state)
{
    const struct outputs o = perfect();
    const struct fsn_spec spec = quarters();
    const int64_t batches[] = {FSN_BATCH, 1, 2};

    (void)state;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        struct fsn_detection_eval eval = evaluate(&o, batches[i], &spec, FSN_SPLIT_TEST, NULL);

        near(eval.map50, 100);
        near(eval.map07, 100);
        near(eval.coco_ap, 100);
        near(eval.coco_ap75, 100);
        assert_int_equal(eval.class_count, CLASSES);
        assert_int_equal(eval.images, IMAGES);
        assert_int_equal(eval.objects, 3);
        assert_int_equal(eval.difficult, 1);
        assert_int_equal(eval.detections, 3);
        assert_int_equal(eval.classes[DOG].objects, 2);
        assert_int_equal(eval.classes[CAT].difficult, 1);
        fsn_detection_eval_clear(&eval);
    }
}

/* The dog of the blue image is seen in its second quarter, where there is none. Of two dogs one is
 * found first: precision 1 up to recall 1/2. COCO reads 51 of 101 recalls. */
static void what_is_missed_costs_recall(void **state)
{
    struct outputs o = perfect();
    const struct fsn_spec spec = quarters();
    struct fsn_detection_eval eval;

    (void)state;
    see(&o, 2, 3, DOG, 0);
    o.confidences[2][3][0] = 20;
    see(&o, 2, 1, DOG, 7);
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    near(eval.classes[DOG].ap50, 50);
    near(eval.classes[DOG].ap07, 600.0 / 11);
    near(eval.classes[DOG].coco_ap, 5100.0 / 101);
    near(eval.classes[CAT].ap50, 100);
    near(eval.map50, 75);
    near(eval.map07, (100 + 600.0 / 11) / 2);
    near(eval.coco_ap, (100 + 5100.0 / 101) / 2);
    fsn_detection_eval_clear(&eval);
}

/* ... and when it is surer than the good one: precision 1/2 at recall 1/2. */
static void what_is_false_and_sure_costs_more(void **state)
{
    struct outputs o = perfect();
    const struct fsn_spec spec = quarters();
    struct fsn_detection_eval eval;

    (void)state;
    o.confidences[2][3][0] = 20;
    o.confidences[2][3][1 + DOG] = 0;
    see(&o, 2, 1, DOG, 12);
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    near(eval.classes[DOG].ap50, 25);
    near(eval.classes[DOG].ap07, 300.0 / 11);
    fsn_detection_eval_clear(&eval);
}

/* Moved right by 3/13 of its width: an IoU of 10/16 = 0.625. */
static void places_that_are_nearly_right_count_at_low_thresholds(void **state)
{
    struct outputs o = perfect();
    const struct fsn_spec spec = quarters();
    struct fsn_detection_eval eval;

    (void)state;
    o.locations[1][0][0] = 0.5F + 3.0F / 13;
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    near(eval.classes[CAT].ap50, 100);
    near(eval.classes[CAT].coco_ap50, 100);
    near(eval.classes[CAT].coco_ap, 30); /* at 0.5, 0.55 and 0.6 of ten */
    near(eval.classes[CAT].coco_ap75, 0);
    fsn_detection_eval_clear(&eval);
}

/* The difficult cat takes its detection out of the count; a second one beside it is false. */
static void difficult_objects_count_for_nothing(void **state)
{
    struct outputs o = perfect();
    const struct fsn_spec spec = quarters();
    struct fsn_detection_eval eval;

    (void)state;
    see(&o, 2, 0, CAT, 12);
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    near(eval.classes[CAT].ap50, 100);
    assert_int_equal(eval.classes[CAT].detections, 2);
    fsn_detection_eval_clear(&eval);
    see(&o, 2, 1, CAT, 12);
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    near(eval.classes[CAT].ap50, 50);
    fsn_detection_eval_clear(&eval);
}

static void the_spec_says_which_detections_there_are(void **state)
{
    struct outputs o = perfect();
    struct fsn_spec spec = quarters();
    struct fsn_detection_eval eval;

    (void)state;
    /* Scores e^z / (e^z + 2). */
    see(&o, 0, 1, CAT, 1); /* 0.576 */
    spec.detection.score = 0.6;
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    assert_int_equal(eval.detections, 3);
    fsn_detection_eval_clear(&eval);
    spec.detection.score = 0.5;
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    assert_int_equal(eval.detections, 4);
    fsn_detection_eval_clear(&eval);
    spec.detection.keep = 1;
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    assert_int_equal(eval.detections, 3);
    fsn_detection_eval_clear(&eval);
    /* A second dog on the first, moved by 3/13: it shares 0.625 with it. */
    spec = quarters();
    spec.detection.score = 0.5;
    o = perfect();
    see(&o, 0, 1, DOG, 5);
    o.locations[0][1][0] = -1 + 3.0F / 13;
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    assert_int_equal(eval.detections, 3);
    fsn_detection_eval_clear(&eval);
    spec.detection.iou = 0.63;
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, NULL);
    assert_int_equal(eval.detections, 4);
    fsn_detection_eval_clear(&eval);
}

static void a_split_is_measured_by_itself_on_any_number_of_threads(void **state)
{
    struct outputs o = perfect();
    const struct fsn_spec spec = quarters();
    struct fsn__pool *pool = NULL;
    struct fsn_detection_eval eval;

    (void)state;
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TRAIN, NULL);
    assert_int_equal(eval.images, 1);
    near(eval.map50, 100);
    assert_true(isnan(eval.classes[CAT].ap50)); /* none there */
    fsn_detection_eval_clear(&eval);
    assert_int_equal(fsn__pool_create(3, &pool, NULL), FSN_OK);
    eval = evaluate(&o, FSN_BATCH, &spec, FSN_SPLIT_TEST, pool);
    near(eval.coco_ap, 100);
    assert_int_equal(eval.detections, 3);
    fsn_detection_eval_clear(&eval);
    fsn__pool_destroy(pool);
}

static bool stop_after_a_batch(const struct fsn_progress *progress, void *user)
{
    (void)user;
    assert_int_equal(progress->stage, FSN_STAGE_VERIFY);
    assert_int_equal(progress->steps, IMAGES);
    return progress->step < 1;
}

/* Of a batch of all images, once the network has run: before the third class that is looked at. */
static bool stop_later(const struct fsn_progress *progress, void *user)
{
    assert_int_equal(progress->step, 0);
    return ++*(int *)user < 3;
}

static void it_is_cancelled_while_boxes_are_suppressed(void **state)
{
    const struct outputs o = perfect();
    int asked = 0;
    const struct fsn__meter stop = {
        .progress = stop_later, .user = &asked, .stage = FSN_STAGE_VERIFY, .to = 1};
    struct fsn__graph *graph = detector(&o, FSN_BATCH);
    struct fsn_dataset *data = open_set();
    const struct fsn_spec spec = quarters();
    struct fsn_detection_eval eval = {.images = -1};
    struct fsn_error err = {.status = FSN_OK};

    (void)state;
    assert_int_equal(
        fsn__evaluate_detector(graph, data, FSN_SPLIT_TEST, &spec, NULL, &stop, &eval, &err),
        FSN_CANCELLED);
    assert_non_null(strstr(err.text, "suppressing"));
    assert_int_equal(eval.images, -1);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

static void it_is_cancelled_between_batches_and_says_what_does_not_fit(void **state)
{
    const struct outputs o = perfect();
    const struct fsn__meter quiet = {0}, stop = {.progress = stop_after_a_batch,
                                                 .stage = FSN_STAGE_VERIFY,
                                                 .to = 1};
    struct fsn__graph *graph = detector(&o, 1);
    struct fsn_dataset *data = open_set();
    struct fsn_spec spec = quarters();
    struct fsn_detection_eval eval = {.images = -1};
    struct fsn_error err = {.status = FSN_OK};

    (void)state;
    spec.preprocess.resize = 8; /* classifiers' alone */
    assert_int_equal(
        fsn__evaluate_detector(graph, data, FSN_SPLIT_TEST, &spec, NULL, &stop, &eval, &err),
        FSN_CANCELLED);
    assert_non_null(strstr(err.text, "batch 1 of 3"));
    err.status = FSN_OK;
    spec.preprocess.channels = 1;
    assert_int_equal(
        fsn__evaluate_detector(graph, data, FSN_SPLIT_TEST, &spec, NULL, &quiet, &eval, &err),
        FSN_MISMATCH);
    assert_non_null(strstr(err.text, "for 1 channels"));
    assert_int_equal(eval.images, -1); /* written only on success */
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found_where_it_is_counts_in_full),
        cmocka_unit_test(what_is_missed_costs_recall),
        cmocka_unit_test(what_is_false_and_sure_costs_more),
        cmocka_unit_test(places_that_are_nearly_right_count_at_low_thresholds),
        cmocka_unit_test(difficult_objects_count_for_nothing),
        cmocka_unit_test(the_spec_says_which_detections_there_are),
        cmocka_unit_test(a_split_is_measured_by_itself_on_any_number_of_threads),
        cmocka_unit_test(it_is_cancelled_while_boxes_are_suppressed),
        cmocka_unit_test(it_is_cancelled_between_batches_and_says_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
