/* split.h - test images for a data set that has none. */
#ifndef FSN_DATA_SPLIT_H
#define FSN_DATA_SPLIT_H

#include "data/dataset.h"

/* Moves a tenth of the train images of every class (of all of a set of boxes or masks), rounded and
 * at least one of two, to the empty test split, and says so in split_made. Which ones depends on
 * the images' order alone; the order within both splits stays. Errors: FORMAT when no class has two
 * images, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__split_off_test(struct fsn_dataset *dataset,
                                                  struct fsn_error *err);

#endif
