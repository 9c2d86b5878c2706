/* Kernels that draw graphs, and what grows out of the drawn. */
#include "kernel/rasterize.h"
#include "lua/kernel.h"
#include "lua/ndarray.h"

/* The box in voxels; raises where the ROI is not on the grid. */
static void read_canvas(lua_State *L, dust_canvas *canvas) {
  const dust_roi *roi = dust_lua_to_roi(L, 2);
  canvas->ndim = roi->shape.ndim;
  dust_lua_per_axis(L, 3, canvas->ndim, canvas->voxel_size, "voxel_size");
  if (dust_roi_unbounded(roi)) luaL_error(L, "a graph can't be drawn in a ROI without end");
  for (int d = 0; d < canvas->ndim; d++) {
    int64_t size = canvas->voxel_size[d], begin = roi->offset.value[d], length = roi->shape.value[d];
    if (size < 1) luaL_error(L, "voxel_size is %I on axis %d, it must be 1 or more", (lua_Integer)size, d + 1);
    if (begin % size != 0 || length % size != 0) luaL_error(L, "the ROI is not on the grid of the voxel size on axis %d", d + 1);
    canvas->begin[d] = begin / size, canvas->shape[d] = length > 0 ? length / size : 0;
  }
  canvas->dtype = dust_lua_dtype(L, 4, DUST_UINT8);
}

/* draw_graph(graph, roi, voxel_size, dtype, edges, color) */
static int draw_graph(lua_State *L) {
  lua_settop(L, 6);
  dust_lua_to_graph(L, 1);
  dust_canvas canvas;
  read_canvas(L, &canvas);
  bool edges = lua_isnil(L, 5) || dust_lua_boolean(L, 5, "edges");
  const char *color = lua_isnil(L, 6) ? NULL : luaL_checkstring(L, 6);
  dust_ndarray *out = dust_lua_result(L, 6);
  return dust_lua_made_ndarray(L, dust_draw_graph(out, dust_lua_to_graph(L, 1), &canvas, edges, color));
}

static void per_axis(lua_State *L, int index, int ndim, double *out, const char *what) {
  int n = dust_lua_voxel_size(L, index, out);
  if (n != ndim) luaL_error(L, "%s has %d entries, the array has %d axes", what, n, ndim);
}

/* grow_balls(drawn, voxel_size, radius, inner) */
static int grow_balls(lua_State *L) {
  lua_settop(L, 4);
  const int ndim = dust_lua_to_ndarray(L, 1)->ndim;
  double voxel_size[DUST_MAXDIM], radius[DUST_MAXDIM];
  per_axis(L, 2, ndim, voxel_size, "voxel_size");
  per_axis(L, 3, ndim, radius, "radius");
  double inner = dust_lua_number_or(L, 4, 0, "inner");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 4);
  return dust_lua_made_ndarray(L, dust_grow_balls(out, dust_lua_to_ndarray(L, 1), voxel_size, radius, inner, pool));
}

/* grow_peaks(drawn, voxel_size, sigma, dtype) */
static int grow_peaks(lua_State *L) {
  lua_settop(L, 4);
  const int ndim = dust_lua_to_ndarray(L, 1)->ndim;
  double voxel_size[DUST_MAXDIM], sigma[DUST_MAXDIM];
  per_axis(L, 2, ndim, voxel_size, "voxel_size");
  per_axis(L, 3, ndim, sigma, "sigma");
  dust_dtype dtype = dust_lua_dtype(L, 4, DUST_FLOAT32);
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 4);
  return dust_lua_made_ndarray(L, dust_grow_peaks(out, dust_lua_to_ndarray(L, 1), voxel_size, sigma, dtype, pool));
}

void dust_lua_add_raster_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {{"draw_graph", draw_graph}, {"grow_balls", grow_balls}, {"grow_peaks", grow_peaks}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
