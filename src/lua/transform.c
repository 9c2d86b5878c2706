/* core.Transform: a box around a dust_transform (kernel/transform.h). Closed boxes hold NULL and say so when used. */
#include "lua/ndarray.h"

#include <limits.h>
#include <string.h>
#include "kernel/transform.h"

static dust_transform **self_box(lua_State *L) { return luaL_checkudata(L, 1, DUST_LUA_TRANSFORM); }

static const dust_transform *self(lua_State *L) {
  const dust_transform *transform = *self_box(L);
  if (!transform) luaL_error(L, "this Transform is closed");
  return transform;
}

/* ---- options */

/* n x n numbers from a table of rows into out. */
static void read_matrix(lua_State *L, int index, int n, double *out) {
  if (!lua_istable(L, index)) luaL_error(L, "rotation must be a table of %d rows, not %s", n, dust_lua_type_name(L, index));
  if (luaL_len(L, index) != n) luaL_error(L, "rotation has %I rows; the ROI has %d axes", luaL_len(L, index), n);
  for (int r = 0; r < n; r++) {
    size_t count;
    lua_geti(L, index, r + 1);
    const double *row = dust_lua_doubles(L, lua_absindex(L, -1), &count, "a row of rotation");
    if (count != (size_t)n) luaL_error(L, "row %d of rotation has %d entries; the ROI has %d axes", r + 1, (int)count, n);
    for (int c = 0; c < n; c++) out[r * n + c] = row[c];
    lua_pop(L, 2);
  }
}

/* What the options point to stays on the stack; the displacement at 2, nil when there is none, for the caller to look at when
 * nothing can run scripts any more. */
static dust_transform_options read_options(lua_State *L, double *matrix) {
  static const char *const known[] = {"roi", "voxel_size", "displacement", "rotation", "subsample", "quirks", NULL};
  dust_transform_options o = {.subsample = 1};
  luaL_checktype(L, 1, LUA_TTABLE);
  dust_lua_known_fields(L, 1, "Transform", known, 0);
  dust_lua_field(L, 1, "displacement");
  if (dust_lua_field(L, 1, "roi") == LUA_TNIL) luaL_error(L, "Transform needs a roi");
  o.roi = *dust_lua_to_roi(L, -1);
  if (o.roi.shape.ndim > DUST_TRANSFORM_MAXDIM)
    luaL_error(L, "a transformation has 1 to %d axes, not %d", DUST_TRANSFORM_MAXDIM, o.roi.shape.ndim);
  if (dust_lua_field(L, 1, "voxel_size") == LUA_TNIL) luaL_error(L, "Transform needs a voxel_size");
  o.voxel_size = dust_lua_named_coordinate(L, -1, o.roi.shape.ndim, "voxel_size");
  if (!lua_isnil(L, 2)) dust_lua_to_ndarray(L, 2);
  if (dust_lua_field(L, 1, "rotation") != LUA_TNIL) {
    read_matrix(L, lua_absindex(L, -1), o.roi.shape.ndim, matrix);
    o.rotation = matrix;
  }
  if (dust_lua_field(L, 1, "subsample") != LUA_TNIL) {
    int64_t subsample = dust_lua_integer(L, -1, "subsample");
    if (subsample < 1 || subsample > INT_MAX) luaL_error(L, "subsample must be at least 1, not %I", (lua_Integer)subsample);
    o.subsample = (int)subsample;
  }
  if (dust_lua_field(L, 1, "quirks") != LUA_TNIL) o.quirks = dust_lua_boolean(L, -1, "quirks");
  return o;
}

static int create(lua_State *L) {
  double matrix[DUST_TRANSFORM_MAXDIM * DUST_TRANSFORM_MAXDIM];
  lua_settop(L, 1);
  dust_transform_options options = read_options(L, matrix);
  dust_pool *pool = dust_lua_pool(L);
  dust_transform **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, DUST_LUA_TRANSFORM);
  if (!lua_isnil(L, 2)) options.displacement = dust_lua_to_ndarray(L, 2);
  dust_lua_check(L, dust_transform_create(box, &options, pool));
  dust_lua_account(L, dust_transform_bytes(*box));
  return 1;
}

static int release(lua_State *L) {
  dust_transform **box = self_box(L);
  dust_transform *transform = *box;
  *box = NULL;
  dust_transform_release(transform);
  return 0;
}

/* ---- at work on a grid */

static int source_roi(lua_State *L) {
  const int ndim = dust_transform_ndim(self(L));
  const dust_roi *roi = dust_lua_to_roi(L, 2);
  const dust_coordinate voxel_size = dust_lua_named_coordinate(L, 3, ndim, "voxel_size");
  dust_pool *pool = dust_lua_pool(L);
  dust_roi out;
  dust_lua_check(L, dust_transform_source_roi(&out, self(L), roi, &voxel_size, pool));
  dust_lua_push_roi(L, &out);
  return 1;
}

/* Of the arguments from 3 on; their values stay on the stack. */
static dust_sampling read_sampling(lua_State *L, dust_coordinate *voxel_size) {
  dust_sampling how = {.in_roi = dust_lua_to_roi(L, 3), .out_roi = dust_lua_to_roi(L, 4), .voxel_size = voxel_size};
  *voxel_size = dust_lua_named_coordinate(L, 5, dust_transform_ndim(self(L)), "voxel_size");
  how.interpolate = dust_lua_boolean(L, 6, "interpolate");
  return how;
}

/* sample(a, in_roi, out_roi, voxel_size, interpolate) */
static int sample(lua_State *L) {
  dust_coordinate voxel_size;
  dust_lua_seen_ndarray(L, 2);
  dust_sampling how = read_sampling(L, &voxel_size);
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 6);
  const dust_ndarray *in = how.interpolate ? dust_lua_source(L, 2) : dust_lua_to_ndarray(L, 2);
  how.factor = dust_lua_factor(L, 2);
  return dust_lua_made_ndarray(L, dust_transform_sample_all(out, self(L), &in, 1, &how, pool));
}

/* sample_all(arrays, in_roi, out_roi, voxel_size, interpolate): a table of as many */
static int sample_all(lua_State *L) {
  dust_coordinate voxel_size;
  size_t count;
  lua_settop(L, 6);
  dust_sampling how = read_sampling(L, &voxel_size);
  dust_pool *pool = dust_lua_pool(L);
  const dust_ndarray **in = dust_lua_array_list(L, 2, "arrays", &count);
  dust_ndarray *made = lua_newuserdatauv(L, (count + 1) * sizeof *made, 0);
  memset(made, 0, (count + 1) * sizeof *made);
  lua_createtable(L, (int)count, 0);
  for (size_t k = 0; k < count; k++) {
    dust_lua_new_ndarray(L);
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
  dust_lua_check_open(L, in, count);
  dust_lua_check(L, dust_transform_sample_all(made, self(L), in, (int)count, &how, pool));
  size_t bytes = 0;
  for (size_t k = 0; k < count; k++) {
    lua_rawgeti(L, -1, (lua_Integer)k + 1);
    *(dust_ndarray *)lua_touserdata(L, -1) = made[k];
    bytes += dust_ndarray_bytes(&made[k]);
    lua_pop(L, 1);
  }
  dust_lua_account(L, bytes);
  return 1;
}

typedef dust_status (*field_maker)(dust_ndarray *, const dust_transform *, const dust_roi *, const dust_coordinate *, dust_pool *);

static int make_field(lua_State *L, field_maker maker) {
  const int ndim = dust_transform_ndim(self(L));
  const dust_roi *roi = dust_lua_to_roi(L, 2);
  const dust_coordinate voxel_size = dust_lua_named_coordinate(L, 3, ndim, "voxel_size");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 3);
  return dust_lua_made_ndarray(L, maker(out, self(L), roi, &voxel_size, pool));
}

static int field(lua_State *L) { return make_field(L, dust_transform_field); }
static int displacement(lua_State *L) { return make_field(L, dust_transform_displacement); }

/* ---- single positions */

static int map(lua_State *L) {
  const int ndim = dust_transform_ndim(self(L));
  size_t count;
  double source[DUST_TRANSFORM_MAXDIM];
  const double *point = dust_lua_doubles(L, 2, &count, "point");
  if (count != (size_t)ndim) return luaL_error(L, "point has %d entries; the transformation has %d axes", (int)count, ndim);
  dust_lua_check(L, dust_transform_map(self(L), point, source));
  lua_createtable(L, ndim, 0);
  for (int d = 0; d < ndim; d++) {
    lua_pushnumber(L, source[d]);
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

static int invert(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *positions = dust_lua_result(L, 2), *converged = dust_lua_new_ndarray(L);
  const dust_transform *t = self(L);
  const dust_ndarray *points = dust_lua_to_ndarray(L, 2);
  dust_lua_made_ndarray(L, dust_transform_invert_points(positions, converged, t, points, pool));
  return 2;
}

void dust_lua_open_transform(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"source_roi", source_roi}, {"sample", sample}, {"sample_all", sample_all}, {"field", field}, {"displacement", displacement}, {"map", map},
      {"invert", invert},         {"close", release}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", release}, {"__close", release}, {NULL, NULL}};
  dust_lua_class(L, DUST_LUA_TRANSFORM, methods, meta);
  lua_pushcfunction(L, create);
  lua_setfield(L, -2, "Transform");
}
