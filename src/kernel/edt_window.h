/* Squared distances along a line in 16 bits: the second and the last step of a separable transform (edt.h), on 32 neighbours at a
 * time.
 *
 *     position    0     1     2     3     4        half voxels
 *     centre     c[0]       c[1]       c[2]
 *     half             h[0]       h[1]      (h[2]) the last half point must hold `far`
 *
 *     new c[i] = min over points q of  value(q) + cost of (2 i - q) half voxels, at most far
 *
 * A window opens around each line of 32 until no lane can find anything nearer. How far that is need not be searched for: distances
 * to a set of sites differ between neighbours by no more than the way from one to the other, so the largest of the line before
 * tells.
 */
#ifndef DUST_KERNEL_EDT_WINDOW_H
#define DUST_KERNEL_EDT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

enum {
  DUST_EDT_LANES = 32,
  DUST_EDT_FAR = 65024, /* the largest `far`: below 255^2 */
  DUST_EDT_NEVER = 255, /* a step count: no site */
  DUST_EDT_AHEAD = 2,   /* voxels looked at together */
  DUST_EDT_GROUP = 8    /* voxels passed over together where nothing in them can be nearer */
};

/* A square, less 2^15: the least of signed 16-bit numbers is one instruction everywhere, of unsigned ones not on the oldest machines. */
typedef int16_t dust_edt_square;

static inline dust_edt_square dust_edt_square_of(uint16_t square) { return (dust_edt_square)(square - 32768); }

/* What ways along an axis cost. */
typedef struct dust_edt_axis {
  int64_t n;     /* voxels of a line */
  int64_t reach; /* further than so many voxels away nothing is nearer than far */
  int64_t pad;   /* values that must be there before and after a line: far, or, where a border is a site, 0 next to the line */
  uint16_t far;
  uint16_t *whole; /* cost of m voxels, of m - 1/2; m = 0 … reach + DUST_EDT_AHEAD, at most far */
  uint16_t *half;
  int64_t roomy;  /* up to so many voxels far and a cost are less than 2^16 */
  float per_root; /* voxels that a root of a square is long */
} dust_edt_axis;

/* weight: square of half a voxel; border: there are sites one voxel before and after each line. */
dust_status dust_edt_axis_make(dust_edt_axis *axis, int64_t n, double weight, uint16_t far, bool border);
void dust_edt_axis_release(dust_edt_axis *axis);

/* A tile: rows of DUST_EDT_LANES values of neighbouring lines, with axis->pad rows in front and behind. */
typedef struct dust_edt_tile {
  dust_edt_square *centre, *half; /* of row 0; half is NULL where there are no half points */
  /* Of row 0, may go from -pad - DUST_EDT_GROUP to n + pad + DUST_EDT_GROUP: how many rows in front hold anything below far, in either. */
  int32_t *filled;
  const float *enough; /* per row: results whose root is more than this need not be told from one another; NULL: all */
  float *root;         /* per row: raised to the root of the largest result; NULL */
} dust_edt_tile;

/* Every row of the tile, to out + i * pitch. */
void dust_edt_window_tile(dust_edt_square *out, int64_t pitch, const dust_edt_tile *tile, const dust_edt_axis *axis);

/* Values of scratch that a line needs from its first one on to the front, and from its end on, where it is at least DUST_EDT_LANES
 * long. */
static inline int64_t dust_edt_floor_front(const dust_edt_axis *axis) { return axis->pad + DUST_EDT_GROUP; }
static inline int64_t dust_edt_floor_behind(const dust_edt_axis *axis) { return axis->pad + DUST_EDT_GROUP + DUST_EDT_LANES; }

/* One line: `centre` and `half` (or NULL) with axis->pad values in front and behind; out has room for DUST_EDT_LANES at least.
 * root: for each piece of DUST_EDT_LANES what the root of its largest value can be at most; afterwards, what it is. floor: scratch,
 * see above. Returns the largest value. */
uint16_t dust_edt_window_line(uint16_t *out, const dust_edt_square *centre, const dust_edt_square *half, const dust_edt_axis *axis,
                              float *root, dust_edt_square *floor);

#endif
