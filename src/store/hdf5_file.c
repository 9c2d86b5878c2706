/* Open files: opening with a reason when it fails, the few datasets kept open, closing with a verdict.
 *
 *     dust_hdf5 { id, path, open[8] = { clean name, dataset } }      least recently asked for goes first
 *
 * All ids of a file are in here, so closing closes everything. A dataset's chunk cache holds four of its chunks or CACHE_LEAST
 * bytes, whichever is more, up to CACHE_MOST: HDF5's own 1 MiB would read an uncompressed chunk larger than that from the disk
 * row by row, and a compressed one again for each box.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/hdf5_internal.h"

#define CACHE_LEAST ((size_t)8 << 20)
#define CACHE_MOST ((size_t)64 << 20)

dust_status dust_h5_clean_name(char *out, const char *name) {
  size_t n = 0;
  for (const char *p = name; *p; p++) {
    if (*p == '/' && (n == 0 || p[1] == '/' || p[1] == 0)) continue;
    if (n + 1 >= DUST_HDF5_NAME) return dust_fail(DUST_ERROR_ARGUMENT, "a name of more than %d bytes: '%.60s…'", DUST_HDF5_NAME - 1, name);
    out[n++] = *p;
  }
  out[n] = 0;
  return DUST_OK;
}

dust_status dust_h5_sound(const dust_hdf5 *file) {
  const dust_h5_trouble *t = file->trouble;
  if (!t->write_error) return DUST_OK;
  const char *after = file->stream   ? "what was flushed before is whole"
                      : file->output ? "nothing is there under that name that wasn't before"
                      : t->torn      ? "the file may be damaged, as its old state couldn't be written back either"
                                     : "what was in the file at the last flush is whole, but for boxes written over since";
  return dust_fail(DUST_ERROR_WORLD, "%s: writing failed (%s at byte %llu): %s; %s", file->path, t->write_call,
                   (unsigned long long)t->write_offset, strerror(t->write_error), after);
}

dust_status dust_h5_writable(const dust_hdf5 *file) {
  if (file->writable) return dust_h5_sound(file);
  return dust_fail(DUST_ERROR_ARGUMENT, "%s is open for reading only: open it with mode \"r+\" or \"a\" to write", file->path);
}

/* ---- opening */

/* What the file system says against `path`, before HDF5 is asked; DUST_OK when nothing. */
static dust_status check_path(const char *path, bool must_exist, bool *exists) {
  struct stat about;
  *exists = stat(path, &about) == 0;
  if (*exists && S_ISDIR(about.st_mode)) return dust_fail(DUST_ERROR_WORLD, "%s is a directory, not an HDF5 file", path);
  if (*exists && !S_ISREG(about.st_mode)) return dust_fail(DUST_ERROR_WORLD, "%s is not a regular file, so it can't be an HDF5 file", path);
  if (*exists) return DUST_OK;
  if (errno != ENOENT) return dust_fail(DUST_ERROR_WORLD, "%s: %s", path, strerror(errno));
  if (must_exist) return dust_fail(DUST_ERROR_WORLD, "%s: no such file", path);
  char parent[4096];
  snprintf(parent, sizeof parent, "%s", path);
  char *slash = strrchr(parent, '/');
  if (!slash || slash == parent) return DUST_OK;
  *slash = 0;
  if (stat(parent, &about) != 0) return dust_fail(DUST_ERROR_WORLD, "%s: there is no directory %s: make it first", path, parent);
  return DUST_OK;
}

/* Why HDF5 didn't open the file. */
static dust_status explain_open(const char *path, const char *reason, bool write, bool make) {
  unsigned long long is, should;
  struct stat about;
  bool exists = stat(path, &about) == 0;
  if (sscanf(reason, "truncated file: eof = %llu, sblock->base_addr = %*u, stored_eof = %llu", &is, &should) == 2)
    return dust_fail(DUST_ERROR_WORLD,
                     "%s is truncated: %llu of its %llu bytes are there (an interrupted copy or a program that was killed while writing)",
                     path, is, should);
  if (strstr(reason, "h5clear"))
    return dust_fail(DUST_ERROR_WORLD,
                     "%s is marked as being written: another program has it open for that (wait until it has closed it), or was killed before it "
                     "closed it. Then what it wrote last may be missing; take the mark away from a copy: cp FILE COPY && h5clear -s COPY (Debian: "
                     "hdf5-tools)",
                     path);
  if (strstr(reason, "already open for read-only"))
    return dust_fail(DUST_ERROR_WORLD, "%s is open for reading in this process and can't be opened for writing too: close it first", path);
  if (strstr(reason, "truncate a file which is already open") || strstr(reason, "file is already open"))
    return dust_fail(DUST_ERROR_WORLD, "%s is open in this process and can't be made anew: close it first", path);
  if (strstr(reason, "close degree doesn't match"))
    return dust_fail(DUST_ERROR_WORLD, "%s is being written by this process: it can be read when that is closed", path);
  if (strstr(reason, "unable to lock file") || strstr(reason, "Resource temporarily unavailable"))
    return dust_fail(DUST_ERROR_WORLD, "%s is locked by another program%s: wait until that has closed it", path,
                     write ? " that has it open" : " that has it open for writing");
  if (exists && access(path, write ? R_OK | W_OK : R_OK) != 0)
    return dust_fail(DUST_ERROR_WORLD, "%s: no permission to %s it: %s", path, write ? "write" : "read", strerror(errno));
  if (exists && !make && about.st_size == 0) return dust_fail(DUST_ERROR_WORLD, "%s is empty, not an HDF5 file", path);
  if (exists && !make && H5Fis_hdf5(path) == 0)
    return dust_fail(DUST_ERROR_WORLD, "%s is not an HDF5 file (it has no HDF5 signature)", path);
  return dust_fail(DUST_ERROR_WORLD, "%s can't be %s: %s", path, make ? "made" : "opened", reason);
}

/* HDF5 leaves destructors with every thread that called it, which the thread runs when it ends. A host that unloads us first
 * (lua_close does) would take the library and their code away, so the library is told to stay. */
static void keep_library_loaded(void) {
  Dl_info about;
  if (dladdr((void *)(uintptr_t)H5open, &about) && about.dli_fname) dlopen(about.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

/* Version 18 of the format: superblock 2, metadata with checksums, readable by every HDF5 since 2008, and no mark of an open file
 * that a program which is killed leaves behind. A file in place may hold later things. */
hid_t dust_h5_access_list(dust_h5_trouble *trouble) {
  hid_t list = H5Pcreate(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 10, 2)
  bool fine = list >= 0 && H5Pset_libver_bounds(list, H5F_LIBVER_V18, !trouble || trouble->way == DUST_H5_IN_PLACE ? H5F_LIBVER_LATEST : H5F_LIBVER_V18) >= 0;
#else
  bool fine = list >= 0;
#endif
  if (fine && dust_h5_driver_use(list, trouble)) return list;
  if (list >= 0) H5Pclose(list);
  return -1;
}

/* The root keeps no time, so that the same calls make the same bytes. */
static hid_t create_id(const char *path, hid_t access_list) {
  hid_t list = H5Pcreate(H5P_FILE_CREATE), id = -1;
  if (list >= 0 && H5Pset_obj_track_times(list, false) >= 0) id = H5Fcreate(path, H5F_ACC_TRUNC, list, access_list);
  if (list >= 0) H5Pclose(list);
  return id;
}

void dust_hdf5_no_exit_handler(void) { H5dont_atexit(); /* fails where HDF5 runs already */ }

static dust_status open_there(dust_hdf5 *file, bool write) {
  if (write) DUST_TRY(dust_output_allowed(file->path, true));
  file->noted = write ? dust_output_writing(file->path, &file->file_id) : dust_output_reading(file->path, &file->file_id);
  if (!file->noted) return dust_fail(DUST_ERROR_WORLD, "%s can't be opened: %s", file->path, strerror(errno));
  file->trouble->way = write ? DUST_H5_IN_PLACE : DUST_H5_PLAIN;
  hid_t list = dust_h5_access_list(write ? file->trouble : NULL);
  if (list < 0) return dust_h5_fail(file, "opening", "");
  file->id = H5Fopen(file->path, write ? H5F_ACC_RDWR : H5F_ACC_RDONLY, list);
  char reason[256] = "";
  if (file->id < 0) dust_h5_reason(reason, sizeof reason);
  if (file->id < 0 && !write && strstr(reason, "h5clear")) { /* the writer may have promised that others can read meanwhile (SWMR) */
    hid_t shared = H5Fopen(file->path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, list);
    if (shared >= 0)
      file->id = shared, file->swmr = true;
  }
  dust_status status = file->id < 0 ? explain_open(file->path, reason, write, false) : DUST_OK;
  H5Pclose(list);
  return status;
}

static dust_status open_anew(dust_hdf5 *file, dust_hdf5_mode mode, dust_output_kind kind) {
  DUST_TRY(dust_output_begin(&file->output, file->path, kind));
  bool stream = kind != DUST_OUTPUT_HIDDEN, resumed = kind == DUST_OUTPUT_RESUMED;
  file->trouble->way = stream ? DUST_H5_STREAM : DUST_H5_PLAIN;
  if (resumed) dust_output_keep(file->output, true);
  hid_t list = dust_h5_access_list(file->trouble);
  if (list < 0 || H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) < 0) {
    if (list >= 0) H5Pclose(list);
    return dust_h5_fail(file, "making", "");
  }
  const char *path = dust_output_path(file->output);
  file->id = resumed ? H5Fopen(path, H5F_ACC_RDWR, list) : create_id(path, list);
  char reason[256] = "";
  if (file->id < 0) dust_h5_reason(reason, sizeof reason);
  dust_status status = file->id < 0 ? explain_open(path, reason, true, !resumed) : DUST_OK;
  H5Pclose(list);
  return status == DUST_OK && stream ? dust_h5_stream_begin(file, resumed) : status;
}

static dust_status open_mode(dust_hdf5 *file, dust_hdf5_mode mode, const dust_hdf5_open_options *options) {
  bool exists;
  if (mode != DUST_HDF5_TRUNCATE) DUST_TRY(check_path(file->path, mode == DUST_HDF5_READ || mode == DUST_HDF5_UPDATE, &exists));
  if (mode != DUST_HDF5_TRUNCATE && exists) return open_there(file, mode != DUST_HDF5_READ);
  dust_output_kind kind = !options->stream   ? DUST_OUTPUT_HIDDEN
                          : options->resume  ? DUST_OUTPUT_RESUMED
                          : options->replace ? DUST_OUTPUT_ANEW
                                             : DUST_OUTPUT_PARTIAL;
  return open_anew(file, mode, kind);
}

static dust_status close_file(dust_hdf5 *file, bool discard);

static dust_status open_file(dust_hdf5 **out, const char *path, dust_hdf5_mode mode, const dust_hdf5_open_options *options) {
  static const dust_hdf5_open_options plain = {0};
  dust_hdf5 *file = NULL;
  size_t length = strlen(path) + 1;
  void *block = NULL, *name = NULL, *trouble = NULL;
  dust_status status;
  DUST_GO(dust_calloc(&block, 1, sizeof *file));
  DUST_GO(dust_alloc(&name, length));
  trouble = calloc(1, sizeof(dust_h5_trouble)); /* the driver gives it back when HDF5 doesn't close the file */
  if (!trouble) DUST_GO(dust_fail(DUST_ERROR_MEMORY, "no memory to open %s", path));
  file = block;
  file->id = -1;
  file->path = memcpy(name, path, length);
  file->trouble = trouble;
  file->writable = mode != DUST_HDF5_READ;
  file->fast = true;
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++) file->open[i].id = -1;
  keep_library_loaded();
  dust_h5_filters_register();
  file->foreign = options && options->foreign;
  DUST_GO(dust_h5_foreign_begin(file));
  DUST_GO(open_mode(file, mode, options ? options : &plain));
  *out = file;
  return DUST_OK;
done:
  if (file)
    close_file(file, true); /* its own troubles come after what went wrong first, whose message stays */
  else
    dust_free(name), dust_free(block);
  return status;
}

dust_status dust_hdf5_open(dust_hdf5 **out, const char *path, dust_hdf5_mode mode) { DUST_H5_CALL(open_file(out, path, mode, NULL)); }

dust_status dust_hdf5_open_with(dust_hdf5 **out, const char *path, dust_hdf5_mode mode, const dust_hdf5_open_options *options) {
  DUST_H5_CALL(open_file(out, path, mode, options));
}

/* ---- closing */

static dust_status flush_hdf5(dust_hdf5 *file) {
  DUST_TRY(dust_h5_sound(file));
  DUST_TRY(dust_h5_sums_put(file));
  bool fine = H5Fflush(file->id, H5F_SCOPE_GLOBAL) >= 0;
  DUST_TRY(dust_h5_sound(file));
  if (fine) return DUST_OK;
  char reason[256];
  dust_h5_reason(reason, sizeof reason);
  return dust_fail(DUST_ERROR_WORLD, "%s: writing to the disk failed, the file is incomplete: %s", file->path, reason);
}

static dust_status flush_file(dust_hdf5 *file) {
  DUST_TRY(flush_hdf5(file));
  return file->stream ? dust_h5_stream_publish(file) : DUST_OK;
}

/* Gives all ids of the file back. What HDF5 couldn't close stays open in it until the process ends; nothing of it is written then. */
static dust_status close_ids(dust_hdf5 *file) {
  dust_status status = DUST_OK;
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++) dust_h5_fast_close(file, &file->open[i]);
  dust_h5_cache_release(&file->cache);
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++)
    if (file->open[i].id >= 0 && H5Dclose(file->open[i].id) < 0 && status == DUST_OK)
      status = dust_h5_fail(file, "closing", file->open[i].name);
  if (file->id >= 0 && H5Fclose(file->id) < 0 && status == DUST_OK) {
    char reason[256];
    dust_h5_reason(reason, sizeof reason);
    status = dust_fail(DUST_ERROR_WORLD, "%s: closing failed, the file may be incomplete: %s", file->path, reason);
  }
  return status;
}

static void release_trouble(dust_h5_trouble *trouble) {
  if (trouble->driver)
    dust_h5_driver_abandon(trouble);
  else
    free(trouble);
}

/* The first failure's message is the one that stays. */
static dust_status close_file(dust_hdf5 *file, bool discard) {
  bool written = file->writable && !discard && file->id >= 0;
  dust_status status = written ? flush_hdf5(file) : DUST_OK, closing;
  char first[1024];
  snprintf(first, sizeof first, "%s", dust_message());
  if (status != DUST_OK || (discard && file->writable)) file->trouble->abandoned = true;
  closing = close_ids(file);
  if (status == DUST_OK && written) {
    status = file->trouble->write_error ? dust_h5_sound(file) : closing;
    if (status == DUST_OK && file->output) status = dust_h5_verify(dust_output_path(file->output), file->path);
    snprintf(first, sizeof first, "%s", dust_message());
  }
  if (file->noted) dust_output_done(file->file_id);
  if (file->output && file->stream) dust_output_keep(file->output, !dust_h5_stream_is_empty(file));
  if (file->output && written && status == DUST_OK)
    status = dust_output_commit(file->output);
  else {
    if (file->output) dust_output_discard(file->output);
    if (status != DUST_OK || discard) dust_fail(status, "%s", first);
  }
  dust_h5_stream_release(file);
  dust_h5_sums_release(file);
  release_trouble(file->trouble);
  dust_h5_foreign_end(file);
  dust_free(file->path);
  dust_free(file);
  return status;
}

dust_status dust_hdf5_close(dust_hdf5 *file) {
  if (!file) return DUST_OK;
  DUST_H5_CALL(close_file(file, false));
}

dust_status dust_hdf5_discard(dust_hdf5 *file) {
  if (!file) return DUST_OK;
  DUST_H5_CALL(close_file(file, true));
}

bool dust_hdf5_is_new(const dust_hdf5 *file) { return file->output != NULL; }
const char *dust_hdf5_written_to(const dust_hdf5 *file) { return file->output ? dust_output_path(file->output) : file->path; }

dust_status dust_hdf5_flush(dust_hdf5 *file) { DUST_H5_CALL(file->writable ? flush_file(file) : DUST_OK); }

static dust_status move(dust_hdf5 *file, const char *from, const char *to) {
  char old[DUST_HDF5_NAME], name[DUST_HDF5_NAME];
  DUST_TRY(dust_h5_writable(file));
  DUST_TRY(dust_h5_clean_name(old, from));
  DUST_TRY(dust_h5_clean_name(name, to));
  if (!old[0] || !name[0]) return dust_fail(DUST_ERROR_ARGUMENT, "%s: the root can't be moved", file->path);
  if (!dust_h5_exists(file, old)) return dust_fail(DUST_ERROR_WORLD, "%s has no '%s' to be moved", file->path, old);
  if (H5Lmove(file->id, old, file->id, name, H5P_DEFAULT, H5P_DEFAULT) < 0) return dust_h5_fail(file, "moving", old);
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++) DUST_TRY(dust_h5_forget(file, &file->open[i]));
  dust_h5_sums_moved(file, old, name);
  DUST_TRY(dust_h5_stream_touch(file, old));
  DUST_TRY(dust_h5_stream_touch(file, name));
  return dust_h5_sound(file);
}

dust_status dust_hdf5_move(dust_hdf5 *file, const char *from, const char *to) { DUST_H5_CALL(move(file, from, to)); }

void dust_hdf5_set_pool(dust_hdf5 *file, dust_pool *pool) { file->pool = pool; }
void dust_hdf5_set_fast(dust_hdf5 *file, bool fast) { file->fast = fast; }
dust_hdf5_counts dust_hdf5_get_counts(const dust_hdf5 *file) { return file->counts; }

/* ---- names */

/* Step by step, so that a path of n groups takes n steps. */
bool dust_h5_exists(dust_hdf5 *file, const char *clean) {
  char step[DUST_HDF5_NAME];
  hid_t group = file->id;
  bool there = true;
  file->refused[0] = 0;
  for (const char *at = clean, *end; there && at[0]; at = end) {
    end = at + strcspn(at, "/");
    memcpy(step, at, (size_t)(end - at));
    step[end - at] = 0;
    there = H5Lexists(group, step, file->link_access) > 0 && H5Oexists_by_name(group, step, file->link_access) > 0;
    if (there && *end) {
      hid_t next = H5Oopen(group, step, file->link_access);
      if (group != file->id) H5Oclose(group);
      group = next, there = next >= 0 && H5Iget_type(next) == H5I_GROUP, end++;
    }
  }
  if (group >= 0 && group != file->id) H5Oclose(group);
  return there;
}

static dust_status exists(dust_hdf5 *file, const char *name, bool *out) {
  char clean[DUST_HDF5_NAME];
  DUST_TRY(dust_h5_clean_name(clean, name));
  *out = dust_h5_exists(file, clean);
  return *out || !dust_h5_failed_below() ? DUST_OK : dust_h5_fail(file, "looking for", clean);
}

dust_status dust_hdf5_exists(dust_hdf5 *file, const char *name, bool *out) { DUST_H5_CALL(exists(file, name, out)); }

/* ---- open datasets */

/* Bytes of the dataset's chunks, 0 if it has none; at most SIZE_MAX. */
static size_t chunk_bytes(hid_t dataset) {
  hsize_t chunk[DUST_HDF5_MAXDIM];
  hid_t plist = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
  size_t bytes = 0;
  if (plist >= 0 && type >= 0 && H5Pget_layout(plist) == H5D_CHUNKED) {
    int ndim = H5Pget_chunk(plist, DUST_HDF5_MAXDIM, chunk);
    bytes = ndim < 0 ? 0 : H5Tget_size(type);
    for (int d = 0; d < ndim; d++)
      if (__builtin_mul_overflow(bytes, (size_t)chunk[d], &bytes)) bytes = SIZE_MAX;
  }
  if (plist >= 0) H5Pclose(plist);
  if (type >= 0) H5Tclose(type);
  return bytes;
}

/* Opens the dataset with a chunk cache that fits its chunks. The cache's size is fixed at the first opening, so the chunk has to
 * be known beforehand. */
static hid_t open_with_cache(const dust_hdf5 *file, const char *clean) {
  hid_t dataset = H5Dopen2(file->id, clean, file->dataset_access);
  size_t chunk = dataset < 0 ? 0 : chunk_bytes(dataset);
  if (chunk == 0) return dataset;
  size_t cache = chunk > CACHE_MOST / 4 ? CACHE_MOST : 4 * chunk < CACHE_LEAST ? CACHE_LEAST : 4 * chunk;
  size_t held = cache / chunk;
  hid_t plist = H5Pcopy(file->dataset_access);
  if (plist < 0 || H5Pset_chunk_cache(plist, held > 500 ? 50021 : held > 5 ? 5003 : 521, cache, H5D_CHUNK_CACHE_W0_DEFAULT) < 0)
    return dataset;
  H5Dclose(dataset);
  dataset = H5Dopen2(file->id, clean, plist);
  H5Pclose(plist);
  return dataset;
}

static dust_h5_open_dataset *slot_for(dust_hdf5 *file, const char *clean) {
  dust_h5_open_dataset *oldest = &file->open[0];
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++) {
    dust_h5_open_dataset *slot = &file->open[i];
    if (slot->id >= 0 && strcmp(slot->name, clean) == 0) return slot;
    if (oldest->id >= 0 && (slot->id < 0 || slot->used < oldest->used)) oldest = slot;
  }
  return oldest;
}

/* Leaves a freed slot behind whatever happens. */
dust_status dust_h5_forget(dust_hdf5 *file, dust_h5_open_dataset *slot) {
  hid_t id = slot->id;
  dust_h5_fast_close(file, slot);
  slot->id = -1;
  return id >= 0 && H5Dclose(id) < 0 ? dust_h5_fail(file, "writing", slot->name) : DUST_OK;
}

static dust_status open_dataset(dust_hdf5 *file, dust_h5_open_dataset *slot, const char *clean) {
  if (!dust_h5_exists(file, clean)) return dust_h5_fail_missing(file, clean);
  hid_t object = H5Oopen(file->id, dust_h5_object(clean), file->link_access);
  if (object < 0) return dust_h5_fail(file, "opening", clean);
  H5I_type_t kind = H5Iget_type(object);
  H5Oclose(object);
  if (kind == H5I_GROUP) return dust_h5_fail_group(file, clean);
  if (kind != H5I_DATASET) return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a named type, not a dataset", file->path, clean);
  DUST_TRY(dust_h5_forget(file, slot));
  hid_t id = open_with_cache(file, clean);
  if (id < 0) return dust_h5_fail(file, "opening dataset", clean);
  slot->id = id, slot->stored_here = false;
  strcpy(slot->name, clean);
  return DUST_OK;
}

dust_status dust_h5_opened(dust_h5_open_dataset **out, dust_hdf5 *file, const char *clean) {
  dust_h5_open_dataset *slot = slot_for(file, clean);
  if (slot->id < 0 || strcmp(slot->name, clean) != 0) DUST_TRY(open_dataset(file, slot, clean));
  slot->used = ++file->clock;
  *out = slot;
  return DUST_OK;
}

dust_status dust_h5_dataset(hid_t *out, dust_hdf5 *file, const char *clean) {
  dust_h5_open_dataset *slot;
  DUST_TRY(dust_h5_opened(&slot, file, clean));
  *out = slot->id;
  return DUST_OK;
}
