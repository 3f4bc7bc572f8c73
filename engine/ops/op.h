/* op.h - what an operator is.
 *
 * An operator sees tensors and attributes, never the graph. The table speaks ONNX's vocabulary at
 * opset 18 (names, attributes and inputs as the specification has them: Slice's starts, Pad's pads,
 * Clip's bounds, Squeeze's axes... are inputs); the importer brings older forms to this one. One
 * operator family a file, each operator one const struct fsn__op, one row in op_list.inc.
 */
#ifndef FSN_OPS_OP_H
#define FSN_OPS_OP_H

#include "core/error.h"
#include "core/pool.h"
#include "tensor/tensor.h"

/* ---- attributes ---------------------------------------------------------------------------- */

enum fsn__attr_type {
    FSN__ATTR_INT,
    FSN__ATTR_FLOAT,
    FSN__ATTR_STRING,
    FSN__ATTR_INTS,
    FSN__ATTR_FLOATS,
    FSN__ATTR_TENSOR
};

struct fsn__attr {
    const char *name;
    enum fsn__attr_type type;
    int64_t i;
    float f;
    const char *s;
    size_t count; /* of ints or floats */
    const int64_t *ints;
    const float *floats;
    struct fsn__tensor tensor;
};

/* Attributes of one node; all memory belongs to the graph's arena (a tensor's data too). */
struct fsn__attrs {
    size_t count;
    struct fsn__attr *item;
};

const struct fsn__attr *fsn__attr_find(const struct fsn__attrs *attrs, const char *name);
int64_t fsn__attr_int(const struct fsn__attrs *attrs, const char *name, int64_t fallback);
float fsn__attr_float(const struct fsn__attrs *attrs, const char *name, float fallback);
const char *fsn__attr_string(const struct fsn__attrs *attrs, const char *name,
                             const char *fallback);
/* NULL and *count = 0 when absent. */
const int64_t *fsn__attr_ints(const struct fsn__attrs *attrs, const char *name, size_t *count);

/* ---- operators ----------------------------------------------------------------------------- */

#define FSN__MAX_IO 64 /* inputs or outputs of one node; Concat and Split are the wide ones */

struct fsn__op_ctx {
    const struct fsn__op *op;
    const char *name; /* of the node, for messages */
    const struct fsn__attrs *attrs;
    int n_in, n_out;
    /* An absent optional input or output is NULL. While inferring, in[i]->data is non-NULL exactly
     * for constants, and out[i] waits for dtype and shape. */
    struct fsn__tensor *const *in;
    struct fsn__tensor *const *out;
    /* Backward only. dout[i] NULL: no gradient comes (treat as zero); din[i] NULL: none is wanted.
     * Backward adds (+=) to din. */
    struct fsn__tensor *const *din;
    struct fsn__tensor *const *dout;
    /* Backward of operators with FSN__OVERWRITES only, else NULL: din[i] where fresh[i] holds
     * nothing yet and must be overwritten as a whole. A tensor that stands twice in din is fresh
     * in its first place alone. */
    const bool *fresh;
    /* Residual blocks whose gradients share one place (graph/exec_residual.c); backward only.
     * Fast Conv: dout[0] is to be read times dout_scale, a vector per channel, unless NULL; it
     * makes din[0], which it is the last to add to, what the Join `finishes` would, unless NULL,
     * and leaves the sums in that node's `saved`. Join: passes: din of z and s are dout[0];
     * finished: and hold what backward would write. */
    const struct fsn__tensor *dout_scale;
    const struct fsn__op_ctx *finishes;
    bool passes, finished;
    void *work;  /* 64-byte aligned scratch, contents lost between calls; work_size of sizes() */
    void *saved; /* kept from a node's forward to its backward; saved_size of sizes() */
    struct fsn__pool *pool;
    bool training;  /* batch statistics, dropout; gradients will be asked for */
    bool bf16;      /* numbers may be rounded to bfloat16 before they are multiplied */
    uint64_t seed;  /* of the job */
    uint64_t step;  /* global training step, names the random stream with the node's index */
    uint64_t index; /* of the node in its graph */
};

enum { /* flags */
       FSN__NO_GRADIENT = 1 << 0,
       FSN__OVERWRITES = 1 << 1, /* backward heeds `fresh`, which spares zeroing large gradients */
       FSN__COUNTS = 1 << 2      /* how large its output is depends on the values of its inputs */
};

/* What happens to a tensor on its way into or out of an operator, beside the operator's own work.
 */
#define FSN__FUSED_LIST(X)                                               \
    X(FILTER_SUMMARY, "filter summary") /* the filters are read in it */ \
    X(BATCH_NORM, "batch norm")                                          \
    X(BIAS, "bias")                                                      \
    X(RESIDUAL, "residual")                                              \
    X(RELU, "relu")                                                      \
    X(CLIP, "clip")                                                      \
    X(SUMS, "sums") /* over each channel, for the batch norm that follows */
enum fsn__fused {
#define FSN__ENUM(code, name) FSN__FUSED_##code,
    FSN__FUSED_LIST(FSN__ENUM)
#undef FSN__ENUM
        FSN__FUSED_COUNT
};

static inline unsigned fsn__fused(enum fsn__fused what, bool there)
{
    return (unsigned)there << what;
}

/* How an operator computes a node. */
struct fsn__op_kernel {
    const char *forward, *backward_data, *backward_weights; /* algorithms; static */
    unsigned load, store;                                   /* sets of enum fsn__fused */
    int64_t macs; /* multiply-adds of a forward pass, as a direct convolution needs them */
};

struct fsn__op {
    const char *name;   /* ONNX's */
    const char *domain; /* "" for ONNX's own, "fsnet" for ours */
    int min_in, max_in, min_out, max_out;
    unsigned flags;
    /* Bit i: backward reads in[i] / out[i]. What is not read may be gone by then. */
    uint64_t backward_in, backward_out;
    /* Checks dtypes, shapes and attributes and sets every present out's dtype and shape; after it,
     * forward cannot meet a surprise except in data (an index out of range). Batch may be
     * symbolic (FSN_BATCH in dim[0]). Errors name op and node: "Conv 'conv1': weight has 3 input
     * channels, input has 4". */
    enum fsn_status (*infer)(const struct fsn__op_ctx *ctx, struct fsn_error *err);
    /* Bytes of scratch and saved state at the concrete shapes; NULL: none. */
    void (*sizes)(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved);
    /* For people who ask; into a struct of zeros, after infer. NULL: there is but one way. */
    void (*describe)(const struct fsn__op_ctx *ctx, struct fsn__op_kernel *out);
    enum fsn_status (*forward)(const struct fsn__op_ctx *ctx, struct fsn_error *err);
    enum fsn_status (*backward)(const struct fsn__op_ctx *ctx, struct fsn_error *err);
};

/* NULL when the engine has no such operator. */
const struct fsn__op *fsn__op_find(const char *domain, const char *name);
/* The whole table, for tests that walk it. */
const struct fsn__op *const *fsn__op_table(size_t *count);

#define FSN__OP(symbol) extern const struct fsn__op fsn__op_##symbol;
#include "ops/op_list.inc"
#undef FSN__OP

#endif
