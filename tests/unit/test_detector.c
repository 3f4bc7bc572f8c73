/* test_detector.c - which of a network's outputs are a detector's, what they are relative to, and
 * what is said where they are not. */
#include "detect/default_boxes.h"
#include "train/classifier.h"
#include "train/detector.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 64 }; /* of ssd-lite's input here */

static struct fsn_model *ssd_lite(int classes)
{
    const struct fsn_arch_options options = {.input_size = SIZE, .classes = classes, .seed = 2};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    if (fsn_arch_build("ssd-lite", &options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return model;
}

static struct fsn_spec defaults(void)
{
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    return spec;
}

static void assert_refused(const struct fsn_model *model, int classes, const struct fsn_spec *spec,
                           enum fsn_status want, const char *part)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__detector_head head = {.boxes = -1};

    assert_int_equal(fsn__detector_head_find(model->graph, "test", classes, spec, &head, &err),
                     want);
    assert_int_equal(head.boxes, -1); /* written only on success */
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in '%s'", part, err.text);
    assert_non_null(strstr(err.text, "test: "));
}

static struct fsn__detector_head find(const struct fsn_model *model, int classes,
                                      const struct fsn_spec *spec)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__detector_head head = {.boxes = -1};

    if (fsn__detector_head_find(model->graph, "test", classes, spec, &head, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return head;
}

/* 64 pixels: maps of 8, 4, 2 and 1, of 4, 6, 6 and 4 boxes a pixel. */
static void outputs_are_found_by_their_shapes(void **state)
{
    const struct fsn_spec spec = defaults();
    const struct fsn__box_rule rule = fsn__ssd_lite_box_rule(SIZE);
    struct fsn_model *model = ssd_lite(4);
    struct fsn__graph *graph = model->graph;
    struct fsn__detector_head head;
    float *boxes = NULL;
    int64_t count = 0;

    (void)state;
    graph->values[graph->outputs[0]].name = "a";
    graph->values[graph->outputs[1]].name = "b";
    head = find(model, 4, &spec);
    assert_int_equal(head.locations, graph->outputs[0]);
    assert_int_equal(head.confidences, graph->outputs[1]);
    assert_int_equal(head.boxes, 64 * 4 + 16 * 6 + 4 * 6 + 4);
    assert_int_equal(head.classes, 4);
    assert_int_equal(fsn__default_boxes(&rule, &boxes, &count, NULL), FSN_OK);
    assert_int_equal(count, head.boxes);
    assert_memory_equal(head.standard, boxes, (size_t)count * 4 * sizeof *boxes);
    assert_true(head.variance[0] == 0.1F && head.variance[3] == 0.2F);
    free(boxes);
    fsn__detector_head_clear(&head);
    fsn_model_destroy(model);
}

/* With three classes both outputs have four numbers a box. */
static void outputs_of_one_shape_are_told_apart_by_name(void **state)
{
    struct fsn_model *model = ssd_lite(3);
    struct fsn__graph *graph = model->graph;
    struct fsn_spec spec = defaults();
    struct fsn__detector_head head = find(model, 3, &spec); /* the zoo's names */
    char *a = strdup("a"), *b = strdup("b");

    (void)state;
    assert_int_equal(head.locations, graph->outputs[0]);
    fsn__detector_head_clear(&head);
    graph->values[graph->outputs[0]].name = "a";
    graph->values[graph->outputs[1]].name = "b";
    assert_int_equal(fsn__graph_prune(graph, NULL), FSN_OK); /* which lists names anew */
    assert_refused(model, 3, &spec, FSN_MISMATCH,
                   "several outputs have the shapes of a detector's");
    spec.detection.locations = b; /* one is enough */
    head = find(model, 3, &spec);
    assert_int_equal(head.locations, graph->outputs[1]);
    assert_int_equal(head.confidences, graph->outputs[0]);
    fsn__detector_head_clear(&head);
    spec.detection.confidences = b;
    spec.detection.locations = a;
    head = find(model, 3, &spec);
    assert_int_equal(head.confidences, graph->outputs[1]);
    fsn__detector_head_clear(&head);
    free(a);
    free(b);
    fsn_model_destroy(model);
}

static void wrong_outputs_are_named(void **state)
{
    const struct fsn_arch_options options = {.classes = 4};
    struct fsn_model *model = ssd_lite(4), *classifier = NULL;
    struct fsn_spec spec = defaults();
    char *name = strdup("boxes"), *other = strdup("confidences");

    (void)state;
    assert_refused(model, 5, &spec, FSN_MISMATCH,
                   "4 classes and the background, the data set has 5");
    spec.detection.locations = name;
    assert_refused(model, 4, &spec, FSN_INVALID,
                   "detection.locations: the network has no output 'boxes'; it has 'locations'");
    spec.detection.locations = other;
    assert_refused(model, 4, &spec, FSN_MISMATCH, "expected float32 [N,boxes,4]");
    spec.detection.locations = NULL;
    assert_int_equal(fsn_arch_build("resnet20", &options, &classifier, NULL), FSN_OK);
    assert_refused(classifier, 4, &spec, FSN_MISMATCH,
                   "a detector has outputs float32 [N,boxes,4] and [N,boxes,5]");
    free(name);
    free(other);
    fsn_model_destroy(classifier);
    fsn_model_destroy(model);
}

/* 24,564 boxes of 80 classes, all above a score of 0: 1,965,120 an image. */
static void more_detections_than_can_be_kept_are_refused(void **state)
{
    const struct fsn__detector_head head = {.boxes = 24564, .classes = 80};
    struct fsn_spec spec = defaults();
    struct fsn_error err = {.status = FSN_OK};

    (void)state;
    assert_int_equal(fsn__detections_fit(&spec, &head, 200000, &err), FSN_OK);
    spec.detection.keep = spec.detection.candidates = 0;
    spec.detection.score = 0;
    assert_int_equal(fsn__detections_fit(&spec, &head, 25, &err), FSN_OK);
    assert_int_equal(fsn__detections_fit(&spec, &head, 5000, &err), FSN_LIMIT);
    assert_non_null(strstr(err.text, "1965120 detections in each of 5000 images, and 50000000 are "
                                     "kept of all at most: detection.keep must be at most 10000"));
    spec.detection.keep = 10000;
    assert_int_equal(fsn__detections_fit(&spec, &head, 5000, &err), FSN_OK);
}

static void default_boxes_are_as_many_as_the_network_has(void **state)
{
    struct fsn_model *model = ssd_lite(4);
    struct fsn_spec spec = defaults();
    struct fsn_default_boxes *boxes = &spec.detection.default_boxes;
    struct fsn__detector_head head;

    (void)state;
    boxes->kind = FSN_BOXES_SSD300;
    assert_refused(model, 4, &spec, FSN_MISMATCH, "300 x 300; the network takes 64 x 64");
    boxes->kind = FSN_BOXES_SSD_LITE;
    head = find(model, 4, &spec);
    fsn__detector_head_clear(&head);
    *boxes = (struct fsn_default_boxes){
        .kind = FSN_BOXES_RULE,
        .map_count = 1,
        .maps = {{.width = 20, .height = 19, .step = 3, .min_size = 8}},
        .variance = {1, 2, 3, 4},
    };
    head = find(model, 4, &spec); /* 380, too */
    assert_true(head.standard[0] == 1.5F / SIZE && head.standard[2] == 8.0F / SIZE);
    assert_true(head.variance[1] == 2 && head.variance[3] == 4);
    fsn__detector_head_clear(&head);
    boxes->maps[0].height = 20;
    assert_refused(model, 4, &spec, FSN_MISMATCH,
                   "gives 400 boxes for images of 64 x 64, the network has 380");
    fsn_model_destroy(model);
}

/* Adds a constant of `columns` numbers of each default box, as `how` has them. */
enum how { CENTERS, CORNERS, CORNER_PIXELS };
static void add_table(struct fsn__graph *graph, const char *name, enum how how, int from,
                      int columns)
{
    const struct fsn__box_rule rule = fsn__ssd_lite_box_rule(SIZE);
    struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 2, .dim = {0, columns}};
    float *boxes = NULL, *table;
    int64_t count = 0;
    int value;

    assert_int_equal(fsn__default_boxes(&rule, &boxes, &count, NULL), FSN_OK);
    t.data = table = calloc((size_t)count * 4, sizeof *table);
    assert_non_null(table);
    t.dim[0] = count;
    for (int64_t i = 0; i < count; i++)
        for (int j = 0; j < columns; j++) {
            const int of = from + j;
            const float centre = boxes[4 * i + of % 2], size = boxes[4 * i + 2 + of % 2];
            const float corner = of < 2 ? centre - size / 2 : centre + size / 2;

            table[columns * i + j] = how == CENTERS   ? boxes[4 * i + of]
                                     : how == CORNERS ? corner
                                                      : corner * SIZE;
        }
    assert_int_equal(fsn__graph_add_const(graph, name, FSN__VALUE_CONST, &t, &value, NULL), FSN_OK);
    free(table);
    free(boxes);
}

static void boxes_of_a_tensor_are_those_of_the_rule(void **state)
{
    static const struct {
        const char *tensor[2];
        enum fsn_box_form form;
        bool pixels;
    } rows[] = {
        {{"priors", NULL}, FSN_BOX_CENTER, false},
        {{"centres", "sizes"}, FSN_BOX_CENTER, false},
        {{"corners", NULL}, FSN_BOX_CORNER, false},
        {{"pixels", NULL}, FSN_BOX_CORNER, true},
    };
    struct fsn_model *model = ssd_lite(4);
    struct fsn_spec spec = defaults();
    struct fsn_default_boxes *boxes = &spec.detection.default_boxes;
    struct fsn__detector_head by_rule = find(model, 4, &spec);

    (void)state;
    add_table(model->graph, "priors", CENTERS, 0, 4);
    add_table(model->graph, "centres", CENTERS, 0, 2);
    add_table(model->graph, "sizes", CENTERS, 2, 2);
    add_table(model->graph, "corners", CORNERS, 0, 4);
    add_table(model->graph, "pixels", CORNER_PIXELS, 0, 4);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fsn__detector_head head;

        *boxes = (struct fsn_default_boxes){
            .kind = FSN_BOXES_TENSOR,
            .variance = {1, 2, 3, 4},
            .tensor = {(char *)(uintptr_t)rows[i].tensor[0], (char *)(uintptr_t)rows[i].tensor[1]},
            .form = rows[i].form,
            .pixels = rows[i].pixels,
        };
        head = find(model, 4, &spec);
        assert_true(head.variance[2] == 3);
        for (int64_t j = 0; j < 4 * head.boxes; j++)
            if (!(fabsf(head.standard[j] - by_rule.standard[j]) < 1e-6F))
                fail_msg("%s: number %lld is %g, expected %g", rows[i].tensor[0], (long long)j,
                         (double)head.standard[j], (double)by_rule.standard[j]);
        fsn__detector_head_clear(&head);
    }
    fsn__detector_head_clear(&by_rule);
    fsn_model_destroy(model);
}

static void tensors_that_are_no_boxes_are_refused(void **state)
{
    static char name[] = "corners", half[] = "half", conv[] = "locations";
    struct fsn_model *model = ssd_lite(4);
    struct fsn_spec spec = defaults();
    struct fsn_default_boxes *boxes = &spec.detection.default_boxes;

    (void)state;
    *boxes = (struct fsn_default_boxes){
        .kind = FSN_BOXES_TENSOR, .variance = {1, 1, 1, 1}, .tensor = {name, NULL}};
    assert_refused(model, 4, &spec, FSN_MISMATCH, "the network has no constant 'corners'");
    boxes->tensor[0] = conv;
    assert_refused(model, 4, &spec, FSN_MISMATCH, "the network has no constant 'locations'");
    add_table(model->graph, "corners", CORNERS, 0, 4);
    add_table(model->graph, "half", CORNERS, 0, 2);
    boxes->tensor[0] = half;
    assert_refused(model, 4, &spec, FSN_MISMATCH, "'half' is [380,2], the network needs [380,4]");
    boxes->tensor[0] = name;
    boxes->form = FSN_BOX_CORNER;
    model->graph->values[fsn__graph_find_value(model->graph, name)].tensor.dim[0] = 379;
    assert_refused(model, 4, &spec, FSN_MISMATCH,
                   "'corners' is [379,4], the network needs [380,4]");
    model->graph->values[fsn__graph_find_value(model->graph, name)].tensor.dim[0] = 380;
    fsn__f32(&model->graph->values[fsn__graph_find_value(model->graph, name)].tensor)[4 * 7 + 2] =
        -1;
    assert_refused(model, 4, &spec, FSN_MISMATCH, "box 7, (");
    fsn_model_destroy(model);
}

/* What only decoding reads is folded away when a file is read; its name is still known. */
static void tensors_of_a_file_are_bound(void **state)
{
    static char name[] = "priors";
    struct fsn_model *model = ssd_lite(4), *bare = ssd_lite(4);
    struct fsn_spec spec = defaults();
    struct fsn_default_boxes *boxes = &spec.detection.default_boxes;
    struct fsn__detector_head head;
    int value;

    (void)state;
    add_table(model->graph, "priors", CENTERS, 0, 4);
    value = fsn__graph_find_value(model->graph, "priors");
    assert_int_equal(
        fsn__box_tables_add(&bare->boxes, "priors", &model->graph->values[value].tensor, NULL),
        FSN_OK);
    *boxes = (struct fsn_default_boxes){
        .kind = FSN_BOXES_TENSOR, .variance = {1, 1, 1, 1}, .tensor = {name, NULL}};
    assert_refused(bare, 4, &spec, FSN_MISMATCH, "no constant 'priors'");
    fsn__detector_bind_boxes(bare, boxes);
    head = find(bare, 4, &spec);
    assert_memory_equal(head.standard, model->graph->values[value].tensor.data,
                        (size_t)head.boxes * 4 * sizeof(float));
    fsn__detector_head_clear(&head);
    fsn_model_destroy(bare);
    fsn_model_destroy(model);
}

/* Half of the boxes: no rule gives so many. */
static void unknown_numbers_of_boxes_ask_for_a_rule(void **state)
{
    struct fsn_model *model = ssd_lite(4);
    const struct fsn_spec spec = defaults();

    (void)state;
    for (int i = 0; i < 2; i++)
        model->graph->values[model->graph->outputs[i]].tensor.dim[1] = 190;
    assert_refused(model, 4, &spec, FSN_MISMATCH, "190 boxes for images of 64 x 64, as no rule");
    fsn_model_destroy(model);
}

static void logits_are_read_in_front_of_a_softmax(void **state)
{
    struct fsn_model *model = ssd_lite(4);
    struct fsn__graph *graph = model->graph;
    const int logits = graph->outputs[1];
    const struct fsn_spec spec = defaults();
    struct fsn__detector_head head;
    int scores;

    (void)state;
    assert_int_equal(fsn__graph_apply(graph, "Softmax", "scores", NULL, 1, &logits, &scores, NULL),
                     FSN_OK);
    graph->outputs[1] = scores;
    head = find(model, 4, &spec);
    assert_int_equal(head.confidences, logits);
    fsn__detector_head_clear(&head);
    assert_int_equal(fsn__graph_apply(graph, "Sigmoid", "odds", NULL, 1, &logits, &scores, NULL),
                     FSN_OK);
    graph->outputs[1] = scores;
    assert_refused(model, 4, &spec, FSN_MISMATCH, "ends in a Sigmoid");
    fsn_model_destroy(model);
}

/* ---- running --------------------------------------------------------------------------------- */

static const struct fsn_dataset boxed = {
    .format = "voc", .channels = 3, .classes = 4, .detection = true};

static void a_detector_is_made_ready_to_train(void **state)
{
    const struct fsn__exec_options options = {.batch = 2, .training = true};
    const struct fsn_spec spec = defaults();
    struct fsn_model *model = ssd_lite(4);
    struct fsn__detector detector = {.exec = NULL};
    struct fsn_error err = {.status = FSN_OK};
    const int stem = fsn__graph_find_value(model->graph, "relu1");

    (void)state;
    assert_true(stem >= 0);
    fsn__graph_mark_trainable(model->graph);
    if (fsn__detector_create_with(model->graph, "student", &boxed, &spec, &options, &stem, 1,
                                  &detector, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(detector.batch, 2);
    assert_int_equal(detector.image_bytes, 2 * 3 * SIZE * SIZE * sizeof(float));
    memset(detector.images, 0, detector.image_bytes);
    assert_int_equal(fsn__detector_forward(&detector, 0, &err), FSN_OK);
    assert_non_null(detector.dlocations);
    assert_non_null(detector.dconfidences);
    assert_int_equal(fsn__detector_value(&detector, 0)->dim[1], 16);
    assert_non_null(fsn__detector_value_grad(&detector, 0));
    assert_true(fsn__detector_memory(&detector) > detector.image_bytes);
    fsn__detector_clear(&detector);
    fsn_model_destroy(model);
}

static void data_of_another_kind_are_refused(void **state)
{
    const struct fsn__exec_options options = {.batch = 2};
    const struct fsn_dataset labelled = {.format = "cifar10", .channels = 3, .classes = 4};
    const struct fsn_spec spec = defaults();
    struct fsn_model *model = ssd_lite(4);
    struct fsn__detector detector = {.exec = NULL};
    struct fsn__classifier classifier = {.exec = NULL};
    struct fsn_error err = {.status = FSN_OK};

    (void)state;
    assert_int_equal(
        fsn__detector_create(model->graph, "test", &labelled, &spec, &options, &detector, &err),
        FSN_MISMATCH);
    assert_non_null(strstr(err.text, "has no boxes (cifar10)"));
    err.status = FSN_OK;
    assert_int_equal(
        fsn__classifier_create(model->graph, "test", &boxed, NULL, &options, &classifier, &err),
        FSN_MISMATCH);
    assert_non_null(strstr(err.text, "is one of boxes (voc)"));
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_found_by_their_shapes),
        cmocka_unit_test(outputs_of_one_shape_are_told_apart_by_name),
        cmocka_unit_test(wrong_outputs_are_named),
        cmocka_unit_test(more_detections_than_can_be_kept_are_refused),
        cmocka_unit_test(default_boxes_are_as_many_as_the_network_has),
        cmocka_unit_test(boxes_of_a_tensor_are_those_of_the_rule),
        cmocka_unit_test(tensors_that_are_no_boxes_are_refused),
        cmocka_unit_test(tensors_of_a_file_are_bound),
        cmocka_unit_test(unknown_numbers_of_boxes_ask_for_a_rule),
        cmocka_unit_test(logits_are_read_in_front_of_a_softmax),
        cmocka_unit_test(a_detector_is_made_ready_to_train),
        cmocka_unit_test(data_of_another_kind_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
