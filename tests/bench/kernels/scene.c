/* Inputs of the benchmarks: see scene.h. Noise is a hash of the position, so that no generator's state is involved. */
#include "scene.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void need(dust_status status) {
  if (status == DUST_OK) return;
  fprintf(stderr, "bench_kernels: %s\n", dust_message());
  exit(1);
}

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static double uniform(uint64_t i) { return (double)(mix(i + 1) >> 11) / 9007199254740992.0; }

static void fill_noise(dust_ndarray *a) {
  int64_t count = dust_ndarray_count(a);
  for (int64_t i = 0; i < count; i++) {
    double value = uniform((uint64_t)i);
    if (a->dtype == DUST_FLOAT32)
      ((float *)a->data)[i] = (float)value;
    else if (a->dtype == DUST_UINT8)
      ((uint8_t *)a->data)[i] = (uint8_t)(value * 256);
    else
      ((uint64_t *)a->data)[i] = (uint64_t)(value * 256);
  }
}

static uint64_t blocky_id(int64_t z, int64_t y, int64_t x) {
  uint64_t id = mix((uint64_t)((z + 3) / 24 * 1000000 + (y + x / 9) / 24 * 1000 + (x + z / 7) / 24) + 99);
  return id % 5 ? id % 1000 + 1 : 0;
}

static uint64_t sparse_id(int64_t z, int64_t y, int64_t x) {
  int64_t cell = z / 80 * 10000 + y / 80 * 100 + x / 80, p[3] = {z % 80, y % 80, x % 80};
  double sum = 0;
  for (int d = 0; d < 3; d++) {
    double away = (double)p[d] - 10 - 60 * uniform((uint64_t)(cell * 3 + d));
    sum += away * away;
  }
  return sum < 81 ? (uint64_t)cell + 1 : 0;
}

static uint64_t no_id(int64_t z, int64_t y, int64_t x) { return 0; }
static uint64_t class_id(int64_t z, int64_t y, int64_t x) { return blocky_id(z, y, x) % CLASSES; }

typedef struct recipe {
  const char *name;
  dust_dtype dtype;
  uint64_t (*id)(int64_t, int64_t, int64_t); /* NULL: noise */
} recipe;

static const recipe recipes[INPUTS] = {
    [GREY] = {"grey", DUST_FLOAT32, NULL},
    [BYTES] = {"bytes", DUST_UINT8, NULL},
    [BLOCKY] = {"blocky", DUST_UINT64, blocky_id},
    [SPARSE] = {"sparse", DUST_UINT64, sparse_id},
    [CLASS] = {"classes", DUST_UINT8, class_id},
    [CLASS_ID] = {"class ids", DUST_UINT64, class_id},
    [ZEROS] = {"zeros", DUST_UINT64, no_id},
    [OBJECTS] = {"objects", DUST_UINT64, blocky_id},
    [SOURCE_FLOAT] = {"source float32", DUST_FLOAT32, NULL},
    [SOURCE_BYTE] = {"source uint8", DUST_UINT8, NULL},
    [SOURCE_ID] = {"source uint64", DUST_UINT64, NULL},
};

static void fill_labels(dust_ndarray *a, uint64_t (*id)(int64_t, int64_t, int64_t)) {
  int64_t i = 0;
  for (int64_t z = 0; z < a->shape[0]; z++)
    for (int64_t y = 0; y < a->shape[1]; y++)
      for (int64_t x = 0; x < a->shape[2]; x++, i++) {
        if (a->dtype == DUST_UINT8)
          ((uint8_t *)a->data)[i] = (uint8_t)id(z, y, x);
        else
          ((uint64_t *)a->data)[i] = id(z, y, x);
      }
}

static void make(scene *s, scene_input which) {
  const recipe *r = &recipes[which];
  int64_t edge = which == OBJECTS ? SHAPE_EDGE : s->n, shape[3] = {edge, edge, edge};
  if (which >= SOURCE_FLOAT)
    for (int d = 0; d < 3; d++) shape[d] = s->source.shape.value[d] / VOXEL;
  need(dust_ndarray_empty(&s->input[which], r->dtype, 3, shape));
  if (r->id)
    fill_labels(&s->input[which], r->id);
  else
    fill_noise(&s->input[which]);
}

const dust_ndarray *scene_get(scene *s, scene_input which) {
  if (!s->input[which].buffer) make(s, which);
  return &s->input[which];
}

const dust_ndarray *scene_named(scene *s, const char *name) {
  for (int i = 0; i < INPUTS; i++)
    if (strcmp(recipes[i].name, name) == 0) return scene_get(s, (scene_input)i);
  return NULL;
}

/* A rotation in the plane of the last two axes beside the displacement. */
dust_transform *scene_transform(scene *s, int subsample) {
  dust_transform *made;
  double turn[9] = {1, 0, 0, 0, cos(0.6), sin(0.6), 0, -sin(0.6), cos(0.6)};
  dust_transform_options options = {s->roi, s->voxel_size, &s->displacement, turn, subsample, false};
  need(dust_transform_create(&made, &options, NULL));
  return made;
}

/* Both transformations differ by a voxel at most; the source has room for either. */
void scene_open(scene *s, int64_t n) {
  int64_t c = n / 24 > 2 ? n / 24 : 2;
  dust_coordinate zero = dust_coordinate_filled(3, 0), whole = dust_coordinate_filled(3, n * VOXEL);
  *s = (scene){.n = n, .voxel_size = dust_coordinate_filled(3, VOXEL)};
  need(dust_roi_make(&s->roi, &zero, &whole));
  need(dust_ndarray_empty(&s->displacement, DUST_FLOAT64, 4, (int64_t[]){3, c, c, c}));
  for (int64_t i = 0; i < 3 * c * c * c; i++) ((double *)s->displacement.data)[i] = (uniform((uint64_t)i) - 0.5) * 2.5 * 3.46 * VOXEL;
  s->plain = scene_transform(s, 1);
  s->coarse = scene_transform(s, 4);
  need(dust_transform_source_roi(&s->source, s->plain, &s->roi, &s->voxel_size, NULL));
}

void scene_close(scene *s) {
  for (int i = 0; i < INPUTS; i++) dust_ndarray_release(&s->input[i]);
  dust_ndarray_release(&s->displacement);
  dust_transform_release(s->plain);
  dust_transform_release(s->coarse);
}
