/* System calls of what is written (output.h), each of which a test can have fail. */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>
#include "store/output_internal.h"

static struct {
  atomic_long made, left; /* left: calls before the one that fails; < 0: none does */
  atomic_int error;
  atomic_bool all;
} plans[DUST_CALLS] = {{.left = -1}, {.left = -1}, {.left = -1}, {.left = -1}, {.left = -1}, {.left = -1}};

long dust_output_fail_after(dust_output_call call, long n, int error, bool all) {
  atomic_store(&plans[call].left, -1);
  atomic_store(&plans[call].error, error);
  atomic_store(&plans[call].all, all);
  atomic_store(&plans[call].left, n);
  return atomic_exchange(&plans[call].made, 0);
}

bool dust_output_fails(dust_output_call call) {
  atomic_fetch_add_explicit(&plans[call].made, 1, memory_order_relaxed);
  if (atomic_load_explicit(&plans[call].left, memory_order_relaxed) < 0) return false;
  if (atomic_fetch_sub(&plans[call].left, 1) > 0) return false;
  if (atomic_load(&plans[call].all)) atomic_store(&plans[call].left, 0);
  errno = atomic_load(&plans[call].error);
  return true;
}

int dust_output_pwrite(int descriptor, const void *bytes, size_t size, uint64_t offset) {
  const char *from = bytes;
  if (dust_output_fails(DUST_CALL_WRITE)) return -1;
  while (size > 0) {
    ssize_t n = pwrite(descriptor, from, size < ((size_t)1 << 30) ? size : (size_t)1 << 30, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return -1;
    from += n, offset += (uint64_t)n, size -= (size_t)n;
  }
  return 0;
}

int64_t dust_output_pread(int descriptor, void *bytes, size_t size, uint64_t offset) {
  char *to = bytes;
  size_t done = 0;
  if (dust_output_fails(DUST_CALL_READ)) return -1;
  while (done < size) {
    size_t rest = size - done;
    ssize_t n = pread(descriptor, to + done, rest < ((size_t)1 << 30) ? rest : (size_t)1 << 30, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += (size_t)n;
  }
  return (int64_t)done;
}

int dust_output_fsync(int descriptor) {
  int result;
  if (dust_output_fails(DUST_CALL_FSYNC)) return -1;
  while ((result = fsync(descriptor)) != 0 && errno == EINTR) continue;
  return result != 0 && (errno == EINVAL || errno == EROFS || errno == ENOTSUP || errno == EOPNOTSUPP || errno == ENOSYS) ? 0 : result;
}

/* Linux gives the descriptor back whatever close() says. */
int dust_output_close(int descriptor) {
  bool fails = dust_output_fails(DUST_CALL_CLOSE);
  int error = errno, result = close(descriptor);
  if (!fails) return result != 0 && errno == EINTR ? 0 : result;
  errno = error;
  return -1;
}

int dust_output_truncate(int descriptor, uint64_t size) {
  int result;
  if (dust_output_fails(DUST_CALL_TRUNCATE)) return -1;
  while ((result = ftruncate(descriptor, (off_t)size)) != 0 && errno == EINTR) continue;
  return result;
}
