/* Kernels on grey values, and those that move elements whatever they are. */
#include "lua/kernel.h"

#include <math.h>
#include <string.h>
#include "kernel/gamma.h"
#include "kernel/intensity.h"
#include "kernel/max_channels.h"
#include "kernel/pad.h"
#include "kernel/scale_shift.h"
#include "kernel/slab.h"
#include "lua/ndarray.h"

/* pad(a, before, after, mode, value). Zeros and reflections may be put around what is still to be scaled. */
static int pad(lua_State *L) {
  static const char *const modes[] = {"constant", "reflect", NULL};
  const dust_ndarray seen = *dust_lua_seen_ndarray(L, 1);
  int64_t before[DUST_MAXDIM], after[DUST_MAXDIM];
  double element = 0; /* room for one of any type */
  dust_lua_per_axis(L, 2, seen.ndim, before, "before");
  dust_lua_per_axis(L, 3, seen.ndim, after, "after");
  dust_pad_mode mode = (dust_pad_mode)dust_lua_option(L, 4, "mode", modes, -1);
  if (lua_isinteger(L, 5) || lua_type(L, 5) == LUA_TSTRING)
    dust_lua_check(L, dust_pad_element_integer(&element, seen.dtype, (int64_t)dust_lua_label(L, 5, seen.dtype, "value")));
  else
    dust_lua_check(L, dust_pad_element(&element, seen.dtype, dust_lua_number_or(L, 5, 0, "value")));
  static const double zero;
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 5);
  if (mode == DUST_PAD_CONSTANT && memcmp(&element, &zero, sizeof zero) != 0) dust_lua_to_ndarray(L, 1);
  dust_status status = dust_pad_array(out, dust_lua_source(L, 1), before, after, mode, &element, pool);
  return dust_lua_made_of_source(L, 1, status, true);
}

/* scale_shift(a, scale, shift, dtype, low, high) */
static int scale_shift(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 6);
  const dust_ndarray *in = dust_lua_to_ndarray(L, 1);
  double scale = dust_lua_number(L, 2, "scale"), shift = dust_lua_number_or(L, 3, 0, "shift");
  dust_dtype dtype = dust_lua_dtype(L, 4, in->dtype);
  double low = dust_lua_number_or(L, 5, -INFINITY, "low"), high = dust_lua_number_or(L, 6, INFINITY, "high");
  return dust_lua_made_ndarray(L, dust_scale_shift(out, in, scale, shift, dtype, low, high, pool));
}

/* scale_later(a, factor, dtype) */
static int scale_later(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 3);
  const dust_ndarray *in = dust_lua_to_ndarray(L, 1);
  double factor = dust_lua_number(L, 2, "factor");
  dust_dtype dtype = dust_lua_dtype(L, 3, DUST_FLOAT32);
  if (dust_lua_can_be_due(in, dtype)) return dust_lua_made_due(L, in, factor);
  return dust_lua_made_ndarray(L, dust_scale_shift(out, in, factor, 0, dtype, -INFINITY, INFINITY, pool));
}

/* gamma(a, gamma) */
static int gamma_array(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *in = dust_lua_to_ndarray(L, 1);
  double gamma = dust_lua_number(L, 2, "gamma");
  return dust_lua_made_ndarray(L, dust_gamma_array(out, in, gamma, pool));
}

/* intensity(a, slab, scales, shifts, clip) */
static int intensity(lua_State *L) {
  lua_settop(L, 5);
  dust_lua_to_ndarray(L, 1);
  int64_t slab[DUST_MAXDIM];
  size_t scales, shifts;
  int axes = dust_lua_integers(L, 2, slab, "slab");
  const double *scale = dust_lua_doubles(L, 3, &scales, "scales"), *shift = dust_lua_doubles(L, 4, &shifts, "shifts");
  if (scales != shifts) return luaL_error(L, "there are %d scales and %d shifts: give one of each for a slab", (int)scales, (int)shifts);
  bool clip = !lua_isnoneornil(L, 5) && dust_lua_boolean(L, 5, "clip");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_new_ndarray(L);
  return dust_lua_made_ndarray(L, dust_intensity_array(out, dust_lua_to_ndarray(L, 1), axes, slab, scales, scale, shift, clip, pool));
}

/* slab_count(a, slab) */
static int slab_count(lua_State *L) {
  dust_lua_to_ndarray(L, 1);
  int64_t slab[DUST_MAXDIM];
  int axes = dust_lua_integers(L, 2, slab, "slab");
  dust_slabs slabs;
  dust_lua_check(L, dust_slabs_make(&slabs, dust_lua_to_ndarray(L, 1), axes, slab));
  lua_pushinteger(L, slabs.count);
  return 1;
}

/* max_channels(a, ndim) */
static int max_channels(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 2);
  const dust_ndarray *in = dust_lua_to_ndarray(L, 1);
  int64_t ndim = dust_lua_integer(L, 2, "ndim");
  if (ndim < 0 || ndim > in->ndim) return luaL_error(L, "ndim is %I, the array has %d axes", (lua_Integer)ndim, in->ndim);
  return dust_lua_made_ndarray(L, dust_max_channels(out, in, (int)ndim, pool));
}

void dust_lua_add_intensity_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"pad", pad},
      {"scale_shift", scale_shift},
      {"scale_later", scale_later},
      {"gamma", gamma_array},
      {"intensity", intensity},
      {"slab_count", slab_count},
      {"max_channels", max_channels},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
