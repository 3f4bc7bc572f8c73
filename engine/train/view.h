/* view.h - a network seen by training and evaluation: [N,C,H,W] images in, logits or a detector's
 * outputs out. */
#ifndef FSN_TRAIN_VIEW_H
#define FSN_TRAIN_VIEW_H

#include "data/dataset.h"
#include "graph/exec.h"
#include "graph/head.h"

/* An alias of the graph (fsn__graph_alias: the weights stay the graph's own) whose outputs are the
 * listed values, pruned to what they need, and whose one input takes a data set's images as they
 * are loaded, [N,C,H,W], even where the network takes [N,H,W,C]. who names the network in messages.
 * Errors: MISMATCH. *out is new, fsn__graph_destroy. */
FSN_NODISCARD enum fsn_status fsn__view_create(const struct fsn__graph *graph, const char *who,
                                               const struct fsn_dataset *data, const int *outputs,
                                               int count, struct fsn__graph **out,
                                               struct fsn_error *err);

/* The batch axis that the graph's input fixes goes over options->batch, unless training: then
 * another is MISMATCH. */
FSN_NODISCARD enum fsn_status fsn__view_fix_batch(const struct fsn__graph *graph, const char *who,
                                                  struct fsn__exec_options *options,
                                                  struct fsn_error *err);

/* Tells the transform what images the view takes, having checked that mean and std are for their
 * channels and that they can be cut out of what it resizes to. Errors: MISMATCH. */
FSN_NODISCARD enum fsn_status fsn__view_aim(const struct fsn__graph *view,
                                            struct fsn__transform *transform,
                                            struct fsn_error *err);

/* How many images a network with this input of images runs on at once: at most `most`, and of large
 * ones as many as have about `floats` values; what the file fixes, where it does. At least 1. */
int64_t fsn__view_batch(const struct fsn__tensor *input, int64_t most, int64_t floats);
/* The same of a graph that nobody has looked at yet: what takes no images is refused when a network
 * is made of it. */
int64_t fsn__view_graph_batch(const struct fsn__graph *graph, int64_t most, int64_t floats);

/* The Softmax (or its logarithm) over one axis that the value ends in, and that axis; NULL: it does
 * not, or over several axes at once. */
const struct fsn__node *fsn__view_softmax(const struct fsn__graph *graph, int value, int *axis);

/* Whether there are images to go through. Errors: MISMATCH. */
FSN_NODISCARD enum fsn_status fsn__view_check_images(enum fsn_split split, int64_t images,
                                                     struct fsn_error *err);

struct fsn__image_shape {
    int channels, height, width;
};

/* How the images' axes stand in an input of this shape. Photographs, whose height is 0 in *shape,
 * fit any of one or three channels: then *shape becomes the input's. */
enum fsn__layout_of_images { FSN__IMAGES_NCHW, FSN__IMAGES_NHWC, FSN__IMAGES_OTHER };
enum fsn__layout_of_images fsn__layout_of_images(const struct fsn__tensor *input,
                                                 struct fsn__image_shape *shape);

/* What the spec does to images as they are, and what training does to them; fsn__view_aim completes
 * it. Photographs with boxes or masks are brought to the network's input as a whole, without a size
 * in between; what training does to them and their boxes is in data/augment_boxes.h. */
struct fsn__transform fsn__view_plain(const struct fsn_dataset *data, const struct fsn_spec *spec);
void fsn__view_whole(struct fsn__transform *transform); /* brings images to the input like that */
struct fsn__transform fsn__view_transform(const struct fsn_dataset *data,
                                          const struct fsn_spec *spec);

#endif
