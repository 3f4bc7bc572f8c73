/* softmax.c - see softmax.h. */
#include "core/softmax.h"

#include <math.h>
#include <stddef.h>

double fsn__log_sum_exp(const float *z, int64_t n, double t)
{
    double max = z[0], sum = 0;

    for (int64_t c = 1; c < n; c++)
        if (z[c] > max)
            max = z[c];
    for (int64_t c = 0; c < n; c++)
        sum += exp((z[c] - max) / t);
    return max / t + log(sum);
}

double fsn__softmax_divergence(const float *zs, const float *zt, int64_t n, double t, double weight,
                               float *dz)
{
    double norm_s = fsn__log_sum_exp(zs, n, t), norm_t = fsn__log_sum_exp(zt, n, t), sum = 0;

    for (int64_t c = 0; c < n; c++) {
        double log_s = zs[c] / t - norm_s, log_t = zt[c] / t - norm_t;
        double p = exp(log_t);

        if (p != 0) /* the limit of p log p; a NaN goes on */
            sum += p * (log_t - log_s);
        if (dz)
            dz[c] += (float)(weight * (exp(log_s) - p));
    }
    return sum;
}
