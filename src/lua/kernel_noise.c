/* Kernels that spoil grey values: noise, folds. */
#include "lua/kernel.h"

#include <math.h>
#include "kernel/fold.h"
#include "kernel/noise.h"
#include "lua/ndarray.h"

/* The number in field `name` of the table at `index`. */
static double number_field(lua_State *L, int index, const char *name, double fallback) {
  dust_lua_field(L, index, name);
  double value = dust_lua_number_or(L, -1, fallback, name);
  lua_pop(L, 1);
  return value;
}

static void read_noise(lua_State *L, int index, dust_noise *noise) {
  static const char *const known[] = {"mean", "var",  "local_vars", "amount",   "salt_vs_pepper", "pepper",
                                      "low",  "span", "levels",     "clip_low", "clip_high",      NULL};
  luaL_checktype(L, index, LUA_TTABLE);
  dust_lua_known_fields(L, index, "noise", known, 0);
  noise->mean = number_field(L, index, "mean", 0);
  noise->variance = number_field(L, index, "var", 0.01);
  noise->amount = number_field(L, index, "amount", 0.05);
  noise->salt = number_field(L, index, "salt_vs_pepper", 0.5);
  noise->pepper = number_field(L, index, "pepper", 0);
  noise->low = number_field(L, index, "low", 0);
  noise->span = number_field(L, index, "span", 1);
  noise->levels = number_field(L, index, "levels", 256);
  noise->clip_low = number_field(L, index, "clip_low", -INFINITY);
  noise->clip_high = number_field(L, index, "clip_high", INFINITY);
}

/* noise(a, mode, seed, options) */
static int noise(lua_State *L) {
  static const char *const modes[] = {"gaussian", "speckle", "s&p", "poisson", NULL};
  lua_settop(L, 4);
  dust_noise parameters = {.mode = (dust_noise_mode)dust_lua_option(L, 2, "mode", modes, -1)};
  parameters.seed = (uint64_t)dust_lua_integer(L, 3, "seed");
  if (lua_isnil(L, 4)) {
    lua_newtable(L);
    lua_replace(L, 4);
  }
  read_noise(L, 4, &parameters);
  dust_lua_field(L, 4, "local_vars"); /* index 5, kept alive by the stack */
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 5);
  const dust_ndarray *in = dust_lua_to_ndarray(L, 1);
  if (!lua_isnil(L, 5)) parameters.variances = dust_lua_to_ndarray(L, 5);
  return dust_lua_made_ndarray(L, dust_noise_array(out, in, &parameters, pool));
}

static void end_of_line(lua_State *L, int index, int64_t *out, const char *what) {
  int64_t entry[DUST_MAXDIM];
  dust_lua_per_axis(L, index, 2, entry, what);
  out[0] = entry[0];
  out[1] = entry[1];
}

/* fold(section, from, to, along, strength, width, interpolate) */
static int fold(lua_State *L) {
  static const char *const directions[] = {"rows", "columns", NULL};
  lua_settop(L, 7);
  dust_fold line = {.rows = dust_lua_option(L, 4, "along", directions, -1) == 0};
  end_of_line(L, 2, line.from, "from");
  end_of_line(L, 3, line.to, "to");
  line.strength = dust_lua_integer(L, 5, "strength");
  line.width = dust_lua_integer(L, 6, "width");
  line.interpolate = dust_lua_boolean(L, 7, "interpolate");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 7);
  return dust_lua_made_ndarray(L, dust_fold_section(out, dust_lua_to_ndarray(L, 1), &line, pool));
}

void dust_lua_add_noise_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {{"noise", noise}, {"fold", fold}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
