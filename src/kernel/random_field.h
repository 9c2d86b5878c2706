/* Randomness as a function of place: hashes, and smooth random fields over world positions.
 *
 * Nothing here has a state. A value depends on a seed and on whole numbers (a voxel, a lattice node) only, so whoever renders a
 * part of a volume, on however many threads, gets what a rendering of the whole would hold there.
 *
 * A field is a lattice of independent normal values, `spacing` world units apart, smoothed by a cubic B-spline: infinitely wide,
 * twice differentiable, mean 0, standard deviation about 1. It is evaluated plane by plane: nodes are reduced over z once a
 * plane, over y once a row, which leaves 4 taps a voxel along x.
 */
#ifndef DUST_KERNEL_RANDOM_FIELD_H
#define DUST_KERNEL_RANDOM_FIELD_H

#include <stdint.h>
#include "base/status.h"

/* splitmix64's finaliser: every bit of the result depends on every bit of x. */
static inline uint64_t dust_hash(uint64_t x) {
  x += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}
static inline uint64_t dust_hash3(uint64_t seed, int64_t a, int64_t b, int64_t c) {
  return dust_hash(dust_hash(dust_hash(seed ^ (uint64_t)a) + (uint64_t)b) + (uint64_t)c);
}
/* [0, 1) from the upper bits of a hash. */
static inline float dust_hash_uniform(uint64_t hash) { return (float)(hash >> 40) * 0x1p-24f; }
/* Mean 0, standard deviation 1, within +-3.5: the sum of four uniforms, bell-shaped enough for a picture. */
static inline float dust_hash_normal(uint64_t hash) {
  const uint32_t sum =
      (uint32_t)(hash & 0xffff) + (uint32_t)((hash >> 16) & 0xffff) + (uint32_t)((hash >> 32) & 0xffff) + (uint32_t)(hash >> 48);
  return ((float)sum * 0x1p-16f - 2.0f) * 1.7320508f;
}

typedef struct dust_field {
  uint64_t seed;
  double spacing[3]; /* zyx, world units */
} dust_field;

/* A field at one z, good for positions in [y0, y1] x [x0, x1]. */
typedef struct dust_field_plane {
  dust_field field;
  int64_t y, x; /* lattice position of node[0] */
  int64_t ny, nx;
  float *node; /* ny x nx, reduced over z */
  float *row;  /* nx, reduced over y too */
} dust_field_plane;

/* The value at one position. */
float dust_field_at(const dust_field *field, const double position[3]);
/* Makes room and reduces over z. Release it after use, also after a failure. */
dust_status dust_field_plane_prepare(dust_field_plane *out, const dust_field *field, double z, double y0, double y1, double x0, double x1);
/* out[i] += scale * field(z, y, x + i * step), i < n. */
void dust_field_plane_add(dust_field_plane *plane, double y, double x, double step, int64_t n, float scale, float *out);
void dust_field_plane_release(dust_field_plane *plane);

#endif
