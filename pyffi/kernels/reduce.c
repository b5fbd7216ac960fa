/* Reductions over the middle axis of x (outer, n, inner), and the way back.
 *
 * One operation and 4 bytes per element: memory is the limit.  In its cache a core of a Xeon (Sapphire
 * Rapids) takes 2 ns for 16 elements, less than half the time in which memory gives them; from memory it
 * takes 4 to 6, 11 to 16 GB/s, 60 to 75 % of the 21 that a copy moves, and two cores take 41 to 49 of 51
 * GB/s, 80 to 95 %.  The way back writes 15 GB/s past the caches on one core, as much as memory takes.  Long
 * axes are cut into segments, whose results are put together in double afterwards, so that they are summed as
 * accurately as by halves. */
#include <math.h>
#include <stdlib.h>

#include "kernels.h"
#include "pool.h"
#include "rows.h"

enum kind { SUM, MAX, MIN, SQUARES };
/* What is reduced together: columns at most and at least, and rows. */
enum { WIDE = 2048, NARROW = 64, ROWS = 8 };

INLINE vf joined(enum kind kind, vf a, vf b)
{
    if (kind == MAX)
        return greater(a, b);
    return kind == MIN ? choose((a < b) | (a != a), a, b) : a + b;
}

INLINE double joined1(enum kind kind, double a, double b)
{
    if (kind == MAX)
        return a > b || a != a ? a : b;
    if (kind == MIN)
        return a < b || a != a ? a : b;
    return a + b;
}

INLINE vf taken(enum kind kind, vf v)
{
    return kind == SQUARES ? v * v : v;
}

INLINE float start(enum kind kind)
{
    return kind == MAX ? -INFINITY : kind == MIN ? INFINITY : 0;
}

/* One row of n elements. */
INLINE double row(enum kind kind, const float *x, long n)
{
    double result = start(kind);
    for (long begin = 0; begin < n; begin += RUN) {
        long end = lesser_of(n, begin + RUN), i = begin;
        vf s[4] = {splat(start(kind)), splat(start(kind)), splat(start(kind)), splat(start(kind))};
        for (; i + 4 * LANES <= end; i += 4 * LANES)
            for (int k = 0; k < 4; k++)
                s[k] = joined(kind, s[k], taken(kind, load(x + i + k * LANES)));
        for (; i < end; i += LANES)
            s[0] = joined(kind, s[0], taken(kind, load_upto(x + i, end - i, start(kind))));
        s[0] = joined(kind, joined(kind, s[0], s[1]), joined(kind, s[2], s[3]));
        float lanes[LANES];
        store(lanes, s[0]);
        for (int half = LANES / 2; half; half /= 2)
            for (int k = 0; k < half; k++)
                lanes[k] = (float)joined1(kind, lanes[k], lanes[k + half]);
        result = joined1(kind, result, lanes[0]);
    }
    return result;
}

/* n <= LANES columns of `rows` <= ROWS rows that begin `stride` apart, joined to s. */
INLINE void join(enum kind kind, const float *x, long rows, long stride, float *s, long n)
{
    vf v = load_upto(s, n, 0), w = taken(kind, load_upto(x, n, 0));
    for (long k = 1; k < rows; k++)
        w = joined(kind, w, taken(kind, load_upto(x + k * stride, n, 0)));
    store_upto(s, joined(kind, v, w), n);
}

INLINE void join_all(enum kind kind, const float *x, long rows, long stride, float *s, long width)
{
    long j = 0;
    for (; j + LANES <= width; j += LANES)
        join(kind, x + j, rows, stride, s + j, LANES);
    if (j < width)
        join(kind, x + j, rows, stride, s + j, width - j);
}

/* Columns of rows that begin `stride` apart: s is what each comes to. */
INLINE void columns(enum kind kind, const float *x, long rows, long stride, float *s, long width)
{
    for (long j = 0; j < width; j++)
        s[j] = start(kind);
    long i = 0;
    for (; i + ROWS <= rows; i += ROWS)     /* for one load and one store of s */
        join_all(kind, x + i * stride, ROWS, stride, s, width);
    for (; i < rows; i++)
        join_all(kind, x + i * stride, 1, stride, s, width);
}

struct reduction {
    const float *x;
    float *y;
    double *partial;            /* (outer, segments, inner), where there is more than one segment */
    long outer, n, inner;
    long segment, segments;     /* the length of a segment, and how many there are */
    long width, blocks;         /* the same of the columns */
    int kind;
    double count;
};

INLINE void put(const struct reduction *c, long o, long s, long j, double value)
{
    if (c->partial)
        c->partial[(o * c->segments + s) * c->inner + j] = value;
    else
        c->y[o * c->inner + j] = (float)(value / c->count);
}

INLINE void piece(const struct reduction *c, enum kind kind, long index)
{
    long b = index % c->blocks, s = index / c->blocks % c->segments, o = index / c->blocks / c->segments;
    long rows = lesser_of(c->segment, c->n - s * c->segment);
    const float *x = c->x + (o * c->n + s * c->segment) * c->inner;
    if (c->inner == 1) {
        put(c, o, s, 0, row(kind, x, rows));
        return;
    }
    float sums[WIDE];
    long from = b * c->width, width = lesser_of(c->width, c->inner - from);
    if (c->inner >= NARROW) {
        columns(kind, x + from, rows, c->inner, sums, width);
        for (long j = 0; j < width; j++)
            put(c, o, s, from + j, sums[j]);
        return;
    }
    /* Few columns: several rows are one of many columns. */
    long fold = NARROW / c->inner + 1, folded = rows / fold;
    float rest[NARROW];
    columns(kind, x, folded, fold * c->inner, sums, fold * c->inner);
    columns(kind, x + folded * fold * c->inner, rows - folded * fold, c->inner, rest, c->inner);
    for (long j = 0; j < c->inner; j++) {
        double value = rest[j];
        for (long k = 0; k < fold; k++)
            value = joined1(kind, value, sums[k * c->inner + j]);
        put(c, o, s, j, value);
    }
}

static void pieces(void *context, long begin, long end)
{
    const struct reduction *c = context;
    for (long i = begin; i < end; i++)
        switch (c->kind) {
        case SUM: piece(c, SUM, i); break;
        case MAX: piece(c, MAX, i); break;
        case MIN: piece(c, MIN, i); break;
        default: piece(c, SQUARES, i);
        }
}

/* Segments put together, for outer indices and columns counted in one. */
static void together(void *context, long begin, long end)
{
    const struct reduction *c = context;
    for (long at = begin; at < end;) {
        long o = at / c->inner, j = at % c->inner, width = lesser_of(lesser_of(NARROW, c->inner - j), end - at);
        double s[NARROW];
        const double *p = c->partial + o * c->segments * c->inner + j;
        for (long k = 0; k < width; k++)
            s[k] = p[k];
        for (long i = 1; i < c->segments; i++)
            for (long k = 0; k < width; k++)
                s[k] = joined1(c->kind, s[k], p[i * c->inner + k]);
        for (long k = 0; k < width; k++)
            c->y[at + k] = (float)(s[k] / c->count);
        at += width;
    }
}

int k_reduce(const float *x, float *y, long outer, long n, long inner, int kind, double count)
{
    struct reduction c = {.x = x, .y = y, .outer = outer, .n = n, .inner = inner, .kind = kind,
                          .count = count};
    c.width = lesser_of(inner, WIDE);
    c.blocks = (inner + c.width - 1) / c.width;
    c.segment = inner == 1 ? PART : PART / c.width < NARROW ? NARROW : PART / c.width;
    c.segments = (n + c.segment - 1) / c.segment;
    if (c.segments > 1) {
        c.partial = malloc(sizeof(double) * outer * c.segments * inner);
        if (!c.partial)
            return -1;
    }
    pool_run(pieces, &c, outer * c.segments * c.blocks, rows_at_once(lesser_of(n, c.segment) * c.width));
    if (c.partial)
        pool_run(together, &c, outer * inner, rows_at_once(c.segments));
    free(c.partial);
    return 0;
}

struct spread {
    const float *g, *y, *x;
    float *dx;
    long n, inner;
    int past;
};

/* n <= LANES elements of dx; `one` says that g and y have one number for all of them. */
INLINE void take(const float *g, const float *y, const float *x, float *dx, long n, int one, int past)
{
    vf gv = one ? splat(*g) : load_upto(g, n, 0);
    if (x) {
        vf yv = one ? splat(*y) : load_upto(y, n, 0);
        gv = choose(load_upto(x, n, 0) == yv, gv, splat(0));
    }
    put_vector(dx, gv, n, past);
}

/* A run of dx along the middle axis if `inner` is 1, along the last one otherwise. */
INLINE void run(const float *g, const float *y, const float *x, float *dx, long n, int one, int past)
{
    long step = one ? 0 : 1;
    for (long i = 0, k; i < n; i += k) {
        k = put_width(dx + i, n - i, past);
        take(g + i * step, x ? y + i * step : 0, x ? x + i : 0, dx + i, k, one, past);
    }
}

static void along_middle(void *context, long begin, long end)
{
    const struct spread *c = context;
    for (long at = begin, next; at < end; at = next) {
        long o = at / c->n;
        next = lesser_of(end, (o + 1) * c->n);
        if (c->x)
            run(c->g + o, c->y + o, c->x + at, c->dx + at, next - at, 1, c->past);
        else
            run(c->g + o, NULL, NULL, c->dx + at, next - at, 1, c->past);
    }
    stores_end();
}

static void along_last(void *context, long begin, long end)
{
    const struct spread *c = context;
    for (long i = begin; i < end; i++) {
        long from = i / c->n * c->inner, at = i * c->inner;
        if (c->x)
            run(c->g + from, c->y + from, c->x + at, c->dx + at, c->inner, 0, c->past);
        else
            run(c->g + from, NULL, NULL, c->dx + at, c->inner, 0, c->past);
    }
    stores_end();
}

void k_spread(const float *g, const float *y, const float *x, float *dx, long outer, long n, long inner)
{
    struct spread c = {g, y, x, dx, n, inner, outer * n * inner >= PAST};
    if (inner == 1)
        pool_run(along_middle, &c, outer * n, PART);
    else
        pool_run(along_last, &c, outer * n, rows_at_once(inner));
}
