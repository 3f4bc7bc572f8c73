/* task.h - what a network is to do, made definite. */
#ifndef FSN_TRAIN_TASK_H
#define FSN_TRAIN_TASK_H

#include "data/dataset.h"

enum fsn__task {
    FSN__TASK_CLASSIFY,
    FSN__TASK_DETECT,
    FSN__TASK_DISTILL,
    /* Classes of pixels: learned from masks without a teacher, and measured where a network is
     * distilled on masks. No job has it as its task. */
    FSN__TASK_SEGMENT
};

/* The spec's task, or (auto) the one that a data set with boxes, with classes of images, or with
 * neither asks for. */
static inline enum fsn__task fsn__task_for(enum fsn_task task, bool boxes, bool classes)
{
    switch (task) {
    case FSN_TASK_CLASSIFY:
        return FSN__TASK_CLASSIFY;
    case FSN_TASK_DETECT:
        return FSN__TASK_DETECT;
    case FSN_TASK_DISTILL:
        return FSN__TASK_DISTILL;
    case FSN_TASK_AUTO:
        break;
    }
    return boxes ? FSN__TASK_DETECT : classes ? FSN__TASK_CLASSIFY : FSN__TASK_DISTILL;
}

static inline enum fsn__task fsn__task_of(const struct fsn_dataset *data,
                                          const struct fsn_spec *spec)
{
    return fsn__task_for(spec->task, data->detection, data->classes > 0 && !data->segmentation);
}

/* "classify", "detect" or "distill"; static. */
static inline const char *fsn__task_name(enum fsn__task task)
{
    return task == FSN__TASK_DETECT ? "detect" : task == FSN__TASK_DISTILL ? "distill" : "classify";
}

#endif
