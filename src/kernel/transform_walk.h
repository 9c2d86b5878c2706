/* The field of one key's grid evaluated row by row.
 *
 * A row gives, for each axis d, how far sample x is fetched from its own place: at[d][x] = (T(p) - p)_d / voxel_size_d, float32.
 * What a row says depends on the world position alone and not on the ROI it is part of, so that bounding box, samples and tiles
 * agree bit for bit.
 */
#ifndef DUST_KERNEL_TRANSFORM_WALK_H
#define DUST_KERNEL_TRANSFORM_WALK_H

#include "base/lanes.h"
#include "kernel/gather.h"
#include "kernel/transform_field.h"

/* What one thread needs to walk the rows of a field. */
typedef struct dust_field_walk {
  const dust_field *field;
  int64_t row;
  int64_t place[DUST_TRANSFORM_MAXDIM];   /* of the row: index along each outer axis */
  int64_t reduced[DUST_TRANSFORM_MAXDIM]; /* for which index level d was last reduced, -1: none */
  /* level[d]: coefficients with the axes before d reduced; level[0] is the transformation's own */
  double *level[DUST_TRANSFORM_MAXDIM + 1];
  double *line; /* the points of one axis */
  /* With subsample > 1 rows between the same two nodes of the axis before the last share these: their lines of nodes, for each component that moves, voxels */
  double *node_line[2];
  int64_t node[2]; /* which they are of */
  bool has_node[2];
  float *piece[DUST_TRANSFORM_MAXDIM]; /* per displaced axis: constant terms of all polynomials, then linear ones … */
  int64_t room;                        /* from one of these to the next */
  double base[DUST_TRANSFORM_MAXDIM];  /* rotation's part that is the same for the whole row */
  /* The result: DUST_GATHER_ROW values an axis, and room for DUST_MOST_LANES more; 0 for ever where the axis is still. */
  float *at[DUST_TRANSFORM_MAXDIM];
  void *block;
} dust_field_walk;

dust_status dust_field_walk_create(dust_field_walk *walk, const dust_field *field);
void dust_field_walk_release(dust_field_walk *walk);
void dust_field_walk_to(dust_field_walk *walk, int64_t row);
/* Not quite: place, base and the levels that the rows of a plane share. dust_field_walk_to() the same row takes it from there. */
void dust_field_walk_near(dust_field_walk *walk, int64_t row);
/* Parts of dust_field_walk_to(). Of the last level: walk->piece; of it as a line of nodes, into node_line[slot]; of two such lines: walk->piece. */
void dust_field_walk_pieces(dust_field_walk *walk);
void dust_field_walk_nodes(dust_field_walk *walk, int slot);
void dust_field_walk_between(dust_field_walk *walk, int lower, int upper, double blend);
/* Samples begin … begin+length-1 of the row walked to, into walk->at[]. length <= DUST_GATHER_ROW. */
void dust_field_walk_samples(dust_field_walk *walk, int64_t begin, int64_t length);
/* Rows begin … end-1, at most DUST_GATHER_ROW samples at a time: the samples from `at` on are in walk->at[]. */
typedef dust_status (*dust_field_visit)(void *state, dust_field_walk *walk, int64_t at, int64_t length);
/* The samples begin … end-1 of the row walked to. */
dust_status dust_field_walk_parts(dust_field_walk *walk, int64_t begin, int64_t end, dust_field_visit visit, void *state);
dust_status dust_field_walk_rows(const dust_field *field, size_t begin, size_t end, dust_field_visit visit, void *state);
/* Rows that are worth a thread's while. It depends on the field alone, so that work is cut the same way for any number of threads. */
size_t dust_field_grain(const dust_field *field);

#endif
