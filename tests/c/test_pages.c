/* Large blocks that are kept: what comes back, what is zero, how much there is. Sanitized builds keep nothing, which all of this allows for. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include "base/pages.h"
#include "check.h"

enum { MIB = 1 << 20 };

static bool within_bounds(void) { return dust_mem_in_use() + dust_pages_kept() <= dust_mem_peak() + dust_mem_peak() / 8 + (size_t)4096; }

static void *filled(size_t bytes, int value) {
  void *block = NULL;
  CHECK_OK(dust_alloc(&block, bytes));
  memset(block, value, bytes);
  return block;
}

static bool all_zero(const unsigned char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (bytes[i]) return false;
  return true;
}

static void test_reuse(void) {
  bool keeps = dust_pages_wanted(MIB);
  void *block = filled(MIB, 1), *again;
  uintptr_t place = (uintptr_t)block;
  dust_free(block);
  CHECK(dust_mem_in_use() == 0 && (dust_pages_kept() >= MIB) == keeps);
  again = filled(MIB - 1000, 2);
  CHECK(!keeps || (uintptr_t)again == place);
  CHECK(dust_mem_in_use() == MIB - 1000);
  dust_free(again);
  CHECK_OK(dust_calloc(&again, MIB / 4, 4));
  CHECK(all_zero(again, MIB));
  dust_free(again);
  dust_mem_trim();
  CHECK(dust_pages_kept() == 0);
}

/* A part of a kept block, the rest of it, and more than there is. */
static void test_sizes(void) {
  void *block = filled(4 * MIB, 3);
  dust_free(block);
  void *part = filled(MIB, 4), *rest = filled(2 * MIB, 5), *more;
  CHECK(within_bounds());
  dust_free(part), dust_free(rest);
  CHECK(within_bounds());
  CHECK_OK(dust_calloc(&more, 1, 6 * MIB));
  CHECK(all_zero(more, 6 * MIB));
  CHECK(within_bounds());
  dust_free(more);
  dust_mem_reset_peak();
  CHECK(dust_pages_kept() == 0);
}

static void test_realloc_keeps_bytes(void) {
  static const size_t sizes[] = {1000, 200000, 5 * MIB, 300000, 6 * MIB, 100};
  void *block = NULL;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    CHECK_OK(dust_realloc(&block, sizes[s]));
    CHECK(dust_mem_in_use() == sizes[s] && (s == 0 || ((unsigned char *)block)[99] == 7));
    memset(block, 7, sizes[s]);
  }
  dust_mem_fail_after(0);
  CHECK_FAILS(dust_realloc(&block, 9 * MIB), DUST_ERROR_MEMORY, "out of memory");
  CHECK(dust_mem_fail_after(-1) == 1);
  dust_mem_fail_after(1);
  CHECK_OK(dust_realloc(&block, 9 * MIB)); /* one allocation, whatever it takes to move */
  CHECK(dust_mem_fail_after(-1) == 1);
  dust_free(block);
  dust_mem_reset_peak();
}

/* Blocks of random sizes that come and go; each is what its owner left in it. */
static void *churn(void *argument) {
  unsigned seed = (unsigned)(uintptr_t)argument;
  unsigned char *held[8] = {0};
  size_t size[8] = {0}, wrong = 0;
  for (int i = 0; i < 400; i++) {
    int k = rand_r(&seed) % 8;
    if (held[k]) wrong += held[k][0] != (unsigned char)k || held[k][size[k] - 1] != (unsigned char)k;
    dust_free(held[k]);
    void *block = NULL;
    size[k] = (size_t)(rand_r(&seed) % (2 * MIB)) + 1;
    if ((i % 3 ? dust_alloc(&block, size[k]) : dust_calloc(&block, size[k], 1)) != DUST_OK) return (void *)1;
    if (i % 3 == 0) wrong += !all_zero(block, size[k]);
    held[k] = memset(block, k, size[k]);
  }
  for (int k = 0; k < 8; k++) dust_free(held[k]);
  return wrong ? (void *)1 : NULL;
}

static void test_threads(void) {
  pthread_t thread[4];
  void *wrong;
  for (uintptr_t i = 0; i < 4; i++) pthread_create(&thread[i], NULL, churn, (void *)(i + 1));
  for (int i = 0; i < 4; i++) {
    pthread_join(thread[i], &wrong);
    CHECK(!wrong);
  }
  CHECK(dust_mem_in_use() == 0);
  CHECK(within_bounds());
}

/* More blocks than there are places for. */
static void test_many(void) {
  enum { MANY = 700 };
  static void *block[MANY];
  for (int i = 0; i < MANY; i++) CHECK(dust_alloc(&block[i], DUST_PAGES_LEAST + (size_t)i) == DUST_OK);
  for (int i = 0; i < MANY; i++) dust_free(block[i]);
  CHECK(within_bounds());
  dust_mem_trim();
  CHECK(dust_pages_kept() == 0);
}

int main(void) {
  test_reuse();
  test_sizes();
  test_realloc_keeps_bytes();
  test_threads();
  test_many();
  return check_done();
}
