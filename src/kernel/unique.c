/* Distinct values through a hash table of 64-bit keys. A key is the element mapped so that unsigned order is the elements' order:
 *
 *     uint    the value                  int    the value with its sign bit turned
 *     float   as double: all bits turned when negative, the sign bit otherwise; NaN is the largest key, -0 is 0
 *
 * Neighbours in a volume are mostly equal, so runs are counted before the table is asked. The keys found are sorted and mapped
 * back.
 */
#include "kernel/unique.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/blocks.h"

#define SIGN_BIT ((uint64_t)1 << 63)
#define NAN_KEY UINT64_MAX
#define FIRST_CAPACITY 256

typedef struct entry {
  uint64_t key, count; /* count 0: free */
} entry;

typedef struct table {
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

static bool count_block(void *context, const dust_rows *rows, char *const *pointer, size_t n) {
  table *t = context;
  uint64_t key[DUST_BLOCK];
  load_keys(key, t->dtype, pointer[0], rows->stride[0], n);
  for (size_t begin = 0, i = 1; i <= n && t->status == DUST_OK; i++) {
    if (i < n && key[i] == key[begin]) continue;
    t->status = count_run(t, key[begin], i - begin);
    begin = i;
  }
  return t->status == DUST_OK;
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
  table t = {.dtype = a->dtype, .status = DUST_OK};
  dust_rows rows;
  DUST_TRY(dust_rows_init(&rows, 1, &a));
  dust_blocks_while(&rows, count_block, &t);
  if (t.status == DUST_OK) t.status = unload(&t, values, counts);
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
