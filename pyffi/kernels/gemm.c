/* Products of matrices: 2 m n k operations.  A block of at most DEPTH numbers of each column of b is packed at
 * a time.  A part for a thread packs a few rows of a and computes tiles; the packing of the next block is parts,
 * too.  One core of a Xeon (Sapphire Rapids), whose tiles alone reach 115 to 135 billion operations a second,
 * computes 105 of matrices of 1,024 x 1,024 and 90 of those of a layer with a batch of 64. */
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "kernels.h"
#include "pool.h"

enum {
    DEPTH = 384,
    GROUP = 8,      /* panels of a that are packed together */
    FEW = 8,        /* panels of b; for no more a is not packed: its rows are read side by side */
    PARTS = 8,      /* that threads share, at least */
    ALONE = 1 << 19,        /* multiplications that are not worth a second thread */
    CACHE_LINE = 64,
    LINE = CACHE_LINE / 4
};

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

/* Packs rows [first, first + TILE_ROWS count) of a matrix (rows, depth) as panels (depth, TILE_ROWS), which
 * begin `apart` floats after each other; what is past its end is 0.  The matrix is stored (depth, rows) if
 * `transposed`, with rows of lda. */
static void pack_rows(const float *a, long lda, int transposed, long first, long rows, long depth, long count,
                      float *panel, long apart)
{
    long whole = (rows - first) / TILE_ROWS < count ? (rows - first) / TILE_ROWS : count, i = 0;
    if (transposed) {
        i = whole;
        for (long k = 0; k < depth; k++)        /* all panels at once: a is read as it is stored */
            for (long j = 0; j < whole; j++)
                memcpy(panel + j * apart + k * TILE_ROWS, a + k * lda + first + j * TILE_ROWS,
                       TILE_ROWS * sizeof *a);
    }
    for (; i < count; i += LANES / TILE_ROWS) {
        long row = first + i * TILE_ROWS, n = rows - row < LANES ? rows - row : LANES, k = 0;
        float *to = panel + i * apart;
        int both = i + 1 < count;
        if (!transposed)
            for (; k + LANES <= depth; k += LANES) {
                vf block[LANES];
#pragma GCC unroll 16
                for (int r = 0; r < LANES; r++)
                    block[r] = r < n ? load(a + (row + r) * lda + k) : splat(0);
                transpose(block);
#pragma GCC unroll 16
                for (int r = 0; r < LANES; r++)
                    for (int h = 0; h < LANES / TILE_ROWS; h++)
                        if (h == 0 || both)
                            memcpy(to + h * apart + (k + r) * TILE_ROWS, (float *)&block[r] + h * TILE_ROWS,
                                   TILE_ROWS * sizeof *a);
            }
        for (; k < depth; k++)
            for (long r = 0; r < (both ? LANES : TILE_ROWS); r++)
                to[r / TILE_ROWS * apart + k * TILE_ROWS + r % TILE_ROWS] =
                    r >= n ? 0 : transposed ? a[k * lda + row + r] : a[(row + r) * lda + k];
    }
}

/* Packs columns [first, first + n) of a matrix as a panel (depth, width), with zeros where it has more
 * columns.  The matrix is stored (columns, depth) if `transposed`, with rows of ldb. */
static void pack_columns(const float *b, long ldb, int transposed, long first, long n, long width, long depth,
                         float *panel)
{
    if (transposed) {
        k_transposed(b + first * ldb, n, depth, ldb, panel, width);
        return;
    }
    b += first;
    if (n == 3 * LANES)
        for (long k = 0; k < depth; k++, panel += 3 * LANES, b += ldb) {
            vf x = load(b), y = load(b + LANES), z = load(b + 2 * LANES);
            store(panel, x);
            store(panel + LANES, y);
            store(panel + 2 * LANES, z);
        }
    else
        for (long k = 0; k < depth; k++, panel += width, b += ldb) {
            long j = 0;
            for (; j + LANES <= n; j += LANES)
                store(panel + j, load(b + j));
            if (j < n)
                store(panel + j, load_some(b + j, n - j, 0));
        }
}

struct product {
    int transpose_a, transpose_b;
    long m, n, k, lda, ldb, ldc;
    float scale;
    const float *a, *b, *bias;
    float *c, *columns[2];      /* the packed panels of a block of k and of the next one */
    long of_a, of_b, vectors;   /* panels, and the vectors that those of b share */
    long groups, chunk, chunks; /* GROUP panels of a, `chunk` panels of b are a part */
    long depth, block, tiles;   /* of k; the block that is worked on, and how many parts its tiles are */
};

static long panels(long n, long width)
{
    return (n + width - 1) / width;
}

static long least(long a, long b)
{
    return a < b ? a : b;
}

static long depth_of(const struct product *p, long block)
{
    return least(p->depth, p->k - block * p->depth);
}

/* The vector that panel j of b begins with: panels have 3 or 2, or 1 if that is all there is. */
static long first_vector(const struct product *p, long j)
{
    return j * p->vectors / p->of_b;
}

static void pack(const struct product *p, long block, long j)
{
    long depth = depth_of(p, block), at = block * p->depth;
    long first = first_vector(p, j) * LANES, after = first_vector(p, j + 1) * LANES;
    pack_columns(p->b + at * (p->transpose_b ? 1 : p->ldb), p->ldb, p->transpose_b, first,
                 least(after, p->n) - first, after - first, depth, p->columns[block & 1] + first * depth);
}

/* A panel of a as it is read, a panel of b, and the tile of c. */
struct tile {
    const float *a, *b, *ahead, *from;          /* from: what the product is added to, or null */
    float *c;
    long row, step, depth, rows, columns, ldc, ld_from, stride;
    float scale;
};

INLINE void tile(const struct tile *s, int vectors)
{
    vf t[TILE_ROWS][MOST_VECTORS], scale = splat(s->scale);
    int whole = s->rows >= TILE_ROWS && s->columns == vectors * LANES;
    float *c = s->c;
    if (whole)
        for (int r = 0; r < TILE_ROWS; r++)
            for (int v = 0; v < vectors; v++)
                __builtin_prefetch(c + r * s->ldc + v * LANES, 1);
    gemm_tile_ahead(TILE_ROWS, vectors, s->depth, s->a, s->row, s->step, s->b, vectors * LANES, s->ahead,
                    s->stride, t);
    if (whole && s->from) {
#pragma GCC unroll 8
        for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                store(c + r * s->ldc + v * LANES,
                      load(s->from + r * s->ld_from + v * LANES) + scale * t[r][v]);
    } else if (whole) {
#pragma GCC unroll 8
        for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                store(c + r * s->ldc + v * LANES, scale * t[r][v]);
    } else {
        float u[TILE_ROWS][TILE_COLUMNS];       /* another array, or t does not stay in registers */
#pragma GCC unroll 8
        for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                store(u[r] + v * LANES, scale * t[r][v]);
        for (int r = 0; r < s->rows && r < TILE_ROWS; r++)
            for (int v = 0; v < vectors; v++) {
                long n = least(s->columns - v * LANES, LANES);
                const float *from = s->from ? s->from + r * s->ld_from + v * LANES : NULL;
                vf x = load(u[r] + v * LANES);
                if (n < LANES)
                    store_some(c + r * s->ldc + v * LANES, from ? load_some(from, n, 0) + x : x, n);
                else
                    store(c + r * s->ldc + v * LANES, from ? load(from) + x : x);
            }
    }
}

/* noinline, or the sums do not stay in registers. */
static __attribute__((noinline)) void tile_1(const struct tile *s)
{
    tile(s, 1);
}

static __attribute__((noinline)) void tile_2(const struct tile *s)
{
    tile(s, 2);
}

static __attribute__((noinline)) void tile_3(const struct tile *s)
{
    tile(s, 3);
}

/* What the tiles i, j of a part have time to fetch while they are computed: the panels of the next part. */
static const float *ahead_of(const struct product *p, long i, long i0, long j, long j0, long j1, int in_place,
                             long *stride)
{
    if (in_place && p->lda == p->depth) {
        *stride = panels(TILE_ROWS, j1 - j0);
        return p->a + (i + GROUP) * TILE_ROWS * p->lda + (j - j0) * *stride * p->depth;
    }
    long column = (i - i0) * LINE;
    if (p->transpose_a && j == j0 && column < GROUP * TILE_ROWS) {
        *stride = p->lda;
        column += (i0 + GROUP) * TILE_ROWS;
        return p->a + p->block * p->depth * p->lda + (column < p->m ? column : p->k * p->lda + column - p->m);
    }
    *stride = 0;
    return p->a;
}

/* Part of the tiles of a block. */
static void some_tiles(const struct product *p, long part)
{
    static void (*const of[])(const struct tile *) = {NULL, tile_1, tile_2, tile_3};
    long i0 = part % p->groups * GROUP, j0 = part / p->groups * p->chunk;
    long i1 = least(i0 + GROUP, p->of_a), j1 = least(j0 + p->chunk, p->of_b);
    long depth = depth_of(p, p->block), at = p->block * p->depth;
    float room[GROUP * (TILE_ROWS * DEPTH + LINE)] __attribute__((aligned(CACHE_LINE)));
    long apart = depth * TILE_ROWS + LINE;      /* not a multiple of a page */
    int in_place = !p->transpose_a && j1 - j0 <= FEW && i1 * TILE_ROWS <= p->m;
    struct tile s = {.row = 1, .step = TILE_ROWS, .depth = depth, .ldc = p->ldc, .scale = p->scale};
    if (in_place) {
        s.row = p->lda;
        s.step = 1;
    } else
        pack_rows(p->a + at * (p->transpose_a ? p->lda : 1), p->lda, p->transpose_a, i0 * TILE_ROWS, p->m,
                  depth, i1 - i0, room, apart);
    for (long j = j0; j < j1; j++) {
        long vector = first_vector(p, j), column = vector * LANES, vectors = first_vector(p, j + 1) - vector;
        s.b = p->columns[p->block & 1] + column * depth;
        s.columns = least(vectors * LANES, p->n - column);
        for (long i = i0; i < i1; i++) {
            s.a = in_place ? p->a + i * TILE_ROWS * p->lda + at : room + (i - i0) * apart;
            s.ahead = ahead_of(p, i, i0, j, j0, j1, in_place, &s.stride);
            s.rows = p->m - i * TILE_ROWS;
            s.c = p->c + i * TILE_ROWS * p->ldc + column;
            if (p->block) {
                s.from = s.c;
                s.ld_from = p->ldc;
            } else if (p->bias)
                s.from = p->bias + column;
            of[vectors](&s);
        }
    }
}

/* The tiles of a block of k, and the packing of the next one. */
static void work(void *context, long begin, long end)
{
    const struct product *p = context;
    for (long part = begin; part < end; part++)
        if (part < p->tiles)
            some_tiles(p, part);
        else
            pack(p, p->block + 1, part - p->tiles);
}

/* Computes p, whose operands are set; on one thread if `alone`.  -1 if there is no memory. */
static int multiply(struct product *p, int alone)
{
    p->of_a = panels(p->m, TILE_ROWS);
    p->vectors = panels(p->n, LANES);
    p->of_b = panels(p->vectors, 3);
    p->groups = panels(p->of_a, GROUP);
    p->chunk = alone || p->groups >= PARTS ? p->of_b : panels(p->of_b, PARTS / p->groups);
    p->chunks = panels(p->of_b, p->chunk);
    long blocks = panels(p->k, DEPTH);
    p->depth = panels(p->k, blocks);
    size_t each = (size_t)p->depth * p->vectors * LANES;
    float *room = k_room(each * (blocks > 1 ? 2 : 1));
    if (!room)
        return -1;
    p->columns[0] = room;
    p->columns[1] = room + each;
    for (p->block = -1; p->block < blocks; p->block++) {
        p->tiles = p->block < 0 ? 0 : p->groups * p->chunks;
        long parts = p->tiles + (p->block + 1 < blocks ? p->of_b : 0);
        if (alone)
            work(p, 0, parts);
        else
            pool_run(work, p, parts, 1);
    }
    free(room);
    return 0;
}

struct products {
    struct product first;
    int failed, alone;
};

static void some(void *context, long begin, long end)
{
    struct products *q = context;
    for (long i = begin; i < end; i++) {
        struct product p = q->first;
        p.a += i * p.m * p.k;
        p.b += i * p.k * p.n;
        p.c += i * p.m * p.n;
        if (multiply(&p, q->alone))
            __atomic_store_n(&q->failed, 1, __ATOMIC_RELAXED);
    }
}

int k_gemm(long count, int transpose_a, int transpose_b, long m, long n, long k, const float *a,
           const float *b, const float *bias, float scale, float *c)
{
    double work = (double)m * n * k;
    int many = count >= 8;      /* too many for threads to share each */
    struct products q = {{.transpose_a = transpose_a, .transpose_b = transpose_b, .m = m, .n = n, .k = k,
                          .lda = transpose_a ? m : k, .ldb = transpose_b ? k : n, .ldc = n, .scale = scale,
                          .a = a, .b = b, .bias = bias, .c = c}, 0, many || work < ALONE};
    if (many)
        pool_run(some, &q, count, (long)(ALONE / work) + 1);
    else
        some(&q, 0, count);
    return -q.failed;
}
