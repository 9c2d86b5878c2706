/* md.Coordinate: immutable whole numbers, one per axis, each possibly unbounded. The userdata is the C value itself, so it holds
 * nothing and needs no release.
 *
 * Wherever a coordinate is wanted, a plain table is taken; where the number of axes is known, a number stands for itself on every
 * axis.
 */
#include "lua/binding.h"

#include <string.h>

static const char unbounded_key = 0;

void dust_lua_push_unbounded(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &unbounded_key); }
bool dust_lua_is_unbounded(lua_State *L, int index) { return luaL_testudata(L, index, DUST_LUA_UNBOUNDED) != NULL; }

void dust_lua_push_coordinate(lua_State *L, const dust_coordinate *coordinate) {
  dust_coordinate *box = dust_lua_new(L, DUST_LUA_COORDINATE);
  *box = *coordinate;
}

static void read_entry(lua_State *L, dust_coordinate *c, int d, const char *what) {
  char entry[96];
  if (lua_isinteger(L, -1)) {
    c->value[d] = lua_tointeger(L, -1);
    return;
  }
  if (dust_lua_is_unbounded(L, -1)) {
    c->unbounded |= 1u << d;
    return;
  }
  snprintf(entry, sizeof entry, "entry %d of %s", d + 1, what);
  if (lua_isnil(L, -1)) luaL_error(L, "%s is nil; where there is no end, write `unbounded`", entry);
  c->value[d] = dust_lua_integer(L, -1, entry);
}

static dust_coordinate from_table(lua_State *L, int index, const char *what) {
  dust_coordinate c = {0};
  lua_Integer n = luaL_len(L, index);
  if (n < 1) luaL_error(L, "%s has no entries; give one number per axis", what);
  if (n > DUST_MAXDIM) luaL_error(L, "%s has %I entries; there are at most %d axes", what, n, DUST_MAXDIM);
  index = lua_absindex(L, index);
  c.ndim = (int)n;
  for (int d = 0; d < c.ndim; d++) {
    lua_geti(L, index, d + 1);
    read_entry(L, &c, d, what);
    lua_pop(L, 1);
  }
  return c;
}

dust_coordinate dust_lua_named_coordinate(lua_State *L, int index, int ndim, const char *what) {
  const dust_coordinate *given = dust_lua_test(L, index, DUST_LUA_COORDINATE);
  dust_coordinate c;
  if (ndim > 0 && lua_type(L, index) == LUA_TNUMBER) return dust_coordinate_filled(ndim, dust_lua_integer(L, index, what));
  if (given)
    c = *given;
  else if (lua_type(L, index) == LUA_TTABLE)
    c = from_table(L, index, what);
  else
    luaL_error(L, "%s must be a Coordinate or a table of whole numbers, not %s", what, dust_lua_type_name(L, index));
  if (ndim > 0 && c.ndim != ndim) luaL_error(L, "%s has %d axes where %d are wanted", what, c.ndim, ndim);
  return c;
}

dust_coordinate dust_lua_to_coordinate(lua_State *L, int index, int ndim) {
  return dust_lua_named_coordinate(L, index, ndim, "the coordinate");
}

static int make(lua_State *L) {
  dust_coordinate c = dust_lua_named_coordinate(L, 1, 0, "Coordinate");
  dust_lua_push_coordinate(L, &c);
  return 1;
}

/* The axes of whichever operand has them; a Coordinate at `other` when the one at `index` is a number. */
static dust_coordinate operand(lua_State *L, int index, int other) {
  const dust_coordinate *partner = dust_lua_test(L, other, DUST_LUA_COORDINATE);
  if (index == 1 && dust_lua_test(L, 1, DUST_LUA_COORDINATE)) partner = NULL; /* the left one says how many axes there are */
  return dust_lua_named_coordinate(L, index, partner ? partner->ndim : 0, index == 1 ? "the left operand" : "the right operand");
}

static bool is_fraction(lua_State *L, int index) { return lua_type(L, index) == LUA_TNUMBER && !lua_isinteger(L, index); }

static int apply(lua_State *L, dust_coordinate_op op) {
  dust_coordinate out;
  bool swap = op == DUST_MULTIPLY && is_fraction(L, 1);
  if (swap || is_fraction(L, 2)) { /* by a number with a fraction: only * and / know what to do with it */
    dust_coordinate c = operand(L, swap ? 2 : 1, swap ? 1 : 2);
    dust_lua_check(L, dust_coordinate_apply_number(&out, op, &c, lua_tonumber(L, swap ? 1 : 2)));
  } else {
    dust_coordinate a = operand(L, 1, 2), b = operand(L, 2, 1);
    dust_lua_check(L, dust_coordinate_apply(&out, op, &a, &b));
  }
  dust_lua_push_coordinate(L, &out);
  return 1;
}

static int add(lua_State *L) { return apply(L, DUST_ADD); }
static int subtract(lua_State *L) { return apply(L, DUST_SUBTRACT); }
static int multiply(lua_State *L) { return apply(L, DUST_MULTIPLY); }
static int divide(lua_State *L) { return apply(L, DUST_DIVIDE); }
static int floor_divide(lua_State *L) { return apply(L, DUST_FLOOR_DIVIDE); }
static int modulo(lua_State *L) { return apply(L, DUST_MODULO); }

static int negate(lua_State *L) {
  dust_coordinate out, c = dust_lua_to_coordinate(L, 1, 0);
  dust_lua_check(L, dust_coordinate_negate(&out, &c));
  dust_lua_push_coordinate(L, &out);
  return 1;
}

static int equal(lua_State *L) {
  const dust_coordinate *a = dust_lua_test(L, 1, DUST_LUA_COORDINATE), *b = dust_lua_test(L, 2, DUST_LUA_COORDINATE);
  lua_pushboolean(L, a && b && dust_coordinate_equal(a, b));
  return 1;
}

static void push_entry(lua_State *L, const dust_coordinate *c, int d) {
  if (dust_coordinate_is_unbounded(c, d))
    dust_lua_push_unbounded(L);
  else
    lua_pushinteger(L, c->value[d]);
}

static int totable(lua_State *L) {
  const dust_coordinate *c = dust_lua_own(L, 1, DUST_LUA_COORDINATE);
  lua_createtable(L, c->ndim, 0);
  for (int d = 0; d < c->ndim; d++) {
    push_entry(L, c, d);
    lua_rawseti(L, -2, d + 1);
  }
  return 1;
}

static int length(lua_State *L) {
  const dust_coordinate *c = dust_lua_own(L, 1, DUST_LUA_COORDINATE);
  lua_pushinteger(L, c->ndim);
  return 1;
}

static int index_(lua_State *L) {
  const dust_coordinate *c = dust_lua_own(L, 1, DUST_LUA_COORDINATE);
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (strcmp(lua_tostring(L, 2), "dims") != 0) return dust_lua_method(L);
    lua_pushinteger(L, c->ndim);
    return 1;
  }
  int whole;
  lua_Integer i = lua_tointegerx(L, 2, &whole);
  if (!whole || i < 1 || i > c->ndim) return 0;
  push_entry(L, c, (int)i - 1);
  return 1;
}

static int refuse(lua_State *L) { return luaL_error(L, "a Coordinate can't be changed; make a new one"); }

static int tostring(lua_State *L) {
  const dust_coordinate *c = dust_lua_own(L, 1, DUST_LUA_COORDINATE);
  char text[256];
  dust_coordinate_format(text, sizeof text, c);
  lua_pushstring(L, text);
  return 1;
}

static int unbounded_tostring(lua_State *L) {
  lua_pushliteral(L, "unbounded");
  return 1;
}

void dust_lua_open_coordinate(lua_State *L) {
  static const luaL_Reg methods[] = {{"totable", totable}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__index", index_}, {"__newindex", refuse}, {"__len", length},   {"__eq", equal},   {"__tostring", tostring},
      {"__add", add},      {"__sub", subtract},    {"__mul", multiply}, {"__div", divide}, {"__idiv", floor_divide},
      {"__mod", modulo},   {"__unm", negate},      {NULL, NULL}};
  static const luaL_Reg unbounded_meta[] = {{"__tostring", unbounded_tostring}, {NULL, NULL}};
  dust_lua_value_class(L, DUST_LUA_COORDINATE, methods, meta);
  dust_lua_class(L, DUST_LUA_UNBOUNDED, NULL, unbounded_meta);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &unbounded_key) == LUA_TNIL) { /* a second loading of the module keeps the first one's */
    lua_pop(L, 1);
    lua_newuserdatauv(L, 0, 0);
    luaL_setmetatable(L, DUST_LUA_UNBOUNDED);
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &unbounded_key);
  lua_setfield(L, -2, "unbounded");
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "Coordinate");
}
