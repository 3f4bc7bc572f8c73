/* resize_axis.h - where the elements of a resized axis come from: taps and their weights.
 *
 * Resampling in several dimensions is resampling along one axis after the other. Along one axis,
 * output o is a weighted sum of a few inputs around the position p(o), which
 * coordinate_transformation_mode defines. With scale s, input size I, output size O, and the exact
 * length L = s I:
 *
 *     half_pixel            (o + 1/2) / s - 1/2
 *     half_pixel_symmetric  the same + (I / 2) (1 - O / L)
 *     pytorch_half_pixel    half_pixel, 0 when L is 1
 *     align_corners         o (I - 1) / (L - 1), 0 when L is 1
 *     asymmetric            o / s
 *     tf_half_pixel_for_nn  (o + 1/2) / s
 *     tf_crop_and_resize    from start to end of the region, in units of I - 1: start (I - 1) +
 *                           o (end - start) (I - 1) / (L - 1), its middle when L is 1
 *
 * The weights, with f = min(s, 1) for antialias and else 1:
 *
 *     nearest  1 at p rounded as nearest_mode says
 *     linear   k(f (i - p)), k(t) = 1 - |t| for |t| < 1
 *     cubic    the same with the cubic convolution kernel of coefficient a (Keys 1981)
 *
 * normalised to the sum 1. Positions beyond the ends read the end element, or with exclude_outside
 * have no weight.
 */
#ifndef FSN_OPS_RESIZE_AXIS_H
#define FSN_OPS_RESIZE_AXIS_H

#include <stdbool.h>
#include <stdint.h>

enum fsn__resize_mode { FSN__RESIZE_NEAREST, FSN__RESIZE_LINEAR, FSN__RESIZE_CUBIC };

enum fsn__resize_coordinates {
    FSN__RESIZE_HALF_PIXEL,
    FSN__RESIZE_HALF_PIXEL_SYMMETRIC,
    FSN__RESIZE_PYTORCH_HALF_PIXEL,
    FSN__RESIZE_ALIGN_CORNERS,
    FSN__RESIZE_ASYMMETRIC,
    FSN__RESIZE_TF_HALF_PIXEL_FOR_NN,
    FSN__RESIZE_TF_CROP_AND_RESIZE
};

enum fsn__resize_round {
    FSN__RESIZE_ROUND_PREFER_FLOOR,
    FSN__RESIZE_ROUND_PREFER_CEIL,
    FSN__RESIZE_FLOOR,
    FSN__RESIZE_CEIL
};

struct fsn__resize_rule {
    enum fsn__resize_mode mode;
    enum fsn__resize_coordinates coordinates;
    enum fsn__resize_round round;
    bool antialias, exclude_outside;
    float cubic_a, extrapolation;
};

struct fsn__resize_axis {
    int64_t in, out;
    double scale;      /* s */
    bool whole;        /* s is out / in: positions are computed from these, which is exact */
    double start, end; /* region of tf_crop_and_resize; else 0, 1 */
};

double fsn__resize_position(const struct fsn__resize_rule *rule,
                            const struct fsn__resize_axis *axis, int64_t o);
/* Whether every output is the input at its own place. */
bool fsn__resize_is_identity(const struct fsn__resize_rule *rule,
                             const struct fsn__resize_axis *axis);
/* Taps that each output has room for; at most a few more than 4 / s. */
int64_t fsn__resize_taps(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *axis);
/* Output o: the inputs and weights of its taps; unused ones have weight 0. */
void fsn__resize_weights(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *axis,
                         int64_t o, int64_t *index, float *weight);

#endif
