/* PNG files back into arrays, through libpng's simple interface (see png.h). */
#include "store/png.h"

#ifdef DUST_HAVE_PNG

#include <png.h>
#include <string.h>
#include "store/output.h"

static dust_status finish(dust_ndarray *out, const char *path, png_image *image) {
  const bool colour = (image->format & PNG_FORMAT_FLAG_COLOR) != 0;
  const png_color white = {255, 255, 255};
  const int64_t shape[3] = {image->height, image->width, 3};
  image->format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  DUST_TRY(dust_ndarray_empty(out, DUST_UINT8, colour ? 3 : 2, shape));
  if (png_image_finish_read(image, &white, out->data, 0, NULL)) return DUST_OK;
  dust_ndarray_release(out);
  return dust_fail(DUST_ERROR_WORLD, "can't read '%s': %s", path, image->message);
}

dust_status dust_png_read(const char *path, dust_ndarray *out) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path)) return dust_fail(DUST_ERROR_WORLD, "can't read '%s': %s", path, image.message);
  dust_output_file_id id;
  const bool noted = dust_output_reading(path, &id);
  const dust_status status = finish(out, path, &image);
  if (noted) dust_output_done(id);
  png_image_free(&image);
  return status;
}

#else

dust_status dust_png_read(const char *path, dust_ndarray *out) {
  (void)out;
  return dust_fail(DUST_ERROR_UNSUPPORTED, "can't read '%s': this build has no libpng (install libpng-dev and run make again)", path);
}

#endif
