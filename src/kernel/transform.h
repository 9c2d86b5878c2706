/* Transformations: where each output voxel is fetched from. One engine for ElasticAugment (dacapo.gp) and DeformAugment
 * (gunpowder).
 *
 * In world units, voxel centres: output position p is fetched from
 *
 *     T(p) = centre + R (p - centre) + D(p)
 *
 * R is a rotation about the centre of the master ROI (or any other matrix: scaling, shearing), D a displacement: control points
 * with independent offsets, interpolated by a cubic B-spline through them (the arithmetic of scipy.ndimage.zoom, order 3: control
 * point k of c sits at voxel centre k (n-1)/(c-1) of the n master voxels along an axis; boundary "mirror"). With subsample s > 1
 * the spline is evaluated on a grid of max(int(n/s), min(n, 2)) points an axis and interpolated linearly between them.
 *
 * The dense field is never made: control points are reduced over z once a plane and over y once a row, leaving a polynomial
 * of x between two of them.
 *
 * quirks = true reproduces dacapo.gp.ElasticAugment's arithmetic as it stands (positions are lower corners, float32 dense field,
 * zoom's mode "constant" for the control points of the rotation, context grown by one world unit instead of one voxel, a
 * subsampled axis of one point collapses), for comparison with upstream's figures; it keeps one dense field.
 */
#ifndef DUST_KERNEL_TRANSFORM_H
#define DUST_KERNEL_TRANSFORM_H

#include "base/pool.h"
#include "volume/ndarray.h"
#include "volume/roi.h"

#define DUST_TRANSFORM_MAXDIM 4

typedef struct dust_transform dust_transform;

typedef struct dust_transform_options {
  dust_roi roi; /* master ROI, bounded, on the grid of voxel_size, 1 to 4 axes */
  dust_coordinate voxel_size;
  const dust_ndarray *displacement; /* (ndim, control points…) any float dtype, world units; NULL: none */
  const double *rotation;           /* ndim x ndim, row-major, zyx; NULL: none */
  int subsample;                    /* >= 1 */
  bool quirks;
} dust_transform_options;

dust_status dust_transform_create(dust_transform **out, const dust_transform_options *options, dust_pool *pool);
void dust_transform_release(dust_transform *transform);
int dust_transform_ndim(const dust_transform *transform);
size_t dust_transform_bytes(const dust_transform *transform); /* held outside of the struct: control points, with quirks the dense field */

/* Smallest ROI on the grid of voxel_size from which every voxel of `roi` (on the same grid) can be fetched, linear interpolation
 * included. One exact pass. */
dust_status dust_transform_source_roi(dust_roi *out, const dust_transform *transform, const dust_roi *roi,
                                      const dust_coordinate *voxel_size, dust_pool *pool);
/* out (channels…, spatial of out_roi) from in (channels…, spatial of in_roi), same dtype. Linear (computed in float32, in double
 * for float64 and for 32 and 64-bit integers; integers rounded half away from zero) or nearest (any 8-byte id kept exactly).
 * Positions outside of in_roi read 0, those in the half voxel between its outer centres and its faces the edge (with quirks 0, as
 * scipy's mode "constant" does). out is made by the function. */
dust_status dust_transform_sample(dust_ndarray *out, const dust_transform *transform, const dust_ndarray *in, const dust_roi *in_roi,
                                  const dust_roi *out_roi, const dust_coordinate *voxel_size, bool interpolate, dust_pool *pool);
/* Several arrays at a time that lie in the same box and have the same dtype: labels and their mask. Where a voxel comes from is found out once, and each
 * array gets what it would get alone. out: `count` boxes without arrays.
 *
 * With `factor`, arrays of 1 and 2-byte integers are taken for the float32 values element * factor, and so are their results: the same bytes as if the whole
 * array had been scaled before (kernel/scale_shift.h), of which only what is fetched is. Linear interpolation only. */
typedef struct dust_sampling {
  const dust_roi *in_roi, *out_roi;
  const dust_coordinate *voxel_size;
  bool interpolate;
  const double *factor; /* NULL: elements are what they are */
} dust_sampling;
dust_status dust_transform_sample_all(dust_ndarray *out, const dust_transform *transform, const dust_ndarray *const *in, int count,
                                      const dust_sampling *how, dust_pool *pool);
/* The field itself: (ndim, spatial of roi) float32, world units. For tests and for looking at. */
dust_status dust_transform_field(dust_ndarray *out, const dust_transform *transform, const dust_roi *roi, const dust_coordinate *voxel_size,
                                 dust_pool *pool);
/* The same as T(p) - p, exact far from the origin too. DUST_ERROR_UNSUPPORTED with quirks. */
dust_status dust_transform_displacement(dust_ndarray *out, const dust_transform *transform, const dust_roi *roi,
                                        const dust_coordinate *voxel_size, dust_pool *pool);
/* T at one world position (exact arithmetic of the engine, continuous; DUST_ERROR_UNSUPPORTED with quirks, whose field has no
 * continuous form). */
dust_status dust_transform_map(const dust_transform *transform, const double *position, double *source);
/* p with T(p) = source, by Newton iteration started at the inverse rotation; *converged tells whether |T(p) - source| < 1e-3 voxel on each
 * axis was reached. */
dust_status dust_transform_invert(const dust_transform *transform, const double *source, double *position, bool *converged);
/* The same for points (n, ndim) of any float dtype: positions (n, ndim) float64 and converged (n) uint8. Both are made. */
dust_status dust_transform_invert_points(dust_ndarray *positions, dust_ndarray *converged, const dust_transform *transform,
                                         const dust_ndarray *points, dust_pool *pool);

#endif
