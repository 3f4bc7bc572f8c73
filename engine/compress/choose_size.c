/* choose_size.c - which size a search for the smallest file tries next, and when it has enough.
 *
 * Accuracy falls as the file gets smaller, by little at first and then ever faster, and each point
 * of this curve costs a whole training. The search keeps a bracket: below, the largest size that
 * was too small, or the least there can be; above, the smallest that held, or the most there can
 * be, which is taken to hold. It halves the bracket on the scale of log(size); where both ends were
 * measured it goes to where the straight line between them meets the drop that is allowed, but into
 * the bracket's middle half. The curve lies below that line, so what is tried there mostly holds:
 * a run that is spent on a file to keep.
 *
 * A measured drop has an error of a few tenths of a point. A size below the bracket can hold where
 * a larger one did not; then the smaller one counts.
 */
#include "compress/search.h"

#include <math.h>

/* Ends of the bracket closer than this are the same, for a size. */
static const double CLOSE = 1.05;
/* Where in the bracket the line may lead, from its lower end. */
static const double NEAREST = 0.25, FARTHEST = 0.75;

static bool has_measure(const struct fsn_candidate *candidate)
{
    return candidate && isfinite(candidate->drop);
}

bool fsn__search_next(const struct fsn_candidate *done, int count,
                      const struct fsn__size_range *range, double max_drop, int64_t *budget_bytes)
{
    const struct fsn_candidate *low = NULL, *high = NULL;
    double from, to, share = 0.5;

    if (count == 0) {
        *budget_bytes = range->start;
        return true;
    }
    for (int i = 0; i < count; i++)
        if (done[i].holds && (!high || done[i].budget_bytes < high->budget_bytes))
            high = &done[i];
    for (int i = 0; i < count; i++)
        if (!done[i].holds && (!high || done[i].budget_bytes < high->budget_bytes) &&
            (!low || done[i].budget_bytes > low->budget_bytes))
            low = &done[i];
    from = (double)(low ? low->budget_bytes : range->least);
    to = (double)(high ? high->budget_bytes : range->most);
    if (to <= from * CLOSE)
        return false;
    if (has_measure(low) && has_measure(high))
        share = fmin(fmax((low->drop - max_drop) / (low->drop - high->drop), NEAREST), FARTHEST);
    *budget_bytes = llround(from * pow(to / from, share));
    return true;
}

int fsn__search_best(const struct fsn_candidate *done, int count)
{
    int best = -1;

    for (int i = 0; i < count; i++) {
        const struct fsn_candidate *it = &done[i], *top = best < 0 ? NULL : &done[best];
        bool better;

        if (!has_measure(it))
            continue;
        if (!top || it->holds != top->holds)
            better = !top || it->holds;
        else if (it->holds)
            better = it->size_bytes < top->size_bytes ||
                     (it->size_bytes == top->size_bytes && it->drop < top->drop);
        else
            better =
                it->drop < top->drop || (it->drop == top->drop && it->size_bytes < top->size_bytes);
        if (better)
            best = i;
    }
    return best;
}

bool fsn__search_has_time(const struct fsn_candidate *done, int count, double seconds)
{
    double spent = 0, longest = 0;

    for (int i = 0; i < count; i++) {
        spent += done[i].seconds;
        longest = fmax(longest, done[i].seconds);
    }
    return count == 0 || spent + longest <= seconds;
}

struct fsn__comparison fsn__compare_choices(const int32_t *labels, const int32_t *before,
                                            const int32_t *after, const int64_t *list,
                                            int64_t count)
{
    const double n = (double)count;
    int64_t first = 0, second = 0, differ = 0;
    double lost;

    for (int64_t i = 0; i < count; i++) {
        const int64_t image = list[i];
        const bool was = before[image] == labels[image], is = after[image] == labels[image];

        first += was;
        second += is;
        differ += was != is;
    }
    lost = (double)(first - second);
    return (struct fsn__comparison){
        .before = 100 * (double)first / n,
        .after = 100 * (double)second / n,
        .drop = 100 * lost / n,
        .drop_error = 100 * sqrt(fmax(0, (double)differ - lost * lost / n)) / n,
    };
}
