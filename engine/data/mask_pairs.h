/* mask_pairs.h - which mask belongs to which image, by their names. */
#ifndef FSN_DATA_MASK_PAIRS_H
#define FSN_DATA_MASK_PAIRS_H

#include "data/image_roles.h"

/* An image with its mask. */
struct fsn__mask_pair {
    char *key;                 /* the image's name without suffix and without images/, owned */
    const char *name;          /* the last part of it */
    int64_t image, mask;       /* places in the store */
    enum fsn__image_role role; /* of the first folder of the key that is a split's */
};

struct fsn__mask_pairs {
    struct fsn__mask_pair *pair; /* [count] in the order of their keys */
    int64_t count;
    int64_t without_mask; /* images that have none, where that is no fault */
    bool voc;             /* folders are JPEGImages and SegmentationClass */
};

/* Whether some of a store's names are masks' and some may be their images'. */
bool fsn__mask_pairs_likely(const struct fsn__image_store *store);
/* Pairs all images below images/ with the masks below masks/, or those of VOC's folders, where an
 * image may go without. Errors: FORMAT (one without the other, two of a name, a mask of another
 * size; names the file), NOMEM. Zero-initialise *out; fsn__mask_pairs_clear frees, also after a
 * failure. */
FSN_NODISCARD enum fsn_status fsn__mask_pairs_make(const struct fsn__image_store *store,
                                                   struct fsn__mask_pairs *out,
                                                   struct fsn_error *err);
/* The only pair whose image is called this, without folders and suffix; NULL: there is none, or
 * there are several. */
struct fsn__mask_pair *fsn__mask_pairs_find(const struct fsn__mask_pairs *pairs, const char *name);
void fsn__mask_pairs_clear(struct fsn__mask_pairs *pairs);

#endif
