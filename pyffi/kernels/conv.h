/* What the kernels of convolution share. */
#ifndef MXK_CONV_H
#define MXK_CONV_H

#include <string.h>

/* The sizes that k_conv and the others get, as one array.  Channels and filters are those of one group. */
struct conv {
    long n, groups, channels, filters, h, w, kh, kw, sh, sw, dh, dw, ph, pw;
};

/* An axis padded on both sides. */
struct padding {
    long before, n, after;
};

static inline long windows_of(long n, long k, long s, long d, long p)
{
    return (n + 2 * p - d * (k - 1) - 1) / s + 1;
}

/* y (planes, h.before + h.n + h.after, w...) = x (planes, h.n, w.n) with zeros around, on the pool. */
void k_padded(const float *x, float *y, long planes, const struct padding *h, const struct padding *w);

#endif
