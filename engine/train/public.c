/* public.c - fsn_evaluate, fsn_evaluate_detector, fsn_evaluate_segmenter and fsn_train: the trainer
 * for users of the public header. */
#include "train/detector.h"
#include "train/train.h"

#include <stdlib.h>

/* The file is judged as it was loaded: folding batch norm first would be faster by little and
 * change the last bits. */
enum fsn_status fsn_evaluate(const struct fsn_model *model, const struct fsn_dataset *data,
                             enum fsn_split split, const struct fsn_spec *spec,
                             fsn_progress_fn *progress, void *user, struct fsn_eval *out,
                             struct fsn_error *err)
{
    struct fsn__pool *pool = NULL;
    enum fsn_status status = fsn__pool_create(spec->threads, &pool, err);

    if (status == FSN_OK)
        status = fsn__evaluate(model->graph, data, split, spec, pool, FSN_STAGE_VERIFY, 0, 1,
                               progress, user, out, err);
    fsn__pool_destroy(pool);
    return status;
}

enum fsn_status fsn_evaluate_detector(const struct fsn_model *model, const struct fsn_dataset *data,
                                      enum fsn_split split, const struct fsn_spec *spec,
                                      fsn_progress_fn *progress, void *user,
                                      struct fsn_detection_eval *out, struct fsn_error *err)
{
    const struct fsn__meter meter = {
        .progress = progress, .user = user, .stage = FSN_STAGE_VERIFY, .from = 0, .to = 1};
    struct fsn__pool *pool = NULL;
    struct fsn_spec bound = *spec;
    enum fsn_status status = fsn__pool_create(spec->threads, &pool, err);

    fsn__detector_bind_boxes(model, &bound.detection.default_boxes);
    if (status == FSN_OK)
        status = fsn__evaluate_detector(model->graph, data, split, &bound, pool, &meter, out, err);
    fsn__pool_destroy(pool);
    return status;
}

enum fsn_status fsn_evaluate_segmenter(const struct fsn_model *model,
                                       const struct fsn_dataset *data, enum fsn_split split,
                                       const struct fsn_spec *spec, fsn_progress_fn *progress,
                                       void *user, struct fsn_segmentation_eval *out,
                                       struct fsn_error *err)
{
    const struct fsn__meter meter = {
        .progress = progress, .user = user, .stage = FSN_STAGE_VERIFY, .from = 0, .to = 1};
    struct fsn__pool *pool = NULL;
    enum fsn_status status = fsn__pool_create(spec->threads, &pool, err);

    if (status == FSN_OK)
        status = fsn__evaluate_segmenter(model->graph, data, split, spec, pool, &meter, out, err);
    fsn__pool_destroy(pool);
    return status;
}

enum fsn_status fsn_train(struct fsn_model *model, const struct fsn_dataset *data,
                          const struct fsn_spec *spec, const char *checkpoint_path,
                          fsn_progress_fn *progress, void *user, struct fsn_error *err)
{
    struct fsn__curve curve = {0};
    struct fsn_spec bound = *spec;
    struct fsn__train_job job = {
        .student = model->graph,
        .data = data,
        .spec = &bound,
        .checkpoint_path = checkpoint_path,
        .fraction_from = 0,
        .fraction_to = 1,
        .progress = progress,
        .user = user,
    };
    enum fsn_status status = fsn__pool_create(spec->threads, &job.pool, err);

    fsn__detector_bind_boxes(model, &bound.detection.default_boxes);
    if (status == FSN_OK) {
        fsn__graph_mark_trainable(model->graph);
        status = fsn__train_run(&job, &curve, err);
    }
    free(curve.rows);
    fsn__pool_destroy(job.pool);
    return status;
}
