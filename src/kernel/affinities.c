/* All edges of some rows in one go, while those are in L1. Ids are first copied into the narrowest unsigned type that holds every
 * one of them, so that no id loses a bit and a comparison handles as many at once as it can: ids below 2^16 take a third of the
 * time that 64-bit ones do.
 */
#include "kernel/affinities.h"

#include <inttypes.h>
#include <string.h>
#include "base/clones.h"
#include "base/fetch.h"
#include "base/mem.h"
#include "kernel/blocks.h"

#define PIECE 4096 /* elements worked on together, all edges, while they are in L1 */
#define ROWS_A_CHUNK 64
enum { STRIP = 64, AHEAD = 2048 }; /* elements compared together; bytes fetched before they are */
#define FEW_EDGES 4                /* so many are compared in the time that a copy takes */

typedef struct affinity_pass {
  const dust_ndarray *ids; /* unsigned, C order */
  uint8_t *out;
  int64_t edges;
  const int64_t *offset;
  bool background_as_object;
} affinity_pass;

/* ---- narrow ids */

typedef struct narrow_pass {
  dust_dtype from, to;
  uint64_t *used; /* bits set in any id of a chunk */
} narrow_pass;

static dust_dtype type_for(uint64_t used) {
  return used <= UINT8_MAX ? DUST_UINT8 : used <= UINT16_MAX ? DUST_UINT16 : used <= UINT32_MAX ? DUST_UINT32 : DUST_UINT64;
}

/* The low bits of ids; returns all bits that were set, so that the caller sees whether some were lost. */
#define NARROW(type)                                                                                                \
  DUST_CLONED(uint64_t, narrow_##type, (type *restrict out, const uint64_t *restrict id, size_t n), (out, id, n)) { \
    uint64_t used = 0;                                                                                              \
    for (size_t i = 0; i < n; i++) used |= id[i], out[i] = (type)id[i];                                             \
    return used;                                                                                                    \
  }
NARROW(uint8_t)
NARROW(uint16_t)
NARROW(uint32_t)
NARROW(uint64_t)

static uint64_t narrow_ids(void *out, const uint64_t *id, dust_dtype type, size_t n) {
  switch (type) {
    case DUST_UINT8: return narrow_uint8_t(out, id, n);
    case DUST_UINT16: return narrow_uint16_t(out, id, n);
    case DUST_UINT32: return narrow_uint32_t(out, id, n);
    default: return narrow_uint64_t(out, id, n);
  }
}

static void narrow_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const narrow_pass *pass = context;
  uint64_t from[DUST_BLOCK], to[DUST_BLOCK];
  const uint64_t *id = dust_block_labels(from, pointer[1], rows->stride[1], pass->from, n);
  size_t size = dust_dtype_size(pass->to);
  bool straight = rows->stride[0] == (int64_t)size;
  pass->used[chunk] |= narrow_ids(straight ? (void *)pointer[0] : to, id, pass->to, n);
  if (!straight) dust_row_cast(pointer[0], (ptrdiff_t)rows->stride[0], pass->to, to, (ptrdiff_t)size, pass->to, n);
}

/* A copy of labels as `type`, and the bits that their ids use. */
static dust_status copy_ids(dust_ndarray *ids, uint64_t *used, const dust_ndarray *labels, dust_dtype type, dust_pool *pool) {
  narrow_pass pass = {.from = labels->dtype, .to = type};
  dust_ndarray made = {0};
  dust_rows rows;
  dust_status status;
  *used = 0;
  DUST_GO(dust_ndarray_empty(&made, type, labels->ndim, labels->shape));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){&made, labels}));
  size_t chunks = dust_blocks_chunks(&rows);
  DUST_GO(dust_calloc((void **)&pass.used, chunks, sizeof *pass.used));
  DUST_GO(dust_blocks_run(&rows, pool, narrow_block, &pass));
  for (size_t c = 0; c < chunks; c++) *used |= pass.used[c];
  *ids = made;
  made = (dust_ndarray){0};
done:
  dust_free(pass.used);
  dust_ndarray_release(&made);
  return status;
}

/* The labels themselves where a copy wouldn't pay. Most volumes have less than 2^16 ids, so that is tried first. */
static dust_status make_ids(dust_ndarray *ids, const dust_ndarray *labels, int64_t edges, dust_pool *pool) {
  size_t size = dust_dtype_size(labels->dtype);
  bool plain = dust_ndarray_is_contiguous(labels) && (uintptr_t)labels->data % size == 0;
  dust_dtype guess = size == 1 ? DUST_UINT8 : DUST_UINT16;
  uint64_t used;
  if (plain && (size <= 2 || edges <= FEW_EDGES)) {
    dust_ndarray_share(ids, labels);
    return DUST_OK;
  }
  DUST_TRY(copy_ids(ids, &used, labels, guess, pool));
  if (dust_dtype_size(type_for(used)) <= dust_dtype_size(guess)) return DUST_OK;
  dust_ndarray_release(ids);
  return copy_ids(ids, &used, labels, type_for(used), pool);
}

/* ---- edges */

/* Of the two inputs `there` is new, the next plane of the volume; `here` was read as that before. */
#define COMPARE(type)                                                                                                                  \
  DUST_CLONED(void, compare_##type, (uint8_t *restrict out, const void *here, const void *there, size_t n, bool background_as_object), \
              (out, here, there, n, background_as_object)) {                                                                           \
    const type *restrict a = here, *restrict b = there;                                                                                \
    for (size_t begin = 0, end; begin < n; begin = end) {                                                                              \
      end = n - begin < STRIP ? n : begin + STRIP;                                                                                     \
      dust_fetch(b + begin, AHEAD, STRIP * sizeof *b);                                                                                 \
      dust_fetch(out + begin, AHEAD / 4, STRIP);                                                                                       \
      if (background_as_object)                                                                                                        \
        for (size_t i = begin; i < end; i++) out[i] = a[i] == b[i];                                                                    \
      else                                                                                                                             \
        for (size_t i = begin; i < end; i++) out[i] = (a[i] == b[i]) & (a[i] != 0);                                                    \
    }                                                                                                                                  \
  }
COMPARE(uint8_t)
COMPARE(uint16_t)
COMPARE(uint32_t)
COMPARE(uint64_t)

static void compare_ids(size_t size, uint8_t *out, const void *a, const void *b, size_t n, bool background_as_object) {
  switch (size) {
    case 1: compare_uint8_t(out, a, b, n, background_as_object); return;
    case 2: compare_uint16_t(out, a, b, n, background_as_object); return;
    case 4: compare_uint32_t(out, a, b, n, background_as_object); return;
    default: compare_uint64_t(out, a, b, n, background_as_object); return;
  }
}

/* Rows of one plane (the last two axes), and of each edge those of them whose partner is there. Rows adjoin, so they are compared as one line: towards the ends of
 * rows that pairs voxels of different rows, which then are set to 0.
 *
 *     offset (1, 2)    row r      a b c d e   here      out  x x x 0 0
 *                      row r + 1  f g h i j             out  x x x 0 0
 *                      row r + 2  k l m n o   there: h i j | k l …
 */
typedef struct piece {
  const char *here;
  int64_t index[DUST_MAXDIM]; /* of its first voxel */
  int64_t rows;
} piece;

static void clear_ends(uint8_t *out, int64_t rows, int64_t n, int64_t shift) {
  int64_t begin = shift < 0 ? 0 : n - shift, many = shift < 0 ? -shift : shift;
  for (int64_t r = 0; r < rows && many > 0; r++) memset(out + r * n + begin, 0, (size_t)many);
}

static void edge_rows(const affinity_pass *pass, uint8_t *out, const char *here, const char *there, int64_t rows, int64_t shift) {
  int64_t n = pass->ids->shape[pass->ids->ndim - 1], size = (int64_t)dust_dtype_size(pass->ids->dtype);
  int64_t begin = shift < 0 ? -shift : 0, end = rows * n - (shift > 0 ? shift : 0);
  compare_ids((size_t)size, out + begin, here + begin * size, there + (begin + shift) * size, (size_t)(end - begin),
              pass->background_as_object);
  clear_ends(out, rows, n, shift);
}

/* One edge of all rows of the piece. */
static void edge(const affinity_pass *pass, const piece *p, uint8_t *out, const int64_t *offset) {
  const dust_ndarray *ids = pass->ids;
  int last = ids->ndim - 1;
  int64_t n = ids->shape[last], first = 0, end = p->rows;
  const char *here = p->here, *there = here;
  bool outside = false;
  for (int a = last > 0 ? last - 1 : 0; a <= last; a++) outside |= offset[a] >= ids->shape[a] || offset[a] <= -ids->shape[a];
  for (int a = 0; a < last - 1; a++) {
    outside |= offset[a] < -p->index[a] || offset[a] >= ids->shape[a] - p->index[a];
    there += outside ? 0 : offset[a] * ids->stride[a];
  }
  if (last > 0 && !outside) {
    int64_t least = -offset[last - 1] - p->index[last - 1], past = ids->shape[last - 1] - offset[last - 1] - p->index[last - 1];
    first = least > 0 ? least : 0;
    end = past < end ? past : end;
  }
  if (outside || first >= end) {
    memset(out, 0, (size_t)(p->rows * n));
    return;
  }
  int64_t step = n * (int64_t)dust_dtype_size(ids->dtype);
  there += (first + (last > 0 ? offset[last - 1] : 0)) * step;
  memset(out, 0, (size_t)(first * n));
  edge_rows(pass, out + first * n, here + first * step, there, end - first, offset[last]);
  memset(out + end * n, 0, (size_t)((p->rows - end) * n));
}

static void all_edges(const affinity_pass *pass, const piece *p, int64_t at) {
  int64_t count = dust_ndarray_count(pass->ids);
  for (int64_t e = 0; e < pass->edges; e++) edge(pass, p, pass->out + e * count + at, pass->offset + e * pass->ids->ndim);
}

/* Rows from `begin` on in one plane, at most `most`. */
static piece piece_at(const affinity_pass *pass, int64_t begin, int64_t most) {
  const dust_ndarray *ids = pass->ids;
  int last = ids->ndim - 1;
  piece p = {.here = ids->data + begin * ids->shape[last] * (int64_t)dust_dtype_size(ids->dtype), .rows = 1};
  int64_t rest = begin;
  for (int a = last - 1; a >= 0; rest /= ids->shape[a--]) p.index[a] = rest % ids->shape[a];
  if (last > 0) p.rows = ids->shape[last - 1] - p.index[last - 1];
  if (p.rows > most) p.rows = most;
  return p;
}

static dust_status affinity_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const affinity_pass *pass = context;
  int64_t n = pass->ids->shape[pass->ids->ndim - 1], most = PIECE / n + 1;
  for (int64_t row = (int64_t)begin; row < (int64_t)end;) {
    piece p = piece_at(pass, row, most < (int64_t)end - row ? most : (int64_t)end - row);
    all_edges(pass, &p, row * n);
    row += p.rows;
  }
  return DUST_OK;
}

dust_status dust_affinities(dust_ndarray *out, const dust_ndarray *labels, int64_t edges, const int64_t *offset, bool background_as_object,
                            dust_pool *pool) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype", dust_dtype_name(labels->dtype));
  if (labels->ndim < 1 || labels->ndim > DUST_AFFINITIES_MAXDIM)
    return dust_fail(DUST_ERROR_ARGUMENT, "labels have %d axes: affinities are made of 1 to %d spatial axes", labels->ndim,
                     DUST_AFFINITIES_MAXDIM);
  if (edges < 1) return dust_fail(DUST_ERROR_ARGUMENT, "the neighborhood is empty: give at least one offset");
  dust_ndarray made = {0}, ids = {0};
  dust_status status;
  int64_t shape[DUST_MAXDIM] = {edges};
  for (int a = 0; a < labels->ndim; a++) shape[a + 1] = labels->shape[a];
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, labels->ndim + 1, shape));
  DUST_GO(make_ids(&ids, labels, edges, pool));
  affinity_pass pass = {
      .ids = &ids, .out = (uint8_t *)made.data, .edges = edges, .offset = offset, .background_as_object = background_as_object};
  int64_t count = dust_ndarray_count(labels);
  if (count > 0) DUST_GO(dust_pool_for(pool, (size_t)(count / labels->shape[labels->ndim - 1]), ROWS_A_CHUNK, affinity_rows, &pass));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&made);
  dust_ndarray_release(&ids);
  return status;
}
