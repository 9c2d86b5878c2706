/* What the files hdf5_*.c share; nobody else includes this (it needs HDF5's header, hdf5.h's users don't).
 *
 * Only functions of hdf5.h enter the library, through DUST_H5_CALL: it takes the process-wide lock and silences HDF5's printing
 * until it leaves. Functions named dust_h5_* run inside of such a call and never enter again; those of hdf5_fast_internal.h say
 * where they run. Every hid_t has one owner; dust_h5_* functions that give one away say so.
 */
#ifndef DUST_STORE_HDF5_INTERNAL_H
#define DUST_STORE_HDF5_INTERNAL_H

#include <hdf5.h>
#include "base/mem.h"
#include "store/hdf5.h"
#include "store/hdf5_driver.h"
#include "store/output.h"

#define DUST_HDF5_OPEN_DATASETS 8
#define DUST_HDF5_NAME 4096 /* longest name of a dataset we take, with its NUL */

typedef struct dust_h5_names {
  char **name;
  size_t count, capacity;
} dust_h5_names;

typedef struct dust_h5_fast dust_h5_fast;       /* hdf5_fast_internal.h */
typedef struct dust_h5_decoded dust_h5_decoded; /* there too */

typedef struct dust_h5_open_dataset {
  char name[DUST_HDF5_NAME];
  hid_t id;
  uint64_t used;      /* the file's clock when last asked for */
  bool stored_here;   /* its voxels may be read: dust_h5_check_storage */
  bool judged;        /* whether `fast` was made up */
  dust_h5_fast *fast; /* NULL: HDF5 reads it */
} dust_h5_open_dataset;

#define DUST_H5_CACHE_BYTES ((size_t)64 << 20)
#define DUST_H5_CACHE_BUCKETS 1024

typedef struct dust_h5_stream dust_h5_stream; /* hdf5_stream.c */
typedef struct dust_h5_sum dust_h5_sum;       /* hdf5_sums.c */

/* Decoded chunks of a file. */
typedef struct dust_h5_cache {
  dust_h5_decoded *newest, *oldest, *bucket[DUST_H5_CACHE_BUCKETS];
  size_t bytes, count;
} dust_h5_cache;

struct dust_hdf5 {
  hid_t id;
  bool writable;
  char *path;
  dust_h5_trouble *trouble;    /* outlives the file if HDF5 doesn't close it */
  dust_output *output;         /* made anew: what it is written to; NULL: opened in place */
  dust_h5_stream *stream;      /* NULL: no stream */
  dust_h5_sum *sums;           /* checksums of what was written, unsorted */
  bool noted;                  /* `open_file` is noted as open */
  dust_output_file_id file_id;
  uint64_t clock;
  bool fast;       /* may read without HDF5's own machinery */
  dust_pool *pool; /* the caller's; NULL: none */
  bool foreign;    /* what the file has elsewhere may be read: external links and storage, virtual datasets */
  bool swmr;       /* somebody may be writing to it */
  char refused[256]; /* the file that an external link led to and that wasn't opened; "": none */
  hid_t link_access, dataset_access; /* for every path that is followed; see hdf5_foreign.c */
  dust_hdf5_counts counts;
  dust_h5_cache cache;
  dust_h5_open_dataset open[DUST_HDF5_OPEN_DATASETS]; /* id < 0: free */
};

/* ---- hdf5_error.c */
typedef struct dust_h5_call {
  H5E_auto2_t print;
  void *context;
} dust_h5_call;
void dust_h5_enter(dust_h5_call *call);
void dust_h5_leave(const dust_h5_call *call);

#define DUST_H5_CALL(expression)         \
  do {                                   \
    dust_h5_call call_;                  \
    dust_h5_enter(&call_);               \
    dust_status entered_ = (expression); \
    dust_h5_leave(&call_);               \
    return entered_;                     \
  } while (0)

/* The most telling line of HDF5's error stack, "no reason given" if there is none. Call before anything else of HDF5. */
void dust_h5_reason(char *text, size_t size);
/* Whether in this call a read of the disk or a request for memory failed: then what HDF5 says isn't about the file. */
bool dust_h5_failed_below(void);
/* DUST_ERROR_WORLD: "path: doing 'name': reason" with the reason HDF5 gives. */
dust_status dust_h5_fail(const dust_hdf5 *file, const char *doing, const char *name);
/* The same after a failed read or write: a filter that isn't installed is named, with the package that has it. */
dust_status dust_h5_fail_transfer(const dust_hdf5 *file, const char *doing, const char *name, hid_t dataset);
/* "gzip" for 1 …; falls back to the name in the file, then to the number. */
void dust_h5_filter_name(char *text, size_t size, H5Z_filter_t id, const char *in_file);

/* ---- hdf5_file.c */
/* DUST_ERROR_WORLD once something couldn't be written, with the cause and what is whole. */
dust_status dust_h5_sound(const dust_hdf5 *file);
/* An access list for files of ours; < 0: HDF5 said no. The caller closes it. */
hid_t dust_h5_access_list(dust_h5_trouble *trouble);
/* Without leading, trailing and doubled slashes; "" is the root. size DUST_HDF5_NAME. */
dust_status dust_h5_clean_name(char *out, const char *name);
/* HDF5's spelling of a clean name. */
static inline const char *dust_h5_object(const char *clean) { return clean[0] ? clean : "/"; }
/* False for what leads nowhere, and where the file can't be read: then dust_h5_failed_below() says so. */
bool dust_h5_exists(dust_hdf5 *file, const char *clean);
/* The open dataset of that clean name; it stays the file's. */
dust_status dust_h5_dataset(hid_t *out, dust_hdf5 *file, const char *clean);
dust_status dust_h5_opened(dust_h5_open_dataset **out, dust_hdf5 *file, const char *clean);
/* Closes the slot's dataset. */
dust_status dust_h5_forget(dust_hdf5 *file, dust_h5_open_dataset *slot);
dust_status dust_h5_writable(const dust_hdf5 *file);

/* ---- hdf5_foreign.c: what a file has in other files, which is read only when the user allows it. */
dust_status dust_h5_foreign_begin(dust_hdf5 *file);
void dust_h5_foreign_end(dust_hdf5 *file);
/* Whether the dataset's voxels may be and can be read: external storage, sources of virtual datasets. */
dust_status dust_h5_check_storage(dust_hdf5 *file, hid_t dataset, const char *clean);
typedef struct dust_h5_identity {
  unsigned long file;
#if H5_VERSION_GE(1, 12, 0)
  H5O_token_t place;
#else
  haddr_t place;
#endif
} dust_h5_identity;
bool dust_h5_identify(dust_h5_identity *out, hid_t object);

/* ---- hdf5_filters.c */
/* Makes HDF5 know the filters that we bring; once a process. */
void dust_h5_filters_register(void);
/* Message of a dataset that this HDF5 lacks a filter for, with a way out; false if it lacks none. */
bool dust_h5_fail_filter(const dust_hdf5 *file, const char *doing, const char *name, hid_t dataset);
/* The `size` bytes of lzf data, to exactly `wanted`; false: damaged, or this build can't. */
bool dust_h5_lzf_decode(void *out, size_t wanted, const void *in, size_t size);
bool dust_h5_has_lzf(void);

/* ---- hdf5_fast_open.c, hdf5_fast_cache.c */
void dust_h5_fast_close(dust_hdf5 *file, dust_h5_open_dataset *dataset); /* before the dataset's id is closed */
void dust_h5_cache_release(dust_h5_cache *cache);

/* ---- hdf5_stream.c: superblocks and roots of a stream's own, see there. HDF5 has just flushed the file. */
dust_status dust_h5_stream_begin(dust_hdf5 *file, bool resumed);
dust_status dust_h5_stream_publish(dust_hdf5 *file);
/* A top-level link may have come, gone or changed its name. */
dust_status dust_h5_stream_touch(dust_hdf5 *file, const char *clean);
bool dust_h5_stream_is_empty(const dust_hdf5 *file);
void dust_h5_stream_release(dust_hdf5 *file);

/* ---- hdf5_sums.c: attributes crc32c. */
/* A dataset was made; a box is about to be written, was written. */
dust_status dust_h5_sum_made(dust_hdf5 *file, const char *clean, dust_dtype dtype, int ndim, const int64_t *shape);
dust_status dust_h5_sum_before(dust_hdf5 *file, const char *clean, hid_t dataset, hid_t type, int ndim, const int64_t *begin, const int64_t *shape);
/* `elements`: in C order, those that the dataset has now; NULL: they are read. */
dust_status dust_h5_sum_after(dust_hdf5 *file, const char *clean, hid_t dataset, const void *elements);
/* The bare value (crc32c.h) that a box of a dataset adds to the dataset's, where all else is zero. */
uint32_t dust_h5_sum_of_box(const dust_hdf5_info *info, const int64_t *begin, const int64_t *shape, const void *elements);
dust_status dust_h5_sums_put(dust_hdf5 *file); /* the attributes of what has changed */
void dust_h5_sums_moved(dust_hdf5 *file, const char *from, const char *to);
void dust_h5_sums_release(dust_hdf5 *file);

/* ---- hdf5_check.c */
/* Opens a file that was written and reads its structure: every group, every dataset's header, that its voxels lie in the file. */
dust_status dust_h5_verify(const char *path, const char *shown);

/* ---- hdf5_list.c, hdf5_missing.c */
/* "group/link"; the group may be "". */
dust_status dust_h5_names_add(dust_h5_names *names, const char *group, const char *link);
void dust_h5_names_release(dust_h5_names *names);
/* Full clean names of all datasets, sorted. */
dust_status dust_h5_dataset_names(dust_h5_names *out, dust_hdf5 *file);
/* Fails for a name that leads to no dataset, saying what there is instead. */
dust_status dust_h5_fail_missing(dust_hdf5 *file, const char *clean);
/* Says where the name's last link points if it is a link that leads nowhere; false if it is none. */
bool dust_h5_fail_link(dust_hdf5 *file, const char *clean);
dust_status dust_h5_fail_group(dust_hdf5 *file, const char *clean);

/* ---- hdf5_type.c */
/* Our dtype for a file's type (DUST_DTYPE_NONE if none), the file's type in words (may be NULL). */
dust_dtype dust_h5_dtype(hid_t type, char *words, size_t size);
hid_t dust_h5_native(dust_dtype dtype); /* HDF5's; not to be closed */
/* The type in memory of elements of `type` that are `dtype` to us; owned by the caller. Writing: see dust_h5_moves_only. */
hid_t dust_h5_memory_type(hid_t type, dust_dtype dtype, bool writing);
/* Enumerations and bit fields: HDF5 converts nothing into them, so they are written from elements of their own dtype only. */
bool dust_h5_moves_only(hid_t type);

/* ---- hdf5_info.c */
dust_status dust_h5_shape(hid_t dataset, int *ndim, int64_t shape[DUST_HDF5_MAXDIM]); /* no message */
/* What can't be opened. */
dust_status dust_h5_unreadable(dust_hdf5_info *out, const char *clean, const char *problem);
dust_status dust_h5_info(dust_hdf5_info *out, dust_hdf5 *file, const char *clean, hid_t dataset);

/* ---- hdf5_attributes.c. An attribute that is there; fails for lack of memory only. */
dust_status dust_h5_word(dust_hdf5_word *out, const dust_hdf5 *file, const char *clean, hid_t object, const char *attribute);
/* The dataset or group of that name; the caller closes it. */
dust_status dust_h5_open_object(hid_t *out, dust_hdf5 *file, const char *clean);
dust_status dust_h5_value(dust_hdf5_value *out, const dust_hdf5 *file, const char *clean, hid_t object, const char *attribute);

#endif
