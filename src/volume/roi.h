/* A region of interest in world units: offset and shape, half-open boxes, with funlib.geometry's semantics.
 *
 * Entries of shape may be unbounded; the offset of such an axis is unbounded too (consolidated on making). An empty intersection
 * has an unbounded offset and a zero shape. Plain values, no heap. Figures: golden/geometry.json.
 */
#ifndef DUST_VOLUME_ROI_H
#define DUST_VOLUME_ROI_H

#include "volume/coordinate.h"

#define DUST_ROI_TEXT (DUST_MAXDIM * 72) /* bytes that hold any ROI as text */

typedef struct dust_roi {
  dust_coordinate offset, shape;
} dust_roi;

typedef enum dust_snap { DUST_SNAP_GROW, DUST_SNAP_SHRINK, DUST_SNAP_CLOSEST } dust_snap;

/* Offset and shape must have the same number of axes; an end beyond 64 bits is DUST_ERROR_RANGE, here and in all that makes ROIs
 * below. */
dust_status dust_roi_make(dust_roi *out, const dust_coordinate *offset, const dust_coordinate *shape);
bool dust_roi_equal(const dust_roi *a, const dust_roi *b);
bool dust_roi_empty(const dust_roi *roi);                               /* any axis with shape <= 0 */
bool dust_roi_unbounded(const dust_roi *roi);                           /* any axis without end */
dust_status dust_roi_end(dust_coordinate *out, const dust_roi *roi);    /* offset + shape (Lua: .stop) */
dust_status dust_roi_center(dust_coordinate *out, const dust_roi *roi); /* offset + shape / 2, half towards zero */
/* product of the shape; unbounded or beyond 2^63: DUST_ERROR_RANGE */
dust_status dust_roi_size(int64_t *out, const dust_roi *roi);
bool dust_roi_contains_point(const dust_roi *roi, const dust_coordinate *point);
bool dust_roi_contains_location(const dust_roi *roi, const double *location); /* ndim doubles, as graph nodes have */
bool dust_roi_contains(const dust_roi *roi, const dust_roi *other);
bool dust_roi_intersects(const dust_roi *a, const dust_roi *b);
dust_status dust_roi_intersect(dust_roi *out, const dust_roi *a, const dust_roi *b);
dust_status dust_roi_union(dust_roi *out, const dust_roi *a, const dust_roi *b);
dust_status dust_roi_shift(dust_roi *out, const dust_roi *roi, const dust_coordinate *by);
dust_status dust_roi_grow(dust_roi *out, const dust_roi *roi, const dust_coordinate *negative, const dust_coordinate *positive);
/* Begin and end to multiples of voxel_size (each entry >= 1). CLOSEST rounds halves down; SHRINK may leave a negative shape, as
 * upstream's does. */
dust_status dust_roi_snap(dust_roi *out, const dust_roi *roi, const dust_coordinate *voxel_size, dust_snap mode);
/* offset and shape through the same operation (roi * voxel_size, roi / voxel_size …). */
dust_status dust_roi_apply(dust_roi *out, dust_coordinate_op op, const dust_roi *roi, const dust_coordinate *operand);
/* "[0:600, 0:1000, 0:1000] (600, 1000, 1000)", as upstream prints it; "[empty ROI]". Returns the length needed as snprintf does.
 * */
int dust_roi_format(char *text, size_t size, const dust_roi *roi);

#endif
