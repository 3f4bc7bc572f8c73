/* histogram.h - how often a tensor's elements have which value, and the range that 8 bits should
 * cover. */
#ifndef FSN_TRAIN_HISTOGRAM_H
#define FSN_TRAIN_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

/* Bin i holds [(i - HALF) width, (i - HALF + 1) width). Zero-initialise. */
enum { FSN__HISTOGRAM_HALF = 2048 };
struct fsn__histogram {
    double width; /* a power of two; 0: only zeros so far */
    int64_t zeros;
    int64_t bin[2 * FSN__HISTOGRAM_HALF];
    float least, largest;
};

/* Adds x[n], and widens the bins by powers of two where they do not reach. false: a number is not
 * finite. */
bool fsn__histogram_add(struct fsn__histogram *h, const float *x, int64_t n);

/* range[2]: the least and largest number of the 256 levels, 0 among them, for which the sum of
 * squared differences of all elements (each at its bin's middle) from their levels is least; within
 * what was seen. */
void fsn__histogram_range(const struct fsn__histogram *h, float range[2]);

#endif
