/* fs.h - Filter Summary on graphs: plan, convert, fit. */
#ifndef FSN_FS_FS_H
#define FSN_FS_FS_H

#include "graph/graph.h"
#include "ops/fs_geometry.h"

/* One row for every Conv node, in graph order: its geometry or why it stays dense. This is
 * fsn_plan_create without the byte sizes (compress/ adds those from a real export). */
FSN_NODISCARD enum fsn_status fsn__fs_plan(const struct fsn__graph *graph,
                                           const struct fsn_spec *spec, struct fsn_plan **out,
                                           struct fsn_faults *faults, struct fsn_error *err);
/* The same, where training looks at the ends alone (none: at all that there is): convolutions that
 * they do not depend on would lose accuracy without a chance to regain it, and stay dense. ratios
 * and bits, one for each row in the order of the Conv nodes, replace the spec's (NULL: the spec's).
 */
FSN_NODISCARD enum fsn_status fsn__fs_plan_for(const struct fsn__graph *graph,
                                               const struct fsn__ends *ends,
                                               const struct fsn_spec *spec, const double *ratios,
                                               const int *bits, struct fsn_plan **out,
                                               struct fsn_faults *faults, struct fsn_error *err);
/* The rows alone, also where nothing can be compressed: each says why. For showing a network. */
FSN_NODISCARD enum fsn_status fsn__fs_rows(const struct fsn__graph *graph,
                                           const struct fsn_spec *spec, struct fsn_plan **out,
                                           struct fsn_error *err);
/* The value that the row's convolution reads as its weights, in the graph that was planned. */
int fsn__fs_row_weight(const struct fsn__graph *graph, const struct fsn_plan_layer *layer);
/* *out is the plan with the rows that read `weight` dense, or (alone) all others, and the rest as
 * planned. Its rows are new, and the caller's to free (free(out->layers)); their names stay the
 * plan's. Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__fs_plan_part(const struct fsn__graph *graph,
                                                const struct fsn_plan *plan, int weight, bool alone,
                                                struct fsn_plan *out, struct fsn_error *err);
/* The geometry of a planned layer that is not dense; of layout learned as layout 1d has it. */
struct fsn__fs_geometry fsn__fs_layer_geometry(const struct fsn_plan_layer *layer,
                                               enum fsn_spacing spacing);

struct fsn__fs_options {
    enum fsn_spacing spacing;
    enum fsn_start start;       /* ACTIVATIONS: like ASSIGNED, for want of any */
    uint64_t seed;              /* of the random start */
    bool sketch;                /* values will not matter, only how much there is of them ... */
    enum fsn_quant_range range; /* ... when they are quantised so */
    bool sharing;               /* the filters begin as the baseline's own: see fsn__fs_sharing */
    bool learn; /* layout learned: locations are values to be trained, not yet fixed */
    /* Called before each layer with the share of them that is done; false: FSN_CANCELLED. NULL:
     * nobody asks. */
    bool (*go_on)(void *user, double done);
    void *user;
};

/* A new graph: the baseline's with each planned Conv's weights replaced by
 * F (PARAM) -> FilterSummary -> weight input, F as options->start says (convert.c). Writes
 * fit_error into the plan's rows. Trainable values are marked. F is named after the weight it
 * replaces, with ".fs" appended. The node's attributes `bits` and `segment` are the plan's, for the
 * quantiser. */
FSN_NODISCARD enum fsn_status fsn__fs_convert(const struct fsn__graph *baseline,
                                              struct fsn_plan *plan,
                                              const struct fsn__fs_options *options,
                                              struct fsn__graph **out, struct fsn_error *err);

/* Of a graph that was converted with `sharing`: where the share t stands that all its FilterSummary
 * nodes read, 0 at first; W = (1 - t) W_baseline + t A F. NULL when it has none (any more). */
float *fsn__fs_sharing(const struct fsn__graph *graph);
/* The filters are F's alone from now on; the baseline's are dropped. */
FSN_NODISCARD enum fsn_status fsn__fs_end_sharing(struct fsn__graph *graph, struct fsn_error *err);

/* Of a graph that was converted with `learn`: filters lie at the nearest element from now on, which
 * is stored. Writes `moved` into the plan's rows. */
FSN_NODISCARD enum fsn_status fsn__fs_fix_locations(struct fsn__graph *graph, struct fsn_plan *plan,
                                                    struct fsn_error *err);
/* start[K], each in 0 .. L-1: where filters start, offset by [K] (NULL: by nothing), rounded. */
void fsn__fs_locate(const struct fsn__fs_geometry *g, const float *offset, int64_t *start);

#endif
