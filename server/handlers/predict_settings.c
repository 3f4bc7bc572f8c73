/*
 * predict_settings.c - see predict_settings.h.
 *
 * The parameters that are settings of a job become a spec in JSON, over the one given, and the
 * engine judges it: its faults come back with pointers ("/preprocess/mean/0"), in which the
 * parameter's name is the word behind the group, and a number the value's place in a list.
 */
#include "handlers/predict_settings.h"

#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MOST 5
/* Of a class and of an image: what is looked at in one call takes time by its square, and no person
 * looks at more. */
#define MOST_CANDIDATES 1000
#define MOST_OBJECTS 1000

/* "0.5,0.4,0.3" as an array; what is no list of numbers stays the text that it is, for the engine
 * to refuse. */
static json_t *numbers_json(const char *text)
{
    json_t *array = json_array();

    for (const char *at = text; array; at++) {
        char *end = NULL;
        const double number = strtod(at, &end);

        if (end == at || (*end && *end != ',') ||
            json_array_append_new(array, json_real(number)) != 0) {
            json_decref(array);
            return json_string(text);
        }
        at = end;
        if (!*at)
            break;
    }
    return array;
}

static json_t *whole_json(const char *text)
{
    int64_t number;

    return srv_number_parse(text, false, 0, INT32_MAX, &number) ? json_integer((json_int_t)number)
                                                                : json_string(text);
}

static json_t *number_json(const char *text)
{
    char *end = NULL;
    const double number = strtod(text, &end);

    json_t *real = *text && !*end ? json_real(number) : NULL; /* NULL too: it is not finite */

    return real ? real : json_string(text);
}

/* A rule's name, or an object. */
static json_t *boxes_json(const char *text)
{
    json_t *object = *text == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

    return object ? object : json_string(text);
}

enum whose { OF_BOTH, OF_CLASSES, OF_OBJECTS };

/* Parameters that are settings of a job: where in its spec ("": among its members) they are. */
static const struct setting {
    const char *group, *name;
    json_t *(*value)(const char *text);
    enum whose whose;
} settings[] = {
    {"preprocess", "mean", numbers_json, OF_BOTH},
    {"preprocess", "std", numbers_json, OF_BOTH},
    {"preprocess", "scale", json_string, OF_BOTH},
    {"preprocess", "resize", whole_json, OF_CLASSES},
    {"preprocess", "crop", json_string, OF_CLASSES},
    {"", "output", json_string, OF_CLASSES},
    {"detection", "locations", json_string, OF_OBJECTS},
    {"detection", "confidences", json_string, OF_OBJECTS},
    {"detection", "default_boxes", boxes_json, OF_OBJECTS},
    {"detection", "score", number_json, OF_OBJECTS},
    {"detection", "iou", number_json, OF_OBJECTS},
    {"detection", "candidates", whole_json, OF_OBJECTS},
    {"detection", "keep", whole_json, OF_OBJECTS},
};
static const size_t setting_count = sizeof settings / sizeof *settings;

/* The object that holds the settings of a group, made if it is not there. */
static json_t *group_of(json_t *spec, const char *name)
{
    json_t *group = *name ? json_object_get(spec, name) : spec;

    if (!group && json_object_set_new(spec, name, json_object()) == 0)
        group = json_object_get(spec, name);
    return group;
}

/* The query's settings over the defaults; new, NULL when out of memory. */
static json_t *spec_json(struct srv_call *call, const json_t *defaults,
                         struct srv_predict_settings *out)
{
    json_t *spec = defaults ? json_deep_copy(defaults) : json_object();

    for (size_t i = 0; spec && i < setting_count; i++) {
        const struct setting *setting = &settings[i];
        const char *text = srv_request_query(call->request, setting->name);

        if (!text)
            continue;
        if (setting->whose == OF_CLASSES)
            out->of_classes = setting->name;
        if (setting->whose == OF_OBJECTS)
            out->of_objects = setting->name;
        json_object_set_new(group_of(spec, setting->group), setting->name, setting->value(text));
    }
    return spec;
}

/* "std", or "std, value 2": the parameter that a fault is of. */
static void write_place(const char *pointer, char *out, size_t size)
{
    const char *name = pointer + (*pointer == '/');
    const char *index;

    for (size_t i = 0; i < setting_count; i++) {
        const size_t length = strlen(settings[i].group);

        if (length > 0 && strncmp(name, settings[i].group, length) == 0 && name[length] == '/') {
            name += length + 1;
            break;
        }
    }
    index = strchr(name, '/');
    if (index && index[1] && !index[1 + strspn(index + 1, "0123456789")])
        snprintf(out, size, "%.*s, value %ld", (int)(index - name), name,
                 strtol(index + 1, NULL, 10) + 1);
    else
        snprintf(out, size, "%s", name);
}

static void reply_faults(struct srv_request *request, const struct fsn_faults *faults)
{
    const char *detail = "";

    for (size_t i = 0; detail && i < faults->count; i++) {
        char place[sizeof faults->item->pointer + 32];

        write_place(faults->item[i].pointer, place, sizeof place);
        detail = srv_arena_printf(&request->arena, "%s%s%s: %s", detail, i ? "; " : "", place,
                                  faults->item[i].text);
    }
    srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY, "%s", detail ? detail : faults->item[0].text);
}

static enum fsn_status read_spec(struct srv_call *call, const json_t *defaults,
                                 struct srv_predict_settings *out, bool *ok, struct fsn_error *err)
{
    json_t *spec = spec_json(call, defaults, out);
    char *text = spec ? json_dumps(spec, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    struct fsn_faults faults = {0};
    struct fsn_error cause = {0};
    enum fsn_status status =
        text ? fsn_spec_from_json(text, strlen(text), NULL, &out->spec, &faults, &cause)
             : SRV_NOMEM(err);

    *ok = status == FSN_OK;
    if (status == FSN_INVALID && faults.count > 0) {
        reply_faults(call->request, &faults);
        status = FSN_OK;
    } else if (status != FSN_OK && text) {
        *err = cause;
    }
    free(text);
    json_decref(spec);
    return status;
}

/* What a job may leave open, since its own thread has the time. false: the request has been
 * answered. */
static bool bound(struct srv_request *request, const char *name, int most, int *value)
{
    const bool asked = srv_request_query(request, name) != NULL;

    if (*value >= 1 && *value <= most)
        return true;
    if (asked)
        srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                          "%s: expected a whole number from 1 to %d, got %d", name, most, *value);
    *value = most;
    return !asked;
}

/* "3" or "0-9", both ends meant. */
static bool parse_range(const char *text, int64_t *first, int64_t *last)
{
    const char *dash = strchr(text, '-');
    char from[24] = "";

    if (dash && (size_t)(dash - text) < sizeof from)
        memcpy(from, text, (size_t)(dash - text));
    if (!srv_number_parse(dash ? from : text, false, 0, INT64_MAX, first))
        return false;
    *last = *first;
    return (!dash || srv_number_parse(dash + 1, false, *first, INT64_MAX, last)) &&
           *last - *first < SRV_MAX_PREDICTED;
}

enum fsn_status srv_predict_settings(struct srv_call *call, const json_t *defaults,
                                     struct srv_predict_settings *out, bool *ok,
                                     struct fsn_error *err)
{
    const char *most = srv_request_query(call->request, "k");
    const char *split = srv_request_query(call->request, "split");
    const char *index = srv_request_query(call->request, "index");
    struct srv_predict_settings asked = {.split = FSN_SPLIT_TEST, .of_classes = most ? "k" : NULL};
    int64_t number = DEFAULT_MOST;
    enum fsn_status status;

    *ok = false;
    if (most && !srv_number_parse(most, false, 1, FSN_MAX_CHOICES, &number)) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "k: expected a whole number from 1 to %d, got '%s'", FSN_MAX_CHOICES,
                          most);
        return FSN_OK;
    }
    asked.most = (int)number;
    if (split && strcmp(split, "train") == 0)
        asked.split = FSN_SPLIT_TRAIN;
    else if (split && strcmp(split, "test") != 0) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "split: expected train or test, got '%s'", split);
        return FSN_OK;
    }
    if (index && !parse_range(index, &asked.first, &asked.last)) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "index: expected a whole number from 0 on, or FIRST-LAST of at most %d "
                          "images, got '%s'",
                          SRV_MAX_PREDICTED, index);
        return FSN_OK;
    }
    status = read_spec(call, defaults, &asked, ok, err);
    if (status != FSN_OK || !*ok)
        return status;
    *ok = bound(call->request, "candidates", MOST_CANDIDATES, &asked.spec.detection.candidates) &&
          bound(call->request, "keep", MOST_OBJECTS, &asked.spec.detection.keep);
    if (*ok)
        *out = asked;
    else
        fsn_spec_clear(&asked.spec);
    return FSN_OK;
}

json_t *srv_settings_json(const struct fsn_spec *spec, const char *group)
{
    char *text = NULL;
    json_t *whole, *settings_of_group;

    if (fsn_spec_to_json(spec, &text, NULL) != FSN_OK)
        return NULL;
    whole = json_loads(text, 0, NULL);
    settings_of_group = json_incref(json_object_get(whole, group));
    json_decref(whole);
    free(text);
    return settings_of_group;
}
