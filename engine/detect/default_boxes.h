/* default_boxes.h - the boxes that a detector's outputs are relative to, made from a rule. */
#ifndef FSN_DETECT_DEFAULT_BOXES_H
#define FSN_DETECT_DEFAULT_BOXES_H

#include "core/error.h"

#define FSN__MAX_BOX_MAPS 16
#define FSN__MAX_BOX_RATIOS 8

/* What lies at each pixel of one map, sizes in pixels of the image: a square of min_size; one of
 * sqrt(min_size max_size) unless max_size is 0; and for each ratio a a box of the area of the first
 * that is a times as wide as high, and one that is a times as high as wide. */
struct fsn__box_map {
    int width, height; /* of the map */
    double step;       /* between neighbours */
    double min_size, max_size;
    int ratio_count;
    double ratios[FSN__MAX_BOX_RATIOS];
};

struct fsn__box_rule {
    int image_width, image_height;
    int map_count;
    struct fsn__box_map maps[FSN__MAX_BOX_MAPS];
    bool clip; /* every number to 0..1 */
};

/* SSD300's rule for VOC. */
struct fsn__box_rule fsn__ssd300_box_rule(void);
/* That of the zoo's ssd-lite for square images of `size` pixels. */
struct fsn__box_rule fsn__ssd_lite_box_rule(int size);

/* *out: new, [*count][4] of (cx, cy, w, h) as fractions of the image, map by map, row by row, pixel
 * by pixel, freed by free(). INVALID: a size, step or ratio that is not above 0, a maximum below
 * its minimum, a count out of range; LIMIT: more than 2^24 boxes; NOMEM. */
FSN_NODISCARD enum fsn_status fsn__default_boxes(const struct fsn__box_rule *rule, float **out,
                                                 int64_t *count, struct fsn_error *err);

#endif
