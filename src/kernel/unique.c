/* Distinct values through a hash table of 64-bit keys. A key is the element mapped so that unsigned order is the elements' order:
 *
 *     uint    the value                  int    the value with its sign bit turned
 *     float   as double: all bits turned when negative, the sign bit otherwise; NaN is the largest key, -0 is 0
 *
 * Neighbours in a volume are mostly equal, so runs are counted before the table is asked; and ids are mostly small, so those below DIRECT have places of their own,
 * which takes no hashing. The keys found are sorted and mapped back.
 */
#include "kernel/unique.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/clones.h"
#include "base/fetch.h"
#include "base/mem.h"
#include "kernel/blocks.h"

#define SIGN_BIT ((uint64_t)1 << 63)
#define NAN_KEY UINT64_MAX
#define FIRST_CAPACITY 256

typedef struct entry {
  uint64_t key, count; /* count 0: free */
} entry;

/* Where ids change as often as not they are counted in turn in tables of their own: adding to one place again and again waits for the last addition each time. */
enum { DIRECT = 2048, TURNS = 4 };

enum { STRIP = 64, AHEAD = 2048 }; /* keys compared together; bytes fetched before they are */

typedef struct table {
  uint64_t (*direct)[DIRECT]; /* TURNS of them, by key ^ bias */
  uint64_t bias;
  entry *entries;
  size_t capacity, used; /* capacity is a power of two, at most two thirds used */
  dust_dtype dtype;
  dust_status status;
} table;

/* ---- keys */
static uint64_t key_of_double(double x) {
  uint64_t bits;
  if (isnan(x)) return NAN_KEY;
  if (x == 0) return SIGN_BIT;
  memcpy(&bits, &x, sizeof bits);
  return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static double double_of_key(uint64_t key) {
  double x;
  if (key == NAN_KEY) return (double)NAN;
  uint64_t bits = key & SIGN_BIT ? key ^ SIGN_BIT : ~key;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void load_keys(uint64_t *key, dust_dtype dtype, const char *pointer, int64_t stride, size_t n) {
  if (dust_dtype_is_float(dtype)) {
    double buffer[DUST_BLOCK];
    const double *x = dust_block_doubles(buffer, pointer, stride, dtype, n);
    for (size_t i = 0; i < n; i++) key[i] = key_of_double(x[i]);
  } else {
    uint64_t turn = dust_dtype_is_signed(dtype) ? SIGN_BIT : 0;
    dust_row_to_label(key, pointer, (ptrdiff_t)stride, dtype, n);
    for (size_t i = 0; i < n; i++) key[i] ^= turn;
  }
}

static void store_key(char *out, dust_dtype dtype, uint64_t key) {
  ptrdiff_t size = (ptrdiff_t)dust_dtype_size(dtype);
  if (dust_dtype_is_float(dtype)) {
    double x = double_of_key(key);
    dust_row_from_double(out, size, dtype, &x, 1);
  } else {
    if (dust_dtype_is_signed(dtype)) key ^= SIGN_BIT;
    dust_row_from_label(out, size, dtype, &key, 1);
  }
}

/* ---- the table */
static uint64_t mix(uint64_t x) { /* the finaliser of splitmix64 (Steele, Lea and Flood 2014) */
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static entry *find(entry *entries, size_t capacity, uint64_t key) {
  size_t at = mix(key) & (capacity - 1);
  while (entries[at].count && entries[at].key != key) at = (at + 1) & (capacity - 1);
  return &entries[at];
}

static dust_status grow(table *t) {
  size_t capacity = t->capacity ? t->capacity * 2 : FIRST_CAPACITY;
  void *bigger;
  DUST_TRY(dust_calloc(&bigger, capacity, sizeof(entry)));
  for (size_t i = 0; i < t->capacity; i++)
    if (t->entries[i].count) *find(bigger, capacity, t->entries[i].key) = t->entries[i];
  dust_free(t->entries);
  t->entries = bigger;
  t->capacity = capacity;
  return DUST_OK;
}

static dust_status count_run(table *t, uint64_t key, uint64_t length) {
  if ((t->used + 1) * 3 > t->capacity * 2) DUST_TRY(grow(t));
  entry *e = find(t->entries, t->capacity, key);
  if (e->count == 0) {
    e->key = key;
    t->used++;
  }
  e->count += length;
  return DUST_OK;
}

/* Times this, eight bytes that are 0 or 1 have their bits in the topmost byte, the first byte's lowest. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define GATHER_BITS UINT64_C(0x8040201008040201)
#else
#define GATHER_BITS UINT64_C(0x0102040810204080)
#endif

/* Bit i: whether value i is followed by another than itself, of n <= STRIP; they are compared to bytes, of which eight make bits in one multiplication. */
static inline __attribute__((always_inline)) uint64_t changes_of(const uint64_t *restrict key, size_t n) {
  uint64_t words[STRIP / 8] = {0}, bits = 0;
  uint8_t *change = (uint8_t *)words;
  for (size_t i = 0; i < n; i++) change[i] = key[i] != key[i + 1];
  for (size_t k = 0; k < STRIP / 8; k++) bits |= (words[k] * GATHER_BITS >> 56) << 8 * k;
  return bits;
}

/* Where runs end, of n keys, the last of which counts as no end, in bits; returns how many do. */
DUST_CLONED(size_t, find_ends, (uint64_t *restrict out, const uint64_t *restrict key, size_t n), (out, key, n)) {
  size_t ends = 0, left = n - 1;
  for (; left >= STRIP; left -= STRIP, key += STRIP) {
    dust_fetch(key, AHEAD, STRIP * sizeof *key);
    ends += (size_t)__builtin_popcountll(*out++ = changes_of(key, STRIP));
  }
  return ends + (size_t)__builtin_popcountll(*out = changes_of(key, left));
}

static void count_each(table *t, const uint64_t *key, size_t n) {
  for (size_t i = 0; i < n && t->status == DUST_OK; i++) {
    uint64_t id = key[i] ^ t->bias;
    if (id < DIRECT)
      t->direct[i % TURNS][id]++;
    else
      t->status = count_run(t, key[i], 1);
  }
}

static void count_one(table *t, uint64_t key, uint64_t length) {
  uint64_t id = key ^ t->bias;
  if (id < DIRECT)
    t->direct[0][id] += length;
  else if (t->status == DUST_OK)
    t->status = count_run(t, key, length);
}

static void count_runs(table *t, const uint64_t *key, const uint64_t *ends, size_t n) {
  size_t begin = 0;
  for (size_t at = 0; at < n; at += STRIP)
    for (uint64_t left = *ends++; left; left &= left - 1) {
      size_t end = at + (size_t)__builtin_ctzll(left) + 1;
      count_one(t, key[end - 1], end - begin);
      begin = end;
    }
  count_one(t, key[begin], n - begin);
}

static bool count_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  table *t = context;
  uint64_t buffer[DUST_BLOCK];
  uint64_t ends[DUST_BLOCK / STRIP];
  const uint64_t *key = buffer;
  if (t->dtype == DUST_UINT64)
    key = dust_block_labels(buffer, pointer[0], rows->stride[0], t->dtype, n);
  else
    load_keys(buffer, t->dtype, pointer[0], rows->stride[0], n);
  if (find_ends(ends, key, n) > n / 2)
    count_each(t, key, n);
  else
    count_runs(t, key, ends, n);
  return t->status == DUST_OK;
}

/* What was counted directly, into the table with all. */
static dust_status gather(table *t) {
  for (uint64_t id = 0; id < DIRECT; id++) {
    uint64_t count = 0;
    for (int k = 0; k < TURNS; k++) count += t->direct[k][id];
    if (count) DUST_TRY(count_run(t, id ^ t->bias, count));
  }
  return DUST_OK;
}

static int by_key(const void *a, const void *b) {
  uint64_t x = ((const entry *)a)->key, y = ((const entry *)b)->key;
  return (x > y) - (x < y);
}

static dust_status unload(table *t, dust_ndarray *values, dust_ndarray *counts) {
  size_t used = 0, size = dust_dtype_size(t->dtype);
  for (size_t i = 0; i < t->capacity; i++)
    if (t->entries[i].count) t->entries[used++] = t->entries[i];
  if (used) qsort(t->entries, used, sizeof(entry), by_key);
  int64_t length = (int64_t)used;
  DUST_TRY(dust_ndarray_empty(values, t->dtype, 1, &length));
  dust_status status = dust_ndarray_empty(counts, DUST_UINT64, 1, &length);
  if (status != DUST_OK) {
    dust_ndarray_release(values);
    return status;
  }
  for (size_t i = 0; i < used; i++) {
    store_key(values->data + i * size, t->dtype, t->entries[i].key);
    ((uint64_t *)(void *)counts->data)[i] = t->entries[i].count;
  }
  return DUST_OK;
}

dust_status dust_unique(dust_ndarray *values, dust_ndarray *counts, const dust_ndarray *a) {
  table t = {.dtype = a->dtype, .bias = dust_dtype_is_signed(a->dtype) ? SIGN_BIT : 0, .status = DUST_OK};
  dust_rows rows;
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  DUST_TRY(dust_calloc((void **)&t.direct, TURNS, sizeof *t.direct));
  dust_blocks_while(&rows, count_block, &t);
  if (t.status == DUST_OK) t.status = gather(&t);
  if (t.status == DUST_OK) t.status = unload(&t, values, counts);
  dust_free(t.direct);
  dust_free(t.entries);
  return t.status;
}

/* ---- histograms */
typedef struct histogram {
  dust_dtype dtype;
  int64_t bins;
  double low, high;
  uint64_t *counts;
} histogram;

static double edge(const histogram *h, int64_t k) {
  return k == h->bins ? h->high : h->low + (double)k * ((h->high - h->low) / (double)h->bins);
}

static bool histogram_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  const histogram *h = context;
  double buffer[DUST_BLOCK], per_unit = (double)h->bins / (h->high - h->low);
  const double *x = dust_block_doubles(buffer, pointer[0], rows->stride[0], h->dtype, n);
  for (size_t i = 0; i < n; i++) {
    if (!(x[i] >= h->low && x[i] <= h->high)) continue;
    double at = (x[i] - h->low) * per_unit;
    int64_t k = at < (double)h->bins ? (int64_t)at : h->bins - 1;
    if (k > 0 && x[i] < edge(h, k))
      k--; /* the product was rounded across an edge */
    else if (k < h->bins - 1 && x[i] >= edge(h, k + 1))
      k++;
    h->counts[k]++;
  }
  return true;
}

dust_status dust_histogram(dust_ndarray *counts, const dust_ndarray *a, int64_t bins, double low, double high) {
  histogram h = {.dtype = a->dtype, .bins = bins, .low = low, .high = high};
  dust_rows rows;
  if (bins < 1 || bins > INT64_C(1) << 31)
    return dust_fail(DUST_ERROR_ARGUMENT, "a histogram has from 1 to 2^31 bins, not %lld", (long long)bins);
  if (!isfinite(low) || !isfinite(high) || !isfinite(high - low) || !(low < high))
    return dust_fail(DUST_ERROR_ARGUMENT, "the range of a histogram must be finite and not empty, not [%g, %g]", low, high);
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  DUST_TRY(dust_ndarray_zeros(counts, DUST_UINT64, 1, &bins));
  h.counts = (uint64_t *)(void *)counts->data;
  dust_blocks_while(&rows, histogram_block, &h);
  return DUST_OK;
}
