/* search.h - the decisions of a search for the smallest file, and what it keeps on the disk. */
#ifndef FSN_COMPRESS_SEARCH_H
#define FSN_COMPRESS_SEARCH_H

#include "compress/compress.h"

/* File sizes in bytes: the least and the most that a plan can have, and where to begin. */
struct fsn__size_range {
    int64_t least, start, most;
};

/* What is to be tried after the candidates that are done: a budget in bytes between the largest
 * size that is too small and the smallest that holds. False when the two are so close that there is
 * nothing left to find. */
bool fsn__search_next(const struct fsn_candidate *done, int count,
                      const struct fsn__size_range *range, double max_drop, int64_t *budget_bytes);
/* The candidate to keep: the smallest that holds; where none does (or nothing is to be held), the
 * one with the least drop. -1: there is none whose training did not diverge. */
int fsn__search_best(const struct fsn_candidate *done, int count);
/* Whether one more is likely to be done `seconds` after the search began. The first always is. */
bool fsn__search_has_time(const struct fsn_candidate *done, int count, double seconds);

/* Two networks on the same images, in per cent. */
struct fsn__comparison {
    double before, after; /* what the job's networks are judged by (compare.c) */
    double drop;          /* before - after, points */
    double drop_error;    /* its standard error; NaN: of any but top-1 */
};
/* before, after: each network's choice, image by image, which is right where it is the label; list:
 * [count] the images to look at, count > 0. The two are right on mostly the same images, so the
 * error is that of the difference (b wrongs more, c rights more): sqrt(b + c - (b - c)^2 / count) /
 * count. */
struct fsn__comparison fsn__compare_choices(const int32_t *labels, const int32_t *before,
                                            const int32_t *after, const int64_t *list,
                                            int64_t count);

/* ---- on the disk ------------------------------------------------------------------------------
 */

struct fsn__search_state {
    int count;
    struct fsn_candidate done[FSN_MAX_CANDIDATES];
};

/* Writes what is done, atomically. key: all that determines the candidates. */
FSN_NODISCARD enum fsn_status fsn__search_write(const char *path, uint64_t key,
                                                const struct fsn__search_state *state,
                                                struct fsn_error *err);
/* Takes it up. No file, or none that is whole: count is 0. One of another search: INVALID. */
FSN_NODISCARD enum fsn_status fsn__search_read(const char *path, uint64_t key,
                                               struct fsn__search_state *state,
                                               struct fsn_error *err);

/* An object for each, with all its members and whether it is on the Pareto front of bytes and
 * accuracy; new, NULL when out of memory. */
json_t *fsn__candidates_json(const struct fsn_candidate *done, int count);

#endif
