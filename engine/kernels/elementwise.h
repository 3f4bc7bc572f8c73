/* elementwise.h - the inner loops of op_join.c, op_channel_sums.c and op_channel_copy.c, for one
 * instruction set each.
 *
 * They go over a run of pixels of one channel block, 16 lanes each, and are as fast as memory.
 * Pointers are to the run's first pixel, aligned to 64 bytes except for copy.
 */
#ifndef FSN_KERNELS_ELEMENTWISE_H
#define FSN_KERNELS_ELEMENTWISE_H

#include "kernels/kernels.h"

/* v = max(a z + b, floor): one operand of a Join; floor is 0 with Relu, else -infinity. */
struct fsn__operand_run {
    const float *z;
    float a[FSN__LANES], b[FSN__LANES];
    float floor;
};

/* y = min(max(v_1 [+ v_2], low), high) */
struct fsn__join_run {
    int64_t floats; /* pixels times 16 */
    int operands;
    struct fsn__operand_run operand[2];
    float low, high;
    float *y;
    bool stream; /* y past the caches */
};

/* Backward to one operand: g = dy where y > 0 (relu) and where low <= v <= high and a z + b > floor
 * (gate);  dz (+)= a g (unless NULL),  da = sum g z,  db = sum g. */
struct fsn__join_back_run {
    int64_t floats;
    struct fsn__operand_run operand;
    const float *y, *dy;
    bool relu, gate;
    bool sums; /* da and db are wanted */
    float low, high;
    float *dz;
    bool overwrite; /* dz; else it is added to */
    bool stream;    /* dz past the caches, when it is overwritten */
    float da[FSN__LANES], db[FSN__LANES];
};

struct fsn__elementwise {
    void (*join)(const struct fsn__join_run *run);
    void (*join_back)(struct fsn__join_back_run *run);
    /* s1, s2 [16]: sum z, sum z^2. */
    void (*sums)(int64_t floats, const float *z, float *s1, float *s2);
    /* dz (+)= ds1 + 2 z ds2; ds1, ds2 [16]. */
    void (*sums_back)(int64_t floats, const float *z, const float *ds1, const float *ds2, float *dz,
                      bool overwrite);
    /* `lanes` (1..16) floats of each pixel; steps in floats from one pixel to the next. */
    void (*copy)(int64_t pixels, int64_t lanes, const float *from, int64_t from_step, float *to,
                 int64_t to_step, bool add);
    void (*fence)(void); /* after runs that stream, before the task ends */
};

FSN_NODISCARD enum fsn_status fsn__elementwise_get(const struct fsn__elementwise **out,
                                                   struct fsn_error *err);

/* Written past the caches from this size on: what the L2 cannot hold. */
enum { FSN__STREAM_BYTES = 1 << 20 };

#endif
