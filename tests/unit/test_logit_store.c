/* test_logit_store.c - the teacher's logits on the disk: what was put there comes back, anything
 * else is not believed; and a student that reads them is the student that asks. */
#include "train/logit_store.h"

#include "core/file.h"
#include "toy_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 3, NUMBERS = 5, KEY = 11 };

static struct fsn__logit_store *open_store(struct toy_run *f, uint64_t key, int64_t numbers)
{
    struct fsn__logit_store *store = NULL;

    assert_int_equal(fsn__logit_store_open(temp_dir_path(&f->folder, "logits"), key, STEPS, numbers,
                                           &store, NULL),
                     FSN_OK);
    assert_non_null(store);
    return store;
}

static const float second[NUMBERS] = {1, -2.5f, 3e-38f, 4, 5}, third[NUMBERS] = {6, 7, 8, 9, 10};

/* Steps 1 and 2 of three, in any order. */
static void fill(struct toy_run *f)
{
    struct fsn__logit_store *store = open_store(f, KEY, NUMBERS);

    fsn__logit_store_put(store, 2, third);
    fsn__logit_store_put(store, 1, second);
    fsn__logit_store_put(store, STEPS, third); /* there is no such step */
    fsn__logit_store_close(store);
}

static void what_was_put_comes_back(void **state)
{
    struct toy_run *f = *state;
    struct fsn__logit_store *store;
    float logits[NUMBERS] = {0};

    fill(f);
    store = open_store(f, KEY, NUMBERS);
    assert_true(fsn__logit_store_get(store, 1, logits));
    assert_memory_equal(logits, second, sizeof second);
    assert_true(fsn__logit_store_get(store, 2, logits));
    assert_memory_equal(logits, third, sizeof third);
    assert_false(fsn__logit_store_get(store, 0, logits)); /* a hole in the file */
    assert_false(fsn__logit_store_get(store, STEPS, logits));
    assert_false(fsn__logit_store_get(store, -1, logits));
    assert_memory_equal(logits, third, sizeof third);
    fsn__logit_store_close(store);
}

static void those_of_another_run_are_not_believed(void **state)
{
    struct toy_run *f = *state;
    struct fsn__logit_store *store;
    float logits[NUMBERS];

    fill(f);
    store = open_store(f, KEY + 1, NUMBERS);
    assert_false(fsn__logit_store_get(store, 1, logits));
    fsn__logit_store_close(store);
    store = open_store(f, KEY, NUMBERS - 1);
    assert_false(fsn__logit_store_get(store, 1, logits));
    fsn__logit_store_close(store);
}

/* Any byte of the record changed, or any part of the last one cut off. */
static void a_record_that_is_not_whole_is_none(void **state)
{
    struct toy_run *f = *state;
    const size_t record = sizeof(uint64_t) + sizeof second;
    char path[512];
    unsigned char *bytes = NULL;
    float logits[NUMBERS];
    size_t size = 0;

    fill(f);
    snprintf(path, sizeof path, "%s", temp_dir_path(&f->folder, "logits"));
    assert_int_equal(fsn__file_read(path, 1 << 20, &bytes, &size, NULL), FSN_OK);
    assert_int_equal(size, STEPS * record);
    for (size_t at = 0; at < record; at++) {
        struct fsn__logit_store *store;

        bytes[record + at] ^= 0x10;
        assert_int_equal(fsn__file_write(path, bytes, size - 1 - at, NULL), FSN_OK);
        store = open_store(f, KEY, NUMBERS);
        assert_false(fsn__logit_store_get(store, 1, logits));
        assert_false(fsn__logit_store_get(store, 2, logits));
        fsn__logit_store_close(store);
        bytes[record + at] ^= 0x10;
    }
    free(bytes);
}

static void what_would_be_too_large_is_not_kept(void **state)
{
    struct toy_run *f = *state;
    const char *path = temp_dir_path(&f->folder, "logits");
    struct fsn__logit_store *store = (struct fsn__logit_store *)(void *)f;

    assert_int_equal(fsn__logit_store_open(path, KEY, 1 << 20, 1 << 10, &store, NULL), FSN_OK);
    assert_null(store); /* 4 GiB and the digests */
    assert_int_equal(fsn__logit_store_open(path, KEY, INT64_MAX, INT64_MAX, &store, NULL), FSN_OK);
    assert_null(store);
    assert_int_equal(
        fsn__logit_store_open(temp_dir_path(&f->folder, "no/logits"), KEY, 1, 1, &store, NULL),
        FSN_IO);
}

/* One student of each kind: without a store, with an empty one, with the one that this has filled.
 * The last has another teacher, whom nobody asks. Images are mixed, so that all that is random
 * comes before the teacher. */
static void a_student_that_reads_is_the_student_that_asks(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = toy_network(3), *stranger = toy_network(4);
    struct toy_result asks, fills, reads, other;
    char path[512];

    snprintf(path, sizeof path, "%s", temp_dir_path(&f->folder, "logits"));
    f->spec.finetune.distill.alpha = 0.7;
    f->spec.finetune.mixup = 0.5;
    asks = toy_train_graph(f, toy_network(2), teacher, 1, NULL);
    other = toy_train_graph(f, toy_network(2), stranger, 1, NULL);
    f->logits = path;
    fills = toy_train_graph(f, toy_network(2), teacher, 1, NULL);
    reads = toy_train_graph(f, toy_network(2), stranger, 1, NULL);
    assert_true(asks.status == FSN_OK && fills.status == FSN_OK && reads.status == FSN_OK &&
                other.status == FSN_OK);
    assert_true(toy_same_state(asks.student, fills.student));
    assert_true(toy_same_state(asks.student, reads.student));
    toy_assert_same_curve(&asks.curve, &reads.curve);
    assert_false(toy_same_state(asks.student, other.student));
    toy_clear(&asks);
    toy_clear(&fills);
    toy_clear(&reads);
    toy_clear(&other);
    fsn__graph_destroy(teacher);
    fsn__graph_destroy(stranger);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_was_put_comes_back),
        CASE(those_of_another_run_are_not_believed),
        CASE(a_record_that_is_not_whole_is_none),
        CASE(what_would_be_too_large_is_not_kept),
        CASE(a_student_that_reads_is_the_student_that_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
