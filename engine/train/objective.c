/* objective.c - which objective a job has. */
#include "train/objective.h"
#include "train/task.h"

enum fsn_status fsn__objective_create(const struct fsn__train_job *job, int64_t batch,
                                      int64_t steps, struct fsn__objective **out,
                                      struct fsn_error *err)
{
    const struct fsn__exec_options options = {
        .batch = batch, .training = true, .pool = job->pool, .seed = job->spec->seed};

    static const struct fsn__objective_kind *const kinds[] = {
        [FSN__TASK_CLASSIFY] = &fsn__classify,
        [FSN__TASK_DETECT] = &fsn__detect_objects,
        [FSN__TASK_DISTILL] = &fsn__distill_outputs,
    };
    const struct fsn__objective_kind *kind = kinds[fsn__task_of(job->data, job->spec)];

    return kind->create(job, &options, steps, out, err);
}

void fsn__objective_destroy(struct fsn__objective *objective)
{
    if (objective)
        objective->kind->destroy(objective);
}
