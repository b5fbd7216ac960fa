/* Products of matrices: 2 m n k operations.  A block of at most DEPTH numbers of each row of a and of each
 * column of b is packed at a time; the tiles of the product, and the packing of the next block, are parts for
 * threads.  On one core of a Xeon (Sapphire Rapids) matrices of 1,024 x 1,024 take 9 to 17 % longer than with
 * OpenBLAS 0.3.31, about 70 % of what the tiles alone reach, and those of a layer with a batch of 64 about
 * 10 % less. */
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "kernels.h"
#include "pool.h"

enum { DEPTH = 320, PANELS_A = 16, FEW = 8, CACHE_LINE = 64 };

float *k_room(size_t count)
{
    void *room;
    return posix_memalign(&room, CACHE_LINE, (count + LANES) * sizeof(float)) ? NULL : room;
}

void k_transposed(const float *s, long rows, long columns, long lds, float *d, long ldd)
{
    for (long j = 0; j < columns; j += LANES) {
        long n = columns - j < LANES ? columns - j : LANES;
        for (long i = 0; i < rows; i += LANES) {
            vf block[LANES];
            if (n == LANES && i + LANES <= rows)
#pragma GCC unroll 16
                for (int r = 0; r < LANES; r++)
                    block[r] = load(s + (i + r) * lds + j);
            else
                for (int r = 0; r < LANES; r++)
                    block[r] = i + r < rows ? load_some(s + (i + r) * lds + j, n, 0) : splat(0);
            transpose(block);
            if (n == LANES)
#pragma GCC unroll 16
                for (int r = 0; r < LANES; r++)
                    store(d + (j + r) * ldd + i, block[r]);
            else
                for (int r = 0; r < n; r++)
                    store(d + (j + r) * ldd + i, block[r]);
        }
    }
}

void k_pack_rows(const float *a, long lda, int transposed, long first, long rows, long depth, float *panel)
{
    long n = rows - first < TILE_ROWS ? rows - first : TILE_ROWS, k = 0;
    if (transposed && n == TILE_ROWS) {
        for (a += first; k < depth; k++, a += lda)
            memcpy(panel + k * TILE_ROWS, a, TILE_ROWS * sizeof *a);
        return;
    }
    if (!transposed)
        for (; k + LANES <= depth; k += LANES) {
            vf block[LANES];
#pragma GCC unroll 16
            for (int r = 0; r < LANES; r++)
                block[r] = r < n ? load(a + (first + r) * lda + k) : splat(0);
            transpose(block);
#pragma GCC unroll 16
            for (int r = 0; r < LANES; r++)
                memcpy(panel + (k + r) * TILE_ROWS, &block[r], TILE_ROWS * sizeof *a);
        }
    for (; k < depth; k++)
        for (long i = 0; i < TILE_ROWS; i++)
            panel[k * TILE_ROWS + i] =
                i >= n ? 0 : transposed ? a[k * lda + first + i] : a[(first + i) * lda + k];
}

void k_pack_columns(const float *b, long ldb, int transposed, long first, long columns, long depth,
                    float *panel)
{
    long n = columns - first < TILE_COLUMNS ? columns - first : TILE_COLUMNS;
    if (transposed) {
        long full = (n + LANES - 1) / LANES * LANES;
        k_transposed(b + first * ldb, n, depth, ldb, panel, TILE_COLUMNS);
        for (long k = 0; k < depth && full < TILE_COLUMNS; k++)
            for (long j = full; j < TILE_COLUMNS; j++)
                panel[k * TILE_COLUMNS + j] = 0;
        return;
    }
    for (long k = 0; k < depth; k++, panel += TILE_COLUMNS) {
        copy_floats(panel, b + k * ldb + first, n);
        for (long j = n; j < TILE_COLUMNS; j++)
            panel[j] = 0;
    }
}


struct product {
    int transpose_a, transpose_b, add;
    long m, n, k, lda, ldb, ldc, of_a, of_b;        /* of_a, of_b: panels */
    const float *a, *b;
    float *c, *rows[2], *columns[2];
    long depth, block, tiles;   /* of k; the block that is worked on, and how many parts its tiles are */
};

static long panels(long n, long width)
{
    return (n + width - 1) / width;
}

static long depth_of(const struct product *p, long block)
{
    long left = p->k - block * p->depth;
    return left < p->depth ? left : p->depth;
}

/* Whole panels of a matrix that is not transposed are not packed for a few panels of b only: their rows are
 * read side by side. */
static int is_read_in_place(const struct product *p, long i)
{
    return !p->transpose_a && p->of_b <= FEW && (i + 1) * TILE_ROWS <= p->m;
}

/* Packs part i of a block: a panel of b, or PANELS_A panels of a. */
static void pack(const struct product *p, long block, long i)
{
    long at = block * p->depth, depth = depth_of(p, block);
    const float *a = p->a + at * (p->transpose_a ? p->lda : 1);
    const float *b = p->b + at * (p->transpose_b ? 1 : p->ldb);
    if (i < p->of_b) {
        k_pack_columns(b, p->ldb, p->transpose_b, i * TILE_COLUMNS, p->n, depth,
                       p->columns[block & 1] + i * TILE_COLUMNS * depth);
        return;
    }
    long first = (i - p->of_b) * PANELS_A, end = first + PANELS_A < p->of_a ? first + PANELS_A : p->of_a;
    float *rows = p->rows[block & 1] + first * TILE_ROWS * depth;
    if (p->transpose_a && end * TILE_ROWS <= p->m)      /* all panels at once: a is read as it is stored */
        for (long k = 0; k < depth; k++)
            for (long j = 0; j < end - first; j++)
                memcpy(rows + (j * depth + k) * TILE_ROWS, a + k * p->lda + (first + j) * TILE_ROWS,
                       TILE_ROWS * sizeof *a);
    else
        for (; first < end; first++, rows += TILE_ROWS * depth)
            if (!is_read_in_place(p, first))
                k_pack_rows(a, p->lda, p->transpose_a, first * TILE_ROWS, p->m, depth, rows);
}

/* The tile of panels i and j; noinline, or the registers of the callers' loops go to memory inside. */
static __attribute__((noinline)) void one_tile(const struct product *p, long i, long j)
{
    vf t[TILE_ROWS][MOST_VECTORS];
    long rows = p->m - i * TILE_ROWS, columns = p->n - j * TILE_COLUMNS, depth = depth_of(p, p->block);
    int odd = p->block & 1, add = p->add || p->block;
    float *c = p->c + i * TILE_ROWS * p->ldc + j * TILE_COLUMNS;
    int whole = rows >= TILE_ROWS && columns >= TILE_COLUMNS;
    if (whole)
        for (int r = 0; r < TILE_ROWS; r++)
            for (int v = 0; v < 3; v++)
                __builtin_prefetch(c + r * p->ldc + v * LANES, 1);
    const float *a = p->rows[odd] + i * TILE_ROWS * depth, *b = p->columns[odd] + j * TILE_COLUMNS * depth;
    long row = 1, step = TILE_ROWS;
    if (is_read_in_place(p, i)) {
        a = p->a + i * TILE_ROWS * p->lda + p->block * p->depth;
        row = p->lda;
        step = 1;
    }
    if (columns > 2 * LANES)
        gemm_tile(TILE_ROWS, 3, depth, a, row, step, b, TILE_COLUMNS, t);
    else if (columns > LANES)
        gemm_tile(TILE_ROWS, 2, depth, a, row, step, b, TILE_COLUMNS, t);
    else
        gemm_tile(TILE_ROWS, 1, depth, a, row, step, b, TILE_COLUMNS, t);
    if (whole) {
#pragma GCC unroll 8
        for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 3
            for (int v = 0; v < 3; v++) {
                float *to = c + r * p->ldc + v * LANES;
                store(to, add ? load(to) + t[r][v] : t[r][v]);
            }
        return;
    }
    for (int r = 0; r < TILE_ROWS && r < rows; r++)
        for (int v = 0; v < 3 && v * LANES < columns; v++) {
            float *to = c + r * p->ldc + v * LANES;
            long n = columns - v * LANES < LANES ? columns - v * LANES : LANES;
            store_some(to, add ? load_some(to, n, 0) + t[r][v] : t[r][v], n);
        }
}

/* The tiles of a block of k, and the packing of the next one. */
static void work(void *context, long begin, long end)
{
    const struct product *p = context;
    long down = panels(p->of_a, PANELS_A);
    for (long part = begin; part < end; part++) {
        if (part >= p->tiles) {
            pack(p, p->block + 1, part - p->tiles);
            continue;
        }
        long i0 = part % down * PANELS_A, j = part / down;
        for (long i = i0; i < i0 + PANELS_A && i < p->of_a; i++)
            one_tile(p, i, j);
    }
}

int k_gemm(int transpose_a, int transpose_b, long m, long n, long k, const float *a, long lda, const float *b,
           long ldb, float *c, long ldc, int accumulate)
{
    long blocks = panels(k, DEPTH), depth = panels(k, blocks), of_a = panels(m, TILE_ROWS);
    long of_b = panels(n, TILE_COLUMNS), down = panels(of_a, PANELS_A);
    struct product p = {transpose_a, transpose_b, accumulate, m, n, k, lda, ldb, ldc, of_a, of_b, a, b, c,
                        {NULL}, {NULL}, depth, -1, 0};
    long rows = depth * of_a * TILE_ROWS, columns = depth * of_b * TILE_COLUMNS;
    float *room = k_room((size_t)(rows + columns) * (blocks > 1 ? 2 : 1));
    if (!room)
        return -1;
    for (int i = 0; i < 2; i++) {
        p.rows[i] = room + i * (rows + columns);
        p.columns[i] = p.rows[i] + rows;
    }
    int alone = (double)m * n * k < 1 << 19;
    for (; p.block < blocks; p.block++) {
        p.tiles = p.block < 0 ? 0 : down * of_b;
        long parts = p.tiles + (p.block + 1 < blocks ? down + of_b : 0);
        pool_run(work, &p, parts, alone ? parts : 1);
    }
    free(room);
    return 0;
}

struct products {
    int transpose_a, transpose_b, failed;
    long m, n, k;
    const float *a, *b;
    float *c;
};

static void some(void *context, long begin, long end)
{
    struct products *p = context;
    for (long i = begin; i < end; i++)
        if (k_gemm(p->transpose_a, p->transpose_b, p->m, p->n, p->k, p->a + i * p->m * p->k,
                   p->transpose_a ? p->m : p->k, p->b + i * p->k * p->n, p->transpose_b ? p->k : p->n,
                   p->c + i * p->m * p->n, p->n, 0))
            __atomic_store_n(&p->failed, 1, __ATOMIC_RELAXED);
}

int k_gemm_many(long count, int transpose_a, int transpose_b, long m, long n, long k, const float *a,
                const float *b, float *c)
{
    struct products p = {transpose_a, transpose_b, 0, m, n, k, a, b, c};
    if (count < 8)      /* few enough for threads to share each */
        some(&p, 0, count);
    else
        pool_run(some, &p, count, (1 << 19) / (m * n * k) + 1);
    return -p.failed;
}
