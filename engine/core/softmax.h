/* softmax.h - softmax of one row of logits, in double: its norm, and how far two are apart. */
#ifndef FSN_CORE_SOFTMAX_H
#define FSN_CORE_SOFTMAX_H

#include <stdint.h>

/* log sum_c exp(z[c] / t), n >= 1. The largest term is exp(0), so nothing overflows; a logit that
 * is not finite makes the result so. */
double fsn__log_sum_exp(const float *z, int64_t n, double t);

/* KL(p(z_t/T) || p(z_s/T)); adds weight times its gradient by z_s, over T, to dz (may be NULL). */
double fsn__softmax_divergence(const float *zs, const float *zt, int64_t n, double t, double weight,
                               float *dz);

#endif
