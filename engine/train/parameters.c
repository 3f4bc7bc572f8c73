/* parameters.c - collects the trained values of a graph and steps them. */
#include "train/parameters.h"

#include <math.h>
#include <stdlib.h>

static bool is_state(const struct fsn__value *value)
{
    return value->kind == FSN__VALUE_PARAM || value->kind == FSN__VALUE_STAT;
}

enum fsn_status fsn__parameters_collect(struct fsn__graph *graph, struct fsn__exec *exec,
                                        struct fsn__parameters *out, struct fsn_error *err)
{
    size_t values = (size_t)graph->value_count + 1, floats = 0;

    out->item = calloc(values, sizeof *out->item);
    out->spans = calloc(values + FSN__MORE_SPANS, sizeof *out->spans);
    if (!out->item || !out->spans)
        return FSN__NOMEM(err);
    for (int i = 0; i < graph->value_count; i++) {
        struct fsn__value *value = &graph->values[i];
        const struct fsn__tensor *grad = fsn__exec_param_grad(exec, i);

        if (is_state(value))
            out->spans[out->span_count++] =
                (struct fsn__span){value->tensor.data, fsn__tensor_bytes(&value->tensor)};
        if (!grad)
            continue;
        out->item[out->count++] = (struct fsn__parameter){
            .name = value->name,
            .w = fsn__f32(&value->tensor),
            .grad = fsn__f32(grad),
            .size = fsn__numel(&value->tensor),
            .decay = value->decay,
            .location = value->location,
        };
        out->has_locations |= value->location;
        floats += (size_t)fsn__numel(&value->tensor);
    }
    out->state_count = out->span_count;
    out->momentum = fsn__aligned_calloc(floats, sizeof(float));
    if (!out->momentum)
        return FSN__NOMEM(err);
    out->spans[out->span_count++] = (struct fsn__span){out->momentum, floats * sizeof(float)};
    floats = 0;
    for (int i = 0; i < out->count; i++) {
        out->item[i].v = out->momentum + floats;
        floats += (size_t)out->item[i].size;
    }
    return FSN_OK;
}

void fsn__parameters_append(struct fsn__parameters *parameters, struct fsn__span span)
{
    parameters->spans[parameters->span_count++] = span;
}

void fsn__parameters_clear(struct fsn__parameters *parameters)
{
    free(parameters->item);
    free(parameters->spans);
    free(parameters->momentum);
    *parameters = (struct fsn__parameters){0};
}

struct step {
    struct fsn__parameters *parameters;
    double lr, momentum, weight_decay, weight_decay_bn, location_lr;
};

static void step_share(void *arg, int thread, int threads)
{
    const struct step *step = arg;

    for (int i = 0; i < step->parameters->count; i++) {
        const struct fsn__parameter *p = &step->parameters->item[i];
        int64_t begin, end;

        fsn__share(p->size, thread, threads, &begin, &end);
        if (!p->location)
            fsn__sgd_step(p->w + begin, p->grad + begin, p->v + begin, end - begin, step->lr,
                          step->momentum, p->decay ? step->weight_decay : step->weight_decay_bn);
        else if (!step->parameters->locations_fixed)
            fsn__sgd_step(p->w + begin, p->grad + begin, p->v + begin, end - begin,
                          step->lr * step->location_lr, step->momentum, 0);
    }
}

void fsn__parameters_step(struct fsn__parameters *parameters, const struct fsn_spec *spec,
                          double lr, struct fsn__pool *pool)
{
    struct step step = {parameters,
                        lr,
                        spec->finetune.momentum,
                        spec->finetune.weight_decay,
                        spec->finetune.weight_decay_bn,
                        spec->finetune.location_lr};

    fsn__pool_run(pool, step_share, &step);
}

void fsn__parameters_round_locations(struct fsn__parameters *parameters)
{
    for (int i = 0; i < parameters->count; i++) {
        const struct fsn__parameter *p = &parameters->item[i];

        for (int64_t j = 0; p->location && j < p->size; j++)
            p->w[j] = rintf(p->w[j]);
    }
}

struct clip {
    struct fsn__parameters *parameters;
    float factor;
};

/* Parameter by parameter, each by one slice: the sum is that of a single thread. */
static void square_share(void *arg, int slice, int slices)
{
    struct fsn__parameters *parameters = arg;

    for (int i = slice; i < parameters->count; i += slices) {
        struct fsn__parameter *p = &parameters->item[i];

        p->square = 0;
        for (int64_t j = 0; !p->location && j < p->size; j++)
            p->square += (double)p->grad[j] * p->grad[j];
    }
}

static void scale_share(void *arg, int slice, int slices)
{
    const struct clip *clip = arg;

    for (int i = 0; i < clip->parameters->count; i++) {
        const struct fsn__parameter *p = &clip->parameters->item[i];
        int64_t begin, end;

        if (p->location)
            continue;
        fsn__share(p->size, slice, slices, &begin, &end);
        for (int64_t j = begin; j < end; j++)
            p->grad[j] *= clip->factor;
    }
}

double fsn__parameters_clip(struct fsn__parameters *parameters, double max_norm,
                            struct fsn__pool *pool)
{
    struct clip clip = {parameters, 1};
    double norm = 0;

    fsn__pool_run(pool, square_share, parameters);
    for (int i = 0; i < parameters->count; i++)
        norm += parameters->item[i].square;
    norm = sqrt(norm);
    if (norm <= max_norm)
        return norm;
    clip.factor = (float)(max_norm / (norm + 1e-6));
    fsn__pool_run(pool, scale_share, &clip);
    return norm;
}

const char *fsn__parameters_find_bad(const struct fsn__parameters *parameters)
{
    for (int i = 0; i < parameters->count; i++) {
        const struct fsn__parameter *p = &parameters->item[i];

        for (int64_t j = 0; j < p->size; j++)
            if (!isfinite(p->w[j]))
                return p->name;
    }
    return NULL;
}
