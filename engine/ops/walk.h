/* walk.h - going through several strided tensors together, element by element.
 *
 * A walk is an index space dim[0] x ... x dim[ndim-1] and, for each operand (a tensor, or a part of
 * one), what a step along each axis means in elements: dense row-major strides, 0 along an axis
 * that is broadcast, a negative number along one that is read backwards. Broadcasting,
 * transposition, slicing, concatenation and their gradients are all walks; the caller says what
 * happens in one run along the last axis. Axes that are contiguous for every operand are merged
 * first, so that runs are as long as they can be.
 *
 * Threads share the space in equal parts. Where operand 0 is summed into along a broadcast axis,
 * all that meets one of its elements stays in one thread and in one order: results do not depend on
 * the number of threads.
 */
#ifndef FSN_OPS_WALK_H
#define FSN_OPS_WALK_H

#include "core/pool.h"
#include "tensor/tensor.h"

enum { FSN__WALK_MAX = 4 };

/* Below this many elements waking the other threads costs more than the work. */
enum { FSN__SERIAL_BELOW = 16 * 1024 };

struct fsn__walk {
    int operands, ndim;
    int64_t dim[FSN_MAX_DIMS];
    int64_t stride[FSN__WALK_MAX][FSN_MAX_DIMS]; /* [operand][axis], elements */
};

/* One run of n elements: operand k is at base + offset[k], a step is stride[k], in elements. */
typedef void fsn__walk_run(void *arg, const int64_t *offset, const int64_t *stride, int64_t n);

/* Row-major strides of a dense tensor. */
void fsn__dense_strides(const struct fsn__tensor *t, int64_t *stride);
/* Strides of t broadcast to a space of ndim axes: 0 where t is absent or 1. */
void fsn__broadcast_strides(const struct fsn__tensor *t, int ndim, int64_t *stride);

/* A walk of two operands over the shape of t, their strides still to be set. */
struct fsn__walk fsn__walk_over(const struct fsn__tensor *t);
/* Exchanges operands 0 and 1: the way back. */
void fsn__walk_swap(struct fsn__walk *walk);

/* Walks the space; every element belongs to one thread. Dims must be known. */
void fsn__walk_each(struct fsn__pool *pool, const struct fsn__walk *walk, fsn__walk_run *run,
                    void *arg);
/* The same where operand 0 is summed into: axes along which it stands still become the inner ones.
 */
void fsn__walk_sum(struct fsn__pool *pool, const struct fsn__walk *walk, fsn__walk_run *run,
                   void *arg);

/* Operand 0 = to, 1 = from, elements of `bytes` bytes (1, 2, 4 or 8); regions do not overlap. */
void fsn__copy_strided(struct fsn__pool *pool, const struct fsn__walk *walk, size_t bytes, void *to,
                       const void *from);
/* to += from, f32; `to` may stand still along axes (a sum). */
void fsn__add_strided(struct fsn__pool *pool, const struct fsn__walk *walk, float *to,
                      const float *from);

/* n elements, both dense. copy does nothing where to == from. */
void fsn__copy_dense(struct fsn__pool *pool, int64_t n, size_t bytes, void *to, const void *from);
void fsn__add_dense(struct fsn__pool *pool, int64_t n, float *to, const float *from);

#endif
