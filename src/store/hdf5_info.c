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

static bool describe_filters(dust_hdf5_info *info, hid_t plist) {
  int count = H5Pget_nfilters(plist);
  if (count < 0) return false;
  info->filter_count = count > DUST_HDF5_FILTERS ? DUST_HDF5_FILTERS : count;
  for (int i = 0; i < info->filter_count; i++) {
    unsigned flags, config;
    char in_file[64] = "";
    size_t values = 0;
    H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof in_file - 1, in_file, &config);
    if (id < 0) return false;
    dust_h5_filter_name(info->filters[i], sizeof info->filters[i], id, in_file);
  }
  return true;
}

/* False when HDF5 doesn't tell. */
static bool describe_storage(dust_hdf5_info *info, hid_t dataset) {
  hsize_t chunk[DUST_HDF5_MAXDIM];
  info->bytes = H5Dget_storage_size(dataset);
  hid_t plist = H5Dget_create_plist(dataset);
  if (plist < 0) return false;
  H5D_layout_t layout = H5Pget_layout(plist);
  bool external = layout == H5D_CONTIGUOUS && H5Pget_external_count(plist) > 0;
  info->storage = layout == H5D_CHUNKED   ? DUST_HDF5_STORED_CHUNKED
                  : layout == H5D_COMPACT ? DUST_HDF5_STORED_COMPACT
                  : layout == H5D_VIRTUAL ? DUST_HDF5_STORED_VIRTUAL
                  : external              ? DUST_HDF5_STORED_EXTERNAL
                                          : DUST_HDF5_STORED_CONTIGUOUS;
  info->chunked = layout == H5D_CHUNKED && H5Pget_chunk(plist, DUST_HDF5_MAXDIM, chunk) == info->ndim;
  for (int d = 0; info->chunked && d < info->ndim; d++) info->chunks[d] = (int64_t)chunk[d];
  bool fine = layout >= 0 && (layout != H5D_CHUNKED || info->chunked) && describe_filters(info, plist);
  if (fine) H5Pclose(plist); /* after a failure HDF5's reason would be gone */
  return fine;
}

const char *const dust_hdf5_word_names[DUST_HDF5_WORD_COUNT] = {"resolution", "voxel_size", "offset", "axis_names", "units"};

static dust_status describe_world(dust_hdf5_info *info, const dust_hdf5 *file, const char *clean, hid_t dataset) {
  for (int i = 0; i < DUST_HDF5_WORD_COUNT; i++) {
    dust_hdf5_word *word = &info->word[i];
    htri_t there = H5Aexists(dataset, dust_hdf5_word_names[i]);
    word->there = there != 0;
    if (there < 0) snprintf(word->problem, sizeof word->problem, "an attribute that is damaged");
    if (there > 0) DUST_TRY(dust_h5_word(word, file, clean, dataset, dust_hdf5_word_names[i]));
  }
  return DUST_OK;
}

static dust_status set_problem(dust_hdf5_info *info, const char *text) {
  void *copy = NULL;
  DUST_TRY(dust_alloc(&copy, strlen(text) + 1));
  info->problem = strcpy(copy, text);
  return DUST_OK;
}

/* Whether reading the voxels can be expected to work; only lack of memory fails. */
static dust_status describe_problem(dust_hdf5_info *info, dust_hdf5 *file, const char *clean, hid_t dataset) {
  bool elsewhere = info->storage == DUST_HDF5_STORED_EXTERNAL || info->storage == DUST_HDF5_STORED_VIRTUAL;
  dust_status status = elsewhere ? dust_h5_check_storage(file, dataset, clean) : DUST_OK;
  if (status == DUST_OK && info->filter_count && dust_h5_fail_filter(file, "reading", clean, dataset)) status = DUST_ERROR_WORLD;
  return status == DUST_OK || status == DUST_ERROR_MEMORY ? status : set_problem(info, dust_message());
}

dust_status dust_h5_unreadable(dust_hdf5_info *out, const char *clean, const char *problem) {
  dust_hdf5_info info = {.ndim = 0, .dtype = DUST_DTYPE_NONE};
  void *name = NULL;
  DUST_TRY(dust_alloc(&name, strlen(clean) + 1));
  info.name = strcpy(name, clean);
  dust_status status = set_problem(&info, problem);
  if (status != DUST_OK) return dust_free(name), status;
  *out = info;
  return DUST_OK;
}

dust_status dust_h5_info(dust_hdf5_info *out, dust_hdf5 *file, const char *clean, hid_t dataset) {
  dust_hdf5_info info = {.opened = true};
  void *name = NULL;
  dust_status status = DUST_OK;
  hid_t type = H5Dget_type(dataset);
  if (type < 0 || dust_h5_shape(dataset, &info.ndim, info.shape) != DUST_OK) {
    status = dust_h5_fail(file, "reading the header of", clean);
    goto done;
  }
  info.dtype = dust_h5_dtype(type, info.type, sizeof info.type);
  if (!describe_storage(&info, dataset)) {
    status = dust_h5_fail(file, "reading the header of", clean);
    goto done;
  }
  DUST_GO(dust_alloc(&name, strlen(clean) + 1));
  DUST_GO(describe_world(&info, file, clean, dataset));
  DUST_GO(describe_problem(&info, file, clean, dataset));
  if (dust_h5_failed_below()) DUST_GO(dust_h5_fail(file, "reading the header of", clean));
  info.name = strcpy(name, clean), name = NULL;
  *out = info;
done:
  if (type >= 0) H5Tclose(type);
  dust_free(name);
  if (status != DUST_OK) dust_hdf5_info_release(&info);
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
  dust_free(info->problem);
  info->problem = NULL;
  for (int i = 0; i < DUST_HDF5_WORD_COUNT; i++) dust_hdf5_value_release(&info->word[i].value);
}
