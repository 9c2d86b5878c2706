/* Counted, aligned memory over malloc (or the host's allocator), and over pages from the system (pages.h) where blocks are large. Of the latter as many are
 * kept when they are given back as fit beside what is in use, going an eighth beyond the peak at most. A host's allocator gets all.
 *
 *     raw                    block - sizeof(header)            block (aligned)
 *     [ 0 … 63 bytes unused ][ header: size, pages, raw       ][ bytes handed out ]
 *
 * malloc, calloc and realloc are asked with room to align by hand, rather than aligned_alloc: so large zeroed blocks come as
 * untouched pages from the kernel, and large blocks grow by remapping.
 */
#include "base/mem.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/pages.h"

typedef struct header {
  size_t size, pages; /* bytes handed out; bytes from raw on if those are pages, else 0 */
  char *raw;
} header;

#define ROOM (sizeof(header) + DUST_ALIGN - 1)
#define MOST (PTRDIFF_MAX - ROOM) /* a larger block would have places too far apart to subtract */

static atomic_size_t in_use, peak, blocks;
static dust_allocator host; /* no function in it: malloc's */
static _Thread_local long fail_after = -1, made;

static void count_up(size_t bytes) {
  size_t now = atomic_fetch_add_explicit(&in_use, bytes, memory_order_relaxed) + bytes;
  size_t most = atomic_load_explicit(&peak, memory_order_relaxed);
  while (now > most && !atomic_compare_exchange_weak_explicit(&peak, &most, now, memory_order_relaxed, memory_order_relaxed)) {}
}

static void count_down(size_t bytes) { atomic_fetch_sub_explicit(&in_use, bytes, memory_order_relaxed); }

/* Whether the test hook wants this allocation to fail. */
static int refused(void) {
  made++;
  if (fail_after < 0) return 0;
  return fail_after-- == 0;
}

static dust_status out_of_memory(size_t bytes) {
  char wanted[32], used[32];
  dust_bytes_format(wanted, sizeof wanted, (double)bytes);
  dust_bytes_format(used, sizeof used, (double)dust_mem_in_use());
  return dust_fail(DUST_ERROR_MEMORY, "out of memory: %s (%zu bytes) wanted while %s are in use", wanted, bytes, used);
}

/* ---- malloc's or the host's */

static char *raw_allocate(size_t bytes, int zeroed) {
  if (!host.allocate) return zeroed ? calloc(1, bytes) : malloc(bytes);
  char *raw = host.allocate(host.user, bytes);
  if (raw && zeroed) memset(raw, 0, bytes);
  return raw;
}

static void raw_release(char *raw, size_t bytes) {
  if (host.release)
    host.release(host.user, raw, bytes);
  else
    free(raw);
}

static char *raw_reallocate(char *raw, size_t before, size_t bytes) {
  if (!host.allocate) return realloc(raw, bytes);
  if (host.reallocate) return host.reallocate(host.user, raw, before, bytes);
  char *moved = host.allocate(host.user, bytes);
  if (!moved) return NULL;
  memcpy(moved, raw, before < bytes ? before : bytes);
  raw_release(raw, before);
  return moved;
}

dust_status dust_mem_use(const dust_allocator *allocator) {
  size_t out = atomic_load(&blocks);
  if (out > 0)
    return dust_fail(DUST_ERROR_ARGUMENT, "the allocator can't change while %zu blocks are in use: choose it first, or close what there is",
                     out);
  if (allocator && !(allocator->allocate && allocator->release))
    return dust_fail(DUST_ERROR_ARGUMENT, "an allocator needs both `allocate` and `release`");
  host = allocator ? *allocator : (dust_allocator){0};
  return DUST_OK;
}

static header *header_of(void *block) { return (header *)block - 1; }

/* The aligned place in `raw`, its header written. */
static void *place(char *raw, size_t bytes, size_t pages) {
  uintptr_t address = ((uintptr_t)raw + ROOM) & ~(uintptr_t)(DUST_ALIGN - 1);
  void *block = raw + (address - (uintptr_t)raw);
  *header_of(block) = (header){bytes, pages, raw};
  return block;
}

/* How much may be kept beside what is in use: to the peak and an eighth more, since what is kept is in pieces that are not quite what is wanted. */
static size_t spare(void) {
  size_t now = dust_mem_in_use(), most = dust_mem_peak() + dust_mem_peak() / 8;
  return most > now ? most - now : 0;
}

static int pages_wanted(size_t bytes) { return !host.allocate && dust_pages_wanted(bytes); }

static char *obtain_pages(size_t bytes, int zeroed, size_t *size) {
  dust_pages pages = dust_pages_take(bytes);
  if (pages.begin && zeroed && !pages.zeroed) memset(pages.begin, 0, bytes);
  *size = pages.begin ? pages.size : 0;
  return pages.begin;
}

static dust_status get(void **out, size_t bytes, int zeroed) {
  size_t pages = 0;
  char *raw = NULL;
  if (pages_wanted(bytes)) raw = obtain_pages(bytes + ROOM, zeroed, &pages);
  if (!raw) raw = raw_allocate(bytes + ROOM, zeroed);
  if (!raw) return out_of_memory(bytes);
  *out = place(raw, bytes, pages);
  atomic_fetch_add_explicit(&blocks, 1, memory_order_relaxed);
  count_up(bytes);
  if (pages) dust_pages_trim(spare());
  return DUST_OK;
}

static dust_status obtain(void **out, size_t bytes, int zeroed) {
  *out = NULL;
  return bytes > MOST || refused() ? out_of_memory(bytes) : get(out, bytes, zeroed);
}

dust_status dust_alloc(void **out, size_t bytes) { return obtain(out, bytes, 0); }

dust_status dust_calloc(void **out, size_t count, size_t size) {
  size_t bytes;
  if (!__builtin_mul_overflow(count, size, &bytes)) return obtain(out, bytes, 1);
  *out = NULL;
  return dust_fail(DUST_ERROR_MEMORY, "out of memory: %zu times %zu bytes wanted, which is more than can be addressed", count, size);
}

/* Between pages and malloc, or where the system can't move pages. */
static dust_status move(void **block, size_t bytes) {
  void *moved;
  size_t old = header_of(*block)->size;
  DUST_TRY(get(&moved, bytes, 0));
  memcpy(moved, *block, old < bytes ? old : bytes);
  dust_free(*block);
  *block = moved;
  return DUST_OK;
}

static dust_status resize_pages(void **block, size_t bytes) {
  header old = *header_of(*block);
  dust_pages pages = {old.raw, old.pages, false};
  if (!dust_pages_wanted(bytes) || !dust_pages_resize(&pages, bytes + ROOM)) return move(block, bytes);
  *block = place(pages.begin, bytes, pages.size);
  count_up(bytes);
  count_down(old.size);
  return DUST_OK;
}

dust_status dust_realloc(void **block, size_t bytes) {
  if (!*block) return dust_alloc(block, bytes);
  if (bytes > MOST || refused()) return out_of_memory(bytes);
  header old = *header_of(*block);
  if (old.pages) return resize_pages(block, bytes);
  if (pages_wanted(bytes)) return move(block, bytes);
  size_t offset = (size_t)((char *)*block - old.raw);
  char *raw = raw_reallocate(old.raw, old.size + ROOM, bytes + ROOM);
  if (!raw) return out_of_memory(bytes);
  /* malloc aligns less than we do: the bytes may now lie at another distance from an aligned place. The header is written last,
   * it may overlap where they were. */
  char *wanted = raw + ((((uintptr_t)raw + ROOM) & ~(uintptr_t)(DUST_ALIGN - 1)) - (uintptr_t)raw);
  if (wanted != raw + offset) memmove(wanted, raw + offset, old.size < bytes ? old.size : bytes);
  *block = place(raw, bytes, 0);
  count_up(bytes);
  count_down(old.size);
  return DUST_OK;
}

void dust_free(void *block) {
  if (!block) return;
  header h = *header_of(block);
  count_down(h.size);
  atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
  if (h.pages)
    dust_pages_give((dust_pages){h.raw, h.pages, false}, spare());
  else
    raw_release(h.raw, h.size + ROOM);
}

size_t dust_mem_in_use(void) { return atomic_load_explicit(&in_use, memory_order_relaxed); }
size_t dust_mem_peak(void) { return atomic_load_explicit(&peak, memory_order_relaxed); }

void dust_mem_reset_peak(void) {
  atomic_store_explicit(&peak, dust_mem_in_use(), memory_order_relaxed);
  dust_mem_trim();
}

void dust_mem_trim(void) { dust_pages_trim(0); }

long dust_mem_fail_after(long n) {
  long count = made;
  made = 0;
  fail_after = n;
  return count;
}

int dust_bytes_format(char *text, size_t size, double bytes) {
  static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  int u = 0;
  while (bytes >= 1024 && u < 6) bytes /= 1024, u++;
  if (u == 0) return snprintf(text, size, "%.0f bytes", bytes);
  return snprintf(text, size, bytes < 1e6 ? "%.1f %s" : "%.3g %s", bytes, unit[u]);
}
