/* objective.c - which objective a job has. */
#include "train/objective.h"
#include "train/task.h"

enum fsn_status fsn__objective_create(const struct fsn__train_job *job, int64_t batch,
                                      int64_t steps, struct fsn__objective **out,
                                      struct fsn_error *err)
{
    const struct fsn__exec_options options = {.batch = batch,
                                              .training = true,
                                              .pool = job->pool,
                                              .seed = job->spec->seed,
                                              .bf16 = job->spec->finetune.precision ==
                                                      FSN_PRECISION_MIXED};
    static const struct fsn__objective_kind *const kinds[] = {
        [FSN__TASK_CLASSIFY] = &fsn__classify,
        [FSN__TASK_DETECT] = &fsn__detect_objects,
        [FSN__TASK_DISTILL] = &fsn__distill_outputs,
        [FSN__TASK_SEGMENT] = &fsn__segment_pixels,
    };
    const enum fsn__task task = fsn__task_of(job->data, job->spec);
    /* masks are learned where there is no teacher to follow */
    const bool masks = task == FSN__TASK_DISTILL && !job->teacher && job->data->segmentation;
    const struct fsn__objective_kind *kind = kinds[masks ? FSN__TASK_SEGMENT : task];

    return kind->create(job, &options, steps, out, err);
}

void fsn__objective_destroy(struct fsn__objective *objective)
{
    if (objective)
        objective->kind->destroy(objective);
}
