/* An id's colour: hues a golden angle apart for ids that follow each other, lightness from the id's hash, saturation always high, so
 * that neighbours differ and nothing looks like a grey value (see colorize.h). */
#include "kernel/colorize.h"

#include "kernel/paint.h"
#include "kernel/random_field.h"

#define CHUNK 256

static uint8_t channel(float hue, float shift, float low, float high) {
  float t = hue + shift;
  t = 6.0f * (t - (float)(int)t);
  const float up = t < 1 ? t : t < 3 ? 1 : t < 4 ? 4 - t : 0; /* a trapezoid around the wheel */
  return (uint8_t)(low + (high - low) * up + 0.5f);
}

static void color_of(uint64_t id, uint8_t rgb[3]) {
  const uint64_t hash = dust_hash(id);
  const float hue = dust_hash_uniform((id - 1) * UINT64_C(0x9e3779b97f4a7c15) + (UINT64_C(1) << 62)),
              /* 1 is orange */ high = 185.0f + 70.0f * dust_hash_uniform(hash << 24), low = 20.0f + 90.0f * dust_hash_uniform(hash << 40);
  for (int c = 0; c < 3; c++) rgb[c] = id ? channel(hue, (float)c * (1.0f / 3.0f), low, high) : 0;
}

static dust_status color_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  const dust_dtype *dtype = context;
  uint64_t id[CHUNK], last = 0;
  uint8_t rgb[3] = {0, 0, 0};
  for (size_t begin = 0; begin < rows->length; begin += CHUNK) {
    const size_t n = rows->length - begin < CHUNK ? rows->length - begin : CHUNK;
    char *out = pointer[0] + (int64_t)begin * rows->stride[0];
    dust_row_to_label(id, pointer[1] + (int64_t)begin * rows->stride[1], rows->stride[1], *dtype, n);
    for (size_t i = 0; i < n; i++, out += rows->stride[0]) {
      if (id[i] != last) color_of(last = id[i], rgb);
      for (int c = 0; c < 3; c++) out[c] = (char)rgb[c];
    }
  }
  (void)row;
  return DUST_OK;
}

dust_status dust_colorize_labels(dust_ndarray *out, const dust_ndarray *labels, dust_pool *pool) {
  if (labels->ndim >= DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "colours need an axis more; labels with %d axes have none left", labels->ndim);
  dust_dtype dtype = labels->dtype;
  return dust_paint(out, labels, color_row, &dtype, pool);
}
