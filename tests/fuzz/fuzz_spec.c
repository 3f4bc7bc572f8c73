/* fuzz_spec.c - any bytes as a job spec: never a crash or a leak; faults have places, and what is
 * accepted is written as a spec that reads back as the same. */
#include "fsnet.h"
#include "fuzz_main.h"

#include <string.h>

static char *read_and_write(const char *json, size_t size, struct fsn_faults *faults)
{
    static const char *const ignore[] = {"model_id", NULL};
    struct fsn_spec spec;
    struct fsn_error err = {0};
    char *text = NULL;

    if (fsn_spec_from_json(json, size, ignore, &spec, faults, &err) != FSN_OK) {
        if (err.status == FSN_OK || (err.status == FSN_INVALID && faults->count == 0))
            abort();
        return NULL;
    }
    if (fsn_spec_to_json(&spec, &text, &err) != FSN_OK)
        abort();
    fsn_spec_clear(&spec);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fsn_faults faults = {0};
    char *first = read_and_write((const char *)data, size, &faults), *second;

    if (!first)
        return 0;
    second = read_and_write(first, strlen(first), &faults);
    if (!second || strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/spec");
