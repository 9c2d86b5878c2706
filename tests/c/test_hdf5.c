/* HDF5 files below Lua: ids and bytes given back, failing allocations, broken and mutated files, a full disk, threads and
 * processes. */
#include <dlfcn.h>
#include <execinfo.h>
#include <hdf5.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "store/hdf5.h"

#define TYPES "tests/golden/hdf5/types.h5"
#define ATTRIBUTES "tests/golden/hdf5/attributes.h5"
#define LINKS "tests/golden/hdf5/links.h5"

static char path[64];

static void fresh_path(void) {
  strcpy(path, "/tmp/moondust_hdf5_XXXXXX");
  int file = mkstemp(path);
  CHECK(file >= 0);
  if (file >= 0) close(file);
}

/* Ids of every kind that this process holds. */
static long ids(void) {
  hsize_t all = 0, n;
  static const H5I_type_t kinds[] = {H5I_FILE, H5I_GROUP, H5I_DATASET, H5I_ATTR, H5I_DATASPACE, H5I_DATATYPE, H5I_GENPROP_LST};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (H5Inmembers(kinds[i], &n) >= 0) all += n;
  return (long)all;
}

static dust_status make_file(int compression) {
  dust_hdf5 *file = NULL;
  dust_ndarray array = {0};
  dust_status status;
  dust_hdf5_layout layout = {.layout = DUST_HDF5_CHUNKS_CHOSEN, .compression = compression};
  DUST_GO(dust_hdf5_open(&file, path, DUST_HDF5_TRUNCATE));
  DUST_GO(dust_ndarray_empty(&array, DUST_UINT16, 3, (int64_t[]){9, 40, 50}));
  for (int i = 0; i < 9 * 40 * 50; i++) ((uint16_t *)array.data)[i] = (uint16_t)(i * 7);
  DUST_GO(dust_hdf5_create(file, "/volumes//raw/", DUST_UINT16, 3, array.shape, &layout));
  DUST_GO(dust_hdf5_set_numbers(file, "volumes/raw", "resolution", 3, (double[]){40, 4.5, 4}));
  DUST_GO(dust_hdf5_write(file, "volumes/raw", &array, NULL));
done:
  dust_ndarray_release(&array);
  dust_status closed = dust_hdf5_close(file);
  return status ? status : closed;
}

static dust_status use_everything(void *context) {
  dust_hdf5 *file = NULL;
  dust_hdf5_info info = {0}, *infos = NULL;
  size_t count = 0;
  dust_hdf5_value value = {0};
  dust_ndarray array = {0};
  dust_status status;
  DUST_GO(dust_hdf5_open(&file, ATTRIBUTES, DUST_HDF5_READ));
  DUST_GO(dust_hdf5_read(&array, file, "cremi", 3, (int64_t[]){0, 1, 0}, (int64_t[]){2, 1, 2}));
  DUST_GO(dust_hdf5_get_info(&info, file, "fixed_axes"));
  DUST_GO(dust_hdf5_list(&infos, &count, file));
  DUST_GO(dust_hdf5_get_attribute(&value, file, "axes", "axis_names"));
done:
  dust_ndarray_release(&array);
  dust_hdf5_value_release(&value);
  dust_hdf5_info_release(&info);
  dust_hdf5_list_release(infos, count);
  dust_hdf5_close(file);
  return status;
}

static dust_status write_everything(void *context) { return make_file(5); }

static void test_allocations(void) {
  long before = ids();
  check_every_allocation("open, read, info, list, attribute, close", use_everything, NULL);
  fresh_path();
  check_every_allocation("create, write, close", write_everything, NULL);
  unlink(path);
  CHECK(ids() == before);
  CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

static void test_missing_filters(void) {
  dust_hdf5 *file = NULL;
  dust_ndarray array = {0};
  CHECK_OK(dust_hdf5_open(&file, TYPES, DUST_HDF5_READ));
  CHECK_FAILS(dust_hdf5_read(&array, file, "blosc", 0, NULL, NULL), DUST_ERROR_WORLD,
              TYPES
              ": reading 'blosc' needs HDF5's filter plugin 32001 (blosc): install the Debian package hdf5-filter-plugin-blosc-serial");
#ifdef DUST_HAVE_LZF
  dust_ndarray unpacked = {0};
  CHECK_OK(dust_hdf5_read(&unpacked, file, "lzf", 0, NULL, NULL));
  dust_ndarray_release(&unpacked);
#else
  CHECK_FAILS(dust_hdf5_read(&array, file, "lzf", 0, NULL, NULL), DUST_ERROR_WORLD, "install liblzf");
#endif
  CHECK_FAILS(dust_hdf5_read(&array, file, "unknown", 0, NULL, NULL), DUST_ERROR_WORLD,
              "filter plugin 299 (filter 299): put its library into a folder that HDF5_PLUGIN_PATH names");
  CHECK(array.buffer == NULL);
  CHECK_OK(dust_hdf5_close(file));
  CHECK_OK(dust_hdf5_close(NULL));
}

/* The host's error printing is as it was, and nothing of ours is left on its stack. */
static int printed;
static herr_t count_print(hid_t stack, void *context) { return printed++, 0; }

static void test_host_error_handler(void) {
  dust_hdf5 *file;
  H5E_auto2_t print;
  void *context;
  H5Eset_auto2(H5E_DEFAULT, count_print, &printed);
  CHECK_FAILS(dust_hdf5_open(&file, "Makefile", DUST_HDF5_READ), DUST_ERROR_WORLD,
              "Makefile is not an HDF5 file (it has no HDF5 signature)");
  CHECK(printed == 0);
  H5Eget_auto2(H5E_DEFAULT, &print, &context);
  CHECK(print == count_print && context == &printed);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static void test_chunks(void) {
  int64_t c[DUST_MAXDIM];
  dust_hdf5_choose_chunks(c, 1, 3, (int64_t[]){1000, 1000, 1000});
  CHECK(c[0] == 64 && c[1] == 64 && c[2] == 64);
  dust_hdf5_choose_chunks(c, 8, 3, (int64_t[]){1000, 1000, 1000});
  CHECK(c[0] * c[1] * c[2] * 8 == 1 << 20);
  dust_hdf5_choose_chunks(c, 1, 3, (int64_t[]){1, 1000, 1000});
  CHECK(c[0] == 1 && c[1] * c[2] >= 1 << 16 && c[1] * c[2] <= 1 << 20);
  dust_hdf5_choose_chunks(c, 4, 5, (int64_t[]){12, 3, 216, 216, 216});
  CHECK(c[0] == 1 && c[1] == 1 && c[2] == 64 && c[3] == 64 && c[4] == 64);
  dust_hdf5_choose_chunks(c, 1, 2, (int64_t[]){10, 10});
  CHECK(c[0] == 10 && c[1] == 10);
  dust_hdf5_choose_chunks(c, 8, 1, (int64_t[]){INT64_MAX});
  CHECK(c[0] == 8192);
}

/* ---- broken files */

static char *slurp(const char *name, size_t *size) {
  static char bytes[1 << 20];
  FILE *in = fopen(name, "rb");
  *size = in ? fread(bytes, 1, sizeof bytes, in) : 0;
  if (in) fclose(in);
  return bytes;
}

static void spill(const char *name, const char *bytes, size_t size) {
  FILE *out = fopen(name, "wb");
  CHECK(out && fwrite(bytes, 1, size, out) == size);
  if (out) fclose(out);
}

static void test_truncated(void) {
  size_t size;
  char words[128];
  dust_hdf5 *file;
  fresh_path();
  CHECK_FAILS(dust_hdf5_open(&file, path, DUST_HDF5_READ), DUST_ERROR_WORLD, "is empty, not an HDF5 file");
  CHECK_OK(make_file(0));
  char *bytes = slurp(path, &size);
  spill(path, bytes, size / 2);
  snprintf(words, sizeof words, "%s is truncated: %zu of its %zu bytes are there", path, size / 2, size);
  CHECK_FAILS(dust_hdf5_open(&file, path, DUST_HDF5_READ), DUST_ERROR_WORLD, words);
  spill(path, bytes, 20);
  CHECK_FAILS(dust_hdf5_open(&file, path, DUST_HDF5_READ), DUST_ERROR_WORLD, "can't be opened");
  unlink(path);
}

/* Everything that a reader may ask of the file at `path`; what comes back doesn't matter. */
static void read_all(void) {
  dust_hdf5 *file = NULL;
  dust_hdf5_info *infos = NULL;
  size_t count = 0;
  if (dust_hdf5_open(&file, path, DUST_HDF5_READ) != DUST_OK) return;
  if (dust_hdf5_list(&infos, &count, file) == DUST_OK)
    for (size_t i = 0; i < count; i++) {
      dust_ndarray array = {0};
      dust_hdf5_value value = {0};
      if (dust_hdf5_read(&array, file, infos[i].name, 0, NULL, NULL) == DUST_OK) dust_ndarray_release(&array);
      if (dust_hdf5_get_attribute(&value, file, infos[i].name, "resolution") == DUST_OK) dust_hdf5_value_release(&value);
    }
  dust_hdf5_list_release(infos, count);
  dust_hdf5_close(file);
}

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

#define CRASH_IN_HDF5 77

/* HDF5 1.10 has crashes of its own on damaged files (attribute messages, mostly), which no caller can avoid. Whose a crash is,
 * the innermost frame tells that is neither the C library's nor the system's. */
static void whose_crash(int number) {
  void *frame[64];
  int frames = backtrace(frame, 64);
  for (int i = 1; i < frames; i++) {
    Dl_info about;
    if (!dladdr(frame[i], &about) || !about.dli_fname) continue;
    if (strstr(about.dli_fname, "libhdf5")) _exit(CRASH_IN_HDF5);
    if (strstr(about.dli_fname, "test_hdf5")) break;
  }
  signal(number, SIG_DFL);
  raise(number);
}

static void catch_crashes(void) {
  void *frame[4];
  backtrace(frame, 4); /* loads what it needs now rather than in the handler */
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], whose_crash);
}

/* Each mutation in a process of its own, which must end by itself, leave no bytes, and take less than 10 s. */
static void mutate(const char *source, int times, uint64_t seed) {
  static char copy[1 << 20];
  size_t size;
  char *bytes = slurp(source, &size);
  CHECK(size > 0);
  for (int i = 0; i < times && size; i++) {
    memcpy(copy, bytes, size);
    int changes = 1 + (int)(next_random(&seed) % 8);
    for (int c = 0; c < changes; c++) {
      size_t place = next_random(&seed) % size;
      copy[place] = (char)next_random(&seed);
    }
    spill(path, copy, size);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      alarm(10);
      catch_crashes();
      read_all();
      _exit(dust_mem_in_use() != 0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    bool theirs = WIFEXITED(status) && WEXITSTATUS(status) == CRASH_IN_HDF5;
    if (theirs)
      printf("mutation %d of %s: libhdf5 crashes\n", i, source);
    else if (status != 0)
      printf("mutation %d of %s: wait status %d\n", i, source, status);
    CHECK(status == 0 || theirs);
  }
}

/* The sanitizers take HDF5's overreads and crashes for themselves before anybody can tell whose they are. */
static void test_mutations(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return;
#endif
  fresh_path();
  mutate(ATTRIBUTES, 100, 1);
  mutate(LINKS, 50, 2);
  mutate(TYPES, 100, 3);
  unlink(path);
}

/* ---- a full disk: no file of this child may grow beyond 200 KB */

static void fill_disk(void) {
  dust_hdf5 *file = NULL;
  dust_ndarray array = {0};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){200000, 200000});
  CHECK_OK(dust_hdf5_open(&file, path, DUST_HDF5_TRUNCATE));
  CHECK_OK(dust_ndarray_zeros(&array, DUST_UINT8, 2, (int64_t[]){1000, 1000}));
  CHECK_OK(dust_hdf5_create(file, "a", DUST_UINT8, 2, array.shape, NULL));
  dust_status status = dust_hdf5_write(file, "a", &array, NULL);
  if (status == DUST_OK) status = dust_hdf5_flush(file);
  CHECK(status == DUST_ERROR_WORLD);
  CHECK(strstr(dust_message(), "File too large") != NULL && strstr(dust_message(), path) != NULL);
  CHECK(dust_hdf5_close(file) == DUST_ERROR_WORLD);
  CHECK(strstr(dust_message(), "File too large") != NULL);
  dust_ndarray_release(&array);
  CHECK(dust_mem_in_use() == 0);
  CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

static void in_child(void (*body)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    check_failed = 0;
    body();
    fflush(stdout);
    exit(check_failed != 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

/* ---- several at once */

static void read_in_other_process(void) {
  dust_hdf5 *file = NULL;
  CHECK_OK(dust_hdf5_open(&file, path, DUST_HDF5_READ));
  CHECK_OK(dust_hdf5_close(file));
}

static void refused_in_other_process(void) {
  dust_hdf5 *file = NULL;
  CHECK_FAILS(dust_hdf5_open(&file, path, DUST_HDF5_UPDATE), DUST_ERROR_WORLD,
              "is locked by another program that has it open: wait until that has closed it");
}

static void leave_open(void) {
  dust_hdf5 *file = NULL;
  CHECK_OK(dust_hdf5_open(&file, path, DUST_HDF5_UPDATE));
  CHECK_OK(dust_hdf5_create(file, "late", DUST_UINT8, 1, (int64_t[]){4}, NULL));
  _Exit(dust_hdf5_flush(file) != DUST_OK);
}

/* A fork inherits the library's state, so another process that opens for itself is made before this one opens anything. */
static void test_sharing(void) {
  dust_hdf5 *a = NULL, *b = NULL, *c = NULL;
  int go[2];
  char byte = 0;
  fresh_path();
  CHECK_OK(make_file(0));
  CHECK(pipe(go) == 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    check_failed = 0;
    CHECK(read(go[0], &byte, 1) == 1);
    read_in_other_process(), refused_in_other_process();
    fflush(stdout);
    _exit(check_failed != 0);
  }
  CHECK_OK(dust_hdf5_open(&a, path, DUST_HDF5_READ));
  CHECK_OK(dust_hdf5_open(&b, path, DUST_HDF5_READ));
  CHECK_FAILS(dust_hdf5_open(&c, path, DUST_HDF5_UPDATE), DUST_ERROR_WORLD,
              "is open for reading in this process and can't be opened for writing too: close it first");
  CHECK(write(go[1], &byte, 1) == 1);
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK_OK(dust_hdf5_close(a));
  CHECK_FAILS(dust_hdf5_create(b, "x", DUST_UINT8, 0, NULL, NULL), DUST_ERROR_ARGUMENT, "is open for reading only");
  CHECK_OK(dust_hdf5_close(b));
  close(go[0]), close(go[1]);
  in_child(leave_open);
  bool there = false;
  CHECK_OK(dust_hdf5_open(&a, path, DUST_HDF5_READ));
  CHECK_OK(dust_hdf5_exists(a, "late", &there));
  CHECK(there);
  CHECK_OK(dust_hdf5_close(a));
  unlink(path);
}

static void *read_boxes(void *context) {
  long wrong = 0;
  for (int i = 0; i < 50; i++) {
    dust_hdf5 *file = NULL;
    dust_ndarray array = {0};
    wrong += dust_hdf5_open(&file, path, DUST_HDF5_READ) != DUST_OK;
    for (int64_t z = 0; file && z < 9; z++) {
      wrong += dust_hdf5_read(&array, file, "volumes/raw", 3, (int64_t[]){z, 3, 4}, (int64_t[]){1, 2, 5}) != DUST_OK;
      wrong += !array.data || ((uint16_t *)array.data)[6] != (uint16_t)(((z * 40 + 4) * 50 + 5) * 7);
      dust_ndarray_release(&array);
      wrong += dust_hdf5_read(&array, file, "volumes/row", 0, NULL, NULL) != DUST_ERROR_WORLD ||
               !strstr(dust_message(), "did you mean 'volumes/raw'?");
    }
    wrong += dust_hdf5_close(file) != DUST_OK;
  }
  return (void *)wrong;
}

static void test_threads(void) {
  pthread_t thread[4];
  fresh_path();
  CHECK_OK(make_file(3));
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&thread[i], NULL, read_boxes, NULL) == 0);
  for (int i = 0; i < 4; i++) {
    void *wrong = NULL;
    pthread_join(thread[i], &wrong);
    CHECK(wrong == NULL);
  }
  unlink(path);
}

/* ---- the same calls, the same bytes */
static void test_deterministic(void) {
  static char first[1 << 20];
  size_t size, again;
  fresh_path();
  CHECK_OK(make_file(6));
  memcpy(first, slurp(path, &size), sizeof first);
  sleep(1);
  CHECK_OK(make_file(6));
  char *second = slurp(path, &again);
  CHECK(size > 0 && size == again && memcmp(first, second, size) == 0);
  unlink(path);
}

int main(void) {
  setenv("HDF5_PLUGIN_PATH", "/nonexistent", 1); /* plugins of this machine are none of the tests' business */
  H5open();
  test_host_error_handler();
  test_allocations();
  test_missing_filters();
  test_chunks();
  test_truncated();
  test_sharing();
  test_threads();
  test_deterministic();
  in_child(fill_disk);
  test_mutations();
  return check_done();
}
