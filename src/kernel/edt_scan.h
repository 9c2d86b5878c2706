/* The first step of a separable distance transform in 16 bits (edt.h): along the last axis, row by row, for every point of a lattice the
 * square of the way to the nearest site of its own.
 *
 *     faces   at centres        to faces along the last axis     half a voxel, one and a half …
 *             between voxels    to faces along another axis      0 voxels, 1, 2 …
 *     zeros   at centres        to voxels that are 0             as before
 */
#ifndef DUST_KERNEL_EDT_SCAN_H
#define DUST_KERNEL_EDT_SCAN_H

#include "kernel/edt_spread.h"

/* How steps become squares: weight (stride steps + shift)^2, or far from `limit` steps on. */
typedef struct dust_edt_squaring {
  uint16_t weight, stride, shift, limit, far;
} dust_edt_squaring;

dust_edt_squaring dust_edt_squaring_make(double weight, int stride, int shift, uint16_t far);

enum { DUST_EDT_MARGIN = 128 }; /* bytes in front of a row of flags and behind it */

/* A row of flags; a thread's own. */
typedef struct dust_edt_scan {
  void *block;
  int64_t n, width;         /* voxels; up to the end of a tile of 32 */
  bool border;              /* there is a site before the first and after the last voxel */
  uint8_t *flag, *steps[2]; /* flag: of n voxels, 0 or 1, to be filled in; behind them it is 0 */
} dust_edt_scan;

dust_status dust_edt_scan_acquire(dust_edt_scan *scan, int64_t n, bool border);
void dust_edt_scan_release(dust_edt_scan *scan);

/* From scan->flag: scan->width squares. between: a flag is a site half a voxel after its centre. Returns whether there is any site. */
bool dust_edt_scan_row(dust_edt_square *out, dust_edt_scan *scan, const dust_edt_squaring *squaring, bool between);

#endif
