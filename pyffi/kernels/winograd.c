/* Convolution by kernels of 3x3 without strides, by Winograd's minimal filtering F(4x4, 3x3) after A. Lavin
 * and S. Gray, Fast Algorithms for Convolutional Neural Networks (2015), arXiv:1509.09308: a tile of 6x6
 * elements becomes 36 numbers, the same of the weights 36 others, and the sum over channels of their products
 * 4x4 windows.  That is 2.25 multiplications per window, filter and channel instead of 9.  The adjoint by
 * weights has the same three transforms, each the other way round.
 *
 * The vectors go along channels and filters, so that tiles are numbers that rows of weights are multiplied
 * by, and nothing is gathered.  Reached on two cores of a Xeon (Sapphire Rapids), which do 298 Gflop/s in
 * multiply-adds alone: 16 x 64 x 32 x 32 to 64 filters at 439 Gflop/s, counted as direct convolution, a
 * quarter of which is done: 37 %, without what the transforms do; by weights at 311, 26 %; 16 x 128 x 28 x 28
 * to 128 at 474 and 357, 40 and 30 %.  With 256 channels of 14x14 it was slower than direct convolution: 36
 * points of so many weights are more than the second cache. */
#include <math.h>

#include "conv.h"

#include "gemm.h"
#include "kernels.h"
#include "pool.h"
#include "rooms.h"

enum { SIDE = 4, TILE = 6, POINTS = TILE * TILE, ROOM = 1 << 18 };

static long least(long a, long b)
{
    return a < b ? a : b;
}

static long rounded(long n, long to)
{
    return (n + to - 1) / to * to;
}

/* -- the transforms, of vectors `from` apart to vectors `to` apart -- */

typedef void (*transform)(const vf *x, int from, vf *y, int to);

/* 6 elements to 6 points */
INLINE void of_data(const vf *x, int from, vf *y, int to)
{
    vf x1 = x[from], x2 = x[2 * from], x3 = x[3 * from], x4 = x[4 * from];
    vf a = x4 - 4 * x2, b = x3 - 4 * x1, c = x4 - x2, d = 2 * (x3 - x1);
    y[0] = 4 * x[0] - 5 * x2 + x4;
    y[to] = a + b;
    y[2 * to] = a - b;
    y[3 * to] = c + d;
    y[4 * to] = c - d;
    y[5 * to] = 4 * x1 - 5 * x3 + x[5 * from];
}

/* 3 weights to 6 points, and its transposed */
INLINE void of_weights(const vf *w, int from, vf *y, int to)
{
    vf a = (w[0] + w[2 * from]) * (1 / 6.0f), b = w[from] * (1 / 6.0f);
    vf c = w[0] * (1 / 24.0f) + w[2 * from] * (1 / 6.0f), d = w[from] * (1 / 12.0f);
    y[0] = w[0] * 0.25f;
    y[to] = -a - b;
    y[2 * to] = b - a;
    y[3 * to] = c + d;
    y[4 * to] = c - d;
    y[5 * to] = w[2 * from];
}

INLINE void to_weights(const vf *x, int from, vf *w, int to)
{
    vf a = (x[from] + x[2 * from]) * (1 / 6.0f), b = (x[2 * from] - x[from]) * (1 / 6.0f);
    vf c = x[3 * from] + x[4 * from], d = x[3 * from] - x[4 * from];
    w[0] = x[0] * 0.25f - a + c * (1 / 24.0f);
    w[to] = b + d * (1 / 12.0f);
    w[2 * to] = c * (1 / 6.0f) - a + x[5 * from];
}

/* 6 points to 4 windows, and its transposed */
INLINE void to_windows(const vf *x, int from, vf *y, int to)
{
    vf a = x[from] + x[2 * from], b = x[from] - x[2 * from];
    vf c = x[3 * from] + x[4 * from], d = x[3 * from] - x[4 * from];
    y[0] = x[0] + a + c;
    y[to] = b + 2 * d;
    y[2 * to] = a + 4 * c;
    y[3 * to] = b + 8 * d + x[5 * from];
}

INLINE void of_windows(const vf *g, int from, vf *y, int to)
{
    vf a = g[0] + g[2 * from], b = g[from] + g[3 * from];
    vf c = g[0] + 4 * g[2 * from], d = 2 * g[from] + 8 * g[3 * from];
    y[0] = g[0];
    y[to] = a + b;
    y[2 * to] = a - b;
    y[3 * to] = c + d;
    y[4 * to] = c - d;
    y[5 * to] = g[3 * from];
}

/* Along both axes: x (in, in) to y (out, out). */
INLINE void both_ways(transform f, int in, int out, const vf *x, vf *y)
{
    vf half[POINTS];
#pragma GCC unroll 6
    for (int j = 0; j < in; j++)
        f(x + j, in, half + j, in);
#pragma GCC unroll 6
    for (int i = 0; i < out; i++)
        f(half + i * in, 1, y + i * out, 1);
}

/* -- what forward and by weights have in common -- */

/* Images (n, planes, h, w) cut into tiles that start every SIDE elements, of which the first is at -top and
 * -left. */
struct images {
    const float *at;
    long planes, h, w, top, left;
};

/* The tiles of the image rows [row, row + size) of `channels` planes: (POINTS, tiles, channels) with
 * `apart` floats between points.  `line` has room for the rows, with channels last. */
INLINE void points_of(transform f, int size, const struct images *x, long image, long plane, long channels,
                      long row, long tiles, float *line, float *points, long apart)
{
    long width = SIDE * (tiles - 1) + size, wide = rounded(channels, LANES);
    for (long i = 0; i < size; i++) {
        float *to = line + i * width * wide;
        long y = SIDE * row - x->top + i, n = y >= 0 && y < x->h ? least(x->w, width - x->left) : 0;
        long before = n ? x->left : 0;
        memset(to, 0, before * wide * sizeof *to);
        if (n)
            k_transposed(x->at + ((image * x->planes + plane) * x->h + y) * x->w, channels, n, x->h * x->w,
                         to + before * wide, wide);
        memset(to + (before + n) * wide, 0, (width - before - n) * wide * sizeof *to);
    }
    for (long tile = 0; tile < tiles; tile++, points += wide)
        for (long c = 0; c < wide; c += LANES) {
            vf d[POINTS], p[POINTS];
            const float *from = line + tile * SIDE * wide + c;
#pragma GCC unroll 6
            for (int i = 0; i < size; i++)
#pragma GCC unroll 6
                for (int j = 0; j < size; j++)
                    d[i * size + j] = load(from + (i * width + j) * wide);
            both_ways(f, size, TILE, d, p);
#pragma GCC unroll 36
            for (int k = 0; k < POINTS; k++)
                store(points + k * apart + c, p[k]);
        }
}

/* How many of the `left` vectors of a row the next tile of a product takes. */
INLINE int next_vectors(long left)
{
    if (WIDE_ROWS)
        return left == 5 || left == 6 || left == 9 ? 3 : (int)least(left, 4);
    return left == 4 ? 2 : (int)least(left, 3);
}

INLINE int rows_for(int vectors)
{
    return vectors == 4 ? WIDE_ROWS : TILE_ROWS;
}

/* c (rows, vectors * LANES), ldc apart, = or += a b, of a's rows some at a time.  Where tiles do not divide
 * the rows, some are computed twice, or what follows a and c is read and written if there is no whole tile:
 * so `add` is for rows that they divide. */
#define MULTIPLY(vectors, tall)                                                                              \
    static __attribute__((noinline)) void multiply_##vectors(                                                \
        long rows, long depth, const float *a, long row, long step, const float *b, long ldb, float *c,      \
        long ldc, int add)                                                                                   \
    {                                                                                                        \
        for (long i = 0; i < rows; i += tall) {                                                              \
            long first = i + tall > rows && rows >= tall ? rows - tall : i;                                  \
            vf t[8][MOST_VECTORS];                                                                           \
            gemm_tile(tall, vectors, depth, a + first * row, row, step, b, ldb, t);                          \
            _Pragma("GCC unroll 8") for (int r = 0; r < tall; r++)                                           \
                _Pragma("GCC unroll 4") for (int v = 0; v < vectors; v++) {                                  \
                    float *to = c + (first + r) * ldc + v * LANES;                                           \
                    store(to, add ? load(to) + t[r][v] : t[r][v]);                                           \
                }                                                                                            \
        }                                                                                                    \
    }
MULTIPLY(1, TILE_ROWS)
MULTIPLY(2, TILE_ROWS)
MULTIPLY(3, TILE_ROWS)
#if LANES == 16
MULTIPLY(4, WIDE_ROWS)
#else
#define multiply_4 multiply_3
#endif

INLINE void multiply(int vectors, long rows, long depth, const float *a, long row, long step, const float *b,
                     long ldb, float *c, long ldc, int add)
{
    (vectors == 1 ? multiply_1 : vectors == 2 ? multiply_2 : vectors == 3 ? multiply_3 : multiply_4)(
        rows, depth, a, row, step, b, ldb, c, ldc, add);
}

/* The numbers of windows and tiles of an axis. */
INLINE long tiles_of(long windows)
{
    return (windows + SIDE - 1) / SIDE;
}

/* How many rows of tiles make a part: `most` tiles or fewer, little of the last tile of a product unused. */
static long rows_of_tiles(long all, long across, long most_tiles, long tall)
{
    long most_rows = most_tiles / across, best = 1;
    double waste = 9;
    most_rows = least(most_rows, (all + 7) / 8);
    for (long rows = most_rows; rows >= 1 && 2 * rows >= most_rows; rows--) {
        double w = (double)rounded(rows * across, tall) / (rows * across);
        if (w < waste - 0.01) {
            waste = w;
            best = rows;
        }
    }
    return best;
}

/* -- forward, and by data -- */

struct forward {
    struct images x;
    const float *w;
    float *y, *points;              /* points: of the weights, (POINTS, channels, filters) in panels */
    long n, channels, filters, oh, ow, down, across, rows, wide, lines;
    long w_filter, w_channel;
    int turned;
    _Atomic int spoiled;            /* something is not finite */
    struct rooms rooms;
};

static void points_of_weights(void *context, long begin, long end)
{
    const struct forward *c = context;
    for (long channel = begin; channel < end; channel++)
        for (long first = 0; first < c->lines;) {
            long start = first;
            int vectors = next_vectors((c->lines - first) / LANES);
            for (; first < start + vectors * LANES; first += LANES) {
                vf d[9], p[POINTS];
                for (int t = 0; t < 9; t++) {
                    float a[LANES];
                    const float *w = c->w + channel * c->w_channel + (c->turned ? 8 - t : t);
                    for (long l = 0; l < LANES; l++)
                        a[l] = first + l < c->filters ? w[(first + l) * c->w_filter] : 0;
                    d[t] = load(a);
                }
                both_ways(of_weights, 3, TILE, d, p);
                for (int k = 0; k < POINTS; k++)
                    store(c->points + (k * c->lines + start) * c->channels + channel * vectors * LANES + first
                          - start, p[k]);
            }
        }
}

static void windows_of_tiles(void *context, long begin, long end)
{
    struct forward *c = context;
    float *room = room_enter(&c->rooms);
    long all = c->n * c->down, most_tiles = rounded(c->rows * c->across, LANES);
    long most_lines = MOST_VECTORS * LANES;
    long apart = most_tiles * c->wide, apart_products = most_tiles * most_lines, windows = c->across * SIDE;
    float *points = room, *products = points + POINTS * apart, *line = products + POINTS * apart_products;
    vf check = splat(0);
    for (long part = begin; part < end; part++) {
        long row0 = part * c->rows, row1 = least(row0 + c->rows, all), tiles = (row1 - row0) * c->across;
        for (long row = row0; row < row1; row++)
            points_of(of_data, TILE, &c->x, row / c->down, 0, c->channels, row % c->down, c->across, line,
                      points + (row - row0) * c->across * c->wide, apart);
        for (long first = 0; first < c->lines;) {
            int vectors = next_vectors((c->lines - first) / LANES);
            long lines = vectors * LANES;
            for (int k = 0; k < POINTS; k++)
                multiply(vectors, tiles, c->channels, points + k * apart, c->wide, 1,
                         c->points + (k * c->lines + first) * c->channels, lines,
                         products + k * apart_products, lines, 0);
            for (long i = 0; i < (row1 - row0) * vectors; i++) {
                long row = row0 + i / vectors, at = i % vectors * LANES, image = row / c->down;
                long top = row % c->down * SIDE, filter = first + at;
                long filters = least(c->filters - filter, LANES);
                for (long tile = 0; tile < c->across; tile++) {
                    vf p[POINTS], y[SIDE * SIDE];
                    const float *from = products + ((row - row0) * c->across + tile) * lines + at;
#pragma GCC unroll 36
                    for (int k = 0; k < POINTS; k++)
                        p[k] = load(from + k * apart_products);
                    both_ways(to_windows, TILE, SIDE, p, y);
#pragma GCC unroll 16
                    for (int k = 0; k < SIDE * SIDE; k++) {
                        check += y[k] * 0;
                        store(line + (k / SIDE * windows + tile * SIDE + k % SIDE) * LANES, y[k]);
                    }
                }
                for (long r = 0; r < SIDE && top + r < c->oh; r++) {
                    float *y = c->y + ((image * c->filters + filter) * c->oh + top + r) * c->ow;
                    for (long j = 0; j < c->ow; j += LANES) {
                        vf block[LANES];
                        long n = least(c->ow - j, LANES);
#pragma GCC unroll 16
                        for (int l = 0; l < LANES; l++)
                            block[l] = l < n ? load(line + (r * windows + j + l) * LANES) : splat(0);
                        transpose(block);
                        for (long f = 0; f < filters; f++)
                            copy_floats(y + f * c->oh * c->ow + j, (const float *)&block[f], n);
                    }
                }
            }
            first += lines;
        }
    }
    room_leave(&c->rooms, room);
    if (sum_of(check) != 0)     /* nan */
        atomic_store(&c->spoiled, 1);
}

int k_winograd(const float *x, const float *w, float *y, const long *sizes, int by_data)
{
    struct conv s;
    memcpy(&s, sizes, sizeof s);
    long oh = windows_of(s.h, 3, 1, 1, s.ph), ow = windows_of(s.w, 3, 1, 1, s.pw);
    /* by data it is the convolution of the cotangent with the weights turned around */
    struct forward c = {
        .x = by_data ? (struct images){x, s.filters, oh, ow, 2 - s.ph, 2 - s.pw}
                     : (struct images){x, s.channels, s.h, s.w, s.ph, s.pw},
        .w = w, .y = y, .n = s.n, .channels = by_data ? s.filters : s.channels,
        .filters = by_data ? s.channels : s.filters, .oh = by_data ? s.h : oh, .ow = by_data ? s.w : ow,
        .w_filter = by_data ? 9 : s.channels * 9, .w_channel = by_data ? s.channels * 9 : 9,
        .turned = by_data};
    c.down = tiles_of(c.oh);
    c.across = tiles_of(c.ow);
    c.wide = rounded(c.channels, LANES);
    c.lines = rounded(c.filters, LANES);
    int vectors = next_vectors(c.lines / LANES);
    c.rows = rows_of_tiles(c.n * c.down, c.across, ROOM / POINTS / (c.wide + vectors * LANES),
                           rows_for(vectors));
    long tiles = rounded(c.rows * c.across, LANES);
    c.points = k_room((size_t)POINTS * c.channels * c.lines);
    int failed = !c.points || rooms_open(&c.rooms, (size_t)POINTS * tiles * (c.wide + MOST_VECTORS * LANES)
                                         + (SIDE * c.across + 2) * TILE * (c.wide + LANES));
    if (!failed) {
        pool_run(points_of_weights, &c, c.channels, 1 + 8192 / c.lines);
        pool_run(windows_of_tiles, &c, (c.n * c.down + c.rows - 1) / c.rows, 1);
        rooms_close(&c.rooms);
    }
    free(c.points);
    return failed ? -1 : c.spoiled;
}

/* -- by weights -- */

struct by_weights {
    struct images x, g;
    float *dw, *sums;           /* sums: (spans, POINTS, wide, lines) */
    long n, down, across, rows, wide, lines;
    long spans, channel_cuts, filter_cuts;
    _Atomic int spoiled;
    struct rooms rooms;
};

enum { CUT = 64 };      /* channels and filters that a part works on */

static void sums_of_tiles(void *context, long begin, long end)
{
    struct by_weights *c = context;
    float *room = room_enter(&c->rooms);
    long all = c->n * c->down, most_tiles = c->rows * c->across, apart = most_tiles * CUT;
    float *of_x = room, *of_g = of_x + POINTS * apart, *line = of_g + POINTS * apart;
    for (long part = begin; part < end; part++) {
        long span = part % c->spans, channel = part / c->spans % c->channel_cuts * CUT;
        long filter = part / c->spans / c->channel_cuts * CUT;
        long wide = least(c->wide - channel, CUT), lines = least(c->lines - filter, CUT);
        long row0 = all * span / c->spans, row1 = all * (span + 1) / c->spans;
        float *sums = c->sums + (span * POINTS * c->wide + channel) * c->lines + filter;
        for (long row = row0; row < row1; row += c->rows) {
            long rows = least(c->rows, row1 - row), tiles = rows * c->across;
            for (long r = row; r < row + rows; r++) {
                long at = (r - row) * c->across;
                points_of(of_data, TILE, &c->x, r / c->down, channel, least(c->x.planes - channel, CUT),
                          r % c->down, c->across, line, of_x + at * wide, apart);
                points_of(of_windows, SIDE, &c->g, r / c->down, filter, least(c->g.planes - filter, CUT),
                          r % c->down, c->across, line, of_g + at * lines, apart);
            }
            for (int k = 0; k < POINTS; k++)
                for (long first = 0; first < lines;) {
                    long left = (lines - first) / LANES;
                    int vectors = left == 4 ? 2 : (int)least(left, 3);
                    multiply(vectors, wide, tiles, of_x + k * apart, 1, wide, of_g + k * apart + first, lines,
                             sums + k * c->wide * c->lines + first, c->lines, row > row0);
                    first += vectors * LANES;
                }
        }
    }
    room_leave(&c->rooms, room);
}

static void weights_of_sums(void *context, long begin, long end)
{
    struct by_weights *c = context;
    vf check = splat(0);
    for (long channel = begin; channel < end; channel++)
        for (long filter = 0; filter < c->lines; filter += LANES) {
            vf p[POINTS], w[9];
            for (long k = 0; k < POINTS; k++) {
                p[k] = splat(0);
                for (long span = 0; span < c->spans; span++)
                    p[k] += load(c->sums + ((span * POINTS + k) * c->wide + channel) * c->lines + filter);
            }
            both_ways(to_weights, TILE, 3, p, w);
            for (int t = 0; t < 9; t++) {
                float a[LANES];
                store(a, w[t]);
                check += w[t] * 0;
                for (long l = 0; l < least(c->g.planes - filter, LANES); l++)
                    c->dw[((filter + l) * c->x.planes + channel) * 9 + t] = a[l];
            }
        }
    if (sum_of(check) != 0)     /* nan */
        atomic_store(&c->spoiled, 1);
}

int k_winograd_weight(const float *x, const float *g, float *dw, const long *sizes)
{
    struct conv s;
    memcpy(&s, sizes, sizeof s);
    long oh = windows_of(s.h, 3, 1, 1, s.ph), ow = windows_of(s.w, 3, 1, 1, s.pw);
    struct by_weights c = {
        .x = {x, s.channels, s.h, s.w, s.ph, s.pw}, .g = {g, s.filters, oh, ow, 0, 0}, .dw = dw, .n = s.n,
        .down = tiles_of(oh), .across = tiles_of(ow), .wide = rounded(s.channels, LANES),
        .lines = rounded(s.filters, LANES), .channel_cuts = (s.channels + CUT - 1) / CUT,
        .filter_cuts = (s.filters + CUT - 1) / CUT};
    long cuts = c.channel_cuts * c.filter_cuts, all = s.n * c.down;
    c.rows = rows_of_tiles(all, c.across, ROOM / POINTS / (2 * CUT), 1);
    c.spans = least(8 / least(cuts, 8), (all + c.rows - 1) / c.rows);
    c.sums = k_room((size_t)c.spans * POINTS * c.wide * c.lines);
    int failed = !c.sums || rooms_open(&c.rooms, (size_t)2 * POINTS * c.rows * c.across * CUT
                                       + (SIDE * c.across + 2) * TILE * CUT);
    if (!failed) {
        pool_run(sums_of_tiles, &c, c.spans * cuts, 1);
        pool_run(weights_of_sums, &c, s.channels, 1 + 8192 / c.lines);
        rooms_close(&c.rooms);
    }
    free(c.sums);
    return failed ? -1 : c.spoiled;
}
