/* A glyph is a small grey picture that says how much of the text's colour each pixel takes. */
#include "kernel/glyphs.h"

#include <inttypes.h>

static void ink(uint8_t *pixel, int64_t stride, const uint8_t rgb[3], int share) {
  for (int c = 0; c < 3; c++, pixel += stride) *pixel = (uint8_t)((*pixel * (255 - share) + rgb[c] * share + 127) / 255);
}

static void draw(const dust_ndarray *canvas, const dust_ndarray *glyphs, int64_t glyph, int64_t y, int64_t x, const uint8_t rgb[3]) {
  for (int64_t r = 0; r < glyphs->shape[1]; r++)
    for (int64_t c = 0; c < glyphs->shape[2]; c++) {
      const uint8_t share = *(const uint8_t *)(glyphs->data + glyph * glyphs->stride[0] + r * glyphs->stride[1] + c * glyphs->stride[2]);
      if (share && y + r >= 0 && y + r < canvas->shape[0] && x + c >= 0 && x + c < canvas->shape[1])
        ink((uint8_t *)canvas->data + (y + r) * canvas->stride[0] + (x + c) * canvas->stride[1], canvas->stride[2], rgb, share);
    }
}

dust_status dust_draw_glyphs(const dust_ndarray *canvas, const dust_ndarray *glyphs, const dust_text *text) {
  if (canvas->dtype != DUST_UINT8 || canvas->ndim != 3 || canvas->shape[2] != 3)
    return dust_fail(DUST_ERROR_ARGUMENT, "a canvas must be uint8 of shape (height, width, 3), not %s with %d axes",
                     dust_dtype_name(canvas->dtype), canvas->ndim);
  if (glyphs->dtype != DUST_UINT8 || glyphs->ndim != 3 || glyphs->shape[0] < 1)
    return dust_fail(DUST_ERROR_ARGUMENT, "glyphs must be uint8 of shape (count, rows, columns), not %s with %d axes",
                     dust_dtype_name(glyphs->dtype), glyphs->ndim);
  const int64_t far = INT64_C(1) << 31;
  if (text->y < -far || text->y > far || text->x < -far || text->x > far || text->advance < -far || text->advance > far || (int64_t)text->length > far)
    return dust_fail(DUST_ERROR_RANGE, "text at %" PRId64 ", %" PRId64 " with %" PRId64 " pixels from glyph to glyph: numbers up to 2^31 are possible",
                     text->y, text->x, text->advance);
  const int64_t count = glyphs->shape[0];
  int64_t x = text->x;
  for (size_t i = 0; i < text->length; i++, x += text->advance) {
    const int64_t glyph = (int64_t)text->bytes[i] - text->first;
    draw(canvas, glyphs, glyph >= 0 && glyph < count ? glyph : count - 1, text->y, x, text->rgb);
  }
  return DUST_OK;
}
