/* What a file has in other files: external links, external storage, sources of virtual datasets.
 *
 * A file from elsewhere could have any file of this machine read as voxels, so these are refused unless the user allows them.
 * Links are stopped by HDF5's callback on every path that is followed; the rest is looked at before a dataset's voxels are read:
 * HDF5 itself gives fill values for a virtual dataset's source that is gone, and goes round for ever in one that is its own source.
 *
 *     dataset -> its sources -> their sources …       a chain: whoever is in it already is a cycle; each is looked at once
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "store/hdf5_internal.h"

#define DEEPEST 32       /* virtual datasets of virtual datasets */
#define MOST_BLOCKS 65536 /* sources of one numbered name, such as "frames%b" */
#define NAME 4096
#define LONG_CHUNK 65536 /* voxels along an axis; versions of long ago made shorter ones that reach beyond it */

#define ALLOW "`--allow-foreign`, allow_foreign = true"

/* ---- links */

static herr_t stop_at_link(const char *parent_file, const char *parent_group, const char *file_name, const char *object, unsigned *flags,
                           hid_t access_list, void *context) {
  dust_hdf5 *file = context;
  if (file->foreign) return 0;
  snprintf(file->refused, sizeof file->refused, "%s", file_name);
  return -1;
}

static bool prepare(hid_t list, dust_hdf5 *file) {
  if (list < 0 || H5Pset_elink_cb(list, stop_at_link, file) < 0) return false;
  hid_t access_list = dust_h5_access_list(NULL);
  bool fine = access_list >= 0 && H5Pset_elink_fapl(list, access_list) >= 0;
  if (access_list >= 0) H5Pclose(access_list);
  return fine;
}

dust_status dust_h5_foreign_begin(dust_hdf5 *file) {
  file->link_access = H5Pcreate(H5P_LINK_ACCESS), file->dataset_access = H5Pcreate(H5P_DATASET_ACCESS);
  return prepare(file->link_access, file) && prepare(file->dataset_access, file) ? DUST_OK : dust_h5_fail(file, "opening", "");
}

void dust_h5_foreign_end(dust_hdf5 *file) {
  if (file->link_access > 0) H5Pclose(file->link_access);
  if (file->dataset_access > 0) H5Pclose(file->dataset_access);
}

bool dust_h5_identify(dust_h5_identity *out, hid_t object) {
  memset(out, 0, sizeof *out);
#if H5_VERSION_GE(1, 12, 0)
  H5O_info2_t info;
  if (H5Oget_info3(object, &info, H5O_INFO_BASIC) < 0) return false;
  out->file = info.fileno, out->place = info.token;
#else
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) return false;
  out->file = info.fileno, out->place = info.addr;
#endif
  return true;
}

/* ---- storage */

typedef struct walk {
  dust_hdf5 *file;
  const char *clean; /* the dataset that is to be read */
  dust_h5_identity chain[DEEPEST], *seen;
  int depth;
  size_t seen_count, seen_capacity;
} walk;

/* A name relative to the folder of the file that has it, as it is when that isn't there. */
static void beside(char *out, size_t size, const char *of, const char *name) {
  struct stat about;
  const char *slash = strrchr(of, '/');
  if (name[0] != '/' && slash && (size_t)snprintf(out, size, "%.*s/%s", (int)(slash - of), of, name) < size && stat(out, &about) == 0) return;
  snprintf(out, size, "%s", name);
}

static dust_status check_external(walk *w, hid_t plist) {
  int count = H5Pget_external_count(plist);
  for (int i = 0; i < count; i++) {
    char name[NAME] = "";
    off_t offset = 0;
    hsize_t size = 0;
    struct stat about;
    if (H5Pget_external(plist, (unsigned)i, sizeof name - 1, name, &offset, &size) < 0)
      return dust_h5_fail(w->file, "reading the external storage of", w->clean);
    if (!w->file->foreign)
      return dust_fail(DUST_ERROR_WORLD, "%s: the voxels of '%s' lie in another file, %s, and such are read only when that is allowed: " ALLOW,
                       w->file->path, w->clean, name);
    if (stat(name, &about) != 0)
      return dust_fail(DUST_ERROR_WORLD, "%s: the voxels of '%s' lie in another file, %s: %s", w->file->path, w->clean, name, strerror(errno));
    if (size != H5F_UNLIMITED && S_ISREG(about.st_mode) && (uint64_t)about.st_size < (uint64_t)offset + size)
      return dust_fail(DUST_ERROR_WORLD, "%s: the voxels of '%s' lie in another file, %s, which is truncated: %lld of %llu bytes are there",
                       w->file->path, w->clean, name, (long long)about.st_size, (unsigned long long)((uint64_t)offset + size));
  }
  return DUST_OK;
}

static dust_status check_dataset(walk *w, hid_t file, const char *path, hid_t dataset);

static dust_status fail_source(const walk *w, const char *source, const char *file, const char *why) {
  return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a virtual dataset, and its source '%s'%s%s %s", w->file->path, w->clean, source,
                   file ? " in " : "", file ? file : "", why);
}

/* One source. */
static dust_status check_source(walk *w, hid_t file, const char *path, const char *source_file, const char *source) {
  bool own = file >= 0;
  hid_t opened = file;
  char place[NAME];
  dust_status status;
  if (!own) {
    beside(place, sizeof place, path, source_file);
    hid_t access_list = dust_h5_access_list(NULL);
    opened = access_list < 0 ? -1 : H5Fopen(place, H5F_ACC_RDONLY, access_list);
    if (access_list >= 0) H5Pclose(access_list);
    if (opened < 0) return fail_source(w, source, source_file, "isn't there: its voxels would be fill values");
  }
  hid_t dataset = H5Dopen2(opened, source, w->file->dataset_access);
  if (dataset >= 0)
    status = check_dataset(w, opened, own ? path : place, dataset);
  else
    status = fail_source(w, source, own ? NULL : source_file,
                         w->file->refused[0] ? "leads into another file, and such are read only when that is allowed: " ALLOW
                                             : "isn't there: its voxels would be fill values");
  if (dataset >= 0) H5Dclose(dataset);
  if (!own) H5Fclose(opened);
  return status;
}

static bool same_file(const char *a, const char *b) {
  struct stat about, other;
  return stat(a, &about) == 0 && stat(b, &other) == 0 && about.st_dev == other.st_dev && about.st_ino == other.st_ino;
}

/* "a%b" with its number, "%%" as "%"; *numbered: there is a number. */
static bool expand(char *out, size_t size, const char *pattern, unsigned long block, bool *numbered) {
  size_t at = 0;
  for (const char *p = pattern; *p && at + 24 < size; p++) {
    if (p[0] == '%' && p[1] == 'b')
      at += (size_t)snprintf(out + at, size - at, "%lu", block), *numbered = true, p++;
    else
      out[at++] = *p, p += p[0] == '%' && p[1] == '%';
  }
  out[at] = 0;
  return at + 24 < size;
}

static dust_status check_mapping(walk *w, hid_t file, const char *path, const char *file_pattern, const char *pattern) {
  for (unsigned long block = 0; block < MOST_BLOCKS; block++) {
    char source_file[NAME], source[NAME], place[NAME];
    bool numbered = false;
    if (!expand(source_file, sizeof source_file, file_pattern, block, &numbered) || !expand(source, sizeof source, pattern, block, &numbered))
      return fail_source(w, pattern, NULL, "has a name that is too long");
    beside(place, sizeof place, path, source_file);
    bool own = strcmp(source_file, ".") == 0 || same_file(place, path);
    if (!own && !w->file->foreign)
      return fail_source(w, source, source_file, "lies in another file; such are read only when that is allowed: " ALLOW);
    if (own && numbered) return fail_source(w, pattern, NULL, "is one of numbered names, which is supported in other files only");
    dust_status status = check_source(w, own ? file : -1, path, source_file, source);
    if (!numbered) return status;
    if (status != DUST_OK) return block > 0 && status == DUST_ERROR_WORLD ? DUST_OK : status; /* the first that isn't there ends them */
  }
  return DUST_OK;
}

static dust_status check_virtual(walk *w, hid_t file, const char *path, hid_t plist) {
  size_t count = 0;
  if (H5Pget_virtual_count(plist, &count) < 0) return dust_h5_fail(w->file, "reading the sources of", w->clean);
  for (size_t i = 0; i < count; i++) {
    char source_file[NAME] = "", source[NAME] = "";
    ssize_t a = H5Pget_virtual_filename(plist, i, source_file, sizeof source_file), b = H5Pget_virtual_dsetname(plist, i, source, sizeof source);
    if (a < 0 || b < 0 || a >= NAME || b >= NAME) return dust_h5_fail(w->file, "reading the sources of", w->clean);
    DUST_TRY(check_mapping(w, file, path, source_file, source));
  }
  return DUST_OK;
}

/* *first: it wasn't looked at before. */
static dust_status look_once(walk *w, const dust_h5_identity *id, bool *first) {
  *first = false;
  for (size_t i = 0; i < w->seen_count; i++)
    if (memcmp(&w->seen[i], id, sizeof *id) == 0) return DUST_OK;
  if (w->seen_count == w->seen_capacity) {
    size_t capacity = w->seen_capacity ? 2 * w->seen_capacity : 16;
    void *grown = w->seen;
    DUST_TRY(dust_realloc(&grown, capacity * sizeof *w->seen));
    w->seen = grown, w->seen_capacity = capacity;
  }
  w->seen[w->seen_count++] = *id;
  *first = true;
  return DUST_OK;
}

static dust_status check_link(walk *w, hid_t file, const char *path, hid_t dataset, hid_t plist) {
  dust_h5_identity id;
  bool first;
  if (!dust_h5_identify(&id, dataset)) return dust_h5_fail(w->file, "reading the header of a source of", w->clean);
  for (int i = 0; i < w->depth; i++)
    if (memcmp(&w->chain[i], &id, sizeof id) == 0)
      return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a virtual dataset whose voxels come from itself%s: it has none", w->file->path, w->clean,
                       w->depth - i > 1 ? " by way of others" : "");
  if (w->depth == DEEPEST)
    return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is a virtual dataset of virtual datasets, more than %d deep", w->file->path, w->clean, DEEPEST);
  w->chain[w->depth++] = id;
  dust_status status = look_once(w, &id, &first);
  if (status == DUST_OK && first) status = check_virtual(w, file, path, plist);
  w->depth--;
  return status;
}

/* HDF5 makes no chunk that is longer than an axis can ever be, and 1.10 crashes while it reads a huge one that damage made so. */
static dust_status check_chunk(const walk *w, hid_t dataset, hid_t plist) {
  hsize_t chunk[DUST_HDF5_MAXDIM], size[DUST_HDF5_MAXDIM], most[DUST_HDF5_MAXDIM];
  hid_t space = H5Dget_space(dataset);
  int ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  bool fine = ndim >= 0 && ndim <= DUST_HDF5_MAXDIM && H5Sget_simple_extent_dims(space, size, most) == ndim && H5Pget_chunk(plist, DUST_HDF5_MAXDIM, chunk) == ndim;
  if (space >= 0) H5Sclose(space);
  for (int d = 0; fine && d < ndim; d++)
    if (most[d] != H5S_UNLIMITED && chunk[d] > most[d] && chunk[d] > LONG_CHUNK)
      return dust_fail(DUST_ERROR_WORLD, "%s: '%s' is damaged: its header says chunks of %llu voxels along axis %d, which has %llu", w->file->path, w->clean,
                       (unsigned long long)chunk[d], d + 1, (unsigned long long)most[d]);
  return DUST_OK;
}

static dust_status check_dataset(walk *w, hid_t file, const char *path, hid_t dataset) {
  hid_t plist = H5Dget_create_plist(dataset);
  if (plist < 0) return dust_h5_fail(w->file, "reading the header of", w->clean);
  H5D_layout_t layout = H5Pget_layout(plist);
  dust_status status = layout == H5D_CONTIGUOUS ? check_external(w, plist) : DUST_OK;
  if (layout == H5D_CHUNKED) status = check_chunk(w, dataset, plist);
  if (layout == H5D_VIRTUAL) status = check_link(w, file, path, dataset, plist);
  H5Pclose(plist);
  return status;
}

dust_status dust_h5_check_storage(dust_hdf5 *file, hid_t dataset, const char *clean) {
  walk w = {.file = file, .clean = clean};
  file->refused[0] = 0;
  hid_t own = H5Iget_file_id(dataset); /* an external link may have led into another */
  if (own < 0) return dust_h5_fail(file, "reading the header of", clean);
  char path[NAME];
  ssize_t length = H5Fget_name(dataset, path, sizeof path);
  dust_status status = length < 0 || length >= NAME ? dust_h5_fail(file, "finding the file of", clean) : check_dataset(&w, own, path, dataset);
  H5Fclose(own);
  dust_free(w.seen);
  return status;
}
