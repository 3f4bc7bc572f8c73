/* default_boxes.h - the boxes that a detector's outputs are relative to, made from a rule. */
#ifndef FSN_DETECT_DEFAULT_BOXES_H
#define FSN_DETECT_DEFAULT_BOXES_H

#include "core/error.h"

/* Maps that stand one after the other, for images of one size. */
struct fsn__box_rule {
    int image_width, image_height;
    int map_count;
    struct fsn_box_map maps[FSN_MAX_BOX_MAPS];
    bool clip; /* every number to 0..1 */
};

/* SSD300's rule for VOC. */
struct fsn__box_rule fsn__ssd300_box_rule(void);
/* That of the zoo's ssd-lite for square images of `size` pixels. */
struct fsn__box_rule fsn__ssd_lite_box_rule(int size);

/* How many boxes that gives. Errors: INVALID (a size, step or ratio that is not above 0, a maximum
 * below its minimum, a count out of range), LIMIT (more than 2^24 boxes). */
FSN_NODISCARD enum fsn_status fsn__count_default_boxes(const struct fsn__box_rule *rule,
                                                       int64_t *count, struct fsn_error *err);
/* *out: new, [*count][4] of (cx, cy, w, h) as fractions of the image, map by map, row by row, pixel
 * by pixel, freed by free(). Errors: those of fsn__count_default_boxes, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__default_boxes(const struct fsn__box_rule *rule, float **out,
                                                 int64_t *count, struct fsn_error *err);

#endif
