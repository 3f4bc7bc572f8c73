/* draw_picture.h - pictures of several shapes, for sets with boxes and with masks. */
#ifndef FSN_DATA_DRAW_PICTURE_H
#define FSN_DATA_DRAW_PICTURE_H

#include "data/draw.h"

#include <archive.h>

enum { FSN__PICTURE_SIDE = 96, FSN__PICTURE_SHAPES = 4, FSN__PICTURE_KINDS = 4 };

struct fsn__drawn_shape {
    int label; /* of draw.h's classes */
    int kind;  /* which of the kinds, 0 .. FSN__PICTURE_KINDS - 1 */
    double x, y, radius;
    int left, top, right, bottom; /* of its pixels, the last ones included */
};

struct fsn__drawn_picture {
    uint8_t pixels[FSN__PICTURE_SIDE * FSN__PICTURE_SIDE * 3];
    struct fsn__drawn_shape shapes[FSN__PICTURE_SHAPES];
    int count;
};

/* Static name of a kind. */
const char *fsn__picture_kind_name(int kind);
/* Picture `index` of a split; depends on its arguments alone. */
void fsn__draw_picture(uint64_t seed, enum fsn_split split, int64_t index,
                       struct fsn__drawn_picture *picture);
/* Whether the shape has the middle of a pixel moved by (across, down) pixels. */
bool fsn__drawn_shape_has(const struct fsn__drawn_shape *shape, int row, int col, double across,
                          double down);
/* Adds the picture as a PNG file. */
FSN_NODISCARD enum fsn_status fsn__picture_write(struct archive *archive, const char *name,
                                                 const struct fsn__drawn_picture *picture,
                                                 struct fsn_error *err);

#endif
