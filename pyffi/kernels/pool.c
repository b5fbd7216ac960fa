/* A thread without work waits a few microseconds for the next loop and then sleeps on a futex.  To wake it
 * takes 10 to 50 microseconds on a virtual processor, and up to 300 on a busy host, as long as a kernel.  So
 * a thread whose last loop came within 150 waits as long for the next one, which costs at most twice what the
 * best choice would (Karlin, Li, Manasse and Owicki 1991, "Empirical studies of competitive spinning for a
 * shared-memory multiprocessor"), and so does the thread that runs a loop for those that still compute parts
 * of it.  Who waits yields every few microseconds: OpenBLAS has a pool of its own, and two pools that only
 * spin take each other's processors.
 *
 * A thread has the same share of every loop of one length, and takes parts of others' shares when it has done
 * its own.  What a core reads again and has in its cache comes four times as fast as what another one wrote
 * there, and twice as fast as what another one has read, too, on a Xeon (Sapphire Rapids). */
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

static void rouse(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
#else
static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) == value)
        sched_yield();
}

static void rouse(_Atomic uint32_t *word, int count)
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

enum {
    MOST_THREADS = 64,
    SPINS = 50,
    SHORT = 8 * 1000,       /* waits, in nanoseconds */
    LONG = 150 * 1000
};

static _Atomic int asleep;      /* threads, or those about to be */

static long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Waits until the word is another one, asleep after `patience` nanoseconds, and gives how many it took. */
static long await_change(_Atomic uint32_t *word, uint32_t value, long patience)
{
    for (long begin = nanoseconds();; sched_yield()) {
        for (int i = 0; i < SPINS; i++) {
            if (atomic_load(word) != value)
                return nanoseconds() - begin;
            RELAX();
        }
        if (nanoseconds() - begin < patience)
            continue;
        atomic_fetch_add(&asleep, 1);
        while (atomic_load(word) == value)
            sleep_while(word, value);
        atomic_fetch_sub(&asleep, 1);
        return nanoseconds() - begin;
    }
}

/* Wakes those that sleep on the word, which has changed.  Who counts itself looks at the word after that. */
static void wake(_Atomic uint32_t *word, int count)
{
    if (atomic_load(&asleep))
        rouse(word, count);
}

static struct {
    pthread_mutex_t busy;           /* held while a loop runs, and while the pool grows */
    _Atomic int threads;            /* that may work on a loop, the caller among them */
    _Atomic long first, then;       /* how long workers wait: at first, after a wait of less than LONG */
    int started;                    /* workers that exist */
    _Atomic int forked;             /* in the child of a fork there are no workers */
    _Atomic uint32_t loops;         /* counts the loops; workers sleep on it */
    _Atomic uint32_t open;          /* whether workers may still enter the loop */
    _Atomic uint32_t inside;        /* workers in the loop; the caller sleeps on it */
    _Atomic uint64_t places;        /* a bit for each that a worker may still take */
    pool_task task;
    void *context;
    long n, chunk;
    int shares;
    struct {
        _Alignas(64) _Atomic long next;     /* where the next part begins */
        long end;
    } share[MOST_THREADS];
} pool = {.busy = PTHREAD_MUTEX_INITIALIZER, .threads = 1, .first = SHORT, .then = LONG};

static _Thread_local int place;     /* of a thread in the loop; the caller has 0 */

int pool_place(void)
{
    return place;
}

static void work(void)
{
    for (int i = 0; i < pool.shares; i++) {
        int share = (place + i) % pool.shares;
        for (;;) {
            long begin = atomic_fetch_add(&pool.share[share].next, pool.chunk);
            if (begin >= pool.share[share].end)
                break;
            pool.task(pool.context, begin, pool.n - begin < pool.chunk ? pool.n : begin + pool.chunk);
        }
    }
}

/* Takes the place of this number, or another one that is left; 0 if none is. */
static int take_place(int number)
{
    for (uint64_t left; (left = atomic_load(&pool.places));) {
        int taken = left >> number & 1 ? number : __builtin_ctzll(left);
        if (atomic_compare_exchange_weak(&pool.places, &left, left & ~(UINT64_C(1) << taken)))
            return taken;
    }
    return 0;
}

static void *worker(void *number)
{
    uint32_t seen = atomic_load(&pool.loops) - 1;       /* it joins a loop that is open already */
    for (long waited = LONG;;) {
        waited = await_change(&pool.loops, seen, atomic_load(waited < LONG ? &pool.then : &pool.first));
        seen = atomic_load(&pool.loops);
        /* Being inside comes before looking whether the loop is open: the caller closes it first and looks
         * who is inside then. */
        atomic_fetch_add(&pool.inside, 1);
        if (atomic_load(&pool.open) && (place = take_place((int)(intptr_t)number)))
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
    atomic_store(&asleep, 0);
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
        if (pthread_create(&thread, NULL, worker, (void *)(intptr_t)(pool.started + 1)))
            break;
        pthread_detach(thread);
        pool.started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void alone(pool_task task, void *context, long n, long chunk)
{
    int before = place;
    place = 0;
    for (long begin = 0; begin < n; begin += chunk)
        task(context, begin, n - begin < chunk ? n : begin + chunk);
    place = before;
}

/* `most` threads at most, and each with a share of its own, or all with the same one. */
static void run(pool_task task, void *context, long n, long chunk, int most, int own)
{
    long parts = (n + chunk - 1) / chunk;
    if (parts < 2 || most < 2 || pool.threads < 2 || pool.forked || pthread_mutex_trylock(&pool.busy)) {
        alone(task, context, n, chunk);
        return;
    }
    if (pool.started < pool.threads - 1)
        grow();
    int threads = pool.threads < most ? pool.threads : most;
    threads = threads < parts ? threads : (int)parts;
    pool.task = task;
    pool.context = context;
    pool.n = n;
    pool.chunk = chunk;
    pool.shares = own ? threads : 1;
    for (int i = 0; i < pool.shares; i++) {
        atomic_store(&pool.share[i].next, parts * i / pool.shares * chunk);
        pool.share[i].end = parts * (i + 1) / pool.shares * chunk;
    }
    atomic_store(&pool.places, ~UINT64_C(0) >> (64 - threads) & ~UINT64_C(1));
    atomic_store(&pool.open, 1);
    atomic_fetch_add(&pool.loops, 1);
    wake(&pool.loops, threads - 1);
    work();
    atomic_store(&pool.open, 0);
    for (uint32_t left; (left = atomic_load(&pool.inside));)
        await_change(&pool.inside, left, LONG);
    pthread_mutex_unlock(&pool.busy);
}

void pool_run(pool_task task, void *context, long n, long chunk)
{
    run(task, context, n, chunk, MOST_THREADS, 1);
}

void pool_run_most(pool_task task, void *context, long n, long chunk, int threads)
{
    run(task, context, n, chunk, threads, 1);
}

void pool_run_in_order(pool_task task, void *context, long n, long chunk)
{
    run(task, context, n, chunk, MOST_THREADS, 0);
}

int k_threads(void)
{
    return pool.forked ? 1 : pool.threads;
}

void k_set_waiting(int policy)
{
    atomic_store(&pool.first, policy > 0 ? LONG : SHORT);
    atomic_store(&pool.then, policy < 0 ? SHORT : LONG);
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
