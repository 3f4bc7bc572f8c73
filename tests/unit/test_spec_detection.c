/* test_spec_detection.c - how a detector's outputs are read, in the job spec: default boxes by name
 * or by a rule, every fault at its place. */
#include "fsnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOXES "/detection/default_boxes"
#define GOOD_MAP "\"size\": [3, 2], \"step\": 8, \"min_size\": 30"

static enum fsn_status read_text(const char *text, struct fsn_spec *spec, struct fsn_faults *faults)
{
    memset(faults, 0, sizeof *faults);
    return fsn_spec_from_json(text, strlen(text), NULL, spec, faults, NULL);
}

/* A spec whose detection.default_boxes is `boxes`. */
static const char *with_boxes(const char *boxes, char text[4096])
{
    snprintf(text, 4096, "{\"detection\": {\"default_boxes\": %s}}", boxes);
    return text;
}
#define WITH_BOXES(boxes) with_boxes((boxes), (char[4096]){0})

static void assert_read(const char *text, struct fsn_spec *spec)
{
    struct fsn_faults faults;

    if (read_text(text, spec, &faults) != FSN_OK)
        fail_msg("%s: %s %s", text, faults.item[0].pointer, faults.item[0].text);
}

/* The text is refused with exactly one fault, at this pointer, whose words hold `part`. */
static void assert_fault(const char *text, const char *pointer, const char *part)
{
    struct fsn_faults faults;
    struct fsn_spec spec;

    assert_int_equal(read_text(text, &spec, &faults), FSN_INVALID);
    assert_string_equal(faults.item[0].pointer, pointer);
    assert_int_equal(faults.count, 1);
    if (!strstr(faults.item[0].text, part))
        fail_msg("'%s' is not in '%s'", part, faults.item[0].text);
}

/* The figures of the SSD paper's Caffe code. */
static void detectors_are_read_as_ssd_is_by_default(void **state)
{
    struct fsn_spec spec;

    (void)state;
    assert_read("{}", &spec);
    assert_null(spec.detection.locations);
    assert_null(spec.detection.confidences);
    assert_int_equal(spec.detection.default_boxes.kind, FSN_BOXES_AUTO);
    assert_true(spec.detection.score == 0.01 && spec.detection.iou == 0.45);
    assert_int_equal(spec.detection.candidates, 200);
    assert_int_equal(spec.detection.keep, 200);
}

static void outputs_and_thresholds_are_read(void **state)
{
    struct fsn_spec spec;

    (void)state;
    assert_read("{\"detection\": {\"locations\": \"loc\", \"confidences\": \"conf\","
                " \"default_boxes\": \"ssd-lite\", \"score\": 0.5, \"iou\": 1, \"candidates\": 0,"
                " \"keep\": 7}}",
                &spec);
    assert_string_equal(spec.detection.locations, "loc");
    assert_string_equal(spec.detection.confidences, "conf");
    assert_int_equal(spec.detection.default_boxes.kind, FSN_BOXES_SSD_LITE);
    assert_true(spec.detection.score == 0.5 && spec.detection.iou == 1);
    assert_int_equal(spec.detection.candidates, 0);
    assert_int_equal(spec.detection.keep, 7);
    fsn_spec_clear(&spec);
    assert_null(spec.detection.locations);
    assert_read(WITH_BOXES("\"ssd300\""), &spec);
    assert_int_equal(spec.detection.default_boxes.kind, FSN_BOXES_SSD300);
}

static void a_rule_is_read_map_by_map(void **state)
{
    const struct fsn_default_boxes *boxes;
    struct fsn_spec spec;

    (void)state;
    assert_read(WITH_BOXES("{\"maps\": [{\"size\": [3, 2], \"step\": 8.5, \"min_size\": 30,"
                           " \"max_size\": 60, \"ratios\": [2, 0.5, 3]},"
                           " {\"size\": 1, \"step\": 300, \"min_size\": 264}],"
                           " \"clip\": false, \"variances\": [1, 2, 3, 4]}"),
                &spec);
    boxes = &spec.detection.default_boxes;
    assert_int_equal(boxes->kind, FSN_BOXES_RULE);
    assert_int_equal(boxes->map_count, 2);
    assert_int_equal(boxes->maps[0].width, 3);
    assert_int_equal(boxes->maps[0].height, 2);
    assert_true(boxes->maps[0].step == 8.5);
    assert_true(boxes->maps[0].min_size == 30 && boxes->maps[0].max_size == 60);
    assert_int_equal(boxes->maps[0].ratio_count, 3);
    assert_true(boxes->maps[0].ratios[1] == 0.5);
    assert_true(boxes->maps[1].width == 1 && boxes->maps[1].height == 1);
    assert_true(boxes->maps[1].max_size == 0 && boxes->maps[1].ratio_count == 0);
    assert_false(boxes->clip);
    assert_true(boxes->variance[0] == 1 && boxes->variance[3] == 4);

    assert_read(WITH_BOXES("{\"maps\": [{" GOOD_MAP "}]}"), &spec);
    assert_true(boxes->clip);
    assert_true(boxes->variance[1] == 0.1 && boxes->variance[2] == 0.2);
}

static void tensors_of_the_model_are_read(void **state)
{
    const struct fsn_default_boxes *boxes;
    struct fsn_spec spec;

    (void)state;
    assert_read(WITH_BOXES("{\"tensor\": \"priors\"}"), &spec);
    boxes = &spec.detection.default_boxes;
    assert_int_equal(boxes->kind, FSN_BOXES_TENSOR);
    assert_string_equal(boxes->tensor[0], "priors");
    assert_null(boxes->tensor[1]);
    assert_int_equal(boxes->form, FSN_BOX_CENTER);
    assert_false(boxes->pixels);
    assert_true(boxes->variance[0] == 0.1 && boxes->variance[3] == 0.2);
    fsn_spec_clear(&spec);
    assert_null(boxes->tensor[0]);
    assert_read(WITH_BOXES("{\"tensor\": [\"a\", \"b\"], \"form\": \"corner\","
                           " \"pixels\": true, \"variances\": [1, 1, 1, 2]}"),
                &spec);
    assert_string_equal(boxes->tensor[0], "a");
    assert_string_equal(boxes->tensor[1], "b");
    assert_int_equal(boxes->form, FSN_BOX_CORNER);
    assert_true(boxes->pixels && boxes->variance[3] == 2);
    fsn_spec_clear(&spec);
}

static void what_is_written_reads_back_as_the_same(void **state)
{
    static const char *const texts[] = {
        "\"auto\"", "\"ssd-lite\"",
        ("{\"maps\": [{\"size\": 4, \"step\": 8, \"min_size\": 30.1, \"ratios\": [2, 3.3]}],"
         " \"variances\": [0.1, 0.30000000000000004, 0.2, 0.2]}"),
        "{\"tensor\": \"priors\", \"form\": \"corner\", \"variances\": [1, 1, 1, 1]}",
        "{\"tensor\": [\"centres\", \"sizes\"], \"pixels\": true}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct fsn_spec first, second;
        char *json = NULL, *again = NULL;

        assert_read(WITH_BOXES(texts[i]), &first);
        assert_int_equal(fsn_spec_to_json(&first, &json, NULL), FSN_OK);
        assert_read(json, &second);
        assert_int_equal(fsn_spec_to_json(&second, &again, NULL), FSN_OK);
        assert_string_equal(json, again);
        assert_true(first.detection.default_boxes.kind == second.detection.default_boxes.kind);
        assert_true(first.detection.default_boxes.variance[1] ==
                    second.detection.default_boxes.variance[1]);
        free(json);
        free(again);
        fsn_spec_clear(&first);
        fsn_spec_clear(&second);
    }
}

static void names_are_written_back(void **state)
{
    struct fsn_spec spec;
    char *json = NULL;

    (void)state;
    assert_read("{\"output\": \"y\", \"detection\": {\"locations\": \"loc\"}}", &spec);
    assert_int_equal(fsn_spec_to_json(&spec, &json, NULL), FSN_OK);
    assert_non_null(strstr(json, "\"output\": \"y\""));
    assert_non_null(strstr(json, "\"locations\": \"loc\""));
    assert_non_null(strstr(json, "\"confidences\": \"\""));
    free(json);
    fsn_spec_clear(&spec);
}

static void bad_values_are_named(void **state)
{
    (void)state;
    assert_fault("{\"detection\": {\"locations\": 4}}", "/detection/locations",
                 "must be a name, got 4");
    assert_fault("{\"detection\": {\"score\": 1.5}}", "/detection/score", "must be 0 to 1");
    assert_fault("{\"detection\": {\"keep\": -1}}", "/detection/keep", "must be 0 to 1000000");
    assert_fault("{\"detection\": {\"boxes\": \"auto\"}}", "/detection/boxes", "unknown field");
    assert_fault(
        WITH_BOXES("\"ssd512\""), BOXES,
        "must be one of auto|ssd300|ssd-lite, or an object of maps or tensors, got the string "
        "\"ssd512\"");
    assert_fault(WITH_BOXES("[]"), BOXES, "got an array");
}

static void faults_of_a_rule_are_named_where_they_stand(void **state)
{
    (void)state;
    assert_fault(WITH_BOXES("{}"), BOXES "/maps", "is missing");
    assert_fault(WITH_BOXES("{\"maps\": 3}"), BOXES "/maps", "must be an array, got 3");
    assert_fault(WITH_BOXES("{\"maps\": []}"), BOXES "/maps", "at least one");
    assert_fault(WITH_BOXES("{\"maps\": [5]}"), BOXES "/maps/0", "must be an object, got 5");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP "}], \"clip\": 1}"), BOXES "/clip",
                 "must be true or false, got 1");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP "}], \"clipp\": true}"), BOXES "/clipp",
                 "the nearest known one is " BOXES "/clip");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP "}], \"variances\": [1, 1]}"),
                 BOXES "/variances", "must be four numbers (x, y, width, height), got 2");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP "}], \"variances\": [1, 1, 0, 1]}"),
                 BOXES "/variances/2", "must be 1e-06 to 1000, got 0");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP "}, {\"step\": 8, \"min_size\": 30}]}"),
                 BOXES "/maps/1/size", "is missing");
    assert_fault(WITH_BOXES("{\"maps\": [{\"size\": 1, \"min_size\": 30}]}"), BOXES "/maps/0/step",
                 "is missing");
    assert_fault(WITH_BOXES("{\"maps\": [{\"size\": [4], \"step\": 1, \"min_size\": 3}]}"),
                 BOXES "/maps/0/size", "must be one number, or a width and a height, got 1");
    assert_fault(WITH_BOXES("{\"maps\": [{\"size\": 65536, \"step\": 1, \"min_size\": 3}]}"),
                 BOXES "/maps/0/size", "must be 1 to 65535, got 65536");
    assert_fault(WITH_BOXES("{\"maps\": [{\"size\": 2.5, \"step\": 1, \"min_size\": 3}]}"),
                 BOXES "/maps/0/size", "must be a whole number, got 2.5");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP ", \"max_size\": 29}]}"),
                 BOXES "/maps/0/max_size", "must be 0 or at least min_size, 30, got 29");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP ", \"ratios\": [2, 0]}]}"),
                 BOXES "/maps/0/ratios/1", "must be 0.001 to 1000, got 0");
    assert_fault(WITH_BOXES("{\"maps\": [{" GOOD_MAP ", \"ratios\": [1,2,3,4,5,6,7,8,9]}]}"),
                 BOXES "/maps/0/ratios", "must hold at most 8 values, got 9");
    assert_fault(WITH_BOXES("{\"maps\": [{\"size\": 65535, \"step\": 1, \"min_size\": 3}]}"),
                 BOXES "/maps", "more than 16777216");
}

static void faults_of_tensors_are_named_where_they_stand(void **state)
{
    (void)state;
    assert_fault(WITH_BOXES("{\"tensor\": \"\"}"), BOXES "/tensor",
                 "must be the name of a constant");
    assert_fault(WITH_BOXES("{\"tensor\": 3}"), BOXES "/tensor", "got 3");
    assert_fault(WITH_BOXES("{\"tensor\": [\"a\"]}"), BOXES "/tensor",
                 "must be one name, or two of halves, got 1");
    assert_fault(WITH_BOXES("{\"tensor\": [\"a\", null]}"), BOXES "/tensor/1", "got null");
    assert_fault(WITH_BOXES("{\"tensor\": \"a\", \"form\": \"centre\"}"), BOXES "/form",
                 "must be one of center|corner, got the string \"centre\"");
    assert_fault(WITH_BOXES("{\"tensor\": \"a\", \"pixels\": 1}"), BOXES "/pixels",
                 "must be true or false, got 1");
    assert_fault(WITH_BOXES("{\"tensor\": \"a\", \"maps\": []}"), BOXES "/maps", "unknown field");
    assert_fault(WITH_BOXES("{\"tensor\": \"a\", \"variances\": [1]}"), BOXES "/variances",
                 "must be four numbers");
}

static void all_faults_of_a_rule_come_at_once(void **state)
{
    struct fsn_faults faults;
    struct fsn_spec spec;

    (void)state;
    assert_int_equal(read_text(WITH_BOXES("{\"maps\": [{\"size\": 0, \"step\": -1,"
                                          " \"min_size\": \"x\"}], \"clip\": 3}"),
                               &spec, &faults),
                     FSN_INVALID);
    assert_int_equal(faults.count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detectors_are_read_as_ssd_is_by_default),
        cmocka_unit_test(outputs_and_thresholds_are_read),
        cmocka_unit_test(a_rule_is_read_map_by_map),
        cmocka_unit_test(tensors_of_the_model_are_read),
        cmocka_unit_test(what_is_written_reads_back_as_the_same),
        cmocka_unit_test(names_are_written_back),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(faults_of_a_rule_are_named_where_they_stand),
        cmocka_unit_test(faults_of_tensors_are_named_where_they_stand),
        cmocka_unit_test(all_faults_of_a_rule_come_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
