/* Which files this process has open, and which it must never write (output.h). */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "store/output_internal.h"

typedef struct note {
  struct note *next;
  dust_output_file_id id;
  long readers, writers;
  bool script;
  bool was_read; /* while remembering: kept when nobody reads it any more */
} note;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static note *notes; /* as many as files are open or remembered: few */
static bool remembering;

static note *find(dust_output_file_id id) {
  note *n = notes;
  while (n && !(n->id.device == id.device && n->id.inode == id.inode)) n = n->next;
  return n;
}

/* malloc: notes stay until the process ends when they are of a script, which is no leak of a batch. */
static note *make(dust_output_file_id id) {
  note *n = find(id);
  if (n) return n;
  n = calloc(1, sizeof *n);
  if (!n) return NULL;
  n->id = id, n->next = notes, notes = n;
  return n;
}

static bool count(const struct stat *about, dust_output_file_id *out, bool writes) {
  *out = (dust_output_file_id){about->st_dev, about->st_ino, writes};
  pthread_mutex_lock(&lock);
  note *n = make(*out);
  if (n) *(writes ? &n->writers : &n->readers) += 1;
  if (n && !writes && remembering) n->was_read = true;
  pthread_mutex_unlock(&lock);
  return n != NULL;
}

bool dust_output_reading(const char *path, dust_output_file_id *out) {
  struct stat about;
  return stat(path, &about) == 0 && count(&about, out, false);
}

bool dust_output_reading_descriptor(int descriptor, dust_output_file_id *out) {
  struct stat about;
  return fstat(descriptor, &about) == 0 && count(&about, out, false);
}

bool dust_output_writing(const char *path, dust_output_file_id *out) {
  struct stat about;
  return stat(path, &about) == 0 && count(&about, out, true);
}

long dust_output_written_in_place(void) {
  long count = 0;
  pthread_mutex_lock(&lock);
  for (const note *n = notes; n; n = n->next) count += n->writers;
  pthread_mutex_unlock(&lock);
  return count;
}

void dust_output_done(dust_output_file_id id) {
  pthread_mutex_lock(&lock);
  note *n = find(id);
  if (n) *(id.writes ? &n->writers : &n->readers) -= 1;
  if (n && n->readers == 0 && n->writers == 0 && !n->script && !n->was_read) {
    note **at = &notes;
    while (*at != n) at = &(*at)->next;
    *at = n->next;
    free(n);
  }
  pthread_mutex_unlock(&lock);
}

void dust_output_remember(bool remember) {
  pthread_mutex_lock(&lock);
  remembering = remember;
  pthread_mutex_unlock(&lock);
}

dust_status dust_output_unread(const char *path) {
  struct stat about;
  if (stat(path, &about) != 0) return DUST_OK;
  pthread_mutex_lock(&lock);
  const note *n = find((dust_output_file_id){about.st_dev, about.st_ino, false});
  const bool was_read = n && n->was_read;
  pthread_mutex_unlock(&lock);
  return was_read ? dust_fail(DUST_ERROR_WORLD, "%s is what this run reads: it is not written over; name another output", path) : DUST_OK;
}

dust_status dust_output_protect(const char *path) {
  struct stat about;
  /* Kept open for good: were the file removed, another could get its inode. */
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 || fstat(descriptor, &about) != 0) {
    if (descriptor >= 0) close(descriptor);
    return DUST_OK;
  }
  pthread_mutex_lock(&lock);
  note *n = make((dust_output_file_id){about.st_dev, about.st_ino, false});
  const bool is_known = !n || n->script;
  if (n) n->script = true;
  pthread_mutex_unlock(&lock);
  if (is_known) close(descriptor);
  return n ? DUST_OK : dust_fail(DUST_ERROR_MEMORY, "no memory to note the script %s", path);
}

/* ---- targets of outputs in the making, by name: they need not be there yet */

typedef struct target {
  struct target *next;
  char path[];
} target;

static target *targets;

dust_status dust_output_claim(const char *path, const char *shown) {
  size_t size = strlen(path) + 1;
  pthread_mutex_lock(&lock);
  const target *t = targets;
  while (t && strcmp(t->path, path) != 0) t = t->next;
  target *made = t ? NULL : malloc(sizeof *made + size);
  if (made) memcpy(made->path, path, size), made->next = targets, targets = made;
  pthread_mutex_unlock(&lock);
  if (t) return dust_fail(DUST_ERROR_WORLD, "%s is being written by this process already: close that first, or name another output", shown);
  return made ? DUST_OK : dust_fail(DUST_ERROR_MEMORY, "no memory to write %s", shown);
}

void dust_output_unclaim(const char *path) {
  pthread_mutex_lock(&lock);
  target **at = &targets;
  while (*at && strcmp((*at)->path, path) != 0) at = &(*at)->next;
  target *t = *at;
  if (t) *at = t->next;
  pthread_mutex_unlock(&lock);
  free(t);
}

dust_status dust_output_check_id(const char *path, dust_output_file_id id, bool in_place) {
  pthread_mutex_lock(&lock);
  const note *n = find(id);
  bool script = n && n->script, reads = n && n->readers > 0, writes = n && n->writers > 0;
  pthread_mutex_unlock(&lock);
  if (script) return dust_fail(DUST_ERROR_WORLD, "%s is the script that runs: it is not written over; name another output", path);
  if (reads)
    return dust_fail(DUST_ERROR_WORLD, "%s is open for reading in this process and can't be %s close it first", path,
                     in_place ? "opened for writing too:" : "replaced: name another output, or");
  if (writes)
    return dust_fail(DUST_ERROR_WORLD, "%s is open for writing in this process and can't be %s: close it first", path,
                     in_place ? "opened for that twice" : "replaced");
  return DUST_OK;
}
