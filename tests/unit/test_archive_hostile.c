/* test_archive_hostile.c - hostile and damaged archives: what is refused, and how it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "entry_collector.h"

/* ---- names and kinds that are refused -------------------------------------------------------- */

static void assert_entry_refused(const struct made_entry *entry, const char *named,
                                 const char *reason)
{
    const enum made_packing packings[] = {MADE_TAR, MADE_TAR_GZ};

    for (size_t i = 0; i < sizeof packings / sizeof packings[0]; i++) {
        struct made_bytes made = make_archive(packings[i], entry, 1);
        struct taken taken = {0};
        struct fsn_error err;

        assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_FORMAT);
        assert_int_equal(taken.count, 0);
        assert_text(&err, named);
        assert_text(&err, reason);
        free(made.data);
    }
}

static void path_tricks_are_refused_and_named(void **state)
{
    const struct {
        const char *name, *named, *reason;
    } tricks[] = {
        {"/etc/passwd", "'/etc/passwd'", "absolute"},
        {"\\windows\\x", "'\\windows\\x'", "absolute"},
        {"C:\\windows\\x", "'C:\\windows\\x'", "absolute"},
        {"../x", "'../x'", "'..'"},
        {"a/../../x", "'a/../../x'", "'..'"},
        {"a\\..\\x", "'a\\..\\x'", "'..'"},
        {"a/..", "'a/..'", "'..'"},
        {"...gz", "'...gz'", "'..'"},
        {"a/...xz", "'a/...xz'", "'..'"},
        {"a/b\033[2Jc", "'a/b?[2Jc'", "control character"},
        {"a\nb", "'a?b'", "control character"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) {
        const struct made_entry entry = {.name = tricks[i].name, .bytes = "x", .size = 1};

        assert_entry_refused(&entry, tricks[i].named, tricks[i].reason);
    }
}

static void a_path_trick_in_a_folder_entry_is_refused_too(void **state)
{
    const struct made_entry entry = {.name = "../", .kind = MADE_FOLDER};

    (void)state;
    assert_entry_refused(&entry, "'../'", "'..'");
}

static void names_that_merely_hold_dots_pass(void **state)
{
    const struct made_entry entries[] = {{.name = "..a/b..c/...", .bytes = "x", .size = 1}};
    struct made_bytes made = make_archive(MADE_TAR, entries, 1);
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_OK);
    assert_taken(&taken, 0, "..a/b..c/...", "x", 1);
    taken_clear(&taken);
    free(made.data);
}

static void links_and_special_files_are_refused_and_named(void **state)
{
    const struct made_entry symbolic = {.name = "s", .bytes = "/etc/passwd", .kind = MADE_SYMLINK};
    const struct made_entry hard = {.name = "h", .bytes = "other", .kind = MADE_HARDLINK};
    const struct made_entry fifo = {.name = "f", .kind = MADE_FIFO};

    (void)state;
    assert_entry_refused(&symbolic, "'s'", "is a link");
    assert_entry_refused(&hard, "'h'", "is a link");
    assert_entry_refused(&fifo, "'f'", "special file");
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void more_entries_than_allowed_are_refused(void **state)
{
    const struct made_entry entries[] = {{.name = "a", .bytes = "1", .size = 1},
                                         {.name = "unwanted", .bytes = "2", .size = 1},
                                         {.name = "c", .bytes = "3", .size = 1}};
    struct made_bytes made = make_archive(MADE_TAR, entries, 3);
    struct fsn_data_limits limits = {.max_entries = 2};
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_LIMIT);
    assert_text(&err, "more than 2 entries");
    taken_clear(&taken);
    limits.max_entries = 3;
    assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_OK);
    taken_clear(&taken);
    free(made.data);
}

static void more_bytes_than_allowed_are_refused_wanted_or_not(void **state)
{
    unsigned char bytes[1000];
    const struct made_entry entries[] = {{.name = "a", .bytes = bytes, .size = sizeof bytes},
                                         {.name = "unwanted", .bytes = bytes, .size = 500}};
    struct fsn_data_limits limits = {.max_bytes = 1499};

    (void)state;
    fill_pattern(bytes, sizeof bytes);
    for (int packing = 0; packing < MADE_PACKINGS; packing++) {
        struct made_bytes made = make_archive(packing, entries, 2);
        struct taken taken = {0};
        struct fsn_error err;

        assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_LIMIT);
        assert_text(&err, "entry 'unwanted': more than 1499 bytes");
        taken_clear(&taken);
        free(made.data);
    }
}

static void an_archive_that_fills_the_limit_exactly_passes(void **state)
{
    const struct made_entry entries[] = {{.name = "a", .bytes = "12345", .size = 5}};
    const struct fsn_data_limits limits = {.max_bytes = 5};
    struct made_bytes made = make_archive(MADE_TAR, entries, 1);
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_OK);
    taken_clear(&taken);
    free(made.data);
}

static void a_bomb_is_refused_by_its_expansion(void **state)
{
    const size_t size = 8 << 20;
    unsigned char *zeros = calloc(1, size);
    const struct made_entry entries[] = {{.name = "zeros", .bytes = zeros, .size = size},
                                         {.name = "unwanted", .bytes = zeros, .size = size}};
    const enum made_packing packings[] = {MADE_TAR_GZ, MADE_TAR_XZ, MADE_TAR_BZ2, MADE_ZIP};
    const struct fsn_data_limits limits = {.max_expansion = 200};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (int first = 0; first < 2; first++) {
            struct made_bytes made = make_archive(packings[i], &entries[first], 1);
            struct taken taken = {0};
            struct fsn_error err;

            assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_LIMIT);
            assert_int_equal(taken.count, 0);
            assert_text(&err, entries[first].name);
            assert_text(&err, "200 times the packed size");
            free(made.data);
        }
    }
    free(zeros);
}

static void a_bomb_behind_the_end_of_a_tar_is_refused(void **state)
{
    const struct made_entry entry = {.name = "a", .bytes = "bytes", .size = 5};
    struct made_bytes tar = make_archive(MADE_TAR, &entry, 1);
    const struct fsn_data_limits limits = {.max_expansion = 200};
    const size_t size = 8 << 20;
    unsigned char *bytes = calloc(1, size);
    struct made_bytes made;
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    memcpy(bytes, tar.data, tar.size);
    made = make_packed(MADE_TAR_GZ, bytes, size);
    assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_LIMIT);
    taken_clear(&taken);
    free(made.data);
    free(bytes);
    free(tar.data);
}

static void a_bomb_of_packed_files_in_an_archive_is_refused(void **state)
{
    const size_t size = 4 << 20;
    unsigned char *zeros = calloc(1, size);
    struct made_bytes inner = make_packed(MADE_TAR_GZ, zeros, size);
    const struct made_entry entries[] = {
        {.name = "zeros.gz", .bytes = inner.data, .size = inner.size}};
    struct made_bytes made = make_archive(MADE_TAR_GZ, entries, 1);
    const struct fsn_data_limits limits = {.max_expansion = 200};
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_LIMIT);
    assert_int_equal(taken.count, 0);
    assert_text(&err, "'zeros.gz'");
    free(made.data);
    free(inner.data);
    free(zeros);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void a_cut_archive_never_hands_over_part_of_a_file(void **state)
{
    unsigned char pattern[3000];
    const struct made_entry entries[] = {{.name = "a", .bytes = pattern, .size = 3000},
                                         {.name = "b", .bytes = pattern, .size = 2000}};

    (void)state;
    fill_pattern(pattern, sizeof pattern);
    for (int packing = 0; packing < MADE_PACKINGS; packing++) {
        struct made_bytes made = make_archive(packing, entries, 2);
        /* What is shorter than the first header is no archive yet, but a single file. A packed one
         * has its checksum at the end; a tar may end between two entries, and a zip in the list of
         * contents behind them, and still be whole. */
        const bool packed = packing != MADE_TAR && packing != MADE_ZIP;
        const size_t shortest = packing == MADE_TAR ? 512 : 16;

        for (size_t cut = 1; cut < made.size; cut += 1 + made.size / 97) {
            /* A copy of the exact size, so that a sanitizer sees any read past the cut. */
            struct made_bytes part = {malloc(cut), cut};
            struct taken taken = {0};
            enum fsn_status status;
            struct fsn_error err;

            memcpy(part.data, made.data, cut);
            status = walk_bytes(part, NULL, &taken, &err);
            if (packed && cut >= shortest)
                assert_int_equal(status, FSN_FORMAT);
            for (int i = 0; i < taken.count; i++)
                if (cut >= shortest || strcmp(taken.names[i], "single") != 0)
                    assert_taken(&taken, i, entries[i].name, pattern, entries[i].size);
            taken_clear(&taken);
            free(part.data);
        }
        free(made.data);
    }
}

static void a_flipped_bit_never_passes_as_wrong_bytes(void **state)
{
    const enum made_packing packings[] = {MADE_TAR_GZ, MADE_TAR_XZ, MADE_TAR_BZ2, MADE_ZIP};
    unsigned char pattern[3000];
    const struct made_entry entries[] = {{.name = "a", .bytes = pattern, .size = 3000}};

    (void)state;
    fill_pattern(pattern, sizeof pattern);
    for (size_t p = 0; p < 4; p++) {
        struct made_bytes made = make_archive(packings[p], entries, 1);
        int noticed = 0, tried = 0;

        for (size_t at = 0; at < made.size; at += 1 + made.size / 89) {
            struct taken taken = {0};
            struct fsn_error err;
            enum fsn_status status;

            made.data[at] ^= 0x10;
            status = walk_bytes(made, NULL, &taken, &err);
            made.data[at] ^= 0x10;
            tried++;
            if (status != FSN_OK) {
                assert_int_equal(status, FSN_FORMAT);
                noticed++;
            } else if (taken.count > 0 && strcmp(taken.names[0], "single") != 0) {
                /* Where nothing depends on the bit: a time stamp, the padding of the tar. */
                assert_int_equal(taken.sizes[0], sizeof pattern);
                if (memcmp(taken.bytes[0], pattern, sizeof pattern) != 0)
                    fail_msg("%s: bit flip at %zu of %zu passed", made_packing_name(packings[p]),
                             at, made.size);
            }
            taken_clear(&taken);
        }
        assert_true(noticed > tried / 2);
        free(made.data);
    }
}

static void the_checksum_far_behind_the_end_of_a_tar_is_verified(void **state)
{
    static const struct {
        enum made_packing packing;
        size_t from_end; /* a byte of the checksum */
    } cases[] = {{MADE_TAR_GZ, 7}, {MADE_TAR_XZ, 30}, {MADE_TAR_BZ2, 3}};
    const struct made_entry entry = {.name = "a", .bytes = "bytes", .size = 5};
    struct made_bytes tar = make_archive(MADE_TAR, &entry, 1);
    const size_t padded = (size_t)2 << 20; /* zeros behind a tar are usual, so many are not */
    unsigned char *bytes = calloc(1, padded);

    (void)state;
    memcpy(bytes, tar.data, tar.size);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made_bytes made = make_packed(cases[i].packing, bytes, padded);
        const struct fsn_data_limits limits = {.max_expansion = 1e6};
        struct taken taken = {0};
        struct fsn_error err;

        assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_OK);
        taken_clear(&taken);
        made.data[made.size - cases[i].from_end] ^= 1;
        assert_int_equal(walk_bytes(made, &limits, &taken, &err), FSN_FORMAT);
        taken_clear(&taken);
        free(made.data);
    }
    free(bytes);
    free(tar.data);
}

static void a_damaged_packed_file_inside_an_archive_is_named(void **state)
{
    struct made_bytes inner = make_packed(MADE_TAR_GZ, "payload payload payload", 23);
    const struct made_entry entries[] = {
        {.name = "d/labels.gz", .bytes = inner.data, .size = inner.size}};
    struct made_bytes made;
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    inner.data[inner.size - 6] ^= 1; /* in the CRC */
    made = make_archive(MADE_TAR, entries, 1);
    assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_FORMAT);
    assert_text(&err, "'d/labels.gz' is corrupt or cut short: gzip: incorrect data check");
    assert_int_equal(taken.count, 0);
    free(made.data);
    free(inner.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_tricks_are_refused_and_named),
        cmocka_unit_test(a_path_trick_in_a_folder_entry_is_refused_too),
        cmocka_unit_test(names_that_merely_hold_dots_pass),
        cmocka_unit_test(links_and_special_files_are_refused_and_named),
        cmocka_unit_test(more_entries_than_allowed_are_refused),
        cmocka_unit_test(more_bytes_than_allowed_are_refused_wanted_or_not),
        cmocka_unit_test(an_archive_that_fills_the_limit_exactly_passes),
        cmocka_unit_test(a_bomb_is_refused_by_its_expansion),
        cmocka_unit_test(a_bomb_behind_the_end_of_a_tar_is_refused),
        cmocka_unit_test(a_bomb_of_packed_files_in_an_archive_is_refused),
        cmocka_unit_test(a_cut_archive_never_hands_over_part_of_a_file),
        cmocka_unit_test(a_flipped_bit_never_passes_as_wrong_bytes),
        cmocka_unit_test(the_checksum_far_behind_the_end_of_a_tar_is_verified),
        cmocka_unit_test(a_damaged_packed_file_inside_an_archive_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
