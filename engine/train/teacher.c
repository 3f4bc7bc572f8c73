/* teacher.c - see teacher.h. */
#include "train/teacher.h"

#include <stdlib.h>
#include <string.h>

static enum fsn_status open_store(const struct fsn__train_job *job, int64_t steps,
                                  struct fsn__teacher *t, struct fsn_error *err)
{
    const int64_t numbers = t->net.batch * t->net.classes;
    enum fsn_status status =
        fsn__logit_store_open(job->logits_path, job->logits_key, steps, numbers, &t->store, err);

    if (status != FSN_OK || !t->store)
        return status;
    t->kept = calloc((size_t)numbers, sizeof *t->kept);
    t->logits = t->kept;
    return t->kept ? FSN_OK : FSN__NOMEM(err);
}

enum fsn_status fsn__teacher_create(const struct fsn__train_job *job,
                                    const struct fsn__exec_options *options,
                                    const struct fsn__classifier *student, const int *features,
                                    int count, int64_t steps, struct fsn__teacher *out,
                                    struct fsn_error *err)
{
    struct fsn__exec_options inference = *options;
    enum fsn_status status;

    inference.training = false;
    status = fsn__classifier_create_with(job->teacher, "teacher", job->data, job->spec->output,
                                         &inference, features, count, &out->net, err);
    if (status != FSN_OK)
        return status;
    if (out->net.classes != student->classes || out->net.batch != student->batch)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "teacher: gives %lld x %lld logits, the student %lld x %lld",
                         (long long)out->net.batch, (long long)out->net.classes,
                         (long long)student->batch, (long long)student->classes);
    out->logits = out->net.logits;
    return job->logits_path && count == 0 ? open_store(job, steps, out, err) : FSN_OK;
}

void fsn__teacher_clear(struct fsn__teacher *teacher)
{
    fsn__classifier_clear(&teacher->net);
    fsn__logit_store_close(teacher->store);
    free(teacher->kept);
    *teacher = (struct fsn__teacher){0};
}

enum fsn_status fsn__teacher_ask(struct fsn__teacher *teacher,
                                 const struct fsn__classifier *student, int64_t step,
                                 struct fsn_error *err)
{
    struct fsn__classifier *net = &teacher->net;
    enum fsn_status status;

    if (teacher->store && fsn__logit_store_get(teacher->store, step, teacher->kept))
        return FSN_OK;
    memcpy(net->images, student->images, student->image_bytes);
    status = fsn__classifier_forward(net, (uint64_t)step, err);
    if (status == FSN_OK && teacher->store) {
        memcpy(teacher->kept, net->logits,
               (size_t)(net->batch * net->classes) * sizeof *teacher->kept);
        fsn__logit_store_put(teacher->store, step, teacher->kept);
    }
    return status;
}
