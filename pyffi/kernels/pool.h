/* A pool of threads that divide long loops among them. */
#ifndef MXK_POOL_H
#define MXK_POOL_H

/* Works on the elements [begin, end) of a loop; what it reads and writes stands behind `context`. */
typedef void (*pool_task)(void *context, long begin, long end);

/* Runs `task` over [0, n), cut into parts of `chunk` elements, the last one shorter.  The parts are the same
 * whatever the number of threads is, so that partial results by part, begin / chunk, add up to the same bits.
 * Parts run at the same time; returns when all are done.  One thread runs them all, in order, when there is
 * one part, when the pool is busy with another thread's loop, and in a process that was forked.  A thread
 * begins with the same parts whenever it is given a loop of n elements in such parts. */
void pool_run(pool_task task, void *context, long n, long chunk);

/* The same on `threads` threads at most. */
void pool_run_most(pool_task task, void *context, long n, long chunk, int threads);

/* The same, but parts begin in order: one may wait for another before it. */
void pool_run_in_order(pool_task task, void *context, long n, long chunk);

/* Which of the threads that run a loop this one is, for a task to ask: less than the number of threads. */
int pool_place(void);

#endif
