/*
 * spec_write.c - writes the spec as JSON, every setting in the order of the field table of spec.c.
 *
 * What is written reads back as the same bits: numbers carry as many digits as that takes.
 */
#include "compress/spec_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 64 }; /* longer than any word of a pointer */

/* Choice `index` of "a|b|c" as a JSON string. */
static json_t *choice_json(const char *choices, unsigned index)
{
    while (index-- > 0) {
        choices += strcspn(choices, "|");
        if (*choices)
            choices++;
    }
    return json_stringn(choices, strcspn(choices, "|"));
}

/* The value whose shortest decimal text is the float's: 0.485f -> 0.485, not 0.48500001430511475.
 */
static double shortest(float value)
{
    char text[32];

    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    return strtod(text, NULL);
}

json_t *fsn__numbers_json(const double *values, int count, bool whole)
{
    json_t *array = json_array();

    for (int i = 0; array && i < count; i++) {
        if (json_array_append_new(array, whole ? json_integer((json_int_t)values[i])
                                               : json_real(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static json_t *names_json(char *const *names, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < count; i++) {
        if (json_array_append_new(array, json_string(names[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static json_t *field_json(const struct fsn_spec *spec, const struct fsn_spec_field *field)
{
    static char crop[] = "crop", flip[] = "flip", cutout[] = "cutout";
    const char *member = (const char *)spec + field->offset;
    const struct fsn_list *list = (const struct fsn_list *)(const void *)member;
    const struct fsn_default_boxes *boxes = (const struct fsn_default_boxes *)(const void *)member;
    const char *name;
    double values[FSN_MAX_CHANNELS];
    char *names[3];
    size_t count = 0;

    switch (field->kind) {
    case FSN_FIELD_INT:
        return json_integer(*(const int *)member);
    case FSN_FIELD_NUMBER:
        return json_real(*(const double *)member);
    case FSN_FIELD_SEED:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case FSN_FIELD_CHOICE:
        return choice_json(field->choices, *(const unsigned *)member - (unsigned)field->min);
    case FSN_FIELD_CHANNELS:
        for (int i = 0; i < spec->preprocess.channels; i++)
            values[i] = shortest(((const float *)member)[i]);
        return fsn__numbers_json(values, spec->preprocess.channels, false);
    case FSN_FIELD_SHARES:
        return fsn__numbers_json(spec->finetune.milestones, spec->finetune.milestone_count, false);
    case FSN_FIELD_NUMBERS:
    case FSN_FIELD_WHOLES:
        return fsn__numbers_json(list->item, list->count, field->kind == FSN_FIELD_WHOLES);
    case FSN_FIELD_NAME:
        name = *(char *const *)(const void *)member;
        return json_string(name ? name : "");
    case FSN_FIELD_NAMES:
        return names_json(spec->filter_summary.exclude, spec->filter_summary.exclude_count);
    case FSN_FIELD_SET:
        if (spec->finetune.crop_padding > 0)
            names[count++] = crop;
        if (spec->finetune.flip)
            names[count++] = flip;
        if (spec->finetune.cutout)
            names[count++] = cutout;
        return names_json(names, count);
    case FSN_FIELD_BOXES:
        return boxes->kind == FSN_BOXES_RULE || boxes->kind == FSN_BOXES_TENSOR
                   ? fsn__boxes_json(boxes)
                   : choice_json(field->choices, boxes->kind);
    case FSN_FIELD_OUTPUTS:
        return fsn__outputs_json((const struct fsn_distill_outputs *)(const void *)member);
    }
    return NULL;
}

/* Sets the value at a pointer, making the objects on the way; takes the value. */
static bool set_at(json_t *object, const char *pointer, json_t *value)
{
    const char *word = pointer + 1;

    for (size_t size = strcspn(word, "/"); word[size]; size = strcspn(word, "/")) {
        char name[NAME];
        json_t *next;

        snprintf(name, sizeof name, "%.*s", (int)size, word);
        next = json_object_get(object, name);
        if (!next) {
            next = json_object();
            if (json_object_set_new(object, name, next) != 0) {
                json_decref(value);
                return false;
            }
        }
        object = next;
        word += size + 1;
    }
    return json_object_set_new(object, word, value) == 0;
}

/* Whether fifteen digits, which write 0.1 as 0.1, give every number back as it is. */
static bool is_short(json_t *value)
{
    const char *key;
    json_t *item;
    char text[32];
    size_t i;

    if (json_is_real(value)) {
        snprintf(text, sizeof text, "%.15g", json_real_value(value));
        return strtod(text, NULL) == json_real_value(value);
    }
    json_array_foreach(value, i, item)
    {
        if (!is_short(item))
            return false;
    }
    json_object_foreach(value, key, item)
    {
        if (!is_short(item))
            return false;
    }
    return true;
}

enum fsn_status fsn_spec_to_json(const struct fsn_spec *spec, char **json, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    size_t count, digits;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);
    json_t *root = json_object();
    char *text = NULL;

    if (!root)
        return FSN__NOMEM(err);
    if (spec->seed > INT64_MAX) {
        status = FSN__FAIL(err, FSN_INVALID, "seed %llu cannot be written as a JSON integer",
                           (unsigned long long)spec->seed);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (!set_at(root, fields[i].pointer, field_json(spec, &fields[i]))) {
            status = FSN__NOMEM(err);
            goto out;
        }
    }
    digits = is_short(root) ? 15 : 17;
    text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(digits));
    if (!text) {
        status = FSN__NOMEM(err);
        goto out;
    }
    *json = text;
out:
    json_decref(root);
    return status;
}
