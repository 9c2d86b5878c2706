/* Two passes over each slab: its mean, then the line through it. The output may be the input (a copy made here), so blocks are then computed beside it. */
#include "kernel/intensity.h"

#include <inttypes.h>
#include "base/clones.h"
#include "kernel/blocks.h"
#include "kernel/reduce.h"
#include "kernel/slab.h"

typedef struct line_pass {
  double mean, scale, shift;
  bool clip;
  dust_dtype dtype;
} line_pass;

DUST_CLONED(void, line_float, (const line_pass *pass, float *restrict out, const float *restrict in, size_t n), (pass, out, in, n)) {
  float mean = (float)pass->mean, scale = (float)pass->scale, shift = (float)pass->shift;
  for (size_t i = 0; i < n; i++) out[i] = (mean + (in[i] - mean) * scale) + shift;
  if (pass->clip)
    for (size_t i = 0; i < n; i++) out[i] = out[i] < 0 ? 0 : out[i] > 1 ? 1 : out[i];
}

DUST_CLONED(void, line_double, (const line_pass *pass, double *restrict out, const double *restrict in, size_t n), (pass, out, in, n)) {
  double mean = pass->mean, scale = pass->scale, shift = pass->shift;
  for (size_t i = 0; i < n; i++) out[i] = (mean + (in[i] - mean) * scale) + shift;
  if (pass->clip)
    for (size_t i = 0; i < n; i++) out[i] = out[i] < 0 ? 0 : out[i] > 1 ? 1 : out[i];
}

static void line_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const line_pass *pass = context;
  union {
    float f[DUST_BLOCK];
    double d[DUST_BLOCK];
  } from, to;
  if (pass->dtype == DUST_FLOAT32) {
    bool straight = rows->stride[0] == sizeof(float) && pointer[0] != pointer[1];
    float *out = straight ? (float *)(void *)pointer[0] : to.f;
    line_float(pass, out, dust_block_floats(from.f, pointer[1], rows->stride[1], pass->dtype, n), n);
    if (!straight) dust_row_from_float(pointer[0], rows->stride[0], pass->dtype, out, n);
  } else {
    line_double(pass, to.d, dust_block_doubles(from.d, pointer[1], rows->stride[1], pass->dtype, n), n);
    dust_row_from_double(pointer[0], rows->stride[0], pass->dtype, to.d, n);
  }
}

static dust_status one_slab(const dust_ndarray *out, const dust_ndarray *in, line_pass *pass, dust_pool *pool) {
  dust_rows rows;
  dust_axis_order order; /* the same for both */
  const dust_ndarray to = dust_ndarray_in_memory(out, &order), from = dust_ndarray_in_memory(in, &order);
  DUST_TRY(dust_mean(&pass->mean, NULL, in, pool));
  DUST_TRY(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&to, &from}));
  return dust_blocks_run(&rows, pool, line_block, pass);
}

dust_status dust_intensity_array(dust_ndarray *out, const dust_ndarray *in, int slab_ndim, const int64_t *slab, size_t count,
                                 const double *scale, const double *shift, bool clip, dust_pool *pool) {
  dust_slabs slabs;
  if (!dust_dtype_is_float(in->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "intensity needs a float32 or float64 array, not %s: normalize it before",
                     dust_dtype_name(in->dtype));
  DUST_TRY(dust_slabs_make(&slabs, in, slab_ndim, slab));
  if ((int64_t)count != slabs.count)
    return dust_fail(DUST_ERROR_ARGUMENT, "there are %zu scales and shifts for %" PRId64 " slabs: give one for each", count, slabs.count);
  dust_ndarray near = {0}, made = {0}, part_in = {0}, part_out = {0}; /* shaped as the input */
  dust_blocks_pair pair = {0};
  dust_status status;
  DUST_GO(dust_blocks_pair_make(&pair, in, in->dtype, pool));
  dust_ndarray_from_memory(&near, &pair.near, &pair.order);
  dust_blocks_result(&made, &pair);
  for (int64_t s = 0; s < slabs.count; s++) {
    line_pass pass = {.scale = scale[s], .shift = shift[s], .clip = clip, .dtype = in->dtype};
    DUST_GO(dust_slabs_view(&part_in, &slabs, &near, s));
    DUST_GO(dust_slabs_view(&part_out, &slabs, &made, s));
    DUST_GO(one_slab(&part_out, &part_in, &pass, pool));
    dust_ndarray_release(&part_in);
    dust_ndarray_release(&part_out);
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&part_in);
  dust_ndarray_release(&part_out);
  dust_ndarray_release(&near);
  dust_ndarray_release(&made);
  dust_blocks_pair_release(&pair);
  return status;
}
