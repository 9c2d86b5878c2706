/* Making an integral: rows of the mask become bits; the bits of a block of rows are added up column by column and along the row;
 * then blocks are summed along each further axis in place: layer i += layer i - 1. */
#include <string.h>

#include "base/clones.h"
#include "kernel/channels.h"
#include "kernel/integral.h"

#define PIECE 1024 /* elements of a row, or of a layer, at a time */
#define ROWS_A_CHUNK 32
#define LANE_ROWS 255 /* as many as a byte can count */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bits and bytes are put side by side in this order");

dust_status dust_integral_begin(dust_integral *out, int ndim, const int64_t *shape) {
  if (ndim < 1) return dust_fail(DUST_ERROR_ARGUMENT, "an integral needs a mask with at least one axis");
  dust_integral made = {.ndim = ndim};
  int64_t rows[DUST_MAXDIM];
  for (int a = 0; a < ndim; a++) {
    if (shape[a] < 0) return dust_fail(DUST_ERROR_ARGUMENT, "a mask can't have %lld elements along axis %d", (long long)shape[a], a + 1);
    made.shape[a] = rows[a] = shape[a];
  }
  rows[ndim - 1] = (shape[ndim - 1] + 63) / 64;
  DUST_TRY(dust_ndarray_zeros(&made.bits, DUST_UINT64, ndim, rows));
  *out = made;
  return DUST_OK;
}

/* ---- bits */

/* Eight bytes of 0 or 1 as the bits of one. */
static inline uint64_t gather(const unsigned char *flags) {
  uint64_t eight;
  memcpy(&eight, flags, 8);
  return eight * UINT64_C(0x0102040810204080) >> 56;
}

/* `flags` has zeros up to a multiple of 64. */
DUST_CLONED(void, pack, (uint64_t * words, const unsigned char *flags, size_t n), (words, flags, n)) {
  for (size_t i = 0; i < n; i += 64) {
    uint64_t word = 0;
    for (unsigned k = 0; k < 8; k++) word |= gather(flags + i + 8 * k) << 8 * k;
    words[i / 64] = word;
  }
}

DUST_CLONED(void, flag_bytes, (unsigned char *flags, const unsigned char *in, size_t n), (flags, in, n)) {
  for (size_t i = 0; i < n; i++) flags[i] = in[i] != 0;
}

static void flag_row(unsigned char *flags, const char *in, int64_t stride, dust_dtype dtype, size_t n) {
  double values[PIECE];
  if (dtype == DUST_UINT8 && stride == 1) {
    flag_bytes(flags, (const unsigned char *)in, n);
    return;
  }
  dust_row_to_double(values, in, stride, dtype, n);
  for (size_t i = 0; i < n; i++) flags[i] = values[i] > 0;
}

typedef struct packing {
  const dust_ndarray *mask;
  uint64_t *bits; /* of the mask's first row */
  int64_t words;
} packing;

static dust_status pack_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const packing *pass = context;
  const dust_ndarray *mask = pass->mask;
  const int last = mask->ndim - 1;
  unsigned char flags[PIECE];
  for (size_t row = begin; row < end; row++) {
    const char *in = dust_row_start(mask, (int64_t)row);
    for (int64_t x = 0; x < mask->shape[last]; x += PIECE) {
      size_t n = (size_t)(mask->shape[last] - x < PIECE ? mask->shape[last] - x : PIECE);
      flag_row(flags, in + x * mask->stride[last], mask->stride[last], mask->dtype, n);
      memset(flags + n, 0, (64 - n % 64) % 64);
      pack(pass->bits + (int64_t)row * pass->words + x / 64, flags, n);
    }
  }
  return DUST_OK;
}

dust_status dust_integral_put(dust_integral *integral, const dust_ndarray *piece, int64_t first, dust_pool *pool) {
  int64_t rows = 1, rows_a_layer = 1;
  bool fits = piece->ndim == integral->ndim && first >= 0 && first <= integral->shape[0] && piece->shape[0] <= integral->shape[0] - first;
  for (int a = 1; fits && a < piece->ndim; a++) fits = piece->shape[a] == integral->shape[a];
  if (fits && piece->ndim == 1) fits = piece->shape[0] == integral->shape[0];
  if (!fits) {
    char wanted[DUST_SHAPE_TEXT], given[DUST_SHAPE_TEXT];
    dust_shape_format(wanted, sizeof wanted, integral->ndim, integral->shape);
    dust_shape_format(given, sizeof given, piece->ndim, piece->shape);
    return dust_fail(DUST_ERROR_ARGUMENT, "a piece of %s from layer %lld on is no part of a mask of %s", given, (long long)first, wanted);
  }
  for (int a = 0; a < piece->ndim - 1; a++) {
    rows *= piece->shape[a];
    if (a > 0) rows_a_layer *= piece->shape[a];
  }
  packing pass = {.mask = piece, .words = integral->bits.shape[integral->ndim - 1]};
  pass.bits = (uint64_t *)(void *)integral->bits.data + first * rows_a_layer * pass.words;
  if (dust_ndarray_count(piece) == 0) return DUST_OK;
  return dust_pool_for(pool, (size_t)rows, ROWS_A_CHUNK, pack_rows, &pass);
}

/* ---- the table */

typedef struct summing {
  const dust_integral *integral;
  dust_ndarray *table;
  int64_t n, inner; /* of the axis summed over */
} summing;

static bool is_wide(const dust_ndarray *table) { return table->dtype == DUST_UINT64; }

/* Adds the bits of some words to as many bytes as there are bits. */
DUST_CLONED(void, add_bits, (uint64_t *restrict lanes, const uint64_t *restrict words, int64_t n), (lanes, words, n)) {
  const uint64_t ones = UINT64_C(0x0101010101010101), low = UINT64_C(0x7f7f7f7f7f7f7f7f);
  for (int64_t w = 0; w < n; w++)
    for (unsigned k = 0; k < 8; k++) {
      uint64_t spread = (words[w] >> 8 * k & 0xff) * ones & UINT64_C(0x8040201008040201);
      lanes[8 * w + k] += (((spread & low) + low) | spread) >> 7 & ones;
    }
}

static void flush(uint32_t *columns, uint64_t *lanes, int64_t n) {
  const unsigned char *bytes = (const unsigned char *)lanes;
  for (int64_t i = 0; i < n; i++) columns[i] += bytes[i];
  memset(lanes, 0, (size_t)n);
}

/* The columns of PIECE voxels from word `word` on, over all rows of the block at `block`. */
static void count_columns(uint32_t *columns, const dust_integral *integral, const int64_t *block, int64_t word, int64_t n) {
  const int last = integral->ndim - 1;
  const uint64_t *bits = (const uint64_t *)(const void *)integral->bits.data;
  uint64_t lanes[PIECE / 8] = {0}; /* a byte a voxel */
  int64_t at[DUST_MAXDIM], end[DUST_MAXDIM], rows = 0;
  for (int a = 0; a < last; a++) {
    at[a] = block[a] * DUST_INTEGRAL_BLOCK;
    end[a] = at[a] + DUST_INTEGRAL_BLOCK < integral->shape[a] ? at[a] + DUST_INTEGRAL_BLOCK : integral->shape[a];
  }
  for (;;) {
    int64_t row = 0;
    for (int a = 0; a < last; a++) row = row * integral->shape[a] + at[a];
    add_bits(lanes, bits + row * integral->bits.shape[last] + word, n);
    if (++rows % LANE_ROWS == 0) flush(columns, lanes, 64 * n);
    int a = last - 1;
    while (a >= 0 && ++at[a] == end[a]) at[a] = block[a] * DUST_INTEGRAL_BLOCK, a--;
    if (a < 0) break;
  }
  flush(columns, lanes, 64 * n);
}

/* Running sums along the rows of some blocks. */
static dust_status sum_blocks(void *context, size_t begin, size_t end, size_t chunk) {
  const summing *pass = context;
  const dust_integral *integral = pass->integral;
  const int last = integral->ndim - 1;
  const int64_t length = integral->shape[last], words = integral->bits.shape[last];
  for (size_t index = begin; index < end; index++) {
    int64_t block[DUST_MAXDIM], rest = (int64_t)index;
    char *out = pass->table->data + pass->table->stride[last];
    for (int a = last - 1; a >= 0; a--) {
      block[a] = rest % (pass->table->shape[a] - 1);
      rest /= pass->table->shape[a] - 1;
      out += (block[a] + 1) * pass->table->stride[a];
    }
    uint64_t sum = 0;
    for (int64_t word = 0; word < words; word += PIECE / 64) {
      uint32_t columns[PIECE] = {0};
      int64_t n = words - word < PIECE / 64 ? words - word : PIECE / 64, voxels = length - 64 * word < 64 * n ? length - 64 * word : 64 * n;
      count_columns(columns, integral, block, word, n);
      for (int64_t i = 0; i < voxels; i++) {
        sum += columns[i];
        if (is_wide(pass->table))
          ((uint64_t *)(void *)out)[64 * word + i] = sum;
        else
          ((uint32_t *)(void *)out)[64 * word + i] = (uint32_t)sum;
      }
    }
  }
  return DUST_OK;
}

/* Sums layers along an axis, a piece of inner elements at a time. */
static dust_status sum_layers(void *context, size_t begin, size_t end, size_t chunk) {
  const summing *pass = context;
  int64_t pieces = (pass->inner + PIECE - 1) / PIECE;
  for (size_t piece = begin; piece < end; piece++) {
    int64_t from = (int64_t)piece % pieces * PIECE, n = pass->inner - from < PIECE ? pass->inner - from : PIECE;
    int64_t offset = (int64_t)piece / pieces * pass->n * pass->inner + from;
    for (int64_t i = 1; i < pass->n; i++) {
      int64_t here = offset + i * pass->inner;
      if (is_wide(pass->table)) {
        uint64_t *t = (uint64_t *)(void *)pass->table->data + here;
        for (int64_t k = 0; k < n; k++) t[k] += t[k - pass->inner];
      } else {
        uint32_t *t = (uint32_t *)(void *)pass->table->data + here;
        for (int64_t k = 0; k < n; k++) t[k] += t[k - pass->inner];
      }
    }
  }
  return DUST_OK;
}

static dust_status fill_table(summing *pass, dust_pool *pool) {
  const dust_ndarray *table = pass->table;
  int64_t blocks = 1, outer = 1;
  for (int a = 0; a < table->ndim - 1; a++) blocks *= table->shape[a] - 1;
  DUST_TRY(dust_pool_for(pool, (size_t)blocks, 1, sum_blocks, pass));
  for (int a = 0; a < table->ndim - 1; outer *= table->shape[a++]) {
    pass->n = table->shape[a];
    pass->inner = table->stride[a] / (int64_t)dust_dtype_size(table->dtype);
    int64_t pieces = (pass->inner + PIECE - 1) / PIECE;
    DUST_TRY(dust_pool_for(pool, (size_t)(outer * pieces), 1, sum_layers, pass));
  }
  return DUST_OK;
}

dust_status dust_integral_finish(dust_integral *integral, dust_pool *pool) {
  dust_ndarray table = {0};
  dust_status status;
  const int last = integral->ndim - 1;
  int64_t shape[DUST_MAXDIM], count = 1;
  for (int a = 0; a <= last; a++) {
    shape[a] = a < last ? (integral->shape[a] + DUST_INTEGRAL_BLOCK - 1) / DUST_INTEGRAL_BLOCK + 1 : integral->shape[a] + 1;
    if (__builtin_mul_overflow(count, integral->shape[a], &count)) count = INT64_MAX;
  }
  DUST_GO(dust_ndarray_zeros(&table, count < INT64_C(1) << 32 ? DUST_UINT32 : DUST_UINT64, integral->ndim, shape));
  summing pass = {.integral = integral, .table = &table};
  if (count > 0) DUST_GO(fill_table(&pass, pool));
  dust_ndarray_release(&integral->table);
  integral->table = table;
  table = (dust_ndarray){0};
done:
  dust_ndarray_release(&table);
  return status;
}

dust_status dust_integral_make(dust_integral *out, const dust_ndarray *mask, dust_pool *pool) {
  dust_integral made = {0};
  dust_status status;
  DUST_GO(dust_integral_begin(&made, mask->ndim, mask->shape));
  DUST_GO(dust_integral_put(&made, mask, 0, pool));
  DUST_GO(dust_integral_finish(&made, pool));
  *out = made;
  made = (dust_integral){0};
done:
  dust_integral_release(&made);
  return status;
}
