/* The first two steps of a separable distance transform in 16 bits (edt.h), a sheet at a time, which is all rows of one y, while it is
 * in the cache:
 *
 *     labels (z, x) --edt_scan.h along x--> squares, 32 columns together --edt_spread.h along z--> centres, lattice between rows
 */
#ifndef DUST_KERNEL_EDT_SHEETS_H
#define DUST_KERNEL_EDT_SHEETS_H

#include "base/pool.h"
#include "kernel/edt_scan.h"
#include "kernel/edt_spread.h"
#include "volume/ndarray.h"

typedef struct dust_edt_sheets {
  const dust_ndarray *labels; /* three axes, the last one contiguous */
  bool faces;                 /* sites are faces, else zeros */
  bool keep_zeros;            /* `zero` is wanted */
  bool border[3];             /* per axis: there are sites one voxel before its first and after its last one */
  uint16_t far;               /* squares are capped here, DUST_EDT_FAR at most */
  dust_edt_axis z;
  dust_edt_squaring on, between;  /* along x: sites on voxels, between voxels */
  int64_t pitch;                  /* see dust_edt_pitch() */
  bool any;                       /* there is a site */
  dust_edt_square *centre, *rows; /* squares (z, y, pitch); rows: of the lattice between rows, NULL where there is none */
  uint8_t *zero;                  /* which labels are 0 (z, y, x) */
} dust_edt_sheets;

/* Fills everything but the first five. weight: per axis the square of half a voxel, in units in which (for faces) it or (for zeros) its
 * fourfold is whole. On failure dust_edt_sheets_release() is still due. */
dust_status dust_edt_sheets_make(dust_edt_sheets *sheets, const double *weight, dust_pool *pool);
void dust_edt_sheets_release(dust_edt_sheets *sheets);

#endif
