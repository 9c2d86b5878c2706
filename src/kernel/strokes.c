/* Every pixel of a stroke's bounding box is asked for its distance to the segment. */
#include "kernel/strokes.h"

#include <math.h>

static double distance_to(const dust_stroke *s, double y, double x) {
  const double dy = s->y1 - s->y0, dx = s->x1 - s->x0, square = dy * dy + dx * dx;
  double t = square > 0 ? ((y - s->y0) * dy + (x - s->x0) * dx) / square : 0;
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  const double ey = y - s->y0 - t * dy, ex = x - s->x0 - t * dx;
  return sqrt(ey * ey + ex * ex);
}

static void cover(uint8_t *pixel, int64_t stride, const uint8_t rgb[3], double share) {
  for (int c = 0; c < 3; c++, pixel += stride) *pixel = (uint8_t)(*pixel + share * (rgb[c] - *pixel) + 0.5);
}

/* The first pixel and the one after the last that may be touched, along one axis of `length` pixels. */
static void reach(double a, double b, double radius, int64_t length, int64_t *first, int64_t *stop) {
  const double low = floor(fmin(a, b) - radius - 1), high = ceil(fmax(a, b) + radius + 1);
  *first = low > 0 ? low < (double)length ? (int64_t)low : length : 0;
  *stop = high < (double)length ? high > 0 ? (int64_t)high : 0 : length;
}

static void draw(const dust_ndarray *canvas, const dust_stroke *s, const uint8_t rgb[3]) {
  int64_t top, bottom, left, right;
  reach(s->y0, s->y1, s->radius, canvas->shape[0], &top, &bottom);
  reach(s->x0, s->x1, s->radius, canvas->shape[1], &left, &right);
  for (int64_t y = top; y < bottom; y++)
    for (int64_t x = left; x < right; x++) {
      const double share = s->radius + 0.5 - distance_to(s, (double)y + 0.5, (double)x + 0.5);
      if (share > 0)
        cover((uint8_t *)canvas->data + y * canvas->stride[0] + x * canvas->stride[1], canvas->stride[2], rgb, share < 1 ? share : 1);
    }
}

dust_status dust_draw_strokes(const dust_ndarray *canvas, size_t n, const dust_stroke *stroke, const uint8_t rgb[3]) {
  if (canvas->dtype != DUST_UINT8 || canvas->ndim != 3 || canvas->shape[2] != 3)
    return dust_fail(DUST_ERROR_ARGUMENT, "a canvas must be uint8 of shape (height, width, 3), not %s with %d axes",
                     dust_dtype_name(canvas->dtype), canvas->ndim);
  for (size_t i = 0; i < n; i++) {
    const dust_stroke *s = &stroke[i];
    if (isfinite(s->y0) && isfinite(s->x0) && isfinite(s->y1) && isfinite(s->x1) && isfinite(s->radius)) draw(canvas, s, rgb);
  }
  return DUST_OK;
}
