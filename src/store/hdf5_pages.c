/* Held pages (hdf5_pages.h): an ascending table. */
#include "store/hdf5_pages.h"

#include <stdlib.h>
#include <string.h>

/* The place of the first page of that number or a later one. */
static size_t place_of(const dust_h5_pages *pages, uint64_t number) {
  size_t begin = 0, end = pages->count;
  while (begin < end) {
    size_t middle = begin + (end - begin) / 2;
    if (pages->page[middle]->number < number)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

static dust_h5_page *find(const dust_h5_pages *pages, uint64_t number) {
  size_t at = place_of(pages, number);
  return at < pages->count && pages->page[at]->number == number ? pages->page[at] : NULL;
}

static dust_h5_page *insert(dust_h5_pages *pages, uint64_t number, dust_h5_page_load load, void *context) {
  if (pages->count == pages->capacity) {
    size_t capacity = pages->capacity ? 2 * pages->capacity : 16;
    dust_h5_page **grown = realloc(pages->page, capacity * sizeof *grown);
    if (!grown) return NULL;
    pages->page = grown, pages->capacity = capacity;
  }
  dust_h5_page *page = malloc(sizeof *page);
  if (!page) return NULL;
  page->number = number, page->begin = DUST_H5_PAGE, page->end = 0;
  if (!load(context, page->bytes, number * DUST_H5_PAGE)) {
    free(page);
    return NULL;
  }
  size_t at = place_of(pages, number);
  memmove(pages->page + at + 1, pages->page + at, (pages->count - at) * sizeof *pages->page);
  pages->page[at] = page, pages->count++;
  return page;
}

bool dust_h5_pages_write(dust_h5_pages *pages, const void *bytes, size_t size, uint64_t offset, dust_h5_page_load load, void *context) {
  for (const char *from = bytes; size > 0;) {
    uint64_t number = offset / DUST_H5_PAGE;
    uint32_t begin = (uint32_t)(offset % DUST_H5_PAGE);
    size_t n = DUST_H5_PAGE - begin < size ? DUST_H5_PAGE - begin : size;
    dust_h5_page *page = find(pages, number);
    if (!page) page = insert(pages, number, load, context);
    if (!page) return false;
    memcpy(page->bytes + begin, from, n);
    if (begin < page->begin) page->begin = begin;
    if (begin + n > page->end) page->end = begin + (uint32_t)n;
    from += n, offset += n, size -= n;
  }
  return true;
}

/* Calls for each page that lies in [offset, offset + size): where in the page, where in the bytes, how many. */
#define EACH_PAGE(pages, size, offset)                                                                                          \
  for (size_t i_ = place_of(pages, (offset) / DUST_H5_PAGE); i_ < (pages)->count && (pages)->page[i_]->number * DUST_H5_PAGE < (offset) + (size); i_++)

typedef struct overlap {
  size_t in_page, in_bytes, count;
} overlap;

static overlap overlap_of(const dust_h5_page *page, size_t size, uint64_t offset) {
  uint64_t at = page->number * DUST_H5_PAGE, begin = at > offset ? at : offset, end = at + DUST_H5_PAGE;
  if (end > offset + size) end = offset + size;
  return (overlap){(size_t)(begin - at), (size_t)(begin - offset), (size_t)(end - begin)};
}

void dust_h5_pages_update(dust_h5_pages *pages, const void *bytes, size_t size, uint64_t offset) {
  EACH_PAGE(pages, size, offset) {
    overlap o = overlap_of(pages->page[i_], size, offset);
    memcpy(pages->page[i_]->bytes + o.in_page, (const char *)bytes + o.in_bytes, o.count);
  }
}

void dust_h5_pages_read(const dust_h5_pages *pages, void *bytes, size_t size, uint64_t offset) {
  EACH_PAGE(pages, size, offset) {
    overlap o = overlap_of(pages->page[i_], size, offset);
    memcpy((char *)bytes + o.in_bytes, pages->page[i_]->bytes + o.in_page, o.count);
  }
}

void dust_h5_pages_release(dust_h5_pages *pages) {
  for (size_t i = 0; i < pages->count; i++) free(pages->page[i]);
  free(pages->page);
  *pages = (dust_h5_pages){0};
}
