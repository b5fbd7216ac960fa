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

/* k_conv, k_conv_data and k_conv_weight with examples side by side in vectors (conv_lanes.c); by data there
 * are no strides, and no more padding than keeps windows in touch with the image. */
int k_conv_lanes(const float *x, const float *w, float *y, const struct conv *s);
int k_conv_data_lanes(const float *g, const float *w, float *x, const struct conv *s);
int k_conv_weight_lanes(const float *x, const float *g, float *dw, const struct conv *s);

#endif
