/* test_archive.c - walking archives, single files and folders: what is handed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "entry_collector.h"
#include "temp_dir.h"

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

static void packed_files_inside_an_archive_come_unpacked_without_their_suffix(void **state)
{
    struct made_bytes gz = make_packed(MADE_TAR_GZ, "payload", 7);
    struct made_bytes xz = make_packed(MADE_TAR_XZ, "other payload", 13);
    struct made_bytes bz2 = make_packed(MADE_TAR_BZ2, "third", 5);
    const struct made_entry entries[] = {
        {.name = "d/labels.gz", .bytes = gz.data, .size = gz.size},
        {.name = "d/images.xz", .bytes = xz.data, .size = xz.size},
        {.name = "more.bz2", .bytes = bz2.data, .size = bz2.size},
        {.name = "d/plain.GZ", .bytes = "not packed at all", .size = 17},
    };
    struct made_bytes made = make_archive(MADE_ZIP, entries, 4);
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    assert_int_equal(walk_bytes(made, NULL, &taken, &err), FSN_OK);
    assert_int_equal(taken.count, 4);
    assert_taken(&taken, 0, "d/labels", "payload", 7);
    assert_taken(&taken, 1, "d/images", "other payload", 13);
    assert_taken(&taken, 2, "more", "third", 5);
    assert_taken(&taken, 3, "d/plain", "not packed at all", 17);
    taken_clear(&taken);
    free(made.data);
    free(gz.data);
    free(xz.data);
    free(bz2.data);
}

static void several_gzip_members_are_one_file(void **state)
{
    struct made_bytes first = make_packed(MADE_TAR_GZ, "first ", 6),
                      second = make_packed(MADE_TAR_GZ, "second", 6);
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

/* It may be of any size: a limit that reading it would break is not met. */
static void a_single_file_that_nobody_wants_is_not_read(void **state)
{
    const struct fsn_data_limits limits = {.max_bytes = 4};
    struct made_bytes packed = make_packed(MADE_TAR_GZ, "some bytes", 10);
    struct temp_dir dir;
    struct taken taken = {0};
    struct fsn_error err;

    (void)state;
    temp_dir_create(&dir);
    temp_dir_write(&dir, "unwanted.gz", packed.data, packed.size);
    temp_dir_write(&dir, "wanted.gz", packed.data, packed.size);
    assert_int_equal(walk_path(temp_dir_path(&dir, "unwanted.gz"), &limits, &taken, &err), FSN_OK);
    assert_int_equal(walk_path(temp_dir_path(&dir, "wanted.gz"), &limits, &taken, &err), FSN_LIMIT);
    assert_int_equal(taken.count, 0);
    taken_clear(&taken);
    free(packed.data);
    temp_dir_remove(&dir);
}

static void a_single_file_is_named_after_its_path(void **state)
{
    static const struct {
        const char *file, *name;
        enum made_packing packing;
    } cases[] = {
        {"t10k-labels.gz", "t10k-labels", MADE_TAR_GZ},
        {"t10k-labels.xz", "t10k-labels", MADE_TAR_XZ},
        {"t10k-labels.bz2", "t10k-labels", MADE_TAR_BZ2},
        {"plain.bin", "plain.bin", MADE_TAR},
    };
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct made_bytes packed = make_packed(cases[i].packing, "some bytes", 10);
        struct taken taken = {0};
        struct fsn_error err;

        temp_dir_write(&dir, cases[i].file, packed.data, packed.size);
        assert_int_equal(walk_path(temp_dir_path(&dir, cases[i].file), NULL, &taken, &err), FSN_OK);
        assert_int_equal(taken.count, 1);
        assert_taken(&taken, 0, cases[i].name, "some bytes", 10);
        taken_clear(&taken);
        free(packed.data);
    }
    temp_dir_remove(&dir);
}

static void a_folder_is_walked_by_name_with_all_below(void **state)
{
    struct made_bytes packed = make_packed(MADE_TAR_GZ, "unpacked", 8);
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
        cmocka_unit_test(packed_files_inside_an_archive_come_unpacked_without_their_suffix),
        cmocka_unit_test(several_gzip_members_are_one_file),
        cmocka_unit_test(a_single_file_that_nobody_wants_is_not_read),
        cmocka_unit_test(a_single_file_is_named_after_its_path),
        cmocka_unit_test(a_folder_is_walked_by_name_with_all_below),
        cmocka_unit_test(names_in_any_encoding_pass_without_a_locale),
        cmocka_unit_test(the_status_of_the_sink_ends_the_walk),
        cmocka_unit_test(a_missing_path_is_an_io_error_that_names_it),
        cmocka_unit_test(an_empty_file_has_no_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
