/* Chunks are the same for any number of threads, each is run once, the first failure wins. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "base/pool.h"
#include "check.h"

enum { MANY = 10007 };

typedef struct record {
  size_t count, grain;
  atomic_int seen[MANY];
  atomic_int wrong;
} record;

static dust_status mark(void *context, size_t begin, size_t end, size_t chunk) {
  record *r = context;
  if (begin != chunk * r->grain || end <= begin || end > r->count || (end - begin != r->grain && end != r->count))
    atomic_fetch_add(&r->wrong, 1);
  for (size_t i = begin; i < end; i++) atomic_fetch_add(&r->seen[i], 1);
  return DUST_OK;
}

static void test_cover(dust_pool *pool, size_t count, size_t grain) {
  static record r;
  memset(&r, 0, sizeof r);
  r.count = count, r.grain = grain;
  CHECK_OK(dust_pool_for(pool, count, grain, mark, &r));
  int bad = atomic_load(&r.wrong);
  for (size_t i = 0; i < MANY; i++) bad += atomic_load(&r.seen[i]) != (i < count);
  CHECK(bad == 0);
}

static dust_status sum_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  float *partial = context, sum = 0;
  for (size_t i = begin; i < end; i++) sum += 1.0f / (float)(i + 1);
  partial[chunk] = sum;
  return DUST_OK;
}

/* Partial sums combined in chunk order: bit for bit the same whoever computes them. */
static float reduce(dust_pool *pool) {
  float partial[40] = {0}, sum = 0;
  CHECK_OK(dust_pool_for(pool, MANY, 256, sum_chunk, partial));
  for (int i = 0; i < 40; i++) sum += partial[i];
  return sum;
}

typedef struct failing {
  size_t from;
  atomic_int after;
} failing;

static dust_status fail_from(void *context, size_t begin, size_t end, size_t chunk) {
  failing *f = context;
  if (chunk < f->from) return DUST_OK;
  atomic_fetch_add(&f->after, 1);
  return dust_fail(chunk % 2 ? DUST_ERROR_RANGE : DUST_ERROR_WORLD, "chunk %zu", chunk);
}

static void test_failure(dust_pool *pool) {
  for (int round = 0; round < 200; round++) {
    failing f = {.from = (size_t)round % 50};
    char expected[32];
    snprintf(expected, sizeof expected, "chunk %zu", f.from);
    dust_status status = dust_pool_for(pool, 200, 1, fail_from, &f);
    CHECK(status == (f.from % 2 ? DUST_ERROR_RANGE : DUST_ERROR_WORLD) && strcmp(dust_message(), expected) == 0);
    CHECK(atomic_load(&f.after) <= dust_pool_threads(pool)); /* the rest is left out */
  }
  test_cover(pool, MANY, 64); /* a failure leaves nothing behind */
}

static dust_status nested(void *context, size_t begin, size_t end, size_t chunk) {
  static const size_t inner = 50;
  atomic_int *total = context;
  record *r = calloc(1, sizeof *r);
  r->count = inner, r->grain = 7;
  dust_status status = dust_pool_for(NULL, inner, 7, mark, r);
  for (size_t i = 0; i < inner; i++) atomic_fetch_add(total, atomic_load(&r->seen[i]));
  free(r);
  return status;
}

typedef struct reentrant {
  dust_pool *pool;
  atomic_int total;
} reentrant;

static dust_status count_one(void *context, size_t begin, size_t end, size_t chunk) {
  atomic_fetch_add((atomic_int *)context, 1);
  return DUST_OK;
}
static dust_status reenter(void *context, size_t begin, size_t end, size_t chunk) {
  reentrant *r = context;
  return dust_pool_for(r->pool, 10, 1, count_one, &r->total);
}

static void test_nested(dust_pool *pool) {
  atomic_int total = 0;
  CHECK_OK(dust_pool_for(pool, 20, 1, nested, &total));
  CHECK(atomic_load(&total) == 1000);
  reentrant r = {.pool = pool};
  CHECK_OK(dust_pool_for(pool, 20, 1, reenter, &r));
  CHECK(atomic_load(&r.total) == 200);
}

static void *caller(void *argument) {
  atomic_int total = 0;
  for (int i = 0; i < 50; i++) dust_pool_for(argument, 40, 1, count_one, &total);
  return atomic_load(&total) == 2000 ? argument : NULL;
}

static void test_two_callers(dust_pool *pool) {
  pthread_t thread[3];
  for (int i = 0; i < 3; i++) pthread_create(&thread[i], NULL, caller, pool);
  for (int i = 0; i < 3; i++) {
    void *result;
    pthread_join(thread[i], &result);
    CHECK(result == pool);
  }
}

static dust_status create_body(void *context) {
  dust_pool *pool;
  DUST_TRY(dust_pool_create(&pool, 3));
  dust_pool_release(pool);
  return DUST_OK;
}

static void test_default(void) {
  setenv("MOONDUST_THREADS", "7", 1);
  CHECK(dust_pool_default_threads() == 7 && dust_pool_check() == DUST_OK);
  unsetenv("MOONDUST_THREADS");
  int cores = dust_pool_default_threads();
  CHECK(cores >= 1 && cores <= DUST_POOL_MAX);
  const char *const nonsense[] = {"", "0", "-3", "1025", "two", "3x", "99999999999999999999"};
  for (int i = 0; i < 7; i++) {
    setenv("MOONDUST_THREADS", nonsense[i], 1);
    CHECK(dust_pool_default_threads() == cores);
    CHECK(dust_pool_check() == (i == 0 ? DUST_OK : DUST_ERROR_ARGUMENT)); /* empty: not said */
  }
  unsetenv("MOONDUST_THREADS");
}

int main(void) {
  float expected = reduce(NULL);
  for (int threads = 1; threads <= 8; threads++) {
    dust_pool *pool;
    CHECK_OK(dust_pool_create(&pool, threads));
    CHECK(dust_pool_threads(pool) == threads);
    test_cover(pool, MANY, 64), test_cover(pool, MANY, 1), test_cover(pool, 0, 5), test_cover(pool, 1, 1), test_cover(pool, 10, 100);
    for (int i = 0; i < 20; i++) CHECK(reduce(pool) == expected);
    test_failure(pool);
    test_nested(pool);
    test_two_callers(pool);
    dust_pool_release(pool);
  }
  test_cover(NULL, MANY, 64);
  test_failure(NULL);
  test_nested(NULL);
  CHECK(dust_pool_threads(NULL) == 1);
  dust_pool *pool;
  CHECK_FAILS(dust_pool_create(&pool, 0), DUST_ERROR_ARGUMENT, "a pool of 0 threads: the number must be from 1 to 1024");
  CHECK(pool == NULL);
  CHECK_FAILS(dust_pool_create(&pool, 1025), DUST_ERROR_ARGUMENT, "1025");
  dust_pool_release(NULL);
  check_every_allocation("pool", create_body, NULL);
  test_default();
  return check_done();
}
