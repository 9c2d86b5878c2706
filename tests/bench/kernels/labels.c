/* Works on labels: targets and weights of the predictors. */
#include <math.h>
#include "kernel/affinities.h"
#include "kernel/balance.h"
#include "kernel/boundary_distance.h"
#include "kernel/distance_mask.h"
#include "kernel/local_shape.h"
#include "kernel/one_hot.h"
#include "kernel/unique.h"
#include "scene.h"

static const double spacing[3] = {VOXEL, VOXEL, VOXEL};

static void distance(scene *s, scene_input labels, double scale, dust_pool *pool, dust_ndarray *out) {
  need(dust_boundary_distance(out, scene_get(s, labels), 3, spacing, scale, pool));
}

static void blocky(scene *s, dust_pool *pool, dust_ndarray *out) { distance(s, BLOCKY, 50, pool, out); }
static void sparse(scene *s, dust_pool *pool, dust_ndarray *out) { distance(s, SPARSE, 50, pool, out); }
static void blocky_exact(scene *s, dust_pool *pool, dust_ndarray *out) { distance(s, BLOCKY, 0, pool, out); }
static void sparse_exact(scene *s, dust_pool *pool, dust_ndarray *out) { distance(s, SPARSE, 0, pool, out); }

static void mask_blocky(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_distance_mask(out, scene_get(s, GREY), scene_get(s, BLOCKY), 3, spacing, 50, 0.05, 0.8, pool));
}

static const int64_t near_far[36] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 3,  0, 0, 0, 3,  0, 0, 0, 3,
                                     9, 0, 0, 0, 9, 0, 0, 0, 9, -4, 0, 0, 0, -4, 0, 0, 0, -4};

static void affinities_3(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_affinities(out, scene_get(s, BLOCKY), 3, near_far, false, pool));
}

static void affinities_12(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_affinities(out, scene_get(s, BLOCKY), 12, near_far, false, pool));
}

static void balance(scene *s, scene_input labels, dust_pool *pool, dust_ndarray *out) {
  dust_balance_count count[CLASSES];
  for (int k = 0; k < CLASSES; k++) count[k] = (dust_balance_count){0, 1};
  dust_balance_options options = {.classes = CLASSES, .slab_ndim = 3, .slab = (int64_t[]){-1, -1, -1}, .clipmin = 0.05, .clipmax = 0.95};
  need(dust_balance_weights(out, scene_get(s, labels), &options, count, pool));
}

static void balance_byte(scene *s, dust_pool *pool, dust_ndarray *out) { balance(s, CLASS, pool, out); }
static void balance_id(scene *s, dust_pool *pool, dust_ndarray *out) { balance(s, CLASS_ID, pool, out); }

static void one_hot(scene *s, dust_pool *pool, dust_ndarray *out) { need(dust_one_hot(out, scene_get(s, CLASS), CLASSES, pool)); }

static void one_hot_id(scene *s, dust_pool *pool, dust_ndarray *out) { need(dust_one_hot(out, scene_get(s, CLASS_ID), CLASSES, pool)); }

static void unique(scene *s, dust_pool *pool, dust_ndarray *out) {
  dust_ndarray counts = {0};
  need(dust_unique(out, &counts, scene_get(s, BLOCKY)));
  dust_ndarray_release(&counts);
}

static void local_shape(scene *s, dust_pool *pool, dust_ndarray *out) {
  double sigma[3] = {5 * VOXEL, 5 * VOXEL, 5 * VOXEL};
  need(dust_local_shape(out, scene_get(s, OBJECTS), spacing, sigma, 1, pool));
}

const work label_works[] = {
    {"distance target, blocky", 4, 0, blocky},
    {"distance target, sparse", 4, 0, sparse},
    {"distance, blocky", 4, 0, blocky_exact},
    {"distance, sparse", 4, 0, sparse_exact},
    {"distance mask, blocky", 4, 0, mask_blocky},
    {"affinities uint64, 3 edges", 8, 0, affinities_3},
    {"affinities uint64, 12 edges", 8, 0, affinities_12},
    {"balanced weights uint8", 1, 0, balance_byte},
    {"balanced weights uint64", 8, 0, balance_id},
    {"one-hot uint8", 1, 0, one_hot},
    {"one-hot uint64", 8, 0, one_hot_id},
    {"unique uint64", 8, 0, unique},
    {"local shape descriptors", 8, -SHAPE_EDGE, local_shape},
    {0},
};
