/* box_grids.h - default boxes as the grids that they were made from: a file stores the columns, the
 * rows and the boxes of one pixel instead of each box. */
#ifndef FSN_DETECT_BOX_GRIDS_H
#define FSN_DETECT_BOX_GRIDS_H

#include <stdint.h>

enum { FSN__MAX_BOX_GRIDS = 16 };

/* Boxes `first` and on, row by row, pixel by pixel: that of (row i, column j, box b) has the cx of
 * (0, j, 0), the cy of (i, 0, 0), and the width and height of (0, 0, b). */
struct fsn__box_grid {
    int64_t first, height, width, boxes;
};

/* Cuts standard [n][4] of (cx, cy, w, h) into such grids, bit for bit. How many there are; 0 where
 * they would be more than FSN__MAX_BOX_GRIDS. */
int fsn__find_box_grids(const float *standard, int64_t n,
                        struct fsn__box_grid grids[FSN__MAX_BOX_GRIDS]);

#endif
