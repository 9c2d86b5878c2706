/* core.kernel.synthesize: a synthetic electron-microscopy volume as a table of arrays. */
#include "kernel/synthesize.h"

#include "lua/ndarray.h"

static void read_three(lua_State *L, const char *name, const char *what, int64_t *out) {
  dust_lua_field(L, 1, name);
  if (dust_lua_integers(L, -1, out, what) != 3) luaL_error(L, "%s must have 3 entries: z, y, x", what);
  lua_pop(L, 1);
}

static int64_t read_integer(lua_State *L, const char *name, int64_t fallback) {
  const int64_t value = dust_lua_field(L, 1, name) == LUA_TNIL ? fallback : dust_lua_integer(L, -1, name);
  lua_pop(L, 1);
  return value;
}

static dust_synthesis_options read_options(lua_State *L) {
  static const char *const known[] = {"shape", "voxel_size", "seed", "first", "last", NULL};
  dust_synthesis_options options;
  dust_lua_known_fields(L, 1, "synthesize", known, 0);
  read_three(L, "shape", "shape", options.shape);
  read_three(L, "voxel_size", "voxel_size", options.voxel_size);
  options.seed = (uint64_t)read_integer(L, "seed", 0);
  options.first = read_integer(L, "first", 1) - 1;
  options.planes = read_integer(L, "last", options.shape[0]);
  if (options.first < 0 || options.planes > options.shape[0]) luaL_error(L, "planes must be from 1 to %I", (lua_Integer)options.shape[0]);
  options.planes -= options.first;
  return options;
}

static int synthesize(lua_State *L) {
  static const char *const names[] = {"raw", "neuron_ids", "organelles", "locations", "ids", "types", "partners"};
  enum { ARRAYS = sizeof names / sizeof *names };
  dust_ndarray *box[ARRAYS];
  dust_synthesis made;
  const dust_synthesis_options options = read_options(L);
  dust_pool *pool = dust_lua_pool(L);
  lua_createtable(L, 0, ARRAYS);
  for (int i = 0; i < ARRAYS; i++) {
    box[i] = dust_lua_new_ndarray(L);
    lua_setfield(L, -2, names[i]);
  }
  const dust_status status = dust_synthesize_volume(&made, &options, pool);
  size_t bytes = 0;
  if (status == DUST_OK) {
    const dust_ndarray arrays[ARRAYS] = {made.raw, made.neuron_ids, made.organelles, made.locations, made.ids, made.types, made.partners};
    for (int i = 0; i < ARRAYS; i++) *box[i] = arrays[i], bytes += dust_ndarray_bytes(box[i]);
  }
  dust_lua_check(L, status);
  dust_lua_account(L, bytes);
  return 1;
}

void dust_lua_open_synthesize(lua_State *L) {
  static const luaL_Reg functions[] = {{"synthesize", synthesize}, {NULL, NULL}};
  lua_getfield(L, -1, "kernel");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
