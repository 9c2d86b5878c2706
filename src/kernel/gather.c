/* Rows fetched from anywhere: offsets and fractions of a row, its neighbours side by side, then its values.
 *
 *     at (floats) -> place, fraction -> offsets      an axis at a time, vectorised, clamped only where a row leaves the array
 *     corner[k][i] = in[offset], in[offset + 1]      one load and one store a pair: gather instructions are slower
 *     value(t, z, y, x) = blend_t( blend_z( blend_y( blend_x ), … ), the same one t further )
 *
 * Loops that vectorise are kept apart from the loads: that way a row is up to 4 times as fast as in one loop.
 */
#include "kernel/gather.h"

#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"

static bool wide(dust_dtype dtype) { return dtype == DUST_FLOAT64 || (dust_dtype_size(dtype) >= 4 && !dust_dtype_is_float(dtype)); }

dust_status dust_gather_create(dust_gather *gather, int axes, dust_dtype dtype, bool linear) {
  memset(gather, 0, sizeof *gather);
  gather->axes = axes, gather->dtype = dtype, gather->linear = linear;
  size_t row = DUST_GATHER_ROW, pair = linear ? 2 * dust_dtype_size(dtype) : 0;
  DUST_TRY(dust_calloc(&gather->block, row, 4 * sizeof(int64_t) + 4 * pair + 2 * sizeof(double) + 4 * sizeof(float) + 2 * sizeof(int32_t)));
  char *at = gather->block;
  for (int i = 0; i < 4; i++, at += row * sizeof(int64_t)) gather->offset[i] = at;
  for (int i = 0; i < 4; i++, at += row * pair) gather->corner[i] = at;
  for (int i = 0; i < 2; i++, at += row * sizeof(double)) gather->value[i] = at;
  for (int i = 0; i < 4; i++, at += row * sizeof(float)) gather->fraction[i] = (float *)at;
  gather->place = (int32_t *)at;
  gather->outside = gather->place + row;
  return DUST_OK;
}

void dust_gather_release(dust_gather *gather) {
  dust_free(gather->block);
  memset(gather, 0, sizeof *gather);
}

void dust_gather_begin(dust_gather *gather, size_t length) {
  gather->length = length;
  gather->far = gather->lone = gather->at_end = gather->any_outside = false;
  memset(gather->offset[0], 0, length * sizeof(int32_t));
  memset(gather->outside, 0, length * sizeof(int32_t));
}

/* ---- places. The first pass takes every place as it comes; whether one needs clamping is seen by one unsigned comparison. */

DUST_CLONED(bool, locate_linear,
            (int32_t *restrict place, float *restrict fraction, const float *restrict at, int32_t length, int32_t first, int32_t step,
             int32_t n),
            (place, fraction, at, length, first, step, n)) {
  uint32_t last = (uint32_t)n - 1, any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t below = dust_floor(at[i]), low = first + i * step + below;
    place[i] = low;
    fraction[i] = at[i] - (float)below;
    any |= (uint32_t)low >= last;
  }
  return any;
}

DUST_CLONED(bool, locate_nearest,
            (int32_t *restrict place, const float *restrict at, int32_t length, int32_t first, int32_t step, int32_t n),
            (place, at, length, first, step, n)) {
  uint32_t count = (uint32_t)n, any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t below = dust_floor(at[i]), near = first + i * step + below + (at[i] - (float)below >= 0.5f);
    place[i] = near;
    any |= (uint32_t)near >= count;
  }
  return any;
}

/* Towards the array; where there is nothing of the next sample in the value, its fraction is 0. Places are already those of the
 * sample below. */
DUST_CLONED(bool, clamp_linear, (int32_t *restrict place, float *restrict fraction, int32_t *restrict outside, int32_t length, int32_t n),
            (place, fraction, outside, length, n)) {
  int32_t any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t low = place[i], near = low + (fraction[i] >= 0.5f), out = (near < 0) | (near >= n);
    fraction[i] = ((low < 0) | (low >= n - 1)) ? 0 : fraction[i];
    low = low < 0 ? 0 : low;
    place[i] = low > n - 1 ? n - 1 : low;
    outside[i] |= out;
    any |= out;
  }
  return any;
}

DUST_CLONED(bool, clamp_nearest, (int32_t *restrict place, int32_t *restrict outside, int32_t length, int32_t n),
            (place, outside, length, n)) {
  int32_t any = 0;
  for (int32_t i = 0; i < length; i++) {
    int32_t near = place[i], out = (near < 0) | (near >= n);
    near = near < 0 ? 0 : near;
    place[i] = near > n - 1 ? n - 1 : near;
    outside[i] |= out;
    any |= out;
  }
  return any;
}

/* A pair never begins at the last sample: it begins one before, all of the way; fetch_pairs() then takes the last one for both.
 * */
static void keep_pairs(int32_t *restrict place, float *restrict fraction, int32_t length, int32_t n) {
  for (int32_t i = 0; i < length; i++) {
    bool last = place[i] == n - 1;
    fraction[i] = last ? 1 : fraction[i];
    place[i] -= last;
  }
}

/* scipy: nothing beyond the outer centres. */
static bool beyond_centres(dust_gather *g, const float *at, int64_t first, int64_t step, int64_t n) {
  unsigned any = 0;
  for (size_t i = 0; i < g->length; i++) {
    double position = (double)(first + (int64_t)i * step) + at[i];
    unsigned out = !(position >= 0 && position <= (double)(n - 1));
    g->outside[i] |= (int32_t)out;
    any |= out;
  }
  return any;
}

/* ---- offsets, 32 bits wide while they fit: half the traffic, and a multiplication that every machine has for vectors */

#define OFFSETS(index)                                                                                                           \
  DUST_CLONED(void, add_places_##index, (index *restrict offset, const int32_t *restrict place, index stride, size_t n),         \
              (offset, place, stride, n)) {                                                                                      \
    for (size_t i = 0; i < n; i++) offset[i] += place[i] * stride;                                                               \
  }                                                                                                                              \
  DUST_CLONED(void, add_step_##index,                                                                                            \
              (index *restrict out, const index *restrict offset, const float *restrict fraction, index stride, size_t n),       \
              (out, offset, fraction, stride, n)) {                                                                              \
    for (size_t i = 0; i < n; i++) out[i] = offset[i] + (fraction[i] > 0 ? stride : 0);                                          \
  }                                                                                                                              \
  /* Moves `bytes` bytes a sample. */                                                                                            \
  static void fetch_##index(char *restrict out, const char *restrict in, const index *restrict offset, size_t n, size_t bytes) { \
    switch (bytes) {                                                                                                             \
      case 1:                                                                                                                    \
        for (size_t i = 0; i < n; i++) out[i] = in[offset[i]];                                                                   \
        return;                                                                                                                  \
      case 2:                                                                                                                    \
        for (size_t i = 0; i < n; i++) memcpy(out + 2 * i, in + offset[i], 2);                                                   \
        return;                                                                                                                  \
      case 4:                                                                                                                    \
        for (size_t i = 0; i < n; i++) memcpy(out + 4 * i, in + offset[i], 4);                                                   \
        return;                                                                                                                  \
      case 8:                                                                                                                    \
        for (size_t i = 0; i < n; i++) memcpy(out + 8 * i, in + offset[i], 8);                                                   \
        return;                                                                                                                  \
      default:                                                                                                                   \
        for (size_t i = 0; i < n; i++) memcpy(out + 16 * i, in + offset[i], 16);                                                 \
        return;                                                                                                                  \
    }                                                                                                                            \
  }
OFFSETS(int32_t)
OFFSETS(int64_t)

/* From the end, as 64 bits take the place of 32. */
static void widen_offsets(dust_gather *g) {
  int64_t *to = g->offset[0];
  for (size_t i = g->length; i-- > 0;) {
    int32_t from;
    memcpy(&from, (char *)g->offset[0] + i * sizeof from, sizeof from);
    to[i] = from;
  }
  g->far = true;
}

static void add_places(dust_gather *g, int64_t stride) {
  if (g->far)
    add_places_int64_t(g->offset[0], g->place, stride, g->length);
  else
    add_places_int32_t(g->offset[0], g->place, (int32_t)stride, g->length);
}

static void add_step(dust_gather *g, int to, int from, int axis) {
  if (g->far)
    add_step_int64_t(g->offset[to], g->offset[from], g->fraction[axis], g->stride[axis], g->length);
  else
    add_step_int32_t(g->offset[to], g->offset[from], g->fraction[axis], (int32_t)g->stride[axis], g->length);
}

static void fetch(const dust_gather *g, void *out, const void *in, int offset, size_t bytes) {
  if (g->far)
    fetch_int64_t(out, in, g->offset[offset], g->length, bytes);
  else
    fetch_int32_t(out, in, g->offset[offset], g->length, bytes);
}

void dust_gather_axis(dust_gather *gather, int axis, const float *at, int64_t first, int64_t step, int64_t n, int64_t stride,
                      dust_gather_border border) {
  int32_t length = (int32_t)gather->length, samples = (int32_t)n;
  bool out = false, linear = gather->linear;
  if (linear ? locate_linear(gather->place, gather->fraction[axis], at, length, (int32_t)first, (int32_t)step, samples)
             : locate_nearest(gather->place, at, length, (int32_t)first, (int32_t)step, samples)) {
    out = linear ? clamp_linear(gather->place, gather->fraction[axis], gather->outside, length, samples)
                 : clamp_nearest(gather->place, gather->outside, length, samples);
    gather->at_end |= linear && axis == 0 && n > 1;
    if (gather->at_end && axis == 0) keep_pairs(gather->place, gather->fraction[0], length, samples);
  }
  if (axis == 0) gather->lone = n == 1;
  gather->stride[axis] = stride * (int64_t)dust_dtype_size(gather->dtype);
  if (!gather->far && n > INT32_MAX / gather->stride[axis]) widen_offsets(gather);
  add_places(gather, gather->stride[axis]);
  if (border == DUST_GATHER_CENTRES) out |= beyond_centres(gather, at, first, step, n);
  gather->any_outside |= out;
}

void dust_gather_prefetch(const dust_gather *gather, const void *in, int64_t ahead, size_t phase) {
  uintptr_t from = (uintptr_t)in +
                   (uintptr_t)(ahead * (int64_t)dust_dtype_size(gather->dtype)); /* may lie outside of the array: nothing is read there */
  const int32_t *near = gather->offset[0];
  const int64_t *far = gather->offset[0];
  if (gather->far)
    for (size_t i = phase % 4; i < gather->length; i += 4) __builtin_prefetch((const void *)(from + (uintptr_t)far[i]));
  else
    for (size_t i = phase % 4; i < gather->length; i += 4) __builtin_prefetch((const void *)(from + (uintptr_t)(intptr_t)near[i]));
}

/* ---- linear */

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

/* One body a type: a conversion beforehand would touch the whole array. Pairs of four places: (z, y), (z, y + 1), (z + 1, y), (z
 * + 1, y + 1). */
#define LERP(type, real)                                                                                                            \
  DUST_CLONED(void, bilinear_##type, (void *restrict out_, char *const corner[4], float *const fraction[4], size_t n),              \
              (out_, corner, fraction, n)) {                                                                                        \
    real *restrict out = out_;                                                                                                      \
    const type *restrict p = (const void *)corner[0], *restrict q = (const void *)corner[1];                                        \
    const float *restrict x = fraction[0], *restrict y = fraction[1];                                                               \
    for (size_t i = 0; i < n; i++) {                                                                                                \
      real a = along_##real((real)p[2 * i], (real)p[2 * i + 1], (real)x[i]),                                                        \
           b = along_##real((real)q[2 * i], (real)q[2 * i + 1], (real)x[i]);                                                        \
      out[i] = a + (real)y[i] * (b - a);                                                                                            \
    }                                                                                                                               \
  }                                                                                                                                 \
  DUST_CLONED(void, trilinear_##type, (void *restrict out_, char *const corner[4], float *const fraction[4], size_t n),             \
              (out_, corner, fraction, n)) {                                                                                        \
    real *restrict out = out_;                                                                                                      \
    const type *restrict p = (const void *)corner[0], *restrict q = (const void *)corner[1], *restrict r = (const void *)corner[2], \
                         *restrict s = (const void *)corner[3];                                                                     \
    const float *restrict x = fraction[0], *restrict y = fraction[1], *restrict z = fraction[2];                                    \
    for (size_t i = 0; i < n; i++) {                                                                                                \
      real a = along_##real((real)p[2 * i], (real)p[2 * i + 1], (real)x[i]),                                                        \
           b = along_##real((real)q[2 * i], (real)q[2 * i + 1], (real)x[i]);                                                        \
      real c = along_##real((real)r[2 * i], (real)r[2 * i + 1], (real)x[i]),                                                        \
           d = along_##real((real)s[2 * i], (real)s[2 * i + 1], (real)x[i]);                                                        \
      a += (real)y[i] * (b - a);                                                                                                    \
      c += (real)y[i] * (d - c);                                                                                                    \
      out[i] = a + (real)z[i] * (c - a);                                                                                            \
    }                                                                                                                               \
  }
LERP(uint8_t, float)
LERP(uint16_t, float)
LERP(uint32_t, double)
LERP(uint64_t, double)
LERP(int8_t, float)
LERP(int16_t, float)
LERP(int32_t, double)
LERP(int64_t, double)
LERP(float, float)
LERP(double, double)

typedef void (*lerp)(void *restrict, char *const[4], float *const[4], size_t);
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
  fetch(g, out, in, offset, g->lone ? item : 2 * item);
  if (g->lone) double_up(out, item, g->length);
  for (size_t i = 0; g->at_end && i < g->length; i++)
    if (g->fraction[0][i] >= 1) memcpy(out + 2 * i * item, out + (2 * i + 1) * item, item);
}

/* Up to three axes from offset[from] on. An array of one axis is one whose y has a single sample. */
static void blend_volume(dust_gather *g, void *out, const void *in, int from) {
  fetch_pairs(g, 0, in, from);
  if (g->axes == 1)
    memcpy(g->corner[1], g->corner[0], g->length * 2 * dust_dtype_size(g->dtype));
  else
    add_step(g, 1, from, 1), fetch_pairs(g, 1, in, 1);
  if (g->axes >= 3) {
    add_step(g, 2, from, 2), fetch_pairs(g, 2, in, 2);
    add_step(g, 1, 2, 1), fetch_pairs(g, 3, in, 1);
  }
  lerps[g->dtype][g->axes >= 3](out, g->corner, g->fraction, g->length);
}

static void blend_time(dust_gather *g, void *out, const void *in) {
  add_step(g, 3, 0, 3);
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
  if (g->dtype == DUST_FLOAT32) return; /* v is out */
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

static void linear_row(dust_gather *g, void *out, const void *in) {
  void *value = dust_dtype_is_float(g->dtype) ? out : g->value[0];
  blend_volume(g, value, in, 0);
  if (g->axes == 4) blend_time(g, value, in);
  if (wide(g->dtype))
    store_double(g, out, value);
  else
    store_float(g, out, value);
}

static void nearest_row(const dust_gather *g, char *out, const void *in) {
  size_t item = dust_dtype_size(g->dtype);
  fetch(g, out, in, 0, item);
  for (size_t i = 0; g->any_outside && i < g->length; i++)
    if (g->outside[i]) memset(out + i * item, 0, item);
}

void dust_gather_row(dust_gather *gather, void *out, const void *in) {
  if (gather->linear)
    linear_row(gather, out, in);
  else
    nearest_row(gather, out, in);
}
