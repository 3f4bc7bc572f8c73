/* entry_collector.c - see entry_collector.h. */
#include "entry_collector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    assert_non_null(bytes); /* of an empty file too */
    snprintf(taken->names[taken->count], sizeof taken->names[0], "%s", name);
    taken->bytes[taken->count] = bytes;
    taken->sizes[taken->count++] = size;
    return taken->answer;
}

void taken_clear(struct taken *taken)
{
    for (int i = 0; i < taken->count; i++)
        free(taken->bytes[i]);
    memset(taken, 0, sizeof *taken);
}

void assert_taken(const struct taken *taken, int i, const char *name, const void *bytes,
                  size_t size)
{
    assert_true(i < taken->count);
    assert_string_equal(taken->names[i], name);
    assert_int_equal(taken->sizes[i], size);
    if (size > 0)
        assert_memory_equal(taken->bytes[i], bytes, size);
}

enum fsn_status walk_bytes(struct made_bytes made, const struct fsn_data_limits *limits,
                           struct taken *taken, struct fsn_error *err)
{
    const struct fsn__entry_sink sink = {wants, take, taken};

    memset(err, 0, sizeof *err);
    return fsn__archive_walk_memory(made.data, made.size, "single", limits, &sink, err);
}

enum fsn_status walk_path(const char *path, const struct fsn_data_limits *limits,
                          struct taken *taken, struct fsn_error *err)
{
    const struct fsn__entry_sink sink = {wants, take, taken};

    memset(err, 0, sizeof *err);
    return fsn__archive_walk(path, limits, &sink, err);
}

void assert_text(const struct fsn_error *err, const char *part)
{
    if (!strstr(err->text, part))
        fail_msg("'%s' is not in '%s'", part, err->text);
}

void fill_pattern(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * i % 251);
}
