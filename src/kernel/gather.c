/* Rows fetched from anywhere: offsets and fractions of a row, then its values. The two hot loops are locate_* and BILINEAR.
 *
 * Linear interpolation works on (y, x) quadruples; an array of three axes blends two rows of those along z, one of four axes two of these
 * along t:
 *
 *     value(t, z, y, x) = blend_t( blend_z( bilinear, bilinear one z further ), the same one t further )
 *
 * An array of one axis is one whose y has a single sample.
 */
#include "kernel/gather.h"

#include <math.h>
#include <string.h>
#include "base/mem.h"

static bool wide(dust_dtype dtype) { return dtype == DUST_FLOAT64 || (dust_dtype_size(dtype) >= 4 && !dust_dtype_is_float(dtype)); }

dust_status dust_gather_create(dust_gather *gather, int axes, dust_dtype dtype, bool linear) {
  memset(gather, 0, sizeof *gather);
  gather->axes = axes, gather->dtype = dtype, gather->linear = linear;
  size_t row = DUST_GATHER_ROW;
  DUST_TRY(dust_calloc(&gather->block, row, 7 * sizeof(int64_t) + 3 * sizeof(double) + 4 * sizeof(float) + 2 * sizeof(int32_t)));
  char *at = gather->block;
  for (int i = 0; i < 3; i++, at += row * sizeof(int64_t)) gather->offset[i] = (int64_t *)at;
  for (int i = 0; i < 4; i++, at += row * sizeof(int64_t)) gather->next[i] = (int64_t *)at;
  for (int i = 0; i < 3; i++, at += row * sizeof(double)) gather->value[i] = at;
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
  gather->any_outside = false;
  memset(gather->offset[0], 0, length * sizeof(int64_t));
  memset(gather->outside, 0, length * sizeof(int32_t));
}

/* Everything is 32 bits wide here, so that it vectorises; whole elements follow in a loop of their own. */
static unsigned locate_linear(dust_gather *g, int axis, const float *restrict at, int32_t first, int32_t step, int32_t n) {
  int32_t *restrict place = g->place, *restrict outside = g->outside, any = 0;
  float *restrict fraction = g->fraction[axis];
  for (int32_t i = 0; i < (int32_t)g->length; i++) {
    int32_t below = dust_floor(at[i]), low = first + i * step + below;
    float t = at[i] - (float)below;
    int32_t near = low + (t >= 0.5f), out = (near < 0) | (near >= n);
    fraction[i] = (low < 0) | (low >= n - 1) ? 0 : t;
    low = low < 0 ? 0 : low;
    place[i] = low > n - 1 ? n - 1 : low;
    outside[i] |= out;
    any |= out;
  }
  return any != 0;
}

static unsigned locate_nearest(dust_gather *g, const float *restrict at, int32_t first, int32_t step, int32_t n) {
  int32_t *restrict place = g->place, *restrict outside = g->outside, any = 0;
  for (int32_t i = 0; i < (int32_t)g->length; i++) {
    int32_t below = dust_floor(at[i]);
    int32_t near = first + i * step + below + (at[i] - (float)below >= 0.5f), out = (near < 0) | (near >= n);
    near = near < 0 ? 0 : near;
    place[i] = near > n - 1 ? n - 1 : near;
    outside[i] |= out;
    any |= out;
  }
  return any != 0;
}

static void add_offsets(dust_gather *g, int64_t stride) {
  const int32_t *restrict place = g->place;
  int64_t *restrict offset = g->offset[0];
  for (size_t i = 0; i < g->length; i++) offset[i] += place[i] * stride;
}

/* Where there is nothing of the next sample in the value, the next one is not touched: it may be NaN or beyond the edge. */
static void set_next(dust_gather *g, int axis, int64_t stride) {
  const float *restrict fraction = g->fraction[axis];
  int64_t *restrict next = g->next[axis];
  for (size_t i = 0; i < g->length; i++) next[i] = fraction[i] > 0 ? stride : 0;
}

/* scipy: nothing beyond the outer centres. */
static unsigned beyond_centres(dust_gather *g, const float *at, int64_t first, int64_t step, int64_t n) {
  unsigned any = 0;
  for (size_t i = 0; i < g->length; i++) {
    double position = (double)(first + (int64_t)i * step) + at[i];
    unsigned out = !(position >= 0 && position <= (double)(n - 1));
    g->outside[i] |= (int32_t)out;
    any |= out;
  }
  return any;
}

void dust_gather_axis(dust_gather *gather, int axis, const float *at, int64_t first, int64_t step, int64_t n, int64_t stride, dust_gather_border border) {
  unsigned any = gather->linear ? locate_linear(gather, axis, at, (int32_t)first, (int32_t)step, (int32_t)n)
                                : locate_nearest(gather, at, (int32_t)first, (int32_t)step, (int32_t)n);
  add_offsets(gather, stride);
  if (gather->linear) set_next(gather, axis, stride);
  if (border == DUST_GATHER_CENTRES) any |= beyond_centres(gather, at, first, step, n);
  gather->any_outside |= any != 0;
}

/* One body a type: a load per corner decides the speed, and a conversion beforehand would touch the whole array. */
#define BILINEAR(name, type, real)                                                                                                                    \
  static void name(void *restrict out_, const void *in_, const int64_t *restrict offset, const int64_t *restrict down, const int64_t *restrict right, \
                   const float *restrict y, const float *restrict x, size_t n) {                                                                      \
    real *restrict out = out_;                                                                                                                        \
    const type *in = in_;                                                                                                                             \
    for (size_t i = 0; i < n; i++) {                                                                                                                  \
      const type *p = in + offset[i], *q = p + down[i];                                                                                               \
      real a = (real)p[0], b = (real)q[0];                                                                                                            \
      a += (real)x[i] * ((real)p[right[i]] - a);                                                                                                      \
      b += (real)x[i] * ((real)q[right[i]] - b);                                                                                                      \
      out[i] = a + (real)y[i] * (b - a);                                                                                                              \
    }                                                                                                                                                 \
  }
BILINEAR(bilinear_uint8, uint8_t, float)
BILINEAR(bilinear_uint16, uint16_t, float)
BILINEAR(bilinear_uint32, uint32_t, double)
BILINEAR(bilinear_uint64, uint64_t, double)
BILINEAR(bilinear_int8, int8_t, float)
BILINEAR(bilinear_int16, int16_t, float)
BILINEAR(bilinear_int32, int32_t, double)
BILINEAR(bilinear_int64, int64_t, double)
BILINEAR(bilinear_float32, float, float)
BILINEAR(bilinear_float64, double, double)

typedef void (*bilinear_body)(void *restrict, const void *, const int64_t *restrict, const int64_t *restrict, const int64_t *restrict, const float *restrict,
                              const float *restrict, size_t);
static const bilinear_body bilinear[DUST_DTYPE_COUNT] = {
    [DUST_UINT8] = bilinear_uint8,     [DUST_UINT16] = bilinear_uint16,   [DUST_UINT32] = bilinear_uint32, [DUST_UINT64] = bilinear_uint64,
    [DUST_INT8] = bilinear_int8,       [DUST_INT16] = bilinear_int16,     [DUST_INT32] = bilinear_int32,   [DUST_INT64] = bilinear_int64,
    [DUST_FLOAT32] = bilinear_float32, [DUST_FLOAT64] = bilinear_float64,
};

static void blend_float(float *restrict a, const float *restrict b, const float *restrict t, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] += t[i] * (b[i] - a[i]);
}

static void blend_double(double *restrict a, const double *restrict b, const float *restrict t, size_t n) {
  for (size_t i = 0; i < n; i++) a[i] += t[i] * (b[i] - a[i]);
}

/* Interpolates along the last `axes` axes from `offset`, into value[level]. */
static void interpolate(dust_gather *g, const void *in, int axes, int level, const int64_t *offset) {
  if (axes <= 2) {
    bilinear[g->dtype](g->value[level], in, offset, g->next[1], g->next[0], g->fraction[1], g->fraction[0], g->length);
    return;
  }
  int axis = axes - 1, spare = axis - 1; /* z uses the second row of everything, t the third */
  interpolate(g, in, axes - 1, level, offset);
  for (size_t i = 0; i < g->length; i++) g->offset[spare][i] = offset[i] + g->next[axis][i];
  interpolate(g, in, axes - 1, spare, g->offset[spare]);
  if (wide(g->dtype))
    blend_double(g->value[level], g->value[spare], g->fraction[axis], g->length);
  else
    blend_float(g->value[level], g->value[spare], g->fraction[axis], g->length);
}

static void store_float(dust_gather *g, void *out) {
  float *v = g->value[0];
  if (g->any_outside)
    for (size_t i = 0; i < g->length; i++) v[i] = g->outside[i] ? 0 : v[i];
  if (!dust_dtype_is_float(g->dtype))
    for (size_t i = 0; i < g->length; i++) v[i] = (float)(int32_t)(v[i] + (v[i] > 0 ? 0.5f : -0.5f));
  dust_row_from_float(out, (ptrdiff_t)dust_dtype_size(g->dtype), g->dtype, v, g->length);
}

static void store_double(dust_gather *g, void *out) {
  double *v = g->value[0];
  if (g->any_outside)
    for (size_t i = 0; i < g->length; i++) v[i] = g->outside[i] ? 0 : v[i];
  if (!dust_dtype_is_float(g->dtype))
    for (size_t i = 0; i < g->length; i++) v[i] = trunc(v[i] + (v[i] > 0 ? 0.5 : -0.5));
  dust_row_from_double(out, (ptrdiff_t)dust_dtype_size(g->dtype), g->dtype, v, g->length);
}

#define MOVE(name, type)                                                                                                            \
  static void name(type *restrict out, const type *in, const int64_t *restrict offset, const int32_t *restrict outside, size_t n) { \
    for (size_t i = 0; i < n; i++) out[i] = outside[i] ? 0 : in[offset[i]];                                                         \
  }
MOVE(move1, uint8_t)
MOVE(move2, uint16_t)
MOVE(move4, uint32_t)
MOVE(move8, uint64_t)

void dust_gather_row(dust_gather *gather, void *out, const void *in) {
  if (gather->linear) {
    interpolate(gather, in, gather->axes, 0, gather->offset[0]);
    if (wide(gather->dtype))
      store_double(gather, out);
    else
      store_float(gather, out);
    return;
  }
  switch (dust_dtype_size(gather->dtype)) {
    case 1: move1(out, in, gather->offset[0], gather->outside, gather->length); break;
    case 2: move2(out, in, gather->offset[0], gather->outside, gather->length); break;
    case 4: move4(out, in, gather->offset[0], gather->outside, gather->length); break;
    default: move8(out, in, gather->offset[0], gather->outside, gather->length); break;
  }
}
