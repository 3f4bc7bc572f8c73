/* typed.h - one loop written once, for each of a family of element types.
 *
 * A family calls X(code, type, ...) for every type in it:
 *
 *     #define DEFINE_NEGATE(code, type, op) static void op##_##code(...) { ... }
 *     FSN__SIGNED_TYPES(DEFINE_NEGATE, negate)
 *     static fsn__task *const tasks[FSN__DTYPE_COUNT] = {FSN__SIGNED_TYPES(FSN__ENTRY, negate)};
 *
 * makes negate_I8 to negate_I64, and the table by element type in which what an operator does not
 * take is NULL.
 */
#ifndef FSN_OPS_TYPED_H
#define FSN_OPS_TYPED_H

#include "tensor/tensor.h"

#define FSN__REAL_TYPES(X, ...) \
    X(F32, float, __VA_ARGS__)  \
    X(F64, double, __VA_ARGS__)
#define FSN__SIGNED_TYPES(X, ...) \
    X(I8, int8_t, __VA_ARGS__)    \
    X(I16, int16_t, __VA_ARGS__)  \
    X(I32, int32_t, __VA_ARGS__)  \
    X(I64, int64_t, __VA_ARGS__)
#define FSN__UNSIGNED_TYPES(X, ...) \
    X(U8, uint8_t, __VA_ARGS__)     \
    X(U16, uint16_t, __VA_ARGS__)   \
    X(U32, uint32_t, __VA_ARGS__)   \
    X(U64, uint64_t, __VA_ARGS__)
#define FSN__INTEGER_TYPES(X, ...)    \
    FSN__SIGNED_TYPES(X, __VA_ARGS__) \
    FSN__UNSIGNED_TYPES(X, __VA_ARGS__)
#define FSN__NUMBER_TYPES(X, ...)   \
    FSN__REAL_TYPES(X, __VA_ARGS__) \
    FSN__INTEGER_TYPES(X, __VA_ARGS__)

#define FSN__ENTRY(code, type, op) [FSN__##code] = op##_##code,

/* The double v truncated into [low, high] of an integer type, NaN to 0. The bounds are exact in
 * double or, at 2^63 and 2^64, one too high: there the comparison is made with >=. */
#define FSN__SATURATE(v, type, low, high) \
    ((v) != (v) ? 0 : (v) <= (double)(low) ? (low) : (v) >= (double)(high) ? (high) : (type)(v))

#endif
