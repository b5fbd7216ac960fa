/* Convolution with LANES examples side by side in vectors: 2 * windows * filters * channels * taps
 * operations.
 *
 * Every element of an image is a vector then, so that no window is cut, whatever widths and strides are, and
 * the sums of a tile of filters and windows, or of filters and taps, stay in registers.  Elements are brought
 * there and back once; the products of matrices of conv.c, which says when they are faster, copy each for
 * every tap.
 *
 * One core of a shared Xeon (Sapphire Rapids), whose arithmetic reaches 144 Gflop/s, ran 64 x 6 x 14 x 14 to
 * 16 filters of 5x5 at 103 Gflop/s forward, 83 by data and 86 by weights, and 32 x 32 x 28 x 28 to 32 of them
 * at 118, 120 and 92; 64 x 1 x 28 x 28 to 6 of 5x5, where bringing the results back is a third, at 70. */
#include "conv.h"

#include "gemm.h"
#include "kernels.h"
#include "pool.h"
#include "rooms.h"
#include "rows.h"

/* A tile has up to SUMS vectors: 4, 6 or 8 filters and as many windows or taps as there is room for. */
#if LANES == 16
enum { SUMS = 24 };
/* Has gcc load a vector once that it would read from memory for each product. */
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#else
enum { SUMS = 12 };
#define IN_REGISTER(v)
#endif

enum {
    NEAR = 8192,        /* floats that stay in the first cache with what is read beside them */
    FAR = 131072        /* and in the second one */
};

struct lanes {
    struct conv s;
    const float *x, *w, *g;
    float *y, *sums;
    long oh, ow, wp;                    /* wp: of the padded image */
    long w_group, w_filter, w_channel;
    int turned;                         /* taps are in the opposite order in w */
    long depth, tile, tiles;            /* channels * taps; filters of a tile, tiles of a group */
    long together, bands;               /* vectors of examples, bands of rows of windows */
    long rows, once;                    /* of x that a band reads, of windows that are computed at once */
    long spans, line;                   /* parts of the sums by weights, floats of a row of these */
    long *reads;
    float *panels;
    struct rooms rooms;
};

static long most(long a, long b)
{
    return a > b ? a : b;
}

static long whole_parts(long n, long part)
{
    return (n + part - 1) / part;
}

static long tile_of(long filters)
{
    long best = 4;
    for (long tile = 6; SUMS == 24 && tile <= 8; tile += 2)
        if (whole_parts(filters, tile) * tile <= whole_parts(filters, best) * best)
            best = tile;
    return best;
}

/* to = rows of w elements each of up to LANES examples, which begin `apart` floats after each other: example
 * by example in vectors that begin `step` floats after each other, with `gap` floats more between rows. */
static void to_lanes(const float *x, long examples, long apart, long rows, long w, float *to, long step,
                     long gap)
{
    long n = rows * w, column = 0;
    for (long j = 0; j < n; j += LANES) {
        vf block[LANES];
        long here = lesser_of(n - j, LANES);
        if (here == LANES && examples == LANES)
#pragma GCC unroll 16
            for (int i = 0; i < LANES; i++)
                block[i] = load(x + i * apart + j);
        else
            for (int i = 0; i < LANES; i++)
                block[i] = i < examples ? load_upto(x + i * apart + j, here, 0) : splat(0);
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            if (i < here) {
                store(to, block[i]);
                to += step;
                if (++column == w) {
                    column = 0;
                    to += gap;
                }
            }
    }
}

/* y = n elements of each example.  They are put together in `room` (LANES, whole vectors) while the lines
 * they go to are fetched: stores to so many places at the same time would wait for each. */
static void from_lanes(const float *from, long n, float *room, float *y, long examples, long apart)
{
    long width = whole_parts(n, LANES) * LANES;
    for (long i = 0; i < examples; i++)
        for (long j = 0; j < n; j += 16)
            __builtin_prefetch(y + i * apart + j, 1, 2);
    for (long j = 0; j < n; j += LANES) {
        vf block[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            block[i] = load(from + (j + i) * LANES);
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            store(room + i * width + j, block[i]);
    }
    for (long i = 0; i < examples; i++)
        copy_floats(y + i * apart, room + i * width, n);
}

/* The channels of the padded image that the windows of the rows from `row` on read: (channels, c->rows,
 * c->wp). */
static void image_to_lanes(const struct lanes *c, long group, long first, long row, float *to)
{
    const struct conv *s = &c->s;
    long plane = s->h * s->w, image = s->groups * s->channels * plane, width = c->wp * LANES;
    long top = row * s->sh - s->ph, begin = lesser_of(most(-top, 0), c->rows);
    long end = most(lesser_of(c->rows, s->h - top), begin), edge = s->pw * LANES;
    const float *x = c->x + first * image + group * s->channels * plane + (top + begin) * s->w;
    for (long k = 0; k < s->channels; k++, x += plane, to += c->rows * width) {
        memset(to, 0, begin * width * sizeof *to);
        for (long r = begin; edge && r < end; r++) {
            memset(to + r * width, 0, edge * sizeof *to);
            memset(to + (r + 1) * width - edge, 0, edge * sizeof *to);
        }
        memset(to + end * width, 0, (c->rows - end) * width * sizeof *to);
        to_lanes(x, lesser_of(s->n - first, LANES), image, end - begin, s->w,
                 to + begin * width + edge, LANES, 2 * edge);
    }
}

/* -- forward, and by data without strides -- */

static void pack(void *context, long begin, long end)
{
    const struct lanes *c = context;
    long taps = c->s.kh * c->s.kw;
    for (long i = begin; i < end; i++) {
        long first = i % c->tiles * c->tile;
        const float *w = c->w + i / c->tiles * c->w_group + first * c->w_filter;
        float *panel = c->panels + i * c->depth * c->tile;
        for (long channel = 0; channel < c->s.channels; channel++, w += c->w_channel)
            for (long t = 0; t < taps; t++, panel += c->tile)
                for (long f = 0; f < c->tile; f++)
                    panel[f] = first + f < c->s.filters
                        ? w[f * c->w_filter + (c->turned ? taps - 1 - t : t)] : 0;
    }
}

/* Which taps of an axis reach some of the windows [at, at + many), of n elements. */
struct reach {
    long begin, end;
};

static struct reach reaching(long at, long many, long n, long k, long s, long d, long p)
{
    struct reach r = {most(whole_parts(most(p - (at + many - 1) * s, 0), d), 0), k};
    long after = n - 1 + p - at * s;        /* the last tap that reaches the first window begins there */
    r.end = after < 0 ? 0 : lesser_of(k, after / d + 1);
    return r;
}

/* y (filters, ..., LANES) = the sums for a tile of filters, with planes of `plane` vectors, and neighbouring
 * windows.  x and w are those of the first tap. */
INLINE void window_tile(int filters, int windows, const struct lanes *c, struct reach down,
                        struct reach along, const float *x, const float *w, float *y, long plane)
{
    const struct conv *s = &c->s;
    long step = s->sw * LANES, x_plane = c->rows * c->wp * LANES;
    vf t[8][6];
#pragma GCC unroll 8
    for (int f = 0; f < filters; f++)
#pragma GCC unroll 6
        for (int i = 0; i < windows; i++)
            t[f][i] = splat(0);
    for (long k = 0; k < s->channels; k++, x += x_plane, w += s->kh * s->kw * filters)
        for (long a = down.begin; a < down.end; a++) {
            const float *from = x + (a * s->dh * c->wp + along.begin * s->dw) * LANES;
            const float *by = w + (a * s->kw + along.begin) * filters;
            for (long b = along.begin; b < along.end; b++, from += s->dw * LANES, by += filters) {
                vf v[6];
#pragma GCC unroll 6
                for (int i = 0; i < windows; i++)
                    v[i] = load(from + i * step);
#pragma GCC unroll 8
                for (int f = 0; f < filters; f++) {
                    vf times = splat(by[f]);
#pragma GCC unroll 6
                    for (int i = 0; i < windows; i++)
                        t[f][i] += times * v[i];
                }
            }
        }
#pragma GCC unroll 8
    for (int f = 0; f < filters; f++)
#pragma GCC unroll 6
        for (int i = 0; i < windows; i++)
            store(y + (f * plane + i) * LANES, t[f][i]);
}

typedef void window_function(const struct lanes *c, struct reach down, struct reach along, const float *x,
                             const float *w, float *y, long plane);

#define WINDOWS(filters, windows)                                                                         \
    static __attribute__((noinline)) void windows_##filters##_##windows(                                  \
        const struct lanes *c, struct reach down, struct reach along, const float *x, const float *w,     \
        float *y, long plane)                                                                             \
    {                                                                                                     \
        window_tile(filters, windows, c, down, along, x, w, y, plane);                                    \
    }

/* -- by weights -- */

/* sums[f][k] += the products of the cotangents of filters and what some taps read, over rows of windows. */
INLINE void tap_tile(int filters, int taps, const struct lanes *c, long rows, const float *x,
                     const long *reads, const float *g, float *sums, long apart)
{
    long step = c->s.sw * LANES, next = (c->s.sh * c->wp - c->ow * c->s.sw) * LANES;
    const float *from[6];
    vf t[8][6];
#pragma GCC unroll 8
    for (int f = 0; f < filters; f++)
#pragma GCC unroll 6
        for (int i = 0; i < taps; i++)
            t[f][i] = splat(0);
#pragma GCC unroll 6
    for (int i = 0; i < taps; i++)
        from[i] = x + reads[i];
    long place = 0;
    for (long row = 0; row < rows; row++, place += next)
        for (long j = 0; j < c->ow; j++, g += filters * LANES, place += step) {
            vf v[6];
#pragma GCC unroll 6
            for (int i = 0; i < taps; i++)
                v[i] = load(from[i] + place);
#pragma GCC unroll 8
            for (int f = 0; f < filters; f++) {
                vf times = load(g + f * LANES);
                IN_REGISTER(times);
#pragma GCC unroll 6
                for (int i = 0; i < taps; i++)
                    t[f][i] += times * v[i];
            }
        }
#pragma GCC unroll 8
    for (int f = 0; f < filters; f++)
#pragma GCC unroll 6
        for (int i = 0; i < taps; i++) {
            float *to = sums + f * apart + i * LANES;
            store(to, load(to) + t[f][i]);
        }
}

typedef void tap_function(const struct lanes *c, long rows, const float *x, const long *reads,
                          const float *g, float *sums, long apart);

#define TAPS(filters, taps)                                                                               \
    static __attribute__((noinline)) void taps_##filters##_##taps(                                        \
        const struct lanes *c, long rows, const float *x, const long *reads, const float *g, float *sums, \
        long apart)                                                                                       \
    {                                                                                                     \
        tap_tile(filters, taps, c, rows, x, reads, g, sums, apart);                                       \
    }

#define BOTH(filters, across) \
    WINDOWS(filters, across)  \
    TAPS(filters, across)
BOTH(4, 1)
BOTH(4, 2)
BOTH(4, 3)
#if LANES == 16
BOTH(4, 4)
BOTH(4, 5)
BOTH(4, 6)
BOTH(6, 1)
BOTH(6, 2)
BOTH(6, 3)
BOTH(6, 4)
BOTH(8, 1)
BOTH(8, 2)
BOTH(8, 3)
#endif

#if LANES == 16
static window_function *const window_functions[3][6] = {
    {windows_4_1, windows_4_2, windows_4_3, windows_4_4, windows_4_5, windows_4_6},
    {windows_6_1, windows_6_2, windows_6_3, windows_6_4},
    {windows_8_1, windows_8_2, windows_8_3}};
static tap_function *const tap_functions[3][6] = {
    {taps_4_1, taps_4_2, taps_4_3, taps_4_4, taps_4_5, taps_4_6},
    {taps_6_1, taps_6_2, taps_6_3, taps_6_4},
    {taps_8_1, taps_8_2, taps_8_3}};
#else
static window_function *const window_functions[1][3] = {{windows_4_1, windows_4_2, windows_4_3}};
static tap_function *const tap_functions[1][3] = {{taps_4_1, taps_4_2, taps_4_3}};
#endif

static void some_bands(void *context, long begin, long end)
{
    struct lanes *c = context;
    const struct conv *s = &c->s;
    float *x = room_enter(&c->rooms), *y = x + s->channels * c->rows * c->wp * LANES;
    float *room = y + (c->tile * c->once * c->ow + LANES) * LANES;
    window_function *const *functions = window_functions[c->tile / 2 - 2];
    long across = SUMS / c->tile, columns = whole_parts(c->ow, across);
    long plane = c->oh * c->ow, image = s->groups * s->filters * plane;
    for (long part = begin; part < end; part++) {
        long band = part % c->bands, first = part / c->bands % c->together * LANES;
        long group = part / c->bands / c->together;
        long row0 = c->oh * band / c->bands, row1 = c->oh * (band + 1) / c->bands;
        image_to_lanes(c, group, first, row0, x);
        for (long row = row0; row < row1; row += c->once) {
            long rows = lesser_of(c->once, row1 - row);
            for (long tile = 0; tile < c->tiles; tile++) {
                const float *w = c->panels + (group * c->tiles + tile) * c->depth * c->tile;
                for (long r = 0; r < rows; r++) {
                    struct reach down = reaching(row + r, 1, s->h, s->kh, s->sh, s->dh, s->ph);
                    const float *from = x + (row + r - row0) * s->sh * c->wp * LANES;
                    for (long i = 0; i < columns; i++) {
                        long j = c->ow * i / columns, many = c->ow * (i + 1) / columns - j;
                        struct reach along = reaching(j, many, s->w, s->kw, s->sw, s->dw, s->pw);
                        functions[many - 1](c, down, along, from + j * s->sw * LANES, w,
                                            y + (r * c->ow + j) * LANES, rows * c->ow);
                    }
                }
                for (long f = 0; f < lesser_of(c->tile, s->filters - tile * c->tile); f++)
                    from_lanes(y + f * rows * c->ow * LANES, rows * c->ow, room,
                               c->y + first * image + (group * s->filters + tile * c->tile + f) * plane
                                   + row * c->ow,
                               lesser_of(s->n - first, LANES), image);
            }
        }
    }
    room_leave(&c->rooms, x);
}

static void some_sums(void *context, long begin, long end)
{
    struct lanes *c = context;
    const struct conv *s = &c->s;
    float *x = room_enter(&c->rooms), *g = x + s->channels * c->rows * c->wp * LANES;
    float *sums = g + c->tile * c->once * c->ow * LANES;
    tap_function *const *functions = tap_functions[c->tile / 2 - 2];
    long across = SUMS / c->tile, columns = whole_parts(c->depth, across), all = c->together * c->bands;
    long plane = c->oh * c->ow, image = s->groups * s->filters * plane;
    for (long part = begin; part < end; part++) {
        long group = part / c->spans, span = part % c->spans;
        memset(sums, 0, c->tiles * c->tile * c->line * LANES * sizeof *sums);
        for (long each = all * span / c->spans; each < all * (span + 1) / c->spans; each++) {
            long first = each / c->bands * LANES, band = each % c->bands;
            long row0 = c->oh * band / c->bands, row1 = c->oh * (band + 1) / c->bands;
            image_to_lanes(c, group, first, row0, x);
            for (long row = row0; row < row1; row += c->once)
                for (long tile = 0; tile < c->tiles; tile++) {
                    long rows = lesser_of(c->once, row1 - row), left = s->filters - tile * c->tile;
                    for (long f = 0; f < lesser_of(c->tile, left); f++)
                        to_lanes(c->g + first * image + (group * s->filters + tile * c->tile + f) * plane
                                     + row * c->ow,
                                 lesser_of(s->n - first, LANES), image, 1, rows * c->ow, g + f * LANES,
                                 c->tile * LANES, 0);
                    for (long i = 0; i < columns; i++) {
                        long k = c->depth * i / columns, many = c->depth * (i + 1) / columns - k;
                        functions[many - 1](c, rows, x + (row - row0) * s->sh * c->wp * LANES, c->reads + k,
                                            g, sums + (tile * c->tile * c->line + k) * LANES, c->line * LANES);
                    }
                }
        }
        for (long i = 0; i < s->filters * c->line; i += LANES) {
            vf block[LANES], sum = splat(0);
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++)
                block[k] = load(sums + (i + k) * LANES);
            transpose(block);
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++)
                sum += block[k];
            store(c->sums + part * s->filters * c->line + i, sum);
        }
    }
    room_leave(&c->rooms, x);
}

/* The numbers that follow from `s`: at least `parts` bands if there are rows enough, and so many rows at once
 * that a tile of filters has about `near` floats. */
static void measured(struct lanes *c, long parts, long near)
{
    struct conv *s = &c->s;
    c->oh = windows_of(s->h, s->kh, s->sh, s->dh, s->ph);
    c->ow = windows_of(s->w, s->kw, s->sw, s->dw, s->pw);
    c->wp = s->w + 2 * s->pw;
    c->depth = s->channels * s->kh * s->kw;
    c->tile = tile_of(s->filters);
    c->tiles = whole_parts(s->filters, c->tile);
    c->together = whole_parts(s->n, LANES);
    long span = (s->kh - 1) * s->dh + 1;
    c->bands = whole_parts(c->oh, most(FAR / (s->channels * c->wp * LANES) - span + 1, span) / s->sh + 1);
    c->bands = lesser_of(c->oh, most(c->bands, whole_parts(parts, s->groups * c->together)));
    long rows = whole_parts(c->oh, c->bands);
    c->rows = (rows - 1) * s->sh + span;
    c->once = most(1, lesser_of(rows, near / (c->tile * c->ow * LANES)));
}

static int convolved(struct lanes *c)
{
    const struct conv *s = &c->s;
    measured(c, 8, 2 * NEAR);
    c->panels = k_room((size_t)s->groups * c->tiles * c->depth * c->tile);
    int failed = !c->panels
        || rooms_open(&c->rooms, (s->channels * c->rows * c->wp + (c->tile + 1) * c->once * c->ow + 2 * LANES)
                                     * LANES);
    if (!failed) {
        long work = c->depth * s->filters * c->oh * c->ow / c->bands * LANES;
        pool_run(pack, c, s->groups * c->tiles, 1 + 32768 / (c->depth * c->tile));
        pool_run(some_bands, c, s->groups * c->together * c->bands, 1 + 1000000 / work);
        rooms_close(&c->rooms);
    }
    free(c->panels);
    return failed ? -1 : 0;
}

int k_conv_lanes(const float *x, const float *w, float *y, const struct conv *s)
{
    long taps = s->kh * s->kw;
    struct lanes c = {.s = *s, .x = x, .w = w, .y = y, .w_group = s->filters * s->channels * taps,
                      .w_filter = s->channels * taps, .w_channel = taps};
    return convolved(&c);
}

int k_conv_data_lanes(const float *g, const float *w, float *x, const struct conv *s)
{
    long taps = s->kh * s->kw;
    struct lanes c = {.s = *s, .x = g, .w = w, .y = x, .w_group = s->filters * s->channels * taps,
                      .w_filter = taps, .w_channel = s->channels * taps, .turned = 1};
    c.s.channels = s->filters;
    c.s.filters = s->channels;
    c.s.h = windows_of(s->h, s->kh, 1, s->dh, s->ph);
    c.s.w = windows_of(s->w, s->kw, 1, s->dw, s->pw);
    c.s.ph = s->dh * (s->kh - 1) - s->ph;
    c.s.pw = s->dw * (s->kw - 1) - s->pw;
    return convolved(&c);
}

int k_conv_weight_lanes(const float *x, const float *g, float *dw, const struct conv *s)
{
    struct lanes c = {.s = *s, .x = x, .g = g};
    measured(&c, 1, NEAR);
    c.line = whole_parts(c.depth, LANES) * LANES;
    c.spans = lesser_of(8, c.together * c.bands);
    c.reads = malloc(c.depth * sizeof *c.reads);
    c.sums = k_room((size_t)s->groups * c.spans * s->filters * c.line);
    int failed = !c.reads || !c.sums
        || rooms_open(&c.rooms, (s->channels * c.rows * c.wp + c.tile * c.once * c.ow + c.tiles * c.tile * c.line)
                                    * LANES);
    if (!failed) {
        long taps = s->kh * s->kw;
        for (long k = 0; k < c.depth; k++) {
            long t = k % taps;
            c.reads[k] = (k / taps * c.rows * c.wp + t / s->kw * s->dh * c.wp + t % s->kw * s->dw) * LANES;
        }
        pool_run(some_sums, &c, s->groups * c.spans, 1);
        for (long i = 0; i < s->groups * s->filters; i++) {
            float *to = dw + i * c.depth;
            const float *from = c.sums + (i / s->filters * c.spans * s->filters + i % s->filters) * c.line;
            copy_floats(to, from, c.depth);
            for (long span = 1; span < c.spans; span++)
                add_floats(to, from + span * s->filters * c.line, c.depth);
        }
        rooms_close(&c.rooms);
    }
    free(c.sums);
    free(c.reads);
    return failed ? -1 : 0;
}
