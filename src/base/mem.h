/* Counted memory: every byte Moondust's C code owns comes from here.
 *
 * Blocks are aligned to DUST_ALIGN bytes (a cache line, the widest vector) and carry their size in front, so that the number of
 * bytes in use is known at any time: a stream of batches can be shown to run in constant memory, and a test to leave nothing
 * behind.
 *
 *     [ header: size … ][ bytes handed out, from an address that DUST_ALIGN divides ]
 *
 * Bytes come from malloc unless a host gives an allocator of its own. Large blocks that were given back may be kept for the next who asks (pages.h): they don't
 * count as in use, and what is in use and what is kept together never exceed the peak by more than an eighth. The counters (atomic), those blocks and the host's
 * allocator are process-wide; the fail-after hook is per thread.
 */
#ifndef DUST_BASE_MEM_H
#define DUST_BASE_MEM_H

#include <stddef.h>
#include "base/status.h"

#define DUST_ALIGN 64

/* Uninitialised bytes in *out (NULL after a failure). bytes = 0 gives a valid block of no bytes. */
dust_status dust_alloc(void **out, size_t bytes);
/* count * size zeroed bytes; an overflowing product is DUST_ERROR_MEMORY. */
dust_status dust_calloc(void **out, size_t count, size_t size);
/* Grows or shrinks *block (may be NULL) in place of the pointer; *block is untouched after a failure. */
dust_status dust_realloc(void **block, size_t bytes);
/* Gives a block back; NULL is fine. */
void dust_free(void *block);

/* Where blocks come from. Any thread may call these, several at once. What `allocate` gives is aligned as malloc's is; NULL: there is none left. `reallocate` may be
 * NULL: then a block grows by a copy. */
typedef struct dust_allocator {
  void *(*allocate)(void *user, size_t bytes);
  void *(*reallocate)(void *user, void *block, size_t bytes_before, size_t bytes);
  void (*release)(void *user, void *block, size_t bytes);
  void *user;
} dust_allocator;

/* From now on blocks come from `allocator` (copied; NULL: from malloc again). Before other threads use the library. While any block is still out:
 * DUST_ERROR_ARGUMENT, as it would be given back to the wrong one. HDF5, GSL and Lua have memory of their own. */
dust_status dust_mem_use(const dust_allocator *allocator);

size_t dust_mem_in_use(void);   /* bytes handed out and not given back, headers not counted */
size_t dust_mem_peak(void);     /* the most there ever was since start or dust_mem_reset_peak() */
void dust_mem_reset_peak(void); /* gives kept blocks back to the system, too */
void dust_mem_trim(void);       /* that alone */

/* For tests: on this thread the (n + 1)-th allocation from now on fails, once. n < 0 switches it off.
 * Returns how many allocations were made on this thread since the last call, so that a test knows when it has failed each. */
long dust_mem_fail_after(long n);

/* "812 bytes", "12.3 MiB", "4.0 EiB": for messages. Returns the length needed as snprintf does. */
int dust_bytes_format(char *text, size_t size, double bytes);

#endif
