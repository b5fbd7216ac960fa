/* Ends of a process, one a run: exits CASE.  Each has to end with status 7. */
#include "check.h"

#include <dlfcn.h>
#include <pthread.h>

static mxg_ndarray kept;

static void calls_at_exit(void)
{
    mxg_ndarray a = FLOATS(1, 2), b = apply2("multiply", a, a);
    VALUES(b, 1, 4);
    FREE(a, b);
    if (kept != NULL)
        FREE(kept);
    kept = NULL;
}

static int destructor_calls;

__attribute__((destructor)) static void at_unload(void)
{
    if (destructor_calls)
        calls_at_exit();
}

static int exits(void *ctx, int32_t n_in, const mxg_ndarray *in, int32_t n_out, mxg_ndarray *out)
{
    (void)ctx, (void)n_in, (void)in, (void)n_out, (void)out;
    exit(7);
}

static void exit_in_callback(int in_backward)
{
    mxg_function f;
    mxg_ndarray x = VARIABLE(1), y;
    int64_t scope = record();
    OK(mxg_function_new("exits", exits, exits, NULL, NULL, &f));
    if (!in_backward)
        (void)mxg_function_call(f, 1, &x, 1, &y);
    OK(mxg_scope_end(scope));
}

static void *spin(void *unused)
{
    for (;;)
        calls_at_exit();
    return unused;
}

static void *exit_in_thread(void *unused)
{
    calls_at_exit();
    exit(7);
    return unused;
}

static void start_spinning(void)
{
    pthread_t thread;
    int i;
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&thread, NULL, spin, NULL) == 0);
    usleep(100000);
}

static void quickly(void)
{
    quick_exit(7);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
#define CASE(text) (strcmp(name, (text)) == 0)
    pthread_t thread;

    if (CASE("never started")) {
        OK(mxg_ndarray_free(NULL));
        OK(mxg_function_free(NULL));
        OK(mxg_ndarray_free_n(0, NULL));
        CHECK(*mxg_last_error() == 0 && *mxg_last_traceback() == 0);
    } else if (CASE("handles left")) {
        kept = VARIABLE(1, 2);
    } else if (CASE("inside a scope")) {
        record();
    } else if (CASE("atexit before the start")) {
        atexit(calls_at_exit);
        kept = FLOATS(1);
    } else if (CASE("atexit after the start")) {
        kept = FLOATS(1);
        atexit(calls_at_exit);
    } else if (CASE("first call in atexit")) {
        atexit(calls_at_exit);
    } else if (CASE("destructor")) {
        kept = FLOATS(1);
        destructor_calls = 1;
    } else if (CASE("callback")) {
        exit_in_callback(0);
        return 1; /* not reached */
    } else if (CASE("callback, then atexit")) {
        kept = FLOATS(1);
        atexit(calls_at_exit);
        exit_in_callback(0);
        return 1;
    } else if (CASE("other threads compute")) {
        start_spinning();
    } else if (CASE("other threads compute, and atexit")) {
        start_spinning();
        atexit(calls_at_exit);
    } else if (CASE("in a thread")) {
        CHECK(pthread_create(&thread, NULL, exit_in_thread, NULL) == 0);
        pthread_join(thread, NULL);
        return 1;
    } else if (CASE("quick_exit")) {
        kept = FLOATS(1);
        at_quick_exit(calls_at_exit);
        quickly();
    } else if (CASE("_exit")) {
        kept = FLOATS(1);
        _exit(7);
    } else {
        fprintf(stderr, "no case '%s'\n", name);
        return 2;
    }
    exit(7);
}
