/* The memory planner: no two blocks alive together may share a byte, and the total stays near the
 * largest sum alive at once. */
#include "core/rng.h"
#include "graph/memory_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void blocks_alive_together_never_overlap(void **state)
{
    enum { COUNT = 200 };
    struct fsn__block blocks[COUNT];

    (void)state;
    for (uint64_t round = 0; round < 50; round++) {
        struct fsn__rng rng = fsn__rng_open(7, FSN__RNG_TEST, round, 0);
        size_t total = 0;

        for (int i = 0; i < COUNT; i++) {
            blocks[i].size = fsn__rng_below(&rng, 5000);
            blocks[i].birth = (int)fsn__rng_below(&rng, 100);
            blocks[i].death = blocks[i].birth + (int)fsn__rng_below(&rng, 20);
            blocks[i].offset = 0;
        }
        assert_int_equal(fsn__plan_memory(blocks, COUNT, &total, NULL), FSN_OK);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(blocks[i].offset % 64, 0);
            assert_true(blocks[i].offset + blocks[i].size <= total);
            for (int j = 0; j < i; j++) {
                bool together =
                    blocks[i].birth <= blocks[j].death && blocks[j].birth <= blocks[i].death;
                bool apart = blocks[i].offset + blocks[i].size <= blocks[j].offset ||
                             blocks[j].offset + blocks[j].size <= blocks[i].offset;

                assert_true(!together || apart || !blocks[i].size || !blocks[j].size);
            }
        }
        assert_true(total >= fsn__memory_lower_bound(blocks, COUNT));
        assert_true(total <= 2 * fsn__memory_lower_bound(blocks, COUNT) + 64 * COUNT);
    }
}

static void a_chain_needs_only_two_blocks(void **state)
{
    struct fsn__block blocks[10];
    size_t total = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        blocks[i] = (struct fsn__block){.size = 640, .birth = i, .death = i + 1};
    assert_int_equal(fsn__plan_memory(blocks, 10, &total, NULL), FSN_OK);
    assert_int_equal(total, 1280);
    assert_int_equal(fsn__memory_lower_bound(blocks, 10), 1280);
}

static void sizes_that_overflow_are_refused(void **state)
{
    struct fsn__block blocks[2] = {{.size = SIZE_MAX - 100, .birth = 0, .death = 1},
                                   {.size = SIZE_MAX - 100, .birth = 0, .death = 1}};
    struct fsn_error err = {0};
    size_t total = 0;

    (void)state;
    assert_int_equal(fsn__plan_memory(blocks, 2, &total, &err), FSN_LIMIT);
    blocks[0].size = SIZE_MAX - 10;
    assert_int_equal(fsn__plan_memory(blocks, 1, &total, NULL), FSN_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_alive_together_never_overlap),
        cmocka_unit_test(a_chain_needs_only_two_blocks),
        cmocka_unit_test(sizes_that_overflow_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
