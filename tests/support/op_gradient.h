/*
 * op_gradient.h - an operator's backward against central differences.
 *
 * loss = sum of c_i y_i over all outputs, with fixed c. Every element of every wanted input is
 * moved by +-h, the slope compared with what backward says, sign and all. Backward starts from
 * gradients that are not zero (it must add), and what it does not declare to read (backward_in,
 * backward_out) is filled with NaN before.
 */
#ifndef FSN_TESTS_OP_GRADIENT_H
#define FSN_TESTS_OP_GRADIENT_H

#include "op_call.h"

/* The largest |backward - slope| / max(1, |slope|) over the inputs of which `wanted` has the bit;
 * by `threads` threads. op: NULL for the call's own. */
double op_gradient_error(const struct op_call *call, const struct fsn__op *op, unsigned wanted,
                         int threads);
/* The error is small, alone and with three threads. */
void op_check_gradient(const struct op_call *call, unsigned wanted);

#endif
