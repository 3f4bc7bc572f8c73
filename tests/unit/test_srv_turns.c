/* test_srv_turns.c - callers take turns, each in the order in which it came. */
#include "http/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct thing {
    struct srv_turn turn;
    char letter;
};

/* Adds a thing for each pair of letters: a caller, and what it is called. */
static void add(struct srv_turns *turns, const char *pairs)
{
    for (; *pairs; pairs += 2 + (pairs[2] == ' ')) {
        struct thing *thing = calloc(1, sizeof *thing);

        assert_non_null(thing);
        thing->letter = pairs[1];
        assert_true(srv_turns_add(turns, (char[]){pairs[0], '\0'}, INT_MAX, &thing->turn));
    }
}

/* Takes so many, and says by their letters which. */
static const char *take(struct srv_turns *turns, size_t count)
{
    static char letters[64];
    struct srv_turn *turn;
    size_t i = 0;

    assert_true(count < sizeof letters);
    while (i < count && (turn = srv_turns_take(turns))) {
        letters[i++] = ((struct thing *)turn)->letter;
        free(turn);
    }
    letters[i] = '\0';
    return letters;
}

static void one_caller_is_first_in_first_out(void **state)
{
    struct srv_turns turns = {0};

    (void)state;
    add(&turns, "A1 A2 A3");
    assert_string_equal(take(&turns, 2), "12");
    add(&turns, "A4 A5");
    assert_string_equal(take(&turns, 9), "345");
}

static void callers_take_turns(void **state)
{
    struct srv_turns turns = {0};

    (void)state;
    add(&turns, "A1 A2 A3 A4 A5 Bx By Cp");
    assert_string_equal(take(&turns, 9), "1xp2y345");
}

static void who_comes_waits_for_one_of_each_other(void **state)
{
    struct srv_turns turns = {0};

    (void)state;
    add(&turns, "A1 A2 A3 Bx By Bz");
    assert_string_equal(take(&turns, 1), "1");
    add(&turns, "Cp");
    assert_string_equal(take(&turns, 9), "x2py3z");
}

/* Nor does it help to come again and again. */
static void who_has_had_a_turn_stands_behind(void **state)
{
    struct srv_turns turns = {0};

    (void)state;
    add(&turns, "A1 Bx Cp");
    assert_string_equal(take(&turns, 1), "1");
    add(&turns, "A2 By");
    assert_string_equal(take(&turns, 1), "x");
    add(&turns, "Bz");
    assert_string_equal(take(&turns, 9), "p2yz");
}

static void nobody_waits(void **state)
{
    struct srv_turns turns = {0};

    (void)state;
    assert_null(srv_turns_take(&turns));
    add(&turns, "A1");
    assert_string_equal(take(&turns, 1), "1");
    assert_null(srv_turns_take(&turns));
    add(&turns, "Bx");
    assert_string_equal(take(&turns, 9), "x");
    assert_null(srv_turns_take(&turns));
}

static void one_caller_may_have_so_many_and_no_more(void **state)
{
    struct srv_turns turns = {0};
    struct thing more = {.letter = '+'};

    (void)state;
    assert_false(srv_turns_add(&turns, "A", 0, &more.turn));
    add(&turns, "A1 A2 A3 Bx");
    assert_false(srv_turns_add(&turns, "A", 3, &more.turn));
    assert_string_equal(take(&turns, 1), "1");
    add(&turns, "A4");
    assert_false(srv_turns_add(&turns, "A", 3, &more.turn));
    assert_string_equal(take(&turns, 9), "x234");
}

/* Any names, told apart to their last byte. */
static void all_is_taken_once(void **state)
{
    enum { CALLERS = 7, EACH = 5 };
    struct srv_turns turns = {0};
    struct srv_turn turn[CALLERS * EACH];
    int next[CALLERS] = {0};

    (void)state;
    for (int i = 0; i < CALLERS * EACH; i++) {
        char caller[SRV_TURN_CALLER_SIZE];

        memset(caller, 'f', sizeof caller);
        caller[sizeof caller - 2] = (char)('0' + i % CALLERS);
        caller[sizeof caller - 1] = '\0';
        assert_true(srv_turns_add(&turns, caller, EACH, &turn[i]));
    }
    for (int i = 0; i < CALLERS * EACH; i++) {
        const struct srv_turn *taken = srv_turns_take(&turns);

        assert_non_null(taken);
        assert_int_equal((taken - turn) % CALLERS, i % CALLERS);
        assert_int_equal((taken - turn) / CALLERS, next[i % CALLERS]++);
    }
    assert_null(srv_turns_take(&turns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_caller_is_first_in_first_out),
        cmocka_unit_test(callers_take_turns),
        cmocka_unit_test(who_comes_waits_for_one_of_each_other),
        cmocka_unit_test(who_has_had_a_turn_stands_behind),
        cmocka_unit_test(nobody_waits),
        cmocka_unit_test(one_caller_may_have_so_many_and_no_more),
        cmocka_unit_test(all_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
