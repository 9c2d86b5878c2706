/* Kernels that lazy arrays and resampling nodes are made of: other voxel sizes, groups of ids as masks. */
#include "kernel/binarize.h"
#include "kernel/resize.h"
#include "lua/kernel.h"

static int numbers(lua_State *L, int index, double *out, const char *what) {
  size_t count;
  const double *values = dust_lua_doubles(L, index, &count, what);
  if (count > DUST_MAXDIM) return luaL_error(L, "%s has %d entries; there are at most %d axes", what, (int)count, DUST_MAXDIM);
  for (size_t a = 0; a < count; a++) out[a] = values[a];
  lua_pop(L, 1);
  return (int)count;
}

/* resize(a, shape, scale, shift, mode) */
static int resize(lua_State *L) {
  static const char *const modes[] = {"nearest", "linear", "mean", NULL};
  lua_settop(L, 5);
  dust_lua_to_ndarray(L, 1);
  int64_t shape[DUST_MAXDIM];
  double scale[DUST_MAXDIM], shift[DUST_MAXDIM];
  int spatial = dust_lua_integers(L, 2, shape, "shape");
  int scales = numbers(L, 3, scale, "scale"), shifts = numbers(L, 4, shift, "shift");
  if (scales != spatial || shifts != spatial)
    return luaL_error(L, "shape has %d entries, scale %d and shift %d; they must agree", spatial, scales, shifts);
  dust_resize_mode mode = (dust_resize_mode)dust_lua_option(L, 5, "mode", modes, -1);
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  return dust_lua_made_ndarray(L, dust_resize_array(out, dust_lua_to_ndarray(L, 1), spatial, shape, scale, shift, mode, pool));
}

enum { MOST = 1 << 26 /* groups, ids */ };

static lua_Integer count_ids(lua_State *L, int index, lua_Integer groups) {
  lua_Integer ids = 0;
  if (groups < 0 || groups > MOST) return luaL_error(L, "there are %I groups; there may be up to %d", groups, MOST);
  for (lua_Integer g = 1; g <= groups; g++) {
    if (lua_geti(L, index, g) != LUA_TTABLE) return luaL_error(L, "group %I must be a table of ids, not %s", g, dust_lua_type_name(L, -1));
    const lua_Integer more = luaL_len(L, -1);
    if (more < 0 || more > MOST - ids) return luaL_error(L, "group %I has %I ids; there may be up to %d in all", g, more, MOST);
    ids += more;
    lua_pop(L, 1);
  }
  return ids;
}

/* binarize(labels, groups, background) */
static int binarize(lua_State *L) {
  lua_settop(L, 3);
  const dust_dtype dtype = dust_lua_to_ndarray(L, 1)->dtype;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer groups = luaL_len(L, 2), ids = count_ids(L, 2, groups), k = 0;
  uint64_t background = lua_isnil(L, 3) ? 0 : dust_lua_label(L, 3, dtype, "background");
  int64_t *begin = lua_newuserdatauv(L, ((size_t)groups + 1) * sizeof *begin, 0);
  uint64_t *id = lua_newuserdatauv(L, (size_t)ids * sizeof *id + 1, 0);
  for (lua_Integer g = 0; g < groups; g++) {
    begin[g] = k;
    lua_geti(L, 2, g + 1);
    for (lua_Integer i = 1; k < ids && i <= luaL_len(L, -1); i++) {
      lua_geti(L, -1, i);
      id[k++] = dust_lua_label(L, -1, dtype, "an id");
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  begin[groups] = k;
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  return dust_lua_made_ndarray(L, dust_binarize(out, dust_lua_to_ndarray(L, 1), groups, begin, id, background, pool));
}

void dust_lua_add_resize_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {{"resize", resize}, {"binarize", binarize}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
