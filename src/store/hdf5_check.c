/* Whether files are whole: the structure of one that was just written, and all voxels of any. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "store/crc32c.h"
#include "store/hdf5_internal.h"

#define MOST_AT_ONCE ((uint64_t)32 << 20) /* bytes that are read together */

/* ---- structure */

/* A dataset's header, its index of chunks, and that contiguous voxels end before the file does. */
static dust_status verify_dataset(const dust_hdf5 *file, const char *clean, uint64_t end) {
  int ndim;
  int64_t shape[DUST_HDF5_MAXDIM];
  hid_t dataset = H5Dopen2(file->id, clean, H5P_DEFAULT);
  if (dataset < 0) return dust_h5_fail(file, "reading back", clean);
  hid_t type = H5Dget_type(dataset), list = H5Dget_create_plist(dataset);
  bool fine = type >= 0 && list >= 0 && dust_h5_shape(dataset, &ndim, shape) == DUST_OK;
  dust_status status = fine ? DUST_OK : dust_h5_fail(file, "reading back", clean);
  if (fine) {
    hsize_t stored = H5Dget_storage_size(dataset);
    haddr_t offset = H5Dget_offset(dataset);
    if (H5Pget_layout(list) == H5D_CONTIGUOUS && offset != HADDR_UNDEF && (offset > end || stored > end - offset))
      status = dust_fail(DUST_ERROR_WORLD, "%s: reading back '%s' failed: its voxels end beyond the file", file->path, clean);
  }
  if (list >= 0) H5Pclose(list);
  if (type >= 0) H5Tclose(type);
  H5Dclose(dataset);
  return status;
}

dust_status dust_h5_verify(const char *path, const char *shown) {
  dust_h5_trouble trouble = {0};
  dust_hdf5 file = {.id = -1, .path = (char *)(uintptr_t)shown, .trouble = &trouble};
  dust_h5_names names = {0};
  struct stat about;
  dust_status status = DUST_OK;
  hid_t list = dust_h5_access_list(NULL);
  if (list >= 0 && H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) >= 0) file.id = H5Fopen(path, H5F_ACC_RDONLY, list);
  if (file.id < 0 || stat(path, &about) != 0)
    status = dust_h5_fail(&file, "reading back", "");
  else
    status = dust_h5_dataset_names(&names, &file);
  for (size_t i = 0; i < names.count && status == DUST_OK; i++) status = verify_dataset(&file, names.name[i], (uint64_t)about.st_size);
  dust_h5_names_release(&names);
  if (file.id >= 0 && H5Fclose(file.id) < 0 && status == DUST_OK) status = dust_h5_fail(&file, "reading back", "");
  if (list >= 0) H5Pclose(list);
  return status;
}

/* ---- voxels */

static dust_status names_inside(dust_h5_names *out, dust_hdf5 *file) { DUST_H5_CALL(dust_h5_dataset_names(out, file)); }

/* Reads boxes in C order: whole along the axes after `along`, `step` along it, one voxel along those before. */
static dust_status sum_voxels(uint32_t *sum, dust_hdf5 *file, const dust_hdf5_info *info) {
  int64_t begin[DUST_MAXDIM] = {0}, shape[DUST_MAXDIM];
  uint64_t bytes = dust_dtype_size(info->dtype);
  int along = info->ndim - 1;
  *sum = 0;
  for (int d = 0; d < info->ndim; d++)
    if (info->shape[d] == 0) return DUST_OK;
  for (; along > 0 && bytes * (uint64_t)info->shape[along] <= MOST_AT_ONCE; along--) bytes *= (uint64_t)info->shape[along];
  for (int d = 0; d < info->ndim; d++) shape[d] = d <= along ? 1 : info->shape[d];
  int64_t step = bytes >= MOST_AT_ONCE ? 1 : (int64_t)(MOST_AT_ONCE / bytes);
  if (info->ndim && info->chunked && step > info->chunks[along]) step -= step % info->chunks[along];
  for (;;) {
    dust_ndarray box = {0};
    if (info->ndim) shape[along] = info->shape[along] - begin[along] < step ? info->shape[along] - begin[along] : step;
    DUST_TRY(dust_hdf5_read(&box, file, info->name, info->ndim, begin, shape));
    *sum = dust_crc32c(*sum, box.data, (size_t)dust_ndarray_count(&box) * dust_dtype_size(box.dtype));
    dust_ndarray_release(&box);
    if (info->ndim == 0) return DUST_OK;
    begin[along] += shape[along];
    int d = along;
    while (d > 0 && begin[d] >= info->shape[d]) begin[d] = 0, begin[--d]++;
    if (begin[0] >= info->shape[0]) return DUST_OK;
  }
}

static dust_status text(char **out, const char *from) {
  void *block;
  DUST_TRY(dust_alloc(&block, strlen(from) + 1));
  *out = strcpy(block, from);
  return DUST_OK;
}

static dust_status compare(dust_hdf5_finding *finding, dust_hdf5 *file, const dust_hdf5_info *info) {
  dust_hdf5_value value = {0};
  uint32_t sum;
  DUST_TRY(sum_voxels(&sum, file, info));
  if (dust_hdf5_get_attribute(&value, file, info->name, "crc32c") != DUST_OK) return DUST_OK;
  bool is_sum = value.kind == DUST_HDF5_INTEGERS && value.count == 1;
  uint32_t should = is_sum ? (uint32_t)value.integers[0] : 0;
  dust_hdf5_value_release(&value);
  finding->sums = is_sum;
  if (!is_sum || should == sum) return DUST_OK;
  return dust_fail(DUST_ERROR_WORLD, "%s: the voxels of '%s' aren't those that were written: their CRC32C is %08x, the attribute says %08x",
                   dust_hdf5_written_to(file), info->name, (unsigned)sum, (unsigned)should);
}

static dust_status check_one(dust_hdf5_finding *finding, dust_hdf5 *file, const char *name) {
  dust_hdf5_info info;
  DUST_TRY(text(&finding->name, name));
  dust_status status = dust_hdf5_get_info(&info, file, name);
  if (status == DUST_OK) {
    if (info.dtype != DUST_DTYPE_NONE && info.ndim <= DUST_MAXDIM) status = compare(finding, file, &info);
    dust_hdf5_info_release(&info);
  }
  finding->ok = status == DUST_OK;
  if (status == DUST_OK || status == DUST_ERROR_MEMORY) return status;
  return text(&finding->message, dust_message());
}

void dust_hdf5_check_release(dust_hdf5_finding *findings, size_t count) {
  for (size_t i = 0; findings && i < count; i++) dust_free(findings[i].name), dust_free(findings[i].message);
  dust_free(findings);
}

dust_status dust_hdf5_check(dust_hdf5_finding **out, size_t *count, const char *path) {
  dust_hdf5 *file = NULL;
  dust_h5_names names = {0};
  void *block = NULL;
  size_t n = 0;
  dust_status status;
  DUST_GO(dust_hdf5_open(&file, path, DUST_HDF5_READ));
  DUST_GO(names_inside(&names, file));
  DUST_GO(dust_calloc(&block, names.count + 1, sizeof(dust_hdf5_finding)));
  for (; n < names.count; n++) DUST_GO(check_one((dust_hdf5_finding *)block + n, file, names.name[n]));
  *out = block, *count = names.count;
done:
  if (status != DUST_OK) dust_hdf5_check_release(block, names.count);
  dust_h5_names_release(&names);
  if (file) {
    char first[1024];
    snprintf(first, sizeof first, "%s", dust_message());
    dust_status closing = dust_hdf5_close(file);
    if (status != DUST_OK)
      dust_fail(status, "%s", first);
    else if (closing != DUST_OK) {
      dust_hdf5_check_release(*out, *count);
      status = closing;
    }
  }
  return status;
}
