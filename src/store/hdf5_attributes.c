/* Attributes: numbers of any size and byte order, texts of fixed and of any length, one or many.
 *
 * "Many" is written in two ways, both read here: a simple dataspace of scalars (h5py), or one element of an array type (CREMI's
 * files). Either is flattened in C order.
 */
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "store/hdf5_internal.h"

#define MOST_WORDS 1024 /* elements of an attribute that says where voxels lie */

/* What an attribute is made of. */
typedef struct shape_of {
  hid_t id, type, element; /* element: of the array type, or `type` itself once more */
  H5T_class_t class;
  size_t points, per_point; /* elements = points * per_point */
  bool scalar;
} shape_of;

static void close_attribute(shape_of *a) {
  if (a->element >= 0) H5Tclose(a->element);
  if (a->type >= 0) H5Tclose(a->type);
  if (a->id >= 0) H5Aclose(a->id);
}

static size_t array_elements(hid_t type) {
  hsize_t size[DUST_HDF5_MAXDIM];
  int ndim = H5Tget_array_ndims(type);
  size_t count = 1;
  if (ndim < 0 || ndim > DUST_HDF5_MAXDIM || H5Tget_array_dims2(type, size) < 0) return 0;
  for (int d = 0; d < ndim; d++)
    if (__builtin_mul_overflow(count, (size_t)size[d], &count)) return 0;
  return count;
}

/* False when HDF5 can't make sense of it; close_attribute() in any case. */
static bool open_attribute(shape_of *a, hid_t object, const char *name) {
  *a = (shape_of){.id = H5Aopen(object, name, H5P_DEFAULT), .type = -1, .element = -1, .per_point = 1};
  if (a->id < 0 || (a->type = H5Aget_type(a->id)) < 0) return false;
  hid_t space = H5Aget_space(a->id);
  if (space < 0) return false;
  hssize_t points = H5Sget_simple_extent_npoints(space);
  a->scalar = H5Sget_simple_extent_type(space) == H5S_SCALAR;
  H5Sclose(space);
  if (points < 0) return false;
  a->points = (size_t)points;
  bool is_array = H5Tget_class(a->type) == H5T_ARRAY;
  a->element = is_array ? H5Tget_super(a->type) : H5Tcopy(a->type);
  if (is_array) a->per_point = array_elements(a->type), a->scalar = false;
  if (a->element < 0) return false;
  a->class = H5Tget_class(a->element);
  size_t all;
  return !__builtin_mul_overflow(a->points, a->per_point, &all) && all < SIZE_MAX / 16;
}

static bool is_number(const shape_of *a) { return a->class == H5T_INTEGER || a->class == H5T_FLOAT || a->class == H5T_ENUM; }

/* Reads all elements as `native` into out, which has room for them. */
static bool read_as(const shape_of *a, hid_t native, void *out) {
  hid_t type = H5Tcopy(native);
  if (H5Tget_class(a->type) == H5T_ARRAY) {
    hsize_t size[DUST_HDF5_MAXDIM];
    int ndim = H5Tget_array_dims2(a->type, size);
    if (type >= 0) H5Tclose(type);
    type = ndim < 0 ? -1 : H5Tarray_create2(native, (unsigned)ndim, size);
  }
  bool fine = type >= 0 && H5Aread(a->id, type, out) >= 0;
  if (type >= 0 && fine) H5Tclose(type); /* after a failure HDF5's reason would be gone */
  return fine;
}

/* ---- reading any value */

static dust_status numbers_of(dust_hdf5_value *out, const shape_of *a, bool *fine) {
  dust_hdf5_value value = {.scalar = a->scalar, .count = a->points * a->per_point};
  void *block;
  DUST_TRY(dust_alloc(&block, value.count * 8));
  bool is_unsigned = a->class == H5T_INTEGER && H5Tget_sign(a->element) == H5T_SGN_NONE;
  value.kind = a->class == H5T_FLOAT ? DUST_HDF5_NUMBERS : DUST_HDF5_INTEGERS;
  *fine = value.count == 0 || read_as(a,
                                      a->class == H5T_FLOAT ? H5T_NATIVE_DOUBLE
                                      : is_unsigned         ? H5T_NATIVE_UINT64
                                                            : H5T_NATIVE_INT64,
                                      block);
  value.integers = block;
  for (size_t i = 0; *fine && is_unsigned && i < value.count; i++)
    if (value.integers[i] < 0) value.kind = DUST_HDF5_UNSIGNED;
  *out = value;
  return DUST_OK;
}

/* One block: `count` pointers, then the texts one after the other; text[i] of at most length[i] bytes. */
static dust_status pack_strings(dust_hdf5_value *value, const char *(*text)(const void *context, size_t i, size_t *length),
                                const void *context) {
  size_t bytes = value->count * sizeof(char *), length;
  void *block;
  for (size_t i = 0; i < value->count; i++) text(context, i, &length), bytes += length + 1;
  DUST_TRY(dust_alloc(&block, bytes));
  value->strings = block;
  char *at = (char *)block + value->count * sizeof(char *);
  for (size_t i = 0; i < value->count; i++) {
    const char *from = text(context, i, &length);
    value->strings[i] = at;
    if (length) memcpy(at, from, length);
    at[length] = 0, at += length + 1;
  }
  return DUST_OK;
}

static const char *text_of_any_length(const void *context, size_t i, size_t *length) {
  const char *text = ((char *const *)context)[i];
  *length = text ? strlen(text) : 0;
  return text;
}

typedef struct fixed_texts {
  const char *bytes;
  size_t size;
  bool spaces; /* padded with spaces rather than NULs */
} fixed_texts;

static const char *text_of_fixed_length(const void *context, size_t i, size_t *length) {
  const fixed_texts *fixed = context;
  const char *text = fixed->bytes + i * fixed->size;
  *length = strnlen(text, fixed->size);
  while (fixed->spaces && *length && text[*length - 1] == ' ') --*length;
  return text;
}

/* HDF5 allocated the texts, HDF5 frees them. */
static void free_texts(char **texts, size_t count, hid_t type) {
  hsize_t size = count;
  hid_t space = H5Screate_simple(1, &size, NULL);
  if (space < 0) return;
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
  H5Sclose(space);
}

static dust_status variable_strings(dust_hdf5_value *value, const shape_of *a, bool *fine) {
  void *texts;
  DUST_TRY(dust_calloc(&texts, value->count + 1, sizeof(char *)));
  dust_status status = DUST_OK;
  *fine = value->count == 0 || read_as(a, a->element, texts);
  if (*fine) status = pack_strings(value, text_of_any_length, texts), free_texts(texts, value->count, a->element);
  dust_free(texts);
  return status;
}

static dust_status fixed_strings(dust_hdf5_value *value, const shape_of *a, bool *fine) {
  fixed_texts fixed = {.size = H5Tget_size(a->element), .spaces = H5Tget_strpad(a->element) == H5T_STR_SPACEPAD};
  void *bytes;
  DUST_TRY(dust_calloc(&bytes, value->count + 1, fixed.size));
  dust_status status = DUST_OK;
  fixed.bytes = bytes;
  *fine = value->count == 0 || read_as(a, a->element, bytes);
  if (*fine) status = pack_strings(value, text_of_fixed_length, &fixed);
  dust_free(bytes);
  return status;
}

static dust_status strings_of(dust_hdf5_value *out, const shape_of *a, bool *fine) {
  dust_hdf5_value value = {.kind = DUST_HDF5_STRINGS, .scalar = a->scalar, .count = a->points * a->per_point};
  DUST_TRY(H5Tis_variable_str(a->element) > 0 ? variable_strings(&value, a, fine) : fixed_strings(&value, a, fine));
  *out = value;
  return DUST_OK;
}

dust_status dust_h5_value(dust_hdf5_value *out, const dust_hdf5 *file, const char *clean, hid_t object, const char *attribute) {
  shape_of a;
  dust_hdf5_value value = {.kind = DUST_HDF5_NUMBERS};
  dust_status status = DUST_OK;
  char words[DUST_HDF5_WORDS], reason[256];
  bool fine = open_attribute(&a, object, attribute);
  if (fine && is_number(&a))
    status = numbers_of(&value, &a, &fine);
  else if (fine && a.class == H5T_STRING)
    status = strings_of(&value, &a, &fine);
  else if (fine) {
    dust_h5_dtype(a.element, words, sizeof words);
    status = dust_fail(DUST_ERROR_UNSUPPORTED, "%s: attribute '%s' of '%s' is neither numbers nor text (%s)", file->path, attribute,
                       dust_h5_object(clean), words);
  }
  if (status == DUST_OK && !fine) {
    dust_h5_reason(reason, sizeof reason);
    dust_hdf5_value_release(&value);
    status =
        dust_fail(DUST_ERROR_WORLD, "%s: attribute '%s' of '%s' can't be read: %s", file->path, attribute, dust_h5_object(clean), reason);
  }
  close_attribute(&a);
  if (status == DUST_OK) *out = value;
  return status;
}

void dust_hdf5_value_release(dust_hdf5_value *value) {
  dust_free(value->integers); /* one block whatever the kind */
  value->integers = NULL, value->count = 0;
}

/* Enumerations (h5py's booleans) are no numbers where a size is meant. */
dust_status dust_h5_word(dust_hdf5_word *out, const dust_hdf5 *file, const char *clean, hid_t object, const char *attribute) {
  dust_hdf5_word word = {.there = true};
  shape_of a;
  bool opened = open_attribute(&a, object, attribute);
  if (opened && (a.class == H5T_ENUM || !(is_number(&a) || a.class == H5T_STRING)))
    dust_h5_dtype(a.element, word.problem, sizeof word.problem);
  else if (opened && a.points * a.per_point > MOST_WORDS)
    snprintf(word.problem, sizeof word.problem, "%zu elements", a.points * a.per_point);
  close_attribute(&a);
  dust_status status = opened && !word.problem[0] ? dust_h5_value(&word.value, file, clean, object, attribute) : DUST_OK;
  if (status == DUST_ERROR_MEMORY) return status;
  if (!opened || status != DUST_OK) snprintf(word.problem, sizeof word.problem, "an attribute that can't be read");
  *out = word;
  return DUST_OK;
}

/* ---- the object that carries it */

typedef struct attribute_names {
  char text[500];
  size_t at;
} attribute_names;

static herr_t add_name(hid_t object, const char *name, const H5A_info_t *info, void *context) {
  attribute_names *names = context;
  if (names->at + strlen(name) + 8 > sizeof names->text) return 1;
  names->at += (size_t)snprintf(names->text + names->at, sizeof names->text - names->at, "%s%s", names->at ? ", " : "", name);
  return 0;
}

static dust_status fail_absent(const dust_hdf5 *file, const char *clean, hid_t object, const char *attribute) {
  attribute_names names = {.text = ""};
  hsize_t next = 0;
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &next, add_name, &names);
  if (!names.at)
    return dust_fail(DUST_ERROR_WORLD, "%s: '%s' has no attribute '%s', nor any other", file->path, dust_h5_object(clean), attribute);
  return dust_fail(DUST_ERROR_WORLD, "%s: '%s' has no attribute '%s'; it has %s", file->path, dust_h5_object(clean), attribute, names.text);
}

dust_status dust_h5_open_object(hid_t *out, dust_hdf5 *file, const char *clean) {
  if (!dust_h5_exists(file, clean)) return dust_h5_fail_missing(file, clean);
  *out = H5Oopen(file->id, dust_h5_object(clean), file->link_access);
  return *out < 0 ? dust_h5_fail(file, "opening", clean) : DUST_OK;
}

static dust_status get_attribute(dust_hdf5_value *out, dust_hdf5 *file, const char *name, const char *attribute) {
  char clean[DUST_HDF5_NAME];
  hid_t object = -1;
  DUST_TRY(dust_h5_clean_name(clean, name));
  DUST_TRY(dust_h5_open_object(&object, file, clean));
  htri_t there = H5Aexists(object, attribute);
  dust_status status;
  if (there > 0)
    status = dust_h5_value(out, file, clean, object, attribute);
  else if (there == 0)
    status = fail_absent(file, clean, object, attribute);
  else
    status = dust_h5_fail(file, "reading the attributes of", clean); /* and don't list them: HDF5 1.10 crashes when one is damaged */
  H5Oclose(object);
  return status;
}

dust_status dust_hdf5_get_attribute(dust_hdf5_value *out, dust_hdf5 *file, const char *name, const char *attribute) {
  DUST_H5_CALL(get_attribute(out, file, name, attribute));
}
