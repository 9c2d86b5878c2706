/* Types of up to 32 bits and floats are compared as float64, which holds them all; 64-bit integers as themselves. A block of
 * output stays in L1 while all channels pass by. */
#include "kernel/max_channels.h"

#include "base/mem.h"
#include "kernel/blocks.h"
#include "kernel/channels.h"

typedef struct max_pass {
  dust_dtype dtype;
  int64_t channels;
  ptrdiff_t *offset; /* bytes from channel 0 to each */
} max_pass;

static void max_doubles(const max_pass *pass, const dust_rows *rows, char *const *pointer, size_t n) {
  double best[DUST_BLOCK], buffer[DUST_BLOCK];
  dust_row_to_double(best, pointer[1], rows->stride[1], pass->dtype, n);
  for (int64_t c = 1; c < pass->channels; c++) {
    const double *v = dust_block_doubles(buffer, pointer[1] + pass->offset[c], rows->stride[1], pass->dtype, n);
    for (size_t i = 0; i < n; i++) best[i] = v[i] <= best[i] || best[i] != best[i] ? best[i] : v[i];
  }
  dust_row_from_double(pointer[0], rows->stride[0], pass->dtype, best, n);
}

static void max_integers(const max_pass *pass, const dust_rows *rows, char *const *pointer, size_t n) {
  uint64_t best[DUST_BLOCK], buffer[DUST_BLOCK],
      flip = pass->dtype == DUST_INT64 ? UINT64_C(1) << 63 : 0; /* orders negative below positive */
  dust_row_to_label(best, pointer[1], rows->stride[1], pass->dtype, n);
  for (int64_t c = 1; c < pass->channels; c++) {
    const uint64_t *v = dust_block_labels(buffer, pointer[1] + pass->offset[c], rows->stride[1], pass->dtype, n);
    for (size_t i = 0; i < n; i++) best[i] = (v[i] ^ flip) > (best[i] ^ flip) ? v[i] : best[i];
  }
  dust_row_from_label(pointer[0], rows->stride[0], pass->dtype, best, n);
}

static void max_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const max_pass *pass = context;
  if (pass->dtype == DUST_UINT64 || pass->dtype == DUST_INT64)
    max_integers(pass, rows, pointer, n);
  else
    max_doubles(pass, rows, pointer, n);
}

static dust_status channel_offsets(max_pass *pass, const dust_ndarray *in, int spatial) {
  DUST_TRY(dust_alloc((void **)&pass->offset, (size_t)pass->channels * sizeof *pass->offset));
  for (int64_t c = 0; c < pass->channels; c++) {
    int64_t rest = c;
    pass->offset[c] = 0;
    for (int a = in->ndim - spatial - 1; a >= 0; rest /= in->shape[a--]) pass->offset[c] += rest % in->shape[a] * in->stride[a];
  }
  return DUST_OK;
}

dust_status dust_max_channels(dust_ndarray *out, const dust_ndarray *in, int spatial, dust_pool *pool) {
  if (spatial < 0 || spatial > in->ndim) return dust_fail(DUST_ERROR_ARGUMENT, "can't reduce an array of %d axes to %d", in->ndim, spatial);
  if (spatial == in->ndim) return dust_ndarray_share(out, in), DUST_OK;
  max_pass pass = {.dtype = in->dtype, .channels = dust_channels_count(in, spatial)};
  if (pass.channels == 0) return dust_fail(DUST_ERROR_ARGUMENT, "the array has no channels, so there is no maximum over them");
  dust_ndarray made = {0}, first = {0};
  dust_rows rows;
  dust_status status;
  dust_channels_view(&first, in, spatial, 0);
  DUST_GO(channel_offsets(&pass, in, spatial));
  DUST_GO(dust_ndarray_empty(&made, in->dtype, spatial, first.shape));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&made, &first}));
  DUST_GO(dust_blocks_run(&rows, pool, max_block, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_free(pass.offset);
  dust_ndarray_release(&first);
  dust_ndarray_release(&made);
  return status;
}
