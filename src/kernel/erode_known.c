/* Where every label is known, eroding them is growing what touches something else: a byte a voxel, set in the first step where a
 * neighbour differs, in the others where a neighbour is set. */
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/erode_known.h"
#include "kernel/unlike.h"

#define ROWS_A_CHUNK 64

typedef struct growth {
  const dust_ndarray *labels; /* C order */
  int first_axis;
  int64_t step[DUST_MAXDIM]; /* voxels between neighbours along an axis */
  const uint8_t *from;       /* NULL: the first step */
  uint8_t *to;
  const void *background;
  char *out;
} growth;

DUST_CLONED(void, join_row, (uint8_t *restrict out, const uint8_t *restrict there, int64_t n), (out, there, n)) {
  for (int64_t i = 0; i < n; i++) out[i] |= there[i];
}

/* What the voxels of a row at `here` have next to them, `away` voxels further in C order, goes into out. */
static void look(const growth *g, uint8_t *out, uint8_t *flag, int64_t here, int64_t away, int64_t n) {
  size_t size = dust_dtype_size(g->labels->dtype);
  const char *labels = g->labels->data;
  if (!g->from) dust_unlike_row(flag, labels + here * (int64_t)size, labels + (here + away) * (int64_t)size, n, size);
  join_row(out, g->from ? g->from + here + away : flag, n);
}

static void grow_row(const growth *g, int64_t row, uint8_t *flag) {
  int last = g->labels->ndim - 1;
  const int64_t *shape = g->labels->shape;
  int64_t n = shape[last], here = row * n, rest = row;
  uint8_t *out = g->to + here;
  if (g->from)
    memcpy(out, g->from + here, (size_t)n);
  else
    memset(out, 0, (size_t)n);
  for (int a = last - 1; a >= g->first_axis; rest /= shape[a--]) {
    int64_t at = rest % shape[a];
    if (at > 0) look(g, out, flag, here, -g->step[a], n);
    if (at < shape[a] - 1) look(g, out, flag, here, g->step[a], n);
  }
  look(g, out + 1, flag, here + 1, -1, n - 1);
  look(g, out, flag, here, 1, n - 1);
}

static dust_status grow_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const growth *g = context;
  uint8_t *flag;
  DUST_TRY(dust_alloc((void **)&flag, (size_t)g->labels->shape[g->labels->ndim - 1]));
  for (size_t row = begin; row < end; row++) grow_row(g, (int64_t)row, flag);
  dust_free(flag);
  return DUST_OK;
}

static dust_status replace_rows(void *context, size_t begin, size_t end, size_t chunk) {
  const growth *g = context;
  size_t size = dust_dtype_size(g->labels->dtype), n = (size_t)g->labels->shape[g->labels->ndim - 1], from = begin * n;
  dust_replace_row(g->out + from * size, g->labels->data + from * size, g->to + from, g->background, (int64_t)((end - begin) * n), size);
  return DUST_OK;
}

dust_status dust_erode_known(dust_ndarray *out, const dust_ndarray *labels, const dust_erosion *erosion, const void *background,
                             dust_pool *pool) {
  dust_ndarray made = {0}, flat = {0};
  uint8_t *grown[2] = {NULL, NULL};
  growth g = {.labels = &flat, .first_axis = labels->ndim - erosion->axes, .background = background};
  dust_status status;
  DUST_GO(dust_ndarray_contiguous(&flat, labels));
  DUST_GO(dust_ndarray_empty(&made, labels->dtype, labels->ndim, labels->shape));
  g.out = made.data;
  int64_t count = dust_ndarray_count(labels), step = 1;
  if (count > 0) {
    size_t rows = (size_t)(count / labels->shape[labels->ndim - 1]);
    for (int a = labels->ndim - 1; a >= 0; step *= labels->shape[a--]) g.step[a] = step;
    DUST_GO(dust_calloc((void **)&grown[0], (size_t)count, 1));
    const int64_t steps = dust_erosion_steps(labels, erosion);
    if (steps > 1) DUST_GO(dust_alloc((void **)&grown[1], (size_t)count));
    g.to = grown[0];
    for (int64_t s = 0; s < steps; s++) {
      if (s % DUST_ERODE_LOOK == DUST_ERODE_LOOK - 1 && memcmp(grown[0], grown[1], (size_t)count) == 0) break;
      g.from = s > 0 ? grown[(s + 1) % 2] : NULL, g.to = grown[s % 2];
      DUST_GO(dust_pool_for(pool, rows, ROWS_A_CHUNK, grow_rows, &g));
    }
    DUST_GO(dust_pool_for(pool, rows, ROWS_A_CHUNK, replace_rows, &g));
  }
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_free(grown[0]);
  dust_free(grown[1]);
  dust_ndarray_release(&flat);
  dust_ndarray_release(&made);
  return status;
}
