/* Which datasets can be read without HDF5's own machinery. Everything that isn't known to be simple is HDF5's.
 *
 * The descriptor is a duplicate of the one HDF5 has open on the dataset's own file (which an external link may have led to), so
 * it is that file whatever happens to its name. HDF5 counts addresses from its superblock; only where that is at byte 0 are they
 * ours.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "store/hdf5_fast_internal.h"

#define MOST_PLACES 8192 /* chunks; HDF5 1.10 takes 5 ns a chunk of the dataset to find one, and that again for each */
#define MOST_CHUNK ((size_t)1 << 30)

static bool describe_elements(dust_h5_fast *fast, hid_t type) {
  dust_dtype dtype = dust_h5_dtype(type, NULL, 0);
  if (dtype == DUST_DTYPE_NONE || H5Tequal(type, dust_h5_native(dtype)) <= 0) return false;
  fast->item = dust_dtype_size(dtype);
  return true;
}

static bool describe_shape(dust_h5_fast *fast, hid_t dataset) {
  int64_t extent[DUST_HDF5_MAXDIM], bytes = (int64_t)fast->item;
  if (dust_h5_shape(dataset, &fast->ndim, extent) != DUST_OK || fast->ndim < 1 || fast->ndim > DUST_MAXDIM) return false;
  for (int d = 0; d < fast->ndim; d++) {
    fast->extent[d] = extent[d];
    if (extent[d] < 1 || extent[d] > INT64_MAX / 2 || __builtin_mul_overflow(bytes, extent[d], &bytes)) return false;
  }
  return true;
}

static bool describe_contiguous(dust_h5_fast *fast, hid_t dataset, hid_t plist) {
  int64_t end = (int64_t)fast->item;
  if (H5Pget_nfilters(plist) != 0 || H5Pget_external_count(plist) != 0) return false;
  haddr_t address = H5Dget_offset(dataset);
  if (address == HADDR_UNDEF || address > INT64_MAX) return false;
  for (int d = 0; d < fast->ndim; d++) end *= fast->extent[d];
  fast->address = address;
  return !__builtin_add_overflow(end, (int64_t)address, &end);
}

#if H5_VERSION_GE(1, 10, 5)

static bool describe_chunks(dust_h5_fast *fast, hid_t plist) {
  hsize_t chunk[DUST_HDF5_MAXDIM];
  unsigned options = 0;
  if (H5Pget_chunk(plist, DUST_HDF5_MAXDIM, chunk) != fast->ndim || H5Pget_chunk_opts(plist, &options) < 0 || options) return false;
  fast->chunked = true;
  fast->chunk_bytes = fast->item, fast->chunk_count = 1;
  for (int d = 0; d < fast->ndim; d++) {
    if (chunk[d] < 1 || chunk[d] > MOST_CHUNK || __builtin_mul_overflow(fast->chunk_bytes, (size_t)chunk[d], &fast->chunk_bytes))
      return false;
    if (fast->chunk_bytes > MOST_CHUNK) return false;
    fast->chunk[d] = (int64_t)chunk[d];
    fast->grid[d] = (fast->extent[d] - 1) / fast->chunk[d] + 1;
    fast->chunk_count *= fast->grid[d]; /* at most the number of elements */
  }
  return true;
}

#else

static bool describe_chunks(dust_h5_fast *fast, hid_t plist) { return false; }

#endif

/* Shuffle for this size of element, then gzip; either may be absent, nothing else may be there. */
static bool describe_filters(dust_h5_fast *fast, hid_t plist) {
  fast->filters = H5Pget_nfilters(plist);
  for (int i = 0; i < fast->filters; i++) {
    unsigned flags, config, value[8] = {0};
    size_t values = 8;
    H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, value, 0, NULL, &config);
    if (id == H5Z_FILTER_SHUFFLE && i == 0 && values >= 1 && value[0] == fast->item)
      fast->shuffle = true;
    else if (id == H5Z_FILTER_DEFLATE && !fast->deflate)
      fast->deflate = true;
    else if (id == 32000 && !fast->deflate && dust_h5_has_lzf())
      fast->deflate = fast->lzf = true;
    else
      return false;
  }
  return fast->filters >= 0;
}

/* A box with chunks of unknown content is HDF5's. */
static void describe_fill(dust_h5_fast *fast, hid_t plist, hid_t type) {
  H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
  H5D_fill_time_t time = H5D_FILL_TIME_NEVER;
  if (H5Pfill_value_defined(plist, &defined) < 0 || H5Pget_fill_time(plist, &time) < 0) return;
  if ((defined != H5D_FILL_VALUE_DEFAULT && defined != H5D_FILL_VALUE_USER_DEFINED) || time == H5D_FILL_TIME_NEVER) return;
  fast->has_fill = H5Pget_fill_value(plist, type, fast->fill) >= 0;
}

static bool describe(dust_h5_fast *fast, hid_t dataset) {
  hid_t type = H5Dget_type(dataset), plist = H5Dget_create_plist(dataset);
  bool simple = type >= 0 && plist >= 0 && describe_elements(fast, type) && describe_shape(fast, dataset);
  if (simple) {
    H5D_layout_t layout = H5Pget_layout(plist);
    if (layout == H5D_CONTIGUOUS)
      simple = describe_contiguous(fast, dataset, plist);
    else
      simple = layout == H5D_CHUNKED && describe_chunks(fast, plist) && describe_filters(fast, plist) && dust_h5_can_decode(fast);
    if (simple) describe_fill(fast, plist, type);
  }
  if (type >= 0) H5Tclose(type);
  if (plist >= 0) H5Pclose(plist);
  return simple;
}

/* HDF5's descriptor of the file if it is our driver's; it stays that one's. */
static int descriptor_of(hid_t file) {
  void *handle = NULL;
  hid_t access_list = H5Fget_access_plist(file);
  bool is_descriptor = access_list >= 0 && dust_h5_driver_is_ours(access_list);
  if (access_list >= 0) H5Pclose(access_list);
  return is_descriptor && H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0 && handle ? *(int *)handle : -1;
}

static bool begins_with_superblock(int descriptor) {
  char begin[8];
  return pread(descriptor, begin, sizeof begin, 0) == sizeof begin && memcmp(begin, "\211HDF\r\n\032\n", sizeof begin) == 0;
}

/* false: somebody in this process writes to the file the dataset is in. */
static bool take_descriptor(dust_h5_fast *fast, hid_t dataset) {
  unsigned intent = H5F_ACC_RDWR;
  hid_t file = H5Iget_file_id(dataset);
  if (file < 0) return false;
  bool only_read = H5Fget_intent(file, &intent) >= 0 && !(intent & H5F_ACC_RDWR);
  int theirs = only_read ? descriptor_of(file) : -1;
  if (theirs >= 0 && begins_with_superblock(theirs)) fast->descriptor = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
  H5Fclose(file);
  return only_read && (fast->chunked || fast->descriptor >= 0);
}

dust_status dust_h5_fast_open(dust_h5_fast **out, dust_hdf5 *file, hid_t dataset) {
  dust_h5_fast fast = {.descriptor = -1};
  void *block = NULL, *places = NULL;
  dust_status status = DUST_OK;
  *out = NULL;
  if (!describe(&fast, dataset) || !take_descriptor(&fast, dataset)) return DUST_OK;
  fast.serial = ++file->clock;
  DUST_GO(dust_alloc(&block, sizeof fast));
  if (fast.chunked && fast.descriptor >= 0 && fast.chunk_count <= MOST_PLACES)
    DUST_GO(dust_calloc(&places, (size_t)fast.chunk_count, sizeof *fast.places));
  fast.places = places;
  *out = memcpy(block, &fast, sizeof fast);
done:
  if (status != DUST_OK) {
    dust_free(block);
    if (fast.descriptor >= 0) close(fast.descriptor);
  }
  return status;
}

void dust_h5_fast_close(dust_hdf5 *file, dust_h5_open_dataset *dataset) {
  dust_h5_fast *fast = dataset->fast;
  dataset->fast = NULL;
  dataset->judged = false;
  if (!fast) return;
  dust_h5_cache_forget(&file->cache, fast->serial);
  if (fast->descriptor >= 0) close(fast->descriptor);
  dust_free(fast->places);
  dust_free(fast);
}
