/* confusion.c - accuracy by class, and what is taken for what.
 *
 * A matrix of all pairs of classes is for few classes; the pairs that occur are never more than the
 * images, so they are counted as a sorted list, however many classes there are.
 */
#include "compress/confusion.h"
#include "compress/compress.h"

#include <stdlib.h>

static bool is_class(const struct fsn__outcomes *o, int32_t choice)
{
    return choice >= 0 && choice < o->classes;
}

/* ---- by class -------------------------------------------------------------------------------- */

static json_t *share_json(int64_t part, int64_t whole)
{
    return whole > 0 ? json_real(100.0 * (double)part / (double)whole) : json_null();
}

json_t *fsn__classes_json(const struct fsn__outcomes *o)
{
    struct {
        int64_t images, baseline, compressed;
    } *row = calloc((size_t)o->classes, sizeof *row);
    json_t *array = row ? json_array() : NULL;
    bool made = array != NULL;

    for (int64_t i = 0; made && i < o->images; i++) {
        const int32_t label = o->labels[i];

        row[label].images++;
        row[label].baseline += o->baseline[i] == label;
        row[label].compressed += o->compressed[i] == label;
    }
    for (int c = 0; made && c < o->classes; c++)
        made = json_array_append_new(
                   array, json_pack("{s:s?, s:I, s:o, s:o}", "name", o->names ? o->names[c] : NULL,
                                    "images", (json_int_t)row[c].images, "baseline_top1",
                                    share_json(row[c].baseline, row[c].images), "compressed_top1",
                                    share_json(row[c].compressed, row[c].images))) == 0;
    free(row);
    if (made)
        return array;
    json_decref(array);
    return NULL;
}

/* ---- the matrix ------------------------------------------------------------------------------ */

static json_t *matrix_json(const struct fsn__outcomes *o, const int32_t *choice)
{
    const size_t n = (size_t)o->classes;
    int64_t *count;
    json_t *array;
    bool made;

    if (o->classes > FSN__MATRIX_CLASSES)
        return json_null();
    count = calloc(n * n, sizeof *count);
    array = count ? json_array() : NULL;
    made = array != NULL;
    for (int64_t i = 0; made && i < o->images; i++)
        if (is_class(o, choice[i]))
            count[(size_t)o->labels[i] * n + (size_t)choice[i]]++;
    for (size_t label = 0; made && label < n; label++) {
        json_t *row = json_array();

        made = json_array_append_new(array, row) == 0;
        for (size_t c = 0; made && c < n; c++)
            made = json_array_append_new(row, json_integer(count[label * n + c])) == 0;
    }
    free(count);
    if (made)
        return array;
    json_decref(array);
    return NULL;
}

/* ---- the worst pairs ------------------------------------------------------------------------- */

struct pair {
    int32_t label, choice;
    int64_t baseline, compressed; /* images */
};

static int by_classes(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return (x->choice > y->choice) - (x->choice < y->choice);
}

static int by_images(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->compressed != y->compressed)
        return x->compressed > y->compressed ? -1 : 1;
    if (x->baseline != y->baseline)
        return x->baseline > y->baseline ? -1 : 1;
    return by_classes(a, b);
}

/* The confusions of both networks, one an image, made into one for each pair of classes. */
static int64_t count_pairs(const struct fsn__outcomes *o, struct pair *pair)
{
    int64_t seen = 0, count = 0;

    for (int64_t i = 0; i < o->images; i++) {
        if (is_class(o, o->baseline[i]) && o->baseline[i] != o->labels[i])
            pair[seen++] = (struct pair){o->labels[i], o->baseline[i], 1, 0};
        if (is_class(o, o->compressed[i]) && o->compressed[i] != o->labels[i])
            pair[seen++] = (struct pair){o->labels[i], o->compressed[i], 0, 1};
    }
    qsort(pair, (size_t)seen, sizeof *pair, by_classes);
    for (int64_t i = 0; i < seen; i++) {
        if (count > 0 && by_classes(&pair[count - 1], &pair[i]) == 0) {
            pair[count - 1].baseline += pair[i].baseline;
            pair[count - 1].compressed += pair[i].compressed;
        } else {
            pair[count++] = pair[i];
        }
    }
    return count;
}

static json_t *worst_json(const struct fsn__outcomes *o)
{
    struct pair *pair = calloc(2 * (size_t)o->images + 1, sizeof *pair);
    json_t *array = pair ? json_array() : NULL;
    const int64_t count = array ? count_pairs(o, pair) : 0;
    bool made = array != NULL;

    if (count > 0)
        qsort(pair, (size_t)count, sizeof *pair, by_images);
    for (int64_t i = 0; made && i < count && i < FSN__WORST_CONFUSIONS && pair[i].compressed > 0;
         i++)
        made = json_array_append_new(
                   array, json_pack("{s:i, s:i, s:I, s:I}", "label", (int)pair[i].label, "choice",
                                    (int)pair[i].choice, "baseline", (json_int_t)pair[i].baseline,
                                    "compressed", (json_int_t)pair[i].compressed)) == 0;
    free(pair);
    if (made)
        return array;
    json_decref(array);
    return NULL;
}

static int64_t count_outside(const struct fsn__outcomes *o, const int32_t *choice)
{
    int64_t count = 0;

    for (int64_t i = 0; i < o->images; i++)
        count += !is_class(o, choice[i]);
    return count;
}

json_t *fsn__confusion_json(const struct fsn__outcomes *o)
{
    return json_pack("{s:{s:I, s:I}, s:o, s:o, s:o}", "outside", "baseline",
                     (json_int_t)count_outside(o, o->baseline), "compressed",
                     (json_int_t)count_outside(o, o->compressed), "worst", worst_json(o),
                     "baseline", matrix_json(o, o->baseline), "compressed",
                     matrix_json(o, o->compressed));
}
