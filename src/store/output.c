/* An output in the making (output.h): the temporary file, its name and its end. */
#include "store/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/printable.h"
#include "store/output_internal.h"

#define PATH_SIZE 4096

struct dust_output {
  char given[PATH_SIZE], target[PATH_SIZE], temporary[PATH_SIZE]; /* target: where links end */
  dust_output_kind kind;
  int descriptor;
  bool keep, claimed;
  uint64_t written;
  int error; /* errno of the first write that failed; 0: none */
  bool had_target;
  dust_output_file_id id; /* of the temporary file */
  dust_output *next;      /* of those in the making */
  pid_t process;          /* whose it is: not that of a child which was forked off meanwhile */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dust_output *in_the_making; /* those with a temporary name */

/* Said where nobody else can any more: after a script's os.exit(). */
static void tell_at_exit(void) {
  if (pthread_mutex_trylock(&lock) != 0) return; /* held by whoever is being ended */
  for (const dust_output *o = in_the_making; o; o = o->next) {
    if (o->process != getpid()) continue;
    char path[PATH_SIZE];
    dust_printable(path, sizeof path, o->given, strlen(o->given));
    if (o->kind == DUST_OUTPUT_HIDDEN) unlink(o->temporary);
    fprintf(stderr, "moondust: %s was never closed, so it is not written%s\n", path,
            o->kind == DUST_OUTPUT_HIDDEN ? "" : "; what was flushed is in the partial file beside it");
  }
  pthread_mutex_unlock(&lock);
}

static void list_add(dust_output *o) {
  static bool registered;
  pthread_mutex_lock(&lock);
  if (!registered) registered = atexit(tell_at_exit) == 0;
  o->process = getpid();
  o->next = in_the_making, in_the_making = o;
  pthread_mutex_unlock(&lock);
}

static void list_remove(const dust_output *o) {
  pthread_mutex_lock(&lock);
  dust_output **at = &in_the_making;
  while (*at && *at != o) at = &(*at)->next;
  if (*at) *at = o->next;
  pthread_mutex_unlock(&lock);
}

long dust_output_unfinished(void) {
  long count = dust_output_written_in_place();
  pthread_mutex_lock(&lock);
  for (const dust_output *o = in_the_making; o; o = o->next) count += o->process == getpid();
  pthread_mutex_unlock(&lock);
  return count;
}

void dust_output_abandon(void) {
  if (pthread_mutex_trylock(&lock) != 0) return; /* held by whoever is being ended */
  for (const dust_output *o = in_the_making; o; o = o->next)
    if (o->kind == DUST_OUTPUT_HIDDEN) unlink(o->temporary);
  pthread_mutex_unlock(&lock);
}

const char *dust_output_path(const dust_output *output) { return output->temporary; }
const char *dust_output_target(const dust_output *output) { return output->given; }
int dust_output_descriptor(const dust_output *output) { return output->descriptor; }
void dust_output_keep(dust_output *output, bool keep) { output->keep = keep; }

static dust_status too_long(const char *path) { return dust_fail(DUST_ERROR_WORLD, "%.200s…: a path of %d bytes or more", path, PATH_SIZE); }

/* The folder of a path with its slash, "" for a bare name. */
static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Where `path` leads, through links of which the last may lead nowhere yet. */
static dust_status follow(char *out, const char *path) {
  char next[PATH_SIZE];
  struct stat about;
  if (strlen(path) >= PATH_SIZE) return too_long(path);
  strcpy(out, path);
  for (int links = 0; lstat(out, &about) == 0 && S_ISLNK(about.st_mode); links++) {
    char leads[PATH_SIZE];
    ssize_t n = readlink(out, leads, sizeof leads - 1);
    if (n < 0) return dust_fail(DUST_ERROR_WORLD, "%s: %s", path, strerror(errno));
    if (links == 40) return dust_fail(DUST_ERROR_WORLD, "%s: %s", path, strerror(ELOOP));
    leads[n] = 0;
    size_t folder = leads[0] == '/' ? 0 : folder_length(out);
    if (folder + (size_t)n >= PATH_SIZE) return too_long(path);
    memcpy(next, out, folder);
    strcpy(next + folder, leads);
    strcpy(out, next);
  }
  return DUST_OK;
}

static dust_status check_kind(const char *path, const struct stat *about) {
  if (S_ISDIR(about->st_mode)) return dust_fail(DUST_ERROR_WORLD, "%s is a directory, and a file is to be written: name a file", path);
  if (!S_ISREG(about->st_mode))
    return dust_fail(DUST_ERROR_WORLD, "%s is a device, a pipe or a socket, not a regular file: name a file to write to", path);
  return DUST_OK;
}

dust_status dust_output_allowed(const char *path, bool in_place) {
  struct stat about;
  if (stat(path, &about) != 0) return DUST_OK;
  DUST_TRY(check_kind(path, &about));
  return dust_output_check_id(path, (dust_output_file_id){about.st_dev, about.st_ino, false}, in_place);
}

/* What is against replacing the target, before anything is made. */
static dust_status check_target(dust_output *o) {
  struct stat about;
  if (!o->given[0]) return dust_fail(DUST_ERROR_WORLD, "an output needs a name, not an empty one");
  DUST_TRY(follow(o->target, o->given));
  o->had_target = stat(o->target, &about) == 0;
  if (!o->had_target && errno != ENOENT && errno != ENOTDIR) return dust_fail(DUST_ERROR_WORLD, "%s: %s", o->given, strerror(errno));
  size_t folder = folder_length(o->target);
  if (!o->target[folder]) return dust_fail(DUST_ERROR_WORLD, "%s names a directory, and a file is to be written: name a file", o->given);
  if (o->had_target) {
    DUST_TRY(check_kind(o->given, &about));
    DUST_TRY(dust_output_check_id(o->given, (dust_output_file_id){about.st_dev, about.st_ino, false}, false));
    if (access(o->target, W_OK) != 0)
      return dust_fail(DUST_ERROR_WORLD, "%s: no permission to write it: %s", o->given, strerror(errno));
  }
  char parent[PATH_SIZE] = ".";
  if (folder > 0) memcpy(parent, o->target, folder), parent[folder] = 0;
  if (stat(parent, &about) != 0 || !S_ISDIR(about.st_mode)) {
    if (folder > 1) parent[folder - 1] = 0;
    return dust_fail(DUST_ERROR_WORLD, "%s: there is no directory %s: make it first", o->given, parent);
  }
  return DUST_OK;
}

static int open_again(const char *path, int flags, mode_t mode) {
  int descriptor;
  while ((descriptor = open(path, flags | O_CLOEXEC, mode)) < 0 && errno == EINTR) continue;
  return descriptor;
}

static dust_status fail_to_make(const dust_output *o) {
  return dust_fail(DUST_ERROR_WORLD, "%s can't be written: making %s beside it failed: %s", o->given, o->temporary, strerror(errno));
}

/* .NAME.PID-N.tmp, the name cut where the file system takes no longer ones. */
static dust_status open_hidden(dust_output *o) {
  static _Atomic unsigned serial;
  size_t folder = folder_length(o->target);
  for (int attempt = 0; attempt < 100; attempt++) {
    int n = snprintf(o->temporary, PATH_SIZE, "%.*s.%.200s.%ld-%u.tmp", (int)folder, o->target, o->target + folder, (long)getpid(), serial++);
    if (n >= PATH_SIZE) return too_long(o->given);
    o->descriptor = open_again(o->temporary, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (o->descriptor >= 0 || errno != EEXIST) break;
  }
  return o->descriptor < 0 ? fail_to_make(o) : DUST_OK;
}

static dust_status open_partial(dust_output *o) {
  struct stat about;
  if (snprintf(o->temporary, PATH_SIZE, "%s.partial", o->target) >= PATH_SIZE) return too_long(o->given);
  bool there = lstat(o->temporary, &about) == 0;
  if (there && !S_ISREG(about.st_mode)) return dust_fail(DUST_ERROR_WORLD, "%s is in the way, and no regular file: remove it", o->temporary);
  if (there && o->kind == DUST_OUTPUT_PARTIAL)
    return dust_fail(DUST_ERROR_WORLD, "%s is there from a run that didn't end: resume that, remove it, or name another output", o->temporary);
  if (!there && o->kind == DUST_OUTPUT_RESUMED) return dust_fail(DUST_ERROR_WORLD, "%s isn't there: nothing to resume", o->temporary);
  if (there) DUST_TRY(dust_output_allowed(o->temporary, false));
  o->descriptor = open_again(o->temporary, O_RDWR | O_NOFOLLOW | (there ? 0 : O_CREAT | O_EXCL), 0666);
  if (o->descriptor < 0) return fail_to_make(o);
  if (o->kind == DUST_OUTPUT_ANEW && there && dust_output_truncate(o->descriptor, 0) != 0) return fail_to_make(o);
  return DUST_OK;
}

/* The target's owner and mode; that of a file just made stays otherwise. */
static dust_status keep_mode(const dust_output *o) {
  struct stat theirs, ours;
  if (stat(o->target, &theirs) != 0 || fstat(o->descriptor, &ours) != 0) return DUST_OK;
  mode_t mode = theirs.st_mode & 07777;
  if ((theirs.st_uid != ours.st_uid || theirs.st_gid != ours.st_gid) && fchown(o->descriptor, theirs.st_uid, theirs.st_gid) != 0)
    mode &= (mode_t)~06000; /* another's file becomes ours, as it would for any editor; nobody's rights may grow by that */
  if (fchmod(o->descriptor, mode) != 0) return fail_to_make(o);
  return DUST_OK;
}

static void end(dust_output *o, bool remove) {
  list_remove(o);
  if (o->descriptor >= 0) close(o->descriptor);
  if (o->claimed) dust_output_unclaim(o->target);
  if (remove && o->temporary[0]) unlink(o->temporary);
  dust_free(o);
}

dust_status dust_output_begin(dust_output **out, const char *path, dust_output_kind kind) {
  void *block;
  struct stat about;
  DUST_TRY(dust_calloc(&block, 1, sizeof(dust_output)));
  dust_output *o = block;
  dust_status status;
  o->kind = kind, o->descriptor = -1;
  if (strlen(path) >= PATH_SIZE) DUST_GO(too_long(path));
  strcpy(o->given, path);
  DUST_GO(check_target(o));
  DUST_GO(dust_output_claim(o->target, path));
  o->claimed = true;
  DUST_GO(kind == DUST_OUTPUT_HIDDEN ? open_hidden(o) : open_partial(o));
  list_add(o);
  if (o->had_target) DUST_GO(keep_mode(o));
  if (fstat(o->descriptor, &about) != 0) DUST_GO(fail_to_make(o));
  o->id = (dust_output_file_id){about.st_dev, about.st_ino, false};
  *out = o;
done:
  if (status != DUST_OK) end(o, kind == DUST_OUTPUT_HIDDEN && o->descriptor >= 0);
  return status;
}

static dust_status fail_to_write(const dust_output *o, const char *doing, int error) {
  return dust_fail(DUST_ERROR_WORLD, "%s can't be written: %s: %s", o->given, doing, strerror(error));
}

dust_status dust_output_write(dust_output *o, const void *bytes, size_t size) {
  if (!o->error && dust_output_pwrite(o->descriptor, bytes, size, o->written) != 0) o->error = errno;
  if (o->error) return fail_to_write(o, "writing failed", o->error);
  o->written += size;
  return DUST_OK;
}

/* The target may have become something else since begin(), or a source's. And the temporary file has to be ours still. */
static dust_status check_again(dust_output *o) {
  struct stat about;
  char target[PATH_SIZE];
  DUST_TRY(follow(target, o->given));
  if (strcmp(target, o->target) != 0)
    return dust_fail(DUST_ERROR_WORLD, "%s led to %s when it was begun and leads to %s now: it is not written", o->given, o->target, target);
  DUST_TRY(dust_output_allowed(o->target, false));
  if (stat(o->temporary, &about) != 0 || about.st_dev != o->id.device || about.st_ino != o->id.inode)
    return dust_fail(DUST_ERROR_WORLD, "%s can't be written: somebody has removed or replaced %s, the file in the making", o->given,
                     o->temporary);
  return DUST_OK;
}

static dust_status sync_folder(const dust_output *o) {
  char folder[PATH_SIZE] = ".";
  size_t length = folder_length(o->target);
  if (length > 0) memcpy(folder, o->target, length), folder[length] = 0;
  int descriptor = open_again(folder, O_RDONLY | O_DIRECTORY, 0);
  if (descriptor < 0) return DUST_OK; /* a folder that may be written but not read: nothing more can be done */
  int failed = dust_output_fsync(descriptor), error = errno;
  close(descriptor);
  if (failed == 0) return DUST_OK;
  return dust_fail(DUST_ERROR_WORLD, "%s is written, but its folder can't be synchronised (%s): a power failure now could undo that", o->given,
                   strerror(error));
}

static int rename_file(const char *from, const char *to) { return dust_output_fails(DUST_CALL_RENAME) ? -1 : rename(from, to); }

dust_status dust_output_commit(dust_output *o) {
  dust_status status = DUST_OK;
  bool renamed = false;
  if (o->error) DUST_GO(fail_to_write(o, "writing failed", o->error));
  if (dust_output_fsync(o->descriptor) != 0) DUST_GO(fail_to_write(o, "fsync failed", errno));
  int descriptor = o->descriptor;
  o->descriptor = -1;
  close(descriptor); /* fsync has told already that everything is there */
  DUST_GO(check_again(o));
  if (rename_file(o->temporary, o->target) != 0) {
    int error = errno;
    DUST_GO(dust_fail(DUST_ERROR_WORLD, "%s can't be written: giving %s its name failed: %s", o->given, o->temporary, strerror(error)));
  }
  renamed = true;
  DUST_GO(sync_folder(o));
done:
  end(o, !renamed && o->kind == DUST_OUTPUT_HIDDEN);
  return status;
}

void dust_output_discard(dust_output *o) {
  if (o) end(o, o->kind == DUST_OUTPUT_HIDDEN || !o->keep);
}

dust_status dust_output_file(const char *path, const void *bytes, size_t size) {
  dust_output *output;
  DUST_TRY(dust_output_begin(&output, path, DUST_OUTPUT_HIDDEN));
  dust_status status = dust_output_write(output, bytes, size);
  if (status == DUST_OK) return dust_output_commit(output);
  dust_output_discard(output);
  return status;
}
