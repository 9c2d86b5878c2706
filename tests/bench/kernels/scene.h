/* What the benchmarks of kernels work on: volumes of n^3 voxels, the same on every machine, made when first asked for, and the list
 * of works. */
#ifndef DUST_BENCH_SCENE_H
#define DUST_BENCH_SCENE_H

#include "kernel/transform.h"

enum { VOXEL = 8, CLASSES = 6, SHAPE_EDGE = 64 };

typedef enum scene_input {
  GREY,         /* float32, noise in [0, 1) */
  BYTES,        /* uint8, noise */
  BLOCKY,       /* uint64, blocks of 24 voxels and some, a fifth of them background */
  SPARSE,       /* uint64, about one ball of radius 9 in each 80^3 */
  CLASS,        /* uint8, 0 to CLASSES - 1, in BLOCKY's blocks */
  CLASS_ID,     /* the same, uint64 */
  ZEROS,        /* uint64 */
  OBJECTS,      /* uint64, SHAPE_EDGE^3 whatever n is: blocks of 24 */
  SOURCE_FLOAT, /* what the transformation wants of a float32, a uint8 and a uint64 array */
  SOURCE_BYTE,
  SOURCE_ID,
  INPUTS
} scene_input;

typedef struct scene {
  int64_t n;
  dust_ndarray input[INPUTS];
  dust_ndarray displacement; /* control points 24 voxels apart, offsets of 2.5 voxels (standard deviation) */
  dust_roi roi, source;
  dust_coordinate voxel_size;
  dust_transform *plain, *coarse; /* subsample 1 and 4 */
} scene;

/* Ends the program with the message when a call failed. */
void need(dust_status status);
void scene_open(scene *s, int64_t n);
void scene_close(scene *s);
const dust_ndarray *scene_get(scene *s, scene_input which);
/* An input by name ("grey" …), or NULL. */
const dust_ndarray *scene_named(scene *s, const char *name);
/* One more transformation like s->plain or s->coarse; the caller releases it. */
dust_transform *scene_transform(scene *s, int subsample);

typedef struct work {
  const char *name;
  int copied;                                                /* bytes a voxel of the memcpy that it is compared with */
  int64_t crop;                                              /* works on (n - crop)^3 voxels; below 0: on (-crop)^3 */
  void (*run)(scene *s, dust_pool *pool, dust_ndarray *out); /* out is closed, and may stay so */
} work;

extern const work movement_works[], intensity_works[], label_works[], transform_works[], more_works[]; /* each ends with a nameless one */

#endif
