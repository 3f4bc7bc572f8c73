/* objective.c - which objective a job has. */
#include "train/objective.h"

enum fsn_status fsn__objective_create(const struct fsn__train_job *job, int64_t batch,
                                      int64_t steps, struct fsn__objective **out,
                                      struct fsn_error *err)
{
    const struct fsn__exec_options options = {
        .batch = batch, .training = true, .pool = job->pool, .seed = job->spec->seed};

    const struct fsn__objective_kind *kind =
        job->data->detection ? &fsn__detect_objects : &fsn__classify;

    return kind->create(job, &options, steps, out, err);
}

void fsn__objective_destroy(struct fsn__objective *objective)
{
    if (objective)
        objective->kind->destroy(objective);
}
