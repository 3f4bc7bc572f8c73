/* kernels_isa.h - one kernel source, several instruction sets.
 *
 * Every file in engine/kernels/isa/ is compiled once for each level with -DFSN__ISA=avx512, avx2 or
 * baseline and the compiler's switches for it (Makefile). What a file exports is named through
 * FSN__ISA_NAME: FSN__ISA_NAME(fsn__direct) is fsn__direct_avx2 in the second. Types and helpers
 * here are GNU vector extensions, so that the same source is correct on any machine; a vector is
 * never wider than a register of the level (gcc spills a 64-byte type under AVX2 badly), and a
 * block of 16 channels is FSN__PARTS of them.
 *
 * Included by the files of engine/kernels/isa/ and amx/ alone.
 */
#ifndef FSN_KERNELS_KERNELS_ISA_H
#define FSN_KERNELS_KERNELS_ISA_H

#include "kernels/kernels.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#ifndef FSN__ISA
#error "compile the files of engine/kernels/isa with -DFSN__ISA=avx512, avx2 or baseline"
#endif
#define FSN__ISA_PASTE2(name, isa) name##_##isa
#define FSN__ISA_PASTE(name, isa) FSN__ISA_PASTE2(name, isa)
#define FSN__ISA_NAME(name) FSN__ISA_PASTE(name, FSN__ISA)
#define FSN__ISA_QUOTE2(isa) #isa
#define FSN__ISA_QUOTE(isa) FSN__ISA_QUOTE2(isa)
#define FSN__ISA_STRING FSN__ISA_QUOTE(FSN__ISA) /* "avx2" */

/* Floats of a vector, vectors of a channel block, architectural vector registers. */
#if defined(__AVX512F__)
enum { FSN__VL = 16, FSN__REGISTERS = 32 };
#elif defined(__AVX2__)
enum { FSN__VL = 8, FSN__REGISTERS = 16 };
#else
enum { FSN__VL = 4, FSN__REGISTERS = 16 };
#endif
enum { FSN__PARTS = FSN__LANES / FSN__VL };

typedef float fsn__vec __attribute__((vector_size(4 * FSN__VL)));
typedef float fsn__vec_anywhere __attribute__((vector_size(4 * FSN__VL), aligned(4), may_alias));
typedef int32_t fsn__mask __attribute__((vector_size(4 * FSN__VL)));

/* Before a loop over registers: unrolled whole, whatever the compiler thinks of its size. */
#ifdef __clang__
#define FSN__UNROLL _Pragma("clang loop unroll(full)")
#else
#define FSN__UNROLL _Pragma("GCC unroll 32")
#endif
#define FSN__INLINE static inline __attribute__((always_inline))

/* Loads and stores need no alignment; whole registers at 64-byte aligned addresses are fastest. */
FSN__INLINE fsn__vec fsn__vec_load(const float *p)
{
    return *(const fsn__vec_anywhere *)p;
}

FSN__INLINE void fsn__vec_store(float *p, fsn__vec v)
{
    *(fsn__vec_anywhere *)p = v;
}

FSN__INLINE fsn__vec fsn__vec_zero(void)
{
    return (fsn__vec){0};
}

FSN__INLINE fsn__vec fsn__vec_set(float x)
{
    return x - fsn__vec_zero();
}

/* v where gate > 0, else 0: Relu's mask. */
FSN__INLINE fsn__vec fsn__vec_where_positive(fsn__vec gate, fsn__vec v)
{
    return (fsn__vec)((fsn__mask)v & (fsn__mask)(gate > fsn__vec_zero()));
}

/* The larger of two; b where either is not a number. */
FSN__INLINE fsn__vec fsn__vec_max(fsn__vec a, fsn__vec b)
{
#if defined(__AVX512F__)
    return (fsn__vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (fsn__vec)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
    return (fsn__vec)_mm_max_ps((__m128)a, (__m128)b);
#else
    fsn__mask greater = (fsn__mask)(a > b);

    return (fsn__vec)(((fsn__mask)a & greater) | ((fsn__mask)b & ~greater));
#endif
}

/* Passes what is not a number on, so that a diverging network is noticed at its output. */
FSN__INLINE fsn__vec fsn__vec_relu(fsn__vec v)
{
    return fsn__vec_max(fsn__vec_zero(), v);
}

/* A store past the caches, for outputs larger than the L2, at an address aligned to a whole vector.
 * Such stores are weakly ordered: fsn__vec_fence before the task ends. */
FSN__INLINE void fsn__vec_stream(float *p, fsn__vec v)
{
#if defined(__AVX512F__)
    _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__)
    _mm256_stream_ps(p, (__m256)v);
#elif defined(__x86_64__)
    _mm_stream_ps(p, (__m128)v);
#else
    fsn__vec_store(p, v);
#endif
}

/* What a map's next rows or tiles will need, into the L2: that is far enough from memory, and
 * asking for the L1 fills its few miss buffers, which costs more than it saves (5 to 20 % of a
 * pass). */
FSN__INLINE void fsn__prefetch(const float *p)
{
    __builtin_prefetch(p, 0, 2);
}

FSN__INLINE void fsn__vec_fence(void)
{
#ifdef __x86_64__
    _mm_sfence();
#endif
}

#endif
