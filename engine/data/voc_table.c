/* voc_table.c - see voc_table.h. */
#include "data/voc_table.h"
#include "data/entry_name.h"

#include <stdlib.h>
#include <string.h>

struct fsn__voc_named *fsn__voc_table_add(struct fsn__voc_table *table, const char *name,
                                          size_t length)
{
    struct fsn__voc_named *item;

    if (table->count == table->capacity) {
        const size_t capacity = table->capacity ? 2 * table->capacity : 64;

        item = reallocarray(table->item, capacity, sizeof *item);
        if (!item)
            return NULL;
        table->item = item;
        table->capacity = capacity;
    }
    item = &table->item[table->count];
    *item = (struct fsn__voc_named){.name = strndup(name, length)};
    if (!item->name)
        return NULL;
    table->count++;
    return item;
}

struct fsn__voc_named *fsn__voc_table_add_file(struct fsn__voc_table *table, const char *path)
{
    const char *base = fsn__base_name(path), *suffix = strrchr(base, '.');
    struct fsn__voc_named *item =
        fsn__voc_table_add(table, base, suffix ? (size_t)(suffix - base) : strlen(base));
    char shown[256];

    if (!item)
        return NULL;
    fsn__name_printable(shown, sizeof shown, path);
    item->path = strdup(shown);
    return item->path ? item : NULL;
}

void fsn__voc_table_clear(struct fsn__voc_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->item[i].name);
        free(table->item[i].path);
        fsn__voc_clear(&table->item[i].annotation);
    }
    free(table->item);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fsn__voc_named *)a)->name,
                  ((const struct fsn__voc_named *)b)->name);
}

enum fsn_status fsn__voc_table_sort(struct fsn__voc_table *table, const char *what,
                                    struct fsn_error *err)
{
    qsort(table->item, table->count, sizeof *table->item, by_name);
    for (size_t i = 1; i < table->count; i++)
        if (strcmp(table->item[i - 1].name, table->item[i].name) == 0)
            return FSN__FAIL(err, FSN_FORMAT, "the voc data set has two %s of the name '%.100s'",
                             what, table->item[i].name);
    return FSN_OK;
}

struct fsn__voc_named *fsn__voc_table_find(const struct fsn__voc_table *table, const char *name)
{
    const struct fsn__voc_named key = {.name = (char *)(uintptr_t)name};

    return table->count > 0 ? bsearch(&key, table->item, table->count, sizeof *table->item, by_name)
                            : NULL;
}
