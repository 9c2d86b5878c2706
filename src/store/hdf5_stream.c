/* Streams: files that hold what was flushed at every moment, also when the process is killed.
 *
 * HDF5 changes what it has written in place: a root group's table of links, say, in several writes, between which the file is none.
 * So the tree that HDF5 builds is not the file's until it is closed. After each flush a root of our own is written, with a link to
 * each object that HDF5's has, and then the 48 bytes of the superblock, which a kill can't halve, make it the file's root:
 *
 *     superblock -> root A: link, link, … more in block 0, block 1, …      HDF5's own root: changed at will, nobody sees it
 *                   root B: written next, then the superblock points here; then A again
 *
 * What the links lead to, HDF5 doesn't change any more: a batch is one group, complete when it is flushed. Roots are object headers
 * of version 2 with links as messages (format specification, IV.A.1.b). Those of the last links lie in the root, which is written
 * anew each time in one of two places; whenever they are BLOCK_LINKS they get a block of their own that stays.
 *
 * At the end HDF5 closes the file, its own superblock, held back so far, is written last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/hdf5_internal.h"

#define BLOCK_LINKS 256
#define UNDEFINED UINT64_MAX
#define MESSAGE_LINK_INFO 0x02
#define MESSAGE_LINK 0x06
#define MESSAGE_CONTINUATION 0x10
#define MOST_HEADER ((uint64_t)64 << 20)

typedef struct stream_link {
  char *name;
  uint64_t address;
} stream_link;

typedef struct place {
  uint64_t offset, size;
} place;

typedef struct bytes {
  unsigned char *data;
  size_t count, capacity;
  bool full; /* of memory */
} bytes;

struct dust_h5_stream {
  stream_link *links; /* what is published, and after a flush what is to be */
  size_t count, capacity, published;
  place *blocks; /* of BLOCK_LINKS links each, the first ones */
  size_t block_count, block_capacity;
  place root[2];
  int next;             /* which of them is written next */
  dust_h5_names touched; /* top-level names to be looked up */
};

/* ---- little-endian blocks, with the checksum of HDF5's metadata: Jenkins' lookup3 */

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static uint32_t word_at(const unsigned char *p, size_t left) {
  uint32_t word = 0;
  for (size_t i = 0; i < 4 && i < left; i++) word |= (uint32_t)p[i] << 8 * i;
  return word;
}

static uint32_t checksum(const unsigned char *p, size_t size) {
  static const int turns[] = {4, 6, 8, 16, 19, 4}, last[] = {14, 11, 25, 16, 4, 14, 24};
  uint32_t s[3];
  s[0] = s[1] = s[2] = 0xdeadbeefu + (uint32_t)size;
  if (size == 0) return s[2];
  for (; size > 12; p += 12, size -= 12) {
    for (int i = 0; i < 3; i++) s[i] += word_at(p + 4 * i, 4);
    for (int i = 0; i < 6; i++) {
      uint32_t *a = &s[i % 3], *b = &s[(i + 1) % 3], *c = &s[(i + 2) % 3];
      *a -= *c, *a ^= rotate(*c, turns[i]), *c += *b;
    }
  }
  for (int i = 0; i < 3; i++)
    if (size > (size_t)(4 * i)) s[i] += word_at(p + 4 * i, size - (size_t)(4 * i));
  for (int i = 0; i < 7; i++) {
    uint32_t *to = &s[(i + 2) % 3], *from = &s[(i + 1) % 3];
    *to ^= *from, *to -= rotate(*from, last[i]);
  }
  return s[2];
}

static void put_bytes(bytes *b, const void *data, size_t size) {
  if (b->full || size == 0) return;
  if (b->count + size > b->capacity) {
    size_t capacity = 2 * (b->count + size);
    unsigned char *grown = realloc(b->data, capacity);
    if (!grown) {
      b->full = true;
      return;
    }
    b->data = grown, b->capacity = capacity;
  }
  memcpy(b->data + b->count, data, size);
  b->count += size;
}

static void put(bytes *b, uint64_t value, int size) {
  unsigned char little[8];
  for (int i = 0; i < size; i++) little[i] = (unsigned char)(value >> 8 * i);
  put_bytes(b, little, (size_t)size);
}

static void put_checksum(bytes *b) {
  if (!b->full) put(b, checksum(b->data, b->count), 4);
}

static uint64_t take(const unsigned char *p, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; i++) value |= (uint64_t)p[i] << 8 * i;
  return value;
}

static void put_message(bytes *b, int type, size_t size) { put(b, (uint64_t)type, 1), put(b, size, 2), put(b, 0, 1); }

static void put_link(bytes *b, const stream_link *link) {
  size_t length = strlen(link->name);
  int wide = length > 255 ? 2 : 1;
  put_message(b, MESSAGE_LINK, 2 + (size_t)wide + length + 8);
  put(b, 1, 1), put(b, wide == 2 ? 1 : 0, 1), put(b, length, wide);
  put_bytes(b, link->name, length);
  put(b, link->address, 8);
}

static void put_link_info(bytes *b) {
  put_message(b, MESSAGE_LINK_INFO, 18);
  put(b, 0, 2), put(b, UNDEFINED, 8), put(b, UNDEFINED, 8); /* links are messages, not in a heap */
}

/* ---- HDF5's root: its group settings and attributes */

static dust_status fail(const dust_hdf5 *file, const char *what) {
  return dust_fail(DUST_ERROR_WORLD, "%s: a stream can't be flushed: %s", file->path, what);
}

/* Adds the messages in `block` that a root of ours needs too, and the places of further blocks. */
static bool copy_messages(bytes *out, bytes *further, const unsigned char *block, size_t size, bool ordered) {
  size_t head = ordered ? 6 : 4;
  for (size_t at = 0; at + head <= size;) {
    int type = block[at];
    size_t length = (size_t)take(block + at + 1, 2);
    unsigned flags = block[at + 3];
    const unsigned char *data = block + at + head;
    if (length > size - at - head) return false;
    if (type == MESSAGE_CONTINUATION && length == 16)
      put_bytes(further, data, 16);
    else if (type != 0 && type != MESSAGE_LINK_INFO && type != MESSAGE_LINK && type != MESSAGE_CONTINUATION) {
      put(out, (uint64_t)type, 1), put(out, length, 2), put(out, flags, 1);
      put_bytes(out, data, length);
    }
    at += head + length;
  }
  return true;
}

static unsigned char *read_block(const dust_hdf5 *file, uint64_t offset, uint64_t size) {
  if (size < 16 || size > MOST_HEADER) return NULL;
  unsigned char *block = malloc((size_t)size);
  if (block && dust_output_pread(dust_h5_driver_descriptor(file->trouble->driver), block, (size_t)size, offset) == (int64_t)size) return block;
  free(block);
  return NULL;
}

/* The messages of HDF5's root but for its links. */
static bool root_messages(bytes *out, const dust_hdf5 *file, uint64_t root) {
  bytes further = {0};
  unsigned char *begin = read_block(file, root, 64), *block = NULL;
  bool fine = begin && memcmp(begin, "OHDR\2", 5) == 0;
  if (fine) {
    unsigned flags = begin[5];
    size_t head = 6 + (flags & 0x20 ? 16u : 0u) + (flags & 0x10 ? 4u : 0u);
    int wide = 1 << (flags & 3);
    uint64_t size = take(begin + head, wide);
    head += (size_t)wide;
    block = size <= MOST_HEADER ? read_block(file, root, head + size + 4) : NULL;
    fine = block && copy_messages(out, &further, block + head, (size_t)size, flags & 4);
    for (size_t at = 0; fine && at < further.count; at += 16) {
      uint64_t offset = take(further.data + at, 8), length = take(further.data + at + 8, 8);
      unsigned char *next = read_block(file, offset, length);
      fine = next && memcmp(next, "OCHK", 4) == 0 && further.count < 1u << 20 &&
             copy_messages(out, &further, next + 4, (size_t)length - 8, flags & 4);
      free(next);
    }
  }
  free(begin), free(block), free(further.data);
  return fine && !out->full && !further.full;
}

#if H5_VERSION_GE(1, 12, 0)
static bool address_of(uint64_t *out, hid_t file, const char *name, bool *there) {
  H5L_info2_t link;
  haddr_t address;
  if (name) {
    *there = H5Lexists(file, name, H5P_DEFAULT) > 0;
    if (!*there) return true;
    if (H5Lget_info2(file, name, &link, H5P_DEFAULT) < 0) return false;
    if (link.type != H5L_TYPE_HARD) return *there = false, true;
    if (H5VLnative_token_to_addr(file, link.u.token, &address) < 0) return false;
  } else {
    H5O_info2_t object;
    if (H5Oget_info_by_name3(file, "/", &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0 || H5VLnative_token_to_addr(file, object.token, &address) < 0)
      return false;
  }
  *out = address;
  return true;
}
#else
/* Of the object that a hard link of the root leads to; name NULL: of the root. false: HDF5 can't tell. */
static bool address_of(uint64_t *out, hid_t file, const char *name, bool *there) {
  H5L_info_t link;
  H5O_info_t object;
  if (!name) {
    if (H5Oget_info_by_name(file, "/", &object, H5P_DEFAULT) < 0) return false;
    return *out = object.addr, true;
  }
  *there = H5Lexists(file, name, H5P_DEFAULT) > 0;
  if (!*there) return true;
  if (H5Lget_info(file, name, &link, H5P_DEFAULT) < 0) return false;
  if (link.type != H5L_TYPE_HARD) return *there = false, true;
  return *out = link.u.address, true;
}
#endif

/* ---- the links */

static bool grow(void **block, size_t count, size_t *capacity, size_t item) {
  if (count < *capacity) return true;
  size_t more = *capacity ? 2 * *capacity : 64;
  void *grown = realloc(*block, more * item);
  if (!grown) return false;
  *block = grown, *capacity = more;
  return true;
}

/* The link of that name as HDF5 has it now. */
static bool look_up(dust_h5_stream *s, hid_t file, const char *name) {
  uint64_t address = 0;
  bool there = false;
  if (!address_of(&address, file, name, &there)) return false;
  size_t at = s->count;
  while (at > 0 && strcmp(s->links[at - 1].name, name) != 0) at--;
  bool known = at-- > 0;
  if (!known && !there) return true;
  if (known && there && s->links[at].address == address) return true;
  if (known) {
    if (at < s->block_count * BLOCK_LINKS) s->block_count = 0; /* all of them are written anew, elsewhere */
    if (there) return s->links[at].address = address, true;
    free(s->links[at].name);
    memmove(s->links + at, s->links + at + 1, (s->count - at - 1) * sizeof *s->links);
    return s->count--, true;
  }
  void *links = s->links;
  if (!grow(&links, s->count, &s->capacity, sizeof *s->links)) return false;
  s->links = links;
  char *copy = strdup(name);
  if (!copy) return false;
  s->links[s->count++] = (stream_link){copy, address};
  return true;
}

dust_status dust_h5_stream_touch(dust_hdf5 *file, const char *clean) {
  dust_h5_stream *s = file->stream;
  if (!s) return DUST_OK;
  size_t length = strcspn(clean, "/");
  char top[DUST_HDF5_NAME];
  memcpy(top, clean, length), top[length] = 0;
  if (s->touched.count && strcmp(s->touched.name[s->touched.count - 1], top) == 0) return DUST_OK;
  return dust_h5_names_add(&s->touched, "", top);
}

/* ---- publishing */

static bool write_block(dust_hdf5 *file, dust_h5_stream *s) {
  bytes b = {0};
  void *blocks = s->blocks;
  if (!grow(&blocks, s->block_count, &s->block_capacity, sizeof *s->blocks)) return false;
  s->blocks = blocks;
  put_bytes(&b, "OCHK", 4);
  for (size_t i = 0; i < BLOCK_LINKS; i++) put_link(&b, &s->links[s->block_count * BLOCK_LINKS + i]);
  put_checksum(&b);
  bool fine = !b.full;
  if (fine) {
    uint64_t offset = dust_h5_driver_reserve(file->trouble->driver, b.count);
    dust_h5_driver_write(file->trouble->driver, b.data, b.count, offset);
    s->blocks[s->block_count++] = (place){offset, b.count};
  }
  free(b.data);
  return fine;
}

static void put_root(bytes *b, const dust_h5_stream *s, const bytes *messages) {
  put_bytes(b, "OHDR", 4);
  put(b, 2, 1), put(b, 2, 1); /* version; the size below has four bytes, there are no times */
  size_t size_at = b->count;
  put(b, 0, 4);
  size_t begin = b->count;
  put_link_info(b);
  put_bytes(b, messages->data, messages->count);
  for (size_t i = 0; i < s->block_count; i++)
    put_message(b, MESSAGE_CONTINUATION, 16), put(b, s->blocks[i].offset, 8), put(b, s->blocks[i].size, 8);
  for (size_t i = s->block_count * BLOCK_LINKS; i < s->count; i++) put_link(b, &s->links[i]);
  if (b->full) return;
  for (int i = 0; i < 4; i++) b->data[size_at + (size_t)i] = (unsigned char)((b->count - begin) >> 8 * i);
  put_checksum(b);
}

static void put_superblock(bytes *b, uint64_t root, uint64_t end) {
  put_bytes(b, "\211HDF\r\n\032\n", 8);
  put(b, 2, 1), put(b, 8, 1), put(b, 8, 1), put(b, 0, 1); /* version, bytes of an offset and of a length, no flags */
  put(b, 0, 8), put(b, UNDEFINED, 8), put(b, end, 8), put(b, root, 8);
  put_checksum(b);
}

static bool write_root(dust_hdf5 *file, dust_h5_stream *s, const bytes *messages) {
  dust_h5_driver_file *driver = file->trouble->driver;
  bytes root = {0}, superblock = {0};
  place *to = &s->root[s->next];
  put_root(&root, s, messages);
  if (!root.full && to->size < root.count) {
    to->size = (root.count + root.count / 2 + 511) / 512 * 512;
    to->offset = dust_h5_driver_reserve(driver, to->size);
  }
  put_superblock(&superblock, to->offset, dust_h5_driver_end(driver));
  bool fine = !root.full && !superblock.full;
  if (fine) {
    dust_h5_driver_write(driver, root.data, root.count, to->offset);
    dust_h5_driver_grow(driver, dust_h5_driver_end(driver));
    dust_h5_driver_write(driver, superblock.data, superblock.count, 0);
    s->next = 1 - s->next;
  }
  free(root.data), free(superblock.data);
  return fine;
}

dust_status dust_h5_stream_publish(dust_hdf5 *file) {
  dust_h5_stream *s = file->stream;
  bytes messages = {0};
  uint64_t root = 0;
  bool there, fine = true;
  for (size_t i = 0; fine && i < s->touched.count; i++) fine = look_up(s, file->id, s->touched.name[i]);
  if (!fine) return fail(file, "a link can't be looked up, or there is no memory");
  dust_h5_names_release(&s->touched);
  if (!address_of(&root, file->id, NULL, &there) || !root_messages(&messages, file, root)) {
    free(messages.data);
    return fail(file, "its root can't be read");
  }
  while (fine && s->count - s->block_count * BLOCK_LINKS >= BLOCK_LINKS) fine = write_block(file, s);
  fine = fine && write_root(file, s, &messages);
  free(messages.data);
  if (!fine) return fail(file, "no memory");
  DUST_TRY(dust_h5_sound(file));
  s->published = s->count;
  return DUST_OK;
}

static herr_t note_link(hid_t group, const char *name, const H5L_info_t *link, void *context) {
  return dust_h5_names_add(context, "", name) == DUST_OK ? 0 : -1;
}

dust_status dust_h5_stream_begin(dust_hdf5 *file, bool resumed) {
  void *block;
  hsize_t next = 0;
  DUST_TRY(dust_calloc(&block, 1, sizeof(dust_h5_stream)));
  file->stream = block;
  if (resumed && H5Literate(file->id, H5_INDEX_NAME, H5_ITER_NATIVE, &next, note_link, &file->stream->touched) < 0)
    return dust_h5_fail(file, "listing", "");
  if (H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0) return dust_h5_fail(file, "flushing", "");
  DUST_TRY(dust_h5_sound(file));
  return dust_h5_stream_publish(file);
}

bool dust_h5_stream_is_empty(const dust_hdf5 *file) { return !file->stream || file->stream->published == 0; }

void dust_h5_stream_release(dust_hdf5 *file) {
  dust_h5_stream *s = file->stream;
  if (!s) return;
  for (size_t i = 0; i < s->count; i++) free(s->links[i].name);
  free(s->links), free(s->blocks);
  dust_h5_names_release(&s->touched);
  dust_free(s);
  file->stream = NULL;
}
