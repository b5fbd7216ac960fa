/* Vectors as gcc and clang have them, as wide as the processor that is compiled for. */
#ifndef MXK_SIMD_H
#define MXK_SIMD_H

#include <math.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* Elements of a vector, and the vector of their numbers: of what is computed from it by operations on vectors
 * the compiler makes constants; what is put together by element it puts together at run time. */
#if defined(__AVX512F__)
#define LANES 16
#define PLACES ((vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#elif defined(__AVX2__)
#define LANES 8
#define PLACES ((vi){0, 1, 2, 3, 4, 5, 6, 7})
#else
#define LANES 4
#define PLACES ((vi){0, 1, 2, 3})
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
    return a - (vf){0};     /* a sum would make 0 of -0, and costs an addition for that */
}

/* a where the mask (all bits of a lane, or none) is set, b elsewhere. */
INLINE vf choose(vi mask, vf a, vf b)
{
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

/* The first n < LANES elements at p, the others being `rest`. */
INLINE vf load_some(const float *p, long n, float rest)
{
#if LANES == 16
    return (vf)_mm512_mask_loadu_ps((__m512)splat(rest), (__mmask16)((1u << n) - 1), p);
#elif LANES == 8
    vi there = PLACES < (int32_t)n;
    return choose(there, (vf)_mm256_maskload_ps(p, (__m256i)there), splat(rest));
#else
    float a[LANES];
    for (int i = 0; i < LANES; i++)
        a[i] = i < n ? p[i] : rest;
    return load(a);
#endif
}

INLINE void store_some(float *p, vf v, long n)
{
#if LANES == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif LANES == 8
    _mm256_maskstore_ps(p, (__m256i)(PLACES < (int32_t)n), (__m256)v);
#else
    float a[LANES];
    store(a, v);
    for (int i = 0; i < n; i++)
        p[i] = a[i];
#endif
}

/* The elements of a, and after them those of b, that `from` numbers: constants, once loops are unrolled. */
INLINE vf picked(vf a, vf b, vi from)
{
#if defined(__clang__)          /* which makes one instruction of this */
    vf v;
#pragma unroll
    for (int i = 0; i < LANES; i++)
        v[i] = from[i] < LANES ? a[from[i] % LANES] : b[from[i] % LANES];
    return v;
#else
    return __builtin_shuffle(a, b, from);
#endif
}

/* The greater of both, as NumPy's maximum: nan where either is. */
INLINE vf greater(vf a, vf b)
{
    return choose((a > b) | (a != a), a, b);
}

INLINE float sum_of(vf v)
{
#pragma GCC unroll 4
    for (int half = LANES / 2; half; half /= 2)
        v += picked(v, v, PLACES ^ half);
    return v[0];
}

INLINE float greatest_of(vf v)
{
#pragma GCC unroll 4
    for (int half = LANES / 2; half; half /= 2)
        v = greater(v, picked(v, v, PLACES ^ half));
    return v[0];
}

/* -- functions: errors are in units of the last place (ulp) of the true value, over all floats; -- */
/* -- tests/test_vm.py measures them.  Polynomials are minimax fits (Remez exchange, relative error). -- */

/* v between both bounds; nan stays nan. */
INLINE vf clamp(vf v, float low, float high)
{
#if defined(__AVX512F__)
    return (vf)_mm512_min_ps((__m512)splat(high), _mm512_max_ps((__m512)splat(low), (__m512)v));
#elif defined(__AVX2__)
    return (vf)_mm256_min_ps((__m256)splat(high), _mm256_max_ps((__m256)splat(low), (__m256)v));
#else
    return choose(v < low, splat(low), choose(v > high, splat(high), v));
#endif
}

/* v, but `high` where it is above that; nan stays nan. */
INLINE vf capped(vf v, float high)
{
#if defined(__AVX512F__)
    return (vf)_mm512_min_ps((__m512)splat(high), (__m512)v);
#elif defined(__AVX2__)
    return (vf)_mm256_min_ps((__m256)splat(high), (__m256)v);
#else
    return choose(v > high, splat(high), v);
#endif
}

/* The nearest whole number, of |v| < 2^22. */
INLINE vf nearest(vf v)
{
    return v + 12582912.0f - 12582912.0f;
}

/* v 2^k for whole numbers |k| <= 252. */
INLINE vf scaled(vf v, vf k)
{
#if defined(__AVX512F__)
    return (vf)_mm512_scalef_ps((__m512)v, (__m512)k);
#else
    /* two factors, so that the powers below 2^-126 come out as denormal numbers */
    vi e = __builtin_convertvector(k, vi), half = e >> 1;
    return v * (vf)((half + 127) << 23) * (vf)((e - half + 127) << 23);
#endif
}

/* 2^k for whole numbers k from -126 to 127. */
INLINE vf power_of_2(vf k)
{
#if defined(__AVX512F__)
    return (vf)_mm512_scalef_ps((__m512)splat(1), (__m512)k);
#else
    return (vf)((__builtin_convertvector(k, vi) + 127) << 23);
#endif
}

INLINE vf absolute(vf v)
{
    return (vf)((vi)v & 0x7fffffff);
}

/* The size of a with the sign of b. */
INLINE vf with_sign(vf a, vf b)
{
    return (vf)(((vi)a & 0x7fffffff) | ((vi)b & INT32_MIN));
}

/* Whether the mask is set in some lane. */
INLINE int any(vi mask)
{
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
    return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
    int32_t found = 0;
    for (int i = 0; i < LANES; i++)
        found |= mask[i];
    return found != 0;
#endif
}

INLINE vf vsqrt(vf v)
{
#if defined(__AVX512F__)
    return (vf)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
    return (vf)_mm256_sqrt_ps((__m256)v);
#elif defined(__SSE2__)
    return (vf)_mm_sqrt_ps((__m128)v);
#else
    for (int i = 0; i < LANES; i++)
        v[i] = sqrtf(v[i]);
    return v;
#endif
}

/* a / b within 1 ulp, where neither they nor 1 / b overflow; division takes as long as 13 operations. */
INLINE vf quotient(vf a, vf b)
{
#if defined(__AVX512F__)
    vf r = (vf)_mm512_rcp14_ps((__m512)b), q = a * r;
    return q + r * (a - b * q);         /* both r and q are within 2^-14 */
#else
    return a / b;
#endif
}

/* e^x = 2^k (1 + m) with a whole number k and m = e^r - 1, |r| <= log(2) / 2: after W. J. Cody and W. Waite,
 * Software Manual for the Elementary Functions (1980), ch. 6. */
INLINE vf exponent(vf x, vf *m)
{
    vf k = nearest(x * 1.44269504088896341f);
    vf r = x - k * 0.693145751953125f;
    r -= k * 1.42860677e-6f;
    vf p = splat(0.00138825055f);
    p = p * r + 0.00836658028f;
    p = p * r + 0.0416672018f;
    p = p * r + 0.166665432f;
    p = p * r + 0.499999981f;
    *m = p * (r * r) + r;
    return k;
}

/* e^v, within 1 ulp. */
INLINE vf vexp(vf v)
{
    vf m, k = exponent(clamp(v, -104.0f, 89.0f), &m);
    return scaled(m + 1.0f, k);
}

/* e^v - 1, within 2 ulp. */
INLINE vf vexpm1(vf v)
{
    vf m, k = exponent(clamp(v, -18.0f, 89.0f), &m);
    /* 2^k (1 + m) - 1 as 2^k (m + (1 - 2^-k)): the sum has one rounding that counts */
    vf y = scaled(m + (1.0f - scaled(splat(1), -k)), k);
    return choose(v == 0, v, y);        /* -0 */
}

/* tanh(v), within 2.5 ulp: m / (m + 2) with m = e^(2 |v|) - 1. */
INLINE vf vtanh(vf v)
{
    vf m, k = exponent(capped(absolute(v), 10.0f) * 2.0f, &m), power = power_of_2(k);
    m = m * power + (power - 1.0f);
    return with_sign(quotient(m, m + 2.0f), v);
}

/* 1 / (1 + e^-v), within 3 ulp; 0 where that is below 2^-127. */
INLINE vf vsigmoid(vf v)
{
    return 1.0f / (vexp(-v) + 1.0f);
}

/* log(1 + f) + k log(2), for sqrt(1/2) <= 1 + f <= sqrt(2): f - f^2 / 2 + f^3 P(f). */
INLINE vf logarithm(vf f, vf k)
{
    vf p = splat(-0.0763454726f);
    p = p * f + 0.127616211f;
    p = p * f - 0.131601835f;
    p = p * f + 0.142017516f;
    p = p * f - 0.166233565f;
    p = p * f + 0.200012271f;
    p = p * f - 0.250008211f;
    p = p * f + 0.333333317f;
    vf square = f * f;
    vf rest = p * (square * f) + k * 1.42860682e-6f - 0.5f * square;
    return k * 0.693145751953125f + (f + rest);
}

/* v = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), of finite v >= 2^-126. */
INLINE vf mantissa(vf v, vf *k)
{
    /* taking sqrt(1/2) off the bits makes the exponent change there and not at 1 */
    vi bits = (vi)((vu)v - 0x3f3504f3), e = bits >> 23;     /* of negative v it wraps around */
    *k = __builtin_convertvector(e, vf);
    return (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
}

/* y where v is above `at` and finite, and the special values of the logarithm of v - at elsewhere. */
INLINE vf edges(vf y, vf v, float at)
{
    y = choose(v == at, splat(-INFINITY), y);
    y = choose(v == INFINITY, v, y);
    return choose(v >= at, y, splat(NAN));
}

/* The natural logarithm, within 1 ulp. */
INLINE vf vlog(vf v)
{
    vi denormal = v < 1.17549435e-38f;
    vf k, f = mantissa(choose(denormal, v * 8388608.0f, v), &k);
    return edges(logarithm(f, k - choose(denormal, splat(23), splat(0))), v, 0);
}

/* log(1 + v), within 2 ulp: the logarithm of the rounded sum, with what the rounding lost put back. */
INLINE vf vlog1p(vf v)
{
    vf u = v + 1.0f, k;
    vf lost = choose(v < 1.0f, v - (u - 1.0f), 1.0f - (u - v));
    vf f = mantissa(u, &k);
    f += scaled(lost, -k);
    return choose(v == 0, v, edges(logarithm(f, k), v, -1));       /* -0 */
}

/* The error function, within 2 ulp: v + v Q(v^2) up to 1, 1 - e^-P(|v| - 2) beyond. */
INLINE vf verf(vf v)
{
    vf a = clamp(absolute(v), 0, 3.94f), z = a * a, u = a - 2.0f, m;
    vf near = splat(7.85387753e-05f);
    near = near * z - 0.000801019826f;
    near = near * z + 0.00518832819f;
    near = near * z - 0.0268538122f;
    near = near * z + 0.112835852f;
    near = near * z - 0.376126258f;
    near = near * z + 0.128379166f;
    vf far = splat(2.16974748e-05f);
    far = far * u - 0.000137706319f;
    far = far * u + 0.000730212498f;
    far = far * u - 0.00357051918f;
    far = far * u + 0.0164658114f;
    far = far * u + 0.923750981f;
    far = far * u + 4.41816078f;
    far = far * u + 5.36494126f;
    vf k = exponent(-far, &m);
    far = 1.0f - scaled(m + 1.0f, k);
    return with_sign(choose(a < 1.0f, near * a + a, far), v);
}

/* sin(v + quarters pi / 2), within 2.5 ulp. */
INLINE vf sine(vf v, int quarters)
{
    /* Parts of pi / 2 of 11 bits: their products with k <= 2^13 are exact. */
    vf k = nearest(v * 0.636619772f);
    vf r = v - k * 1.5703125f;
    r -= k * 4.83751297e-4f;
    r -= k * 7.54953362e-8f;
    r -= k * 2.56334415e-12f;
    vf z = r * r;
    vf s = splat(-0.000195166558f);
    s = s * z + 0.00833217354f;
    s = s * z - 0.166666549f;
    s = s * (z * r) + r;
    vf c = splat(2.44324139e-05f);
    c = c * z - 0.00138873099f;
    c = c * z + 0.0416666456f;
    c = c * (z * z) - 0.5f * z + 1.0f;
    vi quadrant = __builtin_convertvector(k, vi) + quarters;
    vf y = choose((quadrant & 1) == 0, s, c);
    y = (vf)((vi)y ^ ((quadrant & 2) << 30));
    vi far = absolute(v) > 12800.0f;        /* and not nan */
    if (any(far))
        for (int i = 0; i < LANES; i++)
            if (far[i])
                y[i] = quarters ? cosf(v[i]) : sinf(v[i]);
    return y;
}

INLINE vf vsin(vf v)
{
    return choose(v == 0, v, sine(v, 0));       /* -0 */
}

INLINE vf vcos(vf v)
{
    return sine(v, 1);
}

/* Half as many numbers of double precision, and the floats for them. */
typedef double vd __attribute__((vector_size(LANES * 4)));
typedef int64_t vl __attribute__((vector_size(LANES * 4)));
typedef float vh __attribute__((vector_size(LANES * 2), aligned(4), may_alias));

/* |x|^y in double precision, of x that are not 0: 2^(y log2 x). */
INLINE vd power_of(vd x, vd y)
{
    vl bits = (vl)x & INT64_MAX, e = (bits - 0x3fe6a09e667f3bcd) >> 52;
    vd m = (vd)(bits - (e << 52)), s = (m - 1) / (m + 1), z = s * s;
    vd p = (vd){0} + 0.28292976282102755;
    p = p * z + 0.31990366959183902;
    p = p * z + 0.41220930069753969;
    p = p * z + 0.57707794189795569;
    p = p * z + 0.96179669411490809;
    p = p * z + 2.8853900817778491;
    vd t = y * (p * s + __builtin_convertvector(e, vd));
    vl low = t < -300, high = t > 300, kept = ~(low | high);
    t = (vd)((vl)t & kept);
    t += (vd)((low & (vl)((vd){0} - 300)) | (high & (vl)((vd){0} + 300)));
    vd k = t + 6755399441055744.0 - 6755399441055744.0, r = t - k;
    p = (vd){0} + 1.5316590083389785e-05;
    p = p * r + 0.00015469865771635711;
    p = p * r + 0.0013333422099162542;
    p = p * r + 0.0096180251843352438;
    p = p * r + 0.055504109767734434;
    p = p * r + 0.24022651216734836;
    p = p * r + 0.69314718053482327;
    p = p * r + 0.99999999995922295;
    return p * (vd)((__builtin_convertvector(k, vl) + 1023) << 52);
}

/* x^y, within 1 ulp, in double precision inside; the special values are those of C's powf. */
INLINE vf vpow(vf x, vf y)
{
    float base[LANES], exponents[LANES], result[LANES];
    store(base, x);
    store(exponents, y);
    for (int i = 0; i < LANES; i += LANES / 2) {
        vd b = __builtin_convertvector(*(const vh *)(base + i), vd);
        vd e = __builtin_convertvector(*(const vh *)(exponents + i), vd);
        *(vh *)(result + i) = __builtin_convertvector(power_of(b, e), vh);
    }
    vf a = absolute(x), size = absolute(y), r = load(result);
    vi near = size < 16777216.0f, n = __builtin_convertvector(choose(near, y, splat(0)), vi);
    vi whole = (__builtin_convertvector(n, vf) == y) | ~near;
    r = (vf)((vi)r ^ ((x < 0) & (n << 31)));
    r = choose((x < 0) & ~whole, splat(NAN), r);
    vi edge = (a == 0) | ~(a < INFINITY) | ~(size < INFINITY) | (y == 0);
    if (any(edge))
        for (int i = 0; i < LANES; i++)
            if (edge[i])
                r[i] = powf(x[i], y[i]);
    return r;
}

#endif
