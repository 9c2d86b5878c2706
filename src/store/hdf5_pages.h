/* Parts of a file that are kept in memory instead of being written, in pages. Plain malloc: they are HDF5's bytes. */
#ifndef DUST_STORE_HDF5_PAGES_H
#define DUST_STORE_HDF5_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DUST_H5_PAGE 4096

typedef struct dust_h5_page {
  uint64_t number;     /* offset in the file / DUST_H5_PAGE */
  uint32_t begin, end; /* bytes that were written lie within */
  unsigned char bytes[DUST_H5_PAGE];
} dust_h5_page;

typedef struct dust_h5_pages {
  dust_h5_page **page; /* ascending */
  size_t count, capacity;
} dust_h5_pages;

/* Fills a page that is not held yet with what the file has there. */
typedef bool (*dust_h5_page_load)(void *context, void *bytes, uint64_t offset);

/* false: no memory, or the file couldn't be read; pages before that are written. */
bool dust_h5_pages_write(dust_h5_pages *pages, const void *bytes, size_t size, uint64_t offset, dust_h5_page_load load, void *context);
/* Bytes that have gone to the file: pages that are held anyway get to know them. */
void dust_h5_pages_update(dust_h5_pages *pages, const void *bytes, size_t size, uint64_t offset);
/* Lays what is held over bytes read from the file. */
void dust_h5_pages_read(const dust_h5_pages *pages, void *bytes, size_t size, uint64_t offset);
void dust_h5_pages_release(dust_h5_pages *pages);

#endif
