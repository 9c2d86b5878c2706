/* Raw bytes from the file, and chunks out of them: inflate (libdeflate: two to three times as fast as zlib), unshuffle.
 *
 * HDF5's shuffle puts the first bytes of all elements first, then all second bytes … : decoding is a transposition of item x
 * count bytes.
 *
 *     raw ----inflate----> shuffled ----transpose----> chunk            each step only where its filter was applied
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef DUST_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#include "base/clones.h"
#include "base/fetch.h"
#include "store/hdf5_fast_internal.h"

/* ---- reading */

static dust_status grow(void **block, size_t bytes, size_t *capacity) {
  if (*block && *capacity >= bytes) return DUST_OK;
  dust_free(*block);
  *block = NULL, *capacity = 0;
  DUST_TRY(dust_alloc(block, bytes));
  *capacity = bytes;
  return DUST_OK;
}

dust_status dust_h5_pread(const dust_h5_source *source, void *out, uint64_t address, size_t size) {
  size_t there = 0;
  while (there < size) {
    ssize_t n = pread(source->fast->descriptor, (char *)out + there, size - there, (off_t)(address + there));
    if (n > 0)
      there += (size_t)n;
    else if (n < 0 && errno == EINTR)
      continue;
    else if (n < 0)
      return dust_fail(DUST_ERROR_WORLD, "%s: reading '%s' failed: %zu bytes at byte %llu: %s", source->path, source->name, size,
                       (unsigned long long)address, strerror(errno));
    else
      return dust_fail(DUST_ERROR_WORLD, "%s is truncated: '%s' needs %zu bytes at byte %llu, of which %zu are there", source->path,
                       source->name, size, (unsigned long long)address, there);
  }
  return DUST_OK;
}

/* Whether the byte would have to be waited for; false where the system can't tell. */
static bool is_cold(const dust_h5_source *source, uint64_t address) {
#ifdef RWF_NOWAIT
  char byte;
  const struct iovec probe = {&byte, 1};
  return preadv2(source->fast->descriptor, &probe, 1, (off_t)address, RWF_NOWAIT) < 0 && errno == EAGAIN;
#else
  return false;
#endif
}

void dust_h5_expect(const dust_h5_source *source, uint64_t address, size_t size) {
  if (size > DUST_H5_AHEAD) size = DUST_H5_AHEAD;
  if (is_cold(source, address)) posix_fadvise(source->fast->descriptor, (off_t)address, (off_t)size, POSIX_FADV_WILLNEED);
}

/* As many of the rows from the current one on as lie near each other within a window; *end: where the last one ends. */
static int64_t rows_of_window(const dust_h5_rows *from, int64_t *end) {
  const int64_t gap = 8192; /* bytes that are copied sooner than another call is made */
  const int64_t run = (int64_t)from->run, last = from->in + (int64_t)DUST_H5_WINDOW - run; /* where a row may begin */
  dust_h5_rows rows = *from;
  int64_t count = 0;
  *end = rows.in;
  while (rows.left > 0) {
    int64_t step, along = dust_h5_rows_along(&rows, &step);
    if (count && (rows.in - *end > gap || rows.in > last)) break;
    const int64_t fit = step - run > gap || rows.in > last || step == 0 ? 1 : (last - rows.in) / step + 1;
    if (along > fit) along = fit;
    *end = rows.in + (along - 1) * step + run;
    count += along;
    dust_h5_rows_next(&rows, along);
  }
  return count;
}

/* From the disk, gaps of up to a window are read as well: the system's read-ahead gives up where bytes are left out. */
dust_status dust_h5_read_plain(const dust_h5_source *source, dust_h5_scratch *scratch, uint64_t address, char *out,
                               const dust_h5_box *box) {
  dust_h5_rows rows;
  dust_h5_rows_start(&rows, box);
  bool cold = false;
  for (int64_t last = rows.in, probed = rows.in; rows.left > 0;) {
    int64_t begin = rows.in, end, count = rows_of_window(&rows, &end);
    if (!cold && begin >= probed) cold = is_cold(source, address + (uint64_t)begin), probed = begin + (int64_t)DUST_H5_WINDOW;
    if (cold && begin > last && begin - last <= (int64_t)DUST_H5_WINDOW) {
      DUST_TRY(grow(&scratch->raw, DUST_H5_WINDOW, &scratch->raw_size));
      DUST_TRY(dust_h5_pread(source, scratch->raw, address + (uint64_t)last, (size_t)(begin - last)));
    }
    last = end;
    if (count == 1) {
      DUST_TRY(dust_h5_pread(source, out + rows.out, address + (uint64_t)begin, rows.run));
      dust_h5_rows_next(&rows, 1);
      continue;
    }
    DUST_TRY(grow(&scratch->raw, DUST_H5_WINDOW, &scratch->raw_size));
    DUST_TRY(dust_h5_pread(source, scratch->raw, address + (uint64_t)begin, (size_t)(end - begin)));
    dust_h5_rows_copy(&rows, count, out, (const char *)scratch->raw, begin);
  }
  return DUST_OK;
}

/* ---- filters */

enum { STRIP = 64, AHEAD = 2048 }; /* elements unshuffled together; bytes fetched before they are written */

static uint32_t applied(const dust_h5_fast *fast, const dust_h5_place *place) { return ~place->skipped & ((1u << fast->filters) - 1); }
static bool is_shuffled(const dust_h5_fast *fast, const dust_h5_place *place) {
  return fast->shuffle && fast->item > 1 && (applied(fast, place) & 1);
}
static bool is_deflated(const dust_h5_fast *fast, const dust_h5_place *place) {
  return fast->deflate && (applied(fast, place) >> fast->shuffle & 1);
}

bool dust_h5_is_plain(const dust_h5_fast *fast, const dust_h5_place *place) {
  return !is_shuffled(fast, place) && !is_deflated(fast, place);
}

/* n elements from planes of one byte of each, `plane` apart. */
DUST_CLONED(void, unshuffle2, (uint8_t *restrict out, const uint8_t *restrict in, size_t plane, size_t n), (out, in, plane, n)) {
  for (size_t i = 0; i < n; i++) out[2 * i] = in[i], out[2 * i + 1] = in[plane + i];
}

DUST_CLONED(void, unshuffle4, (uint8_t *restrict out, const uint8_t *restrict in, size_t plane, size_t n), (out, in, plane, n)) {
  const uint8_t *a = in, *b = a + plane, *c = b + plane, *d = c + plane;
  for (size_t i = 0; i < n; i++) out[4 * i] = a[i], out[4 * i + 1] = b[i], out[4 * i + 2] = c[i], out[4 * i + 3] = d[i];
}

/* Without clones: of wider vectors gcc makes three times as many instructions. */
static void unshuffle8(uint8_t *restrict out, const uint8_t *restrict in, size_t plane, size_t n) {
  const uint8_t *a = in, *b = a + plane, *c = b + plane, *d = c + plane, *e = d + plane, *f = e + plane, *g = f + plane, *h = g + plane;
  for (size_t begin = 0, end; begin < n; begin = end) {
    end = n - begin < STRIP ? n : begin + STRIP;
    dust_fetch(out + 8 * begin, AHEAD, STRIP * 8);
    for (size_t i = begin; i < end; i++) {
      out[8 * i] = a[i], out[8 * i + 1] = b[i], out[8 * i + 2] = c[i], out[8 * i + 3] = d[i];
      out[8 * i + 4] = e[i], out[8 * i + 5] = f[i], out[8 * i + 6] = g[i], out[8 * i + 7] = h[i];
    }
  }
}

/* Elements from `first` on, `bytes` of them, of a shuffled block of `all` bytes. */
static void unshuffle(void *out, const void *in, size_t item, size_t all, size_t first, size_t bytes) {
  const uint8_t *from = (const uint8_t *)in + first;
  if (item == 2)
    unshuffle2(out, from, all / 2, bytes / 2);
  else if (item == 4)
    unshuffle4(out, from, all / 4, bytes / 4);
  else
    unshuffle8(out, from, all / 8, bytes / 8);
}

static void unshuffle_box(char *out, const void *in, size_t all, const dust_h5_box *box) {
  dust_h5_rows rows;
  for (dust_h5_rows_start(&rows, box); rows.left > 0; dust_h5_rows_next(&rows, 1))
    unshuffle(out + rows.out, in, box->item, all, (size_t)rows.in / box->item, rows.run);
}

/* ---- damage */

static dust_status fail_chunk(const dust_h5_source *source, const dust_h5_place *place, const int64_t *begin, const char *what) {
  char voxel[DUST_MAXDIM * 24];
  size_t at = 0;
  for (int d = 0; d < source->fast->ndim; d++)
    at += (size_t)snprintf(voxel + at, sizeof voxel - at, "%s%lld", d ? ", " : "", (long long)begin[d]);
  return dust_fail(DUST_ERROR_WORLD, "%s: the chunk of '%s' that begins at voxel [%s] is damaged: its %llu compressed bytes %s",
                   source->path, source->name, voxel, (unsigned long long)place->size, what);
}

static dust_status unpack_lzf(const dust_h5_source *source, const dust_h5_place *place, const void *raw, const int64_t *begin, void *out) {
  if (dust_h5_lzf_decode(out, source->fast->chunk_bytes, raw, place->size)) return DUST_OK;
  return fail_chunk(source, place, begin, "are no intact lzf data");
}

#ifdef DUST_HAVE_LIBDEFLATE

static dust_status inflate_chunk(const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place, const void *raw,
                                 const int64_t *begin, void *out) {
  char what[128];
  if (source->fast->lzf) return unpack_lzf(source, place, raw, begin, out);
  const size_t wanted = source->fast->chunk_bytes;
  if (!scratch->inflater) scratch->inflater = libdeflate_alloc_decompressor();
  if (!scratch->inflater) return dust_fail(DUST_ERROR_MEMORY, "out of memory: libdeflate's decompressor");
  switch (libdeflate_zlib_decompress(scratch->inflater, raw, place->size, out, wanted, NULL)) {
    case LIBDEFLATE_SUCCESS: return DUST_OK;
    case LIBDEFLATE_SHORT_OUTPUT: snprintf(what, sizeof what, "inflate to fewer than the %zu of a chunk", wanted); break;
    case LIBDEFLATE_INSUFFICIENT_SPACE: snprintf(what, sizeof what, "inflate to more than the %zu of a chunk", wanted); break;
    default: snprintf(what, sizeof what, "are no intact gzip data"); break;
  }
  return fail_chunk(source, place, begin, what);
}

static void release_inflater(void *inflater) { libdeflate_free_decompressor(inflater); }

bool dust_h5_can_decode(const dust_h5_fast *fast) { return true; }

#else

static dust_status inflate_chunk(const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place, const void *raw,
                                 const int64_t *begin, void *out) {
  if (source->fast->lzf) return unpack_lzf(source, place, raw, begin, out);
  return fail_chunk(source, place, begin, "can't be inflated: this build has no libdeflate");
}

static void release_inflater(void *inflater) {}

bool dust_h5_can_decode(const dust_h5_fast *fast) { return !fast->deflate || fast->lzf; }

#endif

static dust_status read_raw(const void **raw, const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place,
                            const int64_t *begin) {
  if (!*raw) {
    DUST_TRY(grow(&scratch->raw, place->size > DUST_H5_WINDOW ? place->size : DUST_H5_WINDOW, &scratch->raw_size));
    DUST_TRY(dust_h5_pread(source, scratch->raw, place->address, place->size));
    *raw = scratch->raw;
  }
  if (!is_deflated(source->fast, place) && place->size != source->fast->chunk_bytes)
    return fail_chunk(source, place, begin, "are not as many as the chunk has");
  return DUST_OK;
}

static dust_status inflate_beside(const void **raw, const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place,
                                  const int64_t *begin) {
  DUST_TRY(grow(&scratch->inflated, source->fast->chunk_bytes, &scratch->inflated_size));
  DUST_TRY(inflate_chunk(source, scratch, place, *raw, begin, scratch->inflated));
  *raw = scratch->inflated;
  return DUST_OK;
}

dust_status dust_h5_decode(const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place, const void *raw,
                           const int64_t *begin, void *out) {
  const dust_h5_fast *fast = source->fast;
  DUST_TRY(read_raw(&raw, source, scratch, place, begin));
  if (!is_shuffled(fast, place)) return inflate_chunk(source, scratch, place, raw, begin, out);
  if (is_deflated(fast, place)) DUST_TRY(inflate_beside(&raw, source, scratch, place, begin));
  unshuffle(out, raw, fast->item, fast->chunk_bytes, 0, fast->chunk_bytes);
  return DUST_OK;
}

dust_status dust_h5_decode_box(const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place, const void *raw,
                               const int64_t *begin, char *out, const dust_h5_box *box) {
  DUST_TRY(read_raw(&raw, source, scratch, place, begin));
  if (is_deflated(source->fast, place)) DUST_TRY(inflate_beside(&raw, source, scratch, place, begin));
  if (is_shuffled(source->fast, place))
    unshuffle_box(out, raw, source->fast->chunk_bytes, box);
  else
    dust_h5_copy_box(out, raw, box);
  return DUST_OK;
}

void dust_h5_scratch_release(dust_h5_scratch *scratch) {
  dust_free(scratch->raw);
  dust_free(scratch->inflated);
  if (scratch->inflater) release_inflater(scratch->inflater);
  *scratch = (dust_h5_scratch){0};
}
