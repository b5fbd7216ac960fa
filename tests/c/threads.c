/* 16 threads make the library's first calls at the same moment, then 2,000 calls each. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 16, ROUNDS = 100 }; /* a round makes 20 calls or more */

static pthread_barrier_t all_ready;

static int doubled(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)ctx, (void)n_in, (void)n_out;
    return mxg_invoke2(op("add"), in[0], in[0], &out[0]);
}

static int give_grad(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)n_in, (void)n_out;
    return mxg_invoke_scalar(op("multiply"), in[0], *(int *)ctx, 0, &out[0]);
}

/* Every value, flag, scope, location and error that a thread sees is its own. */
static void *work(void *argument)
{
    int me = *(int *)argument, round, on;
    char dtype[32], file[32];
    mxg_function f;

    pthread_barrier_wait(&all_ready);
    snprintf(dtype, sizeof dtype, "dtype_%d", me);
    snprintf(file, sizeof file, "thread_%d.c", me);
    OK(mxg_function_new("doubled", doubled, give_grad, &me, NULL, &f));
    for (round = 0; round < ROUNDS; round++) {
        mxg_ndarray x = VARIABLE(me, round), y, z, g;
        int64_t scope = 0;

        OK(mxg_set_location(file, round));
        if (me % 2 == 0)
            OK(mxg_scope_begin(1, me % 4 == 0, &scope));
        FAILS(MXG_ERR_TYPE, mxg_ndarray_scalar(0, dtype, NULL, &g));
        y = apply2("multiply", x, x);
        OK(mxg_function_call(f, 1, &y, 1, &z));
        OK(mxg_is_recording(&on));
        CHECK(on == (me % 2 == 0));
        OK(mxg_is_training(&on));
        CHECK(on == (me % 4 == 0));
        VALUES(z, 2.0 * me * me, 2.0 * round * round);
        SAYS(dtype);
        if (me % 2 == 0) {
            OK(mxg_scope_end(scope));
            OK(mxg_backward(1, &z, NULL, 0, 1));
            FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &z, NULL, 0, 1));
            SAYS(file);
            g = grad(x);
            VALUES(g, 2.0 * me * me, 2.0 * me * round);
            FREE(g);
        } else {
            FAILS(MXG_ERR_AUTOGRAD, mxg_backward(1, &z, NULL, 0, 1));
            CHECK(strstr(mxg_last_error(), "thread_") == NULL);
        }
        FREE(x, y, z);
        FAILS(MXG_ERR_HANDLE, mxg_ndarray_free(x));
    }
    OK(mxg_function_free(f));
    return NULL;
}

static void *shared_work(void *array)
{
    int i;
    for (i = 0; i < 500; i++) {
        mxg_ndarray sum = apply1("sum", array);
        VALUES(sum, 10);
        FREE(sum);
    }
    return NULL;
}

static void run(void *(*f)(void *), void *arguments[THREADS])
{
    pthread_t threads[THREADS];
    int i;
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, f, arguments[i]) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static pthread_t helper;

/* A callback that waits for another thread, which itself calls the library. */
static int waits(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)ctx, (void)n_in, (void)n_out;
    CHECK(pthread_create(&helper, NULL, shared_work, in[0]) == 0);
    CHECK(pthread_join(helper, NULL) == 0);
    return mxg_ndarray_dup(in[0], &out[0]);
}

/* A thread that ends takes its flags, scopes and error with it, whatever it left open. */
static void *leaves_all_open(void *unused)
{
    int64_t scope;
    mxg_op found;
    OK(mxg_scope_begin(1, 1, &scope));
    OK(mxg_set_recording(1, NULL));
    FAILS(MXG_ERR_NOTFOUND, mxg_op_find("nothing", &found));
    return unused;
}

int main(void)
{
    int numbers[THREADS], i, on;
    void *arguments[THREADS];
    mxg_ndarray shared, out;
    mxg_function f;

    pthread_barrier_init(&all_ready, NULL, THREADS);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        arguments[i] = &numbers[i];
    }
    run(work, arguments);
    CHECK(live() == 0);

    shared = FLOATS(1, 2, 3, 4);
    for (i = 0; i < THREADS; i++)
        arguments[i] = shared;
    run(shared_work, arguments);

    OK(mxg_function_new("waits", waits, waits, NULL, NULL, &f));
    OK(mxg_function_call(f, 1, &shared, 1, &out));
    VALUES(out, 1, 2, 3, 4);
    OK(mxg_function_free(f));

    CHECK(*mxg_last_error() == 0); /* this thread has had no error */
    run(leaves_all_open, arguments);
    OK(mxg_is_recording(&on));
    CHECK(!on && *mxg_last_error() == 0);
    FREE(shared, out);
    CHECK(live() == 0);
    return 0;
}
