/* voc_classes.h - the classes of a Pascal VOC set. */
#ifndef FSN_DATA_VOC_CLASSES_H
#define FSN_DATA_VOC_CLASSES_H

#include "data/parts.h"
#include "data/voc_table.h"

/* Names the classes: those that `names` lists, in its order, where it has come; else all names in
 * the annotations of images in a split, sorted. of_image: [images of the store]; classes: zeroed,
 * gets each with its label, for fsn__voc_table_find. Errors: FORMAT (a name that is not listed,
 * with its annotation; a name listed twice), LIMIT, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__voc_classes(const struct fsn__voc_named *const *of_image,
                                               const struct fsn__part *names,
                                               struct fsn_dataset *dataset,
                                               struct fsn__voc_table *classes,
                                               struct fsn_error *err);

#endif
