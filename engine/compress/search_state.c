/* search_state.c - what a search has found so far, as JSON: on the disk, for the report and for
 * those who watch.
 *
 * The file is small and written after each candidate; numbers carry all their digits, since what is
 * decided from them after an interruption must be what would have been decided without.
 */
#include "compress/search.h"

#include "core/file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 20 };

/* Whether no other file is as small and as accurate, and better in one of the two. */
static bool on_front(const struct fsn_candidate *done, int count, const struct fsn_candidate *it)
{
    const double figure = fsn__candidate_figure(it);

    for (int i = 0; i < count; i++) {
        const struct fsn_candidate *other = &done[i];
        const double theirs = fsn__candidate_figure(other);

        if (theirs >= figure && other->size_bytes <= it->size_bytes &&
            (theirs > figure || other->size_bytes < it->size_bytes))
            return false;
    }
    return !isnan(figure);
}

json_t *fsn__candidates_json(const struct fsn_candidate *done, int count)
{
    json_t *array = json_array();

    for (int i = 0; i < count; i++) {
        const struct fsn_candidate *c = &done[i];

        json_array_append_new(
            array,
            json_pack("{s:I, s:I, s:I, s:I, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o}",
                      "budget_bytes", (json_int_t)c->budget_bytes, "size_bytes",
                      (json_int_t)c->size_bytes, "parameters", (json_int_t)c->parameters,
                      "effective_parameters", (json_int_t)c->effective_parameters, "ratio",
                      fsn__json_real(c->ratio), "bits", c->bits, "top1", fsn__json_real(c->top1),
                      "map50", fsn__json_real(c->map50), "miou", fsn__json_real(c->miou),
                      "agreement", fsn__json_real(c->agreement), "drop", fsn__json_real(c->drop),
                      "drop_error", fsn__json_real(c->drop_error), "holds", c->holds, "pareto",
                      on_front(done, count, c), "seconds", fsn__json_real(c->seconds)));
    }
    if (array && json_array_size(array) == (size_t)count)
        return array;
    json_decref(array);
    return NULL;
}

enum fsn_status fsn_search_json(const struct fsn_search *search, char **json, struct fsn_error *err)
{
    const int best = fsn__search_best(search->done, search->count);
    json_t *root = json_pack(
        "{s:i, s:i, s:I, s:o, s:o, s:o}", "candidate", search->candidate, "candidates",
        search->candidates, "budget_bytes", (json_int_t)search->budget_bytes, "max_accuracy_drop",
        search->max_accuracy_drop > 0 ? json_real(search->max_accuracy_drop) : json_null(), "best",
        best < 0 ? json_null() : json_integer(best), "done",
        fsn__candidates_json(search->done, search->count));

    return fsn__json_text(root, json, err);
}

/* The key as text: JSON has no integers of 64 bits without a sign. */
static void write_key(char text[17], uint64_t key)
{
    snprintf(text, 17, "%016" PRIx64, key);
}

enum fsn_status fsn__search_write(const char *path, uint64_t key,
                                  const struct fsn__search_state *state, struct fsn_error *err)
{
    char word[17], *text = NULL;
    enum fsn_status status;
    json_t *root;

    write_key(word, key);
    root = json_pack("{s:s, s:s, s:o}", "version", FSN_VERSION, "key", word, "done",
                     fsn__candidates_json(state->done, state->count));
    if (root)
        text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    status = text ? fsn__file_write(path, text, strlen(text), err) : FSN__NOMEM(err);
    free(text);
    return status;
}

/* A number, or NaN for null, which stands for one that is not finite. */
static bool take_real(const json_t *row, const char *key, double *out)
{
    const json_t *value = json_object_get(row, key);

    if (!json_is_number(value) && !json_is_null(value))
        return false;
    *out = json_is_null(value) ? NAN : json_number_value(value);
    return true;
}

/* NaN where it is not there: written before there were detectors, or sweeps of any network. */
static double figure(const json_t *row, const char *key)
{
    double value;

    return take_real(row, key, &value) ? value : NAN;
}

static bool take_row(const json_t *row, struct fsn_candidate *out)
{
    json_int_t budget, size, parameters, effective;
    int holds;

    if (json_unpack((json_t *)row, "{s:I, s:I, s:I, s:I, s:i, s:b}", "budget_bytes", &budget,
                    "size_bytes", &size, "parameters", &parameters, "effective_parameters",
                    &effective, "bits", &out->bits, "holds", &holds) != 0)
        return false;
    out->budget_bytes = budget;
    out->size_bytes = size;
    out->parameters = parameters;
    out->effective_parameters = effective;
    out->holds = holds != 0;
    out->map50 = figure(row, "map50");
    out->miou = figure(row, "miou");
    out->agreement = figure(row, "agreement");
    return take_real(row, "ratio", &out->ratio) && take_real(row, "top1", &out->top1) &&
           take_real(row, "drop", &out->drop) && take_real(row, "drop_error", &out->drop_error) &&
           take_real(row, "seconds", &out->seconds);
}

static enum fsn_status take_up(const char *path, uint64_t key, const json_t *root,
                               struct fsn__search_state *state, struct fsn_error *err)
{
    const char *version = json_string_value(json_object_get(root, "version"));
    const char *word = json_string_value(json_object_get(root, "key"));
    const json_t *done = json_object_get(root, "done");
    char own[17];
    int count = 0;

    write_key(own, key);
    if (!version || !word || strcmp(version, FSN_VERSION) != 0 || !json_is_array(done) ||
        json_array_size(done) > FSN_MAX_CANDIDATES)
        return FSN_OK;
    if (strcmp(word, own) != 0)
        return FSN__FAIL(err, FSN_INVALID,
                         "%s: these candidates belong to another search (other settings, network, "
                         "data or number of threads); remove the folder to start over",
                         path);
    for (; count < (int)json_array_size(done); count++)
        if (!take_row(json_array_get(done, (size_t)count), &state->done[count]))
            return FSN_OK;
    state->count = count;
    return FSN_OK;
}

enum fsn_status fsn__search_read(const char *path, uint64_t key, struct fsn__search_state *state,
                                 struct fsn_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    json_t *root;
    enum fsn_status status;

    *state = (struct fsn__search_state){0};
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return FSN_OK;
    status = fsn__file_read(path, MAX_BYTES, &bytes, &size, err);
    if (status != FSN_OK)
        return status;
    root = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    status = take_up(path, key, root, state, err);
    json_decref(root);
    free(bytes);
    return status;
}
