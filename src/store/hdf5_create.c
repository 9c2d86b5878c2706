/* New datasets: chunks, compression, parent groups.
 *
 * The same calls make the same bytes: HDF5 is told to keep no times. A dataset without voxels or axes is never chunked (HDF5
 * can't).
 */
#include <stdio.h>
#include <string.h>
#include "store/hdf5_internal.h"

#define CHUNK_LEAST ((uint64_t)64 << 10)
#define CHUNK_MOST ((uint64_t)1 << 20)
#define CHUNK_EDGE 64

static uint64_t volume(int ndim, const int64_t *shape, size_t item_size) {
  uint64_t bytes = item_size;
  for (int d = 0; d < ndim; d++) bytes *= (uint64_t)shape[d];
  return bytes;
}

/* The last axis whose chunk is the smallest of those that can still grow; -1 when none can. */
static int axis_to_grow(int ndim, const int64_t *chunks, const int64_t *shape) {
  int best = -1;
  for (int d = ndim - 1; d >= 0; d--)
    if (chunks[d] < shape[d] && (best < 0 || chunks[d] < chunks[best])) best = d;
  return best;
}

/* Channels and time stay single, the last three axes start as a cube; then it shrinks along its longest edge or grows along its
 * shortest. */
void dust_hdf5_choose_chunks(int64_t *chunks, size_t item_size, int ndim, const int64_t *shape) {
  for (int d = 0; d < ndim; d++) {
    int64_t edge = d < ndim - 3 ? 1 : CHUNK_EDGE, most = shape[d] < 1 ? 1 : shape[d];
    chunks[d] = edge < most ? edge : most;
  }
  while (volume(ndim, chunks, item_size) > CHUNK_MOST) {
    int longest = 0;
    for (int d = 1; d < ndim; d++)
      if (chunks[d] > chunks[longest]) longest = d;
    chunks[longest] = (chunks[longest] + 1) / 2;
  }
  for (int d; volume(ndim, chunks, item_size) < CHUNK_LEAST && (d = axis_to_grow(ndim, chunks, shape)) >= 0;)
    chunks[d] = 2 * chunks[d] < shape[d] ? 2 * chunks[d] : shape[d];
}

/* HDF5 keeps the size of a chunk in 32 bits. */
static dust_status check_chunks(const int64_t *chunks, const int64_t *shape, size_t item_size, const dust_hdf5 *file, const char *clean,
                                int ndim) {
  uint64_t bytes = item_size;
  for (int d = 0; d < ndim; d++) {
    if (chunks[d] < 1)
      return dust_fail(DUST_ERROR_ARGUMENT, "%s: '%s': chunks of %lld voxels along axis %d, must be 1 or more", file->path, clean,
                       (long long)chunks[d], d + 1);
    if (__builtin_mul_overflow(bytes, (uint64_t)(chunks[d] < shape[d] ? chunks[d] : shape[d]), &bytes) || bytes > UINT32_MAX)
      return dust_fail(DUST_ERROR_ARGUMENT, "%s: '%s': a chunk of 4 GiB or more, HDF5 takes less", file->path, clean);
  }
  return DUST_OK;
}

static dust_status check_layout(const dust_hdf5_layout *layout, const dust_hdf5 *file, const char *clean) {
  if (layout->compression < 0 || layout->compression > 9)
    return dust_fail(DUST_ERROR_ARGUMENT, "%s: '%s': compression is 1 to 9 or 0 for none, not %d", file->path, clean, layout->compression);
  if (layout->layout == DUST_HDF5_CONTIGUOUS && layout->compression)
    return dust_fail(DUST_ERROR_ARGUMENT, "%s: '%s': a contiguous dataset can't be compressed: give chunks or leave compression away",
                     file->path, clean);
  return DUST_OK;
}

static dust_status check_shape(const dust_hdf5 *file, const char *clean, dust_dtype dtype, int ndim, const int64_t *shape) {
  if (!clean[0]) return dust_fail(DUST_ERROR_ARGUMENT, "%s: a dataset needs a name other than '/'", file->path);
  if (ndim < 0 || ndim > DUST_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "%s: '%s' would have %d axes, 0 to %d are possible", file->path, clean, ndim, DUST_MAXDIM);
  uint64_t bytes = dust_dtype_size(dtype);
  for (int d = 0; d < ndim; d++) {
    if (shape[d] < 0)
      return dust_fail(DUST_ERROR_ARGUMENT, "%s: '%s': a shape of %lld along axis %d", file->path, clean, (long long)shape[d], d + 1);
    if (shape[d] && __builtin_mul_overflow(bytes, (uint64_t)shape[d], &bytes))
      return dust_fail(DUST_ERROR_RANGE, "%s: '%s' would have more than 2^64 bytes", file->path, clean);
  }
  return DUST_OK;
}

/* The chunk shape that the layout means; false: not chunked. */
static bool chunks_for(hsize_t *out, const dust_hdf5_layout *layout, size_t item_size, int ndim, const int64_t *shape) {
  int64_t chunks[DUST_MAXDIM];
  for (int d = 0; d < ndim; d++)
    if (shape[d] == 0) return false;
  if (ndim == 0 || layout->layout == DUST_HDF5_CONTIGUOUS) return false;
  if (layout->layout == DUST_HDF5_CHUNKS_GIVEN)
    memcpy(chunks, layout->chunks, sizeof chunks);
  else
    dust_hdf5_choose_chunks(chunks, item_size, ndim, shape);
  for (int d = 0; d < ndim; d++) out[d] = (hsize_t)(chunks[d] < shape[d] ? chunks[d] : shape[d]);
  return true;
}

static bool set_properties(hid_t plist, const dust_hdf5_layout *layout, size_t item_size, int ndim, const int64_t *shape) {
  hsize_t chunks[DUST_MAXDIM];
  if (H5Pset_obj_track_times(plist, false) < 0) return false;
  if (!chunks_for(chunks, layout, item_size, ndim, shape)) return true;
  if (H5Pset_chunk(plist, ndim, chunks) < 0) return false;
  return !layout->compression || (H5Pset_shuffle(plist) >= 0 && H5Pset_deflate(plist, (unsigned)layout->compression) >= 0);
}

/* The groups on the way to `clean` that aren't there, without times. */
static dust_status make_parents(dust_hdf5 *file, const char *clean) {
  char group[DUST_HDF5_NAME];
  for (const char *slash = strchr(clean, '/'); slash; slash = strchr(slash + 1, '/')) {
    memcpy(group, clean, (size_t)(slash - clean));
    group[slash - clean] = 0;
    if (H5Lexists(file->id, group, H5P_DEFAULT) > 0) continue;
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE), id = -1;
    if (plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0) id = H5Gcreate2(file->id, group, H5P_DEFAULT, plist, H5P_DEFAULT);
    dust_status status = id < 0 ? dust_h5_fail(file, "making group", group) : DUST_OK;
    if (id >= 0 && H5Gclose(id) < 0 && status == DUST_OK) status = dust_h5_fail(file, "making group", group);
    if (plist >= 0) H5Pclose(plist);
    DUST_TRY(status);
  }
  return DUST_OK;
}

static dust_status make_dataset(dust_hdf5 *file, const char *clean, dust_dtype dtype, int ndim, const int64_t *shape,
                                const dust_hdf5_layout *layout) {
  hsize_t size[DUST_MAXDIM];
  for (int d = 0; d < ndim; d++) size[d] = (hsize_t)shape[d];
  DUST_TRY(make_parents(file, clean));
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), dataset = -1;
  hid_t space = ndim ? H5Screate_simple(ndim, size, NULL) : H5Screate(H5S_SCALAR);
  if (plist >= 0 && space >= 0 && set_properties(plist, layout, dust_dtype_size(dtype), ndim, shape))
    dataset = H5Dcreate2(file->id, clean, dust_h5_native(dtype), space, H5P_DEFAULT, plist, H5P_DEFAULT);
  dust_status status = dataset < 0 ? dust_h5_fail(file, "making", clean) : DUST_OK;
  if (dataset >= 0) H5Dclose(dataset);
  if (space >= 0) H5Sclose(space);
  if (plist >= 0) H5Pclose(plist);
  return status;
}

static dust_status create(dust_hdf5 *file, const char *name, dust_dtype dtype, int ndim, const int64_t *shape,
                          const dust_hdf5_layout *layout) {
  static const dust_hdf5_layout chosen = {.layout = DUST_HDF5_CHUNKS_CHOSEN};
  char clean[DUST_HDF5_NAME];
  if (!layout) layout = &chosen;
  DUST_TRY(dust_h5_writable(file));
  DUST_TRY(dust_h5_clean_name(clean, name));
  DUST_TRY(check_shape(file, clean, dtype, ndim, shape));
  DUST_TRY(check_layout(layout, file, clean));
  if (layout->layout == DUST_HDF5_CHUNKS_GIVEN) DUST_TRY(check_chunks(layout->chunks, shape, dust_dtype_size(dtype), file, clean, ndim));
  if (dust_h5_exists(file, clean))
    return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is there already: choose another name or file", file->path, clean);
  DUST_TRY(make_dataset(file, clean, dtype, ndim, shape, layout));
  DUST_TRY(dust_h5_sum_made(file, clean, dtype, ndim, shape));
  DUST_TRY(dust_h5_stream_touch(file, clean));
  return dust_h5_sound(file);
}

dust_status dust_hdf5_create(dust_hdf5 *file, const char *name, dust_dtype dtype, int ndim, const int64_t *shape,
                             const dust_hdf5_layout *layout) {
  DUST_H5_CALL(create(file, name, dtype, ndim, shape, layout));
}
