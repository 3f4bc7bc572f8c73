/* amx.c - the table of the matrix unit's convolution, and whether this machine has the unit. */
#include "kernels/amx/amx.h"

#include <cpuid.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux gives a process the unit's registers when it asks (arch/x86/include/uapi/asm/prctl.h). */
enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
/* Of CPUID leaf 7, EDX (Intel SDM, volume 2A, CPUID). */
enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
/* Of leaf 7, subleaf 1, EAX. */
enum { AVX512_BF16 = 1 << 5 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool supported; /* CPUID is slow on a virtual machine */

static void ask(void)
{
    unsigned a, b, c, d;

    supported = __get_cpuid_count(7, 0, &a, &b, &c, &d) && d & AMX_BF16 && d & AMX_TILE &&
                __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & AVX512_BF16 &&
                syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

bool fsn__amx_supported(void)
{
    pthread_once(&once, ask);
    return supported;
}

static size_t work(const struct fsn__conv_shape *shape, int threads)
{
    struct fsn__amx_plan forward, data;
    size_t forward_bytes, backward_bytes;

    fsn__amx_plan_forward(shape, threads, &forward);
    fsn__amx_plan_backward(shape, threads, &data);
    forward_bytes = fsn__amx_gather_work(&forward, threads);
    backward_bytes =
        fsn__amx_gather_work(&data, threads) + fsn__amx_weights_work(&forward, threads);
    return forward_bytes > backward_bytes ? forward_bytes : backward_bytes;
}

/* What a thread does of a pass: its share of the items of one of the two, or of both. */
struct pass {
    const struct fsn__amx_plan *plan;
    const struct fsn__amx_gather *gather;   /* NULL: none */
    const struct fsn__amx_weights *weights; /* likewise */
};

static void items_task(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    int64_t begin, end;

    fsn__amx_begin();
    fsn__share(pass->plan->batches * pass->plan->bands, thread, threads, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        if (pass->gather)
            fsn__amx_gather_item(pass->gather, item, thread);
        if (pass->weights)
            fsn__amx_weights_item(pass->weights, item, thread);
    }
    fsn__amx_end();
}

static void forward(const struct fsn__conv_shape *shape, const float *x,
                    const struct fsn__load *load, const struct fsn__filters *w, float *z,
                    const struct fsn__store *store, void *work, struct fsn__pool *pool)
{
    const struct fsn__store nothing = {.bias = NULL};
    struct fsn__amx_gather g = {.src = x, .w = w, .dst = z, .stream = true};
    struct pass pass = {.plan = &g.plan, .gather = &g};

    g.store = store ? store : &nothing;
    g.beside = g.store->residual;
    g.wants_sums = g.store->sum || g.store->sum_sq;
    g.reader = fsn__direct_reader(load);
    fsn__amx_plan_forward(shape, fsn__pool_slices(pool), &g.plan);
    fsn__amx_gather_begin(&g, work, pool);
    fsn__pool_run(pool, items_task, &pass);
    fsn__amx_gather_end(&g, fsn__pool_slices(pool));
}

static void open_data(const struct fsn__conv_shape *shape, const struct fsn__conv_back *back,
                      const struct fsn__grad_store *store, struct fsn__amx_gather *g, void *work,
                      struct fsn__pool *pool)
{
    *g = (struct fsn__amx_gather){.backward = true,
                                  .src = back->dz,
                                  .w = back->w,
                                  .dst = back->dx,
                                  .reader = fsn__direct_grad_reader(back->grad),
                                  .grad_store = store,
                                  .beside = store->z,
                                  .joined = store->joined,
                                  .wants_sums = store->da || store->db,
                                  .stream = !store->accumulate};
    fsn__amx_plan_backward(shape, fsn__pool_slices(pool), &g->plan);
    fsn__amx_gather_begin(g, work, pool);
}

static void open_weights(const struct fsn__conv_shape *shape, const struct fsn__conv_back *back,
                         struct fsn__amx_weights *g, void *work, struct fsn__pool *pool)
{
    *g = (struct fsn__amx_weights){.x = back->x,
                                   .dz = back->dz,
                                   .x_reader = fsn__direct_reader(back->load),
                                   .dz_reader = fsn__direct_grad_reader(back->grad),
                                   .dw = back->dw};
    fsn__amx_plan_forward(shape, fsn__pool_slices(pool), &g->plan);
    fsn__amx_weights_begin(g, work, pool);
}

/* One walk for both gradients, which reads dz once, where it lies the same for them. */
static void backward(const struct fsn__conv_shape *shape, const struct fsn__conv_back *back,
                     void *work, struct fsn__pool *pool)
{
    const struct fsn__grad_store nothing = {.load = NULL};
    struct fsn__amx_gather data;
    struct fsn__amx_weights weights;
    struct pass pass = {.plan = NULL};

    if (back->dx) {
        open_data(shape, back, back->store ? back->store : &nothing, &data, work, pool);
        pass = (struct pass){.plan = &data.plan, .gather = &data};
        work = (char *)work + fsn__amx_gather_work(&data.plan, fsn__pool_slices(pool));
    }
    if (back->dw) {
        open_weights(shape, back, &weights, work, pool);
        if (back->dx && fsn__amx_joint(&data.plan, &weights.plan)) {
            weights.data = &data;
        } else if (back->dx) {
            fsn__pool_run(pool, items_task, &pass);
            pass.gather = NULL;
        }
        pass.plan = &weights.plan;
        pass.weights = &weights;
    }
    if (pass.plan)
        fsn__pool_run(pool, items_task, &pass);
    if (back->dx)
        fsn__amx_gather_end(&data, fsn__pool_slices(pool));
    if (back->dw)
        fsn__amx_weights_end(&weights, pool);
}

const struct fsn__kernels fsn__amx = {
    .isa = "amx",
    .work = work,
    .forward = forward,
    .backward = backward,
};
