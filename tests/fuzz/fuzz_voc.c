/* fuzz_voc.c - any bytes as a Pascal VOC annotation: never a crash or a leak; objects that come out
 * have names and numbers. */
#include "data/voc_xml.h"
#include "fuzz_main.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fsn__voc_annotation annotation = {0};
    struct fsn_error err = {0};
    const enum fsn_status status = fsn__voc_parse(data, size, "photo.xml", &annotation, &err);

    if (status != FSN_OK && (err.status == FSN_OK || !strstr(err.text, "photo.xml")))
        abort();
    if (annotation.count > FSN__VOC_MAX_OBJECTS)
        abort();
    for (int i = 0; status == FSN_OK && i < annotation.count; i++) {
        const struct fsn__voc_object *object = &annotation.objects[i];

        if (!object->name || !isfinite(object->x0) || !isfinite(object->y0) ||
            !isfinite(object->x1) || !isfinite(object->y1))
            abort();
    }
    fsn__voc_clear(&annotation);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/voc");
