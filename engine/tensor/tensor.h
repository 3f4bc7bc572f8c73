/* tensor.h - element types, shapes, tensors. Dense, row-major (NCHW / OIHW). */
#ifndef FSN_TENSOR_TENSOR_H
#define FSN_TENSOR_TENSOR_H

#include "core/error.h"

#include <stdint.h>

/* X(code, name, bytes, C type). f16 and bf16 are converted to f32 when a file is read. */
#define FSN__DTYPE_LIST(X)        \
    X(F32, "float32", 4, float)   \
    X(F64, "float64", 8, double)  \
    X(I8, "int8", 1, int8_t)      \
    X(U8, "uint8", 1, uint8_t)    \
    X(I16, "int16", 2, int16_t)   \
    X(U16, "uint16", 2, uint16_t) \
    X(I32, "int32", 4, int32_t)   \
    X(U32, "uint32", 4, uint32_t) \
    X(I64, "int64", 8, int64_t)   \
    X(U64, "uint64", 8, uint64_t) \
    X(BOOL, "bool", 1, uint8_t)

enum fsn__dtype {
#define FSN__ENUM(code, name, bytes, type) FSN__##code,
    FSN__DTYPE_LIST(FSN__ENUM)
#undef FSN__ENUM
        FSN__DTYPE_COUNT
};

size_t fsn__dtype_bytes(enum fsn__dtype dtype);
const char *fsn__dtype_name(enum fsn__dtype dtype);

struct fsn__tensor {
    enum fsn__dtype dtype;
    int ndim;
    int64_t dim[FSN_MAX_DIMS]; /* dim[0] may be FSN_BATCH while the batch is symbolic */
    void *data;                /* ownership is said where the tensor is kept; NULL: shape only */
};

/* Elements; -1 when the batch is symbolic or the product overflows, that of an empty tensor's other
 * dims too: strides and partial products of a tensor that passed never overflow. A scalar has 1. */
int64_t fsn__numel(const struct fsn__tensor *t);
/* No product of any of the dims is larger than this: the open batch and empty dimensions count as
 * one. -1 when it overflows. */
int64_t fsn__numel_bound(const struct fsn__tensor *t);
/* Elements of dims [from, to); dims must be known. */
int64_t fsn__numel_range(const struct fsn__tensor *t, int from, int to);
/* Bytes of the data; 0 when numel is -1. */
size_t fsn__tensor_bytes(const struct fsn__tensor *t);
bool fsn__same_shape(const struct fsn__tensor *a, const struct fsn__tensor *b);
/* "[N,3,32,32]" into text (always terminated); returns text. */
const char *fsn__shape_text(const struct fsn__tensor *t, char *text, size_t size);
#define FSN__SHAPE_TEXT 160
/* fsn__shape_text into a buffer that lives to the end of the full expression's block. */
#define FSN__SHAPE(t) fsn__shape_text((t), (char[FSN__SHAPE_TEXT]){0}, FSN__SHAPE_TEXT)

void fsn__shape_set(struct fsn__tensor *t, enum fsn__dtype dtype, int ndim, const int64_t *dim);
void fsn__shape_copy(struct fsn__tensor *to, const struct fsn__tensor *from); /* dtype and dims */

/* Allocates zeroed, 64-byte aligned data for the set shape; t->data must be NULL. Freed by free().
 */
FSN_NODISCARD enum fsn_status fsn__tensor_alloc(struct fsn__tensor *t, struct fsn_error *err);
/* Deep copy: *to gets its own data (if from has any). */
FSN_NODISCARD enum fsn_status
fsn__tensor_clone(struct fsn__tensor *to, const struct fsn__tensor *from, struct fsn_error *err);

/* Shape of a broadcast with b in ONNX's (numpy's) sense; false when they do not fit. Symbolic
 * batch: FSN_BATCH meets FSN_BATCH or 1. */
bool fsn__broadcast_shape(const struct fsn__tensor *a, const struct fsn__tensor *b, int64_t *dim,
                          int *ndim);

/* Element i of a tensor of integers (any integer or bool dtype). */
int64_t fsn__get_i64(const struct fsn__tensor *t, int64_t i);
/* Element i of any tensor; integers beyond 2^53 become the nearest double. */
double fsn__get_f64(const struct fsn__tensor *t, int64_t i);

static inline float *fsn__f32(const struct fsn__tensor *t)
{
    return (float *)t->data;
}

static inline int64_t *fsn__i64(const struct fsn__tensor *t)
{
    return (int64_t *)t->data;
}

#endif
