/* Memory for the parts of a loop: as many rooms as there are threads, each used by one part at a time. */
#ifndef MXK_ROOMS_H
#define MXK_ROOMS_H

#include <stdatomic.h>
#include <stdlib.h>

#include "gemm.h"
#include "kernels.h"

struct rooms {
    float *all;
    size_t each;                /* floats */
    _Atomic uint64_t left;      /* a bit per room that is free; there are at most 64 threads */
};

/* -1 when there is no memory. */
INLINE int rooms_open(struct rooms *r, size_t each)
{
    int count = k_threads();
    r->each = (each + 15) / 16 * 16;
    r->all = k_room(r->each * count);
    atomic_init(&r->left, count < 64 ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0));
    return r->all ? 0 : -1;
}

/* A free room; waits for one if another thread has made the pool larger since. */
INLINE float *room_enter(struct rooms *r)
{
    for (;;) {
        uint64_t left = atomic_load(&r->left);
        if (left && atomic_compare_exchange_weak(&r->left, &left, left & (left - 1)))
            return r->all + r->each * __builtin_ctzll(left);
    }
}

INLINE void room_leave(struct rooms *r, const float *room)
{
    atomic_fetch_or(&r->left, UINT64_C(1) << ((size_t)(room - r->all) / r->each));
}

INLINE void rooms_close(struct rooms *r)
{
    free(r->all);
}

#endif
