/* temp_dir.h - a folder of the test's own, gone with all in it when the test ends. */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

#include <stddef.h>

struct temp_dir {
    char path[256];
};

/* Made below $TMPDIR or /tmp; fails the test when it cannot be. */
void temp_dir_create(struct temp_dir *dir);
/* The path of `name` in the folder. One buffer per thread, overwritten by the call after next. */
const char *temp_dir_path(const struct temp_dir *dir, const char *name);
void temp_dir_write(const struct temp_dir *dir, const char *name, const void *bytes, size_t size);
/* How many entries the folder has, "." and ".." not counted. */
int temp_dir_count(const struct temp_dir *dir);
void temp_dir_remove(const struct temp_dir *dir);

#endif
