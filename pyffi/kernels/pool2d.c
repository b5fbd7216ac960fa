/* Windows of pooling, plane by plane: the rows of a window are combined first, which is one vector operation
 * per element and row, then their columns, many windows at a time.  Each element is read once, and by the
 * adjoints read and written once.
 *
 * Reached on two cores of a Xeon (Sapphire Rapids), of the 51 GB/s that a copy past the caches moves: by
 * windows of 2x2, two apart, 48, 95 %, and by the adjoints 23 to 32, 45 to 65 %; by those of 3x3, two apart,
 * 17 to 22, 34 to 43 %, and by the adjoints, which add to elements that are there, 10 to 12, 20 to 25 %. */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"
#include "rooms.h"
#include "rows.h"

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

static long most(long a, long b)
{
    return a > b ? a : b;
}

/* The even and odd elements of n <= 2 * LANES floats at p. */
INLINE void parted(const float *p, long n, vf *even, vf *odd)
{
    vf a = load_upto(p, n, 0), b = n > LANES ? load_upto(p + LANES, n - LANES, 0) : splat(0);
    vi place = PLACES;
    *even = picked(a, b, 2 * place);
    *odd = picked(a, b, 2 * place + 1);
}

INLINE void join(float *p, long n, vf even, vf odd)
{
    vi place = PLACES, from = (place >> 1) + (place & 1) * LANES;
    store_upto(p, picked(even, odd, from), n);
    if (n > LANES)
        store_upto(p + LANES, picked(even, odd, from + LANES / 2), n - LANES);
}

/* How many elements a window counts along an axis. */
static float counted(int count, long n, long k, long start, long p)
{
    long end = lesser_of(start + k, count == 2 ? n + p : n);
    return (float)most(end - (count == 2 ? start : most(start, 0)), 1);
}

/* b where it is greater: nan is passed over. */
INLINE vf higher(vf a, vf b)
{
    return choose(b > a, b, a);
}

/* -- padded rows, and the same by phase --
 *
 * Element i of phase p is element i * sw + p of the padded row.  So what is at one place in windows side by
 * side stands side by side, too: in phase k % sw from k / sw on, if it is k elements from the windows' left
 * ends. */

struct lines {
    long length, phases;        /* of a phase, whole vectors; how many there are in use */
    long used;                  /* elements of a phase that windows reach */
    long inside;                /* elements of a row that windows may reach */
    long row;                   /* floats from what follows, of a row, to the same of the next one */
    float *padded, *parted;
    float *sums, *joined;       /* the same of a row of the adjoint */
    float *counts;              /* by window: what `counted` says of the horizontal axis */
};

static long length_of(const struct windows *s)
{
    return (s->ow + LANES + (s->kw - 1) / s->sw + LANES - 1) / LANES * LANES;
}

static long row_of(const struct windows *s)
{
    return length_of(s) * 2 * (s->sw + lesser_of(s->kw, s->sw));
}

/* Of so many rows at a time. */
static struct lines lines_in(float *room, const struct pooling *c, long rows, float padding)
{
    const struct windows *s = &c->s;
    struct lines l = {.length = length_of(s), .phases = lesser_of(s->kw, s->sw), .row = row_of(s)};
    l.used = s->ow + (s->kw - 1) / s->sw;
    l.inside = most(lesser_of(s->w, l.used * s->sw - s->pw), 0);
    l.counts = room;
    l.padded = room + l.length;
    l.sums = l.padded + l.length * s->sw;
    l.parted = s->sw == 1 ? l.padded : l.sums + l.length * l.phases;
    l.joined = s->sw == 1 ? l.sums : l.parted + l.length * l.phases;
    for (long k = 0; k < rows; k++)
        for (long i = 0; i < l.length * s->sw; i++)
            l.padded[k * l.row + i] = padding;
    for (long j = 0; j < l.length; j++)
        l.counts[j] = c->count ? counted(c->count, s->w, s->kw, j * s->sw - s->pw, s->pw) : 1;
    return l;
}

static void part_line(const struct windows *s, const struct lines *l, long k)
{
    const float *from = l->padded + k * l->row;
    float *to = l->parted + k * l->row;
    if (s->sw == 2 && l->phases == 2)
        for (long i = 0; i < l->used; i += LANES) {
            vf even, odd;
            parted(from + 2 * i, 2 * LANES, &even, &odd);
            store(to + i, even);
            store(to + l->length + i, odd);
        }
    else if (s->sw > 1)
        for (long p = 0; p < l->phases; p++)
            for (long i = 0; i < l->used; i++)
                to[p * l->length + i] = from[i * s->sw + p];
}

static void join_line(const struct windows *s, const struct lines *l, long k)
{
    const float *from = l->sums + k * l->row;
    float *to = l->joined + k * l->row;
    if (s->sw == 2 && l->phases == 2)
        for (long i = 0; i < l->used; i += LANES)
            join(to + 2 * i, 2 * LANES, load(from + i), load(from + l->length + i));
    else if (s->sw > 1)
        for (long p = 0; p < s->sw; p++)
            for (long i = 0; i < l->used; i++)
                to[i * s->sw + p] = p < l->phases ? from[p * l->length + i] : 0;
}

static int is_pairs(const struct windows *s)
{
    return s->kw == 2 && s->sw == 2;
}

/* For each k < kw: `at` is where the elements that are k from the left end of their windows stand. */
#define EACH_PLACE(s, l, at) \
    for (long each = 0, i_ = 0; each < (s)->kw; each += (s)->sw, i_++) \
        for (long p_ = 0, at = i_; p_ < (l)->phases && each + p_ < (s)->kw; p_++, at += (l)->length)

/* -- forward -- */

/* to = the rows of x from `first` to `end` combined, n elements. */
INLINE void combined_rows(int maximum, const float *x, long first, long end, long w, float start, float *to,
                          long n)
{
    for (long j = 0; j < n; j += LANES) {
        if (n >= LANES)
            j = lesser_of(j, n - LANES);        /* the last vector repeats some of the one before */
        vf v = splat(start);
        for (long row = first; row < end; row++) {
            vf more = load_upto(x + row * w + j, n, 0);
            v = maximum ? higher(v, more) : v + more;
        }
        store_upto(to + j, v, n);
    }
}

INLINE void combined(const struct pooling *c, struct lines *l, int maximum, const float *x, long i, float *y)
{
    const struct windows *s = &c->s;
    float start = maximum ? c->lowest : 0;
    long at = i * s->sh - s->ph, first = most(at, 0);
    combined_rows(maximum, x, first, lesser_of(at + s->kh, s->h), s->w, start, l->padded + s->pw, l->inside);
    if (!is_pairs(s))
        part_line(s, l, 0);
    float down = c->count ? counted(c->count, s->h, s->kh, at, s->ph) : 1;
    for (long j = 0; j < s->ow; j += LANES) {
        vf v = splat(start);
        if (is_pairs(s)) {
            vf even, odd;
            parted(l->padded + 2 * j, 2 * LANES, &even, &odd);
            v = maximum ? higher(even, odd) : even + odd;
        } else
            EACH_PLACE(s, l, from) {
                vf more = load(l->parted + from + j);
                v = maximum ? higher(v, more) : v + more;
            }
        store_upto(y + j, c->count ? v / (load(l->counts + j) * down) : v, s->ow - j);
    }
}

/* Windows of 2x2, two apart and all of them in the data: whole vectors are read, and written past the end of
 * a row, where the next one is written afterwards. */
static int is_squares(const struct windows *s)
{
    return s->kh == 2 && s->kw == 2 && s->sh == 2 && s->sw == 2 && !s->ph && !s->pw && 2 * s->oh <= s->h
        && 2 * s->ow <= s->w;
}

INLINE vf of_squares(int maximum, float start, vf a, vf b, vf c, vf d)
{
    vf low = splat(start);
    a = maximum ? higher(higher(low, a), c) : a + c;
    b = maximum ? higher(higher(low, b), d) : b + d;
    vi place = PLACES;
    vf even = picked(a, b, 2 * place), odd = picked(a, b, 2 * place + 1);
    return maximum ? higher(even, odd) : even + odd;
}

INLINE void combined_squares(int maximum, const struct pooling *c, long begin, long end)
{
    const struct windows *s = &c->s;
    const float *x_end = c->x + end * s->h * s->w, *y_end = c->to + end * s->oh * s->ow;
    float by = c->count ? 0.25f : 1;
    for (long plane = begin; plane < end; plane++)
        for (long i = 0; i < s->oh; i++) {
            const float *x = c->x + (plane * s->h + 2 * i) * s->w, *below = x + s->w;
            float *y = c->to + (plane * s->oh + i) * s->ow;
            for (long j = 0; j < s->ow; j += LANES, x += 2 * LANES, below += 2 * LANES) {
                long n = s->ow - j;
                if (y + j + LANES <= y_end && below + 2 * LANES <= x_end)
                    store(y + j, by * of_squares(maximum, c->lowest, load(x), load(x + LANES), load(below),
                                                 load(below + LANES)));
                else {
                    vf b = splat(0), d = splat(0);
                    if (2 * n > LANES) {
                        b = load_upto(x + LANES, 2 * n - LANES, 0);
                        d = load_upto(below + LANES, 2 * n - LANES, 0);
                    }
                    store_upto(y + j, by * of_squares(maximum, c->lowest, load_upto(x, 2 * n, 0), b,
                                                      load_upto(below, 2 * n, 0), d), n);
                }
            }
        }
}

static void combine_squares(void *context, long begin, long end)
{
    const struct pooling *c = context;
    if (c->maximum)
        combined_squares(1, c, begin, end);
    else
        combined_squares(0, c, begin, end);
}

static void combine(void *context, long begin, long end)
{
    struct pooling *c = context;
    const struct windows *s = &c->s;
    float *room = room_enter(&c->rooms);
    struct lines l = lines_in(room, c, 1, c->maximum ? c->lowest : 0);
    for (long plane = begin; plane < end; plane++)
        for (long i = 0; i < s->oh; i++) {
            const float *x = c->x + plane * s->h * s->w;
            float *y = c->to + (plane * s->oh + i) * s->ow;
            if (c->maximum)
                combined(c, &l, 1, x, i, y);
            else
                combined(c, &l, 0, x, i, y);
        }
    room_leave(&c->rooms, room);
}

/* -- backward -- */

/* Puts the joined line k into a row of dx, of which `written` rows are there. */
static void put_line(const struct windows *s, const struct lines *l, long k, float *dx, long row,
                     long *written)
{
    float *to = dx + row * s->w;
    const float *from = l->joined + k * l->row + s->pw;
    if (row < *written) {
        for (long j = 0; j < l->inside; j++)
            to[j] += from[j];
        return;
    }
    if (row > *written)
        memset(dx + *written * s->w, 0, (row - *written) * s->w * sizeof *dx);
    copy_floats(to, from, l->inside);
    if (s->w > l->inside)
        memset(to + l->inside, 0, (s->w - l->inside) * sizeof *to);
    *written = row + 1;
}

static void end_plane(const struct windows *s, float *dx, long written)
{
    memset(dx + written * s->w, 0, (s->h - written) * s->w * sizeof *dx);
}

/* Elements of two rows of dx for n <= LANES windows of 2x2; the first of equal ones gets the cotangent. */
INLINE void squares_dx(const float *xa, const float *xb, const float *y, const float *g, float *da, float *db,
                       long n)
{
    vf a0, a1, b0, b1, top = load_upto(y, n, 0), by = load_upto(g, n, 0), none = splat(0);
    parted(xa, 2 * n, &a0, &a1);
    parted(xb, 2 * n, &b0, &b1);
    vi i0 = a0 == top, i1 = (a1 == top) & ~i0, i2 = (b0 == top) & ~(i0 | i1);
    vi i3 = (b1 == top) & ~(i0 | i1 | i2);
    join(da, 2 * n, choose(i0, by, none), choose(i1, by, none));
    join(db, 2 * n, choose(i2, by, none), choose(i3, by, none));
}

static void row_of_squares_dx(const float *xa, const float *xb, const float *y, const float *g, float *da,
                              float *db, long windows)
{
    long j = 0;
    for (; j + LANES <= windows; j += LANES)
        squares_dx(xa + 2 * j, xb + 2 * j, y + j, g + j, da + 2 * j, db + 2 * j, LANES);
    if (j < windows)
        squares_dx(xa + 2 * j, xb + 2 * j, y + j, g + j, da + 2 * j, db + 2 * j, windows - j);
}

static void squares(void *context, long begin, long end)
{
    const struct pooling *c = context;
    const struct windows *s = &c->s;
    for (long plane = begin; plane < end; plane++) {
        const float *x = c->x + plane * s->h * s->w;
        const float *y = c->y + plane * s->oh * s->ow, *g = c->g + plane * s->oh * s->ow;
        float *dx = c->to + plane * s->h * s->w;
        if (2 * s->ow < s->w || 2 * s->oh < s->h)
            memset(dx, 0, s->h * s->w * sizeof *dx);
        for (long i = 0; i < s->oh; i++, y += s->ow, g += s->ow) {
            const float *row = x + 2 * i * s->w;
            float *to = dx + 2 * i * s->w;
            row_of_squares_dx(row, row + s->w, y, g, to, to + s->w, s->ow);
        }
    }
}

/* l->sums = the cotangents of the windows, where their maxima are first met in `rows` padded rows. */
static void maxima(const struct windows *s, const struct lines *l, long rows, const float *y, const float *g)
{
    for (long k = 0; k < rows; k++)
        for (long i = 0; i < l->phases * l->length; i += LANES)
            store(l->sums + k * l->row + i, splat(0));
    for (long j = 0; j < s->ow; j += LANES) {
        vf top = load_upto(y + j, s->ow - j, NAN), by = load_upto(g + j, s->ow - j, 0);
        vi left = top == top;
        for (long k = 0; k < rows; k++)
            EACH_PLACE(s, l, at) {
                float *sum = l->sums + k * l->row + at + j;
                vi here = (load(l->parted + k * l->row + at + j) == top) & left;
                store(sum, load(sum) + choose(here, by, splat(0)));
                left &= ~here;
            }
    }
}

static void maximum_dx(void *context, long begin, long end)
{
    struct pooling *c = context;
    const struct windows *s = &c->s;
    float *room = room_enter(&c->rooms);
    struct lines l = lines_in(room, c, s->kh, NAN);     /* which is no maximum */
    for (long plane = begin; plane < end; plane++) {
        const float *x = c->x + plane * s->h * s->w;
        const float *y = c->y + plane * s->oh * s->ow, *g = c->g + plane * s->oh * s->ow;
        float *dx = c->to + plane * s->h * s->w;
        long written = 0;
        for (long i = 0; i < s->oh; i++, y += s->ow, g += s->ow) {
            long top = i * s->sh - s->ph, first = most(top, 0), rows = lesser_of(top + s->kh, s->h) - first;
            for (long k = 0; k < rows; k++)
                copy_floats(l.padded + k * l.row + s->pw, x + (first + k) * s->w, l.inside);
            for (long k = 0; k < rows; k++)
                part_line(s, &l, k);
            maxima(s, &l, rows, y, g);
            for (long k = 0; k < rows; k++)
                join_line(s, &l, k);
            for (long k = 0; k < rows; k++)
                put_line(s, &l, k, dx, first + k, &written);
        }
        end_plane(s, dx, written);
    }
    room_leave(&c->rooms, room);
}

static void spread(void *context, long begin, long end)
{
    struct pooling *c = context;
    const struct windows *s = &c->s;
    float *room = room_enter(&c->rooms);
    struct lines l = lines_in(room, c, 1, 0);
    for (long plane = begin; plane < end; plane++) {
        const float *g = c->g + plane * s->oh * s->ow;
        float *dx = c->to + plane * s->h * s->w;
        long written = 0;
        for (long i = 0; i < s->oh; i++, g += s->ow) {
            long top = i * s->sh - s->ph, last = lesser_of(top + s->kh, s->h);
            float down = c->count ? counted(c->count, s->h, s->kh, top, s->ph) : 1;
            for (long j = 0; j < l.phases * l.length; j += LANES)
                store(l.sums + j, splat(0));
            for (long j = 0; j < s->ow; j += LANES) {
                vf by = load_upto(g + j, s->ow - j, 0) / (load(l.counts + j) * down);
                if (is_pairs(s))
                    join(l.joined + 2 * j, 2 * LANES, by, by);
                else
                    EACH_PLACE(s, &l, at)
                        store(l.sums + at + j, load(l.sums + at + j) + by);
            }
            if (!is_pairs(s))
                join_line(s, &l, 0);
            for (long row = most(top, 0); row < last; row++)
                put_line(s, &l, 0, dx, row, &written);
        }
        end_plane(s, dx, written);
    }
    room_leave(&c->rooms, room);
}

static void spread_squares(void *context, long begin, long end)
{
    const struct pooling *c = context;
    const struct windows *s = &c->s;
    float by = c->count ? 0.25f : 1, *dx_end = c->to + end * s->h * s->w;
    const float *g_end = c->g + end * s->oh * s->ow;
    vi place = PLACES;
    for (long plane = begin; plane < end; plane++) {
        float *dx = c->to + plane * s->h * s->w;
        for (long row = 0; row < 2 * s->oh; row++, dx += s->w) {
            const float *g = c->g + (plane * s->oh + row / 2) * s->ow;
            for (long j = 0; j < s->ow; j += LANES) {
                long n = s->ow - j;
                vf v = by * (g + j + LANES <= g_end ? load(g + j) : load_upto(g + j, n, 0));
                vf a = picked(v, v, place >> 1), b = picked(v, v, (place >> 1) + LANES / 2);
                float *to = dx + 2 * j;
                if (to + 2 * LANES <= dx_end) {
                    store(to, a);
                    if (2 * n > LANES)
                        store(to + LANES, b);
                } else {
                    store_upto(to, a, 2 * n);
                    if (2 * n > LANES)
                        store_upto(to + LANES, b, 2 * n - LANES);
                }
            }
            for (long j = 2 * s->ow; j < s->w; j++)
                dx[j] = 0;
        }
        memset(dx, 0, (s->h - 2 * s->oh) * s->w * sizeof *dx);
    }
}

/* Runs `on_squares` where windows are such, and `task` elsewhere. */
static int pooled(struct pooling *c, pool_task task, pool_task on_squares, long planes, const long *sizes)
{
    struct windows *s = &c->s;
    memcpy(s, sizes, sizeof *s);
    long chunk = 1 + 32768 / (s->h * s->w + s->oh * s->ow);
    if (is_squares(s)) {
        pool_run(on_squares, c, planes, chunk);
        return 0;
    }
    if (rooms_open(&c->rooms, length_of(s) + (task == maximum_dx ? s->kh : 1) * row_of(s)))
        return -1;
    pool_run(task, c, planes, chunk);
    rooms_close(&c->rooms);
    return 0;
}

int k_max_windows(const float *x, float *y, long planes, const long *sizes, float lowest)
{
    struct pooling c = {.x = x, .to = y, .maximum = 1, .lowest = lowest};
    return pooled(&c, combine, combine_squares, planes, sizes);
}

int k_max_windows_dx(const float *g, const float *y, const float *x, float *dx, long planes,
                     const long *sizes)
{
    struct pooling c = {.x = x, .y = y, .g = g, .to = dx};
    return pooled(&c, maximum_dx, squares, planes, sizes);
}

int k_sum_windows(const float *x, float *y, long planes, const long *sizes, int count)
{
    struct pooling c = {.x = x, .to = y, .count = count};
    return pooled(&c, combine, combine_squares, planes, sizes);
}

int k_spread_windows(const float *g, float *dx, long planes, const long *sizes, int count)
{
    struct pooling c = {.g = g, .to = dx, .count = count};
    return pooled(&c, spread, spread_squares, planes, sizes);
}
