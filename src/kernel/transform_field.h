/* What the files of the transformation share: the transformation itself, and what is known of the field of one key's grid before
 * its rows are walked (transform_walk.h).
 */
#ifndef DUST_KERNEL_TRANSFORM_FIELD_H
#define DUST_KERNEL_TRANSFORM_FIELD_H

#include "kernel/transform.h"

struct dust_transform {
  int ndim;
  bool quirks, rotated, displaced;
  dust_roi roi;
  int64_t voxel_size[DUST_TRANSFORM_MAXDIM];
  int64_t shape[DUST_TRANSFORM_MAXDIM];    /* n: master voxels */
  int64_t nodes[DUST_TRANSFORM_MAXDIM];    /* m: points of the subsampled grid, n without */
  int64_t controls[DUST_TRANSFORM_MAXDIM]; /* c: control points */
  int subsample;
  double turn[DUST_TRANSFORM_MAXDIM][DUST_TRANSFORM_MAXDIM]; /* R - 1 */
  bool moves[DUST_TRANSFORM_MAXDIM];                         /* some control point is displaced along this axis */
  double reach[DUST_TRANSFORM_MAXDIM];                       /* largest |coefficient|: no displacement is larger */
  dust_ndarray coefficients;                                 /* (ndim, controls…) float64, world units; closed without displacement */
  dust_ndarray dense;                                        /* quirks: (ndim, shape…) float32 world positions */
};

enum { DUST_TRANSFORM_TAPS = 8 };

/* The control points that make the displacement at master voxel index `place` of axis d: a few indices with weights (zero where
 * unused), or with the weights' slopes by `place`. */
void dust_transform_taps(const dust_transform *transform, int d, double place, int64_t index[DUST_TRANSFORM_TAPS],
                         double weight[DUST_TRANSFORM_TAPS], bool slopes);

/* With subsample > 1: the four control points that make node `node` of axis d. */
void dust_transform_node_taps(const dust_transform *transform, int d, int64_t node, int64_t index[4], double weight[4]);

/* Taps of every index along an outer axis. */
typedef struct dust_field_axis {
  int64_t *index; /* DUST_TRANSFORM_TAPS each */
  double *weight;
  int64_t *node; /* with subsample > 1: it lies between this node and the next, */
  double *blend; /* so far of the way */
} dust_field_axis;

enum { DUST_FIELD_NODES = 8 }; /* nodes made at a time */

/* The last axis: a line of points (coefficients, or subsampled nodes). From each to the next the displacement is a polynomial of
 * the way between them; the rotation's part, which is affine along the row, is added to its first two coefficients. */
typedef struct dust_field_last {
  int each;            /* coefficients of a polynomial. 4: cubic, of four points; 2: linear between two nodes */
  bool close;          /* samples are at most as far apart as points */
  int64_t points;      /* of the line */
  int64_t pieces;      /* polynomials: points - each + 1 */
  int64_t *index;      /* points * taps control points each */
  int taps;            /* 1 for coefficients, 4 for nodes */
  double *weight[4];   /* of a node's control points; DUST_FIELD_NODES more than there are */
  int64_t *point_stop; /* per node: the next one that has other control points */
  double *begin;       /* per piece: voxels from the centre of the master ROI to where it begins */
  double length;       /* of a piece: voxels */
  int32_t *piece;      /* per sample: its polynomial; DUST_MOST_LANES samples more than there are */
  int32_t *stop;       /* per sample: the next one that has another */
  float *way;          /* per sample: of its piece, 0 … 1; as many more. If all of the line is one point: voxels from the centre */
  float *from_centre;  /* per sample: voxels from the centre of the master ROI; as many more */
} dust_field_last;

typedef struct dust_field {
  const dust_transform *transform;
  int ndim;
  int64_t rows, shape[DUST_TRANSFORM_MAXDIM];
  bool still[DUST_TRANSFORM_MAXDIM]; /* nothing moves along this axis */
  double voxel_size[DUST_TRANSFORM_MAXDIM];
  double begin[DUST_TRANSFORM_MAXDIM]; /* world units from the centre of the master ROI to the lower face of voxel 0 */
  dust_field_axis outer[DUST_TRANSFORM_MAXDIM];
  dust_field_last last;
  void *block;
} dust_field;

/* For the voxels of `roi`, which lies on the grid of voxel_size and is not empty (checked with clear messages). */
dust_status dust_field_create(dust_field *field, const dust_transform *transform, const dust_roi *roi, const dust_coordinate *voxel_size);
void dust_field_release(dust_field *field); /* of a zeroed one too */

/* Everything about the options but the displacement's values. */
dust_status dust_transform_check(const dust_transform_options *options);
/* The ROI of a request in voxels, refused with clear messages. `what` names it. */
dust_status dust_transform_grid(int64_t *shape, const dust_transform *transform, const dust_roi *roi, const dust_coordinate *voxel_size,
                                const char *what);

/* quirks = true (transform_quirks.c). */
dust_status dust_quirks_create(dust_transform *transform, const dust_ndarray *displacement, const double *rotation);
dust_status dust_quirks_field(dust_ndarray *out, const dust_transform *transform, const dust_roi *roi, const dust_coordinate *voxel_size);
dust_status dust_quirks_source_roi(dust_roi *out, const dust_transform *transform, const dust_roi *roi, const dust_coordinate *voxel_size);
dust_status dust_quirks_sample(dust_ndarray *out, const dust_transform *transform, const dust_ndarray *in, const dust_roi *in_roi,
                               const dust_roi *out_roi, const dust_coordinate *voxel_size, bool interpolate, dust_pool *pool);

#endif
