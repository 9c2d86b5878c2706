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

enum {
  DUST_EDT_MARGIN = 128, /* bytes in front of a row of flags and behind it */
  DUST_EDT_ROWS = 3      /* as many lattices as there are axes */
};

/* Rows of flags of several lattices, and what is made of them; a thread's own. */
typedef struct dust_edt_scan {
  void *block;
  int64_t n, width;                 /* voxels; up to the end of a tile of 32 */
  bool border;                      /* there is a site before the first and after the last voxel */
  uint8_t *flag[DUST_EDT_ROWS];     /* of n voxels, 0 or 1, to be filled in; behind them it is 0 */
  uint8_t *steps[DUST_EDT_ROWS][2]; /* the last and the next round's */
} dust_edt_scan;

dust_status dust_edt_scan_acquire(dust_edt_scan *scan, int64_t n, bool border);
void dust_edt_scan_release(dust_edt_scan *scan);

/* From the first `rows` rows of flags: scan->width squares each to out[k]. between: how those of row 0 become squares, whose flags are
 * sites half a voxel after their centre; or NULL. Returns whether there is any site. */
bool dust_edt_scan_rows(dust_edt_square *const *out, int rows, dust_edt_scan *scan, const dust_edt_squaring *on,
                        const dust_edt_squaring *between);

#endif
