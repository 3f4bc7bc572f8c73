/* spec_task.c - what a job spec may say in which task. */
#include "compress/compress.h"

#include <stddef.h>

#define NO_SWEEP "must be empty in task distill, whose images have no accuracy to choose a file by"

const struct fsn__conflict *fsn__distill_conflict(const struct fsn_spec *spec, int i)
{
    static const struct fsn__conflict conflicts[] = {
        {"/budget/max_accuracy_drop",
         "must be 0 in task distill, whose images have no accuracy: state a size or a ratio"},
        {"/finetune/label_smoothing", "must be 0 in task distill, which looks at no labels"},
        {"/finetune/mixup", "must be 0 in task distill, which looks at no labels"},
        {"/finetune/distill/feature",
         "must be 0 in task distill: outputs are compared there, not maps"},
        {"/sweep/size_bytes", NO_SWEEP},
        {"/sweep/ratio", NO_SWEEP},
        {"/sweep/bits", NO_SWEEP},
    };
    const bool there[] = {
        spec->budget.max_accuracy_drop > 0, spec->finetune.label_smoothing > 0,
        spec->finetune.mixup > 0,           spec->finetune.distill.feature > 0,
        spec->sweep.size_bytes.count > 0,   spec->sweep.ratio.count > 0,
        spec->sweep.bits.count > 0,
    };

    for (size_t c = 0; c < sizeof conflicts / sizeof *conflicts; c++)
        if (there[c] && i-- == 0)
            return &conflicts[c];
    return NULL;
}
