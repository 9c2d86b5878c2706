/* A library to be preloaded into the program: makes one call of the C library fail, as a full disk, a lost device or a machine without memory would.
 *
 *   TORTURE_CALL    open, read, pread, write, pwrite, fsync, rename, close or malloc (with calloc, realloc and aligned blocks)
 *   TORTURE_PLACE   the how-manieth call fails, from 1; 0: none
 *   TORTURE_REPORT  a file to which lines are added: `failed OWNER` when the call fails, `crash OWNER SIGNAL` when the process dies by it, and at a
 *                   normal end `calls CALL=COUNT …`
 *   TORTURE_TERMINAL  when set, standard input and output say that they are terminals
 *
 * OWNER is `hdf5` when the innermost frame that belongs to either the program or libhdf5 is libhdf5's, `moondust` otherwise. Calls count from when all libraries
 * are loaded. Calls that stdio makes inside the C library can't be caught there: fopen, fread and fwrite are, and mark the stream as stdio would.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))
#define FRAMES 64
#define STREAM_ERROR 0x20 /* _IO_ERR_SEEN of glibc's FILE._flags */

/* glibc's own names: malloc can't be looked up with dlsym, which calls it. */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

enum call { OPEN, READ, PREAD, WRITE, PWRITE, FSYNC, RENAME, CLOSE, MALLOC, CALLS };
static const char *const names[CALLS] = {"open", "read", "pread", "write", "pwrite", "fsync", "rename", "close", "malloc"};
static const int reasons[CALLS] = {EMFILE, EIO, EIO, ENOSPC, ENOSPC, EIO, EIO, EIO, ENOMEM};

static atomic_long counts[CALLS];
static int chosen = -1;
static long place;
static char report_path[4096];
static bool armed, is_terminal;

/* ---- whose code it is */

typedef struct range {
  uintptr_t first, end;
} range;
static range program, hdf5;

static int note_library(struct dl_phdr_info *info, size_t size, void *user) {
  (void)size, (void)user;
  range *into = info->dlpi_name[0] == '\0'                                              ? &program
                : strstr(info->dlpi_name, "libhdf5") && !strstr(info->dlpi_name, "_hl") ? &hdf5
                                                                                        : NULL;
  for (int i = 0; into && i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type == PT_LOAD && part->p_flags & PF_X)
      *into = (range){info->dlpi_addr + part->p_vaddr, info->dlpi_addr + part->p_vaddr + part->p_memsz};
  }
  return 0;
}

static bool within(const range *r, const void *address) { return (uintptr_t)address >= r->first && (uintptr_t)address < r->end; }

static const char *owner(void) {
  void *frames[FRAMES];
  const int n = backtrace(frames, FRAMES);
  for (int i = 0; i < n; i++) {
    if (within(&hdf5, frames[i])) return "hdf5";
    if (within(&program, frames[i])) return "moondust";
  }
  return "moondust";
}

/* ---- the report; by system calls alone, which neither count nor fail */

static void add_line(const char *line) {
  if (!report_path[0]) return;
  const long fd = syscall(SYS_openat, AT_FDCWD, report_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return;
  if (syscall(SYS_write, fd, line, strlen(line)) < 0) abort();
  syscall(SYS_close, fd);
}

static void on_crash(int number) {
  char line[64];
  armed = false;
  snprintf(line, sizeof line, "crash %s %d\n", owner(), number);
  add_line(line);
  raise(number);
}

__attribute__((constructor)) static void begin(void) {
  void *frames[2];
  backtrace(frames, 2); /* the first one loads a library */
  dl_iterate_phdr(note_library, NULL);
  const char *call = getenv("TORTURE_CALL"), *number = getenv("TORTURE_PLACE"), *path = getenv("TORTURE_REPORT");
  for (int i = 0; call && i < CALLS; i++)
    if (strcmp(call, names[i]) == 0) chosen = i;
  place = number ? atol(number) : 0;
  if (path) snprintf(report_path, sizeof report_path, "%s", path);
  is_terminal = getenv("TORTURE_TERMINAL") != NULL;
  static char stack[1 << 18]; /* of its own, since a stack that has overflowed has no room for a handler */
  const stack_t place_of_stack = {.ss_sp = stack, .ss_size = sizeof stack};
  const struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_RESETHAND};
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  sigaltstack(&place_of_stack, NULL);
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) sigaction(deadly[i], &action, NULL);
  armed = true;
}

__attribute__((destructor)) static void end(void) {
  char line[512];
  int length = snprintf(line, sizeof line, "calls");
  armed = false;
  for (int i = 0; i < CALLS; i++) length += snprintf(line + length, sizeof line - (size_t)length, " %s=%ld", names[i], (long)counts[i]);
  snprintf(line + length, sizeof line - (size_t)length, "\n");
  add_line(line);
}

/* Counts a call; true, with errno set, when it is the one to fail. */
static bool fails(enum call call) {
  if (!armed) return false;
  const long number = atomic_fetch_add(&counts[call], 1) + 1;
  if ((int)call != chosen || number != place) return false;
  char line[32];
  snprintf(line, sizeof line, "failed %s\n", owner());
  add_line(line);
  errno = reasons[call];
  return true;
}

/* ---- the calls */

/* The C library's own function of this name. */
#define REAL(name)                         \
  static __typeof__(&name) real;           \
  if (!real) {                             \
    void *found = dlsym(RTLD_NEXT, #name); \
    memcpy(&real, &found, sizeof real);    \
  }

#define OPENER(name)                                   \
  PUBLIC int name(const char *path, int flags, ...) {  \
    REAL(name)                                         \
    mode_t mode = 0;                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {               \
      va_list more;                                    \
      va_start(more, flags);                           \
      mode = va_arg(more, mode_t);                     \
      va_end(more);                                    \
    }                                                  \
    return fails(OPEN) ? -1 : real(path, flags, mode); \
  }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                           \
  PUBLIC int name(int folder, const char *path, int flags, ...) { \
    REAL(name)                                                    \
    mode_t mode = 0;                                              \
    if (flags & (O_CREAT | O_TMPFILE)) {                          \
      va_list more;                                               \
      va_start(more, flags);                                      \
      mode = va_arg(more, mode_t);                                \
      va_end(more);                                               \
    }                                                             \
    return fails(OPEN) ? -1 : real(folder, path, flags, mode);    \
  }
OPENER_AT(openat)
OPENER_AT(openat64)

#define STREAM_OPENER(name)                               \
  PUBLIC FILE *name(const char *path, const char *mode) { \
    REAL(name)                                            \
    return fails(OPEN) ? NULL : real(path, mode);         \
  }
STREAM_OPENER(fopen)
STREAM_OPENER(fopen64)

PUBLIC ssize_t read(int fd, void *bytes, size_t size) {
  REAL(read)
  return fails(READ) ? -1 : real(fd, bytes, size);
}

PUBLIC size_t fread(void *bytes, size_t size, size_t count, FILE *stream) {
  REAL(fread)
  if (!fails(READ)) return real(bytes, size, count, stream);
  stream->_flags |= STREAM_ERROR;
  return 0;
}

PUBLIC ssize_t pread(int fd, void *bytes, size_t size, off_t at) {
  REAL(pread)
  return fails(PREAD) ? -1 : real(fd, bytes, size, at);
}

PUBLIC ssize_t pread64(int fd, void *bytes, size_t size, off64_t at) {
  REAL(pread64)
  return fails(PREAD) ? -1 : real(fd, bytes, size, at);
}

PUBLIC ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(write)
  return fails(WRITE) ? -1 : real(fd, bytes, size);
}

PUBLIC size_t fwrite(const void *bytes, size_t size, size_t count, FILE *stream) {
  REAL(fwrite)
  if (!fails(WRITE)) return real(bytes, size, count, stream);
  stream->_flags |= STREAM_ERROR;
  return 0;
}

PUBLIC ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  REAL(pwrite)
  return fails(PWRITE) ? -1 : real(fd, bytes, size, at);
}

PUBLIC ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  REAL(pwrite64)
  return fails(PWRITE) ? -1 : real(fd, bytes, size, at);
}

PUBLIC int fsync(int fd) {
  REAL(fsync)
  return fails(FSYNC) ? -1 : real(fd);
}

PUBLIC int fdatasync(int fd) {
  REAL(fdatasync)
  return fails(FSYNC) ? -1 : real(fd);
}

PUBLIC int rename(const char *from, const char *to) {
  REAL(rename)
  return fails(RENAME) ? -1 : real(from, to);
}

/* As on Linux: the descriptor is gone, whatever close says. */
PUBLIC int close(int fd) {
  REAL(close)
  if (!fails(CLOSE)) return real(fd);
  real(fd);
  errno = reasons[CLOSE];
  return -1;
}

PUBLIC void *malloc(size_t bytes) { return fails(MALLOC) ? NULL : __libc_malloc(bytes); }
PUBLIC void *calloc(size_t count, size_t bytes) { return fails(MALLOC) ? NULL : __libc_calloc(count, bytes); }
PUBLIC void *realloc(void *block, size_t bytes) { return bytes > 0 && fails(MALLOC) ? NULL : __libc_realloc(block, bytes); }
PUBLIC void *aligned_alloc(size_t alignment, size_t bytes) { return fails(MALLOC) ? NULL : __libc_memalign(alignment, bytes); }

PUBLIC int posix_memalign(void **block, size_t alignment, size_t bytes) {
  if (fails(MALLOC)) return ENOMEM;
  *block = __libc_memalign(alignment, bytes);
  return *block ? 0 : ENOMEM;
}

PUBLIC int isatty(int fd) {
  REAL(isatty)
  return is_terminal && fd <= STDOUT_FILENO ? 1 : real(fd);
}
