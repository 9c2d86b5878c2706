/* The second and third step of a separable distance transform in 16 bits (edt.h), a plane at a time, while it is in the cache:
 *
 *     steps (y, x) --tiles of 32 columns, squares, window along y--> centres, columns' lattice --window along x--> rows of squares
 */
#ifndef DUST_KERNEL_EDT_PLANE_H
#define DUST_KERNEL_EDT_PLANE_H

#include "kernel/edt_scan.h"
#include "kernel/edt_window.h"

/* How the steps of a lattice become squares: weight (stride steps + shift)^2, or far from `limit` steps on. */
typedef struct dust_edt_squaring {
  uint16_t weight, stride, shift, limit, far;
} dust_edt_squaring;

/* The volume, scanned. */
typedef struct dust_edt_planes {
  int64_t shape[3];
  bool border[3]; /* per axis: there are sites one voxel before its first and after its last one */
  uint16_t far;   /* squares are capped here, DUST_EDT_FAR at most */
  dust_edt_scan scan;
  dust_edt_squaring square[3]; /* per lattice */
  dust_edt_axis y, x;
  float voxel_z; /* in roots of squares */
} dust_edt_planes;

/* labels: three axes, the last one contiguous. weight: per axis the square of half a voxel, in units in which (for faces) it or (for
 * zeros) its fourfold is whole. shape, border and far are filled in by the caller. On failure dust_edt_planes_release() is still due. */
dust_status dust_edt_planes_make(dust_edt_planes *planes, const dust_ndarray *labels, bool faces, const double *weight, dust_pool *pool);
void dust_edt_planes_release(dust_edt_planes *planes);

/* What a thread needs for a plane. */
typedef struct dust_edt_plane {
  void *block;
  dust_edt_tile tile;
  uint8_t *some;                     /* rows of the tile that hold anything */
  dust_edt_square *centre, *between; /* row 0, column 0 of the plane's two lattices */
  int64_t pitch;                     /* values from row to row of these */
  float *enough;                     /* see dust_edt_tile */
  float *root, *first;               /* see dust_edt_window_line; first: of row 0, for the next plane */
  dust_edt_square *floor;            /* see dust_edt_window_line */
  uint16_t *row;                     /* squares of the row at hand */
} dust_edt_plane;

dust_status dust_edt_plane_acquire(dust_edt_plane *plane, const dust_edt_planes *planes);
void dust_edt_plane_release(dust_edt_plane *plane);

/* Makes ready plane z: any one at first, then each time the next. */
void dust_edt_plane_enter(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t z, bool first);
/* Makes plane->row of row y: y = 0, 1, … in order. Returns its largest square. */
uint16_t dust_edt_plane_row(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t y);

#endif
