/* sweep.c - which setting the values of each list of a sweep stand for. A list more is a row here
 * and one in spec.c. */
#include "compress/compress.h"

#include <string.h>

#define LIST(member) offsetof(struct fsn_spec, sweep.member)

/* pointer, single, offset, sized, falling */
static const struct fsn__swept kinds[] = {
    {"/sweep/size_bytes", "/budget/size_bytes", LIST(size_bytes), true, false},
    {"/sweep/ratio", "/filter_summary/ratio", LIST(ratio), true, true},
    {"/sweep/bits", "/quantize/bits", LIST(bits), false, false},
};

const struct fsn__swept *fsn__swept_at(int i)
{
    return i < (int)(sizeof kinds / sizeof *kinds) ? &kinds[i] : NULL;
}

const struct fsn_list *fsn__swept_list(const struct fsn__swept *kind, const struct fsn_spec *spec)
{
    return (const struct fsn_list *)(const void *)((const char *)spec + kind->offset);
}

const struct fsn__swept *fsn__swept(const struct fsn_spec *spec)
{
    for (int i = 0; fsn__swept_at(i); i++)
        if (fsn__swept_list(&kinds[i], spec)->count > 0)
            return &kinds[i];
    return NULL;
}

int fsn__sweep_count(const struct fsn_spec *spec)
{
    const struct fsn__swept *kind = fsn__swept(spec);

    return kind ? fsn__swept_list(kind, spec)->count : 0;
}

void fsn__sweep_set(const struct fsn_spec *spec, int index, struct fsn_spec *out)
{
    const struct fsn__swept *kind = fsn__swept(spec);
    const double value = fsn__swept_list(kind, spec)->item[index];
    size_t count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);

    for (size_t i = 0; i < count; i++) {
        char *member = (char *)out + fields[i].offset;

        if (strcmp(fields[i].pointer, kind->single) != 0)
            continue;
        if (fields[i].kind == FSN_FIELD_INT)
            *(int *)(void *)member = (int)value;
        else
            *(double *)(void *)member = value;
    }
}
