/* test_step_memory.c - a training step allocates nothing: this program counts every allocation that
 * is made between the reports of two steps. (Under a sanitizer, which brings its own allocator,
 * there is nothing to count and the test is skipped.) */
#include "toy_detector.h"
#include "toy_task.h"
#include "train/train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <cmocka.h>

static atomic_long allocations;

#if defined(__SANITIZE_ADDRESS__) /* gcc */
#define SANITIZED
#elif defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#ifndef SANITIZED
/* glibc's own entry points; defining malloc in a program replaces the library's. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    allocations++;
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    allocations++;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}
#endif

struct watch {
    long before; /* allocations when the last step was reported */
    long within; /* made in steps after an epoch's first */
    int steps;
    int from; /* epoch whose steps are the first to count */
};

static bool watch_progress(const struct fsn_progress *now, void *user)
{
    struct watch *watch = user;

    if (now->step > 1 && now->epoch >= watch->from) {
        watch->within += allocations - watch->before;
        watch->steps++;
    }
    watch->before = allocations;
    return true;
}

/* What is trained; all of it is freed by check_steps. */
struct task {
    struct fsn_dataset *data;
    struct fsn__graph *student, *teacher;
};

static void check_steps(struct task task, void (*set)(struct fsn_spec *spec), int from, int steps)
{
#ifdef SANITIZED
    (void)set;
    (void)from;
    (void)steps;
    (void)watch_progress;
    fsn__graph_destroy(task.student);
    fsn__graph_destroy(task.teacher);
    fsn_dataset_destroy(task.data);
    print_message("skipped: the sanitizer's allocator is in use\n");
    skip();
#else
    struct watch watch = {.from = from};
    struct fsn_spec spec;
    struct fsn__curve curve = {0};
    struct fsn__train_job job = {.student = task.student,
                                 .teacher = task.teacher,
                                 .data = task.data,
                                 .spec = &spec,
                                 .fraction_to = 1,
                                 .progress = watch_progress,
                                 .user = &watch};

    assert_true(allocations > 0); /* the counter is in place */
    fsn_spec_defaults(&spec);
    spec.finetune.epochs = 2;
    spec.finetune.batch_size = 8;
    set(&spec);
    assert_int_equal(fsn__pool_create(2, &job.pool, NULL), FSN_OK);
    assert_int_equal(fsn__train_run(&job, &curve, NULL), FSN_OK);
    assert_int_equal(watch.steps, steps);
    assert_int_equal(watch.within, 0);
    free(curve.rows);
    fsn_spec_clear(&spec);
    fsn__pool_destroy(job.pool);
    fsn__graph_destroy(task.student);
    fsn__graph_destroy(task.teacher);
    fsn_dataset_destroy(task.data);
#endif
}

static struct task toy_task(void)
{
    return (struct task){toy_dataset(64, 8, 5), toy_network(1), toy_network(2)};
}

static void nothing(struct fsn_spec *spec)
{
    (void)spec;
}

/* All but images held back, whose evaluation makes an executor at the end of an epoch. */
static void everything(struct fsn_spec *spec)
{
    spec->finetune.ema = 0.9;
    spec->finetune.mixup = 0.4;
    spec->finetune.label_smoothing = 0.1;
    spec->finetune.cutout = true;
    spec->finetune.clip_norm = 0.5;
    spec->finetune.distill.feature = 0.5;
}

static void steps_of_student_and_teacher_allocate_nothing(void **state)
{
    (void)state;
    check_steps(toy_task(), nothing, 1, 14 + 50); /* and 50 passes that measure statistics */
}

static void steps_with_every_setting_allocate_nothing(void **state)
{
    (void)state;
    check_steps(toy_task(), everything, 1, 14 + 50);
}

static void average_and_clip(struct fsn_spec *spec)
{
    spec->finetune.ema = 0.9;
    spec->finetune.clip_norm = 0.5;
}

/* In the first epoch pictures are decoded, which are kept then. */
static void steps_of_detectors_allocate_nothing(void **state)
{
    (void)state;
    check_steps((struct task){toy_boxes(24, 1, 5), toy_ssd_lite(1), toy_ssd_lite(2)},
                average_and_clip, 2, 2 + 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_student_and_teacher_allocate_nothing),
        cmocka_unit_test(steps_with_every_setting_allocate_nothing),
        cmocka_unit_test(steps_of_detectors_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
