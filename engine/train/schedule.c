/* schedule.c - the learning rate of every step, and how far progressive sharing is.
 *
 * Symbols: t the global step (0-based), n all steps of the run, u the warm-up steps, lr the peak.
 *
 *   warm-up (t < u):  lr (t + 1) / u (times gamma^m with the step schedule)
 *   cosine:           lr (1 + cos(pi (t - u) / (n - u))) / 2      (Loshchilov, Hutter, arXiv
 *                                                                  1608.03983, without restarts)
 *   step:             lr gamma^m, m = milestones passed; a milestone is a share of the run
 *
 * Warm-up (Goyal et al., arXiv 1706.02677) takes at most half of the run: a run shorter than its
 * warm-up would otherwise never come near its learning rate.
 *
 * Sharing (fs/sharing.c) rises over its part s of the run along half a wave, gently at both ends:
 *   (1 - cos(pi (t + 1) / (s n))) / 2, and 1 from step s n on
 *
 * Learned locations (fs/locations.c) are rounded before step floor(r n), r the share of rounding.
 */
#include "train/train.h"

#include <math.h>

static double step_decay(const struct fsn_spec *spec, int64_t step, int64_t steps)
{
    double factor = 1;

    for (int i = 0; i < spec->finetune.milestone_count; i++)
        if (step >= llround(spec->finetune.milestones[i] * (double)steps))
            factor *= spec->finetune.gamma;
    return factor;
}

double fsn__sharing(const struct fsn_spec *spec, int64_t step, int64_t steps)
{
    const double last = spec->finetune.sharing * (double)steps;

    return (double)(step + 1) < last ? 0.5 * (1 - cos(M_PI * (double)(step + 1) / last)) : 1;
}

int64_t fsn__rounding_step(const struct fsn_spec *spec, int64_t steps)
{
    return (int64_t)(spec->finetune.rounding * (double)steps);
}

double fsn__learning_rate(const struct fsn_spec *spec, int64_t step, int64_t steps)
{
    int64_t warmup = spec->finetune.warmup_steps;
    double factor;

    if (warmup > steps / 2)
        warmup = steps / 2;
    if (spec->finetune.schedule == FSN_SCHEDULE_STEP)
        factor = step_decay(spec, step, steps);
    else if (step < warmup)
        factor = 1;
    else
        factor = 0.5 * (1 + cos(M_PI * (double)(step - warmup) / (double)(steps - warmup)));
    if (step < warmup)
        factor *= (double)(step + 1) / (double)warmup;
    return spec->finetune.lr * factor;
}
