/* Three passes: masks are multiplied into the weights (float32, as upstream's), each slab's voxels are counted, each slab's
 * weights are scaled. Where classes are few and masks say yes or no, bytes that say both at once (balance_codes.h) take the place of
 * the first.
 *
 * Counting keeps one row of partial sums a chunk, added up in chunk order:  [ masked | class 0 | class 1 | … ]
 */
#include "kernel/balance.h"

#include <inttypes.h>
#include <string.h>
#include "base/clones.h"
#include "base/fetch.h"
#include "base/mem.h"
#include "kernel/balance_codes.h"
#include "kernel/balance_labels.h"
#include "kernel/blocks.h"
#include "kernel/slab.h"

typedef struct balance_pass {
  dust_dtype labels, mask;
  bool masked; /* the array of weights holds the product of the masks; else nothing yet, and the product is 1 */
  bool coded;  /* labels are codes: some may be DUST_BALANCE_NONE */
  int64_t classes;
  double *partial;
  const double *weight; /* by class */
} balance_pass;

/* ---- masks */

static void multiply_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const balance_pass *pass = context;
  float buffer[DUST_BLOCK], *out = (float *)(void *)pointer[0];
  const float *mask = dust_block_floats(buffer, pointer[1], rows->stride[1], pass->mask, n);
  for (size_t i = 0; i < n; i++) out[i] *= mask[i];
}

/* The first mask. */
static void copy_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const balance_pass *pass = context;
  dust_row_to_float((float *)(void *)pointer[0], pointer[1], rows->stride[1], pass->mask, n);
}

static dust_status mask_into(const dust_ndarray *out, const dust_ndarray *mask, dust_block_body body, dust_pool *pool) {
  dust_ndarray wide = {0};
  dust_rows rows;
  dust_status status;
  balance_pass pass = {.mask = mask->dtype};
  DUST_GO(dust_balance_fit_mask(&wide, mask, out, pool));
  DUST_GO(dust_rows_init(&rows, 2, (const dust_ndarray *[]){out, &wide}));
  DUST_GO(dust_blocks_run(&rows, pool, body, &pass));
done:
  dust_ndarray_release(&wide);
  return status;
}

static dust_status masks_into(const dust_ndarray *out, const dust_balance_options *options, dust_pool *pool) {
  for (int m = 0; m < options->masks; m++) DUST_TRY(mask_into(out, options->mask[m], m ? multiply_block : copy_block, pool));
  return DUST_OK;
}

/* ---- slabs. Weights lie in rows of a C-order array, but a slab of one voxel along the last axis makes rows with a stride. */

/* Labels of one byte as bytes, others as 64-bit ids. They are below `classes`. */
typedef struct ids {
  const uint8_t *byte; /* or NULL */
  const uint64_t *id;
} ids;

static ids load_ids(uint64_t *buffer, const dust_rows *rows, const char *pointer, dust_dtype dtype, size_t n) {
  if (dust_dtype_size(dtype) == 1) {
    uint8_t *byte = (uint8_t *)buffer;
    if (rows->stride[1] == 1) return (ids){.byte = (const uint8_t *)pointer};
    for (size_t i = 0; i < n; i++) byte[i] = (uint8_t)pointer[(int64_t)i * rows->stride[1]];
    return (ids){.byte = byte};
  }
  return (ids){.id = dust_block_labels(buffer, pointer, rows->stride[1], dtype, n)};
}

/* Neighbouring voxels count in tables of their own: adding to one place again and again waits for the last addition each time. */
enum { TABLES = 4, FEW = 256 };

#define COUNT(type)                                                                                                                  \
  static void count_##type(double *restrict seen, const type *restrict id, const float *restrict scale, size_t n, int64_t classes) { \
    uint32_t table[TABLES][FEW];                                                                                                     \
    for (int t = 0; t < TABLES; t++) memset(table[t], 0, (size_t)classes * sizeof table[t][0]);                                      \
    if (scale)                                                                                                                       \
      for (size_t i = 0; i < n; i++) table[i % TABLES][id[i]] += scale[i] != 0;                                                      \
    else                                                                                                                             \
      for (size_t i = 0; i < n; i++) table[i % TABLES][id[i]]++;                                                                     \
    for (int64_t k = 0; k < classes; k++)                                                                                            \
      for (int t = 0; t < TABLES; t++) seen[k] += table[t][k];                                                                       \
  }
COUNT(uint8_t)
COUNT(uint64_t)

enum { HANDFUL = 8, LANES = 64, AHEAD = 2048 }; /* few classes are looked for and weighed many voxels at once; bytes */

/* Codes that aren't DUST_BALANCE_NONE are classes. */
static void count_codes(double *partial, const uint8_t *code, size_t n, int64_t classes) {
  double seen[HANDFUL] = {0};
  dust_balance_count_bytes(seen, code, n, classes);
  for (int64_t k = 0; k < classes; k++) partial[0] += seen[k], partial[1 + k] += seen[k];
}

/* Labels where the scale isn't 0, elsewhere one that is none of a handful. */
DUST_CLONED(void, mask_ids, (uint8_t *restrict out, const uint8_t *restrict id, const float *restrict scale, size_t n),
            (out, id, scale, n)) {
  for (size_t i = 0; i < n; i++) out[i] = scale[i] != 0 ? id[i] : UINT8_MAX;
}

static void count_many(double *restrict seen, const ids *in, const float *restrict scale, size_t n) {
  for (size_t i = 0; i < n; i++) seen[in->byte ? in->byte[i] : in->id[i]] += !scale || scale[i] != 0;
}

/* In interleaved partial sums, as reduce.c does. */
DUST_CLONED(double, sum_row, (const float *x, size_t n), (x, n)) {
  double lane[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; k++) lane[k] += x[i + k];
  for (; i < n; i++) lane[0] += x[i];
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static void count_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const balance_pass *pass = context;
  uint64_t buffer[DUST_BLOCK];
  float scale_buffer[DUST_BLOCK];
  const float *scale = pass->masked ? dust_block_floats(scale_buffer, pointer[0], rows->stride[0], DUST_FLOAT32, n) : NULL;
  ids in = load_ids(buffer, rows, pointer[1], pass->labels, n);
  double *partial = pass->partial + chunk * (size_t)(pass->classes + 1);
  if (pass->coded) {
    count_codes(partial, in.byte, n, pass->classes);
    return;
  }
  partial[0] += scale ? sum_row(scale, n) : (double)n;
  if (pass->classes <= HANDFUL && in.byte) {
    uint8_t masked[DUST_BLOCK];
    if (scale) mask_ids(masked, in.byte, scale, n);
    dust_balance_count_bytes(partial + 1, scale ? masked : in.byte, n, pass->classes);
  } else if (pass->classes > FEW)
    count_many(partial + 1, &in, scale, n);
  else if (in.byte)
    count_uint8_t(partial + 1, in.byte, scale, n, pass->classes);
  else
    count_uint64_t(partial + 1, in.id, scale, n, pass->classes);
}

static dust_status count_slab(balance_pass *pass, const dust_rows *rows, dust_balance_count *count, double *seen, dust_pool *pool) {
  size_t chunks = dust_blocks_chunks(rows), width = (size_t)pass->classes + 1;
  dust_status status;
  if (chunks > SIZE_MAX / 8 / width) return dust_fail(DUST_ERROR_MEMORY, "%" PRId64 " classes are too many to count", pass->classes);
  DUST_GO(dust_calloc((void **)&pass->partial, chunks * width, sizeof(double)));
  DUST_GO(dust_blocks_run(rows, pool, count_block, pass));
  for (int64_t k = 0; k < pass->classes; k++) {
    seen[k] = 0;
    for (size_t c = 0; c < chunks; c++) {
      count[k].den += pass->partial[c * width];
      seen[k] += pass->partial[c * width + 1 + (size_t)k];
    }
    count[k].num += seen[k];
  }
done:
  dust_free(pass->partial);
  pass->partial = NULL;
  return status;
}

DUST_CLONED(void, weigh_handful, (float *restrict out, const uint8_t *restrict id, const double *weight, size_t n, int64_t classes),
            (out, id, weight, n, classes)) {
  float w[HANDFUL] = {0};
  for (int64_t k = 0; k < classes; k++) w[k] = (float)weight[k];
  for (size_t begin = 0, end; begin < n; begin = end) {
    end = n - begin < LANES ? n : begin + LANES;
    dust_fetch(out + begin, AHEAD, LANES * sizeof *out);
    for (size_t i = begin; i < end; i++) {
      float a = id[i] & 1 ? w[1] : w[0], b = id[i] & 1 ? w[3] : w[2], c = id[i] & 1 ? w[5] : w[4], d = id[i] & 1 ? w[7] : w[6];
      float low = id[i] & 2 ? b : a, high = id[i] & 2 ? d : c;
      out[i] = id[i] & 4 ? high : low;
    }
  }
}

/* The same for two, and 0 for none of them. */
DUST_CLONED(void, weigh_pair, (float *restrict out, const uint8_t *restrict id, float first, float second, size_t n),
            (out, id, first, second, n)) {
  for (size_t i = 0; i < n; i++) {
    float other = id[i] == 1 ? second : 0;
    out[i] = id[i] == 0 ? first : other;
  }
}

DUST_CLONED(void, scale_handful, (float *restrict scale, const uint8_t *restrict id, const double *weight, size_t n, int64_t classes),
            (scale, id, weight, n, classes)) {
  double w[HANDFUL] = {0};
  for (int64_t k = 0; k < classes; k++) w[k] = weight[k];
  for (size_t i = 0; i < n; i++) {
    double a = id[i] & 1 ? w[1] : w[0], b = id[i] & 1 ? w[3] : w[2], c = id[i] & 1 ? w[5] : w[4], d = id[i] & 1 ? w[7] : w[6];
    double low = id[i] & 2 ? b : a, high = id[i] & 2 ? d : c;
    scale[i] = (float)(scale[i] * (id[i] & 4 ? high : low));
  }
}

static void weigh_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const balance_pass *pass = context;
  const double *weight = pass->weight;
  uint64_t buffer[DUST_BLOCK];
  float strided[DUST_BLOCK];
  ids in = load_ids(buffer, rows, pointer[1], pass->labels, n);
  bool straight = rows->stride[0] == sizeof(float), masked = pass->masked, handful = pass->classes <= HANDFUL && in.byte;
  float *to = straight ? (float *)(void *)pointer[0] : strided;
  if (masked && !straight) dust_row_to_float(strided, pointer[0], rows->stride[0], DUST_FLOAT32, n);
  if (handful && masked)
    scale_handful(to, in.byte, weight, n, pass->classes);
  else if (handful && pass->classes == 2)
    weigh_pair(to, in.byte, (float)weight[0], (float)weight[1], n);
  else if (handful)
    weigh_handful(to, in.byte, weight, n, pass->classes);
  else
    for (size_t i = 0; i < n; i++) to[i] = (float)((masked ? to[i] : 1) * weight[in.byte ? in.byte[i] : in.id[i]]);
  if (!straight) dust_row_from_float(pointer[0], rows->stride[0], DUST_FLOAT32, strided, n);
}

/* weight[k] = 1 / classes / fraction of k, 0 for a class that isn't in the slab. */
static void class_weights(double *weight, const double *seen, const dust_balance_count *count, const dust_balance_options *options) {
  for (int64_t k = 0; k < options->classes; k++) {
    double fraction = count[k].num / count[k].den;
    if (fraction < options->clipmin) fraction = options->clipmin;
    if (fraction > options->clipmax) fraction = options->clipmax;
    weight[k] = seen[k] > 0 ? 1.0 / (double)options->classes / fraction : 0;
  }
}

static dust_status one_slab(const dust_ndarray *out, const dust_ndarray *labels, const dust_balance_options *options, bool coded,
                            dust_balance_count *count, double *seen, double *weight, dust_pool *pool) {
  dust_rows rows;
  balance_pass pass = {
      .labels = labels->dtype, .masked = options->masks > 0 && !coded, .coded = coded, .classes = options->classes, .weight = weight};
  DUST_TRY(dust_rows_init(&rows, 2, (const dust_ndarray *[]){out, labels}));
  DUST_TRY(count_slab(&pass, &rows, count, seen, pool));
  class_weights(weight, seen, count, options);
  return dust_blocks_run(&rows, pool, weigh_block, &pass);
}

static dust_status all_slabs(const dust_ndarray *out, const dust_ndarray *labels, const dust_balance_options *options,
                             const dust_slabs *slabs, bool coded, dust_balance_count *count, dust_pool *pool) {
  dust_ndarray part_out = {0}, part_labels = {0};
  double *seen = NULL, *weight = NULL;
  dust_status status;
  DUST_GO(dust_calloc((void **)&seen, (size_t)options->classes, sizeof *seen));
  DUST_GO(dust_calloc((void **)&weight, (size_t)options->classes, sizeof *weight));
  for (int64_t s = 0; s < slabs->count; s++) {
    DUST_GO(dust_slabs_view(&part_out, slabs, out, s));
    DUST_GO(dust_slabs_view(&part_labels, slabs, labels, s));
    DUST_GO(one_slab(&part_out, &part_labels, options, coded, count + s * options->classes, seen, weight, pool));
    dust_ndarray_release(&part_out);
    dust_ndarray_release(&part_labels);
  }
  status = DUST_OK;
done:
  dust_ndarray_release(&part_out);
  dust_ndarray_release(&part_labels);
  dust_free(seen);
  dust_free(weight);
  return status;
}

dust_status dust_balance_weights(dust_ndarray *out, const dust_ndarray *labels, const dust_balance_options *options,
                                 dust_balance_count *count, dust_pool *pool) {
  dust_slabs slabs;
  if (dust_dtype_is_float(labels->dtype))
    return dust_fail(DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not %s: use :astype", dust_dtype_name(labels->dtype));
  if (options->classes < 1) return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " classes: there must be at least one", options->classes);
  if (!(options->clipmin <= options->clipmax))
    return dust_fail(DUST_ERROR_ARGUMENT, "clipmin %g is above clipmax %g", options->clipmin, options->clipmax);
  DUST_TRY(dust_slabs_make(&slabs, labels, options->slab_ndim, options->slab));
  if (options->positive && options->classes != 2) return dust_fail(DUST_ERROR_ARGUMENT, "what is positive and what isn't are two classes");
  if (!options->positive) DUST_TRY(dust_balance_check(labels, options->classes, pool));
  dust_ndarray made = {0}, codes = {0};
  bool coded = false;
  dust_status status;
  DUST_GO(dust_ndarray_empty(&made, DUST_FLOAT32, labels->ndim, labels->shape));
  DUST_GO(dust_balance_codes(&codes, &coded, labels, options, pool));
  if (!coded) DUST_GO(masks_into(&made, options, pool));
  DUST_GO(all_slabs(&made, codes.buffer ? &codes : labels, options, &slabs, coded, count, pool));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_ndarray_release(&codes);
  dust_ndarray_release(&made);
  return status;
}
