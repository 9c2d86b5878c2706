/* Threads that wait for a job; a job is a count of chunks, taken in ascending order by whoever is free, the calling thread
 * included.
 *
 * A pipeline's jobs take some tenths of a millisecond and follow one another closely, and to wake a thread takes as long as a good part of one, above all on a virtual
 * machine. So who waits looks on for a little while before it sleeps, unless there are more threads than cores.
 *
 * Everything shared is guarded by one mutex; a chunk is meant to be thousands of elements, so taking one under the lock costs
 * nothing that shows. Because chunks are taken in order, all chunks before a failed one have been taken by the time it fails: the
 * failure with the lowest number is the same one for any number of threads. Chunks not yet taken then are not run.
 */
#include "base/pool.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/mem.h"

#define MESSAGE_SIZE 1024
#define PATIENCE 300000 /* ns that whoever waits looks on before it sleeps */

struct dust_pool {
  pthread_mutex_t turn; /* one job at a time */
  pthread_mutex_t lock; /* all that follows */
  pthread_cond_t work, idle;
  bool stop;
  int workers;      /* threads started, the caller's not counted */
  int64_t patience; /* PATIENCE, or 0 where there are more threads than cores */
  int asleep;       /* workers that have to be woken */
  atomic_uint jobs; /* so far */
  atomic_int busy;  /* threads inside a body */
  dust_pool_body body;
  void *context;
  size_t count, grain, chunks, next;
  size_t failed; /* lowest chunk that failed, or SIZE_MAX */
  dust_status status;
  char message[MESSAGE_SIZE];
  pthread_t thread[];
};

static _Thread_local const dust_pool *inside; /* the pool whose body this thread is running */

static dust_status run_chunk(dust_pool_body body, void *context, size_t count, size_t grain, size_t chunk) {
  size_t begin = chunk * grain;
  return body(context, begin, count - begin < grain ? count : begin + grain, chunk);
}

static void note_failure(dust_pool *pool, size_t chunk, dust_status status) {
  pool->next = pool->chunks;
  if (chunk >= pool->failed) return;
  pool->failed = chunk;
  pool->status = status;
  strncpy(pool->message, dust_message(), MESSAGE_SIZE - 1);
}

/* Takes chunks until there are none; called and left with the lock held. */
static void take_chunks(dust_pool *pool) {
  while (pool->next < pool->chunks) {
    size_t chunk = pool->next++;
    pool->busy++;
    pthread_mutex_unlock(&pool->lock);
    dust_status status = run_chunk(pool->body, pool->context, pool->count, pool->grain, chunk);
    pthread_mutex_lock(&pool->lock);
    if (status != DUST_OK) note_failure(pool, chunk, status);
    if (--pool->busy == 0 && pool->next >= pool->chunks) pthread_cond_signal(&pool->idle);
  }
}

static void pause_a_little(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Pauses; false once it has been long enough. `looks` counts from 0. */
static bool look_on(const dust_pool *pool, int *looks, int64_t *until) {
  pause_a_little();
  if ((*looks)++ == 0) *until = now() + pool->patience;
  return *looks % 16 != 0 || now() < *until;
}

/* For the next job; called and left with the lock held. */
static void wait_for_work(dust_pool *pool, unsigned seen) {
  pthread_mutex_unlock(&pool->lock);
  int looks = 0;
  int64_t until = 0;
  while (pool->patience > 0 && atomic_load_explicit(&pool->jobs, memory_order_relaxed) == seen && look_on(pool, &looks, &until)) continue;
  pthread_mutex_lock(&pool->lock);
  pool->asleep++;
  while (!pool->stop && atomic_load_explicit(&pool->jobs, memory_order_relaxed) == seen) pthread_cond_wait(&pool->work, &pool->lock);
  pool->asleep--;
}

static void *worker(void *argument) {
  dust_pool *pool = argument;
  inside = pool;
  pthread_mutex_lock(&pool->lock);
  while (!pool->stop) {
    unsigned seen = atomic_load_explicit(&pool->jobs, memory_order_relaxed);
    take_chunks(pool);
    wait_for_work(pool, seen);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

static dust_status start_workers(dust_pool *pool, int wanted) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's own threads' business; workers inherit the mask */
  int error = 0;
  while (!error && pool->workers < wanted) {
    error = pthread_create(&pool->thread[pool->workers], NULL, worker, pool);
    if (!error) pool->workers++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!error) return DUST_OK;
  return dust_fail(DUST_ERROR_WORLD, "only %d of %d threads could be started (%s): use fewer", pool->workers + 1, wanted + 1,
                   strerror(error));
}

static int cores(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

dust_status dust_pool_create(dust_pool **out, int threads) {
  *out = NULL;
  if (threads < 1 || threads > DUST_POOL_MAX)
    return dust_fail(DUST_ERROR_ARGUMENT, "a pool of %d threads: the number must be from 1 to %d", threads, DUST_POOL_MAX);
  void *block;
  DUST_TRY(dust_calloc(&block, 1, sizeof(dust_pool) + (size_t)(threads - 1) * sizeof(pthread_t)));
  dust_pool *pool = block;
  pool->patience = threads <= cores() ? PATIENCE : 0;
  pthread_mutex_init(&pool->turn, NULL);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->idle, NULL);
  dust_status status = start_workers(pool, threads - 1);
  if (status == DUST_OK)
    *out = pool;
  else
    dust_pool_release(pool);
  return status;
}

void dust_pool_release(dust_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->lock);
  pool->stop = true;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  for (int i = 0; i < pool->workers; i++) pthread_join(pool->thread[i], NULL);
  pthread_cond_destroy(&pool->idle);
  pthread_cond_destroy(&pool->work);
  pthread_mutex_destroy(&pool->lock);
  pthread_mutex_destroy(&pool->turn);
  dust_free(pool);
}

int dust_pool_threads(const dust_pool *pool) { return pool ? pool->workers + 1 : 1; }

/* What MOONDUST_THREADS says; 0: nothing, -1: no number of threads. */
static int wish(void) {
  const char *asked = getenv("MOONDUST_THREADS");
  int n = 0;
  if (!asked || !*asked) return 0;
  for (; *asked >= '0' && *asked <= '9' && n <= DUST_POOL_MAX; asked++) n = 10 * n + (*asked - '0');
  return !*asked && n >= 1 && n <= DUST_POOL_MAX ? n : -1;
}

dust_status dust_pool_check(void) {
  if (wish() >= 0) return DUST_OK;
  return dust_fail(DUST_ERROR_ARGUMENT, "'%s' is not a number of threads: it must be a whole number from 1 to %d", getenv("MOONDUST_THREADS"), DUST_POOL_MAX);
}

int dust_pool_default_threads(void) {
  if (wish() > 0) return wish();
  const int there = cores();
  return there < 1 ? 1 : there > DUST_POOL_MAX ? DUST_POOL_MAX : there;
}

static dust_status run_alone(size_t count, size_t grain, size_t chunks, dust_pool_body body, void *context) {
  for (size_t chunk = 0; chunk < chunks; chunk++) DUST_TRY(run_chunk(body, context, count, grain, chunk));
  return DUST_OK;
}

/* For the others' last chunks; called and left with the lock held. */
static void wait_for_others(dust_pool *pool) {
  if (pool->busy == 0) return;
  pthread_mutex_unlock(&pool->lock);
  int looks = 0;
  int64_t until = 0;
  while (pool->patience > 0 && atomic_load_explicit(&pool->busy, memory_order_relaxed) > 0 && look_on(pool, &looks, &until)) continue;
  pthread_mutex_lock(&pool->lock);
  while (pool->busy > 0) pthread_cond_wait(&pool->idle, &pool->lock);
}

static dust_status run_shared(dust_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  if (pool->asleep > 0) pthread_cond_broadcast(&pool->work);
  take_chunks(pool);
  wait_for_others(pool);
  dust_status status = pool->status;
  if (status != DUST_OK) dust_fail(status, "%s", pool->message);
  pthread_mutex_unlock(&pool->lock);
  return status;
}

dust_status dust_pool_for(dust_pool *pool, size_t count, size_t grain, dust_pool_body body, void *context) {
  if (grain == 0) grain = 1;
  size_t chunks = count / grain + (count % grain != 0);
  if (!pool || pool->workers == 0 || chunks < 2 || inside) return run_alone(count, grain, chunks, body, context);
  pthread_mutex_lock(&pool->turn);
  pthread_mutex_lock(&pool->lock);
  pool->body = body, pool->context = context;
  pool->count = count, pool->grain = grain, pool->chunks = chunks, pool->next = 0;
  pool->failed = (size_t)-1, pool->status = DUST_OK;
  atomic_fetch_add_explicit(&pool->jobs, 1, memory_order_relaxed);
  pthread_mutex_unlock(&pool->lock);
  inside = pool;
  dust_status status = run_shared(pool);
  inside = NULL;
  pthread_mutex_unlock(&pool->turn);
  return status;
}
