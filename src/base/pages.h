/* Large blocks straight from the system, kept for a while after they were given back: a fresh page costs a fault, which takes several times as long as most
 * kernels need to fill it, and a stream of batches asks for about the same sizes again and again.
 *
 * How much is kept is the caller's to say: mem.c ties it to what was in use at the most, so a process needs hardly more memory with it
 * than without. Nobody ever waits here: a thread that finds another one inside goes to the system. Sanitized builds have no such blocks, so that each block's
 * life is seen.
 */
#ifndef DUST_BASE_PAGES_H
#define DUST_BASE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#define DUST_PAGES_LEAST ((size_t)128 << 10) /* bytes of a block that is worth pages of its own */
#define DUST_PAGES_MOST ((size_t)4 << 30)    /* bytes kept at most */

typedef struct dust_pages {
  char *begin; /* NULL: none */
  size_t size; /* whole pages */
  bool zeroed; /* as they come from the system; else as somebody left them */
} dust_pages;

bool dust_pages_wanted(size_t bytes); /* whether a block of that size is to have its own */
/* At least `bytes`, and not much more. */
dust_pages dust_pages_take(size_t bytes);
/* Gives pages back; the oldest go to the system until at most `most` bytes are kept. */
void dust_pages_give(dust_pages pages, size_t most);
/* The same pages, perhaps elsewhere, as at least `bytes`; false: *pages is as it was. */
bool dust_pages_resize(dust_pages *pages, size_t bytes);
void dust_pages_trim(size_t most);
size_t dust_pages_kept(void); /* bytes */

#endif
