/*
 * spec_boxes.c - a detector's default boxes in a job spec.
 *
 * The name of a rule that is known; or one written out:
 *
 *   {"maps": [{"size": [38, 38], "step": 8, "min_size": 30, "max_size": 60, "ratios": [2]}, ...],
 *    "clip": true, "variances": [0.1, 0.1, 0.2, 0.2]}
 *
 * or constants of the model that they are in, one [P,4] or two [P,2],
 *
 *   {"tensor": "priors", "form": "center", "pixels": false, "variances": [0.1, 0.1, 0.2, 0.2]}
 *
 * size may be one number for both sides; max_size (0: no second square), ratios (none), clip and
 * variances (these) may be left out. The image's size is that of the network's input. Every fault
 * is named at its place, as everywhere in the spec.
 */
#include "compress/spec_reader.h"
#include "detect/default_boxes.h"

#include <stdlib.h>
#include <string.h>

static const struct fsn__bounds map_side = {1, 65535, true, false},
                                pixels = {0.001, 1e6, false, false};
static const struct fsn__bounds second_size = {0.001, 1e6, false, true};
static const struct fsn__bounds shape = {0.001, 1000, false, false},
                                scale = {1e-6, 1000, false, false};

/* ---- reading --------------------------------------------------------------------------------- */

/* At most `max` numbers; how many there are, -1 after a fault. */
static int read_list(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                     const struct fsn__bounds *bounds, double *out, size_t max)
{
    bool good = true;

    if (!fsn__read_array(reader, pointer, value, max))
        return -1;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char place[FSN__POINTER];

        fsn__pointer_index(place, pointer, i);
        if (!fsn__read_bounded(reader, place, json_array_get(value, i), bounds, &out[i]))
            good = false;
    }
    return good ? (int)json_array_size(value) : -1;
}

/* The value of a key, whose place goes into pointer; NULL where there is none. */
static json_t *at(json_t *object, const char *parent, const char *key, char pointer[FSN__POINTER])
{
    fsn__pointer_join(pointer, parent, key);
    return json_object_get(object, key);
}

static void read_needed(struct fsn__spec_reader *reader, json_t *object, const char *parent,
                        const char *key, double *out)
{
    char pointer[FSN__POINTER];
    const json_t *value = at(object, parent, key, pointer);

    if (value)
        fsn__read_bounded(reader, pointer, value, &pixels, out);
    else
        FSN__FAULT(reader, pointer, "is missing: a number of pixels of the image");
}

static void read_size(struct fsn__spec_reader *reader, json_t *object, const char *parent,
                      struct fsn_box_map *map)
{
    char pointer[FSN__POINTER];
    const json_t *value = at(object, parent, "size", pointer);
    double side[2] = {0, 0};
    int count = 1;

    if (json_is_array(value)) {
        count = read_list(reader, pointer, value, &map_side, side, 2);
        if (count >= 0 && count < 2)
            FSN__FAULT(reader, pointer, "must be one number, or a width and a height, got %d",
                       count);
    } else if (value) {
        fsn__read_bounded(reader, pointer, value, &map_side, &side[0]);
    } else {
        FSN__FAULT(reader, pointer, "is missing: the width and height of the map");
    }
    map->width = (int)side[0];
    map->height = (int)(count == 2 ? side[1] : side[0]);
}

static void read_map(struct fsn__spec_reader *reader, const char *parent, json_t *object,
                     struct fsn_box_map *map)
{
    static const char *const known[] = {"size", "step", "min_size", "max_size", "ratios", NULL};
    char pointer[FSN__POINTER];
    const json_t *value;

    if (!json_is_object(object)) {
        FSN__FAULT(reader, parent, "must be an object, got %s", FSN__DESCRIBE(object));
        return;
    }
    fsn__refuse_unknown(reader, parent, object, known);
    read_size(reader, object, parent, map);
    read_needed(reader, object, parent, "step", &map->step);
    read_needed(reader, object, parent, "min_size", &map->min_size);
    value = at(object, parent, "max_size", pointer);
    if (value && fsn__read_bounded(reader, pointer, value, &second_size, &map->max_size) &&
        map->max_size != 0 && map->max_size < map->min_size)
        FSN__FAULT(reader, pointer, "must be 0 or at least min_size, %.15g, got %s", map->min_size,
                   FSN__DESCRIBE(value));
    value = at(object, parent, "ratios", pointer);
    if (value)
        map->ratio_count =
            read_list(reader, pointer, value, &shape, map->ratios, FSN_MAX_BOX_RATIOS);
}

static void read_maps(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                      struct fsn_default_boxes *boxes)
{
    if (!value) {
        FSN__FAULT(reader, pointer, "is missing: the maps that the boxes stand on");
        return;
    }
    if (!fsn__read_array(reader, pointer, value, FSN_MAX_BOX_MAPS))
        return;
    if (json_array_size(value) == 0)
        FSN__FAULT(reader, pointer, "must hold at least one map");
    for (size_t i = 0; i < json_array_size(value); i++) {
        char place[FSN__POINTER];

        fsn__pointer_index(place, pointer, i);
        read_map(reader, place, json_array_get(value, i), &boxes->maps[i]);
    }
    boxes->map_count = (int)json_array_size(value);
}

static void check_count(struct fsn__spec_reader *reader, const char *pointer,
                        const struct fsn_default_boxes *boxes)
{
    struct fsn__box_rule rule = {1, 1, boxes->map_count, {{0}}, boxes->clip};
    struct fsn_error err = {.status = FSN_OK};
    int64_t count;

    memcpy(rule.maps, boxes->maps, sizeof rule.maps);
    if (fsn__count_default_boxes(&rule, &count, &err) != FSN_OK)
        FSN__FAULT(reader, pointer, "%s", err.text);
}

/* Left as it is where the key is not there. */
static void read_flag(struct fsn__spec_reader *reader, json_t *object, const char *parent,
                      const char *key, bool *flag)
{
    char pointer[FSN__POINTER];
    const json_t *value = at(object, parent, key, pointer);

    if (value && !json_is_boolean(value))
        FSN__FAULT(reader, pointer, "must be true or false, got %s", FSN__DESCRIBE(value));
    else if (value)
        *flag = json_is_true(value);
}

static void read_variances(struct fsn__spec_reader *reader, json_t *object, const char *parent,
                           struct fsn_default_boxes *boxes)
{
    static const double usual[4] = {0.1, 0.1, 0.2, 0.2};
    char pointer[FSN__POINTER];
    const json_t *value = at(object, parent, "variances", pointer);
    int count;

    memcpy(boxes->variance, usual, sizeof usual);
    count = value ? read_list(reader, pointer, value, &scale, boxes->variance, 4) : 4;
    if (count >= 0 && count < 4)
        FSN__FAULT(reader, pointer, "must be four numbers (x, y, width, height), got %d", count);
}

static void read_tensor_name(struct fsn__spec_reader *reader, const char *pointer,
                             const json_t *value, char **out)
{
    if (!json_is_string(value) || !*json_string_value(value)) {
        FSN__FAULT(reader, pointer, "must be the name of a constant of the model, got %s",
                   FSN__DESCRIBE(value));
        return;
    }
    *out = strdup(json_string_value(value));
    if (!*out)
        reader->status = FSN_NOMEM;
}

static void read_tensor(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                        struct fsn_default_boxes *boxes)
{
    if (!json_is_array(value)) {
        read_tensor_name(reader, pointer, value, &boxes->tensor[0]);
        return;
    }
    if (json_array_size(value) != 2) {
        FSN__FAULT(reader, pointer, "must be one name, or two of halves, got %zu",
                   json_array_size(value));
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        char place[FSN__POINTER];

        fsn__pointer_index(place, pointer, i);
        read_tensor_name(reader, place, json_array_get(value, i), &boxes->tensor[i]);
    }
}

static void read_tensors(struct fsn__spec_reader *reader, const char *parent, json_t *object,
                         struct fsn_default_boxes *boxes)
{
    static const char *const known[] = {"tensor", "form", "pixels", "variances", NULL};
    static const char forms[] = "center|corner";
    char pointer[FSN__POINTER];
    const json_t *value;
    int form;

    boxes->kind = FSN_BOXES_TENSOR;
    fsn__refuse_unknown(reader, parent, object, known);
    value = at(object, parent, "tensor", pointer);
    read_tensor(reader, pointer, value, boxes);
    value = at(object, parent, "form", pointer);
    form = json_is_string(value) ? fsn__choice_index(forms, json_string_value(value)) : -1;
    if (value && form < 0)
        FSN__FAULT(reader, pointer, "must be one of %s, got %s", forms, FSN__DESCRIBE(value));
    boxes->form = form > 0 ? FSN_BOX_CORNER : FSN_BOX_CENTER;
    read_flag(reader, object, parent, "pixels", &boxes->pixels);
    read_variances(reader, object, parent, boxes);
}

static void read_rule(struct fsn__spec_reader *reader, const char *parent, json_t *object,
                      struct fsn_default_boxes *boxes)
{
    static const char *const known[] = {"maps", "clip", "variances", NULL};
    const size_t faults = reader->fault_count;
    char pointer[FSN__POINTER];
    const json_t *value;

    boxes->kind = FSN_BOXES_RULE;
    boxes->clip = true;
    fsn__refuse_unknown(reader, parent, object, known);
    read_flag(reader, object, parent, "clip", &boxes->clip);
    read_variances(reader, object, parent, boxes);
    value = at(object, parent, "maps", pointer);
    read_maps(reader, pointer, value, boxes);
    if (reader->fault_count == faults)
        check_count(reader, pointer, boxes);
}

void fsn__read_boxes(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                     json_t *value)
{
    struct fsn_default_boxes *out =
        (struct fsn_default_boxes *)(void *)((char *)reader->spec + field->offset);
    struct fsn_default_boxes boxes = {.kind = FSN_BOXES_AUTO};
    const int index =
        json_is_string(value) ? fsn__choice_index(field->choices, json_string_value(value)) : -1;

    if (json_is_object(value) && json_object_get(value, "tensor"))
        read_tensors(reader, field->pointer, value, &boxes);
    else if (json_is_object(value))
        read_rule(reader, field->pointer, value, &boxes);
    else if (index < 0)
        FSN__FAULT(reader, field->pointer,
                   "must be one of %s, or an object of maps or tensors, got %s", field->choices,
                   FSN__DESCRIBE(value));
    else
        boxes.kind = (enum fsn_boxes)index;
    fsn__boxes_clear(out);
    *out = boxes;
}

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *tensors_json(const struct fsn_default_boxes *boxes)
{
    json_t *tensor = boxes->tensor[1] ? json_pack("[s,s]", boxes->tensor[0], boxes->tensor[1])
                                      : json_string(boxes->tensor[0]);

    return json_pack("{s:o, s:s, s:b, s:o}", "tensor", tensor, "form",
                     boxes->form == FSN_BOX_CORNER ? "corner" : "center", "pixels", boxes->pixels,
                     "variances", fsn__numbers_json(boxes->variance, 4, false));
}

static json_t *rule_json(const struct fsn_default_boxes *boxes)
{
    json_t *maps = json_array();

    for (int i = 0; maps && i < boxes->map_count; i++) {
        const struct fsn_box_map *map = &boxes->maps[i];
        json_t *item =
            json_pack("{s:[i,i], s:f, s:f, s:f, s:o}", "size", map->width, map->height, "step",
                      map->step, "min_size", map->min_size, "max_size", map->max_size, "ratios",
                      fsn__numbers_json(map->ratios, map->ratio_count, false));

        if (json_array_append_new(maps, item) != 0) {
            json_decref(maps);
            maps = NULL;
        }
    }
    return json_pack("{s:o, s:b, s:o}", "maps", maps, "clip", boxes->clip, "variances",
                     fsn__numbers_json(boxes->variance, 4, false));
}

json_t *fsn__boxes_json(const struct fsn_default_boxes *boxes)
{
    return boxes->kind == FSN_BOXES_TENSOR ? tensors_json(boxes) : rule_json(boxes);
}

void fsn__boxes_clear(struct fsn_default_boxes *boxes)
{
    free(boxes->tensor[0]);
    free(boxes->tensor[1]);
    *boxes = (struct fsn_default_boxes){.kind = FSN_BOXES_AUTO};
}
