/* PNG files through libpng (see png.h). libpng reports errors by longjmp: what has to be given back lives in a struct that the
 * function jumping back to owns. The file is an output (output.h): whole under its name, or not there. */
#include "store/png.h"

#ifdef DUST_HAVE_PNG

#include <png.h>
#include <string.h>
#include "base/mem.h"
#include "store/output.h"

#define HELD 32768 /* bytes; libpng writes by the few */

typedef struct writing {
  const char *path;
  dust_output *output;
  size_t held;
  bool failed; /* the message tells how */
  unsigned char bytes[HELD];
  png_structp png;
  png_infop info;
  dust_ndarray pixels;         /* the image in C order */
  const dust_ndarray *palette; /* NULL: none */
} writing;

static void on_error(png_structp png, png_const_charp message) {
  const writing *w = png_get_error_ptr(png);
  if (!w->failed) dust_fail(DUST_ERROR_WORLD, "can't write '%s': %s", w->path, message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static dust_status write_held(writing *w) {
  const dust_status status = dust_output_write(w->output, w->bytes, w->held);
  w->held = 0;
  return status;
}

static void on_bytes(png_structp png, png_bytep bytes, size_t size) {
  writing *w = png_get_io_ptr(png);
  dust_status status = DUST_OK;
  if (w->held + size > HELD) status = write_held(w);
  if (status == DUST_OK && size > HELD)
    status = dust_output_write(w->output, bytes, size);
  else if (status == DUST_OK)
    memcpy(w->bytes + w->held, bytes, size), w->held += size;
  if (status == DUST_OK) return;
  w->failed = true;
  png_error(png, "writing failed");
}

static void on_flush(png_structp png) { (void)png; }

static dust_status check_image(const dust_ndarray *image) {
  const bool colour = image->ndim == 3 && image->shape[2] == 3;
  if (image->dtype != DUST_UINT8 || !(image->ndim == 2 || colour))
    return dust_fail(DUST_ERROR_ARGUMENT, "a PNG picture must be uint8 of shape (height, width) or (height, width, 3), not %s with %d axes",
                     dust_dtype_name(image->dtype), image->ndim);
  for (int d = 0; d < 2; d++)
    if (image->shape[d] < 1 || image->shape[d] > 1000000)
      return dust_fail(DUST_ERROR_ARGUMENT, "a PNG picture must have 1 to 1000000 pixels along each axis, not %lld",
                       (long long)image->shape[d]);
  return DUST_OK;
}

static dust_status check_palette(const dust_ndarray *image, const dust_ndarray *palette) {
  if (palette->dtype != DUST_UINT8 || palette->ndim != 2 || palette->shape[1] != 3 || palette->shape[0] < 1 || palette->shape[0] > 256 ||
      !dust_ndarray_is_contiguous(palette))
    return dust_fail(DUST_ERROR_ARGUMENT, "a palette must be uint8 of shape (1 to 256, 3) in C order, not %s with %d axes",
                     dust_dtype_name(palette->dtype), palette->ndim);
  if (image->ndim != 2) return dust_fail(DUST_ERROR_ARGUMENT, "with a palette the picture has two axes, not %d", image->ndim);
  return DUST_OK;
}

static dust_status check_places(const dust_ndarray *pixels, int64_t colors) {
  const uint8_t *place = (const uint8_t *)pixels->data;
  for (int64_t i = 0; i < dust_ndarray_count(pixels); i++)
    if (place[i] >= colors)
      return dust_fail(DUST_ERROR_ARGUMENT, "a pixel has colour %d, the palette has 0 to %d", place[i], (int)colors - 1);
  return DUST_OK;
}

/* Between setjmp and its return no local changes, so none is lost by the jump. */
static dust_status encode(writing *w) {
  if (setjmp(png_jmpbuf(w->png))) return DUST_ERROR_WORLD;
  png_set_write_fn(w->png, w, on_bytes, on_flush);
  png_set_IHDR(w->png, w->info, (png_uint_32)w->pixels.shape[1], (png_uint_32)w->pixels.shape[0], 8,
               w->palette            ? PNG_COLOR_TYPE_PALETTE
               : w->pixels.ndim == 3 ? PNG_COLOR_TYPE_RGB
                                     : PNG_COLOR_TYPE_GRAY,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (w->palette) {
    png_set_PLTE(w->png, w->info, (png_const_colorp)w->palette->data, (int)w->palette->shape[0]);
    png_set_compression_level(w->png, 9);
  }
  png_write_info(w->png, w->info);
  for (int64_t y = 0; y < w->pixels.shape[0]; y++) png_write_row(w->png, (png_const_bytep)(w->pixels.data + y * w->pixels.stride[0]));
  png_write_end(w->png, NULL);
  return DUST_OK;
}

static dust_status finish(writing *w, dust_status status) {
  if (w->png) png_destroy_write_struct(&w->png, &w->info);
  if (w->output && status == DUST_OK) status = write_held(w);
  if (w->output && status == DUST_OK)
    status = dust_output_commit(w->output);
  else
    dust_output_discard(w->output);
  dust_ndarray_release(&w->pixels);
  return status;
}

dust_status dust_png_write(const char *path, const dust_ndarray *image, const dust_ndarray *palette) {
  void *block;
  dust_status status;
  DUST_TRY(check_image(image));
  if (palette) DUST_TRY(check_palette(image, palette));
  DUST_TRY(dust_calloc(&block, 1, sizeof(writing)));
  writing *w = block;
  w->path = path, w->palette = palette;
  DUST_GO(dust_ndarray_contiguous(&w->pixels, image));
  if (palette) DUST_GO(check_places(&w->pixels, palette->shape[0]));
  DUST_GO(dust_output_begin(&w->output, path, DUST_OUTPUT_HIDDEN));
  w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
  w->info = w->png ? png_create_info_struct(w->png) : NULL;
  status = w->info ? encode(w) : dust_fail(DUST_ERROR_MEMORY, "no memory for writing '%s'", path);
done:
  status = finish(w, status);
  dust_free(w);
  return status;
}

#else

dust_status dust_png_write(const char *path, const dust_ndarray *image, const dust_ndarray *palette) {
  (void)image, (void)palette;
  return dust_fail(DUST_ERROR_UNSUPPORTED, "can't write '%s': this build has no libpng (install libpng-dev and run make again)", path);
}

#endif
