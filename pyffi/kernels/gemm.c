/* Products of matrices: 2 m n k operations.  A block of at most DEPTH numbers of each column of b, or DEEP,
 * is packed at a time.  A part for a thread packs a few rows of a and computes tiles.  While b is small,
 * every thread packs for itself what its parts need: panels that another core has packed come no faster than
 * they are packed.  Then the packing of the next block is parts, too.  If c has few rows, as that of a layer
 * with a small batch, packing would cost as much as the tiles: then b, the weights, is read where it lies, in
 * tiles of c or, if b is transposed, of the transposed c.  So it is read if there are few products for each
 * of c's elements, as for the gradient of those weights, unless its rows crowd each other out of the cache.
 *
 * One core of a Xeon (Sapphire Rapids) that does 153 billion operations a second in multiply-adds, and 138 in
 * tiles alone, computes 105 of matrices of 1,024 x 1,024, 105 to 130 of a layer with a batch of 32 or 64,
 * forward and by data, and 105 to 125 of the gradient of its weights.  Two cores compute 1.5 to 1.8 times as
 * many, and 1.9 times as many of matrices of 1,024 x 1,024. */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "kernels.h"
#include "pool.h"

enum {
    DEPTH = 384,
    DEEP = 1024,    /* where few rows are packed, so that tiles are added up less often */
    GROUP = 8,      /* panels of a that are packed together */
    FEW = 8,        /* panels of b; for no more a is not packed: its rows are read side by side */
    PARTS = 8,      /* that threads share, at least */
    ALONE = 1 << 19,        /* multiplications that are not worth a second thread */
    OWN = 1 << 18,  /* floats of b that each thread packs for itself */
    LOW = 64,       /* rows of a; for no more b is not packed */
    SETS = 64,      /* of the first cache, */
    CROWD = 8,      /* and the lines in one of them that leave room for others */
    AHEAD = 12,     /* rows that are fetched before they are packed */
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
    for (long i = 0; i < rows; i += LANES) {
        for (long j = 0; j < columns; j += LANES) {
            long n = columns - j < LANES ? columns - j : LANES;
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
        for (long k = 0; k < depth; k++) {      /* all panels at once: a is read as it is stored */
            for (long j = 0; j < whole; j += LANES / TILE_ROWS)
                __builtin_prefetch(a + (k + AHEAD) * lda + first + j * TILE_ROWS);
            for (long j = 0; j < whole; j++)
                memcpy(panel + j * apart + k * TILE_ROWS, a + k * lda + first + j * TILE_ROWS,
                       TILE_ROWS * sizeof *a);
        }
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
            for (int line = 0; line < 3; line++)
                __builtin_prefetch(b + AHEAD * ldb + line * LANES);
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
    int turned;                 /* c is stored (n, m) */
    int direct;                 /* whole panels of b are read where they lie */
    int alone;
    long m, n, k, lda, ldb, ldc;
    float scale;
    const float *a, *b, *bias;
    int relu;
    const float *gate;          /* null, or in c's layout */
    float *sums;                /* of each row of a, or null */
    float *c, *columns[2];      /* the packed panels of a block of k and of the next one */
    long of_a, of_b, vectors;   /* panels, and the vectors that those of b share */
    long packs;                 /* panels of b that are packed, the last ones */
    long groups, chunk, chunks; /* GROUP panels of a, `chunk` panels of b are a part */
    long depth, blocks, tiles;  /* of k, and how many parts the tiles of a block are */
    float *own;                 /* of each thread: packed panels of b and of a, */
    long *marks;                /* which those of a are, and whether those of b are there */
    size_t own_floats, own_marks;
    _Atomic long packed;        /* panels of all blocks */
    _Atomic long *finished;     /* blocks of each part of the tiles */
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

static void pack(const struct product *p, long block, long j, float *columns)
{
    long depth = depth_of(p, block), at = block * p->depth;
    long first = first_vector(p, j) * LANES, after = first_vector(p, j + 1) * LANES;
    pack_columns(p->b + at * (p->transpose_b ? 1 : p->ldb), p->ldb, p->transpose_b, first,
                 least(after, p->n) - first, after - first, depth, columns + first * depth);
}

/* A panel of a as it is read, a panel of b, and the tile of c. */
struct tile {
    const float *a, *b, *from;          /* from: what the product is added to, or null */
    const float *ahead;                 /* rows of a that is read in place, to be fetched meanwhile */
    long ahead_step;
    float *c;
    long row, ldb, depth, rows, columns, ldc, ld_from;
    float scale;
};

INLINE void tile(const struct tile *s, int vectors, int in_place)
{
    long row = in_place ? s->row : 1, step = in_place ? 1 : TILE_ROWS;
    vf t[TILE_ROWS][MOST_VECTORS], scale = splat(s->scale);
    int whole = s->rows >= TILE_ROWS && s->columns == vectors * LANES;
    float *c = s->c;
    const float *a = s->a, *b = s->b;
#pragma GCC unroll 8
    for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            t[r][v] = splat(0);
    /* c is fetched two rows at a time, so that it does not keep b waiting, and late, so that b does not drive it
     * out again */
    for (long r = 0, k = 0; r < TILE_ROWS; r++) {
        long next = s->depth * (r + 1) / TILE_ROWS, n = next - k;
        for (int h = 0; h < 2 && r >= TILE_ROWS / 2; h++)
            for (int v = 0; v < vectors; v++)
                __builtin_prefetch(c + least(2 * r - TILE_ROWS + h, s->rows) * s->ldc + v * LANES, 1);
        gemm_steps(TILE_ROWS, vectors, n, a, row, step, b, s->ldb, in_place ? s->ahead + r * row : NULL,
                   s->ahead_step, t);
        a += n * step;
        b += n * s->ldb;
        k = next;
    }
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
#define TILE(vectors)                                                                   \
    static __attribute__((noinline)) void packed_##vectors(const struct tile *s)        \
    {                                                                                   \
        tile(s, vectors, 0);                                                            \
    }                                                                                   \
    static __attribute__((noinline)) void in_place_##vectors(const struct tile *s)      \
    {                                                                                   \
        tile(s, vectors, 1);                                                            \
    }
TILE(1)
TILE(2)
TILE(3)

/* c (columns, ldc) = scale * the transposed of u (LANES, TILE_COLUMNS), plus `from`, for `rows` rows of u. */
static void store_turned(const struct tile *s, float (*u)[TILE_COLUMNS], long rows)
{
    vf scale = splat(s->scale);
    for (long j = 0; j < s->columns; j += LANES) {
        vf block[LANES];
#pragma GCC unroll 16
        for (int r = 0; r < LANES; r++)
            block[r] = load(u[r] + j);
        transpose(block);
        for (int r = 0; r < LANES && j + r < s->columns; r++) {
            float *c = s->c + (j + r) * s->ldc;
            const float *from = s->from ? s->from + (j + r) * s->ld_from : NULL;
            vf x = scale * block[r];
            if (rows < LANES)
                store_some(c, from ? load_some(from, rows, 0) + x : x, rows);
            else
                store(c, from ? load(from) + x : x);
        }
    }
}

/* What becomes of rows of c at last. */
static void finish(const struct product *p, float *c, long rows, long columns)
{
    const float *gate = p->gate ? p->gate + (c - p->c) : NULL;
    for (long r = 0; r < rows; r++, c += p->ldc, gate += gate ? p->ldc : 0)
        for (long j = 0; j < columns; j += LANES) {
            long n = least(columns - j, LANES);
            vf x = n < LANES ? load_some(c + j, n, 0) : load(c + j);
            if (p->relu)
                x = greater(x, splat(0));
            if (gate)
                x = choose((n < LANES ? load_some(gate + j, n, 0) : load(gate + j)) > 0, x, splat(0));
            if (n < LANES)
                store_some(c + j, x, n);
            else
                store(c + j, x);
        }
}

/* Adds to sums what `count` packed panels of rows, from `first` on, have in their rows. */
static void add_rows(const struct product *p, long first, long count, const float *panel, long apart,
                     long depth)
{
    for (long i = 0; i < count; i++, panel += apart) {
        float *sums = p->sums + (first + i) * TILE_ROWS;
        vf even = splat(0), odd = splat(0);
        long whole = depth * TILE_ROWS / LANES, k = 0;      /* LANES / TILE_ROWS columns are a vector */
        for (; k + 2 <= whole; k += 2) {
            even += load(panel + k * LANES);
            odd += load(panel + (k + 1) * LANES);
        }
        float all[LANES], rest[LANES] = {0};
        if (k < whole)
            even += load(panel + k * LANES);
        memcpy(rest, panel + whole * LANES, (depth * TILE_ROWS - whole * LANES) * sizeof *rest);
        store(all, even + odd + load(rest));
        for (long r = 0; r < TILE_ROWS && r < p->m - (first + i) * TILE_ROWS; r++)
            for (int h = 0; h < LANES / TILE_ROWS; h++)
                sums[r] += all[h * TILE_ROWS + r];
    }
}

static long floats_of_rows(long depth)
{
    return depth * TILE_ROWS + LINE;    /* not a multiple of a page */
}

/* Part of the tiles of a block.  `packed` are the columns of the block, `rows` is room for those of a, and
 * `tag` says which of them are there. */
static void some_tiles(const struct product *p, long block, long part, const float *packed, float *rows,
                       long *tag)
{
    static void (*const of[2][4])(const struct tile *) = {
        {NULL, packed_1, packed_2, packed_3}, {NULL, in_place_1, in_place_2, in_place_3}};
    long i0 = part / p->chunks * GROUP, j0 = part % p->chunks * p->chunk;
    long i1 = least(i0 + GROUP, p->of_a), j1 = least(j0 + p->chunk, p->of_b);
    long depth = depth_of(p, block), at = block * p->depth;
    long apart = floats_of_rows(depth), these = 1 + part / p->chunks * p->blocks + block;
    int in_place = !p->transpose_a && j1 - j0 <= FEW && i1 * TILE_ROWS <= p->m;
    struct tile s = {.row = p->lda, .depth = depth, .ldc = p->ldc, .scale = p->scale};
    if (!in_place && *tag != these) {
        pack_rows(p->a + at * (p->transpose_a ? p->lda : 1), p->lda, p->transpose_a, i0 * TILE_ROWS, p->m,
                  depth, i1 - i0, rows, apart);
        *tag = these;
    }
    if (p->sums && !j0) {
        if (!block)
            memset(p->sums + i0 * TILE_ROWS, 0, (least(i1 * TILE_ROWS, p->m) - i0 * TILE_ROWS) * sizeof *p->sums);
        add_rows(p, i0, i1 - i0, rows, apart, depth);
    }
    int last = (p->relu || p->gate) && block + 1 == p->blocks;
    for (long j = j0; j < j1; j++) {
        long vector = first_vector(p, j), column = vector * LANES, vectors = first_vector(p, j + 1) - vector;
        if (p->direct && j < p->of_b - p->packs) {
            s.b = p->b + at * p->ldb + column;
            s.ldb = p->ldb;
        } else {
            s.b = packed + column * depth;
            s.ldb = vectors * LANES;
        }
        s.columns = least(vectors * LANES, p->n - column);
        for (long i = i0; i < i1; i++) {
            long row = i * TILE_ROWS;
            s.a = in_place ? p->a + row * p->lda + at : rows + (i - i0) * apart;
            s.rows = p->m - row;
            s.ahead = s.a + GROUP * TILE_ROWS * p->lda;
            s.ahead_step = j == j0 ? TILE_ROWS : 0;
            s.c = p->turned ? p->c + column * p->ldc + row : p->c + row * p->ldc + column;
            if (block) {
                s.from = s.c;
                s.ld_from = p->ldc;
            } else if (p->bias)
                s.from = p->bias + (p->turned ? row : column);
            if (!p->turned) {
                of[in_place][vectors](&s);
                if (last)
                    finish(p, s.c, least(s.rows, TILE_ROWS), s.columns);
                continue;
            }
            float u[LANES][TILE_COLUMNS] __attribute__((aligned(CACHE_LINE)));
            struct tile half = s;
            half.from = NULL;
            half.scale = 1;
            half.columns = vectors * LANES;
            half.rows = TILE_ROWS;
            half.ldc = TILE_COLUMNS;
            for (int h = 0; h < LANES / TILE_ROWS; h++) {
                half.c = u[h * TILE_ROWS];
                if (h) {
                    if (i + 1 == i1)
                        break;
                    i++;
                    half.a += in_place ? TILE_ROWS * p->lda : apart;
                }
                of[in_place][vectors](&half);
            }
            long n = least(p->m - row, (i + 1) * TILE_ROWS - row);
            store_turned(&s, u, n);
            if (last)
                finish(p, s.c, s.columns, n);
        }
    }
}

/* Until *n is `enough`; another thread computes what is missing. */
static void wait_for(_Atomic long *n, long enough)
{
    while (atomic_load_explicit(n, memory_order_acquire) < enough)
        sched_yield();
}

/* Parts of c, by a thread that packs for itself what they need. */
static void own_tiles(void *context, long begin, long end)
{
    const struct product *p = context;
    int self = p->alone ? 0 : pool_place();
    long *tag = p->marks + self * p->own_marks;
    for (long part = begin; part < end; part++)
        for (long block = 0; block < p->blocks; block++) {
            float *columns = p->own + self * p->own_floats + block * p->depth * p->vectors * LANES;
            long *is_packed = tag + 1 + block * p->of_b;
            long from = part % p->chunks * p->chunk, to = least(from + p->chunk, p->of_b);
            for (long j = from; j < to; j++)
                if (j >= p->of_b - p->packs && !is_packed[j]) {
                    pack(p, block, j, columns);
                    is_packed[j] = 1;
                }
            float *rows = p->own + (self + 1) * p->own_floats - GROUP * floats_of_rows(p->depth);
            some_tiles(p, block, part, columns, rows, tag);
        }
}

/* -1 if there is no memory. */
static int multiply_own(struct product *p, size_t floats)
{
    int threads = p->alone ? 1 : k_threads();
    p->own_floats = floats + GROUP * floats_of_rows(p->depth);
    p->own_marks = panels(1 + p->blocks * p->of_b, LINE) * LINE;
    size_t marks = threads * p->own_marks * sizeof *p->marks;
    p->own = k_room(threads * p->own_floats + marks / sizeof(float));
    if (!p->own)
        return -1;
    p->marks = (long *)(p->own + threads * p->own_floats);
    memset(p->marks, 0, marks);
    if (p->alone)
        own_tiles(p, 0, p->tiles);
    else
        pool_run_most(own_tiles, p, p->tiles, 1, threads);
    free(p->own);
    return 0;
}

/* The parts are, in this order: the packing of the first block; for each block its tiles and the packing of
 * the next.  So what a part needs began before it, and seldom makes it wait. */
static void work(void *context, long begin, long end)
{
    struct product *p = context;
    for (long part = begin; part < end; part++) {
        long all = p->tiles + p->packs, block = (part + p->tiles) / all, q = (part + p->tiles) % all;
        /* the tiles of block - 1, or the packing of `block` */
        if (q >= p->tiles) {
            for (long i = 0; block > 1 && i < p->tiles; i++)
                wait_for(p->finished + i, block - 1);
            pack(p, block, p->of_b - p->packs + q - p->tiles, p->columns[block & 1]);
            wait_for(&p->packed, block * p->packs);     /* before this one counts, those of the last block */
            atomic_fetch_add_explicit(&p->packed, 1, memory_order_release);
        } else {
            block--;
            wait_for(&p->packed, (block + 1) * p->packs);
            wait_for(p->finished + q, block);
            float rows[GROUP * (TILE_ROWS * DEPTH + LINE)] __attribute__((aligned(CACHE_LINE)));
            some_tiles(p, block, q, p->columns[block & 1], rows, &(long){0});
            atomic_store_explicit(p->finished + q, block + 1, memory_order_release);
        }
    }
}

/* Computes p, whose operands are set.  -1 if there is no memory. */
static int multiply(struct product *p)
{
    p->of_a = panels(p->m, TILE_ROWS);
    p->vectors = panels(p->n, LANES);
    p->of_b = panels(p->vectors, 3);
    p->packs = !p->direct ? p->of_b : p->n % LANES != 0;
    p->groups = panels(p->of_a, GROUP);
    p->chunk = p->alone || p->groups >= PARTS ? p->of_b : panels(p->of_b, PARTS / p->groups);
    p->chunks = panels(p->of_b, p->chunk);
    p->tiles = p->groups * p->chunks;
    int own = (size_t)p->k * p->vectors * LANES <= OWN;
    p->blocks = panels(p->k, own && p->turned ? DEEP : DEPTH);
    p->depth = panels(panels(p->k, p->blocks), LANES) * LANES;       /* so that rows stay aligned */
    size_t each = (size_t)p->depth * p->vectors * LANES;
    if (own)
        return multiply_own(p, p->packs ? each * p->blocks : 0);
    float *room = p->packs ? k_room(each * (p->blocks > 1 ? 2 : 1)) : NULL;
    p->finished = calloc(p->tiles, sizeof *p->finished);
    int failed = (p->packs && !room) || !p->finished;
    if (!failed) {
        p->columns[0] = room;
        p->columns[1] = room + each;
        long parts = p->blocks * (p->tiles + p->packs);
        if (p->alone)
            work(p, 0, parts);
        else
            pool_run_in_order(work, p, parts, 1);
    }
    free((void *)p->finished);
    free(room);
    return -failed;
}

/* How many of `rows` rows, `apart` floats from each other, share a set of the first cache. */
static long in_a_set(long rows, long apart)
{
    long lines = apart / LINE, step = apart % LINE ? 1 : lines & -lines;
    return panels(rows * least(step, SETS), SETS);
}

struct products {
    struct product first;
    int failed;
};

static void some(void *context, long begin, long end)
{
    struct products *q = context;
    for (long i = begin; i < end; i++) {
        struct product p = q->first;
        p.a += i * p.m * p.k;
        p.b += i * p.k * p.n;
        p.c += i * p.m * p.n;
        if (p.gate)
            p.gate += i * p.m * p.n;
        if (multiply(&p))
            __atomic_store_n(&q->failed, 1, __ATOMIC_RELAXED);
    }
}

int k_gemm(long count, int transpose_a, int transpose_b, long m, long n, long k, const float *a,
           const float *b, const float *bias, float scale, float *c, int relu, const float *gate, float *sums)
{
    double work = (double)m * n * k;
    int many = count >= 8;      /* too many for threads to share each */
    struct product p = {.transpose_a = transpose_a, .transpose_b = transpose_b, .m = m, .n = n, .k = k,
                        .lda = transpose_a ? m : k, .ldb = transpose_b ? k : n, .ldc = n, .scale = scale,
                        .a = a, .b = b, .bias = bias, .c = c, .alone = many || work < ALONE,
                        .relu = relu, .gate = gate, .sums = sums};
    if (m <= LOW && m < n && !transpose_a && transpose_b) {
        /* the transposed product, of b as it lies and a's few rows as columns */
        p.turned = 1;
        p.a = b, p.b = a;
        p.m = n, p.n = m;
    } else
        p.direct = !transpose_b && (m <= LOW || (k <= LOW && in_a_set(k, n) <= CROWD));
    struct products q = {p, 0};
    if (many)
        pool_run(some, &q, count, (long)(ALONE / work) + 1);
    else
        some(&q, 0, count);
    return -q.failed;
}
