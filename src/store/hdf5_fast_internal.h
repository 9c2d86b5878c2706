/* Reading boxes without HDF5's own machinery, where the storage is simple enough: what the files hdf5_fast_*.c share.
 *
 * HDF5 inflates one chunk at a time, with zlib, holding its lock. Here HDF5 is asked only where a chunk lies; the bytes are read,
 * inflated, unshuffled
 * and copied into the box by any number of threads, outside of HDF5's turn:
 *
 *     box -> chunks -> places (kept per dataset) -> raw bytes -> decoded chunks (kept per file, least recently used goes first) -> box
 *
 * That is done for files open for reading whose elements are native ones, stored contiguously, or in chunks with no filter,
 * shuffle, gzip or lzf, or shuffle then one of these. Whatever is anything else, or odd, is left to HDF5: both ways give the same bytes. One
 * read works in batches of chunks, so that no box needs more memory than itself, the decoded chunks (DUST_H5_CACHE_BYTES) and scratch blocks a thread. Of a box
 * whose chunks are more than the cache holds none is kept, and what is wanted of each is decoded straight into the box.
 *
 * Raw bytes come from a descriptor of our own when the file begins at byte 0 and goes through our driver, and the dataset has few chunks:
 * HDF5 finds a chunk's address by walking over all of them. Otherwise HDF5 reads them (H5Dread_chunk), in its turn.
 */
#ifndef DUST_STORE_HDF5_FAST_INTERNAL_H
#define DUST_STORE_HDF5_FAST_INTERNAL_H

#include "store/hdf5_internal.h"

#define DUST_H5_BATCH 128 /* chunks looked up, read and decoded together */

/* Where a chunk lies in the file. */
typedef struct dust_h5_place {
  bool known;       /* false: the rest isn't */
  uint64_t address; /* HADDR_UNDEF: never written */
  uint64_t size;    /* stored bytes */
  uint32_t skipped; /* bit i: filter i was not applied to it */
} dust_h5_place;

/* An open dataset that can be read this way. */
struct dust_h5_fast {
  uint64_t serial; /* tells it from every other that the file has had open: the key of its decoded chunks */
  int descriptor;  /* ours; -1: HDF5 reads */
  bool chunked;
  uint64_t address; /* of a contiguous dataset */
  int ndim;
  size_t item, chunk_bytes;
  int64_t extent[DUST_MAXDIM], chunk[DUST_MAXDIM], grid[DUST_MAXDIM]; /* voxels; voxels; chunks */
  int64_t chunk_count;
  int filters; /* how many, in the order of writing: shuffle, then gzip */
  bool shuffle, deflate; /* deflate: gzip, or lzf */
  bool lzf;
  bool has_fill; /* what chunks that were never written hold is known */
  char fill[8];
  dust_h5_place *places; /* one a chunk, known or not; NULL: HDF5 reads */
};

/* ---- hdf5_fast_rows.c: the rows of a box in two C-order blocks, in ascending order of both. */
typedef struct dust_h5_rows {
  int ndim;
  size_t run;            /* bytes of a row; whole rows, planes … that adjoin on both sides are one */
  int64_t left, in, out; /* rows to go; byte offsets of the current one */
  int64_t count[DUST_MAXDIM], index[DUST_MAXDIM], in_step[DUST_MAXDIM], out_step[DUST_MAXDIM];
} dust_h5_rows;

typedef struct dust_h5_box {
  int ndim;
  size_t item;
  int64_t shape[DUST_MAXDIM];                              /* none is 0 */
  int64_t in_extent[DUST_MAXDIM], in_begin[DUST_MAXDIM];   /* the block it is taken from, and where */
  int64_t out_extent[DUST_MAXDIM], out_begin[DUST_MAXDIM]; /* the block it goes to, and where */
} dust_h5_box;

void dust_h5_rows_start(dust_h5_rows *rows, const dust_h5_box *box);
/* `n` rows on; at most to the end of the innermost axis. */
void dust_h5_rows_next(dust_h5_rows *rows, int64_t n);
/* How many rows there are from the current one to the end of the innermost axis, *step bytes of the inner block apart. */
int64_t dust_h5_rows_along(const dust_h5_rows *rows, int64_t *step);
/* Copies `n` rows, any number of those left, and goes on by as many. `in`: the inner block from its byte `in_begin` on. */
void dust_h5_rows_copy(dust_h5_rows *rows, int64_t n, char *out, const char *in, int64_t in_begin);
void dust_h5_copy_box(char *out, const char *in, const dust_h5_box *box);
void dust_h5_fill_box(char *out, const char *item, const dust_h5_box *box);

/* ---- hdf5_fast_decode.c */
/* A thread's own blocks. They grow as needed and live as long as the read. */
typedef struct dust_h5_scratch {
  struct dust_h5_scratch *next;
  void *raw, *inflated; /* what was read, DUST_H5_WINDOW bytes at least; what it inflates to */
  size_t raw_size, inflated_size;
  void *inflater;
} dust_h5_scratch;

#define DUST_H5_WINDOW ((size_t)256 << 10) /* bytes read at once where rows lie near each other */

#define DUST_H5_AHEAD ((size_t)4 << 20) /* bytes that the system is told of before they are read */

/* Everything that a read's threads know in common, and what messages are made of. */
typedef struct dust_h5_source {
  const dust_h5_fast *fast;
  const char *path, *name;
} dust_h5_source;

/* Exactly `size` bytes from `address` on; fewer than that is DUST_ERROR_WORLD. */
dust_status dust_h5_pread(const dust_h5_source *source, void *out, uint64_t address, size_t size);
/* If the beginning of these bytes is not in memory, has the system fetch them, up to DUST_H5_AHEAD; it doesn't wait for that. */
void dust_h5_expect(const dust_h5_source *source, uint64_t address, size_t size);
/* The box out of a C-order block that lies at `address` of the file as it is. */
dust_status dust_h5_read_plain(const dust_h5_source *source, dust_h5_scratch *scratch, uint64_t address, char *out, const dust_h5_box *box);
/* A chunk's chunk_bytes decoded from its raw bytes (NULL: they are read). `begin`: its first voxel, for messages. */
dust_status dust_h5_decode(const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place, const void *raw,
                           const int64_t *begin, void *out);
/* The same, of which only `box` is wanted, and straight there. */
dust_status dust_h5_decode_box(const dust_h5_source *source, dust_h5_scratch *scratch, const dust_h5_place *place, const void *raw,
                               const int64_t *begin, char *out, const dust_h5_box *box);
/* Whether this build can undo the filters of `fast`. */
bool dust_h5_can_decode(const dust_h5_fast *fast);
/* No filter changed what is stored there. */
bool dust_h5_is_plain(const dust_h5_fast *fast, const dust_h5_place *place);
void dust_h5_scratch_release(dust_h5_scratch *scratch);

/* ---- hdf5_fast_cache.c: decoded chunks */
typedef struct dust_h5_decoded {
  uint64_t dataset;
  int64_t chunk;
  size_t size;
  bool ready;
  struct dust_h5_decoded *newer, *older, *next; /* by use; of the same bucket */
  _Alignas(DUST_ALIGN) char bytes[];
} dust_h5_decoded;

/* Whether so many chunks fit at the same time. */
bool dust_h5_cache_holds(int64_t chunks, size_t size);
/* The chunk, now the most recently used; NULL if it is not there. */
dust_h5_decoded *dust_h5_cache_find(dust_h5_cache *cache, uint64_t dataset, int64_t chunk);
/* A new entry with room for it, not ready. What was used longest ago goes: never a chunk of this read, if the cache holds all of these. */
dust_status dust_h5_cache_reserve(dust_h5_decoded **out, dust_h5_cache *cache, uint64_t dataset, int64_t chunk, size_t size);
void dust_h5_cache_drop(dust_h5_cache *cache, dust_h5_decoded *entry);
void dust_h5_cache_forget(dust_h5_cache *cache, uint64_t dataset);

/* ---- hdf5_fast_places.c, in HDF5's turn */
/* The place of chunk number `chunk` from the table; NULL if unknown. */
const dust_h5_place *dust_h5_known_place(const dust_h5_fast *fast, int64_t chunk);
/* Asks HDF5, and keeps the answer. `begin`: the chunk's first voxel. */
dust_status dust_h5_find_place(dust_h5_place *out, dust_hdf5 *file, const char *name, hid_t dataset, dust_h5_fast *fast, int64_t chunk,
                               const int64_t *begin);
/* HDF5 reads the chunk's bytes as they are stored into a new block (NULL: never written); place->size and ->skipped are set. */
dust_status dust_h5_raw_chunk(void **out, dust_h5_place *place, dust_hdf5 *file, const char *name, hid_t dataset, const dust_h5_fast *fast,
                              const int64_t *begin);
/* Whether `place` is what can be expected; what isn't is left to HDF5. */
bool dust_h5_sound_place(const dust_h5_fast *fast, const dust_h5_place *place);

/* ---- hdf5_fast_open.c, in HDF5's turn */
/* Makes up its mind on an open dataset: *out NULL when HDF5 has to read it. */
dust_status dust_h5_fast_open(dust_h5_fast **out, dust_hdf5 *file, hid_t dataset);

/* ---- hdf5_fast.c, outside of HDF5's turn */
/* The box of a dataset (not empty) to `out`, in C order. *declined: nothing came of it, HDF5 has to read it. */
dust_status dust_h5_fast_read(dust_hdf5 *file, const dust_h5_open_dataset *dataset, const int64_t *begin, const int64_t *shape, char *out,
                              bool *declined);

#endif
