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

/* The query's settings over the defaults; new, NULL when out of memory. */
static json_t *spec_json(struct srv_call *call, const json_t *defaults)
{
    static const struct {
        const char *name;
        json_t *(*value)(const char *text);
    } settings[] = {{"mean", numbers_json},
                    {"std", numbers_json},
                    {"scale", json_string},
                    {"resize", whole_json},
                    {"crop", json_string}};
    json_t *spec = defaults ? json_deep_copy(defaults) : json_object();
    json_t *preprocess = json_object_get(spec, "preprocess");
    const char *output = srv_request_query(call->request, "output");

    if (spec && !preprocess) {
        preprocess = json_object();
        json_object_set_new(spec, "preprocess", preprocess);
    }
    for (size_t i = 0; preprocess && i < sizeof settings / sizeof *settings; i++) {
        const char *text = srv_request_query(call->request, settings[i].name);

        if (text)
            json_object_set_new(preprocess, settings[i].name, settings[i].value(text));
    }
    if (output)
        json_object_set_new(spec, "output", json_string(output));
    return spec;
}

/* "std", or "std, value 2": the parameter that a fault is of. */
static void write_place(const char *pointer, char *out, size_t size)
{
    static const char group[] = "/preprocess";
    const char *name = pointer + (strncmp(pointer, group, strlen(group)) == 0 ? strlen(group) : 0);
    const char *index;

    name += *name == '/';
    index = strchr(name, '/');
    if (index)
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
                                 struct fsn_spec *out, bool *ok, struct fsn_error *err)
{
    json_t *spec = spec_json(call, defaults);
    char *text = spec ? json_dumps(spec, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    struct fsn_faults faults = {0};
    struct fsn_error cause = {0};
    enum fsn_status status =
        text ? fsn_spec_from_json(text, strlen(text), NULL, out, &faults, &cause) : SRV_NOMEM(err);

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
    struct srv_predict_settings settings = {.split = FSN_SPLIT_TEST};
    int64_t number = DEFAULT_MOST;
    enum fsn_status status;

    *ok = false;
    if (most && !srv_number_parse(most, false, 1, FSN_MAX_CHOICES, &number)) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "k: expected a whole number from 1 to %d, got '%s'", FSN_MAX_CHOICES,
                          most);
        return FSN_OK;
    }
    settings.most = (int)number;
    if (split && strcmp(split, "train") == 0)
        settings.split = FSN_SPLIT_TRAIN;
    else if (split && strcmp(split, "test") != 0) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "split: expected train or test, got '%s'", split);
        return FSN_OK;
    }
    if (index && !parse_range(index, &settings.first, &settings.last)) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "index: expected a whole number from 0 on, or FIRST-LAST of at most %d "
                          "images, got '%s'",
                          SRV_MAX_PREDICTED, index);
        return FSN_OK;
    }
    status = read_spec(call, defaults, &settings.spec, ok, err);
    if (status == FSN_OK && *ok)
        *out = settings;
    return status;
}

json_t *srv_preprocess_json(const struct fsn_spec *spec)
{
    char *text = NULL;
    json_t *whole, *preprocess;

    if (fsn_spec_to_json(spec, &text, NULL) != FSN_OK)
        return NULL;
    whole = json_loads(text, 0, NULL);
    preprocess = json_incref(json_object_get(whole, "preprocess"));
    json_decref(whole);
    free(text);
    return preprocess;
}
