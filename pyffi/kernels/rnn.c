/* Steps through time of recurrent layers, and back.
 *
 * The weights of the states are packed once into panels, which stay in the processor's cache while all steps
 * use them.  A tile is the product of a few rows of states with a panel; the gates of these rows and units
 * follow at once.  So a step is one loop of the pool, and on the way back the product of a step and the gates
 * of the one before it are the same loop.
 *
 * A step takes 2 gates batch size^2 operations in the products, and reads the packed weights, 4 gates size^2
 * bytes, from the second-level cache once for each ROWS rows.  An LSTM of 256 units, batch 32, computes 80 to
 * 90 billion operations a second on one core of a Xeon (Sapphire Rapids) whose tiles alone reach 120. */
#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "kernels.h"
#include "pool.h"

/* What the registers hold: ROWS x VECTORS sums, a row of a panel, and an element of the states. */
enum { ROWS = LANES == 16 ? WIDE_ROWS : 2, VECTORS = MOST_VECTORS };
enum { PART = 1 << 18 };        /* multiplications that are worth a part of their own */

/* A matrix (inner, columns) as panels of `vectors` vectors.  The columns are `vectors` gates of n columns
 * each, and a panel has the same units of each gate; or, where they are not `gated`, a panel has neighbours.
 * What is in the place of columns beyond is of no use. */
struct panels {
    float *memory;
    long inner, n, count;
    int vectors, gated;
};

/* The unit that vector v of panel p begins with. */
static long unit_of(const struct panels *s, long p, int v)
{
    return (s->gated ? p : p * s->vectors + v) * LANES;
}

struct packing {
    const struct panels *to;
    const float *from;
    int transposed;
};

/* The vectors [begin, end) of the panels. */
static void pack(void *context, long begin, long end)
{
    const struct packing *c = context;
    const struct panels *to = c->to;
    long across = to->vectors * LANES;
    for (long item = begin; item < end; item++) {
        long p = item / to->vectors, v = item % to->vectors, unit = unit_of(to, p, (int)v);
        long n = to->n - unit < LANES ? to->n - unit : LANES, column = (to->gated ? v * to->n : 0) + unit;
        float *out = to->memory + p * to->inner * across + v * LANES;
        if (n > 0 && c->transposed)
            k_transposed(c->from + column * to->inner, n, to->inner, to->inner, out, across);
        else if (n > 0)
            for (long k = 0; k < to->inner; k++)
                copy_floats(out + k * across, c->from + k * to->n + column, n);
    }
}

/* Packs a matrix, which is stored as (columns, inner) if `transposed`; -1 if there is no memory. */
static int make_panels(struct panels *s, const float *from, int transposed)
{
    long width = s->gated ? LANES : (long)s->vectors * LANES;
    s->count = (s->n + width - 1) / width;
    s->memory = k_room((size_t)s->count * (size_t)s->inner * (size_t)s->vectors * LANES);
    if (!s->memory)
        return -1;
    struct packing packing = {s, from, transposed};
    pool_run(pack, &packing, s->count * s->vectors, 32768 / (s->inner * LANES) + 1);
    return 0;
}

/* sums = a @ panel p, for `rows` rows of a; noinline, or the sums do not stay in registers. */
static __attribute__((noinline)) void product(const float *a, const struct panels *s, long p,
                                              vf sums[][VECTORS], long rows)
{
    long inner = s->inner, across = s->vectors * LANES;
    const float *panel = s->memory + p * inner * across;
#define CASE(r, v) case (r) * 8 + (v): gemm_tile(r, v, inner, a, inner, 1, panel, (v) * LANES, sums); break;
    switch (rows * 8 + s->vectors) {
    CASE(1, 3) CASE(1, 4) CASE(2, 3) CASE(2, 4)
#if LANES == 16
    CASE(3, 3) CASE(3, 4) CASE(4, 3) CASE(4, 4) CASE(5, 3) CASE(5, 4) CASE(6, 3) CASE(6, 4)
#endif
    }
}

/* -- steps -- */

/* A layer in one direction, in forward's and backward's names; what a kind does not have is null. */
struct layer {
    struct panels panels;
    /* What is done with the sums of one row, for the units that a vector takes; after the first step, going
     * back, it is called with t = -1. */
    void (*cell)(const struct layer *layer, const vf *sums, long row, long unit);
    long steps, batch, size, t;
    const float *from;              /* (batch, inner), which the product takes; null: the sums are 0 */
    const float *x, *b, *b_state;
    const float *h, *c;             /* the first states */
    const uint8_t *inside;          /* (steps, batch) */
    float *hs, *cs, *gates;
    const float *gh, *gc, *hs_seen, *cs_seen, *gates_seen;
    float *dx, *da, *dh, *dc;       /* dh, dc (batch, size): what reaches a step past the product */
};

/* The panels of a tile of rows follow each other: its gates lie side by side then, and not a page apart. */
static void step(void *context, long begin, long end)
{
    const struct layer *s = context;
    const struct panels *panels = &s->panels;
    long tiles = (s->batch + ROWS - 1) / ROWS;
    for (long item = begin; item < end; item++) {
        long p = item % panels->count, tile = item / panels->count;
        long row = tile * s->batch / tiles, after = (tile + 1) * s->batch / tiles;
        vf sums[ROWS][VECTORS];
        if (s->from)
            product(s->from + row * panels->inner, panels, p, sums, after - row);
        else
            memset(sums, 0, sizeof sums);
        for (long i = 0; row + i < after; i++)
            if (panels->gated)
                s->cell(s, sums[i], row + i, unit_of(panels, p, 0));
            else
                for (int v = 0; v < panels->vectors && unit_of(panels, p, v) < s->size; v++)
                    s->cell(s, &sums[i][v], row + i, unit_of(panels, p, v));
    }
}

static void run_step(struct layer *s, long t, const float *from)
{
    long tiles = (s->batch + ROWS - 1) / ROWS;
    s->t = t;
    s->from = from;
    long work = s->panels.inner * s->panels.vectors * LANES * ROWS;
    pool_run(step, s, s->panels.count * tiles, PART / work + 1);
}

static int forward(struct layer *s, const float *w, int gates)
{
    s->panels = (struct panels){.inner = s->size, .n = s->size, .vectors = gates > 1 ? gates : VECTORS,
                                .gated = gates > 1};
    if (make_panels(&s->panels, w, 1))
        return -1;
    for (long t = 0; t < s->steps; t++)
        run_step(s, t, t ? s->hs + (t - 1) * s->batch * s->size : s->h);
    free(s->panels.memory);
    return 0;
}

/* `from` (steps, batch, gates size): the cotangent of what the weights' product was added to. */
static int backward(struct layer *s, const float *w, int gates, const float *from)
{
    s->panels = (struct panels){.inner = gates * s->size, .n = s->size, .vectors = VECTORS};
    if (make_panels(&s->panels, w, 0))
        return -1;
    size_t bytes = sizeof(float) * (size_t)s->batch * (size_t)s->size;
    memset(s->dh, 0, bytes);
    if (s->dc)
        memset(s->dc, 0, bytes);
    run_step(s, s->steps - 1, NULL);
    for (long t = s->steps - 2; t >= -1; t--)
        run_step(s, t, from + (t + 1) * s->batch * s->panels.inner);
    free(s->panels.memory);
    return 0;
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

/* Without a division.  Next to 0 its absolute error is that of 1/2, which is enough for a gate. */
INLINE vf sigmoid(vf v)
{
    return vtanh(v * 0.5f) * 0.5f + 0.5f;
}

/* Where the units are: in (batch, size), in (steps, batch, size), and in (steps, batch, gates size). */
struct place {
    long n, here, at, gates;
    int outside;
};

INLINE struct place place_of(const struct layer *s, long row, long unit, int gates)
{
    long now = s->t * s->batch + row, size = s->size;
    return (struct place){size - unit, row * size + unit, now * size + unit, now * gates * size + unit,
                          s->t >= 0 && s->inside && !s->inside[now]};
}

static void rnn(const struct layer *s, const vf *sums, long row, long unit, int relu)
{
    struct place p = place_of(s, row, unit, 1);
    vf a = *sums + get(s->x + p.at, p.n) + get(s->b + unit, p.n);
    a = relu ? greater(a, splat(0)) : vtanh(a);
    put(s->hs + p.at, p.outside ? get(s->from + p.here, p.n) : a, p.n);
}

static void rnn_tanh(const struct layer *s, const vf *sums, long row, long unit)
{
    rnn(s, sums, row, unit, 0);
}

static void rnn_relu(const struct layer *s, const vf *sums, long row, long unit)
{
    rnn(s, sums, row, unit, 1);
}

static void lstm(const struct layer *s, const vf *sums, long row, long unit)
{
    struct place p = place_of(s, row, unit, 4);
    vf gate[4];
    for (int k = 0; k < 4; k++) {
        vf a = sums[k] + get(s->x + p.gates + k * s->size, p.n) + get(s->b + k * s->size + unit, p.n);
        gate[k] = k == 2 ? vtanh(a) : sigmoid(a);
        put(s->gates + p.gates + k * s->size, gate[k], p.n);
    }
    vf before = get(s->t ? s->cs + p.at - s->batch * s->size : s->c + p.here, p.n);
    vf c = gate[1] * before + gate[0] * gate[2], h = gate[3] * vtanh(c);
    put(s->cs + p.at, p.outside ? before : c, p.n);
    put(s->hs + p.at, p.outside ? get(s->from + p.here, p.n) : h, p.n);
}

static void gru(const struct layer *s, const vf *sums, long row, long unit)
{
    struct place p = place_of(s, row, unit, 3);
    vf x[3], a[3];
    for (int k = 0; k < 3; k++) {
        x[k] = get(s->x + p.gates + k * s->size, p.n) + get(s->b + k * s->size + unit, p.n);
        a[k] = sums[k] + get(s->b_state + k * s->size + unit, p.n);
    }
    vf r = sigmoid(x[0] + a[0]), z = sigmoid(x[1] + a[1]), new = vtanh(x[2] + r * a[2]);
    vf before = get(s->from + p.here, p.n), each[4] = {r, z, new, a[2]};
    for (int k = 0; k < 4; k++)
        put(s->gates + (s->t * s->batch + row) * 4 * s->size + k * s->size + unit, each[k], p.n);
    put(s->hs + p.at, p.outside ? before : (before - new) * z + new, p.n);
}

/* The cotangent of a state: what the step after gave, and gh.  Before the first step it is the result. */
INLINE vf of_state(const struct layer *s, const vf *sums, const struct place *p)
{
    vf d = *sums + get(s->dh + p->here, p->n);
    if (s->t >= 0 && s->gh)
        d += get(s->gh + p->at, p->n);
    if (s->t < 0 || p->outside)
        put(s->dh + p->here, d, p->n);
    return d;
}

static void rnn_dx(const struct layer *s, const vf *sums, long row, long unit, int relu)
{
    struct place p = place_of(s, row, unit, 1);
    vf d = of_state(s, sums, &p);
    if (s->t < 0)
        return;
    vf h = get(s->hs_seen + p.at, p.n);
    d = relu ? choose(h > 0, d, splat(0)) : d * (1 - h * h);
    put(s->dx + p.at, p.outside ? splat(0) : d, p.n);
    if (!p.outside)
        put(s->dh + p.here, splat(0), p.n);
}

static void rnn_tanh_dx(const struct layer *s, const vf *sums, long row, long unit)
{
    rnn_dx(s, sums, row, unit, 0);
}

static void rnn_relu_dx(const struct layer *s, const vf *sums, long row, long unit)
{
    rnn_dx(s, sums, row, unit, 1);
}

static void lstm_dx(const struct layer *s, const vf *sums, long row, long unit)
{
    struct place p = place_of(s, row, unit, 4);
    vf d = of_state(s, sums, &p), gate[4], part[4];
    if (s->t < 0)
        return;
    vf dc = get(s->dc + p.here, p.n);
    if (s->gc)
        dc += get(s->gc + p.at, p.n);
    if (p.outside) {
        put(s->dc + p.here, dc, p.n);
        for (int k = 0; k < 4; k++)
            put(s->dx + p.gates + k * s->size, splat(0), p.n);
        return;
    }
    for (int k = 0; k < 4; k++)
        gate[k] = get(s->gates_seen + p.gates + k * s->size, p.n);
    vf before = get(s->t ? s->cs_seen + p.at - s->batch * s->size : s->c + p.here, p.n);
    vf out = vtanh(get(s->cs_seen + p.at, p.n));
    dc += d * gate[3] * (1 - out * out);
    part[0] = dc * gate[2] * gate[0] * (1 - gate[0]);
    part[1] = dc * before * gate[1] * (1 - gate[1]);
    part[2] = dc * gate[0] * (1 - gate[2] * gate[2]);
    part[3] = d * out * gate[3] * (1 - gate[3]);
    for (int k = 0; k < 4; k++)
        put(s->dx + p.gates + k * s->size, part[k], p.n);
    put(s->dc + p.here, dc * gate[1], p.n);
    put(s->dh + p.here, splat(0), p.n);
}

static void gru_dx(const struct layer *s, const vf *sums, long row, long unit)
{
    struct place p = place_of(s, row, unit, 3);
    vf d = of_state(s, sums, &p), gate[4], part[4] = {{0}};
    if (s->t < 0)
        return;
    if (!p.outside) {
        for (int k = 0; k < 4; k++)
            gate[k] = get(s->gates_seen + (s->t * s->batch + row) * 4 * s->size + k * s->size + unit, p.n);
        vf r = gate[0], z = gate[1], new = gate[2];
        vf before = get(s->t ? s->hs_seen + p.at - s->batch * s->size : s->h + p.here, p.n);
        part[2] = d * (1 - z) * (1 - new * new);
        part[0] = part[2] * gate[3] * r * (1 - r);
        part[1] = d * (before - new) * z * (1 - z);
        part[3] = part[2] * r;
        put(s->dh + p.here, d * z, p.n);
    }
    for (int k = 0; k < 3; k++) {
        put(s->dx + p.gates + k * s->size, part[k], p.n);
        put(s->da + p.gates + k * s->size, part[k < 2 ? k : 3], p.n);
    }
}

/* -- the layers -- */

int k_rnn(const float *x, const float *w, const float *b, const float *h, const uint8_t *inside, float *hs,
          long steps, long batch, long size, int relu)
{
    struct layer s = {.cell = relu ? rnn_relu : rnn_tanh, .steps = steps, .batch = batch, .size = size,
                      .x = x, .b = b, .h = h, .inside = inside, .hs = hs};
    return forward(&s, w, 1);
}

int k_rnn_dx(const float *gh, const float *w, const float *hs, const uint8_t *inside, float *dx, float *dh,
             long steps, long batch, long size, int relu)
{
    struct layer s = {.cell = relu ? rnn_relu_dx : rnn_tanh_dx, .steps = steps, .batch = batch, .size = size,
                      .gh = gh, .hs_seen = hs, .inside = inside, .dx = dx, .dh = dh};
    return backward(&s, w, 1, dx);
}

int k_lstm(const float *x, const float *w, const float *b, const float *h, const float *c,
           const uint8_t *inside, float *hs, float *cs, float *gates, long steps, long batch, long size)
{
    struct layer s = {.cell = lstm, .steps = steps, .batch = batch, .size = size, .x = x, .b = b, .h = h,
                      .c = c, .inside = inside, .hs = hs, .cs = cs, .gates = gates};
    return forward(&s, w, 4);
}

int k_lstm_dx(const float *gh, const float *gc, const float *w, const float *c, const float *cs,
              const float *gates, const uint8_t *inside, float *dx, float *dh, float *dc, long steps,
              long batch, long size)
{
    struct layer s = {.cell = lstm_dx, .steps = steps, .batch = batch, .size = size, .gh = gh, .gc = gc,
                      .c = c, .cs_seen = cs, .gates_seen = gates, .inside = inside, .dx = dx, .dh = dh,
                      .dc = dc};
    return backward(&s, w, 4, dx);
}

int k_gru(const float *x, const float *w, const float *b, const float *b_state, const float *h,
          const uint8_t *inside, float *hs, float *gates, long steps, long batch, long size)
{
    struct layer s = {.cell = gru, .steps = steps, .batch = batch, .size = size, .x = x, .b = b,
                      .b_state = b_state, .h = h, .inside = inside, .hs = hs, .gates = gates};
    return forward(&s, w, 3);
}

int k_gru_dx(const float *gh, const float *w, const float *h, const float *hs, const float *gates,
             const uint8_t *inside, float *dx, float *da, float *dh, long steps, long batch, long size)
{
    struct layer s = {.cell = gru_dx, .steps = steps, .batch = batch, .size = size, .gh = gh, .h = h,
                      .hs_seen = hs, .gates_seen = gates, .inside = inside, .dx = dx, .da = da, .dh = dh};
    return backward(&s, w, 3, da);
}
