/* boxes.h - boxes and the objects that they mark, of images and of what networks see in them. */
#ifndef FSN_DATA_BOXES_H
#define FSN_DATA_BOXES_H

#include <stdbool.h>
#include <stdint.h>

/* Of a data set with boxes, at most. */
enum { FSN__MAX_BOX_CLASSES = 1000 };

/* Fractions of the width and height of the image: 0 <= x0 < x1 <= 1, y alike, y pointing down. */
struct fsn__box {
    float x0, y0, x1, y1;
};

struct fsn__object {
    struct fsn__box box;
    int32_t label;  /* 0 <= label < classes: there is no background among them */
    bool difficult; /* hard to see, or a crowd: not counted by an evaluation */
};

#endif
