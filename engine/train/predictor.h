/* predictor.h - what fsn_predict and fsn_predict_objects share. */
#ifndef FSN_TRAIN_PREDICTOR_H
#define FSN_TRAIN_PREDICTOR_H

#include "train/classifier.h"
#include "train/detector.h"

struct fsn_predictor {
    struct fsn__classifier network; /* of one that classifies */
    struct fsn__detector detector;  /* of one that finds objects */
    struct fsn_predictor_info info;
};

/* Where an image came from. */
struct fsn__loaded_image {
    int width, height;                 /* its own */
    int resized_width, resized_height; /* what the network's input was cut out of */
    int32_t label;                     /* -1: none is known */
};

/* Brings an image into the network's input. Photographs are cropped as preprocess has it; where
 * objects are looked for they are resized as a whole. Errors: those of fsn_predict. */
FSN_NODISCARD enum fsn_status fsn__predictor_load(struct fsn_predictor *predictor,
                                                  const struct fsn_preprocess *preprocess,
                                                  const struct fsn_image *image,
                                                  struct fsn__loaded_image *out,
                                                  struct fsn_error *err);

/* predict_objects.c: whether two outputs say of the same boxes where they are, [N,P,4], and what is
 * in them, or the network has such values inside and no output with one row of scores an image. */
bool fsn__predictor_detects(const struct fsn__graph *graph, const struct fsn_spec *spec);
/* predictor->detector. Errors: those of fsn_predictor_create. */
FSN_NODISCARD enum fsn_status fsn__predictor_open_detector(const struct fsn_model *model,
                                                           const struct fsn_spec *spec,
                                                           struct fsn_predictor *predictor,
                                                           struct fsn_error *err);

#endif
