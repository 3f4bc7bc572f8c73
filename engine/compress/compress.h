/* compress.h - the pipeline's own pieces: the plan with its byte counts, the finished graph, the
 * report. */
#ifndef FSN_COMPRESS_COMPRESS_H
#define FSN_COMPRESS_COMPRESS_H

#include "compress/confusion.h"
#include "compress/detections.h"
#include "compress/layer_effects.h"
#include "compress/prepare.h"
#include "fs/fs.h"
#include "train/network.h"
#include "train/train.h"

#include <jansson.h>

/* Turns a trained student into what is exported, in place: Filter Summaries quantised as their
 * nodes say, Dropout and Identity dropped, batch norm folded, the rest rounded as the spec says.
 * range: see fsn__quantize_graph. */
FSN_NODISCARD enum fsn_status fsn__finish_graph(struct fsn__graph *student,
                                                const struct fsn_spec *spec,
                                                enum fsn_quant_range range, struct fsn_error *err);

/* The fewest bits that a layer may have: what the spec says, or what becomes of its 0. As many as
 * quantize.bits: all layers have these. */
int fsn__least_bits(const struct fsn_spec *spec);
/* Whether layers may differ in their bits. */
bool fsn__mixes_widths(const struct fsn_spec *spec);

/* The share of the steps that train the network as it is when quantised, the last ones; 0: none. */
double fsn__aware_share(const struct fsn_spec *spec);

/* A setting that a task has no use for, and what is said of it. */
struct fsn__conflict {
    const char *pointer, *text;
};
/* The i-th (0-based) that the spec gives though its network is to be distilled; NULL: there are no
 * more. Static. */
const struct fsn__conflict *fsn__distill_conflict(const struct fsn_spec *spec, int i);

/* A list of the spec's sweep, and the setting that takes its values one by one. */
struct fsn__swept {
    const char *pointer, *single; /* "/sweep/ratio", "/filter_summary/ratio" */
    size_t offset;                /* of the list in the spec */
    bool sized;                   /* the values say how large the files are ... */
    bool falling;                 /* ... the larger the smaller */
};
/* Row i of all lists; NULL behind the last. */
const struct fsn__swept *fsn__swept_at(int i);
const struct fsn_list *fsn__swept_list(const struct fsn__swept *kind, const struct fsn_spec *spec);
/* The one that has values; NULL: there is no sweep. */
const struct fsn__swept *fsn__swept(const struct fsn_spec *spec);
/* Its values; 0: there is no sweep. */
int fsn__sweep_count(const struct fsn_spec *spec);
/* Sets value `index` of spec's sweep in *out, another spec. There is a sweep. */
void fsn__sweep_set(const struct fsn_spec *spec, int index, struct fsn_spec *out);

/* fsn_plan_create for a network that is prepared, with batch norm put back. effects: of each row,
 * from an earlier plan; NULL: nothing was measured, and the budget is shared evenly. */
FSN_NODISCARD enum fsn_status
fsn__plan_prepared(const struct fsn_model *model, const struct fsn__prepared *prepared,
                   const struct fsn_spec *spec, const struct fsn__layer_effect *effects,
                   struct fsn_plan **out, struct fsn_faults *faults, struct fsn_error *err);
/* Sets the plan's expected_bytes: carries it out on the graph and exports to memory. */
FSN_NODISCARD enum fsn_status fsn__plan_measure(const struct fsn__graph *graph,
                                                const struct fsn_spec *spec, struct fsn_plan *plan,
                                                struct fsn_error *err);

/* How the spec has filters replaced by Filter Summaries; sharing is off. */
struct fsn__fs_options fsn__fs_options_of(const struct fsn_spec *spec);

/* One side of the report. Of the other task the figures are NaN. */
struct fsn__report_side {
    struct fsn_eval eval;
    struct fsn_detection_eval detection;       /* its classes are the job's */
    struct fsn_segmentation_eval segmentation; /* the same */
    int64_t size_bytes, parameters, effective_parameters, macs;
};

enum { FSN__MAX_WARNINGS = 8, FSN__MAX_EXCLUSIONS = 3 };

/* A layer to exclude, and by how many bytes model.onnx grows if only that changes. */
struct fsn__exclusion {
    size_t row; /* of the plan */
    int64_t added_bytes;
};

/* An output of a network that is distilled; see outputs.c for the errors, NaN where there is none.
 */
struct fsn__report_output {
    const char *name; /* borrowed from the baseline */
    enum fsn_output_loss loss;
    double weight;
    double start_error, error; /* of the fitted student before training, and of model.onnx */
    double int8_error;         /* of model-int8.onnx */
};
struct fsn__report_outputs {
    int count;
    struct fsn__report_output item[FSN_MAX_DISTILL_OUTPUTS];
};

/* What the two files write behind a cut; see tail.c. */
struct fsn__report_tail {
    int outputs; /* that could be compared */
    int64_t images;
    double max_difference; /* infinite: of different shapes */
};

struct fsn__report {
    enum fsn__task task;
    /* By whose figures the networks are measured: the task's, or those that a data set with labels
     * allows where outputs are distilled; FSN__TASK_DISTILL: there are none. */
    enum fsn__task figures;
    struct fsn__report_outputs outputs; /* of FSN__TASK_DISTILL */
    const struct fsn_spec *spec;
    const struct fsn_plan *plan;
    const struct fsn__curve *curve;
    struct fsn_dataset_info data;
    struct fsn__report_side baseline, compressed;
    struct fsn__outcomes outcomes; /* of the two, image by image; of classifiers */
    struct fsn__finds finds;       /* the same, of detectors */
    int64_t dense_bytes;           /* of model-dense.onnx */
    struct fsn__report_side int8;  /* model-int8.onnx, if the spec asks for it */
    int64_t detections_bytes;      /* the same of model-detections.onnx */
    double detections_difference;  /* largest of its boxes and scores from what the engine makes of
                                    * model.onnx's outputs */
    double baseline_train_top1;    /* on some training images, unaugmented; NaN: not measured */
    double dense_max_difference;   /* largest difference of its outputs from model.onnx's */
    struct fsn__report_tail tail;
    int threads;
    double wall_seconds;
    int exclusion_count;
    struct fsn__exclusion exclusions[FSN__MAX_EXCLUSIONS]; /* the costliest first */
    int warning_count;
    char warnings[FSN__MAX_WARNINGS][320]; /* what the user should look at */
};

/* What a side is judged by, per cent: the top-1 accuracy, the mAP at an overlap of a half, or the
 * mean IoU. */
double fsn__figure_of(const struct fsn__report *report, const struct fsn__report_side *side);
/* The same of a candidate, which may have an agreement instead; NaN: its training diverged. */
double fsn__candidate_figure(const struct fsn_candidate *candidate);
/* Sets that of these figures, and the others to NaN. */
void fsn__candidate_set(struct fsn_candidate *candidate, enum fsn__task figures, double value);
/* Puts a figure under the name that it has there, or has of the baseline, the others being null;
 * false when out of memory. */
bool fsn__figure_put(json_t *object, enum fsn__task figures, bool baseline, double value);

/* Adds a warning, of which there are at most FSN__MAX_WARNINGS. */
void fsn__report_warn(struct fsn__report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Whether the baseline does hardly better than chance on the test images. */
bool fsn__baseline_guesses(const struct fsn__report *report);
/* Looks for the usual mistakes and warns of them: once the baseline is measured; once the report's
 * curve, spec and compressed side are complete. */
void fsn__judge_baseline(struct fsn__report *report);
void fsn__judge_training(struct fsn__report *report);
/* ... and once a search has ended with a file of these drops, in points, where `most` may be lost:
 * on the images that chose it, and on those that are unseen. */
void fsn__judge_search(struct fsn__report *report, double drop, double unseen_drop, double most);

/* The report; new, NULL when out of memory. */
json_t *fsn__report_json(const struct fsn__report *report);
/* Writes report.json into the folder, and report.html, which is made of its text. Takes the
 * reference; NULL counts as out of memory. */
FSN_NODISCARD enum fsn_status fsn__report_write(json_t *report, const char *folder,
                                                struct fsn_error *err);
/* The training curve as CSV text; new, freed by free(). */
FSN_NODISCARD enum fsn_status fsn__curve_csv(const struct fsn__curve *curve, char **csv,
                                             struct fsn_error *err);

/* Rows of a plan as a JSON array; new reference, NULL when out of memory. */
json_t *fsn__plan_layers_json(const struct fsn_plan *plan);
/* Where the graph is cut, or null; the report says more of it (tail.c). New references. */
json_t *fsn__plan_cut_json(const struct fsn_plan *plan);
json_t *fsn__report_cut_json(const struct fsn__report *report);
/* Serialises root (whose reference it takes, NULL counts as out of memory) to text. */
FSN_NODISCARD enum fsn_status fsn__json_text(json_t *root, char **json, struct fsn_error *err);
/* A real, or null where it is not finite (JSON has no NaN). */
json_t *fsn__json_real(double value);

#endif
