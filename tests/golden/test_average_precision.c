/* test_average_precision.c - average precision against the published tools on random detections
 * (precision_table.py), and by hand where these do not go. */
#include "detect/average_precision.h"

#include "precision_table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("got %.17g, want %.17g", got, want);
}

/* A figure of the table, where -1 stands for none. */
static void assert_figure(double got, double want)
{
    if (want < 0)
        assert_true(isnan(got));
    else
        assert_near(got, want);
}

/* A set as the engine takes it. Rows of the table are in no order of images. */
struct loaded {
    struct fsn__detection_test test;
    int64_t *first_object, *first_detection;
    struct fsn__object *objects;
    struct fsn__detection *detections;
};

/* The convention of data/boxes.h for whole pixels from 1, both ends inclusive. */
static struct fsn__box fractions(const int32_t *box, const int32_t *size)
{
    return (struct fsn__box){(float)(box[0] - 1) / (float)size[0],
                             (float)(box[1] - 1) / (float)size[1], (float)box[2] / (float)size[0],
                             (float)box[3] / (float)size[1]};
}

static struct loaded load(const struct precision_set *set)
{
    struct loaded l = {.first_object = calloc((size_t)set->images + 1, sizeof(int64_t)),
                       .first_detection = calloc((size_t)set->images + 1, sizeof(int64_t)),
                       .objects = calloc((size_t)set->objects, sizeof *l.objects),
                       .detections = calloc((size_t)set->detections, sizeof *l.detections)};
    int64_t objects = 0, detections = 0;

    assert_non_null(l.first_object);
    assert_non_null(l.first_detection);
    assert_non_null(l.objects);
    assert_non_null(l.detections);
    for (int32_t image = 0; image < set->images; image++) {
        const int32_t *size = set->size + 2 * (ptrdiff_t)image;

        for (int i = 0; i < set->objects; i++) {
            const int32_t *row = set->object + 7 * (ptrdiff_t)i;

            if (row[0] == image)
                l.objects[objects++] =
                    (struct fsn__object){fractions(row + 3, size), row[1], row[2] != 0};
        }
        for (int i = 0; i < set->detections; i++) {
            const int32_t *row = set->detection + 6 * (ptrdiff_t)i;

            if (row[0] == image)
                l.detections[detections++] =
                    (struct fsn__detection){fractions(row + 2, size), row[1], (float)set->score[i]};
        }
        l.first_object[image + 1] = objects;
        l.first_detection[image + 1] = detections;
    }
    assert_int_equal(objects, set->objects);
    assert_int_equal(detections, set->detections);
    l.test =
        (struct fsn__detection_test){set->images, set->classes,      set->size,   l.first_object,
                                     l.objects,   l.first_detection, l.detections};
    return l;
}

static void unload(struct loaded *l)
{
    free(l->first_object);
    free(l->first_detection);
    free(l->objects);
    free(l->detections);
}

/* Mean over the classes that have a figure. */
static double mean(const double *values, int n)
{
    double sum = 0;
    int count = 0;

    for (int i = 0; i < n; i++)
        if (values[i] >= 0) {
            sum += values[i];
            count++;
        }
    return sum / count;
}

static void compare_voc(const struct precision_set *set)
{
    struct loaded l = load(set);
    struct fsn__voc_result r;
    int64_t at = 0;

    assert_int_equal(fsn__voc_precision(&l.test, 0.5, &r, NULL), FSN_OK);
    for (int c = 0; c < set->classes; c++) {
        const struct fsn__voc_class *of = &r.classes[c];

        assert_figure(of->ap07, set->voc07[c]);
        assert_figure(of->ap, set->voc[c]);
        for (int64_t i = 0; i < of->detections; i++, at++) {
            assert_near(of->curve[i].recall, set->voc_recall[at]);
            assert_near(of->curve[i].precision, set->voc_precision[at]);
            assert_true(i == 0 || of->curve[i].score <= of->curve[i - 1].score);
        }
    }
    assert_int_equal(at, set->detections);
    assert_near(r.mean_ap07, mean(set->voc07, set->classes));
    assert_near(r.mean_ap, mean(set->voc, set->classes));
    fsn__voc_result_clear(&r);
    unload(&l);
}

static void compare_coco(const struct precision_set *set)
{
    struct loaded l = load(set);
    struct fsn__coco_result r;

    assert_int_equal(fsn__coco_precision(&l.test, &r, NULL), FSN_OK);
    for (int c = 0; c < set->classes; c++) {
        const struct fsn__coco_class *of = &r.classes[c];

        if (set->coco_ap[10 * (ptrdiff_t)c] < 0) {
            assert_true(isnan(of->ap) && isnan(of->ap50) && isnan(of->ap75));
            continue;
        }
        assert_near(of->ap, mean(set->coco_ap + 10 * (ptrdiff_t)c, 10));
        assert_near(of->ap50, set->coco_ap[10 * (ptrdiff_t)c]);
        assert_near(of->ap75, set->coco_ap[10 * (ptrdiff_t)c + 5]);
        for (int t = 0; t < FSN__COCO_THRESHOLDS; t++) {
            double sum = 0;

            for (int i = 0; i < FSN__COCO_RECALLS; i++)
                sum += of->precision[t][i];
            assert_near(sum / FSN__COCO_RECALLS, set->coco_ap[10 * (ptrdiff_t)c + t]);
            assert_near(of->recall[t], set->coco_recall[10 * (ptrdiff_t)c + t]);
        }
        for (int i = 0; i < FSN__COCO_RECALLS; i++)
            assert_near(of->precision[0][i], set->coco_precision50[101 * (ptrdiff_t)c + i]);
    }
    assert_near(r.ap, set->coco[0]);
    assert_near(r.ap50, set->coco[1]);
    assert_near(r.ap75, set->coco[2]);
    fsn__coco_result_clear(&r);
    unload(&l);
}

static void with_ties_voc_is_that_of_the_development_kit(void **state)
{
    (void)state;
    compare_voc(&ties);
}

static void without_ties_voc_is_that_of_the_development_kit(void **state)
{
    (void)state;
    compare_voc(&apart);
}

static void of_crowded_images_voc_is_that_of_the_development_kit(void **state)
{
    (void)state;
    compare_voc(&crowded);
}

static void with_ties_coco_is_that_of_cocoeval(void **state)
{
    (void)state;
    compare_coco(&ties);
}

static void without_ties_coco_is_that_of_cocoeval(void **state)
{
    (void)state;
    compare_coco(&apart);
}

static void of_crowded_images_coco_is_that_of_cocoeval(void **state)
{
    (void)state;
    compare_coco(&crowded);
}

/* ---- by hand --------------------------------------------------------------------------------- */

static const struct fsn__box whole = {0, 0, 1, 1}, left_half = {0, 0, 0.5F, 1};

/* Two objects, one of them found first, then a stray: recall 1/2 at precision 1. */
static void half_of_the_objects_found_first_is_six_points_of_eleven(void **state)
{
    const int64_t first_object[3] = {0, 1, 2}, first_detection[3] = {0, 1, 2};
    const struct fsn__object objects[2] = {{whole, 0, false}, {whole, 0, false}};
    const struct fsn__detection detections[2] = {{whole, 0, 0.9F}, {{0, 0, 0.1F, 0.1F}, 0, 0.8F}};
    const struct fsn__detection_test test = {
        2, 1, NULL, first_object, objects, first_detection, detections};
    struct fsn__voc_result r;

    (void)state;
    assert_int_equal(fsn__voc_precision(&test, 0.5, &r, NULL), FSN_OK);
    assert_near(r.mean_ap07, 6.0 / 11);
    assert_near(r.mean_ap, 0.5);
    assert_near(r.classes[0].curve[1].precision, 0.5);
    assert_int_equal(r.classes[0].objects, 2);
    fsn__voc_result_clear(&r);
}

/* Half of an object has an IoU of exactly 0.5: VOC wants more, COCO at least that. */
static void an_overlap_of_the_threshold_is_enough_for_coco_alone(void **state)
{
    const int64_t first[2] = {0, 1};
    const int32_t size[2] = {30, 7};
    const struct fsn__object object = {whole, 0, false};
    const struct fsn__detection detection = {left_half, 0, 0.5F};
    const struct fsn__detection_test test = {1, 1, size, first, &object, first, &detection};
    struct fsn__voc_result voc;
    struct fsn__coco_result coco;

    (void)state;
    assert_int_equal(fsn__voc_precision(&test, 0.5, &voc, NULL), FSN_OK);
    assert_int_equal(fsn__coco_precision(&test, &coco, NULL), FSN_OK);
    assert_near(voc.mean_ap, 0);
    assert_near(coco.ap50, 1);
    assert_near(coco.ap75, 0);
    assert_near(coco.ap, 0.1);
    fsn__voc_result_clear(&voc);
    fsn__coco_result_clear(&coco);
}

static void where_nothing_was_found_the_figures_are_zero(void **state)
{
    const int64_t first_object[2] = {0, 1}, none[2] = {0, 0};
    const struct fsn__object object = {whole, 0, false};
    const struct fsn__detection_test test = {1, 1, NULL, first_object, &object, none, NULL};
    struct fsn__voc_result voc;
    struct fsn__coco_result coco;

    (void)state;
    assert_int_equal(fsn__voc_precision(&test, 0.5, &voc, NULL), FSN_OK);
    assert_int_equal(fsn__coco_precision(&test, &coco, NULL), FSN_OK);
    assert_near(voc.mean_ap07, 0);
    assert_near(voc.mean_ap, 0);
    assert_near(coco.ap, 0);
    assert_near(coco.classes[0].recall[0], 0);
    fsn__voc_result_clear(&voc);
    fsn__coco_result_clear(&coco);
}

static void without_any_object_there_is_no_figure(void **state)
{
    const int64_t none = 0;
    const struct fsn__detection_test test = {0, 2, NULL, &none, NULL, &none, NULL};
    struct fsn__voc_result voc;
    struct fsn__coco_result coco;

    (void)state;
    assert_int_equal(fsn__voc_precision(&test, 0.5, &voc, NULL), FSN_OK);
    assert_int_equal(fsn__coco_precision(&test, &coco, NULL), FSN_OK);
    assert_true(isnan(voc.mean_ap07) && isnan(voc.mean_ap) && isnan(coco.ap));
    fsn__voc_result_clear(&voc);
    fsn__coco_result_clear(&coco);
}

static void refuse(struct fsn__object object, struct fsn__detection detection, const char *place)
{
    const int64_t first[2] = {0, 1};
    const struct fsn__detection_test test = {1, 2, NULL, first, &object, first, &detection};
    struct fsn_error err = {0};
    struct fsn__voc_result voc;
    struct fsn__coco_result coco;

    assert_int_equal(fsn__voc_precision(&test, 0.5, &voc, &err), FSN_INVALID);
    assert_non_null(strstr(err.text, place));
    assert_int_equal(fsn__coco_precision(&test, &coco, NULL), FSN_INVALID);
}

static void labels_scores_and_boxes_out_of_range_are_refused_by_place(void **state)
{
    const struct fsn__object object = {whole, 1, false};
    const struct fsn__detection detection = {whole, 1, 0.5F};

    (void)state;
    refuse((struct fsn__object){whole, 2, false}, detection, "object 0, of image 0");
    refuse((struct fsn__object){{0.5F, 0, 0.4F, 1}, 1, false}, detection, "object 0");
    refuse(object, (struct fsn__detection){whole, -1, 0.5F}, "detection 0, of image 0");
    refuse(object, (struct fsn__detection){whole, 1, NAN}, "detection 0");
    refuse(object, (struct fsn__detection){{0, NAN, 1, 1}, 1, 0.5F}, "detection 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_ties_voc_is_that_of_the_development_kit),
        cmocka_unit_test(without_ties_voc_is_that_of_the_development_kit),
        cmocka_unit_test(of_crowded_images_voc_is_that_of_the_development_kit),
        cmocka_unit_test(with_ties_coco_is_that_of_cocoeval),
        cmocka_unit_test(without_ties_coco_is_that_of_cocoeval),
        cmocka_unit_test(of_crowded_images_coco_is_that_of_cocoeval),
        cmocka_unit_test(half_of_the_objects_found_first_is_six_points_of_eleven),
        cmocka_unit_test(an_overlap_of_the_threshold_is_enough_for_coco_alone),
        cmocka_unit_test(where_nothing_was_found_the_figures_are_zero),
        cmocka_unit_test(without_any_object_there_is_no_figure),
        cmocka_unit_test(labels_scores_and_boxes_out_of_range_are_refused_by_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
