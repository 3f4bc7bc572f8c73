/* match.h - which default boxes are to find which object. */
#ifndef FSN_DETECT_MATCH_H
#define FSN_DETECT_MATCH_H

#include "data/boxes.h"

enum { FSN__UNMATCHED = -1 };

/* Each object gets the default box that it shares most with, whatever that is (IoU; the first of
 * equal ones); if two objects want the same one, the later has it. Every other default box gets the
 * object that it shares most with (the first of equal ones), if at least the threshold. Objects
 * without an area, and unless `difficult` the difficult ones, are passed over.
 *
 * standard: [n] corners; match[n]: place in objects[], or FSN__UNMATCHED; overlap, best: scratch
 * [n]. Returns how many are matched. */
int64_t fsn__match(const struct fsn__box *standard, int64_t n, const struct fsn__object *objects,
                   int64_t count, float threshold, bool difficult, float *overlap, int32_t *best,
                   int32_t *match);

#endif
