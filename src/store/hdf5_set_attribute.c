/* Writing attributes: scalars and simple arrays of int64, float64 or texts of any length, in place of what was there. */
#include <math.h>
#include <stdio.h>
#include "store/hdf5_internal.h"

/* The type of the value's elements in memory and in the file; owned by the caller. */
static hid_t type_of(const dust_hdf5_value *value) {
  if (value->kind == DUST_HDF5_INTEGERS) return H5Tcopy(H5T_NATIVE_INT64);
  if (value->kind == DUST_HDF5_UNSIGNED) return H5Tcopy(H5T_NATIVE_UINT64);
  if (value->kind == DUST_HDF5_NUMBERS) return H5Tcopy(H5T_NATIVE_DOUBLE);
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) H5Tclose(type), type = -1;
  return type;
}

static bool write_value(hid_t object, const char *attribute, const dust_hdf5_value *value, hid_t type, hid_t space) {
  if (type < 0 || space < 0) return false;
  if (H5Aexists(object, attribute) > 0 && H5Adelete(object, attribute) < 0) return false;
  hid_t id = H5Acreate2(object, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0) return false;
  bool fine = value->count == 0 || H5Awrite(id, type, value->integers) >= 0;
  return H5Aclose(id) >= 0 && fine;
}

static dust_status set_attribute(dust_hdf5 *file, const char *name, const char *attribute, const dust_hdf5_value *value) {
  char clean[DUST_HDF5_NAME], doing[128];
  hid_t object = -1;
  DUST_TRY(dust_h5_writable(file));
  DUST_TRY(dust_h5_clean_name(clean, name));
  if (!attribute[0]) return dust_fail(DUST_ERROR_ARGUMENT, "%s: an attribute of '%s' needs a name", file->path, dust_h5_object(clean));
  DUST_TRY(dust_h5_open_object(&object, file, clean));
  hsize_t count = value->count;
  hid_t type = type_of(value), space = value->scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, NULL);
  dust_status status = DUST_OK;
  if (!write_value(object, attribute, value, type, space)) {
    snprintf(doing, sizeof doing, "writing attribute '%.80s' of", attribute);
    status = dust_h5_fail(file, doing, clean);
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  H5Oclose(object);
  return status == DUST_OK ? dust_h5_sound(file) : status;
}

dust_status dust_hdf5_set_attribute(dust_hdf5 *file, const char *name, const char *attribute, const dust_hdf5_value *value) {
  DUST_H5_CALL(set_attribute(file, name, attribute, value));
}

dust_status dust_hdf5_set_numbers(dust_hdf5 *file, const char *name, const char *attribute, int count, const double *numbers) {
  int64_t whole[DUST_HDF5_MAXDIM];
  double kept[DUST_HDF5_MAXDIM];
  if (count < 0 || count > DUST_HDF5_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "%s: %d numbers for '%s', at most %d", file->path, count, attribute, DUST_HDF5_MAXDIM);
  bool all_whole = true;
  for (int i = 0; i < count; i++) {
    kept[i] = numbers[i];
    bool is_whole = floor(numbers[i]) == numbers[i] && fabs(numbers[i]) < 9.2e18;
    whole[i] = is_whole ? (int64_t)numbers[i] : 0, all_whole &= is_whole;
  }
  dust_hdf5_value value = {.kind = all_whole ? DUST_HDF5_INTEGERS : DUST_HDF5_NUMBERS, .count = (size_t)count};
  if (all_whole)
    value.integers = whole;
  else
    value.numbers = kept;
  return dust_hdf5_set_attribute(file, name, attribute, &value);
}
