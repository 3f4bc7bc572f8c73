/*
 * op_run.h - one run of an operator's forward with all its outputs, for what op_expect does not
 * see: training, several outputs, inputs that are updated in place.
 */
#ifndef FSN_TESTS_OP_RUN_H
#define FSN_TESTS_OP_RUN_H

#include "op_call.h"

enum { OP_RUN_OUTPUTS = 3 };

struct op_run {
    int n_out;
    bool training;
    int threads; /* 0: 1 */
    uint64_t step;
    /* after op_run: copies of the inputs as they are then, and the outputs */
    struct fsn__tensor in[OP_CALL_INPUTS], out[OP_RUN_OUTPUTS];
};

/* Runs the call, whose inputs all have data; a refusal ends the test. Freed by op_run_free. */
void op_run(struct op_run *run, const struct op_call *call);
void op_run_free(struct op_run *run);
/* The call's first output is want, a float32 tensor, up to `tolerance` in each element. */
void op_expect_near(const struct op_call *call, struct fsn__tensor want, double tolerance);

#endif
