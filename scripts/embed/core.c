/* The C core alone, without Lua: a volume of labels is rotated and bent, then its distance target made and written.
 *
 *     cc -o core scripts/embed/core.c $(pkg-config --static --cflags --libs moondust)
 *     ./core distances.h5
 *
 * Arrays are zyx; ROIs are in world units, 40 x 4 x 4 a voxel here.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "moondust.h"

enum { VOXELS = 48 };

/* A box of label 1 in the middle. */
static dust_status draw_labels(dust_ndarray *labels) {
  DUST_TRY(dust_ndarray_zeros(labels, DUST_UINT64, 3, (const int64_t[]){VOXELS, VOXELS, VOXELS}));
  uint64_t *voxel = (uint64_t *)labels->data;
  for (int z = 0; z < VOXELS; z++)
    for (int y = 0; y < VOXELS; y++)
      for (int x = 0; x < VOXELS; x++, voxel++) *voxel = abs(z - 24) < 12 && abs(y - 24) < 16 && abs(x - 24) < 8;
  return DUST_OK;
}

/* Control points every 16 voxels, each moved by up to a voxel or two; the numbers come from numpy's stream of seed 5. */
static dust_status draw_displacement(dust_ndarray *displacement) {
  DUST_TRY(dust_ndarray_empty(displacement, DUST_FLOAT64, 4, (const int64_t[]){3, 4, 4, 4}));
  dust_rng rng;
  dust_rng_seed(&rng, 5);
  const double sigma[] = {0, 6, 6};
  double *value = (double *)displacement->data;
  for (int d = 0; d < 3; d++)
    for (int i = 0; i < 64; i++) *value++ = sigma[d] * dust_np_gauss(&rng);
  return DUST_OK;
}

static dust_status bend(dust_ndarray *out, const dust_ndarray *labels, const dust_roi *roi, const dust_coordinate *voxel_size,
                        dust_pool *pool) {
  dust_status status;
  dust_transform *transform = NULL;
  dust_ndarray displacement = {0};
  const double c = cos(0.5), s = sin(0.5), rotation[] = {1, 0, 0, 0, c, -s, 0, s, c};
  DUST_GO(draw_displacement(&displacement));
  const dust_transform_options options = {
      .roi = *roi, .voxel_size = *voxel_size, .displacement = &displacement, .rotation = rotation, .subsample = 1};
  DUST_GO(dust_transform_create(&transform, &options, pool));
  DUST_GO(dust_transform_sample(out, transform, labels, roi, roi, voxel_size, false, pool));
done:
  dust_transform_release(transform);
  dust_ndarray_release(&displacement);
  return status;
}

static dust_status run(const char *path, dust_pool *pool) {
  dust_status status;
  dust_ndarray labels = {0}, bent = {0}, target = {0};
  dust_hdf5 *file = NULL;
  dust_coordinate voxel_size = {.ndim = 3, .value = {40, 4, 4}}, begin = dust_coordinate_filled(3, 0), shape;
  dust_roi roi;
  char text[DUST_ROI_TEXT];
  DUST_GO(dust_coordinate_apply_number(&shape, DUST_MULTIPLY, &voxel_size, VOXELS));
  DUST_GO(dust_roi_make(&roi, &begin, &shape));
  DUST_GO(draw_labels(&labels));
  DUST_GO(bend(&bent, &labels, &roi, &voxel_size, pool));
  DUST_GO(dust_boundary_distance(&target, &bent, 3, (const double[]){40, 4, 4}, 50, pool));
  DUST_GO(dust_hdf5_open(&file, path, DUST_HDF5_TRUNCATE));
  DUST_GO(dust_hdf5_create(file, "distance", target.dtype, 3, target.shape, NULL));
  DUST_GO(dust_hdf5_write(file, "distance", &target, NULL));
  DUST_GO(dust_hdf5_set_numbers(file, "distance", "resolution", 3, (const double[]){40, 4, 4}));
  status = dust_hdf5_close(file);
  file = NULL;
  DUST_GO(status);
  dust_roi_format(text, sizeof text, &roi);
  printf("%s: tanh(distance / 50) over %s\n", path, text);
done:
  dust_hdf5_close(file);
  dust_ndarray_release(&target), dust_ndarray_release(&bent), dust_ndarray_release(&labels);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: core OUT.h5\n"), 2;
  dust_pool *pool = NULL;
  dust_status status = dust_pool_create(&pool, dust_pool_default_threads());
  if (status == DUST_OK) status = run(argv[1], pool);
  dust_pool_release(pool);
  if (status != DUST_OK) fprintf(stderr, "core: %s\n", dust_message());
  return status != DUST_OK;
}
