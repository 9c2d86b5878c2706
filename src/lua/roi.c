/* md.Roi: an immutable box in world units, half-open. The userdata is the C value itself. */
#include "lua/binding.h"

#include <string.h>

void dust_lua_push_roi(lua_State *L, const dust_roi *roi) {
  dust_roi *box = dust_lua_new(L, DUST_LUA_ROI);
  *box = *roi;
}

const dust_roi *dust_lua_to_roi(lua_State *L, int index) {
  const dust_roi *roi = dust_lua_test(L, index, DUST_LUA_ROI);
  if (!roi) luaL_error(L, "expected a Roi, got %s", dust_lua_type_name(L, index));
  return roi;
}

static int push_checked(lua_State *L, dust_status status, const dust_roi *roi) {
  dust_lua_check(L, status);
  dust_lua_push_roi(L, roi);
  return 1;
}

static int make(lua_State *L) {
  dust_roi roi;
  if (lua_isnoneornil(L, 2)) return luaL_error(L, "Roi is made of two values: Roi(offset, shape)");
  dust_coordinate offset = dust_lua_named_coordinate(L, 1, 0, "offset of the Roi"),
                  shape = dust_lua_named_coordinate(L, 2, 0, "shape of the Roi");
  return push_checked(L, dust_roi_make(&roi, &offset, &shape), &roi);
}

/* ---- fields */
static int get_offset(lua_State *L, const dust_roi *roi) { return dust_lua_push_coordinate(L, &roi->offset), 1; }
static int get_shape(lua_State *L, const dust_roi *roi) { return dust_lua_push_coordinate(L, &roi->shape), 1; }

static int get_stop(lua_State *L, const dust_roi *roi) {
  dust_coordinate stop;
  dust_lua_check(L, dust_roi_end(&stop, roi));
  return dust_lua_push_coordinate(L, &stop), 1;
}

static int get_center(lua_State *L, const dust_roi *roi) {
  dust_coordinate center;
  dust_lua_check(L, dust_roi_center(&center, roi));
  return dust_lua_push_coordinate(L, &center), 1;
}

static int get_size(lua_State *L, const dust_roi *roi) {
  int64_t size;
  if (dust_roi_unbounded(roi)) return lua_pushnil(L), 1;
  dust_lua_check(L, dust_roi_size(&size, roi));
  return lua_pushinteger(L, size), 1;
}

static int get_dims(lua_State *L, const dust_roi *roi) { return lua_pushinteger(L, roi->shape.ndim), 1; }
static int get_empty(lua_State *L, const dust_roi *roi) { return lua_pushboolean(L, dust_roi_empty(roi)), 1; }
static int get_unbounded(lua_State *L, const dust_roi *roi) { return lua_pushboolean(L, dust_roi_unbounded(roi)), 1; }

static const struct field {
  const char *name;
  int (*get)(lua_State *L, const dust_roi *roi);
} fields[] = {{"offset", get_offset}, {"begin", get_offset}, {"shape", get_shape}, {"stop", get_stop},          {"center", get_center},
              {"size", get_size},     {"dims", get_dims},    {"empty", get_empty}, {"unbounded", get_unbounded}};

static int index_(lua_State *L) {
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  const char *name = lua_tostring(L, 2);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (dust_lua_same_name(fields[i].name, name)) return fields[i].get(L, roi);
  return dust_lua_method(L);
}

/* ---- methods */
static bool has_fractions(lua_State *L, int index) {
  bool found = false;
  lua_Integer n = luaL_len(L, index);
  for (lua_Integer i = 1; i <= n && i <= DUST_MAXDIM && !found; i++) { /* of more entries somebody else complains */
    lua_geti(L, index, i);
    found = lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1);
    lua_pop(L, 1);
  }
  return found;
}

static bool contains_location(lua_State *L, const dust_roi *roi, int index) {
  size_t n;
  const double *location = dust_lua_doubles(L, index, &n, "the point");
  if (n != (size_t)roi->shape.ndim) luaL_error(L, "the point has %d axes where %d are wanted", (int)n, roi->shape.ndim);
  return dust_roi_contains_location(roi, location);
}

static const dust_roi *same_axes(lua_State *L, const dust_roi *roi, int index) {
  const dust_roi *other = dust_lua_to_roi(L, index);
  if (other->shape.ndim != roi->shape.ndim) luaL_error(L, "the other Roi has %d axes, this one has %d", other->shape.ndim, roi->shape.ndim);
  return other;
}

static int contains(lua_State *L) {
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  bool inside;
  if (dust_lua_test(L, 2, DUST_LUA_ROI))
    inside = dust_roi_contains(roi, same_axes(L, roi, 2));
  else if (lua_type(L, 2) == LUA_TTABLE && has_fractions(L, 2))
    inside = contains_location(L, roi, 2);
  else {
    dust_coordinate point = dust_lua_named_coordinate(L, 2, roi->shape.ndim, "the point");
    inside = dust_roi_contains_point(roi, &point);
  }
  lua_pushboolean(L, inside);
  return 1;
}

static int intersects(lua_State *L) {
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  lua_pushboolean(L, dust_roi_intersects(roi, same_axes(L, roi, 2)));
  return 1;
}

static int intersect(lua_State *L) {
  dust_roi out;
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  return push_checked(L, dust_roi_intersect(&out, roi, same_axes(L, roi, 2)), &out);
}

static int unite(lua_State *L) {
  dust_roi out;
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  return push_checked(L, dust_roi_union(&out, roi, same_axes(L, roi, 2)), &out);
}

static int shift(lua_State *L) {
  dust_roi out;
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  dust_coordinate by = dust_lua_named_coordinate(L, 2, roi->shape.ndim, "the shift");
  return push_checked(L, dust_roi_shift(&out, roi, &by), &out);
}

static int grow(lua_State *L) {
  dust_roi out;
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  dust_coordinate negative = dust_lua_named_coordinate(L, 2, roi->shape.ndim, "what to grow by");
  dust_coordinate positive =
      lua_isnoneornil(L, 3) ? negative : dust_lua_named_coordinate(L, 3, roi->shape.ndim, "what to grow by at the upper faces");
  return push_checked(L, dust_roi_grow(&out, roi, &negative, &positive), &out);
}

static int snap_to_grid(lua_State *L) {
  static const char *const modes[] = {"grow", "shrink", "closest", NULL};
  static const dust_snap snaps[] = {DUST_SNAP_GROW, DUST_SNAP_SHRINK, DUST_SNAP_CLOSEST};
  dust_roi out;
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI);
  dust_coordinate voxel_size = dust_lua_named_coordinate(L, 2, roi->shape.ndim, "voxel_size");
  dust_snap mode = snaps[dust_lua_option(L, 3, "the mode of snap_to_grid", modes, 0)];
  return push_checked(L, dust_roi_snap(&out, roi, &voxel_size, mode), &out);
}

static void push_range(lua_State *L, int64_t first, int64_t last) {
  lua_createtable(L, 2, 0);
  lua_pushinteger(L, first);
  lua_rawseti(L, -2, 1);
  lua_pushinteger(L, last);
  lua_rawseti(L, -2, 2);
}

/* roi:index_of(part, voxel_size, channels) */
static int index_of(lua_State *L) {
  const dust_roi *roi = dust_lua_own(L, 1, DUST_LUA_ROI), *part = same_axes(L, roi, 2);
  const dust_coordinate voxel_size = dust_lua_named_coordinate(L, 3, roi->shape.ndim, "voxel_size");
  const int channels = (int)dust_lua_integer(L, 4, "channels"), ndim = roi->shape.ndim;
  dust_coordinate first = {.ndim = ndim}, length;
  if (!dust_roi_empty(part)) {
    dust_lua_check(L, dust_coordinate_apply(&first, DUST_SUBTRACT, &part->offset, &roi->offset));
    dust_lua_check(L, dust_coordinate_apply(&first, DUST_DIVIDE, &first, &voxel_size));
  }
  dust_lua_check(L, dust_coordinate_apply(&length, DUST_DIVIDE, &part->shape, &voxel_size));
  lua_createtable(L, channels + ndim, 0);
  for (int c = 1; c <= channels; c++) {
    lua_newtable(L);
    lua_rawseti(L, -2, c);
  }
  for (int d = 0; d < ndim; d++) {
    push_range(L, first.value[d] + 1, first.value[d] + length.value[d]);
    lua_rawseti(L, -2, channels + d + 1);
  }
  return 1;
}

/* ---- operators */
static int move(lua_State *L, dust_coordinate_op op) {
  dust_roi out;
  int at = dust_lua_test(L, 1, DUST_LUA_ROI) ? 1 : 2;
  if (at == 2 && op == DUST_SUBTRACT) return luaL_error(L, "a Roi can't be subtracted from something");
  const dust_roi *roi = dust_lua_to_roi(L, at);
  dust_coordinate by = dust_lua_named_coordinate(L, 3 - at, roi->shape.ndim, "the shift of a Roi");
  if (op == DUST_SUBTRACT) dust_lua_check(L, dust_coordinate_negate(&by, &by));
  return push_checked(L, dust_roi_shift(&out, roi, &by), &out);
}

static int scale(lua_State *L, dust_coordinate_op op) {
  dust_roi out;
  int at = dust_lua_test(L, 1, DUST_LUA_ROI) ? 1 : 2;
  if (at == 2 && op != DUST_MULTIPLY) return luaL_error(L, "a Roi can't divide something");
  const dust_roi *roi = dust_lua_to_roi(L, at);
  dust_coordinate by = dust_lua_named_coordinate(L, 3 - at, roi->shape.ndim, "the factor of a Roi");
  return push_checked(L, dust_roi_apply(&out, op, roi, &by), &out);
}

static int add(lua_State *L) { return move(L, DUST_ADD); }
static int subtract(lua_State *L) { return move(L, DUST_SUBTRACT); }
static int multiply(lua_State *L) { return scale(L, DUST_MULTIPLY); }
static int divide(lua_State *L) { return scale(L, DUST_DIVIDE); }
static int floor_divide(lua_State *L) { return scale(L, DUST_FLOOR_DIVIDE); }

static int equal(lua_State *L) {
  const dust_roi *a = dust_lua_test(L, 1, DUST_LUA_ROI), *b = dust_lua_test(L, 2, DUST_LUA_ROI);
  lua_pushboolean(L, a && b && dust_roi_equal(a, b));
  return 1;
}

static int refuse(lua_State *L) { return luaL_error(L, "a Roi can't be changed; make a new one"); }

static int tostring(lua_State *L) {
  char text[768];
  dust_roi_format(text, sizeof text, dust_lua_own(L, 1, DUST_LUA_ROI));
  lua_pushstring(L, text);
  return 1;
}

void dust_lua_open_roi(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"contains", contains}, {"intersects", intersects},     {"intersect", intersect}, {"union", unite}, {"shift", shift},
      {"grow", grow},         {"snap_to_grid", snap_to_grid}, {"index_of", index_of},   {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__index", index_}, {"__newindex", refuse}, {"__eq", equal},   {"__tostring", tostring}, {"__add", add},
                                  {"__sub", subtract}, {"__mul", multiply},    {"__div", divide}, {"__idiv", floor_divide}, {NULL, NULL}};
  dust_lua_value_class(L, DUST_LUA_ROI, methods, meta);
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "Roi");
}
