/* Softmax, and its cross entropy, over the middle axis of (outer, n, inner).
 *
 * What belongs together, a row if inner is 1 and some columns otherwise, is read from memory once and stays
 * in the processor's cache for the passes over it: the greatest element, the exponentials, the quotients.
 * About 25 operations per element, of which most are the exponential's; 8 bytes per element forward, 12
 * backward, and 4 and 8 for the cross entropy, which forward writes a number per row only, and backward takes
 * the exponentials again instead of reading them.  While a row is computed the next one comes from memory,
 * and large results go past the caches.
 *
 * Reached on a Xeon (Sapphire Rapids), of what a copy past the caches moves, 51 GB/s on two cores and 21 on
 * one: 29 and 13 GB/s by softmax, 56 and 60 %; 46 and 18 by its way back, 90 %; on one core 10 by the cross
 * entropy and its way back, a half; along other axes 7, and a half of that where rows begin a power of 2
 * apart.  A row of 10 elements takes 40 ns, as long as one of 32. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "kernels.h"
#include "pool.h"
#include "rows.h"

enum {
    ROOM = 1 << 14,     /* the longest row whose exponentials stand on the stack, not in the result */
    NEAR = 1 << 16,     /* the longest row that is asked for while the one before it is computed */
    COLUMNS = 1024,     /* that are computed together at most, */
    BLOCK = 1 << 16     /* and how many elements they have together where there are more than a few */
};

enum kind { SOFTMAX, LOG_SOFTMAX, ENTROPY, ENTROPY_DX };

struct task {
    enum kind kind;
    const float *g, *x;
    const int64_t *label;   /* a place per row, */
    const float *written;   /* or as a float */
    float *y;               /* the result, of ENTROPY a number per row */
    long n, inner;
    float factor;
    int past;               /* whether the result goes past the caches */
    long width, blocks;     /* columns that are computed together, and how often in `inner` */
    _Atomic int failed;
};

/* The place that the label of a row names, or the nearest one; 0 where there are no labels.  Floats that no
 * int64_t is near become the least one, as x86's instruction and with it NumPy have it. */
INLINE long place(const struct task *c, long row)
{
    int64_t label = 0;
    if (c->label)
        label = c->label[row];
    else if (c->written)
        label = fabsf(c->written[row]) < 0x1p63f ? (int64_t)c->written[row] : INT64_MIN;
    return label < 0 ? 0 : label < c->n ? (long)label : c->n - 1;
}

/* -- rows -- */

/* v with `rest` beyond its first n elements. */
INLINE vf upto(vf v, long n, float rest)
{
    return n < LANES ? choose(PLACES < (int32_t)n, v, splat(rest)) : v;
}

/* Elements times factor, -infinity beyond n. */
INLINE vf multiplied(const float *x, long n, float factor)
{
    return upto(load_upto(x, n, 0) * factor, n, -INFINITY);
}

/* Without regard to nan: it comes into the sum of the exponentials, and from there into the row. */
static float greatest(const float *x, long n, float factor)
{
    vf m[4] = {splat(-INFINITY), splat(-INFINITY), splat(-INFINITY), splat(-INFINITY)};
    long i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int k = 0; k < 4; k++) {
            vf v = multiplied(x + i + k * LANES, LANES, factor);
            m[k] = choose(v > m[k], v, m[k]);
        }
    for (; i < n; i += LANES) {
        vf v = multiplied(x + i, n - i, factor);
        m[0] = choose(v > m[0], v, m[0]);
    }
    for (int k = 1; k < 4; k++)
        m[0] = choose(m[k] > m[0], m[k], m[0]);
    return greatest_of(m[0]);
}

/* What the pass over the exponentials leaves in y. */
enum keep { NOTHING, EXPONENTIALS, DIFFERENCES };

/* The exponentials of n <= LANES elements less `top`, with 0 beyond. */
INLINE vf exponentials(const float *x, float factor, float top, float *y, long n, enum keep keep)
{
    /* beyond n, infinity less infinity would be no number, and what is next to 0 takes the processor long */
    vf shifted = upto(load_upto(x, n, 0) * factor - top, n, 0), e = upto(vexp(shifted), n, 0);
    if (keep != NOTHING)
        store_upto(y, keep == DIFFERENCES ? shifted : e, n);
    return e;
}

/* Their sum; asks for what stands `next` elements further. */
INLINE float sum_of_exp(const struct task *c, const float *x, float top, float *y, long next, enum keep keep)
{
    long n = c->n, i = 0;
    vf sum[2] = {splat(0), splat(0)};
    for (; i + 2 * LANES <= n; i += 2 * LANES)
        for (int k = 0; k < 2; k++) {
            __builtin_prefetch(x + i + k * LANES + next, 0, 2);
            sum[k] += exponentials(x + i + k * LANES, c->factor, top, y + i + k * LANES, LANES, keep);
        }
    for (; i < n; i += LANES)
        sum[0] += exponentials(x + i, c->factor, top, y + i, n - i, keep);
    return sum_of(sum[0] + sum[1]);
}

static void rows(void *context, long begin, long end)
{
    const struct task *c = context;
    float room[ROOM];
    long n = c->n;
    int past = c->past && n <= ROOM;
    for (long row = begin; row < end; row++) {
        const float *x = c->x + row * n;
        float *y = c->y + row * n, *e = past ? room : y, scale = 1, shift = 0;
        long next = row + 1 < end && n <= NEAR ? n : 0, at = place(c, row);
        float top = greatest(x, n, c->factor);
        if (c->kind == ENTROPY) {
            c->y[row] = logf(sum_of_exp(c, x, top, 0, next, NOTHING)) - (x[at] - top);
            continue;
        }
        if (c->kind == LOG_SOFTMAX)
            shift = logf(sum_of_exp(c, x, top, e, next, DIFFERENCES));
        else
            scale = (c->g ? c->g[row] : 1) / sum_of_exp(c, x, top, e, next, EXPONENTIALS);
        float there = e[at] * scale;
        for (long i = 0, k; i < n; i += k) {
            k = put_width(y + i, n - i, past);
            put_vector(y + i, load_upto(e + i, k, 0) * scale - shift, k, past);
        }
        if (c->kind == ENTROPY_DX)
            y[at] = there - c->g[row];
    }
    stores_end();
}

/* -- columns -- */

/* Those of one block, of `count` columns at x and y; `first` is the number of the first one's result.  They
 * are computed in `room`, where their rows are neighbours, or in the result if there is none. */
static void block(const struct task *c, const float *x, float *y, long first, long count, float *room)
{
    float top[COLUMNS + LANES], scale[COLUMNS + LANES], shift[COLUMNS + LANES];
    float *e = room ? room : y;
    long n = c->n, inner = c->inner, step = room ? c->width : inner;
    for (long k = 0; k < count + LANES; k += LANES) {
        store(top + k, splat(-INFINITY));
        store(scale + k, splat(0));
        store(shift + k, splat(0));
    }
    for (long j = 0; j < n; j++)
        for (long k = 0; k < count; k += LANES) {
            vf v = load_upto(x + j * inner + k, count - k, 0) * c->factor, m = load(top + k);
            store_upto(e + j * step + k, v, count - k);
            store(top + k, choose(v > m, v, m));
        }
    for (long j = 0; j < n; j++)
        for (long k = 0; k < count; k += LANES) {
            float *at = e + j * step + k;
            vf v = load_upto(at, count - k, 0) - load(top + k), power = vexp(v);
            store(scale + k, load(scale + k) + power);
            if (c->kind != ENTROPY)
                store_upto(at, c->kind == LOG_SOFTMAX ? v : power, count - k);
        }
    for (long k = 0; k < count; k++) {
        long label = place(c, first + k);
        if (c->kind == ENTROPY)
            c->y[first + k] = logf(scale[k]) - (x[label * inner + k] - top[k]);
        else if (c->kind == LOG_SOFTMAX) {
            shift[k] = logf(scale[k]);
            scale[k] = 1;
        } else
            scale[k] = (c->g ? c->g[first + k] : 1) / scale[k];
        if (c->kind == ENTROPY_DX)
            top[k] = e[label * step + k] * scale[k] - c->g[first + k];      /* the result at the label */
    }
    if (c->kind == ENTROPY)
        return;
    int past = c->past && room;
    for (long j = 0; j < n; j++)
        for (long k = 0, m; k < count; k += m) {
            float *to = y + j * inner + k;
            m = put_width(to, count - k, past);
            put_vector(to, load_upto(e + j * step + k, m, 0) * load(scale + k) - load(shift + k), m, past);
        }
    if (c->kind == ENTROPY_DX)
        for (long k = 0; k < count; k++)
            y[place(c, first + k) * inner + k] = top[k];
}

/* How many columns are computed together: whole lines of the cache, and as many as stay in it. */
static long columns_at_once(long n, long inner)
{
    long width = BLOCK / n / 64 * 64;
    width = width < 64 ? 64 : width > COLUMNS ? COLUMNS : width;
    return lesser_of(width, (inner + LANES - 1) / LANES * LANES);
}

static void columns(void *context, long begin, long end)
{
    struct task *c = context;
    float *room = malloc(c->n * c->width * sizeof *room);
    if (c->kind == ENTROPY && !room)
        c->failed = 1;
    for (long at = begin; at < end && !c->failed; at++) {
        long o = at / c->blocks, from = at % c->blocks * c->width, count = lesser_of(c->inner - from, c->width);
        long offset = o * c->n * c->inner + from;
        block(c, c->x + offset, c->kind == ENTROPY ? 0 : c->y + offset, o * c->inner + from, count, room);
    }
    stores_end();
    free(room);
}

static int run(struct task *c, long outer)
{
    c->past = c->kind != ENTROPY && outer * c->n * c->inner >= PAST;
    if (c->inner == 1) {
        long several = outer / 32, few = rows_at_once(c->n);    /* the first row of a part is waited for */
        pool_run(rows, c, outer, several > few && c->n <= NEAR ? several : few);
    } else {
        c->width = columns_at_once(c->n, c->inner);
        c->blocks = (c->inner + c->width - 1) / c->width;
        pool_run(columns, c, outer * c->blocks, rows_at_once(c->n * lesser_of(c->width, c->inner)));
    }
    return c->failed ? -1 : 0;
}

void k_softmax(const float *x, float *y, long outer, long n, long inner, int logarithm, float factor)
{
    run(&(struct task){.kind = logarithm ? LOG_SOFTMAX : SOFTMAX, .x = x, .y = y, .n = n, .inner = inner,
                       .factor = factor}, outer);
}

int k_cross_entropy(const float *x, const int64_t *label, const float *written, float *loss, long outer,
                    long n, long inner)
{
    int finite = 1;
    for (long i = 0; written && i < outer * inner; i++)
        finite &= fabsf(written[i]) < INFINITY;
    return finite ? run(&(struct task){.kind = ENTROPY, .x = x, .label = label, .written = written, .y = loss,
                                       .n = n, .inner = inner, .factor = 1}, outer) : -1;
}

void k_cross_entropy_dx(const float *g, const float *x, const int64_t *label, const float *written, float *dx,
                        long outer, long n, long inner)
{
    run(&(struct task){.kind = ENTROPY_DX, .g = g, .x = x, .label = label, .written = written, .y = dx, .n = n,
                       .inner = inner, .factor = 1}, outer);
}

/* -- backward -- */

struct backward {
    const float *g, *y;
    float *dx;
    long n, inner;
    int logarithm, past;
    long width, blocks;
};

INLINE vf slope(vf g, vf y, vf total, int logarithm)
{
    return logarithm ? g - vexp(y) * total : y * (g - total);
}

static void backward_rows(void *context, long begin, long end)
{
    const struct backward *c = context;
    long n = c->n;
    for (long row = begin; row < end; row++) {
        const float *g = c->g + row * n, *y = c->y + row * n;
        float *dx = c->dx + row * n;
        long next = row + 1 < end && n <= NEAR ? n : 0;
        vf sum = splat(0);
        for (long i = 0; i < n; i += LANES) {
            vf h = load_upto(g + i, n - i, 0);
            sum += c->logarithm ? h : h * load_upto(y + i, n - i, 0);
        }
        vf total = splat(sum_of(sum));
        for (long i = 0, k; i < n; i += k) {
            k = put_width(dx + i, n - i, c->past);
            __builtin_prefetch(g + i + next, 0, 2);
            __builtin_prefetch(y + i + next, 0, 2);
            put_vector(dx + i, slope(load_upto(g + i, k, 0), load_upto(y + i, k, 0), total, c->logarithm), k,
                       c->past);
        }
    }
    stores_end();
}

static void backward_columns(void *context, long begin, long end)
{
    const struct backward *c = context;
    long inner = c->inner, width = c->width;
    float total[COLUMNS + LANES];
    float *room = malloc(2 * c->n * width * sizeof *room);      /* for rows that are neighbours */
    for (long at = begin; at < end; at++) {
        long from = at % c->blocks * width, count = lesser_of(inner - from, width);
        long offset = at / c->blocks * c->n * inner + from, step = room ? width : inner;
        const float *g = c->g + offset, *y = c->y + offset;
        for (long k = 0; k < count + LANES; k += LANES)
            store(total + k, splat(0));
        for (long j = 0; j < c->n; j++)
            for (long k = 0; k < count; k += LANES) {
                long i = j * inner + k;
                vf h = load_upto(g + i, count - k, 0), v = load_upto(y + i, count - k, 0);
                if (room) {
                    store(room + j * width + k, h);
                    store(room + (c->n + j) * width + k, v);
                }
                store(total + k, load(total + k) + (c->logarithm ? h : h * v));
            }
        if (room) {
            g = room;
            y = room + c->n * width;
        }
        for (long j = 0; j < c->n; j++)
            for (long k = 0, m; k < count; k += m) {
                float *to = c->dx + offset + j * inner + k;
                m = put_width(to, count - k, c->past);
                vf h = load_upto(g + j * step + k, m, 0), v = load_upto(y + j * step + k, m, 0);
                put_vector(to, slope(h, v, load(total + k), c->logarithm), m, c->past);
            }
    }
    stores_end();
    free(room);
}

void k_softmax_dx(const float *g, const float *y, float *dx, long outer, long n, long inner, int logarithm)
{
    struct backward c = {.g = g, .y = y, .dx = dx, .n = n, .inner = inner, .logarithm = logarithm,
                         .past = outer * n * inner >= PAST};
    if (inner == 1) {
        pool_run(backward_rows, &c, outer, rows_at_once(n));
        return;
    }
    c.width = columns_at_once(n, inner);
    c.blocks = (inner + c.width - 1) / c.width;
    pool_run(backward_columns, &c, outer * c.blocks, rows_at_once(n * lesser_of(c.width, inner)));
}
