/* Comparisons in families: bytes and float among themselves, double (exact for everything up to 32 bits and for floats), int64,
 * uint64, and mixed signs through 128 bits. A number that no 64-bit integer can equal is turned into the comparison that says the same with one that can:
 * a < 2.5 is a <= 2.
 */
#include "kernel/compare.h"

#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"
#include "kernel/blocks.h"

typedef __int128 wide;

typedef enum family { FAMILY_BYTE, FAMILY_FLOAT, FAMILY_DOUBLE, FAMILY_SIGNED, FAMILY_UNSIGNED, FAMILY_MIXED, FAMILY_CONSTANT } family;

typedef struct plan {
  family family;
  dust_compare_op op;
  dust_dtype a, b;
  bool has_b; /* b is an array, the rows' last */
  double number;
  uint64_t bits;
  uint8_t constant;
} plan;

/* ---- one piece */
#define LOOP(operator_) \
  for (size_t i = 0; i < n; i++) out[i] = x[i] operator_ y[i]

#define COMPARE(name, type)                                                                                                          \
  DUST_CLONED(void, name, (dust_compare_op op, uint8_t *restrict out, const type *x, const type *y, size_t n), (op, out, x, y, n)) { \
    switch (op) {                                                                                                                    \
      case DUST_OP_EQ: LOOP(==); break;                                                                                              \
      case DUST_OP_NE: LOOP(!=); break;                                                                                              \
      case DUST_OP_LT: LOOP(<); break;                                                                                               \
      case DUST_OP_LE: LOOP(<=); break;                                                                                              \
      case DUST_OP_GT: LOOP(>); break;                                                                                               \
      default: LOOP(>=);                                                                                                             \
    }                                                                                                                                \
  }
COMPARE(compare_byte, uint8_t)
COMPARE(compare_float, float)
COMPARE(compare_double, double)
COMPARE(compare_signed, int64_t)
COMPARE(compare_unsigned, uint64_t)
COMPARE(compare_wide, wide)

static const uint8_t *load_bytes(uint8_t *buffer, const char *in, int64_t stride, size_t n) {
  if (stride == 1) return (const uint8_t *)in;
  dust_row_cast(buffer, 1, DUST_UINT8, in, (ptrdiff_t)stride, DUST_UINT8, n);
  return buffer;
}

static void piece_byte(const plan *p, uint8_t *out, const char *a, int64_t a_stride, const char *b, int64_t b_stride, size_t n) {
  uint8_t left[DUST_BLOCK], right[DUST_BLOCK];
  const uint8_t *x = load_bytes(left, a, a_stride, n), *y = right;
  if (p->has_b)
    y = load_bytes(right, b, b_stride, n);
  else
    memset(right, (int)p->number, n);
  compare_byte(p->op, out, x, y, n);
}

static void piece_float(const plan *p, uint8_t *out, const char *a, int64_t a_stride, const char *b, int64_t b_stride, size_t n) {
  float left[DUST_BLOCK], right[DUST_BLOCK];
  const float *x = dust_block_floats(left, a, a_stride, p->a, n), *y = right;
  if (p->has_b)
    y = dust_block_floats(right, b, b_stride, p->b, n);
  else
    for (size_t i = 0; i < n; i++) right[i] = (float)p->number;
  compare_float(p->op, out, x, y, n);
}

static void piece_double(const plan *p, uint8_t *out, const char *a, int64_t a_stride, const char *b, int64_t b_stride, size_t n) {
  double left[DUST_BLOCK], right[DUST_BLOCK];
  const double *x = dust_block_doubles(left, a, a_stride, p->a, n), *y = right;
  if (p->has_b)
    y = dust_block_doubles(right, b, b_stride, p->b, n);
  else
    for (size_t i = 0; i < n; i++) right[i] = p->number;
  compare_double(p->op, out, x, y, n);
}

static void widen(wide *out, const uint64_t *in, bool is_signed, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = is_signed ? (wide)(int64_t)in[i] : (wide)in[i];
}

static void piece_integer(const plan *p, uint8_t *out, const char *a, int64_t a_stride, const char *b, int64_t b_stride, size_t n) {
  uint64_t left[DUST_BLOCK], right[DUST_BLOCK];
  const uint64_t *x = dust_block_labels(left, a, a_stride, p->a, n), *y = right;
  if (p->has_b)
    y = dust_block_labels(right, b, b_stride, p->b, n);
  else
    for (size_t i = 0; i < n; i++) right[i] = p->bits;
  if (p->family == FAMILY_UNSIGNED)
    compare_unsigned(p->op, out, x, y, n);
  else if (p->family == FAMILY_SIGNED)
    compare_signed(p->op, out, (const int64_t *)x, (const int64_t *)y, n);
  else {
    wide x_wide[DUST_BLOCK], y_wide[DUST_BLOCK];
    widen(x_wide, x, dust_dtype_is_signed(p->a), n);
    widen(y_wide, y, dust_dtype_is_signed(p->b), n);
    compare_wide(p->op, out, x_wide, y_wide, n);
  }
}

/* `first` is the position of a among the rows' arrays; b follows it. */
static void piece(const plan *p, uint8_t *out, const dust_rows *rows, char *const *pointer, int first, size_t n) {
  const char *b = p->has_b ? pointer[first + 1] : NULL;
  int64_t b_stride = p->has_b ? rows->stride[first + 1] : 0;
  if (p->family == FAMILY_CONSTANT)
    memset(out, p->constant, n);
  else if (p->family == FAMILY_BYTE)
    piece_byte(p, out, pointer[first], rows->stride[first], b, b_stride, n);
  else if (p->family == FAMILY_FLOAT)
    piece_float(p, out, pointer[first], rows->stride[first], b, b_stride, n);
  else if (p->family == FAMILY_DOUBLE)
    piece_double(p, out, pointer[first], rows->stride[first], b, b_stride, n);
  else
    piece_integer(p, out, pointer[first], rows->stride[first], b, b_stride, n);
}

/* ---- plans */
static bool is_wide(dust_dtype dtype) { return dtype == DUST_UINT64 || dtype == DUST_INT64; }

static plan plan_arrays(dust_compare_op op, dust_dtype a, dust_dtype b) {
  plan p = {.op = op, .a = a, .b = b, .has_b = true, .family = FAMILY_DOUBLE};
  if (a == b && a == DUST_UINT8) p.family = FAMILY_BYTE;
  if (a == b && a == DUST_FLOAT32) p.family = FAMILY_FLOAT;
  if (dust_dtype_is_float(a) || dust_dtype_is_float(b) || (!is_wide(a) && !is_wide(b))) return p;
  if (dust_dtype_is_signed(a) != dust_dtype_is_signed(b))
    p.family = FAMILY_MIXED;
  else
    p.family = dust_dtype_is_signed(a) ? FAMILY_SIGNED : FAMILY_UNSIGNED;
  return p;
}

static void constant(plan *p, bool value) {
  p->family = FAMILY_CONSTANT;
  p->constant = value;
}

/* A fraction, NaN or a number beyond 64 bits against 64-bit integers. */
static void plan_beyond(plan *p, double number) {
  bool below = p->op == DUST_OP_LT || p->op == DUST_OP_LE, is_signed = p->family == FAMILY_SIGNED;
  double lowest = is_signed ? -0x1p63 : 0, end = is_signed ? 0x1p63 : 0x1p64, whole = floor(number);
  if (p->op == DUST_OP_EQ || p->op == DUST_OP_NE || isnan(number)) {
    bool representable = whole == number && number >= lowest && number < end;
    if (representable)
      p->bits = is_signed ? (uint64_t)(int64_t)number : (uint64_t)number;
    else
      constant(p, p->op == DUST_OP_NE);
    return;
  }
  if (whole < lowest)
    constant(p, !below);
  else if (whole >= end)
    constant(p, below);
  else {
    p->bits = is_signed ? (uint64_t)(int64_t)whole : (uint64_t)whole;
    if (whole != number) p->op = below ? DUST_OP_LE : DUST_OP_GT;
  }
}

static plan plan_number(dust_compare_op op, dust_dtype a, const dust_scalar *number) {
  plan p = {.op = op, .a = a, .family = FAMILY_DOUBLE, .number = number->number};
  if (a == DUST_UINT8 && number->is_integer && number->integer >= 0 && number->integer <= UINT8_MAX) p.family = FAMILY_BYTE;
  if (a == DUST_FLOAT32) p.family = FAMILY_FLOAT, p.number = (float)number->number;
  if (!is_wide(a)) return p;
  p.family = a == DUST_INT64 ? FAMILY_SIGNED : FAMILY_UNSIGNED;
  if (number->is_integer && !(a == DUST_INT64 && number->integer < 0 && number->number > 0))
    p.bits = (uint64_t)number->integer;
  else
    plan_beyond(&p, number->number);
  return p;
}

/* ---- whole arrays */
static void compare_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  piece(context, (uint8_t *)pointer[0], rows, pointer, 1, n);
}

dust_status dust_compare(dust_ndarray *out, dust_compare_op op, const dust_ndarray *a, const dust_operand *b, dust_pool *pool) {
  plan p = b->array ? plan_arrays(op, a->dtype, b->array->dtype) : plan_number(op, a->dtype, &b->number);
  dust_ndarray made = {0}, left = {0}, right = {0};
  int64_t shape[DUST_MAXDIM];
  int ndim;
  dust_rows rows;
  dust_status status;
  DUST_GO(dust_broadcast_shape(&ndim, shape, a, b->array ? b->array : a));
  DUST_GO(dust_ndarray_empty(&made, DUST_UINT8, ndim, shape));
  DUST_GO(dust_ndarray_broadcast(&left, a, ndim, shape));
  if (b->array) DUST_GO(dust_ndarray_broadcast(&right, b->array, ndim, shape));
  DUST_GO(dust_rows_init(&rows, b->array ? 3 : 2, (const dust_ndarray *[]){&made, &left, &right}));
  DUST_GO(dust_blocks_run(&rows, pool, compare_block, &p));
  *out = made;
  made.buffer = NULL;
done:
  dust_ndarray_release(&left);
  dust_ndarray_release(&right);
  dust_ndarray_release(&made);
  return status;
}

typedef struct count_job {
  plan plan;
  int64_t *partial; /* per chunk */
} count_job;

DUST_CLONED(uint32_t, add_up, (const uint8_t *mask, size_t n), (mask, n)) {
  uint32_t found = 0;
  for (size_t i = 0; i < n; i++) found += mask[i];
  return found;
}

static void count_block(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const count_job *job = context;
  uint8_t mask[DUST_BLOCK];
  piece(&job->plan, mask, rows, pointer, 0, n);
  job->partial[chunk] += add_up(mask, n);
}

dust_status dust_count_value(int64_t *out, const dust_ndarray *a, const dust_scalar *value, dust_pool *pool) {
  count_job job = {.plan = plan_number(DUST_OP_EQ, a->dtype, value)};
  dust_rows rows;
  void *partial = NULL;
  dust_rows_init_any_order(&rows, a);
  size_t chunks = dust_blocks_chunks(&rows);
  DUST_TRY(dust_calloc(&partial, chunks, sizeof *job.partial));
  job.partial = partial;
  dust_status status = dust_blocks_run(&rows, pool, count_block, &job);
  *out = 0;
  for (size_t c = 0; c < chunks; c++) *out += job.partial[c];
  dust_free(partial);
  return status;
}
