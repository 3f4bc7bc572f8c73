/* mixup.c - pairs of images of a batch become mixtures of one another.
 *
 * Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization" (arXiv
 * 1710.09412): x = mix x_i + (1 - mix) x_j, labels alike, mix ~ Beta(alpha, alpha) once a batch. A
 * batch is in random order already, so j = n - 1 - i is as good a partner as any, needs no table,
 * and a pair is mixed where it lies.
 *
 * Beta(alpha, alpha) by Joehnk's rejection, u^(1/alpha) / (u^(1/alpha) + v^(1/alpha)) given that
 * the sum is at most 1, in logarithms, because u^100 underflows. At alpha = 1 every second pair is
 * taken, below it more.
 */
#include "core/rng.h"
#include "data/dataset.h"

#include <math.h>

double fsn__draw_mix(double alpha, uint64_t seed, uint64_t epoch, uint64_t step)
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_MIXUP, epoch, step);

    for (;;) {
        const double u = log(1 - fsn__rng_uniform(&rng)) / alpha;
        const double v = log(1 - fsn__rng_uniform(&rng)) / alpha;

        if (exp(u) + exp(v) <= 1)
            return 1 / (1 + exp(v - u));
    }
}

struct mixing {
    float *x;
    int64_t n, size;
    float mix;
};

static void mix_share(void *arg, int slice, int slices)
{
    const struct mixing *m = arg;
    const float rest = 1 - m->mix;
    int64_t begin, end;

    fsn__share(m->n / 2, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        float *a = m->x + i * m->size, *b = m->x + (m->n - 1 - i) * m->size;

        for (int64_t j = 0; j < m->size; j++) {
            const float first = a[j], second = b[j];

            a[j] = m->mix * first + rest * second;
            b[j] = m->mix * second + rest * first;
        }
    }
}

void fsn__mix_batch(float *x, int64_t n, int64_t size, double mix, struct fsn__pool *pool)
{
    struct mixing mixing = {x, n, size, (float)mix};

    fsn__pool_run(pool, mix_share, &mixing);
}
