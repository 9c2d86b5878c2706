/* The hash is a chain over 64-bit words, four lanes side by side so that multiplications overlap:
 *
 *     words    dtype, ndim, shape…  (lane 0 … 3 in turn), then the elements' bytes, little-endian, in C order, 8 a word, the last word filled with zeros
 *     step     lane = rotate(lane ^ word, 27) * PRIME            end: the lanes, then the number of bytes, mixed into one
 */
#include "kernel/hash.h"

#include <string.h>
#include "kernel/blocks.h"

#define PRIME 0x9e3779b97f4a7c15u
#define LANES 4
#define PIECE ((size_t)1024) /* elements; a multiple of LANES words for every item size */

typedef struct chain {
  uint64_t lane[LANES];
  size_t words;
} chain;

static uint64_t step(uint64_t lane, uint64_t word) {
  lane ^= word;
  return (lane << 27 | lane >> 37) * PRIME;
}

static void add_word(chain *c, uint64_t word) {
  uint64_t *lane = &c->lane[c->words++ % LANES];
  *lane = step(*lane, word);
}

static uint64_t load_word(const unsigned char *b) { /* compilers know this as one load */
  return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 |
         (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* A run of little-endian bytes. Only the last run of an array may have a number of bytes that is no multiple of 8. */
static void add_bytes(chain *c, const unsigned char *bytes, size_t n) {
  unsigned char rest[8] = {0};
  for (; n >= 8 && c->words % LANES != 0; n -= 8, bytes += 8) add_word(c, load_word(bytes));
  uint64_t lane[LANES];
  memcpy(lane, c->lane, sizeof lane);
  for (; n >= 8 * LANES; n -= 8 * LANES, bytes += 8 * LANES, c->words += LANES)
    for (int k = 0; k < LANES; k++) lane[k] = step(lane[k], load_word(bytes + 8 * k));
  memcpy(c->lane, lane, sizeof lane);
  for (; n >= 8; n -= 8, bytes += 8) add_word(c, load_word(bytes));
  if (n) add_word(c, load_word(memcpy(rest, bytes, n)));
}

/* ---- one form for each element: NaN one pattern, bytes little-endian */
static void one_nan(char *out, dust_dtype dtype, size_t n) {
  for (size_t i = 0; i < n && dtype == DUST_FLOAT32; i++) {
    uint32_t bits;
    memcpy(&bits, out + 4 * i, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) bits = 0x7fc00000u;
    memcpy(out + 4 * i, &bits, sizeof bits);
  }
  for (size_t i = 0; i < n && dtype == DUST_FLOAT64; i++) {
    uint64_t bits;
    memcpy(&bits, out + 8 * i, sizeof bits);
    if ((bits & (UINT64_MAX >> 1)) > 0x7ff0000000000000u) bits = 0x7ff8000000000000u;
    memcpy(out + 8 * i, &bits, sizeof bits);
  }
}

static bool big_endian(void) {
  uint16_t one = 1;
  return *(unsigned char *)&one == 0;
}

static void swap_items(char *bytes, size_t size, size_t n) {
  for (size_t i = 0; i < n; i++, bytes += size)
    for (size_t k = 0; k < size / 2; k++) {
      char byte = bytes[k];
      bytes[k] = bytes[size - 1 - k];
      bytes[size - 1 - k] = byte;
    }
}

/* ---- whole arrays; `packed` is in C order */
static uint64_t hash_packed(const dust_ndarray *packed) {
  chain c = {{1, 2, 3, 4}, 0};
  char piece[PIECE * 8];
  size_t size = dust_dtype_size(packed->dtype), left = (size_t)dust_ndarray_count(packed);
  bool as_it_is = !dust_dtype_is_float(packed->dtype) && !big_endian();
  add_word(&c, (uint64_t)packed->dtype);
  add_word(&c, (uint64_t)packed->ndim);
  for (int d = 0; d < packed->ndim; d++) add_word(&c, (uint64_t)packed->shape[d]);
  if (as_it_is) add_bytes(&c, (const unsigned char *)packed->data, left * size);
  for (const char *in = packed->data; left && !as_it_is;) {
    size_t n = left < PIECE ? left : PIECE;
    memcpy(piece, in, n * size);
    one_nan(piece, packed->dtype, n);
    if (big_endian()) swap_items(piece, size, n);
    add_bytes(&c, (const unsigned char *)piece, n * size);
    in += n * size;
    left -= n;
  }
  uint64_t hash = c.words;
  for (int k = 0; k < LANES; k++) hash = step(hash, c.lane[k] ^ c.lane[k] >> 29);
  return hash ^ hash >> 32;
}

dust_status dust_hash(uint64_t *out, const dust_ndarray *a) {
  dust_ndarray packed = {0};
  DUST_TRY(dust_ndarray_contiguous(&packed, a));
  *out = hash_packed(&packed);
  dust_ndarray_release(&packed);
  return DUST_OK;
}

typedef struct equality {
  dust_dtype dtype;
  bool equal;
} equality;

static bool equal_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  equality *e = context;
  size_t size = dust_dtype_size(e->dtype);
  char piece[2][DUST_BLOCK * 8];
  const char *side[2] = {pointer[0], pointer[1]};
  for (int k = 0; k < 2; k++) {
    if (rows->stride[k] == (int64_t)size && !dust_dtype_is_float(e->dtype)) continue;
    for (size_t i = 0; i < n; i++) memcpy(piece[k] + i * size, pointer[k] + (int64_t)i * rows->stride[k], size);
    one_nan(piece[k], e->dtype, n);
    side[k] = piece[k];
  }
  e->equal = memcmp(side[0], side[1], n * size) == 0;
  return e->equal;
}

dust_status dust_equal(bool *out, const dust_ndarray *a, const dust_ndarray *b) {
  equality e = {a->dtype, true};
  dust_rows rows;
  *out = false;
  if (a->dtype != b->dtype || !dust_ndarray_same_shape(a, b)) return DUST_OK;
  DUST_TRY(dust_rows_init(&rows, 2, (const dust_ndarray *[]){a, b}));
  dust_blocks_while(&rows, equal_block, &e);
  *out = e.equal;
  return DUST_OK;
}
