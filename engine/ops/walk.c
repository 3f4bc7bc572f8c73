/* walk.c - strided walks; see walk.h for the contracts. */
#include "ops/walk.h"

#include <string.h>

void fsn__dense_strides(const struct fsn__tensor *t, int64_t *stride)
{
    int64_t step = 1;

    for (int i = t->ndim - 1; i >= 0; i--) {
        stride[i] = step;
        step *= t->dim[i];
    }
}

void fsn__broadcast_strides(const struct fsn__tensor *t, int ndim, int64_t *stride)
{
    int64_t step = 1;

    for (int i = ndim - 1; i >= 0; i--) {
        int axis = i - (ndim - t->ndim);
        int64_t dim = axis >= 0 ? t->dim[axis] : 1;

        stride[i] = dim == 1 ? 0 : step;
        step *= dim;
    }
}

struct fsn__walk fsn__walk_over(const struct fsn__tensor *t)
{
    struct fsn__walk walk = {.operands = 2, .ndim = t->ndim};

    for (int i = 0; i < t->ndim; i++)
        walk.dim[i] = t->dim[i];
    return walk;
}

void fsn__walk_swap(struct fsn__walk *walk)
{
    for (int i = 0; i < walk->ndim; i++) {
        int64_t stride = walk->stride[0][i];

        walk->stride[0][i] = walk->stride[1][i];
        walk->stride[1][i] = stride;
    }
}

/* ---- order and merging of axes -------------------------------------------------------------- */

static void copy_axis(struct fsn__walk *to, int i, const struct fsn__walk *from, int j)
{
    to->dim[i] = from->dim[j];
    for (int k = 0; k < from->operands; k++)
        to->stride[k][i] = from->stride[k][j];
}

static bool contiguous(const struct fsn__walk *w, int outer, int inner)
{
    for (int k = 0; k < w->operands; k++)
        if (w->stride[k][outer] != w->stride[k][inner] * w->dim[inner])
            return false;
    return true;
}

/* Drops axes of one element and merges neighbours that are contiguous for all. At least one axis
 * remains. */
static void merge(struct fsn__walk *w)
{
    int n = 0;

    for (int i = 0; i < w->ndim; i++) {
        if (w->dim[i] == 1)
            continue;
        copy_axis(w, n, w, i);
        if (n > 0 && contiguous(w, n - 1, n)) {
            int64_t outer = w->dim[n - 1];

            copy_axis(w, n - 1, w, n);
            w->dim[n - 1] *= outer;
        } else {
            n++;
        }
    }
    if (n == 0) {
        w->dim[0] = 1;
        for (int k = 0; k < w->operands; k++)
            w->stride[k][0] = 1;
        n = 1;
    }
    w->ndim = n;
}

/* Moves the axes along which operand 0 stands still behind the others; returns their size. */
static int64_t sums_last(struct fsn__walk *to, const struct fsn__walk *from)
{
    int64_t grain = 1;
    int n = 0;

    to->operands = from->operands;
    to->ndim = from->ndim;
    for (int i = 0; i < from->ndim; i++)
        if (from->stride[0][i] != 0)
            copy_axis(to, n++, from, i);
    for (int i = 0; i < from->ndim; i++) {
        if (from->stride[0][i] != 0)
            continue;
        grain *= from->dim[i];
        copy_axis(to, n++, from, i);
    }
    return grain;
}

/* ---- the walk itself ------------------------------------------------------------------------ */

struct walk_task {
    struct fsn__walk walk;
    int64_t total, grain; /* threads share whole grains */
    fsn__walk_run *run;
    void *arg;
};

static void walk_part(const struct walk_task *task, int64_t begin, int64_t end)
{
    const struct fsn__walk *w = &task->walk;
    int last = w->ndim - 1;
    int64_t at[FSN_MAX_DIMS], offset[FSN__WALK_MAX] = {0}, stride[FSN__WALK_MAX] = {0};
    int64_t rest = begin;

    for (int i = last; i >= 0; i--) {
        at[i] = rest % w->dim[i];
        rest /= w->dim[i];
    }
    for (int k = 0; k < w->operands; k++) {
        stride[k] = w->stride[k][last];
        for (int i = 0; i <= last; i++)
            offset[k] += at[i] * w->stride[k][i];
    }
    while (begin < end) {
        int64_t n = w->dim[last] - at[last];

        if (n > end - begin)
            n = end - begin;
        task->run(task->arg, offset, stride, n);
        begin += n;
        at[last] += n;
        for (int k = 0; k < w->operands; k++)
            offset[k] += n * stride[k];
        for (int i = last; i > 0 && at[i] == w->dim[i]; i--) {
            at[i] = 0;
            at[i - 1]++;
            for (int k = 0; k < w->operands; k++)
                offset[k] += w->stride[k][i - 1] - w->dim[i] * w->stride[k][i];
        }
    }
}

static void walk_thread(void *arg, int thread, int threads)
{
    const struct walk_task *task = arg;
    int64_t begin, end;

    fsn__share(task->total / task->grain, thread, threads, &begin, &end);
    if (begin < end)
        walk_part(task, begin * task->grain, end * task->grain);
}

static void walk_all(struct fsn__pool *pool, struct walk_task *task)
{
    task->total = 1;
    for (int i = 0; i < task->walk.ndim; i++)
        task->total *= task->walk.dim[i];
    if (task->total == 0)
        return;
    merge(&task->walk);
    fsn__pool_run(task->total < FSN__SERIAL_BELOW ? NULL : pool, walk_thread, task);
}

void fsn__walk_each(struct fsn__pool *pool, const struct fsn__walk *walk, fsn__walk_run *run,
                    void *arg)
{
    struct walk_task task = {.walk = *walk, .grain = 1, .run = run, .arg = arg};

    walk_all(pool, &task);
}

void fsn__walk_sum(struct fsn__pool *pool, const struct fsn__walk *walk, fsn__walk_run *run,
                   void *arg)
{
    struct walk_task task = {.run = run, .arg = arg};

    task.grain = sums_last(&task.walk, walk);
    walk_all(pool, &task);
}

/* ---- copying and adding --------------------------------------------------------------------- */

struct transfer {
    char *to;
    const char *from;
    size_t bytes;
};

/* A copy of constant size compiles to one load and one store, whatever the type behind it. */
#define COPY_ELEMENTS(size)         \
    for (int64_t i = 0; i < n; i++) \
    memcpy(to + i * stride[0] * (size), from + i * stride[1] * (size), (size))

static void copy_run(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct transfer *t = arg;
    char *to = t->to + offset[0] * (int64_t)t->bytes;
    const char *from = t->from + offset[1] * (int64_t)t->bytes;

    if (stride[0] == 1 && stride[1] == 1)
        memcpy(to, from, (size_t)n * t->bytes);
    else if (t->bytes == 1)
        COPY_ELEMENTS(1);
    else if (t->bytes == 2)
        COPY_ELEMENTS(2);
    else if (t->bytes == 4)
        COPY_ELEMENTS(4);
    else
        COPY_ELEMENTS(8);
}

void fsn__copy_strided(struct fsn__pool *pool, const struct fsn__walk *walk, size_t bytes, void *to,
                       const void *from)
{
    struct transfer transfer = {to, from, bytes};

    fsn__walk_each(pool, walk, copy_run, &transfer);
}

static void add_run(void *arg, const int64_t *offset, const int64_t *stride, int64_t n)
{
    const struct transfer *t = arg;
    float *to = (float *)(void *)t->to + offset[0];
    const float *from = (const float *)(const void *)t->from + offset[1];
    double sum = 0;

    if (stride[0] == 0) {
        for (int64_t i = 0; i < n; i++)
            sum += (double)from[i * stride[1]];
        *to += (float)sum;
    } else if (stride[0] == 1 && stride[1] == 1) {
        for (int64_t i = 0; i < n; i++)
            to[i] += from[i];
    } else {
        for (int64_t i = 0; i < n; i++)
            to[i * stride[0]] += from[i * stride[1]];
    }
}

void fsn__add_strided(struct fsn__pool *pool, const struct fsn__walk *walk, float *to,
                      const float *from)
{
    struct transfer transfer = {(char *)to, (const char *)from, sizeof(float)};

    fsn__walk_sum(pool, walk, add_run, &transfer);
}

static struct fsn__walk dense_walk(int64_t n)
{
    struct fsn__walk walk = {.operands = 2, .ndim = 1, .dim = {n}, .stride = {{1}, {1}}};

    return walk;
}

void fsn__copy_dense(struct fsn__pool *pool, int64_t n, size_t bytes, void *to, const void *from)
{
    struct fsn__walk walk = dense_walk(n);

    if (to != from)
        fsn__copy_strided(pool, &walk, bytes, to, from);
}

void fsn__add_dense(struct fsn__pool *pool, int64_t n, float *to, const float *from)
{
    struct fsn__walk walk = dense_walk(n);

    fsn__add_strided(pool, &walk, to, from);
}
