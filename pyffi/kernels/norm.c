/* Normalisation of rows and of channels, and the way back.
 *
 * Two or three passes over what belongs to one mean: sums, then the result.  As a rule that is small enough for
 * the processor's cache, so that memory sees 8 bytes per element forward and 12 backward; some 8 and 16
 * operations per element.  Sums are in float within runs and parts, and in double beyond.
 *
 * Reached on one core of a Xeon (Sapphire Rapids), where a copy past the caches moves 26 GB/s: rows at 16 GB/s
 * forward and backward, 60 % of that; channels at 14 and 10 GB/s, two or three passes over what the second
 * cache does not always keep. */
#include <math.h>
#include <stdlib.h>

#include "kernels.h"
#include "pool.h"
#include "rows.h"

/* Channels of fewer elements in a row are columns; columns that are taken together. */
enum { FEW = 16, BLOCK = 64 };

/* Sums of h and h * (x - centre), where h is g, or without g the second factor itself. */
struct sums {
    double of_h, of_product;        /* of the runs that are over */
    vf h[2], product[2];            /* of this run */
    long length;
};

static void finish(struct sums *s)
{
    s->of_h += sum_of(s->h[0] + s->h[1]);
    s->of_product += sum_of(s->product[0] + s->product[1]);
    s->h[0] = s->h[1] = s->product[0] = s->product[1] = splat(0);
    s->length = 0;
}

INLINE void add(struct sums *s, int k, const float *x, const float *g, float centre, long n)
{
    vf d = load_upto(x, n, centre) - centre, h = g ? load_upto(g, n, 0) : d;
    s->h[k] += h;
    s->product[k] += h * d;
}

INLINE void add_all(struct sums *s, const float *x, const float *g, float centre, long n)
{
    for (long begin = 0; begin < n; begin += RUN) {
        long end = lesser_of(n, begin + RUN), i = begin;
        struct sums t = *s;
        for (; i + 2 * LANES <= end; i += 2 * LANES)
            for (int k = 0; k < 2; k++) {
                long at = i + k * LANES;
                add(&t, k, x + at, g ? g + at : 0, centre, LANES);
            }
        for (; i < end; i += LANES)
            add(&t, 0, x + i, g ? g + i : 0, centre, end - i);
        t.length += end - begin;
        *s = t;
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

void k_layer_norm(const float *x, const float *gamma, const float *beta, float *y, float *mean, float *deviation,
                  long rows, long n, float eps)
{
    struct layer c = {.x = x, .gamma = gamma, .beta = beta, .y = y, .mean = mean, .deviation = deviation, .n = n,
                      .eps = eps, .past = rows * n >= PAST};
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
        s[k] = (struct slopes){.mean = mean, .scale = 1 / deviation_of(r, n, c->eps), .shift = (float)(r.h / n)};
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

int k_layer_norm_dx(const float *g, const float *x, const float *gamma, float *dx, float *dgamma, float *dbeta,
                    long rows, long n, float eps)
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
    const float *g, *x, *gamma, *beta;
    float *y, *mean, *var, *dgamma, *dbeta;     /* y is dx on the way back */
    float *partial;
    long outer, channels, inner, chunk;
    float eps;
    int of_batch;
};

/* The mean and the variance of channel k. */
INLINE void statistics(const struct batch *c, long k)
{
    const float *x = c->x + k * c->inner;
    /* Numbers are taken less one that is about their mean, which makes one pass enough. */
    float centre = (float)mean_of(x, lesser_of(c->inner, RUN));
    if (!isfinite(centre))
        centre = 0;
    struct sums s = {0};
    for (long o = 0; o < c->outer; o++)
        add_all(&s, x + o * c->channels * c->inner, 0, centre, c->inner);
    finish(&s);
    double count = (double)c->outer * c->inner, rest = s.of_h / count, var = s.of_product / count - rest * rest;
    c->mean[k] = (float)(centre + rest);
    c->var[k] = var < 0 ? 0 : (float)var;
}

static void by_channel(void *context, long begin, long end)
{
    const struct batch *c = context;
    for (long k = begin; k < end; k++) {
        if (c->of_batch)
            statistics(c, k);
        float mean = c->mean[k], scale = c->gamma[k] / sqrtf(c->var[k] + c->eps), shift = c->beta[k];
        for (long o = 0; o < c->outer; o++) {
            const float *restrict x = c->x + (o * c->channels + k) * c->inner;
            float *restrict y = c->y + (o * c->channels + k) * c->inner;
            for (long i = 0; i < c->inner; i++)
                y[i] = (x[i] - mean) * scale + shift;
        }
    }
}

static void by_channel_dx(void *context, long begin, long end)
{
    const struct batch *c = context;
    for (long k = begin; k < end; k++) {
        if (c->of_batch)
            statistics(c, k);
        float mean = c->mean[k], scale = 1 / sqrtf(c->var[k] + c->eps);
        struct sums s = {0};
        for (long o = 0; o < c->outer; o++) {
            long at = (o * c->channels + k) * c->inner;
            add_all(&s, c->x + at, c->g + at, mean, c->inner);
        }
        finish(&s);
        c->dbeta[k] = (float)s.of_h;
        c->dgamma[k] = (float)(s.of_product * scale);
        double count = (double)c->outer * c->inner;
        float shift = c->of_batch ? (float)(s.of_h / count) : 0;
        float slope = c->of_batch ? (float)(s.of_product / count * scale * scale) : 0;
        scale *= c->gamma[k];
        for (long o = 0; o < c->outer; o++) {
            long at = (o * c->channels + k) * c->inner;
            const float *restrict x = c->x + at, *restrict g = c->g + at;
            float *restrict dx = c->y + at;
            for (long i = 0; i < c->inner; i++)
                dx[i] = (g[i] - shift - (x[i] - mean) * slope) * scale;
        }
    }
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

/* What the columns have in common: y = x * slope + shift, the vectors being the partial memory's first. */
static void by_column(void *context, long begin, long end)
{
    const struct batch *c = context;
    long n = c->channels * c->inner;
    const float *restrict mean = c->partial, *restrict scale = mean + n, *restrict shift = scale + n;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n;
        float *restrict y = c->y + at * n;
        for (long i = 0; i < n; i++)
            y[i] = (x[i] - mean[i]) * scale[i] + shift[i];
    }
}

static void column_slopes(void *context, long begin, long end)
{
    const struct batch *c = context;
    long n = c->channels * c->inner;
    const float *restrict mean = c->partial;
    float *restrict of_g = c->partial + (4 + begin / c->chunk * 2) * n, *restrict of_product = of_g + n;
    for (long i = 0; i < n; i++)
        of_g[i] = of_product[i] = 0;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n, *restrict g = c->g + at * n;
        for (long i = 0; i < n; i++) {
            of_g[i] += g[i];
            of_product[i] += g[i] * (x[i] - mean[i]);
        }
    }
}

static void by_column_dx(void *context, long begin, long end)
{
    const struct batch *c = context;
    long n = c->channels * c->inner;
    const float *restrict mean = c->partial, *restrict scale = mean + n;
    const float *restrict shift = scale + n, *restrict slope = shift + n;
    for (long at = begin; at < end; at++) {
        const float *restrict x = c->x + at * n, *restrict g = c->g + at * n;
        float *restrict dx = c->y + at * n;
        for (long i = 0; i < n; i++)
            dx[i] = (g[i] - shift[i] - (x[i] - mean[i]) * slope[i]) * scale[i];
    }
}

int k_batch_norm(const float *x, const float *gamma, const float *beta, float *y, float *mean, float *var,
                 long outer, long channels, long inner, float eps, int of_batch)
{
    struct batch c = {.x = x, .gamma = gamma, .beta = beta, .y = y, .mean = mean, .var = var, .outer = outer,
                      .channels = channels, .inner = inner, .eps = eps, .of_batch = of_batch};
    if (inner >= FEW || outer == 1) {
        pool_run(by_channel, &c, channels, rows_at_once(outer * inner));
        return 0;
    }
    long n = channels * inner, parts;
    c.chunk = rows_per_part(n);
    parts = (outer + c.chunk - 1) / c.chunk;
    c.partial = malloc(sizeof(float) * (2 * parts + 1) * n);
    if (!c.partial)
        return -1;
    if (of_batch) {
        pool_run(column_statistics, &c, outer, c.chunk);
        merge_statistics(&c, parts);
    }
    for (long i = 0; i < n; i++) {
        long k = i / inner;
        c.partial[i] = mean[k];
        c.partial[n + i] = gamma[k] / sqrtf(var[k] + eps);
        c.partial[2 * n + i] = beta[k];
    }
    pool_run(by_column, &c, outer, rows_at_once(n));
    free(c.partial);
    return 0;
}

int k_batch_norm_dx(const float *g, const float *x, const float *gamma, float *mean, float *var,
                    float *dx, float *dgamma, float *dbeta, long outer, long channels, long inner, float eps,
                    int of_batch)
{
    struct batch c = {.g = g, .x = x, .gamma = gamma, .y = dx, .mean = mean, .var = var,
                      .dgamma = dgamma, .dbeta = dbeta, .outer = outer, .channels = channels, .inner = inner,
                      .eps = eps, .of_batch = of_batch};
    if (inner >= FEW || outer == 1) {
        pool_run(by_channel_dx, &c, channels, rows_at_once(outer * inner));
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
