/* test_kernels_isa.c - the choice of the instruction set. */
#include "kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void every_level_has_a_name_and_the_last_is_the_portable_one(void **state)
{
    int count = 0;

    (void)state;
    while (fsn__isa_name(count))
        count++;
    assert_true(count >= 1);
    assert_string_equal(fsn__isa_name(count - 1), "baseline");
    assert_non_null(fsn__kernels_at(FSN__DIRECT, count - 1));
    assert_null(fsn__isa_name(-1));
    assert_null(fsn__kernels_at(FSN__DIRECT, count));
    assert_null(fsn__kernels_at(FSN__DIRECT, -1));
}

static void a_table_says_which_level_it_is_of(void **state)
{
    (void)state;
    for (int level = 0; fsn__isa_name(level); level++) {
        const struct fsn__kernels *kernels = fsn__kernels_at(FSN__DIRECT, level);

        if (kernels)
            assert_string_equal(kernels->isa, fsn__isa_name(level));
    }
}

static void without_a_wish_the_best_level_of_the_cpu_is_chosen(void **state)
{
    int level = -1;

    (void)state;
    assert_int_equal(fsn__isa_choose(NULL, &level, NULL), FSN_OK);
    assert_non_null(fsn__kernels_at(FSN__DIRECT, level));
    for (int better = 0; better < level; better++)
        assert_null(fsn__kernels_at(FSN__DIRECT, better));
}

static void a_level_is_chosen_by_its_name(void **state)
{
    (void)state;
    for (int i = 0; fsn__isa_name(i); i++) {
        int level = -1;

        if (!fsn__kernels_at(FSN__DIRECT, i))
            continue;
        assert_int_equal(fsn__isa_choose(fsn__isa_name(i), &level, NULL), FSN_OK);
        assert_int_equal(level, i);
    }
}

static void an_unknown_name_is_refused_with_the_known_ones(void **state)
{
    struct fsn_error err = {0};
    int level = -1;

    (void)state;
    assert_int_equal(fsn__isa_choose("avx1024", &level, &err), FSN_INVALID);
    assert_int_equal(level, -1);
    assert_non_null(strstr(err.text, "FSNET_ISA is 'avx1024'"));
    assert_non_null(strstr(err.text, "baseline"));
}

static void the_environment_decides_at_the_first_call(void **state)
{
    const struct fsn__kernels *kernels = NULL;

    (void)state;
    assert_int_equal(setenv("FSNET_ISA", "baseline", 1), 0);
    assert_int_equal(fsn__kernels_get(FSN__DIRECT, &kernels, NULL), FSN_OK);
    assert_string_equal(kernels->isa, "baseline");
    assert_int_equal(setenv("FSNET_ISA", "nonsense", 1), 0);
    assert_int_equal(fsn__kernels_get(FSN__DIRECT, &kernels, NULL), FSN_OK);
    assert_string_equal(kernels->isa, "baseline");
    assert_int_equal(fsn__kernels_get(FSN__IM2COL, &kernels, NULL), FSN_INVALID);
}

/* In a child: the choice is made once a process. It ends with 0 when both calls were refused. */
static void an_unknown_level_in_the_environment_fails_every_call(void **state)
{
    const struct fsn__kernels *kernels = NULL;
    struct fsn_error err = {0};
    int child_status = -1;
    pid_t child;

    (void)state;
    assert_int_equal(setenv("FSNET_ISA", "sse9", 1), 0);
    child = fork();
    if (child == 0) {
        const bool first = fsn__kernels_get(FSN__DIRECT, &kernels, &err) == FSN_INVALID;
        const bool second = fsn__kernels_get(FSN__DIRECT, &kernels, NULL) == FSN_INVALID;

        _exit(first && second && !kernels && strstr(err.text, "'sse9'") ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &child_status, 0), child);
    assert_true(WIFEXITED(child_status));
    assert_int_equal(WEXITSTATUS(child_status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_has_a_name_and_the_last_is_the_portable_one),
        cmocka_unit_test(a_table_says_which_level_it_is_of),
        cmocka_unit_test(without_a_wish_the_best_level_of_the_cpu_is_chosen),
        cmocka_unit_test(a_level_is_chosen_by_its_name),
        cmocka_unit_test(an_unknown_name_is_refused_with_the_known_ones),
        cmocka_unit_test(an_unknown_level_in_the_environment_fails_every_call),
        cmocka_unit_test(the_environment_decides_at_the_first_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
