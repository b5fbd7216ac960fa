/* The pool under load: loops from several threads at once, a changing number of threads, forks.  Built with
 * ThreadSanitizer by tests/test_kernels.py. */
#include "kernels.h"
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLERS = 3, LOOPS = 2000, N = 10000, FORKS = 5, MOST = 2 };

static void add(void *context, long begin, long end)
{
    int *counts = context;
    for (long i = begin; i < end; i++)
        counts[i]++;
}

static void add_at_place(void *context, long begin, long end)
{
    if (pool_place() >= MOST) {
        fprintf(stderr, "place %d of %d threads\n", pool_place(), MOST);
        exit(1);
    }
    add(context, begin, end);
}

struct ordered {
    int *counts;
    _Atomic long done;
};

static void add_in_order(void *context, long begin, long end)
{
    struct ordered *o = context;
    while (atomic_load(&o->done) < begin)
        sched_yield();
    add(o->counts, begin, end);
    atomic_store(&o->done, end);
}

static void check(const int *counts, int expected)
{
    for (int i = 0; i < N; i++)
        if (counts[i] != expected) {
            fprintf(stderr, "element %d was worked on %d times, not %d\n", i, counts[i], expected);
            exit(1);
        }
}

static void *call(void *unused)
{
    int *counts = calloc(N, sizeof *counts);
    for (int i = 0; i < LOOPS; i++) {
        long chunk = 1 + (i * 37) % 3000;
        if (i % 3 == 0)
            pool_run(add, counts, N, chunk);
        else if (i % 3 == 1)
            pool_run_most(add_at_place, counts, N, chunk, MOST);
        else
            pool_run_in_order(add_in_order, &(struct ordered){counts, 0}, N, chunk + 500);
        if (i % 500 == 0)
            k_set_threads(1 + i / 500);
    }
    check(counts, LOOPS);
    free(counts);
    return unused;
}

int main(void)
{
    pthread_t callers[CALLERS];
    k_set_threads(4);
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&callers[i], NULL, call, NULL);
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            static int counts[N];
            pool_run(add, counts, N, 100);
            check(counts, 1);
            _exit(k_threads() == 1 ? 0 : 2);
        }
        if (waitpid(child, &status, 0) != child || status != 0) {
            fprintf(stderr, "a child ended with wait status 0x%x\n", (unsigned)status);
            return 1;
        }
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    return 0;
}
