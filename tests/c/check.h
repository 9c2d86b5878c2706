/* The smallest test harness: CHECK counts, says where, goes on; each program's main returns check_done(). Prints `N passed, N
 * failed`. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "base/status.h"

static int check_passed, check_failed;

#define CHECK(condition)                                                                                           \
  do {                                                                                                             \
    if (condition)                                                                                                 \
      check_passed++;                                                                                              \
    else                                                                                                           \
      check_failed++, printf("%s:%d: not so: %s (message: %s)\n", __FILE__, __LINE__, #condition, dust_message()); \
  } while (0)
#define CHECK_OK(expression) CHECK((expression) == DUST_OK)
#define CHECK_FAILS(expression, status_, words) CHECK((expression) == (status_) && strstr(dust_message(), words))

/* Runs body(context) with its 1st, 2nd, … allocation failing until it needs no more; each failure must be DUST_ERROR_MEMORY and
 * leave not a byte behind. */
typedef dust_status (*check_body)(void *context);
static inline void check_every_allocation(const char *name, check_body body, void *context) {
  for (long n = 0; n < 100000; n++) {
    size_t before = dust_mem_in_use();
    dust_mem_fail_after(n);
    dust_status status = body(context);
    dust_mem_fail_after(-1);
    if (dust_mem_in_use() != before) {
      check_failed++, printf("%s: allocation %ld failing leaves %zu bytes\n", name, n, dust_mem_in_use() - before);
      return;
    }
    if (status == DUST_OK) {
      check_passed++;
      return;
    }
    if (status != DUST_ERROR_MEMORY) {
      check_failed++, printf("%s: allocation %ld failing gives status %d: %s\n", name, n, status, dust_message());
      return;
    }
  }
  check_failed++, printf("%s: never succeeds\n", name);
}

static inline int check_done(void) {
  if (dust_mem_in_use() != 0) check_failed++, printf("%zu bytes still in use at the end\n", dust_mem_in_use());
  printf("%d passed, %d failed\n", check_passed, check_failed);
  return check_failed != 0;
}

#endif
