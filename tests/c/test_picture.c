/* Kernels that draw: what a failing allocation leaves behind, strides, and what Lua can't reach. */
#include "check.h"
#include "kernel/blend.h"
#include "kernel/colorize.h"
#include "kernel/colormap.h"
#include "kernel/glyphs.h"
#include "kernel/palette.h"
#include "kernel/quantile.h"
#include "kernel/strokes.h"

static dust_ndarray values; /* 4 x 6 float32, transposed: not in C order */
static const uint8_t ramp[6] = {0, 0, 0, 255, 255, 255};

static dust_status map_it(void *context) {
  dust_ndarray out = {0};
  const dust_colormap map = {.low = 0, .high = 23, .colors = 2, .rgb = ramp};
  const dust_status status = dust_map_colors(&out, &values, &map, NULL);
  dust_ndarray_release(&out);
  (void)context;
  return status;
}

static dust_status take_quantiles(void *context) {
  double quantile[3];
  dust_finite found;
  const dust_status status = dust_finite_quantiles(quantile, &found, &values, 3, (const double[]){0, 0.5, 1});
  if (status == DUST_OK) CHECK(quantile[0] == 0 && quantile[1] == 12 && quantile[2] == 23 && found.count == 24);
  (void)context;
  return status;
}

static dust_status blend_it(void *context) {
  dust_ndarray out = {0}, under = {0}, over = {0};
  const dust_colormap map = {.low = 0, .high = 23, .colors = 2, .rgb = ramp};
  dust_status status;
  DUST_GO(dust_map_colors(&under, &values, &map, NULL));
  DUST_GO(dust_colorize_labels(&over, &values, NULL));
  DUST_GO(dust_blend_colors(&out, &under, &over, &values, 0.5, NULL));
  CHECK(memcmp(out.data, under.data, 3) == 0); /* value 0: not covered */
done:
  dust_ndarray_release(&out);
  dust_ndarray_release(&under);
  dust_ndarray_release(&over);
  (void)context;
  return status;
}

static dust_status reduce_it(void *context) {
  dust_ndarray image = {0}, index = {0}, palette = {0};
  dust_status status;
  DUST_GO(dust_colorize_labels(&image, &values, NULL));
  DUST_GO(dust_reduce_colors(&index, &palette, &image, *(const int *)context));
  CHECK(palette.shape[0] == (*(const int *)context < 24 ? *(const int *)context : 24));
  for (int64_t i = 0; i < 24 && palette.shape[0] == 24; i++) /* 24 colours: exact */
    CHECK(memcmp(palette.data + 3 * ((const uint8_t *)index.data)[i], image.data + 3 * i, 3) == 0);
done:
  dust_ndarray_release(&image);
  dust_ndarray_release(&index);
  dust_ndarray_release(&palette);
  return status;
}

static void draw_on_a_view(void) {
  const int64_t shape[3] = {3, 4, 3};
  const uint8_t rgb[3] = {1, 2, 3};
  dust_ndarray whole, turned, glyphs;
  uint8_t ink[2] = {0, 255};
  CHECK_OK(dust_ndarray_zeros(&whole, DUST_UINT8, 3, shape));
  CHECK_OK(dust_ndarray_transpose(&turned, &whole, (const int[]){1, 0, 2}));
  CHECK_OK(dust_draw_strokes(&turned, 1, &(dust_stroke){3.5, 0.5, 3.5, 0.5, 0.5}, rgb));
  CHECK(memcmp(whole.data + 9, rgb, 3) == 0 && whole.data[0] == 0);
  CHECK_OK(dust_ndarray_wrap(&glyphs, DUST_UINT8, 3, (const int64_t[]){2, 1, 1}, ink, true, NULL, NULL));
  const dust_text text = {.bytes = (const unsigned char *)" a", .length = 2, .y = 1, .x = 1, .advance = 1, .first = ' ', .rgb = {1, 2, 3}};
  CHECK_OK(dust_draw_glyphs(&turned, &glyphs, &text));
  CHECK(memcmp(whole.data + 2 * 12 + 3, rgb, 3) == 0);
  CHECK_FAILS(dust_draw_strokes(&values, 0, NULL, rgb), DUST_ERROR_ARGUMENT, "a canvas must be uint8");
  CHECK_FAILS(dust_draw_glyphs(&values, &glyphs, &text), DUST_ERROR_ARGUMENT, "a canvas must be uint8");
  dust_ndarray_release(&glyphs);
  dust_ndarray_release(&turned);
  dust_ndarray_release(&whole);
}

int main(void) {
  static float numbers[24];
  dust_ndarray straight, out;
  for (int i = 0; i < 24; i++) numbers[i] = (float)i;
  CHECK_OK(dust_ndarray_wrap(&straight, DUST_FLOAT32, 2, (const int64_t[]){4, 6}, numbers, true, NULL, NULL));
  CHECK_OK(dust_ndarray_transpose(&values, &straight, (const int[]){1, 0}));
  check_every_allocation("map", map_it, NULL);
  check_every_allocation("quantiles", take_quantiles, NULL);
  check_every_allocation("blend", blend_it, NULL);
  check_every_allocation("reduce", reduce_it, &(int){256});
  check_every_allocation("reduce", reduce_it, &(int){7});
  CHECK_FAILS(dust_reduce_colors(&out, &out, &values, 256), DUST_ERROR_ARGUMENT, "not float32 with 2 axes");
  const dust_colormap one = {.low = 0, .high = 1, .colors = 1, .rgb = ramp};
  CHECK_FAILS(dust_map_colors(&out, &values, &one, NULL), DUST_ERROR_ARGUMENT, "needs 2 colours");
  draw_on_a_view();
  dust_ndarray_release(&values);
  dust_ndarray_release(&straight);
  return check_done();
}
