/* optimizer.c - stochastic gradient descent with Nesterov momentum.
 *
 * Source: Sutskever et al., "On the importance of initialization and momentum in deep learning"
 * (ICML 2013), in the form PyTorch's torch.optim.SGD(nesterov=True, dampening=0) gives it; v starts
 * at zero, which is the same as PyTorch's first step v = g.
 *
 *   g' = g + wd w        v = mu v + g'        w = w - lr (g' + mu v)
 *
 * Element by element in f32, as PyTorch computes it, so how a tensor is split over threads cannot
 * change the result.
 */
#include "train/train.h"

void fsn__sgd_step(float *w, const float *g, float *v, int64_t n, double lr, double momentum,
                   double weight_decay)
{
    const float rate = (float)lr, mu = (float)momentum, wd = (float)weight_decay;

    for (int64_t i = 0; i < n; i++) {
        float grad = g[i] + wd * w[i];

        v[i] = mu * v[i] + grad;
        w[i] -= rate * (grad + mu * v[i]);
    }
}
