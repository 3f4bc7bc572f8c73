/* toy_run.c - see toy_run.h. */
#include "toy_run.h"

#include "core/pool.h"
#include "fs/fs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

bool toy_progress(const struct fsn_progress *now, void *user)
{
    struct toy_watch *watch = user;

    if (watch->calls++ == 0)
        watch->first = *now;
    watch->fell_back |= now->fraction < watch->fraction;
    watch->fraction = now->fraction;
    watch->rows += now->epoch_row != NULL;
    watch->last = *now;
    return !(now->epoch == watch->stop_epoch && now->step == watch->stop_step);
}

int toy_setup(void **state)
{
    struct toy_run *f = calloc(1, sizeof *f);

    *state = f;
    temp_dir_create(&f->folder);
    snprintf(f->checkpoint, sizeof f->checkpoint, "%s", temp_dir_path(&f->folder, "checkpoint"));
    f->cores = fsn__cores_of_process();
    f->data = toy_dataset(TOY_IMAGES, 60, 5);
    fsn_spec_defaults(&f->spec);
    f->spec.seed = 42;
    f->spec.finetune.epochs = TOY_EPOCHS;
    f->spec.finetune.batch_size = TOY_BATCH;
    f->spec.finetune.lr = 0.1;
    f->spec.finetune.warmup_steps = 4;
    f->spec.finetune.crop_padding = 1;
    f->spec.finetune.flip = true;
    return 0;
}

int toy_teardown(void **state)
{
    struct toy_run *f = *state;

    temp_dir_remove(&f->folder);
    fsn_dataset_destroy(f->data);
    fsn_spec_clear(&f->spec);
    free(f);
    return 0;
}

struct toy_result toy_train_graph(struct toy_run *f, struct fsn__graph *student,
                                  struct fsn__graph *teacher, int threads, const char *checkpoint)
{
    struct toy_result result = {.student = student};
    struct fsn__train_job job = {.student = student,
                                 .teacher = teacher,
                                 .data = f->data,
                                 .spec = &f->spec,
                                 .share = fsn__fs_sharing(student),
                                 .checkpoint_path = checkpoint,
                                 .logits_path = f->logits,
                                 .logits_key = 7,
                                 .fraction_from = 0.25,
                                 .fraction_to = 0.75,
                                 .progress = toy_progress,
                                 .user = &f->watch};

    assert_int_equal(fsn__pool_create_on(f->cores, threads, &job.pool, NULL), FSN_OK);
    result.status = fsn__train_run(&job, &result.curve, &result.err);
    fsn__pool_destroy(job.pool);
    return result;
}

struct toy_result toy_train(struct toy_run *f, int threads, const char *checkpoint)
{
    return toy_train_graph(f, toy_network(1), NULL, threads, checkpoint);
}

void toy_clear(struct toy_result *result)
{
    fsn__graph_destroy(result->student);
    free(result->curve.rows);
}

bool toy_same_state(const struct fsn__graph *a, const struct fsn__graph *b)
{
    assert_int_equal(a->value_count, b->value_count);
    for (int i = 0; i < a->value_count; i++)
        if (a->values[i].tensor.data && memcmp(a->values[i].tensor.data, b->values[i].tensor.data,
                                               fsn__tensor_bytes(&a->values[i].tensor)) != 0)
            return false;
    return true;
}

static void assert_same_number(double a, double b)
{
    assert_true(a == b || (isnan(a) && isnan(b)));
}

void toy_assert_same_curve(const struct fsn__curve *a, const struct fsn__curve *b)
{
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        assert_int_equal(a->rows[i].epoch, i + 1);
        assert_int_equal(b->rows[i].epoch, i + 1);
        assert_true(a->rows[i].lr == b->rows[i].lr);
        assert_true(a->rows[i].train_loss == b->rows[i].train_loss);
        assert_same_number(a->rows[i].train_top1, b->rows[i].train_top1);
        assert_same_number(a->rows[i].teacher_top1, b->rows[i].teacher_top1);
        assert_same_number(a->rows[i].held_top1, b->rows[i].held_top1);
        assert_same_number(a->rows[i].held_loss, b->rows[i].held_loss);
        assert_same_number(a->rows[i].matched, b->rows[i].matched);
    }
}

void toy_assert_says(const struct toy_result *result, enum fsn_status status, const char *text)
{
    assert_int_equal(result->status, status);
    assert_int_equal(result->err.status, status);
    if (!strstr(result->err.text, text))
        fail_msg("'%s' does not say '%s'", result->err.text, text);
}

double toy_top1(struct toy_run *f, struct fsn__graph *graph)
{
    struct fsn_eval eval = {0};

    assert_int_equal(fsn__evaluate(graph, f->data, FSN_SPLIT_TEST, &f->spec, NULL, FSN_STAGE_VERIFY,
                                   0, 1, NULL, NULL, &eval, NULL),
                     FSN_OK);
    return eval.top1;
}
