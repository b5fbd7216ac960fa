/* Recurrent layers through time, and back.
 *
 * The weights are packed once into panels, which stay in the processor's cache while all steps use them.
 * Going forward, a tile is the product of a few rows of inputs and states with a panel, and the gates of
 * these rows and units follow at once: what the inputs give is never in memory.  Going back, a tile is the
 * product of a few rows of a step's cotangents, and the gates of the step before follow.  The cotangents of
 * some steps stay in the cache until they are multiplied with the inputs and states, for the gradients of the
 * weights; beside them stay the states, which are read column by column then: in memory their rows may lie in
 * a few sets of the cache.
 *
 * With gates of `size` units, a step forward takes 2 gates batch size (inputs + size) operations in products
 * and reads the packed weights, 4 gates size (inputs + size) bytes, from the second-level cache once for each
 * ROWS rows; back it takes twice as many, less what the inputs' cotangents would take if they are not wanted.
 *
 * One core of a Xeon (Sapphire Rapids), whose tiles alone reach 138 billion operations a second, computes 98
 * of an LSTM of 28 to 128 units, batch 64, forward, and 111 back: a sixth of the time is the gates', which
 * wait for the memory that they are kept in.  Two cores compute 175 and 185 of one of 128 to 256 units, batch
 * 32. */
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "kernels.h"
#include "pool.h"

/* What the registers hold: ROWS x VECTORS sums, a row of a panel, and an element of what it is multiplied
 * with. */
enum { ROWS = LANES == 16 ? WIDE_ROWS : 2, VECTORS = MOST_VECTORS, WIDTH = VECTORS * LANES };
enum { PART = 1 << 18 };        /* multiplications that are worth a part of their own */
enum { KEPT = 192 };            /* rows of cotangents that are multiplied at once, with what is in the cache */

/* -- products -- */

/* The sum over `count` blocks of the products of rows of a, a[i * row + k * step], with `depth` rows of b. */
struct span {
    const float *a, *b;
    long row, step, depth, ldb, count, a_apart, b_apart;
};

INLINE void tile(int rows, int vectors, const struct span *s, int spans, const float *first, long first_row,
                 float *c, long ldc, const float *ahead, long stride)
{
    vf t[8][VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            t[i][v] = load(first + i * first_row + v * LANES);
    for (const struct span *end = s + spans; s < end; s++) {
        const float *a = s->a, *b = s->b;
        for (long i = 0; i < s->count; i++, a += s->a_apart, b += s->b_apart, ahead += s->depth * stride)
            gemm_steps(rows, vectors, s->depth, a, s->row, s->step, b, s->ldb, ahead, stride, t);
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            store(c + i * ldc + v * LANES, t[i][v]);
}

/* c (rows, vectors) = the sums of all spans, added to the rows at `first`.  For each row of b memory is
 * fetched, from `ahead` on.  noinline, or the sums do not stay in registers. */
static __attribute__((noinline)) void product(const struct span *s, int spans, const float *first,
                                              long first_row, float *c, long ldc, long rows, int vectors,
                                              const float *ahead, long stride)
{
#define CASE(r, v) case (r) * 8 + (v): tile(r, v, s, spans, first, first_row, c, ldc, ahead, stride); break;
#define CASES(r) CASE(r, 1) CASE(r, 2) CASE(r, 3) CASE(r, 4)
    switch (rows * 8 + vectors) {
    CASES(1) CASES(2)
#if LANES == 16
    CASES(3) CASES(4) CASES(5) CASES(6)
#endif
    }
}

static const float ZEROS[WIDTH];

/* -- layers -- */

struct layer;

/* What a kind of layer is.  The units are in panels: a panel has LANES units of each gate, or WIDTH units
 * where there is one gate only.  A row of cotangents has VECTORS vectors of each panel.  As many as there are
 * gates, from `in` on, are those of what the inputs give, and from `state` on of what the states do.  The
 * latter are in the order of the gates, the former begin with gate `in_turn`. */
struct kind {
    int gates, in, in_turn, state;
    /* The gates for some rows and the units that a vector takes, from their sums, which are no longer needed;
     * for a kind with `apart`, from those of the inputs and of the states. */
    void (*cell)(const struct layer *layer, vf (*sums)[VECTORS], vf (*state_sums)[VECTORS], long row,
                 long rows, long unit);
    /* Back; `sums` are what the step after gives.  After the first step it is called with t = -1. */
    void (*cell_dx)(const struct layer *layer, const vf (*sums)[VECTORS], long row, long rows, long unit);
    int apart;
};

/* Panels of weights: going forward a row of biases, and (depth, vectors) of the units of a panel; going back
 * (depth, up to VECTORS vectors), of which all have about as many. */
struct panels {
    float *memory;
    long depth, columns, count;
};

/* A layer in one direction, in forward's and backward's names; what a kind does not have is null. */
struct layer {
    const struct kind *kind;
    long steps, batch, inputs, size, t;
    long x_step, x_row, h_step, h_row;      /* between steps and examples of x and dx, and of hs and gh */
    int at_rest;                    /* whether the first states are 0, and, forward, the weights finite */
    long count;                     /* panels of units */
    long groups;                    /* of panels, each of which is a thread's */
    struct panels of_x, of_h;
    const float *x;
    const float *h, *c;             /* the first states (batch, size) */
    const float *from;              /* the states that a step begins with, in rows of from_row */
    long from_row;
    const uint8_t *inside;          /* (steps, batch) */
    float *hs, *cs, *gates;
    const float *gh, *gc;
    const float *hs_seen, *cs_seen, *gates_seen;
    float *dx, *dh, *dc;            /* dh, dc (batch, size): what reaches a step past the product */
    int any;                        /* whether there is a step after */
    /* Rows of cotangents: of each panel of units those of `slots` steps, in the slots in turn.  A slot is
     * complete when the step before has added the states that its step began with, in rows of
     * `states_row`. */
    float *d, *states;
    long slots, slot, after, states_row;       /* the slots of step t, and of the step after */
    float *dw_in, *dw, *db;         /* by panels: (inputs, each), (size, each), (WIDTH) */
};

static int vectors_of(const struct kind *kind)
{
    return kind->gates > 1 ? kind->gates : VECTORS;
}

/* The unit that vector v of panel p begins with. */
static long unit_of(const struct kind *kind, long p, int v)
{
    return (kind->gates > 1 ? p : p * VECTORS + v) * LANES;
}

static long least(long a, long b)
{
    return a < b ? a : b;
}

static int all_zero(const float *p, long n)
{
    for (long i = 0; i < n; i++)
        if (p[i] != 0)
            return 0;
    return 1;
}

/* Whether a lane is nan: of sums of products with 0 one is where a number was not finite. */
INLINE int has_nan(vf v)
{
    return any(v != v);
}

static long tiles_of(const struct layer *s)
{
    return (s->batch + ROWS - 1) / ROWS;
}

/* The first element of slot `slot` of panel p. */
static float *cotangents(const struct layer *s, long p, long slot)
{
    return s->d + (p * s->slots + slot) * s->batch * WIDTH;
}

/* The states that the step of slot `slot` began with. */
static float *states_of(const struct layer *s, long slot)
{
    return s->states + slot * s->batch * s->states_row;
}

/* -- packing -- */

struct packing {
    const struct layer *layer;
    const struct panels *to;
    const float *w, *b, *b_more;    /* the weights (gates size, depth or columns), and what the sums begin with */
    int turn;
    _Atomic int infinite;           /* set where a weight is not finite */
};

/* The vectors [begin, end) of the panels for the way forward: a row of biases and the transposed weights. */
static void pack(void *context, long begin, long end)
{
    struct packing *c = context;
    const struct layer *s = c->layer;
    int vectors = vectors_of(s->kind);
    long depth = c->to->depth, across = vectors * LANES;
    for (long item = begin; item < end; item++) {
        long p = item / vectors, v = item % vectors, unit = unit_of(s->kind, p, (int)v);
        long n = least(s->size - unit, LANES), column = (s->kind->gates > 1 ? v * s->size : 0) + unit;
        float *out = c->to->memory + p * (1 + depth) * across + v * LANES;
        for (long k = 0; n < LANES && k <= depth; k++)
            store(out + k * across, splat(0));
        if (n <= 0)
            continue;
        for (long i = 0; i < n; i++)
            out[i] = c->b ? c->b[column + i] + (c->b_more ? c->b_more[column + i] : 0) : 0;
        k_transposed(c->w + column * depth, n, depth, depth, out + across, across);
        vf zeros = splat(0);
        for (long k = 1; k <= depth; k++)
            zeros += load(out + k * across) * 0.0f;
        if (has_nan(zeros))
            c->infinite = 1;
    }
}

/* -1 if there is no memory, 1 if a weight is not finite, else 0. */
static int make_panels(const struct layer *s, struct panels *to, long depth, const float *w, const float *b,
                       const float *b_more)
{
    long vectors = s->count * vectors_of(s->kind);
    *to = (struct panels){.depth = depth, .memory = k_room((size_t)(1 + depth) * (size_t)vectors * LANES)};
    if (!to->memory)
        return -1;
    struct packing packing = {s, to, w, b, b_more, 0, 0};
    pool_run(pack, &packing, vectors, 32768 / (depth * LANES) + 1);
    return packing.infinite;
}

/* The vector of columns that panel q begins with. */
static long first_of(const struct panels *s, long q)
{
    return q * ((s->columns + LANES - 1) / LANES) / s->count;
}

/* Panels for the way back: of the weights' rows in the order of a row of cotangents, with zeros where there
 * are no units.  Item by item the rows of a panel of units, in a panel of columns. */
static void pack_back(void *context, long begin, long end)
{
    const struct packing *c = context;
    const struct layer *s = c->layer;
    const struct panels *to = c->to;
    int each = vectors_of(s->kind);
    for (long item = begin; item < end; item++) {
        long q = item / s->count, p = item % s->count, first = first_of(to, q);
        long width = (first_of(to, q + 1) - first) * LANES, n = least(width, to->columns - first * LANES);
        float *out = to->memory + first * LANES * to->depth + p * each * LANES * width;
        for (int v = 0; v < each; v++) {
            long unit = unit_of(s->kind, p, v), gate = (v + c->turn) % s->kind->gates;
            const float *from = c->w + (gate * s->size + unit) * to->columns + first * LANES;
            for (long i = 0; i < LANES; i++, out += width, from += to->columns) {
                long some = unit + i < s->size ? n : 0;
                copy_floats(out, from, some);
                memset(out + some, 0, (size_t)(width - some) * sizeof *out);
            }
        }
    }
}

static int make_panels_back(const struct layer *s, struct panels *to, long columns, const float *w, int turn)
{
    long vectors = (columns + LANES - 1) / LANES, depth = s->count * vectors_of(s->kind) * LANES;
    *to = (struct panels){.depth = depth, .columns = columns, .count = (vectors + VECTORS - 1) / VECTORS,
                          .memory = k_room((size_t)depth * (size_t)vectors * LANES)};
    if (!to->memory)
        return -1;
    struct packing packing = {s, to, w, NULL, NULL, turn, 0};
    pool_run(pack_back, &packing, to->count * s->count, 32768 / (WIDTH * WIDTH) + 1);
    return 0;
}

/* -- steps -- */

/* Where the units of an example are: in (batch, size), in (steps, batch, size), and in the states after
 * steps. */
INLINE long here(const struct layer *s, long row, long unit)
{
    return row * s->size + unit;
}

INLINE long now(const struct layer *s, long row, long unit)
{
    return (s->t * s->batch + row) * s->size + unit;
}

INLINE long state(const struct layer *s, long row, long unit)
{
    return s->t * s->h_step + row * s->h_row + unit;
}

/* Where an item of a loop is: a tile of rows, and a panel.  Each thread has the panels of a group, which stay
 * in its core's cache, and goes through them for each tile, so that what is kept of some examples is written
 * together. */
struct item {
    long panel, row, rows;
};

INLINE struct item item_of(const struct layer *s, long panels, long item)
{
    long tiles = tiles_of(s), groups = least(s->groups, panels), group = 0;
    while (item >= (group + 1) * panels / groups * tiles)
        group++;
    long first = group * panels / groups, count = (group + 1) * panels / groups - first;
    item -= first * tiles;
    long tile = item / count, row = tile * s->batch / tiles;
    return (struct item){first + item % count, row, (tile + 1) * s->batch / tiles - row};
}

/* Where the gates of the rows from `row` on are, or that share of them that is to be fetched while one of
 * `parts` tiles is computed; `stride` is how far to go for each row of a panel.  That is for one thread: of
 * several each writes and reads but a part of these rows. */
INLINE const float *next_gates(const struct layer *s, const float *gates, long row, long part, long parts,
                               long depth, long *stride)
{
    long share = 4 * s->size * ROWS / parts;
    int none = !gates || s->groups > 1;
    *stride = none ? 0 : share / depth + 1;
    return none ? ZEROS : gates + 4 * now(s, row, 0) + part * share;
}

static void step(void *context, long begin, long end)
{
    const struct layer *s = context;
    const struct kind *kind = s->kind;
    int vectors = vectors_of(kind);
    long across = vectors * LANES;
    for (long item = begin; item < end; item++) {
        struct item at = item_of(s, s->count, item);
        long p = at.panel, row = at.row, rows = at.rows;
        const float *b[2] = {s->of_x.memory + p * (1 + s->inputs) * across,
                             s->of_h.memory + p * (1 + s->size) * across};
        struct span spans[2] = {
            {s->x + s->t * s->x_step + row * s->x_row, b[0] + across, s->x_row, 1, s->inputs, across, 1, 0,
             0},
            {s->from + row * s->from_row, b[1] + across, s->from_row, 1, s->size, across, 1, 0, 0}};
        vf sums[2][ROWS][VECTORS];
        int states = s->t > 0 || !s->at_rest;
        long stride;
        const float *ahead = next_gates(s, s->gates, row + ROWS, p, s->count, s->inputs + s->size, &stride);
        for (long i = row; i < row + rows; i++) {
            __builtin_prefetch(s->hs + state(s, i, unit_of(kind, p, 0)), 1);
            if (s->cs)
                __builtin_prefetch(s->cs + now(s, i, unit_of(kind, p, 0)), 1);
        }
        if (kind->apart)
            product(spans + 1, states, b[1], 0, (float *)sums[1], WIDTH, rows, vectors, ZEROS, 0);
        product(spans, kind->apart ? 1 : 1 + states, b[0], 0, (float *)sums[0], WIDTH, rows, vectors, ahead,
                stride);
        if (kind->gates > 1)
            kind->cell(s, sums[0], sums[1], row, rows, unit_of(kind, p, 0));
        else
            for (int v = 0; v < VECTORS && unit_of(kind, p, v) < s->size; v++)
                kind->cell(s, (vf (*)[VECTORS])&sums[0][0][v], NULL, row, rows, unit_of(kind, p, v));
    }
}

static void step_back(void *context, long begin, long end)
{
    const struct layer *s = context;
    const struct panels *panels = &s->of_h;
    long depth = panels->depth / s->count;
    for (long item = begin; item < end; item++) {
        struct item at = item_of(s, panels->count, item);
        long q = at.panel, row = at.row, rows = at.rows;
        long first = first_of(panels, q), vectors = first_of(panels, q + 1) - first;
        vf sums[ROWS][VECTORS];
        struct span span = {
            cotangents(s, 0, s->after) + row * WIDTH + s->kind->state * LANES,
            panels->memory + first * LANES * panels->depth, WIDTH, 1, depth, vectors * LANES, s->count,
            s->slots * s->batch * WIDTH, depth * vectors * LANES};
        long stride;
        const float *ahead = next_gates(s, s->gates_seen, row + ROWS < s->batch ? row + ROWS : -s->batch, q,
                                        panels->count, panels->depth, &stride);
        for (long unit = first * LANES; unit < (first + vectors) * LANES; unit += LANES) {
            for (long i = row; i < row + rows; i++) {
                if (s->gh)
                    __builtin_prefetch(s->gh + state(s, i, unit));
                if (s->cs_seen)
                    __builtin_prefetch(s->cs_seen + now(s, i, unit) - s->batch * s->size);
            }
        }
        product(&span, s->any, ZEROS, 0, (float *)sums, WIDTH, rows, (int)vectors, ahead, stride);
        for (long v = 0; v < vectors; v++)
            s->kind->cell_dx(s, (const vf (*)[VECTORS])&sums[0][v], row, rows, (first + v) * LANES);
    }
}

/* -- gradients of the weights and inputs, from the cotangents in complete slots -- */

/* `count` slots in turn from `first` on, which is that of step `latest`. */
struct group {
    const struct layer *layer;
    long first, count, latest;
};

/* c (features, each) += the sums of the spans, whose a are the columns of features. */
static void add_products(struct span *s, int spans, long features, int each, float *c)
{
    long tiles = (features + ROWS - 1) / ROWS, row = 0;
    for (long i = 1; i <= tiles; i++) {
        long after = i * features / tiles;
        product(s, spans, c, each * LANES, c, each * LANES, after - row, each, ZEROS, 0);
        for (int k = 0; k < spans; k++)
            s[k].a += after - row;
        c += (after - row) * each * LANES;
        row = after;
    }
}

static void add_gradients(void *context, long begin, long end)
{
    const struct group *g = context;
    const struct layer *s = g->layer;
    int each = vectors_of(s->kind);
    long of_slot = s->batch * WIDTH;
    for (long p = begin; p < end; p++) {
        vf sums[VECTORS] = {{0}};
        struct span in[2], states[2];
        int spans = 0;
        /* the slots up to the last one, and then those from the first on */
        for (long done = 0, n; done < g->count; done += n, spans++) {
            long slot = (g->first + done) % s->slots;
            n = least(s->slots - slot, g->count - done);
            const float *d = cotangents(s, p, slot);
            for (long r = 0; r < n * s->batch; r++)
                for (int v = 0; v < VECTORS; v++)
                    sums[v] += load(d + r * WIDTH + v * LANES);
            in[spans] = (struct span){s->x + (g->latest - done) * s->x_step, d + s->kind->in * LANES, 1,
                                      s->x_row, s->batch, WIDTH, n, -s->x_step, of_slot};
            states[spans] = (struct span){states_of(s, slot), d + s->kind->state * LANES, 1, s->states_row,
                                          n * s->batch, WIDTH, 1, 0, 0};
        }
        float *db = s->db + p * WIDTH;
        vf zeros = splat(0);
        for (int v = 0; v < VECTORS; v++)
            zeros += sums[v] * 0.0f;
        /* finite cotangents of the first step give 0 with states that are 0 */
        if (s->at_rest && g->latest == g->count - 1 && !has_nan(zeros))
            states[spans - 1].depth -= s->batch;
        for (int v = 0; v < VECTORS; v++)
            store(db + v * LANES, load(db + v * LANES) + sums[v]);
        add_products(in, spans, s->inputs, each, s->dw_in + p * s->inputs * each * LANES);
        add_products(states, spans, s->size, each, s->dw + p * s->size * each * LANES);
    }
}

static void inputs_dx(void *context, long begin, long end)
{
    const struct group *g = context;
    const struct layer *s = g->layer;
    const struct panels *panels = &s->of_x;
    long tiles = tiles_of(s), depth = panels->depth / s->count;
    for (long item = begin; item < end; item++) {
        long q = item % panels->count, i = item / panels->count % tiles, slot = item / panels->count / tiles;
        long row = i * s->batch / tiles, rows = (i + 1) * s->batch / tiles - row;
        long first = first_of(panels, q), vectors = first_of(panels, q + 1) - first;
        long n = least(vectors * LANES, s->inputs - first * LANES);
        float sums[ROWS][WIDTH], *dx = s->dx + (g->latest - slot) * s->x_step + row * s->x_row;
        struct span span = {
            cotangents(s, 0, (g->first + slot) % s->slots) + row * WIDTH + s->kind->in * LANES,
            panels->memory + first * LANES * panels->depth, WIDTH, 1, depth, vectors * LANES, s->count,
            s->slots * s->batch * WIDTH, depth * vectors * LANES};
        product(&span, 1, ZEROS, 0, sums[0], WIDTH, rows, (int)vectors, ZEROS, 0);
        for (i = 0; i < rows; i++)
            copy_floats(dx + i * s->x_row + first * LANES, sums[i], n);
    }
}

struct unpacking {
    const struct layer *layer;
    const float *from;
    float *to;
    long features;
    int turn;
    _Atomic int failed;
};

/* The gradients as the weights are stored: (gates size, features). */
static void unpack(void *context, long begin, long end)
{
    struct unpacking *c = context;
    const struct layer *s = c->layer;
    int each = vectors_of(s->kind);
    long across = (c->features + LANES - 1) / LANES * LANES;
    float *room = k_room((size_t)across * LANES);
    if (!room) {
        c->failed = 1;
        return;
    }
    for (long item = begin; item < end; item++) {
        long p = item / each, v = item % each, unit = unit_of(s->kind, p, (int)v);
        long gate = (v + c->turn) % s->kind->gates, n = least(s->size - unit, LANES);
        if (n <= 0)
            continue;
        k_transposed(c->from + p * c->features * each * LANES + v * LANES, c->features, LANES, each * LANES,
                     room, across);
        for (long i = 0; i < n; i++)
            memcpy(c->to + (gate * s->size + unit + i) * c->features, room + i * across,
                   (size_t)c->features * sizeof *room);
    }
    free(room);
}

static int run_unpack(const struct layer *s, const float *from, long features, int turn, float *to)
{
    struct unpacking c = {.layer = s, .from = from, .to = to, .features = features, .turn = turn};
    pool_run(unpack, &c, s->count * vectors_of(s->kind), 32768 / (features * LANES) + 1);
    return -c.failed;
}

/* -- what the kinds of layers do in a step, for the n units of a row that a vector takes -- */

INLINE vf get(const float *p, long n)
{
    return n < LANES ? load_some(p, n, 0) : load(p);
}

INLINE void put(float *p, vf v, long n)
{
    if (n < LANES)
        store_some(p, v, n);
    else
        store(p, v);
}

INLINE int is_outside(const struct layer *s, long row)
{
    return s->inside && !s->inside[s->t * s->batch + row];
}

/* The state that the step begins with. */
INLINE vf state_before(const struct layer *s, long row, long unit, long n)
{
    return get(s->from + row * s->from_row + unit, n);
}

/* The cells before the step. */
INLINE const float *cells_before(const struct layer *s, const float *cs, long row, long unit)
{
    return s->t ? cs + now(s, row, unit) - s->batch * s->size : s->c + here(s, row, unit);
}

/* 1 / (1 + e^-v), within 2 ulp; where that is below 2^-126 it is that. */
INLINE vf sigmoid(vf v)
{
    vf m, k = exponent(-clamp(v, -87.0f, 87.0f), &m), b = scaled(m + 1.0f, k) + 1.0f;
#if LANES == 16
    vf y = (vf)_mm512_rcp14_ps((__m512)b);
    return y + y * (1.0f - b * y);
#else
    return 1.0f / b;
#endif
}

/* A function of `kind` that does `call` for n of LANES units, which is faster for all of them. */
#define CELL(name, call)                                                                                     \
    static void name(const struct layer *s, vf (*sums)[VECTORS], vf (*state_sums)[VECTORS], long row,        \
                     long rows, long unit)                                                                   \
    {                                                                                                        \
        (void)state_sums;                                                                                    \
        long n = s->size - unit;                                                                             \
        if (n < LANES) {                                                                                     \
            call;                                                                                            \
            return;                                                                                          \
        }                                                                                                    \
        n = LANES;                                                                                           \
        call;                                                                                                \
    }

INLINE void rnn(const struct layer *s, vf (*sums)[VECTORS], long row, long rows, long unit, int relu, long n)
{
    for (long i = 0; i < rows; i++) {
        vf a = relu ? greater(sums[i][0], splat(0)) : vtanh(sums[i][0]);
        put(s->hs + state(s, row + i, unit), is_outside(s, row + i) ? state_before(s, row + i, unit, n) : a,
            n);
    }
}

CELL(rnn_tanh, rnn(s, sums, row, rows, unit, 0, n))
CELL(rnn_relu, rnn(s, sums, row, rows, unit, 1, n))

/* The gates of all rows come first: there is more to do at the same time. */
INLINE void lstm_rows(const struct layer *s, vf (*sums)[VECTORS], long row, long rows, long unit, long n)
{
    long size = s->size, h_row = s->h_row;
    float *gates = s->gates + 4 * now(s, row, 0) + unit;
    for (long i = 0; i < rows; i++, gates += 4 * size)
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            sums[i][k] = k == 2 ? vtanh(sums[i][k]) : sigmoid(sums[i][k]);
            put(gates + k * size, sums[i][k], n);
        }
    float *cs = s->cs + now(s, row, unit), *hs = s->hs + state(s, row, unit);
    const float *before = cells_before(s, s->cs, row, unit);
    for (long i = 0; i < rows; i++, cs += size, hs += h_row) {
        vf old = get(before + i * size, n), c = sums[i][1] * old + sums[i][0] * sums[i][2];
        vf h = sums[i][3] * vtanh(c);
        int outside = is_outside(s, row + i);
        put(cs, outside ? old : c, n);
        put(hs, outside ? state_before(s, row + i, unit, n) : h, n);
    }
}

CELL(lstm, lstm_rows(s, sums, row, rows, unit, n))

INLINE void gru_rows(const struct layer *s, vf (*sums)[VECTORS], vf (*state_sums)[VECTORS], long row,
                     long rows, long unit, long n)
{
    long size = s->size;
    float *gates = s->gates + 4 * now(s, row, 0) + unit;
    for (long i = 0; i < rows; i++, gates += 4 * size) {
        const vf *x = sums[i], *a = state_sums[i];
        vf r = sigmoid(x[0] + a[0]), z = sigmoid(x[1] + a[1]), new = vtanh(x[2] + r * a[2]);
        vf old = state_before(s, row + i, unit, n), each[4] = {r, z, new, a[2]};
        for (int k = 0; k < 4; k++)
            put(gates + k * size, each[k], n);
        put(s->hs + state(s, row + i, unit), is_outside(s, row + i) ? old : (old - new) * z + new, n);
    }
}

CELL(gru, gru_rows(s, sums, state_sums, row, rows, unit, n))

/* The cotangent of a state: what the step after gave, and gh. */
INLINE vf of_state(const struct layer *s, vf sum, long row, long unit, long n, int kept)
{
    if (kept || s->inside)
        sum += get(s->dh + here(s, row, unit), n);
    return s->gh ? sum + get(s->gh + state(s, row, unit), n) : sum;
}

/* Before the first step: the cotangents of the first states. */
INLINE void first_dx(const struct layer *s, const vf (*sums)[VECTORS], long row, long rows, long unit, long n,
                     int kept)
{
    for (long i = 0; i < rows; i++) {
        float *dh = s->dh + here(s, row + i, unit);
        put(dh, kept || s->inside ? sums[i][0] + get(dh, n) : sums[i][0], n);
    }
}

/* Where the states of step t go, in rows of states_row: the step after began with them. */
INLINE float *kept_states(const struct layer *s, long row, long unit)
{
    return states_of(s, s->after) + row * s->states_row + unit;
}

/* The cotangents of a unit's sums; what is beyond the units is 0. */
INLINE void put_parts(float *d, const vf *part, int parts, long n)
{
    for (int k = 0; k < parts; k++)
        store(d + k * LANES, n < LANES ? load_some((const float *)&part[k], n, 0) : part[k]);
}

INLINE float *parts_of(const struct layer *s, long row, long unit)
{
    int gated = s->kind->gates > 1;
    return cotangents(s, unit / (gated ? LANES : WIDTH), s->slot) + row * WIDTH + (gated ? 0 : unit % WIDTH);
}

#define CELL_DX(name, kept, call)                                                                            \
    static void name(const struct layer *s, const vf (*sums)[VECTORS], long row, long rows, long unit)       \
    {                                                                                                        \
        long n = s->size - unit;                                                                             \
        if (s->t < 0) {                                                                                      \
            first_dx(s, sums, row, rows, unit, n, kept);                                                     \
            return;                                                                                          \
        }                                                                                                    \
        if (n < LANES) {                                                                                     \
            call;                                                                                            \
            return;                                                                                          \
        }                                                                                                    \
        n = LANES;                                                                                           \
        call;                                                                                                \
    }

INLINE void rnn_dx(const struct layer *s, const vf (*sums)[VECTORS], long row, long rows, long unit, int relu,
                   long n)
{
    float *parts = parts_of(s, row, unit), *states = kept_states(s, row, unit);
    const float *hs = s->hs_seen + state(s, row, unit);
    long h_row = s->h_row, states_row = s->states_row;
    for (long i = 0; i < rows; i++, parts += WIDTH, hs += h_row, states += states_row) {
        vf d = of_state(s, sums[i][0], row + i, unit, n, 0), part = splat(0);
        int outside = is_outside(s, row + i);
        vf h = get(hs, n);
        put(states, h, n);
        if (!outside)
            part = relu ? choose(h > 0, d, splat(0)) : d * (1 - h * h);
        put_parts(parts, &part, 1, n);
        if (s->inside)
            put(s->dh + here(s, row + i, unit), outside ? d : splat(0), n);
    }
}

CELL_DX(rnn_tanh_dx, 0, rnn_dx(s, sums, row, rows, unit, 0, n))
CELL_DX(rnn_relu_dx, 0, rnn_dx(s, sums, row, rows, unit, 1, n))

/* The cotangents of the gates' sums go to `parts`: to rows of `of_row` floats, or, if that is 0, to one row,
 * in which the gates are `apart`. */
INLINE void lstm_rows_dx(const struct layer *s, const vf (*sums)[VECTORS], long row, long rows, long unit,
                         long n, float *parts, long of_row, long apart)
{
    long size = s->size;
    float *dcs = s->dc + here(s, row, unit);
    const float *gates = s->gates_seen + 4 * now(s, row, 0) + unit, *cs = s->cs_seen + now(s, row, unit);
    const float *before = cells_before(s, s->cs_seen, row, unit);
    float *states = of_row ? kept_states(s, row, unit) : NULL;
    long states_row = s->states_row;
    const float *gc = s->gc ? s->gc + now(s, row, unit) : NULL;
    for (long i = 0; i < rows; i++, parts += of_row) {
        vf d = of_state(s, sums[i][0], row + i, unit, n, 0), dc = get(dcs + i * size, n), part[4] = {{0}}, h;
        int outside = is_outside(s, row + i);
        if (gc)
            dc += get(gc + i * size, n);
        if (!outside) {
            const float *gate = gates + i * 4 * size;
            vf in = get(gate, n), forget = get(gate + size, n), new = get(gate + 2 * size, n);
            vf o = get(gate + 3 * size, n), old = get(before + i * size, n);
            vf out = vtanh(get(cs + i * size, n));
            dc += d * o * (1 - out * out);
            part[0] = dc * new * in * (1 - in);
            part[1] = dc * old * forget * (1 - forget);
            part[2] = dc * in * (1 - new * new);
            part[3] = d * out * o * (1 - o);
            dc *= forget;
            h = o * out;        /* as forward: it need not be read from memory */
        } else if (of_row)
            h = get(s->hs_seen + state(s, row + i, unit), n);
        if (of_row) {
            put_parts(parts, part, 4, n);
            put(states + i * states_row, h, n);
        } else
            for (int k = 0; k < 4; k++)
                put(parts + k * apart, part[k], n);
        put(dcs + i * size, dc, n);
        if (s->inside)
            put(s->dh + here(s, row + i, unit), outside ? d : splat(0), n);
    }
}

CELL_DX(lstm_dx, 0, lstm_rows_dx(s, sums, row, rows, unit, n, parts_of(s, row, unit), WIDTH, 0))

/* The parts are those of n, r, z and of what r is multiplied with. */
INLINE void gru_rows_dx(const struct layer *s, const vf (*sums)[VECTORS], long row, long rows, long unit,
                        long n)
{
    long size = s->size;
    float *parts = parts_of(s, row, unit), *states = kept_states(s, row, unit);
    const float *gates = s->gates_seen + 4 * now(s, row, 0) + unit, *hs = s->hs_seen + state(s, row, unit);
    long h_row = s->h_row, states_row = s->states_row;
    for (long i = 0; i < rows; i++, parts += WIDTH, gates += 4 * size, hs += h_row, states += states_row) {
        vf d = of_state(s, sums[i][0], row + i, unit, n, 1), part[4] = {{0}};
        if (!is_outside(s, row + i)) {
            vf r = get(gates, n), z = get(gates + size, n), new = get(gates + 2 * size, n);
            vf old = state_before(s, row + i, unit, n);
            part[0] = d * (1 - z) * (1 - new * new);
            part[1] = part[0] * get(gates + 3 * size, n) * r * (1 - r);
            part[2] = d * (old - new) * z * (1 - z);
            part[3] = part[0] * r;
            d *= z;
        }
        put_parts(parts, part, 4, n);
        put(states, get(hs, n), n);
        put(s->dh + here(s, row + i, unit), d, n);
    }
}

CELL_DX(gru_dx, 1, gru_rows_dx(s, sums, row, rows, unit, n))

/* As kernels.h numbers them. */
static const struct kind KINDS[] = {
    {1, 0, 0, 0, rnn_relu, rnn_relu_dx, 0},
    {1, 0, 0, 0, rnn_tanh, rnn_tanh_dx, 0},
    {4, 0, 0, 0, lstm, lstm_dx, 0},
    {3, 0, 2, 1, gru, gru_dx, 1},
};

/* -- the layers -- */

static struct layer layer_of(int kind, const long *sizes)
{
    struct layer s = {.kind = KINDS + kind, .steps = sizes[0], .batch = sizes[1], .inputs = sizes[2],
                      .size = sizes[3], .groups = k_threads()};
    long units = s.kind->gates > 1 ? LANES : WIDTH, turned = sizes[4];
    s.x_step = (turned ? 1 : s.batch) * s.inputs;
    s.x_row = (turned ? s.steps : 1) * s.inputs;
    s.h_step = (turned ? 1 : s.batch) * s.size;
    s.h_row = (turned ? s.steps : 1) * s.size;
    s.count = (s.size + units - 1) / units;
    return s;
}

/* Sets what step t begins with. */
static void begin_step(struct layer *s, long t, const float *hs)
{
    s->t = t;
    s->from = t > 0 ? hs + (t - 1) * s->h_step : s->h;
    s->from_row = t > 0 ? s->h_row : s->size;
}

int k_rnn(int kind, const long *sizes, const float *x, const float *w_in, const float *w, const float *b_in,
          const float *b, const float *h, const float *c, const uint8_t *inside, float *hs, float *cs,
          float *gates)
{
    struct layer s = layer_of(kind, sizes);
    s.x = x, s.h = h, s.c = c, s.inside = inside, s.hs = hs, s.cs = cs, s.gates = gates;
    int failed = make_panels(&s, &s.of_x, s.inputs, w_in, b_in, s.kind->apart ? NULL : b) < 0;
    int infinite = failed ? -1 : make_panels(&s, &s.of_h, s.size, w, s.kind->apart ? b : NULL, NULL);
    failed = infinite < 0;
    s.at_rest = !infinite && all_zero(h, s.batch * s.size);
    long work = (s.inputs + s.size) * WIDTH * ROWS;
    for (long t = 0; !failed && t < s.steps; t++) {
        begin_step(&s, t, hs);
        pool_run(step, &s, s.count * tiles_of(&s), PART / work + 1);
    }
    free(s.of_x.memory);
    free(s.of_h.memory);
    return -failed;
}

/* The gradients from complete slots, of `count` steps of which t is the earliest. */
static void flush(const struct layer *s, long count, long t)
{
    struct group g = {s, (s->after - count + 1 + s->slots) % s->slots, count, t + count - 1};
    long gradients = count * s->batch * (s->inputs + s->size) * WIDTH, work = s->of_x.depth * WIDTH * ROWS;
    pool_run(add_gradients, &g, s->count, PART / gradients + 1);
    if (s->dx)
        pool_run(inputs_dx, &g, count * tiles_of(s) * s->of_x.count, PART / work + 1);
}

static void back(struct layer *s)
{
    long work = s->of_h.depth * WIDTH * ROWS, complete = 0;
    for (long t = s->steps - 1; t >= 0; t--) {
        begin_step(s, t, s->hs_seen);
        pool_run(step_back, s, s->of_h.count * tiles_of(s), PART / work + 1);
        if (complete == s->slots - 1) {
            flush(s, complete, t + 1);
            complete = 0;
        }
        complete++;
        s->any = 1;
        s->after = s->slot;
        s->slot = (s->slot + 1) % s->slots;
    }
    for (long row = 0; row < s->batch; row++)
        copy_floats(states_of(s, s->after) + row * s->states_row, s->h + row * s->size, s->size);
    flush(s, complete, 0);
}

/* The length of rows of n floats that begin in different sets of the cache: an odd number of its lines. */
static long spread(long n)
{
    return (n + 31) / 32 * 32 + 16;
}

int k_rnn_dx(int kind, const long *sizes, const float *gh, const float *gc, const float *x, const float *w_in,
             const float *w, const float *h, const float *c, const float *hs, const float *cs,
             const float *gates, const uint8_t *inside, float *dx, float *dw_in, float *dw, float *db_in,
             float *db, float *dh, float *dc, int wants_h)
{
    struct layer s = layer_of(kind, sizes);
    s.x = x, s.h = h, s.c = c, s.inside = inside, s.hs_seen = hs, s.cs_seen = cs, s.gates_seen = gates;
    s.gh = gh, s.gc = gc, s.dx = dx, s.dh = dh, s.dc = dc;
    int each = vectors_of(s.kind);
    s.at_rest = all_zero(h, s.batch * s.size);
    s.slots = 1 + least(KEPT / s.batch + !(KEPT / s.batch), s.steps);
    s.after = s.slots - 1;
    s.states_row = spread(s.size);
    size_t of_panel = (size_t)(s.inputs + s.size) * (size_t)each * LANES + WIDTH, count = (size_t)s.count;
    size_t rows = (size_t)(s.slots * s.batch), kept = rows * WIDTH;
    float *room = k_room(count * (of_panel + kept) + rows * (size_t)s.states_row);
    int failed = !room || make_panels_back(&s, &s.of_h, s.size, w, 0)
        || (dx && make_panels_back(&s, &s.of_x, s.inputs, w_in, s.kind->in_turn));
    if (!failed) {
        /* where there is one gate, not every vector of a row of cotangents has units */
        memset(room, 0, count * (of_panel + (s.kind->gates > 1 ? 0 : kept)) * sizeof *room);
        memset(dh, 0, (size_t)(s.batch * s.size) * sizeof *dh);
        if (dc)
            memset(dc, 0, (size_t)(s.batch * s.size) * sizeof *dc);
        s.dw_in = room;
        s.dw = s.dw_in + s.count * s.inputs * each * LANES;
        s.db = s.dw + s.count * s.size * each * LANES;
        s.d = s.db + s.count * WIDTH;
        s.states = s.d + count * kept;
        back(&s);
        begin_step(&s, -1, hs);
        if (wants_h)
            pool_run(step_back, &s, s.of_h.count * tiles_of(&s), 1);
        for (long p = 0; p < s.count; p++)
            for (int v = 0; v < each; v++) {
                long unit = unit_of(s.kind, p, v), n = least(s.size - unit, LANES);
                const float *sums = s.db + p * WIDTH + v * LANES;
                long in = (v + s.kind->in_turn) % s.kind->gates * s.size + unit, state = v % s.kind->gates;
                if (n > 0)
                    copy_floats(db_in + in, sums + s.kind->in * LANES, n);
                if (n > 0 && db)
                    copy_floats(db + state * s.size + unit, sums + s.kind->state * LANES, n);
            }
        failed = run_unpack(&s, s.dw_in, s.inputs, s.kind->in_turn, dw_in)
            || run_unpack(&s, s.dw, s.size, 0, dw);
    }
    free(room);
    free(s.of_x.memory);
    free(s.of_h.memory);
    return -failed;
}

/* -- a cell: one step of an LSTM whose sums are there -- */

struct cell {
    struct layer layer;         /* of one step */
    const float *sums;
    float *dsums;
};

static void cell_rows(void *context, long begin, long end)
{
    const struct cell *c = context;
    const struct layer *s = &c->layer;
    for (long row = begin; row < end; row++)
        for (long unit = 0; unit < s->size; unit += LANES) {
            long n = least(s->size - unit, LANES);
            vf sums[1][VECTORS];
            for (int k = 0; k < 4; k++)
                sums[0][k] = get(c->sums + (row * 4 + k) * s->size + unit, n);
            lstm(s, sums, NULL, row, 1, unit);
        }
}

static void cell_rows_dx(void *context, long begin, long end)
{
    const struct cell *c = context;
    const struct layer *s = &c->layer;
    vf none[1][VECTORS] = {{{0}}};
    for (long row = begin; row < end; row++)
        for (long unit = 0; unit < s->size; unit += LANES)
            lstm_rows_dx(s, (const vf (*)[VECTORS])none, row, 1, unit, least(s->size - unit, LANES),
                         c->dsums + row * 4 * s->size + unit, 0, s->size);
}

void k_lstm_cell(const float *sums, const float *c, float *h, float *cell, float *gates, long batch,
                 long size)
{
    struct cell context = {{.batch = batch, .size = size, .h_row = size, .c = c, .hs = h, .cs = cell,
                            .gates = gates}, sums, NULL};
    pool_run(cell_rows, &context, batch, 8192 / size + 1);
}

void k_lstm_cell_dx(const float *gh, const float *gc, const float *c, const float *cell, const float *gates,
                    float *dsums, float *dc, long batch, long size)
{
    struct cell context = {{.batch = batch, .size = size, .h_row = size, .c = c, .gh = gh, .gc = gc,
                            .cs_seen = cell, .gates_seen = gates, .dc = dc}, NULL, dsums};
    memset(dc, 0, (size_t)(batch * size) * sizeof *dc);
    pool_run(cell_rows_dx, &context, batch, 8192 / size + 1);
}
