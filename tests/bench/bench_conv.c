/* bench_conv.c - times the convolution kernels, layer by layer and pass by pass.
 *
 *     bench_conv [--isa NAME] [--algorithm winograd|direct] [--layer TEXT] [--repeat N]
 *                [--hooks step|none]
 *
 * One thread, its CPU time (steady beside other work on the machine), the 10th percentile of the
 * repetitions. Each repetition works on the next of several sets of buffers, together beyond the
 * last cache, so that maps come from memory as in a training step. Every pass runs with the hooks
 * of a training step: batch norm and Relu on load, sums on store, their gradients on the way back.
 * GF/s counts a direct convolution's multiplications and additions (2 N K C P Q R S / groups),
 * which Winograd needs fewer of, so it may exceed what the machine can do. --layer runs the layers
 * whose name contains TEXT.
 */
#include "core/rng.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PASSES = 4, MOST_SETS = 16, MOST_REPEATS = 1000 };
static const char *const pass_names[PASSES] = {"forward", "data gradient", "filter gradient",
                                               "both gradients"};
static const double rotate_bytes = 96e6;

struct layer {
    const char *name;
    int64_t n, c, k, h, side, stride, pad, groups;
};

static const struct layer layers[] = {
    {"16-16@32", 128, 16, 16, 32, 3, 1, 1, 1},
    {"32-32@16", 128, 32, 32, 16, 3, 1, 1, 1},
    {"64-64@8", 128, 64, 64, 8, 3, 1, 1, 1},
    {"64-64@32", 32, 64, 64, 32, 3, 1, 1, 1},
    {"128-128@16", 32, 128, 128, 16, 3, 1, 1, 1},
    {"256-256@8", 32, 256, 256, 8, 3, 1, 1, 1},
    {"512-512@4", 32, 512, 512, 4, 3, 1, 1, 1},
    {"3-16@32", 128, 3, 16, 32, 3, 1, 1, 1},
    {"3-64@32", 32, 3, 64, 32, 3, 1, 1, 1},
    {"16-32@32/2", 128, 16, 32, 32, 3, 2, 1, 1},
    {"32-64@16/2", 128, 32, 64, 16, 3, 2, 1, 1},
    {"64-128@32/2", 32, 64, 128, 32, 3, 2, 1, 1},
    {"128-256@16/2", 32, 128, 256, 16, 3, 2, 1, 1},
    {"256-512@8/2", 32, 256, 512, 8, 3, 2, 1, 1},
    {"64-256@16 1x1", 32, 64, 256, 16, 1, 1, 0, 1},
    {"256-64@16 1x1", 32, 256, 64, 16, 1, 1, 0, 1},
    {"64-128@32/2 1x1", 32, 64, 128, 32, 1, 2, 0, 1},
    {"96-96@16 depthwise", 32, 96, 96, 16, 3, 1, 1, 96},
    /* where the rules of choose.c meet */
    {"1-16@28", 128, 1, 16, 28, 3, 1, 1, 1},
    {"1-32@28 pad 0", 128, 1, 32, 28, 3, 1, 0, 1},
    {"8-16@32", 128, 8, 16, 32, 3, 1, 1, 1},
    {"12-12@32", 64, 12, 12, 32, 3, 1, 1, 1},
    {"48-12@32", 64, 48, 12, 32, 3, 1, 1, 1},
    {"16-3@32", 64, 16, 3, 32, 3, 1, 1, 1},
    {"32-64@26 pad 0", 128, 32, 64, 26, 3, 1, 0, 1},
    {"64-64@7", 32, 64, 64, 7, 3, 1, 1, 1},
    {"512-512@7", 8, 512, 512, 7, 3, 1, 1, 1},
    {"64-64@4", 128, 64, 64, 4, 3, 1, 1, 1},
    {"64-64@3", 128, 64, 64, 3, 3, 1, 1, 1},
    {"512-512@2", 32, 512, 512, 2, 3, 1, 1, 1},
    {"64-64@2", 128, 64, 64, 2, 3, 1, 1, 1},
    {"512-512@2 of 1", 1, 512, 512, 2, 3, 1, 1, 1},
    {"512-512@4 of 1", 1, 512, 512, 4, 3, 1, 1, 1},
    {"64-64@32 of 1", 1, 64, 64, 32, 3, 1, 1, 1},
    {"16-16@32 of 1", 1, 16, 16, 32, 3, 1, 1, 1},
    {"32-32@5", 128, 32, 32, 5, 3, 1, 1, 1},
    {"32-32@9", 128, 32, 32, 9, 3, 1, 1, 1},
    {"16-16@32/2", 128, 16, 16, 32, 3, 2, 1, 1},
    {"64-128@10/2", 32, 64, 128, 10, 3, 2, 1, 1},
    {"64-128@6/2", 128, 64, 128, 6, 3, 2, 1, 1},
    {"256-512@6/2", 32, 256, 512, 6, 3, 2, 1, 1},
    {"256-512@8/2 of 1", 1, 256, 512, 8, 3, 2, 1, 1},
    {"256-512@4/2", 32, 256, 512, 4, 3, 2, 1, 1},
    /* larger filters */
    {"3-64@224/2 7x7", 4, 3, 64, 224, 7, 2, 3, 1},
    {"1-20@28 5x5", 128, 1, 20, 28, 5, 1, 0, 1},
    {"20-50@12 5x5", 128, 20, 50, 12, 5, 1, 0, 1},
    {"96-96@32 5x5 depthwise", 32, 96, 96, 32, 5, 1, 2, 96},
};

struct options {
    const char *isa, *layer;
    bool all;  /* algorithms */
    bool bare; /* no hooks */
    enum fsn__algorithm algorithm;
    int repeat;
};

/* The buffers of one repetition. */
struct set {
    float *x, *z, *dx, *dz;
};

struct run {
    struct fsn__conv_shape shape;
    const struct fsn__kernels *kernels;
    struct set sets[MOST_SETS];
    int set_count;
    float *w, *dw, *channel; /* channel: eight vectors per channel */
    int64_t lanes;
    void *work;
};

static void *room(size_t bytes)
{
    const size_t page = 2 << 20;
    void *memory = aligned_alloc(page, (bytes + page - 1) / page * page);

    if (!memory) {
        fprintf(stderr, "bench_conv: out of memory\n");
        exit(1);
    }
    (void)madvise(memory, (bytes + page - 1) / page * page, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
    return memory;
}

static float *draw(struct fsn__rng *rng, int64_t count)
{
    float *values = room((size_t)count * sizeof *values);

    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(2 * fsn__rng_uniform(rng) - 1);
    return values;
}

static int64_t blocked(int64_t channels)
{
    return (channels + FSN__LANES - 1) / FSN__LANES * FSN__LANES;
}

static struct fsn__conv_shape layer_shape(const struct layer *l)
{
    int64_t out = (l->h + 2 * l->pad - l->side) / l->stride + 1;

    return (struct fsn__conv_shape){.n = l->n,
                                    .c = l->c,
                                    .k = l->k,
                                    .h = l->h,
                                    .w = l->h,
                                    .p = out,
                                    .q = out,
                                    .r = l->side,
                                    .s = l->side,
                                    .stride_y = l->stride,
                                    .stride_x = l->stride,
                                    .dilation_y = 1,
                                    .dilation_x = 1,
                                    .pad_top = l->pad,
                                    .pad_left = l->pad,
                                    .groups = l->groups};
}

/* Draws once and copies: lanes past the last channel are not zero, which costs the same. */
static void run_create(const struct layer *layer, const struct fsn__kernels *kernels,
                       struct run *run)
{
    struct fsn__rng rng = fsn__rng_open(1, FSN__RNG_BENCH, 0, 0);
    const struct fsn__conv_shape s = layer_shape(layer);
    int64_t in = s.n * blocked(s.c) * s.h * s.w, out = s.n * blocked(s.k) * s.p * s.q;
    double bytes = 8.0 * (double)(in + out);

    *run = (struct run){.shape = s, .kernels = kernels};
    run->set_count = (int)(rotate_bytes / bytes) + 1;
    if (run->set_count > MOST_SETS)
        run->set_count = MOST_SETS;
    for (int i = 0; i < run->set_count; i++) {
        run->sets[i].x = draw(&rng, in);
        run->sets[i].dx = draw(&rng, in);
        run->sets[i].z = draw(&rng, out);
        run->sets[i].dz = draw(&rng, out);
    }
    run->w = draw(&rng, s.k * (s.c / s.groups) * s.r * s.s);
    run->dw = draw(&rng, s.k * (s.c / s.groups) * s.r * s.s);
    run->lanes = blocked(s.c > s.k ? s.c : s.k);
    run->channel = draw(&rng, 8 * run->lanes);
    run->work = room(kernels->work(&s, 1));
}

static void run_destroy(struct run *run)
{
    for (int i = 0; i < run->set_count; i++) {
        free(run->sets[i].x);
        free(run->sets[i].dx);
        free(run->sets[i].z);
        free(run->sets[i].dz);
    }
    free(run->w);
    free(run->dw);
    free(run->channel);
    free(run->work);
}

static double cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void run_pass(const struct run *run, bool bare, int pass, const struct set *set)
{
    float *const v = run->channel;
    const int64_t step = run->lanes;
    const struct fsn__load load = {v, v + step, true};
    const struct fsn__store store = {.sum = v + 2 * step, .sum_sq = v + 3 * step};
    const struct fsn__grad_load grad = {set->z, v + 4 * step, v + 5 * step};
    const struct fsn__grad_store grad_store = {&load, set->x, v + 6 * step, v + 7 * step, false};
    const struct fsn__kernels *k = run->kernels;
    const struct fsn__conv_shape *s = &run->shape;
    const struct fsn__filters w = {fsn__filters_plain(s->k, s->c / s->groups, s->r, s->s), run->w,
                                   NULL};

    if (pass == 0)
        k->forward(s, set->x, bare ? NULL : &load, &w, set->z, bare ? NULL : &store, run->work,
                   NULL);
    else
        k->backward(s,
                    &(struct fsn__conv_back){.x = set->x,
                                             .load = bare ? NULL : &load,
                                             .w = &w,
                                             .dz = set->dz,
                                             .grad = bare ? NULL : &grad,
                                             .dx = pass == 2 ? NULL : set->dx,
                                             .store = bare ? NULL : &grad_store,
                                             .dw = pass == 1 ? NULL : run->dw},
                    run->work, NULL);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The 10th percentile. */
static double time_pass(const struct run *run, const struct options *options, int pass)
{
    double ms[MOST_REPEATS];
    const int repeat = options->repeat;

    for (int i = 0; i < repeat; i++) {
        const double start = cpu_ms();

        run_pass(run, options->bare, pass, &run->sets[i % run->set_count]);
        ms[i] = cpu_ms() - start;
    }
    qsort(ms, (size_t)repeat, sizeof *ms, by_value);
    return ms[repeat / 10];
}

static void bench(const struct layer *layer, const char *algorithm,
                  const struct fsn__kernels *kernels, const struct options *options)
{
    struct run run;
    const struct fsn__conv_shape s = layer_shape(layer);
    const double flops = 2.0 * (double)(s.n * s.k * s.c) / (double)s.groups * (double)(s.p * s.q) *
                         (double)(s.r * s.s);

    run_create(layer, kernels, &run);
    printf("%-22s %-9s %-9s", layer->name, algorithm, kernels->isa);
    for (int pass = 0; pass < PASSES; pass++) {
        const double ms = time_pass(&run, options, pass);
        const double work = pass == 3 ? 2 * flops : flops;

        printf("  %8.3f ms %6.1f GF/s", ms, work / ms * 1e-6);
        fflush(stdout);
    }
    printf("\n");
    run_destroy(&run);
}

static bool parse(int argc, char **argv, struct options *options)
{
    *options = (struct options){.all = true, .repeat = 40};
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];

        if (!value)
            return false;
        if (strcmp(name, "--isa") == 0) {
            options->isa = value;
        } else if (strcmp(name, "--layer") == 0) {
            options->layer = value;
        } else if (strcmp(name, "--repeat") == 0) {
            options->repeat = atoi(value);
            if (options->repeat < 1 || options->repeat > MOST_REPEATS)
                return false;
        } else if (strcmp(name, "--hooks") == 0) {
            options->bare = strcmp(value, "none") == 0;
            if (!options->bare && strcmp(value, "step") != 0)
                return false;
        } else if (strcmp(name, "--algorithm") == 0) {
            options->all = false;
            options->algorithm = strcmp(value, "winograd") == 0 ? FSN__WINOGRAD : FSN__DIRECT;
            if (strcmp(value, "winograd") != 0 && strcmp(value, "direct") != 0)
                return false;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum fsn__algorithm algorithm;
        bool (*takes)(const struct fsn__conv_shape *shape);
    } algorithms[] = {
        {"winograd", FSN__WINOGRAD, fsn__winograd_takes},
        {"direct", FSN__DIRECT, fsn__direct_takes},
    };
    struct fsn_error err = {0};
    struct options options;
    int level;

    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: bench_conv [--isa avx512|avx2|baseline] [--layer TEXT] "
                        "[--algorithm winograd|direct] [--repeat 1..1000] [--hooks step|none]\n");
        return 2;
    }
    if (fsn__isa_choose(options.isa, &level, &err) != FSN_OK) {
        fprintf(stderr, "bench_conv: %s\n", err.text);
        return 2;
    }
    printf("%-22s %-9s %-9s", "layer", "algorithm", "isa");
    for (int pass = 0; pass < PASSES; pass++)
        printf("  %23s", pass_names[pass]);
    printf("\n");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (size_t j = 0; j < sizeof algorithms / sizeof *algorithms; j++) {
            const struct fsn__conv_shape shape = layer_shape(&layers[i]);

            if ((options.all || options.algorithm == algorithms[j].algorithm) &&
                (!options.layer || strstr(layers[i].name, options.layer)) &&
                algorithms[j].takes(&shape))
                bench(&layers[i], algorithms[j].name,
                      fsn__kernels_at(algorithms[j].algorithm, level), &options);
        }
    return 0;
}
