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

dust_status dust_h5_writable(const dust_hdf5 *file) {
  if (file->writable) return DUST_OK;
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
static dust_status explain_open(const char *path, bool write, bool make) {
  char reason[256];
  dust_h5_reason(reason, sizeof reason);
  unsigned long long is, should;
  struct stat about;
  bool exists = stat(path, &about) == 0;
  if (sscanf(reason, "truncated file: eof = %llu, sblock->base_addr = %*u, stored_eof = %llu", &is, &should) == 2)
    return dust_fail(DUST_ERROR_WORLD,
                     "%s is truncated: %llu of its %llu bytes are there (an interrupted copy or a program that was killed while writing)",
                     path, is, should);
  if (strstr(reason, "already open for read-only"))
    return dust_fail(DUST_ERROR_WORLD, "%s is open for reading in this process and can't be opened for writing too: close it first", path);
  if (strstr(reason, "truncate a file which is already open") || strstr(reason, "file is already open"))
    return dust_fail(DUST_ERROR_WORLD, "%s is open in this process and can't be made anew: close it first", path);
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

static dust_status open_id(hid_t *out, const char *path, dust_hdf5_mode mode) {
  bool exists;
  DUST_TRY(check_path(path, mode == DUST_HDF5_READ || mode == DUST_HDF5_UPDATE, &exists));
  bool write = mode != DUST_HDF5_READ, make = mode == DUST_HDF5_TRUNCATE || !exists;
  if (make)
    *out = H5Fcreate(path, exists ? H5F_ACC_TRUNC : H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT);
  else
    *out = H5Fopen(path, write ? H5F_ACC_RDWR : H5F_ACC_RDONLY, H5P_DEFAULT);
  return *out < 0 ? explain_open(path, write, make) : DUST_OK;
}

static dust_status open_file(dust_hdf5 **out, const char *path, dust_hdf5_mode mode) {
  dust_hdf5 *file = NULL;
  size_t length = strlen(path) + 1;
  void *block = NULL, *name = NULL;
  dust_status status;
  DUST_GO(dust_calloc(&block, 1, sizeof *file));
  DUST_GO(dust_alloc(&name, length));
  file = block;
  file->path = memcpy(name, path, length);
  file->writable = mode != DUST_HDF5_READ;
  file->fast = true;
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++) file->open[i].id = -1;
  keep_library_loaded();
  DUST_GO(open_id(&file->id, path, mode));
  *out = file;
done:
  if (status != DUST_OK) dust_free(name), dust_free(block);
  return status;
}

dust_status dust_hdf5_open(dust_hdf5 **out, const char *path, dust_hdf5_mode mode) { DUST_H5_CALL(open_file(out, path, mode)); }

/* ---- closing */

static dust_status flush_file(dust_hdf5 *file) {
  if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) >= 0) return DUST_OK;
  char reason[256];
  dust_h5_reason(reason, sizeof reason);
  return dust_fail(DUST_ERROR_WORLD, "%s: writing to the disk failed, the file is incomplete: %s", file->path, reason);
}

/* What HDF5 couldn't write it keeps, fails to close the file, tries again at exit and crashes there (1.10). So once a flush has
 * failed and been reported, the file's descriptor is turned into a bottomless one: the rest goes nowhere, and closing gives
 * everything back. The file stays as it was left on the disk. */
static void give_up_writing(hid_t file) {
  void *handle = NULL;
  hid_t access_list = H5Fget_access_plist(file);
  bool is_descriptor = access_list >= 0 && H5Pget_driver(access_list) == H5FD_SEC2;
  if (access_list >= 0) H5Pclose(access_list);
  if (!is_descriptor || H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle) return;
  int sink = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (sink < 0) return;
  dup2(sink, *(int *)handle);
  close(sink);
}

static dust_status close_file(dust_hdf5 *file) {
  dust_status status = file->writable ? flush_file(file) : DUST_OK;
  if (status != DUST_OK) give_up_writing(file->id);
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++) dust_h5_fast_close(file, &file->open[i]);
  dust_h5_cache_release(&file->cache);
  for (int i = 0; i < DUST_HDF5_OPEN_DATASETS; i++)
    if (file->open[i].id >= 0 && H5Dclose(file->open[i].id) < 0 && status == DUST_OK)
      status = dust_h5_fail(file, "closing", file->open[i].name);
  if (H5Fclose(file->id) < 0 && status == DUST_OK) {
    char reason[256];
    dust_h5_reason(reason, sizeof reason);
    status = dust_fail(DUST_ERROR_WORLD, "%s: closing failed, the file may be incomplete: %s", file->path, reason);
  }
  dust_free(file->path);
  dust_free(file);
  return status;
}

dust_status dust_hdf5_close(dust_hdf5 *file) {
  if (!file) return DUST_OK;
  DUST_H5_CALL(close_file(file));
}

dust_status dust_hdf5_flush(dust_hdf5 *file) { DUST_H5_CALL(file->writable ? flush_file(file) : DUST_OK); }

void dust_hdf5_set_pool(dust_hdf5 *file, dust_pool *pool) { file->pool = pool; }
void dust_hdf5_set_fast(dust_hdf5 *file, bool fast) { file->fast = fast; }
dust_hdf5_counts dust_hdf5_get_counts(const dust_hdf5 *file) { return file->counts; }

/* ---- names */

bool dust_h5_exists(hid_t file, const char *clean) {
  char prefix[DUST_HDF5_NAME];
  if (!clean[0]) return true;
  for (const char *end = clean; end;) {
    end = strchr(end, '/');
    size_t length = end ? (size_t)(end++ - clean) : strlen(clean);
    memcpy(prefix, clean, length);
    prefix[length] = 0;
    if (H5Lexists(file, prefix, H5P_DEFAULT) <= 0 || H5Oexists_by_name(file, prefix, H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

static dust_status exists(dust_hdf5 *file, const char *name, bool *out) {
  char clean[DUST_HDF5_NAME];
  DUST_TRY(dust_h5_clean_name(clean, name));
  *out = dust_h5_exists(file->id, clean);
  return DUST_OK;
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
static hid_t open_with_cache(hid_t file, const char *clean) {
  hid_t dataset = H5Dopen2(file, clean, H5P_DEFAULT);
  size_t chunk = dataset < 0 ? 0 : chunk_bytes(dataset);
  if (chunk == 0) return dataset;
  size_t cache = chunk > CACHE_MOST / 4 ? CACHE_MOST : 4 * chunk < CACHE_LEAST ? CACHE_LEAST : 4 * chunk;
  size_t held = cache / chunk;
  hid_t plist = H5Pcreate(H5P_DATASET_ACCESS);
  if (plist < 0 || H5Pset_chunk_cache(plist, held > 500 ? 50021 : held > 5 ? 5003 : 521, cache, H5D_CHUNK_CACHE_W0_DEFAULT) < 0)
    return dataset;
  H5Dclose(dataset);
  dataset = H5Dopen2(file, clean, plist);
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
static dust_status free_slot(dust_hdf5 *file, dust_h5_open_dataset *slot) {
  hid_t id = slot->id;
  dust_h5_fast_close(file, slot);
  slot->id = -1;
  return id >= 0 && H5Dclose(id) < 0 ? dust_h5_fail(file, "writing", slot->name) : DUST_OK;
}

static dust_status open_dataset(dust_hdf5 *file, dust_h5_open_dataset *slot, const char *clean) {
  if (!dust_h5_exists(file->id, clean)) return dust_h5_fail_missing(file, clean);
  hid_t object = H5Oopen(file->id, dust_h5_object(clean), H5P_DEFAULT);
  if (object < 0) return dust_h5_fail(file, "opening", clean);
  H5I_type_t kind = H5Iget_type(object);
  H5Oclose(object);
  if (kind == H5I_GROUP) return dust_h5_fail_group(file, clean);
  if (kind != H5I_DATASET) return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a named type, not a dataset", file->path, clean);
  DUST_TRY(free_slot(file, slot));
  hid_t id = open_with_cache(file->id, clean);
  if (id < 0) return dust_h5_fail(file, "opening dataset", clean);
  slot->id = id;
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
