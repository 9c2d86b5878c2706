/* Files in the making: what Moondust writes is complete under its final name, or not there.
 *
 *     begin(path)   follows links, refuses what must not be replaced, makes a temporary file in the target's folder with its mode
 *     …             the caller writes to dust_output_path() or dust_output_descriptor()
 *     commit()      fsync, the refusals again, rename, fsync of the folder          discard()   the temporary file goes
 *
 * Refused are folders, devices and pipes, a target without permission or folder, a file that is protected (the script that runs),
 * and one that this process has open, by its inode: two names of a file count as one. For that every file that is read is noted
 * here while it is open. The notes are the process's; any thread may call, a dust_output belongs to one thread at a time.
 */
#ifndef DUST_STORE_OUTPUT_H
#define DUST_STORE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "base/status.h"

typedef struct dust_output dust_output;

typedef enum dust_output_kind {
  DUST_OUTPUT_HIDDEN,  /* the temporary name is .NAME.….tmp; it goes when the output is discarded */
  DUST_OUTPUT_PARTIAL, /* it is NAME.partial, must not be there, and stays when the output is discarded */
  DUST_OUTPUT_RESUMED, /* NAME.partial, which must be there */
  DUST_OUTPUT_ANEW,    /* NAME.partial, emptied if it is there */
} dust_output_kind;

dust_status dust_output_begin(dust_output **out, const char *path, dust_output_kind kind);
const char *dust_output_path(const dust_output *output);   /* of the temporary file */
const char *dust_output_target(const dust_output *output); /* the path that was given */
int dust_output_descriptor(const dust_output *output);     /* open for reading and writing, the output's own */
/* All of `bytes`, at the end of what was written so. The first failure is remembered, and commit() fails with it. */
dust_status dust_output_write(dust_output *output, const void *bytes, size_t size);
/* Both end the output. A commit that fails leaves the target as it was; a temporary file of kind HIDDEN is gone, one of the others
 * stays. Only when the folder's fsync is what failed the target is the new file already. */
dust_status dust_output_commit(dust_output *output);
void dust_output_discard(dust_output *output); /* NULL is fine; removes the temporary file, unless it is to be kept */
/* Whether discard() leaves the temporary file there; for kinds other than HIDDEN. The start: no. */
void dust_output_keep(dust_output *output, bool keep);
/* For an exit() that isn't ours, after which nothing else of this is called: hidden temporary files go. */
void dust_output_abandon(void);

/* How many outputs of the process are begun and not ended, and files open for writing in place. Of the first, what is left when it
 * exits is said on stderr, and hidden temporary files are removed then. */
long dust_output_unfinished(void);

/* A whole file at once. */
dust_status dust_output_file(const char *path, const void *bytes, size_t size);

/* What dust_output_begin() and a file opened in place are refused for; `in_place`: only files that are read, not the ones that are
 * written in place themselves. DUST_OK for a path that isn't there. */
dust_status dust_output_allowed(const char *path, bool in_place);

/* ---- files that this process has open. Each call of reading() that returns true is ended by one of done() with the same file. */
typedef struct dust_output_file_id {
  dev_t device;
  ino_t inode;
  bool writes; /* noted by writing() */
} dust_output_file_id;

bool dust_output_reading(const char *path, dust_output_file_id *out); /* false: not there, or no memory */
bool dust_output_reading_descriptor(int descriptor, dust_output_file_id *out);
bool dust_output_writing(const char *path, dust_output_file_id *out); /* open in place: it can't be replaced */
void dust_output_done(dust_output_file_id id);
/* Files that are read while this is on are remembered, when they are closed, too: what a command has read must not become its output. */
void dust_output_remember(bool remember);
/* DUST_ERROR_WORLD for a file that is remembered. */
dust_status dust_output_unread(const char *path);
/* Never to be written by this process from now on: the script. A path that isn't there is nothing to protect. */
dust_status dust_output_protect(const char *path);

/* ---- system calls of everything that is written, which go on after a signal and a short count. -1 and errno otherwise. */
typedef enum dust_output_call { DUST_CALL_WRITE, DUST_CALL_FSYNC, DUST_CALL_RENAME, DUST_CALL_CLOSE, DUST_CALL_TRUNCATE, DUST_CALL_READ, DUST_CALLS } dust_output_call;
int dust_output_pwrite(int descriptor, const void *bytes, size_t size, uint64_t offset);
/* Fewer bytes than asked for: the file ends there. */
int64_t dust_output_pread(int descriptor, void *bytes, size_t size, uint64_t offset);
int dust_output_fsync(int descriptor); /* 0 for what can't be synchronised, such as a file system that keeps nothing */
int dust_output_close(int descriptor);
int dust_output_truncate(int descriptor, uint64_t size);
/* For tests: the (n + 1)-th such call of the process from now on fails with `error`; with `all`, all after it do. n < 0 switches
 * it off. Returns how many were made since the last call of this. */
long dust_output_fail_after(dust_output_call call, long n, int error, bool all);

#endif
