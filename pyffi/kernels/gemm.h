/* The inside of products of matrices: tiles that stay in registers, and panels packed for them. */
#ifndef MXK_GEMM_H
#define MXK_GEMM_H

#include <stddef.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "simd.h"

/* A tile of a product is TILE_ROWS x (3 * LANES), so that it, a row of b and a number of a fill the
 * registers; with 32 of them a tile of WIDE_ROWS x (4 * LANES) does, too. */
#if LANES == 16
enum { TILE_ROWS = 8, WIDE_ROWS = 6, MOST_VECTORS = 4 };
#else
enum { TILE_ROWS = 4, WIDE_ROWS = 0, MOST_VECTORS = 4 };
#endif
enum { TILE_COLUMNS = 3 * LANES };

/* t (rows, vectors) += the sum over k of a[i * row + k * step] * the vectors at b + k * ldb.  To be called
 * with constant `rows` and `vectors`, or the tile does not stay in registers.  If `ahead` is not null, the
 * line of the cache there is fetched, and for each further k the one `stride` floats after. */
INLINE void gemm_steps(int rows, int vectors, long depth, const float *a, long row, long step, const float *b,
                       long ldb, const float *ahead, long stride, vf t[][MOST_VECTORS])
{
#pragma GCC unroll 2
    for (long k = 0; k < depth; k++, a += step, b += ldb) {
        vf line[MOST_VECTORS];
        if (ahead) {
            __builtin_prefetch(ahead, 0, 2);
            ahead += stride;
        }
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            line[v] = load(b + v * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            vf x = splat(a[i * row]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                t[i][v] += x * line[v];
        }
    }
}

/* c (rows, vectors) = that sum. */
INLINE void gemm_tile(int rows, int vectors, long depth, const float *a, long row, long step, const float *b,
                      long ldb, vf c[][MOST_VECTORS])
{
    vf t[8][MOST_VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            t[i][v] = splat(0);
    gemm_steps(rows, vectors, depth, a, row, step, b, ldb, NULL, 0, t);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            c[i][v] = t[i][v];
}

/* The product of a panel of a (depth, TILE_ROWS) and a panel of b (depth, TILE_COLUMNS), both packed. */
INLINE void gemm_packed(long depth, const float *a, const float *b, vf c[TILE_ROWS][MOST_VECTORS])
{
    gemm_tile(TILE_ROWS, 3, depth, a, 1, TILE_ROWS, b, TILE_COLUMNS, c);
}

/* d[0:n] = s[0:n], for short n.  Masked vectors are narrow ones, and few: a load waits for a store before it
 * that the whole vector overlaps, be the elements masked or not. */
INLINE void copy_floats(float *d, const float *s, long n)
{
    long i = 0;
    for (; i + LANES <= n; i += LANES)
        store(d + i, load(s + i));
#if LANES == 16
    if (i + 8 <= n) {
        _mm256_storeu_ps(d + i, _mm256_loadu_ps(s + i));
        i += 8;
    }
    if (i < n) {
        __mmask8 some = (__mmask8)((1u << (n - i)) - 1);
        _mm256_mask_storeu_ps(d + i, some, _mm256_maskz_loadu_ps(some, s + i));
    }
#else
    for (; i < n; i++)
        d[i] = s[i];
#endif
}

/* d[0:n] += s[0:n], for short n. */
INLINE void add_floats(float *d, const float *s, long n)
{
    long i = 0;
    for (; i + LANES <= n; i += LANES)
        store(d + i, load(d + i) + load(s + i));
#if LANES == 16
    if (i + 8 <= n) {
        _mm256_storeu_ps(d + i, _mm256_loadu_ps(d + i) + _mm256_loadu_ps(s + i));
        i += 8;
    }
    if (i < n) {
        __mmask8 some = (__mmask8)((1u << (n - i)) - 1);
        __m256 sum = _mm256_maskz_loadu_ps(some, s + i) + _mm256_maskz_loadu_ps(some, d + i);
        _mm256_mask_storeu_ps(d + i, some, sum);
    }
#else
    for (; i < n; i++)
        d[i] += s[i];
#endif
}

/* r[i][j] = r[j][i] of LANES vectors: halves of blocks change places, for blocks of all sizes. */
INLINE void transpose(vf r[LANES])
{
#pragma GCC unroll 4
    for (int half = LANES / 2; half; half /= 2) {
        vi place = PLACES, low = place + (((place & half) != 0) & (LANES - half)), high = low + half;
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            if (!(i & half)) {
                vf a = r[i], b = r[i + half];
                r[i] = picked(a, b, low);
                r[i + half] = picked(a, b, high);
            }
    }
}

/* d (columns, ldd) = the transposed of s (rows, columns) with rows of lds, zeros where d has more columns
 * than s rows: its rows are written up to a multiple of LANES. */
void k_transposed(const float *s, long rows, long columns, long lds, float *d, long ldd);

/* Room for `count` floats, at a multiple of a cache line; NULL when there is none.  For free(). */
float *k_room(size_t count);

#endif
