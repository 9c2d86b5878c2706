/* Memory asked for before it is needed. The processor does so by itself, but stops at the end of a page and keeps only so far ahead; a kernel that computes for as
 * long as its memory takes gains by asking. Addresses may lie beyond an array: asking for them never fails. */
#ifndef DUST_BASE_FETCH_H
#define DUST_BASE_FETCH_H

#include <stddef.h>
#include <stdint.h>

/* The cache lines of `bytes` bytes from `ahead` bytes behind `at` on. */
static inline __attribute__((always_inline)) void dust_fetch(const void *at, size_t ahead, size_t bytes) {
  for (uintptr_t line = 0; line < bytes; line += 64) __builtin_prefetch((const void *)((uintptr_t)at + ahead + line));
}

#endif
