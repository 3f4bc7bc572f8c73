/*
 * op_cast.c - Cast: between any two element types; the attribute `to` is an ONNX
 * TensorProto.DataType. CastLike: to the type of its second input, whose elements are not read.
 *
 * What the specification leaves open is fixed here:
 *     float to integer    truncates towards zero; too large or small saturates; NaN gives 0
 *     integer to integer  keeps the low bits (wraps around modulo 2^bits)
 *     anything to bool    0 is false, all else (NaN too) true
 * float16 and bfloat16 do not exist inside the engine (files are read into float32), so a cast to
 * them is refused. Values go through double, int64 or uint64, a block at a time.
 */
#include "ops/infer.h"
#include "ops/walk.h"

enum { BLOCK = 512 };

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    int64_t to = fsn__attr_int(ctx->attrs, "to", 0);
    enum fsn__dtype dtype = fsn__op_onnx_dtype(to);

    if (dtype == FSN__DTYPE_COUNT)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "to = %lld%s is not an element type of the engine", (long long)to,
                            to == 10   ? " (float16)"
                            : to == 16 ? " (bfloat16)"
                                       : "");
    return fsn__op_set_output(ctx, dtype, ctx->in[0]->ndim, ctx->in[0]->dim, err);
}

static enum fsn_status infer_like(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    return fsn__op_set_output(ctx, ctx->in[1]->dtype, ctx->in[0]->ndim, ctx->in[0]->dim, err);
}

/* ---- one block ------------------------------------------------------------------------------ */

enum kind { KIND_REAL, KIND_SIGNED, KIND_UNSIGNED };

static enum kind kind_of(enum fsn__dtype dtype)
{
    switch (dtype) {
    case FSN__F32:
    case FSN__F64:
        return KIND_REAL;
    case FSN__U64:
        return KIND_UNSIGNED;
    default:
        return KIND_SIGNED; /* all other integers fit into int64 */
    }
}

union block {
    double real[BLOCK];
    int64_t integer[BLOCK];
    uint64_t natural[BLOCK];
};

#define LOAD(code, type, member, wide)                          \
    case FSN__##code:                                           \
        for (int i = 0; i < n; i++)                             \
            block->member[i] = (wide)((const type *)x)[at + i]; \
        break

static void load(const void *x, enum fsn__dtype dtype, int64_t at, int n, union block *block)
{
    switch (dtype) {
        LOAD(F32, float, real, double);
        LOAD(F64, double, real, double);
        LOAD(I8, int8_t, integer, int64_t);
        LOAD(U8, uint8_t, integer, int64_t);
        LOAD(I16, int16_t, integer, int64_t);
        LOAD(U16, uint16_t, integer, int64_t);
        LOAD(I32, int32_t, integer, int64_t);
        LOAD(U32, uint32_t, integer, int64_t);
        LOAD(I64, int64_t, integer, int64_t);
        LOAD(BOOL, uint8_t, integer, int64_t);
        LOAD(U64, uint64_t, natural, uint64_t);
    case FSN__DTYPE_COUNT:
        break;
    }
}

/* v truncated into [low, high], both exact in double or, at 2^63 and 2^64, one too high: there the
 * comparison is made with >=. */
#define SATURATE(type, low, high) \
    (v != v ? 0 : v <= (double)(low) ? (low) : v >= (double)(high) ? (high) : (type)v)

#define STORE_REAL(code, type, expression)            \
    case FSN__##code:                                 \
        for (int i = 0; i < n; i++) {                 \
            double v = block->real[i];                \
            ((type *)y)[at + i] = (type)(expression); \
        }                                             \
        break

static void store_real(void *y, enum fsn__dtype dtype, int64_t at, int n, const union block *block)
{
    switch (dtype) {
        STORE_REAL(F32, float, v);
        STORE_REAL(F64, double, v);
        STORE_REAL(I8, int8_t, SATURATE(int8_t, INT8_MIN, INT8_MAX));
        STORE_REAL(U8, uint8_t, SATURATE(uint8_t, 0, UINT8_MAX));
        STORE_REAL(I16, int16_t, SATURATE(int16_t, INT16_MIN, INT16_MAX));
        STORE_REAL(U16, uint16_t, SATURATE(uint16_t, 0, UINT16_MAX));
        STORE_REAL(I32, int32_t, SATURATE(int32_t, INT32_MIN, INT32_MAX));
        STORE_REAL(U32, uint32_t, SATURATE(uint32_t, 0, UINT32_MAX));
        STORE_REAL(I64, int64_t, SATURATE(int64_t, INT64_MIN, INT64_MAX));
        STORE_REAL(U64, uint64_t, SATURATE(uint64_t, 0, UINT64_MAX));
        STORE_REAL(BOOL, uint8_t, v != 0);
    case FSN__DTYPE_COUNT:
        break;
    }
}

#define STORE_INTEGER(code, type, expression)         \
    case FSN__##code:                                 \
        for (int i = 0; i < n; i++) {                 \
            uint64_t v = block->natural[i];           \
            ((type *)y)[at + i] = (type)(expression); \
        }                                             \
        break

/* int64 and uint64 differ only on the way to a float: the low bits are the same. */
static void store_integer(void *y, enum fsn__dtype dtype, int64_t at, int n, bool is_signed,
                          const union block *block)
{
    switch (dtype) {
        STORE_INTEGER(F32, float, is_signed ? (float)(int64_t)v : (float)v);
        STORE_INTEGER(F64, double, is_signed ? (double)(int64_t)v : (double)v);
        STORE_INTEGER(I8, int8_t, v);
        STORE_INTEGER(U8, uint8_t, v);
        STORE_INTEGER(I16, int16_t, v);
        STORE_INTEGER(U16, uint16_t, v);
        STORE_INTEGER(I32, int32_t, v);
        STORE_INTEGER(U32, uint32_t, v);
        STORE_INTEGER(I64, int64_t, v);
        STORE_INTEGER(U64, uint64_t, v);
        STORE_INTEGER(BOOL, uint8_t, v != 0);
    case FSN__DTYPE_COUNT:
        break;
    }
}

/* ---- the operator --------------------------------------------------------------------------- */

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *y = ctx->out[0];
    int64_t total = fsn__numel(y);
    union block block;

    if (x->dtype == y->dtype) {
        fsn__copy_dense(ctx->pool, total, fsn__dtype_bytes(x->dtype), y->data, x->data);
        return FSN_OK;
    }
    for (int64_t i = 0; i < total && x->dtype == FSN__I64; i++)
        if (fsn__i64(x)[i] == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "computes with the batch size, which is not fixed");
    for (int64_t at = 0; at < total; at += BLOCK) {
        int n = total - at < BLOCK ? (int)(total - at) : BLOCK;

        load(x->data, x->dtype, at, n, &block);
        if (kind_of(x->dtype) == KIND_REAL)
            store_real(y->data, y->dtype, at, n, &block);
        else
            store_integer(y->data, y->dtype, at, n, kind_of(x->dtype) == KIND_SIGNED, &block);
    }
    return FSN_OK;
}

/* Gradients are float32 throughout: past a cast to another float type they would silently end. */
static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *dx = ctx->din[0], *dy = ctx->dout[0];

    if (dx && ctx->out[0]->dtype == FSN__F64)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "has no gradient from float64 to float32");
    if (dx && dy)
        fsn__add_dense(ctx->pool, fsn__numel(dx), dx->data, dy->data);
    return FSN_OK;
}

const struct fsn__op fsn__op_cast = {
    .name = "Cast",
    .domain = "",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};

const struct fsn__op fsn__op_cast_like = {
    .name = "CastLike",
    .domain = "",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .infer = infer_like,
    .forward = forward,
    .backward = backward,
};
