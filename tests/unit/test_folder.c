/* test_folder.c - folders of files are copied and removed whole, and nothing else is. */
#include "core/folder.h"

#include "core/file.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct temp_dir dir;
    char from[512], to[512];
};

static int set_up(void **state)
{
    static struct fixture f;

    temp_dir_create(&f.dir);
    snprintf(f.from, sizeof f.from, "%s", temp_dir_path(&f.dir, "from"));
    snprintf(f.to, sizeof f.to, "%s", temp_dir_path(&f.dir, "to"));
    assert_int_equal(fsn__make_folders(f.from, NULL), FSN_OK);
    assert_int_equal(fsn__make_folders(f.to, NULL), FSN_OK);
    temp_dir_write(&f.dir, "from/a", "alpha", 5);
    temp_dir_write(&f.dir, "from/b", "", 0);
    temp_dir_write(&f.dir, "to/a", "old", 3);
    temp_dir_write(&f.dir, "to/c", "kept", 4);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    temp_dir_remove(&f->dir);
    return 0;
}

static void expect_file(const struct fixture *f, const char *name, const char *text)
{
    unsigned char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(fsn__file_read(temp_dir_path(&f->dir, name), 100, &bytes, &size, NULL),
                     FSN_OK);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
}

static void files_are_copied_over_those_of_the_same_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fsn__folder_copy(f->from, f->to, NULL), FSN_OK);
    expect_file(f, "to/a", "alpha");
    expect_file(f, "to/b", "");
    expect_file(f, "to/c", "kept");
    expect_file(f, "from/a", "alpha");
}

static void a_folder_that_is_not_there_cannot_be_copied_but_is_removed_already(void **state)
{
    struct fixture *f = *state;
    struct fsn_error err = {0};

    assert_int_equal(fsn__folder_remove(f->from, NULL), FSN_OK);
    assert_int_not_equal(access(f->from, F_OK), 0);
    assert_int_equal(fsn__folder_remove(f->from, NULL), FSN_OK);
    assert_int_equal(fsn__folder_copy(f->from, f->to, &err), FSN_IO);
    assert_non_null(strstr(err.text, "from: No such file"));
}

static void a_folder_with_another_in_it_is_not_removed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fsn__make_folders(temp_dir_path(&f->dir, "from/inner"), NULL), FSN_OK);
    assert_int_equal(fsn__folder_remove(f->from, NULL), FSN_IO);
    assert_int_equal(access(temp_dir_path(&f->dir, "from/inner"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_copied_over_those_of_the_same_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_folder_that_is_not_there_cannot_be_copied_but_is_removed_already, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_with_another_in_it_is_not_removed, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
