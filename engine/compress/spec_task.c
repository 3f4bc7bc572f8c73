/* spec_task.c - what a job spec may say in which task. */
#include "compress/compress.h"

#include <stddef.h>

const struct fsn__conflict *fsn__distill_conflict(const struct fsn_spec *spec, int i)
{
    static const struct fsn__conflict conflicts[] = {
        {"/finetune/label_smoothing", "must be 0 in task distill, which looks at no labels"},
        {"/finetune/mixup", "must be 0 in task distill, which looks at no labels"},
        {"/finetune/distill/feature",
         "must be 0 in task distill: outputs are compared there, not maps"},
    };
    const bool there[] = {
        spec->finetune.label_smoothing > 0,
        spec->finetune.mixup > 0,
        spec->finetune.distill.feature > 0,
    };

    for (size_t c = 0; c < sizeof conflicts / sizeof *conflicts; c++)
        if (there[c] && i-- == 0)
            return &conflicts[c];
    return NULL;
}
