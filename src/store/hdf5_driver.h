/* Our own way for HDF5 to its files: pread and pwrite, of which the first failure is remembered.
 *
 * libhdf5 reports success at closing after a full disk, or fails to close, tries again at exit and crashes there. So it is told
 * that every write worked; what failed first stands in the dust_h5_trouble that the file was opened with, and from then on nothing
 * more is written to the file: what libhdf5 believes to have written is kept in memory, so that it reads back what it expects and
 * closes as usual.
 *
 * Files differ in what reaches the disk before they are closed:
 *   PLAIN     a file under a temporary name: everything, as it comes
 *   IN_PLACE  metadata is held back in memory until a flush, which writes what lies beyond the old end of the file first, then what
 *             was there, the superblock last: a disk that is full changes nothing that was flushed before, and after another failure
 *             that is written back
 *   STREAM    the superblock is held back; hdf5_stream.c writes one of its own after each flush
 *
 * Runs in HDF5's turn. A file system without locks is used without.
 */
#ifndef DUST_STORE_HDF5_DRIVER_H
#define DUST_STORE_HDF5_DRIVER_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum dust_h5_way { DUST_H5_PLAIN, DUST_H5_IN_PLACE, DUST_H5_STREAM } dust_h5_way;

typedef struct dust_h5_driver_file dust_h5_driver_file;

typedef struct dust_h5_trouble {
  dust_h5_way way;
  int write_error, read_error; /* errno of the first that failed; 0: none */
  const char *write_call;      /* "write", "truncate", "close" */
  uint64_t write_offset, write_size, read_offset;
  bool torn;                   /* IN_PLACE: what was flushed before couldn't be written back after a failure half way */
  bool abandoned;              /* the rest isn't written: the file is to be discarded */
  dust_h5_driver_file *driver; /* while it is open */
} dust_h5_trouble;

/* Has files that are opened with this access list go through the driver; `trouble` (NULL: nobody looks) has to live until they are
 * closed. false: HDF5 said no. */
bool dust_h5_driver_use(hid_t access_list, dust_h5_trouble *trouble);
/* HDF5 keeps the file although it was closed: nothing more is written to it, and the driver gives `trouble` back with it. */
void dust_h5_driver_abandon(dust_h5_trouble *trouble);
/* Whether files with this access list go through the driver. Their handle (H5Fget_vfd_handle) is a descriptor. */
bool dust_h5_driver_is_ours(hid_t access_list);
/* errno of the first read that failed since `dust_h5_driver_forget_read`, of any file: 0 if none did. */
int dust_h5_driver_read_error(void);
void dust_h5_driver_forget_read(void);

/* ---- for hdf5_stream.c. All of these fail by what stands in the trouble afterwards. */
int dust_h5_driver_descriptor(const dust_h5_driver_file *file);
/* Room of so many bytes that HDF5 will not use, at the end; HDF5 has just been flushed. */
uint64_t dust_h5_driver_reserve(dust_h5_driver_file *file, uint64_t size);
uint64_t dust_h5_driver_end(const dust_h5_driver_file *file); /* of what is allotted */
/* Bytes past HDF5, at once. */
void dust_h5_driver_write(dust_h5_driver_file *file, const void *bytes, size_t size, uint64_t offset);
/* Makes the file `end` bytes long if it is shorter. */
void dust_h5_driver_grow(dust_h5_driver_file *file, uint64_t end);

#endif
