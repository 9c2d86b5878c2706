/* Files that are valid HDF5 and say strange things: attributes of any type, rank and content where a voxel size, an offset or
 * axis names are looked for, datasets of odd shapes, chunks and types. (Bytes that are no HDF5 at all are libhdf5's to refuse.)
 * Whatever is in there, listing and reading end with a result or a message, and nothing leaks. */
#include <hdf5.h>
#include <unistd.h>
#include "base/mem.h"
#include "input.h"
#include "store/hdf5.h"

static hid_t take_type(input *in) {
  static const int sizes[] = {1, 2, 4, 8};
  hid_t type;
  switch (take_byte(in) % 9) {
    case 0: type = H5Tcopy(H5T_NATIVE_DOUBLE); break;
    case 1: type = H5Tcopy(H5T_IEEE_F32BE); break;
    case 2: type = H5Tcopy(H5T_NATIVE_INT64); break;
    case 3:
      type = H5Tcopy(take_byte(in) & 1 ? H5T_STD_I32LE : H5T_STD_U32BE);
      H5Tset_size(type, (size_t)sizes[take_byte(in) % 4]);
      break;
    case 4:
      type = H5Tcopy(H5T_C_S1);
      H5Tset_size(type, 1 + take_byte(in) % 9);
      H5Tset_strpad(type, (H5T_str_t)(take_byte(in) % 3));
      break;
    case 5: {
      const hsize_t dims[2] = {1 + take_byte(in) % 4, 1 + take_byte(in) % 3};
      type = H5Tarray_create2(take_byte(in) & 1 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT16, 1 + take_byte(in) % 2, dims);
      break;
    }
    case 6: {
      type = H5Tenum_create(H5T_NATIVE_INT8);
      const int8_t no = 0, yes = 1;
      H5Tenum_insert(type, "FALSE", &no);
      H5Tenum_insert(type, "TRUE", &yes);
      break;
    }
    case 7:
      type = H5Tcreate(H5T_COMPOUND, 16);
      H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
      H5Tinsert(type, "i", 8, H5T_NATIVE_DOUBLE);
      break;
    default: type = H5Tcreate(H5T_OPAQUE, 1 + take_byte(in) % 7); break;
  }
  return type;
}

static hid_t take_space(input *in, hsize_t *dims, int *rank) {
  *rank = (int)(take_byte(in) % 5);
  const unsigned kind = take_byte(in) % 8;
  if (kind == 0) return H5Screate(H5S_NULL);
  if (kind == 1) return *rank = 0, H5Screate(H5S_SCALAR);
  for (int d = 0; d < *rank; d++) dims[d] = take_byte(in) % 6;
  return *rank ? H5Screate_simple(*rank, dims, NULL) : H5Screate(H5S_SCALAR);
}

static void add_attribute(input *in, hid_t owner) {
  static const char *const names[] = {"resolution", "voxel_size", "offset", "axis_names", "units"};
  const char *name = names[take_byte(in) % 5];
  hsize_t dims[5];
  int rank;
  const hid_t type = take_type(in), space = take_space(in, dims, &rank);
  const hid_t attribute = H5Acreate2(owner, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    const hssize_t points = H5Sget_select_npoints(space);
    const size_t bytes = (size_t)(points > 0 ? points : 0) * H5Tget_size(type);
    uint8_t *values = malloc(bytes + 1);
    take_bytes(in, values, bytes);
    if (bytes) H5Awrite(attribute, type, values);
    free(values);
    H5Aclose(attribute);
  }
  H5Sclose(space);
  H5Tclose(type);
}

#define LZF 32000

static void add_dataset(input *in, hid_t file, const char *name) {
  hsize_t dims[5] = {0}, chunks[5];
  int rank;
  const hid_t type = take_type(in), space = take_space(in, dims, &rank), plist = H5Pcreate(H5P_DATASET_CREATE);
  bool chunked = rank > 0 && take_byte(in) & 1;
  for (int d = 0; d < rank; d++) chunks[d] = 1 + take_byte(in) % 4, chunked = chunked && dims[d] > 0;
  for (int d = 0; d < rank; d++)
    if (chunks[d] > dims[d]) chunks[d] = dims[d] ? dims[d] : 1;
  if (chunked) H5Pset_chunk(plist, rank, chunks);
  const unsigned filter = chunked ? take_byte(in) % 8 : 0;
  if (filter & 4) H5Pset_shuffle(plist);
  if (filter % 4 == 1) H5Pset_deflate(plist, 1);
  if (filter % 4 == 2) H5Pset_filter(plist, LZF, H5Z_FLAG_OPTIONAL, 3, (unsigned[]){4, 261, take_byte(in) * 16});
  if (chunked && take_byte(in) & 1) H5Pset_fletcher32(plist);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  if (dataset >= 0) {
    for (unsigned n = take_byte(in) % 4; n > 0; n--) add_attribute(in, dataset);
    H5Dclose(dataset);
  }
  H5Pclose(plist);
  H5Sclose(space);
  H5Tclose(type);
}

static void make_file(input *in, const char *path) {
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  MUST(file >= 0);
  add_dataset(in, file, "a");
  if (take_byte(in) & 1) add_dataset(in, file, "b");
  if (take_byte(in) & 1) H5Lcreate_soft("/nowhere", file, "c", H5P_DEFAULT, H5P_DEFAULT);
  if (take_byte(in) & 1) H5Lcreate_soft("/", file, "d", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
}

static void read_file(const char *path) {
  static const char *const names[] = {"resolution", "voxel_size", "offset", "axis_names", "units"};
  dust_hdf5 *file = NULL;
  dust_hdf5_info *infos = NULL;
  size_t count = 0;
  MUST(dust_hdf5_open(&file, path, DUST_HDF5_READ) == DUST_OK);
  if (dust_hdf5_list(&infos, &count, file) == DUST_OK) {
    for (size_t i = 0; i < count; i++) {
      dust_ndarray array = {.buffer = NULL};
      for (int k = 0; k < DUST_HDF5_WORD_COUNT; k++)
        MUST(infos[i].word[k].there || (!infos[i].word[k].problem[0] && infos[i].word[k].value.count == 0));
      if (dust_hdf5_read(&array, file, infos[i].name, 0, NULL, NULL) == DUST_OK)
        MUST(array.ndim == infos[i].ndim && array.dtype == infos[i].dtype);
      dust_ndarray_release(&array);
      for (int k = 0; k < 5; k++) {
        dust_hdf5_value value;
        if (dust_hdf5_get_attribute(&value, file, infos[i].name, names[k]) == DUST_OK) dust_hdf5_value_release(&value);
      }
    }
    dust_hdf5_list_release(infos, count);
  }
  MUST(dust_hdf5_close(file) == DUST_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  input in = {data, size};
  const size_t before = dust_mem_in_use();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  snprintf(path, sizeof path, "/tmp/moondust-fuzz-%d.h5", (int)getpid());
  make_file(&in, path);
  read_file(path);
  unlink(path);
  MUST(dust_mem_in_use() == before);
  return 0;
}
