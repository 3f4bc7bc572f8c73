/* image_index.h - images of a store found by the end of their names. */
#ifndef FSN_DATA_IMAGE_INDEX_H
#define FSN_DATA_IMAGE_INDEX_H

#include "data/image_store.h"

struct fsn__image_index {
    const struct fsn__image_store *store;     /* borrowed, and not to grow */
    const struct fsn__stored_image **by_name; /* [store->count] in the order of base names */
};

/* Zero-initialise *index; clear it also after a failure. Error: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__image_index_make(struct fsn__image_index *index,
                                                    const struct fsn__image_store *store,
                                                    struct fsn_error *err);
/* The place of the one image whose name ends in `path`, as a whole ("b/1.jpg" in "a/b/1.jpg", not
 * in "ab/1.jpg"); of several, the one that lies in a folder called `folder`. -1: there is none, -2:
 * there are several. */
int64_t fsn__image_index_find(const struct fsn__image_index *index, const char *path,
                              const char *folder);
void fsn__image_index_clear(struct fsn__image_index *index);

#endif
