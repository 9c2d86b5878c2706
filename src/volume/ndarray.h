/* An n-d array: a strided view of one refcounted buffer.
 *
 *     dust_ndarray ──┐ data (first element), shape, byte strides
 *     dust_ndarray ──┤
 *                    └─> dust_buffer { references, bytes, release callback }
 *
 * Slices, flips, transposes and new axes are views and cost nothing. A view owns one reference; dust_ndarray_release() gives it
 * back and leaves a closed array (buffer NULL), on which releasing again is fine. Somebody who wants to write calls
 * dust_ndarray_make_writable()
 * first: it copies when anyone else holds the buffer or the buffer is read-only, so no holder ever sees another's writes. Axis order is C:
 * channels first, then zyx; strides may be negative. Where the bytes live (malloc, mmap, a host's memory) is the release
 * callback's business.
 */
#ifndef DUST_VOLUME_NDARRAY_H
#define DUST_VOLUME_NDARRAY_H

#include <stdatomic.h>
#include "base/dtype.h"
#include "base/pool.h"
#include "volume/coordinate.h"

#define DUST_SHAPE_TEXT (DUST_MAXDIM * 24) /* bytes that hold any shape as text */

/* What is known of the elements of a whole buffer without looking at them: kernels leave here what they could find out while they made them. Forgotten when
 * somebody gets leave to write (dust_ndarray_make_writable()). */
typedef struct dust_figures {
  bool extremes, sum; /* which of them */
  dust_dtype dtype;
  int64_t count;
  uint64_t low, high; /* an element each, NaN if there is one */
  double total;       /* of the elements in the order of memory, in double */
} dust_figures;

typedef struct dust_buffer {
  atomic_long references;
  bool read_only;
  void *bytes;
  size_t size;
  void (*release)(void *bytes, size_t size, void *context); /* called once, by whoever drops the last reference */
  void *context;
  dust_figures figures;
} dust_buffer;

typedef struct dust_ndarray {
  dust_buffer *buffer; /* NULL: closed */
  char *data;
  dust_dtype dtype;
  int ndim;
  int64_t shape[DUST_MAXDIM];
  int64_t stride[DUST_MAXDIM]; /* bytes */
} dust_ndarray;

/* All makers write *out only on success; out must not hold an array, and is another than `in`. */
/* more bytes than the machine has: DUST_ERROR_MEMORY naming them, before allocating */
dust_status dust_ndarray_empty(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape);
dust_status dust_ndarray_zeros(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape);
/* Wraps foreign bytes in C order; `release` (may be NULL) is called when the last view goes, never on failure. */
dust_status dust_ndarray_wrap(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape, void *bytes, bool read_only,
                              void (*release)(void *, size_t, void *), void *context);
void dust_ndarray_share(dust_ndarray *out, const dust_ndarray *in); /* one more view of the same elements */
void dust_ndarray_release(dust_ndarray *array);

/* Views; axes and indices from 0. No such axis: DUST_ERROR_ARGUMENT; an index that is not there: DUST_ERROR_RANGE. */
/* Elements begin, begin + step, … before end. A negative step goes down: begin > end >= -1, where -1 takes element 0 too. */
dust_status dust_ndarray_slice(dust_ndarray *out, const dust_ndarray *in, int axis, int64_t begin, int64_t end, int64_t step);
/* all axes at once */
dust_status dust_ndarray_crop(dust_ndarray *out, const dust_ndarray *in, const int64_t *begin, const int64_t *shape);
/* drops the axis */
dust_status dust_ndarray_pick(dust_ndarray *out, const dust_ndarray *in, int axis, int64_t index);
dust_status dust_ndarray_flip(dust_ndarray *out, const dust_ndarray *in, int axis);
dust_status dust_ndarray_transpose(dust_ndarray *out, const dust_ndarray *in, const int *axes);
/* The same elements in the order in which they lie in memory: axes from the longest stride to the shortest, none going down. What has nothing to do with
 * where an element stands can walk any view of a dense array in one run. Borrowed: without a reference of its own, not to be released. */
typedef struct dust_axis_order {
  int axis[DUST_MAXDIM]; /* which of the array's axes comes d-th in memory */
  bool reversed[DUST_MAXDIM];
} dust_axis_order;
dust_ndarray dust_ndarray_in_memory(const dust_ndarray *in, dust_axis_order *order);
/* The way back, of any array of the shape that dust_ndarray_in_memory() gave. */
void dust_ndarray_from_memory(dust_ndarray *out, const dust_ndarray *in, const dust_axis_order *order);
dust_status dust_ndarray_add_axis(dust_ndarray *out, const dust_ndarray *in, int axis);
/* numpy's rule; stride 0 where repeated */
dust_status dust_ndarray_broadcast(dust_ndarray *out, const dust_ndarray *in, int ndim, const int64_t *shape);
/* A view when the elements lie in C order, a copy otherwise. One entry of shape may be -1. */
dust_status dust_ndarray_reshape(dust_ndarray *out, const dust_ndarray *in, int ndim, const int64_t *shape);

dust_status dust_ndarray_copy(dust_ndarray *out, const dust_ndarray *in); /* new, in C order */
/* Figures of exactly the elements of `array`: none where it is a part of its buffer. Whoever made all elements of an array sets them last. */
dust_figures dust_ndarray_figures(const dust_ndarray *array);
void dust_ndarray_set_figures(const dust_ndarray *array, const dust_figures *figures);
/* Copy on write: afterwards `array` is the only holder of its bytes and no two elements share any (a broadcast view is copied).
 * Untouched after a failure. */
dust_status dust_ndarray_make_writable(dust_ndarray *array);
dust_status dust_ndarray_contiguous(dust_ndarray *out, const dust_ndarray *in); /* shares if already in C order, else copies */

/* Writes the elements of `in` into those of `out`, converted as numpy's astype does. Same shape; `out` writable; no bytes in
 * common. */
dust_status dust_ndarray_assign(const dust_ndarray *out, const dust_ndarray *in, dust_pool *pool);

int64_t dust_ndarray_count(const dust_ndarray *array); /* elements */
size_t dust_ndarray_bytes(const dust_ndarray *array);  /* count * item size */
bool dust_ndarray_is_contiguous(const dust_ndarray *array);
bool dust_ndarray_same_shape(const dust_ndarray *a, const dust_ndarray *b);
int dust_shape_format(char *text, size_t size, int ndim, const int64_t *shape); /* "16x256x256" */

#endif
