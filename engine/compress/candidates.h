/* candidates.h - several files from one job's inputs, made one after the other; one is chosen. */
#ifndef FSN_COMPRESS_CANDIDATES_H
#define FSN_COMPRESS_CANDIDATES_H

#include "compress/job.h"
#include "compress/search.h"
#include "train/holdout.h"

struct fsn__candidates {
    struct fsn__job *job;
    const struct fsn_spec *spec;    /* that of the order */
    struct fsn_spec candidate_spec; /* a shallow copy with one budget, which the caller sets */
    bool all;                       /* every file is a result, not only the chosen one */
    struct fsn__report report;      /* with what is known before there is a candidate */
    struct fsn__size_range range;   /* of a search */
    struct fsn__halves halves;
    double baseline_miou; /* of the images that judge; NaN: not measured yet */
    const char *work;     /* where the folders and the list are */
    char list[FSN__PATH_BYTES], logits[FSN__PATH_BYTES];
    uint64_t key;
    struct fsn__search_state state;
    const char *ended; /* why there are no more candidates */
    /* The candidate in hand. */
    struct fsn_search shown;
    double begun_seconds;
    int first_epoch; /* the first that was trained in this run of the program; 0: none yet */
};

/* Takes up what an earlier run has left. most: candidates that there will be at most. The job's
 * progress, spec and paths are the candidates' until fsn__candidates_close, which is to be called
 * after a failure too. Zero-initialise. */
FSN_NODISCARD enum fsn_status fsn__candidates_open(struct fsn__candidates *c, struct fsn__job *job,
                                                   int most, struct fsn_error *err);
void fsn__candidates_close(struct fsn__candidates *c);

/* Makes and judges the next one, as candidate_spec says. */
FSN_NODISCARD enum fsn_status fsn__candidates_make(struct fsn__candidates *c,
                                                   struct fsn_error *err);
/* Chooses: its files, completed, become those of the job; of all, if wanted, candidate-K.onnx. */
FSN_NODISCARD enum fsn_status fsn__candidates_deliver(struct fsn__candidates *c,
                                                      struct fsn_error *err);

/* ---- between candidates.c, compare.c and deliver.c ---------------------------------------------
 */

/* Keeps what the model sees in the listed test images, where that is kept (job.h), as what the file
 * in hand sees. */
FSN_NODISCARD enum fsn_status fsn__candidates_see(struct fsn__candidates *c,
                                                  struct fsn_model *model, const int64_t *list,
                                                  int64_t count, struct fsn_error *err);
/* What both sides have on the listed test images, `after` the file in hand, which is the model; NaN
 * where there is no telling, as of masks without a class, or where outputs are not finite. Errors:
 * MISMATCH where the baseline has nothing to tell on the images that judge, and those of
 * average_precision.h, follow.h and what networks raise. */
FSN_NODISCARD enum fsn_status fsn__candidates_compare(struct fsn__candidates *c,
                                                      struct fsn_model *model, const int64_t *list,
                                                      int64_t count, struct fsn__comparison *out,
                                                      struct fsn_error *err);
/* Stands between a candidate and the order's callback; user: struct fsn__candidates. */
bool fsn__candidates_relay(const struct fsn_progress *progress, void *user);
/* WORK/candidate-K and what is to follow that name; candidates count from 0, names from 1. */
FSN_NODISCARD enum fsn_status fsn__candidates_path(const struct fsn__candidates *c, int candidate,
                                                   const char *end, char path[FSN__PATH_BYTES],
                                                   struct fsn_error *err);

#endif
