/* direct.c - the table of the direct convolution for one instruction set. */
#include "kernels/kernels_isa.h"

extern const struct fsn__kernels FSN__ISA_NAME(fsn__direct);
const struct fsn__kernels FSN__ISA_NAME(fsn__direct) = {.isa = FSN__ISA_STRING};
