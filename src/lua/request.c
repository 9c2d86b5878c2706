/* What nodes do with all specs of a request, or of an offer, in one call: copies, loops, boxes. Arguments are the two tables of a Keyed (keyed.lua), the list of
 * its keys and its values by key. */
#include "lua/binding.h"

static void two_tables(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
}

bool dust_lua_push_next(lua_State *L, lua_Integer i) {
  if (lua_rawgeti(L, 1, i) == LUA_TNIL) return false;
  lua_pushvalue(L, -1);
  lua_rawget(L, 2);
  return true;
}

/* Upvalues: order, values, how far the loop has come. */
static int next_item(lua_State *L) {
  const lua_Integer i = lua_tointeger(L, lua_upvalueindex(3)) + 1;
  lua_pushinteger(L, i);
  lua_replace(L, lua_upvalueindex(3));
  if (lua_rawgeti(L, lua_upvalueindex(1), i) == LUA_TNIL) return 1;
  lua_pushvalue(L, -1);
  lua_rawget(L, lua_upvalueindex(2));
  return 2;
}

/* items(order, values): for key, value in … */
static int items(lua_State *L) {
  two_tables(L);
  lua_settop(L, 2);
  lua_pushinteger(L, 0);
  return lua_pushcclosure(L, next_item, 3), 1;
}

/* copy_specs(order, values, seed): and the seed of a request's copy, nil of nil. */
static int copy_specs(lua_State *L) {
  two_tables(L);
  const bool seeded = !lua_isnoneornil(L, 3);
  const int64_t seed = seeded ? dust_lua_integer(L, 3, "seed") : 0;
  if (seed < 0 || seed > UINT32_MAX) return luaL_error(L, "seed must be from 0 to 4294967295, not %I", (lua_Integer)seed);
  lua_settop(L, 2);
  lua_createtable(L, 0, (int)lua_rawlen(L, 1));
  for (lua_Integer i = 1; dust_lua_push_next(L, i); i++) {
    const dust_array_spec *spec = dust_lua_test(L, -1, DUST_LUA_ARRAY_SPEC);
    if (spec)
      dust_lua_push_array_spec(L, spec);
    else
      dust_lua_push_graph_spec(L, dust_lua_to_graph_spec(L, -1));
    lua_remove(L, -2);
    lua_rawset(L, 3);
  }
  lua_settop(L, 3);
  if (!seeded) return 1;
  lua_pushinteger(L, dust_seed_copy((uint32_t)seed));
  return 2;
}

/* has_placeholder(order, values) */
static int has_placeholder(lua_State *L) {
  two_tables(L);
  lua_settop(L, 2);
  bool found = false;
  for (lua_Integer i = 1; !found && dust_lua_push_next(L, i); i++) {
    const dust_array_spec *spec = dust_lua_test(L, -1, DUST_LUA_ARRAY_SPEC);
    found = spec ? spec->placeholder : dust_lua_to_graph_spec(L, -1)->placeholder;
    lua_settop(L, 2);
  }
  return lua_pushboolean(L, found), 1;
}

/* ---- boxes */

/* The ROI of the spec on top of the stack; NULL when it has none. */
static dust_roi *roi_of(lua_State *L) {
  dust_array_spec *spec = dust_lua_test(L, -1, DUST_LUA_ARRAY_SPEC);
  if (spec) return spec->has_roi ? &spec->roi : NULL;
  dust_graph_spec *graph = dust_lua_to_graph_spec(L, -1);
  return graph->has_roi ? &graph->roi : NULL;
}

/* total_roi(order, values): what holds all ROIs; nil when there are none; nil and two places in `order` where the ROIs don't have as many axes. */
static int total_roi(lua_State *L) {
  two_tables(L);
  lua_settop(L, 2);
  dust_roi total = {0};
  bool any = false;
  lua_Integer first = 0;
  for (lua_Integer i = 1; dust_lua_push_next(L, i); i++) {
    const dust_roi *roi = roi_of(L);
    if (roi && any && roi->shape.ndim != total.shape.ndim) return lua_pushnil(L), lua_pushinteger(L, first), lua_pushinteger(L, i), 3;
    if (roi && any)
      dust_lua_check(L, dust_roi_union(&total, &total, roi));
    else if (roi)
      total = *roi, any = true, first = i;
    lua_settop(L, 2);
  }
  any ? dust_lua_push_roi(L, &total) : lua_pushnil(L);
  return 1;
}

/* shift_rois(order, values, shift) */
static int shift_rois(lua_State *L) {
  two_tables(L);
  lua_settop(L, 3);
  for (lua_Integer i = 1; dust_lua_push_next(L, i); i++) {
    dust_roi *roi = roi_of(L);
    if (roi) {
      const dust_coordinate by = dust_lua_named_coordinate(L, 3, roi->shape.ndim, "the shift");
      dust_lua_check(L, dust_roi_shift(roi, roi, &by));
    }
    lua_settop(L, 3);
  }
  return 0;
}

/* shifts_within(offered, wanted, grid): all that keep the box wanted inside the one offered, and the rest of a step of the grid. */
static int shifts_within(lua_State *L) {
  const dust_roi *offered = dust_lua_to_roi(L, 1), *wanted = dust_lua_to_roi(L, 2);
  const int ndim = offered->shape.ndim;
  if (wanted->shape.ndim != ndim) return luaL_error(L, "the shift has %d axes where %d are wanted", wanted->shape.ndim, ndim);
  const dust_coordinate grid = dust_lua_named_coordinate(L, 3, ndim, "grid"), nothing = dust_coordinate_filled(ndim, 0);
  dust_coordinate back, more;
  dust_roi shifts;
  dust_lua_check(L, dust_coordinate_negate(&back, &wanted->offset));
  dust_lua_check(L, dust_roi_shift(&shifts, offered, &back));
  dust_lua_check(L, dust_coordinate_apply(&more, DUST_SUBTRACT, &grid, &wanted->shape));
  dust_lua_check(L, dust_roi_grow(&shifts, &shifts, &nothing, &more));
  dust_lua_push_roi(L, &shifts);
  return 1;
}

void dust_lua_open_request(lua_State *L) {
  static const luaL_Reg functions[] = {{"items", items},
                                       {"copy_specs", copy_specs},
                                       {"has_placeholder", has_placeholder},
                                       {"total_roi", total_roi},
                                       {"shift_rois", shift_rois},
                                       {"shifts_within", shifts_within},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
