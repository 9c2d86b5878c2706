/* Boxes read past HDF5's own machinery: the bytes HDF5 gives, for every storage there is; damage and truncation named; bounded
 * memory; nothing left behind. */
#include <hdf5.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "check.h"
#include "store/hdf5.h"

#ifdef DUST_HAVE_LIBDEFLATE
#define INFLATES true
#else
#define INFLATES false
#endif

static char path[64], other_path[80];

static void fresh_path(void) {
  strcpy(path, "/tmp/moondust_fast_XXXXXX");
  int file = mkstemp(path);
  CHECK(file >= 0);
  if (file >= 0) close(file);
}

static uint64_t state = 1;
static uint64_t next_random(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

/* ---- files by HDF5 itself */

enum { NONE = 0, SHUFFLE = 1, GZIP = 2, FLETCHER = 4, GZIP_FIRST = 8, CONTIGUOUS = 16, SPARSE = 32 };

static hid_t make_dataset(hid_t file, const char *name, hid_t type, int ndim, const hsize_t *shape, const hsize_t *chunk, int storage) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(ndim, shape, NULL);
  if (!(storage & CONTIGUOUS)) H5Pset_chunk(plist, ndim, chunk);
  if (storage & GZIP_FIRST) H5Pset_deflate(plist, 3);
  if (storage & SHUFFLE) H5Pset_shuffle(plist);
  if (storage & GZIP) H5Pset_deflate(plist, 3);
  if (storage & FLETCHER) H5Pset_fletcher32(plist);
  hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  CHECK(dataset >= 0);
  H5Pclose(plist), H5Sclose(space);
  return dataset;
}

/* Bytes that compress somewhat, the same for each call of the same size. */
static void *pattern(size_t bytes) {
  uint8_t *data = malloc(bytes ? bytes : 1);
  for (size_t i = 0; i < bytes; i++)
    data[i] = (uint8_t)(i % 8 > 2 ? i % 8 + i / 512 % 7 : i / 24 % 13 + (i % 101 == 0 ? next_random() : 0));
  return data;
}

static void write_dataset(hid_t file, const char *name, hid_t type, hid_t memory, int ndim, const hsize_t *shape, const hsize_t *chunk,
                          int storage) {
  size_t count = 1;
  for (int d = 0; d < ndim; d++) count *= shape[d];
  hid_t dataset = make_dataset(file, name, type, ndim, shape, chunk, storage);
  void *data = pattern(count * H5Tget_size(memory));
  if (!(storage & SPARSE))
    CHECK(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
  else { /* one corner */
    hsize_t zero[8] = {0};
    hid_t space = H5Dget_space(dataset);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, zero, NULL, chunk, NULL);
    hid_t corner = H5Screate_simple(ndim, chunk, NULL);
    CHECK(H5Dwrite(dataset, memory, corner, space, H5P_DEFAULT, data) >= 0);
    H5Sclose(corner), H5Sclose(space);
  }
  free(data);
  H5Dclose(dataset);
}

static const struct geometry {
  int ndim;
  hsize_t shape[4], chunk[4];
} geometries[] = {{1, {1000}, {37}},
                  {2, {61, 70}, {16, 9}},
                  {3, {20, 33, 29}, {7, 8, 10}},
                  {4, {3, 11, 12, 17}, {2, 4, 5, 6}},
                  {3, {4, 5, 6}, {4, 5, 6}}};

static const int storages[] = {
    NONE,       SHUFFLE, GZIP,          SHUFFLE | GZIP,         FLETCHER, SHUFFLE | GZIP | FLETCHER, GZIP_FIRST | SHUFFLE,
    CONTIGUOUS, SPARSE,  SPARSE | GZIP, SPARSE | SHUFFLE | GZIP};

static bool is_fast(int storage) { return !(storage & (FLETCHER | GZIP_FIRST)) && (INFLATES || !(storage & GZIP)); }

/* ---- comparing */

static bool same(const dust_ndarray *a, const dust_ndarray *b) {
  if (a->ndim != b->ndim || a->dtype != b->dtype || !a->data || !b->data) return false;
  for (int d = 0; d < a->ndim; d++)
    if (a->shape[d] != b->shape[d]) return false;
  return memcmp(a->data, b->data, (size_t)dust_ndarray_count(a) * dust_dtype_size(a->dtype)) == 0;
}

static bool foreign; /* whether files that others lead to are read */

/* Random boxes, some empty, and the whole, both ways. Whether all of them came past HDF5. */
static bool compare(const char *name, int ndim, const hsize_t *extent, dust_pool *pool, int boxes) {
  dust_hdf5 *fast = NULL, *slow = NULL;
  const dust_hdf5_open_options options = {.foreign = foreign};
  CHECK_OK(dust_hdf5_open_with(&fast, path, DUST_HDF5_READ, &options));
  CHECK_OK(dust_hdf5_open_with(&slow, path, DUST_HDF5_READ, &options));
  dust_hdf5_set_fast(slow, false);
  dust_hdf5_set_pool(fast, pool);
  int wrong = 0;
  for (int i = 0; i < boxes; i++) {
    int64_t begin[4], shape[4];
    dust_ndarray a = {0}, b = {0};
    for (int d = 0; d < ndim; d++) {
      begin[d] = i ? (int64_t)(next_random() % extent[d]) : 0;
      shape[d] = i ? (int64_t)(next_random() % (extent[d] - (hsize_t)begin[d] + 1)) : (int64_t)extent[d];
    }
    wrong += dust_hdf5_read(&a, fast, name, ndim, begin, shape) != DUST_OK ||
             dust_hdf5_read(&b, slow, name, ndim, begin, shape) != DUST_OK || !same(&a, &b);
    dust_ndarray_release(&a), dust_ndarray_release(&b);
  }
  if (wrong) printf("%s: %d of %d boxes differ (%s)\n", name, wrong, boxes, dust_message());
  CHECK(wrong == 0);
  dust_hdf5_counts counts = dust_hdf5_get_counts(fast), none = dust_hdf5_get_counts(slow);
  CHECK(none.fast == 0);
  CHECK(counts.fast == 0 || counts.by_hdf5 == 0 || strcmp(name, "sparse_many") == 0);
  CHECK_OK(dust_hdf5_close(fast));
  CHECK_OK(dust_hdf5_close(slow));
  return counts.fast > 0;
}

static void test_every_storage(void) {
  const struct {
    const char *name;
    hid_t file, memory;
    bool native;
  } types[] = {{"u1", H5T_STD_U8LE, H5T_NATIVE_UINT8, true},    {"i2", H5T_STD_I16LE, H5T_NATIVE_INT16, true},
               {"f4", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, true},  {"u8", H5T_STD_U64LE, H5T_NATIVE_UINT64, true},
               {"f8", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, true}, {"big", H5T_STD_U32BE, H5T_NATIVE_UINT32, false}};
  char name[64];
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  for (size_t t = 0; t < 6; t++)
    for (size_t g = 0; g < sizeof geometries / sizeof *geometries; g++)
      for (size_t s = 0; s < sizeof storages / sizeof *storages; s++) {
        snprintf(name, sizeof name, "%s_%zu_%zu", types[t].name, g, s);
        write_dataset(file, name, types[t].file, types[t].memory, geometries[g].ndim, geometries[g].shape, geometries[g].chunk,
                      storages[s]);
      }
  H5Fclose(file);
  dust_pool *pool[4] = {NULL};
  for (int i = 1; i < 4; i++) CHECK_OK(dust_pool_create(&pool[i], i == 1 ? 2 : i == 2 ? 3 : 8));
  for (size_t t = 0; t < 6; t++)
    for (size_t g = 0; g < sizeof geometries / sizeof *geometries; g++)
      for (size_t s = 0; s < sizeof storages / sizeof *storages; s++)
        for (int p = 0; p < 4; p++) {
          snprintf(name, sizeof name, "%s_%zu_%zu", types[t].name, g, s);
          bool fast = compare(name, geometries[g].ndim, geometries[g].shape, pool[p], 8);
          if (fast != (types[t].native && is_fast(storages[s]))) printf("%s: fast %d\n", name, fast), check_failed++;
        }
  for (int i = 1; i < 4; i++) dust_pool_release(pool[i]);
  unlink(path);
}

/* Each index of chunks that the latest format has: single, implicit (allocated early, no filter), fixed array, extensible array,
 * B-tree; and edge chunks without their filters, which are HDF5's. */
static void test_latest_format(void) {
  const hsize_t shape[2] = {60, 70}, chunk[2] = {16, 9}, unlimited[3][2] = {{60, 70}, {H5S_UNLIMITED, 70}, {H5S_UNLIMITED, H5S_UNLIMITED}};
  char name[32];
  void *data = pattern(60 * 70 * 4);
  fresh_path();
  hid_t access_list = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access_list, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access_list);
  H5Pclose(access_list);
  for (int i = 0; i < 24; i++) {
    const int extensible = i % 3, filtered = i / 3 % 2, early = i / 6 % 2, odd = i / 12;
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, shape, unlimited[extensible]);
    H5Pset_chunk(plist, 2, odd && !extensible && !filtered ? shape : chunk);
    if (filtered) H5Pset_shuffle(plist), H5Pset_deflate(plist, 3);
    if (early) H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
    if (odd && filtered) H5Pset_chunk_opts(plist, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
    snprintf(name, sizeof name, "latest%d", i);
    hid_t dataset = H5Dcreate2(file, name, H5T_NATIVE_INT32, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    CHECK(H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset), H5Sclose(space), H5Pclose(plist);
  }
  H5Fclose(file);
  free(data);
  for (int i = 0; i < 24; i++) {
    const int filtered = i / 3 % 2, odd = i / 12;
    snprintf(name, sizeof name, "latest%d", i);
    bool fast = compare(name, 2, shape, NULL, 10);
    if (fast != (!filtered || (INFLATES && !odd))) printf("%s: fast %d\n", name, fast), check_failed++;
  }
  unlink(path);
}

/* Rows of a contiguous dataset that lie far apart, near each other, and beyond a window. */
static void test_contiguous_large(void) {
  const hsize_t shape[3] = {6, 40, 30000};
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  write_dataset(file, "a", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 3, shape, NULL, CONTIGUOUS);
  H5Fclose(file);
  CHECK(compare("a", 3, shape, NULL, 12));
  unlink(path);
}

/* More chunks than places are kept for, and a file that doesn't begin with its superblock: HDF5 reads the raw bytes. */
static void test_raw_by_hdf5(void) {
  const hsize_t shape[2] = {300, 400}, chunk[2] = {3, 4}, small[2] = {30, 40};
  for (int user_block = 0; user_block <= 512; user_block += 512) {
    fresh_path();
    hid_t plist = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(plist, (hsize_t)user_block);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, plist, H5P_DEFAULT);
    H5Pclose(plist);
    write_dataset(file, "gzip", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 2, shape, chunk, SHUFFLE | GZIP);
    write_dataset(file, "plain", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 2, shape, chunk, NONE);
    write_dataset(file, "sparse_many", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 2, shape, chunk, GZIP | SPARSE);
    write_dataset(file, "small", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 2, small, chunk, GZIP);
    write_dataset(file, "contiguous", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 2, small, chunk, CONTIGUOUS);
    H5Fclose(file);
    CHECK(compare("gzip", 2, shape, NULL, 8) == INFLATES);
    CHECK(compare("plain", 2, shape, NULL, 8));
    compare("sparse_many", 2, shape, NULL, 8); /* a chunk that isn't there may be HDF5's, by its version */
    CHECK(compare("small", 2, small, NULL, 8) == INFLATES);
    CHECK(compare("contiguous", 2, small, NULL, 8) == !user_block);
    unlink(path);
  }
}

/* Chunks that were never written hold the fill value; with none defined nobody knows, and HDF5 reads. */
static void test_fill(void) {
  const hsize_t shape[2] = {20, 30}, chunk[2] = {8, 8};
  const int16_t fill = -321, written[64] = {7, 8, 9};
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(2, shape, NULL);
  for (int i = 0; i < 3; i++) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 2, chunk);
    if (i != 2) H5Pset_fill_value(plist, H5T_NATIVE_INT16, i == 0 ? &fill : NULL);
    if (i == 2) H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    hid_t dataset = H5Dcreate2(file,
                               i == 0   ? "filled"
                               : i == 1 ? "undefined"
                                        : "never",
                               H5T_NATIVE_INT16, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, (hsize_t[]){8, 16}, sizeof written, written);
    H5Pclose(plist), H5Dclose(dataset);
  }
  H5Sclose(space), H5Fclose(file);
  CHECK(compare("filled", 2, shape, NULL, 5));
  dust_hdf5 *h = NULL;
  dust_ndarray a = {0};
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  CHECK_OK(dust_hdf5_read(&a, h, "filled", 2, (int64_t[]){3, 4}, (int64_t[]){9, 9}));
  CHECK(((int16_t *)a.data)[80] == -321);
  dust_ndarray_release(&a);
  CHECK_OK(dust_hdf5_read(&a, h, "undefined", 0, NULL, NULL));
  dust_ndarray_release(&a);
  CHECK_OK(dust_hdf5_read(&a, h, "never", 0, NULL, NULL));
  dust_ndarray_release(&a);
  CHECK(dust_hdf5_get_counts(h).fast == 1 && dust_hdf5_get_counts(h).by_hdf5 == 2);
  CHECK_OK(dust_hdf5_close(h));
  unlink(path);
}

/* Chunks for which one or both filters were left out, as HDF5 does when gzip doesn't pay. */
static void test_filter_masks(void) {
  const hsize_t shape[1] = {64}, chunk[1] = {16};
  uint16_t plain[16], shuffled[16];
  for (int i = 0; i < 16; i++) plain[i] = (uint16_t)(i * 1234);
  for (int i = 0; i < 16; i++) ((uint8_t *)shuffled)[i] = (uint8_t)plain[i], ((uint8_t *)shuffled)[16 + i] = (uint8_t)(plain[i] >> 8);
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t dataset = make_dataset(file, "a", H5T_NATIVE_UINT16, 1, shape, chunk, SHUFFLE | GZIP);
  CHECK(H5Dwrite_chunk(dataset, H5P_DEFAULT, 3, (hsize_t[]){0}, sizeof plain, plain) >= 0);
  CHECK(H5Dwrite_chunk(dataset, H5P_DEFAULT, 2, (hsize_t[]){16}, sizeof plain, shuffled) >= 0);
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(1, chunk, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, (hsize_t[]){32}, NULL, chunk, NULL);
  CHECK(H5Dwrite(dataset, H5T_NATIVE_UINT16, memory, space, H5P_DEFAULT, plain) >= 0);
  H5Sclose(space), H5Sclose(memory), H5Dclose(dataset), H5Fclose(file);
  CHECK(compare("a", 1, shape, NULL, 20) == INFLATES);
  dust_hdf5 *h = NULL;
  dust_ndarray a = {0};
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  CHECK_OK(dust_hdf5_read(&a, h, "a", 1, (int64_t[]){0}, (int64_t[]){48}));
  for (int i = 0; i < 48; i++) CHECK(((uint16_t *)a.data)[i] == plain[i % 16]);
  dust_ndarray_release(&a);
  CHECK_OK(dust_hdf5_close(h));
  unlink(path);
}

/* ---- damage */

static void overwrite(haddr_t at, const void *bytes, size_t size) {
  FILE *file = fopen(path, "r+b");
  CHECK(file && fseek(file, (long)at, SEEK_SET) == 0 && fwrite(bytes, 1, size, file) == size);
  if (file) fclose(file);
}

static haddr_t where(const char *name, const hsize_t *at, hsize_t *size) {
  haddr_t address = HADDR_UNDEF;
  unsigned mask;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (at)
    H5Dget_chunk_info_by_coord(dataset, at, &mask, &address, size);
  else
    address = H5Dget_offset(dataset);
  H5Dclose(dataset), H5Fclose(file);
  return address;
}

static void make_damageable(void) {
  const hsize_t shape[3] = {20, 33, 29}, chunk[3] = {7, 8, 10};
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  write_dataset(file, "gzip", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 3, shape, chunk, SHUFFLE | GZIP);
  write_dataset(file, "plain", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 3, shape, chunk, NONE);
  write_dataset(file, "contiguous", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 3, shape, chunk, CONTIGUOUS);
  H5Fclose(file);
}

static void fails_damaged(dust_pool *pool, const char *words) {
  dust_hdf5 *h = NULL;
  dust_ndarray a = {0};
  char message[512];
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  dust_hdf5_set_pool(h, pool);
  snprintf(message, sizeof message, "%s: the chunk of 'gzip' that begins at voxel [7, 16, 20] is damaged: its ", path);
  for (int i = 0; i < 2; i++) {
    CHECK_FAILS(dust_hdf5_read(&a, h, "gzip", 0, NULL, NULL), DUST_ERROR_WORLD, message);
    CHECK(strstr(dust_message(), words) != NULL);
  }
  CHECK_OK(dust_hdf5_read(&a, h, "gzip", 3, (int64_t[]){0, 0, 0}, (int64_t[]){7, 33, 29}));
  dust_ndarray_release(&a);
  CHECK_OK(dust_hdf5_close(h));
}

/* zlib's stored blocks: a valid stream of `n` zeros. */
static size_t stored_zeros(uint8_t *out, uint16_t n) {
  const uint8_t head[] = {0x78, 0x01, 0x01, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
  memcpy(out, head, 7), memset(out + 7, 0, n);
  const uint8_t adler[] = {(uint8_t)(n >> 8), (uint8_t)n, 0, 1};
  memcpy(out + 7 + n, adler, 4);
  return 11u + n;
}

static void test_damage(void) {
  dust_pool *pool;
  uint8_t stream[4096];
  hsize_t size;
  if (!INFLATES) return;
  CHECK_OK(dust_pool_create(&pool, 3));
  make_damageable();
  haddr_t at = where("gzip", (hsize_t[]){7, 16, 20}, &size);
  overwrite(at + size - 2, "\xa5\x5a", 2);
  fails_damaged(NULL, "are no intact gzip data");
  fails_damaged(pool, "are no intact gzip data");
  for (int more = -20; more <= 20; more += 40) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(file, "gzip", H5P_DEFAULT);
    size_t bytes = stored_zeros(stream, (uint16_t)(7 * 8 * 10 * 2 + more));
    CHECK(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, (hsize_t[]){7, 16, 20}, bytes, stream) >= 0);
    H5Dclose(dataset), H5Fclose(file);
    fails_damaged(pool, more < 0 ? "inflate to fewer than the 1120 of a chunk" : "inflate to more than the 1120 of a chunk");
  }
  dust_pool_release(pool);
  unlink(path);
}

/* The file shrinks while it is open. */
static void test_truncated(void) {
  static const char *const names[] = {"gzip", "plain", "contiguous"};
  char words[256];
  for (int i = INFLATES ? 0 : 1; i < 3; i++) {
    dust_hdf5 *h = NULL;
    dust_ndarray a = {0};
    hsize_t size;
    make_damageable();
    haddr_t at = where(names[i], i < 2 ? (hsize_t[]){14, 32, 20} : NULL, &size);
    CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
    CHECK_OK(dust_hdf5_read(&a, h, names[i], 3, (int64_t[]){0, 0, 0}, (int64_t[]){1, 1, 1}));
    dust_ndarray_release(&a);
    CHECK(truncate(path, (off_t)at + 6) == 0);
    snprintf(words, sizeof words, "%s is truncated: '%s' needs ", path, names[i]);
    CHECK_FAILS(dust_hdf5_read(&a, h, names[i], 3, (int64_t[]){0, 0, 0}, (int64_t[]){20, 33, 29}), DUST_ERROR_WORLD, words);
    CHECK(a.buffer == NULL);
    dust_hdf5_close(h);
    unlink(path);
  }
}

/* ---- memory */

static dust_status use_everything(void *context) {
  static const char *const names[] = {"gzip", "plain", "contiguous", "gzip"};
  dust_hdf5 *h = NULL;
  dust_ndarray a = {0};
  dust_status status;
  DUST_GO(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  for (int i = 0; i < 4; i++) {
    dust_ndarray_release(&a);
    DUST_GO(dust_hdf5_read(&a, h, names[i], 3, (int64_t[]){3, 5, 6}, (int64_t[]){9, 9, 9}));
  }
done:
  dust_ndarray_release(&a);
  dust_hdf5_close(h);
  return status;
}

static dust_status use_raw(void *context) {
  dust_hdf5 *h = NULL;
  dust_ndarray a = {0};
  dust_status status;
  DUST_GO(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  DUST_GO(dust_hdf5_read(&a, h, "many", 1, (int64_t[]){33}, (int64_t[]){40}));
done:
  dust_ndarray_release(&a);
  dust_hdf5_close(h);
  return status;
}

static void test_allocations(void) {
  make_damageable();
  check_every_allocation("gzip, plain, contiguous", use_everything, NULL);
  unlink(path);
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  write_dataset(file, "many", H5T_NATIVE_UINT16, H5T_NATIVE_UINT16, 1, (hsize_t[]){90000}, (hsize_t[]){10}, SHUFFLE | GZIP);
  H5Fclose(file);
  check_every_allocation("raw bytes by HDF5", use_raw, NULL);
  unlink(path);
  CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
}

/* 96 MiB of chunks and a cache of 64, and a chunk larger than that; what was just read is there when asked again, unless it was too much. */
static void test_cache(void) {
  dust_hdf5 *h = NULL;
  dust_ndarray a = {0};
  if (!INFLATES) return;
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  write_dataset(file, "a", H5T_NATIVE_UINT8, H5T_NATIVE_UINT8, 2, (hsize_t[]){96, 1 << 20}, (hsize_t[]){1, 1 << 20}, GZIP);
  write_dataset(file, "large", H5T_NATIVE_UINT8, H5T_NATIVE_UINT8, 1, (hsize_t[]){80 << 20}, (hsize_t[]){70 << 20}, GZIP);
  H5Fclose(file);
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  static const struct step {
    int64_t first, rows;
    uint64_t decoded, reused;         /* chunks, by then */
    size_t least, most;               /* MiB in use then */
  } steps[] = {{0, 96, 96, 0, 0, 2},  /* more than the cache holds: not kept */
               {90, 6, 102, 0, 6, 8}, /* kept */
               {0, 96, 192, 6, 6, 8}, /* what is there is used */
               {70, 26, 212, 12, 26, 28}, {0, 60, 272, 12, 60, 65}, {0, 60, 272, 72, 60, 65}, {90, 6, 278, 72, 60, 65}};
  for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
    const struct step *s = &steps[k];
    CHECK_OK(dust_hdf5_read(&a, h, "a", 2, (int64_t[]){s->first, 5}, (int64_t[]){s->rows, 100}));
    dust_ndarray_release(&a);
    CHECK(dust_hdf5_get_counts(h).decoded == s->decoded && dust_hdf5_get_counts(h).reused == s->reused);
    CHECK(dust_mem_in_use() >= s->least << 20 && dust_mem_in_use() <= s->most << 20);
  }
  CHECK_OK(dust_hdf5_read(&a, h, "large", 1, (int64_t[]){69 << 20}, (int64_t[]){2 << 20}));
  dust_ndarray_release(&a);
  CHECK(dust_mem_in_use() < (65u << 20));
  CHECK_OK(dust_hdf5_close(h));
  CHECK(dust_mem_in_use() == 0);
  unlink(path);
}

/* Straight into the box, of chunks that are not kept: the same bytes as rows that are read one after the other, whose chunks are. */
static void test_straight(void) {
  const int storage[] = {GZIP, SHUFFLE, SHUFFLE | GZIP};
  const hid_t types[] = {H5T_NATIVE_UINT8, H5T_NATIVE_UINT16, H5T_NATIVE_UINT32, H5T_NATIVE_UINT64};
  for (int k = 0; k < 12; k++) {
    if (!is_fast(storage[k % 3])) continue;
    const hid_t type = types[k / 3];
    const hsize_t wide = (hsize_t)(3 << 20) / H5Tget_size(type) / 3, shape[] = {23, 3, wide},
                  chunk[] = {1, 3, wide}; /* 69 MiB in chunks of 3 */
    const int64_t begin[] = {0, 1, 77}, box[] = {23, 2, 1001};
    dust_hdf5 *h = NULL;
    dust_ndarray all = {0}, row = {0}, part = {0};
    fresh_path();
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    write_dataset(file, "a", type, type, 3, shape, chunk, storage[k % 3]);
    H5Fclose(file);
    CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
    CHECK_OK(dust_hdf5_read(&all, h, "a", 3, begin, box));
    CHECK(dust_mem_in_use() < (2u << 20) && dust_hdf5_get_counts(h).fast == 1);
    for (int64_t z = 0; z < 23; z += 11) {
      CHECK_OK(dust_hdf5_read(&row, h, "a", 3, (int64_t[]){z, 1, 77}, (int64_t[]){1, 2, 1001}));
      CHECK_OK(dust_ndarray_slice(&part, &all, 0, z, z + 1, 1));
      CHECK(same(&row, &part));
      dust_ndarray_release(&part);
      dust_ndarray_release(&row);
    }
    dust_ndarray_release(&all);
    CHECK_OK(dust_hdf5_close(h));
    unlink(path);
  }
  CHECK(dust_mem_in_use() == 0);
}

/* ---- other ways to get at a file */

/* Somebody in this process writes in place: what isn't on the disk yet is read as well. Whoever closes last. */
static void beside_a_writer(bool writer_first) {
  dust_hdf5 *writer = NULL, *h = NULL;
  dust_ndarray a = {0}, b = {0};
  dust_hdf5_layout layout = {.layout = DUST_HDF5_CHUNKS_CHOSEN, .compression = 3};
  fresh_path();
  CHECK_OK(dust_ndarray_zeros(&a, DUST_UINT16, 2, (int64_t[]){50, 60}));
  CHECK_OK(dust_hdf5_open(&writer, path, DUST_HDF5_TRUNCATE));
  CHECK_OK(dust_hdf5_create(writer, "a", DUST_UINT16, 2, a.shape, &layout));
  CHECK_FAILS(dust_hdf5_open(&h, path, DUST_HDF5_READ), DUST_ERROR_WORLD, "is empty, not an HDF5 file"); /* what was there before */
  CHECK_OK(dust_hdf5_close(writer));
  CHECK_OK(dust_hdf5_open(&writer, path, DUST_HDF5_UPDATE));
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  for (int i = 1; i < 4; i++) {
    for (int64_t v = 0; v < 3000; v++) ((uint16_t *)a.data)[v] = (uint16_t)(v * i);
    CHECK_OK(dust_hdf5_write(writer, "a", &a, NULL));
    CHECK_OK(dust_hdf5_read(&b, h, "a", 0, NULL, NULL));
    CHECK(same(&a, &b));
    dust_ndarray_release(&b);
    CHECK_OK(dust_hdf5_read(&b, writer, "a", 0, NULL, NULL));
    CHECK(same(&a, &b));
    dust_ndarray_release(&b);
  }
  CHECK(dust_hdf5_get_counts(h).fast == 0 && dust_hdf5_get_counts(writer).fast == 0);
  CHECK_OK(dust_hdf5_close(writer_first ? writer : h));
  if (writer_first) {
    CHECK_OK(dust_hdf5_read(&b, h, "a", 0, NULL, NULL));
    CHECK(same(&a, &b));
    dust_ndarray_release(&b);
  }
  CHECK_OK(dust_hdf5_close(writer_first ? h : writer));
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  CHECK_OK(dust_hdf5_read(&b, h, "a", 0, NULL, NULL));
  CHECK(same(&a, &b) && dust_hdf5_get_counts(h).fast == 1);
  CHECK_OK(dust_hdf5_close(h));
  dust_ndarray_release(&a);
  dust_ndarray_release(&b);
  unlink(path);
}

static void test_beside_a_writer(void) {
  beside_a_writer(false);
  beside_a_writer(true);
}

/* A stream's file is nobody else's while it grows, and whole afterwards. */
static void test_beside_a_stream(void) {
  dust_hdf5 *writer = NULL, *h = NULL;
  dust_ndarray a = {0}, b = {0};
  dust_hdf5_layout layout = {.layout = DUST_HDF5_CHUNKS_CHOSEN, .compression = 3};
  const dust_hdf5_open_options stream = {.stream = true};
  char partial[80], name[16];
  fresh_path();
  unlink(path);
  snprintf(partial, sizeof partial, "%s.partial", path);
  CHECK_OK(dust_ndarray_zeros(&a, DUST_UINT16, 2, (int64_t[]){50, 60}));
  CHECK_OK(dust_hdf5_open_with(&writer, path, DUST_HDF5_TRUNCATE, &stream));
  for (int i = 1; i < 4; i++) {
    snprintf(name, sizeof name, "b%d/a", i);
    for (int64_t v = 0; v < 3000; v++) ((uint16_t *)a.data)[v] = (uint16_t)(v * i);
    CHECK_OK(dust_hdf5_create(writer, name, DUST_UINT16, 2, a.shape, &layout));
    CHECK_OK(dust_hdf5_write(writer, name, &a, NULL));
    CHECK_OK(dust_hdf5_flush(writer));
    CHECK_FAILS(dust_hdf5_open(&h, partial, DUST_HDF5_READ), DUST_ERROR_WORLD, "is being written by this process");
    CHECK_FAILS(dust_hdf5_open(&h, path, DUST_HDF5_READ), DUST_ERROR_WORLD, "no such file");
  }
  CHECK_OK(dust_hdf5_close(writer));
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  CHECK_OK(dust_hdf5_read(&b, h, name, 0, NULL, NULL));
  CHECK(same(&a, &b) && dust_hdf5_get_counts(h).fast == 1);
  CHECK_OK(dust_hdf5_close(h));
  dust_ndarray_release(&a);
  dust_ndarray_release(&b);
  unlink(path);
}

/* The chunks of a dataset that a link leads to lie in the other file. */
static void test_external_link(void) {
  const hsize_t shape[2] = {40, 50}, chunk[2] = {9, 9};
  fresh_path();
  snprintf(other_path, sizeof other_path, "%s.other", path);
  hid_t file = H5Fcreate(other_path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  write_dataset(file, "pad", H5T_NATIVE_UINT32, H5T_NATIVE_UINT32, 2, shape, chunk, NONE);
  write_dataset(file, "there", H5T_NATIVE_UINT32, H5T_NATIVE_UINT32, 2, shape, chunk, SHUFFLE);
  H5Fclose(file);
  file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  write_dataset(file, "here", H5T_NATIVE_UINT32, H5T_NATIVE_UINT32, 2, shape, chunk, NONE);
  CHECK(H5Lcreate_external(other_path, "there", file, "linked", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  H5Fclose(file);
  foreign = true;
  CHECK(compare("linked", 2, shape, NULL, 10));
  foreign = false;
  unlink(path), unlink(other_path);
}

/* A dataset without end along its first axis, whose slabs of 4 come from the datasets `source` of the files `source_file`. */
static void make_virtual(const char *at, const char *name, const char *source_file, const char *source, bool numbered) {
  const hsize_t shape[2] = {8, 10}, most[2] = {H5S_UNLIMITED, 10}, slab[2] = {4, 10}, zero[2] = {0, 0}, one[2] = {1, 1}, endless[2] = {H5S_UNLIMITED, 1};
  hid_t access_list = H5Pcreate(H5P_FILE_ACCESS), plist = H5Pcreate(H5P_DATASET_CREATE);
  hid_t space = H5Screate_simple(2, shape, most), from = H5Screate_simple(2, numbered ? slab : shape, numbered ? NULL : most);
  const hsize_t all[2] = {1, 10};
  H5Pset_libver_bounds(access_list, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, zero, numbered ? slab : one, endless, numbered ? slab : all);
  if (!numbered) H5Sselect_hyperslab(from, H5S_SELECT_SET, zero, one, endless, all);
  CHECK(H5Pset_virtual(plist, space, source_file, source, from) >= 0);
  hid_t file = H5Fcreate(at, H5F_ACC_TRUNC, H5P_DEFAULT, access_list), whole = H5Screate_simple(2, shape, most);
  hid_t dataset = H5Dcreate2(file, name, H5T_NATIVE_UINT32, whole, H5P_DEFAULT, plist, H5P_DEFAULT);
  CHECK(dataset >= 0);
  H5Dclose(dataset), H5Sclose(whole), H5Sclose(space), H5Sclose(from), H5Pclose(plist), H5Pclose(access_list), H5Fclose(file);
}

/* Sources with numbered names in other files; and a dataset without end that is its own source. */
static void test_virtual(void) {
  const hsize_t shape[2] = {4, 10}, chunk[2] = {4, 9};
  const dust_hdf5_open_options options = {.foreign = true};
  dust_hdf5 *h = NULL;
  dust_ndarray a = {0}, b = {0};
  char pattern_name[80];
  fresh_path();
  snprintf(pattern_name, sizeof pattern_name, "%s.%%b", path);
  make_virtual(path, "v", pattern_name, "part", true);
  for (int i = 0; i < 2; i++) {
    snprintf(other_path, sizeof other_path, "%s.%d", path, i);
    hid_t file = H5Fcreate(other_path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    write_dataset(file, "part", H5T_NATIVE_UINT32, H5T_NATIVE_UINT32, 2, shape, chunk, NONE);
    H5Fclose(file);
  }
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  CHECK_FAILS(dust_hdf5_read(&a, h, "v", 0, NULL, NULL), DUST_ERROR_WORLD, "lies in another file; such are read only when that is allowed");
  CHECK_OK(dust_hdf5_close(h));
  CHECK_OK(dust_hdf5_open_with(&h, path, DUST_HDF5_READ, &options));
  CHECK_OK(dust_hdf5_read(&a, h, "v", 0, NULL, NULL));
  CHECK(a.ndim == 2 && a.shape[0] == 8 && a.shape[1] == 10);
  CHECK_OK(dust_hdf5_close(h));
  for (int i = 0; i < 2; i++) {
    snprintf(other_path, sizeof other_path, "%s.%d", path, i);
    CHECK_OK(dust_hdf5_open(&h, other_path, DUST_HDF5_READ));
    CHECK_OK(dust_hdf5_read(&b, h, "part", 0, NULL, NULL));
    if (a.data && b.data) CHECK(memcmp((char *)a.data + (size_t)i * 160, b.data, 160) == 0);
    dust_ndarray_release(&b);
    CHECK_OK(dust_hdf5_close(h));
    unlink(other_path);
  }
  dust_ndarray_release(&a);
  make_virtual(path, "v", ".", "v", false);
  CHECK_OK(dust_hdf5_open_with(&h, path, DUST_HDF5_READ, &options));
  CHECK_FAILS(dust_hdf5_read(&a, h, "v", 0, NULL, NULL), DUST_ERROR_WORLD, "is a virtual dataset whose voxels come from itself");
  CHECK_OK(dust_hdf5_close(h));
  unlink(path);
}

/* More datasets than are kept open: descriptors and decoded chunks go with them. */
static void test_many_datasets(void) {
  const hsize_t shape[2] = {40, 50}, chunk[2] = {9, 9};
  char name[16];
  dust_hdf5 *h = NULL;
  fresh_path();
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  for (int i = 0; i < 20; i++) {
    snprintf(name, sizeof name, "d%d", i);
    write_dataset(file, name, H5T_NATIVE_UINT32, H5T_NATIVE_UINT32, 2, shape, chunk, SHUFFLE | (INFLATES ? GZIP : 0));
  }
  H5Fclose(file);
  int before = dup(0);
  close(before);
  CHECK_OK(dust_hdf5_open(&h, path, DUST_HDF5_READ));
  for (int i = 0; i < 60; i++) {
    dust_ndarray a = {0};
    snprintf(name, sizeof name, "d%d", i % 20);
    CHECK_OK(dust_hdf5_read(&a, h, name, 0, NULL, NULL));
    dust_ndarray_release(&a);
    CHECK(dust_mem_in_use() < 300000);
  }
  CHECK(dust_hdf5_get_counts(h).fast == 60 && dust_hdf5_get_counts(h).reused == 0);
  CHECK_OK(dust_hdf5_close(h));
  int after = dup(0);
  close(after);
  CHECK(before == after);
  unlink(path);
}

/* Handles in several threads, one pool for all of them. */
static dust_pool *shared;

static void *read_boxes(void *context) {
  long wrong = 0;
  static const char *const names[] = {"gzip", "plain", "contiguous"};
  dust_hdf5 *h = NULL;
  wrong += dust_hdf5_open(&h, path, DUST_HDF5_READ) != DUST_OK;
  dust_hdf5_set_pool(h, shared);
  for (int i = 0; h && i < 40; i++) {
    dust_ndarray a = {0}, b = {0};
    const int64_t begin[3] = {i % 7, i % 5, i % 11}, shape[3] = {13, 20, 18};
    wrong += dust_hdf5_read(&a, h, names[i % 3], 3, begin, shape) != DUST_OK;
    dust_hdf5_set_fast(h, false);
    wrong += dust_hdf5_read(&b, h, names[i % 3], 3, begin, shape) != DUST_OK;
    dust_hdf5_set_fast(h, true);
    wrong += !same(&a, &b);
    dust_ndarray_release(&a), dust_ndarray_release(&b);
  }
  wrong += dust_hdf5_close(h) != DUST_OK;
  return (void *)wrong;
}

static void test_threads(void) {
  pthread_t thread[3];
  make_damageable();
  CHECK_OK(dust_pool_create(&shared, 3));
  for (int i = 0; i < 3; i++) CHECK(pthread_create(&thread[i], NULL, read_boxes, NULL) == 0);
  for (int i = 0; i < 3; i++) {
    void *wrong = NULL;
    pthread_join(thread[i], &wrong);
    CHECK(wrong == NULL);
  }
  dust_pool_release(shared);
  unlink(path);
}

int main(void) {
  H5open();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  test_every_storage();
  test_latest_format();
  test_contiguous_large();
  test_raw_by_hdf5();
  test_fill();
  test_filter_masks();
  test_damage();
  test_truncated();
  test_allocations();
  test_cache();
  test_straight();
  test_beside_a_writer();
  test_beside_a_stream();
  test_external_link();
  test_virtual();
  test_many_datasets();
  test_threads();
  return check_done();
}
