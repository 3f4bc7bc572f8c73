/*
 * spec_outputs.c - the outputs of a network that is distilled, in a job spec:
 *
 *   [{"name": "scores", "loss": "kl", "weight": 1}, "boxes", ...]
 *
 * loss ("auto") and weight (1) may be left out, and a name alone stands for an output with both. No
 * two may have the same name. Every fault is named at its place, as everywhere in the spec.
 */
#include "compress/spec_reader.h"

#include <stdlib.h>
#include <string.h>

static const struct fsn__bounds weights = {1e-6, 1e6, false, false};

/* ---- reading --------------------------------------------------------------------------------- */

static void read_name(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                      struct fsn_distill_output *out)
{
    if (!json_is_string(value) || json_string_length(value) == 0) {
        FSN__FAULT(reader, pointer, "must be the name of an output, got %s", FSN__DESCRIBE(value));
        return;
    }
    out->name = strdup(json_string_value(value));
    if (!out->name)
        reader->status = FSN_NOMEM;
}

static void read_object(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                        const char *place, json_t *object, struct fsn_distill_output *out)
{
    static const char *const known[] = {"name", "loss", "weight", NULL};
    char pointer[FSN__POINTER];
    const json_t *value;

    fsn__refuse_unknown(reader, place, object, known);
    fsn__pointer_join(pointer, place, "name");
    value = json_object_get(object, "name");
    if (value)
        read_name(reader, pointer, value, out);
    else
        FSN__FAULT(reader, pointer, "is missing: the name of an output");
    value = json_object_get(object, "loss");
    if (value) {
        const int index = json_is_string(value)
                              ? fsn__choice_index(field->choices, json_string_value(value))
                              : -1;

        fsn__pointer_join(pointer, place, "loss");
        if (index < 0)
            FSN__FAULT(reader, pointer, "must be one of %s, got %s", field->choices,
                       FSN__DESCRIBE(value));
        else
            out->loss = (enum fsn_output_loss)index;
    }
    fsn__pointer_join(pointer, place, "weight");
    value = json_object_get(object, "weight");
    if (value)
        fsn__read_bounded(reader, pointer, value, &weights, &out->weight);
}

static void refuse_twice(struct fsn__spec_reader *reader, const char *place,
                         const struct fsn_distill_outputs *outputs)
{
    const char *name = outputs->item[outputs->count].name;

    for (int i = 0; name && i < outputs->count; i++)
        if (outputs->item[i].name && strcmp(outputs->item[i].name, name) == 0) {
            FSN__FAULT(reader, place, "names output '%.60s' again", name);
            return;
        }
}

void fsn__read_outputs(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                       json_t *value)
{
    struct fsn_distill_outputs *outputs =
        (struct fsn_distill_outputs *)(void *)((char *)reader->spec + field->offset);

    if (!fsn__read_array(reader, field->pointer, value, FSN_MAX_DISTILL_OUTPUTS))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct fsn_distill_output *out = &outputs->item[outputs->count];
        json_t *item = json_array_get(value, i);
        char place[FSN__POINTER];

        *out = (struct fsn_distill_output){.loss = FSN_OUTPUT_AUTO, .weight = 1};
        fsn__pointer_index(place, field->pointer, i);
        if (json_is_object(item))
            read_object(reader, field, place, item, out);
        else
            read_name(reader, place, item, out);
        refuse_twice(reader, place, outputs);
        outputs->count++;
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

json_t *fsn__outputs_json(const struct fsn_distill_outputs *outputs)
{
    json_t *array = json_array();

    for (int i = 0; array && i < outputs->count; i++) {
        const struct fsn_distill_output *output = &outputs->item[i];

        if (json_array_append_new(array, json_pack("{s:s, s:s, s:f}", "name", output->name, "loss",
                                                   fsn_output_loss_name(output->loss), "weight",
                                                   output->weight)) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

const char *fsn_output_loss_name(enum fsn_output_loss loss)
{
    static const char *const names[] = {
        [FSN_OUTPUT_AUTO] = "auto",
        [FSN_OUTPUT_MSE] = "mse",
        [FSN_OUTPUT_COSINE] = "cosine",
        [FSN_OUTPUT_KL] = "kl",
    };

    return names[loss];
}

void fsn__outputs_clear(struct fsn_distill_outputs *outputs)
{
    for (int i = 0; i < outputs->count; i++)
        free(outputs->item[i].name);
    *outputs = (struct fsn_distill_outputs){.count = 0};
}
