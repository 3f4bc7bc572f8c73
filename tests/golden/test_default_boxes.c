/* test_default_boxes.c - the detectors' default boxes are the paper's formulas in numpy
 * (default_boxes.py), as many as the networks' outputs have; bad rules are refused. */
#include "detect/default_boxes.h"
#include "graph/graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    int64_t index;
    double box[4];
};
#include "default_boxes_table.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static float *make(struct fsn__box_rule rule, int64_t *count)
{
    struct fsn_error err = {.status = FSN_OK};
    float *boxes = NULL;

    if (fsn__default_boxes(&rule, &boxes, count, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return boxes;
}

static void compare(struct fsn__box_rule rule, int64_t want_count, const double sums[4],
                    const struct row *rows, size_t n)
{
    int64_t count = 0;
    float *boxes = make(rule, &count);
    double got[4] = {0};

    assert_int_equal(count, want_count);
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < 4; j++)
            if (!(fabs(boxes[4 * rows[i].index + j] - rows[i].box[j]) < 1e-6))
                fail_msg("box %lld, %d: %.9g, numpy has %.9g", (long long)rows[i].index, j,
                         boxes[4 * rows[i].index + j], rows[i].box[j]);
    for (int64_t i = 0; i < 4 * count; i++)
        got[i % 4] += boxes[i];
    for (int j = 0; j < 4; j++)
        assert_true(fabs(got[j] - sums[j]) < 1e-3);
    free(boxes);
}

static void boxes_are_those_of_the_formulas(void **state)
{
    (void)state;
    compare(fsn__ssd300_box_rule(), ssd300_count, ssd300_sums, ssd300_rows, COUNT(ssd300_rows));
    compare(fsn__ssd_lite_box_rule(160), ssd_lite_160_count, ssd_lite_160_sums, ssd_lite_160_rows,
            COUNT(ssd_lite_160_rows));
}

static void a_network_has_as_many_rows_as_its_rule_has_boxes(void **state)
{
    static const int sizes[] = {32, 33, 63, 72, 160, 161};

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const struct fsn_arch_options options = {.input_size = sizes[i], .classes = 2};
        struct fsn_error err = {.status = FSN_OK};
        struct fsn_model *model = NULL;
        int64_t count = 0;

        if (fsn_arch_build("ssd-lite", &options, &model, &err) != FSN_OK)
            fail_msg("%s", err.text);
        free(make(fsn__ssd_lite_box_rule(sizes[i]), &count));
        assert_int_equal(model->graph->values[model->graph->outputs[0]].tensor.dim[1], count);
        fsn_model_destroy(model);
    }
}

/* A wide image: 2 x 1 pixels 10 apart of 20 x 10, one square of 5 with no second one, not clipped.
 */
static void width_and_height_are_fractions_of_their_own(void **state)
{
    static const float want[] = {0.25F, 0.5F, 1.5F, 3, 0.75F, 0.5F, 1.5F, 3};
    struct fsn__box_rule rule = {.image_width = 20,
                                 .image_height = 10,
                                 .map_count = 1,
                                 .maps = {{.width = 2, .height = 1, .step = 10, .min_size = 30}}};
    int64_t count = 0;
    float *boxes = make(rule, &count);

    (void)state;
    assert_int_equal(count, 2);
    assert_memory_equal(boxes, want, sizeof want);
    free(boxes);
}

static void assert_refused(struct fsn__box_rule rule, enum fsn_status status, const char *part)
{
    struct fsn_error err = {.status = FSN_OK};
    float *boxes = NULL;
    int64_t count = 0;

    assert_int_equal(fsn__default_boxes(&rule, &boxes, &count, &err), status);
    assert_null(boxes);
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in '%s'", part, err.text);
}

static void bad_rules_are_refused(void **state)
{
    const struct fsn__box_rule good = fsn__ssd300_box_rule();
    struct fsn__box_rule rule = good;

    (void)state;
    rule.map_count = 17;
    assert_refused(rule, FSN_INVALID, "not 17");
    rule = good;
    rule.image_height = 0;
    assert_refused(rule, FSN_INVALID, "300 x 0");
    rule = good;
    rule.maps[2].width = 0;
    assert_refused(rule, FSN_INVALID, "map 2: size");
    rule = good;
    rule.maps[1].step = NAN;
    assert_refused(rule, FSN_INVALID, "map 1: step");
    rule = good;
    rule.maps[1].max_size = 59;
    assert_refused(rule, FSN_INVALID, "at least 60, is 59");
    rule = good;
    rule.maps[5].ratios[0] = 0;
    assert_refused(rule, FSN_INVALID, "ratio 0");
    rule = good;
    rule.maps[0].ratio_count = 9;
    assert_refused(rule, FSN_INVALID, "not 9");
    rule = good;
    rule.maps[0].width = rule.maps[0].height = 65535;
    assert_refused(rule, FSN_LIMIT, "with map 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_are_those_of_the_formulas),
        cmocka_unit_test(a_network_has_as_many_rows_as_its_rule_has_boxes),
        cmocka_unit_test(width_and_height_are_fractions_of_their_own),
        cmocka_unit_test(bad_rules_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
