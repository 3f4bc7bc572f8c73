/* detector.h - a graph that finds the objects in a data set's images, ready to run.
 *
 * For each of P default boxes a detector of C classes writes how to move it, locations [N,P,4]
 * (offsets as in detect/box_codec.h), and what is in it, confidences [N,P,C+1] (logits, the
 * background first). Training and evaluation take these raw outputs; what a file does with them
 * behind is not looked at. */
#ifndef FSN_TRAIN_DETECTOR_H
#define FSN_TRAIN_DETECTOR_H

#include "data/dataset.h"
#include "detect/nms.h"
#include "graph/shards.h"

/* Where the two outputs are, and what they are relative to. */
struct fsn__detector_head {
    int locations, confidences; /* values of the graph: the ends, or what a final Softmax reads */
    int ends[2];                /* the two as they are named: outputs, or values inside */
    int64_t boxes;              /* P */
    int32_t classes;            /* C, without the background */
    float *standard;            /* [P][4] default boxes (cx, cy, w, h), owned */
    float variance[4];
};

/* Finds the values that spec->detection names, or raw outputs inside a network that decodes its
 * boxes (detector_cut.c), or outputs by their shapes; and makes the default boxes that are asked
 * for. classes: that the data set has. who names the network in messages. Errors:
 * INVALID (no such output), MISMATCH (no such outputs, or several; their classes, or the number of
 * default boxes, are others), LIMIT, NOMEM. Zero-initialise *out; fsn__detector_head_clear frees.
 */
FSN_NODISCARD enum fsn_status fsn__detector_head_find(const struct fsn__graph *graph,
                                                      const char *who, int classes,
                                                      const struct fsn_spec *spec,
                                                      struct fsn__detector_head *out,
                                                      struct fsn_error *err);
/* The outputs alone, without default boxes. classes -1, here and above: of any number. */
FSN_NODISCARD enum fsn_status fsn__detector_outputs_find(const struct fsn__graph *graph,
                                                         const char *who, int classes,
                                                         const struct fsn_spec *spec,
                                                         struct fsn__detector_head *out,
                                                         struct fsn_error *err);
/* Whether two outputs say of the same boxes where they are and what is in them: the background and
 * at least one class. */
bool fsn__detector_has_outputs(const struct fsn__graph *graph);
void fsn__detector_head_clear(struct fsn__detector_head *head);
/* detector_boxes.c: head->standard and variance, for head->boxes boxes. Errors: as above. */
FSN_NODISCARD enum fsn_status fsn__detector_boxes(const struct fsn__graph *graph, const char *who,
                                                  const struct fsn_default_boxes *boxes,
                                                  struct fsn__detector_head *head,
                                                  struct fsn_error *err);
/* Boxes by tensors that the file of the model had, whether or not its graph still has them, are
 * known by their values from here on, in other graphs too; the model must live as long. What it
 * does not have is left to be looked for in the graph. */
void fsn__detector_bind_boxes(const struct fsn_model *model, struct fsn_default_boxes *boxes);
/* How many pairs of values [N,P,4] and [N,P,classes + 1] there are, raw outputs of a network that
 * decodes its boxes (detector_cut.c); one of them goes into pair. */
int fsn__detector_cut_find(const struct fsn__graph *graph, int classes, int pair[2]);
/* ", and inside it 'a' float32 [N,P,4], ...": values of such shapes that are no outputs, as many as
 * fit; "" for none. */
const char *fsn__detector_list_inner(const struct fsn__graph *graph, int classes, char text[400]);
#define FSN__LIST_INNER(graph, classes) fsn__detector_list_inner((graph), (classes), (char[400]){0})

/* How the spec has what is found chosen. */
struct fsn__nms_options fsn__detector_nms(const struct fsn_spec *spec);
/* Whether what may be found in so many images can be kept until all of them are judged together.
 * Errors: LIMIT. */
FSN_NODISCARD enum fsn_status fsn__detections_fit(const struct fsn_spec *spec,
                                                  const struct fsn__detector_head *head,
                                                  int64_t images, struct fsn_error *err);

struct fsn__detector {
    struct fsn__detector_head head;
    struct fsn__exec *exec;     /* training; NULL for inference */
    struct fsn__shards *shards; /* inference; NULL for training */
    struct fsn__graph *graph;   /* what runs: an alias of the caller's graph (train/view.h) */
    int64_t batch;
    float *images;            /* [batch][C][H][W], filled before a forward pass */
    size_t image_bytes;       /* of the whole batch */
    const float *locations;   /* [batch][P][4], read after it */
    const float *confidences; /* [batch][P][C + 1], read after it */
    float *dlocations;        /* [batch][P][4], written before a backward pass; NULL: inference */
    float *dconfidences;      /* [batch][P][C + 1], the same */
};

/* Finds the head and makes the executor; checks that a batch of images gives as many rows of either
 * output, and, for training, that weights lie before both. The graph must outlive the detector, and
 * its weights are trained in place. options->batch yields to a batch axis that the graph itself
 * fixes, unless training. Errors: those of fsn__detector_head_find, MISMATCH ("student: input
 * ..."), and what the executor raises. Zero-initialise *out; fsn__detector_clear frees. */
FSN_NODISCARD enum fsn_status
fsn__detector_create(struct fsn__graph *graph, const char *who, const struct fsn_dataset *data,
                     const struct fsn_spec *spec, const struct fsn__exec_options *options,
                     struct fsn__detector *out, struct fsn_error *err);
/* The same, with more values of the graph to be read after a forward pass, and given gradients
 * before a backward pass: fsn__detector_value of 0 and on. At most FSN__MAX_IO - 2. */
FSN_NODISCARD enum fsn_status
fsn__detector_create_with(struct fsn__graph *graph, const char *who, const struct fsn_dataset *data,
                          const struct fsn_spec *spec, const struct fsn__exec_options *options,
                          const int *values, int count, struct fsn__detector *out,
                          struct fsn_error *err);
const struct fsn__tensor *fsn__detector_value(const struct fsn__detector *detector, int i);
float *fsn__detector_value_grad(const struct fsn__detector *detector, int i);
/* From images to locations and confidences. step: as in fsn__exec_forward. */
FSN_NODISCARD enum fsn_status fsn__detector_forward(struct fsn__detector *detector, uint64_t step,
                                                    struct fsn_error *err);
size_t fsn__detector_memory(const struct fsn__detector *detector); /* bytes planned */
void fsn__detector_clear(struct fsn__detector *detector);

#endif
