/* choose_1d.c - the length of a Filter Summary of layout 1d (FSNet v2/v3, section 3). */
#include "fs/choose.h"

#include <math.h>

struct fsn__fs_geometry fsn__fs_choose_1d(int64_t k, int64_t c, int64_t r, int64_t s, double ratio,
                                          enum fsn_spacing spacing)
{
    const double length = floor((double)(k * c * r * s) / ratio);
    struct fsn__fs_geometry g = {.layout = FSN_LAYOUT_1D,
                                 .k = k,
                                 .c = c,
                                 .r = r,
                                 .s = s,
                                 .spacing = spacing,
                                 .fs_dim = {1, 1, 1},
                                 .grid = {1, 1, 1},
                                 .stride = {1, 1, 1}};

    if (length > 1)
        g.fs_dim[0] = (int64_t)length;
    return g;
}
