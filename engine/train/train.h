/* train.h - the trainer: distillation, optimiser, schedule, checkpoint. */
#ifndef FSN_TRAIN_TRAIN_H
#define FSN_TRAIN_TRAIN_H

#include "data/dataset.h"
#include "graph/exec.h"
#include "train/findings.h"
#include "train/meter.h"

/* loss = (1-a) CE(labels, z_s) + a T^2 KL(softmax(z_t/T) || softmax(z_s/T)), mean over the batch.
 * student, teacher: [n][classes] logits (teacher NULL: a is taken as 0); dlogits [n][classes] is
 * written (may be NULL). Returns the loss; *correct (may be NULL) = how many have their largest
 * logit at the label. */
double fsn__distill_loss(const float *student, const float *teacher, const int32_t *labels,
                         int64_t n, int64_t classes, double alpha, double temperature,
                         float *dlogits, int64_t *correct);

/* What a batch is to be taken for. An image that is mixed (fsn__mix_batch) with image n - 1 - i has
 * that one's label too. */
struct fsn__targets {
    const int32_t *labels; /* [n] */
    double mix;            /* share of the own label; 1: nothing is mixed */
    double smoothing;      /* share of the labels that is spread over all classes */
};

/* Images whose largest logit is at the label, at that of the larger share where they are mixed. */
struct fsn__hits {
    int64_t student, teacher;
};

/* fsn__distill_loss with soft labels, as PyTorch's cross_entropy(label_smoothing) has them; hits
 * may be NULL. */
double fsn__train_loss(const float *student, const float *teacher,
                       const struct fsn__targets *targets, int64_t n, int64_t classes, double alpha,
                       double temperature, float *dlogits, struct fsn__hits *hits);

/* Learning rate of global step `step` (0-based) out of `steps`, with linear warm-up over
 * spec->finetune.warmup_steps or half of the steps, whichever is less. */
double fsn__learning_rate(const struct fsn_spec *spec, int64_t step, int64_t steps);

/* The share of a Filter Summary in its filters at that step, the last part being the baseline's:
 * rises to 1 over spec->finetune.sharing of the steps. */
double fsn__sharing(const struct fsn_spec *spec, int64_t step, int64_t steps);

/* The step (of `steps`) before which learned locations are rounded; always one of them. */
int64_t fsn__rounding_step(const struct fsn_spec *spec, int64_t steps);

/* SGD with Nesterov momentum as PyTorch defines it: g += wd w; v = mu v + g; w -= lr (g + mu v). */
void fsn__sgd_step(float *w, const float *g, float *v, int64_t n, double lr, double momentum,
                   double weight_decay);

/* Counts the epochs of a training run and keeps the curve. */
struct fsn__curve {
    int count;
    struct fsn_epoch *rows; /* [count], freed by free() */
    int64_t held_images;    /* training images that were held back */
};

struct fsn__train_job {
    struct fsn__graph *student; /* trained in place; PARAM and STAT marked */
    struct fsn__graph *teacher; /* NULL: plain cross-entropy */
    const struct fsn_dataset *data;
    const struct fsn_spec *spec;
    struct fsn__pool *pool;
    float *share; /* written before every step: how far sharing is; ends at 1. NULL: nobody reads */
    const char *checkpoint_path; /* NULL: none. Written atomically after every epoch. */
    /* Where the teacher's logits are kept for runs of other students with the same teacher, data
     * and spec.finetune, which logits_key names (train/logit_store.h). NULL: nowhere. */
    const char *logits_path;
    uint64_t logits_key;
    /* Called before each step (0-based, of the whole run; `steps` an epoch), for what changes
     * values of the student on schedule; what it does may depend on these values and the step
     * alone. May be NULL. */
    enum fsn_status (*before_step)(int64_t step, int64_t steps, void *arg, struct fsn_error *err);
    void *before_step_arg;
    double judge_after; /* share of the epochs that are over before one can be the best (holdout) */
    /* The whole job's share that training fills: progress fraction runs from..to. */
    double fraction_from, fraction_to;
    fsn_progress_fn *progress;
    void *user;
};

/* Trains spec->finetune.epochs epochs and lets batch-norm statistics settle on the final weights
 * (which is all that is done in no epochs). A
 * valid checkpoint of the same run (same spec, seed, networks, data, threads) is taken up, and the
 * result is byte for byte that of an undisturbed run; one of another run is FSN_INVALID; a damaged
 * one is ignored (training starts over). *curve: the caller frees rows. */
FSN_NODISCARD enum fsn_status fsn__train_run(const struct fsn__train_job *job,
                                             struct fsn__curve *curve, struct fsn_error *err);

/* top1/top5/loss of a graph on the listed images of a split (NULL: the first ones); of the spec,
 * output and preprocess are heeded. Tells the meter after each batch. choice[i] (may be NULL):
 * the network's first choice for image i of the list; -1 where its logits are not all numbers, and
 * it may be none of the data's classes where the network has more. */
FSN_NODISCARD enum fsn_status
fsn__evaluate_images(struct fsn__graph *graph, const struct fsn_dataset *data, enum fsn_split split,
                     const int64_t *list, int64_t images, const struct fsn_spec *spec,
                     struct fsn__pool *pool, const struct fsn__meter *meter, int32_t *choice,
                     struct fsn_eval *out, struct fsn_error *err);
/* The same on a whole split, as a stage of the job. */
FSN_NODISCARD enum fsn_status
fsn__evaluate(struct fsn__graph *graph, const struct fsn_dataset *data, enum fsn_split split,
              const struct fsn_spec *spec, struct fsn__pool *pool, enum fsn_stage stage,
              double fraction_from, double fraction_to, fsn_progress_fn *progress, void *user,
              struct fsn_eval *out, struct fsn_error *err);

/* How well a detector finds the objects in the listed images of a split (NULL: the first ones); of
 * the spec, detection and preprocess (mean, std and scale) are heeded. Tells the meter after each
 * batch. keep (may be NULL) gets what was found in each image of the list. *out:
 * fsn_detection_eval_clear. Errors: MISMATCH, CANCELLED, and what the executor and the files raise.
 */
FSN_NODISCARD enum fsn_status
fsn__evaluate_detector_images(struct fsn__graph *graph, const struct fsn_dataset *data,
                              enum fsn_split split, const int64_t *list, int64_t images,
                              const struct fsn_spec *spec, struct fsn__pool *pool,
                              const struct fsn__meter *meter, struct fsn__findings *keep,
                              struct fsn_detection_eval *out, struct fsn_error *err);
/* The same on a whole split. */
FSN_NODISCARD enum fsn_status
fsn__evaluate_detector(struct fsn__graph *graph, const struct fsn_dataset *data,
                       enum fsn_split split, const struct fsn_spec *spec, struct fsn__pool *pool,
                       const struct fsn__meter *meter, struct fsn_detection_eval *out,
                       struct fsn_error *err);

/* How well a network tells the classes of pixels in the listed images of a split (NULL: the first
 * ones): fsn_evaluate_segmenter. Tells the meter after each batch. */
FSN_NODISCARD enum fsn_status fsn__evaluate_segmenter_images(
    struct fsn__graph *graph, const struct fsn_dataset *data, enum fsn_split split,
    const int64_t *list, int64_t images, const struct fsn_spec *spec, struct fsn__pool *pool,
    const struct fsn__meter *meter, struct fsn_segmentation_eval *out, struct fsn_error *err);
/* The same on a whole split. */
FSN_NODISCARD enum fsn_status
fsn__evaluate_segmenter(struct fsn__graph *graph, const struct fsn_dataset *data,
                        enum fsn_split split, const struct fsn_spec *spec, struct fsn__pool *pool,
                        const struct fsn__meter *meter, struct fsn_segmentation_eval *out,
                        struct fsn_error *err);

#endif
