/* Drawing graphs into volumes: first single voxels and lines, then growing these into balls, tubes and peaks.
 *
 * Source: gunpowder's RasterizeGraph (lines as scikit-image's line_nd, halves to even). Voxels are counted from world position 0
 * by floor, so a node lies in the same voxel whatever box is drawn.
 */
#ifndef DUST_KERNEL_RASTERIZE_H
#define DUST_KERNEL_RASTERIZE_H

#include "base/pool.h"
#include "volume/graph.h"
#include "volume/ndarray.h"

typedef struct dust_canvas {
  int ndim;
  int64_t begin[DUST_MAXDIM], shape[DUST_MAXDIM]; /* voxels */
  int64_t voxel_size[DUST_MAXDIM];                /* world units, each >= 1 */
  dust_dtype dtype;
} dust_canvas;

/* out (made here): the canvas, 0 but for the voxels of nodes and, with `edges`, of the lines between them, in the graph's order,
 * the later over the earlier. They carry 1, or with `color` that attribute of the node or edge; items without it are left out, a
 * colour that doesn't fit the dtype is DUST_ERROR_RANGE. What lies outside isn't drawn. */
dust_status dust_draw_graph(dust_ndarray *out, const dust_graph *graph, const dust_canvas *canvas, bool edges, const char *color);

/* Every voxel whose centre is within `radius` (world units an axis: an ellipsoid, its surface included) of a non-zero voxel takes
 * the value of the nearest one, of equally near ones of the first in C order. With inner > 0 (a fraction of radius) those within
 * inner * radius become 0: hollow balls. out: made here, dtype and shape of drawn, all axes spatial. radius and voxel_size > 0,
 * inner from 0 to 1. */
dust_status dust_grow_balls(dust_ndarray *out, const dust_ndarray *drawn, const double *voxel_size, const double *radius, double inner,
                            dust_pool *pool);
/* exp(-d^2 / 2) with d = the distance to the nearest non-zero voxel in units of sigma, 0 beyond d = 4. out: made here, of dtype
 * float32 or float64. */
dust_status dust_grow_peaks(dust_ndarray *out, const dust_ndarray *drawn, const double *voxel_size, const double *sigma, dust_dtype dtype,
                            dust_pool *pool);

#endif
