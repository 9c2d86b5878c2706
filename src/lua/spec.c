/* md.ArraySpec and md.GraphSpec: mutable values with "not said" (nil) for every field. A field is set on a copy, the copy is
 * checked as a whole, and only then does it take the place of the old: a spec never holds what makes no sense, whatever a script
 * tried.
 */
#include "lua/binding.h"

#include <string.h>

static const char *const array_fields[] = {"roi", "voxel_size", "interpolatable", "nonspatial", "dtype", "placeholder", NULL};
static const char *const graph_fields[] = {"roi", "directed", "dtype", "placeholder", NULL};

dust_array_spec *dust_lua_to_array_spec(lua_State *L, int index) {
  dust_array_spec *spec = dust_lua_test(L, index, DUST_LUA_ARRAY_SPEC);
  if (!spec) luaL_error(L, "expected an ArraySpec, got %s", dust_lua_type_name(L, index));
  return spec;
}

dust_graph_spec *dust_lua_to_graph_spec(lua_State *L, int index) {
  dust_graph_spec *spec = dust_lua_test(L, index, DUST_LUA_GRAPH_SPEC);
  if (!spec) luaL_error(L, "expected a GraphSpec, got %s", dust_lua_type_name(L, index));
  return spec;
}

void dust_lua_push_array_spec(lua_State *L, const dust_array_spec *spec) {
  dust_array_spec *box = dust_lua_new(L, DUST_LUA_ARRAY_SPEC);
  *box = *spec;
}

void dust_lua_push_graph_spec(lua_State *L, const dust_graph_spec *spec) {
  dust_graph_spec *box = dust_lua_new(L, DUST_LUA_GRAPH_SPEC);
  *box = *spec;
}

/* ---- fields shared by both: the value at `index` (nil: not said) into the struct */
static bool said(lua_State *L, int index) { return !lua_isnoneornil(L, index); }

static void set_roi(lua_State *L, int index, bool *has, dust_roi *roi) {
  *has = said(L, index);
  if (*has && !dust_lua_test(L, index, DUST_LUA_ROI)) luaL_error(L, "roi must be a Roi, not %s", dust_lua_type_name(L, index));
  if (*has) *roi = *dust_lua_to_roi(L, index);
}

static dust_maybe maybe(lua_State *L, int index, const char *what) {
  if (!said(L, index)) return DUST_UNSAID;
  return dust_lua_boolean(L, index, what) ? DUST_YES : DUST_NO;
}

static bool flag(lua_State *L, int index, const char *what) { return said(L, index) && dust_lua_boolean(L, index, what); }

static void push_maybe(lua_State *L, dust_maybe value) {
  if (value == DUST_UNSAID)
    lua_pushnil(L);
  else
    lua_pushboolean(L, value == DUST_YES);
}

static void push_dtype(lua_State *L, dust_dtype dtype) {
  if (dtype == DUST_DTYPE_NONE)
    lua_pushnil(L);
  else
    lua_pushstring(L, dust_dtype_name(dtype));
}

static int position(const char *name, const char *const *names) {
  for (int i = 0; names[i]; i++)
    if (dust_lua_same_name(names[i], name)) return i;
  return -1;
}

/* ---- ArraySpec; fields by their position in array_fields */
static void set_array_field(lua_State *L, dust_array_spec *spec, int field, int index) {
  switch (field) {
    case 0: set_roi(L, index, &spec->has_roi, &spec->roi); break;
    case 1:
      spec->has_voxel_size = said(L, index);
      if (spec->has_voxel_size)
        spec->voxel_size = dust_lua_named_coordinate(L, index, spec->has_roi ? spec->roi.shape.ndim : 0, "voxel_size");
      break;
    case 2: spec->interpolatable = maybe(L, index, "interpolatable"); break;
    case 3: spec->nonspatial = flag(L, index, "nonspatial"); break;
    case 4: spec->dtype = dust_lua_dtype(L, index, DUST_DTYPE_NONE); break;
    default: spec->placeholder = flag(L, index, "placeholder");
  }
}

static void push_array_field(lua_State *L, const dust_array_spec *spec, int field) {
  switch (field) {
    case 0: spec->has_roi ? dust_lua_push_roi(L, &spec->roi) : lua_pushnil(L); break;
    case 1: spec->has_voxel_size ? dust_lua_push_coordinate(L, &spec->voxel_size) : lua_pushnil(L); break;
    case 2: push_maybe(L, spec->interpolatable); break;
    case 3: lua_pushboolean(L, spec->nonspatial); break;
    case 4: push_dtype(L, spec->dtype); break;
    default: lua_pushboolean(L, spec->placeholder);
  }
}

/* ---- GraphSpec; fields by their position in graph_fields */
static void set_graph_field(lua_State *L, dust_graph_spec *spec, int field, int index) {
  switch (field) {
    case 0: set_roi(L, index, &spec->has_roi, &spec->roi); break;
    case 1: spec->directed = maybe(L, index, "directed"); break;
    case 2: spec->dtype = dust_lua_dtype(L, index, dust_graph_spec_default().dtype); break;
    default: spec->placeholder = flag(L, index, "placeholder");
  }
}

static void push_graph_field(lua_State *L, const dust_graph_spec *spec, int field) {
  switch (field) {
    case 0: spec->has_roi ? dust_lua_push_roi(L, &spec->roi) : lua_pushnil(L); break;
    case 1: push_maybe(L, spec->directed); break;
    case 2: push_dtype(L, spec->dtype); break;
    default: lua_pushboolean(L, spec->placeholder);
  }
}

/* ---- constructors: one table (or nothing); upstream's arguments by position or by name */
static bool push_given(lua_State *L, const char *what, const char *const *names, int field) {
  bool named = dust_lua_field(L, 1, names[field]) != LUA_TNIL;
  bool placed = lua_geti(L, 1, field + 1) != LUA_TNIL;
  if (named && placed) luaL_error(L, "%s is given '%s' twice: by position and by name", what, names[field]);
  lua_remove(L, named ? -1 : -2);
  return named || placed;
}

static int make_array_spec(lua_State *L) {
  dust_array_spec spec = dust_array_spec_default();
  if (said(L, 1)) dust_lua_known_fields(L, 1, "ArraySpec", array_fields, 6);
  for (int i = 0; said(L, 1) && array_fields[i]; i++) {
    if (push_given(L, "ArraySpec", array_fields, i)) set_array_field(L, &spec, i, -1);
    lua_pop(L, 1);
  }
  dust_lua_check(L, dust_array_spec_check(&spec));
  dust_lua_push_array_spec(L, &spec);
  return 1;
}

static int make_graph_spec(lua_State *L) {
  dust_graph_spec spec = dust_graph_spec_default();
  if (said(L, 1)) dust_lua_known_fields(L, 1, "GraphSpec", graph_fields, 4);
  for (int i = 0; said(L, 1) && graph_fields[i]; i++) {
    if (push_given(L, "GraphSpec", graph_fields, i)) set_graph_field(L, &spec, i, -1);
    lua_pop(L, 1);
  }
  dust_lua_check(L, dust_graph_spec_check(&spec));
  dust_lua_push_graph_spec(L, &spec);
  return 1;
}

/* ---- access */
static int field_of_key(lua_State *L, const char *what, const char *const *names) {
  if (lua_type(L, 2) != LUA_TSTRING) return luaL_error(L, "%s has no fields with a %s as name", what, dust_lua_type_name(L, 2));
  int field = position(lua_tostring(L, 2), names);
  return field >= 0 ? field : dust_lua_unknown(L, what, "field", lua_tostring(L, 2), names);
}

static int array_index(lua_State *L) {
  const dust_array_spec *spec = dust_lua_own(L, 1, DUST_LUA_ARRAY_SPEC);
  int field = lua_type(L, 2) == LUA_TSTRING ? position(lua_tostring(L, 2), array_fields) : -1;
  if (field < 0) return dust_lua_method(L);
  push_array_field(L, spec, field);
  return 1;
}

static int array_newindex(lua_State *L) {
  dust_array_spec *spec = dust_lua_own(L, 1, DUST_LUA_ARRAY_SPEC), changed = *spec;
  int field = field_of_key(L, "ArraySpec", array_fields);
  set_array_field(L, &changed, field, 3);
  dust_lua_check(L, dust_array_spec_check(&changed));
  *spec = changed;
  return 0;
}

static int graph_index(lua_State *L) {
  const dust_graph_spec *spec = dust_lua_own(L, 1, DUST_LUA_GRAPH_SPEC);
  int field = lua_type(L, 2) == LUA_TSTRING ? position(lua_tostring(L, 2), graph_fields) : -1;
  if (field < 0) return dust_lua_method(L);
  push_graph_field(L, spec, field);
  return 1;
}

static int graph_newindex(lua_State *L) {
  dust_graph_spec *spec = dust_lua_own(L, 1, DUST_LUA_GRAPH_SPEC), changed = *spec;
  int field = field_of_key(L, "GraphSpec", graph_fields);
  set_graph_field(L, &changed, field, 3);
  dust_lua_check(L, dust_graph_spec_check(&changed));
  *spec = changed;
  return 0;
}

/* ---- methods */
static int array_copy(lua_State *L) {
  dust_lua_push_array_spec(L, dust_lua_own(L, 1, DUST_LUA_ARRAY_SPEC));
  return 1;
}

static int graph_copy(lua_State *L) {
  dust_lua_push_graph_spec(L, dust_lua_own(L, 1, DUST_LUA_GRAPH_SPEC));
  return 1;
}

static int array_update_with(lua_State *L) {
  dust_array_spec *spec = dust_lua_own(L, 1, DUST_LUA_ARRAY_SPEC), changed = *spec;
  dust_lua_check(L, dust_array_spec_update(&changed, dust_lua_to_array_spec(L, 2)));
  *spec = changed;
  lua_settop(L, 1);
  return 1;
}

static int graph_update_with(lua_State *L) {
  dust_graph_spec *spec = dust_lua_own(L, 1, DUST_LUA_GRAPH_SPEC), changed = *spec;
  dust_lua_check(L, dust_graph_spec_update(&changed, dust_lua_to_graph_spec(L, 2)));
  *spec = changed;
  lua_settop(L, 1);
  return 1;
}

static int array_equal(lua_State *L) {
  const dust_array_spec *a = dust_lua_test(L, 1, DUST_LUA_ARRAY_SPEC), *b = dust_lua_test(L, 2, DUST_LUA_ARRAY_SPEC);
  lua_pushboolean(L, a && b && dust_array_spec_equal(a, b));
  return 1;
}

static int graph_equal(lua_State *L) {
  const dust_graph_spec *a = dust_lua_test(L, 1, DUST_LUA_GRAPH_SPEC), *b = dust_lua_test(L, 2, DUST_LUA_GRAPH_SPEC);
  lua_pushboolean(L, a && b && dust_graph_spec_equal(a, b));
  return 1;
}

/* ---- tostring: one line with what is said, as a script would write it. A flag that is false is not said, an interpolatable or directed that is false is. */
static bool is_said(lua_State *L, const char *name) {
  bool is_flag = strcmp(name, "nonspatial") == 0 || strcmp(name, "placeholder") == 0;
  return is_flag ? lua_toboolean(L, -1) : !lua_isnil(L, -1);
}

/* The field's value is on top of the stack, the text so far below it; leaves the longer text. */
static void add_field(lua_State *L, const char *name) {
  if (!is_said(L, name)) {
    lua_pop(L, 1);
    return;
  }
  bool first = lua_tostring(L, -2)[lua_rawlen(L, -2) - 1] == '{';
  lua_pushfstring(L, "%s%s = %s", first ? " " : ", ", name, luaL_tolstring(L, -1, NULL));
  lua_copy(L, -1, -3);
  lua_pop(L, 2);
  lua_concat(L, 2);
}

static int array_tostring(lua_State *L) {
  const dust_array_spec *spec = dust_lua_own(L, 1, DUST_LUA_ARRAY_SPEC);
  lua_pushliteral(L, "ArraySpec{");
  for (int i = 0; array_fields[i]; i++) {
    push_array_field(L, spec, i);
    add_field(L, array_fields[i]);
  }
  lua_pushliteral(L, " }");
  lua_concat(L, 2);
  return 1;
}

static int graph_tostring(lua_State *L) {
  const dust_graph_spec *spec = dust_lua_own(L, 1, DUST_LUA_GRAPH_SPEC);
  lua_pushliteral(L, "GraphSpec{");
  for (int i = 0; graph_fields[i]; i++) {
    push_graph_field(L, spec, i);
    add_field(L, graph_fields[i]);
  }
  lua_pushliteral(L, " }");
  lua_concat(L, 2);
  return 1;
}

void dust_lua_open_spec(lua_State *L) {
  static const luaL_Reg array_methods[] = {{"copy", array_copy}, {"update_with", array_update_with}, {NULL, NULL}};
  static const luaL_Reg array_meta[] = {
      {"__index", array_index}, {"__newindex", array_newindex}, {"__eq", array_equal}, {"__tostring", array_tostring}, {NULL, NULL}};
  static const luaL_Reg graph_methods[] = {{"copy", graph_copy}, {"update_with", graph_update_with}, {NULL, NULL}};
  static const luaL_Reg graph_meta[] = {
      {"__index", graph_index}, {"__newindex", graph_newindex}, {"__eq", graph_equal}, {"__tostring", graph_tostring}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"ArraySpec", make_array_spec}, {"GraphSpec", make_graph_spec}, {NULL, NULL}};
  dust_lua_value_class(L, DUST_LUA_ARRAY_SPEC, array_methods, array_meta);
  dust_lua_value_class(L, DUST_LUA_GRAPH_SPEC, graph_methods, graph_meta);
  luaL_setfuncs(L, functions, 0);
}
