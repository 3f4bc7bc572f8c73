/* loss.c - cross-entropy with knowledge distillation, and its gradient.
 *
 * Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531).
 * Symbols: z_s, z_t student and teacher logits, y the label, T the temperature, a its weight alpha,
 * n images, p(z) = softmax(z).
 *
 *   loss    = 1/n sum_i (1-a) CE_i + a T^2 KL_i
 *   CE_i    = -log p(z_s)[y]
 *   KL_i    = sum_c p(z_t/T)[c] (log p(z_t/T)[c] - log p(z_s/T)[c])
 *   dz_s[c] = 1/n ((1-a) (p(z_s)[c] - [c = y]) + a T (p(z_s/T)[c] - p(z_t/T)[c]))
 *
 * T^2 keeps the distillation gradient's size when T changes. Everything is summed in double and in
 * image order, on one thread: a batch of logits is small beside the network that made it.
 */
#include "train/train.h"

#include <math.h>

/* log sum_c exp(z[c] / t). The largest term is exp(0), so nothing overflows; a logit that is not
 * finite makes the result so, and the trainer notices. */
static double log_sum_exp(const float *z, int64_t classes, double t)
{
    double max = z[0], sum = 0;

    for (int64_t c = 1; c < classes; c++)
        if (z[c] > max)
            max = z[c];
    for (int64_t c = 0; c < classes; c++)
        sum += exp((z[c] - max) / t);
    return max / t + log(sum);
}

static double cross_entropy(const float *z, int64_t classes, int32_t label, double weight,
                            float *dz)
{
    double norm = log_sum_exp(z, classes, 1);

    if (dz)
        for (int64_t c = 0; c < classes; c++)
            dz[c] = (float)(weight * (exp(z[c] - norm) - (c == label)));
    return norm - z[label];
}

/* KL(p(z_t/T) || p(z_s/T)); adds weight times its gradient by z_s, over T, to dz. */
static double divergence(const float *zs, const float *zt, int64_t classes, double t, double weight,
                         float *dz)
{
    double norm_s = log_sum_exp(zs, classes, t), norm_t = log_sum_exp(zt, classes, t), sum = 0;

    for (int64_t c = 0; c < classes; c++) {
        double log_s = zs[c] / t - norm_s, log_t = zt[c] / t - norm_t;
        double p = exp(log_t);

        if (p != 0) /* the limit of p log p; a NaN goes on */
            sum += p * (log_t - log_s);
        if (dz)
            dz[c] += (float)(weight * (exp(log_s) - p));
    }
    return sum;
}

static int64_t argmax(const float *z, int64_t classes)
{
    int64_t best = 0;

    for (int64_t c = 1; c < classes; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

double fsn__distill_loss(const float *student, const float *teacher, const int32_t *labels,
                         int64_t n, int64_t classes, double alpha, double temperature,
                         float *dlogits, int64_t *correct)
{
    double a = teacher ? alpha : 0, t = temperature, sum = 0;
    int64_t hits = 0;

    for (int64_t i = 0; i < n; i++) {
        const float *zs = student + i * classes;
        float *dz = dlogits ? dlogits + i * classes : NULL;

        sum += (1 - a) * cross_entropy(zs, classes, labels[i], (1 - a) / (double)n, dz);
        if (teacher && a > 0)
            sum += a * t * t *
                   divergence(zs, teacher + i * classes, classes, t, a * t / (double)n, dz);
        hits += argmax(zs, classes) == labels[i];
    }
    if (correct)
        *correct = hits;
    return sum / (double)n;
}
