/* Rows of an array fetched from anywhere in another: the sampling half of a transformation.
 *
 * One row at a time, in two steps that stay in the nearest cache: dust_gather_places() turns positions into offsets and fractions,
 * then dust_gather_row(), once per channel, fetches the values, linear or nearest. One gather serves one thread.
 *
 *     position of sample i along an axis = first + i * step + at[i]    (index units: sample k of n sits at k)
 *
 * A row that lies inside of the array with all of its neighbours takes a shorter way than one that must be clamped. Both give the
 * same bytes.
 */
#ifndef DUST_KERNEL_GATHER_H
#define DUST_KERNEL_GATHER_H

#include <stdbool.h>
#include "base/pool.h"
#include "volume/ndarray.h"

enum { DUST_GATHER_ROW = 512 }; /* longest row: what is kept of it fits the nearest cache */

/* What counts as outside and reads 0: with FACES, beyond the array's outer faces [-1/2, n - 1/2), the half voxel between the
 * outer centres and the faces reading as the edge; with CENTRES, scipy's rule for mode "constant", anything beyond the outer
 * centres [0, n - 1]. */
typedef enum dust_gather_border { DUST_GATHER_FACES, DUST_GATHER_CENTRES } dust_gather_border;

/* floor() of |x| < 2^31 without a call, so that loops vectorise on any machine. */
static inline int32_t dust_floor(float x) {
  int32_t towards_zero = (int32_t)x;
  return towards_zero - ((float)towards_zero > x);
}

/* Along one axis of the array. |first + i * step + at[i]| < 2^31. */
typedef struct dust_gather_axis {
  const float
      *at; /* a value a sample, and DUST_MOST_LANES more of any kind; NULL: still, the whole row is at `first` (not for the last axis) */
  int64_t first;
  int32_t step;
  int64_t n, stride; /* samples, at least 1; elements from one to the next */
} dust_gather_axis;

typedef struct dust_gather {
  int axes; /* of the array, 1 to 4 */
  bool linear;
  dust_dtype dtype;
  bool scaled; /* linear values of 1 and 2-byte integers come out as float32, elements times this */
  float factor;
  size_t length; /* of this row */
  bool inside;   /* nothing needs clamping, and at most three axes aren't still */
  int moving;    /* inside: axes that aren't still; the others are part of start, and what follows counts these only */
  int64_t start; /* inside: elements */
  bool far;      /* the channel is too large for 32-bit offsets */
  bool lone;     /* the last axis has one sample: there are no pairs */
  bool at_end;   /* a pair may have to begin at the last sample of the last axis */
  bool any_outside;
  int32_t *outside;   /* 1: reads 0 */
  int32_t *place;     /* sample along the axis at hand */
  void *offset[4];    /* elements, int32 or (far) int64; [0] the lower corner, others: some steps further along outer axes */
  int64_t stride[4];  /* elements to the next sample along an axis; [0] is the last axis */
  float *fraction[4]; /* of the way there; along the last axis, if clamped, exactly 1 at its last sample */
  char *corner[4];    /* pairs of neighbours along the last axis: at (z, y), one step along y, along z, along both */
  void *value[2];     /* float or double */
  void *block;
} dust_gather;

dust_status dust_gather_create(dust_gather *gather, int axes, dust_dtype dtype, bool linear);
/* From now on linear values are float32, of elements times `factor` (rounded to float32 first, as kernel/scale_shift.h does). */
void dust_gather_scale(dust_gather *gather, double factor);
void dust_gather_release(dust_gather *gather); /* of a zeroed one too */
/* axis[0] is the array's last one. length is at most DUST_GATHER_ROW. */
void dust_gather_places(dust_gather *gather, size_t length, const dust_gather_axis *axis, dust_gather_border border);
/* out: length elements side by side. in: the first element of one channel, laid out as said to dust_gather_places(). Linear values
 * are computed in float32, in double for 32 and 64-bit types; integers are rounded half away from zero. Nearest moves the bits. A
 * sample of no weight is never part of the value: it may be NaN. */
void dust_gather_row(dust_gather *gather, void *out, const void *in);
/* Asks the cache for what lies `ahead` elements further; every fourth sample from `phase` on, since neighbouring rows ask too. */
void dust_gather_prefetch(const dust_gather *gather, const void *in, int64_t ahead, size_t phase);

/* scipy.ndimage.map_coordinates(order 1 or 0, mode "constant", cval 0): out (channels…, shape…) from in (channels…, axes) at
 * coordinates (axes, shape…), float32. out is made. */
dust_status dust_map_coordinates(dust_ndarray *out, const dust_ndarray *in, const dust_ndarray *coordinates, bool linear, dust_pool *pool);

#endif
