/* Words of Mersenne twisters, and Dropout's mask, which is made where the words are still in the cache: about
 * 20 operations and 4 bytes written for each element. */
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

struct draw {
    void *const *generators;
    uint32_t *words;
    float *mask;
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
            else
                for (long j = 0; j < m; j++) {
                    float u = (float)tempered(key[j]) * 0x1p-32f;
                    c->mask[at + j] = (u < 0x1.fffffep-1f ? u : 0x1.fffffep-1f) < c->keep ? c->scale : 0;
                }
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
    struct draw c = {generators, words, 0, n, each, 0, 0};
    run(&c);
}

void k_dropout_mask(void *const *generators, float *mask, long n, long each, float keep, float scale)
{
    struct draw c = {generators, 0, mask, n, each, keep, scale};
    run(&c);
}
