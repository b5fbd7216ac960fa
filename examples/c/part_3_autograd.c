/* Part 3 of 5, differentiation: what is recorded, gradients of C's own control flow, of a network.
 *
 *     cc -std=c99 part_3_autograd.c $(mxgrad-config --cflags --libs) -o part_3_autograd
 */
#include "objects.h"

/* Doubles `a` until its norm is at least 100; the caller's array goes. */
static mxg_ndarray doubled(mxg_ndarray a)
{
    for (;;) {
        mxg_ndarray norm;
        check(mxgop_norm(a, NULL, &norm));
        if (take_number(norm) >= 100)
            return a;
        replace(&a, apply_number("multiply", a, 2));
    }
}

int main(void)
{
    const float numbers[] = {1, 2, 3, 4};
    mxg_ndarray x = matrix(2, 2, numbers), square, y, first, second;
    mxg_value net, weight;
    int64_t scope;

    puts("y = 2 * x * x; its gradient is 4 * x:");
    check(mxg_attach_grad(x, "write"));
    scope = record();
    check(mxgop_square(x, &square));
    y = apply_number("multiply", square, 2);
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &y, NULL, 0, 1));
    print_grad(x);
    check(mxg_ndarray_free(square));

    puts("\nA loop of C is followed: the gradient says how often x was doubled:");
    scope = record();
    replace(&y, doubled(apply_number("multiply", x, 2)));
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &y, NULL, 0, 1));
    print_grad(x);

    puts("\nThe first and the second derivative of sin(x):");
    scope = record();
    check(mxgop_sin(x, &square));
    check(mxg_grad_of(1, &square, NULL, 1, &x, -1, 1, 1, &first)); /* recorded, too */
    check(mxg_scope_end(scope));
    check(mxg_grad_of(1, &first, NULL, 1, &x, -1, 0, 1, &second));
    take_print(first);
    take_print(second);
    check(mxg_ndarray_free(square));

    puts("\nThe gradient of a layer's weight is where a Trainer finds it:");
    net = dense(1, NULL);
    check(mxg_seed(3));
    call_only(&net, "initialize", 0, NULL);
    scope = record();
    replace(&y, forward(&net, x));
    check(mxg_scope_end(scope));
    check(mxg_backward(1, &y, NULL, 0, 1));
    weight = call(&net, "weight.grad", 0, NULL, NULL);
    take_print(take_array(weight));

    check(mxg_value_clear(&net));
    check(mxg_ndarray_free(y));
    check(mxg_ndarray_free(x));
    return 0;
}
