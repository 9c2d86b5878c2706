/* Works of the elastic transformation. "elastic" is what the node does for one array: the transformation is made, its bounding box
 * found, the array sampled; "sample" is the last of these alone. */
#include "scene.h"

static void source_box(scene *s, const dust_transform *t, dust_pool *pool) {
  dust_roi found;
  need(dust_transform_source_roi(&found, t, &s->roi, &s->voxel_size, pool));
}

static void sample(scene *s, const dust_transform *t, scene_input in, bool linear, dust_pool *pool, dust_ndarray *out) {
  need(dust_transform_sample(out, t, scene_get(s, in), &s->source, &s->roi, &s->voxel_size, linear, pool));
}

static void elastic(scene *s, int subsample, dust_pool *pool, dust_ndarray *out) {
  dust_transform *t = scene_transform(s, subsample);
  source_box(s, t, pool);
  sample(s, t, SOURCE_FLOAT, true, pool, out);
  dust_transform_release(t);
}

static void box(scene *s, dust_pool *pool, dust_ndarray *out) { source_box(s, s->plain, pool); }
static void elastic_1(scene *s, dust_pool *pool, dust_ndarray *out) { elastic(s, 1, pool, out); }
static void elastic_4(scene *s, dust_pool *pool, dust_ndarray *out) { elastic(s, 4, pool, out); }
static void float_linear(scene *s, dust_pool *pool, dust_ndarray *out) { sample(s, s->plain, SOURCE_FLOAT, true, pool, out); }
static void byte_linear(scene *s, dust_pool *pool, dust_ndarray *out) { sample(s, s->plain, SOURCE_BYTE, true, pool, out); }
static void byte_nearest(scene *s, dust_pool *pool, dust_ndarray *out) { sample(s, s->plain, SOURCE_BYTE, false, pool, out); }
static void id_nearest(scene *s, dust_pool *pool, dust_ndarray *out) { sample(s, s->plain, SOURCE_ID, false, pool, out); }

/* Not a work of any pipeline: peers that take a dense field are given this one. Voxels of the source array. */
static void field(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_transform_field(out, s->plain, &s->roi, &s->voxel_size, pool));
  int64_t count = dust_ndarray_count(out) / 3;
  for (int d = 0; d < 3; d++)
    for (int64_t i = 0; i < count; i++) {
      float *at = (float *)out->data + d * count + i;
      *at = (float)(((double)*at - (double)s->source.offset.value[d]) / VOXEL - 0.5);
    }
}

const work transform_works[] = {
    {"elastic float32", 4, 0, elastic_1},
    {"elastic float32, subsample 4", 4, 0, elastic_4},
    {"elastic box", 4, 0, box},
    {"sample float32 linear", 4, 0, float_linear},
    {"sample uint8 linear", 4, 0, byte_linear},
    {"sample uint8 nearest", 4, 0, byte_nearest},
    {"sample uint64 nearest", 4, 0, id_nearest},
    {"dense field", 4, 0, field},
    {0},
};
