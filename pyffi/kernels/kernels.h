/* The kernels for the CPU: what engine/mxgrad/kernels/cpu.py may put in the place of an op's own kernel.
 *
 * This file is the only list of them; build_kernels.py reads it.  Arrays are float32 unless an argument says
 * otherwise, contiguous in C's order, and no input overlaps an output except where it is said.  Sizes count
 * elements and are at least 1.  Kernels keep no state; those that need memory of their own give -1 when there
 * is none and 0 otherwise, and have written nothing of use then.  Each is compiled for several processors, and
 * the best that this one can run is called (`k_level`). */
#ifndef MXK_KERNELS_H
#define MXK_KERNELS_H

#include <stdint.h>

/* -- the pool of threads (pool.c) -- */

/* How many threads loops are divided among, 1 to begin with. */
int k_threads(void);

/* Sets it, to something between 1 and 64, and gives what was set. */
int k_set_threads(int threads);

/* -- softmax (softmax.c): along the rows of x (rows, n) -- */

/* y = exp(x - max) / sum; with `logarithm` its logarithm. */
void k_softmax(const float *x, float *y, long rows, long n, int logarithm);

/* The cotangent of x, from that of the result, g, and the result y. */
void k_softmax_dx(const float *g, const float *y, float *dx, long rows, long n, int logarithm);

#endif
