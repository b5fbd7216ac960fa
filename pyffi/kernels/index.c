/* Rows by index: bound by memory, one read and one write of each row that is taken, and for the adjoint one
 * write of each row of the result, most of them zeros, past the caches where they would not keep it.  Two
 * cores of a Xeon (Sapphire Rapids) take rows of 64 floats at 38 GB/s, 75 % of what they copy in order, and
 * one at 19 of 21; back they add at 58 % of it, and one at 56 %.  To ask for rows before they are taken gains
 * nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"
#include "rows.h"

enum { SPARSE = PAST / 2 };     /* elements of a result, mostly zeros, that is written past the caches */

/* y = a row of n elements, or of zeros if there is none. */
INLINE void put_row(float *y, const float *from, long n, int past)
{
    if (past)
        for (long i = 0, k; i < n; i += k) {
            k = put_width(y + i, n - i, past);
            put_vector(y + i, from ? load_upto(from + i, k, 0) : splat(0), k, past);
        }
    else if (from)
        memcpy(y, from, n * sizeof *y);
    else
        memset(y, 0, n * sizeof *y);
}

INLINE long place_of(int64_t index, long n, int wrap)
{
    if (wrap) {
        index %= n;
        return index < 0 ? index + n : index;
    }
    return index < 0 ? 0 : index < n ? index : n - 1;
}

struct take {
    const float *a;
    const int64_t *index;
    float *y;
    long n, count, after;
    int wrap, past;
};

static void take(void *context, long begin, long end)
{
    const struct take *c = context;
    long after = c->after, count = c->count;
    for (long row = begin; row < end; row++) {
        long before = row / count;
        long place = place_of(c->index[row - before * count], c->n, c->wrap);
        const float *from = c->a + (before * c->n + place) * after;
        float *to = c->y + row * after;
        if (after == 1)
            *to = *from;
        else
            put_row(to, from, after, c->past);
    }
    stores_end();
}

void k_take(const float *a, const int64_t *index, float *y, long before, long n, long count, long after,
            int wrap)
{
    struct take c = {a, index, y, n, count, after, wrap, before * count * after >= PAST};
    pool_run(take, &c, before * count, rows_at_once(after));
}

struct add {
    const float *g;
    const int64_t *first, *next;        /* rows for place i, from 1: first[i], next[first[i]], until 0 */
    float *y;
    long n, count, after;
    int past;
};

static void add(void *context, long begin, long end)
{
    const struct add *c = context;
    long after = c->after;
    for (long row = begin; row < end; row++) {
        long before = row / c->n, place = row - before * c->n;
        long at = c->first[place];
        const float *g = c->g + before * c->count * after;
        float *y = c->y + row * after;
        put_row(y, at ? g + (at - 1) * after : NULL, after, c->past && !(at && c->next[at]));
        while (at && (at = c->next[at])) {
            const float *more = g + (at - 1) * after;
            for (long i = 0; i < after; i++)
                y[i] += more[i];
        }
    }
    stores_end();
}

int k_add_taken(const float *g, const int64_t *index, float *y, long before, long n, long count, long after,
                int wrap)
{
    if (after < 8) {        /* lists of the rows for each place would be as large as the result */
        memset(y, 0, before * n * after * sizeof *y);
        for (long row = 0; row < before * count; row++) {
            float *to = y + (row / count * n + place_of(index[row % count], n, wrap)) * after;
            for (long i = 0; i < after; i++)
                to[i] += g[row * after + i];
        }
        return 0;
    }
    int64_t *first = calloc(n + count + 1, sizeof *first), *next = first + n;
    if (!first)
        return -1;
    for (long i = count; i; i--) {
        long place = place_of(index[i - 1], n, wrap);
        next[i] = first[place];
        first[place] = i;
    }
    struct add c = {g, first, next, y, n, count, after, before * n * after >= SPARSE};
    pool_run(add, &c, before * n, rows_at_once(after));
    free(first);
    return 0;
}

struct first {
    const float *a;
    int64_t *places;
    long n, k;
    int32_t descends;
};

struct entry {
    int32_t key;
    int64_t place;
};

/* Numbers in the order of floats, nan being the greatest; turned round where the greatest come first. */
INLINE int32_t key_of(float x, int32_t descends)
{
    union { float f; int32_t i; } bits = {x + 0.0f};       /* -0 and 0 are equal */
    int32_t key = x != x ? INT32_MAX : bits.i < 0 ? bits.i ^ INT32_MAX : bits.i;
    return key ^ descends;
}

/* Whether a comes behind b; of equal ones, the later. */
INLINE int behind(struct entry a, struct entry b)
{
    return a.key != b.key ? a.key > b.key : a.place > b.place;
}

/* Puts `e` into a heap whose root, the last in order, is free. */
static void sink(struct entry *heap, long k, struct entry e)
{
    long i = 0;
    for (long child; (child = 2 * i + 1) < k; i = child) {
        if (child + 1 < k && behind(heap[child + 1], heap[child]))
            child++;
        if (!behind(heap[child], e))
            break;
        heap[i] = heap[child];
    }
    heap[i] = e;
}

static int compare(const void *a, const void *b)
{
    return behind(*(const struct entry *)a, *(const struct entry *)b) ? 1 : -1;
}

enum { MOST = 1024 };

static void first(void *context, long begin, long end)
{
    const struct first *c = context;
    struct entry heap[MOST];
    int32_t keys[256];
    for (long row = begin; row < end; row++) {
        const float *a = c->a + row * c->n;
        for (long i = 0; i < c->k; i++)
            heap[i] = (struct entry){key_of(a[i], c->descends), i};
        qsort(heap, c->k, sizeof *heap, compare);
        for (long i = 0; i < c->k / 2; i++) {       /* the last one first, which is a heap */
            struct entry e = heap[i];
            heap[i] = heap[c->k - 1 - i];
            heap[c->k - 1 - i] = e;
        }
        for (long from = c->k; from < c->n; from += 256) {
            long m = c->n - from < 256 ? c->n - from : 256;
            int32_t least = INT32_MAX;
            for (long i = 0; i < m; i++) {
                keys[i] = key_of(a[from + i], c->descends);
                least = keys[i] < least ? keys[i] : least;
            }
            if (least >= heap->key)
                continue;
            for (long i = 0; i < m; i++)
                if (keys[i] < heap->key)
                    sink(heap, c->k, (struct entry){keys[i], from + i});
        }
        qsort(heap, c->k, sizeof *heap, compare);
        for (long i = 0; i < c->k; i++)
            c->places[row * c->k + i] = heap[i].place;
    }
}

int k_first_places(const float *a, int64_t *places, long rows, long n, long k, int descends)
{
    if (k > MOST)
        return -1;
    struct first c = {a, places, n, k, descends ? -1 : 0};
    pool_run(first, &c, rows, rows_at_once(n));
    return 0;
}
