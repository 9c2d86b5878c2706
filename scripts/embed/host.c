/* A C program with Lua and Moondust inside: one file to ship, nothing looked for on disk.
 *
 *     cc -o host scripts/embed/host.c $(pkg-config --static --cflags --libs moondust-lua)
 *     ./host
 *
 * The host's own allocator gives the memory of arrays, so that the host can count it, limit it or take it from where it likes. A script here draws a volume of
 * labels and makes their distance target; the host reads the result through Lua's own C API.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "moondust.h"
#include "moondust_lua.h"

static atomic_size_t now, most;

static void *allocate(void *user, size_t bytes) {
  void *block = malloc(bytes);
  if (!block) return NULL;
  size_t used = atomic_fetch_add(&now, bytes) + bytes, before = atomic_load(&most);
  while (used > before && !atomic_compare_exchange_weak(&most, &before, used)) {}
  return block;
}

static void release(void *user, void *block, size_t bytes) {
  atomic_fetch_sub(&now, bytes);
  free(block);
}

static const char script[] =
    "local md = require 'moondust'\n"
    "local CELLS, TARGET = md.ArrayKey 'CELLS', md.ArrayKey 'TARGET'\n"
    "local labels = md.zeros({ 24, 24, 24 }, 'uint64')\n"
    "labels[{ { 5, 12 }, { 3, 20 }, { 3, 20 } }] = 1\n"
    "local roi = md.Roi({ 0, 0, 0 }, { 24, 24, 24 })\n"
    "local cells = md.Array{ labels, md.ArraySpec{ roi = roi, voxel_size = { 1, 1, 1 } } }\n"
    "local pipeline = md.ArraySource{ CELLS, cells }\n"
    "  + md.DaCapoTargetFilter{ md.DistancePredictor{ { 'cells' }, scale_factor = 10, mask_distances = false }, gt_key = CELLS, target_key "
    "= TARGET }\n"
    "local request = md.BatchRequest{}\n"
    "request[TARGET] = md.ArraySpec{ roi = roi }\n"
    "local built <close> = pipeline:build()\n"
    "local batch <close> = built:request_batch(request)\n"
    "local low, high = batch[TARGET].data:minmax()\n"
    "return low, high\n";

int main(void) {
  if (dust_mem_use(&(dust_allocator){.allocate = allocate, .release = release}) != DUST_OK)
    return fprintf(stderr, "%s\n", dust_message()), 1;

  lua_State *L = luaL_newstate();
  if (!L) return 1;
  luaL_openlibs(L);
  luaL_requiref(L, "moondust", luaopen_moondust, 0);
  lua_pop(L, 1);
  int failed = luaL_dostring(L, script);
  if (failed)
    fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
  else
    printf("target from %.4f to %.4f\n", lua_tonumber(L, -2), lua_tonumber(L, -1));
  lua_close(L);

  printf("at the most %zu KiB of the host's memory, %zu bytes left\n", atomic_load(&most) / 1024, atomic_load(&now));
  return failed;
}
