/* Filters beyond HDF5's own: lzf (h5py's), which we bring where liblzf is there, and ways out for what we lack.
 *
 * A chunk in lzf is one block of liblzf's; the filter's third value in the file is the chunk's bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef DUST_HAVE_LZF
#include <liblzf/lzf.h>
#endif
#include "store/hdf5_internal.h"

#define LZF 32000

#ifdef DUST_HAVE_LZF

bool dust_h5_has_lzf(void) { return true; }

bool dust_h5_lzf_decode(void *out, size_t wanted, const void *in, size_t size) {
  return size <= UINT32_MAX && wanted <= UINT32_MAX && lzf_decompress(in, (unsigned)size, out, (unsigned)wanted) == wanted;
}

/* HDF5 owns the buffer: malloc's. 0: failed, or, packing, that it doesn't pay. */
static size_t lzf_filter(unsigned flags, size_t values, const unsigned value[], size_t bytes, size_t *capacity, void **buffer) {
  bool unpack = flags & H5Z_FLAG_REVERSE;
  size_t room = unpack ? (values >= 3 && value[2] ? value[2] : 0) : bytes;
  if (room == 0 || room > UINT32_MAX || bytes > UINT32_MAX) return 0;
  void *out = malloc(room);
  if (!out) return 0;
  size_t made = unpack ? lzf_decompress(*buffer, (unsigned)bytes, out, (unsigned)room)
                       : lzf_compress(*buffer, (unsigned)bytes, out, (unsigned)room - 1);
  if (made == 0 || (unpack && made != room)) return free(out), 0;
  free(*buffer);
  *buffer = out, *capacity = room;
  return made;
}

void dust_h5_filters_register(void) {
  static bool done; /* in HDF5's turn */
  static const H5Z_class2_t lzf = {H5Z_CLASS_T_VERS, LZF, 1, 1, "lzf", NULL, NULL, lzf_filter};
  if (!done && H5Zfilter_avail(LZF) <= 0) H5Zregister(&lzf); /* where that fails, reading says that it is missing */
  H5Eclear2(H5E_DEFAULT);
  done = true;
}

#else

bool dust_h5_has_lzf(void) { return false; }
bool dust_h5_lzf_decode(void *out, size_t wanted, const void *in, size_t size) { return false; }
void dust_h5_filters_register(void) {}

#endif

/* ---- names and ways out */

/* Each was tried: a file of hdf5plugin 7.1 was read with libhdf5 1.10.8 of Debian 12 by the package's library, and by hdf5plugin's.
 * Debian 12's hdf5-filter-plugin holds no bitshuffle, whatever its description says. */
static const struct known_filter {
  H5Z_filter_t id;
  const char *name, *package; /* Debian's, where that has one that loads */
  bool in_hdf5plugin;         /* PyPI's hdf5plugin has it */
} known_filters[] = {
    {H5Z_FILTER_DEFLATE, "gzip", NULL, false},
    {H5Z_FILTER_SHUFFLE, "shuffle", NULL, false},
    {H5Z_FILTER_FLETCHER32, "fletcher32", NULL, false},
    {H5Z_FILTER_SZIP, "szip", NULL, false},
    {H5Z_FILTER_NBIT, "n-bit", NULL, false},
    {H5Z_FILTER_SCALEOFFSET, "scale-offset", NULL, false},
    {307, "bzip2", "hdf5-filter-plugin", true},
    {LZF, "lzf", NULL, false},
    {32001, "blosc", "hdf5-filter-plugin-blosc-serial", true},
    {32004, "lz4", "hdf5-filter-plugin", true},
    {32008, "bitshuffle", NULL, true},
    {32013, "zfp", "hdf5-filter-plugin-zfp-serial", true},
    {32015, "zstd", NULL, true},
    {32017, "sz", NULL, true},
    {32018, "fcidecomp", NULL, true},
    {32024, "sz3", NULL, true},
    {32026, "blosc2", NULL, true},
    {32028, "sperr", NULL, true},
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

bool dust_h5_fail_filter(const dust_hdf5 *file, const char *doing, const char *name, hid_t dataset) {
  static const char plugin[] = "`pip install hdf5plugin`, then set HDF5_PLUGIN_PATH=$(python3 -c 'import hdf5plugin; print(hdf5plugin.PLUGINS_PATH)')";
  char filter[64];
  H5Z_filter_t id;
  if (!missing_filter(dataset, &id, filter, sizeof filter)) return false;
  const struct known_filter *known = find_filter(id);
  if (id == LZF)
    dust_fail(DUST_ERROR_WORLD,
              "%s: %s '%s' needs the filter lzf (%d), which this build lacks: install liblzf (Debian: liblzf-dev) and build Moondust again, "
              "or copy the dataset to gzip with h5py: new.create_dataset(name, data=old[name], compression='gzip')",
              file->path, doing, name, (int)id);
  else if (known && known->package)
    dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' needs HDF5's filter plugin %d (%s): install the Debian package %s, or %s", file->path, doing, name,
              (int)id, filter, known->package, plugin);
  else if (known && known->in_hdf5plugin)
    dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' needs HDF5's filter plugin %d (%s): %s", file->path, doing, name, (int)id, filter, plugin);
  else
    dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' needs HDF5's filter plugin %d (%s): put its library into a folder that HDF5_PLUGIN_PATH names",
              file->path, doing, name, (int)id, filter);
  return true;
}
