/* test_choose_size.c - which size a search tries next, which file it keeps, what two networks
 * differ by, and that a list on the disk is taken up as it was written. */
#include "compress/search.h"
#include "core/file.h"
#include "temp_dir.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct fsn__size_range range = {.least = 10000, .start = 40000, .most = 160000};

static struct fsn_candidate tried(int64_t bytes, double drop, bool holds)
{
    return (struct fsn_candidate){
        .budget_bytes = bytes, .size_bytes = bytes, .drop = drop, .holds = holds, .seconds = 10};
}

static void expect_next(const struct fsn_candidate *done, int count, double max_drop, int64_t want)
{
    int64_t got = 0;

    assert_true(fsn__search_next(done, count, &range, max_drop, &got));
    assert_int_equal(got, want);
}

static void a_search_begins_at_the_start(void **state)
{
    (void)state;
    expect_next(NULL, 0, 0.5, 40000);
}

/* sqrt(10000 * 40000) and sqrt(40000 * 160000). */
static void an_end_that_is_not_measured_is_approached_by_halves(void **state)
{
    const struct fsn_candidate holds = tried(40000, 0.1, true), fails = tried(40000, 2, false);

    (void)state;
    expect_next(&holds, 1, 0.5, 20000);
    expect_next(&fails, 1, 0.5, 80000);
}

/* From 20000 to 80000 the size is 20000 * 4^share; drops of 2.5 and 0.5 meet 1.5 in the middle, 1.3
 * at 0.6 of the way; 0.6 would be at 0.95, and 2.4 at 0.05: then a quarter from the end. */
static void between_two_measures_the_line_leads(void **state)
{
    const struct fsn_candidate done[] = {tried(20000, 2.5, false), tried(80000, 0.5, true)};

    (void)state;
    expect_next(done, 2, 1.5, 40000);
    expect_next(done, 2, 1.3, 45948); /* 20000 * 4^0.6 = 45947.93 */
    expect_next(done, 2, 0.6, 56569); /* 20000 * 4^0.75 = 56568.54 */
    expect_next(done, 2, 2.4, 28284); /* 20000 * 4^0.25 = 28284.27 */
}

static void training_that_diverged_bounds_but_does_not_lead(void **state)
{
    const struct fsn_candidate done[] = {tried(20000, NAN, false), tried(80000, 0.5, true)};

    (void)state;
    expect_next(done, 2, 0.6, 40000);
}

/* 30000 holds though 50000 did not: what is above it has no say any more. */
static void a_smaller_size_that_holds_goes_before_a_larger_one_that_does_not(void **state)
{
    const struct fsn_candidate done[] = {tried(50000, 0.7, false), tried(30000, 0.4, true),
                                         tried(90000, 0.1, true)};

    (void)state;
    expect_next(done, 3, 0.5, 17321); /* sqrt(10000 * 30000) = 17320.51 */
}

static void a_bracket_of_five_per_cent_is_the_end(void **state)
{
    struct fsn_candidate done[] = {tried(40000, 1, false), tried(42000, 0.1, true)};
    int64_t bytes = -1;

    (void)state;
    assert_false(fsn__search_next(done, 2, &range, 0.5, &bytes));
    assert_int_equal(bytes, -1);
    done[1].budget_bytes = 42100;
    assert_true(fsn__search_next(done, 2, &range, 0.5, &bytes));
    done[0] = tried(153000, 1, false); /* nothing holds, and the most there can be is near */
    assert_false(fsn__search_next(done, 1, &range, 0.5, &bytes));
}

/* Walks the whole way on a known curve: drop = (30000 / bytes)^2, so that 0.5 is at 42426 bytes. */
static void a_search_comes_within_five_per_cent_of_the_size(void **state)
{
    struct fsn_candidate done[FSN_MAX_CANDIDATES];
    int64_t bytes;
    int count = 0, best;

    (void)state;
    while (fsn__search_next(done, count, &range, 0.5, &bytes)) {
        const double drop = pow(30000 / (double)bytes, 2);

        assert_true(bytes >= range.least && bytes <= range.most);
        assert_true(count < 10);
        done[count++] = tried(bytes, drop, drop <= 0.5);
    }
    best = fsn__search_best(done, count);
    assert_true(done[best].holds);
    assert_in_range(done[best].size_bytes, 42426, 44547); /* 42426 * 1.05 = 44547.3 */
}

static void the_smallest_that_holds_is_kept(void **state)
{
    const struct fsn_candidate done[] = {tried(50000, 0.4, true), tried(20000, 1.5, false),
                                         tried(30000, 0.5, true), tried(25000, NAN, false)};

    (void)state;
    assert_int_equal(fsn__search_best(done, 4), 2);
    assert_int_equal(fsn__search_best(done, 1), 0);
}

static void where_none_holds_the_one_that_loses_least_is_kept(void **state)
{
    const struct fsn_candidate done[] = {tried(25000, NAN, false), tried(20000, 1.5, false),
                                         tried(50000, 0.9, false), tried(40000, 0.9, false)};

    (void)state;
    assert_int_equal(fsn__search_best(done, 4), 3);
    assert_int_equal(fsn__search_best(done, 1), -1);
    assert_int_equal(fsn__search_best(done, 0), -1);
}

/* 10 and 30 seconds were spent: one like the longer one ends at 70. */
static void another_one_is_begun_only_if_it_will_be_done_in_time(void **state)
{
    struct fsn_candidate done[] = {tried(50000, 1, false), tried(50000, 1, false)};

    (void)state;
    done[1].seconds = 30;
    assert_true(fsn__search_has_time(done, 2, 70));
    assert_false(fsn__search_has_time(done, 2, 69.5));
    assert_true(fsn__search_has_time(done, 0, 1)); /* there is to be a result */
}

/* Of five images (the third is not asked for) the first network is right on 3, the second on 2: 2
 * lost and 1 gained. Variance of the difference: (3 - 1/4) / 16 for a mean over four. */
static void networks_are_compared_image_by_image(void **state)
{
    const int32_t labels[] = {3, 1, 0, 2, 0}, before[] = {3, 1, 1, 2, -1},
                  after[] = {3, 2, 0, 0, 0};
    const int64_t list[] = {0, 1, 3, 4};
    const struct fsn__comparison got = fsn__compare_choices(labels, before, after, list, 4);

    (void)state;
    assert_true(got.before == 75 && got.after == 50 && got.drop == 25);
    assert_true(fabs(got.drop_error - 100 * sqrt(2.75) / 4) < 1e-12);
}

/* ---- on the disk ------------------------------------------------------------------------------
 */

struct fixture {
    struct temp_dir dir;
    char path[512];
    struct fsn__search_state state;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.state.count = 2};
    temp_dir_create(&f.dir);
    snprintf(f.path, sizeof f.path, "%s", temp_dir_path(&f.dir, "search.json"));
    f.state.done[0] = tried(40000, 1.0 / 3, true);
    f.state.done[0].ratio = 8.0 / 7;
    f.state.done[0].bits = 4;
    f.state.done[0].parameters = 1234;
    f.state.done[1] = tried(20000, NAN, false);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    temp_dir_remove(&f->dir);
    return 0;
}

static void what_is_written_is_read_back_to_the_last_digit(void **state)
{
    struct fixture *f = *state;
    struct fsn__search_state back;

    assert_int_equal(fsn__search_write(f->path, UINT64_MAX, &f->state, NULL), FSN_OK);
    assert_int_equal(fsn__search_read(f->path, UINT64_MAX, &back, NULL), FSN_OK);
    assert_int_equal(back.count, 2);
    assert_true(back.done[0].drop == 1.0 / 3 && back.done[0].ratio == 8.0 / 7);
    assert_true(back.done[0].holds && !back.done[1].holds);
    assert_int_equal(back.done[0].bits, 4);
    assert_int_equal(back.done[0].parameters, 1234);
    assert_int_equal(back.done[1].budget_bytes, 20000);
    assert_true(isnan(back.done[1].drop));
}

static void the_list_of_another_search_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fsn__search_state back;
    struct fsn_error err = {0};

    assert_int_equal(fsn__search_write(f->path, 7, &f->state, NULL), FSN_OK);
    assert_int_equal(fsn__search_read(f->path, 8, &back, &err), FSN_INVALID);
    assert_non_null(strstr(err.text, "belong to another search"));
    assert_int_equal(back.count, 0);
}

/* Cut at any place, or with any one byte changed into another kind: nothing of it is believed, or
 * it is another search's. */
static void what_is_not_whole_is_no_list(void **state)
{
    struct fixture *f = *state;
    struct fsn__search_state back;
    unsigned char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(fsn__search_read(f->path, 7, &back, NULL), FSN_OK);
    assert_int_equal(back.count, 0); /* no file */
    assert_int_equal(fsn__search_write(f->path, 7, &f->state, NULL), FSN_OK);
    assert_int_equal(fsn__file_read(f->path, 1 << 20, &bytes, &size, NULL), FSN_OK);
    for (size_t cut = 0; cut < size; cut += 7) {
        assert_int_equal(fsn__file_write(f->path, bytes, cut, NULL), FSN_OK);
        assert_int_equal(fsn__search_read(f->path, 7, &back, NULL), FSN_OK);
        assert_int_equal(back.count, 0);
    }
    for (size_t at = 0; at < size; at++) {
        const unsigned char was = bytes[at];
        enum fsn_status status;

        bytes[at] = was == '"' ? '[' : '"';
        assert_int_equal(fsn__file_write(f->path, bytes, size, NULL), FSN_OK);
        status = fsn__search_read(f->path, 7, &back, NULL);
        assert_true(status == FSN_OK || status == FSN_INVALID);
        assert_int_equal(back.count, 0);
        bytes[at] = was;
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_begins_at_the_start),
        cmocka_unit_test(an_end_that_is_not_measured_is_approached_by_halves),
        cmocka_unit_test(between_two_measures_the_line_leads),
        cmocka_unit_test(training_that_diverged_bounds_but_does_not_lead),
        cmocka_unit_test(a_smaller_size_that_holds_goes_before_a_larger_one_that_does_not),
        cmocka_unit_test(a_bracket_of_five_per_cent_is_the_end),
        cmocka_unit_test(a_search_comes_within_five_per_cent_of_the_size),
        cmocka_unit_test(the_smallest_that_holds_is_kept),
        cmocka_unit_test(where_none_holds_the_one_that_loses_least_is_kept),
        cmocka_unit_test(another_one_is_begun_only_if_it_will_be_done_in_time),
        cmocka_unit_test(networks_are_compared_image_by_image),
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back_to_the_last_digit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_list_of_another_search_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_whole_is_no_list, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
