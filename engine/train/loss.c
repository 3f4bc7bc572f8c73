/* loss.c - cross-entropy with knowledge distillation, and its gradient.
 *
 * Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531);
 * label smoothing: Szegedy et al., "Rethinking the Inception Architecture" (arXiv 1512.00567).
 * Symbols: z_s, z_t student and teacher logits, y the label, T the temperature, a its weight alpha,
 * n images, C classes, p(z) = softmax(z), s the smoothing, m the share of the own label in an image
 * that is mixed with image n-1-i, whose label is y'.
 *
 *   loss    = 1/n sum_i (1-a) CE_i + a T^2 KL_i
 *   q[c]    = (1-s) (m [c = y] + (1-m) [c = y']) + s/C
 *   CE_i    = -sum_c q[c] log p(z_s)[c]
 *   KL_i    = sum_c p(z_t/T)[c] (log p(z_t/T)[c] - log p(z_s/T)[c])
 *   dz_s[c] = 1/n ((1-a) (p(z_s)[c] - q[c]) + a T (p(z_s/T)[c] - p(z_t/T)[c]))
 *
 * T^2 keeps the distillation gradient's size when T changes. Everything is summed in double and in
 * image order, on one thread: a batch of logits is small beside the network that made it.
 */
#include "train/train.h"

#include "core/softmax.h"

#include <math.h>

/* What the labels say of one image: q[c] is own at the label, other at its partner's, each. */
struct soft_label {
    int32_t label, partner;
    double own, other; /* on top of each */
    double each;
};

static struct soft_label soften(const struct fsn__targets *targets, int64_t i, int64_t n,
                                int64_t classes)
{
    const double rest = 1 - targets->smoothing;

    return (struct soft_label){.label = targets->labels[i],
                               .partner = targets->labels[n - 1 - i],
                               .own = rest * targets->mix,
                               .other = rest * (1 - targets->mix),
                               .each = targets->smoothing / (double)classes};
}

static double cross_entropy(const float *z, int64_t classes, const struct soft_label *q,
                            double weight, float *dz)
{
    double norm = fsn__log_sum_exp(z, classes, 1), said = q->own * z[q->label], all = 0;

    if (dz)
        for (int64_t c = 0; c < classes; c++)
            dz[c] = (float)(weight * (exp(z[c] - norm) - q->own * (c == q->label) -
                                      q->other * (c == q->partner) - q->each));
    if (q->other > 0)
        said += q->other * z[q->partner];
    for (int64_t c = 0; c < classes && q->each > 0; c++)
        all += z[c];
    return norm - said - q->each * all;
}

static int64_t argmax(const float *z, int64_t classes)
{
    int64_t best = 0;

    for (int64_t c = 1; c < classes; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

double fsn__train_loss(const float *student, const float *teacher,
                       const struct fsn__targets *targets, int64_t n, int64_t classes, double alpha,
                       double temperature, float *dlogits, struct fsn__hits *hits)
{
    double a = teacher ? alpha : 0, t = temperature, sum = 0;
    struct fsn__hits counted = {0, 0};

    for (int64_t i = 0; i < n; i++) {
        const float *zs = student + i * classes, *zt = teacher ? teacher + i * classes : NULL;
        const struct soft_label q = soften(targets, i, n, classes);
        const int32_t main_label = targets->mix < 0.5 ? q.partner : q.label;
        float *dz = dlogits ? dlogits + i * classes : NULL;

        sum += (1 - a) * cross_entropy(zs, classes, &q, (1 - a) / (double)n, dz);
        if (zt && a > 0)
            sum += a * t * t * fsn__softmax_divergence(zs, zt, classes, t, a * t / (double)n, dz);
        counted.student += argmax(zs, classes) == main_label;
        counted.teacher += zt && argmax(zt, classes) == main_label;
    }
    if (hits)
        *hits = counted;
    return sum / (double)n;
}

double fsn__distill_loss(const float *student, const float *teacher, const int32_t *labels,
                         int64_t n, int64_t classes, double alpha, double temperature,
                         float *dlogits, int64_t *correct)
{
    const struct fsn__targets targets = {labels, 1, 0};
    struct fsn__hits hits;
    double loss =
        fsn__train_loss(student, teacher, &targets, n, classes, alpha, temperature, dlogits, &hits);

    if (correct)
        *correct = hits.student;
    return loss;
}
