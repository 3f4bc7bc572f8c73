/* test_report_detection.c - the page of a detector's report: figures, curves and pictures of
 * tests/fixtures/report-detect.json, which was written by hand, and of reports with faults. */
#include "fsnet.h"

#include "page_reader.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define GAP "\u00a0"

/* The fixture, with text at the path put in place of what is there (NULL: as it is); new. */
static char *report(const char *member, json_t *value)
{
    json_t *root = json_load_file("tests/fixtures/report-detect.json", 0, NULL);
    char *text;

    assert_non_null(root);
    if (member)
        assert_int_equal(json_object_set_new(json_object_get(root, "detection"), member, value), 0);
    text = json_dumps(root, 0);
    json_decref(root);
    return text;
}

static char *page(struct page_seen *seen, const char *member, json_t *value)
{
    char *json = report(member, value), *html = page_read(json, seen);

    free(json);
    return html;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

static void a_detector_is_told_by_its_precision(void **state)
{
    static const char *const parts[] = {
        "84.06" GAP "%",
        "89.66" GAP "% before, \u22125.59" GAP "pp", /* tiles */
        "COCO AP75",
        "56.20" GAP "%",
        "mAP@.5 at 11 recalls (VOC 2007)",                               /* measures */
        "Measured on 120 test images with 178 objects, with model.onnx", /* */
        "83.50" GAP "% mAP@.5, \u22120.56" GAP "pp",                     /* model-int8.onnx */
        "Alone, nats",
        ": 0.345 nats; left as it is, model.onnx has 8.32" GAP "kB more",
        "training: from 4.25 to 2.75.",
        "held back: from 3.9 to 2.625.",
        "training, last 11.6",
        "the baseline has 88.25" GAP "% and the chosen file 83.00" GAP "%: \u22125.25" GAP
        "pp; at most 6 points were to be lost.",
        "File 2: 231" GAP "kB, 85.12" GAP "%, on the Pareto front, chosen",
        "mAP@.5 against size"};
    struct page_seen *seen = *state;
    char *html = page(seen, NULL, NULL);

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        page_has(seen, parts[i]);
    assert_null(strstr(seen->text, "Accuracy"));
    assert_null(strstr(seen->text, "op-1"));
    assert_null(strstr(seen->text, "Confusion"));
    assert_null(strstr(seen->text, "File 3: ")); /* its training diverged */
    free(html);
}

static void every_class_has_its_row_and_those_with_objects_a_curve(void **state)
{
    struct page_seen *seen = *state;
    char *html = page(seen, NULL, NULL);

    page_has(seen, "\u221217.50" GAP "pp");               /* plus: 81 to 63.5 */
    page_has(seen, "44.40" GAP "% \u2192 30.20" GAP "%"); /* its COCO AP */
    page_has(seen, "230 \u2192 260");                     /* and detections */
    page_has(seen, "Precision over recall of class 1 plus");
    page_has(seen, "Average precision 81.00" GAP "% before and 63.50" GAP "% after.");
    page_has(seen, "Precision over recall of class 3 triangle");
    assert_null(strstr(seen->text, "Precision over recall of class 4")); /* it has no objects */
    /* Precision 1 at recall 0, up to the first place of the fall: from (34, 8) on, see H and W. */
    assert_non_null(strstr(html, "d=\"M34.0 8.0L35.6 8.0"));
    free(html);
}

static void images_are_drawn_twice_with_boxes_and_words(void **state)
{
    struct page_seen *seen = *state;
    char *html = page(seen, NULL, NULL);

    assert_int_equal(seen->pictures, 4); /* two images with a picture, on both sides */
    assert_int_equal(count_of(html, "<svg class=\"drawn\""), 6);
    assert_int_equal(count_of(html, "class=\"object\""), 2 * (3 + 3 + 1));
    assert_int_equal(count_of(html, "class=\"found "), 3 + 2 + 3 + 3 + 1 + 0);
    page_has(seen, "Baseline: test-000000.png");
    page_has(seen, "square 0.981, triangle 0.93, plus 0.874.");
    page_has(seen, "Compressed: test-000007.png");
    page_has(seen, "Nothing is found.");
    page_has(seen, "a score of at least 0.4;");
    /* The square of 16..33 x 39..56 of 96 pixels, on a drawing of 320. */
    assert_non_null(strstr(html, "<rect class=\"object\" x=\"53.3\" y=\"130.0\" width=\"56.7\" "
                                 "height=\"56.7\"/>"));
    /* 96 x 64 */
    assert_int_equal(count_of(html, "viewBox=\"0 0 320.0 213.3\""), 2);
    free(html);
}

static json_t *image(json_t *jpeg, json_t *box)
{
    return json_pack("[{s:i, s:s, s:i, s:i, s:o, s:[], s:[{s:i, s:f, s:o}], s:n}]", "image", 0,
                     "name", "</title><script>", "width", 10, "height", 10, "jpeg", jpeg, "objects",
                     "baseline", "class", 77, "score", 0.5, "box", box, "compressed");
}

static json_t *box_of(double x0, double y0, double x1, double y1)
{
    return json_pack("[f, f, f, f]", x0, y0, x1, y1);
}

static void only_base64_becomes_a_picture(void **state)
{
    static const char *const bad[] = {"",     "=",    "ab\"onload=\"x", "QUJD QUJD",          "QUJ",
                                      "QQ=A", "Q===", "../x.jpg",       "javascript:alert(1)"};
    struct page_seen *seen = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        free(page(seen, "drawn", image(json_string(bad[i]), box_of(0, 0, 1, 1))));
        if (seen->pictures != 0)
            fail_msg("'%s' is a picture", bad[i]);
        page_has(seen, "77 0.5.");
        page_has(seen, "Baseline: </title><script>");
    }
    free(page(seen, "drawn", image(json_string("QUJD"), box_of(0, 0, 1, 1))));
    assert_int_equal(seen->pictures, 2);
}

static void boxes_stay_within_their_image(void **state)
{
    struct page_seen *seen = *state;
    char *html = page(seen, "drawn", image(json_null(), box_of(-1e300, 0.5, 1e300, 2)));

    assert_non_null(strstr(html, "<rect class=\"found k5\" x=\"0.0\" y=\"160.0\" width=\"320.0\" "
                                 "height=\"160.0\"/>"));
    free(html);
    html = page(seen, "drawn", image(json_null(), box_of(0.5, 0, 0.5, 1)));
    assert_int_equal(count_of(html, "class=\"found "), 0);
    free(html);
    html = page(seen, "drawn", image(json_null(), json_pack("[f, s, n]", 0.1, "0.2")));
    assert_int_equal(count_of(html, "class=\"found "), 0);
    free(html);
}

static void what_is_missing_or_of_another_kind_is_left_out(void **state)
{
    static const char *const detections[] = {
        "null",
        "[]",
        "3",
        "{}",
        "{\"classes\": 5, \"drawn\": {}, \"drawn_score\": \"x\"}",
        "{\"classes\": [null, 1, {}, []], \"drawn\": [null, 1, {}, []]}",
        "{\"classes\": [{\"name\": 5, \"curves\": 3, \"baseline\": [], \"compressed\": 1,"
        "  \"change\": \"x\", \"class\": {}}]}",
        "{\"classes\": [{\"curves\": {\"baseline\": [1, 2], \"compressed\": {}}}]}",
        "{\"drawn\": [{\"width\": 1e300, \"height\": 1}, {\"width\": 0, \"height\": 5},"
        "  {\"width\": 1, \"height\": 1, \"jpeg\": 5, \"objects\": 7, \"baseline\": {},"
        "   \"compressed\": [1, null, {\"class\": -5, \"box\": [0, 0, 1, 1]},"
        "                    {\"class\": 1e300, \"score\": \"x\", \"box\": [0, 0, 1, 1]}]}]}",
    };
    char json[2048];

    for (size_t i = 0; i < sizeof detections / sizeof *detections; i++) {
        snprintf(json, sizeof json, "{\"task\": \"detect\", \"detection\": %s}", detections[i]);
        free(page_read(json, *state));
    }
    free(page_read("{\"task\": 5, \"detection\": {\"classes\": [{}]}}", *state));
}

/* A curve whose figures at some recalls are none: it is drawn in parts. */
static void a_curve_with_gaps_is_drawn_in_parts(void **state)
{
    json_t *curve = json_array(), *classes;
    char *html;

    for (int r = 0; r < 101; r++)
        json_array_append_new(curve, r == 50   ? json_null()
                                     : r == 51 ? json_real(1e300)
                                               : json_real(0.5));
    classes = json_pack("[{s:s, s:{s:O, s:n}}]", "name", "</desc>&", "curves", "baseline", curve,
                        "compressed");
    json_decref(curve);
    html = page(*state, "classes", classes);
    assert_int_equal(count_of(html, "M34.0 73.0"), 1);
    assert_int_equal(count_of(html, "M116.2 73.0"), 1); /* 34 + 0.52 (200 - 34 - 8) */
    free(html);
}

static void of_many_classes_those_that_lost_most_are_drawn(void **state)
{
    struct page_seen *seen = *state;
    json_t *classes = json_array(), *curve = json_array();
    char *html;

    for (int r = 0; r < 101; r++)
        json_array_append_new(curve, json_real(1));
    for (int i = 0; i < 101; i++)
        json_array_append_new(classes,
                              json_pack("{s:o, s:{s:f}, s:{s:f}, s:{s:O, s:O}}", "name",
                                        json_sprintf("name-%d", i), "baseline", "ap50", 100.0,
                                        "compressed", "ap50", i == 100 ? 10.0 : 90.0, "curves",
                                        "baseline", curve, "compressed", curve));
    json_decref(curve);
    html = page(seen, "classes", classes);
    assert_int_equal(count_of(seen->text, "Precision over recall of class "), 20);
    page_has(seen, "Precision over recall of class 100 name-100");
    page_has(seen, "The 20 classes of 101 that lost most.");
    page_has(seen, "The 100 classes of 101 that lost most; all are in report.json.");
    assert_null(strstr(seen->text, "name-99"));
    free(html);
}

static int set_up(void **state)
{
    *state = malloc(sizeof(struct page_seen));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detector_is_told_by_its_precision),
        cmocka_unit_test(every_class_has_its_row_and_those_with_objects_a_curve),
        cmocka_unit_test(images_are_drawn_twice_with_boxes_and_words),
        cmocka_unit_test(only_base64_becomes_a_picture),
        cmocka_unit_test(boxes_stay_within_their_image),
        cmocka_unit_test(what_is_missing_or_of_another_kind_is_left_out),
        cmocka_unit_test(a_curve_with_gaps_is_drawn_in_parts),
        cmocka_unit_test(of_many_classes_those_that_lost_most_are_drawn),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
