/* Automatic differentiation with autograd: the tutorial of MXNet 2's np and npx, as a program. */
#include "example.h"

#include <string.h>

/* sum(2 * x * x), or 2 * x * x itself */
static mxg_ndarray twice_square(mxg_ndarray x, int summed)
{
    mxg_ndarray y = apply_number("np.multiply", x, 2);
    replace(&y, apply2("np.multiply", y, x));
    if (summed)
        replace(&y, apply1("np.sum", y));
    return y;
}

static void backward(mxg_ndarray head)
{
    check(mxg_backward(1, &head, NULL, 0, 1));
}

/* "True" or "False": whether two arrays of six float32 hold the same values. */
static const char *same(mxg_ndarray a, mxg_ndarray b)
{
    float left[6], right[6];
    check(mxg_ndarray_copy_to(a, left, sizeof left));
    check(mxg_ndarray_copy_to(b, right, sizeof right));
    return memcmp(left, right, sizeof left) == 0 ? "True" : "False";
}

static const char *grad_is_itself(mxg_ndarray a)
{
    mxg_ndarray grad;
    const char *answer;
    check(mxg_grad(a, &grad));
    answer = same(grad, a);
    check(mxg_ndarray_free(grad));
    return answer;
}

/* A custom function with three outputs, two inputs, and gradients of its own making.
 *
 * The callbacks pass on the status of a call that fails: it makes mxg_function_call or mxg_backward fail. */
static int forward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    mxg_op multiply;
    int status;
    (void)ctx;
    (void)n_out;
    if ((status = mxg_op_find("np.multiply", &multiply)) != MXG_OK ||
        (status = mxg_save_for_backward(n_in, in)) != MXG_OK ||
        (status = mxg_invoke_scalar(multiply, in[0], 2, 0, &out[0])) != MXG_OK ||
        (status = mxg_invoke2(multiply, out[0], in[1], &out[1])) != MXG_OK)
        return status;
    return mxg_invoke_scalar(multiply, in[1], 2, 0, &out[2]);
}

/* Gets three head gradients, then the two arrays that forward saved; gives two gradients. */
static int its_backward(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    int status;
    (void)ctx;
    (void)n_in;
    (void)n_out;
    if ((status = mxg_ndarray_dup(in[3], &out[0])) != MXG_OK)
        return status;
    return mxg_ndarray_dup(in[4], &out[1]);
}

static void custom_function(mxg_ndarray x, mxg_ndarray y)
{
    const mxg_ndarray inputs[2] = {x, y};
    mxg_ndarray outputs[3], sum;
    mxg_function function;
    int64_t scope;

    check(mxg_function_new("MyFirstCustomOperation", forward, its_backward, NULL, NULL, &function));
    scope = record();
    check(mxg_function_call(function, 2, inputs, 3, outputs));
    sum = apply2("np.add", outputs[0], outputs[1]);
    replace(&sum, apply2("np.add", sum, outputs[2]));
    check(mxg_scope_end(scope));
    backward(sum);
    check(mxg_ndarray_free(sum));
    check(mxg_ndarray_free_n(3, outputs));
    check(mxg_function_free(function));
}

/* Returns something else when training. */
static mxg_ndarray my_first_function(mxg_ndarray x)
{
    mxg_ndarray out;
    int training;
    check(mxg_is_training(&training));
    if (training)
        return apply_number("np.multiply", x, 4);
    check(mxg_ndarray_dup(x, &out));
    return out;
}

/* Scopes nest. */
static mxg_ndarray my_second_function(mxg_ndarray x)
{
    int64_t scope = record();
    mxg_ndarray out = apply_number("np.multiply", x, 2);
    check(mxg_scope_end(scope));
    return out;
}

/* Doubles until the sum of magnitudes reaches 1000, then selects by the sign of the sum. */
static mxg_ndarray f(mxg_ndarray a)
{
    mxg_ndarray b = apply_number("np.multiply", a, 2), c;
    for (;;) {
        mxg_ndarray magnitudes = apply1("np.abs", b);
        replace(&magnitudes, apply1("np.sum", magnitudes));
        if (take_number(magnitudes) >= 1000)
            break;
        replace(&b, apply_number("np.multiply", b, 2));
    }
    check(mxg_ndarray_at(b, take_number(apply1("np.sum", b)) >= 0 ? 0 : 1, &c));
    check(mxg_ndarray_free(b));
    return c;
}

/* z = 4y + 2x with y = 3x, which becomes a variable of its own if `marked`. */
static void chain(mxg_ndarray x, int marked)
{
    int64_t scope = record();
    mxg_ndarray y = apply_number("np.multiply", x, 3), z, t;
    if (marked)
        check(mxg_attach_grad(y, "write"));
    z = apply_number("np.multiply", y, 4);
    t = apply_number("np.multiply", x, 2);
    replace(&z, apply2("np.add", z, t));
    check(mxg_scope_end(scope));
    backward(z);
    print_grad(x);
    print_grad(y);
    check(mxg_ndarray_free(t));
    check(mxg_ndarray_free(z));
    check(mxg_ndarray_free(y));
}

/* y = my_first_function(x), recorded in training mode or not */
static void in_mode(mxg_ndarray x, int training)
{
    mxg_ndarray y;
    int64_t scope;
    check(mxg_scope_begin(1, training, &scope));
    y = my_first_function(x);
    check(mxg_scope_end(scope));
    backward(y);
    print_grad(x);
    check(mxg_ndarray_free(y));
}

static mxg_ndarray random_variable(void)
{
    const char *const keys[] = {"low", "high", "size"}, *const values[] = {"-1", "1", "(2, 3)"};
    int32_t n = 1;
    mxg_ndarray a;
    check(mxg_invoke(find("np.random.uniform"), 0, NULL, 3, keys, values, &n, &a));
    check(mxg_attach_grad(a, "write"));
    return a;
}

int main(void)
{
    const float data[] = {1, 2, 3, 4};
    mxg_ndarray x = matrix(2, 2, data), y, z, a, c, grad, slope;
    int64_t scope;
    int summed;

    print(x);
    check(mxg_attach_grad(x, "write"));
    for (summed = 0; summed <= 1; summed++) { /* y.backward() is sum(y).backward() */
        scope = record();
        y = twice_square(x, summed);
        check(mxg_scope_end(scope));
        backward(y);
        print_grad(x); /* 4x */
        check(mxg_ndarray_free(y));
    }

    scope = record();
    y = twice_square(x, 1);
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &y, NULL, 1, 1));
    print_grad(x);
    puts("Since you have retained your previous graph you can run backward again");
    backward(y);
    print_grad(x);
    if (mxg_backward(1, &y, NULL, 0, 1) == MXG_ERR_AUTOGRAD)
        puts("However, you can't do backward twice unless you retain the graph.");
    check(mxg_ndarray_free(y));
    check(mxg_ndarray_free(x));

    x = random_variable();
    y = random_variable();
    custom_function(x, y);
    puts(same(x, x));
    puts(same(y, y));
    printf("%s %s\n", grad_is_itself(x), grad_is_itself(y));
    check(mxg_ndarray_free(y));

    y = my_first_function(x);
    puts(same(y, x));
    check(mxg_ndarray_free(y));
    in_mode(x, 0);
    in_mode(x, 1);

    y = my_second_function(x);
    backward(y);
    print_grad(x);
    check(mxg_ndarray_free(y));

    scope = record();
    y = my_second_function(x);
    z = my_second_function(y);
    replace(&z, apply_number("np.add", z, 2));
    check(mxg_scope_end(scope));
    backward(z);
    print_grad(x);
    check(mxg_ndarray_free(z));
    check(mxg_ndarray_free(y));

    a = apply_with("np.random.uniform", NULL, "size", "2");
    check(mxg_attach_grad(a, "write"));
    scope = record();
    c = f(a);
    check(mxg_scope_end(scope));
    backward(c);
    slope = apply2("np.divide", c, a);
    check(mxg_grad(a, &grad));
    take_print(apply2("np.equal", grad, slope));
    check(mxg_ndarray_free(grad));
    check(mxg_ndarray_free(slope));
    check(mxg_ndarray_free(c));
    check(mxg_ndarray_free(a));

    check(mxg_attach_grad(x, "write"));
    chain(x, 1);
    chain(x, 0);
    check(mxg_ndarray_free(x));
    return 0;
}
