/* Programs: recorded between two calls, run by one. */
#include "check.h"

static mxg_ndarray x, w;

static mxg_program squared_product(void)
{
    mxg_ndarray h, y;
    mxg_program p;
    OK(mxg_program_begin(1, &x));
    OK(mxg_invoke2(op("multiply"), x, w, &h));
    OK(mxg_invoke1(op("square"), h, &y));
    OK(mxg_program_end(1, &y, &p));
    VALUES(h, 2, 6); /* a constant with the numbers of x */
    FREE(h, y);
    return p;
}

static void runs(void)
{
    mxg_ndarray batch = FLOATS(0, 1), y;
    mxg_program p = squared_product();
    int64_t count;

    OK(mxg_live(4, &count));
    CHECK(count == 1);
    OK(mxg_program_run(p, 1, &batch, 1, &y));
    VALUES(y, 0, 4);
    FREE(y);
    OK(mxg_ndarray_assign_scalar(w, 0.5));
    OK(mxg_program_run(p, 1, &batch, 1, &y)); /* reads w again */
    VALUES(y, 0, 0.25);
    FREE(y, batch);
    OK(mxg_program_free(p));
    FAILS(MXG_ERR_HANDLE, mxg_program_run(p, 1, &x, 1, &y));
    FAILS(MXG_ERR_HANDLE, mxg_program_free(p));
    OK(mxg_program_free(NULL));
    OK(mxg_ndarray_assign_scalar(w, 2));
}

static void records(void)
{
    mxg_ndarray y, g;
    mxg_program p;
    int64_t token;

    OK(mxg_attach_grad(w, NULL));
    OK(mxg_scope_begin(1, 1, &token));
    p = squared_product();
    OK(mxg_program_run(p, 1, &x, 1, &y));
    OK(mxg_scope_end(token));
    OK(mxg_backward(1, &y, NULL, 0, 1));
    OK(mxg_grad(w, &g));
    VALUES(g, 2 * 2 * 1, 2 * 6 * 3);
    FREE(y, g);

    FAILS(MXG_ERR_VALUE, mxg_program_run(p, 1, &x, 1, &y));
    SAYS("recorded with recording on");
    CHECK(y == NULL);
    OK(mxg_scope_begin(1, 1, &token));
    OK(mxg_drop_grad(w));
    FAILS(MXG_ERR_AUTOGRAD, mxg_program_run(p, 1, &x, 1, &y));
    SAYS("record the program again");
    OK(mxg_scope_end(token));
    OK(mxg_program_free(p));
}

static void wrong_calls(void)
{
    mxg_ndarray three = FLOATS(1, 2, 3), two[2] = {x, x}, out[2];
    mxg_program p = squared_product(), q = NULL;

    FAILS(MXG_ERR_VALUE, mxg_program_run(p, 1, &three, 1, out));
    SAYS("argument 0 of the program is float32 (3,)");
    FAILS(MXG_ERR_VALUE, mxg_program_run(p, 2, two, 1, out));
    SAYS("1 arguments, got 2");
    FAILS(MXG_ERR_VALUE, mxg_program_run(p, 1, &x, 2, out));
    SAYS("gives 1 arrays");
    FAILS(MXG_ERR_VALUE, mxg_program_begin(2, two));
    FAILS(MXG_ERR_AUTOGRAD, mxg_program_end(1, &x, &q));
    SAYS("no program has begun");
    FAILS(MXG_ERR_AUTOGRAD, mxg_program_end(0, NULL, NULL));
    CHECK(q == NULL);
    FREE(three);
    OK(mxg_program_free(p));
}

static void inside(void)
{
    mxg_ndarray y, z, wrong = NULL;
    mxg_program p = NULL;
    float data[2];

    OK(mxg_program_begin(1, &x));
    FAILS(MXG_ERR_AUTOGRAD, mxg_program_begin(1, &x));
    OK(mxg_invoke1(op("square"), x, &y));
    FAILS(MXG_ERR_AUTOGRAD, mxg_ndarray_copy_to(y, data, sizeof data));
    SAYS("cannot look at numbers");
    FAILS(MXG_ERR_AUTOGRAD, mxg_ndarray_assign_scalar(y, 1));
    FAILS(MXG_ERR_AUTOGRAD, mxg_ndarray_copy_from(y, data, sizeof data));
    FAILS(MXG_ERR_AUTOGRAD, mxg_ndarray_copy_from(w, data, sizeof data));
    FAILS(MXG_ERR_HANDLE, mxg_invoke2(op("multiply"), y, NULL, &z));
    OK(mxg_invoke2(op("add"), y, x, &z)); /* it goes on */
    OK(mxg_program_end(1, &z, &p));
    OK(mxg_ndarray_assign_scalar(z, 0));
    FREE(z);
    OK(mxg_program_run(p, 1, &x, 1, &z));
    VALUES(z, 2, 12);
    OK(mxg_program_free(p));
    FREE(y, z);
    VALUES(x, 1, 3);

    OK(mxg_program_begin(0, NULL)); /* given up */
    OK(mxg_program_end(0, NULL, NULL));
    OK(mxg_program_begin(1, &x)); /* ended by an error */
    FAILS(MXG_ERR_HANDLE, mxg_program_end(1, &wrong, &p));
    FAILS(MXG_ERR_AUTOGRAD, mxg_program_end(1, &x, &p));
    OK(mxg_ndarray_copy_to(x, data, sizeof data));
}

int main(void)
{
    int64_t before = live();
    x = FLOATS(1, 3);
    w = FLOATS(2, 2);
    runs();
    records();
    wrong_calls();
    inside();
    FREE(x, w);
    CHECK(live() == before);
    return 0;
}
