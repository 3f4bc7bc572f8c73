/* test_confusion.c - what is taken for what, counted by hand. */
#include "compress/confusion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { IMAGES = 8 };

/* Three classes; the last one has no image. The compressed network chooses a fourth class that the
 * data set has not, and once none. */
static const int32_t labels[IMAGES] = {0, 0, 0, 0, 1, 1, 1, 1};
static const int32_t before[IMAGES] = {0, 0, 0, 1, 1, 1, 0, 2};
static const int32_t after[IMAGES] = {0, 1, 1, 2, 1, 0, 3, -1};
static const char *const names[3] = {"cat", "dog", "none"};

static struct fsn__outcomes by_hand(void)
{
    return (struct fsn__outcomes){
        .classes = 3,
        .names = names,
        .images = IMAGES,
        .labels = labels,
        .baseline = before,
        .compressed = after,
    };
}

/* The values of the JSON text, whose members may be in any order. */
static void expect(json_t *got, const char *text)
{
    json_t *want = json_loads(text, JSON_DECODE_ANY, NULL);
    char *shown = json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY);

    assert_non_null(want);
    if (!json_equal(got, want))
        fail_msg("%s, expected %s", shown, text);
    free(shown);
    json_decref(want);
}

static void confusions_of_a_case_by_hand(void **state)
{
    const struct fsn__outcomes outcomes = by_hand();
    json_t *got = fsn__confusion_json(&outcomes);

    (void)state;
    expect(got, "{\"baseline\": [[3, 1, 0], [1, 2, 1], [0, 0, 0]],"
                " \"compressed\": [[1, 2, 1], [1, 1, 0], [0, 0, 0]],"
                " \"outside\": {\"baseline\": 0, \"compressed\": 2},"
                " \"worst\": [{\"label\": 0, \"choice\": 1, \"baseline\": 1, \"compressed\": 2},"
                "             {\"label\": 1, \"choice\": 0, \"baseline\": 1, \"compressed\": 1},"
                "             {\"label\": 0, \"choice\": 2, \"baseline\": 0, \"compressed\": 1}]}");
    json_decref(got);
}

static void accuracy_by_class_of_a_case_by_hand(void **state)
{
    struct fsn__outcomes outcomes = by_hand();
    json_t *got = fsn__classes_json(&outcomes);

    (void)state;
    expect(got, "[{\"name\": \"cat\", \"images\": 4, \"baseline_top1\": 75.0,"
                "  \"compressed_top1\": 25.0},"
                " {\"name\": \"dog\", \"images\": 4, \"baseline_top1\": 50.0,"
                "  \"compressed_top1\": 25.0},"
                " {\"name\": \"none\", \"images\": 0, \"baseline_top1\": null,"
                "  \"compressed_top1\": null}]");
    json_decref(got);
    outcomes.names = NULL;
    got = fsn__classes_json(&outcomes);
    assert_true(json_is_null(json_object_get(json_array_get(got, 0), "name")));
    json_decref(got);
}

/* Image i is of class i, and taken for the next one, by both but the first by the baseline. */
static void of_many_classes_the_worst_pairs_are_told_alone(void **state)
{
    enum { MANY = FSN__MATRIX_CLASSES + 1 };
    int32_t own[MANY], next[MANY], mixed[MANY];
    struct fsn__outcomes outcomes = {
        .classes = MANY, .images = MANY, .labels = own, .baseline = mixed, .compressed = next};
    json_t *got, *worst, *row;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        own[i] = i;
        next[i] = mixed[i] = (i + 1) % MANY;
    }
    mixed[0] = 0;
    got = fsn__confusion_json(&outcomes);
    assert_true(json_is_null(json_object_get(got, "compressed")));
    assert_true(json_is_null(json_object_get(got, "baseline")));
    worst = json_object_get(got, "worst");
    assert_int_equal(json_array_size(worst), FSN__WORST_CONFUSIONS);
    row = json_array_get(worst, 0); /* of equals, what the baseline confuses too; then by class */
    assert_int_equal(json_integer_value(json_object_get(row, "label")), 1);
    assert_int_equal(json_integer_value(json_object_get(row, "choice")), 2);
    json_decref(got);
    outcomes.classes = FSN__MATRIX_CLASSES;
    outcomes.images = FSN__MATRIX_CLASSES; /* the last one is taken for a class outside */
    got = fsn__confusion_json(&outcomes);
    assert_int_equal(json_array_size(json_object_get(got, "compressed")), FSN__MATRIX_CLASSES);
    json_decref(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confusions_of_a_case_by_hand),
        cmocka_unit_test(accuracy_by_class_of_a_case_by_hand),
        cmocka_unit_test(of_many_classes_the_worst_pairs_are_told_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
