/* Alignment, counting, growing, refusing. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include "check.h"

static bool aligned(const void *block) { return (uintptr_t)block % DUST_ALIGN == 0; }

static void test_counting(void) {
  void *a, *b, *c;
  CHECK(dust_mem_in_use() == 0);
  CHECK_OK(dust_alloc(&a, 100));
  CHECK_OK(dust_calloc(&b, 10, 30));
  CHECK_OK(dust_alloc(&c, 0));
  CHECK(aligned(a) && aligned(b) && aligned(c) && c);
  CHECK(dust_mem_in_use() == 400 && dust_mem_peak() == 400);
  for (int i = 0; i < 300; i++) CHECK(((char *)b)[i] == 0);
  dust_free(b);
  dust_free(NULL);
  CHECK(dust_mem_in_use() == 100 && dust_mem_peak() == 400);
  dust_mem_reset_peak();
  CHECK(dust_mem_peak() == 100);
  dust_free(a), dust_free(c);
  CHECK(dust_mem_in_use() == 0);
}

/* Growing and shrinking through sizes that the C library serves from its heap and from pages of their own. */
static void test_realloc(void) {
  static const size_t sizes[] = {1, 60, 200, 5000, 300000, 7000000, 90, 250000, 3, 0, 10};
  void *block = NULL;
  size_t before = 0;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    CHECK_OK(dust_realloc(&block, sizes[s]));
    CHECK(aligned(block) && dust_mem_in_use() == sizes[s]);
    int wrong = 0;
    for (size_t i = 0; i < (before < sizes[s] ? before : sizes[s]); i++) wrong += ((unsigned char *)block)[i] != (unsigned char)(i * 7);
    CHECK(wrong == 0);
    for (size_t i = 0; i < sizes[s]; i++) ((unsigned char *)block)[i] = (unsigned char)(i * 7);
    before = sizes[s];
  }
  dust_free(block);
}

/* Many blocks growing in turn, so that the C library has to move them to other alignments. */
static void test_realloc_moves(void) {
  void *block[40] = {0};
  for (size_t size = 8; size < 4000; size += 24)
    for (int b = 0; b < 40; b++) {
      CHECK(dust_realloc(&block[b], size + (size_t)b) == DUST_OK && aligned(block[b]));
      unsigned char *bytes = block[b];
      if (size > 8) CHECK(bytes[0] == b && bytes[size - 24 + (size_t)b - 1] == b);
      memset(bytes, b, size + (size_t)b);
    }
  for (int b = 0; b < 40; b++) dust_free(block[b]);
}

static void test_refusal(void) {
  void *a = &a;
  CHECK_FAILS(dust_alloc(&a, SIZE_MAX), DUST_ERROR_MEMORY, "(18446744073709551615 bytes) wanted while 0 bytes are in use");
  CHECK(a == NULL);
  a = &a;
  CHECK_FAILS(dust_calloc(&a, SIZE_MAX / 2, 3), DUST_ERROR_MEMORY, "9223372036854775807 times 3 bytes");
  CHECK(a == NULL);
  CHECK_OK(dust_alloc(&a, 8));
  void *same = a;
  CHECK_FAILS(dust_realloc(&a, SIZE_MAX - 100), DUST_ERROR_MEMORY, "out of memory");
  CHECK(a == same && dust_mem_in_use() == 8);
  dust_mem_fail_after(0);
  CHECK_FAILS(dust_realloc(&a, 20), DUST_ERROR_MEMORY, "20 bytes (20 bytes) wanted while 8 bytes");
  CHECK(a == same);
  CHECK_OK(dust_realloc(&a, 20)); /* it fails once */
  dust_free(a);
}

static void test_hook(void) {
  void *a, *b;
  dust_mem_fail_after(1);
  CHECK_OK(dust_alloc(&a, 1));
  CHECK(dust_calloc(&b, 1, 1) == DUST_ERROR_MEMORY && !b);
  CHECK(dust_mem_fail_after(-1) == 2);
  CHECK(dust_mem_fail_after(-1) == 0);
  dust_free(a);
}

static void *churn(void *argument) {
  for (int i = 0; i < 2000; i++) {
    void *block;
    if (dust_alloc(&block, (size_t)(i % 50)) == DUST_OK) dust_free(block);
  }
  return NULL;
}

static void test_threads(void) {
  pthread_t thread[4];
  dust_mem_fail_after(0); /* of this thread alone */
  for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, churn, NULL);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  CHECK(dust_mem_fail_after(-1) == 0);
  CHECK(dust_mem_in_use() == 0);
}

static bool reads(double bytes, const char *expected) {
  char text[32];
  dust_bytes_format(text, sizeof text, bytes);
  return strcmp(text, expected) == 0;
}

/* A host's allocator: counts what it gave and what came back, and refuses on wish. */
typedef struct house {
  size_t blocks, bytes, most;
  bool refuses;
} house;

static void *house_allocate(void *user, size_t bytes) {
  house *h = user;
  void *block = h->refuses ? NULL : malloc(bytes);
  if (!block) return NULL;
  memset(block, 0xa5, bytes);
  h->blocks++, h->bytes += bytes;
  if (h->bytes > h->most) h->most = h->bytes;
  return block;
}

static void house_release(void *user, void *block, size_t bytes) {
  house *h = user;
  h->blocks--, h->bytes -= bytes;
  free(block);
}

static void *house_reallocate(void *user, void *block, size_t before, size_t bytes) {
  house *h = user;
  void *moved = h->refuses ? NULL : realloc(block, bytes);
  if (moved) h->bytes += bytes - before;
  return moved;
}

static void use_and_leave(house *h) {
  void *a, *b, *c = NULL;
  CHECK_OK(dust_alloc(&a, 1000));
  CHECK_OK(dust_calloc(&b, 100, 10));
  CHECK(aligned(a) && aligned(b) && h->blocks == 2 && h->bytes >= 2000);
  for (int i = 0; i < 1000; i++) CHECK(((char *)b)[i] == 0);
  memset(a, 7, 1000);
  CHECK_OK(dust_realloc(&a, 500000));
  CHECK_OK(dust_realloc(&c, 10));
  for (int i = 0; i < 1000; i++) CHECK(((char *)a)[i] == 7);
  CHECK_FAILS(dust_mem_use(NULL), DUST_ERROR_ARGUMENT, "3 blocks are in use");
  h->refuses = true;
  CHECK_FAILS(dust_realloc(&a, 600000), DUST_ERROR_MEMORY, "out of memory");
  CHECK(((char *)a)[999] == 7);
  h->refuses = false;
  dust_free(a), dust_free(b), dust_free(c);
  CHECK(h->blocks == 0 && h->bytes == 0 && h->most > 500000);
}

static void test_host_allocator(void) {
  house h = {0};
  CHECK_FAILS(dust_mem_use(&(dust_allocator){.allocate = house_allocate}), DUST_ERROR_ARGUMENT, "needs both");
  CHECK_OK(dust_mem_use(&(dust_allocator){house_allocate, house_reallocate, house_release, &h}));
  use_and_leave(&h);
  h = (house){0};
  CHECK_OK(dust_mem_use(&(dust_allocator){house_allocate, NULL, house_release, &h}));
  use_and_leave(&h);
  CHECK_OK(dust_mem_use(NULL));
}

int main(void) {
  test_counting();
  test_realloc();
  test_realloc_moves();
  test_refusal();
  test_hook();
  test_threads();
  test_host_allocator();
  CHECK(reads(0, "0 bytes") && reads(1023, "1023 bytes") && reads(1536, "1.5 KiB") && reads(0x1p62, "4.0 EiB") &&
        reads(0x1p100, "1.1e+12 EiB"));
  return check_done();
}
