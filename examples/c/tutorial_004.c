/* Notes on autograd: record, train mode, control flow, the chain rule broken by hand, as a program. */
#include "example.h"

#include <string.h>

/* 2 * dot(x.T, x) */
static mxg_ndarray twice_dot(mxg_ndarray x)
{
    mxg_ndarray t = apply1("transpose", x);
    replace(&t, apply2("dot", t, x));
    replace(&t, apply_number("multiply", t, 2));
    return t;
}

static void print_training(void)
{
    int training;
    check(mxg_is_training(&training));
    puts(training ? "True" : "False");
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

static mxg_ndarray grad_of(mxg_ndarray a)
{
    mxg_ndarray grad;
    check(mxg_grad(a, &grad));
    return grad;
}

int main(void)
{
    const float value = 0.29956347f; /* the page drew it at random, on another operating system */
    mxg_ndarray x = apply_with("arange", NULL, "start", "4"), y, z, a, d, four_x, grad;
    int64_t scope;

    replace(&x, apply_with("reshape", x, "shape", "(4, 1)"));
    print(x);
    check(mxg_attach_grad(x, "write"));
    print_grad(x);

    y = twice_dot(x);
    print(y);
    if (mxg_backward(1, &y, NULL, 0, 1) == MXG_ERR_AUTOGRAD) {
        const char *message = strstr(mxg_last_error(), ": ") + 2; /* behind the name of the error's class */
        printf("%.*s\n", (int)(strstr(message, ". ") - message), message);
    }

    scope = record();
    replace(&y, twice_dot(x));
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &y, NULL, 0, 1));
    print_grad(x);
    four_x = apply_number("multiply", x, 4);
    grad = grad_of(x);
    take_print(apply2("subtract", grad, four_x));
    check(mxg_ndarray_free(grad));
    check(mxg_ndarray_free(four_x));

    print_training();
    scope = record();
    print_training();
    check(mxg_scope_end(scope));

    a = vector(1, &value);
    printf("a: ");
    print(a);
    check(mxg_attach_grad(a, "write"));
    scope = record();
    d = f(a);
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &d, NULL, 0, 1));
    print_grad(a);
    take_print(apply2("divide", d, a));

    scope = record();
    replace(&y, apply_number("multiply", x, 2));
    check(mxg_scope_end(scope));
    check(mxg_attach_grad(y, "write"));
    scope = record();
    z = apply2("multiply", y, x);
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &z, NULL, 0, 1));
    grad = grad_of(y);
    check(mxg_backward(1, &y, &grad, 0, 1)); /* y left its graph when it was marked: x.grad is z's alone */
    check(mxg_ndarray_free(grad));
    print_grad(x);
    take_print(apply_number("multiply", x, 2));

    check(mxg_attach_grad(z, "write"));
    scope = record();
    replace(&y, apply_number("multiply", x, 2));
    replace(&z, apply2("multiply", y, x));
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &z, NULL, 0, 1));
    print_grad(x);

    {
        const mxg_ndarray all[] = {x, y, z, a, d};
        check(mxg_ndarray_free_n(5, all));
    }
    return 0;
}
