/* search.c - the smallest file that loses no more accuracy than it may; and files for a list of
 * budgets.
 *
 * Which sizes a search tries is said by choose_size.c, from the drops of those before. Whether
 * there is time for one more candidate is asked before it begins, of the seconds that those before
 * it took, and then it is made to its end: the one point in which the outcome depends on the clock.
 *
 * A sweep makes what it is told. With budget.max_accuracy_drop beside it, the smallest file that
 * holds is chosen among them, else the most accurate one.
 */
#include "compress/budget.h"
#include "compress/candidates.h"

#include <limits.h>
#include <stdlib.h>

/* How far sizes go, and that of the spec's ratio, where the search begins. */
static enum fsn_status find_range(struct fsn__candidates *c, struct fsn_error *err)
{
    const struct fsn__job *job = c->job;
    const struct fsn__prepared *prepared = &job->prepared;
    struct fsn__size_range *range = &c->range;
    struct fsn__ends ends;
    struct fsn_plan *plan = NULL;
    enum fsn_status status =
        fsn__plan_prepared(job->baseline, prepared, c->spec, NULL, &plan, NULL, err);

    fsn__prepared_ends(prepared, prepared->graph, &ends);
    if (status == FSN_OK)
        status =
            fsn__plan_bounds(prepared->graph, &ends, c->spec, &range->least, &range->most, err);
    if (status == FSN_OK && range->most > INT_MAX)
        status = FSN__FAIL(err, FSN_LIMIT, "a file of %lld bytes is too large for a search",
                           (long long)range->most);
    if (status == FSN_OK)
        range->start = plan->expected_bytes < range->most ? plan->expected_bytes : range->most;
    fsn_plan_destroy(plan);
    return status;
}

static enum fsn_status run_search(struct fsn__candidates *c, struct fsn_error *err)
{
    const struct fsn__search_state *state = &c->state;
    enum fsn_status status = find_range(c, err);
    int64_t budget_bytes;

    while (status == FSN_OK && !c->ended) {
        if (!fsn__search_next(state->done, state->count, &c->range,
                              c->spec->budget.max_accuracy_drop, &budget_bytes)) {
            c->ended = "found";
        } else if (state->count >= c->spec->budget.search_candidates) {
            c->ended = "candidates";
        } else if (!fsn__search_has_time(state->done, state->count,
                                         c->spec->budget.search_seconds)) {
            c->ended = "time";
        } else {
            c->candidate_spec.budget.size_bytes = (int)budget_bytes;
            status = fsn__candidates_make(c, err);
        }
    }
    return status;
}

static enum fsn_status run_sweep(struct fsn__candidates *c, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    while (status == FSN_OK && c->state.count < fsn__sweep_count(c->spec)) {
        fsn__sweep_set(c->spec, c->state.count, &c->candidate_spec);
        status = fsn__candidates_make(c, err);
    }
    c->ended = "sweep";
    return status;
}

enum fsn_status fsn__search(struct fsn__job *job, struct fsn_error *err)
{
    const int budgets = fsn__sweep_count(job->spec);
    struct fsn__candidates *c = calloc(1, sizeof *c);
    enum fsn_status status;

    if (!c)
        return FSN__NOMEM(err);
    c->all = budgets > 0;
    status = fsn__candidates_open(c, job,
                                  budgets > 0 ? budgets : job->spec->budget.search_candidates, err);
    if (status == FSN_OK)
        status = budgets > 0 ? run_sweep(c, err) : run_search(c, err);
    if (status == FSN_OK)
        status = fsn__candidates_deliver(c, err);
    fsn__candidates_close(c);
    free(c);
    return status;
}
