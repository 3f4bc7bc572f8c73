/* similar.h - how alike two names are, for "did you mean". */
#ifndef FSN_CORE_SIMILAR_H
#define FSN_CORE_SIMILAR_H

#include <stddef.h>

/* Levenshtein's edit distance; SIZE_MAX when either is longer than FSN__SIMILAR_MAX. */
#define FSN__SIMILAR_MAX 64
size_t fsn__edit_distance(const char *a, const char *b);

#endif
