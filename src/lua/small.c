/* Small blocks for Lua: specs, ROIs, tables, some hundreds of each a batch, freed by the collector all at once. malloc() spends more on putting them together and
 * apart again than Lua on using them, and between them come the large blocks of arrays.
 *
 *     slab    [ block | block | … | not given out yet ]        of SLAB bytes, each carved into blocks of whichever sizes are asked for
 *     free[k] ──> block ──> block                              of 16 k bytes; Lua says the size when it gives one back
 *
 * Slabs are given back when the state is closed. Sanitizers see each block as malloc's.
 */
#include "lua/small.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DUST_SMALL_BLOCKS 0
#else
#define DUST_SMALL_BLOCKS 1
#endif

enum { STEP = 16, LARGEST = 512, SLAB = 1 << 16 };

typedef struct block {
  struct block *next;
} block;

typedef struct heap {
  block *free[LARGEST / STEP + 1], *slabs; /* a slab's first STEP bytes are its link */
  char *at, *end;                          /* what has not been given out of the latest slab */
  bool warns, continues;                   /* whether warnings are on; whether the last one is to be continued */
} heap;

static size_t list_of(size_t size) { return (size + STEP - 1) / STEP; }

static void give(heap *h, void *old, size_t size) {
  if (size > LARGEST) {
    free(old);
    return;
  }
  block *freed = old;
  freed->next = h->free[list_of(size)], h->free[list_of(size)] = freed;
}

static void *carve(heap *h, size_t list) {
  if ((size_t)(h->end - h->at) < list * STEP) {
    block *slab = malloc(SLAB);
    if (!slab) return NULL;
    if (h->at < h->end) give(h, h->at, (size_t)(h->end - h->at)); /* what is left of the old one is a block, too */
    slab->next = h->slabs, h->slabs = slab;
    h->at = (char *)slab + STEP, h->end = (char *)slab + SLAB;
  }
  void *made = h->at;
  h->at += list * STEP;
  return made;
}

static void *take(heap *h, size_t size) {
  if (size > LARGEST) return malloc(size);
  const size_t list = list_of(size);
  block *first = h->free[list];
  if (!first) return carve(h, list);
  h->free[list] = first->next;
  return first;
}

static void *move(heap *h, void *old, size_t before, size_t size) {
  if (before > LARGEST && size > LARGEST) return realloc(old, size);
  if (before <= LARGEST && size <= LARGEST && list_of(before) == list_of(size)) return old;
  void *made = take(h, size);
  if (!made) return size <= before ? old : NULL; /* Lua relies on shrinking */
  memcpy(made, old, before < size ? before : size);
  give(h, old, before);
  return made;
}

/* lua_Alloc; `before` is the kind of object where there is no block yet. */
static void *allocate(void *user, void *old, size_t before, size_t size) {
  if (!old) return size > 0 ? take(user, size) : NULL;
  if (size > 0) return move(user, old, before, size);
  if (before > 0) give(user, old, before);
  return NULL;
}

/* ---- the state: as luaL_newstate() makes it, which takes no allocator */

static int panic(lua_State *L) {
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n", message ? message : "error object is not a string");
  return 0;
}

static void show_warning(void *user, const char *message, int to_be_continued) {
  heap *h = user;
  if (!h->continues && !to_be_continued && message[0] == '@') {
    if (strcmp(message, "@on") == 0) h->warns = true;
    if (strcmp(message, "@off") == 0) h->warns = false;
    return;
  }
  if (h->warns) fprintf(stderr, "%s%s%s", h->continues ? "" : "Lua warning: ", message, to_be_continued ? "" : "\n");
  h->continues = to_be_continued;
}

static void close_heap(heap *h) {
  while (h->slabs) {
    block *next = h->slabs->next;
    free(h->slabs);
    h->slabs = next;
  }
  free(h);
}

lua_State *dust_lua_new_state(void) {
  if (!DUST_SMALL_BLOCKS) return luaL_newstate();
  heap *h = calloc(1, sizeof *h);
  lua_State *L = h ? lua_newstate(allocate, h) : NULL;
  if (!L && h) close_heap(h);
  if (!L) return NULL;
  lua_atpanic(L, panic);
  lua_setwarnf(L, show_warning, h);
  return L;
}

void dust_lua_close_state(lua_State *L) {
  void *h = NULL;
  lua_Alloc own = lua_getallocf(L, &h);
  lua_close(L);
  if (own == allocate) close_heap(h);
}
