/* Scopes, variables, backward, gradients of gradients, and what the errors name. */
#include "check.h"

static void flags(int recording, int training)
{
    int on = -1;
    OK(mxg_is_recording(&on));
    CHECK(on == recording);
    OK(mxg_is_training(&on));
    CHECK(on == training);
}

static void scopes(void)
{
    int64_t record_scope, pause, train, predict;
    int previous = -1;

    flags(0, 0);
    OK(mxg_scope_begin(1, 1, &record_scope));
    flags(1, 1);
    OK(mxg_scope_begin(0, 0, &pause));
    flags(0, 0);
    OK(mxg_scope_begin(-1, 1, &train));
    flags(0, 1);
    OK(mxg_scope_end(train));
    flags(0, 0);
    OK(mxg_scope_end(pause));
    flags(1, 1);
    OK(mxg_scope_begin(-1, 0, &predict));
    flags(1, 0);
    OK(mxg_scope_end(predict));
    OK(mxg_scope_end(record_scope));
    flags(0, 0);

    OK(mxg_set_recording(2, &previous));
    CHECK(previous == 0);
    OK(mxg_set_training(1, NULL));
    flags(1, 1);
    OK(mxg_set_recording(0, &previous));
    CHECK(previous == 1);
    OK(mxg_set_training(0, &previous));
    CHECK(previous == 1);
    flags(0, 0);
}

static void skipped_ends(void)
{
    int64_t outer, middle, inner, later = 0;

    OK(mxg_scope_begin(-1, 1, &outer));
    OK(mxg_scope_begin(1, -1, &middle));
    OK(mxg_scope_begin(0, 0, &inner));
    OK(mxg_scope_end(outer)); /* an error made the program skip the other two */
    flags(0, 0);
    FAILS(MXG_ERR_VALUE, mxg_scope_end(middle));
    FAILS(MXG_ERR_VALUE, mxg_scope_end(inner));
    FAILS(MXG_ERR_VALUE, mxg_scope_end(outer)); /* twice */
    FAILS(MXG_ERR_VALUE, mxg_scope_end(0));
    FAILS(MXG_ERR_VALUE, mxg_scope_end(-1));
    FAILS(MXG_ERR_VALUE, mxg_scope_begin(2, 0, &later));
    FAILS(MXG_ERR_VALUE, mxg_scope_begin(0, -2, &later));
    CHECK(later == 0);
    flags(0, 0);
}

/* y = x * x, recorded */
static mxg_ndarray square(mxg_ndarray x)
{
    int64_t scope = record();
    mxg_ndarray y = apply2("multiply", x, x);
    OK(mxg_scope_end(scope));
    return y;
}

static void grad_requests(void)
{
    mxg_ndarray x = FLOATS(1, 2, 3), y, g;

    CHECK((g = grad(x)) == NULL);
    OK(mxg_attach_grad(x, "add"));
    g = grad(x);
    VALUES(g, 0, 0, 0);
    y = square(x);
    OK(mxg_backward(1, &y, NULL, 1, 1));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    VALUES(g, 4, 8, 12); /* 2x, twice; g shares its memory with the gradient */
    FREE(y, g);

    OK(mxg_attach_grad(x, "write"));
    y = square(x);
    OK(mxg_backward(1, &y, NULL, 1, 1));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    g = grad(x);
    VALUES(g, 2, 4, 6);
    FREE(y, g);

    FAILS(MXG_ERR_VALUE, mxg_attach_grad(x, "wrote"));
    OK(mxg_drop_grad(x));
    CHECK((g = grad(x)) == NULL);
    y = square(x);
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &y, NULL, 0, 1));
    FREE(x, y);
}

static void marked_variables(void)
{
    mxg_ndarray variables[2] = {FLOATS(1, 2), FLOATS(3, 4)}, gradients[2] = {FLOATS(0, 0), FLOATS(10, 10)};
    const char *const reqs[2] = {"write", "add"}, *const wrong[2] = {"write", "read"};
    mxg_ndarray y, wrong_shape = FLOATS(1);
    int64_t scope;

    OK(mxg_mark_variables(2, variables, gradients, reqs));
    scope = record();
    y = apply2("multiply", variables[0], variables[1]);
    OK(mxg_scope_end(scope));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    VALUES(gradients[0], 3, 4);
    VALUES(gradients[1], 11, 12);
    FAILS(MXG_ERR_VALUE, mxg_mark_variables(2, variables, gradients, wrong));
    FAILS(MXG_ERR_VALUE, mxg_mark_variables(1, variables, &wrong_shape, NULL));
    OK(mxg_mark_variables(0, NULL, NULL, NULL));
    FREE(variables[0], variables[1], gradients[0], gradients[1], y, wrong_shape);
}

static void head_gradients(void)
{
    mxg_ndarray x = VARIABLE(1, 2), heads[2], head_grads[2], g;

    heads[0] = square(x);
    heads[1] = square(x);
    head_grads[0] = FLOATS(10, 100);
    head_grads[1] = NULL; /* ones */
    OK(mxg_backward(2, heads, head_grads, 0, 1));
    g = grad(x);
    VALUES(g, 2 * 10 + 2, 4 * 100 + 4);
    FREE(heads[0], heads[1], head_grads[0]);

    heads[0] = square(x);
    head_grads[0] = FLOATS(1, 2, 3);
    FAILS(MXG_ERR_VALUE, mxg_backward(1, heads, head_grads, 0, 1));
    VALUES(g, 22, 404); /* as it was */
    OK(mxg_backward(1, heads, NULL, 0, 1)); /* and the graph is still there */
    VALUES(g, 2, 4);
    FREE(heads[0], head_grads[0], x, g);
}

static void nothing_to_differentiate(void)
{
    mxg_ndarray x = VARIABLE(1, 2), y, plain = FLOATS(1);

    y = apply2("multiply", x, x); /* not recorded */
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &y, NULL, 0, 1));
    FREE(y);
    y = square(x);
    OK(mxg_backward(1, &y, NULL, 0, 1));
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &y, NULL, 0, 1)); /* freed by the first */
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &plain, NULL, 0, 1));
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(0, NULL, NULL, 0, 1));
    FREE(x, y, plain);
}

/* The tape keeps its arrays when their handles are freed. */
static void handles_freed_early(void)
{
    mxg_ndarray x = VARIABLE(3), y, g;
    int64_t scope = record();
    int i;
    y = apply2("multiply", x, x);
    for (i = 0; i < 3; i++) {
        mxg_ndarray next = apply_number("multiply", y, 2);
        FREE(y);
        y = next;
    }
    OK(mxg_scope_end(scope));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    g = grad(x);
    VALUES(g, 48);
    FREE(x, y, g);
}

static void higher_orders(void)
{
    mxg_ndarray x = VARIABLE(2), y, first, second, third, attached;
    int64_t scope = record();

    y = apply2("multiply", x, x);
    {
        mxg_ndarray cube = apply2("multiply", y, x);
        FREE(y);
        y = cube;
    }
    OK(mxg_grad_of(1, &y, NULL, 1, &x, -1, 1, 1, &first));
    VALUES(first, 12); /* 3x^2 */
    OK(mxg_grad_of(1, &first, NULL, 1, &x, -1, 1, 1, &second));
    VALUES(second, 12); /* 6x */
    OK(mxg_scope_end(scope));
    OK(mxg_grad_of(1, &second, NULL, 1, &x, 0, 0, 1, &third));
    VALUES(third, 6);
    attached = grad(x);
    VALUES(attached, 0); /* left alone */

    {
        mxg_ndarray fourth = x;
        FAILS(MXG_ERR_AUTOGRAD, mxg_grad_of(1, &third, NULL, 1, &x, 0, 0, 1, &fourth)); /* not recorded */
        CHECK(fourth == NULL);
    }
    FREE(x, y, first, second, third, attached);
}

static void gradients_of_several(void)
{
    mxg_ndarray variables[2] = {VARIABLE(1, 2), VARIABLE(3, 4)}, unused = VARIABLE(1), y, out[2];
    const mxg_ndarray with_unused[2] = {variables[0], unused};
    mxg_ndarray head_grad = FLOATS(1, 10);
    int64_t scope = record();

    y = apply2("multiply", variables[0], variables[1]);
    OK(mxg_scope_end(scope));
    OK(mxg_grad_of(1, &y, &head_grad, 2, variables, 1, 0, 1, out));
    VALUES(out[0], 3, 40);
    VALUES(out[1], 1, 20);
    FREE(out[0], out[1]);
    out[0] = out[1] = y;
    FAILS(MXG_ERR_AUTOGRAD, mxg_grad_of(1, &y, &head_grad, 2, with_unused, 1, 0, 1, out)); /* unreachable */
    CHECK(out[0] == NULL && out[1] == NULL);
    FAILS(MXG_ERR_VALUE, mxg_grad_of(1, &y, NULL, 0, NULL, 1, 0, 1, NULL)); /* no variable */
    FREE(variables[0], variables[1], unused, y, head_grad);
}

static void detached(void)
{
    mxg_ndarray x = VARIABLE(1, 2), d, y, z, g;
    int64_t scope = record();
    y = apply2("multiply", x, x);
    OK(mxg_detach(y, &d));
    z = apply2("multiply", d, x);
    OK(mxg_scope_end(scope));
    OK(mxg_backward(1, &z, NULL, 0, 1));
    g = grad(x);
    VALUES(g, 1, 4); /* d, as a constant */
    OK(mxg_ndarray_assign_scalar(d, 7));
    VALUES(y, 7, 7); /* the same memory */
    FREE(x, d, y, z, g);
}

/* What Dropout does depends on the mode of the thread; backward's `train` is for its own pass. */
static void training_mode(void)
{
    mxg_ndarray x = VARIABLE(1, 1, 1, 1, 1, 1, 1, 1), dropped, kept;
    float values[8];
    int64_t predict, scope = record();
    int i;

    OK(mxg_seed(0));
    dropped = apply1("Dropout", x);
    OK(mxg_scope_begin(-1, 0, &predict));
    kept = apply1("Dropout", x);
    OK(mxg_scope_end(predict));
    OK(mxg_scope_end(scope));
    VALUES(kept, 1, 1, 1, 1, 1, 1, 1, 1);
    OK(mxg_ndarray_copy_to(dropped, values, sizeof values));
    for (i = 0; i < 8 && values[i] != 0; i++)
        CHECK(values[i] == 2);
    CHECK(i < 8);
    FREE(x, dropped, kept);
}

/* The errors of the tape name the C file and line where the computation was recorded, and written. */
static void errors_name_lines(void)
{
    char recorded[64], written[64];
    mxg_ndarray x = VARIABLE(1, 2), y, z, g;
    int64_t scope = record();

    y = apply_number("multiply", x, 3);
    snprintf(recorded, sizeof recorded, "autograd.c:%d", __LINE__ + 1);
    OK(MXG_HERE());
    z = apply2("multiply", y, y);
    OK(mxg_scope_end(scope));
    snprintf(written, sizeof written, "autograd.c:%d", __LINE__ + 1);
    OK(MXG_HERE());
    OK(mxg_ndarray_assign_scalar(y, 0));
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &z, NULL, 0, 1));
    SAYS(recorded);
    SAYS(written);
    g = grad(x);
    VALUES(g, 0, 0); /* nothing was delivered */
    FREE(y, z);

    OK(mxg_set_location("model.pl", 123)); /* a binding gives its own */
    y = square(x);
    OK(mxg_backward(1, &y, NULL, 0, 1));
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &y, NULL, 0, 1));
    SAYS("model.pl:123");
    FREE(y);
    OK(mxg_set_location(NULL, 0)); /* forgotten */
    y = square(x);
    OK(mxg_backward(1, &y, NULL, 0, 1));
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &y, NULL, 0, 1));
    CHECK(strstr(mxg_last_error(), "model.pl") == NULL);
    FREE(x, y, g);
}

static void writes_while_recording(void)
{
    mxg_ndarray x = VARIABLE(1, 2), y, g, two = FLOATS(2, 2);
    const mxg_ndarray operands[2] = {x, two};
    int64_t scope = record();

    y = apply2("multiply", x, x);
    FAILS(MXG_ERR_AUTOGRAD, mxg_ndarray_assign_scalar(x, 0));
    FAILS(MXG_ERR_AUTOGRAD, mxg_ndarray_assign(x, two));
    FAILS(MXG_ERR_AUTOGRAD, mxg_ndarray_copy_from(x, (const float[]){0, 0}, 8));
    FAILS(MXG_ERR_AUTOGRAD, mxg_invoke_into(op("multiply"), 2, operands, 0, NULL, NULL, x));
    OK(mxg_scope_end(scope));
    VALUES(x, 1, 2);
    OK(mxg_backward(1, &y, NULL, 0, 1)); /* the graph is whole */
    g = grad(x);
    VALUES(g, 2, 4);
    OK(mxg_invoke_into(op("multiply"), 2, operands, 0, NULL, NULL, x)); /* a training step, not recorded */
    VALUES(x, 2, 4);
    FREE(x, y, g, two);
}

/* Writing through the pointer is seen if it is announced. */
static void writes_through_pointers(void)
{
    mxg_ndarray x = VARIABLE(1, 2), y;
    void *data;
    size_t nbytes;

    y = square(x);
    OK(mxg_ndarray_data(x, &data, &nbytes));
    ((float *)data)[0] = 50;
    OK(mxg_ndarray_touch(x));
    FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &y, NULL, 0, 1));
    FREE(x, y);
}

/* Filling a fresh array by assignments is recorded. */
static void recorded_assignments(void)
{
    const int64_t zero = 0, one = 1, two = 2;
    mxg_ndarray x = VARIABLE(3), z = FLOATS(0, 0), y, g;
    int64_t scope = record();

    OK(mxg_ndarray_assign_slice(z, 1, &zero, &one, NULL, NULL, x)); /* z[0] = x */
    y = apply2("multiply", x, x);
    OK(mxg_ndarray_assign_slice(z, 1, &one, &two, NULL, NULL, y)); /* z[1] = x * x */
    OK(mxg_scope_end(scope));
    VALUES(z, 3, 9);
    OK(mxg_backward(1, &z, NULL, 0, 1));
    g = grad(x);
    VALUES(g, 1 + 2 * 3);
    FREE(x, z, y, g);
}

static void symbols(void)
{
    char text[4096];
    size_t need;
    mxg_ndarray x = VARIABLE(1, 2), y = square(x), plain = FLOATS(1);

    OK(mxg_symbol_text(y, text, sizeof text, &need));
    CHECK(strstr(text, "multiply") != NULL && need == strlen(text) + 1);
    OK(mxg_symbol_json(y, text, sizeof text, &need));
    CHECK(strstr(text, "\"nodes\"") != NULL && need == strlen(text) + 1);
    FAILS(MXG_ERR_BUFFER, mxg_symbol_json(y, text, 8, NULL));
    FAILS(MXG_ERR_AUTOGRAD, mxg_symbol_text(plain, text, sizeof text, NULL));
    FREE(x, y, plain);
}

int main(void)
{
    RUN(scopes);
    RUN(skipped_ends);
    RUN(grad_requests);
    RUN(marked_variables);
    RUN(head_gradients);
    RUN(nothing_to_differentiate);
    RUN(handles_freed_early);
    RUN(higher_orders);
    RUN(gradients_of_several);
    RUN(detached);
    RUN(training_mode);
    RUN(errors_name_lines);
    RUN(writes_while_recording);
    RUN(writes_through_pointers);
    RUN(recorded_assignments);
    RUN(symbols);
    return 0;
}
