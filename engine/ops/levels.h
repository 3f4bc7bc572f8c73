/* levels.h - the arithmetic of a linear quantiser, which training and storing must do alike. */
#ifndef FSN_OPS_LEVELS_H
#define FSN_OPS_LEVELS_H

#include <math.h>

/* 2^bits - 1. */
static inline int fsn__top_level(int bits)
{
    return (1 << bits) - 1;
}

/* The level of x before it is held within 0 .. top: x / step, half to even, of the exact quotient,
 * from the zero, which may lie half between two levels. */
static inline double fsn__unbounded_level(float x, float step, double zero)
{
    const double whole = floor(zero);

    return rint((double)x / step + (zero - whole)) + whole;
}

static inline double fsn__bounded_level(double level, double top)
{
    return level < 0 ? 0 : level > top ? top : level;
}

static inline float fsn__value_of_level(double level, double zero, float step)
{
    return ((float)level - (float)zero) * step;
}

#endif
