/* A weight of 0 is what a voxel left out gets, whichever its class: so weights must be finite, which clipmin sees to. */
#include "kernel/balance_codes.h"

#include <string.h>
#include "base/clones.h"
#include "kernel/blocks.h"
#include "kernel/reduce.h"
#include "kernel/unlike.h"

enum { MASKS = DUST_ROWS_MAX - 2 };

#define SMALLEST_CLIP 1e-30

dust_status dust_balance_fit_mask(dust_ndarray *out, const dust_ndarray *mask, const dust_ndarray *like, dust_pool *pool) {
  dust_ndarray squeezed = {0}, near = {0}, next = {0};
  dust_status status;
  dust_ndarray_share(&squeezed, mask);
  while (squeezed.ndim > like->ndim && squeezed.shape[0] == 1) {
    DUST_GO(dust_ndarray_pick(&next, &squeezed, 0, 0));
    dust_ndarray_release(&squeezed);
    squeezed = next;
    next = (dust_ndarray){0};
  }
  DUST_GO(dust_blocks_near(&near, &squeezed, pool));
  status = dust_ndarray_broadcast(out, &near, like->ndim, like->shape);
  if (status != DUST_OK) DUST_GO(dust_fail_context(status, "a mask doesn't go with the labels"));
done:
  dust_ndarray_release(&squeezed);
  dust_ndarray_release(&near);
  return status;
}

/* ---- codes */

typedef struct code_pass {
  dust_dtype labels;
  bool positive;
} code_pass;

DUST_CLONED(void, narrow_row, (uint8_t *restrict out, const uint64_t *restrict id, size_t n), (out, id, n)) {
  for (size_t i = 0; i < n; i++) out[i] = (uint8_t)id[i];
}

DUST_CLONED(void, sign_row, (uint8_t *restrict out, const uint64_t *restrict id, size_t n), (out, id, n)) {
  for (size_t i = 0; i < n; i++) out[i] = (int64_t)id[i] > 0;
}

DUST_CLONED(void, flip_row, (uint8_t *restrict flag, size_t n), (flag, n)) {
  for (size_t i = 0; i < n; i++) flag[i] ^= 1;
}

DUST_CLONED(void, mask_row, (uint8_t *restrict code, const uint8_t *restrict mask, size_t n), (code, mask, n)) {
  for (size_t i = 0; i < n; i++) code[i] = mask[i] ? code[i] : DUST_BALANCE_NONE;
}

static void class_row(uint8_t *code, const char *label, int64_t stride, const code_pass *pass, size_t n) {
  uint64_t buffer[DUST_BLOCK];
  size_t size = dust_dtype_size(pass->labels);
  if (pass->positive && stride == (int64_t)size && !dust_dtype_is_signed(pass->labels)) {
    dust_zero_row(code, label, (int64_t)n, size);
    flip_row(code, n);
    return;
  }
  if (!pass->positive && stride == 1 && size == 1) {
    memcpy(code, label, n);
    return;
  }
  const uint64_t *id = dust_block_labels(buffer, label, stride, pass->labels, n);
  if (!pass->positive)
    narrow_row(code, id, n);
  else if (dust_dtype_is_signed(pass->labels))
    sign_row(code, id, n);
  else
    for (size_t i = 0; i < n; i++) code[i] = id[i] != 0;
}

static void code_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  uint8_t *code = (uint8_t *)pointer[0], beside[DUST_BLOCK];
  class_row(code, pointer[1], rows->stride[1], context, n);
  for (int m = 2; m < rows->arrays; m++) {
    const uint8_t *mask = (const uint8_t *)pointer[m];
    if (rows->stride[m] != 1) {
      for (size_t i = 0; i < n; i++) beside[i] = (uint8_t)pointer[m][(int64_t)i * rows->stride[m]];
      mask = beside;
    }
    mask_row(code, mask, n);
  }
}

/* Whether all of a mask is 0 or 1. */
static dust_status says_yes_or_no(bool *out, const dust_ndarray *mask, dust_pool *pool) {
  uint8_t least = 0, most = 0;
  *out = mask->dtype == DUST_UINT8;
  if (*out && dust_ndarray_count(mask) > 0) DUST_TRY(dust_minmax(&least, &most, mask, pool));
  *out = *out && most <= 1;
  return DUST_OK;
}

/* Codes of labels and of masks that go with them. */
static dust_status make_codes(dust_ndarray *codes, const dust_ndarray *labels, bool positive, int masks, const dust_ndarray *mask,
                              dust_pool *pool) {
  dust_ndarray near = {0}, made = {0};
  const dust_ndarray *array[DUST_ROWS_MAX] = {&made, &near};
  code_pass pass = {labels->dtype, positive};
  dust_rows rows;
  dust_status status;
  for (int m = 0; m < masks; m++) array[2 + m] = &mask[m];
  DUST_GO(dust_blocks_near(&near, labels, pool));
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, labels->ndim, labels->shape));
  DUST_GO(dust_rows_init(&rows, 2 + masks, array));
  DUST_GO(dust_blocks_run(&rows, pool, code_block, &pass));
  *codes = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&near);
  dust_ndarray_release(&made);
  return status;
}

dust_status dust_balance_codes(dust_ndarray *codes, bool *masked, const dust_ndarray *labels, const dust_balance_options *options,
                               dust_pool *pool) {
  dust_ndarray mask[MASKS] = {{0}};
  dust_status status = DUST_OK;
  bool fits = options->classes <= DUST_BALANCE_CODES && options->masks <= MASKS && options->clipmin >= SMALLEST_CLIP;
  for (int m = 0; fits && m < options->masks; m++) {
    DUST_GO(dust_balance_fit_mask(&mask[m], options->mask[m], labels, pool));
    DUST_GO(says_yes_or_no(&fits, &mask[m], pool));
  }
  if (fits || options->positive) DUST_GO(make_codes(codes, labels, options->positive, fits ? options->masks : 0, mask, pool));
  *masked = fits;
done:
  for (int m = 0; m < MASKS; m++) dust_ndarray_release(&mask[m]);
  return status;
}

/* ---- counts */

/* Each class is looked for in turn, many voxels at once: in sums of their own, a byte each, which are added up before they can
 * overflow. */
enum { SUMS = 64 };

static inline __attribute__((always_inline)) size_t count_equal(const uint8_t *restrict id, size_t n, uint8_t value) {
  size_t found = 0, i = 0;
  while (n - i >= SUMS) {
    uint8_t sum[SUMS] = {0};
    size_t end = n - i < 255 * SUMS ? n : i + 255 * SUMS;
    uint32_t all = 0;
    for (; i + SUMS <= end; i += SUMS)
      for (int k = 0; k < SUMS; k++) sum[k] = (uint8_t)(sum[k] + (id[i + (size_t)k] == value));
    for (int k = 0; k < SUMS; k++) all += sum[k];
    found += all;
  }
  for (; i < n; i++) found += id[i] == value;
  return found;
}

DUST_CLONED_EXTERN(void, dust_balance_count_bytes, (double *restrict seen, const uint8_t *restrict id, size_t n, int64_t classes),
                   (seen, id, n, classes)) {
  for (int64_t k = 0; k < classes; k++) seen[k] += (double)count_equal(id, n, (uint8_t)k);
}
