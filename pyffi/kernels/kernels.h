/* The kernels for the CPU: what engine/mxgrad/kernels/cpu.py may put in the place of an op's own kernel.
 *
 * This file is the only list of them; build_kernels.py reads it.  Arrays are float32 unless an argument says
 * otherwise, contiguous in C's order, and no input overlaps an output except where it is said.  Sizes count
 * elements and are at least 1.  Kernels keep no state; those that need memory of their own give -1 when there
 * is none and 0 otherwise, and have written nothing of use then.  Each is compiled for several processors,
 * and the best that this one can run is called (`k_level`). */
#ifndef MXK_KERNELS_H
#define MXK_KERNELS_H

#include <stdint.h>

/* -- the pool of threads (pool.c) -- */

/* How many threads loops are divided among, 1 to begin with. */
int k_threads(void);

/* Sets it, to something between 1 and 64, and gives what was set. */
int k_set_threads(int threads);

/* How long a thread without work waits, yielding, before it sleeps: 8 microseconds with a negative policy,
 * 150 with a positive one; with 0, as it begins, 150 if the loop before came within 150, and 8 otherwise. */
void k_set_waiting(int policy);

/* -- softmax (softmax.c): along the middle axis of x (outer, n, inner) -- */

/* y = exp(x - max) / sum of x times `factor`; with `logarithm` its logarithm. */
void k_softmax(const float *x, float *y, long outer, long n, long inner, int logarithm, float factor);

/* The cotangent of x, from that of the result, g, and the result y. */
void k_softmax_dx(const float *g, const float *y, float *dx, long outer, long n, long inner, int logarithm);

/* loss (outer, inner) = log(sum of exp(x)) - x at the label (outer, inner), or at the place nearest to it.
 * Labels are in one of both arrays, as integers or as floats, whose fractions do not count; -1 if not all of
 * those are finite, or there is no memory. */
int k_cross_entropy(const float *x, const int64_t *label, const float *written, float *loss, long outer,
                    long n, long inner);

/* The cotangent of x, from that of the loss, g (outer, inner). */
void k_cross_entropy_dx(const float *g, const float *x, const int64_t *label, const float *written, float *dx,
                        long outer, long n, long inner);

/* -- reductions (reduce.c): over the middle axis of x (outer, n, inner) -- */

/* y (outer, inner) = the sum over `count` (kind 0), the greatest (1), the least (2), or the sum of squares
 * (3); the greatest and the least of numbers with a nan are nan. */
int k_reduce(const float *x, float *y, long outer, long n, long inner, int kind, double count);

/* dx (outer, n, inner) = g (outer, inner), where x has what y (outer, inner) has, and 0 elsewhere; everywhere
 * if x is NULL. */
void k_spread(const float *g, const float *y, const float *x, float *dx, long outer, long n, long inner);

/* -- normalisation (norm.c) -- */

/* y = (x - mean) / deviation * gamma + beta in each row of x (rows, n), deviation = sqrt(variance + eps). */
void k_layer_norm(const float *x, const float *gamma, const float *beta, float *y, float *mean,
                  float *deviation, long rows, long n, float eps);

/* The cotangents of x, gamma and beta, from that of y, g. */
int k_layer_norm_dx(const float *g, const float *x, const float *gamma, float *dx, float *dgamma,
                    float *dbeta, long rows, long n, float eps);

/* The mean and the variance of each of the channels of x (outer, channels, inner). */
int k_statistics(const float *x, float *mean, float *var, long outer, long channels, long inner);

/* y = (x - mean) * scale + shift for each of the channels of x (outer, channels, inner), plus r unless it is
 * NULL, and of that relu if it is asked for. */
int k_affine(const float *x, const float *r, const float *mean, const float *scale, const float *shift,
             float *y, long outer, long channels, long inner, int relu);

/* The cotangents of x, gamma and beta, from that of y = (x - mean) / sqrt(var + eps) * gamma + beta: g, or 0
 * where z, unless it is NULL, is not positive.  The mean and the variance are those of the batch, which it
 * gives, or those given if not `of_batch`. */
int k_batch_norm_dx(const float *g, const float *z, const float *x, const float *gamma, float *mean,
                    float *var, float *dx, float *dgamma, float *dbeta, long outer, long channels, long inner, float eps,
                    int of_batch);

/* -- steps of the optimizers, in place (update.c) --
 *
 * For `count` weights in one loop; all their elements stand in one row, in which weight i ends before
 * ends[i].  Each has its own arrays, none of which overlaps another, and its own numbers, one after the other
 * in `numbers`, for which the formulas are those of engine/mxgrad/ops/update.py: g is the gradient times the
 * first, moved into [-limit, limit] where limit, which may be infinite, is the second. */

/* Where the elements of NumPy's arrays are, and where each weight ends.  `objects` are the addresses of
 * Python's objects: those of `count` weights, then of as many gradients, and so on, `columns` times; `head`
 * is the length of an object's head, which ends with the address of its type.  0 if all are arrays of that
 * type and dtype, in C's order, aligned and writable, and those of one weight have one shape; -1
 * otherwise. */
int k_rows(int count, int columns, const uintptr_t *objects, long head, uintptr_t type, uintptr_t dtype,
           float **data, long *ends);

/* w = keep w - lr g; the numbers end with lr, keep. */
void k_sgd(int count, const long *ends, float *const *w, float *const *g, const float *numbers);

/* mom = momentum mom - lr (g + wd w), w += mom; the numbers end with lr, wd, momentum. */
void k_momentum(int count, const long *ends, float *const *w, float *const *g, float *const *mom,
                const float *numbers);

/* Nesterov's momentum, with the same numbers. */
void k_nesterov(int count, const long *ends, float *const *w, float *const *g, float *const *mom,
                const float *numbers);

/* mean = beta1 mean + rest1 g, var = beta2 var + rest2 g^2, w -= lr mean / (sqrt(var) + epsilon) + beside w,
 * where g includes wd w before it is moved; the numbers end with lr, wd, beside, beta1, rest1, beta2, rest2,
 * epsilon. */
void k_adam(int count, const long *ends, float *const *w, float *const *g, float *const *mean,
            float *const *var, const float *numbers);

/* -- products of matrices (gemm.c) -- */

/* c (count, m, n) = scale a (count, m, k) times b (count, k, n), plus bias (n) if it is not null.  With
 * `transpose_a` a is stored as (count, k, m), with `transpose_b` b as (count, n, k).  With `relu` numbers
 * below 0 become 0, and so do those for which `gate` (count, m, n), if it is not null, is not positive.
 * `sums`, for one product with `transpose_a`, are null or m numbers: the sums over k of a. */
int k_gemm(long count, int transpose_a, int transpose_b, long m, long n, long k, const float *a,
           const float *b, const float *bias, float scale, float *c, int relu, const float *gate, float *sums);

/* -- recurrent layers (rnn.c): all steps of one layer in one direction --
 *
 * `kind` is 0 for h = relu(a), where a = x w_in' + b_in + h w' + b, and 1 for tanh(a); 2 for an LSTM, with
 * gates i, f, g, o of the four parts of a: c = f c + i g, h = o tanh(c); 3 for a GRU of three parts: r and z
 * are sigmoids of a, n = tanh(x w_in' + b_in + r (h w' + b)), h = (1 - z) n + z h.
 * `sizes` are steps, batch, inputs, size, and whether x and hs, dx and gh are (batch, steps, ...), not
 * (steps, batch, ...).  w_in is (gates size, inputs), w (gates size, size), b_in and b (gates size); h and c
 * (batch, size) are the first states.  hs, and cs (steps, batch, size), get the states after each step,
 * `gates` (steps, batch, 4 size) of an LSTM its gates, of a GRU r, z, n and n's part of h w' + b; what a kind
 * does not have may be null.  Where `inside` (steps, batch) is 0 the states stay; it may be null, too. */
int k_rnn(int kind, const long *sizes, const float *x, const float *w_in, const float *w, const float *b_in,
          const float *b, const float *h, const float *c, const uint8_t *inside, float *hs, float *cs,
          float *gates);

/* Back: gh and gc are the cotangents of hs and cs, or null.  dx may be null; dh is a cotangent if `wants_h`,
 * and room for one if not; db is null where both biases have the same. */
int k_rnn_dx(int kind, const long *sizes, const float *gh, const float *gc, const float *x, const float *w_in,
             const float *w, const float *h, const float *c, const float *hs, const float *cs,
             const float *gates, const uint8_t *inside, float *dx, float *dw_in, float *dw, float *db_in,
             float *db, float *dh, float *dc, int wants_h);

/* One step of an LSTM: state h, cell and activated gates (batch, 4 size), of the gates' sums and the cell
 * before. */
void k_lstm_cell(const float *sums, const float *c, float *h, float *cell, float *gates, long batch,
                 long size);

/* Back: gh and gc, which may be null, are the cotangents of h and cell. */
void k_lstm_cell_dx(const float *gh, const float *gc, const float *c, const float *cell, const float *gates,
                    float *dsums, float *dc, long batch, long size);

/* -- elementwise programs (vm.c) -- */

/* The name of an operation, such as "add"; NULL where there are no more.  They compute what the ops of these
 * names do; comparisons give 0 and 1, logical operations take anything but 0 for true. */
const char *k_vm_operation(int op);

/* Runs a program on each of n positions.
 * code        5 numbers for each of `steps` instructions: operation, the register it writes, up to three
 *             operands: registers from 0, constant number i as -1 - i.  Operands that the operation has not
 *             are any of these, such as the first one again.
 * in          arrays in registers 0 to n_in - 1; the program may write these registers.
 * in_layout   for each: inner, m, kind.  Position p has element (p / inner) % m, of an array of m.  So a full
 *             array is (1, n), a row (1, m), a column (n / m, m), a scalar (1, 1).  Kind 0 is float32, 1 a
 *             byte each, of which those not 0 become 1.
 * out_layout  for each array in `out`: register, inner, m, kind.  Kind 0 stores the register for each position
 *             as float32, 1 as bytes 0 and 1; 2 stores in m floats the sums over the positions p with the same
 *             (p / inner) % m, 3 their maxima, 4 their minima; every one of the m has positions.  Sums are the
 *             same whatever the number of threads is.
 * Gives -2, having written nothing, if code or layouts name what there is not. */
int k_vm(long n, const int32_t *code, int steps, int registers, const float *constants, int n_constants,
         int n_in, const void *const *in, const int64_t *in_layout, int n_out, void *const *out,
         const int64_t *out_layout);

/* -- convolution (conv.c) --
 *
 * `sizes` are 14 numbers: examples, groups, channels and filters of a group; then for both axes, each time
 * the vertical one first, the lengths of x, of the kernel, its strides, its dilations and the padding.  x is
 * (examples, groups * channels, ...), w (groups * filters, channels, ...), y and its cotangent g (examples,
 * groups * filters, windows ...). */

/* y = the cross-correlation of x with w. */
int k_conv(const float *x, const float *w, float *y, const long *sizes);

/* x = the adjoint by x. */
int k_conv_data(const float *g, const float *w, float *x, const long *sizes);

/* dw = the adjoint by w. */
int k_conv_weight(const float *x, const float *g, float *dw, const long *sizes);

/* k_conv, or k_conv_data `by_data`, for kernels of 3x3, one group, no strides and dilations, and padding of
 * up to 2 (winograd.c).  Gives 1, and something else than the adjoint is in y, if a result is not finite. */
int k_winograd(const float *x, const float *w, float *y, const long *sizes, int by_data);

/* k_conv_weight in the same way. */
int k_winograd_weight(const float *x, const float *g, float *dw, const long *sizes);

/* -- windows of pooling (pool2d.c) --
 *
 * `sizes` are 10 numbers, of the vertical and the horizontal axis each time: the lengths of the planes x, how
 * many windows there are, their lengths, strides and the padding.  A window may reach past the padded
 * plane. */

/* y = the maximum of each window, at least `lowest`; nan is passed over. */
int k_max_windows(const float *x, float *y, long planes, const long *sizes, float lowest);

/* The cotangent of x: each g added where x is first equal to y in the window. */
int k_max_windows_dx(const float *g, const float *y, const float *x, float *dx, long planes,
                     const long *sizes);

/* y = the sum of each window, over how many elements it has in the data (`count` 1), or in the data and the
 * padding (2), or over nothing (0). */
int k_sum_windows(const float *x, float *y, long planes, const long *sizes, int count);

/* The adjoint of k_sum_windows. */
int k_spread_windows(const float *g, float *dx, long planes, const long *sizes, int count);

/* -- by index (index.c): rows of `after` elements; a is (before, n, after), index (count), y (before, count,
 * after); what is outside of n counts on from the other end with `wrap`, and is moved to the ends
 * without it -- */

/* y[:, i] = a[:, index[i]]. */
void k_take(const float *a, const int64_t *index, float *y, long before, long n, long count, long after,
            int wrap);

/* The adjoint: y (before, n, after) is the sum of the rows of g (before, count, after) that belong to each
 * place, in their order. */
int k_add_taken(const float *g, const int64_t *index, float *y, long before, long n, long count, long after,
                int wrap);

/* The places, in order, of the k smallest numbers of each row of a (rows, n), or of the k greatest; equal
 * ones keep theirs, nan is the greatest.  k is at most n; above 1024 the result is -1. */
int k_first_places(const float *a, int64_t *places, long rows, long n, long k, int descends);

/* -- random words (random.c), of generators that are NumPy's (bitgen_t) of MT19937: generator i fills the
 * elements from i each to (i + 1) each, the last one up to n -- */

void k_words(void *const *generators, uint32_t *words, long n, long each);

/* The same as numbers in [0, 1). */
void k_units(void *const *generators, float *units, long n, long each);

/* Gaussian numbers of mean 0 and standard deviation 1: one from each pair of words that the polar method
 * accepts, or both of them (one generator only). */
void k_polar(void *const *generators, float *out, long n, long each, int both);

/* `scale` where the word, as a number in [0, 1), is less than `keep`, 0 elsewhere. */
void k_dropout_mask(void *const *generators, float *mask, long n, long each, float keep, float scale);

/* -- memory for NumPy's large arrays (memory.c) -- */

/* A PyDataMem_Handler that keeps large blocks for the next array; `inner`, the one there was, serves small
 * arrays and all that it gave itself.  Null where the system has no mmap. */
void *k_memory_handler(const void *inner);

/* At most so many bytes are kept; what is kept beyond goes back to the system, with 0 all of it. */
void k_memory_limit(int64_t bytes);

/* Five numbers: the limit, the bytes that are kept, that arrays have, the most they have had, and how many
 * blocks the system gave. */
void k_memory_figures(int64_t *figures);

/* -- relu (elemwise.c) -- */

/* The cotangent of relu's argument: g where the result y is positive, 0 elsewhere. */
void k_relu_dx(const float *g, const float *y, float *dx, long n);

#endif
