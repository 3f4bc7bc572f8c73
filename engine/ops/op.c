/* op.c - the operator table and attribute access. */
#include "ops/op.h"

#include <string.h>

static const struct fsn__op *const table[] = {
#define FSN__OP(symbol) &fsn__op_##symbol,
#include "ops/op_list.inc"
#undef FSN__OP
};

const struct fsn__op *const *fsn__op_table(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const struct fsn__op *fsn__op_find(const char *domain, const char *name)
{
    if (strcmp(domain, "ai.onnx") == 0)
        domain = "";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i]->name, name) == 0 && strcmp(table[i]->domain, domain) == 0)
            return table[i];
    return NULL;
}

const struct fsn__attr *fsn__attr_find(const struct fsn__attrs *attrs, const char *name)
{
    for (size_t i = 0; i < attrs->count; i++)
        if (strcmp(attrs->item[i].name, name) == 0)
            return &attrs->item[i];
    return NULL;
}

int64_t fsn__attr_int(const struct fsn__attrs *attrs, const char *name, int64_t fallback)
{
    const struct fsn__attr *attr = fsn__attr_find(attrs, name);

    return attr && attr->type == FSN__ATTR_INT ? attr->i : fallback;
}

float fsn__attr_float(const struct fsn__attrs *attrs, const char *name, float fallback)
{
    const struct fsn__attr *attr = fsn__attr_find(attrs, name);

    return attr && attr->type == FSN__ATTR_FLOAT ? attr->f : fallback;
}

const char *fsn__attr_string(const struct fsn__attrs *attrs, const char *name, const char *fallback)
{
    const struct fsn__attr *attr = fsn__attr_find(attrs, name);

    return attr && attr->type == FSN__ATTR_STRING ? attr->s : fallback;
}

const int64_t *fsn__attr_ints(const struct fsn__attrs *attrs, const char *name, size_t *count)
{
    const struct fsn__attr *attr = fsn__attr_find(attrs, name);

    if (!attr || attr->type != FSN__ATTR_INTS) {
        *count = 0;
        return NULL;
    }
    *count = attr->count;
    return attr->ints;
}
