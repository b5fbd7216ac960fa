/* Softmax regression on the UCI handwritten digits: one linear layer, trained by gradient descent.
 *
 * This is digits.py, where the task is described, in C: it prints the same lines.
 *
 *     cc -I. digits.c $(mxgrad-config --cflags --libs) -o digits
 *     ./digits [digits.csv]
 */
#include "example.h"

#include "digits_data.h"

enum { STEPS = 300 };

static const double LEARNING_RATE = 2.0;

static mxg_ndarray variable(int32_t ndim, const int64_t *shape)
{
    mxg_ndarray a;
    check(mxg_ndarray_zeros("float32", ndim, shape, NULL, &a));
    check(mxg_attach_grad(a, "write"));
    return a;
}

/* dot(X, W) + b */
static mxg_ndarray scores(mxg_ndarray X, mxg_ndarray W, mxg_ndarray b)
{
    mxg_ndarray out = apply2("dot", X, W);
    replace(&out, apply2("add", out, b));
    return out;
}

/* The mean cross-entropy. */
static mxg_ndarray loss_of(mxg_ndarray X, mxg_ndarray y, mxg_ndarray W, mxg_ndarray b)
{
    mxg_ndarray t = scores(X, W, b);
    replace(&t, apply1("log_softmax", t));
    replace(&t, apply2("pick", t, y));
    replace(&t, apply1("mean", t));
    replace(&t, apply1("negative", t));
    return t;
}

/* p -= LEARNING_RATE * p.grad */
static void descend(mxg_ndarray p)
{
    mxg_ndarray operands[2] = {p, NULL};
    check(mxg_grad(p, &operands[1]));
    replace(&operands[1], apply_number("multiply", operands[1], LEARNING_RATE));
    check(mxg_invoke_into(find("subtract"), 2, operands, 0, NULL, NULL, p));
    check(mxg_ndarray_free(operands[1]));
}

int main(int argc, char **argv)
{
    const int64_t shape[2] = {PIXELS, CLASSES};
    mxg_ndarray X, y, X_test, y_test, W, b, guess;
    int step;

    load_digits(argc > 1 ? argv[1] : digits_path());
    X = matrix(training.n, PIXELS, training.pixels[0]);
    y = vector(training.n, training.digits);
    X_test = matrix(testing.n, PIXELS, testing.pixels[0]);
    y_test = vector(testing.n, testing.digits);
    W = variable(2, shape);
    b = variable(1, shape + 1);

    for (step = 1; step <= STEPS; step++) {
        int64_t scope = record();
        mxg_ndarray loss = loss_of(X, y, W, b);
        check(mxg_scope_end(scope));
        check(mxg_backward(1, &loss, NULL, 0, 1));
        descend(W);
        descend(b);
        printf("step %3d  loss %.6f\n", step, take_number(loss));
        fprintf(stderr, "\rtraining: step %d of %d%s", step, STEPS, step == STEPS ? "\n" : "");
    }

    guess = scores(X_test, W, b);
    replace(&guess, apply_with("argmax", guess, "axis", "1"));
    replace(&guess, apply2("equal", guess, y_test));
    replace(&guess, apply1("mean", guess));
    printf("test accuracy %.4f\n", take_number(guess));

    {
        const mxg_ndarray all[] = {X, y, X_test, y_test, W, b};
        check(mxg_ndarray_free_n(6, all));
    }
    return 0;
}
