/* Threads wait for the next loop about as long as it takes to wake one that sleeps, and then sleep on a futex:
 * that costs at most twice what the best choice would (Karlin, Li, Manasse and Owicki 1991, "Empirical studies
 * of competitive spinning for a shared-memory multiprocessor").  On a virtual processor to wake a thread takes
 * 100 microseconds and more, as long as a kernel runs.  Who waits yields: OpenBLAS has a pool of its own, and
 * two pools that only spin take each other's processors. */
#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "kernels.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
#else
static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) == value)
        sched_yield();
}

static void wake(_Atomic uint32_t *word, int count)
{
    (void)word;
    (void)count;
}
#endif

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#else
#define RELAX() ((void)0)
#endif

enum { MOST_THREADS = 64, SPINS = 100, PATIENCE = 150 * 1000 };     /* nanoseconds */

static long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Wait until the word is another one. */
static void await_change(_Atomic uint32_t *word, uint32_t value)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(word) != value)
            return;
        RELAX();
    }
    for (long end = nanoseconds() + PATIENCE; nanoseconds() < end; sched_yield())
        for (int i = 0; i < SPINS; i++) {
            if (atomic_load(word) != value)
                return;
            RELAX();
        }
    while (atomic_load(word) == value)
        sleep_while(word, value);
}

static struct {
    pthread_mutex_t busy;           /* held while a loop runs, and while the pool grows */
    _Atomic int threads;            /* that may work on a loop, the caller among them */
    int started;                    /* workers that exist */
    _Atomic int forked;             /* in the child of a fork there are no workers */
    _Atomic uint32_t loops;         /* counts the loops; workers sleep on it */
    _Atomic uint32_t open;          /* whether workers may still enter the loop */
    _Atomic uint32_t inside;        /* workers in the loop; the caller sleeps on it */
    _Atomic int wanted;             /* workers that may still join */
    pool_task task;
    void *context;
    long n, chunk;
    _Atomic long next;              /* where the next part begins */
} pool = {.busy = PTHREAD_MUTEX_INITIALIZER, .threads = 1};

static void work(void)
{
    for (;;) {
        long begin = atomic_fetch_add(&pool.next, pool.chunk);
        if (begin >= pool.n)
            return;
        long end = pool.n - begin < pool.chunk ? pool.n : begin + pool.chunk;
        pool.task(pool.context, begin, end);
    }
}

static void *worker(void *seen_at_start)
{
    uint32_t seen = (uint32_t)(uintptr_t)seen_at_start;
    for (;;) {
        await_change(&pool.loops, seen);
        seen = atomic_load(&pool.loops);
        /* Being inside comes before looking whether the loop is open: the caller closes it first and looks
         * who is inside then. */
        atomic_fetch_add(&pool.inside, 1);
        if (atomic_load(&pool.open) && atomic_fetch_sub(&pool.wanted, 1) > 0)
            work();
        if (atomic_fetch_sub(&pool.inside, 1) == 1 && !atomic_load(&pool.open))
            wake(&pool.inside, 1);
    }
    return NULL;
}

static void before_fork(void)
{
    pthread_mutex_lock(&pool.busy);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&pool.busy);
}

static void after_fork_child(void)
{
    pthread_mutex_init(&pool.busy, NULL);
    pool.forked = 1;
    pool.started = 0;
    atomic_store(&pool.inside, 0);
}

/* With `busy` held: as many workers as `threads` asks for, or as the system gives. */
static void grow(void)
{
    sigset_t all, before;       /* the signals of a program are for its own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.started < pool.threads - 1) {
        pthread_t thread;
        void *seen = (void *)(uintptr_t)atomic_load(&pool.loops);
        if (pthread_create(&thread, NULL, worker, seen))
            break;
        pthread_detach(thread);
        pool.started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void pool_run(pool_task task, void *context, long n, long chunk)
{
    long parts = (n + chunk - 1) / chunk;
    if (parts < 2 || pool.threads < 2 || pool.forked || pthread_mutex_trylock(&pool.busy)) {
        for (long begin = 0; begin < n; begin += chunk)
            task(context, begin, n - begin < chunk ? n : begin + chunk);
        return;
    }
    if (pool.started < pool.threads - 1)
        grow();
    int helpers = pool.threads - 1 < parts - 1 ? pool.threads - 1 : (int)parts - 1;
    pool.task = task;
    pool.context = context;
    pool.n = n;
    pool.chunk = chunk;
    atomic_store(&pool.next, 0);
    atomic_store(&pool.wanted, helpers);
    atomic_store(&pool.open, 1);
    atomic_fetch_add(&pool.loops, 1);
    wake(&pool.loops, helpers);
    work();
    atomic_store(&pool.open, 0);
    for (uint32_t left; (left = atomic_load(&pool.inside));)
        await_change(&pool.inside, left);
    pthread_mutex_unlock(&pool.busy);
}

int k_threads(void)
{
    return pool.forked ? 1 : pool.threads;
}

int k_set_threads(int threads)
{
    pthread_mutex_lock(&pool.busy);
    static int watched;
    if (!watched) {
        watched = 1;
        pthread_atfork(before_fork, after_fork_parent, after_fork_child);
    }
    pool.threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    threads = pool.threads;
    pthread_mutex_unlock(&pool.busy);
    return threads;
}
