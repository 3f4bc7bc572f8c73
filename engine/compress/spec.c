/*
 * spec.c - the settings of a job: one table, and the defaults that stand in it.
 *
 * A row says where a setting is in the JSON spec and in struct fsn_spec, what it may be and what it
 * is when nobody says. spec_read.c and spec_write.c go by this table, the command line makes its
 * flags and its help from it, and a test holds it against the documentation.
 *
 * The defaults are the recipe that keeps most of the accuracy per epoch when a trained CIFAR-10
 * ResNet is compressed by 4: SGD with Nesterov momentum, a peak rate of 0.1 reached in 200 steps
 * and lowered along a cosine, nine tenths of the loss from the teacher at temperature 4, and the
 * pad-4-crop and flip augmentation such networks are trained with.
 */
#include "compress/compress.h"
#include "compress/spec_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct fsn_spec, member)

static const struct fsn_spec_field fields[] = {
    {"/task", FSN_FIELD_CHOICE, AT(task), FSN_TASK_AUTO, FSN_TASK_DISTILL, false, FSN_TASK_AUTO,
     "auto|classify|detect|distill",
     "what the model does; auto: what the data set has labels for; distill: its outputs follow the "
     "baseline's on any images"},
    {"/distill_outputs", FSN_FIELD_OUTPUTS, AT(distill_outputs), 0, 0, false, 0,
     "auto|mse|cosine|kl",
     "task distill: outputs that follow the baseline's, as an array of names, or of objects of "
     "name, "
     "loss (auto, mse, cosine or kl) and weight (default: all of floats; auto: kl where it ends in "
     "a "
     "Softmax, else mse)"},
    {"/output", FSN_FIELD_NAME, AT(output), 0, 0, false, 0, NULL,
     "the model's output with the class scores, by name (default: the only one, or the first that "
     "fits the classes)"},

    {"/detection/locations", FSN_FIELD_NAME, AT(detection.locations), 0, 0, false, 0, NULL,
     "a detector's output of offsets from its default boxes, [N,P,4], by name (default: the one of "
     "this shape)"},
    {"/detection/confidences", FSN_FIELD_NAME, AT(detection.confidences), 0, 0, false, 0, NULL,
     "a detector's output of class scores, [N,P,classes + 1], the background first, by name "
     "(default: the one of this shape)"},
    {"/detection/default_boxes", FSN_FIELD_BOXES, AT(detection.default_boxes), 0, 0, false, 0,
     "auto|ssd300|ssd-lite",
     "what locations are relative to: a rule by name, or an object of maps, clip and variances, or "
     "of tensors of the model; auto: the one that has as many boxes as the network"},
    {"/detection/score", FSN_FIELD_NUMBER, AT(detection.score), 0, 1, false, 0.01, NULL,
     "detections of a higher score count"},
    {"/detection/iou", FSN_FIELD_NUMBER, AT(detection.iou), 0, 1, false, 0.45, NULL,
     "a detection whose overlap with a better one of its class is larger goes"},
    {"/detection/candidates", FSN_FIELD_INT, AT(detection.candidates), 0, 1000000, false, 200, NULL,
     "boxes of each class that are looked at, the best; 0: all"},
    {"/detection/keep", FSN_FIELD_INT, AT(detection.keep), 0, 1000000, false, 200, NULL,
     "detections of an image that are kept, the best; 0: all"},

    {"/preprocess/mean", FSN_FIELD_CHANNELS, AT(preprocess.mean), -1000, 1000, false, 0, NULL,
     "mean of each channel, of pixels in the range of scale (default: 0)"},
    {"/preprocess/std", FSN_FIELD_CHANNELS, AT(preprocess.std), 1e-6, 1000, false, 1, NULL,
     "standard deviation of each channel, of pixels in the range of scale (default: 1)"},
    {"/preprocess/scale", FSN_FIELD_CHOICE, AT(preprocess.scale), FSN_SCALE_UNIT, FSN_SCALE_BYTE,
     false, FSN_SCALE_UNIT, "0..1|0..255", "range of the pixels that mean and std apply to"},
    {"/preprocess/resize", FSN_FIELD_INT, AT(preprocess.resize), 8, 2048, true, 0, NULL,
     "photographs: shorter side before the crop; 0: the model's input over 0.875 from 112 pixels "
     "on, else the input"},
    {"/preprocess/crop", FSN_FIELD_CHOICE, AT(preprocess.crop), FSN_CROP_CENTER, FSN_CROP_NONE,
     false, FSN_CROP_CENTER, "center|none",
     "photographs: cut out the centre, or resize both sides to the model's input"},

    {"/filter_summary/layout", FSN_FIELD_CHOICE, AT(filter_summary.layout), FSN_LAYOUT_1D,
     FSN_LAYOUT_LEARNED, false, FSN_LAYOUT_1D, "1d|3d|learned",
     "how filters overlap: segments of a vector, blocks of a box, or segments that training moves, "
     "without gain in short runs"},
    {"/filter_summary/ratio", FSN_FIELD_NUMBER, AT(filter_summary.ratio), 1.01, 10000, false, 4,
     NULL, "a layer's weights over its Filter Summary"},
    {"/filter_summary/ratio_1x1", FSN_FIELD_NUMBER, AT(filter_summary.ratio_1x1), 1.01, 10000, true,
     0, NULL, "the same for 1x1 convolutions; 0: ratio"},
    {"/filter_summary/spacing", FSN_FIELD_CHOICE, AT(filter_summary.spacing), FSN_SPACING_EVEN,
     FSN_SPACING_REFERENCE, false, FSN_SPACING_EVEN, "even|reference",
     "where filters start in layout 1d, and before training in layout learned"},
    {"/filter_summary/start", FSN_FIELD_CHOICE, AT(filter_summary.start), FSN_START_RANDOM,
     FSN_START_ACTIVATIONS, false, FSN_START_ASSIGNED, "random|least_squares|assigned|activations",
     "what training starts from: noise, the fit to the weights in order, to the weights put where "
     "they agree best, or to what the layers write on images"},
    {"/filter_summary/exclude", FSN_FIELD_NAMES, AT(filter_summary.exclude), 0, 0, false, 0, NULL,
     "convolutions that stay as they are, by node name (default: none)"},

    {"/budget/size_bytes", FSN_FIELD_INT, AT(budget.size_bytes), 256, 2147483647, true, 0, NULL,
     "model.onnx has at most so many bytes, and as many as it may, instead of "
     "filter_summary.ratio; 0: "
     "the ratio says"},
    {"/budget/parameters", FSN_FIELD_INT, AT(budget.parameters), 1, 2147483647, true, 0, NULL,
     "the same for the count of parameters"},
    {"/budget/max_accuracy_drop", FSN_FIELD_NUMBER, AT(budget.max_accuracy_drop), 0.01, 100, true,
     0, NULL,
     "points that may be lost of what the job is judged by (top-1, mAP@.5, mean IoU, or how much "
     "of the baseline's outputs is there): the smallest file that holds it is searched for, "
     "beginning at filter_summary.ratio; 0: no search"},
    {"/budget/search_seconds", FSN_FIELD_INT, AT(budget.search_seconds), 1, 31536000, false, 10800,
     NULL, "time for that search: no file is begun that would probably not be done within it"},
    {"/budget/search_candidates", FSN_FIELD_INT, AT(budget.search_candidates), 1,
     FSN_MAX_CANDIDATES, false, 6, NULL, "files that it makes at most"},
    {"/budget/distribution", FSN_FIELD_CHOICE, AT(budget.distribution), FSN_DISTRIBUTION_EVEN,
     FSN_DISTRIBUTION_SENSITIVITY, false, FSN_DISTRIBUTION_SENSITIVITY, "even|sensitivity",
     "how layers share it: one ratio for all, or more for those whose compression was measured to "
     "cost "
     "more"},

    {"/sweep/size_bytes", FSN_FIELD_WHOLES, AT(sweep.size_bytes), 256, 2147483647, false, 0, NULL,
     "several files from one baseline, for each of these sizes (default: none)"},
    {"/sweep/ratio", FSN_FIELD_NUMBERS, AT(sweep.ratio), 1.01, 10000, false, 0, NULL,
     "the same for each of these ratios (default: none)"},
    {"/sweep/bits", FSN_FIELD_WHOLES, AT(sweep.bits), 1, 32, false, 0, "1|2|3|4|6|8|32",
     "the same for each of these widths of a stored value, at one ratio or budget (default: none)"},

    {"/finetune/epochs", FSN_FIELD_INT, AT(finetune.epochs), 0, 10000, false, 8, NULL,
     "passes over the training images; 0: only fit"},
    {"/finetune/batch_size", FSN_FIELD_INT, AT(finetune.batch_size), 1, 65536, false, 128, NULL,
     "images in a step"},
    {"/finetune/lr", FSN_FIELD_NUMBER, AT(finetune.lr), 1e-8, 100, false, 0.01, NULL,
     "peak learning rate"},
    {"/finetune/sharing", FSN_FIELD_NUMBER, AT(finetune.sharing), 0, 1, false, 0.25, NULL,
     "share of the epochs over which filters turn from the baseline's own into those of the Filter "
     "Summary; 0: at once"},
    {"/finetune/location_lr", FSN_FIELD_NUMBER, AT(finetune.location_lr), 0, 1e6, false, 1, NULL,
     "layout learned: the learning rate of filters' locations, over lr"},
    {"/finetune/rounding", FSN_FIELD_NUMBER, AT(finetune.rounding), 0, 0.95, false, 0.7, NULL,
     "layout learned: share of the epochs after which locations become whole numbers and stay"},
    {"/finetune/momentum", FSN_FIELD_NUMBER, AT(finetune.momentum), 0, 0.9999, false, 0.9, NULL,
     "Nesterov momentum"},
    {"/finetune/weight_decay", FSN_FIELD_NUMBER, AT(finetune.weight_decay), 0, 1, false, 1e-4, NULL,
     "L2 decay of weights and Filter Summaries"},
    {"/finetune/weight_decay_bn", FSN_FIELD_NUMBER, AT(finetune.weight_decay_bn), 0, 1, false, 0,
     NULL, "the same of batch norm's scales and shifts and of biases"},
    {"/finetune/clip_norm", FSN_FIELD_NUMBER, AT(finetune.clip_norm), 1e-6, 1e6, true, 0, NULL,
     "largest norm of all gradients together, which are scaled down to it; 0: off"},
    {"/finetune/ema", FSN_FIELD_NUMBER, AT(finetune.ema), 0, 0.99999, false, 0, NULL,
     "what a moving average of the weights keeps of itself in a step; the average is the result, "
     "and no better after a few epochs of cosine; 0: off"},
    {"/finetune/label_smoothing", FSN_FIELD_NUMBER, AT(finetune.label_smoothing), 0, 0.9, false, 0,
     NULL, "share of a label that is spread over all classes"},
    {"/finetune/mixup", FSN_FIELD_NUMBER, AT(finetune.mixup), 0.01, 1, true, 0, NULL,
     "alpha of the Beta distribution by which pairs of images and labels are mixed; 0: off"},
    {"/finetune/precision", FSN_FIELD_CHOICE, AT(finetune.precision), FSN_PRECISION_FLOAT32,
     FSN_PRECISION_MIXED, false, FSN_PRECISION_MIXED, "float32|mixed",
     "precision of training alone; mixed: convolutions multiply bfloat16 numbers where the CPU has "
     "a "
     "unit for it (Intel AMX)"},
    {"/finetune/schedule", FSN_FIELD_CHOICE, AT(finetune.schedule), FSN_SCHEDULE_COSINE,
     FSN_SCHEDULE_STEP, false, FSN_SCHEDULE_COSINE, "cosine|step", "how the learning rate falls"},
    {"/finetune/warmup_steps", FSN_FIELD_INT, AT(finetune.warmup_steps), 0, 1000000, false, 200,
     NULL, "steps of linear warm-up"},
    {"/finetune/milestones", FSN_FIELD_SHARES, AT(finetune.milestones), 0.001, 0.999, false, 0,
     NULL, "schedule step: shares of the epochs after which lr falls (default: 0.5,0.75)"},
    {"/finetune/gamma", FSN_FIELD_NUMBER, AT(finetune.gamma), 1e-6, 1, false, 0.1, NULL,
     "schedule step: factor of lr at each milestone"},
    {"/finetune/distill/alpha", FSN_FIELD_NUMBER, AT(finetune.distill.alpha), 0, 1, false, 0.9,
     NULL, "share of the teacher in the loss; 0: labels only"},
    {"/finetune/distill/temperature", FSN_FIELD_NUMBER, AT(finetune.distill.temperature), 0.1, 100,
     false, 4, NULL, "temperature of both softmaxes in the teacher's share"},
    {"/finetune/distill/feature", FSN_FIELD_NUMBER, AT(finetune.distill.feature), 0, 1000, false, 0,
     NULL,
     "weight of the difference from the teacher's maps at the ends of the stages, without gain in "
     "short runs; 0: off"},
    {"/finetune/augment", FSN_FIELD_SET, 0, 0, 0, false, 0, "crop|flip|cutout",
     "what is done to training images at random (default: crop,flip)"},
    {"/finetune/crop_padding", FSN_FIELD_INT, AT(finetune.crop_padding), 1, 64, true, 4, NULL,
     "augment crop: pixels added on each side before cropping to the model's input"},
    {"/finetune/cutout_size", FSN_FIELD_INT, AT(finetune.cutout_size), 1, 2048, true, 0, NULL,
     "augment cutout: side of the square that is blanked; 0: half of the input's shorter side"},
    {"/finetune/holdout", FSN_FIELD_NUMBER, AT(finetune.holdout), 0.001, 0.5, true, 0, NULL,
     "share of each class's training images that is held back to choose the best epoch by; 0: the "
     "last epoch is taken"},
    {"/finetune/patience", FSN_FIELD_INT, AT(finetune.patience), 0, 10000, false, 0, NULL,
     "epochs without a better figure on the held-back images after which training ends; 0: never"},
    {"/finetune/recalibrate_bn", FSN_FIELD_INT, AT(finetune.recalibrate_bn), 0, 10000, false, 50,
     NULL, "batches from which batch norm's statistics are measured anew after training; 0: kept"},
    {"/finetune/restore_bn", FSN_FIELD_CHOICE, AT(finetune.restore_bn), FSN_RESTORE_BN_AUTO,
     FSN_RESTORE_BN_NONE, false, FSN_RESTORE_BN_AUTO, "auto|all|none",
     "behind which convolutions batch norm is put back for training; auto: those with a bias"},

    {"/quantize/bits", FSN_FIELD_INT, AT(quantize.bits), 1, 32, false, 8, "1|2|3|4|6|8|32",
     "bits of a stored Filter Summary value; 32: floating point"},
    {"/quantize/least_bits", FSN_FIELD_INT, AT(quantize.least_bits), 0, 8, false, 0,
     "0|1|2|3|4|6|8",
     "each layer gets a width between this and bits, together with its ratio, by what was "
     "measured; as bits: all have bits; 0: 2 where bits is 8 and nothing else is in the way"},
    {"/quantize/rest_bits", FSN_FIELD_INT, AT(quantize.rest_bits), 8, 32, false, 16, "8|16|32",
     "bits of a number that no Filter Summary holds (scales, biases, layers that stay as they "
     "are): in floating point, or 8, cube roots; with bits 32 it is 32"},
    {"/quantize/granularity", FSN_FIELD_CHOICE, AT(quantize.granularity), FSN_GRANULARITY_SUMMARY,
     FSN_GRANULARITY_SEGMENT, false, FSN_GRANULARITY_SUMMARY, "summary|segment",
     "a step size for each Filter Summary, or for every 128 values of one"},
    {"/quantize/range", FSN_FIELD_CHOICE, AT(quantize.range), FSN_RANGE_AUTO, FSN_RANGE_MSE, false,
     FSN_RANGE_AUTO, "auto|minmax|mse",
     "levels from the least to the largest value, or where the squared error is least; auto: mse "
     "below 8 bits"},
    {"/quantize/aware", FSN_FIELD_CHOICE, AT(quantize.aware), FSN_AWARE_AUTO, FSN_AWARE_OFF, false,
     FSN_AWARE_AUTO, "auto|on|off",
     "the last steps train the network as it is when quantised; auto: below 8 bits"},
    {"/quantize/aware_share", FSN_FIELD_NUMBER, AT(quantize.aware_share), 0.01, 1, false, 1, NULL,
     "share of the steps that do, the last ones"},
    {"/quantize/step", FSN_FIELD_CHOICE, AT(quantize.step), FSN_STEP_LEARNED, FSN_STEP_FITTED,
     false, FSN_STEP_LEARNED, "learned|fitted",
     "step sizes in these steps: learned by gradient, or fitted anew before each epoch"},

    {"/files/int8", FSN_FIELD_CHOICE, AT(files.int8), FSN_INT8_OFF, FSN_INT8_ON, false,
     FSN_INT8_OFF, "off|on",
     "model-int8.onnx too: weights and activations in 8-bit integers, for runtimes that compute in "
     "them"},
    {"/files/detections", FSN_FIELD_CHOICE, AT(files.detections), FSN_DETECTIONS_OFF,
     FSN_DETECTIONS_NMS, false, FSN_DETECTIONS_OFF, "off|decode|nms",
     "model-detections.onnx too, of a detector: model.onnx with what makes boxes and scores of its "
     "outputs, or with NonMaxSuppression behind that"},

    /* 2^53 - 1: the largest integer that every reader of JSON keeps exactly. */
    {"/seed", FSN_FIELD_SEED, AT(seed), 0, 9007199254740991.0, false, 1, NULL,
     "of all random numbers: the same seed and threads give the same bytes"},
    {"/threads", FSN_FIELD_INT, AT(threads), 0, FSN_MAX_THREADS, false, 0, NULL,
     "shares that the work is cut into: results depend on them, not on how many cores work on "
     "them, which varies with the load; 0: one for each core"},
};

const struct fsn_spec_field *fsn_spec_fields(size_t *count)
{
    *count = sizeof fields / sizeof *fields;
    return fields;
}

/* Not where widths cannot be chosen (nothing is measured, values are counted rather than bytes, or
 * the widths are what a sweep is over), nor where training may not see them. */
int fsn__least_bits(const struct fsn_spec *spec)
{
    const bool mixed = spec->quantize.bits == 8 && spec->finetune.epochs > 0 &&
                       spec->budget.distribution == FSN_DISTRIBUTION_SENSITIVITY &&
                       spec->budget.parameters == 0 && spec->sweep.bits.count == 0 &&
                       spec->quantize.aware != FSN_AWARE_OFF && spec->finetune.ema == 0;

    if (spec->quantize.least_bits > 0)
        return spec->quantize.least_bits;
    return mixed ? 2 : spec->quantize.bits;
}

bool fsn__mixes_widths(const struct fsn_spec *spec)
{
    return fsn__least_bits(spec) < spec->quantize.bits;
}

double fsn__aware_share(const struct fsn_spec *spec)
{
    const bool few = fsn__least_bits(spec) < 8;

    if (spec->quantize.aware == FSN_AWARE_OFF || spec->quantize.bits > 8 ||
        (spec->quantize.aware == FSN_AWARE_AUTO && !few))
        return 0;
    if (spec->filter_summary.layout == FSN_LAYOUT_LEARNED)
        return fmin(spec->quantize.aware_share, 1 - spec->finetune.rounding);
    return spec->quantize.aware_share;
}

const char *fsn_task_name(enum fsn_task task)
{
    static const char *const names[] = {
        [FSN_TASK_AUTO] = "auto",
        [FSN_TASK_CLASSIFY] = "classify",
        [FSN_TASK_DETECT] = "detect",
        [FSN_TASK_DISTILL] = "distill",
    };

    return names[task];
}

void fsn_spec_defaults(struct fsn_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct fsn_spec_field *field = &fields[i];
        char *member = (char *)spec + field->offset;

        switch (field->kind) {
        case FSN_FIELD_INT:
            *(int *)member = (int)field->fallback;
            break;
        case FSN_FIELD_NUMBER:
            *(double *)member = field->fallback;
            break;
        case FSN_FIELD_SEED:
            *(uint64_t *)member = (uint64_t)field->fallback;
            break;
        case FSN_FIELD_CHOICE:
            *(unsigned *)member = (unsigned)field->fallback;
            break;
        case FSN_FIELD_CHANNELS:
            for (int c = 0; c < FSN_MAX_CHANNELS; c++)
                ((float *)member)[c] = (float)field->fallback;
            break;
        case FSN_FIELD_SHARES:
        case FSN_FIELD_NUMBERS:
        case FSN_FIELD_WHOLES:
        case FSN_FIELD_NAME:
        case FSN_FIELD_NAMES:
        case FSN_FIELD_SET:
        case FSN_FIELD_BOXES: /* auto, which is zero */
        case FSN_FIELD_OUTPUTS:
            break;
        }
    }
    spec->finetune.milestone_count = 2;
    spec->finetune.milestones[0] = 0.5;
    spec->finetune.milestones[1] = 0.75;
    spec->finetune.flip = true;
}

void fsn_spec_clear(struct fsn_spec *spec)
{
    for (size_t i = 0; i < spec->filter_summary.exclude_count; i++)
        free(spec->filter_summary.exclude[i]);
    memset(spec->filter_summary.exclude, 0, sizeof spec->filter_summary.exclude);
    spec->filter_summary.exclude_count = 0;
    free(spec->output);
    free(spec->detection.locations);
    free(spec->detection.confidences);
    fsn__boxes_clear(&spec->detection.default_boxes);
    fsn__outputs_clear(&spec->distill_outputs);
    spec->output = spec->detection.locations = spec->detection.confidences = NULL;
}
