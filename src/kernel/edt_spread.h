/* Squared distances along a line in 16 bits: the second and the third step of a separable transform (edt.h), on 32 neighbouring lines
 * at a time.
 *
 *     position    0     1     2     3     4        half voxels
 *     centre     c[0]       c[1]       c[2]
 *     half             h[0]       h[1]      (h[2]) the last half point must hold `far`
 *
 *     new c[i] = min over points q of  value(q) + cost of (2 i - q) half voxels, at most far
 *
 * The further down a line a point lies, the further down lies what it is nearest to: costs grow with the square of the way (Aggarwal
 * et al. 1987 call such a matrix totally monotone). So every eighth row is searched first, the middle ones before those between
 * them, and what is found there tells where to look for the rest. Where to look is blocks of eight rows of candidates, and of these
 * only those whose least value leaves something to be gained for any of the 32 lines.
 */
#ifndef DUST_KERNEL_EDT_SPREAD_H
#define DUST_KERNEL_EDT_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

enum {
  DUST_EDT_LANES = 32,
  DUST_EDT_BLOCK = 8,
  DUST_EDT_FAR = 65024,                         /* the largest `far`: below 255^2 */
  DUST_EDT_LONGEST = INT16_MAX * DUST_EDT_BLOCK /* voxels of a line */
};

/* A square, less 2^15: the least of signed 16-bit numbers is one instruction everywhere, of unsigned ones not on the oldest machines. */
typedef int16_t dust_edt_square;

static inline dust_edt_square dust_edt_square_of(uint16_t square) { return (dust_edt_square)(square - 32768); }

/* What ways along an axis cost: `far` at most. */
typedef struct dust_edt_axis {
  int64_t n; /* voxels of a line */
  uint16_t far;
  bool border;      /* there are sites one voxel before and after each line */
  int64_t farthest; /* more voxels than this are as far as this many */
  void *block;
  uint16_t *whole,
      *half; /* from voxel i to voxel q, to the half point behind it: i - q, which may be negative, rows of one number 32 times */
} dust_edt_axis;

/* n <= DUST_EDT_LONGEST; weight: square of half a voxel. */
dust_status dust_edt_axis_make(dust_edt_axis *axis, int64_t n, double weight, uint16_t far, bool border);
void dust_edt_axis_release(dust_edt_axis *axis);

/* What is known of the blocks of a line while it is worked on; a thread's own. */
typedef struct dust_edt_blocks {
  void *block;
  dust_edt_square *floor; /* the least of each of 32 lines */
  int64_t *first, *last;  /* blocks that the last row of a block is nearest to, over all lines */
} dust_edt_blocks;

dust_status dust_edt_blocks_acquire(dust_edt_blocks *blocks, const dust_edt_axis *axis);
void dust_edt_blocks_release(dust_edt_blocks *blocks);

/* Lattices from which lines come, and where they go: values from row to row. */
typedef struct dust_edt_lines {
  const dust_edt_square *centre, *half; /* half: NULL where there are no half points */
  int64_t pitch;
  dust_edt_square *out; /* neither of them */
  int64_t out_pitch;
} dust_edt_lines;

/* axis->n rows of 32. */
void dust_edt_spread(const dust_edt_lines *lines, const dust_edt_axis *axis, const dust_edt_blocks *blocks);

/* Values from row to row of `n` voxels: whole tiles, and not in the same place of the cache all along a line. */
static inline int64_t dust_edt_pitch(int64_t n) {
  int64_t tiles = (n + DUST_EDT_LANES - 1) / DUST_EDT_LANES;
  return (tiles + (tiles % 4 == 0)) * DUST_EDT_LANES;
}

#endif
