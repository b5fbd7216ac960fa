/* Automatic differentiation: the crash-course tutorial of MXNet's nd, as a program. */
#include "example.h"

/* Doubles until the norm reaches 1000, then selects by the sign of the sum. */
static mxg_ndarray f(mxg_ndarray a)
{
    mxg_ndarray b = apply_number("multiply", a, 2), c;
    while (take_number(apply1("norm", b)) < 1000)
        replace(&b, apply_number("multiply", b, 2));
    if (take_number(apply1("sum", b)) >= 0)
        check(mxg_ndarray_at(b, 0, &c));
    else
        check(mxg_ndarray_at(b, 1, &c));
    check(mxg_ndarray_free(b)); /* what is recorded keeps what it needs */
    return c;
}

int main(void)
{
    const float data[] = {1, 2, 3, 4};
    mxg_ndarray x = matrix(2, 2, data), y, z, a, c;
    int64_t scope;

    print(x);

    check(mxg_attach_grad(x, "write"));
    scope = record();
    y = apply_number("multiply", x, 2);
    z = apply2("multiply", y, x);
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &z, NULL, 0, 1)); /* the same as the backward of sum(z) */
    print_grad(x);                          /* dz/dx = 4x */

    a = apply_with("random.uniform", NULL, "shape", "2");
    check(mxg_attach_grad(a, "write"));
    scope = record();
    c = f(a);
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &c, NULL, 0, 1));
    print_grad(a); /* b is linear in a: the gradient is [c/a[0], 0] or [0, c/a[1]] */
    take_print(apply2("divide", c, a));

    {
        const mxg_ndarray all[] = {x, y, z, a, c};
        check(mxg_ndarray_free_n(5, all));
    }
    return 0;
}
