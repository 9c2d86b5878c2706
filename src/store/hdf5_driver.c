/* The driver (hdf5_driver.h). */
#include "store/hdf5_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif
#include "store/hdf5_pages.h"
#include "store/output.h"

#define SUPERBLOCK 48 /* bytes of version 2, which all files that we make have */
#define MOST_ADDRESS ((haddr_t)INT64_MAX)

struct dust_h5_driver_file {
  H5FD_t hdf5; /* first: HDF5 knows the rest by its address */
  int descriptor;
  haddr_t eoa, eof;
  dev_t device;
  ino_t inode;
  bool writable, sunk, owns_trouble;
  dust_h5_trouble *trouble;
  dust_h5_pages pages; /* what isn't written yet, or never will be */
  uint64_t flushed;    /* IN_PLACE: the end at the last flush */
  uint64_t cut;        /* to be cut to that once the superblock, which tells of a later end, is written; UINT64_MAX: no */
};

typedef struct access_info {
  dust_h5_trouble *trouble;
} access_info;

static int last_read_error;
int dust_h5_driver_read_error(void) { return last_read_error; }
void dust_h5_driver_forget_read(void) { last_read_error = 0; }

static hid_t error_major(void) { return H5E_VFL; }

static void tell(hid_t minor, const char *doing, int error) {
  H5Epush2(H5E_DEFAULT, __FILE__, "dust_h5_driver", __LINE__, H5E_ERR_CLS, error_major(), minor, "%s: errno = %d, error message = '%s'", doing,
           error, strerror(error));
}

static dust_h5_driver_file *ours(H5FD_t *file) { return (dust_h5_driver_file *)file; }
static const dust_h5_driver_file *ours_const(const H5FD_t *file) { return (const dust_h5_driver_file *)file; }

static void note_write(dust_h5_driver_file *f, const char *call, int error, uint64_t offset, uint64_t size) {
  dust_h5_trouble *t = f->trouble;
  f->sunk = true;
  if (t->write_error) return;
  t->write_error = error ? error : EIO, t->write_call = call, t->write_offset = offset, t->write_size = size;
}

static bool goes_nowhere(const dust_h5_driver_file *f) { return f->sunk || f->trouble->abandoned; }

/* ---- opening and closing */

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access_list, haddr_t maxaddr) {
  int how = flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY, descriptor;
  const access_info *info;
  struct stat about;
  H5E_BEGIN_TRY { info = H5Pget_driver_info(access_list); } /* sources that HDF5 opens for a virtual dataset have none */
  H5E_END_TRY;
  if (flags & H5F_ACC_TRUNC) how |= O_TRUNC;
  if (flags & H5F_ACC_CREAT) how |= O_CREAT;
  if (flags & H5F_ACC_EXCL) how |= O_EXCL;
  while ((descriptor = open(name, how | O_CLOEXEC, 0666)) < 0 && errno == EINTR) continue;
  if (descriptor < 0) return tell(H5E_CANTOPENFILE, "unable to open file", errno), NULL;
  if (fstat(descriptor, &about) != 0) {
    tell(H5E_BADFILE, "unable to fstat file", errno);
    close(descriptor);
    return NULL;
  }
  dust_h5_driver_file *f = calloc(1, sizeof *f);
  dust_h5_trouble *trouble = info && info->trouble ? info->trouble : NULL;
  bool owns = !trouble;
  if (f && owns) trouble = calloc(1, sizeof *trouble);
  if (!f || !trouble) {
    tell(H5E_NOSPACE, "no memory", ENOMEM);
    free(f);
    close(descriptor);
    return NULL;
  }
  f->descriptor = descriptor, f->eof = (haddr_t)about.st_size, f->device = about.st_dev, f->inode = about.st_ino;
  f->writable = (flags & H5F_ACC_RDWR) != 0, f->owns_trouble = owns, f->trouble = trouble;
  f->flushed = (uint64_t)about.st_size, f->cut = UINT64_MAX;
  if (!owns) trouble->driver = f;
  return &f->hdf5;
}

/* Metadata held back, from `begin` to `end` of the file. */
static void write_pages(dust_h5_driver_file *f, uint64_t begin, uint64_t end) {
  for (size_t i = 0; i < f->pages.count && !f->sunk; i++) {
    const dust_h5_page *page = f->pages.page[i];
    uint64_t at = page->number * DUST_H5_PAGE, from = at + page->begin, to = at + page->end;
    if (from < begin) from = begin;
    if (to > end) to = end;
    if (from >= to) continue;
    if (dust_output_pwrite(f->descriptor, page->bytes + (from - at), (size_t)(to - from), from) != 0)
      note_write(f, "write", errno, from, to - from);
  }
}

/* The page as it is in the file. */
static bool load_page(void *context, void *bytes, uint64_t offset) {
  const dust_h5_driver_file *f = context;
  int64_t n = dust_output_pread(f->descriptor, bytes, DUST_H5_PAGE, offset);
  if (n < 0 && !goes_nowhere(f)) return false;
  if (n < 0) n = 0;
  memset((char *)bytes + n, 0, DUST_H5_PAGE - (size_t)n);
  return true;
}

static void cut(dust_h5_driver_file *f) {
  if (!goes_nowhere(f) && f->cut != UINT64_MAX && dust_output_truncate(f->descriptor, f->cut) != 0) note_write(f, "truncate", errno, f->cut, 0);
  f->cut = UINT64_MAX;
}

/* What the file has now where held pages will be written over it. false: it can't be read, or there is no memory. */
static bool save_old(dust_h5_driver_file *f, dust_h5_pages *old) {
  unsigned char bytes[DUST_H5_PAGE];
  for (size_t i = 0; i < f->pages.count && f->pages.page[i]->number * DUST_H5_PAGE < f->flushed; i++) {
    uint64_t at = f->pages.page[i]->number * DUST_H5_PAGE;
    size_t n = f->flushed - at < DUST_H5_PAGE ? (size_t)(f->flushed - at) : DUST_H5_PAGE;
    if (!load_page(f, bytes, at) || !dust_h5_pages_write(old, bytes, n, at, load_page, f)) return false;
  }
  return true;
}

/* After a failure half way: the old state, as far as it goes. */
static void restore(dust_h5_driver_file *f, const dust_h5_pages *old) {
  for (size_t i = 0; i < old->count; i++) {
    const dust_h5_page *page = old->page[i];
    if (dust_output_pwrite(f->descriptor, page->bytes, page->end, page->number * DUST_H5_PAGE) != 0) f->trouble->torn = true;
  }
}

/* New regions first: a full disk is noticed before anything that was there is written over. */
static void write_held(dust_h5_driver_file *f) {
  dust_h5_pages old = {0};
  if (goes_nowhere(f) || f->trouble->way != DUST_H5_IN_PLACE) return;
  write_pages(f, f->flushed, UINT64_MAX);
  if (!f->sunk && !save_old(f, &old)) note_write(f, "write", ENOMEM, 0, 0);
  bool begun = !f->sunk;
  write_pages(f, SUPERBLOCK, f->flushed);
  write_pages(f, 0, SUPERBLOCK < f->flushed ? SUPERBLOCK : f->flushed);
  if (begun && f->sunk) restore(f, &old);
  dust_h5_pages_release(&old);
  if (f->sunk) return;
  dust_h5_pages_release(&f->pages);
  cut(f);
  f->flushed = f->eoa;
}

/* A stream's own superblock, once all else is there: only now is the tree that HDF5 made the file's. */
static void write_superblock(dust_h5_driver_file *f) {
  if (goes_nowhere(f) || f->trouble->way != DUST_H5_STREAM) return;
  write_pages(f, 0, SUPERBLOCK);
  cut(f);
}

static herr_t driver_close(H5FD_t *file) {
  dust_h5_driver_file *f = ours(file);
  if (f->writable) write_held(f), write_superblock(f);
  if (f->trouble->way == DUST_H5_IN_PLACE && f->writable && !goes_nowhere(f) && dust_output_fsync(f->descriptor) != 0)
    note_write(f, "fsync", errno, 0, 0);
  if (!f->writable)
    close(f->descriptor); /* nothing is lost by an error here */
  else if (dust_output_close(f->descriptor) != 0 && !goes_nowhere(f))
    note_write(f, "close", errno, 0, 0);
  dust_h5_pages_release(&f->pages);
  if (f->owns_trouble)
    free(f->trouble);
  else
    f->trouble->driver = NULL;
  free(f);
  return 0;
}

static int driver_cmp(const H5FD_t *a, const H5FD_t *b) {
  const dust_h5_driver_file *one = ours_const(a), *two = ours_const(b);
  if (one->device != two->device) return one->device < two->device ? -1 : 1;
  if (one->inode != two->inode) return one->inode < two->inode ? -1 : 1;
  return 0;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA |
           H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_SUPPORTS_SWMR_IO;
#ifdef H5FD_FEAT_DEFAULT_VFD_COMPATIBLE
  *flags |= H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
#endif
  return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type) { return ours_const(file)->eoa; }
static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type) { return ours_const(file)->eof; }

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  ours(file)->eoa = address;
  return 0;
}

static herr_t driver_get_handle(H5FD_t *file, hid_t access_list, void **handle) {
  if (!handle) return -1;
  *handle = &ours(file)->descriptor;
  return 0;
}

/* ---- reading and writing */

static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *bytes) {
  dust_h5_driver_file *f = ours(file);
  int64_t n = -1;
  if (address > MOST_ADDRESS || size > MOST_ADDRESS - address)
    errno = EOVERFLOW;
  else
    n = dust_output_pread(f->descriptor, bytes, size, address);
  if (n < 0 && !goes_nowhere(f)) {
    int error = errno;
    if (!f->trouble->read_error) f->trouble->read_error = error, f->trouble->read_offset = address;
    if (!last_read_error) last_read_error = error;
    tell(H5E_READERROR, "file read failed", error);
    return -1;
  }
  if (n < 0) n = 0;
  if ((size_t)n < size) memset((char *)bytes + n, 0, size - (size_t)n);
  dust_h5_pages_read(&f->pages, bytes, size, address);
  return 0;
}

static bool is_held(const dust_h5_driver_file *f, H5FD_mem_t type, haddr_t address) {
  if (f->trouble->way == DUST_H5_IN_PLACE) return type != H5FD_MEM_DRAW;
  return f->trouble->way == DUST_H5_STREAM && address < SUPERBLOCK;
}

static void write_part(dust_h5_driver_file *f, H5FD_mem_t type, haddr_t address, size_t size, const void *bytes) {
  bool held = is_held(f, type, address);
  if (!held && !goes_nowhere(f) && dust_output_pwrite(f->descriptor, bytes, size, address) != 0)
    note_write(f, "write", errno, address, size);
  if (held || goes_nowhere(f)) {
    /* voxels that can't be written are nobody's to read: only what HDF5 itself needs back is kept */
    if ((held || type != H5FD_MEM_DRAW) && !dust_h5_pages_write(&f->pages, bytes, size, address, load_page, f)) note_write(f, "write", ENOMEM, address, size);
  } else if (f->pages.count)
    dust_h5_pages_update(&f->pages, bytes, size, address);
  if (address + size > f->eof) f->eof = address + size;
}

/* HDF5 may write the superblock and what follows it as one. */
static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *bytes) {
  dust_h5_driver_file *f = ours(file);
  size_t first = address < SUPERBLOCK && size > SUPERBLOCK - address ? (size_t)(SUPERBLOCK - address) : size;
  write_part(f, type, address, first, bytes);
  if (first < size) write_part(f, type, address + first, size - first, (const char *)bytes + first);
  return 0;
}

static herr_t driver_flush(H5FD_t *file, hid_t transfer, hbool_t closing) {
  write_held(ours(file));
  return 0;
}

static herr_t driver_truncate(H5FD_t *file, hid_t transfer, hbool_t closing) {
  dust_h5_driver_file *f = ours(file);
  uint64_t end = f->eoa;
  struct stat about;
  if (goes_nowhere(f) || !f->writable) return f->eof = f->eoa, 0;
  uint64_t is = fstat(f->descriptor, &about) == 0 ? (uint64_t)about.st_size : UINT64_MAX;
  f->eof = f->eoa, f->cut = UINT64_MAX;
  if (is == end) return 0;
  if (f->trouble->way != DUST_H5_PLAIN && end < is) return f->cut = end, 0;
  if (dust_output_truncate(f->descriptor, end) != 0) note_write(f, "truncate", errno, end, 0);
  return 0;
}

/* ---- locks */

static bool is_without_locks(int error) { return error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP || error == ENOLCK || error == EINVAL; }

static herr_t driver_lock(H5FD_t *file, hbool_t writes) {
  int failed;
  while ((failed = flock(ours(file)->descriptor, (writes ? LOCK_EX : LOCK_SH) | LOCK_NB)) != 0 && errno == EINTR) continue;
  if (failed == 0 || is_without_locks(errno)) return 0;
  return tell(H5E_BADFILE, "unable to lock file", errno), -1;
}

static herr_t driver_unlock(H5FD_t *file) {
  if (flock(ours(file)->descriptor, LOCK_UN) == 0 || is_without_locks(errno)) return 0;
  return tell(H5E_BADFILE, "unable to unlock file", errno), -1;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = 700,
#endif
    .name = "moondust",
    .maxaddr = MOST_ADDRESS,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(access_info),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_cmp,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .get_handle = driver_get_handle,
    .read = driver_read,
    .write = driver_write,
    .flush = driver_flush,
    .truncate = driver_truncate,
    .lock = driver_lock,
    .unlock = driver_unlock,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

static hid_t driver_id = -1;

/* A host may close the whole library (H5close) between two of our calls. */
static hid_t registered(void) {
  if (driver_id < 0 || H5Iget_type(driver_id) != H5I_VFL) driver_id = H5FDregister(&driver);
  return driver_id;
}

bool dust_h5_driver_use(hid_t access_list, dust_h5_trouble *trouble) {
  const access_info info = {trouble};
  hid_t id = registered();
  return id >= 0 && H5Pset_driver(access_list, id, &info) >= 0;
}

void dust_h5_driver_abandon(dust_h5_trouble *trouble) { trouble->abandoned = true, trouble->driver->owns_trouble = true; }

bool dust_h5_driver_is_ours(hid_t access_list) { return driver_id >= 0 && H5Pget_driver(access_list) == driver_id; }

/* ---- streams */

int dust_h5_driver_descriptor(const dust_h5_driver_file *file) { return file->descriptor; }
uint64_t dust_h5_driver_end(const dust_h5_driver_file *file) { return file->eoa; }

uint64_t dust_h5_driver_reserve(dust_h5_driver_file *file, uint64_t size) {
  uint64_t at = (file->eoa + 7) / 8 * 8;
  file->eoa = at + size;
  return at;
}

void dust_h5_driver_write(dust_h5_driver_file *file, const void *bytes, size_t size, uint64_t offset) {
  if (!goes_nowhere(file) && dust_output_pwrite(file->descriptor, bytes, size, offset) != 0) note_write(file, "write", errno, offset, size);
  if (offset + size > file->eof) file->eof = offset + size;
}

void dust_h5_driver_grow(dust_h5_driver_file *file, uint64_t end) {
  struct stat about;
  if (goes_nowhere(file) || (fstat(file->descriptor, &about) == 0 && (uint64_t)about.st_size >= end)) return;
  if (dust_output_truncate(file->descriptor, end) != 0) note_write(file, "truncate", errno, end, 0);
}
