/* Works on grey values: element by element, noise, whole arrays to one figure. */
#include <math.h>
#include "kernel/compare.h"
#include "kernel/copy.h"
#include "kernel/gamma.h"
#include "kernel/noise.h"
#include "kernel/reduce.h"
#include "kernel/scale_shift.h"
#include "scene.h"

static void gamma_node(scene *s, dust_pool *pool, dust_ndarray *out) { need(dust_gamma_array(out, scene_get(s, GREY), 1.37, pool)); }

static void scale_shift(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_scale_shift(out, scene_get(s, GREY), 2, -1, DUST_FLOAT32, -0.9, 0.9, pool));
}

static void normalise(scene *s, dust_pool *pool, dust_ndarray *out) {
  need(dust_scale_shift(out, scene_get(s, BYTES), 1.0 / 255, 0, DUST_FLOAT32, -INFINITY, INFINITY, pool));
}

static void cast(scene *s, dust_pool *pool, dust_ndarray *out) { need(dust_cast_array(out, scene_get(s, BYTES), DUST_FLOAT32, pool)); }

static void cast_ids(scene *s, dust_pool *pool, dust_ndarray *out) { need(dust_cast_array(out, scene_get(s, BLOCKY), DUST_UINT32, pool)); }

static dust_noise noise_of(dust_noise_mode mode) {
  return (dust_noise){.mode = mode, .seed = 7, .variance = 0.01, .span = 1, .levels = 256, .clip_low = -INFINITY, .clip_high = INFINITY};
}

static void normal(scene *s, dust_pool *pool, dust_ndarray *out) {
  dust_noise noise = noise_of(DUST_NOISE_GAUSSIAN);
  need(dust_noise_array(out, scene_get(s, GREY), &noise, pool));
}

static void poisson(scene *s, dust_pool *pool, dust_ndarray *out) {
  dust_noise noise = noise_of(DUST_NOISE_POISSON);
  need(dust_noise_array(out, scene_get(s, GREY), &noise, pool));
}

static void extremes(scene *s, dust_pool *pool, dust_ndarray *out) {
  double found[2];
  need(dust_minmax(&found[0], &found[1], scene_get(s, GREY), pool));
}

static void extremes_byte(scene *s, dust_pool *pool, dust_ndarray *out) {
  double found[2];
  need(dust_minmax(&found[0], &found[1], scene_get(s, BYTES), pool));
}

static void mean(scene *s, dust_pool *pool, dust_ndarray *out) {
  double found;
  need(dust_mean(&found, NULL, scene_get(s, GREY), pool));
}

/* All zeros, so that nothing is found early. */
static void any(scene *s, dust_pool *pool, dust_ndarray *out) {
  bool found;
  need(dust_any(&found, scene_get(s, ZEROS)));
}

static void count(scene *s, dust_pool *pool, dust_ndarray *out) {
  int64_t found;
  dust_scalar none = dust_scalar_integer(0);
  need(dust_count_value(&found, scene_get(s, BLOCKY), &none, pool));
}

const work intensity_works[] = {
    {"gamma float32", 4, 0, gamma_node},
    {"scale, shift, clip float32", 4, 0, scale_shift},
    {"normalise uint8 -> float32", 4, 0, normalise},
    {"cast uint8 -> float32", 4, 0, cast},
    {"cast uint64 -> uint32", 8, 0, cast_ids},
    {"normal noise float32", 4, 0, normal},
    {"Poisson noise float32", 4, 0, poisson},
    {"minmax float32", 4, 0, extremes},
    {"minmax uint8", 1, 0, extremes_byte},
    {"mean float32", 4, 0, mean},
    {"any uint64", 8, 0, any},
    {"count uint64", 8, 0, count},
    {0},
};
