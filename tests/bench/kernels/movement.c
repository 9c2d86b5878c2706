/* Works that move voxels: crop, pad, flip, transpose, each to an array of its own in C order. */
#include "kernel/pad.h"
#include "scene.h"

enum { MARGIN = 8 };

static void inner_part(scene *s, dust_ndarray *view) {
  int64_t begin[3] = {MARGIN, MARGIN, MARGIN}, edge = s->n - 2 * MARGIN;
  need(dust_ndarray_crop(view, scene_get(s, GREY), begin, (int64_t[]){edge, edge, edge}));
}

static void settle(dust_ndarray *out, dust_ndarray *view) {
  need(dust_ndarray_copy(out, view));
  dust_ndarray_release(view);
}

static void crop(scene *s, dust_pool *pool, dust_ndarray *out) {
  dust_ndarray view = {0};
  inner_part(s, &view);
  settle(out, &view);
}

static void pad(scene *s, dust_pad_mode mode, dust_pool *pool, dust_ndarray *out) {
  dust_ndarray view = {0};
  int64_t margin[3] = {MARGIN, MARGIN, MARGIN};
  inner_part(s, &view);
  need(dust_pad_array(out, &view, margin, margin, mode, NULL, pool));
  dust_ndarray_release(&view);
}

static void pad_zero(scene *s, dust_pool *pool, dust_ndarray *out) { pad(s, DUST_PAD_CONSTANT, pool, out); }
static void pad_reflect(scene *s, dust_pool *pool, dust_ndarray *out) { pad(s, DUST_PAD_REFLECT, pool, out); }

static void flip(scene *s, int axis, dust_ndarray *out) {
  dust_ndarray view = {0};
  need(dust_ndarray_flip(&view, scene_get(s, GREY), axis));
  settle(out, &view);
}

static void flip_z(scene *s, dust_pool *pool, dust_ndarray *out) { flip(s, 0, out); }
static void flip_x(scene *s, dust_pool *pool, dust_ndarray *out) { flip(s, 2, out); }

static void transpose(scene *s, const int *axes, dust_ndarray *out) {
  dust_ndarray view = {0};
  need(dust_ndarray_transpose(&view, scene_get(s, GREY), axes));
  settle(out, &view);
}

static void transpose_plane(scene *s, dust_pool *pool, dust_ndarray *out) { transpose(s, (int[]){0, 2, 1}, out); }
static void transpose_all(scene *s, dust_pool *pool, dust_ndarray *out) { transpose(s, (int[]){2, 1, 0}, out); }

const work movement_works[] = {
    {"crop float32", 4, 2 * MARGIN, crop},
    {"pad float32, zeros", 4, 0, pad_zero},
    {"pad float32, reflected", 4, 0, pad_reflect},
    {"flip float32, z", 4, 0, flip_z},
    {"flip float32, x", 4, 0, flip_x},
    {"transpose float32, zxy", 4, 0, transpose_plane},
    {"transpose float32, xyz", 4, 0, transpose_all},
    {0},
};
