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

static bool lacks_memory; /* a function of HDF5 failed for want of memory in this call */

/* Property lists and skip lists are in memory alone; HDF5 1.10 doesn't always say why one of them can't be copied or searched. */
static herr_t find_memory(unsigned n, const H5E_error2_t *error, void *context) {
  if (error->min_num == H5E_NOSPACE || error->min_num == H5E_CANTALLOC || error->maj_num == H5E_PLIST || error->maj_num == H5E_SLIST) lacks_memory = true;
  return lacks_memory;
}

/* HDF5 calls this wherever a function of it fails, with the errors still there. */
static herr_t note_failure(hid_t stack, void *context) { return H5Ewalk2(stack, H5E_WALK_UPWARD, find_memory, NULL) < 0 ? -1 : 0; }

bool dust_h5_failed_below(void) { return lacks_memory || dust_h5_driver_read_error(); }

void dust_h5_enter(dust_h5_call *call) {
  pthread_mutex_lock(&turn);
  call->print = NULL, call->context = NULL;
  H5Eget_auto2(H5E_DEFAULT, &call->print, &call->context);
  H5Eset_auto2(H5E_DEFAULT, note_failure, NULL);
  dust_h5_driver_forget_read();
  lacks_memory = false;
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
  if (!found && dust_h5_driver_read_error()) found = strerror(dust_h5_driver_read_error());
  if (!found && lacks_memory) found = "not enough memory";
  if (!found) found = "HDF5 gives no reason";
  if (!system_words(text, size, found)) snprintf(text, size, "%s", found);
}

dust_status dust_h5_fail(const dust_hdf5 *file, const char *doing, const char *name) {
  char reason[256];
  dust_h5_reason(reason, sizeof reason);
  if (strstr(reason, "bad version number") || strstr(reason, "unknown version") || strstr(reason, "bad superblock version"))
    return dust_fail(DUST_ERROR_WORLD,
                     "%s: %s '%s' failed: it is of a newer HDF5 than the one here, %u.%u.%u (%s); copy it with the program that wrote it: "
                     "h5py.File(new, 'w', libver=('earliest', 'v110')), create_dataset(name, data=old[name][...])",
                     file->path, doing, dust_h5_object(name), H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE, reason);
  return dust_fail(lacks_memory ? DUST_ERROR_MEMORY : DUST_ERROR_WORLD, "%s: %s '%s' failed: %s", file->path, doing, dust_h5_object(name), reason);
}

dust_status dust_h5_fail_transfer(const dust_hdf5 *file, const char *doing, const char *name, hid_t dataset) {
  char reason[256];
  dust_h5_reason(reason, sizeof reason);
  if (dust_h5_fail_filter(file, doing, name, dataset)) return DUST_ERROR_WORLD;
  return dust_fail(DUST_ERROR_WORLD, "%s: %s '%s' failed: %s", file->path, doing, name, reason);
}
