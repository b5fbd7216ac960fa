/* Windows of pooling, plane by plane: the rows of a window are combined first, which is one vector operation
 * per element and row, then their columns.  Each element is read once, and by the adjoints read and written
 * once: one core of a shared Xeon (Sapphire Rapids) went through a LeNet's two poolings at 3.6 GB/s, and 2.7
 * by the adjoint. */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"
#include "rooms.h"

struct windows {
    long h, w, oh, ow, kh, kw, sh, sw, ph, pw;
};

struct pooling {
    const float *x, *y, *g;
    float *to;
    struct windows s;
    float lowest;
    int maximum, count;         /* count: 0 not at all, 1 elements of the data, 2 of the padding, too */
    struct rooms rooms;
};

static long least(long a, long b)
{
    return a < b ? a : b;
}

static long most(long a, long b)
{
    return a > b ? a : b;
}

/* The vectors' even and odd elements: of 2 * LANES floats at p. */
INLINE void parted(const float *p, vf *even, vf *odd)
{
    vf a = load(p), b = load(p + LANES);
    vi i, j;
    for (int l = 0; l < LANES; l++) {
        i[l] = 2 * l;
        j[l] = 2 * l + 1;
    }
    *even = __builtin_shuffle(a, b, i);
    *odd = __builtin_shuffle(a, b, j);
}

INLINE void join(float *p, vf even, vf odd)
{
    vi i, j;
    for (int l = 0; l < LANES; l++) {
        i[l] = l / 2 + l % 2 * LANES;
        j[l] = (l + LANES) / 2 + l % 2 * LANES;
    }
    store(p, __builtin_shuffle(even, odd, i));
    store(p + LANES, __builtin_shuffle(even, odd, j));
}

/* How many elements a window counts along an axis. */
INLINE float counted(int count, long n, long k, long start, long p)
{
    long end = least(start + k, count == 2 ? n + p : n);
    return (float)most(end - (count == 2 ? start : most(start, 0)), 1);
}

/* b where it is greater: nan is passed over. */
INLINE vf higher(vf a, vf b)
{
    return choose(b > a, b, a);
}

/* line = the rows of x from `first` to `end` combined, element by element. */
INLINE void combined_rows(int maximum, const float *x, long first, long end, long w, float start, float *line)
{
    for (long j = 0; j < w; j += LANES) {
        if (w >= LANES)
            j = least(j, w - LANES);        /* the last vector repeats some of the one before */
        vf v = splat(start);
        for (long row = first; row < end; row++) {
            const float *from = x + row * w + j;
            vf more = w >= LANES ? load(from) : load_some(from, w, 0);
            v = maximum ? higher(v, more) : v + more;
        }
        store(line + j, v);
    }
}

INLINE void combined_columns(int maximum, const struct windows *s, const float *line, float start, float *y)
{
    long j = 0;
    if (s->kw == 2 && s->sw == 2 && !s->pw)
        for (long whole = least(s->w / 2, s->ow); j < whole; j += LANES) {
            vf a, b;
            float some[LANES];
            parted(line + 2 * j, &a, &b);       /* `line` goes on for two vectors */
            store(some, maximum ? higher(a, b) : a + b);
            copy_floats(y + j, some, least(whole - j, LANES));
        }
    j = least(j, least(s->w / 2, s->ow));
    for (; j < s->ow; j++) {
        float v = start;
        long at = j * s->sw - s->pw, end = least(at + s->kw, s->w);
        for (long i = most(at, 0); i < end; i++)
            v = maximum ? (line[i] > v ? line[i] : v) : v + line[i];
        y[j] = v;
    }
}

static void combine(void *context, long begin, long end)
{
    struct pooling *c = context;
    const struct windows *s = &c->s;
    float *line = room_enter(&c->rooms), start = c->maximum ? c->lowest : 0;
    for (long plane = begin; plane < end; plane++) {
        const float *x = c->x + plane * s->h * s->w;
        for (long i = 0; i < s->oh; i++) {
            long at = i * s->sh - s->ph, first = most(at, 0), last = most(least(at + s->kh, s->h), first);
            float *y = c->to + (plane * s->oh + i) * s->ow;
            if (c->maximum) {
                combined_rows(1, x, first, last, s->w, start, line);
                combined_columns(1, s, line, start, y);
                continue;
            }
            combined_rows(0, x, first, last, s->w, start, line);
            combined_columns(0, s, line, start, y);
            float down = c->count ? counted(c->count, s->h, s->kh, at, s->ph) : 1;
            for (long j = 0; c->count && j < s->ow; j++)
                y[j] = y[j] / down / counted(c->count, s->w, s->kw, j * s->sw - s->pw, s->pw);
        }
    }
    room_leave(&c->rooms, line);
}

/* Elements of rows a and b of dx for LANES windows of 2x2; the first of equal ones gets the cotangent. */
INLINE void squares_dx(const float *xa, const float *xb, const float *y, const float *g, float *da, float *db)
{
    vf a0, a1, b0, b1, top = load(y), by = load(g), none = splat(0);
    parted(xa, &a0, &a1);
    parted(xb, &b0, &b1);
    vi i0 = a0 == top, i1 = (a1 == top) & ~i0, i2 = (b0 == top) & ~(i0 | i1);
    vi i3 = (b1 == top) & ~(i0 | i1 | i2);
    join(da, choose(i0, by, none), choose(i1, by, none));
    join(db, choose(i2, by, none), choose(i3, by, none));
}

static void row_of_squares_dx(const float *xa, const float *xb, const float *y, const float *g, float *da,
                              float *db, long windows)
{
    long j = 0;
    for (; j + LANES <= windows; j += LANES)
        squares_dx(xa + 2 * j, xb + 2 * j, y + j, g + j, da + 2 * j, db + 2 * j);
    if (j < windows) {
        float copies[4][2 * LANES] = {{0}}, results[2][2 * LANES];
        long n = windows - j;
        copy_floats(copies[0], xa + 2 * j, 2 * n);
        copy_floats(copies[1], xb + 2 * j, 2 * n);
        copy_floats(copies[2], y + j, n);
        copy_floats(copies[3], g + j, n);
        squares_dx(copies[0], copies[1], copies[2], copies[3], results[0], results[1]);
        copy_floats(da + 2 * j, results[0], 2 * n);
        copy_floats(db + 2 * j, results[1], 2 * n);
    }
}

static void maximum_dx(void *context, long begin, long end)
{
    const struct pooling *c = context;
    const struct windows *s = &c->s;
    int squares = s->kh == 2 && s->kw == 2 && s->sh == 2 && s->sw == 2 && !s->ph && !s->pw
        && 2 * s->oh <= s->h && 2 * s->ow <= s->w;
    for (long plane = begin; plane < end; plane++) {
        const float *x = c->x + plane * s->h * s->w;
        const float *y = c->y + plane * s->oh * s->ow, *g = c->g + plane * s->oh * s->ow;
        float *dx = c->to + plane * s->h * s->w;
        if (!squares || 2 * s->ow < s->w || 2 * s->oh < s->h)
            memset(dx, 0, s->h * s->w * sizeof *dx);
        for (long i = 0; i < s->oh; i++, y += s->ow, g += s->ow) {
            if (squares) {
                const float *row = x + 2 * i * s->w;
                float *to = dx + 2 * i * s->w;
                row_of_squares_dx(row, row + s->w, y, g, to, to + s->w, s->ow);
                continue;
            }
            long top = i * s->sh - s->ph, first = most(top, 0), last = least(top + s->kh, s->h);
            for (long j = 0; j < s->ow; j++) {
                long left = j * s->sw - s->pw, from = most(left, 0), to = least(left + s->kw, s->w);
                for (long row = first; row < last; row++)
                    for (long k = from; k < to; k++)
                        if (x[row * s->w + k] == y[j]) {
                            dx[row * s->w + k] += g[j];
                            row = last;
                            break;
                        }
            }
        }
    }
}

static void spread(void *context, long begin, long end)
{
    struct pooling *c = context;
    const struct windows *s = &c->s;
    float *line = room_enter(&c->rooms);
    for (long plane = begin; plane < end; plane++) {
        const float *g = c->g + plane * s->oh * s->ow;
        float *dx = c->to + plane * s->h * s->w;
        memset(dx, 0, s->h * s->w * sizeof *dx);
        for (long i = 0; i < s->oh; i++, g += s->ow) {
            long top = i * s->sh - s->ph, last = least(top + s->kh, s->h);
            float down = c->count ? counted(c->count, s->h, s->kh, top, s->ph) : 1;
            for (long j = 0; j < s->w; j++)
                line[j] = 0;
            for (long j = 0; j < s->ow; j++) {
                long left = j * s->sw - s->pw, to = least(left + s->kw, s->w);
                float by = c->count ? g[j] / down / counted(c->count, s->w, s->kw, left, s->pw) : g[j];
                for (long k = most(left, 0); k < to; k++)
                    line[k] += by;
            }
            for (long row = most(top, 0); row < last; row++)
                for (long j = 0; j < s->w; j++)
                    dx[row * s->w + j] += line[j];
        }
    }
    room_leave(&c->rooms, line);
}

static long planes_at_once(const struct windows *s)
{
    return 1 + 32768 / (s->h * s->w + s->oh * s->ow);
}

static int pooled(struct pooling *c, pool_task task, long planes, const long *sizes)
{
    memcpy(&c->s, sizes, sizeof c->s);
    if (rooms_open(&c->rooms, c->s.w + 2 * LANES))
        return -1;
    pool_run(task, c, planes, planes_at_once(&c->s));
    rooms_close(&c->rooms);
    return 0;
}

int k_max_windows(const float *x, float *y, long planes, const long *sizes, float lowest)
{
    struct pooling c = {.x = x, .to = y, .maximum = 1, .lowest = lowest};
    return pooled(&c, combine, planes, sizes);
}

void k_max_windows_dx(const float *g, const float *y, const float *x, float *dx, long planes,
                      const long *sizes)
{
    struct pooling c = {.x = x, .y = y, .g = g, .to = dx};
    memcpy(&c.s, sizes, sizeof c.s);
    pool_run(maximum_dx, &c, planes, planes_at_once(&c.s));
}

int k_sum_windows(const float *x, float *y, long planes, const long *sizes, int count)
{
    struct pooling c = {.x = x, .to = y, .count = count};
    return pooled(&c, combine, planes, sizes);
}

int k_spread_windows(const float *g, float *dx, long planes, const long *sizes, int count)
{
    struct pooling c = {.g = g, .to = dx, .count = count};
    return pooled(&c, spread, planes, sizes);
}
