/* ends.h - the values of a network that a job trains and judges it by. */
#ifndef FSN_COMPRESS_ENDS_H
#define FSN_COMPRESS_ENDS_H

#include "graph/graph.h"
#include "train/task.h"

/* A detector's two raw outputs, or the outputs that are distilled, as the spec names them or as
 * they are found; none of classifiers, which have a head. classes: of the data set, or -1 for any.
 * Errors as of fsn__detector_outputs_find and fsn__followed_find; *at (may be NULL) as of the
 * latter. */
FSN_NODISCARD enum fsn_status fsn__find_ends(const struct fsn__graph *graph, enum fsn__task task,
                                             int classes, const struct fsn_spec *spec,
                                             struct fsn__ends *out, int *at, struct fsn_error *err);
/* The place of a fault in how the spec names them: of distilled outputs the one `at`, -1 for none;
 * "/model_id" where it does not name any. */
struct fsn__ends_place {
    char text[40];
};
struct fsn__ends_place fsn__ends_pointer(enum fsn__task task, const struct fsn_spec *spec, int at);
/* Whether all of them are outputs of the file. */
bool fsn__ends_are_outputs(const struct fsn__graph *graph, const struct fsn__ends *ends);
/* Has the plan say where the graph is cut, if an end lies inside it, and how many nodes are kept as
 * they are behind the ends. Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__note_cut(const struct fsn__graph *graph,
                                            const struct fsn__ends *ends, struct fsn_plan *plan,
                                            struct fsn_error *err);

#endif
