/* Convolution of images as products of matrices: 2 * windows * filters * channels * taps operations.
 *
 * Forward, and by data: a block of TILE_COLUMNS windows is packed from the padded image into a panel
 * (channels * taps, windows), from which every tile of filters is computed.  By data that is a convolution of
 * the cotangent with the weights turned around: one for each place that an element can have among the
 * strides; or, where this would read much padding, a product of matrices whose tiles are added up.  By
 * weights: the cotangent is transposed, and the elements of the image are the numbers that rows of it are
 * multiplied by, from where they lie; or, for wide kernels, the other way round.
 *
 * Where examples fill vectors and windows overlap, conv_lanes.c does most of this, with other means.
 *
 * Compute-bound from about 16 channels on: images and weights come from memory once, and panels from the
 * second cache.  Reached on two cores of a Xeon (Sapphire Rapids), which do 298 Gflop/s in multiply-adds
 * alone (one does 160): 16 x 256 x 14 x 14 to 256 filters of 3x3 at 197 Gflop/s, 66 %, by data and by weights
 * 62 and 65 %, some more on one core; 16 x 64 x 28 x 28 to 256 of 1x1 at 154, 52 %, and back 45 %; 16 x 64 x
 * 56 x 56 to 128 of 3x3, two apart, at 165, 56 %, by data 34 and by weights 60 %. */
#include "conv.h"

#include "gemm.h"
#include "kernels.h"
#include "pool.h"
#include "rooms.h"

static long least(long a, long b)
{
    return a < b ? a : b;
}

static long most(long a, long b)
{
    return a > b ? a : b;
}

/* n floats as whole cache lines. */
static long rounded_up(long n)
{
    return (n + 15) / 16 * 16;
}

/* -- padding -- */

struct padded {
    const float *x;
    float *y;
    const struct padding *h, *w;
};

static void pad(void *context, long begin, long end)
{
    const struct padded *p = context;
    long width = p->w->before + p->w->n + p->w->after, plane = (p->h->before + p->h->n + p->h->after) * width;
    for (long i = begin; i < end; i++) {
        const float *x = p->x + i * p->h->n * p->w->n;
        float *y = p->y + i * plane;
        memset(y, 0, (p->h->before * width + p->w->before) * sizeof *y);
        y += p->h->before * width + p->w->before;
        /* what is after a row and before the next one is zeroed together */
        long between = p->w->after + p->w->before;
        for (long row = 0; row < p->h->n; row++, x += p->w->n, y += width) {
            copy_floats(y, x, p->w->n);
            if (row + 1 < p->h->n)
                for (long j = 0; j < between; j++)
                    y[p->w->n + j] = 0;
        }
        y += p->w->n - width;
        memset(y, 0, (p->h->after * width + p->w->after) * sizeof *y);
    }
}

void k_padded(const float *x, float *y, long planes, const struct padding *h, const struct padding *w)
{
    struct padded p = {x, y, h, w};
    pool_run(pad, &p, planes, 1 + 65536 / (1 + h->n * w->n));
}

/* -- forward and by data -- */

/* A convolution whose taps are given one by one; distances count elements. */
struct taps {
    const float *x, *w;
    float *y;
    long n, groups, channels, filters, oh, ow, taps;
    long x_image, x_plane, x_row, x_step;       /* x_row, x_step: between neighbouring windows */
    long w_group, w_filter, w_channel;
    long y_image, y_plane, y_row, y_step;
    const long *offset, *number;                /* where each tap is in x, and in w */
    long depth, strips, blocks;                 /* channels * taps, tiles of filters, blocks of windows */
    long *reads;                                /* offset, for each channel */
    float *panels;                              /* the weights, packed */
    struct rooms rooms;
};

static void pack_weights(void *context, long begin, long end)
{
    const struct taps *c = context;
    for (long i = begin; i < end; i++) {
        long first = i % c->strips * TILE_ROWS;
        const float *w = c->w + i / c->strips * c->w_group + first * c->w_filter;
        float *panel = c->panels + i * c->depth * TILE_ROWS;
        for (long channel = 0; channel < c->channels; channel++, w += c->w_channel)
            for (long t = 0; t < c->taps; t++, panel += TILE_ROWS)
                for (long f = 0; f < TILE_ROWS; f++)
                    panel[f] = first + f < c->filters ? w[f * c->w_filter + c->number[t]] : 0;
    }
}

/* Columns `at` and so on of a block: windows that are neighbours in x, or in y. */
struct run {
    long at, n, place;
};

static void pack_windows(const struct taps *c, const float *x, const struct run *runs, int count,
                         float *panel)
{
    for (const struct run *r = runs; r < runs + count; r++) {
        const float *from = x + r->place;
        float *to = panel + r->at;
        if (c->x_step == 1)
            for (long k = 0; k < c->depth; k++, to += TILE_COLUMNS)
                copy_floats(to, from + c->reads[k], r->n);
        else
            for (long k = 0; k < c->depth; k++, to += TILE_COLUMNS) {
                const float *s = from + c->reads[k];
                for (long j = 0; j < r->n; j++)
                    to[j] = s[j * c->x_step];
            }
    }
    long used = runs[count - 1].at + runs[count - 1].n;
    for (long k = 0; used < TILE_COLUMNS && k < c->depth; k++)
        for (long j = used; j < TILE_COLUMNS; j++)
            panel[k * TILE_COLUMNS + j] = 0;
}

/* One tile of filters.  `whole`: the columns are neighbours in y, too. */
static __attribute__((noinline)) void one_strip(
    const struct taps *c, const float *weights, const float *panel, float *y, long filters,
    const struct run *runs, int count, int whole)
{
    vf t[TILE_ROWS][MOST_VECTORS];
    gemm_packed(c->depth, weights, panel, t);
    if (whole && filters >= TILE_ROWS) {
        y += runs->place;
#pragma GCC unroll 8
        for (int f = 0; f < TILE_ROWS; f++, y += c->y_plane)
#pragma GCC unroll 3
            for (int v = 0; v < 3; v++)
                store(y + v * LANES, t[f][v]);
        return;
    }
    for (long f = 0; f < least(filters, TILE_ROWS); f++, y += c->y_plane) {
        float line[TILE_COLUMNS];
        for (int v = 0; v < 3; v++)
            store(line + v * LANES, t[f][v]);
        for (const struct run *r = runs; r < runs + count; r++)
            if (c->y_step == 1)
                copy_floats(y + r->place, line + r->at, r->n);
            else
                for (long j = 0; j < r->n; j++)
                    y[r->place + j * c->y_step] = line[r->at + j];
    }
}

static void blocks(void *context, long begin, long end)
{
    struct taps *c = context;
    float *panel = room_enter(&c->rooms);
    long windows = c->oh * c->ow, all = c->n * windows;
    int joined = c->y_step == 1 && c->y_row == c->ow;       /* rows of windows are neighbours in y */
    for (long i = begin; i < end; i++) {
        struct run in[TILE_COLUMNS], out[TILE_COLUMNS];
        int ins = 0, outs = 0;
        long group = i / c->blocks, first = i % c->blocks * TILE_COLUMNS;
        long n = least(all - first, TILE_COLUMNS);
        for (long at = 0; at < n;) {
            long image = (first + at) / windows, place = (first + at) % windows;
            long row = place / c->ow, column = place % c->ow, more = least(c->ow - column, n - at);
            in[ins++] = (struct run){at, more, image * c->x_image + row * c->x_row + column * c->x_step};
            if (joined && outs && place)
                out[outs - 1].n += more;
            else
                out[outs++] = (struct run){
                    at, more, image * c->y_image + row * c->y_row + column * c->y_step};
            at += more;
        }
        pack_windows(c, c->x + group * c->channels * c->x_plane, in, ins, panel);
        int whole = joined && outs == 1 && n == TILE_COLUMNS;
        for (long s = 0; s < c->strips; s++)
            one_strip(c, c->panels + (group * c->strips + s) * c->depth * TILE_ROWS, panel,
                      c->y + (group * c->filters + s * TILE_ROWS) * c->y_plane,
                      c->filters - s * TILE_ROWS, out, outs, whole);
    }
    room_leave(&c->rooms, panel);
}

/* Few filters per group: rows of y one after the other, their vectors summed over all taps. */
static void rows_alone(void *context, long begin, long end)
{
    const struct taps *c = context;
    long filters = c->groups * c->filters;
    for (long i = begin; i < end; i++) {
        long image = i / filters, filter = i % filters, group = filter / c->filters;
        const float *w = c->panels + filter * c->depth;
        for (long row = 0; row < c->oh; row++) {
            const float *x = c->x + image * c->x_image + group * c->channels * c->x_plane + row * c->x_row;
            float *y = c->y + image * c->y_image + filter * c->y_plane + row * c->y_row;
            for (long j = 0; j < c->ow; j += LANES) {
                long n = least(c->ow - j, LANES);
                vf sum = splat(0);
                if (c->x_step == 1 && n == LANES)
                    for (long k = 0; k < c->depth; k++)
                        sum += w[k] * load(x + c->reads[k] + j);
                else if (c->x_step == 1)
                    for (long k = 0; k < c->depth; k++)
                        sum += w[k] * load_some(x + c->reads[k] + j, n, 0);
                else
                    for (long k = 0; k < c->depth; k++) {
                        const float *s = x + c->reads[k] + j * c->x_step;
                        float line[LANES] = {0};
                        for (long l = 0; l < n; l++)
                            line[l] = s[l * c->x_step];
                        sum += w[k] * load(line);
                    }
                if (c->y_step == 1 && n == LANES)
                    store(y + j, sum);
                else if (c->y_step == 1)
                    store_some(y + j, sum, n);
                else
                    for (long l = 0; l < n; l++)
                        y[(j + l) * c->y_step] = sum[l];
            }
        }
    }
}

enum { FEW = 3 };

static int convolve(struct taps *c)
{
    c->depth = c->channels * c->taps;
    c->reads = malloc(c->depth * sizeof *c->reads);
    if (!c->reads)
        return -1;
    for (long k = 0; k < c->depth; k++)
        c->reads[k] = k / c->taps * c->x_plane + c->offset[k % c->taps];
    int failed = 0;
    if (c->filters <= FEW) {
        long filters = c->groups * c->filters;
        c->panels = k_room((size_t)filters * c->depth);
        failed = !c->panels;
        for (long i = 0; !failed && i < filters * c->depth; i++) {
            long filter = i / c->depth, k = i % c->depth;
            c->panels[i] = c->w[filter / c->filters * c->w_group + filter % c->filters * c->w_filter
                                + k / c->taps * c->w_channel + c->number[k % c->taps]];
        }
        if (!failed)
            pool_run(rows_alone, c, c->n * filters, 1 + 131072 / (c->oh * c->ow * c->depth + 1));
    } else {
        c->strips = (c->filters + TILE_ROWS - 1) / TILE_ROWS;
        c->blocks = (c->n * c->oh * c->ow + TILE_COLUMNS - 1) / TILE_COLUMNS;
        c->panels = k_room((size_t)c->groups * c->strips * c->depth * TILE_ROWS);
        failed = !c->panels || rooms_open(&c->rooms, (size_t)c->depth * TILE_COLUMNS);
        if (!failed) {
            long weights = c->groups * c->strips, work = c->depth * c->filters * TILE_COLUMNS;
            pool_run(pack_weights, c, weights, 1 + 32768 / (c->depth * TILE_ROWS));
            pool_run(blocks, c, c->groups * c->blocks, 1 + 1000000 / work);
            rooms_close(&c->rooms);
        }
    }
    free(c->panels);
    free(c->reads);
    return failed ? -1 : 0;
}

/* Whether vectors of examples are mostly full, and windows have taps that share what is brought into them. */
static int fills_lanes(const struct conv *s)
{
    return 4 * s->n >= 3 * LANES * ((s->n + LANES - 1) / LANES) && s->kh * s->kw > 1;
}

/* Whether there is enough to do for each result that is brought back from there.  With more filters a product
 * of matrices is as fast: they all share its copies of the taps. */
static int few_filters(const struct conv *s, long channels, long filters)
{
    return 3 * filters <= channels * s->kh * s->kw;
}

int k_conv(const float *x, const float *w, float *y, const long *sizes)
{
    struct conv s;
    memcpy(&s, sizes, sizeof s);
    if (fills_lanes(&s) && few_filters(&s, s.channels, s.filters))
        return k_conv_lanes(x, w, y, &s);
    long oh = windows_of(s.h, s.kh, s.sh, s.dh, s.ph), ow = windows_of(s.w, s.kw, s.sw, s.dw, s.pw);
    long taps = s.kh * s.kw, planes = s.groups * s.channels, hp = s.h + 2 * s.ph, wp = s.w + 2 * s.pw;
    long *offset = malloc(2 * taps * sizeof *offset), *number = offset + taps;
    float *xp = NULL;
    if (offset && (s.ph || s.pw)) {
        struct padding h = {s.ph, s.h, s.ph}, wide = {s.pw, s.w, s.pw};
        xp = k_room((size_t)s.n * planes * hp * wp);
        if (xp)
            k_padded(x, xp, s.n * planes, &h, &wide);
    }
    int failed = !offset || (!xp && (s.ph || s.pw));
    if (!failed) {
        for (long t = 0; t < taps; t++) {
            offset[t] = t / s.kw * s.dh * wp + t % s.kw * s.dw;
            number[t] = t;
        }
        struct taps c = {
            .x = xp ? xp : x, .w = w, .y = y, .n = s.n, .groups = s.groups, .channels = s.channels,
            .filters = s.filters, .oh = oh, .ow = ow, .taps = taps, .x_image = planes * hp * wp,
            .x_plane = hp * wp, .x_row = s.sh * wp, .x_step = s.sw, .w_group = s.filters * s.channels * taps,
            .w_filter = s.channels * taps, .w_channel = taps, .y_image = s.groups * s.filters * oh * ow,
            .y_plane = oh * ow, .y_row = ow, .y_step = 1, .offset = offset, .number = number};
        failed = convolve(&c);
    }
    free(xp);
    free(offset);
    return failed ? -1 : 0;
}

/* The taps along an axis that reach the elements r, r + s, ...: how far into the cotangent, as windows.
 * Gives their number. */
static long reaching(long r, long k, long s, long d, long p, long *tap, long *window)
{
    long count = 0;
    for (long a = 0; a < k; a++)
        if ((r + p - a * d) % s == 0) {
            tap[count] = a;
            window[count++] = (r + p - a * d) / s;
        }
    return count;
}

/* The padding of the cotangent's m windows that all the taps of an axis read from. */
static struct padding reach(long n, long m, long k, long s, long d, long p)
{
    struct padding all = {0, m, 0};
    for (long r = 0; r < least(s, n); r++)
        for (long a = 0; a < k; a++)
            if ((r + p - a * d) % s == 0) {
                long window = (r + p - a * d) / s;
                all.before = most(all.before, -window);
                all.after = most(all.after, (n - r + s - 1) / s + window - m);
            }
    return all;
}

static int data_by_taps(const float *g, const float *w, float *x, const struct conv *s, long oh, long ow)
{
    struct padding h = reach(s->h, oh, s->kh, s->sh, s->dh, s->ph);
    struct padding wide = reach(s->w, ow, s->kw, s->sw, s->dw, s->pw);
    long hp = h.before + h.n + h.after, wp = wide.before + wide.n + wide.after;
    long taps = s->kh * s->kw, planes = s->groups * s->filters, plane = s->h * s->w;
    long *offset = malloc((2 * taps + 2 * (s->kh + s->kw)) * sizeof *offset), *number = offset + taps;
    float *gp = hp == oh && wp == ow ? NULL : k_room((size_t)s->n * planes * hp * wp);
    int failed = !offset || (!gp && (hp != oh || wp != ow));
    if (!failed && gp)
        k_padded(g, gp, s->n * planes, &h, &wide);
    long *tap_h = number + taps, *at_h = tap_h + s->kh, *tap_w = at_h + s->kh, *at_w = tap_w + s->kw;
    int all = 1;
    for (long r = 0; r < s->sh && !failed; r++)
        all &= r >= s->h || reaching(r, s->kh, s->sh, s->dh, s->ph, tap_h, at_h) > 0;
    for (long r = 0; r < s->sw && !failed; r++)
        all &= r >= s->w || reaching(r, s->kw, s->sw, s->dw, s->pw, tap_w, at_w) > 0;
    if (!all)
        memset(x, 0, (size_t)s->n * s->groups * s->channels * plane * sizeof *x);
    for (long i = 0; i < s->sh * s->sw && !failed; i++) {
        long rh = i / s->sw, rw = i % s->sw;
        if (rh >= s->h || rw >= s->w)
            continue;
        long down = reaching(rh, s->kh, s->sh, s->dh, s->ph, tap_h, at_h);
        long along = reaching(rw, s->kw, s->sw, s->dw, s->pw, tap_w, at_w);
        if (!down || !along)
            continue;
        for (long t = 0; t < down * along; t++) {
            offset[t] = (h.before + at_h[t / along]) * wp + wide.before + at_w[t % along];
            number[t] = tap_h[t / along] * s->kw + tap_w[t % along];
        }
        struct taps c = {
            .x = gp ? gp : g, .w = w, .y = x + rh * s->w + rw, .n = s->n, .groups = s->groups,
            .channels = s->filters, .filters = s->channels, .oh = (s->h - rh + s->sh - 1) / s->sh,
            .ow = (s->w - rw + s->sw - 1) / s->sw, .taps = down * along, .x_image = planes * hp * wp,
            .x_plane = hp * wp, .x_row = wp, .x_step = 1, .w_group = s->filters * s->channels * taps,
            .w_filter = taps, .w_channel = s->channels * taps, .y_image = s->groups * s->channels * plane,
            .y_plane = plane, .y_row = s->sh * s->w, .y_step = s->sw, .offset = offset, .number = number};
        failed = convolve(&c);
    }
    free(gp);
    free(offset);
    return failed ? -1 : 0;
}

/* By data the other way: the products of weights and cotangents for each tap, added to where it reads. */
struct columns {
    const float *g, *w;
    float *x, *panels;
    struct conv s;
    long oh, ow, plane, wp;             /* of the padded image */
    long depth, strips, together;       /* taps * channels, tiles of these, images of a part */
    long *reads, *number;               /* where each of these is in the image, and in w */
    struct rooms rooms;
};

static void pack_columns_weights(void *context, long begin, long end)
{
    const struct columns *c = context;
    for (long i = begin; i < end; i++) {
        long group = i / c->strips, first = i % c->strips * TILE_ROWS;
        const float *w = c->w + group * c->s.filters * c->depth;
        for (long f = 0; f < c->s.filters; f++, w += c->depth)
            for (long r = 0; r < TILE_ROWS; r++)
                c->panels[(i * c->s.filters + f) * TILE_ROWS + r] =
                    first + r < c->depth ? w[c->number[first + r]] : 0;
    }
}

static __attribute__((noinline)) void add_strip(
    const struct columns *c, const float *weights, const float *panel, float *image, long first,
    const struct run *runs, int count)
{
    vf t[TILE_ROWS][MOST_VECTORS];
    gemm_packed(c->s.filters, weights, panel, t);
    float lines[TILE_ROWS][TILE_COLUMNS];
#pragma GCC unroll 8
    for (int k = 0; k < TILE_ROWS; k++)
#pragma GCC unroll 3
        for (int v = 0; v < 3; v++)
            store(lines[k] + v * LANES, t[k][v]);
    for (long k = 0; k < least(c->depth - first, TILE_ROWS); k++) {
        float *to = image + c->reads[first + k];
        for (const struct run *r = runs; r < runs + count; r++)
            if (c->s.sw == 1)
                add_floats(to + r->place, lines[k] + r->at, r->n);
            else
                for (long j = 0; j < r->n; j++)
                    to[r->place + j * c->s.sw] += lines[k][r->at + j];
    }
}

static void add_columns(void *context, long begin, long end)
{
    struct columns *c = context;
    const struct conv *s = &c->s;
    float *image = room_enter(&c->rooms), *panel = image + rounded_up(c->together * s->channels * c->plane);
    long windows = c->oh * c->ow, parts = (s->n + c->together - 1) / c->together;
    for (long part = begin; part < end; part++) {
        long group = part / parts, image0 = part % parts * c->together;
        long images = least(s->n - image0, c->together);
        memset(image, 0, images * s->channels * c->plane * sizeof *image);
        for (long first = 0; first < images * windows; first += TILE_COLUMNS) {
            struct run runs[TILE_COLUMNS];
            int count = 0;
            long n = least(images * windows - first, TILE_COLUMNS);
            for (long at = 0; at < n;) {
                long i = (first + at) / windows, place = (first + at) % windows, row = place / c->ow;
                long column = place % c->ow, more = least(c->ow - column, n - at);
                const float *g = c->g + ((image0 + i) * s->groups + group) * s->filters * windows + place;
                for (long f = 0; f < s->filters; f++)
                    copy_floats(panel + f * TILE_COLUMNS + at, g + f * windows, more);
                runs[count++] = (struct run){
                    at, more, i * s->channels * c->plane + row * s->sh * c->wp + column * s->sw};
                at += more;
            }
            for (long k = 0; k < c->strips; k++)
                add_strip(c, c->panels + (group * c->strips + k) * s->filters * TILE_ROWS, panel, image,
                          k * TILE_ROWS, runs, count);
        }
        for (long i = 0; i < images * s->channels; i++) {
            long to = ((image0 + i / s->channels) * s->groups + group) * s->channels + i % s->channels;
            float *x = c->x + to * s->h * s->w;
            for (long row = 0; row < s->h; row++)
                copy_floats(x + row * s->w, image + i * c->plane + (row + s->ph) * c->wp + s->pw, s->w);
        }
    }
    room_leave(&c->rooms, image);
}

static int data_by_columns(const float *g, const float *w, float *x, const struct conv *s, long oh, long ow)
{
    long taps = s->kh * s->kw;
    struct columns c = {.g = g, .w = w, .x = x, .s = *s, .oh = oh, .ow = ow, .wp = s->w + 2 * s->pw,
                        .depth = s->channels * taps};
    c.plane = (s->h + 2 * s->ph) * c.wp;
    c.strips = (c.depth + TILE_ROWS - 1) / TILE_ROWS;
    c.together = least(most(1, 4 * TILE_COLUMNS / (oh * ow)), s->n);
    c.reads = malloc(2 * c.depth * sizeof *c.reads);
    c.number = c.reads + c.depth;
    c.panels = k_room((size_t)s->groups * c.strips * TILE_ROWS * s->filters);
    int failed = !c.reads || !c.panels
        || rooms_open(&c.rooms, rounded_up(c.together * s->channels * c.plane) + s->filters * TILE_COLUMNS);
    if (!failed) {
        for (long k = 0; k < c.depth; k++) {    /* neighbours are in other channels: what one adds to, others do not */
            long tap = k / s->channels, channel = k % s->channels;
            c.reads[k] = channel * c.plane + tap / s->kw * s->dh * c.wp + tap % s->kw * s->dw;
            c.number[k] = channel * taps + tap;
        }
        pool_run(pack_columns_weights, &c, s->groups * c.strips, 1 + 32768 / (s->filters * TILE_ROWS));
        pool_run(add_columns, &c, s->groups * ((s->n + c.together - 1) / c.together), 1);
        rooms_close(&c.rooms);
    }
    free(c.panels);
    free(c.reads);
    return failed ? -1 : 0;
}

int k_conv_data(const float *g, const float *w, float *x, const long *sizes)
{
    struct conv s;
    memcpy(&s, sizes, sizeof s);
    long oh = windows_of(s.h, s.kh, s.sh, s.dh, s.ph), ow = windows_of(s.w, s.kw, s.sw, s.dw, s.pw);
    /* By taps each element reads all of its taps, also from the padding; by columns sums go through the
     * cache.  In vectors of examples little padding is read, but four channels are computed at least. */
    int by_columns = s.filters > FEW
        && (s.channels <= FEW || (double)s.h * s.w > 1.4 * oh * ow * s.sh * s.sw);
    if (fills_lanes(&s) && few_filters(&s, s.filters, s.channels) && s.channels >= FEW
        && !(by_columns && s.filters > 32) && s.sh == 1 && s.sw == 1 && s.ph <= s.dh * (s.kh - 1)
        && s.pw <= s.dw * (s.kw - 1))
        return k_conv_data_lanes(g, w, x, &s);
    return (by_columns ? data_by_columns : data_by_taps)(g, w, x, &s, oh, ow);
}

/* -- by weights -- */

struct by_weights {
    const float *x, *g;
    float *sums, *dw;
    struct conv s;
    long oh, ow, plane, wp;     /* of the padded image */
    long depth, tiles, lines;   /* channels * taps, tiles of these, floats of a transposed column of g */
    long rows_at_once, spans, cuts;     /* rows of windows that are transposed at once; parts of both sides */
    long *reads;
    struct rooms rooms;
};

/* t += the products of `rows` elements of x, from a[reads[i]] on, and vectors of b, at `count` places. */
INLINE void gathered_tile(int rows, int vectors, long count, const float *a, const long *reads, long step,
                          const float *b, long ldb, vf t[8][4])
{
    const float *from[8];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
        from[i] = a + reads[i];
    for (long k = 0; k < count; k++, b += ldb) {
        vf line[4];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            line[v] = load(b + v * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            vf by = splat(from[i][k * step]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                t[i][v] += by * line[v];
        }
    }
}

/* sums (rows, lines) += the products over some rows of windows, of which `g` is transposed. */
INLINE void summed_tile(int rows, int vectors, const struct by_weights *c, long first, long end,
                        const float *x, const long *reads, const float *g, float *sums)
{
    vf t[8][4];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            t[i][v] = splat(0);
    for (long row = first; row < end; row++, g += c->ow * c->lines) {
        const float *from = x + row / c->oh * c->s.groups * c->s.channels * c->plane
            + row % c->oh * c->s.sh * c->wp;
        gathered_tile(rows, vectors, c->ow, from, reads, c->s.sw, g, c->lines, t);
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            float *to = sums + i * c->lines + v * LANES;
            store(to, load(to) + t[i][v]);
        }
}

#define SUMMED_TILE(vectors)                                                                                 \
    static __attribute__((noinline)) void summed_##vectors(                                                  \
        const struct by_weights *c, long first, long end, const float *x, const long *reads, const float *g, \
        float *sums)                                                                                         \
    {                                                                                                        \
        summed_tile(TILE_ROWS, vectors, c, first, end, x, reads, g, sums);                                   \
    }
SUMMED_TILE(1)
SUMMED_TILE(2)
SUMMED_TILE(3)

static void sum_up(void *context, long begin, long end)
{
    struct by_weights *c = context;
    const struct conv *s = &c->s;
    float *g = room_enter(&c->rooms);
    long all = s->n * c->oh, windows = c->oh * c->ow;
    for (long part = begin; part < end; part++) {
        long cut = part % c->cuts, span = part / c->cuts % c->spans, group = part / c->cuts / c->spans;
        long tile0 = c->tiles * cut / c->cuts, tile1 = c->tiles * (cut + 1) / c->cuts;
        long row0 = all * span / c->spans, row1 = all * (span + 1) / c->spans;
        float *sums = c->sums + ((span * s->groups + group) * c->tiles + tile0) * TILE_ROWS * c->lines;
        memset(sums, 0, (tile1 - tile0) * TILE_ROWS * c->lines * sizeof *sums);
        const float *x = c->x + group * s->channels * c->plane;
        for (long row = row0; row < row1; row += c->rows_at_once) {
            long to = least(row + c->rows_at_once, row1);
            for (long r = row; r < to;) {
                long image = r / c->oh, here = least(to, (image + 1) * c->oh) - r;
                k_transposed(c->g + (image * s->groups + group) * s->filters * windows + r % c->oh * c->ow,
                             s->filters, here * c->ow, windows, g + (r - row) * c->ow * c->lines, c->lines);
                r += here;
            }
            for (long tile = tile0; tile < tile1; tile++) {
                const long *reads = c->reads + tile * TILE_ROWS;
                float *here = sums + (tile - tile0) * TILE_ROWS * c->lines;
                long left = c->lines / LANES;
                for (long at = 0; left;) {
                    long v = left == 4 || left == 2 ? 2 : least(left, 3);
                    (v == 1 ? summed_1 : v == 2 ? summed_2 : summed_3)(
                        c, row, to, x, reads, g + at, here + at);
                    at += v * LANES;
                    left -= v;
                }
            }
        }
    }
    room_leave(&c->rooms, g);
}

/* dw (filters, depth) from the sums (spans, tiles * TILE_ROWS, lines), some rows of a tile at a time. */
static void add_spans(void *context, long begin, long end)
{
    const struct by_weights *c = context;
    long rows = c->tiles * TILE_ROWS, all = c->s.groups * rows * c->lines;
    for (long i = begin; i < end; i++) {
        float *sums = c->sums + i * TILE_ROWS * c->lines;
        for (long span = 1; span < c->spans; span++) {
            const float *more = sums + span * all;
            for (long j = 0; j < TILE_ROWS * c->lines; j += LANES)
                store(sums + j, load(sums + j) + load(more + j));
        }
        long first = i % c->tiles * TILE_ROWS, n = least(c->depth - first, TILE_ROWS);
        float *dw = c->dw + i / c->tiles * c->s.filters * c->depth + first;
        for (long f = 0; f < c->s.filters; f++)
            for (long k = 0; k < n; k++)
                dw[f * c->depth + k] = sums[k * c->lines + f];
    }
}

/* The other way, for wide kernels: the rows of a kernel's taps are copied from the image, window by window,
 * into a panel (windows, depth), and the cotangent's elements are the numbers that rows of it are multiplied
 * by, from where they lie. */
INLINE void runs_tile(int vectors, const struct by_weights *c, long row, long end, const float *g,
                      long filter, const float *panel, float *sums)
{
    const struct conv *s = &c->s;
    long windows = c->oh * c->ow, reads[TILE_ROWS];
    vf t[8][4];
#pragma GCC unroll 8
    for (int i = 0; i < TILE_ROWS; i++) {
        reads[i] = least(filter + i, s->filters - 1) * windows;     /* the last one repeated past the end */
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            t[i][v] = splat(0);
    }
    while (row < end) {
        long image = row / c->oh, rows = least(end, (image + 1) * c->oh) - row;
        gathered_tile(TILE_ROWS, vectors, rows * c->ow,
                      g + image * s->groups * s->filters * windows + row % c->oh * c->ow, reads, 1, panel,
                      c->lines, t);
        panel += rows * c->ow * c->lines;
        row += rows;
    }
#pragma GCC unroll 8
    for (int i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            float *to = sums + i * c->lines + v * LANES;
            store(to, load(to) + t[i][v]);
        }
}

#define RUNS_TILE(vectors)                                                                              \
    static __attribute__((noinline)) void runs_##vectors(                                               \
        const struct by_weights *c, long row, long end, const float *g, long filter, const float *panel, \
        float *sums)                                                                                    \
    {                                                                                                   \
        runs_tile(vectors, c, row, end, g, filter, panel, sums);                                        \
    }
RUNS_TILE(1)
RUNS_TILE(2)
RUNS_TILE(3)

/* d[0:n] = s[0:n]; up to LANES floats after may be written, too, which a later run writes again. */
INLINE void copy_run(float *d, const float *s, long n)
{
#if LANES == 16
    if (n <= 8) {       /* half as many lines of the cache are crossed */
        _mm256_storeu_ps(d, _mm256_maskz_loadu_ps((__mmask8)((1u << n) - 1), s));
        return;
    }
    if (n < LANES) {
        store(d, load_some(s, n, 0));
        return;
    }
#endif
    copy_floats(d, s, n);
}

/* The taps of the rows of windows [row, end), a row of a channel at a time. */
static void pack_runs(const struct by_weights *c, const float *x, long row, long end, float *panel)
{
    const struct conv *s = &c->s;
    for (; row < end; row++) {
        const float *from = x + row / c->oh * s->groups * s->channels * c->plane + row % c->oh * s->sh * c->wp;
        for (long j = 0; j < c->ow; j++, from += s->sw, panel += c->lines) {
            float *to = panel;
            for (long k = 0; k < s->channels * s->kh; k++, to += s->kw)
                copy_run(to, from + c->reads[k], s->kw);
        }
    }
}

static void sum_runs(void *context, long begin, long end)
{
    struct by_weights *c = context;
    const struct conv *s = &c->s;
    float *panel = room_enter(&c->rooms);
    long all = s->n * c->oh, vectors = (c->depth + LANES - 1) / LANES;
    for (long part = begin; part < end; part++) {
        long cut = part % c->cuts, span = part / c->cuts % c->spans, group = part / c->cuts / c->spans;
        long tile0 = c->tiles * cut / c->cuts, tile1 = c->tiles * (cut + 1) / c->cuts;
        long row0 = all * span / c->spans, row1 = all * (span + 1) / c->spans;
        float *sums = c->sums + (span * s->groups + group) * c->tiles * TILE_ROWS * c->lines;
        const float *g = c->g + group * s->filters * c->oh * c->ow;
        memset(sums + tile0 * TILE_ROWS * c->lines, 0, (tile1 - tile0) * TILE_ROWS * c->lines * sizeof *sums);
        for (long row = row0; row < row1; row += c->rows_at_once) {
            long to = least(row + c->rows_at_once, row1);
            pack_runs(c, c->x + group * s->channels * c->plane, row, to, panel);
            for (long at = 0; at < vectors;) {
                long v = vectors - at == 4 ? 2 : least(vectors - at, 3);
                for (long tile = tile0; tile < tile1; tile++)
                    (v == 1 ? runs_1 : v == 2 ? runs_2 : runs_3)(
                        c, row, to, g, tile * TILE_ROWS, panel + at * LANES,
                        sums + tile * TILE_ROWS * c->lines + at * LANES);
                at += v;
            }
        }
    }
    room_leave(&c->rooms, panel);
}

/* dw (groups, filters, depth) from the sums (spans, groups, tiles * TILE_ROWS, lines). */
static void add_runs(void *context, long begin, long end)
{
    const struct by_weights *c = context;
    for (long i = begin; i < end; i++) {
        long row = i / c->s.filters * c->tiles * TILE_ROWS + i % c->s.filters;
        for (long span = 0; span < c->spans; span++, row += c->s.groups * c->tiles * TILE_ROWS)
            if (span)
                for (long k = 0; k < c->depth; k++)
                    c->dw[i * c->depth + k] += c->sums[row * c->lines + k];
            else
                copy_floats(c->dw + i * c->depth, c->sums + row * c->lines, c->depth);
    }
}

static int weight_by_runs(struct by_weights *c)
{
    const struct conv *s = &c->s;
    c->tiles = (s->filters + TILE_ROWS - 1) / TILE_ROWS;
    c->lines = ((c->depth + LANES - 1) / LANES | 1) * LANES;        /* odd: rows are in different sets of a cache */
    for (long k = 0; k < s->channels * s->kh; k++)
        c->reads[k] = k / s->kh * c->plane + k % s->kh * s->dh * c->wp;
    long size = s->groups * c->tiles * TILE_ROWS * c->lines;
    c->rows_at_once = most(1, 65536 / (c->lines * c->ow));
    c->spans = most(1, least(least(8, (1 << 20) / size), s->n * c->oh / c->rows_at_once));
    c->cuts = most(1, least(c->tiles, (8 + c->spans * s->groups - 1) / (c->spans * s->groups)));
    c->sums = k_room((size_t)c->spans * size);
    int failed = !c->sums || rooms_open(&c->rooms, (size_t)c->rows_at_once * c->ow * c->lines + LANES);
    if (!failed) {
        pool_run(sum_runs, c, s->groups * c->spans * c->cuts, 1);
        pool_run(add_runs, c, s->groups * s->filters, 1 + 65536 / (c->spans * c->lines));
        rooms_close(&c->rooms);
    }
    free(c->sums);
    return failed;
}

/* Few filters per group: a sum over all windows for each weight. */
static void weights_alone(void *context, long begin, long end)
{
    const struct by_weights *c = context;
    const struct conv *s = &c->s;
    long windows = c->oh * c->ow;
    for (long i = begin; i < end; i++) {
        long filter = i / c->depth, group = filter / s->filters;
        double sum = 0;
        for (long image = 0; image < s->n; image++) {
            const float *x = c->x + (image * s->groups + group) * s->channels * c->plane
                + c->reads[i % c->depth];
            const float *g = c->g + (image * s->groups * s->filters + filter) * windows;
            vf several = splat(0), others = splat(0);
            float rest = 0;
            for (long row = 0; row < c->oh; row++, x += s->sh * c->wp, g += c->ow) {
                long j = 0;
                for (; s->sw == 1 && j + LANES <= c->ow; j += LANES)
                    several += load(x + j) * load(g + j);
                if (s->sw == 1 && j < c->ow)
                    others += load_some(x + j, c->ow - j, 0) * load_some(g + j, c->ow - j, 0);
                for (; s->sw != 1 && j < c->ow; j++)
                    rest += x[j * s->sw] * g[j];
            }
            sum += sum_of(several + others) + rest;
        }
        c->dw[i] = (float)sum;
    }
}

int k_conv_weight(const float *x, const float *g, float *dw, const long *sizes)
{
    struct by_weights c = {.x = x, .g = g, .dw = dw};
    memcpy(&c.s, sizes, sizeof c.s);
    struct conv *s = &c.s;
    c.oh = windows_of(s->h, s->kh, s->sh, s->dh, s->ph);
    c.ow = windows_of(s->w, s->kw, s->sw, s->dw, s->pw);
    /* Vectors of examples make LANES sums for each weight, which windows must be worth; with whole vectors of
     * filters and narrow kernels others do as well. */
    if (fills_lanes(s) && s->filters * s->channels * s->kh * s->kw <= 1024 * least(c.oh * c.ow, 64)
        && (s->filters <= 24 || s->kw >= 4))
        return k_conv_weight_lanes(x, g, dw, s);
    long taps = s->kh * s->kw, planes = s->groups * s->channels, hp = s->h + 2 * s->ph;
    c.wp = s->w + 2 * s->pw;
    c.plane = hp * c.wp;
    c.depth = s->channels * taps;
    c.tiles = (c.depth + TILE_ROWS - 1) / TILE_ROWS;
    c.lines = (s->filters + LANES - 1) / LANES * LANES;
    c.reads = malloc(c.tiles * TILE_ROWS * sizeof *c.reads);
    float *xp = NULL;
    if (c.reads && (s->ph || s->pw)) {
        struct padding h = {s->ph, s->h, s->ph}, wide = {s->pw, s->w, s->pw};
        c.x = xp = k_room((size_t)s->n * planes * c.plane);
        if (xp)
            k_padded(x, xp, s->n * planes, &h, &wide);
    }
    int failed = !c.reads || !c.x;
    for (long k = 0; !failed && k < c.tiles * TILE_ROWS; k++) {
        long at = least(k, c.depth - 1), t = at % taps;     /* rows past the end repeat the last one */
        c.reads[k] = at / taps * c.plane + t / s->kw * s->dh * c.wp + t % s->kw * s->dw;
    }
    if (!failed && s->filters <= FEW)
        pool_run(weights_alone, &c, s->groups * s->filters * c.depth, 1 + 131072 / (s->n * c.oh * c.ow));
    else if (!failed && s->kw >= 4 && s->dw == 1)
        failed = weight_by_runs(&c);
    else if (!failed) {
        /* As many sums at the same time as fit a cache; what they do not divide, the tiles do. */
        long size = s->groups * c.tiles * TILE_ROWS * c.lines;
        c.rows_at_once = most(1, 200000 / (c.lines + s->channels * s->sh * s->sw) / c.ow);
        c.spans = most(1, least(least(8, (1 << 20) / size), s->n * c.oh / c.rows_at_once));
        c.cuts = most(1, least(c.tiles, (8 + c.spans * s->groups - 1) / (c.spans * s->groups)));
        c.sums = k_room((size_t)c.spans * size);
        failed = !c.sums || rooms_open(&c.rooms, (size_t)c.rows_at_once * c.ow * c.lines);
        if (!failed) {
            pool_run(sum_up, &c, s->groups * c.spans * c.cuts, 1);
            pool_run(add_spans, &c, s->groups * c.tiles, 1 + 65536 / (c.spans * TILE_ROWS * c.lines));
            rooms_close(&c.rooms);
        }
        free(c.sums);
    }
    free(xp);
    free(c.reads);
    return failed ? -1 : 0;
}
