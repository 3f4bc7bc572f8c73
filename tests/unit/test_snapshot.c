/* test_snapshot.c - copies and averages of a network's state. */
#include "train/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    float weights[3], stats[2];
    struct fsn__span spans[2];
    struct fsn__snapshot snapshot;
};

static void start(struct fixture *f)
{
    memcpy(f->weights, (float[]){1, 2, 3}, sizeof f->weights);
    memcpy(f->stats, (float[]){-4, 8}, sizeof f->stats);
    f->spans[0] = (struct fsn__span){f->weights, sizeof f->weights};
    f->spans[1] = (struct fsn__span){f->stats, sizeof f->stats};
    memset(&f->snapshot, 0, sizeof f->snapshot);
    assert_int_equal(fsn__snapshot_create(f->spans, 2, &f->snapshot, NULL), FSN_OK);
}

static void expect(const struct fixture *f, const float *weights, const float *stats)
{
    assert_memory_equal(f->weights, weights, sizeof f->weights);
    assert_memory_equal(f->stats, stats, sizeof f->stats);
}

static void a_snapshot_brings_the_state_back(void **state)
{
    struct fixture f;

    (void)state;
    start(&f);
    assert_int_equal(f.snapshot.own.size, sizeof f.weights + sizeof f.stats);
    f.weights[1] = 20;
    f.stats[0] = 40;
    fsn__snapshot_swap(&f.snapshot);
    expect(&f, (float[]){1, 2, 3}, (float[]){-4, 8});
    fsn__snapshot_swap(&f.snapshot);
    expect(&f, (float[]){1, 20, 3}, (float[]){40, 8});
    fsn__snapshot_restore(&f.snapshot);
    expect(&f, (float[]){1, 2, 3}, (float[]){-4, 8});
    f.weights[0] = 7;
    fsn__snapshot_take(&f.snapshot);
    f.weights[0] = 9;
    fsn__snapshot_restore(&f.snapshot);
    expect(&f, (float[]){7, 2, 3}, (float[]){-4, 8});
    fsn__snapshot_clear(&f.snapshot);
}

/* a = 3/4 a + 1/4 w, twice, in numbers that float holds exactly. */
static void an_average_moves_towards_the_state(void **state)
{
    struct fixture f;

    (void)state;
    for (int slices = 1; slices <= 4; slices++) {
        struct fsn__pool *pool;

        assert_int_equal(fsn__pool_create(slices, &pool, NULL), FSN_OK);
        start(&f);
        memcpy(f.weights, (float[]){5, 2, -13}, sizeof f.weights);
        f.stats[1] = 24;
        fsn__snapshot_blend(&f.snapshot, 0.75, pool);
        fsn__snapshot_blend(&f.snapshot, 0.75, pool);
        fsn__snapshot_restore(&f.snapshot);
        expect(&f, (float[]){2.75f, 2, -4}, (float[]){-4, 15});
        fsn__snapshot_clear(&f.snapshot);
        fsn__pool_destroy(pool);
    }
}

static void the_memory_of_an_average_grows_with_the_run(void **state)
{
    (void)state;
    assert_true(fsn__average_keep(0.9, 0) == 0.1);
    assert_true(fsn__average_keep(0.9, 8) == 0.5);
    assert_true(fsn__average_keep(0.9, 79) < 0.9);
    assert_true(fsn__average_keep(0.9, 81) == 0.9);
    assert_true(fsn__average_keep(0.05, 0) == 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_brings_the_state_back),
        cmocka_unit_test(an_average_moves_towards_the_state),
        cmocka_unit_test(the_memory_of_an_average_grows_with_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
