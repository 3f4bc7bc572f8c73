/* fuzz_coco.c - any bytes as a COCO file of annotations: never a crash or a leak; what comes out
 * has names and numbers. */
#include "data/coco_json.h"
#include "fuzz_main.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fsn__coco coco = {0};
    struct fsn_error err = {0};
    const enum fsn_status status = fsn__coco_parse(data, size, "set.json", &coco, &err);

    if (status != FSN_OK && (err.status == FSN_OK || !strstr(err.text, "set.json")))
        abort();
    for (int64_t i = 0; status == FSN_OK && i < coco.category_count; i++)
        if (!coco.categories[i].name[0])
            abort();
    for (int64_t i = 0; status == FSN_OK && i < coco.image_count; i++)
        if (!coco.images[i].file_name[0])
            abort();
    for (int64_t i = 0; status == FSN_OK && i < coco.box_count; i++)
        if (!isfinite(coco.boxes[i].x) || !isfinite(coco.boxes[i].y) ||
            !isfinite(coco.boxes[i].w) || !isfinite(coco.boxes[i].h))
            abort();
    fsn__coco_clear(&coco);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/coco");
