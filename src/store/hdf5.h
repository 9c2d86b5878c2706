/* HDF5 files <-> ndarrays: boxes of datasets, their metadata, attributes.
 *
 * A dust_hdf5 is one open file with a few of its datasets kept open (and their chunk caches warm), so that reading box after box
 * doesn't start over each time. Names are paths from the root, with or without a leading slash; messages and results carry none
 * ("volumes/raw"). Axes and boxes are in the file's order (C order), in voxels, from 0. Elements arrive in native byte order
 * whatever the file has.
 *
 * Any thread may call (HDF5 itself runs for one call at a time in the whole process, as it allows no more); one handle belongs to
 * one thread at a time. HDF5 prints nothing, and its error printing is as the host left it once a call returns. Unless said
 * otherwise nothing is written to `out` by a call that fails.
 */
#ifndef DUST_STORE_HDF5_H
#define DUST_STORE_HDF5_H

#include "base/pool.h"
#include "volume/ndarray.h"

#define DUST_HDF5_MAXDIM 32 /* HDF5's own limit; reading needs at most DUST_MAXDIM */
#define DUST_HDF5_FILTERS 8 /* filters an info tells of */
#define DUST_HDF5_WORDS 96  /* bytes of a type in words */

typedef struct dust_hdf5 dust_hdf5;

typedef enum dust_hdf5_mode {
  DUST_HDF5_READ,     /* "r": must exist */
  DUST_HDF5_UPDATE,   /* "r+": must exist, may be written */
  DUST_HDF5_TRUNCATE, /* "w": made anew */
  DUST_HDF5_APPEND,   /* "a": UPDATE when it exists, made otherwise */
} dust_hdf5_mode;

/* What an attribute holds; arrays of several axes are flattened in C order. */
typedef enum dust_hdf5_kind {
  DUST_HDF5_INTEGERS,
  DUST_HDF5_UNSIGNED, /* some are beyond int64 */
  DUST_HDF5_NUMBERS,
  DUST_HDF5_STRINGS,
} dust_hdf5_kind;

typedef struct dust_hdf5_value {
  dust_hdf5_kind kind;
  bool scalar; /* one value, not an array of one */
  size_t count;
  union {
    int64_t *integers;
    uint64_t *naturals;
    double *numbers;
    char **strings; /* NUL-terminated; one block with their text */
  };
} dust_hdf5_value;

/* What a dataset says of its place in the world, as it is written there. */
typedef struct dust_hdf5_word {
  bool there;
  dust_hdf5_value value; /* of no elements where `problem` is set */
  char problem[160];     /* why it can't be read: "a compound of 2 fields" …; "": it can */
} dust_hdf5_word;
enum { DUST_HDF5_RESOLUTION, DUST_HDF5_VOXEL_SIZE, DUST_HDF5_OFFSET, DUST_HDF5_AXIS_NAMES, DUST_HDF5_UNITS, DUST_HDF5_WORD_COUNT };
extern const char *const dust_hdf5_word_names[DUST_HDF5_WORD_COUNT];

typedef enum dust_hdf5_storage {
  DUST_HDF5_STORED_CONTIGUOUS,
  DUST_HDF5_STORED_CHUNKED,
  DUST_HDF5_STORED_COMPACT,
  DUST_HDF5_STORED_EXTERNAL, /* in other files, raw */
  DUST_HDF5_STORED_VIRTUAL,  /* put together from other datasets */
} dust_hdf5_storage;

typedef struct dust_hdf5_info {
  bool opened;   /* false: something that isn't a dataset for us; `name` and `problem` alone are set */
  char *problem; /* why its voxels can't be read; NULL: they can, as far as the header tells */
  dust_hdf5_storage storage;
  char *name; /* no leading slash */
  int ndim;
  int64_t shape[DUST_HDF5_MAXDIM]; /* a dataset without a dataspace (h5py.Empty) has shape {0} */
  dust_dtype dtype;                /* what reading gives; DUST_DTYPE_NONE when it is none of ours */
  char type[DUST_HDF5_WORDS];      /* the file's own type: "int16, big-endian", "float16", "string of 5 bytes" … */
  bool chunked;
  int64_t chunks[DUST_HDF5_MAXDIM];
  int filter_count;
  char filters[DUST_HDF5_FILTERS][32]; /* "gzip", "shuffle" … in the order in which they were applied */
  dust_hdf5_word word[DUST_HDF5_WORD_COUNT]; /* attributes resolution, voxel_size, offset, axis_names, units */
  uint64_t bytes;                      /* stored, after compression */
} dust_hdf5_info;

typedef struct dust_hdf5_layout {
  enum { DUST_HDF5_CHUNKS_CHOSEN, DUST_HDF5_CHUNKS_GIVEN, DUST_HDF5_CONTIGUOUS } layout;
  int64_t chunks[DUST_MAXDIM]; /* GIVEN: one an axis, >= 1; cut to the shape */
  int compression;             /* 0: none; 1 … 9: shuffle + gzip */
} dust_hdf5_layout;

/* How boxes were read. */
typedef struct dust_hdf5_counts {
  uint64_t fast, by_hdf5;   /* boxes read outside of HDF5, and by it */
  uint64_t decoded, reused; /* compressed chunks decoded, and found decoded already */
} dust_hdf5_counts;

/* ---- files. Failing to open says why: missing, a directory, not HDF5, truncated, locked, no permission. */
dust_status dust_hdf5_open(dust_hdf5 **out, const char *path, dust_hdf5_mode mode);
/* For files made anew (TRUNCATE, or APPEND where there is none). Those are written under a temporary name, and take their own when
 * they are closed and whole: until then, and after any failure, what was there before stays. A stream's temporary name is
 * PATH.partial; after each flush that file holds, for whoever opens it, what was flushed and nothing else, also when the process is
 * killed. Links of the root and its attributes come and go with a flush as one; a group below the root is as it was flushed first
 * only if nothing is added to it later. */
typedef struct dust_hdf5_open_options {
  bool stream;
  bool resume;  /* of a stream: PATH.partial is there and is added to */
  bool replace; /* of a stream: PATH.partial may be there, and goes */
  bool foreign; /* read what the file has in others: external links and storage, sources of virtual datasets */
} dust_hdf5_open_options;
dust_status dust_hdf5_open_with(dust_hdf5 **out, const char *path, dust_hdf5_mode mode, const dust_hdf5_open_options *options);
/* Always gives the handle back (NULL is fine). The status says whether everything reached the disk: after a failure of a file made
 * anew there is nothing under its name that wasn't before, and its temporary file is gone, but for a stream's with what was flushed.
 * A file opened in place is as at its last flush, but for voxels written over since. */
dust_status dust_hdf5_close(dust_hdf5 *file);
/* Gives up: a file made anew doesn't appear, a stream stays PATH.partial if something was flushed. A file opened in place is closed as it was at
 * its last flush, but for voxels written over since. */
dust_status dust_hdf5_discard(dust_hdf5 *file);
bool dust_hdf5_is_new(const dust_hdf5 *file);              /* it is written under a temporary name */
const char *dust_hdf5_written_to(const dust_hdf5 *file); /* that name; the file's own otherwise */
dust_status dust_hdf5_flush(dust_hdf5 *file);
/* Gives a dataset or group another name in the file. */
dust_status dust_hdf5_move(dust_hdf5 *file, const char *from, const char *to);
/* Reads all voxels of a file, and compares with attributes `crc32c` where there are some. */
typedef struct dust_hdf5_finding {
  char *name;     /* of a dataset; "/": the file */
  bool ok, sums; /* sums: there was a checksum to compare with */
  char *message;  /* NULL: nothing wrong */
} dust_hdf5_finding;
dust_status dust_hdf5_check(dust_hdf5_finding **out, size_t *count, const char *path);
/* HDF5 sets up a handler that runs when the process ends, for files that were left open; after a lack of memory inside of it that may
 * crash. A process in which all files are Moondust's doesn't need it. Before anything else is done with HDF5; later it does nothing. */
void dust_hdf5_no_exit_handler(void);
void dust_hdf5_check_release(dust_hdf5_finding *findings, size_t count);
/* Threads that read and decode; NULL (the start): the caller's alone. Has to be there during each read until another is set. Same
 * bytes for any number. */
void dust_hdf5_set_pool(dust_hdf5 *file, dust_pool *pool);
/* false: HDF5 alone reads. true (the start): boxes of a file open for reading come past it where storage is simple enough, which
 * gives the same bytes sooner. */
void dust_hdf5_set_fast(dust_hdf5 *file, bool fast);
dust_hdf5_counts dust_hdf5_get_counts(const dust_hdf5 *file);
dust_status dust_hdf5_exists(dust_hdf5 *file, const char *name, bool *out); /* a link that leads nowhere doesn't exist */

/* ---- metadata. Release what was given. */
dust_status dust_hdf5_get_info(dust_hdf5_info *out, dust_hdf5 *file, const char *name);
void dust_hdf5_info_release(dust_hdf5_info *info);
/* Every dataset, sorted by name. Soft and external links are followed; each group is entered once, through a hard link if it has
 * one. What can't be opened is there too, with a `problem`: objects of a newer HDF5, damaged ones, links that lead nowhere or,
 * unless they are allowed, into other files. */
dust_status dust_hdf5_list(dust_hdf5_info **out, size_t *count, dust_hdf5 *file);
void dust_hdf5_list_release(dust_hdf5_info *infos, size_t count);

/* ---- voxels. The box [begin, begin + shape) over `ndim` axes; begin and shape NULL: everything. Outside of the dataset: DUST_ERROR_RANGE. */
dust_status dust_hdf5_read(dust_ndarray *out, dust_hdf5 *file, const char *name, int ndim, const int64_t *begin, const int64_t *shape);
/* Parent groups are made; an existing name is DUST_ERROR_WORLD. The same calls make the same bytes. layout NULL: chunks chosen,
 * no compression. */
dust_status dust_hdf5_create(dust_hdf5 *file, const char *name, dust_dtype dtype, int ndim, const int64_t *shape,
                             const dust_hdf5_layout *layout);
/* The whole array, from `begin` (NULL: the origin) on. Values beyond the dataset's type are clipped, fractions cut off. */
dust_status dust_hdf5_write(dust_hdf5 *file, const char *name, const dust_ndarray *array, const int64_t *begin);
/* The chunk that create() chooses: 64 KiB to 1 MiB where the shape allows, 64 along the last three axes to begin with. */
void dust_hdf5_choose_chunks(int64_t *chunks, size_t item_size, int ndim, const int64_t *shape);

/* ---- attributes of a dataset or group ("/": the root). Setting replaces; strings are written as UTF-8 of any length. */
dust_status dust_hdf5_get_attribute(dust_hdf5_value *out, dust_hdf5 *file, const char *name, const char *attribute);
dust_status dust_hdf5_set_attribute(dust_hdf5 *file, const char *name, const char *attribute, const dust_hdf5_value *value);
/* int64 when all are whole, float64 otherwise. */
dust_status dust_hdf5_set_numbers(dust_hdf5 *file, const char *name, const char *attribute, int count, const double *numbers);
void dust_hdf5_value_release(dust_hdf5_value *value);

#endif
