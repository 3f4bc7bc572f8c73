/* test_detector_tail.c - what is appended to a detector computes what the engine makes of its raw
 * outputs. */
#include "detect/box_codec.h"
#include "detect/box_grids.h"
#include "detect/default_boxes.h"
#include "detect/tail.h"
#include "graph_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void succeeds(enum fsn_status status, const struct fsn_error *err)
{
    if (status != FSN_OK)
        fail_msg("%s", err->text);
}

enum { SIZE = 64, CLASSES = 3, BATCH = 2 };

static float *boxes_of(struct fsn__box_rule rule, int64_t *count)
{
    float *boxes = NULL;
    struct fsn_error err = {.status = FSN_OK};

    succeeds(fsn__default_boxes(&rule, &boxes, count, &err), &err);
    return boxes;
}

static struct fsn_model *detector_of(int classes)
{
    const struct fsn_arch_options options = {.classes = classes, .input_size = SIZE};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    succeeds(fsn_arch_build("ssd-lite", &options, &model, &err), &err);
    return model;
}

static struct fsn_model *detector(void)
{
    return detector_of(CLASSES);
}

static struct fsn__tail tail_of(const struct fsn__graph *graph, const float *standard)
{
    return (struct fsn__tail){.locations = graph->outputs[0],
                              .confidences = graph->outputs[1],
                              .standard = standard,
                              .variance = fsn__ssd_variance};
}

static void append(struct fsn_model *model, const struct fsn__tail *tail)
{
    struct fsn_error err = {.status = FSN_OK};

    succeeds(fsn__append_detector_tail(model->graph, tail, &err), &err);
    succeeds(fsn__graph_prune(model->graph, &err), &err);
}

static float clipped(float x)
{
    return fminf(fmaxf(x, 0), 1);
}

static void boxes_and_scores_are_the_engines(void **state)
{
    struct fsn_model *raw = detector(), *model = detector();
    int64_t boxes = 0, count = 0;
    float *standard = boxes_of(fsn__ssd_lite_box_rule(SIZE), &boxes);
    struct fsn__tail tail = tail_of(model->graph, standard);
    float *offset, *logits, *corner, *score;

    (void)state;
    append(model, &tail);
    assert_int_equal(model->graph->output_count, 2);
    offset = graph_run(raw->graph, 0, BATCH, &count);
    assert_int_equal(count, BATCH * boxes * 4);
    logits = graph_run(raw->graph, 1, BATCH, &count);
    corner = graph_run(model->graph, 0, BATCH, &count);
    assert_int_equal(count, BATCH * boxes * 4);
    score = graph_run(model->graph, 1, BATCH, &count);
    assert_int_equal(count, BATCH * boxes * CLASSES);
    for (int64_t i = 0; i < BATCH * boxes; i++) {
        const int64_t image = i / boxes, box = i % boxes;
        const struct fsn__box want =
            fsn__box_decode(offset + 4 * i, standard + 4 * box, fsn__ssd_variance);
        double sum = 0;

        assert_float_equal(corner[4 * i], clipped(want.x0), 1e-5);
        assert_float_equal(corner[4 * i + 1], clipped(want.y0), 1e-5);
        assert_float_equal(corner[4 * i + 2], clipped(want.x1), 1e-5);
        assert_float_equal(corner[4 * i + 3], clipped(want.y1), 1e-5);
        for (int c = 0; c <= CLASSES; c++)
            sum += exp((double)logits[i * (CLASSES + 1) + c]);
        for (int c = 0; c < CLASSES; c++)
            assert_float_equal(score[(image * CLASSES + c) * boxes + box],
                               (float)(exp((double)logits[i * (CLASSES + 1) + c + 1]) / sum), 1e-5);
    }
    free(offset);
    free(logits);
    free(corner);
    free(score);
    free(standard);
    fsn_model_destroy(raw);
    fsn_model_destroy(model);
}

/* Rows of what is found, whose number no file can say. */
static void suppression_comes_last(void **state)
{
    static const char *const names[4] = {"detection_images", "detection_classes",
                                         "detection_scores", "detection_boxes"};
    struct fsn_model *model = detector();
    int64_t boxes = 0;
    float *standard = boxes_of(fsn__ssd_lite_box_rule(SIZE), &boxes);
    struct fsn__tail tail = tail_of(model->graph, standard);

    (void)state;
    tail.suppress = &fsn__ssd_nms;
    append(model, &tail);
    assert_int_equal(graph_count(model->graph, "NonMaxSuppression"), 1);
    assert_int_equal(model->graph->output_count, 4);
    for (int i = 0; i < 4; i++) {
        const struct fsn__value *value = &model->graph->values[model->graph->outputs[i]];

        assert_string_equal(value->name, names[i]);
        assert_true(value->late);
        assert_int_equal(value->tensor.dtype, i < 2 ? FSN__I64 : FSN__F32);
        assert_string_equal(FSN__SHAPE(&value->tensor), i < 3 ? "[N]" : "[N,4]");
    }
    free(standard);
    fsn_model_destroy(model);
}

/* What is added to the boxes of each class before suppression, [classes][4]. */
static const float *places_of(const struct fsn__graph *graph, int64_t classes)
{
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__tensor *t = &graph->values[i].tensor;

        if (t->data && t->dtype == FSN__F32 && t->ndim == 3 && t->dim[0] == classes &&
            t->dim[1] == 1 && t->dim[2] == 4)
            return t->data;
    }
    fail_msg("no places of %lld classes", (long long)classes);
    return NULL;
}

static float overlap_at(const struct fsn__box *a, const struct fsn__box *b, const float *at)
{
    const struct fsn__box x = {a->x0 + at[0], a->y0 + at[1], a->x1 + at[2], a->y1 + at[3]};
    const struct fsn__box y = {b->x0 + at[0], b->y0 + at[1], b->x1 + at[2], b->y1 + at[3]};

    return fsn__box_iou(x, y);
}

/* Boxes of a hundredth of the image, of any of many classes, overlap as they do where they are; and
 * no two classes are in one place. */
static void many_classes_are_set_apart_and_overlap_as_before(void **state)
{
    enum { MANY = 500 };
    struct fsn_model *model = detector_of(MANY);
    int64_t boxes = 0;
    float *standard = boxes_of(fsn__ssd_lite_box_rule(SIZE), &boxes);
    struct fsn__tail tail = tail_of(model->graph, standard);
    const struct fsn__box a = {0.5131F, 0.7717F, 0.5233F, 0.7819F};
    const struct fsn__box b = {0.5157F, 0.7731F, 0.5259F, 0.7833F};
    const float *places;

    (void)state;
    tail.suppress = &fsn__ssd_nms;
    append(model, &tail);
    places = places_of(model->graph, MANY);
    for (int64_t c = 0; c < MANY; c++) {
        const float *at = places + 4 * c;

        assert_true(at[0] == at[2] && at[1] == at[3] && at[0] == floorf(at[0]) &&
                    at[1] == floorf(at[1]));
        assert_float_equal(overlap_at(&a, &b, at), fsn__box_iou(a, b), 1e-4);
        for (int64_t d = 0; d < c; d++)
            assert_true(places[4 * d] != at[0] || places[4 * d + 1] != at[1]);
    }
    free(standard);
    fsn_model_destroy(model);
}

static void rules_are_grids(void **state)
{
    static const struct fsn__box_grid want[6] = {{0, 38, 38, 4},    {5776, 19, 19, 6},
                                                 {7942, 10, 10, 6}, {8542, 5, 5, 6},
                                                 {8692, 3, 3, 4},   {8728, 1, 1, 4}};
    struct fsn__box_grid grids[FSN__MAX_BOX_GRIDS];
    int64_t boxes = 0;
    float *standard = boxes_of(fsn__ssd300_box_rule(), &boxes);

    (void)state;
    assert_int_equal(fsn__find_box_grids(standard, boxes, grids), 6);
    assert_memory_equal(grids, want, sizeof want);
    /* one box that lies elsewhere ends its grid */
    standard[4 * 8600] += 0.001F;
    assert_true(fsn__find_box_grids(standard, boxes, grids) > 6);
    for (int64_t i = 0; i < 4 * boxes; i++)
        standard[i] = (float)((i * 37) % 101) / 101;
    assert_int_equal(fsn__find_box_grids(standard, boxes, grids), 0);
    free(standard);
}

/* Boxes that follow no rule are written one by one. */
static void any_boxes_may_be_given(void **state)
{
    struct fsn_model *raw = detector(), *model = detector();
    int64_t boxes = 0, count = 0;
    float *standard = boxes_of(fsn__ssd_lite_box_rule(SIZE), &boxes), *offset, *corner;
    struct fsn__tail tail = tail_of(model->graph, standard);

    (void)state;
    for (int64_t i = 0; i < 4 * boxes; i++)
        standard[i] = 0.1F + (float)((i * 37) % 101) / 200;
    append(model, &tail);
    assert_int_equal(graph_count(model->graph, "Expand"), 0);
    offset = graph_run(raw->graph, 0, 1, &count);
    corner = graph_run(model->graph, 0, 1, &count);
    for (int64_t i = 0; i < boxes; i++) {
        const struct fsn__box want =
            fsn__box_decode(offset + 4 * i, standard + 4 * i, fsn__ssd_variance);

        assert_float_equal(corner[4 * i + 2], clipped(want.x1), 1e-5);
    }
    free(offset);
    free(corner);
    free(standard);
    fsn_model_destroy(raw);
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_and_scores_are_the_engines),
        cmocka_unit_test(suppression_comes_last),
        cmocka_unit_test(many_classes_are_set_apart_and_overlap_as_before),
        cmocka_unit_test(rules_are_grids),
        cmocka_unit_test(any_boxes_may_be_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
