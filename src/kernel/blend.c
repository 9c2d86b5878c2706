/* In 8-bit fixed point: opacity 0 gives exactly the lower picture, 1 exactly the upper one. */
#include "kernel/blend.h"

#include <string.h>
#include "volume/rows.h"

typedef struct blending {
  int weight;       /* of the upper picture, 0 to 256 */
  size_t mask_size; /* bytes an element of the mask; 0: no mask */
} blending;

static bool is_set(const char *element, size_t size) {
  static const char zero[8];
  return size == 0 || memcmp(element, zero, size) != 0;
}

/* Rows are of the red channel and of the mask; the other channels follow at the arrays' last stride, which is 1 here. */
static dust_status blend_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  const blending *job = context;
  uint8_t *out = (uint8_t *)pointer[0];
  const uint8_t *under = (const uint8_t *)pointer[1], *over = (const uint8_t *)pointer[2];
  for (size_t i = 0; i < rows->length; i++, out += rows->stride[0], under += rows->stride[1], over += rows->stride[2]) {
    const int weight = is_set(job->mask_size ? pointer[3] + (int64_t)i * rows->stride[3] : NULL, job->mask_size) ? job->weight : 0;
    for (int c = 0; c < 3; c++) out[c] = (uint8_t)((under[c] * (256 - weight) + over[c] * weight + 128) >> 8);
  }
  (void)row;
  return DUST_OK;
}

static dust_status check_picture(const dust_ndarray *a, const char *what) {
  if (a->dtype != DUST_UINT8 || a->ndim != 3 || a->shape[2] != 3)
    return dust_fail(DUST_ERROR_ARGUMENT, "the %s picture must be uint8 of shape (height, width, 3), not %s with %d axes", what,
                     dust_dtype_name(a->dtype), a->ndim);
  return DUST_OK;
}

dust_status dust_blend_colors(dust_ndarray *out, const dust_ndarray *under, const dust_ndarray *over, const dust_ndarray *where,
                              double opacity, dust_pool *pool) {
  dust_ndarray made = {0}, low = {0}, high = {0};
  dust_rows rows;
  dust_status status;
  if (!(opacity >= 0 && opacity <= 1)) return dust_fail(DUST_ERROR_ARGUMENT, "opacity is %g, it must be from 0 to 1", opacity);
  DUST_TRY(check_picture(under, "lower"));
  DUST_TRY(check_picture(over, "upper"));
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, 3, under->shape));
  DUST_GO(dust_ndarray_contiguous(&low, under));
  DUST_GO(dust_ndarray_contiguous(&high, over));
  blending job = {(int)(opacity * 256 + 0.5), where ? dust_dtype_size(where->dtype) : 0};
  dust_ndarray red[3] = {made, low, high}; /* borrowed views without the last axis */
  for (int i = 0; i < 3; i++) red[i].ndim = 2;
  DUST_GO(dust_rows_init(&rows, where ? 4 : 3, (const dust_ndarray *[]){&red[0], &red[1], &red[2], where}));
  DUST_GO(dust_rows_run(&rows, pool, blend_row, &job));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  dust_ndarray_release(&low);
  dust_ndarray_release(&high);
  return status;
}
