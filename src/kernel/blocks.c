/* Cutting rows into pieces and pieces into chunks. Rows that go on where they end, in all arrays, are one; a unit is one piece of one row:
 *
 *     row 0: [unit 0][unit 1][u2]   row 1: [unit 3][unit 4][u5]   …      chunk = `grain` units in a row, about CHUNK_ELEMENTS elements
 */
#include "kernel/blocks.h"

#define CHUNK_ELEMENTS ((size_t)1 << 16)

static dust_rows joined(const dust_rows *rows) {
  dust_rows all = *rows;
  for (; all.ndim > 0; all.ndim--) {
    const int inner = all.ndim - 1;
    for (int k = 0; k < all.arrays; k++)
      if (all.outer[k][inner] != all.stride[k] * (int64_t)all.length) return all;
    all.length *= (size_t)all.shape[inner];
    all.count /= (size_t)all.shape[inner];
  }
  return all;
}

static size_t units_per_row(const dust_rows *rows) { return (rows->length + DUST_BLOCK - 1) / DUST_BLOCK; }

static size_t grain_of(const dust_rows *rows) {
  size_t elements = rows->length < DUST_BLOCK ? rows->length : DUST_BLOCK;
  return elements ? CHUNK_ELEMENTS / elements : 1;
}

size_t dust_blocks_chunks(const dust_rows *rows) {
  dust_rows all = joined(rows);
  size_t units = all.count * units_per_row(&all), grain = grain_of(&all);
  return (units + grain - 1) / grain;
}

/* Where unit `unit` lies in each array; returns its length. */
static size_t locate(const dust_rows *rows, size_t unit, char **pointer) {
  size_t per_row = units_per_row(rows), begin = unit % per_row * DUST_BLOCK, left = rows->length - begin;
  dust_rows_at(rows, unit / per_row, pointer);
  for (int k = 0; k < rows->arrays; k++) pointer[k] += (int64_t)begin * rows->stride[k];
  return left < DUST_BLOCK ? left : DUST_BLOCK;
}

typedef struct job {
  const dust_rows *rows;
  dust_block_body body;
  void *context;
} job;

static dust_status run_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  const job *j = context;
  char *pointer[DUST_ROWS_MAX];
  for (size_t unit = begin; unit < end; unit++) {
    size_t n = locate(j->rows, unit, pointer);
    j->body(j->context, j->rows, pointer, n, chunk);
  }
  return DUST_OK;
}

static dust_status run_long_chunk(void *context, size_t begin, size_t end, size_t chunk) {
  const job *j = context;
  const size_t per_row = units_per_row(j->rows);
  char *pointer[DUST_ROWS_MAX];
  for (size_t unit = begin, units; unit < end; unit += units) {
    size_t first = unit % per_row;
    units = per_row - first < end - unit ? per_row - first : end - unit;
    locate(j->rows, unit, pointer);
    size_t left = j->rows->length - first * DUST_BLOCK;
    j->body(j->context, j->rows, pointer, left < units * DUST_BLOCK ? left : units * DUST_BLOCK, chunk);
  }
  return DUST_OK;
}

static dust_status run(const dust_rows *rows, dust_pool *pool, dust_pool_body chunk, dust_block_body body, void *context) {
  dust_rows all = joined(rows);
  job j = {&all, body, context};
  size_t units = all.count * units_per_row(&all);
  if (units == 0) return DUST_OK;
  return dust_pool_for(pool, units, grain_of(&all), chunk, &j);
}

dust_status dust_blocks_run(const dust_rows *rows, dust_pool *pool, dust_block_body body, void *context) {
  return run(rows, pool, run_chunk, body, context);
}

dust_status dust_blocks_run_long(const dust_rows *rows, dust_pool *pool, dust_block_body body, void *context) {
  return run(rows, pool, run_long_chunk, body, context);
}

void dust_blocks_while(const dust_rows *rows, dust_block_test body, void *context) {
  char *pointer[DUST_ROWS_MAX];
  dust_rows all = joined(rows);
  size_t units = all.count * units_per_row(&all);
  for (size_t unit = 0; unit < units; unit++) {
    size_t n = locate(&all, unit, pointer);
    if (!body(context, &all, pointer, n)) return;
  }
}

static bool is_near(const dust_ndarray *in) {
  for (int d = in->ndim - 1; d >= 0; d--)
    if (in->shape[d] > 1) return in->stride[d] == (int64_t)dust_dtype_size(in->dtype);
  return true;
}

dust_status dust_blocks_near(dust_ndarray *out, const dust_ndarray *in, dust_pool *pool) {
  if (is_near(in)) {
    dust_ndarray_share(out, in);
    return DUST_OK;
  }
  dust_ndarray made = {0};
  DUST_TRY(dust_ndarray_empty(&made, in->dtype, in->ndim, in->shape));
  dust_status status = dust_ndarray_assign(&made, in, pool);
  if (status == DUST_OK)
    *out = made;
  else
    dust_ndarray_release(&made);
  return status;
}

dust_status dust_blocks_pair_make(dust_blocks_pair *pair, const dust_ndarray *in, dust_dtype dtype, dust_pool *pool) {
  dust_ndarray view = dust_ndarray_in_memory(in, &pair->order);
  if (is_near(&view)) {
    DUST_TRY(dust_ndarray_empty(&pair->out, dtype, view.ndim, view.shape));
    dust_ndarray_share(&pair->near, &view);
    return DUST_OK;
  }
  DUST_TRY(dust_blocks_near(&pair->near, in, pool));
  dust_ndarray_in_memory(&pair->near, &pair->order);
  if (dtype != in->dtype) return dust_ndarray_empty(&pair->out, dtype, in->ndim, in->shape);
  dust_ndarray_share(&pair->out, &pair->near);
  return DUST_OK;
}

void dust_blocks_pair_release(dust_blocks_pair *pair) {
  dust_ndarray_release(&pair->near);
  dust_ndarray_release(&pair->out);
}

void dust_blocks_result(dust_ndarray *result, const dust_blocks_pair *pair) { dust_ndarray_from_memory(result, &pair->out, &pair->order); }

static bool in_place(const char *pointer, int64_t stride, size_t size) { return stride == (int64_t)size && (uintptr_t)pointer % size == 0; }

const float *dust_block_floats(float *buffer, const char *pointer, int64_t stride, dust_dtype dtype, size_t n) {
  if (dtype == DUST_FLOAT32 && in_place(pointer, stride, sizeof(float))) return (const float *)(const void *)pointer;
  dust_row_to_float(buffer, pointer, (ptrdiff_t)stride, dtype, n);
  return buffer;
}

const double *dust_block_doubles(double *buffer, const char *pointer, int64_t stride, dust_dtype dtype, size_t n) {
  if (dtype == DUST_FLOAT64 && in_place(pointer, stride, sizeof(double))) return (const double *)(const void *)pointer;
  dust_row_to_double(buffer, pointer, (ptrdiff_t)stride, dtype, n);
  return buffer;
}

const uint64_t *dust_block_labels(uint64_t *buffer, const char *pointer, int64_t stride, dust_dtype dtype, size_t n) {
  bool wide = dtype == DUST_UINT64 || dtype == DUST_INT64;
  if (wide && in_place(pointer, stride, sizeof(uint64_t))) return (const uint64_t *)(const void *)pointer;
  dust_row_to_label(buffer, pointer, (ptrdiff_t)stride, dtype, n);
  return buffer;
}
