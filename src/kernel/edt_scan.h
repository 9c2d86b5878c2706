/* The first step of a separable distance transform in 16 bits (edt.h): along the first axis of a volume of three, for every point of
 * up to three lattices how many voxels away the nearest site of its own is, up or down.
 *
 *     faces   steps[0]  at centres         to faces along axis 1     0: half a voxel away, 1: one and a half …
 *             steps[1]  between rows       to faces along axis 2     0: here, 1: a voxel away …
 *             steps[2]  between columns    to faces along axis 3     as steps[1]
 *     zeros   steps[0]  at centres         to voxels that are 0      as steps[1]
 */
#ifndef DUST_KERNEL_EDT_SCAN_H
#define DUST_KERNEL_EDT_SCAN_H

#include "kernel/edt.h"

typedef struct dust_edt_scan {
  const dust_ndarray *labels; /* three axes, the last one contiguous */
  bool faces;                 /* sites are faces, else zeros */
  bool border;                /* there is a site before the first and after the last voxel along the first axis */
  int64_t pitch;              /* bytes from row to row of steps, shape[2] at least */
  uint8_t *steps[3]; /* shape[0] * shape[1] rows each; DUST_EDT_NEVER (edt_window.h): none, or too far to be counted; NULL for unused */
  bool any;          /* there is a site */
} dust_edt_scan;

/* Fills steps and any. */
dust_status dust_edt_scan_run(dust_edt_scan *scan, dust_pool *pool);

#endif
