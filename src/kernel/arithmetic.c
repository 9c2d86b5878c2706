/* Arithmetic in three families: float, double, and 64-bit integers through 128 bits, where nothing that two 64-bit operands give
 * but a product overflows. */
#include "kernel/arithmetic.h"

#include <math.h>
#include <string.h>
#include "kernel/blocks.h"

typedef __int128 wide; /* gcc and clang have it on every 64-bit machine */

typedef enum family { FAMILY_FLOAT, FAMILY_DOUBLE, FAMILY_WIDE } family;

typedef struct job {
  dust_arithmetic_op op;
  dust_dtype out;
  struct side {
    int array; /* position among the rows' arrays; 0: the number */
    dust_dtype dtype;
    dust_scalar number;
  } side[2];
} job;

/* ---- float and double */
#define LOOP(expression) \
  for (size_t i = 0; i < n; i++) out[i] = (expression)

#define COMPUTE(name, type, power)                                                                      \
  static void name(dust_arithmetic_op op, type *restrict out, const type *a, const type *b, size_t n) { \
    switch (op) {                                                                                       \
      case DUST_OP_ADD: LOOP(a[i] + b[i]); break;                                                       \
      case DUST_OP_SUBTRACT: LOOP(a[i] - b[i]); break;                                                  \
      case DUST_OP_MULTIPLY: LOOP(a[i] * b[i]); break;                                                  \
      case DUST_OP_DIVIDE: LOOP(a[i] / b[i]); break;                                                    \
      default: LOOP(power(a[i], b[i]));                                                                 \
    }                                                                                                   \
  }
COMPUTE(compute_float, float, powf)
COMPUTE(compute_double, double, pow)

static const float *load_float(float *buffer, const struct side *side, const dust_rows *rows, char *const *pointer, size_t n) {
  if (side->array) return dust_block_floats(buffer, pointer[side->array], rows->stride[side->array], side->dtype, n);
  for (size_t i = 0; i < n; i++) buffer[i] = (float)side->number.number;
  return buffer;
}

static const double *load_double(double *buffer, const struct side *side, const dust_rows *rows, char *const *pointer, size_t n) {
  if (side->array) return dust_block_doubles(buffer, pointer[side->array], rows->stride[side->array], side->dtype, n);
  for (size_t i = 0; i < n; i++) buffer[i] = side->number.number;
  return buffer;
}

static void block_float(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const job *j = context;
  float a[DUST_BLOCK], b[DUST_BLOCK];
  const float *x = load_float(a, &j->side[0], rows, pointer, n), *y = load_float(b, &j->side[1], rows, pointer, n);
  compute_float(j->op, (float *)(void *)pointer[0], x, y, n); /* the output is our own: packed and aligned */
}

static void block_double(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const job *j = context;
  double a[DUST_BLOCK], b[DUST_BLOCK], out[DUST_BLOCK];
  const double *x = load_double(a, &j->side[0], rows, pointer, n), *y = load_double(b, &j->side[1], rows, pointer, n);
  compute_double(j->op, out, x, y, n);
  dust_row_from_double(pointer[0], (ptrdiff_t)rows->stride[0], j->out, out, n);
}

/* ---- 64-bit integers */
static wide limit(bool is_signed, bool upper) {
  if (is_signed) return upper ? (wide)INT64_MAX : (wide)INT64_MIN;
  return upper ? (wide)UINT64_MAX : 0;
}

static uint64_t saturate(wide value, bool is_signed) {
  if (value > limit(is_signed, true)) value = limit(is_signed, true);
  if (value < limit(is_signed, false)) value = limit(is_signed, false);
  return (uint64_t)value;
}

static wide multiply(wide a, wide b) {
  wide product;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) == (b < 0) ? (wide)UINT64_MAX : -(wide)UINT64_MAX; /* far beyond either type's limits: saturates there */
}

/* base ^ exponent, held within what saturates. A negative exponent gives a fraction, which rounds to 0 unless base is 1, -1 or 0
 * (infinite). */
static wide power(wide base, wide exponent) {
  if (exponent < 0) {
    if (base == 0) return (wide)UINT64_MAX;
    return base == 1 || (base == -1 && exponent % 2 == 0) ? 1 : base == -1 ? -1 : 0;
  }
  wide result = 1;
  bool negative = base < 0 && exponent % 2 != 0;
  if (base < 0) base = -base;
  for (; exponent > 0 && base != 1; exponent >>= 1) {
    if (exponent & 1) result = multiply(result, base);
    if (result > (wide)UINT64_MAX) result = (wide)UINT64_MAX;
    if (result == 0 || (result == (wide)UINT64_MAX && base > 0)) break;
    base = multiply(base, base);
    if (base > (wide)UINT64_MAX) base = (wide)UINT64_MAX;
  }
  return negative ? -result : result;
}

static wide compute_wide(dust_arithmetic_op op, wide a, wide b) {
  switch (op) {
    case DUST_OP_ADD: return a + b;
    case DUST_OP_SUBTRACT: return a - b;
    case DUST_OP_MULTIPLY: return multiply(a, b);
    default: return power(a, b);
  }
}

static wide widen(uint64_t bits, bool is_signed) { return is_signed ? (wide)(int64_t)bits : (wide)bits; }

static const uint64_t *load_wide(uint64_t *buffer, const struct side *side, const dust_rows *rows, char *const *pointer, size_t n) {
  if (side->array) return dust_block_labels(buffer, pointer[side->array], rows->stride[side->array], side->dtype, n);
  for (size_t i = 0; i < n; i++) buffer[i] = (uint64_t)side->number.integer;
  return buffer;
}

static void block_wide(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk) {
  const job *j = context;
  uint64_t a[DUST_BLOCK], b[DUST_BLOCK], *out = (uint64_t *)(void *)pointer[0];
  const uint64_t *x = load_wide(a, &j->side[0], rows, pointer, n), *y = load_wide(b, &j->side[1], rows, pointer, n);
  bool x_signed = !j->side[0].array || dust_dtype_is_signed(j->side[0].dtype),
       y_signed = !j->side[1].array || dust_dtype_is_signed(j->side[1].dtype);
  bool is_signed = dust_dtype_is_signed(j->out);
  for (size_t i = 0; i < n; i++) out[i] = saturate(compute_wide(j->op, widen(x[i], x_signed), widen(y[i], y_signed)), is_signed);
}

/* ---- types */
static bool is_wide(dust_dtype dtype) { return dtype == DUST_UINT64 || dtype == DUST_INT64; }

static dust_dtype result_type(dust_arithmetic_op op, const dust_operand *a, const dust_operand *b) {
  dust_dtype x = a->array ? a->array->dtype : b->array->dtype, y = b->array ? b->array->dtype : x;
  if (op != DUST_OP_DIVIDE || dust_dtype_is_float(x) || dust_dtype_is_float(y)) return dust_dtype_promote(x, y);
  return is_wide(x) || is_wide(y) ? DUST_FLOAT64 : DUST_FLOAT32;
}

static bool fits_float(const dust_operand *o) {
  return !o->array || o->array->dtype == DUST_FLOAT32 || dust_dtype_size(o->array->dtype) <= 2;
}
static bool fits_wide(const dust_operand *o) { return o->array || o->number.is_integer; }

static family choose(dust_dtype out, const dust_operand *a, const dust_operand *b) {
  if (out == DUST_FLOAT32 && fits_float(a) && fits_float(b)) return FAMILY_FLOAT;
  return is_wide(out) && fits_wide(a) && fits_wide(b) ? FAMILY_WIDE : FAMILY_DOUBLE;
}

/* ---- shapes */
static int64_t extent(const dust_ndarray *a, int ndim, int axis) {
  int own = axis - (ndim - a->ndim);
  return own < 0 ? 1 : a->shape[own];
}

dust_status dust_broadcast_shape(int *ndim, int64_t *shape, const dust_ndarray *a, const dust_ndarray *b) {
  char one[192], other[192];
  *ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
  for (int d = 0; d < *ndim; d++) {
    int64_t x = extent(a, *ndim, d), y = extent(b, *ndim, d);
    if (x != y && x != 1 && y != 1) {
      dust_shape_format(one, sizeof one, a->ndim, a->shape);
      dust_shape_format(other, sizeof other, b->ndim, b->shape);
      return dust_fail(DUST_ERROR_ARGUMENT, "arrays of shapes %s and %s don't go together: each axis must agree or be 1", one, other);
    }
    shape[d] = x == 1 ? y : x;
  }
  return DUST_OK;
}

static dust_status make_output(dust_ndarray *out, dust_dtype dtype, const dust_operand *a, const dust_operand *b) {
  const dust_ndarray *first = a->array ? a->array : b->array, *second = b->array ? b->array : first;
  int64_t shape[DUST_MAXDIM];
  int ndim;
  DUST_TRY(dust_broadcast_shape(&ndim, shape, first, second));
  return dust_ndarray_empty(out, dtype, ndim, shape);
}

dust_status dust_arithmetic(dust_ndarray *out, dust_arithmetic_op op, const dust_operand *a, const dust_operand *b, dust_pool *pool) {
  static const dust_block_body bodies[] = {block_float, block_double, block_wide};
  const dust_operand *operand[2] = {a, b};
  dust_ndarray made = {0}, spread[2] = {{0}, {0}};
  const dust_ndarray *array[3] = {&made};
  dust_rows rows;
  dust_status status;
  int arrays = 1;
  job j = {.op = op, .out = result_type(op, a, b)};
  DUST_GO(make_output(&made, j.out, a, b));
  for (int k = 0; k < 2; k++) {
    j.side[k].number = operand[k]->number;
    if (!operand[k]->array) continue;
    DUST_GO(dust_ndarray_broadcast(&spread[k], operand[k]->array, made.ndim, made.shape));
    j.side[k].dtype = operand[k]->array->dtype;
    j.side[k].array = arrays;
    array[arrays++] = &spread[k];
  }
  DUST_GO(dust_rows_init(&rows, arrays, array));
  DUST_GO(dust_blocks_run(&rows, pool, bodies[choose(j.out, a, b)], &j));
  *out = made;
  made.buffer = NULL;
done:
  dust_ndarray_release(&spread[0]);
  dust_ndarray_release(&spread[1]);
  dust_ndarray_release(&made);
  return status;
}
