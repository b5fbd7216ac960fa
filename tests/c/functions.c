/* Custom functions made of callbacks: what they get and give, what happens when they fail. */
#include "check.h"

#include <math.h>

/* What the callbacks of one function do, and what happened to them. */
typedef struct {
    int forwards, backwards, deletions;
    int recording; /* seen in forward */
    int mistake;
} context;

enum {
    NO_MISTAKE,
    RETURNS_STATUS,   /* of a call that failed in the callback */
    SETS_ERROR,       /* and returns its code */
    RETURNS_NUMBER,   /* without a reason */
    UNKNOWN_CODE,
    LEAVES_OUT,       /* sets the first output only */
    GIVES_INPUT,      /* itself, not a dup */
    GIVES_GARBAGE,
    GIVES_STALE,
    GIVES_TWICE,      /* one handle for two outputs */
    FREES_INPUT,
    WRONG_SHAPE,
};

static void deleter(void *ctx)
{
    ((context *)ctx)->deletions++;
}

/* Makes the mistake.  Not 0 if the callback is to return with *status now. */
static int mistaken(const context *c, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out, int *status)
{
    mxg_ndarray a = NULL;
    int32_t i;
    *status = MXG_OK;
    switch (c->mistake) {
    case RETURNS_STATUS:
        OK(mxg_ndarray_dup(in[0], &out[0]));
        *status = mxg_ndarray_at(in[0], 99, &a);
        return 1;
    case SETS_ERROR:
        OK(mxg_ndarray_dup(in[0], &out[0]));
        *status = mxg_set_error(MXG_ERR_TYPE, "only on Tuesdays");
        return 1;
    case RETURNS_NUMBER:
        *status = 42;
        return 1;
    case UNKNOWN_CODE:
        *status = mxg_set_error(42, "with a number of its own");
        CHECK(*status == MXG_ERR_CALLBACK);
        return 1;
    case LEAVES_OUT:
        out[0] = FLOATS(1, 2);
        return 1;
    case GIVES_INPUT:
        out[0] = in[0];
        return 1;
    case GIVES_GARBAGE:
        out[0] = (mxg_ndarray)0x1234;
        return 1;
    case GIVES_STALE:
        out[0] = FLOATS(1);
        FREE(out[0]);
        return 1;
    case GIVES_TWICE:
        a = FLOATS(1, 2);
        for (i = 0; i < n_out; i++)
            out[i] = a;
        return 1;
    case WRONG_SHAPE:
        for (i = 0; i < n_out; i++)
            out[i] = FLOATS(1, 2, 3, 4, 5);
        return 1;
    default:
        return 0;
    }
}

/* (a * b, a + b) */
static int forward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    context *c = ctx;
    const mxg_ndarray a = in[0], b = in[1];
    int status;
    c->forwards++;
    CHECK(n_in == 2 && n_out == 2 && out[0] == NULL && out[1] == NULL);
    OK(mxg_is_recording(&c->recording));
    OK(mxg_save_for_backward(n_in, in));
    if (mistaken(c, in, n_out, out, &status))
        return status;
    OK(mxg_invoke2(op("multiply"), a, b, &out[0]));
    OK(mxg_invoke2(op("add"), a, b, &out[1]));
    if (c->mistake == FREES_INPUT)
        OK(mxg_ndarray_free(a));
    return MXG_OK;
}

/* (b * g0 + g1, a * g0 + g1) */
static int backward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    context *c = ctx;
    int32_t i;
    c->backwards++;
    CHECK(n_in == 4 && n_out == 2 && out[0] == NULL && out[1] == NULL);
    for (i = 0; i < 2; i++) {
        mxg_ndarray t;
        OK(mxg_invoke2(op("multiply"), in[3 - i], in[0], &t));
        OK(mxg_invoke2(op("add"), t, in[1], &out[i]));
        FREE(t);
    }
    return MXG_OK;
}

/* Makes a mistake of its own kind, or gives no gradient to the second input. */
static int bad_backward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    context *c = ctx;
    int status;
    (void)n_in;
    c->backwards++;
    if (mistaken(c, in, n_out, out, &status))
        return status;
    return mxg_ndarray_dup(in[0], &out[0]);
}

static mxg_function function(context *c, mxg_callback back)
{
    mxg_function f;
    OK(mxg_function_new("pair", forward, back, c, deleter, &f));
    return f;
}

static void values_and_gradients(void)
{
    context c = {0};
    mxg_function f = function(&c, backward);
    mxg_ndarray in[2] = {VARIABLE(2, 3), VARIABLE(5, 7)}, out[2], g;
    const mxg_ndarray head_grads[2] = {FLOATS(1, 10), FLOATS(100, 1000)};
    int64_t scope = record();

    OK(mxg_function_call(f, 2, in, 2, out));
    OK(mxg_scope_end(scope));
    CHECK(c.forwards == 1 && c.backwards == 0 && c.recording == 0);
    VALUES(out[0], 10, 21);
    VALUES(out[1], 7, 10);
    OK(mxg_backward(2, out, head_grads, 0, 1));
    CHECK(c.backwards == 1);
    g = grad(in[0]);
    VALUES(g, 5 * 1 + 100, 7 * 10 + 1000);
    FREE(g);
    g = grad(in[1]);
    VALUES(g, 2 * 1 + 100, 3 * 10 + 1000);
    FREE(g, out[0], out[1]);

    scope = record(); /* one output used: the other's head gradient is zeros */
    OK(mxg_function_call(f, 2, in, 2, out));
    OK(mxg_scope_end(scope));
    OK(mxg_backward(1, &out[1], NULL, 0, 1));
    g = grad(in[0]);
    VALUES(g, 1, 1);
    FREE(g, out[0], out[1], in[0], in[1], head_grads[0], head_grads[1]);
    OK(mxg_function_free(f));
    CHECK(c.deletions == 1);
}

/* The deleter runs once, when neither the handle nor the tape needs the function. */
static void deleted_once(void)
{
    context c = {0};
    mxg_function f = function(&c, backward);
    mxg_ndarray in[2] = {VARIABLE(1), VARIABLE(2)}, out[2], g;
    int64_t functions, scope = record();

    OK(mxg_live(2, &functions));
    CHECK(functions == 1);
    OK(mxg_function_call(f, 2, in, 2, out));
    OK(mxg_scope_end(scope));
    OK(mxg_function_free(f));
    OK(mxg_live(2, &functions));
    CHECK(functions == 0);
    CHECK(c.deletions == 0); /* the tape needs it */
    FAILS(MXG_ERR_HANDLE, mxg_function_free(f));
    OK(mxg_backward(1, &out[0], NULL, 0, 1));
    g = grad(in[0]);
    VALUES(g, 2);
    FREE(in[0], in[1], out[0], out[1], g);
    CHECK(c.deletions == 1);

    f = function(&c, backward);
    OK(mxg_function_free(f));
    CHECK(c.deletions == 2);
    OK(mxg_function_free(NULL));

    OK(mxg_function_new(NULL, forward, backward, NULL, NULL, &f)); /* nothing to delete */
    OK(mxg_function_free(f));
}

/* f = sum(exp(a)): its backward is recorded for a second derivative if asked. */
static int exp_forward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)ctx, (void)n_in, (void)n_out;
    OK(mxg_save_for_backward(1, in));
    return mxg_invoke1(op("exp"), in[0], &out[0]);
}

static int exp_backward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    mxg_ndarray e;
    int rc;
    (void)ctx, (void)n_out;
    CHECK(n_in == 2);
    OK(mxg_invoke1(op("exp"), in[1], &e));
    rc = mxg_invoke2(op("multiply"), e, in[0], &out[0]);
    FREE(e);
    return rc;
}

static void second_order(void)
{
    const float two = 2;
    mxg_function f;
    mxg_ndarray x = VARIABLE(two), y, first, second;
    float got[2];
    int64_t scope = record();

    OK(mxg_function_new("exp", exp_forward, exp_backward, NULL, NULL, &f));
    OK(mxg_function_call(f, 1, &x, 1, &y));
    OK(mxg_grad_of(1, &y, NULL, 1, &x, -1, 1, 1, &first));
    OK(mxg_scope_end(scope));
    OK(mxg_grad_of(1, &first, NULL, 1, &x, 0, 0, 1, &second));
    OK(mxg_ndarray_copy_to(first, &got[0], 4));
    OK(mxg_ndarray_copy_to(second, &got[1], 4));
    CHECK(fabsf(got[0] - 7.3890561f) < 1e-5f && fabsf(got[1] - 7.3890561f) < 1e-5f);
    FREE(x, y, first, second);
    OK(mxg_function_free(f));
}

/* Calls the function with a mistake in forward; the call fails, says why, and keeps nothing. */
static void forward_fails(int kind, int expected, const char *said)
{
    context c = {0};
    mxg_function f = function(&c, backward);
    mxg_ndarray in[2] = {VARIABLE(1, 2), VARIABLE(3, 4)}, out[2] = {(mxg_ndarray)1, (mxg_ndarray)1};
    int64_t before = live(), scope = record();
    int on;

    c.mistake = kind;
    FAILS(expected, mxg_function_call(f, 2, in, 2, out));
    SAYS("pair");
    SAYS("forward");
    SAYS(said);
    CHECK(out[0] == NULL && out[1] == NULL);
    CHECK(live() == before);
    OK(mxg_is_recording(&on));
    CHECK(on == 1); /* forward's pause has ended */
    c.mistake = NO_MISTAKE; /* and the next call works */
    OK(mxg_function_call(f, 2, in, 2, out));
    OK(mxg_scope_end(scope));
    OK(mxg_backward(1, out, NULL, 0, 1));
    FREE(in[0], in[1], out[0], out[1]);
    OK(mxg_function_free(f));
    CHECK(c.deletions == 1);
}

static void failing_forwards(void)
{
    forward_fails(RETURNS_STATUS, MXG_ERR_CALLBACK, "99");
    forward_fails(SETS_ERROR, MXG_ERR_CALLBACK, "only on Tuesdays");
    forward_fails(RETURNS_NUMBER, MXG_ERR_CALLBACK, "42");
    forward_fails(UNKNOWN_CODE, MXG_ERR_CALLBACK, "with a number of its own");
    forward_fails(LEAVES_OUT, MXG_ERR_CALLBACK, "out[1]");
    forward_fails(GIVES_INPUT, MXG_ERR_CALLBACK, "out[0]");
    forward_fails(GIVES_GARBAGE, MXG_ERR_CALLBACK, "0x1234");
    forward_fails(GIVES_STALE, MXG_ERR_CALLBACK, "out[0]");
    forward_fails(GIVES_TWICE, MXG_ERR_CALLBACK, "out[1]");
}

/* A mistake in backward: mxg_backward fails, and no gradient has changed. */
static void backward_fails(int kind, int expected, const char *said)
{
    context c = {0};
    mxg_function f = function(&c, bad_backward);
    mxg_ndarray in[2] = {VARIABLE(1, 2), VARIABLE(3, 4)}, out[2], g = grad(in[0]);
    int64_t before, scope;

    OK(mxg_ndarray_assign_scalar(g, 77));
    scope = record();
    OK(mxg_function_call(f, 2, in, 2, out));
    OK(mxg_scope_end(scope));
    before = live();
    c.mistake = kind;
    FAILS(expected, mxg_backward(1, out, NULL, 0, 1));
    SAYS("pair");
    SAYS("backward");
    SAYS(said);
    CHECK(live() == before);
    VALUES(g, 77, 77);
    FREE(in[0], in[1], out[0], out[1], g);
    OK(mxg_function_free(f));
    CHECK(c.deletions == 1);
}

static void failing_backwards(void)
{
    backward_fails(RETURNS_STATUS, MXG_ERR_CALLBACK, "99");
    backward_fails(SETS_ERROR, MXG_ERR_CALLBACK, "only on Tuesdays");
    backward_fails(RETURNS_NUMBER, MXG_ERR_CALLBACK, "42");
    backward_fails(GIVES_INPUT, MXG_ERR_CALLBACK, "out[0]");
    backward_fails(GIVES_GARBAGE, MXG_ERR_CALLBACK, "0x1234");
    backward_fails(GIVES_STALE, MXG_ERR_CALLBACK, "out[0]");
    backward_fails(GIVES_TWICE, MXG_ERR_CALLBACK, "out[1]");
    backward_fails(WRONG_SHAPE, MXG_ERR_AUTOGRAD, "(5,)");
}

/* An output that backward leaves NULL: no gradient flows there. */
static void no_gradient(void)
{
    context c = {0};
    mxg_function f = function(&c, bad_backward);
    mxg_ndarray in[2] = {VARIABLE(1, 2), VARIABLE(3, 4)}, out[2], g[2];
    int64_t scope = record();
    OK(mxg_function_call(f, 2, in, 2, out));
    OK(mxg_scope_end(scope));
    OK(mxg_backward(1, out, NULL, 0, 1));
    g[0] = grad(in[0]);
    g[1] = grad(in[1]);
    VALUES(g[0], 1, 1);
    VALUES(g[1], 0, 0);
    FREE(in[0], in[1], out[0], out[1], g[0], g[1]);
    OK(mxg_function_free(f));
}

/* Inputs are borrowed: a callback that frees one does no harm to the caller's handle. */
static void freed_input(void)
{
    context c = {0};
    mxg_function f = function(&c, backward);
    mxg_ndarray in[2] = {FLOATS(1, 2), FLOATS(3, 4)}, out[2];
    c.mistake = FREES_INPUT;
    (void)mxg_function_call(f, 2, in, 2, out);
    VALUES(in[0], 1, 2);
    OK(mxg_ndarray_free_n(2, out)); /* NULL if the call failed */
    FREE(in[0], in[1]);
    OK(mxg_function_free(f));
}

/* ---- callbacks that call functions -------------------------------------------------------------------- */

static mxg_function myself;

static int recursive(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    int *depth = ctx;
    (void)n_in, (void)n_out;
    if (--*depth == 0)
        return mxg_ndarray_dup(in[0], &out[0]);
    return mxg_function_call(myself, 1, in, 1, out);
}

static void nested_calls(void)
{
    int depth = 10;
    mxg_ndarray x = FLOATS(1, 2), out;
    OK(mxg_function_new("nested", recursive, recursive, &depth, NULL, &myself));
    OK(mxg_function_call(myself, 1, &x, 1, &out));
    CHECK(depth == 0);
    VALUES(out, 1, 2);
    FREE(out);
    depth = 0; /* for ever */
    FAILS(MXG_ERR_CALLBACK, mxg_function_call(myself, 1, &x, 1, &out));
    CHECK(out == NULL);
    FREE(x);
    OK(mxg_function_free(myself));
}

static void misuse(void)
{
    context c = {0};
    mxg_function f = function(&c, backward), g;
    mxg_ndarray x = FLOATS(1), out;
    FAILS(MXG_ERR_VALUE, mxg_save_for_backward(1, &x)); /* not in a callback */
    FAILS(MXG_ERR_VALUE, mxg_function_new("f", NULL, backward, NULL, NULL, &g));
    CHECK(g == NULL);
    FAILS(MXG_ERR_VALUE, mxg_function_new("f", forward, NULL, NULL, NULL, &g));
    FAILS(MXG_ERR_HANDLE, mxg_function_call((mxg_function)x, 1, &x, 1, &out));
    FAILS(MXG_ERR_HANDLE, mxg_ndarray_free((mxg_ndarray)f));
    FAILS(MXG_ERR_HANDLE, mxg_function_free((mxg_function)x));
    FREE(x);
    OK(mxg_function_free(f));
}

int main(void)
{
    RUN(values_and_gradients);
    RUN(deleted_once);
    RUN(second_order);
    RUN(failing_forwards);
    RUN(failing_backwards);
    RUN(no_gradient);
    RUN(freed_input);
    RUN(nested_calls);
    RUN(misuse);
    return 0;
}
