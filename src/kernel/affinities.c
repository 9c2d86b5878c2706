/* All edges of a row in one go, while the row is in L1. Rows are read as 64-bit ids, in place when they are such, so that no id loses a bit. */
#include "kernel/affinities.h"

#include <inttypes.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/channels.h"
#include "base/clones.h"

#define ROWS_A_CHUNK 32

typedef struct affinity_pass {
  const dust_ndarray *labels;
  uint8_t *out;
  int64_t edges;
  const int64_t *offset;
  bool background_as_object;
} affinity_pass;

DUST_CLONES
static void compare_ids(uint8_t *restrict out, const uint64_t *restrict a, const uint64_t *restrict b, size_t n, bool background_as_object) {
  if (background_as_object)
    for (size_t i = 0; i < n; i++) out[i] = a[i] == b[i];
  else
    for (size_t i = 0; i < n; i++) out[i] = (a[i] == b[i]) & (a[i] != 0);
}

/* A row as ids: in place if it can be, else converted into buffer. */
static const uint64_t *ids(uint64_t *buffer, const dust_ndarray *labels, const char *start) {
  int last = labels->ndim - 1;
  if (dust_dtype_size(labels->dtype) == 8 && labels->stride[last] == 8 && (uintptr_t)start % 8 == 0) return (const uint64_t *)(const void *)start;
  dust_row_to_label(buffer, start, labels->stride[last], labels->dtype, (size_t)labels->shape[last]);
  return buffer;
}

/* The row that `offset` leads to from the row at `index`, NULL when outside. The last axis is left to the caller. */
static const char *partner_row(const dust_ndarray *labels, const char *start, const int64_t *index, const int64_t *offset) {
  for (int a = 0; a < labels->ndim - 1; a++) {
    if (offset[a] < -index[a] || offset[a] >= labels->shape[a] - index[a]) return NULL;
    start += offset[a] * labels->stride[a];
  }
  return start;
}

static void edge_row(const affinity_pass *pass, uint8_t *out, const uint64_t *here, const uint64_t *there, int64_t shift) {
  int64_t n = pass->labels->shape[pass->labels->ndim - 1];
  if (!there || shift >= n || shift <= -n) {
    memset(out, 0, (size_t)n);
    return;
  }
  int64_t begin = shift < 0 ? -shift : 0, end = shift > 0 ? n - shift : n;
  memset(out, 0, (size_t)begin);
  compare_ids(out + begin, here + begin, there + begin + shift, (size_t)(end - begin), pass->background_as_object);
  memset(out + end, 0, (size_t)(n - end));
}

static void all_edges(const affinity_pass *pass, int64_t row, uint64_t *const buffer[2]) {
  const dust_ndarray *labels = pass->labels;
  int last = labels->ndim - 1;
  int64_t index[DUST_MAXDIM], rest = row, n = labels->shape[last], count = dust_ndarray_count(labels);
  for (int a = last - 1; a >= 0; rest /= labels->shape[a--]) index[a] = rest % labels->shape[a];
  const char *start = dust_row_start(labels, row);
  const uint64_t *here = ids(buffer[0], labels, start);
  for (int64_t e = 0; e < pass->edges; e++) {
    const int64_t *offset = pass->offset + e * labels->ndim;
    const char *partner = partner_row(labels, start, index, offset);
    const uint64_t *there = partner == start ? here : partner ? ids(buffer[1], labels, partner) : NULL;
    edge_row(pass, pass->out + e * count + row * n, here, there, offset[last]);
  }
}

static dust_status affinity_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const affinity_pass *pass = context;
  size_t n = (size_t)pass->labels->shape[pass->labels->ndim - 1];
  uint64_t *block;
  DUST_TRY(dust_alloc((void **)&block, 2 * n * sizeof *block));
  for (size_t row = begin; row < end; row++) all_edges(pass, (int64_t)row, (uint64_t *const[2]){block, block + n});
  dust_free(block);
  return DUST_OK;
}

dust_status dust_affinities(dust_ndarray *out, const dust_ndarray *labels, int64_t edges, const int64_t *offset, bool background_as_object, dust_pool *pool) {
  if (dust_dtype_is_float(labels->dtype)) return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype", dust_dtype_name(labels->dtype));
  if (labels->ndim < 1 || labels->ndim > DUST_AFFINITIES_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "labels have %d axes: affinities are made of 1 to %d spatial axes", labels->ndim, DUST_AFFINITIES_MAXDIM);
  if (edges < 1) return dust_fail(DUST_ERROR_ARGUMENT, "the neighborhood is empty: give at least one offset");
  dust_ndarray made = {0};
  dust_status status;
  int64_t shape[DUST_MAXDIM] = {edges};
  for (int a = 0; a < labels->ndim; a++) shape[a + 1] = labels->shape[a];
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, labels->ndim + 1, shape));
  affinity_pass pass = {.labels = labels, .out = (uint8_t *)made.data, .edges = edges, .offset = offset, .background_as_object = background_as_object};
  int64_t count = dust_ndarray_count(labels);
  if (count > 0) DUST_GO(dust_pool_for(pool, (size_t)(count / labels->shape[labels->ndim - 1]), ROWS_A_CHUNK, affinity_rows, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  return status;
}
