/* Kernels on labels: what predictors make targets and weights of. */
#include "lua/kernel.h"

#include <math.h>
#include <string.h>
#include "kernel/affinities.h"
#include "kernel/balance.h"
#include "kernel/boundary_distance.h"
#include "kernel/distance_mask.h"
#include "kernel/one_hot.h"
#include "kernel/slab.h"
#include "lua/ndarray.h"

enum { MOST = 1 << 20 /* offsets */, MOST_SLABS = 1 << 26 };

/* affinities(labels, offsets, background_as_object) */
static int affinities(lua_State *L) {
  lua_settop(L, 3);
  const int ndim = dust_lua_to_ndarray(L, 1)->ndim;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer edges = luaL_len(L, 2);
  if (edges < 0 || edges > MOST) return luaL_error(L, "there are %I offsets; there may be up to %d", edges, MOST);
  int64_t *offset = lua_newuserdatauv(L, (size_t)edges * (size_t)(ndim ? ndim : 1) * sizeof *offset + 1, 0);
  for (lua_Integer e = 1; e <= edges; e++) {
    int64_t entry[DUST_MAXDIM];
    char what[48];
    snprintf(what, sizeof what, "offset %lld", (long long)e);
    lua_geti(L, 2, e);
    dust_lua_per_axis(L, -1, ndim, entry, what);
    lua_pop(L, 1);
    for (int a = 0; a < ndim; a++) offset[(e - 1) * ndim + a] = entry[a];
  }
  bool background = !lua_isnoneornil(L, 3) && dust_lua_boolean(L, 3, "background_as_object");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  return dust_lua_made_ndarray(L, dust_affinities(out, dust_lua_to_ndarray(L, 1), edges, offset, background, pool));
}

/* one_hot(labels, classes) */
static int one_hot(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *labels = dust_lua_to_ndarray(L, 1);
  int64_t classes = dust_lua_integer(L, 2, "classes");
  return dust_lua_made_ndarray(L, dust_one_hot(out, labels, classes, pool));
}

/* boundary_distance(labels, voxel_size, scale) */
static int boundary_distance(lua_State *L) {
  dust_lua_to_ndarray(L, 1);
  double voxel_size[DUST_MAXDIM], scale = 0;
  int spatial = dust_lua_voxel_size(L, 2, voxel_size);
  if (!lua_isnoneornil(L, 3)) {
    scale = dust_lua_number(L, 3, "scale");
    if (!(scale > 0)) return luaL_error(L, "scale is %f, it must be positive", scale);
  }
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 3);
  return dust_lua_made_ndarray(L, dust_boundary_distance(out, dust_lua_to_ndarray(L, 1), spatial, voxel_size, scale, pool));
}

/* distance_mask(target, mask, voxel_size, scale, epsilon, threshold) */
static int distance_mask(lua_State *L) {
  dust_lua_to_ndarray(L, 1), dust_lua_to_ndarray(L, 2);
  double voxel_size[DUST_MAXDIM];
  int spatial = dust_lua_voxel_size(L, 3, voxel_size);
  double scale = dust_lua_number(L, 4, "scale"), epsilon = dust_lua_number(L, 5, "epsilon"), threshold = dust_lua_number(L, 6, "threshold");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 6);
  const dust_ndarray *target = dust_lua_to_ndarray(L, 1), *mask = dust_lua_to_ndarray(L, 2);
  return dust_lua_made_ndarray(L, dust_distance_mask(out, target, mask, spatial, voxel_size, scale, epsilon, threshold, pool));
}

/* One slab's { num, den, num, den, … }. */
static void read_slab_counts(lua_State *L, int index, int64_t slab, int64_t classes, dust_balance_count *count) {
  char what[48];
  size_t n;
  snprintf(what, sizeof what, "counts of slab %lld", (long long)slab + 1);
  const double *value = dust_lua_doubles(L, index, &n, what);
  if ((int64_t)n != 2 * classes) luaL_error(L, "%s: %d numbers, %d classes have %d", what, (int)n, (int)classes, 2 * (int)classes);
  for (int64_t k = 0; k < classes; k++) count[k] = (dust_balance_count){value[2 * k], value[2 * k + 1]};
  lua_pop(L, 1);
}

/* Counts so far, in a userdata left on the stack; slabs never seen start with 0 of 1. */
static dust_balance_count *counts_at(lua_State *L, int index, int64_t slabs, int64_t classes) {
  dust_balance_count *count = lua_newuserdatauv(L, (size_t)(slabs * classes) * sizeof *count + 1, 0);
  for (int64_t i = 0; i < slabs * classes; i++) count[i] = (dust_balance_count){0, 1};
  if (lua_isnoneornil(L, index)) return count;
  luaL_checktype(L, index, LUA_TTABLE);
  const lua_Integer given = luaL_len(L, index);
  if (given < 0 || given > MOST_SLABS) luaL_error(L, "counts has %I slabs; there may be up to %d", given, MOST_SLABS);
  for (int64_t s = 0; s < slabs && s < given; s++) {
    lua_geti(L, index, s + 1);
    read_slab_counts(L, -1, s, classes, count + s * classes);
    lua_pop(L, 1);
  }
  return count;
}

/* Counts as a table; slabs of the table at `old` that this array doesn't have are kept. */
static void push_counts(lua_State *L, int old, int64_t slabs, int64_t classes, const dust_balance_count *count) {
  lua_createtable(L, (int)slabs, 0);
  for (int64_t s = 0; s < slabs; s++) {
    lua_createtable(L, (int)(2 * classes), 0);
    for (int64_t k = 0; k < classes; k++) {
      lua_pushnumber(L, count[s * classes + k].num);
      lua_rawseti(L, -2, 2 * k + 1);
      lua_pushnumber(L, count[s * classes + k].den);
      lua_rawseti(L, -2, 2 * k + 2);
    }
    lua_rawseti(L, -2, s + 1);
  }
  lua_Integer before = lua_isnoneornil(L, old) ? 0 : luaL_len(L, old);
  for (lua_Integer s = slabs + 1; s <= before && s <= MOST_SLABS; s++) {
    lua_geti(L, old, s);
    lua_rawseti(L, -2, s);
  }
}

/* nil: upstream's default; false: no limit. */
static double clip_at(lua_State *L, int index, double fallback, double none, const char *what) {
  if (lua_isboolean(L, index) && !lua_toboolean(L, index)) return none;
  return dust_lua_number_or(L, index, fallback, what);
}

/* balance_weights(labels, classes, masks, slab, clipmin, clipmax, counts) */
static int balance_weights(lua_State *L) {
  lua_settop(L, 7);
  dust_lua_to_ndarray(L, 1);
  int64_t slab[DUST_MAXDIM];
  size_t masks;
  bool positive = lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "positive") == 0;
  dust_balance_options options = {.classes = positive ? 2 : dust_lua_integer(L, 2, "classes"), .positive = positive, .slab = slab};
  if (options.classes < 1 || options.classes > 1 << 24)
    return luaL_error(L, "classes is %I, it must be from 1 to %d", (lua_Integer)options.classes, 1 << 24);
  luaL_checktype(L, 3, LUA_TTABLE);
  const dust_ndarray **mask = dust_lua_array_list(L, 3, "masks", &masks);
  options.mask = mask, options.masks = (int)masks;
  options.slab_ndim = dust_lua_integers(L, 4, slab, "slab");
  options.clipmin = clip_at(L, 5, 0.05, -INFINITY, "clipmin");
  options.clipmax = clip_at(L, 6, 0.95, INFINITY, "clipmax");
  dust_slabs slabs;
  dust_lua_check(L, dust_slabs_make(&slabs, dust_lua_to_ndarray(L, 1), options.slab_ndim, slab));
  if (slabs.count > (INT64_C(1) << 26) / options.classes)
    return luaL_error(L, "%I slabs of %I classes are too many to count", (lua_Integer)slabs.count, (lua_Integer)options.classes);
  dust_balance_count *count = counts_at(L, 7, slabs.count, options.classes);
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  dust_lua_check_open(L, mask, masks);
  dust_lua_made_ndarray(L, dust_balance_weights(out, dust_lua_to_ndarray(L, 1), &options, count, pool));
  push_counts(L, 7, slabs.count, options.classes, count);
  return 2;
}

void dust_lua_add_label_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"affinities", affinities},
      {"one_hot", one_hot},
      {"boundary_distance", boundary_distance},
      {"distance_mask", distance_mask},
      {"balance_weights", balance_weights},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
