/* Where chunks lie, as HDF5 says; and chunks as they are stored, for datasets whose chunks are too many to ask that.
 *
 * The table is as long as the dataset has chunks. Everything here runs in HDF5's turn, except for looking things up in the table.
 */
#include <string.h>
#include "store/hdf5_fast_internal.h"

const dust_h5_place *dust_h5_known_place(const dust_h5_fast *fast, int64_t chunk) {
  if (!fast->places) return NULL;
  const dust_h5_place *place = &fast->places[chunk];
  return place->known ? place : NULL;
}

bool dust_h5_sound_place(const dust_h5_fast *fast, const dust_h5_place *place) {
  if (place->address == HADDR_UNDEF) return fast->has_fill;
  if (dust_h5_is_plain(fast, place)) return place->size == fast->chunk_bytes;
  return place->size > 0 && place->size <= 2 * (uint64_t)fast->chunk_bytes + 4096; /* gzip that doesn't pay is not kept */
}

static void to_offset(hsize_t *out, int ndim, const int64_t *begin) {
  for (int d = 0; d < ndim; d++) out[d] = (hsize_t)begin[d];
}

#if H5_VERSION_GE(1, 10, 5)

dust_status dust_h5_find_place(dust_h5_place *out, dust_hdf5 *file, const char *name, hid_t dataset, dust_h5_fast *fast, int64_t chunk,
                               const int64_t *begin) {
  hsize_t offset[DUST_MAXDIM], size = 0;
  haddr_t address = HADDR_UNDEF;
  unsigned skipped = 0;
  to_offset(offset, fast->ndim, begin);
  if (H5Dget_chunk_info_by_coord(dataset, offset, &skipped, &address, &size) < 0) return dust_h5_fail(file, "finding a chunk of", name);
  *out = (dust_h5_place){.known = true, .address = size ? address : HADDR_UNDEF, .size = size, .skipped = skipped};
  fast->places[chunk] = *out;
  return DUST_OK;
}

dust_status dust_h5_raw_chunk(void **out, dust_h5_place *place, dust_hdf5 *file, const char *name, hid_t dataset, const dust_h5_fast *fast,
                              const int64_t *begin) {
  hsize_t offset[DUST_MAXDIM], size = 0;
  dust_status status = DUST_OK;
  *out = NULL;
  to_offset(offset, fast->ndim, begin);
  if (H5Dget_chunk_storage_size(dataset, offset, &size) < 0) { /* 1.10: never written, or damaged. Who reads the box, HDF5, knows */
    *place = (dust_h5_place){.known = true};
    return DUST_OK;
  }
  *place = (dust_h5_place){.known = true, .address = size ? 0 : HADDR_UNDEF, .size = size};
  if (size == 0 || size > 2 * (hsize_t)fast->chunk_bytes + 4096) return DUST_OK;
  DUST_GO(dust_alloc(out, size));
  if (H5Dread_chunk(dataset, H5P_DEFAULT, offset, &place->skipped, *out) < 0) DUST_GO(dust_h5_fail(file, "reading", name));
done:
  if (status != DUST_OK) dust_free(*out), *out = NULL;
  return status;
}

#else /* never called: dust_h5_fast_open takes no chunks then */

dust_status dust_h5_find_place(dust_h5_place *out, dust_hdf5 *file, const char *name, hid_t dataset, dust_h5_fast *fast, int64_t chunk,
                               const int64_t *begin) {
  return dust_fail(DUST_ERROR_UNSUPPORTED, "%s: this HDF5 can't tell where chunks lie", file->path);
}

dust_status dust_h5_raw_chunk(void **out, dust_h5_place *place, dust_hdf5 *file, const char *name, hid_t dataset, const dust_h5_fast *fast,
                              const int64_t *begin) {
  return dust_fail(DUST_ERROR_UNSUPPORTED, "%s: this HDF5 can't read chunks as they are stored", file->path);
}

#endif
