/* Hdf5File:create: options of a new dataset, all looked at before the file is touched. */
#include "lua/hdf5.h"

#include <string.h>
#include "lua/binding.h"

static void to_chunks(lua_State *L, int options, dust_hdf5_layout *layout, int ndim) {
  int type = dust_lua_field(L, options, "chunks");
  if (type == LUA_TBOOLEAN && !lua_toboolean(L, -1))
    layout->layout = DUST_HDF5_CONTIGUOUS;
  else if (type != LUA_TNIL) {
    layout->layout = DUST_HDF5_CHUNKS_GIVEN;
    if (dust_lua_integers(L, -1, layout->chunks, "chunks") != ndim)
      luaL_error(L, "chunks must have one entry for each of the %d axes", ndim);
  }
  lua_pop(L, 1);
}

static void to_compression(lua_State *L, int options, dust_hdf5_layout *layout) {
  int type = dust_lua_field(L, options, "compression");
  if (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "gzip") == 0)
    layout->compression = 4;
  else if (type == LUA_TNUMBER) {
    int64_t level = dust_lua_integer(L, -1, "compression");
    if (level < 0 || level > 9) luaL_error(L, "compression is \"gzip\" or a level from 1 to 9, not %I", (lua_Integer)level);
    layout->compression = (int)level;
  } else if (type == LUA_TSTRING)
    luaL_error(L, "compression is \"gzip\" or a level from 1 to 9, not '%s'", lua_tostring(L, -1));
  else if (type != LUA_TNIL)
    luaL_error(L, "compression is \"gzip\" or a level from 1 to 9, not %s", dust_lua_type_name(L, -1));
  lua_pop(L, 1);
}

/* World coordinates: `option` of the table, written as attribute `attribute`; absent: nothing to do. */
static dust_status put_world(lua_State *L, const char *name, int options, const char *option, const char *attribute) {
  double numbers[DUST_HDF5_MAXDIM];
  int count = dust_lua_world_numbers(L, options, option, numbers);
  return count ? dust_hdf5_set_numbers(dust_lua_to_hdf5_file(L), name, attribute, count, numbers) : DUST_OK;
}

/* Attributes in the order of their names, so that the same call makes the same bytes. Puts them, or without a name only looks
 * whether it could. */
static dust_status put_attributes(lua_State *L, const char *name, int options) {
  dust_status status = DUST_OK;
  if (dust_lua_field(L, options, "attributes") != LUA_TNIL) {
    int attributes = lua_gettop(L);
    int count = dust_lua_sorted_names(L, attributes, "attributes");
    for (int i = 1; i <= count && status == DUST_OK; i++) {
      lua_geti(L, attributes + 1, i);
      const char *attribute = lua_tostring(L, -1);
      lua_getfield(L, attributes, attribute);
      dust_hdf5_value value = dust_lua_to_hdf5_value(L, lua_gettop(L), attribute);
      if (name) status = dust_hdf5_set_attribute(dust_lua_to_hdf5_file(L), name, attribute, &value);
      lua_settop(L, attributes + 1);
    }
    lua_settop(L, attributes);
  }
  lua_pop(L, 1);
  return status;
}

/* All options are looked at before the file is touched. */
static void to_layout(lua_State *L, int options, dust_hdf5_layout *layout, int ndim) {
  static const char *const known[] = {"chunks", "compression", "voxel_size", "offset", "attributes", NULL};
  double numbers[DUST_HDF5_MAXDIM];
  dust_lua_known_fields(L, options, "Hdf5File:create", known, 0);
  to_chunks(L, options, layout, ndim);
  to_compression(L, options, layout);
  dust_lua_world_numbers(L, options, "voxel_size", numbers);
  dust_lua_world_numbers(L, options, "offset", numbers);
  put_attributes(L, NULL, options);
}

int dust_lua_hdf5_create(lua_State *L) {
  int64_t shape[DUST_MAXDIM];
  dust_hdf5_layout layout = {.layout = DUST_HDF5_CHUNKS_CHOSEN};
  lua_settop(L, 5);
  dust_lua_to_hdf5_file(L);
  const char *name = dust_lua_to_text(L, 2, "the name of a dataset");
  int ndim = dust_lua_integers(L, 3, shape, "the shape of a dataset");
  dust_dtype dtype = dust_lua_dtype(L, 4, DUST_DTYPE_NONE);
  if (dtype == DUST_DTYPE_NONE) return luaL_error(L, "Hdf5File:create needs a dtype such as \"uint8\" for '%s'", name);
  bool plain = lua_isnil(L, 5);
  if (!plain) to_layout(L, 5, &layout, ndim);
  dust_status status = dust_hdf5_create(dust_lua_to_hdf5_file(L), name, dtype, ndim, shape, &layout);
  if (status == DUST_OK && !plain) status = put_world(L, name, 5, "voxel_size", "resolution");
  if (status == DUST_OK && !plain) status = put_world(L, name, 5, "voxel_size", "voxel_size");
  if (status == DUST_OK && !plain) status = put_world(L, name, 5, "offset", "offset");
  if (status == DUST_OK && !plain) status = put_attributes(L, name, 5);
  return dust_lua_hdf5_answer(L, status);
}
