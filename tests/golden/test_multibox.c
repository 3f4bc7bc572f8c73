/* test_multibox.c - matching, the multibox loss and distillation against PyTorch (detect_table.py),
 * and by hand where the port leaves off. */
#include "detect/box_codec.h"
#include "detect/match.h"
#include "detect/multibox_loss.h"

#include "detect_table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ROW = CLASSES + 1, LOCATIONS = IMAGES * BOXES * 4, CONFIDENCES = IMAGES * BOXES * ROW };
enum { OBJECTS = sizeof object_labels / sizeof *object_labels };

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}

/* ---- matching -------------------------------------------------------------------------------- */

/* The objects of the table; image 2 has one that is difficult. */
struct scene {
    struct fsn__object objects[OBJECTS + 1];
    int64_t first[IMAGES + 1];
};

static struct scene make_scene(void)
{
    struct scene s = {0};
    int64_t n = 0;

    for (int32_t image = 0; image < IMAGES; image++) {
        for (ptrdiff_t i = 0; i < OBJECTS; i++) {
            const float *b = object_boxes + 4 * i;

            if (object_images[i] == image)
                s.objects[n++] =
                    (struct fsn__object){{b[0], b[1], b[2], b[3]}, object_labels[i], false};
        }
        if (image == 2)
            s.objects[n++] = (struct fsn__object){{0.2F, 0.2F, 0.6F, 0.6F}, 1, true};
        s.first[image + 1] = n;
    }
    assert_int_equal(n, OBJECTS + 1);
    return s;
}

static int64_t match_boxes(const struct fsn__object *objects, int64_t count, bool difficult,
                           int32_t *match)
{
    struct fsn__box corners[BOXES];
    float overlap[BOXES];
    int32_t best[BOXES];

    for (ptrdiff_t p = 0; p < BOXES; p++)
        corners[p] = fsn__box_corners(standard_boxes + 4 * p);
    return fsn__match(corners, BOXES, objects, count, 0.5F, difficult, overlap, best, match);
}

static void matched_boxes_and_their_offsets_equal_pytorch(void **state)
{
    static const int images[3] = {0, 1, 3};
    const struct scene s = make_scene();
    const float *offset = matched_offsets;
    int64_t matched = 0;

    (void)state;
    for (ptrdiff_t n = 0; n < 3; n++) {
        const int64_t first = s.first[images[n]], count = s.first[images[n] + 1] - first;
        int32_t match[BOXES];

        matched += match_boxes(s.objects + first, count, false, match);
        for (ptrdiff_t p = 0; p < BOXES; p++) {
            const struct fsn__object *object = match[p] >= 0 ? &s.objects[first + match[p]] : NULL;
            float got[4];

            assert_int_equal(object ? object->label + 1 : 0, matched_labels[n * BOXES + p]);
            if (!object)
                continue;
            fsn__box_encode(object->box, standard_boxes + 4 * p, fsn__ssd_variance, got);
            for (int i = 0; i < 4; i++)
                assert_near(got[i], *offset++, 1e-5);
        }
    }
    assert_int_equal(matched, MATCHED);
}

static void difficult_and_empty_objects_are_passed_over(void **state)
{
    struct fsn__object object = {{0.2F, 0.2F, 0.6F, 0.6F}, 1, true};
    int32_t match[BOXES];

    (void)state;
    assert_int_equal(match_boxes(&object, 1, false, match), 0);
    assert_true(match_boxes(&object, 1, true, match) > 0);
    object.difficult = false;
    object.box.x1 = object.box.x0;
    assert_int_equal(match_boxes(&object, 1, false, match), 0);
}

/* Halves of the default box: an overlap of exactly the threshold, with both. It is the best for
 * both objects, so the later has it; another default box takes none. */
static void a_default_box_that_two_objects_want_goes_to_the_later(void **state)
{
    const struct fsn__box standard[2] = {{0, 0, 0.5F, 0.5F}, {0.75F, 0.75F, 1, 1}};
    const struct fsn__object objects[2] = {{{0, 0, 0.25F, 0.5F}, 0, false},
                                           {{0, 0, 0.5F, 0.25F}, 0, false}};
    float overlap[2];
    int32_t best[2], match[2];

    (void)state;
    assert_int_equal(fsn__match(standard, 2, objects, 2, 0.5F, false, overlap, best, match), 1);
    assert_int_equal(match[0], 1);
    assert_int_equal(match[1], FSN__UNMATCHED);
}

/* The third default box shares a third of the whole with each. */
static void of_objects_that_share_as_much_the_first_is_taken(void **state)
{
    const struct fsn__box standard[3] = {
        {0, 0, 0.5F, 0.5F}, {0, 0.5F, 0.5F, 1}, {0, 0.25F, 0.5F, 0.75F}};
    const struct fsn__object objects[2] = {{{0, 0, 0.5F, 0.5F}, 0, false},
                                           {{0, 0.5F, 0.5F, 1}, 0, false}};
    float overlap[3];
    int32_t best[3], match[3];

    (void)state;
    assert_int_equal(fsn__match(standard, 3, objects, 2, 0.3F, false, overlap, best, match), 3);
    assert_true(match[0] == 0 && match[1] == 1 && match[2] == 0);
}

/* The second default box is not the object's best one, and shares exactly half of it. */
static void an_overlap_of_exactly_the_threshold_matches(void **state)
{
    const struct fsn__box standard[2] = {{0, 0, 0.5F, 0.5F}, {0, 0, 0.25F, 0.5F}};
    const struct fsn__object object = {{0, 0, 0.5F, 0.5F}, 0, false};
    float overlap[2];
    int32_t best[2], match[2];

    (void)state;
    assert_int_equal(fsn__match(standard, 2, &object, 1, 0.5F, false, overlap, best, match), 2);
    assert_int_equal(fsn__match(standard, 2, &object, 1, 0.51F, false, overlap, best, match), 1);
    assert_int_equal(match[0], 0);
}

/* ---- the loss -------------------------------------------------------------------------------- */

struct outputs {
    float locations[LOCATIONS], confidences[CONFIDENCES];
    float teacher_locations[LOCATIONS], teacher_confidences[CONFIDENCES];
    float dlocations[LOCATIONS], dconfidences[CONFIDENCES];
};

static struct outputs *draw_outputs(void)
{
    struct outputs *o = calloc(1, sizeof *o);

    assert_non_null(o);
    draw(o->locations, LOCATIONS, 11, 3);
    draw(o->confidences, CONFIDENCES, 13, 4);
    draw(o->teacher_locations, LOCATIONS, 17, 3);
    draw(o->teacher_confidences, CONFIDENCES, 19, 4);
    memset(o->dlocations, 0x55, sizeof o->dlocations); /* what stands there is written over */
    memset(o->dconfidences, 0x55, sizeof o->dconfidences);
    return o;
}

static struct fsn__multibox_terms run_loss(struct outputs *o, const struct scene *s, bool taught,
                                           int slices)
{
    const struct fsn__multibox_batch batch = {IMAGES,
                                              o->locations,
                                              o->confidences,
                                              taught ? o->teacher_locations : NULL,
                                              taught ? o->teacher_confidences : NULL,
                                              s->objects,
                                              s->first};
    struct fsn__multibox_options options = fsn__ssd_multibox;
    struct fsn__multibox *m;
    struct fsn__multibox_terms terms;
    struct fsn__pool *pool = NULL;

    options.alpha = 0.7;
    options.temperature = 3;
    if (slices > 0)
        assert_int_equal(fsn__pool_create(slices, &pool, NULL), FSN_OK);
    assert_int_equal(
        fsn__multibox_create(standard_boxes, BOXES, CLASSES, IMAGES, &options, pool, &m, NULL),
        FSN_OK);
    terms = fsn__multibox_loss(m, &batch, o->dlocations, o->dconfidences);
    fsn__multibox_destroy(m);
    fsn__pool_destroy(pool);
    return terms;
}

static void loss_and_gradients_equal_pytorch(void **state)
{
    struct outputs *o = draw_outputs();
    const struct scene s = make_scene();
    const struct fsn__multibox_terms t = run_loss(o, &s, false, 0);

    (void)state;
    assert_int_equal(t.matched, MATCHED);
    assert_int_equal(t.hard, HARD);
    assert_near(t.location, loss_location, 1e-5);
    assert_near(t.confidence, loss_confidence, 1e-10);
    assert_near(t.loss, loss_location + loss_confidence, 1e-5);
    for (int i = 0; i < LOCATIONS; i++)
        assert_near(o->dlocations[i], location_grad[i], 1e-6);
    for (int i = 0; i < CONFIDENCES; i++)
        assert_near(o->dconfidences[i], confidence_grad[i], 1e-7);
    free(o);
}

static void distillation_and_its_gradients_equal_pytorch(void **state)
{
    struct outputs *o = draw_outputs();
    const struct scene s = make_scene();
    const struct fsn__multibox_terms t = run_loss(o, &s, true, 0);

    (void)state;
    assert_near(t.teacher_location, loss_teacher_location, 1e-10);
    assert_near(t.teacher_confidence, loss_teacher_confidence, 1e-10);
    assert_near(t.loss, loss_distilled, 1e-5);
    for (int i = 0; i < LOCATIONS; i++)
        assert_near(o->dlocations[i], distilled_location_grad[i], 1e-6);
    for (int i = 0; i < CONFIDENCES; i++)
        assert_near(o->dconfidences[i], distilled_confidence_grad[i], 1e-7);
    free(o);
}

static void slices_do_not_change_a_bit(void **state)
{
    struct outputs *alone = draw_outputs(), *shared = draw_outputs();
    const struct scene s = make_scene();
    const struct fsn__multibox_terms a = run_loss(alone, &s, true, 0);
    const struct fsn__multibox_terms b = run_loss(shared, &s, true, 3);

    (void)state;
    assert_true(a.loss == b.loss && a.location == b.location && a.confidence == b.confidence);
    assert_memory_equal(alone->dlocations, shared->dlocations, sizeof alone->dlocations);
    assert_memory_equal(alone->dconfidences, shared->dconfidences, sizeof alone->dconfidences);
    free(alone);
    free(shared);
}

static void without_objects_loss_and_gradients_are_zero(void **state)
{
    struct outputs *o = draw_outputs();
    const struct scene none = {0};
    const struct fsn__multibox_terms t = run_loss(o, &none, true, 0);

    (void)state;
    assert_int_equal(t.matched, 0);
    assert_int_equal(t.hard, 0);
    assert_true(t.loss == 0);
    for (int i = 0; i < LOCATIONS; i++)
        assert_true(o->dlocations[i] == 0);
    for (int i = 0; i < CONFIDENCES; i++)
        assert_true(o->dconfidences[i] == 0);
    free(o);
}

/* All logits equal, one matched box of six: the hard ones are the first three of the others. */
static void of_equally_hard_boxes_the_lower_are_mined(void **state)
{
    float standard[24], locations[24] = {0}, logits[12] = {0}, dlocations[24], dlogits[12];
    const int64_t first[2] = {0, 1};
    const struct fsn__object object = {{0.25F, 0, 0.5F, 1}, 0, false}; /* default box 1 */
    const struct fsn__multibox_batch batch = {1, locations, logits, NULL, NULL, &object, first};
    struct fsn__multibox *m;
    struct fsn__multibox_terms t;

    (void)state;
    for (ptrdiff_t p = 0; p < 6; p++) {
        standard[4 * p] = 0.125F + 0.25F * (float)p;
        standard[4 * p + 1] = 0.5F;
        standard[4 * p + 2] = 0.25F;
        standard[4 * p + 3] = 1;
    }
    assert_int_equal(fsn__multibox_create(standard, 6, 1, 1, &fsn__ssd_multibox, NULL, &m, NULL),
                     FSN_OK);
    t = fsn__multibox_loss(m, &batch, dlocations, dlogits);
    assert_int_equal(t.matched, 1);
    assert_int_equal(t.hard, 3);
    assert_near(t.loss, 4 * log(2), 1e-12);
    for (ptrdiff_t p = 0; p < 6; p++) /* the gradient of the background's logit */
        assert_near(dlogits[2 * p], p == 1 ? 0.5 : p == 0 || p == 2 || p == 3 ? -0.5 : 0, 1e-7);
    logits[0] = NAN; /* is the hardest, and seen in the loss */
    t = fsn__multibox_loss(m, &batch, NULL, NULL);
    assert_true(isnan(t.loss));
    fsn__multibox_destroy(m);
}

static void impossible_sizes_are_refused(void **state)
{
    struct fsn__multibox *m;

    (void)state;
    assert_int_equal(
        fsn__multibox_create(standard_boxes, 0, 1, 1, &fsn__ssd_multibox, NULL, &m, NULL),
        FSN_LIMIT);
    assert_int_equal(
        fsn__multibox_create(standard_boxes, BOXES, 0, 1, &fsn__ssd_multibox, NULL, &m, NULL),
        FSN_LIMIT);
    fsn__multibox_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matched_boxes_and_their_offsets_equal_pytorch),
        cmocka_unit_test(difficult_and_empty_objects_are_passed_over),
        cmocka_unit_test(a_default_box_that_two_objects_want_goes_to_the_later),
        cmocka_unit_test(of_objects_that_share_as_much_the_first_is_taken),
        cmocka_unit_test(an_overlap_of_exactly_the_threshold_matches),
        cmocka_unit_test(loss_and_gradients_equal_pytorch),
        cmocka_unit_test(distillation_and_its_gradients_equal_pytorch),
        cmocka_unit_test(slices_do_not_change_a_bit),
        cmocka_unit_test(without_objects_loss_and_gradients_are_zero),
        cmocka_unit_test(of_equally_hard_boxes_the_lower_are_mined),
        cmocka_unit_test(impossible_sizes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
