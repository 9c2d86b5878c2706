/* md.ndarray: operators and comparisons; either operand of an operator may be a number. */
#include "kernel/compare.h"
#include "lua/ndarray.h"

static dust_operand operand(lua_State *L, int index) {
  if (luaL_testudata(L, index, DUST_LUA_NDARRAY)) return (dust_operand){.array = dust_lua_to_ndarray(L, index)};
  if (lua_type(L, index) != LUA_TNUMBER) luaL_error(L, "arrays are combined with arrays and numbers, not %s", dust_lua_type_name(L, index));
  return (dust_operand){.number = dust_lua_scalar(L, index, "the operand")};
}

static int arithmetic(lua_State *L, dust_arithmetic_op op) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  dust_operand a = operand(L, 1), b = operand(L, 2);
  if (!a.array && !b.array) return luaL_error(L, "one operand must be an ndarray"); /* called by hand */
  return dust_lua_made_ndarray(L, dust_arithmetic(out, op, &a, &b, pool));
}

static int add(lua_State *L) { return arithmetic(L, DUST_OP_ADD); }
static int subtract(lua_State *L) { return arithmetic(L, DUST_OP_SUBTRACT); }
static int multiply(lua_State *L) { return arithmetic(L, DUST_OP_MULTIPLY); }
static int divide(lua_State *L) { return arithmetic(L, DUST_OP_DIVIDE); }
static int power(lua_State *L) { return arithmetic(L, DUST_OP_POWER); }

static int negate(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 1);
  dust_operand a = operand(L, 1), minus_one = {.number = dust_scalar_integer(-1)}; /* 0 - a would lose the sign of 0 */
  if (!a.array) return luaL_error(L, "the operand must be an ndarray"); /* called by hand */
  return dust_lua_made_ndarray(L, dust_arithmetic(out, DUST_OP_MULTIPLY, &a, &minus_one, pool));
}

const luaL_Reg dust_lua_ndarray_operators[] = {{"__add", add},   {"__sub", subtract}, {"__mul", multiply}, {"__div", divide},
                                               {"__pow", power}, {"__unm", negate},   {NULL, NULL}};

static int compare(lua_State *L, dust_compare_op op) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *a = dust_lua_to_ndarray(L, 1);
  uint64_t bits;
  bool beyond;
  const bool digits = lua_type(L, 2) == LUA_TSTRING && dust_lua_label_bits(L, 2, &bits, &beyond); /* of an id; sums of ids are nothing */
  dust_operand b = {0};
  if (digits)
    b.number = dust_lua_scalar(L, 2, "what an array is compared with");
  else
    b = operand(L, 2);
  return dust_lua_made_ndarray(L, dust_compare(out, op, a, &b, pool));
}

static int eq(lua_State *L) { return compare(L, DUST_OP_EQ); }
static int ne(lua_State *L) { return compare(L, DUST_OP_NE); }
static int lt(lua_State *L) { return compare(L, DUST_OP_LT); }
static int le(lua_State *L) { return compare(L, DUST_OP_LE); }
static int gt(lua_State *L) { return compare(L, DUST_OP_GT); }
static int ge(lua_State *L) { return compare(L, DUST_OP_GE); }

const luaL_Reg dust_lua_ndarray_comparisons[] = {{"eq", eq}, {"ne", ne}, {"lt", lt}, {"le", le}, {"gt", gt}, {"ge", ge}, {NULL, NULL}};
