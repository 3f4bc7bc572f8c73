/* boxes.h - what a detection set says of an image: boxes with labels. */
#ifndef FSN_DATA_BOXES_H
#define FSN_DATA_BOXES_H

#include <stdbool.h>
#include <stdint.h>

/* Two corners as fractions of the image's width and height, 0..1; x0 <= x1, y0 <= y1. */
struct fsn__box {
    float x0, y0, x1, y1;
};

struct fsn__object {
    struct fsn__box box;
    int32_t label;  /* 0..classes-1, without background */
    bool difficult; /* neither counts nor punishes (VOC); a crowd (COCO) */
};

#endif
