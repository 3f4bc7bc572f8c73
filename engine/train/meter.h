/* meter.h - tells the caller how far a stage is and when the job will be done. */
#ifndef FSN_TRAIN_METER_H
#define FSN_TRAIN_METER_H

#include "core/clock.h"
#include "core/error.h"
#include "fsnet.h"

/* Covers the stage's part from..to of the whole job. */
struct fsn__meter {
    fsn_progress_fn *progress; /* may be NULL */
    void *user;
    enum fsn_stage stage;
    double from, to;
    double start_seconds, start_fraction; /* set by fsn__meter_start */
};

static inline double fsn__per_second(int64_t images, double seconds)
{
    return seconds > 0 ? (double)images / seconds : 0;
}

/* The stage begins, or goes on from a checkpoint, with `done` (0..1) of it behind. */
void fsn__meter_start(struct fsn__meter *meter, double done);
/* Reports *now with stage, fraction and seconds_left filled in here. False: stop. */
bool fsn__meter_tell(const struct fsn__meter *meter, double done, struct fsn_progress now);
/* The same of an evaluation of so many images, `batch` at a time, whose batch b (0-based) is done.
 * Errors: CANCELLED. */
FSN_NODISCARD enum fsn_status fsn__meter_batch(const struct fsn__meter *meter, int64_t b,
                                               int64_t batch, int64_t images,
                                               struct fsn_error *err);
/* Tells once more how far it is with `b` batches done, while another is under way. False: stop. */
bool fsn__meter_again(const struct fsn__meter *meter, int64_t b, int64_t batch, int64_t images);
/* Starts, calls judge(arg, ...) for `batch` of the listed images after the other, and reports each.
 * Errors: those of judge, CANCELLED. */
typedef enum fsn_status fsn__judge_fn(void *arg, const int64_t *list, int64_t n,
                                      struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__meter_list(struct fsn__meter *meter, const int64_t *list,
                                              int64_t images, int64_t batch, fsn__judge_fn *judge,
                                              void *arg, struct fsn_error *err);

#endif
