/* Works without a row in the table: other types and neighbours of what is there, for whoever changes a kernel. */
#include "kernel/arithmetic.h"
#include "kernel/compare.h"
#include "kernel/copy.h"
#include "kernel/grow_boundary.h"
#include "kernel/hash.h"
#include "kernel/intensity.h"
#include "kernel/local_shape.h"
#include "kernel/reduce.h"
#include "kernel/unique.h"
#include "kernel/within.h"
#include "scene.h"

static void intensity(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_intensity_array(out, scene_get(s, GREY), 3, (int64_t[]){-1, -1, -1}, 1, (double[]){1.1}, (double[]){-0.05}, true, pool));
}

static void cast_grey(scene *s, dust_pool *pool, dust_ndarray *out) { need(dust_cast_array(out, scene_get(s, GREY), DUST_UINT8, pool)); }

static void transpose(scene *s, scene_input in, const int *axes, dust_ndarray *out) {
  dust_ndarray view = {0};
  need(dust_ndarray_transpose(&view, scene_get(s, in), axes));
  need(dust_ndarray_copy(out, &view));
  dust_ndarray_release(&view);
}

static void transpose_bytes(scene *s, dust_pool *pool, dust_ndarray *out) { transpose(s, BYTES, (int[]){2, 1, 0}, out); }
static void transpose_ids(scene *s, dust_pool *pool, dust_ndarray *out) { transpose(s, BLOCKY, (int[]){0, 2, 1}, out); }

static void unique(scene *s, scene_input in, dust_ndarray *out) {
  dust_ndarray counts = {0};
  need(dust_unique(out, &counts, scene_get(s, in)));
  dust_ndarray_release(&counts);
}

static void unique_bytes(scene *s, dust_pool *pool, dust_ndarray *out) { unique(s, BYTES, out); }
static void unique_grey(scene *s, dust_pool *pool, dust_ndarray *out) { unique(s, GREY, out); }

static void count(scene *s, scene_input in, dust_pool *pool) {
  int64_t found;
  dust_scalar three = dust_scalar_integer(3);
  need(dust_count_value(&found, scene_get(s, in), &three, pool));
}

static void count_bytes(scene *s, dust_pool *pool, dust_ndarray *out) { count(s, BYTES, pool); }
static void count_grey(scene *s, dust_pool *pool, dust_ndarray *out) { count(s, GREY, pool); }

static void hash(scene *s, dust_pool *pool, dust_ndarray *out) {
  uint64_t found;
  need(dust_hash(&found, scene_get(s, GREY)));
}

static void arithmetic(scene *s, scene_input in, dust_arithmetic_op op, dust_pool *pool, dust_ndarray *out) {
  dust_operand operand = {.array = scene_get(s, in)};
  need(dust_arithmetic(out, op, &operand, &operand, pool));
}

static void add_ids(scene *s, dust_pool *pool, dust_ndarray *out) { arithmetic(s, BLOCKY, DUST_OP_ADD, pool, out); }
static void multiply_ids(scene *s, dust_pool *pool, dust_ndarray *out) { arithmetic(s, BLOCKY, DUST_OP_MULTIPLY, pool, out); }
static void multiply_bytes(scene *s, dust_pool *pool, dust_ndarray *out) { arithmetic(s, BYTES, DUST_OP_MULTIPLY, pool, out); }
static void multiply_grey(scene *s, dust_pool *pool, dust_ndarray *out) { arithmetic(s, GREY, DUST_OP_MULTIPLY, pool, out); }

static void compare(scene *s, scene_input in, dust_pool *pool, dust_ndarray *out) {
  dust_operand zero = {.number = dust_scalar_integer(0)};
  need(dust_compare(out, DUST_OP_GT, scene_get(s, in), &zero, pool));
}

static void compare_ids(scene *s, dust_pool *pool, dust_ndarray *out) { compare(s, BLOCKY, pool, out); }
static void compare_bytes(scene *s, dust_pool *pool, dust_ndarray *out) { compare(s, BYTES, pool, out); }
static void compare_grey(scene *s, dust_pool *pool, dust_ndarray *out) { compare(s, GREY, pool, out); }

static void near_zeros(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_within(out, scene_get(s, BLOCKY), 3, (double[]){VOXEL, VOXEL, VOXEL}, 7 * VOXEL, pool));
}

static void grow_boundary(scene *s, dust_pool *pool, dust_ndarray *out) { need(dust_grow_boundary(out, scene_get(s, BLOCKY), 2, pool)); }

static void coarse_shape(scene *s, dust_pool *pool, dust_ndarray *out) {
  double spacing[3] = {VOXEL, VOXEL, VOXEL}, sigma[3] = {10 * VOXEL, 10 * VOXEL, 10 * VOXEL};
  need(dust_local_shape(out, scene_get(s, OBJECTS), spacing, sigma, 2, pool));
}

const work more_works[] = {
    {"intensity float32", 4, 0, intensity},
    {"cast float32 -> uint8", 4, 0, cast_grey},
    {"transpose uint8, xyz", 1, 0, transpose_bytes},
    {"transpose uint64, zxy", 8, 0, transpose_ids},
    {"unique uint8, random", 1, 0, unique_bytes},
    {"unique float32, random", 4, 0, unique_grey},
    {"count uint8", 1, 0, count_bytes},
    {"count float32", 4, 0, count_grey},
    {"hash float32", 4, 0, hash},
    {"add uint64", 8, 0, add_ids},
    {"multiply uint64", 8, 0, multiply_ids},
    {"multiply uint8", 1, 0, multiply_bytes},
    {"multiply float32", 4, 0, multiply_grey},
    {"compare uint64", 8, 0, compare_ids},
    {"compare uint8", 1, 0, compare_bytes},
    {"compare float32", 4, 0, compare_grey},
    {"within 7 voxels of zeros, blocky", 8, 0, near_zeros},
    {"grow boundary, blocky, 2 steps", 8, 0, grow_boundary},
    {"local shape descriptors, downsample 2", 8, -SHAPE_EDGE, coarse_shape},
    {0},
};
