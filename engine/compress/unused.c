/* unused.c - settings that a data set's kind has no use for: refused, rather than left unheeded.
 *
 * A spec does not say what was stated and what is a default, so what is refused is what differs
 * from the default. preprocess.crop is in order with boxes and masks: none is what is done with
 * them. */
#include "compress/compress.h"
#include "train/task.h"

#include <string.h>

static const char for_classifiers[] =
    "is for classifiers; the data set has boxes, and detectors are trained "
    "with SSD's own augmentation and loss";

/* detection.*, of a data set without boxes. */
static void refuse_detection(const struct fsn_spec *spec, const struct fsn_dataset_info *data,
                             struct fsn_faults *faults)
{
    struct fsn_spec usual;

    fsn_spec_defaults(&usual);
    const struct {
        const char *pointer;
        bool stated;
    } settings[] = {
        {"/detection/locations", spec->detection.locations},
        {"/detection/confidences", spec->detection.confidences},
        {"/detection/default_boxes", spec->detection.default_boxes.kind != FSN_BOXES_AUTO},
        {"/detection/score", spec->detection.score != usual.detection.score},
        {"/detection/iou", spec->detection.iou != usual.detection.iou},
        {"/detection/candidates", spec->detection.candidates != usual.detection.candidates},
        {"/detection/keep", spec->detection.keep != usual.detection.keep},
    };

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (settings[i].stated)
            fsn__fault(faults, settings[i].pointer,
                       "is for detectors; the data set has no boxes (%s)", data->format);
}

/* What is only for training a classifier, where a detector is trained. */
static void refuse_training(const struct fsn_spec *spec, struct fsn_faults *faults)
{
    struct fsn_spec usual;

    fsn_spec_defaults(&usual);
    if (spec->finetune.mixup > 0)
        fsn__fault(faults, "/finetune/mixup", "%s", for_classifiers);
    if (spec->finetune.label_smoothing > 0)
        fsn__fault(faults, "/finetune/label_smoothing", "%s", for_classifiers);
    if (spec->finetune.cutout)
        fsn__fault(faults, "/finetune/augment", "cutout %s", for_classifiers);
    if (spec->finetune.crop_padding > 0 &&
        spec->finetune.crop_padding != usual.finetune.crop_padding)
        fsn__fault(faults, "/finetune/crop_padding", "%s", for_classifiers);
    if (spec->finetune.distill.feature > 0)
        fsn__fault(faults, "/finetune/distill/feature", "%s", for_classifiers);
}

void fsn_unused_settings(const struct fsn_dataset_info *data, const struct fsn_spec *spec,
                         bool training, struct fsn_faults *faults)
{
    const bool detect = fsn__task_for(spec->task, data->detection,
                                      data->classes > 0 && !data->segmentation) == FSN__TASK_DETECT;

    if (!data->detection) {
        refuse_detection(spec, data, faults);
    } else if (detect) {
        if (spec->output)
            fsn__fault(faults, "/output",
                       "%s: a detector's are detection.locations and confidences", for_classifiers);
        if (training)
            refuse_training(spec, faults);
    }
    if (spec->preprocess.resize > 0 && ((data->detection && detect) || data->segmentation))
        fsn__fault(faults, "/preprocess/resize",
                   "is for classifiers; the data set has %s, and its images are brought to the "
                   "model's input as a whole",
                   data->detection ? "boxes" : "masks");
}
