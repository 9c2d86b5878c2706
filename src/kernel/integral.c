/* Sums along the last axis while the mask is read, then along each further axis in place: layer i += layer i - 1. */
#include "kernel/integral.h"

#include "kernel/channels.h"

#define BLOCK 1024
#define ROWS_A_CHUNK 32

typedef struct integral_pass {
  const dust_ndarray *mask;
  dust_ndarray *table;
  int64_t n, inner; /* of the axis summed over */
} integral_pass;

static bool is_wide(const dust_ndarray *table) { return table->dtype == DUST_UINT64; }

/* Running sum of one row of the mask, after `sum` before it. */
static uint64_t sum_block(char *out, bool wide, const double *mask, size_t n, uint64_t sum) {
  for (size_t i = 0; i < n; i++) {
    sum += mask[i] > 0;
    if (wide)
      ((uint64_t *)(void *)out)[i] = sum;
    else
      ((uint32_t *)(void *)out)[i] = (uint32_t)sum;
  }
  return sum;
}

/* Where row `row` of the mask is in the table: one further along every axis. */
static char *table_row(const integral_pass *pass, int64_t row) {
  char *start = pass->table->data + pass->table->stride[pass->mask->ndim - 1];
  for (int a = pass->mask->ndim - 2; a >= 0; row /= pass->mask->shape[a--])
    start += (row % pass->mask->shape[a] + 1) * pass->table->stride[a];
  return start;
}

static dust_status sum_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const integral_pass *pass = context;
  const dust_ndarray *mask = pass->mask;
  int last = mask->ndim - 1;
  double buffer[BLOCK];
  for (size_t row = begin; row < end; row++) {
    const char *in = dust_row_start(mask, (int64_t)row);
    char *out = table_row(pass, (int64_t)row);
    uint64_t sum = 0;
    for (int64_t x = 0; x < mask->shape[last]; x += BLOCK) {
      size_t n = (size_t)(mask->shape[last] - x < BLOCK ? mask->shape[last] - x : BLOCK);
      dust_row_to_double(buffer, in + x * mask->stride[last], mask->stride[last], mask->dtype, n);
      sum = sum_block(out + x * pass->table->stride[last], is_wide(pass->table), buffer, n, sum);
    }
  }
  return DUST_OK;
}

/* Sums layers along an axis, a piece of BLOCK inner elements at a time. */
static dust_status sum_layers(void *context, size_t begin, size_t end, size_t chunk) {
  const integral_pass *pass = context;
  int64_t pieces = (pass->inner + BLOCK - 1) / BLOCK;
  for (size_t piece = begin; piece < end; piece++) {
    int64_t from = (int64_t)piece % pieces * BLOCK, n = pass->inner - from < BLOCK ? pass->inner - from : BLOCK;
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

static dust_status fill_table(integral_pass *pass, dust_pool *pool) {
  const dust_ndarray *mask = pass->mask;
  DUST_TRY(dust_pool_for(pool, (size_t)(dust_ndarray_count(mask) / mask->shape[mask->ndim - 1]), ROWS_A_CHUNK, sum_rows, pass));
  int64_t outer = 1;
  for (int a = 0; a < mask->ndim - 1; outer *= pass->table->shape[a++]) {
    pass->n = pass->table->shape[a];
    pass->inner = pass->table->stride[a] / (int64_t)dust_dtype_size(pass->table->dtype);
    int64_t pieces = (pass->inner + BLOCK - 1) / BLOCK;
    DUST_TRY(dust_pool_for(pool, (size_t)(outer * pieces), 1, sum_layers, pass));
  }
  return DUST_OK;
}

dust_status dust_integral_make(dust_integral *out, const dust_ndarray *mask, dust_pool *pool) {
  if (mask->ndim < 1) return dust_fail(DUST_ERROR_ARGUMENT, "an integral needs a mask with at least one axis");
  dust_integral made = {0};
  dust_status status;
  int64_t shape[DUST_MAXDIM], count = dust_ndarray_count(mask);
  for (int a = 0; a < mask->ndim; a++) shape[a] = mask->shape[a] + 1;
  DUST_GO(dust_ndarray_zeros(&made.table, count < INT64_C(1) << 32 ? DUST_UINT32 : DUST_UINT64, mask->ndim, shape));
  integral_pass pass = {.mask = mask, .table = &made.table};
  if (count > 0) DUST_GO(fill_table(&pass, pool));
  *out = made;
  made = (dust_integral){0};
done:
  dust_integral_release(&made);
  return status;
}

void dust_integral_release(dust_integral *integral) { dust_ndarray_release(&integral->table); }

/* begin and end of the box along an axis of n voxels; false when nothing is left. */
static bool clip_axis(int64_t *begin, int64_t *end, int64_t from, int64_t length, int64_t n) {
  int64_t to;
  if (length <= 0) return false;
  if (__builtin_add_overflow(from, length, &to)) to = INT64_MAX;
  *begin = from < 0 ? 0 : from;
  *end = to > n ? n : to;
  return *begin < *end;
}

uint64_t dust_integral_count(const dust_integral *integral, const int64_t *begin, const int64_t *shape) {
  const dust_ndarray *table = &integral->table;
  int64_t corner[2][DUST_MAXDIM];
  for (int a = 0; a < table->ndim; a++)
    if (!clip_axis(&corner[0][a], &corner[1][a], begin[a], shape[a], table->shape[a] - 1)) return 0;
  uint64_t sum = 0;
  for (unsigned which = 0; which < 1u << table->ndim; which++) {
    const char *entry = table->data;
    bool minus = false;
    for (int a = 0; a < table->ndim; a++) {
      unsigned upper = which >> a & 1;
      minus ^= !upper;
      entry += corner[upper][a] * table->stride[a];
    }
    uint64_t value = is_wide(table) ? *(const uint64_t *)(const void *)entry : *(const uint32_t *)(const void *)entry;
    sum = minus ? sum - value : sum + value;
  }
  return is_wide(table) ? sum : (uint32_t)sum;
}
