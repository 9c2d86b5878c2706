/* What the files of the transformation share: the transformation itself, and the field of one key's grid evaluated row by row.
 *
 * A row gives, for each axis d, how far sample x is fetched from its own place: at[d][x] = (T(p) - p)_d / voxel_size_d, float32.
 * What a row says depends on the world position alone and not on the ROI it is part of, so that bounding box, samples and tiles
 * agree bit for bit.
 */
#ifndef DUST_KERNEL_TRANSFORM_FIELD_H
#define DUST_KERNEL_TRANSFORM_FIELD_H

#include "kernel/gather.h"
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

/* Taps of every index along an outer axis. */
typedef struct dust_field_axis {
  int64_t *index; /* DUST_TRANSFORM_TAPS each */
  double *weight;
} dust_field_axis;

enum { DUST_FIELD_LANES = 8 }; /* samples at a time; rows are made with as much room at their ends */

/* The last axis: a line of points (coefficients, or subsampled nodes), `each` neighbours of which make a sample. */
typedef struct dust_field_last {
  int each;            /* 4: cubic; 2: linear between nodes */
  int64_t points;      /* of the line */
  int64_t *index;      /* points * taps control points each */
  int taps;            /* 1 for coefficients, 4 for nodes */
  double *weight[4];   /* of a node's control points */
  int64_t *point_stop; /* per node: the next one that has other control points */
  int32_t *start;      /* per sample: first of its points */
  int32_t *stop;       /* per sample: the next one that has other points */
  float *blend[4];     /* per sample: weights of its points; DUST_FIELD_LANES samples more than there are */
  float *from_centre;  /* per sample: voxels from the centre of the master ROI; as many more */
} dust_field_last;

typedef struct dust_field {
  const dust_transform *transform;
  int ndim;
  int64_t rows, shape[DUST_TRANSFORM_MAXDIM];
  double voxel_size[DUST_TRANSFORM_MAXDIM];
  double begin[DUST_TRANSFORM_MAXDIM]; /* world units from the centre of the master ROI to the lower face of voxel 0 */
  dust_field_axis outer[DUST_TRANSFORM_MAXDIM];
  dust_field_last last;
  void *block;
} dust_field;

/* For the voxels of `roi`, which lies on the grid of voxel_size and is not empty (checked with clear messages). */
dust_status dust_field_create(dust_field *field, const dust_transform *transform, const dust_roi *roi, const dust_coordinate *voxel_size);
void dust_field_release(dust_field *field); /* of a zeroed one too */

/* What one thread needs to walk the rows of a field. */
typedef struct dust_field_walk {
  const dust_field *field;
  int64_t place[DUST_TRANSFORM_MAXDIM];   /* of the row: index along each outer axis */
  int64_t reduced[DUST_TRANSFORM_MAXDIM]; /* for which index level d was last reduced, -1: none */
  double
      *level[DUST_TRANSFORM_MAXDIM + 1]; /* level[d]: coefficients with the axes before d reduced; level[0] is the transformation's own */
  double *wide_line;                     /* one of these before it is rounded */
  float *line[DUST_TRANSFORM_MAXDIM];    /* per displaced axis: the points of the last axis */
  double base[DUST_TRANSFORM_MAXDIM];    /* rotation's part that is the same for the whole row */
  float *at[DUST_TRANSFORM_MAXDIM];      /* the result: DUST_GATHER_ROW values an axis, and room for DUST_FIELD_LANES more */
  void *block;
} dust_field_walk;

dust_status dust_field_walk_create(dust_field_walk *walk, const dust_field *field);
void dust_field_walk_release(dust_field_walk *walk);
void dust_field_walk_to(dust_field_walk *walk, int64_t row);
/* Samples begin … begin+length-1 of the row walked to, into walk->at[]. length <= DUST_GATHER_ROW. */
void dust_field_walk_samples(dust_field_walk *walk, int64_t begin, int64_t length);

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
