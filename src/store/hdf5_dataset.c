/* Boxes of voxels to and from datasets.
 *
 *     file     hyperslab [begin, begin + shape) of the dataset      HDF5 decompresses, converts byte order and type
 *     memory   one C-order block of the box's shape
 *
 * Reading has a way past HDF5 where the storage is simple: hdf5_fast_internal.h.
 */
#include <stdio.h>
#include <string.h>
#include "base/available.h"
#include "store/hdf5_fast_internal.h"

#define ASKED_BEFORE ((int64_t)256 << 20) /* bytes of a box that the system is asked about */

/* Text of at most `capacity` bytes: shapes of up to 32 axes. */
static void format_shape(char *text, size_t capacity, int ndim, const int64_t *shape) {
  size_t at = 0;
  text[0] = 0;
  for (int d = 0; d < ndim && at < capacity; d++)
    at += (size_t)snprintf(text + at, capacity - at, "%s%lld", d ? "x" : "", (long long)shape[d]);
  if (ndim == 0) snprintf(text, capacity, "scalar");
}

/* One transfer: the dataset, its type and shape, the box, and the HDF5 ids that describe it. */
typedef struct transfer {
  const dust_hdf5 *file;
  char clean[DUST_HDF5_NAME];
  hid_t dataset, type, memory_type, memory, space; /* dataset is the file's; < 0: none */
  dust_dtype dtype;
  int ndim;
  int64_t extent[DUST_HDF5_MAXDIM], begin[DUST_MAXDIM], shape[DUST_MAXDIM];
} transfer;

static void transfer_end(transfer *t) {
  if (t->type >= 0) H5Tclose(t->type);
  if (t->memory_type >= 0) H5Tclose(t->memory_type);
  if (t->memory >= 0) H5Sclose(t->memory);
  if (t->space >= 0) H5Sclose(t->space);
}

static dust_status transfer_begin(transfer *t, dust_hdf5 *file, const char *name) {
  char words[DUST_HDF5_WORDS];
  t->file = file;
  t->type = t->memory_type = t->memory = t->space = -1;
  DUST_TRY(dust_h5_clean_name(t->clean, name));
  dust_h5_open_dataset *opened;
  DUST_TRY(dust_h5_opened(&opened, file, t->clean));
  t->dataset = opened->id;
  if (!opened->stored_here) DUST_TRY(dust_h5_check_storage(file, opened->id, t->clean));
  opened->stored_here = true;
  t->type = H5Dget_type(t->dataset);
  if (t->type < 0 || dust_h5_shape(t->dataset, &t->ndim, t->extent) != DUST_OK)
    return dust_h5_fail(file, "reading the header of", t->clean);
  t->dtype = dust_h5_dtype(t->type, words, sizeof words);
  if (t->dtype == DUST_DTYPE_NONE)
    return dust_fail(DUST_ERROR_UNSUPPORTED,
                     "%s: '%s' holds elements that can't be read (%s): only integers and floats of up to 8 bytes can", file->path, t->clean,
                     words);
  if (t->ndim > DUST_MAXDIM)
    return dust_fail(DUST_ERROR_UNSUPPORTED, "%s: '%s' has %d axes, at most %d are possible", file->path, t->clean, t->ndim, DUST_MAXDIM);
  return DUST_OK;
}

/* "[2:5, 0:10]" */
static void format_box(char *text, size_t size, int ndim, const int64_t *begin, const int64_t *shape) {
  size_t at = (size_t)snprintf(text, size, "[");
  for (int d = 0; d < ndim && at < size; d++) {
    int64_t end;
    if (__builtin_add_overflow(begin[d], shape[d], &end)) end = INT64_MAX;
    at += (size_t)snprintf(text + at, size - at, "%s%lld:%lld", d ? ", " : "", (long long)begin[d], (long long)end);
  }
  if (at < size) snprintf(text + at, size - at, "]");
}

/* Takes the box over if it lies in the dataset. */
static dust_status transfer_box(transfer *t, int ndim, const int64_t *begin, const int64_t *shape) {
  char extent[256], box[512];
  format_shape(extent, sizeof extent, t->ndim, t->extent);
  if (ndim != t->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "%s: a box of %d axes for '%s', which has %d (%s)", t->file->path, ndim, t->clean, t->ndim,
                     extent);
  for (int d = 0; d < ndim; d++) {
    if (begin[d] < 0 || shape[d] < 0 || begin[d] > t->extent[d] || shape[d] > t->extent[d] - begin[d]) {
      format_box(box, sizeof box, ndim, begin, shape);
      return dust_fail(DUST_ERROR_RANGE, "%s: the box %s is not inside '%s', whose shape is %s", t->file->path, box, t->clean, extent);
    }
    t->begin[d] = begin[d], t->shape[d] = shape[d];
  }
  return DUST_OK;
}

/* A header of two kilobytes can declare any number of voxels: a box that memory can't hold is refused before it is made. */
static dust_status check_room(const transfer *t) {
  int64_t bytes = (int64_t)dust_dtype_size(t->dtype), room;
  char shape[256];
  bool empty = false, beyond = false;
  for (int d = 0; d < t->ndim; d++) empty |= t->shape[d] == 0;
  for (int d = 0; d < t->ndim; d++) beyond |= __builtin_mul_overflow(bytes, t->shape[d], &bytes);
  if (empty || (!beyond && bytes < ASKED_BEFORE)) return DUST_OK;
  room = dust_mem_available();
  if (!beyond && (room < 0 || bytes <= room)) return DUST_OK;
  format_shape(shape, sizeof shape, t->ndim, t->shape);
  return dust_fail(DUST_ERROR_WORLD, "%s: a box of %s voxels of '%s' (%s) takes more memory than there is: %.4g GiB, of which %.4g are free; read a smaller part",
                   t->file->path, shape, t->clean, dust_dtype_name(t->dtype), beyond ? 0x1p33 : (double)bytes / 0x1p30, (double)room / 0x1p30);
}

static bool transfer_is_empty(const transfer *t) {
  for (int d = 0; d < t->ndim; d++)
    if (t->shape[d] == 0) return true;
  return false;
}

/* HDF5's descriptions of both sides of the box, which is not empty. */
static dust_status transfer_select(transfer *t, dust_dtype in_memory, bool writing) {
  hsize_t begin[DUST_MAXDIM], shape[DUST_MAXDIM];
  for (int d = 0; d < t->ndim; d++) begin[d] = (hsize_t)t->begin[d], shape[d] = (hsize_t)t->shape[d];
  t->memory_type = dust_h5_memory_type(t->type, in_memory, writing);
  t->space = H5Dget_space(t->dataset);
  t->memory = t->ndim ? H5Screate_simple(t->ndim, shape, NULL) : H5Screate(H5S_SCALAR);
  bool fine = t->memory_type >= 0 && t->space >= 0 && t->memory >= 0;
  if (fine && t->ndim) fine = H5Sselect_hyperslab(t->space, H5S_SELECT_SET, begin, NULL, shape, NULL) >= 0;
  return fine ? DUST_OK : dust_h5_fail(t->file, "selecting a box of", t->clean);
}

static dust_status read_by_hdf5(transfer *t, dust_ndarray *array) {
  DUST_TRY(transfer_select(t, t->dtype, false));
  if (H5Dread(t->dataset, t->memory_type, t->memory, t->space, H5P_DEFAULT, array->data) < 0)
    return dust_h5_fail_transfer(t->file, "reading", t->clean, t->dataset);
  return DUST_OK;
}

/* What to do once HDF5's turn is over. */
typedef struct fast_part {
  const dust_h5_open_dataset *dataset; /* NULL: nothing */
  int64_t begin[DUST_MAXDIM];
} fast_part;

/* Whether the box can be read outside of HDF5; `rest` is what to read then. */
static dust_status consider_fast(fast_part *rest, dust_hdf5 *file, const transfer *t) {
  dust_h5_open_dataset *dataset;
  if (!file->fast || file->writable || file->swmr) return DUST_OK;
  DUST_TRY(dust_h5_opened(&dataset, file, t->clean));
  if (!dataset->judged) DUST_TRY(dust_h5_fast_open(&dataset->fast, file, dataset->id));
  dataset->judged = true;
  if (dataset->fast) rest->dataset = dataset;
  memcpy(rest->begin, t->begin, sizeof rest->begin);
  return DUST_OK;
}

/* The box, or, with `rest` given, an array whose elements are still to be read where rest->dataset says so. */
static dust_status read_box(dust_ndarray *out, fast_part *rest, dust_hdf5 *file, const char *name, int ndim, const int64_t *begin,
                            const int64_t *shape) {
  transfer t;
  dust_ndarray array = {0};
  static const int64_t origin[DUST_MAXDIM] = {0};
  dust_status status;
  DUST_GO(transfer_begin(&t, file, name));
  DUST_GO(begin || shape ? transfer_box(&t, ndim, begin, shape) : transfer_box(&t, t.ndim, origin, t.extent));
  DUST_GO(check_room(&t));
  DUST_GO(dust_ndarray_empty(&array, t.dtype, t.ndim, t.shape));
  if (!transfer_is_empty(&t)) {
    if (rest) DUST_GO(consider_fast(rest, file, &t));
    if (!rest || !rest->dataset) {
      DUST_GO(read_by_hdf5(&t, &array));
      file->counts.by_hdf5++;
    }
  }
  *out = array;
done:
  if (status != DUST_OK) dust_ndarray_release(&array);
  transfer_end(&t);
  return status;
}

static dust_status begin_read(dust_ndarray *out, fast_part *rest, dust_hdf5 *file, const char *name, int ndim, const int64_t *begin,
                              const int64_t *shape) {
  DUST_H5_CALL(read_box(out, rest, file, name, ndim, begin, shape));
}

dust_status dust_hdf5_read(dust_ndarray *out, dust_hdf5 *file, const char *name, int ndim, const int64_t *begin, const int64_t *shape) {
  dust_ndarray array = {0};
  fast_part rest = {0};
  bool declined = false;
  dust_status status;
  DUST_GO(begin_read(&array, &rest, file, name, ndim, begin, shape));
  if (rest.dataset) DUST_GO(dust_h5_fast_read(file, rest.dataset, rest.begin, array.shape, array.data, &declined));
  if (declined) {
    dust_ndarray_release(&array);
    DUST_GO(begin_read(&array, NULL, file, name, ndim, begin, shape));
  } else if (rest.dataset)
    file->counts.fast++;
  *out = array;
done:
  if (status != DUST_OK) dust_ndarray_release(&array);
  return status;
}

/* ---- writing */

/* The array's elements in C order, and of the dataset's own dtype where HDF5 can't convert. */
static dust_status elements_to_write(dust_ndarray *out, const transfer *t, const dust_ndarray *array) {
  if (!dust_h5_moves_only(t->type) || array->dtype == t->dtype) return dust_ndarray_contiguous(out, array);
  dust_ndarray packed = {0};
  dust_status status;
  DUST_GO(dust_ndarray_contiguous(&packed, array));
  DUST_GO(dust_ndarray_empty(out, t->dtype, array->ndim, array->shape));
  dust_row_cast(out->data, (ptrdiff_t)dust_dtype_size(t->dtype), t->dtype, packed.data, (ptrdiff_t)dust_dtype_size(packed.dtype),
                packed.dtype, (size_t)dust_ndarray_count(array));
done:
  dust_ndarray_release(&packed);
  return status;
}

static dust_status write_box(dust_hdf5 *file, const char *name, const dust_ndarray *array, const int64_t *begin) {
  transfer t;
  dust_ndarray elements = {0};
  static const int64_t origin[DUST_MAXDIM] = {0};
  dust_status status;
  t.type = t.memory_type = t.memory = t.space = -1;
  DUST_GO(dust_h5_writable(file));
  DUST_GO(transfer_begin(&t, file, name));
  DUST_GO(transfer_box(&t, array->ndim, begin ? begin : origin, array->shape));
  if (transfer_is_empty(&t)) goto done;
  DUST_GO(elements_to_write(&elements, &t, array));
  DUST_GO(transfer_select(&t, elements.dtype, true));
  DUST_GO(dust_h5_sum_before(file, t.clean, t.dataset, t.type, t.ndim, t.begin, t.shape));
  if (H5Dwrite(t.dataset, t.memory_type, t.memory, t.space, H5P_DEFAULT, elements.data) < 0)
    DUST_GO(file->trouble->write_error ? dust_h5_sound(file) : dust_h5_fail_transfer(file, "writing", t.clean, t.dataset));
  DUST_GO(dust_h5_sum_after(file, t.clean, t.dataset, elements.dtype == t.dtype && H5Tequal(t.type, dust_h5_native(t.dtype)) > 0 ? elements.data : NULL));
  status = dust_h5_sound(file);
done:
  dust_ndarray_release(&elements);
  transfer_end(&t);
  return status;
}

dust_status dust_hdf5_write(dust_hdf5 *file, const char *name, const dust_ndarray *array, const int64_t *begin) {
  DUST_H5_CALL(write_box(file, name, array, begin));
}
