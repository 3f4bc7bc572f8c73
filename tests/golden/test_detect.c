/* test_detect.c - offsets, suppression and detections against PyTorch (detect_table.py), and by
 * hand where the port leaves off. */
#include "detect/box_codec.h"
#include "detect/nms.h"

#include "detect_table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void decode_all(struct fsn__box *boxes)
{
    float offset[BOXES * 4];

    draw(offset, BOXES * 4, 5, 2);
    for (ptrdiff_t p = 0; p < BOXES; p++)
        boxes[p] = fsn__box_decode(offset + 4 * p, standard_boxes + 4 * p, fsn__ssd_variance);
}

/* ---- boxes and offsets ----------------------------------------------------------------------- */

static void decoded_boxes_equal_pytorch(void **state)
{
    struct fsn__box boxes[BOXES];

    (void)state;
    decode_all(boxes);
    for (ptrdiff_t p = 0; p < BOXES; p++) {
        assert_near(boxes[p].x0, decoded_boxes[4 * p], 1e-6);
        assert_near(boxes[p].y0, decoded_boxes[4 * p + 1], 1e-6);
        assert_near(boxes[p].x1, decoded_boxes[4 * p + 2], 1e-6);
        assert_near(boxes[p].y1, decoded_boxes[4 * p + 3], 1e-6);
    }
}

/* d = (0.5, 0.5, 0.2, 0.4), b centred on (0.52, 0.46), sizes 0.2 e^0.2 and 0.4: offsets 1, -1, 1,
 * 0. */
static void offsets_are_in_variances_of_the_default_box(void **state)
{
    const float standard[4] = {0.5F, 0.5F, 0.2F, 0.4F};
    const float half = 0.1F * expf(0.2F);
    const struct fsn__box box = {0.52F - half, 0.26F, 0.52F + half, 0.66F};
    const float want[4] = {1, -1, 1, 0};
    float offset[4];
    struct fsn__box back;

    (void)state;
    fsn__box_encode(box, standard, fsn__ssd_variance, offset);
    for (int i = 0; i < 4; i++)
        assert_near(offset[i], want[i], 1e-5);
    back = fsn__box_decode(offset, standard, fsn__ssd_variance);
    assert_near(back.x0, box.x0, 1e-6);
    assert_near(back.y0, box.y0, 1e-6);
    assert_near(back.x1, box.x1, 1e-6);
    assert_near(back.y1, box.y1, 1e-6);
}

static void overlap_is_the_shared_part_of_the_whole(void **state)
{
    const struct fsn__box a = {0, 0, 0.5F, 0.5F}, b = {0.25F, 0.25F, 0.75F, 0.75F};
    const struct fsn__box beside = {0.5F, 0, 1, 0.5F}, empty = {0.25F, 0.25F, 0.25F, 0.5F};

    (void)state;
    assert_near(fsn__box_iou(a, b), 1.0 / 7, 1e-7);
    assert_true(fsn__box_iou(a, a) == 1);
    assert_true(fsn__box_iou(a, beside) == 0);
    assert_true(fsn__box_iou(a, empty) == 0 && fsn__box_iou(empty, empty) == 0);
    assert_true(fsn__box_area(empty) == 0);
}

/* ---- suppression ----------------------------------------------------------------------------- */

static void compare_kept(float overlap, int64_t candidates, const int32_t *kept, size_t count)
{
    const struct fsn__nms_options options = {
        .score = -1, .overlap = overlap, .candidates = candidates};
    struct fsn__box boxes[BOXES];
    float scores[BOXES], rows[BOXES * 2];
    struct fsn__detection *found;
    int64_t n;

    decode_all(boxes);
    draw(scores, BOXES, 7, 0.5);
    for (ptrdiff_t p = 0; p < BOXES; p++) {
        rows[2 * p] = 9; /* the background, which nobody looks at */
        rows[2 * p + 1] = scores[p] + 0.5F;
    }
    assert_int_equal(fsn__nms(boxes, rows, BOXES, 1, &options, &found, &n, NULL), FSN_OK);
    assert_int_equal(n, count);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(&found[i].box, &boxes[kept[i]], sizeof *boxes);
        assert_true(found[i].score == rows[2 * (ptrdiff_t)kept[i] + 1]);
        assert_int_equal(found[i].label, 0);
    }
    free(found);
}

static void the_boxes_that_stay_are_those_of_the_port(void **state)
{
    (void)state;
    compare_kept(0.45F, 0, kept_all, sizeof kept_all / sizeof *kept_all);
    compare_kept(0.3F, 20, kept_of_20, sizeof kept_of_20 / sizeof *kept_of_20);
}

/* Two boxes far apart, one that is the first again; two classes. */
static const struct fsn__box three[3] = {
    {0, 0, 0.2F, 0.2F}, {0.5F, 0.5F, 1, 1}, {0, 0, 0.2F, 0.2F}};

static void equal_scores_go_by_class_and_then_by_box(void **state)
{
    const float scores[9] = {0, 0.5F, 0.5F, 0, 0.5F, 0.7F, 0, 0.5F, 0.5F};
    struct fsn__nms_options options = {.score = 0.1F, .overlap = 0.5F};
    struct fsn__detection *found;
    int64_t n;

    (void)state;
    assert_int_equal(fsn__nms(three, scores, 3, 2, &options, &found, &n, NULL), FSN_OK);
    assert_int_equal(n, 4); /* box 2 lies on box 0, in both classes */
    assert_true(found[0].score == 0.7F && found[0].label == 1 && found[0].box.x0 == 0.5F);
    assert_true(found[1].label == 0 && found[1].box.x0 == 0);
    assert_true(found[2].label == 0 && found[2].box.x0 == 0.5F);
    assert_true(found[3].label == 1 && found[3].box.x0 == 0);
    free(found);
    options.keep = 2;
    assert_int_equal(fsn__nms(three, scores, 3, 2, &options, &found, &n, NULL), FSN_OK);
    assert_int_equal(n, 2);
    assert_true(found[0].score == 0.7F && found[1].label == 0 && found[1].box.x0 == 0);
    free(found);
}

static void scores_must_exceed_the_threshold_and_be_numbers(void **state)
{
    const float scores[6] = {0, 0.5F, 0, 0.25F, 0, NAN};
    const struct fsn__nms_options options = {.score = 0.25F, .overlap = 0.5F},
                                  none = {.score = 0.5F, .overlap = 0.5F};
    struct fsn__detection *found;
    int64_t n;

    (void)state;
    assert_int_equal(fsn__nms(three, scores, 3, 1, &options, &found, &n, NULL), FSN_OK);
    assert_int_equal(n, 1);
    assert_true(found[0].score == 0.5F);
    free(found);
    assert_int_equal(fsn__nms(three, scores, 3, 1, &none, &found, &n, NULL), FSN_OK);
    assert_int_equal(n, 0);
    free(found);
}

static bool go_on(void *user)
{
    return --*(int *)user > 0;
}

static void it_may_be_ended_before_each_class(void **state)
{
    const float scores[9] = {0, 0.5F, 0.5F, 0, 0.5F, 0.7F, 0, 0.5F, 0.5F};
    int left = 3;
    const struct fsn__nms_options options = {.overlap = 0.5F, .go_on = go_on, .user = &left};
    struct fsn__detection *found = NULL;
    int64_t n;

    (void)state;
    assert_int_equal(fsn__nms(three, scores, 3, 2, &options, &found, &n, NULL), FSN_OK);
    free(found);
    found = NULL;
    left = 2;
    assert_int_equal(fsn__nms(three, scores, 3, 2, &options, &found, &n, NULL), FSN_CANCELLED);
    assert_null(found);
}

static void it_is_known_how_many_detections_an_image_can_have(void **state)
{
    const struct fsn__nms_options all = {.score = 0}, some = {.score = 0, .candidates = 7},
                                  sure = {.score = 0.3F}, few = {.score = 0, .keep = 5};

    (void)state;
    assert_int_equal(fsn__nms_most(&all, 100, 20), 2000);
    assert_int_equal(fsn__nms_most(&some, 100, 20), 140);
    assert_int_equal(fsn__nms_most(&sure, 100, 20), 300); /* of a box three classes at most */
    assert_int_equal(fsn__nms_most(&sure, 100, 2), 200);
    assert_int_equal(fsn__nms_most(&few, 100, 20), 5);
    assert_int_equal(fsn__nms_most(&fsn__ssd_nms, 8732, 80), 200);
}

/* The second box is half of the first. */
static void an_overlap_of_exactly_the_limit_stays(void **state)
{
    const struct fsn__box boxes[2] = {{0, 0, 0.5F, 0.5F}, {0, 0, 0.25F, 0.5F}};
    const float scores[4] = {0, 0.5F, 0, 0.25F};
    const struct fsn__nms_options at = {.overlap = 0.5F}, below = {.overlap = 0.49F};
    struct fsn__detection *found;
    int64_t n;

    (void)state;
    assert_int_equal(fsn__nms(boxes, scores, 2, 1, &at, &found, &n, NULL), FSN_OK);
    assert_int_equal(n, 2);
    free(found);
    assert_int_equal(fsn__nms(boxes, scores, 2, 1, &below, &found, &n, NULL), FSN_OK);
    assert_int_equal(n, 1);
    free(found);
}

/* Logits (0, log 3) and (log 3, 0): scores 3/4 and 1/4; the first box reaches over the image's
 * edge. */
static void outputs_of_a_network_become_detections(void **state)
{
    const float standard[8] = {0, 0.5F, 0.5F, 1, 0.75F, 0.75F, 0.25F, 0.25F};
    const float offsets[8] = {0}, logits[4] = {0, logf(3), logf(3), 0};
    struct fsn__detection *found;
    int64_t n;

    (void)state;
    assert_int_equal(fsn__detect(offsets, logits, standard, fsn__ssd_variance, 2, 1, &fsn__ssd_nms,
                                 &found, &n, NULL),
                     FSN_OK);
    assert_int_equal(n, 2);
    assert_near(found[0].score, 0.75, 1e-6);
    assert_near(found[1].score, 0.25, 1e-6);
    assert_true(found[0].box.x0 == 0 && found[0].box.x1 == 0.25F && found[0].box.y1 == 1);
    assert_true(found[1].box.x0 == 0.625F && found[1].box.y1 == 0.875F);
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoded_boxes_equal_pytorch),
        cmocka_unit_test(offsets_are_in_variances_of_the_default_box),
        cmocka_unit_test(overlap_is_the_shared_part_of_the_whole),
        cmocka_unit_test(the_boxes_that_stay_are_those_of_the_port),
        cmocka_unit_test(equal_scores_go_by_class_and_then_by_box),
        cmocka_unit_test(scores_must_exceed_the_threshold_and_be_numbers),
        cmocka_unit_test(it_is_known_how_many_detections_an_image_can_have),
        cmocka_unit_test(it_may_be_ended_before_each_class),
        cmocka_unit_test(an_overlap_of_exactly_the_limit_stays),
        cmocka_unit_test(outputs_of_a_network_become_detections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
