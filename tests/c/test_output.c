/* Outputs: whole under their name or not there, whatever call fails; streams that a kill leaves readable; checksums of voxels. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "store/crc32c.h"
#include "store/hdf5.h"
#include "store/output.h"

static char folder[64];

/* splitmix64 */
static uint64_t draw(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static const char *in_folder(const char *name) {
  static char path[8][512];
  static int next;
  char *out = path[next++ % 8];
  snprintf(out, 512, "%s/%s", folder, name);
  return out;
}

/* Files in the folder; each is removed with `clear`. */
static int files(bool clear) {
  DIR *all = opendir(folder);
  int count = 0;
  for (struct dirent *one; all && (one = readdir(all));) {
    if (strcmp(one->d_name, ".") == 0 || strcmp(one->d_name, "..") == 0) continue;
    count++;
    if (clear) unlinkat(dirfd(all), one->d_name, 0);
  }
  if (all) closedir(all);
  return count;
}

static bool holds(const char *path, const char *text) {
  char read_back[64] = "";
  int file = open(path, O_RDONLY);
  ssize_t n = file < 0 ? -1 : read(file, read_back, sizeof read_back - 1);
  if (file >= 0) close(file);
  return n == (ssize_t)strlen(text) && memcmp(read_back, text, strlen(text)) == 0;
}

/* ---- checksums */

static void test_crc(void) {
  unsigned char bytes[1000];
  uint64_t rng = 1;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)draw(&rng);
  CHECK(dust_crc32c(0, "123456789", 9) == 0xe3069283u);
  CHECK(dust_crc32c(dust_crc32c(0, "1234", 4), "56789", 5) == 0xe3069283u);
  for (size_t size = 0; size < 40; size++) CHECK(dust_crc32c_tables(7, bytes + 1, size) == ~dust_crc32c(~7u, bytes + 1, size));
  static unsigned char many[50001];
  for (size_t i = 0; i < sizeof many; i++) many[i] = (unsigned char)draw(&rng);
  for (size_t size = 16380; size < 50000; size += 1237) CHECK(dust_crc32c_tables(0, many + 1, size) == dust_crc32c_bare(many + 1, size));
  uint32_t parts = dust_crc32c_shift(dust_crc32c_bare(bytes, 300), 700) ^ dust_crc32c_bare(bytes + 300, 700);
  CHECK(dust_crc32c_finish(parts, 1000) == dust_crc32c(0, bytes, 1000));
  CHECK(dust_crc32c_finish(dust_crc32c(0, bytes, 1000), 1000) == parts);
}

/* ---- plain files */

static void test_plain(void) {
  const char *path = in_folder("a.txt"), *link = in_folder("link");
  struct stat about;
  dust_output *one, *two;
  dust_output_file_id id;
  CHECK_OK(dust_output_file(path, "first", 5));
  CHECK(chmod(path, 0640) == 0 && symlink("a.txt", link) == 0);
  CHECK_OK(dust_output_file(link, "second", 6));
  CHECK(holds(path, "second") && lstat(link, &about) == 0 && S_ISLNK(about.st_mode));
  CHECK(stat(path, &about) == 0 && (about.st_mode & 07777) == 0640);

  CHECK_OK(dust_output_begin(&one, path, DUST_OUTPUT_HIDDEN));
  CHECK_FAILS(dust_output_begin(&two, link, DUST_OUTPUT_HIDDEN), DUST_ERROR_WORLD, "is being written by this process already");
  CHECK_OK(dust_output_write(one, "third", 5));
  CHECK(holds(path, "second"));
  CHECK(dust_output_reading(path, &id)); /* after begin(), before commit() */
  CHECK_FAILS(dust_output_commit(one), DUST_ERROR_WORLD, "is open for reading in this process");
  CHECK_FAILS(dust_output_file(link, "x", 1), DUST_ERROR_WORLD, "is open for reading in this process");
  dust_output_done(id);
  CHECK(holds(path, "second") && files(false) == 2);
  CHECK_OK(dust_output_protect(path));
  CHECK_FAILS(dust_output_file(path, "x", 1), DUST_ERROR_WORLD, "is the script that runs");

  CHECK_FAILS(dust_output_file(folder, "x", 1), DUST_ERROR_WORLD, "is a directory");
  CHECK_FAILS(dust_output_file("/dev/null", "x", 1), DUST_ERROR_WORLD, "is a device");
  CHECK_FAILS(dust_output_file(in_folder("no/where"), "x", 1), DUST_ERROR_WORLD, "there is no directory");
  CHECK_FAILS(dust_output_file("", "x", 1), DUST_ERROR_WORLD, "needs a name");
  CHECK(mkfifo(in_folder("pipe"), 0600) == 0);
  CHECK_FAILS(dust_output_file(in_folder("pipe"), "x", 1), DUST_ERROR_WORLD, "a pipe");
  CHECK(files(true) == 3);

  for (dust_output_call call = DUST_CALL_WRITE; call <= DUST_CALL_RENAME; call++) {
    CHECK_OK(dust_output_file(path, "before", 6));
    dust_output_fail_after(call, 0, ENOSPC, false);
    CHECK_FAILS(dust_output_file(path, "after", 5), DUST_ERROR_WORLD, "No space left on device");
    dust_output_fail_after(call, -1, 0, false);
    CHECK(holds(path, "before") && files(true) == 1);
  }
  dust_output_fail_after(DUST_CALL_FSYNC, 1, EIO, false); /* of the folder: the file is there */
  CHECK_FAILS(dust_output_file(path, "after", 5), DUST_ERROR_WORLD, "its folder can't be synchronised");
  dust_output_fail_after(DUST_CALL_FSYNC, -1, 0, false);
  CHECK(holds(path, "after"));
  files(true);
}

/* ---- HDF5 */

static const int64_t SHAPE[3] = {6, 20, 30};

static dust_status add(dust_hdf5 *file, const char *name, int value, const dust_hdf5_layout *layout) {
  dust_ndarray array = {0};
  dust_status status;
  DUST_GO(dust_ndarray_empty(&array, DUST_INT32, 3, SHAPE));
  for (int64_t i = 0; i < dust_ndarray_count(&array); i++) ((int32_t *)array.data)[i] = value;
  DUST_GO(dust_hdf5_create(file, name, DUST_INT32, 3, SHAPE, layout));
  DUST_GO(dust_hdf5_write(file, name, &array, NULL));
done:
  dust_ndarray_release(&array);
  return status;
}

/* How many datasets the file has, all of them with the voxels that were written; -1: it isn't whole. */
static int whole(const char *path) {
  dust_hdf5_finding *found;
  size_t count;
  if (dust_hdf5_check(&found, &count, path) != DUST_OK) return -1;
  int all = (int)count;
  for (size_t i = 0; i < count; i++)
    if (!found[i].ok || !found[i].sums) all = -1;
  dust_hdf5_check_release(found, count);
  return all;
}

static dust_status make(const char *path, dust_hdf5_mode mode, const char *name, int value) {
  static const dust_hdf5_layout chunks = {.layout = DUST_HDF5_CHUNKS_CHOSEN, .compression = 1};
  dust_hdf5 *file;
  DUST_TRY(dust_hdf5_open(&file, path, mode));
  dust_status status = add(file, name, value, value % 2 ? &chunks : NULL);
  if (status == DUST_OK) return dust_hdf5_close(file);
  char message[1024];
  snprintf(message, sizeof message, "%s", dust_message());
  dust_hdf5_discard(file);
  return dust_fail(status, "%s", message);
}

/* Each call of each kind fails in turn: an error, and what was there stays; or no error, and the new one is whole. */
static void test_failures(dust_hdf5_mode mode) {
  const char *path = in_folder("f.h5");
  int failed = 0;
  for (dust_output_call call = DUST_CALL_WRITE; call < DUST_CALL_READ; call++)
    for (long n = 0; n < 200; n++) {
      files(true);
      CHECK_OK(make(path, DUST_HDF5_TRUNCATE, "old/a", 1));
      dust_output_fail_after(call, n, n % 2 ? ENOSPC : EIO, n % 3 == 0);
      dust_status status = make(path, mode, "new/b", 2 + (int)n % 2);
      char message[1024];
      snprintf(message, sizeof message, "%s", dust_message());
      bool hit = dust_output_fail_after(call, -1, 0, false) > n;
      if (status != DUST_OK) failed++;
      CHECK(status == DUST_OK || status == DUST_ERROR_WORLD);
      CHECK(files(false) == 1);
      int there = whole(path);
      if (mode == DUST_HDF5_TRUNCATE)
        CHECK(there == 1);
      else if (status == DUST_OK)
        CHECK(there == 2);
      else /* when all calls fail from one on, the old state can't be written back either, which the message tells */
        CHECK(there == 1 || there == 2 || (n % 3 == 0 && strstr(message, "may be damaged")));
      if (!hit) break;
      if (call == DUST_CALL_WRITE || call == DUST_CALL_TRUNCATE) CHECK(status != DUST_OK);
    }
  CHECK(failed > 5);
  files(true);
}

/* ---- streams */

static const dust_hdf5_open_options STREAM = {.stream = true}, RESUME = {.stream = true, .resume = true}, ANEW = {.stream = true, .replace = true};

/* Batches first … last - 1, each flushed; *flushed counts. */
static dust_status stream(dust_hdf5 *file, int first, int last, volatile int *flushed) {
  static const dust_hdf5_layout contiguous = {.layout = DUST_HDF5_CONTIGUOUS};
  char name[64];
  for (int i = first; i < last; i++) {
    for (int k = 0; k < 2; k++) {
      snprintf(name, sizeof name, "batch_%06d/%s", i, k ? "labels" : "raw");
      DUST_TRY(add(file, name, i, &contiguous));
    }
    snprintf(name, sizeof name, "batch_%06d", i);
    DUST_TRY(dust_hdf5_set_numbers(file, name, "random_seed", 1, (double[]){i}));
    DUST_TRY(dust_hdf5_flush(file));
    *flushed = i + 1;
  }
  return DUST_OK;
}

/* Nothing reaches the file after some call, as when the process is killed there. */
static void test_stream_cut(void) {
  const char *path = in_folder("s.h5"), *partial = in_folder("s.h5.partial");
  int cut = 0;
  for (long n = 0; n < 400; n++) {
    volatile int flushed = 0;
    dust_hdf5 *file = NULL;
    files(true);
    dust_output_fail_after(DUST_CALL_WRITE, n, EIO, true);
    dust_status status = dust_hdf5_open_with(&file, path, DUST_HDF5_TRUNCATE, &STREAM);
    bool opened = status == DUST_OK;
    if (opened) status = stream(file, 0, 6, &flushed);
    dust_status closed = !opened ? status : status == DUST_OK ? dust_hdf5_close(file) : dust_hdf5_discard(file);
    dust_output_fail_after(DUST_CALL_WRITE, -1, 0, false);
    if (status == DUST_OK && closed == DUST_OK) {
      CHECK(whole(path) == 12 && files(false) == 1);
      break;
    }
    cut++;
    CHECK(access(path, F_OK) != 0);
    CHECK(flushed == 0 ? files(false) == 0 : whole(partial) == 2 * flushed);
    if (flushed == 0) continue;
    CHECK_FAILS(dust_hdf5_open_with(&file, path, DUST_HDF5_TRUNCATE, &STREAM), DUST_ERROR_WORLD, "resume that");
    CHECK_OK(dust_hdf5_open_with(&file, path, DUST_HDF5_TRUNCATE, &RESUME));
    CHECK_OK(stream(file, flushed, 6, &flushed));
    CHECK_OK(dust_hdf5_close(file));
    CHECK(whole(path) == 12 && files(false) == 1);
  }
  CHECK(cut > 20);
  files(true);
}

/* More links than a root holds itself, names that go, attributes of the root. */
static void test_stream_long(void) {
  const char *path = in_folder("l.h5"), *partial = in_folder("l.h5.partial"), *copy = in_folder("copy.h5");
  char command[1100];
  volatile int flushed = 0;
  bool there;
  dust_hdf5 *file, *other;
  CHECK_OK(dust_hdf5_open_with(&file, path, DUST_HDF5_TRUNCATE, &STREAM));
  CHECK_OK(stream(file, 0, 600, &flushed));
  CHECK_OK(dust_hdf5_set_numbers(file, "/", "batches", 1, (double[]){600}));
  CHECK_OK(dust_hdf5_move(file, "batch_000003", "moved"));
  CHECK_OK(dust_hdf5_flush(file));
  snprintf(command, sizeof command, "cp %s %s", partial, copy); /* what another process finds: HDF5 has the file itself open */
  CHECK(system(command) == 0);
  CHECK(whole(copy) == 1200);
  other = NULL;
  CHECK_OK(dust_hdf5_open(&other, copy, DUST_HDF5_READ));
  if (!other) return;
  dust_hdf5_value value;
  CHECK_OK(dust_hdf5_get_attribute(&value, other, "/", "batches"));
  CHECK(value.integers[0] == 600);
  dust_hdf5_value_release(&value);
  CHECK_OK(dust_hdf5_exists(other, "batch_000003", &there));
  CHECK(!there);
  CHECK_OK(dust_hdf5_exists(other, "moved/raw", &there));
  CHECK(there);
  CHECK_OK(dust_hdf5_close(other));
  CHECK_OK(dust_hdf5_discard(file));
  CHECK_OK(dust_hdf5_open_with(&file, path, DUST_HDF5_TRUNCATE, &RESUME));
  CHECK_OK(stream(file, 600, 605, &flushed));
  CHECK_OK(dust_hdf5_close(file));
  CHECK(whole(path) == 1210);
  CHECK_OK(dust_hdf5_open_with(&file, path, DUST_HDF5_TRUNCATE, &ANEW));
  CHECK_OK(dust_hdf5_discard(file)); /* nothing was flushed: no partial file either */
  CHECK(files(true) == 2);
}

/* Killed at random times. */
static void test_kills(void) {
  const char *path = in_folder("k.h5"), *partial = in_folder("k.h5.partial");
  volatile int *flushed = mmap(NULL, sizeof *flushed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int with = 0;
  uint64_t rng = 3;
  CHECK(flushed != MAP_FAILED);
  for (int i = 0; i < 60; i++) {
    files(true);
    *flushed = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      dust_hdf5 *file;
      if (dust_hdf5_open_with(&file, path, DUST_HDF5_TRUNCATE, &STREAM) == DUST_OK) (void)stream(file, 0, 1000000, flushed);
      _exit(1);
    }
    usleep((useconds_t)(500 + draw(&rng) % 25000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (*flushed == 0) continue;
    with++;
    int there = whole(partial);
    CHECK(there == 2 * *flushed || there == 2 * (*flushed + 1)); /* killed between the flush and the count */
  }
  CHECK(with > 30);
  files(true);
}

/* ---- checksums of boxes in any order, some over others, converted, in a file of an earlier time */

static void test_sums(void) {
  const char *path = in_folder("b.h5");
  static const int64_t shape[3] = {9, 14, 11};
  uint64_t rng = 5;
  for (int mode = 0; mode < 6; mode++) {
    dust_hdf5 *file;
    dust_hdf5_layout layout = {.layout = mode % 3 == 0 ? DUST_HDF5_CONTIGUOUS : DUST_HDF5_CHUNKS_GIVEN, .chunks = {4, 5, 6}, .compression = mode % 3 == 2};
    files(true);
    CHECK_OK(dust_hdf5_open(&file, path, DUST_HDF5_TRUNCATE));
    CHECK_OK(dust_hdf5_create(file, "a", DUST_INT16, 3, shape, &layout));
    for (int n = 0; n < 30; n++) {
      int64_t begin[3], size[3];
      dust_ndarray box = {0};
      for (int d = 0; d < 3; d++) {
        begin[d] = (int64_t)(draw(&rng) % (uint64_t)shape[d]);
        size[d] = 1 + (int64_t)(draw(&rng) % (uint64_t)(shape[d] - begin[d]));
      }
      CHECK_OK(dust_ndarray_empty(&box, mode < 3 ? DUST_INT16 : DUST_FLOAT32, 3, size));
      for (int64_t i = 0; i < dust_ndarray_count(&box); i++)
        if (mode < 3)
          ((int16_t *)box.data)[i] = (int16_t)draw(&rng);
        else
          ((float *)box.data)[i] = (float)(draw(&rng) % 100000) - 50000;
      CHECK_OK(dust_hdf5_write(file, "a", &box, begin));
      dust_ndarray_release(&box);
      if (n == 20) {
        CHECK_OK(dust_hdf5_close(file));
        CHECK(whole(path) == 1);
        CHECK_OK(dust_hdf5_open(&file, path, DUST_HDF5_UPDATE));
      }
    }
    CHECK_OK(dust_hdf5_close(file));
    CHECK(whole(path) == 1);
  }
  /* one voxel that changed on the disk */
  CHECK_OK(make(path, DUST_HDF5_TRUNCATE, "a", 0x5a5a5a5a));
  struct stat about;
  int raw = open(path, O_RDWR);
  unsigned char byte;
  CHECK(fstat(raw, &about) == 0 && pread(raw, &byte, 1, about.st_size / 2) == 1 && byte == 0x5a);
  byte ^= 4;
  CHECK(pwrite(raw, &byte, 1, about.st_size / 2) == 1 && close(raw) == 0);
  dust_hdf5_finding *found;
  size_t count;
  CHECK_OK(dust_hdf5_check(&found, &count, path));
  CHECK(count == 1 && !found[0].ok && found[0].sums && strstr(found[0].message, "aren't those that were written"));
  dust_hdf5_check_release(found, count);
  files(true);
}

int main(void) {
  strcpy(folder, "/tmp/moondust_output_XXXXXX");
  CHECK(mkdtemp(folder));
  test_crc();
  test_plain();
  test_failures(DUST_HDF5_TRUNCATE);
  test_failures(DUST_HDF5_APPEND);
  test_stream_cut();
  test_stream_long();
  test_kills();
  test_sums();
  rmdir(folder);
  return check_done();
}
