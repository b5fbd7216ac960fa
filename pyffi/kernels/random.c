/* Words of Mersenne twisters, and what is made of them where they are still in the cache: numbers in [0, 1)
 * and Dropout's mask, about 20 operations and 4 bytes written for each element; Gaussian numbers, about 110.
 *
 * One core of a shared Xeon (Sapphire Rapids) makes 16 words, or 16 elements of a mask, in 10 ns: 6 GB/s, so
 * that arithmetic is the limit and not memory, which takes 15; these are some 40 % of the operations that its
 * two vector units do. */
#include <stdint.h>

#include "kernels.h"
#include "pool.h"
#include "simd.h"

enum { LENGTH = 624, SHIFT = 397 };

/* As NumPy's MT19937 has it. */
struct twister {
    uint32_t key[LENGTH];
    int position;
};

INLINE uint32_t twisted(uint32_t high, uint32_t low, uint32_t far)
{
    uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
    return far ^ (y >> 1) ^ (-(y & 1) & 0x9908b0dfu);
}

/* The next LENGTH words: M. Matsumoto and T. Nishimura, Mersenne twister (1998). */
static void twist(struct twister *t)
{
    uint32_t *key = t->key;
    int i = 0;
    for (; i < LENGTH - SHIFT; i++)
        key[i] = twisted(key[i], key[i + 1], key[i + SHIFT]);
    for (; i < LENGTH - 1; i++)
        key[i] = twisted(key[i], key[i + 1], key[i + SHIFT - LENGTH]);
    key[i] = twisted(key[i], key[0], key[SHIFT - 1]);
    t->position = 0;
}

INLINE uint32_t tempered(uint32_t y)
{
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

/* The word as a number in [0, 1): std::generate_canonical. */
INLINE float unit(uint32_t word)
{
    float u = (float)word * 0x1p-32f;
    return u < 0x1.fffffep-1f ? u : 0x1.fffffep-1f;
}

struct draw {
    void *const *generators;
    uint32_t *words;
    float *units, *mask;
    long n, each;
    float keep, scale;
};

static void draw(void *context, long begin, long end)
{
    const struct draw *c = context;
    for (long i = begin; i < end; i++) {
        struct twister *t = *(struct twister **)c->generators[i];
        long at = i * c->each, stop = c->n - at < c->each ? c->n : at + c->each;
        while (at < stop) {
            if (t->position == LENGTH)
                twist(t);
            const uint32_t *key = t->key + t->position;
            long m = LENGTH - t->position < stop - at ? LENGTH - t->position : stop - at;
            if (c->words)
                for (long j = 0; j < m; j++)
                    c->words[at + j] = tempered(key[j]);
            else if (c->units)
                for (long j = 0; j < m; j++)
                    c->units[at + j] = unit(tempered(key[j]));
            else
                for (long j = 0; j < m; j++)
                    c->mask[at + j] = unit(tempered(key[j])) < c->keep ? c->scale : 0;
            at += m;
            t->position += (int)m;
        }
    }
}

static void run(struct draw *c)
{
    pool_run(draw, c, (c->n + c->each - 1) / c->each, c->each < 32768 ? 32768 / c->each : 1);
}

void k_words(void *const *generators, uint32_t *words, long n, long each)
{
    struct draw c = {generators, words, 0, 0, n, each, 0, 0};
    run(&c);
}

void k_units(void *const *generators, float *units, long n, long each)
{
    struct draw c = {generators, 0, units, 0, n, each, 0, 0};
    run(&c);
}

void k_dropout_mask(void *const *generators, float *mask, long n, long each, float keep, float scale)
{
    struct draw c = {generators, 0, 0, mask, n, each, keep, scale};
    run(&c);
}

/* -- Gaussian numbers by the polar method (G. Marsaglia and T. A. Bray, SIAM Review 6, 1964) -- */

/* 1 / c and log c of the centres c of 16 intervals, as in glibc's logf (Arm's Optimized Routines). */
static const double INV_C[16] = {
    0x1.661ec79f8f3bep+0, 0x1.571ed4aaf883dp+0, 0x1.49539f0f010bp+0, 0x1.3c995b0b80385p+0,
    0x1.30d190c8864a5p+0, 0x1.25e227b0b8eap+0, 0x1.1bb4a4a1a343fp+0, 0x1.12358f08ae5bap+0,
    0x1.0953f419900a7p+0, 0x1p+0, 0x1.e608cfd9a47acp-1, 0x1.ca4b31f026aap-1,
    0x1.b2036576afce6p-1, 0x1.9c2d163a1aa2dp-1, 0x1.886e6037841edp-1, 0x1.767dcf5534862p-1};
static const double LN_C[16] = {
    -0x1.57bf7808caadep-2, -0x1.2bef0a7c06ddbp-2, -0x1.01eae7f513a67p-2, -0x1.b31d8a68224e9p-3,
    -0x1.6574f0ac07758p-3, -0x1.1aa2bc79c81p-3, -0x1.a4e76ce8c0e5ep-4, -0x1.1973c5a611cccp-4,
    -0x1.252f438e10c1ep-5, 0, 0x1.aa5aa5df25984p-5, 0x1.c5e53aa362eb4p-4,
    0x1.526e57720db08p-3, 0x1.bc2860d22477p-3, 0x1.1058bc8a07ee1p-2, 0x1.4043057b6ee09p-2};

/* The logarithm of a normal x <= 1, by the polynomial of glibc's.  Compared with that for all of them down to
 * 2^-48: the same float, with fused multiplications and without. */
INLINE float log_of(float x)
{
    union { float f; int32_t i; } bits = {x}, z;
    int32_t offset = bits.i - 0x3f330000, i = offset >> 19 & 15;
    z.i = bits.i - (offset & -0x800000);
    double k = offset >> 23, r = z.f * INV_C[i] - 1, r2 = r * r;
    double p = -0.25089342214237154 * r2 + (0.333456765744066 * r + -0.4999997485802103);
    return (float)(p * r2 + (LN_C[i] + k * 0.6931471805599453 + r));
}

enum { POINTS = 312 };

struct polar {
    void *const *generators;
    float *out;
    long n, each;
    int both;
};

/* The next n words, n <= 2 POINTS. */
static void take(struct twister *t, uint32_t *words, int n)
{
    for (int at = 0; at < n;) {
        if (t->position == LENGTH)
            twist(t);
        int m = LENGTH - t->position < n - at ? LENGTH - t->position : n - at;
        for (int j = 0; j < m; j++)
            words[at + j] = tempered(t->key[t->position + j]);
        at += m;
        t->position += m;
    }
}

static void polar(void *context, long begin, long end)
{
    const struct polar *c = context;
    uint32_t words[2 * POINTS];
    float x[POINTS], y[POINTS], r2[POINTS];
    for (long i = begin; i < end; i++) {
        struct twister *t = *(struct twister **)c->generators[i];
        long at = i * c->each, stop = c->n - at < c->each ? c->n : at + c->each;
        while (at < stop) {
            /* No more points than are needed if all are accepted: no word is taken in vain. */
            long needed = c->both ? (stop - at + 1) / 2 : stop - at;
            int m = needed < POINTS ? (int)needed : POINTS, accepted = 0;
            take(t, words, 2 * m);
            for (int j = 0; j < m; j++) {
                x[j] = unit(words[2 * j]) * 2 - 1;
                y[j] = unit(words[2 * j + 1]) * 2 - 1;
                r2[j] = x[j] * x[j] + y[j] * y[j];
            }
            for (int j = 0; j < m; j++) {
                x[accepted] = x[j], y[accepted] = y[j];
                float r = r2[accepted] = r2[j];
                accepted += (r > 0) & (r <= 1);
            }
            for (int j = 0; j < accepted; j++)
                r2[j] = sqrtf(-2 * log_of(r2[j]) / r2[j]);
            float *out = c->out + at;
            if (!c->both) {
                for (int j = 0; j < accepted; j++)
                    out[j] = y[j] * r2[j];
                at += accepted;
                continue;
            }
            long pairs = 2 * accepted > stop - at ? accepted - 1 : accepted;
            for (int j = 0; j < pairs; j++) {
                out[2 * j] = y[j] * r2[j];
                out[2 * j + 1] = x[j] * r2[j];
            }
            if (pairs < accepted)
                out[2 * pairs] = y[pairs] * r2[pairs];
            at += pairs + accepted;
        }
    }
}

void k_polar(void *const *generators, float *out, long n, long each, int both)
{
    struct polar c = {generators, out, n, each, both};
    pool_run(polar, &c, (n + each - 1) / each, each < 8192 ? 8192 / each : 1);
}
