/* Counting: the rows beside the whole blocks of a box are peeled off axis by axis and counted bit by bit, the rest is a
 * difference of table entries. */
#include "kernel/integral.h"

#include "base/clones.h"

/* Half-open along every axis. */
typedef struct box {
  int64_t begin[DUST_MAXDIM], end[DUST_MAXDIM];
} box;

static bool is_wide(const dust_ndarray *table) { return table->dtype == DUST_UINT64; }

/* begin and end of the box along an axis of n voxels; false when nothing is left. */
static bool clip_axis(int64_t *begin, int64_t *end, int64_t from, int64_t length, int64_t n) {
  int64_t to;
  if (length <= 0) return false;
  if (__builtin_add_overflow(from, length, &to)) to = INT64_MAX;
  *begin = from < 0 ? 0 : from;
  *end = to > n ? n : to;
  return *begin < *end;
}

static inline uint64_t count_row(const uint64_t *words, int64_t begin, int64_t end) {
  int64_t first = begin / 64, last = (end - 1) / 64;
  uint64_t head = ~UINT64_C(0) << begin % 64, tail = ~UINT64_C(0) >> (63 - (end - 1) % 64);
  if (first == last) return (uint64_t)__builtin_popcountll(words[first] & head & tail);
  uint64_t sum = (uint64_t)__builtin_popcountll(words[first] & head) + (uint64_t)__builtin_popcountll(words[last] & tail);
  for (int64_t w = first + 1; w < last; w++) sum += (uint64_t)__builtin_popcountll(words[w]);
  return sum;
}

/* All of the box bit by bit. */
DUST_CLONED(uint64_t, count_bits, (const dust_integral *integral, const box *b), (integral, b)) {
  const int last = integral->ndim - 1;
  int64_t at[DUST_MAXDIM], words = integral->bits.shape[last];
  uint64_t sum = 0;
  for (int a = 0; a < last; a++) {
    if (b->begin[a] >= b->end[a]) return 0;
    at[a] = b->begin[a];
  }
  for (;;) {
    int64_t row = 0;
    for (int a = 0; a < last; a++) row = row * integral->shape[a] + at[a];
    sum += count_row((const uint64_t *)(const void *)integral->bits.data + row * words, b->begin[last], b->end[last]);
    int a = last - 1;
    while (a >= 0 && ++at[a] == b->end[a]) at[a] = b->begin[a], a--;
    if (a < 0) return sum;
  }
}

/* The part of the box that is whole blocks, in table indices; false when there is none. */
static bool whole_blocks(const dust_integral *integral, const box *b, box *blocks) {
  const int last = integral->ndim - 1;
  for (int a = 0; a < last; a++) {
    blocks->begin[a] = (b->begin[a] + DUST_INTEGRAL_BLOCK - 1) / DUST_INTEGRAL_BLOCK;
    blocks->end[a] = b->end[a] == integral->shape[a] ? integral->table.shape[a] - 1 : b->end[a] / DUST_INTEGRAL_BLOCK;
    if (blocks->begin[a] >= blocks->end[a]) return false;
  }
  blocks->begin[last] = b->begin[last];
  blocks->end[last] = b->end[last];
  return true;
}

static uint64_t count_table(const dust_ndarray *table, const box *blocks) {
  uint64_t sum = 0;
  for (unsigned which = 0; which < 1u << table->ndim; which++) {
    const char *entry = table->data;
    bool minus = false;
    for (int a = 0; a < table->ndim; a++) {
      unsigned upper = which >> a & 1;
      minus ^= !upper;
      entry += (upper ? blocks->end[a] : blocks->begin[a]) * table->stride[a];
    }
    uint64_t value = is_wide(table) ? *(const uint64_t *)(const void *)entry : *(const uint32_t *)(const void *)entry;
    sum = minus ? sum - value : sum + value;
  }
  return is_wide(table) ? sum : (uint32_t)sum;
}

uint64_t dust_integral_count(const dust_integral *integral, const int64_t *begin, const int64_t *shape) {
  box rest, blocks;
  for (int a = 0; a < integral->ndim; a++)
    if (!clip_axis(&rest.begin[a], &rest.end[a], begin[a], shape[a], integral->shape[a])) return 0;
  if (!whole_blocks(integral, &rest, &blocks)) return count_bits(integral, &rest);
  uint64_t sum = count_table(&integral->table, &blocks);
  for (int a = 0; a < integral->ndim - 1; a++) {
    int64_t from = blocks.begin[a] * DUST_INTEGRAL_BLOCK, to = blocks.end[a] * DUST_INTEGRAL_BLOCK;
    if (to > integral->shape[a]) to = integral->shape[a];
    box below = rest, above = rest;
    below.end[a] = rest.begin[a] = from;
    above.begin[a] = rest.end[a] = to;
    sum += count_bits(integral, &below) + count_bits(integral, &above);
  }
  return sum;
}

void dust_integral_release(dust_integral *integral) {
  dust_ndarray_release(&integral->bits);
  dust_ndarray_release(&integral->table);
}

size_t dust_integral_bytes(const dust_integral *integral) {
  return dust_ndarray_bytes(&integral->bits) + (integral->table.buffer ? dust_ndarray_bytes(&integral->table) : 0);
}
