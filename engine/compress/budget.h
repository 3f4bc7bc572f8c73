/* budget.h - from what a user asks for, to a ratio for every layer. */
#ifndef FSN_COMPRESS_BUDGET_H
#define FSN_COMPRESS_BUDGET_H

#include "compress/layer_effects.h"
#include "fs/fs.h"

/* The plan for a prepared network that meets the spec's budget: the ratio of every layer where none
 * is set, else the largest network whose exported file (budget.size_bytes), or whose count of
 * parameters (budget.parameters), is within it. Where the spec says so and effects (a row's each;
 * NULL: not measured) are there, layers that matter more get more of it. ends as in
 * fsn__fs_plan_for. others: parameters of the user's file that the graph does not count. The plan's
 * expected_bytes is set. Errors: BUDGET, with a fault at the budget's setting, where it cannot be
 * met. */
FSN_NODISCARD enum fsn_status fsn__plan_budget(const struct fsn__graph *graph,
                                               const struct fsn__ends *ends,
                                               const struct fsn_spec *spec, int64_t others,
                                               const struct fsn__layer_effect *effects,
                                               struct fsn_plan **out, struct fsn_faults *faults,
                                               struct fsn_error *err);

/* Bytes of the smallest and of the largest file that a budget could lead to: one weight a layer,
 * and every filter by itself (at the spec's bits). Arguments as fsn__plan_budget's. */
FSN_NODISCARD enum fsn_status fsn__plan_bounds(const struct fsn__graph *graph,
                                               const struct fsn__ends *ends,
                                               const struct fsn_spec *spec, int64_t *least,
                                               int64_t *most, struct fsn_error *err);

#endif
