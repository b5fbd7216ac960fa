/* Softmax by rows: two reads of x and one write of y, about 25 operations per element, of which most are the
 * exponential's. */
#include <math.h>

#include "kernels.h"
#include "pool.h"
#include "simd.h"

/* Rows that make about 32k elements: enough for a part to be worth its while. */
static long rows_at_once(long n)
{
    return n >= 32768 ? 1 : 32768 / n;
}

static float greatest(const float *x, long n)
{
    vf m = splat(-INFINITY);
    long i = 0;
    for (; i + LANES <= n; i += LANES)
        m = greater(m, load(x + i));
    if (i < n)
        m = greater(m, load_some(x + i, n - i, -INFINITY));
    return greatest_of(m);
}

struct forward {
    const float *x;
    float *y;
    long n;
    int logarithm;
};

static void forward(void *context, long begin, long end)
{
    const struct forward *c = context;
    long n = c->n;
    for (long row = begin; row < end; row++) {
        const float *x = c->x + row * n;
        float *y = c->y + row * n;
        float top = greatest(x, n);
        vf sum = splat(0);
        long i = 0;
        for (; i + LANES <= n; i += LANES) {
            vf shifted = load(x + i) - top, e = vexp(shifted);
            sum += e;
            store(y + i, c->logarithm ? shifted : e);
        }
        if (i < n) {
            vf shifted = load_some(x + i, n - i, -INFINITY) - top, e = vexp(shifted);
            sum += e;
            store_some(y + i, c->logarithm ? shifted : e, n - i);
        }
        float total = sum_of(sum), scale = 1 / total, shift = logf(total);
        if (c->logarithm)
            for (i = 0; i < n; i++)
                y[i] -= shift;
        else
            for (i = 0; i < n; i++)
                y[i] *= scale;
    }
}

void k_softmax(const float *x, float *y, long rows, long n, int logarithm)
{
    struct forward c = {x, y, n, logarithm};
    pool_run(forward, &c, rows, rows_at_once(n));
}

struct backward {
    const float *g, *y;
    float *dx;
    long n;
    int logarithm;
};

static void backward(void *context, long begin, long end)
{
    const struct backward *c = context;
    long n = c->n;
    for (long row = begin; row < end; row++) {
        const float *g = c->g + row * n, *y = c->y + row * n;
        float *dx = c->dx + row * n;
        vf sum = splat(0);
        long i = 0;
        for (; i + LANES <= n; i += LANES)
            sum += c->logarithm ? load(g + i) : load(g + i) * load(y + i);
        float total = sum_of(sum);
        for (; i < n; i++)
            total += c->logarithm ? g[i] : g[i] * y[i];
        for (i = 0; i + LANES <= n; i += LANES) {
            vf gv = load(g + i), yv = load(y + i);
            store(dx + i, c->logarithm ? gv - vexp(yv) * total : yv * (gv - total));
        }
        if (i < n) {
            vf gv = load_some(g + i, n - i, 0), yv = load_some(y + i, n - i, 0);
            store_some(dx + i, c->logarithm ? gv - vexp(yv) * total : yv * (gv - total), n - i);
        }
    }
}

void k_softmax_dx(const float *g, const float *y, float *dx, long rows, long n, int logarithm)
{
    struct backward c = {g, y, dx, n, logarithm};
    pool_run(backward, &c, rows, rows_at_once(n));
}
