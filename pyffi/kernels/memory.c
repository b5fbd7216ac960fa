/* Memory for NumPy's large arrays: blocks that are given back are kept for the next array.  The system would
 * fill each new block with zeros, page by page, which costs as much as a kernel that writes it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>

/* As NumPy's ndarraytypes.h has them, since NumPy 1.22. */
struct allocator {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t count, size_t size);
    void *(*realloc)(void *context, void *memory, size_t size);
    void (*free)(void *context, void *memory, size_t size);
};

struct handler {
    char name[127];
    uint8_t version;
    struct allocator allocator;
};

/* Stands before the memory that an array gets, on the first page of a block. */
struct block {
    uint64_t mark;
    size_t length;
    struct block *next;
    int class;
};

/* Arrays begin at different places of a page.  If they all began at one, a kernel that walks through several
 * would find them in the same sets of the first cache and the same banks of the memory, and loads would wait
 * for stores that differ from them in high bits of the address alone: a step of Adam takes 1.5 times as
 * long. */
enum { HEADER = 64, PAGE = 4096, PLACES = 61, LEAST_BITS = 18, CLASSES = 8 * (48 - LEAST_BITS) };
static const size_t HUGE_FROM = 4 << 20;
static const uint64_t MARK = 0x6d78677261645f6dull;

static struct {
    pthread_mutex_t busy;
    struct allocator inner;             /* serves small arrays */
    struct block *kept[CLASSES];
    int64_t figures[5];
    unsigned turn;                      /* counts arrays */
} memory = {.busy = PTHREAD_MUTEX_INITIALIZER};

enum { LIMIT, KEPT, USED, PEAK, NEW };  /* of `figures`: bytes, and the number of blocks the system gave */

/* The length of a block for `size` bytes, in steps of an eighth of a power of 2, and its class. */
static size_t rounded(size_t size, int *class)
{
    size += PAGE;
    int bits = 63 - __builtin_clzll(size);
    size_t step = (size_t)1 << (bits - 3), steps = (size + step - 1) / step;
    *class = 8 * (bits - LEAST_BITS) + (int)steps - 8;
    return steps * step;
}

/* Where a block begins for the system. */
static char *first_page(struct block *b)
{
    return (char *)((uintptr_t)b & ~(uintptr_t)(PAGE - 1));
}

/* With `busy` held. */
static void release(void)
{
    for (int i = 0; i < CLASSES; i++)
        for (struct block *b; (b = memory.kept[i]);) {
            memory.kept[i] = b->next;
            munmap(first_page(b), b->length);
        }
    memory.figures[KEPT] = 0;
}

static void *large(size_t size, int *is_zero)
{
    int class;
    size_t length = rounded(size, &class);
    if (class >= CLASSES)
        return NULL;
    pthread_mutex_lock(&memory.busy);
    struct block *b = memory.kept[class];
    char *begin;
    *is_zero = !b;
    if (b) {
        memory.kept[class] = b->next;
        memory.figures[KEPT] -= (int64_t)length;
        begin = first_page(b);
    } else {
        begin = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (begin == MAP_FAILED && memory.figures[KEPT]) {
            release();
            begin = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        }
        if (begin == MAP_FAILED) {
            pthread_mutex_unlock(&memory.busy);
            return NULL;
        }
#ifdef MADV_HUGEPAGE
        if (length >= HUGE_FROM)
            madvise(begin, length, MADV_HUGEPAGE);
#endif
        memory.figures[NEW]++;
    }
    /* far from the places before it: about the golden section of a page further */
    b = (struct block *)(begin + HEADER * (memory.turn++ * 37 % PLACES));
    memory.figures[USED] += (int64_t)length;
    if (memory.figures[PEAK] < memory.figures[USED])
        memory.figures[PEAK] = memory.figures[USED];
    pthread_mutex_unlock(&memory.busy);
    b->length = length;
    b->class = class;
    b->mark = MARK ^ (uintptr_t)b;
    return (char *)b + HEADER;
}

/* The block of an array's memory; NULL if the memory is not from here. */
static struct block *block_of(void *p)
{
    uintptr_t place = (uintptr_t)p & (PAGE - 1);
    if (!place || place % HEADER)
        return NULL;
    struct block *b = (struct block *)((char *)p - HEADER);     /* on the same page */
    return b->mark == (MARK ^ (uintptr_t)b) ? b : NULL;
}

static void *get(void *context, size_t size)
{
    (void)context;
    int is_zero;
    if (size < (size_t)1 << LEAST_BITS)
        return memory.inner.malloc(memory.inner.context, size);
    return large(size, &is_zero);
}

static void *get_zeros(void *context, size_t count, size_t each)
{
    (void)context;
    size_t size;
    int is_zero;
    if (__builtin_mul_overflow(count, each, &size))
        return NULL;
    if (size < (size_t)1 << LEAST_BITS)
        return memory.inner.calloc(memory.inner.context, count, each);
    void *p = large(size, &is_zero);
    return p && !is_zero ? memset(p, 0, size) : p;
}

static void give(void *context, void *p, size_t size)
{
    (void)context;
    struct block *b = block_of(p);
    if (!b) {
        memory.inner.free(memory.inner.context, p, size);
        return;
    }
    int64_t length = (int64_t)b->length;
    b->mark = 0;
    pthread_mutex_lock(&memory.busy);
    memory.figures[USED] -= length;
    if (memory.figures[KEPT] + length > memory.figures[LIMIT])
        release();
    if (length <= memory.figures[LIMIT]) {
        b->next = memory.kept[b->class];
        memory.kept[b->class] = b;
        memory.figures[KEPT] += length;
        b = NULL;
    }
    pthread_mutex_unlock(&memory.busy);
    if (b)
        munmap(first_page(b), b->length);
}

static void *change(void *context, void *p, size_t size)
{
    struct block *b = block_of(p);
    if (!b)
        return memory.inner.realloc(memory.inner.context, p, size);
    size_t room = b->length - PAGE;
    if (size <= room && size >= room / 2)
        return p;
    void *q = get(context, size);
    if (q) {
        memcpy(q, p, size < room ? size : room);
        give(context, p, room);
    }
    return q;
}

static struct handler handler = {"mxgrad", 1, {NULL, get, get_zeros, change, give}};

static void lock(void)
{
    pthread_mutex_lock(&memory.busy);
}

static void unlock(void)
{
    pthread_mutex_unlock(&memory.busy);
}

void *k_memory_handler(const void *inner)
{
    if (!memory.inner.malloc) {
        memory.inner = ((const struct handler *)inner)->allocator;
        pthread_atfork(lock, unlock, unlock);
    }
    return &handler;
}

void k_memory_limit(int64_t bytes)
{
    pthread_mutex_lock(&memory.busy);
    memory.figures[LIMIT] = bytes;
    if (memory.figures[KEPT] > bytes)
        release();
    pthread_mutex_unlock(&memory.busy);
}

void k_memory_figures(int64_t *figures)
{
    pthread_mutex_lock(&memory.busy);
    memcpy(figures, memory.figures, sizeof memory.figures);
    pthread_mutex_unlock(&memory.busy);
}
#else
void *k_memory_handler(const void *inner)
{
    (void)inner;
    return NULL;
}

void k_memory_limit(int64_t bytes)
{
    (void)bytes;
}

void k_memory_figures(int64_t *figures)
{
    memset(figures, 0, 5 * sizeof *figures);
}
#endif
