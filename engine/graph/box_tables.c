/* box_tables.c - see box_tables.h. */
#include "graph/box_tables.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

/* Tables of a file, and numbers of them together: default boxes are tens of thousands. */
enum { MAX_TABLES = 64, MAX_VALUES = 1 << 21 };

bool fsn__is_box_table(const struct fsn__tensor *t)
{
    const int last = t->ndim - 1;

    return t->data && t->dtype == FSN__F32 && (t->ndim == 2 || (t->ndim == 3 && t->dim[0] == 1)) &&
           (t->dim[last] == 4 || t->dim[last] == 2) && t->dim[last - 1] > 0 &&
           fsn__numel(t) <= MAX_VALUES;
}

enum fsn_status fsn__box_tables_add(struct fsn__box_tables *tables, const char *name,
                                    const struct fsn__tensor *t, struct fsn_error *err)
{
    struct fsn__box_table *table;

    if (!fsn__is_box_table(t) || tables->count == MAX_TABLES ||
        fsn__numel(t) > MAX_VALUES - tables->values)
        return FSN_OK;
    if (!tables->item)
        tables->item = calloc(MAX_TABLES, sizeof *tables->item);
    if (!tables->item)
        return FSN__NOMEM(err);
    table = &tables->item[tables->count++];
    tables->values += fsn__numel(t);
    table->rows = t->dim[t->ndim - 2];
    table->columns = (int)t->dim[t->ndim - 1];
    table->name = strdup(name);
    table->values = malloc(fsn__tensor_bytes(t));
    if (!table->name || !table->values)
        return FSN__NOMEM(err);
    memcpy(table->values, t->data, fsn__tensor_bytes(t));
    return FSN_OK;
}

const struct fsn__box_table *fsn__box_tables_find(const struct fsn__box_tables *tables,
                                                  const char *name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (strcmp(tables->item[i].name, name) == 0)
            return &tables->item[i];
    return NULL;
}

void fsn__box_tables_clear(struct fsn__box_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++) {
        free(tables->item[i].name);
        free(tables->item[i].values);
    }
    free(tables->item);
    *tables = (struct fsn__box_tables){NULL, 0, 0};
}
