/* features.h - the student's feature maps held to the teacher's. */
#ifndef FSN_TRAIN_FEATURES_H
#define FSN_TRAIN_FEATURES_H

#include "train/classifier.h"

/* Values of two graphs that stand for the same maps, pairwise. */
struct fsn__stage_ends {
    int count;
    int student[FSN__MAX_IO - 1], teacher[FSN__MAX_IO - 1];
};

/* Finds the ends of the stages: maps that a node of the teacher makes smaller or into a vector, and
 * that the student has under the same name and in the same shape. The last FSN__MAX_IO - 1 of them
 * when there are more. Errors: MISMATCH when there is none. */
FSN_NODISCARD enum fsn_status fsn__stage_ends_find(const struct fsn__graph *student,
                                                   const struct fsn__graph *teacher,
                                                   struct fsn__stage_ends *out,
                                                   struct fsn_error *err);

/* weight |s - t|^2 / |t - mean t|^2 over a whole batch of maps s (student) and t (teacher), both
 * [images][size]; ds[images][size] is written. 0 where t is constant. scratch: [3 images]. Depends
 * on neither threads nor slices. */
double fsn__feature_loss(const float *s, const float *t, int64_t images, int64_t size,
                         double weight, float *ds, double *scratch, struct fsn__pool *pool);
/* The mean of that over the stages, and its gradients as those of the student's values. Both
 * networks were made with these values (fsn__classifier_create_with). scratch: [3 batch]. */
double fsn__features_compare(const struct fsn__stage_ends *ends,
                             const struct fsn__classifier *student,
                             const struct fsn__classifier *teacher, double weight, double *scratch,
                             struct fsn__pool *pool);

#endif
