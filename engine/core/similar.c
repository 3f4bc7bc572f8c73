/* similar.c - edit distance of two short names (Levenshtein 1966), one row at a time. */
#include "fsnet.h"

#include <stdint.h>
#include <string.h>

size_t fsn_edit_distance(const char *a, const char *b)
{
    size_t row[FSN_SIMILAR_MAX + 1], size_a = strlen(a), size_b = strlen(b);

    if (size_a > FSN_SIMILAR_MAX || size_b > FSN_SIMILAR_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= size_b; j++)
        row[j] = j;
    for (size_t i = 0; i < size_a; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < size_b; j++) {
            size_t best = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[size_b];
}
