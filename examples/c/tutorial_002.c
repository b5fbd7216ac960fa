/* Automatic differentiation with autograd: the tutorial with head gradients, as a program. */
#include "example.h"

static mxg_ndarray twice_square(mxg_ndarray x)
{
    int64_t scope = record();
    mxg_ndarray y = apply_number("multiply", x, 2);
    mxg_ndarray z = apply2("multiply", y, x);
    check(mxg_scope_end(scope));
    check(mxg_ndarray_free(y)); /* the tape keeps what it needs */
    return z;
}

/* Doubles until the norm reaches 1000; a negative sum is then made 100 times as large. */
static mxg_ndarray f(mxg_ndarray a)
{
    mxg_ndarray b = apply_number("multiply", a, 2);
    while (take_number(apply1("norm", b)) < 1000)
        replace(&b, apply_number("multiply", b, 2));
    if (!(take_number(apply1("sum", b)) > 0))
        replace(&b, apply_number("multiply", b, 100));
    return b;
}

int main(void)
{
    const float data[] = {1, 2, 3, 4}, heads[] = {10, 1, .1f, .01f}, more_heads[] = {.01f, 1, .1f};
    mxg_ndarray x = matrix(2, 2, data), z, a, c, head_gradient;
    int64_t scope;

    check(mxg_seed(1));

    check(mxg_attach_grad(x, "write"));
    z = twice_square(x);
    check(mxg_backward(1, &z, NULL, 0, 1));
    print_grad(x);

    replace(&z, twice_square(x));
    head_gradient = matrix(2, 2, heads);
    check(mxg_backward(1, &z, &head_gradient, 0, 1));
    print_grad(x);

    a = apply_with("random.normal", NULL, "shape", "3");
    check(mxg_attach_grad(a, "write"));
    scope = record();
    c = f(a);
    check(mxg_scope_end(scope));
    replace(&head_gradient, vector(3, more_heads));
    check(mxg_backward(1, &c, &head_gradient, 0, 1));
    print_grad(a);

    {
        const mxg_ndarray all[] = {x, z, a, c, head_gradient};
        check(mxg_ndarray_free_n(5, all));
    }
    return 0;
}
