/* A small thread pool and a parallel-for over outer rows.
 *
 * Work is split into fixed chunks that depend on `count` and `grain` alone, never on the number of threads, so a kernel that
 * reduces per chunk and combines in order gives the same bytes with one thread and with many. A NULL pool runs everything on the
 * calling thread.
 */
#ifndef DUST_BASE_POOL_H
#define DUST_BASE_POOL_H

#include <stddef.h>
#include "base/status.h"

typedef struct dust_pool dust_pool;

#define DUST_POOL_MAX 1024

/* A pool that runs work on `threads` threads, the caller's among them (1 to DUST_POOL_MAX). Threads that the system refuses:
 * DUST_ERROR_WORLD. */
dust_status dust_pool_create(dust_pool **out, int threads);
void dust_pool_release(dust_pool *pool); /* joins the threads; NULL is fine */
int dust_pool_threads(const dust_pool *pool);
/* Cores this process may use (affinity respected); MOONDUST_THREADS wins when it holds a number from 1 to 1024. */
int dust_pool_default_threads(void);
/* Whether MOONDUST_THREADS, where it is set and not empty, is such a number; DUST_ERROR_ARGUMENT. */
dust_status dust_pool_check(void);

/* body(context, begin, end, chunk) for chunk = 0 … ceil(count / grain) - 1, each covering [chunk*grain, min(count, …+grain));
 * grain 0 counts as 1. Returns when all are done; the first failure in chunk order is the result, its message that of the calling
 * thread, and chunks not yet begun are left out. Several threads may call it on one pool: they take turns. From within a body it
 * runs everything on that body's thread. */
typedef dust_status (*dust_pool_body)(void *context, size_t begin, size_t end, size_t chunk);
dust_status dust_pool_for(dust_pool *pool, size_t count, size_t grain, dust_pool_body body, void *context);

#endif
