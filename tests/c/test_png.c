/* Pictures: what is refused, what is cleaned up. */
#include <stdlib.h>
#include <unistd.h>
#include "check.h"
#include "store/png.h"

#ifdef DUST_HAVE_PNG

#include <png.h>

typedef struct writing {
  const char *path;
  const dust_ndarray *image;
} writing;

static dust_status write_it(void *context) {
  const writing *w = context;
  return dust_png_write(w->path, w->image, NULL);
}

/* libpng's own reader gives back the pixels. */
static void check_pixels(const char *path, png_uint_32 format, const uint8_t *wanted, size_t bytes) {
  uint8_t pixels[64];
  png_image image = {.version = PNG_IMAGE_VERSION};
  CHECK(png_image_begin_read_from_file(&image, path));
  CHECK(image.format == format);
  CHECK(PNG_IMAGE_SIZE(image) == bytes && png_image_finish_read(&image, NULL, pixels, 0, NULL));
  CHECK(memcmp(pixels, wanted, bytes) == 0);
}

static dust_status read_it(void *context) {
  dust_ndarray image = {0};
  const dust_status status = dust_png_read(context, &image);
  dust_ndarray_release(&image);
  return status;
}

static void check_read(const char *path, int ndim, const uint8_t *wanted, size_t bytes) {
  dust_ndarray image = {0};
  CHECK_OK(dust_png_read(path, &image));
  CHECK(image.ndim == ndim && image.dtype == DUST_UINT8 && dust_ndarray_bytes(&image) == bytes);
  CHECK(memcmp(image.data, wanted, bytes) == 0);
  dust_ndarray_release(&image);
}

int main(void) {
  static uint8_t grey[6] = {0, 1, 2, 253, 254, 255}, grey_turned[6] = {0, 253, 1, 254, 2, 255},
                 colour[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const int64_t shape[3] = {2, 3, 1}, rgb[3] = {2, 2, 3}, none[2] = {0, 3};
  dust_ndarray a, turned, c, wrong;
  char path[] = "/tmp/moondust-png-XXXXXX";
  CHECK_OK(dust_ndarray_wrap(&a, DUST_UINT8, 2, shape, grey, true, NULL, NULL));
  CHECK_OK(dust_ndarray_wrap(&c, DUST_UINT8, 3, rgb, colour, true, NULL, NULL));
  CHECK_OK(dust_ndarray_transpose(&turned, &a, (const int[]){1, 0}));
  const int descriptor = mkstemp(path);
  CHECK(descriptor >= 0);
  close(descriptor);

  CHECK_OK(dust_png_write(path, &a, NULL));
  check_pixels(path, PNG_FORMAT_GRAY, grey, 6);
  CHECK_OK(dust_png_write(path, &turned, NULL));
  check_pixels(path, PNG_FORMAT_GRAY, grey_turned, 6);
  CHECK_OK(dust_png_write(path, &c, NULL));
  check_pixels(path, PNG_FORMAT_RGB, colour, 12);
  check_every_allocation("png", write_it, &(writing){path, &turned});

  CHECK_OK(dust_png_write(path, &c, NULL));
  check_read(path, 3, colour, sizeof colour);
  check_every_allocation("png reading", read_it, path);
  CHECK_OK(dust_png_write(path, &a, NULL));
  check_read(path, 2, grey, sizeof grey);
  CHECK_FAILS(dust_png_read("/no/such/a.png", &c), DUST_ERROR_WORLD, "can't read '/no/such/a.png'");
  dust_ndarray palette, places;
  static uint8_t colours[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, place[4] = {1, 0, 1, 2}, wanted[12] = {4, 5, 6, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK_OK(dust_ndarray_wrap(&palette, DUST_UINT8, 2, (const int64_t[]){3, 3}, colours, true, NULL, NULL));
  CHECK_OK(dust_ndarray_wrap(&places, DUST_UINT8, 2, (const int64_t[]){2, 2}, place, true, NULL, NULL));
  CHECK_OK(dust_png_write(path, &places, &palette));
  check_read(path, 3, wanted, sizeof wanted);
  place[3] = 3;
  CHECK_FAILS(dust_png_write(path, &places, &palette), DUST_ERROR_ARGUMENT, "a pixel has colour 3, the palette has 0 to 2");
  CHECK_FAILS(dust_png_write(path, &c, &palette), DUST_ERROR_ARGUMENT, "two axes, not 3");
  CHECK_FAILS(dust_png_write(path, &places, &c), DUST_ERROR_ARGUMENT, "a palette must be uint8");
  dust_ndarray_release(&palette);
  dust_ndarray_release(&places);
  CHECK(truncate(path, 40) == 0);
  CHECK_FAILS(dust_png_read(path, &c), DUST_ERROR_WORLD, path);

  CHECK_FAILS(dust_png_write("/no/such/folder/a.png", &a, NULL), DUST_ERROR_WORLD, "/no/such/folder/a.png");
  if (access("/dev/full", W_OK) == 0 && symlink("/dev/full", "/tmp/moondust-full.png") == 0) {
    CHECK_FAILS(dust_png_write("/tmp/moondust-full.png", &a, NULL), DUST_ERROR_WORLD, "/tmp/moondust-full.png is a device");
    unlink("/tmp/moondust-full.png");
  }
  CHECK_OK(dust_ndarray_zeros(&wrong, DUST_UINT16, 2, shape));
  CHECK_FAILS(dust_png_write(path, &wrong, NULL), DUST_ERROR_ARGUMENT, "not uint16 with 2 axes");
  dust_ndarray_release(&wrong);
  CHECK_OK(dust_ndarray_zeros(&wrong, DUST_UINT8, 3, shape));
  CHECK_FAILS(dust_png_write(path, &wrong, NULL), DUST_ERROR_ARGUMENT, "(height, width, 3)");
  dust_ndarray_release(&wrong);
  CHECK_OK(dust_ndarray_zeros(&wrong, DUST_UINT8, 2, none));
  CHECK_FAILS(dust_png_write(path, &wrong, NULL), DUST_ERROR_ARGUMENT, "not 0");
  dust_ndarray_release(&wrong);

  unlink(path);
  dust_ndarray_release(&turned);
  dust_ndarray_release(&a);
  dust_ndarray_release(&c);
  return check_done();
}

#else

int main(void) {
  CHECK_FAILS(dust_png_write("a.png", NULL, NULL), DUST_ERROR_UNSUPPORTED, "this build has no libpng");
  CHECK_FAILS(dust_png_read("a.png", NULL), DUST_ERROR_UNSUPPORTED, "this build has no libpng");
  return check_done();
}

#endif
