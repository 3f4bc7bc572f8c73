/* test_archive.c - walking archives and folders: what is handed over, what is refused and how. */
#include "data/archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive_maker.h"
#include "temp_dir.h"

/* A sink that wants all names but those that contain "unwanted", and keeps what it gets. */
enum { MAX_TAKEN = 16 };

struct taken {
    int count;
    char names[MAX_TAKEN][64];
    unsigned char *bytes[MAX_TAKEN];
    size_t sizes[MAX_TAKEN];
    enum fsn_status answer;
};

static bool wants(const char *name, void *user)
{
    (void)user;
    return !strstr(name, "unwanted");
}

static enum fsn_status take(const char *name, unsigned char *bytes, size_t size, void *user,
                            struct fsn_error *err)
{
    struct taken *taken = user;

    (void)err;
    assert_true(taken->count < MAX_TAKEN);
    snprintf(taken->names[taken->count], sizeof taken->names[0], "%s", name);
    taken->bytes[taken->count] = bytes;
    taken->sizes[taken->count++] = size;
    return taken->answer;
}

static void taken_clear(struct taken *taken)
{
    for (int i = 0; i < taken->count; i++)
        free(taken->bytes[i]);
    memset(taken, 0, sizeof *taken);
}

static void assert_taken(const struct taken *taken, int i, const char *name, const void *bytes,
                         size_t size)
{
    assert_true(i < taken->count);
    assert_string_equal(taken->names[i], name);
    assert_int_equal(taken->sizes[i], size);
    if (size > 0)
        assert_memory_equal(taken->bytes[i], bytes, size);
}

static enum fsn_status walk_bytes(struct made_bytes made, const struct fsn_data_limits *limits,
                                  struct taken *taken, struct fsn_error *err)
{
    const struct fsn__entry_sink sink = {wants, take, taken};

    memset(err, 0, sizeof *err);
    return fsn__archive_walk_memory(made.data, made.size, "single", limits, &sink, err);
}

static enum fsn_status walk_path(const char *path, const struct fsn_data_limits *limits,
                                 struct taken *taken, struct fsn_error *err)
{
    const struct fsn__entry_sink sink = {wants, take, taken};

    memset(err, 0, sizeof *err);
    return fsn__archive_walk(path, limits, &sink, err);
}

static void assert_text(const struct fsn_error *err, const char *part)
{
    if (!strstr(err->text, part))
        fail_msg("'%s' is not in '%s'", part, err->text);
}

/* Text that does not shrink to nothing: 0, 1, 4, 9, ... modulo 251. */
static void fill_pattern(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * i % 251);
}

/* ---- what is handed over --------------------------------------------------------------------- */

static void every_packing_hands_over_names_and_bytes(void **state)
{
    unsigned char pattern[70000];
    const struct made_entry entries[] = {
        {.name = "set/", .kind = MADE_FOLDER},
        {.name = "set/a.bin", .bytes = pattern, .size = sizeof pattern},
        {.name = "set/empty", .bytes = "", .size = 0},
        {.name = "./b", .bytes = "bee", .size = 3},
    };
    struct temp_dir dir;

    (void)state;
    fill_pattern(pattern, sizeof pattern);
    temp_dir_create(&dir);
    for (int packing = 0; packing < MADE_PACKINGS; packing++) {
        struct made_bytes made = make_archive(packing, entries, 4);
        struct taken from_file = {0}, from_memory = {0};
        struct fsn_error err;

        temp_dir_write(&dir, "archive", made.data, made.size);
        assert_int_equal(walk_path(temp_dir_path(&dir, "archive"), NULL, &from_file, &err), FSN_OK);
        assert_int_equal(walk_bytes(made, NULL, &from_memory, &err), FSN_OK);
        assert_int_equal(from_file.count, 3);
        assert_int_equal(from_memory.count, 3);
        assert_taken(&from_file, 0, "set/a.bin", pattern, sizeof pattern);
        assert_taken(&from_file, 1, "set/empty", "", 0);
        assert_taken(&from_file, 2, "./b", "bee", 3);
        assert_taken(&from_memory, 0, "set/a.bin", pattern, sizeof pattern);
        taken_clear(&from_file);
        taken_clear(&from_memory);
        free(made.data);
    }
    temp_dir_remove(&dir);
}

static void unwanted_files_are_not_handed_over(void **state)
{
    const struct made_entry entries[] = {{.name = "unwanted.txt", .bytes = "no", .size = 2},
                                         {.name = "wanted.txt", .bytes = "yes", .size = 3}};
    struct made_bytes made = make_archive(MADE_TAR_GZ, entries, 2);
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_OK);
    assert_int_equal(taken.count, 1);
    assert_taken(&taken, 0, "wanted.txt", "yes", 3);
    taken_clear(&taken);
    free(made.data);
}

static void a_packed_file_inside_an_archive_comes_unpacked_without_its_suffix(void **state)
{
    struct made_bytes inner = make_gz("payload", 7);
    const struct made_entry entries[] = {
        {.name = "d/labels.gz", .bytes = inner.data, .size = inner.size},
        {.name = "d/plain.GZ", .bytes = "not packed at all", .size = 17},
    };
    struct made_bytes made = make_archive(MADE_ZIP, entries, 2);
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_OK);
    assert_taken(&taken, 0, "d/labels", "payload", 7);
    assert_taken(&taken, 1, "d/plain", "not packed at all", 17);
    taken_clear(&taken);
    free(made.data);
    free(inner.data);
}

static void several_gzip_members_are_one_file(void **state)
{
    struct made_bytes first = make_gz("first ", 6), second = make_gz("second", 6);
    struct made_bytes both = {malloc(first.size + second.size + 3), first.size + second.size + 3};
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    memcpy(both.data, first.data, first.size);
    memcpy(both.data + first.size, second.data, second.size);
    memset(both.data + first.size + second.size, 0, 3); /* padding, as tapes leave it */
    assert_int_equal(walk_bytes(both, NULL, &taken, &err), FSN_OK);
    assert_taken(&taken, 0, "single", "first second", 12);
    taken_clear(&taken);
    free(both.data);
    free(first.data);
    free(second.data);
}

static void a_single_file_is_named_after_its_path(void **state)
{
    struct made_bytes packed = make_gz("some bytes", 10);
    struct taken taken = {0};
    struct fsn_error err;
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    temp_dir_write(&dir, "t10k-labels.gz", packed.data, packed.size);
    temp_dir_write(&dir, "plain.bin", "other bytes", 11);
    assert_int_equal(walk_path(temp_dir_path(&dir, "t10k-labels.gz"), NULL, &taken, &err), FSN_OK);
    assert_int_equal(walk_path(temp_dir_path(&dir, "plain.bin"), NULL, &taken, &err), FSN_OK);
    assert_int_equal(taken.count, 2);
    assert_taken(&taken, 0, "t10k-labels", "some bytes", 10);
    assert_taken(&taken, 1, "plain.bin", "other bytes", 11);
    taken_clear(&taken);
    free(packed.data);
    temp_dir_remove(&dir);
}

static void a_folder_is_walked_by_name_with_all_below(void **state)
{
    struct made_bytes packed = make_gz("unpacked", 8);
    struct taken taken = {0};
    struct fsn_error err;
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    assert_int_equal(mkdir(temp_dir_path(&dir, "m"), 0755), 0);
    temp_dir_write(&dir, "z", "last", 4);
    temp_dir_write(&dir, "m/inner.gz", packed.data, packed.size);
    temp_dir_write(&dir, "a", "first", 5);
    temp_dir_write(&dir, "unwanted", "never read", 10);
    assert_int_equal(symlink("..", temp_dir_path(&dir, "m/cycle")), 0);
    assert_int_equal(walk_path(dir.path, NULL, &taken, &err), FSN_OK);
    assert_int_equal(taken.count, 3);
    assert_taken(&taken, 0, "a", "first", 5);
    assert_taken(&taken, 1, "m/inner", "unpacked", 8);
    assert_taken(&taken, 2, "z", "last", 4);
    taken_clear(&taken);
    free(packed.data);
    temp_dir_remove(&dir);
}

static void names_in_any_encoding_pass_without_a_locale(void **state)
{
    const struct made_entry entries[] = {
        {.name = "donn\xc3\xa9"
                 "es/utf8",
         .bytes = "u",
         .size = 1},
        {.name = "donn\xe9"
                 "es/latin1",
         .bytes = "l",
         .size = 1},
    };

    (void)state;
    for (int packing = 0; packing < MADE_PACKINGS; packing++) {
        struct made_bytes made = make_archive(packing, entries, 2);
        struct taken taken = {0};
        struct fsn_error err;

        assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_OK);
        assert_int_equal(taken.count, 2);
        assert_string_equal(strrchr(taken.names[0], '/'), "/utf8");
        assert_string_equal(strrchr(taken.names[1], '/'), "/latin1");
        taken_clear(&taken);
        free(made.data);
    }
}

static void the_status_of_the_sink_ends_the_walk(void **state)
{
    const struct made_entry entries[] = {{.name = "a", .bytes = "1", .size = 1},
                                         {.name = "b", .bytes = "2", .size = 1}};
    struct made_bytes made = make_archive(MADE_TAR, entries, 2);
    struct taken taken = {.answer = FSN_CANCELLED};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_CANCELLED);
    assert_int_equal(taken.count, 1);
    taken_clear(&taken);
    free(made.data);
}

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

static void a_bomb_of_packed_files_in_an_archive_is_refused(void **state)
{
    const size_t size = 4 << 20;
    unsigned char *zeros = calloc(1, size);
    struct made_bytes inner = make_gz(zeros, size);
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

static void a_damaged_packed_file_inside_an_archive_is_named(void **state)
{
    struct made_bytes inner = make_gz("payload payload payload", 23);
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

static void a_missing_path_is_an_io_error_that_names_it(void **state)
{
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_path("/nonexistent/set.tar", NULL, &taken, &err), FSN_IO);
    assert_text(&err, "/nonexistent/set.tar: No such file");
    assert_int_equal(walk_path("/dev/null", NULL, &taken, &err), FSN_IO);
    assert_text(&err, "/dev/null: neither a file nor a folder");
}

static void an_empty_file_has_no_entries(void **state)
{
    struct taken taken = {0};
    struct fsn_error err;
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    temp_dir_write(&dir, "empty.tar.gz", "", 0);
    assert_int_equal(walk_path(temp_dir_path(&dir, "empty.tar.gz"), NULL, &taken, &err), FSN_OK);
    assert_int_equal(walk_bytes((struct made_bytes){NULL, 0}, NULL, &taken, &err), FSN_OK);
    assert_int_equal(taken.count, 0);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packing_hands_over_names_and_bytes),
        cmocka_unit_test(unwanted_files_are_not_handed_over),
        cmocka_unit_test(a_packed_file_inside_an_archive_comes_unpacked_without_its_suffix),
        cmocka_unit_test(several_gzip_members_are_one_file),
        cmocka_unit_test(a_single_file_is_named_after_its_path),
        cmocka_unit_test(a_folder_is_walked_by_name_with_all_below),
        cmocka_unit_test(names_in_any_encoding_pass_without_a_locale),
        cmocka_unit_test(the_status_of_the_sink_ends_the_walk),
        cmocka_unit_test(path_tricks_are_refused_and_named),
        cmocka_unit_test(a_path_trick_in_a_folder_entry_is_refused_too),
        cmocka_unit_test(names_that_merely_hold_dots_pass),
        cmocka_unit_test(links_and_special_files_are_refused_and_named),
        cmocka_unit_test(more_entries_than_allowed_are_refused),
        cmocka_unit_test(more_bytes_than_allowed_are_refused_wanted_or_not),
        cmocka_unit_test(an_archive_that_fills_the_limit_exactly_passes),
        cmocka_unit_test(a_bomb_is_refused_by_its_expansion),
        cmocka_unit_test(a_bomb_of_packed_files_in_an_archive_is_refused),
        cmocka_unit_test(a_cut_archive_never_hands_over_part_of_a_file),
        cmocka_unit_test(a_flipped_bit_never_passes_as_wrong_bytes),
        cmocka_unit_test(a_damaged_packed_file_inside_an_archive_is_named),
        cmocka_unit_test(a_missing_path_is_an_io_error_that_names_it),
        cmocka_unit_test(an_empty_file_has_no_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
