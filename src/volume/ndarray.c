/* Making, sharing, giving back and copying arrays. Views are made in ndarray_view.c.
 *
 * An array made here is one block of memory, the buffer's own fields in front of the bytes:
 *
 *     [ dust_buffer, padded to DUST_ALIGN ][ bytes ]
 */
#include "volume/ndarray.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "volume/rows.h"
#include "volume/tiles.h"

#define HEAD ((sizeof(dust_buffer) + DUST_ALIGN - 1) / DUST_ALIGN * DUST_ALIGN)

int dust_shape_format(char *text, size_t size, int ndim, const int64_t *shape) {
  char whole[DUST_SHAPE_TEXT] = "", *end = whole;
  for (int d = 0; d < ndim && d < DUST_MAXDIM; d++) end += sprintf(end, "%s%" PRId64, d ? "x" : "", shape[d]);
  return snprintf(text, size, "%s", ndim ? whole : "()");
}

static dust_status check_shape(int ndim, const int64_t *shape) {
  if (ndim < 0 || ndim > DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "an array of %d axes: it can have at most %d", ndim, DUST_MAXDIM);
  for (int d = 0; d < ndim; d++) {
    if (shape[d] >= 0) continue;
    char text[DUST_SHAPE_TEXT];
    dust_shape_format(text, sizeof text, ndim, shape);
    return dust_fail(DUST_ERROR_ARGUMENT, "an array of shape %s: axis %d can't be negative", text, d + 1);
  }
  return DUST_OK;
}

/* Bytes of such an array, as a long double that no shape can overflow. */
static long double bytes_wanted(dust_dtype dtype, int ndim, const int64_t *shape) {
  long double bytes = (long double)dust_dtype_size(dtype);
  for (int d = 0; d < ndim; d++) bytes *= (long double)shape[d];
  for (int d = 0; d < ndim; d++)
    if (shape[d] == 0) return 0;
  return bytes;
}

static dust_status too_large(dust_dtype dtype, int ndim, const int64_t *shape, long double bytes, long double limit) {
  char text[DUST_SHAPE_TEXT], wanted[32], there[32];
  dust_shape_format(text, sizeof text, ndim, shape);
  dust_bytes_format(wanted, sizeof wanted, (double)bytes);
  dust_bytes_format(there, sizeof there, (double)limit);
  return dust_fail(DUST_ERROR_MEMORY, "an array of %s %s would take %s (%.0Lf bytes); this machine has %s: ask for a smaller part", text,
                   dust_dtype_name(dtype), wanted, bytes, there);
}

#define MOST_BYTES 0x1p62L   /* what an int64 counts, with room */
#define SURELY_THERE 0x1p26L /* any machine has more: up to here it needn't be asked, which is a call into the system for each array */

static long double physical_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? (long double)pages * (long double)page : MOST_BYTES;
}

/* Bytes of an array of that shape, refused where they are more than can be counted or, if they are to be `in_memory`, more than there is of that. */
static dust_status checked_bytes(size_t *out, dust_dtype dtype, int ndim, const int64_t *shape, bool in_memory) {
  DUST_TRY(check_shape(ndim, shape));
  const long double bytes = bytes_wanted(dtype, ndim, shape), limit = in_memory && bytes > SURELY_THERE ? physical_memory() : MOST_BYTES;
  if (bytes > limit || bytes >= MOST_BYTES) return too_large(dtype, ndim, shape, bytes, limit);
  *out = (size_t)bytes;
  return DUST_OK;
}

/* A view of all of `buffer` in C order. Strides of an array without elements are of no use and may be 0. */
static dust_ndarray whole_view(dust_buffer *buffer, dust_dtype dtype, int ndim, const int64_t *shape) {
  dust_ndarray array = {.buffer = buffer, .data = buffer->bytes, .dtype = dtype, .ndim = ndim};
  int64_t stride = (int64_t)dust_dtype_size(dtype);
  for (int d = ndim - 1; d >= 0; d--) {
    array.shape[d] = shape[d];
    array.stride[d] = stride;
    if (__builtin_mul_overflow(stride, shape[d], &stride)) stride = 0;
  }
  return array;
}

static dust_status make(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape, bool zeroed) {
  size_t bytes;
  DUST_TRY(checked_bytes(&bytes, dtype, ndim, shape, true));
  void *block;
  DUST_TRY(zeroed ? dust_calloc(&block, 1, HEAD + bytes) : dust_alloc(&block, HEAD + bytes));
  dust_buffer *buffer = block;
  *buffer = (dust_buffer){.references = 1, .bytes = (char *)block + HEAD, .size = bytes};
  *out = whole_view(buffer, dtype, ndim, shape);
  return DUST_OK;
}

dust_status dust_ndarray_empty(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape) {
  return make(out, dtype, ndim, shape, false);
}

dust_status dust_ndarray_zeros(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape) {
  return make(out, dtype, ndim, shape, true);
}

dust_status dust_ndarray_wrap(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape, void *bytes, bool read_only,
                              void (*release)(void *, size_t, void *), void *context) {
  size_t size;
  DUST_TRY(checked_bytes(&size, dtype, ndim, shape, false)); /* a mapped file may be larger than memory */
  void *block;
  DUST_TRY(dust_alloc(&block, sizeof(dust_buffer)));
  dust_buffer *buffer = block;
  *buffer = (dust_buffer){.references = 1, .read_only = read_only, .bytes = bytes, .size = size, .release = release, .context = context};
  *out = whole_view(buffer, dtype, ndim, shape);
  return DUST_OK;
}

void dust_ndarray_share(dust_ndarray *out, const dust_ndarray *in) {
  if (in->buffer) atomic_fetch_add_explicit(&in->buffer->references, 1, memory_order_relaxed);
  *out = *in;
}

void dust_ndarray_release(dust_ndarray *array) {
  dust_buffer *buffer = array->buffer;
  array->buffer = NULL;
  array->data = NULL;
  if (!buffer || atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) != 1) return;
  if (buffer->release) buffer->release(buffer->bytes, buffer->size, buffer->context);
  dust_free(buffer);
}

/* ---- questions */

int64_t dust_ndarray_count(const dust_ndarray *array) {
  int64_t count = 1;
  for (int d = 0; d < array->ndim; d++) {
    if (array->shape[d] == 0) return 0;
    if (__builtin_mul_overflow(count, array->shape[d], &count)) count = INT64_MAX; /* only on the way to a 0 */
  }
  return count;
}

size_t dust_ndarray_bytes(const dust_ndarray *array) { return (size_t)dust_ndarray_count(array) * dust_dtype_size(array->dtype); }

bool dust_ndarray_is_contiguous(const dust_ndarray *array) {
  int64_t stride = (int64_t)dust_dtype_size(array->dtype);
  if (dust_ndarray_count(array) == 0) return true;
  for (int d = array->ndim - 1; d >= 0; d--) {
    if (array->shape[d] == 1) continue;
    if (array->stride[d] != stride) return false;
    stride *= array->shape[d];
  }
  return true;
}

bool dust_ndarray_same_shape(const dust_ndarray *a, const dust_ndarray *b) {
  return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) == 0;
}

/* ---- copies */

typedef struct types {
  dust_dtype out, in;
} types;

static dust_status assign_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  const types *t = context;
  dust_row_cast(pointer[0], (ptrdiff_t)rows->stride[0], t->out, pointer[1], (ptrdiff_t)rows->stride[1], t->in, rows->length);
  return DUST_OK;
}

dust_status dust_ndarray_assign(const dust_ndarray *out, const dust_ndarray *in, dust_pool *pool) {
  dust_rows rows;
  DUST_TRY(dust_rows_init(&rows, 2, (const dust_ndarray *const[]){out, in}));
  if (dust_tiles_fit(&rows, out->dtype, in->dtype)) return dust_tiles_copy(&rows, out->dtype, in->dtype, pool);
  return dust_rows_run(&rows, pool, assign_row, &(types){out->dtype, in->dtype});
}

dust_status dust_ndarray_copy(dust_ndarray *out, const dust_ndarray *in) {
  dust_ndarray made;
  DUST_TRY(dust_ndarray_empty(&made, in->dtype, in->ndim, in->shape));
  dust_status status = dust_ndarray_assign(&made, in, NULL);
  if (status == DUST_OK)
    *out = made;
  else
    dust_ndarray_release(&made);
  return status;
}

/* Whether elements share bytes, as a broadcast view's do. */
static bool repeats(const dust_ndarray *array) {
  for (int d = 0; d < array->ndim; d++)
    if (array->stride[d] == 0 && array->shape[d] > 1) return dust_ndarray_count(array) > 0;
  return false;
}

/* A view of as many elements as there are, none of them twice, is a view of all of them. */
dust_figures dust_ndarray_figures(const dust_ndarray *array) {
  const dust_figures *known = &array->buffer->figures;
  bool whole = known->dtype == array->dtype && known->count == dust_ndarray_count(array) && !repeats(array);
  return whole ? *known : (dust_figures){0};
}

void dust_ndarray_set_figures(const dust_ndarray *array, const dust_figures *figures) {
  dust_figures *known = &array->buffer->figures;
  *known = *figures;
  known->dtype = array->dtype, known->count = dust_ndarray_count(array);
}

dust_status dust_ndarray_make_writable(dust_ndarray *array) {
  bool alone = atomic_load_explicit(&array->buffer->references, memory_order_acquire) == 1;
  if (alone && !array->buffer->read_only && !repeats(array)) {
    array->buffer->figures = (dust_figures){0};
    return DUST_OK;
  }
  dust_ndarray copy;
  DUST_TRY(dust_ndarray_copy(&copy, array));
  dust_ndarray_release(array);
  *array = copy;
  return DUST_OK;
}

dust_status dust_ndarray_contiguous(dust_ndarray *out, const dust_ndarray *in) {
  if (!dust_ndarray_is_contiguous(in)) return dust_ndarray_copy(out, in);
  dust_ndarray_share(out, in);
  return DUST_OK;
}
