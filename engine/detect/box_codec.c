/* box_codec.c - see box_codec.h. In the order of operations of the known PyTorch port, in f32, so
 * that ties between default boxes fall as they do there. */
#include "detect/box_codec.h"

#include <math.h>

const float fsn__ssd_variance[4] = {0.1F, 0.1F, 0.2F, 0.2F};

struct fsn__box fsn__box_corners(const float centred[4])
{
    const float half_w = centred[2] / 2, half_h = centred[3] / 2;

    return (struct fsn__box){centred[0] - half_w, centred[1] - half_h, centred[0] + half_w,
                             centred[1] + half_h};
}

void fsn__box_centred(struct fsn__box box, float centred[4])
{
    centred[0] = (box.x0 + box.x1) / 2;
    centred[1] = (box.y0 + box.y1) / 2;
    centred[2] = box.x1 - box.x0;
    centred[3] = box.y1 - box.y0;
}

void fsn__box_encode(struct fsn__box box, const float standard[4], const float variance[4],
                     float offset[4])
{
    float b[4];

    fsn__box_centred(box, b);
    for (int i = 0; i < 2; i++) {
        offset[i] = (b[i] - standard[i]) / (variance[i] * standard[2 + i]);
        offset[2 + i] = logf(b[2 + i] / standard[2 + i]) / variance[2 + i];
    }
}

struct fsn__box fsn__box_decode(const float offset[4], const float standard[4],
                                const float variance[4])
{
    float b[4];

    for (int i = 0; i < 2; i++) {
        b[i] = standard[i] + offset[i] * variance[i] * standard[2 + i];
        b[2 + i] = standard[2 + i] * expf(offset[2 + i] * variance[2 + i]);
    }
    return fsn__box_corners(b);
}

float fsn__box_area(struct fsn__box box)
{
    return fmaxf(box.x1 - box.x0, 0.0F) * fmaxf(box.y1 - box.y0, 0.0F);
}

float fsn__box_iou(struct fsn__box a, struct fsn__box b)
{
    const struct fsn__box common = {fmaxf(a.x0, b.x0), fmaxf(a.y0, b.y0), fminf(a.x1, b.x1),
                                    fminf(a.y1, b.y1)};
    const float shared = fsn__box_area(common);

    return shared > 0 ? shared / (fsn__box_area(a) + fsn__box_area(b) - shared) : 0.0F;
}
