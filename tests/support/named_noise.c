/* named_noise.c - see named_noise.h. */
#include "named_noise.h"

#include <math.h>
#include <string.h>

void named_noise(const struct fsn__tensor *t, const char *name, float offset, float scale)
{
    const int64_t n = fsn__numel(t);
    uint32_t seed = 2166136261U; /* FNV-1a */

    for (const char *c = name; *c; c++)
        seed = (seed ^ (uint8_t)*c) * 16777619U;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)i * 2654435761U + seed;

        fsn__f32(t)[i] = offset + scale * ((float)(bits >> 8) / (1 << 23) - 1);
    }
}

static bool ends_with(const char *name, const char *end)
{
    const size_t size = strlen(name), end_size = strlen(end);

    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

void named_noise_weights(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];
        const struct fsn__tensor *t = &value->tensor;

        if (!t->data || t->dtype != FSN__F32)
            continue;
        if (t->ndim == 3)
            named_noise(t, value->name, 20, 4);
        else if (t->ndim > 1)
            named_noise(t, value->name, 0,
                        (float)(1.5 / sqrt((double)fsn__numel_range(t, 1, t->ndim))));
        else if (ends_with(value->name, ".bias") || ends_with(value->name, ".running_mean"))
            named_noise(t, value->name, 0, 0.1F);
        else
            named_noise(t, value->name, 1, 0.2F);
    }
}
