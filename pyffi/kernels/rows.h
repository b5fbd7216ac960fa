/* Rows of neighbouring numbers: how many make a part of a loop, and vectors of them up to the last one. */
#ifndef MXK_ROWS_H
#define MXK_ROWS_H

#include "simd.h"

enum {
    PART = 32768,       /* elements that are worth handing to another thread */
    RUN = 4096,         /* elements that are added up in float, LANES by LANES; runs are in double */
    PAST = 1 << 21      /* elements of a result that is written past the caches, which would not keep it */
};

/* So many rows of n elements that they make about PART elements. */
INLINE long rows_at_once(long n)
{
    return n >= PART ? 1 : PART / n;
}

INLINE long lesser_of(long a, long b)
{
    return a < b ? a : b;
}

/* The vector at p, of which n elements are there if that is fewer than LANES; the others are `rest`. */
INLINE vf load_upto(const float *p, long n, float rest)
{
    return n >= LANES ? load(p) : load_some(p, n, rest);
}

INLINE void store_upto(float *p, vf v, long n)
{
    if (n >= LANES)
        store(p, v);
    else
        store_some(p, v, n);
}

/* Whether p is at a multiple of a vector's size, as store_past needs it. */
INLINE int is_whole(const float *p)
{
    return (uintptr_t)p % sizeof(vf) == 0;
}

/* Stores without reading the line into the caches first; `stores_end` comes after the last one. */
INLINE void store_past(float *p, vf v)
{
#if defined(__AVX512F__)
    _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__)
    _mm256_stream_ps(p, (__m256)v);
#elif defined(__SSE2__)
    _mm_stream_ps(p, (__m128)v);
#else
    store(p, v);
#endif
}

INLINE void stores_end(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

/* How many of the `left` elements at p the next `put_vector` stores: less than a vector at the end, and for
 * `past` where a whole one does not begin. */
INLINE long put_width(const float *p, long left, int past)
{
    return lesser_of(left, past ? LANES - (long)((uintptr_t)p / sizeof *p % LANES) : LANES);
}

INLINE void put_vector(float *p, vf v, long n, int past)
{
    if (n < LANES)
        store_some(p, v, n);
    else if (past)
        store_past(p, v);
    else
        store(p, v);
}

#endif
