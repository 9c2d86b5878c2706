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

#define MOST_CHUNKS 20000                    /* that are looked up one by one, which HDF5 takes longer for the more there are */
#define MOST_UNSTORED ((double)(1ull << 40)) /* voxels of a virtual dataset */

/* How much of a dataset the file holds. A few bytes can declare 2^62 voxels, and reading what isn't there takes years. */
typedef struct stored {
  bool all;       /* or so much that all is read */
  int64_t chunks; /* otherwise: in how many chunks */
  hsize_t *begin; /* of each of them, info->ndim numbers */
} stored;

static dust_status find_stored(stored *out, const dust_hdf5 *file, hid_t dataset, hid_t space, hid_t list, const dust_hdf5_info *info) {
  double voxels = 1, wanted = 1;
  hsize_t there = 0;
  out->all = true;
  for (int d = 0; d < info->ndim; d++) {
    voxels *= (double)info->shape[d];
    if (info->chunked) wanted *= (double)((info->shape[d] - 1) / info->chunks[d] + 1);
  }
  const H5D_layout_t layout = H5Pget_layout(list);
  if (layout == H5D_VIRTUAL && voxels > MOST_UNSTORED)
    return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is virtual and of %.3g voxels, too many to be read", file->path, info->name, voxels);
  if (layout == H5D_CONTIGUOUS && H5Dget_storage_size(dataset) == 0 && H5Pget_external_count(list) == 0) out->all = false;
  if (layout != H5D_CHUNKED || wanted <= MOST_CHUNKS) return DUST_OK;
  if (H5Dget_num_chunks(dataset, space, &there) < 0) return dust_h5_fail(file, "counting chunks of", info->name);
  out->all = there > MOST_CHUNKS || (double)there > wanted / 8;
  out->chunks = (int64_t)there;
  return DUST_OK;
}

static dust_status look_chunks_up(stored *out, const dust_hdf5 *file, hid_t dataset, hid_t space, const dust_hdf5_info *info) {
  void *block;
  DUST_TRY(dust_calloc(&block, (size_t)out->chunks + 1, (size_t)info->ndim * sizeof *out->begin));
  out->begin = block;
  for (int64_t i = 0; i < out->chunks; i++)
    if (H5Dget_chunk_info(dataset, space, (hsize_t)i, out->begin + i * info->ndim, NULL, NULL, NULL) < 0)
      return dust_h5_fail(file, "looking for chunks of", info->name);
  return DUST_OK;
}

static dust_status look_up(stored *out, const dust_hdf5 *file, const dust_hdf5_info *info) {
  hid_t dataset = H5Dopen2(file->id, info->name, file->dataset_access);
  if (dataset < 0) return dust_h5_fail(file, "opening dataset", info->name);
  hid_t space = H5Dget_space(dataset), list = H5Dget_create_plist(dataset);
  dust_status status =
      space >= 0 && list >= 0 ? find_stored(out, file, dataset, space, list, info) : dust_h5_fail(file, "looking at", info->name);
  if (status == DUST_OK && !out->all) status = look_chunks_up(out, file, dataset, space, info);
  if (list >= 0) H5Pclose(list);
  if (space >= 0) H5Sclose(space);
  H5Dclose(dataset);
  return status;
}

static dust_status look_inside(stored *out, dust_hdf5 *file, const dust_hdf5_info *info) { DUST_H5_CALL(look_up(out, file, info)); }

static dust_status read_chunk(uint32_t *bare, dust_hdf5 *file, const dust_hdf5_info *info, const hsize_t *offset) {
  dust_ndarray box = {0};
  int64_t begin[DUST_MAXDIM], shape[DUST_MAXDIM];
  for (int d = 0; d < info->ndim; d++) {
    if (offset[d] >= (hsize_t)info->shape[d]) return DUST_OK; /* left behind when the dataset was made smaller */
    const int64_t rest = info->shape[d] - (int64_t)offset[d];
    begin[d] = (int64_t)offset[d], shape[d] = rest < info->chunks[d] ? rest : info->chunks[d];
  }
  DUST_TRY(dust_hdf5_read(&box, file, info->name, info->ndim, begin, shape));
  *bare ^= dust_h5_sum_of_box(info, begin, shape, box.data);
  dust_ndarray_release(&box);
  return DUST_OK;
}

/* Reads all voxels that are stored; what isn't is taken for zeros in the checksum, as writing does. */
static dust_status read_all(stored *what, uint32_t *sum, dust_hdf5 *file, const dust_hdf5_info *info) {
  DUST_TRY(look_inside(what, file, info));
  if (what->all) return sum_voxels(sum, file, info);
  uint64_t bytes = dust_dtype_size(info->dtype);
  uint32_t bare = 0;
  for (int d = 0; d < info->ndim; d++) bytes *= (uint64_t)info->shape[d];
  for (int64_t i = 0; i < what->chunks; i++) DUST_TRY(read_chunk(&bare, file, info, what->begin + i * info->ndim));
  *sum = dust_crc32c_finish(bare, bytes);
  return DUST_OK;
}

static dust_status text(char **out, const char *from) {
  void *block;
  DUST_TRY(dust_alloc(&block, strlen(from) + 1));
  *out = strcpy(block, from);
  return DUST_OK;
}

static dust_status compare(dust_hdf5_finding *finding, dust_hdf5 *file, const dust_hdf5_info *info) {
  dust_hdf5_value value = {0};
  uint32_t sum = 0;
  stored part = {0};
  dust_status status = read_all(&part, &sum, file, info);
  dust_free(part.begin);
  if (status != DUST_OK) return status;
  status = dust_hdf5_get_attribute(&value, file, info->name, "crc32c");
  if (status != DUST_OK) return status == DUST_ERROR_MEMORY ? status : DUST_OK; /* most have none */
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
