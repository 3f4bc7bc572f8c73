/*
 * split.c - a tenth of every class becomes the test split, drawn without replacement. Images with
 * boxes or masks, which have no class, are all drawn from alike.
 *
 * Class c of n images gives max(1, (n + 5) / 10), none when n is 1: the first ones of a
 * Fisher-Yates shuffle from stream (SPLIT_SEED, FSN__RNG_SPLIT, c, 0). The seed is a constant,
 * not the job's: all jobs on a data set are judged by the same images.
 */
#include "data/split.h"
#include "core/rng.h"
#include "data/data_format.h"

#include <stdlib.h>
#include <string.h>

enum { SPLIT_SEED = 1 };

static int64_t test_share(int64_t n)
{
    const int64_t tenth = (n + 5) / 10;

    return n < 2 ? 0 : tenth > 1 ? tenth : 1;
}

/* members[0..n): the images of one class. Marks the drawn ones; returns how many. */
static int64_t draw(int64_t *members, int64_t n, int class, bool *drawn)
{
    struct fsn__rng rng = fsn__rng_open(SPLIT_SEED, FSN__RNG_SPLIT, (uint64_t) class, 0);
    const int64_t share = test_share(n);

    for (int64_t i = 0; i < share; i++) {
        const int64_t j = i + (int64_t)fsn__rng_below(&rng, (uint64_t)(n - i));
        const int64_t swap = members[i];

        members[i] = members[j];
        members[j] = swap;
        drawn[members[i]] = true;
    }
    return share;
}

/* Marks the test images; returns how many, or -1 when out of memory. */
static int64_t draw_all(const struct fsn__images *train, int classes, bool *drawn)
{
    int64_t *begin = calloc((size_t)classes + 1, sizeof *begin), *at = NULL, *members = NULL;
    int64_t count = -1;

    at = calloc((size_t)classes + 1, sizeof *at);
    members = calloc((size_t)train->count + 1, sizeof *members);
    if (!begin || !at || !members)
        goto out;
    for (int64_t i = 0; i < train->count; i++)
        begin[train->labels[i] + 1]++;
    for (int c = 0; c < classes; c++)
        begin[c + 1] += begin[c];
    memcpy(at, begin, (size_t)classes * sizeof *at);
    for (int64_t i = 0; i < train->count; i++)
        members[at[train->labels[i]]++] = i;
    count = 0;
    for (int c = 0; c < classes; c++)
        count += draw(members + begin[c], begin[c + 1] - begin[c], c, drawn);
out:
    free(begin);
    free(at);
    free(members);
    return count;
}

static void copy_image(const struct fsn__images *from, int64_t i, struct fsn__images *to, int64_t j,
                       size_t image)
{
    to->labels[j] = from->labels[i];
    if (from->mask)
        to->mask[j] = from->mask[i];
    if (from->file)
        to->file[j] = from->file[i];
    else
        memmove(to->pixels + (size_t)j * image, from->pixels + (size_t)i * image, image);
}

enum fsn_status fsn__split_off_test(struct fsn_dataset *dataset, struct fsn_error *err)
{
    const size_t image =
        (size_t)dataset->channels * (size_t)dataset->height * (size_t)dataset->width;
    struct fsn__images *train = &dataset->split[FSN_SPLIT_TRAIN];
    struct fsn__images *test = &dataset->split[FSN_SPLIT_TEST];
    const bool unlabelled = dataset->detection || dataset->segmentation;
    bool *drawn = calloc((size_t)train->count + 1, sizeof *drawn);
    int64_t count = drawn ? draw_all(train, unlabelled ? 1 : dataset->classes, drawn) : -1;
    int64_t kept = 0, moved = 0;
    enum fsn_status status = FSN_OK;

    free(test->file);
    free(test->mask);
    free(test->labels);
    *test = (struct fsn__images){0};
    if (count == 0)
        status = FSN__FAIL(err, FSN_FORMAT,
                           "the data set has no test images, and none can be split off: %s",
                           unlabelled ? "it has one image only" : "no class has two images");
    else if (count < 0)
        status = FSN__NOMEM(err);
    else
        status = train->file ? fsn__images_alloc_files(dataset, FSN_SPLIT_TEST, count, err)
                             : fsn__images_alloc(dataset, FSN_SPLIT_TEST, count, err);
    if (status == FSN_OK && train->mask) {
        test->mask = calloc((size_t)count, sizeof *test->mask);
        status = test->mask ? FSN_OK : FSN__NOMEM(err);
    }
    if (status != FSN_OK)
        goto out;
    for (int64_t i = 0; i < train->count; i++) {
        if (drawn[i])
            copy_image(train, i, test, moved++, image);
        else
            copy_image(train, i, train, kept++, image);
    }
    train->count = kept;
    dataset->split_made = true;
out:
    free(drawn);
    return status;
}
