/* Attributes crc32c: the CRC32C of a dataset's voxels in C order, as a reader gets them (little-endian).
 *
 * Boxes may come in any order: their bare values (crc32c.h) are added up, each moved to where the box lies. That is right as long as
 * a box lies where only fill values, zeros, were; which boxes were written is kept, adjoining ones as one. Where a box falls on one of
 * them, or on a dataset of an earlier time that has the attribute, what it writes over is read first and taken out.
 *
 * The attribute is written when a dataset is whole, and at each flush while it isn't.
 */
#include <stdlib.h>
#include <string.h>
#include "store/crc32c.h"
#include "store/hdf5_internal.h"

#define MOST_BOXES 256
#define ATTRIBUTE "crc32c"

typedef struct box {
  int64_t begin[DUST_MAXDIM], shape[DUST_MAXDIM];
} box;

struct dust_h5_sum {
  dust_h5_sum *next;
  char name[DUST_HDF5_NAME];
  dust_dtype dtype;
  int ndim;
  int64_t extent[DUST_MAXDIM];
  uint64_t bytes;
  uint32_t bare;
  bool changed, reads;      /* reads: what boxes write over is always read */
  bool unsure, lost;        /* a write is under way; one failed: there is no sum any more */
  box written[MOST_BOXES]; /* disjoint */
  int count;
  box now;
};

static dust_h5_sum *find(const dust_hdf5 *file, const char *clean) {
  dust_h5_sum *s = file->sums;
  while (s && strcmp(s->name, clean) != 0) s = s->next;
  return s;
}

static void drop(dust_hdf5 *file, dust_h5_sum *s) {
  dust_h5_sum **at = &file->sums;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  dust_free(s);
}

static dust_status add(dust_h5_sum **out, dust_hdf5 *file, const char *clean, dust_dtype dtype, int ndim, const int64_t *shape) {
  void *block;
  DUST_TRY(dust_calloc(&block, 1, sizeof(dust_h5_sum)));
  dust_h5_sum *s = block;
  strcpy(s->name, clean);
  s->dtype = dtype, s->ndim = ndim, s->bytes = dust_dtype_size(dtype);
  for (int d = 0; d < ndim; d++) s->extent[d] = shape[d], s->bytes *= (uint64_t)shape[d];
  s->next = file->sums, file->sums = s;
  *out = s;
  return DUST_OK;
}

dust_status dust_h5_sum_made(dust_hdf5 *file, const char *clean, dust_dtype dtype, int ndim, const int64_t *shape) {
  dust_h5_sum *s;
  for (int d = 0; d < ndim; d++)
    if (shape[d] == 0) return DUST_OK;
  DUST_TRY(add(&s, file, clean, dtype, ndim, shape));
  s->changed = true;
  return DUST_OK;
}

/* ---- a box's bare value, at its place */

static uint32_t value_at(const dust_h5_sum *s, int d, const char **elements, int inner, size_t run, const uint32_t *step) {
  if (d == inner) {
    uint32_t value = dust_crc32c_bare(*elements, run);
    *elements += run;
    return value;
  }
  uint32_t value = 0;
  for (int64_t i = 0; i < s->now.shape[d]; i++)
    value = (i ? dust_crc32c_times(value, step[d]) : 0) ^ value_at(s, d + 1, elements, inner, run, step);
  return value;
}

static uint32_t value_of(const dust_h5_sum *s, const void *elements) {
  uint32_t step[DUST_MAXDIM];
  uint64_t stride[DUST_MAXDIM], last = 0;
  size_t run = dust_dtype_size(s->dtype), item = run;
  int inner = s->ndim;
  for (int d = s->ndim - 1; d >= 0; d--) stride[d] = d == s->ndim - 1 ? item : stride[d + 1] * (uint64_t)s->extent[d + 1];
  /* rows that adjoin in the dataset are one */
  for (bool whole = true; inner > 0 && whole; inner--) {
    run *= (size_t)s->now.shape[inner - 1];
    whole = s->now.shape[inner - 1] == s->extent[inner - 1];
  }
  for (int d = 0; d < s->ndim; d++) {
    last += (uint64_t)(s->now.begin[d] + s->now.shape[d] - 1) * stride[d];
    step[d] = d < inner && s->now.shape[d] > 1 ? dust_crc32c_factor(stride[d]) : 0;
  }
  const char *at = elements;
  return dust_crc32c_shift(value_at(s, 0, &at, inner, run, step), s->bytes - last - item);
}

uint32_t dust_h5_sum_of_box(const dust_hdf5_info *info, const int64_t *begin, const int64_t *shape, const void *elements) {
  dust_h5_sum s;
  s.dtype = info->dtype, s.ndim = info->ndim, s.bytes = dust_dtype_size(info->dtype);
  for (int d = 0; d < s.ndim; d++) {
    s.extent[d] = info->shape[d], s.now.begin[d] = begin[d], s.now.shape[d] = shape[d];
    s.bytes *= (uint64_t)info->shape[d];
  }
  return value_of(&s, elements);
}

/* What is in the box now. */
static dust_status read_now(void **out, const dust_hdf5 *file, const dust_h5_sum *s, hid_t dataset) {
  hsize_t begin[DUST_MAXDIM], shape[DUST_MAXDIM];
  size_t bytes = dust_dtype_size(s->dtype);
  for (int d = 0; d < s->ndim; d++) begin[d] = (hsize_t)s->now.begin[d], shape[d] = (hsize_t)s->now.shape[d], bytes *= (size_t)shape[d];
  DUST_TRY(dust_alloc(out, bytes));
  hid_t type = H5Dget_type(dataset), memory_type = type < 0 ? -1 : dust_h5_memory_type(type, s->dtype, false);
  hid_t space = H5Dget_space(dataset), memory = s->ndim ? H5Screate_simple(s->ndim, shape, NULL) : H5Screate(H5S_SCALAR);
  bool fine = memory_type >= 0 && space >= 0 && memory >= 0 &&
              (s->ndim == 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, begin, NULL, shape, NULL) >= 0) &&
              H5Dread(dataset, memory_type, memory, space, H5P_DEFAULT, *out) >= 0;
  dust_status status = fine ? DUST_OK : dust_h5_fail_transfer(file, "reading (for its checksum)", s->name, dataset);
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  if (memory_type >= 0) H5Tclose(memory_type);
  if (type >= 0) H5Tclose(type);
  if (!fine) dust_free(*out), *out = NULL;
  return status;
}

/* ---- which boxes were written */

static bool meet(int ndim, const box *a, const box *b) {
  for (int d = 0; d < ndim; d++)
    if (a->begin[d] >= b->begin[d] + b->shape[d] || b->begin[d] >= a->begin[d] + a->shape[d]) return false;
  return true;
}

/* Whether they are one box together, which *a becomes. */
static bool join(int ndim, box *a, const box *b) {
  int along = -1;
  for (int d = 0; d < ndim; d++) {
    if (a->begin[d] == b->begin[d] && a->shape[d] == b->shape[d]) continue;
    if (along >= 0 || (a->begin[d] + a->shape[d] != b->begin[d] && b->begin[d] + b->shape[d] != a->begin[d])) return false;
    along = d;
  }
  if (along < 0) return true;
  if (b->begin[along] < a->begin[along]) a->begin[along] = b->begin[along];
  a->shape[along] += b->shape[along];
  return true;
}

static void note_written(dust_h5_sum *s) {
  box grown = s->now;
  for (int i = s->count - 1; i >= 0; i--)
    if (join(s->ndim, &grown, &s->written[i])) {
      s->written[i] = s->written[--s->count];
      i = s->count; /* what it has become may adjoin any */
    }
  if (s->count == MOST_BOXES)
    s->reads = true;
  else
    s->written[s->count++] = grown;
}

static bool is_whole(const dust_h5_sum *s) {
  if (s->reads || s->count != 1) return false;
  for (int d = 0; d < s->ndim; d++)
    if (s->written[0].shape[d] != s->extent[d]) return false;
  return true;
}

/* ---- the attribute */

/* The attribute's value; false: it has none. */
static bool get(uint32_t *out, hid_t dataset) {
  if (H5Aexists(dataset, ATTRIBUTE) <= 0) return false;
  hid_t id = H5Aopen(dataset, ATTRIBUTE, H5P_DEFAULT);
  bool fine = id >= 0 && H5Aread(id, H5T_NATIVE_UINT32, out) >= 0;
  if (id >= 0) H5Aclose(id);
  return fine;
}

static dust_status put(dust_hdf5 *file, dust_h5_sum *s, hid_t dataset) {
  uint32_t value = dust_crc32c_finish(s->bare, s->bytes);
  htri_t there = H5Aexists(dataset, ATTRIBUTE);
  bool fine = there >= 0;
  if (s->unsure || s->lost) {
    if (there > 0) fine = H5Adelete(dataset, ATTRIBUTE) >= 0;
  } else if (fine) {
    hid_t space = H5Screate(H5S_SCALAR), id = -1;
    if (space >= 0) id = there ? H5Aopen(dataset, ATTRIBUTE, H5P_DEFAULT) : H5Acreate2(dataset, ATTRIBUTE, H5T_STD_U32LE, space, H5P_DEFAULT, H5P_DEFAULT);
    fine = id >= 0 && H5Awrite(id, H5T_NATIVE_UINT32, &value) >= 0;
    if (id >= 0 && H5Aclose(id) < 0) fine = false;
    if (space >= 0) H5Sclose(space);
  }
  s->changed = false;
  return fine ? DUST_OK : dust_h5_fail(file, "writing attribute 'crc32c' of", s->name);
}

dust_status dust_h5_sums_put(dust_hdf5 *file) {
  for (dust_h5_sum *s = file->sums; s; s = s->next) {
    hid_t dataset;
    if (!s->changed) continue;
    DUST_TRY(dust_h5_dataset(&dataset, file, s->name));
    DUST_TRY(put(file, s, dataset));
  }
  return DUST_OK;
}

/* ---- boxes that are written */

dust_status dust_h5_sum_before(dust_hdf5 *file, const char *clean, hid_t dataset, hid_t type, int ndim, const int64_t *begin,
                               const int64_t *shape) {
  dust_h5_sum *s = find(file, clean);
  uint32_t value;
  if (!s) {
    int64_t extent[DUST_HDF5_MAXDIM];
    int axes;
    if (!get(&value, dataset) || dust_h5_shape(dataset, &axes, extent) != DUST_OK || axes != ndim) return DUST_OK;
    DUST_TRY(add(&s, file, clean, dust_h5_dtype(type, NULL, 0), ndim, extent));
    s->bare = dust_crc32c_finish(value, s->bytes);
    s->reads = true;
  }
  for (int d = 0; d < ndim; d++) s->now.begin[d] = begin[d], s->now.shape[d] = shape[d];
  bool reads = s->reads;
  for (int i = 0; i < s->count && !reads; i++) reads = meet(ndim, &s->now, &s->written[i]);
  s->lost |= s->unsure;
  s->unsure = s->changed = true;
  if (!reads) return DUST_OK;
  void *old;
  DUST_TRY(read_now(&old, file, s, dataset));
  s->bare ^= value_of(s, old);
  s->reads = true; /* the boxes don't tell any more what is zero still */
  dust_free(old);
  return DUST_OK;
}

dust_status dust_h5_sum_after(dust_hdf5 *file, const char *clean, hid_t dataset, const void *elements) {
  dust_h5_sum *s = find(file, clean);
  void *now = NULL;
  if (!s) return DUST_OK;
  if (!elements) {
    DUST_TRY(read_now(&now, file, s, dataset));
    elements = now;
  }
  s->bare ^= value_of(s, elements);
  dust_free(now);
  s->unsure = false;
  if (!s->reads) note_written(s);
  if (!is_whole(s)) return DUST_OK;
  dust_status status = put(file, s, dataset);
  drop(file, s);
  return status;
}

void dust_h5_sums_moved(dust_hdf5 *file, const char *from, const char *to) {
  size_t length = strlen(from);
  char moved[DUST_HDF5_NAME];
  for (dust_h5_sum *s = file->sums, *next; s; s = next) {
    next = s->next;
    if (strncmp(s->name, from, length) != 0 || (s->name[length] && s->name[length] != '/')) continue;
    if (strlen(to) + strlen(s->name + length) >= DUST_HDF5_NAME)
      drop(file, s); /* nobody can ask for it by that name */
    else {
      strcpy(moved, to), strcat(moved, s->name + length);
      strcpy(s->name, moved);
    }
  }
}

void dust_h5_sums_release(dust_hdf5 *file) {
  while (file->sums) drop(file, file->sums);
}
