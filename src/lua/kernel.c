/* module.kernel: the functions of all files that bind kernels. */
#include "lua/kernel.h"

void dust_lua_open_kernel(lua_State *L) {
  lua_newtable(L);
  dust_lua_add_intensity_kernels(L);
  dust_lua_add_label_kernels(L);
  dust_lua_add_integral(L);
  dust_lua_add_shape_kernels(L);
  dust_lua_add_noise_kernels(L);
  dust_lua_add_component_kernels(L);
  dust_lua_add_raster_kernels(L);
  dust_lua_add_resize_kernels(L);
  dust_lua_add_picture_kernels(L);
  lua_setfield(L, -2, "kernel");
}
