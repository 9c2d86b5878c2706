/* Element types: the file's against our ten.
 *
 * HDF5's types are built freely: any size, either byte order, fewer bits than bytes, enumerations over integers. What is an
 * integer or a float of up to 8 bytes is read as the smallest of ours that holds every value; HDF5 converts. h5py's bool, an
 * enumeration { FALSE = 0, TRUE = 1 } over int8, becomes uint8.
 */
#include <stdio.h>
#include <string.h>
#include "store/hdf5_internal.h"

static bool is_bool(hid_t type) {
  if (H5Tget_nmembers(type) != 2) return false;
  int8_t no = -1, yes = -1;
  return H5Tget_size(type) == 1 && H5Tenum_valueof(type, "FALSE", &no) >= 0 && H5Tenum_valueof(type, "TRUE", &yes) >= 0 && no == 0 &&
         yes == 1;
}

static dust_dtype integer_dtype(size_t size, bool is_signed) {
  if (size == 0 || size > 8) return DUST_DTYPE_NONE;
  int step = size <= 1 ? 0 : size <= 2 ? 1 : size <= 4 ? 2 : 3;
  return (dust_dtype)((is_signed ? DUST_INT8 : DUST_UINT8) + step);
}

static const char *order_word(hid_t type) {
  if (H5Tget_size(type) <= 1) return "";
  H5T_order_t order = H5Tget_order(type);
  if (order == H5Tget_order(H5T_NATIVE_INT)) return "";
  return order == H5T_ORDER_BE ? ", big-endian" : order == H5T_ORDER_LE ? ", little-endian" : ", odd byte order";
}

static dust_dtype number_dtype(hid_t type, H5T_class_t class, char *words, size_t size) {
  size_t bytes = H5Tget_size(type), bits = H5Tget_precision(type);
  if (class == H5T_FLOAT) {
    snprintf(words, size, "float%zu%s", bytes * 8, order_word(type));
    return bytes <= 4 ? DUST_FLOAT32 : bytes <= 8 ? DUST_FLOAT64 : DUST_DTYPE_NONE;
  }
  bool is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
  const char *name = class == H5T_BITFIELD ? "bitfield" : is_signed ? "int" : "uint";
  if (bits == bytes * 8)
    snprintf(words, size, "%s%zu%s", name, bits, order_word(type));
  else
    snprintf(words, size, "%s of %zu bits in %zu bytes%s", name, bits, bytes, order_word(type));
  if (class == H5T_BITFIELD && (bytes & (bytes - 1))) return DUST_DTYPE_NONE;
  return integer_dtype(bytes, is_signed);
}

static dust_dtype enum_dtype(hid_t type, char *words, size_t size) {
  if (is_bool(type)) return snprintf(words, size, "bool"), DUST_UINT8;
  hid_t super = H5Tget_super(type);
  char base[64] = "?";
  dust_dtype dtype = super < 0 ? DUST_DTYPE_NONE : number_dtype(super, H5T_INTEGER, base, sizeof base);
  if (super >= 0) H5Tclose(super);
  snprintf(words, size, "enumeration of %d names over %s", H5Tget_nmembers(type), base);
  return dtype;
}

dust_dtype dust_h5_dtype(hid_t type, char *words, size_t size) {
  char unwanted[DUST_HDF5_WORDS];
  if (!words) words = unwanted, size = sizeof unwanted;
  H5T_class_t class = H5Tget_class(type);
  switch (class) {
    case H5T_INTEGER:
    case H5T_FLOAT:
    case H5T_BITFIELD: return number_dtype(type, class, words, size);
    case H5T_ENUM: return enum_dtype(type, words, size);
    case H5T_STRING:
      if (H5Tis_variable_str(type) > 0)
        snprintf(words, size, "string of any length");
      else
        snprintf(words, size, "string of %zu bytes", H5Tget_size(type));
      break;
    case H5T_COMPOUND: snprintf(words, size, "compound of %d fields", H5Tget_nmembers(type)); break;
    case H5T_ARRAY: snprintf(words, size, "array of %zu bytes an element", H5Tget_size(type)); break;
    case H5T_VLEN: snprintf(words, size, "sequences of any length"); break;
    case H5T_REFERENCE: snprintf(words, size, "reference"); break;
    case H5T_OPAQUE: snprintf(words, size, "opaque, %zu bytes", H5Tget_size(type)); break;
    case H5T_TIME: snprintf(words, size, "time"); break;
    default: snprintf(words, size, "unknown type"); break;
  }
  return DUST_DTYPE_NONE;
}

hid_t dust_h5_native(dust_dtype dtype) {
  switch (dtype) {
    case DUST_UINT8: return H5T_NATIVE_UINT8;
    case DUST_UINT16: return H5T_NATIVE_UINT16;
    case DUST_UINT32: return H5T_NATIVE_UINT32;
    case DUST_UINT64: return H5T_NATIVE_UINT64;
    case DUST_INT8: return H5T_NATIVE_INT8;
    case DUST_INT16: return H5T_NATIVE_INT16;
    case DUST_INT32: return H5T_NATIVE_INT32;
    case DUST_INT64: return H5T_NATIVE_INT64;
    case DUST_FLOAT32: return H5T_NATIVE_FLOAT;
    case DUST_FLOAT64: return H5T_NATIVE_DOUBLE;
    default: return -1;
  }
}

bool dust_h5_moves_only(hid_t type) {
  H5T_class_t class = H5Tget_class(type);
  return class == H5T_ENUM || class == H5T_BITFIELD;
}

/* HDF5 reads an enumeration as its integers but converts nothing into one; writing takes the native twin, whose elements are
 * those integers. Bit fields go either way as bit fields only. */
hid_t dust_h5_memory_type(hid_t type, dust_dtype dtype, bool writing) {
  H5T_class_t class = H5Tget_class(type);
  if (class == H5T_BITFIELD || (class == H5T_ENUM && writing)) return H5Tget_native_type(type, H5T_DIR_DEFAULT);
  return H5Tcopy(dust_h5_native(dtype));
}
