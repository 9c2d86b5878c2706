/* What the files that bind kernels share. */
#ifndef DUST_LUA_KERNEL_H
#define DUST_LUA_KERNEL_H

#include "lua/binding.h"

/* Each adds its functions to module.kernel on top of the stack. */
void dust_lua_add_intensity_kernels(lua_State *L);
void dust_lua_add_label_kernels(lua_State *L);
void dust_lua_add_integral(lua_State *L);
void dust_lua_add_shape_kernels(lua_State *L);
void dust_lua_add_noise_kernels(lua_State *L);
void dust_lua_add_component_kernels(lua_State *L);
void dust_lua_add_raster_kernels(lua_State *L);
void dust_lua_add_resize_kernels(lua_State *L);
void dust_lua_add_picture_kernels(lua_State *L);

/* A positive or negative integer for each axis, as many as the array has axes; raises naming `what`. */
void dust_lua_per_axis(lua_State *L, int index, int ndim, int64_t *out, const char *what);
/* A voxel size (coordinate or table of numbers, fractions allowed) into out; returns how many axes it has. */
int dust_lua_voxel_size(lua_State *L, int index, double *out);
/* A number, or the fallback where there is none. */
double dust_lua_number_or(lua_State *L, int index, double fallback, const char *what);

#endif
