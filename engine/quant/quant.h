/* quant.h - the linear quantiser of a Filter Summary, after training and during it.
 *
 * Source: Yang et al., the paper's "-WQ": 2^bits levels from min to max of F, min moved to the
 * nearest level so that zero is one. value = (q - zero) * scale, q in 0 .. 2^bits - 1, rounding
 * half to even. Beyond the paper: fewer bits, levels where the squared error is least and on either
 * side of 0, a step for each segment of F, and training that sees the quantised F. */
#ifndef FSN_QUANT_QUANT_H
#define FSN_QUANT_QUANT_H

#include "graph/graph.h"

/* ---- numbers ----------------------------------------------------------------------------------
 */

struct fsn__quantizer {
    int bits;
    float scale; /* > 0 */
    int zero;    /* the level that stands for 0.0 */
};

/* From the range of x[n] (0 is always inside it). All zeros: scale 1, zero 0. */
struct fsn__quantizer fsn__quantizer_fit(const float *x, int64_t n, int bits);
uint8_t fsn__quantize(const struct fsn__quantizer *q, float x);
float fsn__dequantize(const struct fsn__quantizer *q, uint8_t level);

/* How an F is quantised: segment values in a row share a step, 0: all of them. */
struct fsn__quant_form {
    int bits;
    int64_t segment;
    enum fsn_quant_range range;
};

static inline int64_t fsn__step_count(const struct fsn__quant_form *form, int64_t n)
{
    return form->segment > 0 && n > 0 ? (n - 1) / form->segment + 1 : 1;
}

/* Chooses steps[fsn__step_count], each > 0, and returns the zero that they share: a level, or half
 * between two. */
float fsn__steps_fit(const float *x, int64_t n, const struct fsn__quant_form *form, float *steps);
/* |x - Q(x)|^2 / |x|^2 with these steps; 0 where all is 0. Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__steps_noise(const float *x, int64_t n,
                                               const struct fsn__quant_form *form, double *noise,
                                               struct fsn_error *err);

/* ---- graphs -----------------------------------------------------------------------------------
 */

/* In a graph: replaces every F (input 0 of a FilterSummary node, f32) whose node has the attribute
 * `bits`, below 32, by its uint8 levels and sets the node's `scale` (input 1, [1]; multiplied into
 * a scale [K] that is already there), `zero` (input 2, f32 scalar) and, where the attribute
 * `segment` asks for several, `steps`. Levels are fitted to F within `range`; where a
 * FakeQuantize node stands between, they are that node's. rel_error[i] of the i-th FilterSummary
 * node in graph order: |F - Q(F)|/|F|, 0 where it stays as it is; may be NULL. */
FSN_NODISCARD enum fsn_status fsn__quantize_graph(struct fsn__graph *graph,
                                                  enum fsn_quant_range range, double *rel_error,
                                                  struct fsn_error *err);

/* Rounds what training arrived at and no Filter Summary holds, scales of filters [K] of every
 * FilterSummary with levels, weights and biases of other layers, to what so many bits hold: 16,
 * float16, or 8, cubes of whole numbers (fsn__value.cubes) where there are enough of them, else
 * float16. Not to float16 where one element of a constant would change by more than 2^-11 of its
 * largest, less than a tenth of what 8 bits do to F. The constants become CONST. */
FSN_NODISCARD enum fsn_status fsn__round_rest(struct fsn__graph *graph, int bits,
                                              struct fsn_error *err);
/* The whole number whose cube times step is nearest to x, of those that cubes may be of; their step
 * is > 0. */
int fsn__cube_root(float x, const struct fsn__cubes *cubes);
static inline float fsn__cube(int root, float step)
{
    return (float)(root * root * root) * step;
}

/* |F - Q(F)|/|F| as fsn__quantize_graph would make it now, and nothing else. */
FSN_NODISCARD enum fsn_status fsn__quantize_errors(const struct fsn__graph *graph,
                                                   enum fsn_quant_range range, double *rel_error,
                                                   struct fsn_error *err);

/* Puts a FakeQuantize node behind every F that fsn__quantize_graph would replace. Its steps are 0,
 * which lets F through, until fsn__aware_fit. They are trained (PARAM), or not (STAT: part of what
 * a checkpoint holds, as is the zero). */
FSN_NODISCARD enum fsn_status fsn__aware_insert(struct fsn__graph *graph, bool learned,
                                                struct fsn_error *err);
/* Steps and zeros of all FakeQuantize nodes, fitted to F as it is. */
FSN_NODISCARD enum fsn_status fsn__aware_fit(struct fsn__graph *graph, enum fsn_quant_range range,
                                             struct fsn_error *err);
/* The form that a FilterSummary or FakeQuantize node's attributes ask for. */
struct fsn__quant_form fsn__quant_form_of(const struct fsn__node *node, enum fsn_quant_range range);

#endif
