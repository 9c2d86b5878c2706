/* A short table of kept blocks, oldest first.
 *
 *     wanted 5 pages, kept [ 4 ] [ 12 ] [ 6 ] [ 3 ]      the smallest that fits, 6, as it is if that wastes little
 *     wanted 8                                           12, of which 4 stay
 *     wanted 14                                          12 and 2 fresh ones: moving pages is cheaper than getting them
 */
#include "base/pages.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif

enum { SLOTS = 512, WASTE = 8 }; /* a block may be larger than what is wanted by a WASTE-th */

/* Guarded by `inside`, which is only ever tried: a fork can't leave anybody waiting for it. */
static atomic_flag inside = ATOMIC_FLAG_INIT;
static dust_pages table[SLOTS];
static int used;
static atomic_size_t kept;

static bool enter(void) { return !atomic_flag_test_and_set_explicit(&inside, memory_order_acquire); }
static void leave(void) { atomic_flag_clear_explicit(&inside, memory_order_release); }

#define HUGE_LEAST ((size_t)4 << 20) /* bytes from which on the system is asked for pages of 2 MiB */

/* `bytes` in whole pages, which are 4 KiB here and 64 KiB elsewhere. */
static size_t whole(size_t bytes) {
  const long asked = sysconf(_SC_PAGESIZE);
  const size_t page = asked > 0 ? (size_t)asked : 4096;
  return (bytes + page - 1) / page * page;
}

size_t dust_pages_kept(void) { return atomic_load_explicit(&kept, memory_order_relaxed); }

bool dust_pages_wanted(size_t bytes) {
#ifdef SANITIZED
  return false;
#else
  return bytes >= DUST_PAGES_LEAST;
#endif
}

/* ---- the system */

static dust_pages fresh(size_t bytes) {
  void *begin = mmap(NULL, whole(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED) return (dust_pages){0};
#ifdef MADV_HUGEPAGE /* one fault instead of 512, and the processor fetches ahead further; where there are none, nothing is lost */
  if (bytes >= HUGE_LEAST) madvise(begin, whole(bytes), MADV_HUGEPAGE);
#endif
  return (dust_pages){begin, whole(bytes), true};
}

static void give_back(dust_pages pages) { munmap(pages.begin, pages.size); }

/* What lies behind the first `size` bytes. */
static dust_pages split(dust_pages *pages, size_t size) {
  dust_pages tail = {pages->begin + size, pages->size - size, pages->zeroed};
  pages->size = size;
  return tail;
}

bool dust_pages_resize(dust_pages *pages, size_t bytes) {
#ifdef MREMAP_MAYMOVE
  void *begin = mremap(pages->begin, pages->size, whole(bytes), MREMAP_MAYMOVE);
  if (begin == MAP_FAILED) return false;
  *pages = (dust_pages){begin, whole(bytes), false};
  return true;
#else
  return false;
#endif
}

/* ---- the table, inside */

static dust_pages take_out(int at) {
  dust_pages taken = table[at];
  memmove(&table[at], &table[at + 1], (size_t)(--used - at) * sizeof *table);
  atomic_fetch_sub_explicit(&kept, taken.size, memory_order_relaxed);
  return taken;
}

/* The smallest that fits, or the largest of those that don't and have half of it; of several the newest, which may still be in the processor's cache. */
static int best_for(size_t size) {
  int best = -1;
  for (int i = 0; i < used; i++) {
    size_t s = table[i].size, b = best < 0 ? 0 : table[best].size;
    if (b >= size ? s >= size && s <= b : s >= b && s >= size / 2) best = i;
  }
  return best;
}

static void put_in(int at, dust_pages pages) {
  memmove(&table[at + 1], &table[at], (size_t)(used++ - at) * sizeof *table);
  table[at] = pages;
  atomic_fetch_add_explicit(&kept, pages.size, memory_order_relaxed);
}

/* Of the oldest as much as has to go, and no more. */
static void shrink(size_t most, int slots) {
  while (used > slots || dust_pages_kept() > most) {
    size_t now = dust_pages_kept(), excess = now > most ? whole(now - most) : 0;
    dust_pages oldest = take_out(0);
    if (used < slots && oldest.size > excess + DUST_PAGES_LEAST) {
      put_in(0, split(&oldest, excess));
    }
    give_back(oldest);
  }
}

/* ---- in and out */

/* Of a kept block what is wanted; the rest stays if it is a block by itself. */
static dust_pages take_kept(size_t size) {
  int best = best_for(size);
  if (best < 0) return (dust_pages){0};
  dust_pages taken = take_out(best);
  if (taken.size > size + size / WASTE && taken.size - size >= DUST_PAGES_LEAST) put_in(best, split(&taken, size));
  return taken;
}

dust_pages dust_pages_take(size_t bytes) {
  dust_pages taken = {0};
  size_t size = whole(bytes);
  if (dust_pages_kept() > 0 && enter()) {
    taken = take_kept(size);
    leave();
  }
  if (taken.begin && taken.size < size && !dust_pages_resize(&taken, size)) give_back(taken), taken.begin = NULL;
  if (!taken.begin) return fresh(size);
  if (taken.size > size + size / WASTE) give_back(split(&taken, size));
  return taken;
}

void dust_pages_give(dust_pages pages, size_t most) {
  if (most > DUST_PAGES_MOST) most = DUST_PAGES_MOST;
  if (pages.size > most || !enter()) {
    give_back(pages);
    return;
  }
  shrink(most - pages.size, SLOTS - 1);
  pages.zeroed = false;
  put_in(used, pages);
  leave();
}

void dust_pages_trim(size_t most) {
  if (dust_pages_kept() <= most || !enter()) return;
  shrink(most, SLOTS);
  leave();
}
