/* Linear values of a row: neighbours side by side, then blended, one body a type.
 *
 *     corner[k][i] = in[offset], in[offset + 1]      one load and one store a pair
 *     value(t, z, y, x) = blend_t( blend_z( blend_y( blend_x ), … ), the same one t further )
 */
#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "kernel/gather_internal.h"

static bool wide(dust_dtype dtype) { return dtype == DUST_FLOAT64 || (dust_dtype_size(dtype) >= 4 && !dust_dtype_is_float(dtype)); }

/* What has no weight is not part of the value, not even as NaN times 0. Masked by hand: gcc makes a branch of `t > 0 ? … : 0`,
 * and then no vectors. */
static inline float along_float(float a, float b, float t) {
  float difference = b - a;
  uint32_t bits;
  memcpy(&bits, &difference, sizeof bits);
  bits &= -(uint32_t)(t > 0);
  memcpy(&difference, &bits, sizeof bits);
  return a + t * difference;
}

static inline double along_double(double a, double b, double t) {
  double difference = b - a;
  uint64_t bits;
  memcpy(&bits, &difference, sizeof bits);
  bits &= -(uint64_t)(t > 0);
  memcpy(&difference, &bits, sizeof bits);
  return a + t * difference;
}

/* A pair of neighbours. Small ones are one integer (of a little-endian machine): gcc takes it apart faster than it finds every
 * other element of a row. */
#define PAIR(type)  \
  typedef struct {  \
    type low, high; \
  } pair_##type;
PAIR(uint32_t)
PAIR(uint64_t)
PAIR(int32_t)
PAIR(int64_t)
PAIR(float)
PAIR(double)
#define LOW_MEMBER(type, v) (v).low
#define HIGH_MEMBER(type, v) (v).high
#define LOW_UNSIGNED(type, v) (int32_t)((v) & (type)-1)
#define HIGH_UNSIGNED(type, v) (int32_t)((v) >> 8 * sizeof(type))
#define LOW_SIGNED(type, v) (int32_t)(type)(v)
#define HIGH_SIGNED(type, v) (int32_t)(type)((v) >> 8 * sizeof(type))

#define ALONG_X(type, real, half, at) \
  along_##real((real)LOW_##half(type, at[i]) * times, (real)HIGH_##half(type, at[i]) * times, (real)x[i])

/* An axis that is still and one of which nothing has any weight give the same bytes, -0 being made 0 by either.
 *
 * One body a type: a conversion beforehand would touch the whole array. Pairs of four places: (z, y), (z, y + 1), (z + 1, y), (z
 * + 1, y + 1). */
#define LERP(type, real, pair, half)                                                                                                \
  DUST_CLONED(void, bilinear_##type, (void *restrict out_, char *const corner[4], float *const fraction[4], float factor, size_t n), \
              (out_, corner, fraction, factor, n)) {                                                                                \
    real *restrict out = out_, times = factor;                                                                                      \
    const pair *restrict p = (const void *)corner[0], *restrict q = (const void *)corner[1];                                        \
    const float *restrict x = fraction[0], *restrict y = fraction[1];                                                               \
    for (size_t i = 0; i < n; i++) {                                                                                                \
      real a = ALONG_X(type, real, half, p), b = ALONG_X(type, real, half, q);                                                      \
      out[i] = along_##real(a, b, (real)y[i]) + 0;                                                                                  \
    }                                                                                                                               \
  }                                                                                                                                 \
  DUST_CLONED(void, trilinear_##type, (void *restrict out_, char *const corner[4], float *const fraction[4], float factor, size_t n), \
              (out_, corner, fraction, factor, n)) {                                                                                \
    real *restrict out = out_, times = factor;                                                                                      \
    const pair *restrict p = (const void *)corner[0], *restrict q = (const void *)corner[1], *restrict r = (const void *)corner[2], \
                         *restrict s = (const void *)corner[3];                                                                     \
    const float *restrict x = fraction[0], *restrict y = fraction[1], *restrict z = fraction[2];                                    \
    for (size_t i = 0; i < n; i++) {                                                                                                \
      real a = ALONG_X(type, real, half, p), b = ALONG_X(type, real, half, q);                                                      \
      real c = ALONG_X(type, real, half, r), d = ALONG_X(type, real, half, s);                                                      \
      a = along_##real(a, b, (real)y[i]);                                                                                           \
      c = along_##real(c, d, (real)y[i]);                                                                                           \
      out[i] = along_##real(a, c, (real)z[i]);                                                                                      \
    }                                                                                                                               \
  }
LERP(uint8_t, float, uint16_t, UNSIGNED)
LERP(uint16_t, float, uint32_t, UNSIGNED)
LERP(uint32_t, double, pair_uint32_t, MEMBER)
LERP(uint64_t, double, pair_uint64_t, MEMBER)
LERP(int8_t, float, uint16_t, SIGNED)
LERP(int16_t, float, uint32_t, SIGNED)
LERP(int32_t, double, pair_int32_t, MEMBER)
LERP(int64_t, double, pair_int64_t, MEMBER)
LERP(float, float, pair_float, MEMBER)
LERP(double, double, pair_double, MEMBER)

typedef void (*lerp)(void *restrict, char *const[4], float *const[4], float factor, size_t);
/* [0] bilinear, [1] trilinear */
static const lerp lerps[DUST_DTYPE_COUNT][2] = {
    [DUST_UINT8] = {bilinear_uint8_t, trilinear_uint8_t},    [DUST_UINT16] = {bilinear_uint16_t, trilinear_uint16_t},
    [DUST_UINT32] = {bilinear_uint32_t, trilinear_uint32_t}, [DUST_UINT64] = {bilinear_uint64_t, trilinear_uint64_t},
    [DUST_INT8] = {bilinear_int8_t, trilinear_int8_t},       [DUST_INT16] = {bilinear_int16_t, trilinear_int16_t},
    [DUST_INT32] = {bilinear_int32_t, trilinear_int32_t},    [DUST_INT64] = {bilinear_int64_t, trilinear_int64_t},
    [DUST_FLOAT32] = {bilinear_float, trilinear_float},      [DUST_FLOAT64] = {bilinear_double, trilinear_double},
};

static void blend_float(float *restrict a, const float *restrict b, const float *restrict t, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] += t[i] * (b[i] - a[i]);
}

static void blend_double(double *restrict a, const double *restrict b, const float *restrict t, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] += t[i] * (b[i] - a[i]);
}

/* ---- neighbours */

/* Of an axis of one sample both halves of a pair are that one. */
static void double_up(char *pair, size_t item, size_t n) {
  for (size_t i = n; i-- > 0;) {
    memmove(pair + 2 * i * item, pair + i * item, item);
    memcpy(pair + (2 * i + 1) * item, pair + 2 * i * item, item);
  }
}

static void fetch_pairs(const dust_gather *g, int corner, const void *in, int offset) {
  size_t item = dust_dtype_size(g->dtype);
  char *out = g->corner[corner];
  dust_gather_fetch(g, out, in, offset, !g->lone);
  if (g->lone) double_up(out, item, g->length);
  for (size_t i = 0; g->at_end && i < g->length; i++)
    if (g->fraction[0][i] >= 1) memcpy(out + 2 * i * item, out + (2 * i + 1) * item, item);
}

/* Clamped: only those neighbours are looked at that have some weight. */
static void fetch_careful(dust_gather *g, const void *in, int from, int axes) {
  fetch_pairs(g, 0, in, from);
  if (axes > 1) dust_gather_step(g, 1, from, 1), fetch_pairs(g, 1, in, 1);
  if (axes < 3) return;
  dust_gather_step(g, 2, from, 2), fetch_pairs(g, 2, in, 2);
  dust_gather_step(g, 1, 2, 1), fetch_pairs(g, 3, in, 1);
}

#define FETCH(item)                                                                                                     \
  static void fetch_##item(char *const corner[4], const char *const in[4], const int32_t *offset, size_t n, int axes) { \
    char *restrict p = corner[0], *restrict q = corner[1], *restrict r = corner[2], *restrict s = corner[3];            \
    for (size_t i = 0; i < n; i++) {                                                                                    \
      size_t at = (size_t)(uint32_t)offset[i] * (item), to = 2 * (item)*i;                                              \
      memcpy(p + to, in[0] + at, 2 * (item));                                                                           \
      if (axes > 1) memcpy(q + to, in[1] + at, 2 * (item));                                                             \
      if (axes < 3) continue;                                                                                           \
      memcpy(r + to, in[2] + at, 2 * (item));                                                                           \
      memcpy(s + to, in[3] + at, 2 * (item));                                                                           \
    }                                                                                                                   \
  }
FETCH(1)
FETCH(2)
FETCH(4)
FETCH(8)

/* Inside: all of them, one offset for all. */
static void fetch_inside(dust_gather *g, const void *in, int axes) {
  const char *from[4];
  dust_gather_corners(g, in, from);
  switch (dust_dtype_size(g->dtype)) {
    case 1: fetch_1(g->corner, from, g->offset[0], g->length, axes); return;
    case 2: fetch_2(g->corner, from, g->offset[0], g->length, axes); return;
    case 4: fetch_4(g->corner, from, g->offset[0], g->length, axes); return;
    default: fetch_8(g->corner, from, g->offset[0], g->length, axes); return;
  }
}

/* ---- values */

/* Up to three axes from offset[from] on. An array of one axis is one whose y has a single sample. */
static void blend_volume(dust_gather *g, void *out, const void *in, int from) {
  int axes = g->inside ? g->moving : g->axes;
  if (g->inside)
    fetch_inside(g, in, axes);
  else
    fetch_careful(g, in, from, axes);
  if (axes == 1) memcpy(g->corner[1], g->corner[0], g->length * 2 * dust_dtype_size(g->dtype));
  lerps[g->dtype][axes >= 3](out, g->corner, g->fraction, g->factor, g->length);
}

static void blend_time(dust_gather *g, void *out, const void *in) {
  dust_gather_step(g, 3, 0, 3);
  blend_volume(g, g->value[1], in, 3);
  if (wide(g->dtype))
    blend_double(out, g->value[1], g->fraction[3], g->length);
  else
    blend_float(out, g->value[1], g->fraction[3], g->length);
}

DUST_CLONED(void, round_float, (float *v, size_t n), (v, n)) {
  for (size_t i = 0; i < n; i++) v[i] = (float)(int32_t)(v[i] + (v[i] > 0 ? 0.5f : -0.5f));
}

static void store_float(const dust_gather *g, void *out, float *v) {
  if (g->any_outside)
    for (size_t i = 0; i < g->length; i++) v[i] = g->outside[i] ? 0 : v[i];
  if (v == out) return; /* float32, or scaled */
  round_float(v, g->length);
  dust_row_from_float(out, (ptrdiff_t)dust_dtype_size(g->dtype), g->dtype, v, g->length);
}

static void store_double(const dust_gather *g, void *out, double *v) {
  if (g->any_outside)
    for (size_t i = 0; i < g->length; i++) v[i] = g->outside[i] ? 0 : v[i];
  if (g->dtype == DUST_FLOAT64) return; /* v is out */
  for (size_t i = 0; i < g->length; i++) v[i] = trunc(v[i] + (v[i] > 0 ? 0.5 : -0.5));
  dust_row_from_double(out, (ptrdiff_t)dust_dtype_size(g->dtype), g->dtype, v, g->length);
}

void dust_gather_linear(dust_gather *g, void *out, const void *in) {
  void *value = g->scaled || dust_dtype_is_float(g->dtype) ? out : g->value[0];
  blend_volume(g, value, in, 0);
  if (g->axes == 4 && !g->inside) blend_time(g, value, in);
  if (wide(g->dtype))
    store_double(g, out, value);
  else
    store_float(g, out, value);
}
