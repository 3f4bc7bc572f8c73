/*
 * op_call.h - one call of one operator, written in a line, and what must come of it.
 *
 *     op_expect(&(struct op_call){"Add", IN(F32((2), 1, 2), F32((1), 10))}, F32((2), 11, 12));
 *     op_refuse(&(struct op_call){"Cast", IN(F32((1), 1)), ATTRS(ATTR_I("to", 10))},
 *               FSN_UNSUPPORTED, "Cast 'node': to = 10 (float16) is not an element type");
 *
 * A tensor without data (SHAPE) is a computed one: only inference sees it. A call runs twice, alone
 * and shared by three threads.
 */
#ifndef FSN_TESTS_OP_CALL_H
#define FSN_TESTS_OP_CALL_H

#include "ops/op.h"

enum { OP_CALL_INPUTS = 9, OP_CALL_OUTPUTS = 3 };

struct op_call {
    const char *op;
    int n_in;
    struct fsn__tensor in[OP_CALL_INPUTS];
    struct fsn__attrs attrs;
    bool inference; /* gradients only: taken as outside training */
    int n_out;      /* gradients only; 0: 1 */
};

/* Infers, runs and compares type, shape and, unless want has no data, elements (exactly, but 1e-6
 * relative for floats). */
void op_expect(const struct op_call *call, struct fsn__tensor want);
/* Inference or forward fails with the status and a message that contains text. */
void op_refuse(const struct op_call *call, enum fsn_status status, const char *text);

/* ---- tensors: DTYPE((dims), elements), SCALAR, SHAPE, EMPTY, ABSENT ------------------------- */

#define OP__DIMS(...) __VA_ARGS__
#define OP__NDIM(...) (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
#define OP__TENSOR(code, type, dims, ...)         \
    ((struct fsn__tensor){.dtype = FSN__##code,   \
                          .ndim = OP__NDIM dims,  \
                          .dim = {OP__DIMS dims}, \
                          .data = (type[]){__VA_ARGS__}})

#define F32(dims, ...) OP__TENSOR(F32, float, dims, __VA_ARGS__)
#define F64(dims, ...) OP__TENSOR(F64, double, dims, __VA_ARGS__)
#define I8(dims, ...) OP__TENSOR(I8, int8_t, dims, __VA_ARGS__)
#define U8(dims, ...) OP__TENSOR(U8, uint8_t, dims, __VA_ARGS__)
#define I16(dims, ...) OP__TENSOR(I16, int16_t, dims, __VA_ARGS__)
#define U16(dims, ...) OP__TENSOR(U16, uint16_t, dims, __VA_ARGS__)
#define I32(dims, ...) OP__TENSOR(I32, int32_t, dims, __VA_ARGS__)
#define U32(dims, ...) OP__TENSOR(U32, uint32_t, dims, __VA_ARGS__)
#define I64(dims, ...) OP__TENSOR(I64, int64_t, dims, __VA_ARGS__)
#define U64(dims, ...) OP__TENSOR(U64, uint64_t, dims, __VA_ARGS__)
#define BOOL(dims, ...) OP__TENSOR(BOOL, uint8_t, dims, __VA_ARGS__)
#define SCALAR(code, type, value) \
    ((struct fsn__tensor){.dtype = FSN__##code, .ndim = 0, .data = (type[]){value}})
#define SHAPE(code, dims) \
    ((struct fsn__tensor){.dtype = FSN__##code, .ndim = OP__NDIM dims, .dim = {OP__DIMS dims}})
/* A tensor of no elements, its data present. */
#define EMPTY(code, dims)  \
    ((struct fsn__tensor){ \
        .dtype = FSN__##code, .ndim = OP__NDIM dims, .dim = {OP__DIMS dims}, .data = (char[]){0}})
#define ABSENT ((struct fsn__tensor){.ndim = -1}) /* an optional input that is not given */

#define IN(...)                                                                              \
    .n_in = (int)(sizeof((struct fsn__tensor[]){__VA_ARGS__}) / sizeof(struct fsn__tensor)), \
    .in = {__VA_ARGS__}

#define ATTRS(...)                                                                           \
    .attrs = {.count = sizeof((struct fsn__attr[]){__VA_ARGS__}) / sizeof(struct fsn__attr), \
              .item = (struct fsn__attr[]){__VA_ARGS__}}
#define ATTR_I(key, value) ((struct fsn__attr){.name = (key), .type = FSN__ATTR_INT, .i = (value)})
#define ATTR_F(key, value) \
    ((struct fsn__attr){.name = (key), .type = FSN__ATTR_FLOAT, .f = (value)})
#define ATTR_S(key, value) \
    ((struct fsn__attr){.name = (key), .type = FSN__ATTR_STRING, .s = (value)})
#define ATTR_INTS(key, ...)                                                          \
    ((struct fsn__attr){.name = (key),                                               \
                        .type = FSN__ATTR_INTS,                                      \
                        .count = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), \
                        .ints = (int64_t[]){__VA_ARGS__}})
#define ATTR_T(key, value) \
    ((struct fsn__attr){.name = (key), .type = FSN__ATTR_TENSOR, .tensor = (value)})

#endif
