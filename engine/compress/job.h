/* job.h - what the pieces of one job share: its inputs, and the file that is being made. */
#ifndef FSN_COMPRESS_JOB_H
#define FSN_COMPRESS_JOB_H

#include "compress/compress.h"
#include "core/folder.h"

/* What a network sees in the test images: of a classifier, or of a detector. */
struct fsn__seen {
    int32_t *choice; /* [test images] see fsn__evaluate_images */
    struct fsn__findings found;
};

/* A job makes one file, or several from the same inputs, one after the other. */
struct fsn__job {
    const struct fsn_job *order;
    fsn_progress_fn *progress; /* the order's, or one between that counts the files; may be NULL */
    void *user;
    /* Had once, by fsn_compress. */
    struct fsn__pool *pool;
    struct fsn_model *baseline;
    struct fsn_dataset *data;
    /* The order's, with the names of what it leaves to be found and the values of what it names. */
    struct fsn_spec named;
    struct fsn__prepared prepared;
    struct fsn__graph *teacher;
    double quick; /* share of a file's work in one evaluation of the test split */
    double last;  /* where the work behind training begins */
    double start_seconds;
    struct fsn__seen seen; /* by the baseline */
    /* The file in hand: how it is to be, where it goes, what has come of it so far. */
    const struct fsn_spec *spec;
    const char *out_dir;
    const char *checkpoint_path; /* NULL: none is kept */
    const char *logits_path;     /* of the teacher, for the next file; NULL: there is none */
    uint64_t logits_key;
    struct fsn_plan *plan;
    struct fsn_model student;
    struct fsn_model *small, *dense, *int8, *detections; /* read back */
    struct fsn__seen small_seen;                         /* by the file */
    struct fsn__curve curve;
    struct fsn__report report;
};

/* Makes the file that the spec asks for: plan, fit, fine-tuning, quantisation, export; reads it
 * back, measures it and writes its report. Needs what is had once, and a report with the baseline.
 */
FSN_NODISCARD enum fsn_status fsn__make_file(struct fsn__job *job, struct fsn_error *err);
/* Frees what fsn__make_file has left, for the next file. */
void fsn__clear_file(struct fsn__job *job);

/* Makes files of several sizes, of the spec's sweep or until it is known which one holds its
 * max_accuracy_drop, and leaves the chosen one and the job's report in out_dir. See search.c. */
FSN_NODISCARD enum fsn_status fsn__search(struct fsn__job *job, struct fsn_error *err);

/* Tells the caller that a stage begins; its answer may be to stop. */
FSN_NODISCARD enum fsn_status fsn__enter(const struct fsn__job *job, enum fsn_stage stage,
                                         double fraction, struct fsn_error *err);
/* Measures a model on the test images, from fraction `from` of the file's work on; seen (may be
 * NULL) gets what it sees in them. */
FSN_NODISCARD enum fsn_status fsn__measure_side(struct fsn__job *job, struct fsn_model *model,
                                                enum fsn_stage stage, double from,
                                                struct fsn__report_side *side,
                                                struct fsn__seen *seen, struct fsn_error *err);
struct fsn__train_job fsn__training(const struct fsn__job *job, struct fsn__graph *student);
FSN_NODISCARD enum fsn_status fsn__write_text(const char *folder, const char *name,
                                              const char *text, struct fsn_error *err);

#endif
