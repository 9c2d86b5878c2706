/* Union-find over voxels, numbered in C order. The root of a set is its smallest voxel, so parents never come after their
 * children and two passes settle everything.
 *
 *     labels   5 5 0      parent   0 0 .      root's ordinal   0 0 .      rank by size   1 1 .
 *              5 0 7               0 . 5                       0 . 1                     1 . 2
 */
#include "kernel/components.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/mem.h"
#include "kernel/copy.h"

typedef struct component {
  int64_t size, ordinal;
} component;

static int64_t find_root(int64_t *parent, int64_t i) {
  while (parent[i] != i) {
    parent[i] = parent[parent[i]];
    i = parent[i];
  }
  return i;
}

static void join(int64_t *parent, int64_t a, int64_t b) {
  a = find_root(parent, a);
  b = find_root(parent, b);
  if (a < b)
    parent[b] = a;
  else
    parent[a] = b;
}

/* Every voxel of a row with its neighbours before it, along each connecting axis. */
static void link_row(int64_t *parent, const uint64_t *id, const dust_ndarray *labels, int64_t row, int first_axis) {
  int last = labels->ndim - 1;
  int64_t n = labels->shape[last], begin = row * n, step = n, rest = row;
  for (int64_t i = begin; i < begin + n; i++) {
    bool continues = i > begin && id[i] != 0 && id[i] == id[i - 1];
    parent[i] = continues ? parent[i - 1] : i; /* the run's root so far: it has not been joined yet */
  }
  for (int a = last - 1; a >= first_axis; step *= labels->shape[a], rest /= labels->shape[a], a--) {
    if (rest % labels->shape[a] == 0) continue;
    for (int64_t i = begin; i < begin + n; i++)
      if (id[i] != 0 && id[i] == id[i - step]) join(parent, i, i - step);
  }
}

/* parent becomes the root, -1 on background; returns how many components there are, whose ordinals stand at their roots in
 * `ordinal`. */
static int64_t settle(int64_t *parent, int64_t *ordinal, const uint64_t *id, int64_t count) {
  int64_t components = 0;
  for (int64_t i = 0; i < count; i++) {
    if (id[i] == 0) {
      parent[i] = -1;
      continue;
    }
    parent[i] = parent[parent[i]];
    if (parent[i] == i) ordinal[i] = components++;
  }
  return components;
}

static int by_size(const void *a, const void *b) {
  const component *x = a, *y = b;
  if (x->size != y->size) return x->size < y->size ? 1 : -1;
  return x->ordinal < y->ordinal ? -1 : 1;
}

/* rank[ordinal] = 1, 2, … by falling size. */
static dust_status rank_components(int64_t *rank, const int64_t *parent, const int64_t *ordinal, int64_t count, int64_t components) {
  component *list;
  DUST_TRY(dust_calloc((void **)&list, (size_t)components, sizeof *list));
  for (int64_t i = 0; i < count; i++)
    if (parent[i] >= 0) list[ordinal[parent[i]]].size++;
  for (int64_t c = 0; c < components; c++) list[c].ordinal = c;
  qsort(list, (size_t)components, sizeof *list, by_size);
  for (int64_t c = 0; c < components; c++) rank[list[c].ordinal] = c + 1;
  dust_free(list);
  return DUST_OK;
}

static dust_status check_room(int64_t components, dust_dtype dtype) {
  double lowest, highest;
  dust_dtype_limits(dtype, &lowest, &highest);
  if ((double)components <= highest) return DUST_OK;
  return dust_fail(DUST_ERROR_RANGE, "%" PRId64 " components don't fit into %s, which has ids up to %.0f: use :astype before", components,
                   dust_dtype_name(dtype), highest);
}

/* id: labels in, ranks out. */
static dust_status number(uint64_t *id, int64_t *components, const dust_ndarray *labels, int spatial) {
  int64_t *parent = NULL, *ordinal = NULL, *rank = NULL, count = dust_ndarray_count(labels);
  dust_status status;
  DUST_GO(dust_calloc((void **)&parent, (size_t)count, sizeof *parent));
  DUST_GO(dust_calloc((void **)&ordinal, (size_t)count, sizeof *ordinal));
  for (int64_t row = 0; row < count / labels->shape[labels->ndim - 1]; row++) link_row(parent, id, labels, row, labels->ndim - spatial);
  *components = settle(parent, ordinal, id, count);
  DUST_GO(check_room(*components, labels->dtype));
  DUST_GO(dust_calloc((void **)&rank, (size_t)*components, sizeof *rank));
  DUST_GO(rank_components(rank, parent, ordinal, count, *components));
  for (int64_t i = 0; i < count; i++) id[i] = parent[i] < 0 ? 0 : (uint64_t)rank[ordinal[parent[i]]];
done:
  dust_free(parent);
  dust_free(ordinal);
  dust_free(rank);
  return status;
}

dust_status dust_components(dust_ndarray *out, int64_t *count, const dust_ndarray *labels, int spatial, dust_pool *pool) {
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "components are those of integer labels, not of %s: use :astype", dust_dtype_name(labels->dtype));
  if (spatial < 1 || spatial > labels->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT,
                     "components of %d spatial axes in an array of %d: there must be from 1 to as many as the array has", spatial,
                     labels->ndim);
  dust_ndarray ids = {0};
  int64_t components = 0;
  dust_status status;
  DUST_GO(dust_ndarray_empty(&ids, DUST_UINT64, labels->ndim, labels->shape));
  DUST_GO(dust_copy_array(&ids, labels, pool));
  if (dust_ndarray_count(labels) > 0) DUST_GO(number((uint64_t *)(void *)ids.data, &components, labels, spatial));
  DUST_GO(dust_cast_array(out, &ids, labels->dtype, pool));
  if (count) *count = components;
done:
  dust_ndarray_release(&ids);
  return status;
}
