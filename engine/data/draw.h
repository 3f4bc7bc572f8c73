/* draw.h - made-up labelled images. */
#ifndef FSN_DATA_DRAW_H
#define FSN_DATA_DRAW_H

#include "core/error.h"

enum {
    FSN__DRAW_CHANNELS = 3,
    FSN__DRAW_SIDE = 32,
    FSN__DRAW_PIXELS = FSN__DRAW_CHANNELS * FSN__DRAW_SIDE * FSN__DRAW_SIDE,
    FSN__DRAW_CLASSES = 10
};

/* A data set to be drawn. */
struct fsn__drawing {
    int64_t count[FSN_SPLIT_COUNT]; /* images of each split */
    uint64_t seed;
};

/* Errors: INVALID, where a split has not least..most images. */
FSN_NODISCARD enum fsn_status fsn__drawing_check(const struct fsn__drawing *drawing, int least,
                                                 int most, struct fsn_error *err);

/* Static name of a class, 0 <= label < FSN__DRAW_CLASSES. */
const char *fsn__draw_class_name(int label);

/* Whether a class's shape has the point (u, v), which lies in |u|, |v| <= 1 then; v points down. */
bool fsn__draw_covers(int label, double u, double v);

/* Draws image `index` of a split, planes R, G, B, and returns its label, index modulo the classes.
 * Depends on its arguments alone. */
int fsn__draw_image(uint64_t seed, enum fsn_split split, int64_t index,
                    uint8_t pixels[FSN__DRAW_PIXELS]);

#endif
