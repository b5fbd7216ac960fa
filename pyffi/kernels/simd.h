/* Vectors as gcc and clang have them, as wide as the processor that is compiled for. */
#ifndef MXK_SIMD_H
#define MXK_SIMD_H

#include <stdint.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vf __attribute__((vector_size(LANES * 4)));
typedef int32_t vi __attribute__((vector_size(LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(LANES * 4)));
/* The same where the address is a multiple of 4 only. */
typedef float vf_any __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline, unused))

INLINE vf load(const float *p)
{
    return *(const vf_any *)p;
}

INLINE void store(float *p, vf v)
{
    *(vf_any *)p = v;
}

INLINE vf splat(float a)
{
    return (vf){0} + a;
}

/* The first n < LANES elements at p, the others being `rest`. */
INLINE vf load_some(const float *p, long n, float rest)
{
    float a[LANES];
    for (int i = 0; i < LANES; i++)
        a[i] = i < n ? p[i] : rest;
    return load(a);
}

INLINE void store_some(float *p, vf v, long n)
{
    float a[LANES];
    store(a, v);
    for (int i = 0; i < n; i++)
        p[i] = a[i];
}

/* a where the mask (all bits of a lane, or none) is set, b elsewhere. */
INLINE vf choose(vi mask, vf a, vf b)
{
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

/* The greater of both, as NumPy's maximum: nan where either is. */
INLINE vf greater(vf a, vf b)
{
    return choose((a > b) | (a != a), a, b);
}

INLINE float sum_of(vf v)
{
    float a[LANES], s = 0;
    store(a, v);
    for (int i = 0; i < LANES; i++)
        s += a[i];
    return s;
}

INLINE float greatest_of(vf v)
{
    float a[LANES];
    store(a, v);
    float m = a[0];
    for (int i = 1; i < LANES; i++)
        m = a[i] > m || a[i] != a[i] ? a[i] : m;
    return m;
}

/* e to the power v, within 1 ulp or so: 2^k times a polynomial in the rest of |r| <= log(2) / 2, after
 * W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), ch. 6. */
INLINE vf vexp(vf v)
{
    vf low = splat(-104.0f), high = splat(89.0f);
    vf x = choose(v < low, low, choose(v > high, high, v));     /* nan stays */
    vf k = x * 1.44269504088896341f;
    k = __builtin_convertvector(__builtin_convertvector(k + choose(k < 0, splat(-0.5f), splat(0.5f)), vi), vf);
    vi number = v == v;
    k = choose(number, k, splat(0));
    vf r = x - k * 0.693145751953125f;
    r -= k * 1.42860677e-6f;
    vf p = splat(1.9841270e-4f);
    p = p * r + 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    /* two factors, so that the powers below 2^-126 come out as denormal numbers */
    vi e = __builtin_convertvector(k, vi), half = e >> 1;
    return p * (vf)((half + 127) << 23) * (vf)((e - half + 127) << 23);
}

#endif
