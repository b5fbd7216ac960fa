/* Automatic differentiation: the Perl tutorial of AI::MXNet, in C. */
#include "example.h"

/* Doubles until the norm reaches 1000, then selects a slice by the sign of the sum. */
static mxg_ndarray f(mxg_ndarray a)
{
    mxg_ndarray b = apply_number("multiply", a, 2), c;
    int64_t begin, end;
    while (take_number(apply1("norm", b)) < 1000)
        replace(&b, apply_number("multiply", b, 2));
    begin = take_number(apply1("sum", b)) >= 0 ? 0 : 1;
    end = begin + 1;
    check(mxg_ndarray_slice(b, 1, &begin, &end, NULL, NULL, &c)); /* b[begin:end] */
    check(mxg_ndarray_free(b));
    return c;
}

int main(void)
{
    const float data[] = {1, 2, 3, 4};
    mxg_ndarray x = matrix(2, 2, data), y, a, c;
    int64_t scope;

    print(x);

    check(mxg_attach_grad(x, "write"));
    scope = record();
    y = apply_number("multiply", x, 2);
    replace(&y, apply2("multiply", y, x));
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &y, NULL, 0, 1));
    print_grad(x); /* 4x */

    a = apply_with("random.uniform", NULL, "shape", "2");
    check(mxg_attach_grad(a, "write"));
    scope = record();
    c = f(a);
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &c, NULL, 0, 1));
    print_grad(a);
    take_print(apply2("divide", c, a));

    {
        const mxg_ndarray all[] = {x, y, a, c};
        check(mxg_ndarray_free_n(4, all));
    }
    return 0;
}
