/* fork: the child computes, whatever the parent's other threads are doing. */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

enum { COMPUTING = 3, FORKS = 20, SECONDS = 60 };

static volatile int stop;

static void *compute(void *unused)
{
    const int64_t shape[] = {64, 64};
    while (!stop) {
        mxg_ndarray a, b;
        OK(mxg_ndarray_ones(NULL, 2, shape, NULL, &a));
        b = apply2("multiply", a, a);
        FREE(a, b);
    }
    return unused;
}

static void *wait_for_helper(void *argument)
{
    VALUES((mxg_ndarray)argument, 1, 2);
    return NULL;
}

/* Forks, and waits until the child has computed with the parent's array, and in a thread of its own. */
static void fork_and_compute(mxg_ndarray x)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pthread_t thread;
        mxg_ndarray y, g;
        int64_t scope;
        alarm(SECONDS); /* a child that hangs dies of it */
        scope = record();
        y = apply2("multiply", x, x);
        OK(mxg_scope_end(scope));
        OK(mxg_backward(1, &y, NULL, 0, 1));
        g = grad(x);
        VALUES(g, 2, 4);
        CHECK(pthread_create(&thread, NULL, wait_for_helper, x) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        FREE(y, g);
        exit(7);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
        check_failed(__FILE__, __LINE__, "the child ended with wait status 0x%x", (unsigned)status);
}

static int forks(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)n_in, (void)n_out;
    fork_and_compute(ctx);
    return mxg_ndarray_dup(in[0], &out[0]);
}

/* Before the first call: both processes start the engine themselves. */
static void fork_before_start(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        mxg_ndarray x = FLOATS(1);
        VALUES(x, 1);
        exit(3);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

int main(void)
{
    pthread_t threads[COMPUTING];
    mxg_ndarray x, g, out;
    mxg_function f;
    int i;

    fork_before_start();
    x = VARIABLE(1, 2);
    fork_and_compute(x);
    OK(mxg_function_new("forks", forks, forks, x, NULL, &f));
    OK(mxg_function_call(f, 1, &x, 1, &out));
    OK(mxg_function_free(f));
    FREE(out);
    for (i = 0; i < COMPUTING; i++)
        CHECK(pthread_create(&threads[i], NULL, compute, NULL) == 0);
    for (i = 0; i < FORKS; i++)
        fork_and_compute(x);
    stop = 1;
    for (i = 0; i < COMPUTING; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    g = grad(x);
    VALUES(g, 0, 0); /* the children's work is theirs */
    FREE(x, g);
    CHECK(live() == 0);
    return 0;
}
