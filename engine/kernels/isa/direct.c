/* direct.c - the table of the direct convolution for one instruction set. */
#include "kernels/isa/direct.h"

static size_t work(const struct fsn__conv_shape *shape, int threads)
{
    struct fsn__direct_plan forward, backward;
    size_t most = fsn__direct_weights_work(shape, threads), size;

    fsn__direct_plan_forward(shape, &forward);
    fsn__direct_plan_backward(shape, &backward);
    size = fsn__direct_gather_work(&forward, threads);
    most = size > most ? size : most;
    size = fsn__direct_gather_work(&backward, threads);
    return size > most ? size : most;
}

static void backward(const struct fsn__conv_shape *shape, const struct fsn__conv_back *back,
                     void *work, struct fsn__pool *pool)
{
    if (back->dw)
        fsn__direct_backward_weights(shape, back->x, back->load, back->dz, back->grad, back->dw,
                                     work, pool);
    if (back->dx)
        fsn__direct_backward_data(shape, back->dz, back->grad, back->w, back->dx, back->store, work,
                                  pool);
}

extern const struct fsn__kernels FSN__ISA_NAME(fsn__direct);
const struct fsn__kernels FSN__ISA_NAME(fsn__direct) = {
    .isa = FSN__ISA_STRING,
    .work = work,
    .forward = fsn__direct_forward,
    .backward = backward,
};
