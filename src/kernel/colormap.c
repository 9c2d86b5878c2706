/* Value -> place along the list of colours -> mixture of its two neighbours. */
#include "kernel/colormap.h"

#include <math.h>
#include "kernel/paint.h"

#define CHUNK 256

typedef struct mapping {
  const dust_colormap *map;
  dust_dtype dtype;
} mapping;

static void color_of(uint8_t rgb[3], const dust_colormap *map, double v) {
  double t = map->high > map->low || isnan(v) ? (v - map->low) / (map->high - map->low) : 0.5;
  if (isnan(t)) { /* also infinity in a window without end */
    for (int c = 0; c < 3; c++) rgb[c] = map->nan[c];
    return;
  }
  t = (t < 0 ? 0 : t > 1 ? 1 : t) * (map->colors - 1);
  const int k = t < map->colors - 1 ? (int)t : map->colors - 2;
  const uint8_t *at = map->rgb + 3 * k;
  for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(at[c] + (t - k) * (at[c + 3] - at[c]) + 0.5);
}

static dust_status map_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  const mapping *job = context;
  double value[CHUNK];
  uint8_t rgb[3];
  for (size_t begin = 0; begin < rows->length; begin += CHUNK) {
    const size_t n = rows->length - begin < CHUNK ? rows->length - begin : CHUNK;
    char *out = pointer[0] + (int64_t)begin * rows->stride[0];
    dust_row_to_double(value, pointer[1] + (int64_t)begin * rows->stride[1], rows->stride[1], job->dtype, n);
    for (size_t i = 0; i < n; i++, out += rows->stride[0]) {
      color_of(rgb, job->map, value[i]);
      for (int c = 0; c < 3; c++) out[c] = (char)rgb[c];
    }
  }
  (void)row;
  return DUST_OK;
}

dust_status dust_map_colors(dust_ndarray *out, const dust_ndarray *values, const dust_colormap *map, dust_pool *pool) {
  if (values->ndim >= DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "colours need an axis more; an array with %d axes has none left", values->ndim);
  if (map->colors < 2) return dust_fail(DUST_ERROR_ARGUMENT, "a colour map needs 2 colours or more, not %d", map->colors);
  if (!(map->low <= map->high))
    return dust_fail(DUST_ERROR_ARGUMENT, "the window [%g, %g] is none: low must not be above high", map->low, map->high);
  mapping job = {map, values->dtype};
  return dust_paint(out, values, map_row, &job, pool);
}
