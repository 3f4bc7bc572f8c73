/* objective.h - what a training run is to learn.
 *
 * The trainer knows steps, epochs and weights. An objective knows the rest: what goes into the
 * student, what is to come out of it, and how good that is. */
#ifndef FSN_TRAIN_OBJECTIVE_H
#define FSN_TRAIN_OBJECTIVE_H

#include "train/train.h"

/* A step of a run, and what it is named by in streams of random numbers. */
struct fsn__step {
    const int64_t *images; /* [batch] places in the train split */
    int epoch;             /* 0-based */
    int64_t in_epoch;      /* 0-based */
    int64_t in_run;        /* 0-based */
};

/* What an objective counts along an epoch. */
struct fsn__counts {
    struct fsn__hits hits; /* of classifiers */
    int64_t matched;       /* of detectors: default boxes */
};

struct fsn__objective_kind;

/* What every kind begins with. */
struct fsn__objective {
    const struct fsn__objective_kind *kind;
    /* The student as it runs, an alias of the job's (train/view.h), and what runs it in training.
     * Both belong to the objective. */
    struct fsn__graph *graph;
    struct fsn__exec *exec;
};

/* `self` was made by the same kind. load, forward and loss allocate nothing, but for photographs
 * that are decoded. */
struct fsn__objective_kind {
    /* Makes the networks, and memory for batches of options->batch images; steps: of the whole run.
     * The job is borrowed. *out is new, destroyed by destroy. Errors: MISMATCH (networks, data and
     * spec do not fit together), INVALID, what executors raise, NOMEM. */
    enum fsn_status (*create)(const struct fsn__train_job *job,
                              const struct fsn__exec_options *options, int64_t steps,
                              struct fsn__objective **out, struct fsn_error *err);
    void (*destroy)(struct fsn__objective *self);
    /* Puts the step's images, augmented, into the student, and keeps what is to come out. plain:
     * for measuring statistics, without what belongs to the loss alone or blanks pixels. Errors:
     * those of reading images. */
    enum fsn_status (*load)(struct fsn__objective *self, const struct fsn__step *step, bool plain,
                            struct fsn_error *err);
    /* Asks the teacher, if there is one, and runs the student on what was loaded. */
    enum fsn_status (*forward)(struct fsn__objective *self, const struct fsn__step *step,
                               struct fsn_error *err);
    /* The loss of what came out, its gradients as those of the student's outputs; adds to counts.
     */
    double (*loss)(struct fsn__objective *self, struct fsn__counts *counts);
    /* What the curve says of an epoch of so many images, losses, rate and times aside. */
    void (*fill_row)(const struct fsn__objective *self, const struct fsn__counts *counts,
                     int64_t images, struct fsn_epoch *row);
    /* Judges the student as it is now by these train images, not augmented: writes held_loss, and
     * held_top1 if it has one. Errors: those of evaluation, CANCELLED. */
    enum fsn_status (*judge)(struct fsn__objective *self, const int64_t *list, int64_t images,
                             const struct fsn__meter *meter, struct fsn_epoch *row,
                             struct fsn_error *err);
};

/* The objective of a job, by its task, for a run of `steps` steps. Errors: those of
 * create. *out: new, fsn__objective_destroy. */
FSN_NODISCARD enum fsn_status fsn__objective_create(const struct fsn__train_job *job, int64_t batch,
                                                    int64_t steps, struct fsn__objective **out,
                                                    struct fsn_error *err);
void fsn__objective_destroy(struct fsn__objective *objective); /* NULL is fine */

/* Classes of images, from labels and a teacher's logits (classify.c). */
extern const struct fsn__objective_kind fsn__classify;
/* Objects in images, from boxes and a teacher's outputs (detect_objective.c). */
extern const struct fsn__objective_kind fsn__detect_objects;
/* Outputs, from a teacher's alone (distill_objective.c). */
extern const struct fsn__objective_kind fsn__distill_outputs;
/* Classes of pixels, from masks (segment_objective.c). */
extern const struct fsn__objective_kind fsn__segment_pixels;

#endif
