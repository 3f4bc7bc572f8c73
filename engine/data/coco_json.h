/* coco_json.h - one file of annotations of a COCO set. */
#ifndef FSN_DATA_COCO_JSON_H
#define FSN_DATA_COCO_JSON_H

#include "core/error.h"

/* It lies in memory while it is read, and up to its size of what is taken from it. */
enum { FSN__COCO_MAX_BYTES = 64 << 20 };

struct fsn__coco_category {
    int64_t id;
    char *name;
    char *above; /* its supercategory's name; NULL: the file does not say */
};

struct fsn__coco_image {
    int64_t id;
    char *file_name;
    double width, height; /* 0: the file does not say */
    int64_t file;         /* place in the data set's store, for whoever finds it; -1 */
};

struct fsn__coco_box {
    int64_t image_id, category_id;
    double x, y, w, h; /* in pixels, from the upper left edge of the image */
    bool crowd;
};

struct fsn__coco {
    int64_t category_count, image_count, box_count;
    struct fsn__coco_category *categories;
    struct fsn__coco_image *images;
    struct fsn__coco_box *boxes; /* in the order of the file */
};

/* what: names the file in messages. Zero-initialise *out; clear it also after a failure. Numbers
 * are finite, names not empty; whether ids are known is not looked at. Errors: FORMAT (with the
 * line, or the place in an array), LIMIT, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__coco_parse(const void *bytes, size_t size, const char *what,
                                              struct fsn__coco *out, struct fsn_error *err);
void fsn__coco_clear(struct fsn__coco *coco);

#endif
