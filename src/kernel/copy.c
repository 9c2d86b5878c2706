/* Movement: items of 1, 2, 4 or 8 bytes are moved, whatever they mean; only a change of dtype looks inside. */
#include "kernel/copy.h"

#include <string.h>
#include "kernel/blocks.h"

typedef struct fill_job {
  size_t size;
  unsigned char item[8];
  bool same_bytes; /* all bytes of the item are equal: memset does it */
} fill_job;

#define FILL_LOOP(type)                                                                 \
  do {                                                                                  \
    type item;                                                                          \
    memcpy(&item, job->item, sizeof item);                                              \
    for (size_t i = 0; i < n; i++) memcpy(p + (int64_t)i * stride, &item, sizeof item); \
  } while (0)

static void fill_strided(const fill_job *job, char *p, int64_t stride, size_t n) {
  switch (job->size) {
    case 1: FILL_LOOP(uint8_t); break;
    case 2: FILL_LOOP(uint16_t); break;
    case 4: FILL_LOOP(uint32_t); break;
    default: FILL_LOOP(uint64_t);
  }
}

#define FILL_PACKED(type)                         \
  do {                                            \
    type item, *out = (type *)(void *)p;          \
    memcpy(&item, job->item, sizeof item);        \
    for (size_t i = 0; i < n; i++) out[i] = item; \
  } while (0)

static void fill_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const fill_job *job = context;
  char *p = pointer[0];
  if (rows->stride[0] != (int64_t)job->size || (uintptr_t)p % job->size != 0)
    fill_strided(job, p, rows->stride[0], n);
  else if (job->same_bytes)
    memset(p, job->item[0], n * job->size);
  else if (job->size == 2)
    FILL_PACKED(uint16_t);
  else if (job->size == 4)
    FILL_PACKED(uint32_t);
  else
    FILL_PACKED(uint64_t);
}

dust_status dust_fill_array(const dust_ndarray *array, const dust_scalar *value, dust_pool *pool) {
  fill_job job = {.size = dust_dtype_size(array->dtype)};
  dust_rows rows;
  dust_scalar_store(job.item, array->dtype, value);
  job.same_bytes = memcmp(job.item, job.item + 1, job.size - 1) == 0;
  dust_rows_init_any_order(&rows, array);
  return dust_blocks_run(&rows, pool, fill_block, &job);
}

dust_status dust_copy_array(const dust_ndarray *out, const dust_ndarray *in, dust_pool *pool) {
  dust_ndarray spread = {0};
  DUST_TRY(dust_ndarray_broadcast(&spread, in, out->ndim, out->shape));
  dust_status status = dust_ndarray_assign(out, &spread, pool);
  dust_ndarray_release(&spread);
  return status;
}

dust_status dust_cast_array(dust_ndarray *out, const dust_ndarray *in, dust_dtype dtype, dust_pool *pool) {
  dust_ndarray made = {0};
  if (dtype == in->dtype) {
    dust_ndarray_share(out, in);
    return DUST_OK;
  }
  DUST_TRY(dust_ndarray_empty(&made, dtype, in->ndim, in->shape));
  dust_status status = dust_copy_array(&made, in, pool);
  if (status == DUST_OK)
    *out = made;
  else
    dust_ndarray_release(&made);
  return status;
}
