/*
 * quantizer.c - the linear quantiser: x ~ (level - zero) * scale.
 *
 *   scale = (max - min) / (2^bits - 1)         with 0 inside [min, max]
 *   zero  = round(-min / scale)                so that 0.0 is a level, exactly
 *   level = clamp(round(x / scale) + zero, 0, 2^bits - 1)
 *
 * Moving min to the nearest level shifts the range by at most half a level, so the error stays
 * within scale / 2 on all of [min, max]. Rounding is half to even, in double, so that it is the
 * exact quotient that is rounded. (The reference moves min down to the next level, which can put
 * max a whole level out of range.)
 */
#include "quant/quant.h"

#include "ops/levels.h"

struct fsn__quantizer fsn__quantizer_fit(const float *x, int64_t n, int bits)
{
    struct fsn__quantizer q = {.bits = bits, .scale = 1, .zero = 0};
    double min = 0, max = 0;
    float scale;

    for (int64_t i = 0; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    scale = (float)((max - min) / fsn__top_level(bits));
    if (scale > 0) { /* not all zeros, nor so small that a level would be */
        q.scale = scale;
        q.zero = (int)fmin(rint(-min / scale), fsn__top_level(bits));
    }
    return q;
}

uint8_t fsn__quantize(const struct fsn__quantizer *q, float x)
{
    double level = fsn__unbounded_level(x, q->scale, q->zero);

    return (uint8_t)fsn__bounded_level(level, fsn__top_level(q->bits));
}

float fsn__dequantize(const struct fsn__quantizer *q, uint8_t level)
{
    return fsn__value_of_level(level, q->zero, q->scale);
}
