/* test_report_html.c - the page of a report: hostile names, figures, what is missing, what is too
 * much.
 *
 * Every page is read by an XML parser (expat), which is stricter than any browser. */
#include "fsnet.h"

#include "compress/html.h"

#include <expat.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- reading pages --------------------------------------------------------------------------- */

struct seen {
    char text[1 << 20]; /* all character data */
    size_t size;
    int scripts, links, images, cells;
    bool handler; /* an attribute that runs something */
};

static void XMLCALL on_start(void *user, const char *name, const char **attribute)
{
    struct seen *seen = user;

    seen->scripts += strcmp(name, "script") == 0;
    seen->links += strcmp(name, "a") == 0 || strcmp(name, "link") == 0;
    seen->images += strcmp(name, "img") == 0;
    seen->cells += strcmp(name, "td") == 0;
    for (; *attribute; attribute += 2)
        seen->handler |= strncmp(attribute[0], "on", 2) == 0 || strcmp(attribute[0], "src") == 0 ||
                         strcmp(attribute[0], "href") == 0;
}

static void XMLCALL on_text(void *user, const char *text, int length)
{
    struct seen *seen = user;

    assert_true(seen->size + (size_t)length < sizeof seen->text);
    memcpy(seen->text + seen->size, text, (size_t)length);
    seen->size += (size_t)length;
    seen->text[seen->size] = 0;
}

/* The page of a report, which must be XML; new. */
static char *page_of(const char *json, struct seen *seen)
{
    struct fsn_error err = {0};
    XML_Parser parser = XML_ParserCreate(NULL);
    char *html = NULL;

    memset(seen, 0, sizeof *seen);
    if (fsn_report_html(json, strlen(json), &html, &err) != FSN_OK)
        fail_msg("%s", err.text);
    XML_SetUserData(parser, seen);
    XML_SetElementHandler(parser, on_start, NULL);
    XML_SetCharacterDataHandler(parser, on_text);
    if (XML_Parse(parser, html, (int)strlen(html), 1) != XML_STATUS_OK)
        fail_msg("line %lu: %s", XML_GetCurrentLineNumber(parser),
                 XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    assert_int_equal(seen->scripts + seen->links + seen->images, 0);
    assert_false(seen->handler);
    return html;
}

static void expect_text(const struct seen *seen, const char *part)
{
    if (!strstr(seen->text, part))
        fail_msg("'%s' is not in the page", part);
}

/* ---- the tests ------------------------------------------------------------------------------- */

#define HOSTILE "</td><script>alert(1)</script> & \\\" ' \\u0001 \\uffff onload=x"
/* As a person sees it: two replacement characters where XML has no form. */
#define SHOWN "</td><script>alert(1)</script> & \" ' \ufffd \ufffd onload=x"

static void names_are_shown_and_never_markup(void **state)
{
    struct seen *seen = *state;
    char *html = page_of(
        "{\"layers\": [{\"name\": \"layer " HOSTILE "\", \"note\": \"note " HOSTILE "\","
        " \"shape\": [1, 1, 1, 1], \"fs_size\": 1}],"
        " \"exclude_first\": [{\"name\": \"first " HOSTILE "\"}],"
        " \"classes\": [{\"name\": \"class " HOSTILE "\", \"images\": 1}, {\"name\": null}],"
        " \"confusion\": {\"compressed\": [[0, 1], [0, 0]],"
        "   \"worst\": [{\"label\": 0, \"choice\": 1, \"compressed\": 1, \"baseline\": 0}]},"
        " \"warnings\": [\"warning " HOSTILE "\"], \"data\": {\"format\": \"data " HOSTILE "\"},"
        " \"versions\": {\"fsnet\": \"version " HOSTILE "\"}}",
        seen);

    expect_text(seen, "layer " SHOWN);
    expect_text(seen, "note " SHOWN);
    expect_text(seen, "first " SHOWN);
    expect_text(seen, "class " SHOWN);
    expect_text(seen, "warning " SHOWN);
    expect_text(seen, "data " SHOWN);
    expect_text(seen, "version " SHOWN);
    assert_null(strstr(html, "<script"));
    free(html);
}

static void nothing_is_needed_from_elsewhere(void **state)
{
    struct seen *seen = *state;
    char *html = page_of("{}", seen);
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
    struct seen *seen = *state;
    char *html =
        page_of("{\"baseline\": {\"top1\": 91.25, \"size_bytes\": 1234567, \"parameters\": 1000},"
                " \"compressed\": {\"top1\": 90.5, \"size_bytes\": 98765, \"parameters\": 1000},"
                " \"change\": {\"top1\": -0.75}, \"ratios\": {\"disk\": 12.5},"
                " \"dense\": {\"size_bytes\": 7654321, \"max_difference\": 0}}",
                seen);

    expect_text(seen, "90.50\u00a0%");
    expect_text(seen, "91.25\u00a0%");
    expect_text(seen, "−0.75\u00a0pp");
    expect_text(seen, "1.23\u00a0MB");
    expect_text(seen, "98.8\u00a0kB");
    expect_text(seen, "12.5\u00a0×");
    expect_text(seen, "7,654,321");
    expect_text(seen, "same");
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
        "{\"training\": [{\"epoch\": 1, \"train_loss\": 0}, {\"epoch\": 1, \"train_loss\": 0}],"
        " \"search\": {\"candidates\": [{\"size_bytes\": 1e15, \"top1\": 0, \"pareto\": true},"
        "                               {\"size_bytes\": 1e15, \"top1\": 0, \"pareto\": true}]}}",
    };

    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++)
        free(page_of(reports[i], *state));
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
    struct seen *seen = *state;
    char *few = report_of(40), *many = report_of(41), *html;

    free(page_of(few, seen));
    assert_true(seen->cells >= 40 * 40);
    expect_text(seen, "name-39");
    html = page_of(many, seen);
    assert_true(seen->cells < 40 * 40);
    expect_text(seen, "The 40 classes of 41 that lost most");
    expect_text(seen, "name-40");               /* which lost */
    assert_null(strstr(seen->text, "name-39")); /* the last of those that lost nothing */
    free(html);
    free(few);
    free(many);
}

static void plots_and_their_words_are_there(void **state)
{
    struct seen *seen = *state;
    char *html = page_of(
        "{\"training\": [{\"epoch\": 1, \"train_loss\": 2.5, \"train_top1\": 10},"
        "                {\"epoch\": 2, \"train_loss\": 1.25, \"train_top1\": 60}],"
        " \"search\": {\"chosen\": 1, \"selection\": {\"baseline_top1\": 80, \"images\": 50},"
        "   \"candidates\": [{\"size_bytes\": 20000, \"top1\": 70, \"pareto\": true},"
        "                    {\"size_bytes\": 10000, \"top1\": 60, \"pareto\": true},"
        "                    {\"size_bytes\": 30000, \"top1\": 65, \"pareto\": false},"
        "                    {\"size_bytes\": 0, \"top1\": null, \"pareto\": false}]}}",
        seen);

    expect_text(seen, "training: from 2.5 to 1.25.");
    expect_text(seen, "File 2: 10.0\u00a0kB, 60.00\u00a0%, on the Pareto front, chosen");
    expect_text(seen, "File 3: 30.0\u00a0kB, 65.00\u00a0%");
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
    *state = malloc(sizeof(struct seen));
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
        cmocka_unit_test(what_is_missing_or_of_another_kind_is_left_out),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(a_matrix_is_drawn_of_forty_classes_and_no_more),
        cmocka_unit_test(plots_and_their_words_are_there),
        cmocka_unit_test(figures_are_written_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
