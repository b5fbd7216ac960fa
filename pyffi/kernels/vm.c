/* The machine for elementwise programs: see k_vm in kernels.h.
 *
 * Elements are worked on in blocks that stay in the first cache, each instruction being one loop over a
 * block; so memory is read and written once, whatever the length of the program: 4 bytes per element of each
 * full array.  An instruction loads up to three vectors and stores one.  On a core of a Xeon (Sapphire
 * Rapids) one of simple arithmetic takes 0.04 to 0.07 ns per element, about half of what its loads and stores
 * allow, exp 0.2, tanh and erf 0.6; so a single operation on large arrays takes as long as memory does, and a
 * program is bound by arithmetic from about ten simple instructions or two functions on.  Results too large
 * for the caches go past them while the inputs of the next blocks come in: a copy reaches 15 GB/s on one
 * core, in two thirds of the time that memcpy takes. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"
#include "rows.h"

enum {
    BLOCK = 1024,
    MOST_PARTS = 256,
    WIDE = 4096,            /* the longest row that sums down columns add up in float */
    WIDTH = 4 * LANES,      /* elements in one turn of a loop */
    SUM = 2, MAX = 3, MIN = 4
};

/* Where an operand of a loop stands, and by how much it moves on at each turn: WIDTH, or 0 for one value
 * everywhere, which stands there WIDTH times. */
struct operand {
    const float *at;
    long step;
};

typedef void loop(float *to, const struct operand *a, const struct operand *b, const struct operand *c,
                  long n);

/* -- the operations: their name, how many operands they have, and the result for vectors x, y, z -- */

INLINE vf truth(vi mask)
{
    return (vf)(mask & (vi)splat(1));
}

INLINE vf lesser(vf a, vf b)
{
    return choose((a < b) | (a != a), a, b);
}

INLINE vf sign(vf v)
{
    return choose(v > 0, splat(1), choose(v < 0, splat(-1), choose(v == 0, splat(0), v)));
}

/* The greatest whole number not above v. */
INLINE vf whole(vf v)
{
    vi small = absolute(v) < 8388608.0f;        /* others are whole, or nan */
    vf t = __builtin_convertvector(__builtin_convertvector(choose(small, v, splat(0)), vi), vf);
    t -= truth(t > v);
    return choose(small, with_sign(t, v), v);
}

INLINE vf halves_down(vf v)
{
    vf low = whole(v);
    return low + truth(v - low > 0.5f);
}

#define OPERATIONS(DO) \
    DO(add, 2, x + y) \
    DO(subtract, 2, x - y) \
    DO(multiply, 2, x * y) \
    DO(divide, 2, x / y) \
    DO(maximum, 2, greater(x, y)) \
    DO(minimum, 2, lesser(x, y)) \
    DO(power, 2, vpow(x, y)) \
    DO(negative, 1, -x) \
    DO(abs, 1, absolute(x)) \
    DO(sign, 1, sign(x)) \
    DO(square, 1, x * x) \
    DO(sqrt, 1, vsqrt(x)) \
    DO(reciprocal, 1, 1.0f / x) \
    DO(rsqrt, 1, 1.0f / vsqrt(x)) \
    DO(exp, 1, vexp(x)) \
    DO(expm1, 1, vexpm1(x)) \
    DO(log, 1, vlog(x)) \
    DO(log1p, 1, vlog1p(x)) \
    DO(tanh, 1, vtanh(x)) \
    DO(sigmoid, 1, vsigmoid(x)) \
    DO(relu, 1, greater(x, splat(0))) \
    DO(relu_dx, 2, choose(y > 0, x, splat(0))) \
    DO(erf, 1, verf(x)) \
    DO(sin, 1, vsin(x)) \
    DO(cos, 1, vcos(x)) \
    DO(floor, 1, whole(x)) \
    DO(ceil, 1, -whole(-x)) \
    DO(rint, 1, halves_down(x)) \
    DO(equal, 2, truth(x == y)) \
    DO(not_equal, 2, truth(x != y)) \
    DO(less, 2, truth(x < y)) \
    DO(less_equal, 2, truth(x <= y)) \
    DO(greater, 2, truth(x > y)) \
    DO(greater_equal, 2, truth(x >= y)) \
    DO(logical_and, 2, truth((x != 0) & (y != 0))) \
    DO(logical_or, 2, truth((x != 0) | (y != 0))) \
    DO(logical_not, 1, truth(x == 0)) \
    DO(where, 3, choose(x != 0, y, z)) \
    DO(copy, 1, x)

#define LOOP(name, operands, result) \
    static void do_##name(float *to, const struct operand *a, const struct operand *b, \
                          const struct operand *c, long n) \
    { \
        const float *pa = a->at, *pb = b->at, *pc = c->at; \
        long sa = a->step, sb = b->step, sc = c->step; \
        for (long i = 0; i < n; i += WIDTH, to += WIDTH, pa += sa, pb += sb, pc += sc) \
            for (int j = 0; j < WIDTH; j += LANES) { \
                vf x = load(pa + j), y = operands > 1 ? load(pb + j) : x; \
                vf z = operands > 2 ? load(pc + j) : x; \
                (void)y; \
                (void)z; \
                store(to + j, result); \
            } \
    }
OPERATIONS(LOOP)

#define ENTRY(name, operands, result) {#name, operands, do_##name},
static const struct {
    const char *name;
    int operands;
    loop *loop;
} operations[] = {OPERATIONS(ENTRY)};

enum { COUNT = sizeof operations / sizeof *operations };

const char *k_vm_operation(int op)
{
    return op >= 0 && op < COUNT ? operations[op].name : NULL;
}

/* -- programs -- */

INLINE void fill(float *to, float value)
{
    for (int j = 0; j < WIDTH; j += LANES)
        store(to + j, splat(value));
}

struct program {
    long n;
    const int32_t *code;
    int steps, registers, constants, n_in;
    const float (*splats)[WIDTH];       /* the constants, for a turn each */
    const void *const *in;
    const int64_t *in_layout;
    int n_out;
    void *const *out;
    const int64_t *out_layout;
    int *direct;            /* by register: the output that it is stored in, or -1 */
    long *first;            /* by output: where its partial results begin in a part's */
    long row_floats;        /* of the rows that a part adds up in */
    long width, chunk;      /* partial results by part; elements by part */
    double *partial;        /* (parts, width) */
    int past;               /* whether outputs are stored past the caches */
    _Atomic int failed;
};

/* How many different positions of a reduced output `count` elements in sequence touch at most. */
static long touched(const int64_t *layout, long count)
{
    long most = (count - 1) / layout[1] + 2;
    return most < layout[2] ? most : layout[2];
}

static double neutral(long kind)
{
    return kind == SUM ? 0 : kind == MAX ? -INFINITY : INFINITY;
}

static double joined(long kind, double a, double b)
{
    if (kind == SUM)
        return a + b;
    /* in the form that processors have an instruction for: branches would be guessed wrong */
    double r = kind == MAX ? (b > a ? b : a) : b < a ? b : a;
    return b != b ? b : r;
}

INLINE vf joined_vectors(long kind, vf a, vf b)
{
    return kind == SUM ? a + b : kind == MAX ? greater(a, b) : lesser(a, b);
}

/* The sum or an extreme of n adjacent values, at most BLOCK. */
INLINE double reduced_as(const float *v, long n, long kind)
{
    if (n < LANES) {
        double r = neutral(kind);
        for (long i = 0; i < n; i++)
            r = joined(kind, r, v[i]);
        return r;
    }
    vf s[4];
    for (int j = 0; j < 4; j++)
        s[j] = splat(neutral(kind));
    long i = 0;
    for (; i + WIDTH <= n; i += WIDTH)
        for (int j = 0; j < 4; j++)
            s[j] = joined_vectors(kind, s[j], load(v + i + j * LANES));
    for (; i + LANES <= n; i += LANES)
        s[0] = joined_vectors(kind, s[0], load(v + i));
    if (i < n)
        s[1] = joined_vectors(kind, s[1], load_some(v + i, n - i, neutral(kind)));
    /* Adding halves is as exact as it gets in single precision. */
    float lanes[LANES];
    store(lanes, joined_vectors(kind, joined_vectors(kind, s[0], s[1]), joined_vectors(kind, s[2], s[3])));
    for (int half = LANES / 2; half; half /= 2)
        for (int j = 0; j < half; j++)
            lanes[j] = kind == SUM ? lanes[j] + lanes[j + half]
                                   : (float)joined(kind, lanes[j], lanes[j + half]);
    return lanes[0];
}

static double reduced(const float *v, long n, long kind)
{
    return kind == SUM ? reduced_as(v, n, SUM) : kind == MAX ? reduced_as(v, n, MAX) : reduced_as(v, n, MIN);
}

/* How many floats the row has in which a part adds up an output down its columns, a few hundred blocks at
 * most before it goes on in double; 0 if it does not.  A short row stands in it several times: loops are long
 * then. */
static long row_of(const int64_t *layout)
{
    long m = layout[2];
    return layout[3] != SUM || layout[1] > 1 || m < 2 || m > WIDE ? 0 : m * ((255 + m) / m);
}

/* Adds n values to a row, from element i of its repetitions on. */
static void add_to_row(float *restrict row, long width, long i, const float *restrict from, long n)
{
    for (long j = i % width, run; n; from += run, n -= run, j = 0) {
        run = lesser_of(width - j, n);
        for (long t = 0; t < run; t++)
            row[j + t] += from[t];
    }
}

static void empty_row(float *row, long width, double *partial, long m)
{
    for (long j = 0; j < width; j += m)
        for (long t = 0; t < m; t++)
            partial[t] += row[j + t];
    memset(row, 0, width * sizeof *row);
}

/* Joins len values of a register, those at `begin` and after, to the partial results; `q` is the position of
 * the part's first one, which is `i` values before. */
static void reduce(const struct operand *v, long begin, long len, const int64_t *layout, double *partial,
                   long q, float *row, long i)
{
    long inner = layout[1], m = layout[2], kind = layout[3];
    float spread[BLOCK];
    const float *at = v->at;
    if (!v->step) {         /* the same value everywhere */
        for (long i = 0; i < len; i++)
            spread[i] = *at;
        at = spread;
    }
    if (row_of(layout)) {
        add_to_row(row, row_of(layout), i, at, len);
        return;
    }
    if (m == 1) {
        *partial = joined(kind, *partial, reduced(at, len, kind));
        return;
    }
    if (inner == 1) {
        long j = begin % m - q;
        if (j < 0)
            j += m;
        for (long i = 0; i < len; j = 0) {
            long run = m - j < len - i ? m - j : len - i;
            if (kind == SUM)
                for (long t = 0; t < run; t++)
                    partial[j + t] += at[i + t];
            else
                for (long t = 0; t < run; t++)
                    partial[j + t] = joined(kind, partial[j + t], at[i + t]);
            i += run;
        }
        return;
    }
    long j = begin / inner % m - q, rest = inner - begin % inner;
    if (j < 0)
        j += m;
    for (long i = 0; i < len; rest = inner) {
        long run = rest < len - i ? rest : len - i;
        partial[j] = joined(kind, partial[j], reduced(at + i, run, kind));
        i += run;
        if (run == rest && ++j == m)
            j = 0;
    }
}

/* An input's values for the block; `own` has room for them, `one` for one turn. */
static struct operand fetch(const void *in, const int64_t *layout, long n, long begin, long len, float *own,
                            float *one)
{
    long inner = layout[0], m = layout[1];
    int bytes = layout[2] == 1;
    const float *floats = in;
    const uint8_t *flags = in;
#define VALUE(k) (bytes ? (float)(flags[k] != 0) : floats[k])
    long k = m == 1 ? 0 : begin / inner % m, rest = m == 1 ? n : inner - begin % inner;
    if (inner == 1 && m > 1) {
        if (!bytes && k + len <= m && len % WIDTH == 0)
            return (struct operand){floats + k, WIDTH};
        /* a row's values from k on, and then the whole period again and again */
        long filled = m < len ? m : len;
        for (long i = 0, t = k; i < filled; t = 0) {
            long run = m - t < filled - i ? m - t : filled - i;
            if (bytes)
                for (long j = 0; j < run; j++)
                    own[i + j] = VALUE(t + j);
            else
                memcpy(own + i, floats + t, run * sizeof *own);
            i += run;
        }
        for (long run; filled < len; filled += run) {
            run = filled < len - filled ? filled : len - filled;
            memcpy(own + filled, own, run * sizeof *own);
        }
        return (struct operand){own, WIDTH};
    }
    if (rest >= len) {
        /* not in `own`, which the program may write while it reads this */
        fill(one, VALUE(k));
        return (struct operand){one, 0};
    }
    for (long i = 0; i < len; rest = inner) {
        long run = rest < len - i ? rest : len - i;
        float value = VALUE(k);
        for (long j = 0; j < run; j++)
            own[i + j] = value;
        i += run;
        if (++k == m)
            k = 0;
    }
    return (struct operand){own, WIDTH};
#undef VALUE
}

/* Stores a register as an output in full. */
static void keep(const struct operand *v, void *out, long kind, long begin, long len)
{
    const float *at = v->at;
    float *floats = (float *)out + begin;
    uint8_t *bytes = (uint8_t *)out + begin;
    if (kind == 1 && v->step)
        for (long i = 0; i < len; i++)
            bytes[i] = at[i] != 0;
    else if (kind == 1)
        memset(bytes, *at != 0, len);
    else if (v->step)
        memcpy(floats, at, len * sizeof *floats);
    else
        for (long i = 0; i < len; i++)
            floats[i] = *at;
}

/* Stores a block past the caches, and asks for what is read two blocks later: neither waits for the other
 * then. */
static void keep_past(const struct program *c, const float *from, float *to, long begin)
{
    const float *next[c->n_in + 1];
    int count = 0;
    if (begin + 3 * BLOCK <= c->n)
        for (int i = 0; i < c->n_in; i++)
            if (c->in_layout[3 * i] == 1 && c->in_layout[3 * i + 1] == c->n && !c->in_layout[3 * i + 2])
                next[count++] = (const float *)c->in[i] + begin + 2 * BLOCK;
    for (long i = 0; i < BLOCK; i += LANES) {
        for (int k = 0; k < count; k++)
            __builtin_prefetch(next[k] + i);
        store_past(to + begin + i, load(from + i));
    }
}

static void part(void *context, long begin, long end)
{
    struct program *c = context;
    size_t scratch = ((size_t)c->registers * BLOCK + (size_t)c->n_in * WIDTH + c->row_floats) * sizeof(float);
    char *memory = malloc(scratch + 64 + (c->registers + c->constants) * sizeof(struct operand));
    if (!memory) {
        c->failed = 1;
        return;
    }
    float *own = (float *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
    float *one = own + (long)c->registers * BLOCK;
    float *rows = memset(one + (long)c->n_in * WIDTH, 0, c->row_floats * sizeof *rows);
    struct operand *of = (struct operand *)((char *)own + scratch) + c->constants;     /* constants below 0 */
    for (int i = 0; i < c->constants; i++)
        of[-1 - i] = (struct operand){c->splats[i], 0};
    for (int i = 0; i < c->registers; i++)
        of[i] = (struct operand){own, 0};
    double *partial = c->partial + begin / c->chunk * c->width;
    for (int o = 0; o < c->n_out; o++)
        if (c->out_layout[4 * o + 3] >= SUM) {
            long width = touched(c->out_layout + 4 * o, c->chunk);
            for (long j = 0; j < width; j++)
                partial[c->first[o] + j] = neutral(c->out_layout[4 * o + 3]);
        }
    for (long at = begin; at < end; at += BLOCK) {
        long len = end - at < BLOCK ? end - at : BLOCK, whole_turns = len % WIDTH == 0;
        for (int i = 0; i < c->n_in; i++)
            of[i] = fetch(c->in[i], c->in_layout + 3 * i, c->n, at, len, own + (long)i * BLOCK,
                          one + i * WIDTH);
        for (int s = 0; s < c->steps; s++) {
            const int32_t *step = c->code + 5 * s;
            int to = step[1], direct = c->direct[to];
            float *place = direct >= 0 && whole_turns ? (float *)c->out[direct] + at : own + (long)to * BLOCK;
            operations[step[0]].loop(place, of + step[2], of + step[3], of + step[4], len);
            of[to] = (struct operand){place, WIDTH};
        }
        float *row = rows;
        for (int o = 0; o < c->n_out; o++) {
            const int64_t *layout = c->out_layout + 4 * o;
            long width = row_of(layout), q = begin / layout[1] % layout[2];
            const struct operand *v = of + layout[0];
            if (layout[3] >= SUM)
                reduce(v, at, len, layout, partial + c->first[o], q, row, at - begin);
            else if (c->past && !layout[3] && len == BLOCK && v->step && is_whole(c->out[o]))
                keep_past(c, v->at, c->out[o], at);
            else if (layout[3] == 1 || v->at != (float *)c->out[o] + at)
                keep(v, c->out[o], layout[3], at, len);
            if (width && (at + BLOCK >= end || (at - begin) / BLOCK % 64 == 63))
                empty_row(row, width, partial + c->first[o], layout[2]);
            row += width;
        }
    }
    stores_end();
    free(memory);
}

/* Joins the partial results of all parts to a reduced output. */
static int finish(const struct program *c, int o)
{
    const int64_t *layout = c->out_layout + 4 * o;
    long inner = layout[1], m = layout[2], kind = layout[3];
    double *all = malloc(m * sizeof *all);
    if (!all)
        return -1;
    for (long j = 0; j < m; j++)
        all[j] = neutral(kind);
    for (long begin = 0; begin < c->n; begin += c->chunk) {
        long end = c->n - begin < c->chunk ? c->n : begin + c->chunk;
        long q = begin / inner, count = (end - 1) / inner - q + 1;
        const double *partial = c->partial + begin / c->chunk * c->width + c->first[o];
        if (count > m)
            count = m;
        q %= m;
        for (long j = 0; j < count; j++, q = q + 1 == m ? 0 : q + 1)
            all[q] = joined(kind, all[q], partial[j]);
    }
    float *out = c->out[o];
    for (long j = 0; j < m; j++)
        out[j] = (float)all[j];
    free(all);
    return 0;
}

static int valid(const struct program *c)
{
    uint8_t known[c->registers + 1];
    for (int r = 0; r < c->registers; r++)
        known[r] = r < c->n_in;
    for (int i = 0; i < c->n_in; i++)
        if (c->in_layout[3 * i] < 1 || c->in_layout[3 * i + 1] < 1)
            return 0;
    for (int s = 0; s < c->steps; s++) {
        const int32_t *step = c->code + 5 * s;
        if (step[0] < 0 || step[0] >= COUNT || step[1] < 0 || step[1] >= c->registers)
            return 0;
        for (int i = 0; i < 3; i++) {
            int from = step[2 + i];
            if (from >= c->registers || from < -c->constants)
                return 0;
            if (i < operations[step[0]].operands && from >= 0 && !known[from])
                return 0;
        }
        known[step[1]] = 1;
    }
    for (int o = 0; o < c->n_out; o++) {
        const int64_t *layout = c->out_layout + 4 * o;
        if (layout[0] < 0 || layout[0] >= c->registers || !known[layout[0]] || layout[1] < 1 || layout[2] < 1
            || layout[3] < 0 || layout[3] > MIN)
            return 0;
    }
    return 1;
}

int k_vm(long n, const int32_t *code, int steps, int registers, const float *constants, int n_constants,
         int n_in, const void *const *in, const int64_t *in_layout, int n_out, void *const *out,
         const int64_t *out_layout)
{
    struct program c = {n, code, steps, registers, n_constants, n_in, NULL, in, in_layout, n_out, out,
                        out_layout, NULL, NULL, 0, 0, PART, NULL, n >= PAST, 0};
    if (n_in > registers || !valid(&c))
        return -2;
    /* More elements by part where there would be too many parts, or partial results as many as elements. */
    for (int o = 0; o < n_out; o++)
        if (out_layout[4 * o + 3] >= SUM && out_layout[4 * o + 1] < 8)
            while (c.chunk < n / 4 && c.chunk < 8 * out_layout[4 * o + 2])
                c.chunk *= 2;
    while (n / c.chunk >= MOST_PARTS)
        c.chunk *= 2;
    long parts = (n + c.chunk - 1) / c.chunk, positions[n_out + 1];
    float splats[n_constants + 1][WIDTH];
    int direct[registers];
    for (int i = 0; i < n_constants; i++)
        fill(splats[i], constants[i]);
    for (int r = 0; r < registers; r++)
        direct[r] = -1;
    for (int o = 0; o < n_out; o++) {
        const int64_t *layout = out_layout + 4 * o;
        if (layout[3] == 0 && !c.past)
            direct[layout[0]] = o;
        positions[o] = c.width;
        c.row_floats += row_of(layout);
        c.width += layout[3] >= SUM ? touched(layout, c.chunk) : 0;
    }
    c.splats = (const float (*)[WIDTH])splats;
    c.direct = direct;
    c.first = positions;
    if (c.width && !(c.partial = malloc(parts * c.width * sizeof *c.partial)))
        return -1;
    pool_run(part, &c, n, c.chunk);
    int result = c.failed ? -1 : 0;
    for (int o = 0; o < n_out && !result; o++)
        if (out_layout[4 * o + 3] >= SUM)
            result = finish(&c, o);
    free(c.partial);
    return result;
}
