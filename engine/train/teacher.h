/* teacher.h - the teacher of a training run: what it says of the batch that the student sees. */
#ifndef FSN_TRAIN_TEACHER_H
#define FSN_TRAIN_TEACHER_H

#include "train/classifier.h"
#include "train/logit_store.h"
#include "train/train.h"

struct fsn__teacher {
    struct fsn__classifier net;
    struct fsn__logit_store *store; /* NULL: it is asked at every step */
    float *kept;                    /* [batch][classes], with a store */
    const float *logits;            /* [batch][classes], of the last batch */
};

/* Of the job's teacher, for this student and a run of so many steps. features: [count] values of
 * the teacher's graph that are compared, which a store has not got: with any there is none.
 * Zero-initialise; fsn__teacher_clear frees. */
FSN_NODISCARD enum fsn_status fsn__teacher_create(const struct fsn__train_job *job,
                                                  const struct fsn__exec_options *options,
                                                  const struct fsn__classifier *student,
                                                  const int *features, int count, int64_t steps,
                                                  struct fsn__teacher *out, struct fsn_error *err);
void fsn__teacher_clear(struct fsn__teacher *teacher);
/* Sets logits for the images of the student's batch in step `step` of the run. */
FSN_NODISCARD enum fsn_status fsn__teacher_ask(struct fsn__teacher *teacher,
                                               const struct fsn__classifier *student, int64_t step,
                                               struct fsn_error *err);

#endif
