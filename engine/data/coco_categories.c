/* coco_categories.c - see coco_categories.h. */
#include "data/coco_categories.h"
#include "data/boxes.h"

#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b)
{
    const struct fsn__coco_category *one = a, *other = b;

    return (one->id > other->id) - (one->id < other->id);
}

enum fsn_status fsn__coco_categories_merge(struct fsn__coco_category *all, int64_t *count,
                                           struct fsn_error *err)
{
    int64_t kept = 0;

    qsort(all, (size_t)*count, sizeof *all, by_id);
    for (int64_t c = 0; c < *count; c++) {
        if (kept == 0 || all[kept - 1].id != all[c].id)
            all[kept++] = all[c];
        else if (strcmp(all[kept - 1].name, all[c].name) != 0)
            return FSN__FAIL(err, FSN_FORMAT, "category %lld is called '%.60s' and '%.60s'",
                             (long long)all[c].id, all[kept - 1].name, all[c].name);
    }
    if (kept < 1 || kept > FSN__MAX_BOX_CLASSES)
        return FSN__FAIL(err, kept < 1 ? FSN_FORMAT : FSN_LIMIT,
                         "the coco data set has %lld categories, expected 1 to %d", (long long)kept,
                         FSN__MAX_BOX_CLASSES);
    for (int64_t c = 1; c < kept; c++)
        for (int64_t other = 0; other < c; other++)
            if (strcmp(all[c].name, all[other].name) == 0)
                return FSN__FAIL(err, FSN_FORMAT,
                                 "the categories %lld and %lld are both called '%.60s'",
                                 (long long)all[other].id, (long long)all[c].id, all[c].name);
    *count = kept;
    return FSN_OK;
}

const struct fsn__coco_category *fsn__coco_category_find(const struct fsn__coco_category *all,
                                                         int64_t count, int64_t id)
{
    const struct fsn__coco_category key = {.id = id};

    return bsearch(&key, all, (size_t)count, sizeof key, by_id);
}
