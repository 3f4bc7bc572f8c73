/* match.c - matching as in SSD (Liu et al., arXiv 1512.02325, section 2.2), where the paper leaves
 * it open as the known PyTorch port decides: an overlap of exactly the threshold matches. */
#include "detect/match.h"

#include "detect/box_codec.h"

int64_t fsn__match(const struct fsn__box *standard, int64_t n, const struct fsn__object *objects,
                   int64_t count, float threshold, bool difficult, float *overlap, int32_t *best,
                   int32_t *match)
{
    int64_t matched = 0;

    for (int64_t p = 0; p < n; p++) {
        overlap[p] = -1;
        match[p] = best[p] = FSN__UNMATCHED;
    }
    for (int64_t i = 0; i < count && n > 0; i++) {
        float most = -1;
        int64_t at = 0;

        if (!(fsn__box_area(objects[i].box) > 0) || (objects[i].difficult && !difficult))
            continue;
        for (int64_t p = 0; p < n; p++) {
            const float shared = fsn__box_iou(objects[i].box, standard[p]);

            if (shared > overlap[p]) {
                overlap[p] = shared;
                match[p] = (int32_t)i;
            }
            if (shared > most) {
                most = shared;
                at = p;
            }
        }
        best[at] = (int32_t)i;
    }
    for (int64_t p = 0; p < n; p++) {
        if (best[p] != FSN__UNMATCHED)
            match[p] = best[p];
        else if (!(overlap[p] >= threshold))
            match[p] = FSN__UNMATCHED;
        matched += match[p] != FSN__UNMATCHED;
    }
    return matched;
}
