/* Normalisation of rows and of channels, and the way back.
 *
 * Two or three passes over what belongs to one mean: sums, then the result.  Going back, and forward for
 * rows, that is small enough for the second cache as a rule, so that memory sees 8 bytes per element forward
 * and 12 backward, or 16 with a mask; forward for channels 4 for the sums and 8 for the result, which waits
 * for what is added to it and for relu.  Some 8 and 16 operations per element.  Sums are in float within runs
 * and parts, and in double beyond.
 *
 * Reached on a Xeon (Sapphire Rapids), of what a copy past the caches moves, 51 GB/s on two cores and 21 on
 * one: rows 36 and 19 GB/s forward, 70 and 90 %, and 32 and 15 backward, 63 and 70 %; channels 37 to 49 and
 * 19 to 24 forward, 70 to 100 %, and 26 to 29 and 11 to 14 backward, 50 to 65 %, their second pass reading
 * what the second cache kept. */
#include <math.h>
#include <stdlib.h>

#include "kernels.h"
#include "pool.h"
#include "rows.h"

/* Channels of fewer elements in a row are columns; columns that are taken together. */
enum {
    FEW = 16, BLOCK = 64,
    TOGETHER = 32,          /* channels that are worked on together */
    NEAR = 1 << 17,         /* elements that the second cache keeps of three arrays */
    AHEAD = 1024            /* elements between what is read and what is asked for */
};

/* Sums of d = x - centre, d^2, h and h * d, h being g, or 0 where z is not positive. */
struct sums {
    double d, squares, h, products;     /* of the runs that are over */
    vf at[2][4];                        /* of this run */
    long length;
};

static void finish(struct sums *s)
{
    double *total[4] = {&s->d, &s->squares, &s->h, &s->products};
    for (int i = 0; i < 4; i++) {
        *total[i] += sum_of(s->at[0][i] + s->at[1][i]);
        s->at[0][i] = s->at[1][i] = splat(0);
    }
    s->length = 0;
}

INLINE vf masked(const float *g, const float *z, long n)
{
    vf h = load_upto(g, n, 0);
    return z ? choose(load_upto(z, n, 0) > 0, h, splat(0)) : h;
}

INLINE void add(vf s[4], const float *x, const float *g, const float *z, float centre, long next, long n)
{
    __builtin_prefetch(x + next);
    vf d = load_upto(x, n, centre) - centre;
    s[0] += d;
    s[1] += d * d;
    if (g) {
        __builtin_prefetch(g + next);
        if (z)
            __builtin_prefetch(z + next);
        vf h = masked(g, z, n);
        s[2] += h;
        s[3] += h * d;
    }
}

/* Adds n numbers, with the prefetch of those `next` further on. */
INLINE void add_all(struct sums *s, const float *x, const float *g, const float *z, float centre, long next,
                    long n)
{
    for (long begin = 0; begin < n; begin += RUN) {
        long end = lesser_of(n, begin + RUN), i = begin;
        vf t[2][4];
        for (int k = 0; k < 8; k++)
            t[k / 4][k % 4] = s->at[k / 4][k % 4];
        for (; i + 2 * LANES <= end; i += 2 * LANES)
            for (int k = 0; k < 2; k++) {
                long at = i + k * LANES;
                add(t[k], x + at, g ? g + at : 0, z ? z + at : 0, centre, next, LANES);
            }
        for (; i < end; i += LANES)
            add(t[0], x + i, g ? g + i : 0, z ? z + i : 0, centre, next, end - i);
        for (int k = 0; k < 8; k++)
            s->at[k / 4][k % 4] = t[k / 4][k % 4];
        s->length += end - begin;
        if (s->length >= RUN)
            finish(s);
    }
}

INLINE double mean_of(const float *x, long n)
{
    double total = 0;
    for (long begin = 0; begin < n; begin += RUN) {
        long end = lesser_of(n, begin + RUN), i = begin;
        vf s[4] = {splat(0), splat(0), splat(0), splat(0)};
        for (; i + 4 * LANES <= end; i += 4 * LANES)
            for (int k = 0; k < 4; k++)
                s[k] += load(x + i + k * LANES);
        for (; i < end; i += LANES)
            s[0] += load_upto(x + i, end - i, 0);
        total += sum_of((s[0] + s[1]) + (s[2] + s[3]));
    }
    return total / n;
}

/* -- sums of columns by parts -- */

/* So many rows of n columns for each part that the partial sums are a small thing beside them. */
static long rows_per_part(long n)
{
    return rows_at_once(n) < 64 ? 64 : rows_at_once(n);
}

struct totals {
    const float *partial;       /* (parts, 2, n) */
    double *total;              /* (2, n) */
    long parts, n;
};

static void totals(void *context, long begin, long end)
{
    const struct totals *c = context;
    for (long at = begin; at < end; at += BLOCK) {
        double s[BLOCK] = {0};
        long width = lesser_of(BLOCK, end - at);
        for (long p = 0; p < c->parts; p++)
            for (long k = 0; k < width; k++)
                s[k] += c->partial[p * 2 * c->n + at + k];
        for (long k = 0; k < width; k++)
            c->total[at + k] = s[k];
    }
}

static void add_parts(const float *partial, double *total, long parts, long n)
{
    struct totals c = {partial, total, parts, n};
    pool_run(totals, &c, 2 * n, BLOCK * ((PART / BLOCK + parts - 1) / parts));
}

/* -- rows -- */

struct layer {
    const float *g, *x, *gamma, *beta;
    float *y, *mean, *deviation, *partial;
    long n, chunk;
    float eps;
    int past;       /* whether results go past the caches */
};

/* What a row comes to, d being x - mean: the sums of d, d^2, h and h * d, with h = g * gamma. */
struct row {
    double d, squares, h, products;
};

INLINE void add_row(vf s[4], const float *x, const float *g, const float *gamma, float mean, long n)
{
    vf d = load_upto(x, n, mean) - mean;
    s[0] += d;
    s[1] += d * d;
    if (g) {
        vf h = load_upto(g, n, 0) * load_upto(gamma, n, 0);
        s[2] += h;
        s[3] += h * d;
    }
}

INLINE struct row row_of(const float *x, const float *g, const float *gamma, float mean, long n)
{
    struct row r = {0, 0, 0, 0};
    for (long begin = 0; begin < n; begin += RUN) {
        long end = lesser_of(n, begin + RUN), i = begin;
        vf s[2][4];
        for (int k = 0; k < 8; k++)
            s[k / 4][k % 4] = splat(0);
        for (; i + 2 * LANES <= end; i += 2 * LANES)
            for (int k = 0; k < 2; k++) {
                long at = i + k * LANES;
                add_row(s[k], x + at, g ? g + at : 0, gamma + at, mean, LANES);
            }
        for (; i < end; i += LANES)
            add_row(s[0], x + i, g ? g + i : 0, gamma + i, mean, end - i);
        r.d += sum_of(s[0][0] + s[1][0]);
        r.squares += sum_of(s[0][1] + s[1][1]);
        if (g) {
            r.h += sum_of(s[0][2] + s[1][2]);
            r.products += sum_of(s[0][3] + s[1][3]);
        }
    }
    return r;
}

INLINE float deviation_of(struct row r, long n, float eps)
{
    double rest = r.d / n;      /* what rounding took from the mean */
    return (float)sqrt(r.squares / n - rest * rest + eps);
}

/* n numbers of a row at a place, with the prefetch of the next row, which takes a third off the time. */
INLINE void put_row(const float *x, const float *gamma, const float *beta, float *y, float mean, float scale,
                    long next, long n, int past)
{
    __builtin_prefetch(x + next, 0, 2);
    vf v = (load_upto(x, n, 0) - mean) * scale * load_upto(gamma, n, 0) + load_upto(beta, n, 0);
    if (past)
        store_past(y, v);
    else
        store_upto(y, v, n);
}

static void layer(void *context, long begin, long end)
{
    const struct layer *c = context;
    long n = c->n;
    for (long at = begin; at < end; at++) {
        const float *x = c->x + at * n, *gamma = c->gamma, *beta = c->beta;
        float *y = c->y + at * n, mean = (float)mean_of(x, n);
        float deviation = deviation_of(row_of(x, 0, gamma, mean, n), n, c->eps), scale = 1 / deviation;
        c->mean[at] = mean;
        c->deviation[at] = deviation;
        long i = 0;
        if (c->past && is_whole(y))
            for (; i + LANES <= n; i += LANES)
                put_row(x + i, gamma + i, beta + i, y + i, mean, scale, n, LANES, 1);
        for (; i + LANES <= n; i += LANES)
            put_row(x + i, gamma + i, beta + i, y + i, mean, scale, n, LANES, 0);
        if (i < n)
            put_row(x + i, gamma + i, beta + i, y + i, mean, scale, n, n - i, 0);
    }
    stores_end();
}

void k_layer_norm(const float *x, const float *gamma, const float *beta, float *y, float *mean,
                  float *deviation, long rows, long n, float eps)
{
    struct layer c = {.x = x, .gamma = gamma, .beta = beta, .y = y, .mean = mean, .deviation = deviation,
                      .n = n, .eps = eps, .past = rows * n >= PAST};
    pool_run(layer, &c, rows, rows_at_once(n));
}

struct slopes {
    float mean, scale, shift, slope;
};

/* `left` numbers at a place in `count` rows of n: the sums of columns are read and written once for them. */
INLINE void put_rows_dx(const struct slopes *s, int count, const float *x, const float *g, const float *gamma,
                        float *dx, float *dgamma, float *dbeta, long n, long left, int past)
{
    vf by_gamma = load_upto(dgamma, left, 0), by_beta = load_upto(dbeta, left, 0), to[2];
    vf factor = load_upto(gamma, left, 0);
    for (int k = 0; k < count; k++) {
        __builtin_prefetch(x + (count + k) * n, 0, 2);
        __builtin_prefetch(g + (count + k) * n, 0, 2);
        vf v = (load_upto(x + k * n, left, 0) - s[k].mean) * s[k].scale, h = load_upto(g + k * n, left, 0);
        to[k] = (h * factor - s[k].shift - v * s[k].slope) * s[k].scale;
        by_gamma += h * v;
        by_beta += h;
    }
    store_upto(dgamma, by_gamma, left);
    store_upto(dbeta, by_beta, left);
    for (int k = 0; k < count; k++)
        if (past)
            store_past(dx + k * n, to[k]);
        else
            store_upto(dx + k * n, to[k], left);
}

INLINE void rows_dx(const struct layer *c, long at, int count, float *dgamma, float *dbeta)
{
    long n = c->n, i = 0;
    const float *x = c->x + at * n, *g = c->g + at * n, *gamma = c->gamma;
    float *dx = c->y + at * n;
    struct slopes s[2];
    for (int k = 0; k < count; k++) {
        float mean = (float)mean_of(x + k * n, n);
        struct row r = row_of(x + k * n, g + k * n, gamma, mean, n);
        s[k] = (struct slopes){.mean = mean, .scale = 1 / deviation_of(r, n, c->eps),
                               .shift = (float)(r.h / n)};
        s[k].slope = (float)(r.products / n * s[k].scale);
    }
    if (c->past && is_whole(dx) && (count == 1 || is_whole(dx + n)))
        for (; i + LANES <= n; i += LANES)
            put_rows_dx(s, count, x + i, g + i, gamma + i, dx + i, dgamma + i, dbeta + i, n, LANES, 1);
    for (; i + LANES <= n; i += LANES)
        put_rows_dx(s, count, x + i, g + i, gamma + i, dx + i, dgamma + i, dbeta + i, n, LANES, 0);
    if (i < n)
        put_rows_dx(s, count, x + i, g + i, gamma + i, dx + i, dgamma + i, dbeta + i, n, n - i, 0);
}

static void layer_dx(void *context, long begin, long end)
{
    const struct layer *c = context;
    float *dgamma = c->partial + begin / c->chunk * 2 * c->n, *dbeta = dgamma + c->n;
    for (long i = 0; i < 2 * c->n; i++)
        dgamma[i] = 0;
    long at = begin;
    for (; at + 2 <= end; at += 2)
        rows_dx(c, at, 2, dgamma, dbeta);
    if (at < end)
        rows_dx(c, at, 1, dgamma, dbeta);
    stores_end();
}

int k_layer_norm_dx(const float *g, const float *x, const float *gamma, float *dx, float *dgamma,
                    float *dbeta, long rows, long n, float eps)
{
    long chunk = rows_per_part(n), parts = (rows + chunk - 1) / chunk;
    double *total = malloc(sizeof(double) * 2 * n + sizeof(float) * parts * 2 * n);
    if (!total)
        return -1;
    struct layer c = {.g = g, .x = x, .gamma = gamma, .y = dx, .n = n, .chunk = chunk, .eps = eps,
                      .partial = (float *)(total + 2 * n), .past = rows * n >= PAST};
    pool_run(layer_dx, &c, rows, chunk);
    add_parts(c.partial, total, parts, n);
    for (long i = 0; i < n; i++) {
        dgamma[i] = (float)total[i];
        dbeta[i] = (float)total[n + i];
    }
    free(total);
    return 0;
}

/* -- channels -- */

struct batch {
    const float *g, *z, *x, *gamma;
    float *dx, *mean, *var, *dgamma, *dbeta;
    float *partial;
    long outer, channels, inner, chunk;
    float eps;
    int of_batch, past;
};

/* The sums of `count` channels, from the first one on.  Numbers are taken less `centre`: one that is about
 * their mean makes one pass enough. */
INLINE void add_channels(const struct batch *c, long first, long count, int with_g, int with_z,
                         const float *centre, struct sums *s)
{
    long row = c->channels * c->inner;
    for (long k = 0; k < count; k++)
        s[k] = (struct sums){0};
    for (long o = 0; o < c->outer; o++)
        for (long k = 0; k < count; k++) {
            long at = o * row + (first + k) * c->inner;
            add_all(s + k, c->x + at, with_g ? c->g + at : 0, with_z ? c->z + at : 0, centre[k], row,
                    c->inner);
        }
    for (long k = 0; k < count; k++)
        finish(s + k);
}

static float centre_of(const struct batch *c, long k)
{
    float centre = (float)mean_of(c->x + k * c->inner, lesser_of(c->inner, RUN));
    return isfinite(centre) ? centre : 0;
}

/* Sets the mean and the variance of channel k; gives what the mean is above the centre. */
static double set_statistics(const struct batch *c, long k, const struct sums *s, float centre)
{
    double count = (double)c->outer * c->inner, rest = s->d / count, var = s->squares / count - rest * rest;
    c->mean[k] = (float)(centre + rest);
    c->var[k] = var < 0 ? 0 : (float)var;
    return rest;
}

static void channel_statistics(void *context, long begin, long end)
{
    const struct batch *c = context;
    for (long first = begin; first < end; first += TOGETHER) {
        float centre[TOGETHER];
        struct sums s[TOGETHER];
        long count = lesser_of(TOGETHER, end - first);
        for (long k = 0; k < count; k++)
            centre[k] = centre_of(c, first + k);
        add_channels(c, first, count, 0, 0, centre, s);
        for (long k = 0; k < count; k++)
            set_statistics(c, first + k, s + k, centre[k]);
    }
}

struct slope {
    float mean, shift, slope, scale;
};

INLINE void put_dx(const struct batch *c, long at, int with_z, int past, struct slope s)
{
    long width;
    for (long end = at + c->inner; at < end; at += width) {
        width = put_width(c->dx + at, end - at, past);
        vf h = masked(c->g + at, with_z ? c->z + at : 0, width);
        vf d = load_upto(c->x + at, width, s.mean) - s.mean;
        put_vector(c->dx + at, (h - s.shift - d * s.slope) * s.scale, width, past);
    }
}

INLINE void channels_dx(const struct batch *c, long first, long count, int with_z)
{
    float centre[TOGETHER];
    struct sums s[TOGETHER];
    struct slope slopes[TOGETHER];
    for (long k = 0; k < count; k++)
        centre[k] = c->of_batch ? centre_of(c, first + k) : c->mean[first + k];
    add_channels(c, first, count, 1, with_z, centre, s);
    double n = (double)c->outer * c->inner;
    for (long k = 0, of = first; k < count; k++, of++) {
        double products = s[k].products;
        if (c->of_batch)
            products -= set_statistics(c, of, s + k, centre[k]) * s[k].h;
        float scale = 1 / sqrtf(c->var[of] + c->eps);
        c->dbeta[of] = (float)s[k].h;
        c->dgamma[of] = (float)(products * scale);
        slopes[k] = (struct slope){.mean = c->mean[of], .scale = scale * c->gamma[of]};
        if (c->of_batch) {
            slopes[k].shift = (float)(s[k].h / n);
            slopes[k].slope = (float)(products / n * scale * scale);
        }
    }
    for (long o = 0; o < c->outer; o++)
        for (long k = 0; k < count; k++) {
            long at = (o * c->channels + first + k) * c->inner;
            if (c->past)
                put_dx(c, at, with_z, 1, slopes[k]);
            else
                put_dx(c, at, with_z, 0, slopes[k]);
        }
}

static void by_channel_dx(void *context, long begin, long end)
{
    const struct batch *c = context;
    for (long first = begin; first < end; first += TOGETHER)
        if (c->z)
            channels_dx(c, first, lesser_of(TOGETHER, end - first), 1);
        else
            channels_dx(c, first, lesser_of(TOGETHER, end - first), 0);
    stores_end();
}

/* How many channels of n elements make a part: neighbours, so that what is read and written next mostly is
 * next in memory, too, as long as the second cache has room for them. */
static long channels_at_once(long channels, long n)
{
    long near = lesser_of(NEAR / n, channels / 8), enough = rows_at_once(n);
    return near > enough ? near : enough;
}

/* Channels of few elements in a row are columns (channel, inner), of which each has its mean and so on. */

/* Of each column of a part of the rows: the mean, and the sum of the squares of what differs from it. */
static void column_statistics(void *context, long begin, long end)
{
    const struct batch *c = context;
    long n = c->channels * c->inner;
    float *restrict mean = c->partial + begin / c->chunk * 2 * n, *restrict squares = mean + n;
    float scale = 1 / (float)(end - begin);
    for (long i = 0; i < n; i++)
        mean[i] = squares[i] = 0;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n;
        for (long i = 0; i < n; i++)
            mean[i] += x[i];
    }
    for (long i = 0; i < n; i++)
        mean[i] *= scale;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n;
        for (long i = 0; i < n; i++)
            squares[i] += (x[i] - mean[i]) * (x[i] - mean[i]);
    }
}

/* The statistics of the channels, from those of the columns of each part (Chan, Golub and LeVeque, 1979). */
static void merge_statistics(const struct batch *c, long parts)
{
    long n = c->channels * c->inner;
    double count = (double)c->outer * c->inner;
    for (long k = 0; k < c->channels; k++) {
        double mean = 0, squares = 0;
        for (int second = 0; second < 2; second++)
            for (long p = 0; p < parts; p++) {
                double rows = (double)(lesser_of(c->outer, (p + 1) * c->chunk) - p * c->chunk);
                const float *means = c->partial + p * 2 * n + k * c->inner;
                for (long i = 0; i < c->inner; i++)
                    if (second)
                        squares += means[n + i] + rows * (means[i] - mean) * (means[i] - mean);
                    else
                        mean += rows * means[i] / count;
            }
        c->mean[k] = (float)mean;
        c->var[k] = (float)(squares / count);
    }
}

INLINE float column_h(const float *g, const float *z, long i)
{
    return !z || z[i] > 0 ? g[i] : 0;
}

INLINE void slopes_of(const struct batch *c, long begin, long end, int with_z)
{
    long n = c->channels * c->inner;
    const float *restrict mean = c->partial;
    float *restrict of_g = c->partial + (4 + begin / c->chunk * 2) * n, *restrict of_product = of_g + n;
    for (long i = 0; i < n; i++)
        of_g[i] = of_product[i] = 0;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n, *restrict g = c->g + at * n;
        const float *restrict z = with_z ? c->z + at * n : 0;
        for (long i = 0; i < n; i++) {
            float h = column_h(g, z, i);
            of_g[i] += h;
            of_product[i] += h * (x[i] - mean[i]);
        }
    }
}

static void column_slopes(void *context, long begin, long end)
{
    const struct batch *c = context;
    if (c->z)
        slopes_of(c, begin, end, 1);
    else
        slopes_of(c, begin, end, 0);
}

INLINE void put_columns_dx(const struct batch *c, long begin, long end, int with_z)
{
    long n = c->channels * c->inner;
    const float *restrict mean = c->partial, *restrict scale = mean + n;
    const float *restrict shift = scale + n, *restrict slope = shift + n;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n, *restrict g = c->g + at * n;
        const float *restrict z = with_z ? c->z + at * n : 0;
        float *restrict dx = c->dx + at * n;
        for (long i = 0; i < n; i++)
            dx[i] = (column_h(g, z, i) - shift[i] - (x[i] - mean[i]) * slope[i]) * scale[i];
    }
}

static void by_column_dx(void *context, long begin, long end)
{
    const struct batch *c = context;
    if (c->z)
        put_columns_dx(c, begin, end, 1);
    else
        put_columns_dx(c, begin, end, 0);
}

int k_statistics(const float *x, float *mean, float *var, long outer, long channels, long inner)
{
    struct batch c = {.x = x, .mean = mean, .var = var, .outer = outer, .channels = channels, .inner = inner};
    if (inner >= FEW || outer == 1) {
        pool_run(channel_statistics, &c, channels, channels_at_once(channels, outer * inner));
        return 0;
    }
    long n = channels * inner, parts;
    c.chunk = rows_per_part(n);
    parts = (outer + c.chunk - 1) / c.chunk;
    c.partial = malloc(sizeof(float) * 2 * parts * n);
    if (!c.partial)
        return -1;
    pool_run(column_statistics, &c, outer, c.chunk);
    merge_statistics(&c, parts);
    free(c.partial);
    return 0;
}

int k_batch_norm_dx(const float *g, const float *z, const float *x, const float *gamma, float *mean,
                    float *var, float *dx, float *dgamma, float *dbeta, long outer, long channels, long inner, float eps,
                    int of_batch)
{
    struct batch c = {.g = g, .z = z, .x = x, .gamma = gamma, .dx = dx, .mean = mean, .var = var,
                      .dgamma = dgamma, .dbeta = dbeta, .outer = outer, .channels = channels, .inner = inner,
                      .eps = eps, .of_batch = of_batch, .past = outer * channels * inner >= PAST};
    if (inner >= FEW || outer == 1) {
        pool_run(by_channel_dx, &c, channels, channels_at_once(channels, outer * inner));
        return 0;
    }
    long n = channels * inner, parts;
    c.chunk = rows_per_part(n);
    parts = (outer + c.chunk - 1) / c.chunk;
    double *total = malloc(sizeof(double) * 2 * n + sizeof(float) * (2 * parts + 4) * n);
    if (!total)
        return -1;
    c.partial = (float *)(total + 2 * n);
    if (of_batch) {
        pool_run(column_statistics, &c, outer, c.chunk);
        merge_statistics(&c, parts);
    }
    for (long i = 0; i < n; i++)
        c.partial[i] = mean[i / inner];
    pool_run(column_slopes, &c, outer, c.chunk);
    add_parts(c.partial + 4 * n, total, parts, n);
    for (long k = 0; k < channels; k++) {
        double of_g = 0, of_product = 0, count = (double)outer * inner;
        for (long i = k * inner; i < (k + 1) * inner; i++) {
            of_g += total[i];
            of_product += total[n + i];
        }
        float scale = 1 / sqrtf(var[k] + eps);
        dbeta[k] = (float)of_g;
        dgamma[k] = (float)(of_product * scale);
        for (long i = k * inner; i < (k + 1) * inner; i++) {
            c.partial[n + i] = scale * gamma[k];
            c.partial[2 * n + i] = of_batch ? (float)(of_g / count) : 0;
            c.partial[3 * n + i] = of_batch ? (float)(of_product / count * scale * scale) : 0;
        }
    }
    pool_run(by_column_dx, &c, outer, rows_at_once(n));
    free(total);
    return 0;
}

/* -- (x - mean) * scale + shift -- */

struct affine {
    const float *x, *r, *mean, *scale, *shift;
    float *y;
    long channels, inner;
    int relu, past;
};

INLINE void put_affine(const struct affine *c, long k, long at, int with_r, int past)
{
    float mean = c->mean[k], scale = c->scale[k], shift = c->shift[k];
    long width;
    for (long end = at + c->inner; at < end; at += width) {
        width = put_width(c->y + at, end - at, past);
        __builtin_prefetch(c->x + at + AHEAD);
        vf v = (load_upto(c->x + at, width, 0) - mean) * scale + shift;
        if (with_r) {
            __builtin_prefetch(c->r + at + AHEAD);
            v += load_upto(c->r + at, width, 0);
        }
        put_vector(c->y + at, c->relu ? greater(v, splat(0)) : v, width, past);
    }
}

static void affine_rows(void *context, long begin, long end)
{
    const struct affine *c = context;
    for (long row = begin, k = begin % c->channels; row < end; row++, k = k + 1 == c->channels ? 0 : k + 1)
        if (c->r)
            put_affine(c, k, row * c->inner, 1, c->past);
        else
            put_affine(c, k, row * c->inner, 0, c->past);
    stores_end();
}

/* The same where each number of a row, (channels, inner), has its own mean and so on. */
static void affine_columns(void *context, long begin, long end)
{
    const struct affine *c = context;
    long n = c->channels * c->inner;
    const float *restrict mean = c->mean, *restrict scale = c->scale, *restrict shift = c->shift;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n, *restrict r = c->r ? c->r + at * n : 0;
        float *restrict y = c->y + at * n;
        for (long i = 0; i < n; i++) {
            float v = (x[i] - mean[i]) * scale[i] + shift[i];
            if (r)
                v += r[i];
            y[i] = c->relu && v <= 0 ? 0 : v;
        }
    }
}

int k_affine(const float *x, const float *r, const float *mean, const float *scale, const float *shift,
             float *y, long outer, long channels, long inner, int relu)
{
    long n = channels * inner;
    struct affine c = {x, r, mean, scale, shift, y, channels, inner, relu, outer * n >= PAST};
    if (inner >= FEW || outer == 1) {
        pool_run(affine_rows, &c, outer * channels, rows_at_once(inner));
        return 0;
    }
    float *columns = NULL;
    if (inner > 1) {
        if (!(columns = malloc(sizeof(float) * 3 * n)))
            return -1;
        for (long i = 0; i < n; i++) {
            columns[i] = mean[i / inner];
            columns[n + i] = scale[i / inner];
            columns[2 * n + i] = shift[i / inner];
        }
        c.mean = columns;
        c.scale = columns + n;
        c.shift = columns + 2 * n;
    }
    pool_run(affine_columns, &c, outer, rows_at_once(n));
    free(columns);
    return 0;
}
