/* Steps of the optimizers in place, for many weights in one loop.  They are bound by memory: SGD moves 12
 * bytes for 4 operations on an element, with momentum 20 for 7, and Adam 28, four floats read and three
 * written, for 15 operations, among them a root and a division.
 *
 * Reached on a shared Xeon (Sapphire Rapids): 17, 17 and 23 GB/s on one core, and 44 by Adam on two, which is
 * all that memory gives: a loop with two operations for each float that Adam moves takes as long.  That needs
 * arrays which begin at different places of a page (memory.c). */
#include <math.h>

#include "kernels.h"
#include "pool.h"
#include "simd.h"

enum { PART = 32768 };      /* elements of a part of a loop */

/* What stands behind the head of a Python object that is an array, as NumPy's ndarraytypes.h has it. */
struct array {
    float *data;
    int axes;
    intptr_t *shape, *strides;
    void *base;
    uintptr_t dtype;
    int flags;
};

enum { PLAIN = 0x0001 | 0x0100 | 0x0400 };      /* in C's order, aligned, and may be written */

int k_rows(int count, int columns, const uintptr_t *objects, long head, uintptr_t type, uintptr_t dtype,
           float **data, long *ends)
{
    long end = 0;
    for (int row = 0; row < count; row++) {
        const struct array *first = (const struct array *)(objects[row] + head);
        for (int i = row; i < count * columns; i += count) {
            const struct array *a = (const struct array *)(objects[i] + head);
            if (((const uintptr_t *)a)[-1] != type || a->dtype != dtype || (a->flags & PLAIN) != PLAIN
                || a->axes != first->axes)
                return -1;
            for (int axis = 0; axis < a->axes; axis++)
                if (a->shape[axis] != first->shape[axis])
                    return -1;
            data[i] = a->data;
        }
        long size = 1;
        for (int axis = 0; axis < first->axes; axis++)
            size *= first->shape[axis];
        ends[row] = end += size;
    }
    return 0;
}

struct update {
    int count;
    const long *ends;       /* where each weight ends in the row of all elements */
    float *const *w, *const *g, *const *a, *const *b;
    const float *numbers;
    void (*step)(long n, float *w, const float *g, float *a, float *b, const float *numbers);
    int each;               /* numbers of a weight */
};

static void some(void *context, long begin, long end)
{
    const struct update *u = context;
    int low = 0, high = u->count - 1;       /* the first weight that ends behind `begin` */
    while (low < high) {
        int middle = (low + high) / 2;
        if (u->ends[middle] > begin)
            high = middle;
        else
            low = middle + 1;
    }
    for (int i = low; begin < end; i++) {
        long first = i ? u->ends[i - 1] : 0, stop = u->ends[i] < end ? u->ends[i] : end, at = begin - first;
        u->step(stop - begin, u->w[i] + at, u->g[i] + at, u->a ? u->a[i] + at : 0, u->b ? u->b[i] + at : 0,
                u->numbers + i * u->each);
        begin = stop;
    }
}

/* Into [-limit, limit]; nan stays. */
INLINE float clipped(float g, float limit)
{
    return g > limit ? limit : g < -limit ? -limit : g;
}

/* A decay of 0 is none, also of weights that are infinite. */
INLINE float decayed(float g, float wd, float w)
{
    return wd != 0 ? g + wd * w : g;
}

static void sgd(long n, float *restrict w, const float *g, float *a, float *b, const float *c)
{
    (void)a, (void)b;
    float rescale = c[0], limit = c[1], lr = c[2], keep = c[3];
    for (long i = 0; i < n; i++)
        w[i] = w[i] * keep - lr * clipped(rescale * g[i], limit);
}

static void momentum(long n, float *restrict w, const float *g, float *restrict a, float *b, const float *c)
{
    (void)b;
    float rescale = c[0], limit = c[1], lr = c[2], wd = c[3], stays = c[4];
    for (long i = 0; i < n; i++) {
        a[i] = stays * a[i] - lr * decayed(clipped(rescale * g[i], limit), wd, w[i]);
        w[i] += a[i];
    }
}

static void nesterov(long n, float *restrict w, const float *g, float *restrict a, float *b, const float *c)
{
    (void)b;
    float rescale = c[0], limit = c[1], lr = c[2], wd = c[3] * c[2], stays = c[4];
    for (long i = 0; i < n; i++) {
        float slope = lr * clipped(rescale * g[i], limit), mom = stays * a[i];
        w[i] += (1 + stays) * (mom - decayed(slope, wd, w[i])) - mom;
        a[i] = mom - decayed(slope, wd, w[i]);
    }
}

static void adam(long n, float *restrict w, const float *g, float *restrict a, float *restrict b,
                 const float *c)
{
    float rescale = c[0], limit = c[1], lr = c[2], wd = c[3], beside = c[4];
    float beta1 = c[5], rest1 = c[6], beta2 = c[7], rest2 = c[8], epsilon = c[9];
    for (long i = 0; i < n; i++) {
        float weight = w[i], mean = a[i], var = b[i];
        float slope = clipped(decayed(rescale * g[i], wd, weight), limit);
        mean = beta1 * mean + rest1 * slope;
        var = beta2 * var + rest2 * (slope * slope);
        a[i] = mean;
        b[i] = var;
        w[i] = decayed(weight - lr * (mean / (sqrtf(var) + epsilon)), -beside, weight);
    }
}

void k_sgd(int count, const long *ends, float *const *w, float *const *g, const float *numbers)
{
    struct update u = {count, ends, w, g, 0, 0, numbers, sgd, 4};
    pool_run(some, &u, ends[count - 1], PART);
}

void k_momentum(int count, const long *ends, float *const *w, float *const *g, float *const *mom,
                const float *numbers)
{
    struct update u = {count, ends, w, g, mom, 0, numbers, momentum, 5};
    pool_run(some, &u, ends[count - 1], PART);
}

void k_nesterov(int count, const long *ends, float *const *w, float *const *g, float *const *mom,
                const float *numbers)
{
    struct update u = {count, ends, w, g, mom, 0, numbers, nesterov, 5};
    pool_run(some, &u, ends[count - 1], PART);
}

void k_adam(int count, const long *ends, float *const *w, float *const *g, float *const *mean,
            float *const *var, const float *numbers)
{
    struct update u = {count, ends, w, g, mean, var, numbers, adam, 10};
    pool_run(some, &u, ends[count - 1], PART);
}
