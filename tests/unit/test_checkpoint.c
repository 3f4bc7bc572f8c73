/* test_checkpoint.c - what is written comes back; what is damaged or foreign does not. */
#include "core/file.h"
#include "train/checkpoint.h"
#include "train/digest.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { KEY = 12345, ROWS = 2, WEIGHTS = 5, MOMENTA = 3 };

struct fixture {
    char folder[64], path[96];
    float weights[WEIGHTS], momenta[MOMENTA];
    struct fsn__span spans[3];
    struct fsn_epoch rows[ROWS + 1];
    struct fsn__curve curve;
};

static void point_spans(struct fixture *f)
{
    f->spans[0] = (struct fsn__span){f->weights, sizeof f->weights};
    f->spans[1] = (struct fsn__span){NULL, 0};
    f->spans[2] = (struct fsn__span){f->momenta, sizeof f->momenta};
    f->curve.rows = f->rows;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    *state = f;
    strcpy(f->folder, "/tmp/fsnet-test-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->path, sizeof f->path, "%s/run.ckpt", f->folder);
    point_spans(f);
    for (int i = 0; i < WEIGHTS; i++)
        f->weights[i] = (float)i * 0.3f;
    for (int i = 0; i < MOMENTA; i++)
        f->momenta[i] = -(float)i * 1.7f;
    f->rows[0] = (struct fsn_epoch){1, 0.1, 2.25, 31.5, 12.125, 4000, 90.5, 30.25, 2.5, 0, 6.5};
    f->rows[1] = (struct fsn_epoch){2, 0.01, 1.75, 44.25, 11.5, 4100.5, 91.5, 43.5, 1.875, 0, 7.25};
    f->curve.count = ROWS;
    return fsn__checkpoint_write(f->path, KEY, &f->curve, f->spans, 3, NULL) == FSN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Reads into memory that held something else; *after shows what it holds then. */
static enum fsn_status read_into(const struct fixture *f, uint64_t key, struct fixture *after,
                                 bool *taken, struct fsn_error *err)
{
    memset(after, 0x5a, sizeof *after);
    point_spans(after);
    after->curve.count = 0;
    return fsn__checkpoint_read(f->path, key, &after->curve, ROWS + 1, after->spans, 3, taken, err);
}

static void assert_untouched(const struct fixture *after)
{
    const unsigned char *bytes = (const unsigned char *)after->weights;

    assert_int_equal(after->curve.count, 0);
    for (size_t i = 0; i < sizeof after->weights; i++)
        assert_int_equal(bytes[i], 0x5a);
    bytes = (const unsigned char *)after->momenta;
    for (size_t i = 0; i < sizeof after->momenta; i++)
        assert_int_equal(bytes[i], 0x5a);
}

static void a_checkpoint_brings_back_state_and_curve(void **state)
{
    struct fixture *f = *state, after;
    bool taken = false;

    assert_int_equal(read_into(f, KEY, &after, &taken, NULL), FSN_OK);
    assert_true(taken);
    assert_memory_equal(after.weights, f->weights, sizeof f->weights);
    assert_memory_equal(after.momenta, f->momenta, sizeof f->momenta);
    assert_int_equal(after.curve.count, ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(after.rows[i].epoch, f->rows[i].epoch);
        assert_true(after.rows[i].lr == f->rows[i].lr);
        assert_true(after.rows[i].train_loss == f->rows[i].train_loss);
        assert_true(after.rows[i].train_top1 == f->rows[i].train_top1);
        assert_true(after.rows[i].seconds == f->rows[i].seconds);
        assert_true(after.rows[i].teacher_top1 == f->rows[i].teacher_top1);
        assert_true(after.rows[i].held_top1 == f->rows[i].held_top1);
        assert_true(after.rows[i].held_loss == f->rows[i].held_loss);
        assert_true(after.rows[i].images_per_second == f->rows[i].images_per_second);
        assert_true(after.rows[i].matched == f->rows[i].matched);
    }
}

static void without_a_file_there_is_nothing_to_take_up(void **state)
{
    struct fixture *f = *state, after;
    bool taken = true;

    unlink(f->path);
    assert_int_equal(read_into(f, KEY, &after, &taken, NULL), FSN_OK);
    assert_false(taken);
    assert_untouched(&after);
}

static void a_later_checkpoint_replaces_the_earlier_one_and_leaves_no_other_file(void **state)
{
    struct fixture *f = *state, after;
    bool taken = false;

    f->weights[2] = 99;
    assert_int_equal(fsn__checkpoint_write(f->path, KEY, &f->curve, f->spans, 3, NULL), FSN_OK);
    assert_int_equal(read_into(f, KEY, &after, &taken, NULL), FSN_OK);
    assert_true(after.weights[2] == 99);
    unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0); /* the folder is empty */
    assert_int_equal(mkdir(f->folder, 0700), 0);
}

static void a_checkpoint_of_another_run_is_refused_with_a_reason(void **state)
{
    struct fixture *f = *state, after;
    struct fsn_error err = {0};
    bool taken = true;

    assert_int_equal(read_into(f, KEY + 1, &after, &taken, &err), FSN_INVALID);
    assert_false(taken);
    assert_untouched(&after);
    assert_non_null(strstr(err.text, f->path));
    assert_non_null(strstr(err.text, "another run"));
}

static void a_checkpoint_of_more_epochs_or_another_size_is_refused(void **state)
{
    struct fixture *f = *state, after;
    bool taken = true;

    memset(&after, 0, sizeof after);
    point_spans(&after);
    assert_int_equal(
        fsn__checkpoint_read(f->path, KEY, &after.curve, ROWS - 1, after.spans, 3, &taken, NULL),
        FSN_INVALID);
    assert_int_equal(
        fsn__checkpoint_read(f->path, KEY, &after.curve, ROWS, after.spans, 1, &taken, NULL),
        FSN_INVALID);
}

static void a_file_cut_anywhere_counts_as_none(void **state)
{
    struct fixture *f = *state, after;
    unsigned char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(fsn__file_read(f->path, 1 << 20, &bytes, &size, NULL), FSN_OK);
    for (size_t cut = 0; cut < size; cut++) {
        bool taken = true;

        assert_int_equal(truncate(f->path, (off_t)(size - 1 - cut)), 0);
        assert_int_equal(read_into(f, KEY, &after, &taken, NULL), FSN_OK);
        assert_false(taken);
        assert_untouched(&after);
    }
    free(bytes);
}

static void store(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void a_file_with_any_bit_flipped_counts_as_none(void **state)
{
    struct fixture *f = *state, after;
    unsigned char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(fsn__file_read(f->path, 1 << 20, &bytes, &size, NULL), FSN_OK);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bool taken = true;

        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        store(f->path, bytes, size);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(read_into(f, KEY, &after, &taken, NULL), FSN_OK);
        assert_false(taken);
        assert_untouched(&after);
    }
    free(bytes);
}

static void a_file_with_bytes_appended_counts_as_none(void **state)
{
    struct fixture *f = *state, after;
    unsigned char *bytes = NULL;
    size_t size = 0;
    bool taken = true;

    assert_int_equal(fsn__file_read(f->path, 1 << 20, &bytes, &size, NULL), FSN_OK);
    store(f->path, bytes, size + 1); /* with the NUL that file_read puts behind */
    assert_int_equal(read_into(f, KEY, &after, &taken, NULL), FSN_OK);
    assert_false(taken);
    free(bytes);
}

/* Sizes near 2^64 under a right checksum: the sums must not wrap round to the file's size. */
static void a_header_that_claims_absurd_sizes_counts_as_none(void **state)
{
    enum { ROWS_AT = 32, STATE_AT = 40 }; /* see the layout in checkpoint.c */
    const uint64_t claims[] = {UINT64_MAX, UINT64_MAX / 48 + 2, INT64_MAX, (uint64_t)INT_MAX + 1};
    struct fixture *f = *state, after;
    unsigned char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(fsn__file_read(f->path, 1 << 20, &bytes, &size, NULL), FSN_OK);
    for (int i = 0; i < 8; i++) {
        size_t at = i < 4 ? ROWS_AT : STATE_AT;
        uint64_t was, sum;
        bool taken = true;

        memcpy(&was, bytes + at, 8);
        memcpy(bytes + at, &claims[i % 4], 8);
        sum = fsn__digest(FSN__DIGEST_START, bytes, size - 8);
        memcpy(bytes + size - 8, &sum, 8);
        store(f->path, bytes, size);
        memcpy(bytes + at, &was, 8);
        assert_int_equal(read_into(f, KEY, &after, &taken, NULL), FSN_OK);
        assert_false(taken);
    }
    free(bytes);
}

static void a_folder_in_its_place_is_an_error_that_names_it(void **state)
{
    struct fixture *f = *state, after;
    struct fsn_error err = {0};
    bool taken = true;

    unlink(f->path);
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(read_into(f, KEY, &after, &taken, &err), FSN_IO);
    assert_false(taken);
    assert_non_null(strstr(err.text, f->path));
    assert_int_equal(fsn__checkpoint_write(f->path, KEY, &f->curve, f->spans, 3, NULL), FSN_IO);
    assert_int_equal(rmdir(f->path), 0);
}

/* Values published with the algorithm. */
static void the_digest_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(fsn__digest(FSN__DIGEST_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(fsn__digest(FSN__DIGEST_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(fsn__digest(FSN__DIGEST_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_checkpoint_brings_back_state_and_curve),
        CASE(without_a_file_there_is_nothing_to_take_up),
        CASE(a_later_checkpoint_replaces_the_earlier_one_and_leaves_no_other_file),
        CASE(a_checkpoint_of_another_run_is_refused_with_a_reason),
        CASE(a_checkpoint_of_more_epochs_or_another_size_is_refused),
        CASE(a_file_cut_anywhere_counts_as_none),
        CASE(a_file_with_any_bit_flipped_counts_as_none),
        CASE(a_file_with_bytes_appended_counts_as_none),
        CASE(a_header_that_claims_absurd_sizes_counts_as_none),
        CASE(a_folder_in_its_place_is_an_error_that_names_it),
        cmocka_unit_test(the_digest_is_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
