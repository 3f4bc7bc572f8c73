/* coco_categories.h - the categories of several files of a COCO set as one list of classes. */
#ifndef FSN_DATA_COCO_CATEGORIES_H
#define FSN_DATA_COCO_CATEGORIES_H

#include "data/coco_json.h"

/* Sorts categories by id and keeps each once; *count becomes how many are left. Errors: FORMAT (an
 * id of two names, a name of two ids, none at all), LIMIT. */
FSN_NODISCARD enum fsn_status fsn__coco_categories_merge(struct fsn__coco_category *all,
                                                         int64_t *count, struct fsn_error *err);
/* In merged ones; NULL: there is none of this id. */
const struct fsn__coco_category *fsn__coco_category_find(const struct fsn__coco_category *all,
                                                         int64_t count, int64_t id);

#endif
