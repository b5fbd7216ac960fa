/* Elementwise loops that are met too often to be programs of the VM: 12 bytes and 2 operations per element,
 * as fast as the memory. */
#include "kernels.h"
#include "pool.h"
#include "simd.h"

struct relu_dx {
    const float *g, *y;
    float *dx;
};

static void relu_dx(void *context, long begin, long end)
{
    const struct relu_dx *c = context;
    long i = begin;
    for (; i + LANES <= end; i += LANES)
        store(c->dx + i, choose(load(c->y + i) > 0, load(c->g + i), splat(0)));
    for (; i < end; i++)
        c->dx[i] = c->y[i] > 0 ? c->g[i] : 0;
}

void k_relu_dx(const float *g, const float *y, float *dx, long n)
{
    struct relu_dx c = {g, y, dx};
    pool_run(relu_dx, &c, n, 1 << 16);
}
