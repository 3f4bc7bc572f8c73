/* reduce.h - sums over dense runs of floats that are accurate and fast.
 *
 * Runs of up to 512 elements are summed in 16 float lanes (32 additions each, which the compiler
 * turns into vector adds), and these partial sums in double. The order is fixed by n alone.
 */
#ifndef FSN_OPS_REDUCE_H
#define FSN_OPS_REDUCE_H

#include <stdint.h>

/* Defines static inline double name(parameters, int64_t n): the sum over i in [0, n) of `term`. */
#define FSN__DEFINE_SUM(name, term, ...)                           \
    static inline double name(__VA_ARGS__, int64_t n)              \
    {                                                              \
        double sum = 0.0;                                          \
                                                                   \
        for (int64_t begin = 0; begin < n; begin += 512) {         \
            const int64_t end = n - begin < 512 ? n : begin + 512; \
            float lane[16] = {0};                                  \
            int64_t base = begin;                                  \
                                                                   \
            for (; base + 16 <= end; base += 16)                   \
                for (int j = 0; j < 16; j++) {                     \
                    const int64_t i = base + j;                    \
                                                                   \
                    lane[j] += (term);                             \
                }                                                  \
            for (int64_t i = base; i < end; i++)                   \
                lane[i - base] += (term);                          \
            for (int j = 0; j < 16; j++)                           \
                sum += (double)lane[j];                            \
        }                                                          \
        return sum;                                                \
    }

FSN__DEFINE_SUM(fsn__sum, x[i], const float *x)
/* Squared distances from a centre. */
FSN__DEFINE_SUM(fsn__sum_squares_about, (x[i] - centre) * (x[i] - centre), const float *x,
                float centre)
/* Products with the distances from a centre. */
FSN__DEFINE_SUM(fsn__sum_products_about, y[i] * (x[i] - centre), const float *y, const float *x,
                float centre)

#endif
