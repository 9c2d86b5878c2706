/* The way in and out of the HDF5 library, and its errors in our words.
 *
 * HDF5 keeps a stack of errors per thread, the innermost first; most entries say "can't do what I was asked to". The innermost is
 * where the fault was found, so that is the reason we give, cut down to the operating system's words where it holds those.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "store/hdf5_internal.h"

/* HDF5 is one state for the whole process, and safe for threads only when built so. Two Lua states in two threads must not depend
 * on that, nor see each other's half-made changes to the error handler: all calls take turns. The library itself would let only
 * one run at a time anyway. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

void dust_h5_enter(dust_h5_call *call) {
  pthread_mutex_lock(&turn);
  call->print = NULL, call->context = NULL;
  H5Eget_auto2(H5E_DEFAULT, &call->print, &call->context);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  dust_h5_driver_forget_read();
}

void dust_h5_leave(const dust_h5_call *call) {
  H5Eclear2(H5E_DEFAULT);
  H5Eset_auto2(H5E_DEFAULT, call->print, call->context);
  pthread_mutex_unlock(&turn);
}

static herr_t innermost(unsigned n, const H5E_error2_t *error, void *context) {
  const char **found = context;
  if (error->desc && error->desc[0]) *found = error->desc;
  return *found != NULL;
}

/* "file write failed: time = …, error message = 'No space left on device', buf = 0x…" -> the quoted words. */
static bool system_words(char *text, size_t size, const char *description) {
  static const char mark[] = "error message = '";
  const char *begin = strstr(description, mark);
  if (!begin) return false;
  begin += sizeof mark - 1;
  const char *end = strchr(begin, '\'');
  if (!end) return false;
  snprintf(text, size, "%.*s", (int)(end - begin), begin);
  return true;
}

void dust_h5_reason(char *text, size_t size) {
  const char *found = NULL;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, &found);
  if (!found) found = "HDF5 gives no reason";
  if (!system_words(text, size, found)) snprintf(text, size, "%s", found);
}

dust_status dust_h5_fail(const dust_hdf5 *file, const char *doing, const char *name) {
  char reason[256];
  dust_h5_reason(reason, sizeof reason);
  return dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' failed: %s", file->path, doing, dust_h5_object(name), reason);
}

static const struct known_filter {
  H5Z_filter_t id;
  const char *name, *package; /* Debian's, where it has one */
} known_filters[] = {
    {H5Z_FILTER_DEFLATE, "gzip", NULL},
    {H5Z_FILTER_SHUFFLE, "shuffle", NULL},
    {H5Z_FILTER_FLETCHER32, "fletcher32", NULL},
    {H5Z_FILTER_SZIP, "szip", NULL},
    {H5Z_FILTER_NBIT, "n-bit", NULL},
    {H5Z_FILTER_SCALEOFFSET, "scale-offset", NULL},
    {307, "bzip2", "hdf5-filter-plugin"},
    {32000, "lzf", "hdf5-plugin-lzf"},
    {32001, "blosc", "hdf5-filter-plugin-blosc-serial"},
    {32004, "lz4", "hdf5-filter-plugin"},
    {32008, "bitshuffle", "hdf5-filter-plugin"},
    {32013, "zfp", "hdf5-filter-plugin-zfp-serial"},
    {32015, "zstd", NULL},
    {32026, "blosc2", NULL},
};

static const struct known_filter *find_filter(H5Z_filter_t id) {
  for (size_t i = 0; i < sizeof known_filters / sizeof *known_filters; i++)
    if (known_filters[i].id == id) return &known_filters[i];
  return NULL;
}

void dust_h5_filter_name(char *text, size_t size, H5Z_filter_t id, const char *in_file) {
  const struct known_filter *known = find_filter(id);
  if (known)
    snprintf(text, size, "%s", known->name);
  else if (in_file && in_file[0])
    snprintf(text, size, "%.*s", (int)strcspn(in_file, " ;("), in_file);
  else
    snprintf(text, size, "filter %d", (int)id);
}

/* The first filter of the dataset that this HDF5 can't find; false if it has all. */
static bool missing_filter(hid_t dataset, H5Z_filter_t *id, char *name, size_t size) {
  hid_t plist = H5Dget_create_plist(dataset);
  int count = plist < 0 ? 0 : H5Pget_nfilters(plist);
  bool found = false;
  for (int i = 0; i < count && !found; i++) {
    unsigned flags, config;
    char in_file[64] = "";
    size_t values = 0;
    *id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof in_file - 1, in_file, &config);
    if (*id < 0 || H5Zfilter_avail(*id) > 0) continue;
    dust_h5_filter_name(name, size, *id, in_file);
    found = true;
  }
  if (plist >= 0) H5Pclose(plist);
  return found;
}

dust_status dust_h5_fail_transfer(const dust_hdf5 *file, const char *doing, const char *name, hid_t dataset) {
  char reason[256], filter[64];
  H5Z_filter_t id;
  dust_h5_reason(reason, sizeof reason);
  if (!missing_filter(dataset, &id, filter, sizeof filter))
    return dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' failed: %s", file->path, doing, name, reason);
  const struct known_filter *known = find_filter(id);
  if (known && known->package)
    return dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' needs HDF5's filter plugin %d (%s): install the Debian package %s", file->path, doing,
                     name, (int)id, filter, known->package);
  return dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' needs HDF5's filter plugin %d (%s): put it where HDF5_PLUGIN_PATH points", file->path,
                   doing, name, (int)id, filter);
}
