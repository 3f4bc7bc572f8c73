/* split_lists.h - the lists by which Pascal VOC says what images its splits have:
 * ImageSets/FOLDER/{train,val,trainval,test}.txt, a NAME on each line. */
#ifndef FSN_DATA_SPLIT_LISTS_H
#define FSN_DATA_SPLIT_LISTS_H

#include "core/error.h"

enum fsn__split_list {
    FSN__LIST_TRAIN,
    FSN__LIST_VAL,
    FSN__LIST_TRAINVAL,
    FSN__LIST_TEST,
    FSN__SPLIT_LISTS,
    FSN__NO_SPLIT_LIST = -1
};

/* Zeroed memory is no lists. */
struct fsn__split_lists {
    char *text[FSN__SPLIT_LISTS]; /* all files of the name, one after the other; NULL: none came */
    size_t used[FSN__SPLIT_LISTS], room[FSN__SPLIT_LISTS]; /* bytes, without the NUL and with it */
};

/* The images that may be listed. */
struct fsn__listed_images {
    void *user;
    int64_t count;
    /* The number of the image of this name, below count; or -1, and *fault says why: "has no
     * image". */
    int64_t (*find)(void *user, const char *name, const char **fault);
    /* It is in this split; images come in the order of the lists, and none comes twice. */
    void (*add)(void *user, enum fsn_split split, int64_t image);
};

/* Which list the file is; folder: the one of ImageSets/ that it lies in, "Main". */
enum fsn__split_list fsn__split_list_of(const char *name, const char *folder);
/* Takes in a file of this name, after those that came before. Errors: FORMAT (it is no text; names
 * it), NOMEM. */
FSN_NODISCARD enum fsn_status fsn__split_lists_take(struct fsn__split_lists *lists,
                                                    const char *name, const char *folder,
                                                    const void *bytes, size_t size,
                                                    struct fsn_error *err);
bool fsn__split_lists_any(const struct fsn__split_lists *lists);
/* Adds every listed image to its split: `train`, or else (no file of this name came) `trainval`, is
 * to train on; `test`, or else `val`, is the test, and no longer in trainval. A split without a
 * list gets nothing. The lists' text is used up. Errors: FORMAT (a name that is not there, or
 * listed before; a list without one), NOMEM. */
FSN_NODISCARD enum fsn_status fsn__split_lists_fill(struct fsn__split_lists *lists,
                                                    const struct fsn__listed_images *images,
                                                    struct fsn_error *err);
void fsn__split_lists_clear(struct fsn__split_lists *lists);

#endif
