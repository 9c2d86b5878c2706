/* What datasets are: shape, type, chunks, filters, and where their voxels lie in the world. */
#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "store/hdf5_internal.h"

dust_status dust_h5_shape(hid_t dataset, int *ndim, int64_t shape[DUST_HDF5_MAXDIM]) {
  hsize_t size[DUST_HDF5_MAXDIM];
  hid_t space = H5Dget_space(dataset);
  if (space < 0) return DUST_ERROR_WORLD;
  H5S_class_t class = H5Sget_simple_extent_type(space);
  *ndim = class == H5S_NULL ? 1 : H5Sget_simple_extent_dims(space, size, NULL);
  if (class == H5S_NULL) size[0] = 0;
  H5Sclose(space);
  if (*ndim < 0 || *ndim > DUST_HDF5_MAXDIM) return DUST_ERROR_WORLD;
  for (int d = 0; d < *ndim; d++) shape[d] = size[d] > INT64_MAX ? INT64_MAX : (int64_t)size[d];
  return DUST_OK;
}

static void describe_filters(dust_hdf5_info *info, hid_t plist) {
  int count = H5Pget_nfilters(plist);
  info->filter_count = count < 0 ? 0 : count > DUST_HDF5_FILTERS ? DUST_HDF5_FILTERS : count;
  for (int i = 0; i < info->filter_count; i++) {
    unsigned flags, config;
    char in_file[64] = "";
    size_t values = 0;
    H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof in_file - 1, in_file, &config);
    dust_h5_filter_name(info->filters[i], sizeof info->filters[i], id, in_file);
  }
}

static void describe_storage(dust_hdf5_info *info, hid_t dataset) {
  hsize_t chunk[DUST_HDF5_MAXDIM];
  info->bytes = H5Dget_storage_size(dataset);
  hid_t plist = H5Dget_create_plist(dataset);
  if (plist < 0) return;
  info->chunked = H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, DUST_HDF5_MAXDIM, chunk) == info->ndim;
  for (int d = 0; info->chunked && d < info->ndim; d++) info->chunks[d] = (int64_t)chunk[d];
  describe_filters(info, plist);
  H5Pclose(plist);
}

static void describe_world(dust_hdf5_info *info, hid_t dataset) {
  info->voxel_size_count = dust_h5_numbers(dataset, "resolution", info->voxel_size, DUST_HDF5_MAXDIM);
  if (!info->voxel_size_count) info->voxel_size_count = dust_h5_numbers(dataset, "voxel_size", info->voxel_size, DUST_HDF5_MAXDIM);
  info->offset_count = dust_h5_numbers(dataset, "offset", info->offset, DUST_HDF5_MAXDIM);
}

/* axis_names if it is strings; anything else is as good as absent. */
static dust_status describe_axes(dust_hdf5_info *info, const dust_hdf5 *file, const char *clean, hid_t dataset) {
  info->axes = (dust_hdf5_value){.kind = DUST_HDF5_STRINGS};
  if (H5Aexists(dataset, "axis_names") <= 0) return DUST_OK;
  dust_hdf5_value value;
  dust_status status = dust_h5_value(&value, file, clean, dataset, "axis_names");
  if (status == DUST_ERROR_MEMORY) return status;
  if (status == DUST_OK && value.kind == DUST_HDF5_STRINGS)
    info->axes = value;
  else if (status == DUST_OK)
    dust_hdf5_value_release(&value);
  return DUST_OK;
}

dust_status dust_h5_info(dust_hdf5_info *out, dust_hdf5 *file, const char *clean, hid_t dataset) {
  dust_hdf5_info info = {0};
  void *name = NULL;
  dust_status status = DUST_OK;
  hid_t type = H5Dget_type(dataset);
  if (type < 0 || dust_h5_shape(dataset, &info.ndim, info.shape) != DUST_OK) {
    status = dust_h5_fail(file, "reading the header of", clean);
    goto done;
  }
  info.dtype = dust_h5_dtype(type, info.type, sizeof info.type);
  describe_storage(&info, dataset);
  describe_world(&info, dataset);
  DUST_GO(dust_alloc(&name, strlen(clean) + 1));
  DUST_GO(describe_axes(&info, file, clean, dataset));
  info.name = strcpy(name, clean);
  *out = info;
done:
  if (type >= 0) H5Tclose(type);
  if (status != DUST_OK) dust_free(name);
  return status;
}

static dust_status get_info(dust_hdf5_info *out, dust_hdf5 *file, const char *name) {
  char clean[DUST_HDF5_NAME];
  hid_t dataset;
  DUST_TRY(dust_h5_clean_name(clean, name));
  DUST_TRY(dust_h5_dataset(&dataset, file, clean));
  return dust_h5_info(out, file, clean, dataset);
}

dust_status dust_hdf5_get_info(dust_hdf5_info *out, dust_hdf5 *file, const char *name) { DUST_H5_CALL(get_info(out, file, name)); }

void dust_hdf5_info_release(dust_hdf5_info *info) {
  dust_free(info->name);
  info->name = NULL;
  dust_hdf5_value_release(&info->axes);
}
