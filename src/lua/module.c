/* The Lua module `moondust.core`: what `require "moondust.core"` loads. Each file of this room adds its part; the contract is
 * lua/moondust/meta/core.lua. */
#include "lua/binding.h"

#include <gsl/gsl_errno.h>

__attribute__((visibility("default"))) int luaopen_moondust_core(lua_State *L) {
  luaL_checkversion(L);
  gsl_set_error_handler_off(); /* GSL's own handler ends the process */
  lua_newtable(L);
  dust_lua_open_coordinate(L);
  dust_lua_open_roi(L);
  dust_lua_open_spec(L);
  dust_lua_open_request(L);
  dust_lua_open_contract(L);
  dust_lua_open_ndarray(L);
  dust_lua_open_graph(L);
  dust_lua_open_rng(L);
  dust_lua_open_kernel(L);
  dust_lua_open_synthesize(L);
  dust_lua_open_transform(L);
  dust_lua_open_hdf5(L);
  dust_lua_open_png(L);
  dust_lua_open_output(L);
  dust_lua_open_http(L);
  dust_lua_open_system(L);
  return 1;
}
