/* Linux says it in /proc/meminfo and in the files of control groups; elsewhere it isn't known. */
#include "base/available.h"
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* The number in a file that has nothing else; -1: none ("max") or no such file. */
static int64_t number_in(const char *path) {
  long long value = -1;
  FILE *file = fopen(path, "re");
  if (!file) return -1;
  if (fscanf(file, "%lld", &value) != 1) value = -1;
  fclose(file);
  return value;
}

static int64_t least(int64_t a, int64_t b) { return a < 0 ? b : b < 0 ? a : a < b ? a : b; }

static int64_t of_machine(void) {
  char line[128];
  int64_t all = -1;
  FILE *file = fopen("/proc/meminfo", "re");
  if (!file) return -1;
  while (fgets(line, sizeof line, file)) {
    long long kib;
    if (sscanf(line, "MemAvailable: %lld", &kib) == 1 || sscanf(line, "SwapFree: %lld", &kib) == 1) all = (all < 0 ? 0 : all) + kib * 1024;
  }
  fclose(file);
  return all;
}

static int64_t of_group(const char *limit, const char *used) {
  int64_t most = number_in(limit), taken = number_in(used);
  return most < 0 || taken < 0 ? -1 : most > taken ? most - taken : 0;
}

int64_t dust_mem_available(void) {
  struct rlimit limit;
  int64_t room = of_machine();
  room = least(room, of_group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"));
  room = least(room, of_group("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"));
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) room = least(room, (int64_t)limit.rlim_cur);
  return room;
}
