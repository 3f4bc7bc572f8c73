/* spec_together.c - what settings of a job spec say about each other. */
#include "compress/compress.h"
#include "compress/spec_reader.h"

/* Layers are asked to have widths of their own. */
static bool mixes(const struct fsn_spec *spec)
{
    return spec->quantize.least_bits > 0 && spec->quantize.least_bits < spec->quantize.bits;
}

/* At most one list has values, at least two. */
static void read_sweep(struct fsn__spec_reader *reader, const char *given)
{
    const struct fsn_spec *spec = reader->spec;
    const struct fsn__swept *first = fsn__swept(spec), *other;

    for (int i = 0; first && (other = fsn__swept_at(i)); i++) {
        const int count = fsn__swept_list(other, spec)->count;

        if (count > 0 && other != first)
            FSN__FAULT(reader, other->pointer, "either %s or this can be given, not both",
                       first->pointer);
        if (count == 1)
            FSN__FAULT(reader, other->pointer, "a sweep has at least two values, got one");
    }
    if (first && first->sized && given)
        FSN__FAULT(reader, first->pointer,
                   "the sweep says how large the files are: %s cannot be given too", given);
    if (spec->sweep.bits.count > 0 && mixes(spec))
        FSN__FAULT(reader, "/quantize/least_bits",
                   "has no place in a sweep over bits, which says how wide values are");
}

/* What is stated of the size of the files: one thing, or a list of one kind. */
static void read_budgets(struct fsn__spec_reader *reader)
{
    const struct fsn_spec *spec = reader->spec;
    const bool swept = fsn__sweep_count(spec) > 0;
    const char *given = spec->budget.size_bytes > 0   ? "budget.size_bytes"
                        : spec->budget.parameters > 0 ? "budget.parameters"
                                                      : NULL;

    if (spec->budget.size_bytes > 0 && spec->budget.parameters > 0)
        FSN__FAULT(reader, "/budget/parameters",
                   "either size_bytes or parameters can be given, not both");
    if (spec->budget.max_accuracy_drop > 0 && given && !swept)
        FSN__FAULT(reader, "/budget/max_accuracy_drop",
                   "the size is searched for: %s cannot be given too", given);
    read_sweep(reader, given);
}

/* What the task has no use for, as far as the spec itself says which it is. */
static void read_task(struct fsn__spec_reader *reader)
{
    const struct fsn_spec *spec = reader->spec;
    const struct fsn__conflict *conflict;

    for (int i = 0; spec->task == FSN_TASK_DISTILL && (conflict = fsn__distill_conflict(spec, i));
         i++)
        FSN__FAULT(reader, conflict->pointer, "%s", conflict->text);
    if ((spec->task == FSN_TASK_CLASSIFY || spec->task == FSN_TASK_DETECT) &&
        spec->distill_outputs.count > 0)
        FSN__FAULT(reader, "/distill_outputs", "is for task distill, the task is %s",
                   fsn_task_name(spec->task));
}

/* Whether any file is trained as it is when quantised: that of a sweep's fewest bits is the first
 * to be. */
static bool trains_quantised(const struct fsn_spec *spec)
{
    struct fsn_spec one = *spec;

    if (spec->sweep.bits.count > 0)
        one.quantize.bits = (int)spec->sweep.bits.item[0];
    return fsn__aware_share(&one) > 0;
}

void fsn__spec_read_together(struct fsn__spec_reader *reader)
{
    struct fsn_spec *spec = reader->spec;
    int mean = reader->mean_count, std = reader->std_count;

    if (mean >= 0 && std >= 0 && mean != std)
        FSN__FAULT(reader, mean == 0 ? "/preprocess/mean" : "/preprocess/std",
                   "mean and std need one value for each channel: mean has %d, std has %d", mean,
                   std);
    spec->preprocess.channels = mean > 0 ? mean : 0;
    if (spec->finetune.ema > 0 && trains_quantised(spec))
        FSN__FAULT(
            reader, "/finetune/ema",
            "must be 0 where the last steps train the quantised network (quantize.aware), got %g: "
            "averaged weights would not be those levels",
            spec->finetune.ema);
    if (spec->quantize.least_bits > 0 && spec->sweep.bits.count == 0 &&
        (spec->quantize.least_bits > spec->quantize.bits || spec->quantize.bits > 8))
        FSN__FAULT(reader, "/quantize/least_bits",
                   "must not be more than bits, which must be 8 at most: they are %d and %d",
                   spec->quantize.least_bits, spec->quantize.bits);
    if (mixes(spec) && spec->budget.distribution == FSN_DISTRIBUTION_EVEN)
        FSN__FAULT(reader, "/quantize/least_bits",
                   "has no effect: budget.distribution is even, so nothing is measured");
    if (mixes(spec) && spec->budget.parameters > 0)
        FSN__FAULT(reader, "/quantize/least_bits",
                   "has no effect: budget.parameters counts values, not their bits");
    read_budgets(reader);
    read_task(reader);
    if (!reader->augment_given)
        reader->crop = true;
    if (reader->crop && spec->finetune.crop_padding == 0)
        FSN__FAULT(
            reader, "/finetune/crop_padding",
            "must be 1 to 64 with crop in augment, got 0; leave crop out of augment to go without");
    if (!reader->crop && reader->padding_given && spec->finetune.crop_padding > 0)
        FSN__FAULT(reader, "/finetune/crop_padding", "has no effect: augment does not list crop");
    if (!reader->crop)
        spec->finetune.crop_padding = 0;
    if (!spec->finetune.cutout && spec->finetune.cutout_size > 0)
        FSN__FAULT(reader, "/finetune/cutout_size", "has no effect: augment does not list cutout");
    if (spec->finetune.patience > 0 && spec->finetune.holdout == 0)
        FSN__FAULT(
            reader, "/finetune/patience",
            "needs images to be judged by: finetune.holdout is 0, a share such as 0.05 holds some "
            "back");
}
