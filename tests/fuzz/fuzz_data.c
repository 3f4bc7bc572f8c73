/* fuzz_data.c - any bytes as a data set archive: never a crash, a leak or more than the limits; and
 * a data set that opens holds what it promises. */
#include "data/dataset.h"
#include "fuzz_main.h"

#include <string.h>

/* Photographs that come out are whole; what is damaged behind its header is refused with a name. */
static void decode(const struct fsn_dataset *dataset, enum fsn_split split, int64_t i)
{
    const struct fsn__transform transform = {.channels = 3, .height = 4, .width = 6};
    struct fsn_error err = {0};
    int32_t label = -1;
    float x[3 * 4 * 6];

    if (dataset->split[split].file[i] < 0 || dataset->split[split].file[i] >= dataset->store->count)
        abort();
    if (fsn__load_batch(dataset, split, &i, 1, &transform, true, 0, NULL, x, &label, &err) !=
        FSN_OK) {
        if (err.status == FSN_OK || err.text[0] == '\0')
            abort();
        return;
    }
    for (size_t at = 0; at < sizeof x / sizeof *x; at++)
        if (!(x[at] >= 0.0f && x[at] <= 1.0f))
            abort();
}

/* What a mask says of each pixel is a class or nothing. */
static void decode_mask(const struct fsn_dataset *dataset, enum fsn_split split, int64_t i)
{
    const struct fsn__transform transform = {
        .channels = 3, .height = 4, .width = 6, .crop_padding = 1, .flip = true};
    struct fsn_error err = {0};
    float x[3 * 4 * 6];
    uint8_t mask[4 * 6];

    if (dataset->split[split].mask[i] < 0 || dataset->split[split].mask[i] >= dataset->store->count)
        abort();
    if (fsn__load_mask_batch(dataset, split, &i, 1, &transform, true, 0, NULL, x, mask, &err) !=
        FSN_OK) {
        if (err.status == FSN_OK || err.text[0] == '\0')
            abort();
        return;
    }
    for (size_t at = 0; at < sizeof mask; at++)
        if (mask[at] >= dataset->classes && mask[at] != FSN_MASK_VOID)
            abort();
}

/* Touches everything that a reader of the data set may touch. */
static void check(const struct fsn_dataset *dataset)
{
    const size_t image =
        (size_t)dataset->channels * (size_t)dataset->height * (size_t)dataset->width;
    volatile uint8_t sink = 0;

    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        const struct fsn__images *images = &dataset->split[s];
        int64_t counted = 0;

        if (images->count < 1)
            abort();
        for (int64_t i = 0; i < images->count; i++)
            if (images->labels[i] < 0 ||
                images->labels[i] >= (dataset->classes > 0 ? dataset->classes : 1))
                abort();
        for (int c = 0; c < dataset->classes; c++)
            counted += images->per_class[c];
        if (dataset->classes > 0 &&
            counted != (dataset->detection      ? dataset->objects[s].count
                        : dataset->segmentation ? dataset->pixels[s].labelled
                                                : images->count))
            abort();
        if (!images->mask == dataset->segmentation || !images->pixels == !images->file)
            abort();
        for (size_t i = 0; images->pixels && i < image * (size_t)images->count; i++)
            sink ^= images->pixels[i];
        for (int64_t i = 0; images->file && i < images->count; i++)
            decode(dataset, (enum fsn_split)s, i);
        for (int64_t i = 0; images->mask && i < images->count; i++)
            decode_mask(dataset, (enum fsn_split)s, i);
    }
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fsn_data_limits limits = {
        .max_entries = 64, .max_bytes = 4 << 20, .max_expansion = 1000};
    struct fsn_dataset *dataset = NULL;
    struct fsn_error err = {0};
    char *json = NULL;

    if (fsn__dataset_open_memory(data, size, NULL, &limits, &dataset, &err) != FSN_OK) {
        if (err.status == FSN_OK || err.text[0] == '\0' || dataset)
            abort(); /* a failure says why and gives nothing */
        return 0;
    }
    check(dataset);
    if (fsn_dataset_summary_json(dataset, &json, &err) != FSN_OK)
        abort();
    free(json);
    fsn_dataset_destroy(dataset);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/data");
