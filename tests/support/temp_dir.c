/* temp_dir.c - see temp_dir.h. */
#include "temp_dir.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void temp_dir_create(struct temp_dir *dir)
{
    const char *base = getenv("TMPDIR");

    snprintf(dir->path, sizeof dir->path, "%s/fsnet-test-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(dir->path));
}

const char *temp_dir_path(const struct temp_dir *dir, const char *name)
{
    static _Thread_local char paths[2][1024];
    static _Thread_local unsigned turn;
    char *path = paths[turn++ % 2];

    snprintf(path, sizeof paths[0], "%s/%s", dir->path, name);
    return path;
}

void temp_dir_write(const struct temp_dir *dir, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(temp_dir_path(dir, name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

int temp_dir_count(const struct temp_dir *dir)
{
    DIR *stream = opendir(dir->path);
    struct dirent *entry;
    int count = 0;

    assert_non_null(stream);
    while ((entry = readdir(stream)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void temp_dir_remove(const struct temp_dir *dir)
{
    assert_int_equal(nftw(dir->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
