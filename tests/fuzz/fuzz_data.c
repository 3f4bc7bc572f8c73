/* fuzz_data.c - any bytes as a data set archive: never a crash, a leak or more than the limits; and
 * a data set that opens holds what it promises. */
#include "data/dataset.h"
#include "fuzz_main.h"

#include <string.h>

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
            if (images->labels[i] < 0 || images->labels[i] >= dataset->classes)
                abort();
        for (int c = 0; c < dataset->classes; c++)
            counted += images->per_class[c];
        if (counted != images->count)
            abort();
        for (size_t i = 0; i < image * (size_t)images->count; i++)
            sink ^= images->pixels[i];
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
