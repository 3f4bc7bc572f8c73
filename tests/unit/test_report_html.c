/* test_report_html.c - the page of a report: hostile names, figures, what is missing, what is too
 * much. */
#include "fsnet.h"

#include "compress/html.h"
#include "page_reader.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- the tests ------------------------------------------------------------------------------- */

#define HOSTILE "</td><script>alert(1)</script> & \\\" ' \\u0001 \\uffff onload=x"
/* As a person sees it: two replacement characters where XML has no form. */
#define SHOWN "</td><script>alert(1)</script> & \" ' \ufffd \ufffd onload=x"

static void names_are_shown_and_never_markup(void **state)
{
    struct page_seen *seen = *state;
    char *html = page_read(
        "{\"layers\": [{\"name\": \"layer " HOSTILE "\", \"note\": \"note " HOSTILE "\","
        " \"shape\": [1, 1, 1, 1], \"fs_size\": 1}],"
        " \"exclude_first\": [{\"name\": \"first " HOSTILE "\"}],"
        " \"classes\": [{\"name\": \"class " HOSTILE "\", \"images\": 1}, {\"name\": null}],"
        " \"confusion\": {\"compressed\": [[0, 1], [0, 0]],"
        "   \"worst\": [{\"label\": 0, \"choice\": 1, \"compressed\": 1, \"baseline\": 0}]},"
        " \"warnings\": [\"warning " HOSTILE "\"], \"data\": {\"format\": \"data " HOSTILE "\"},"
        " \"versions\": {\"fsnet\": \"version " HOSTILE "\"}}",
        seen);

    page_has(seen, "layer " SHOWN);
    page_has(seen, "note " SHOWN);
    page_has(seen, "first " SHOWN);
    page_has(seen, "class " SHOWN);
    page_has(seen, "warning " SHOWN);
    page_has(seen, "data " SHOWN);
    page_has(seen, "version " SHOWN);
    assert_null(strstr(html, "<script"));
    free(html);
}

static void nothing_is_needed_from_elsewhere(void **state)
{
    struct page_seen *seen = *state;
    char *html = page_read("{}", seen);
    const char *at = html;

    /* The names of the two languages are no addresses that anyone asks. */
    while ((at = strstr(at, "http"))) {
        if (strncmp(at, "http://www.w3.org/1999/xhtml\"", 29) != 0 &&
            strncmp(at, "http://www.w3.org/2000/svg\"", 27) != 0)
            fail_msg("%.60s", at);
        at += 4;
    }
    assert_null(strstr(html, "url("));
    assert_null(strstr(html, "@import"));
    free(html);
}

static void figures_are_those_of_the_report(void **state)
{
    struct page_seen *seen = *state;
    char *html =
        page_read("{\"baseline\": {\"top1\": 91.25, \"size_bytes\": 1234567, \"parameters\": 1000},"
                  " \"compressed\": {\"top1\": 90.5, \"size_bytes\": 98765, \"parameters\": 1000},"
                  " \"change\": {\"top1\": -0.75}, \"ratios\": {\"disk\": 12.5},"
                  " \"dense\": {\"size_bytes\": 7654321, \"max_difference\": 0}}",
                  seen);

    page_has(seen, "90.50\u00a0%");
    page_has(seen, "91.25\u00a0%");
    page_has(seen, "−0.75\u00a0pp");
    page_has(seen, "1.23\u00a0MB");
    page_has(seen, "98.8\u00a0kB");
    page_has(seen, "12.5\u00a0×");
    page_has(seen, "7,654,321");
    page_has(seen, "same");
    free(html);
}

static void outputs_that_were_distilled_are_told_with_their_errors(void **state)
{
    struct page_seen *seen = *state;
    char *html =
        page_read("{\"task\": \"distill\", \"baseline\": {\"top1\": null, \"size_bytes\": 1000},"
                  " \"compressed\": {\"top1\": null, \"size_bytes\": 100}, \"int8\": null,"
                  " \"data\": {\"format\": \"images\", \"classes\": 0},"
                  " \"training\": [{\"epoch\": 1, \"train_loss\": 0.5, \"train_top1\": null}],"
                  " \"outputs\": [{\"name\": \"<b>\", \"loss\": \"cosine\", \"weight\": 2,"
                  "   \"start_error\": 0.75, \"error\": 0.25, \"int8_error\": null},"
                  "  {\"name\": \"c\", \"loss\": \"kl\", \"weight\": 1, \"start_error\": 0.5,"
                  "   \"error\": null, \"int8_error\": null}]}",
                  seen);

    page_has(seen, "of the worst output, 0.75 before fine-tuning");
    page_has(seen, "<b>");
    page_has(seen, "cosine");
    page_has(seen, "0.25");
    page_has(seen, "no classes");
    assert_null(strstr(seen->text, "Top-1 accuracy"));
    assert_null(strstr(seen->text, "Accuracy on training images"));
    assert_null(strstr(seen->text, "model-int8.onnx"));
    free(html);
}

static void classes_of_pixels_stand_side_by_side(void **state)
{
    struct page_seen *seen = *state;
    char *html = page_read(
        "{\"task\": \"distill\", \"baseline\": {\"miou\": 61.5, \"pixel_accuracy\": 90},"
        " \"compressed\": {\"miou\": 60.25, \"pixel_accuracy\": 89}, \"change\": {\"miou\": -1.25},"
        " \"int8\": {\"size_bytes\": 7, \"miou\": 59.75, \"change_miou\": -0.5},"
        " \"layers\": [{\"name\": \"a\", \"shape\": [1, 1, 1, 1], \"alone_divergence\": 0.25}],"
        " \"segmentation\": {\"pixels\": 1234, \"void\": 56, \"classes\": ["
        "  {\"class\": 0, \"name\": \"sky\", \"pixels\": 1000, \"baseline\": {\"iou\": 80.5},"
        "   \"compressed\": {\"iou\": 78}, \"change\": -2.5},"
        "  {\"class\": 1, \"name\": null, \"pixels\": 0, \"baseline\": {\"iou\": null},"
        "   \"compressed\": {\"iou\": null}, \"change\": null}]}}",
        seen);

    page_has(seen, "60.25\u00a0%");
    page_has(seen, "61.50\u00a0% before, −1.25\u00a0pp");
    page_has(seen, "Pixel accuracy");
    page_has(seen, "59.75\u00a0% mean IoU, −0.50\u00a0pp");
    page_has(seen, "Alone, of their spread");
    page_has(seen, "sky");
    page_has(seen, "80.50\u00a0%");
    page_has(seen, "−2.50\u00a0pp");
    page_has(seen, "Of 1,234 pixels with a class");
    page_has(seen, "56 pixels have no class");
    assert_null(strstr(seen->text, "Top-1 accuracy"));
    assert_null(strstr(seen->text, "mAP"));
    free(html);
}

static void what_is_missing_or_of_another_kind_is_left_out(void **state)
{
    static const char *const reports[] = {
        "{}",
        "{\"layers\": 3, \"classes\": {}, \"confusion\": [], \"training\": \"x\", \"search\": 1}",
        "{\"layers\": [null, 1, {}], \"classes\": [null, [], 5], \"warnings\": [1, null],"
        " \"training\": [1, null, {}], \"search\": {\"candidates\": [1, {}, null]},"
        " \"confusion\": {\"compressed\": [1, [\"x\"]], \"worst\": [{\"label\": -5, \"choice\": "
        "1e300}]}}",
        "{\"training\": [{\"epoch\": 1e308, \"train_loss\": -1e308},"
        "                {\"epoch\": -1e308, \"train_loss\": 1e308}],"
        " \"compressed\": {\"top1\": 1e308, \"size_bytes\": -1e308, \"parameters\": 1e308},"
        " \"ratios\": {\"disk\": 1e300}, \"wall_seconds\": -1, \"change\": {\"top1\": 1e308}}",
        "{\"task\": \"distill\", \"outputs\": [1, {}, {\"name\": 3, \"error\": \"x\"}]}",
        "{\"task\": \"distill\", \"compressed\": {\"miou\": 1e308}, \"segmentation\":"
        " {\"pixels\": [], \"classes\": [1, null, {\"class\": -1e308, \"baseline\": 3}]}}",
        "{\"training\": [{\"epoch\": 1, \"train_loss\": 0}, {\"epoch\": 1, \"train_loss\": 0}],"
        " \"search\": {\"candidates\": [{\"size_bytes\": 1e15, \"top1\": 0, \"pareto\": true},"
        "                               {\"size_bytes\": 1e15, \"top1\": 0, \"pareto\": true}]}}",
    };

    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
        free(page_read(reports[i], *state));
}

static void what_is_no_report_is_refused(void **state)
{
    static const char *const texts[] = {"", "[]", "{", "{} {}", "\"x\""};
    struct fsn_error err = {0};
    char *html = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(fsn_report_html(texts[i], strlen(texts[i]), &html, &err), FSN_FORMAT);
        assert_non_null(strstr(err.text, "a report is a JSON object"));
        assert_null(html);
    }
}

/* A report with a class and a confusion for each, all of them the same but the last, which lost. */
static char *report_of(int classes)
{
    json_t *rows = json_array(), *matrix = json_array(), *root;
    char *text;

    for (int i = 0; i < classes; i++) {
        json_t *row = json_array();

        for (int k = 0; k < classes; k++)
            json_array_append_new(row, json_integer(i == k));
        json_array_append_new(matrix, row);
        json_array_append_new(rows,
                              json_pack("{s:o, s:i, s:f, s:f}", "name", json_sprintf("name-%d", i),
                                        "images", 1, "baseline_top1", 100.0, "compressed_top1",
                                        i == classes - 1 ? 0.0 : 100.0));
    }
    root = json_pack("{s:o, s:{s:O, s:o}}", "classes", rows, "confusion", "baseline", matrix,
                     "compressed", matrix);
    text = json_dumps(root, 0);
    json_decref(root);
    return text;
}

static void a_matrix_is_drawn_of_forty_classes_and_no_more(void **state)
{
    struct page_seen *seen = *state;
    char *few = report_of(40), *many = report_of(41), *html;

    free(page_read(few, seen));
    assert_true(seen->cells >= 40 * 40);
    page_has(seen, "name-39");
    html = page_read(many, seen);
    assert_true(seen->cells < 40 * 40);
    page_has(seen, "The 40 classes of 41 that lost most");
    page_has(seen, "name-40");                  /* which lost */
    assert_null(strstr(seen->text, "name-39")); /* the last of those that lost nothing */
    free(html);
    free(few);
    free(many);
}

static void plots_and_their_words_are_there(void **state)
{
    struct page_seen *seen = *state;
    char *html = page_read(
        "{\"training\": [{\"epoch\": 1, \"train_loss\": 2.5, \"train_top1\": 10},"
        "                {\"epoch\": 2, \"train_loss\": 1.25, \"train_top1\": 60}],"
        " \"search\": {\"chosen\": 1, \"selection\": {\"baseline_top1\": 80, \"images\": 50},"
        "   \"candidates\": [{\"size_bytes\": 20000, \"top1\": 70, \"pareto\": true},"
        "                    {\"size_bytes\": 10000, \"top1\": 60, \"pareto\": true},"
        "                    {\"size_bytes\": 30000, \"top1\": 65, \"pareto\": false},"
        "                    {\"size_bytes\": 0, \"top1\": null, \"pareto\": false}]}}",
        seen);

    page_has(seen, "training: from 2.5 to 1.25.");
    page_has(seen, "File 2: 10.0\u00a0kB, 60.00\u00a0%, on the Pareto front, chosen");
    page_has(seen, "File 3: 30.0\u00a0kB, 65.00\u00a0%");
    assert_null(strstr(seen->text, "File 4: ")); /* its training diverged: there is no point */
    free(html);
}

static void figures_are_written_as_people_read_them(void **state)
{
    (void)state;
    assert_string_equal(fsn__show_count(1234567).text, "1,234,567");
    assert_string_equal(fsn__show_count(999).text, "999");
    assert_string_equal(fsn__show_count(-1000).text, "-1,000");
    assert_string_equal(fsn__show_count(NAN).text, "–");
    assert_string_equal(fsn__show_bytes(27416).text, "27.4\u00a0kB");
    assert_string_equal(fsn__show_bytes(999).text, "999\u00a0B");
    assert_string_equal(fsn__show_round_bytes(20000).text, "20\u00a0kB");
    assert_string_equal(fsn__show_points(0.001).text, "±0.00\u00a0pp");
    assert_string_equal(fsn__show_points(0.3).text, "+0.30\u00a0pp");
    assert_string_equal(fsn__show_times(11.67).text, "11.7\u00a0×");
    assert_string_equal(fsn__show_times(INFINITY).text, "–");
    assert_string_equal(fsn__show_error(2e-8).text, "0");
    assert_string_equal(fsn__show_duration(3.25).text, "3.2\u00a0s");
    assert_string_equal(fsn__show_duration(200).text, "3\u00a0min\u00a020\u00a0s");
    assert_string_equal(fsn__show_duration(7500).text, "2\u00a0h\u00a005\u00a0min");
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
        cmocka_unit_test(names_are_shown_and_never_markup),
        cmocka_unit_test(nothing_is_needed_from_elsewhere),
        cmocka_unit_test(figures_are_those_of_the_report),
        cmocka_unit_test(outputs_that_were_distilled_are_told_with_their_errors),
        cmocka_unit_test(classes_of_pixels_stand_side_by_side),
        cmocka_unit_test(what_is_missing_or_of_another_kind_is_left_out),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(a_matrix_is_drawn_of_forty_classes_and_no_more),
        cmocka_unit_test(plots_and_their_words_are_there),
        cmocka_unit_test(figures_are_written_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
