/* With a mask: one pass a step between two copies of what is known at each voxel: an id, `unknown`, or background, which stands for a conflict too. What two neighbours know is joined:
 * unknown gives way to anything, equal ids stay, everything else is background. `unknown` is an id that no voxel carries. */
#include "kernel/erode.h"

#include <inttypes.h>
#include <string.h>
#include "kernel/blocks.h"
#include "base/clones.h"
#include "kernel/compare.h"
#include "kernel/copy.h"
#include "kernel/erode_known.h"

#define ROWS_A_CHUNK 64

typedef struct erode_pass {
  int ndim, first_axis;
  const int64_t *shape;
  int64_t step[DUST_MAXDIM]; /* elements between neighbours along an axis, C order */
  const uint64_t *from;
  uint64_t *to;
  uint64_t background, unknown;
} erode_pass;

DUST_CLONED(void, join_row, (uint64_t *restrict out, const uint64_t *restrict there, int64_t n, uint64_t background, uint64_t unknown),
            (out, there, n, background, unknown)) {
  for (int64_t i = 0; i < n; i++) {
    uint64_t here = out[i], other = there[i];
    uint64_t known = here == unknown ? other : here;
    out[i] = known == other || other == unknown ? known : background;
  }
}

static void erode_row(const erode_pass *e, int64_t row) {
  int last = e->ndim - 1;
  int64_t n = e->shape[last], rest = row;
  const uint64_t *here = e->from + row * n;
  uint64_t *out = e->to + row * n;
  memcpy(out, here, (size_t)n * sizeof *out);
  for (int a = last - 1; a >= e->first_axis; rest /= e->shape[a--]) {
    int64_t at = rest % e->shape[a];
    if (at > 0) join_row(out, here - e->step[a], n, e->background, e->unknown);
    if (at < e->shape[a] - 1) join_row(out, here + e->step[a], n, e->background, e->unknown);
  }
  join_row(out + 1, here, n - 1, e->background, e->unknown);
  join_row(out, here + 1, n - 1, e->background, e->unknown);
}

static dust_status erode_rows(void *context, size_t begin, size_t end, size_t chunk) {
  for (size_t row = begin; row < end; row++) erode_row(context, (int64_t)row);
  return DUST_OK;
}

int64_t dust_erosion_steps(const dust_ndarray *labels, const dust_erosion *erosion) {
  int64_t most = 1;
  for (int a = labels->ndim - erosion->axes; a < labels->ndim && most < erosion->steps; a++) most += labels->shape[a] > 0 ? labels->shape[a] - 1 : 0;
  return erosion->steps < most ? erosion->steps : most;
}

/* ids[now] holds what is known; afterwards ids[returned] does. */
static dust_status run_steps(dust_ndarray ids[2], int *now, const dust_erosion *erosion, erode_pass *pass, dust_pool *pool) {
  int64_t count = dust_ndarray_count(&ids[0]), step = 1;
  pass->ndim = ids[0].ndim;
  pass->shape = ids[0].shape;
  pass->first_axis = pass->ndim - erosion->axes;
  for (int a = pass->ndim - 1; a >= 0; step *= pass->shape[a--]) pass->step[a] = step;
  const int64_t steps = dust_erosion_steps(&ids[0], erosion);
  for (int64_t s = 0; count > 0 && s < steps; s++, *now = !*now) {
    if (s % DUST_ERODE_LOOK == DUST_ERODE_LOOK - 1 && memcmp(ids[0].data, ids[1].data, dust_ndarray_bytes(&ids[0])) == 0) break;
    pass->from = (const uint64_t *)(const void *)ids[*now].data;
    pass->to = (uint64_t *)(void *)ids[!*now].data;
    DUST_TRY(dust_pool_for(pool, (size_t)(count / pass->shape[pass->ndim - 1]), ROWS_A_CHUNK, erode_rows, pass));
  }
  return DUST_OK;
}

static dust_status unused_id(uint64_t *out, const dust_ndarray *ids, uint64_t background, dust_pool *pool) {
  int64_t found = 1;
  for (uint64_t candidate = UINT64_MAX; found > 0; candidate--) {
    dust_scalar scalar = dust_scalar_integer((int64_t)candidate);
    *out = candidate;
    if (candidate != background) DUST_TRY(dust_count_value(&found, ids, &scalar, pool));
  }
  return DUST_OK;
}

static void forget_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const erode_pass *pass = context;
  uint64_t *id = (uint64_t *)(void *)pointer[0];
  for (size_t i = 0; i < n; i++)
    if (!pointer[1][(int64_t)i * rows->stride[1]]) id[i] = pass->unknown;
}

static dust_status apply_mask(const dust_ndarray *ids, const dust_ndarray *mask, erode_pass *pass, dust_pool *pool) {
  dust_ndarray known = {0};
  dust_rows rows;
  dust_status status;
  dust_operand zero = {.number = dust_scalar_integer(0)};
  DUST_GO(dust_compare(&known, DUST_OP_NE, mask, &zero, pool));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){ids, &known}));
  DUST_GO(dust_blocks_run(&rows, pool, forget_block, pass));
done:
  dust_ndarray_release(&known);
  return status;
}

/* Labels where something but a conflict is known, background elsewhere. */
static void keep_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const erode_pass *pass = context;
  uint64_t *out = (uint64_t *)(void *)pointer[0];
  const uint64_t *state = (const uint64_t *)(const void *)pointer[1];
  for (size_t i = 0; i < n; i++)
    if (state[i] == pass->background) out[i] = pass->background;
}

static dust_status check(const dust_ndarray *labels, const dust_erosion *erosion) {
  char a[DUST_SHAPE_TEXT], b[DUST_SHAPE_TEXT];
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "boundaries grow between integer labels, not in %s", dust_dtype_name(labels->dtype));
  if (erosion->steps < 0)
    return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " steps of growing boundaries; there must be 0 or more", erosion->steps);
  if (erosion->axes < 1 || erosion->axes > labels->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "boundaries grow along 1 to %d axes of this array, not along %d", labels->ndim, erosion->axes);
  if (!erosion->mask || dust_ndarray_same_shape(labels, erosion->mask)) return DUST_OK;
  dust_shape_format(a, sizeof a, labels->ndim, labels->shape);
  dust_shape_format(b, sizeof b, erosion->mask->ndim, erosion->mask->shape);
  return dust_fail(DUST_ERROR_ARGUMENT, "the labels are %s, the mask is %s: they must have one shape", a, b);
}

/* An element of this type that holds `background`, and the 64 bits that it loads as. */
static dust_status background_id(uint64_t *element, uint64_t *out, int64_t background, dust_dtype dtype) {
  uint64_t id = (uint64_t)background;
  *element = 0;
  dust_row_from_label(element, 8, dtype, &id, 1);
  dust_row_to_label(out, element, 8, dtype, 1);
  if (*out == id) return DUST_OK;
  return dust_fail(DUST_ERROR_RANGE, "background %" PRId64 " doesn't fit into %s", background, dust_dtype_name(dtype));
}

/* labels: as they came. */
static dust_status keep_labels(const dust_ndarray *labels, const dust_ndarray *known, erode_pass *pass, dust_pool *pool) {
  dust_rows rows;
  DUST_TRY(dust_rows_init(&rows, 2, (const dust_ndarray *[]){labels, known}));
  return dust_blocks_run(&rows, pool, keep_block, pass);
}

static dust_status erode_masked(dust_ndarray *out, const dust_ndarray *labels, const dust_erosion *erosion, uint64_t background,
                                dust_pool *pool) {
  dust_ndarray ids[3] = {0}; /* two states and the labels as they came */
  dust_status status;
  erode_pass pass = {.background = background};
  int now = 0;
  DUST_GO(dust_ndarray_empty(&ids[0], DUST_UINT64, labels->ndim, labels->shape));
  DUST_GO(dust_copy_array(&ids[0], labels, pool));
  DUST_GO(dust_ndarray_empty(&ids[1], DUST_UINT64, labels->ndim, labels->shape));
  DUST_GO(unused_id(&pass.unknown, &ids[0], pass.background, pool));
  DUST_GO(dust_ndarray_copy(&ids[2], &ids[0]));
  DUST_GO(apply_mask(&ids[0], erosion->mask, &pass, pool));
  DUST_GO(run_steps(ids, &now, erosion, &pass, pool));
  DUST_GO(keep_labels(&ids[2], &ids[now], &pass, pool));
  DUST_GO(dust_cast_array(out, &ids[2], labels->dtype, pool));
done:
  for (int i = 0; i < 3; i++) dust_ndarray_release(&ids[i]);
  return status;
}

dust_status dust_erode_labels(dust_ndarray *out, const dust_ndarray *labels, const dust_erosion *erosion, dust_pool *pool) {
  uint64_t element, background;
  DUST_TRY(check(labels, erosion));
  DUST_TRY(background_id(&element, &background, erosion->background, labels->dtype));
  if (!erosion->mask) return dust_erode_known(out, labels, erosion, &element, pool);
  return erode_masked(out, labels, erosion, background, pool);
}
