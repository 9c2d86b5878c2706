/* Arithmetic on coordinates, entry by entry, with every overflow caught. */
#include "volume/coordinate.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

dust_coordinate dust_coordinate_filled(int ndim, int64_t value) {
  dust_coordinate c = {.ndim = ndim};
  for (int d = 0; d < ndim; d++) c.value[d] = value;
  return c;
}

dust_coordinate dust_coordinate_unbounded(int ndim) { return (dust_coordinate){.ndim = ndim, .unbounded = (1u << ndim) - 1}; }

bool dust_coordinate_equal(const dust_coordinate *a, const dust_coordinate *b) {
  if (a->ndim != b->ndim || a->unbounded != b->unbounded) return false;
  for (int d = 0; d < a->ndim; d++)
    if (!dust_coordinate_is_unbounded(a, d) && a->value[d] != b->value[d]) return false;
  return true;
}

static const char *sign_of(dust_coordinate_op op) {
  static const char *const sign[] = {"+", "-", "*", "/", "//", "%"};
  return sign[op];
}

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }

/* One entry; true when the result doesn't fit. b != 0 where it divides. */
static bool apply_entry(int64_t *out, dust_coordinate_op op, int64_t a, int64_t b) {
  switch (op) {
    case DUST_ADD: return __builtin_add_overflow(a, b, out);
    case DUST_SUBTRACT: return __builtin_sub_overflow(a, b, out);
    case DUST_MULTIPLY: return __builtin_mul_overflow(a, b, out);
    default: break;
  }
  if (b == -1) { /* INT64_MIN / -1 traps, even for the remainder */
    *out = 0;
    return op != DUST_MODULO && __builtin_sub_overflow((int64_t)0, a, out);
  }
  if (op == DUST_DIVIDE)
    *out = a / b;
  else if (op == DUST_FLOOR_DIVIDE)
    *out = floor_divide(a, b);
  else
    *out = a % b + (((a % b != 0) && ((a < 0) != (b < 0))) ? b : 0);
  return false;
}

static bool divides(dust_coordinate_op op) { return op == DUST_DIVIDE || op == DUST_FLOOR_DIVIDE || op == DUST_MODULO; }

dust_status dust_coordinate_apply(dust_coordinate *out, dust_coordinate_op op, const dust_coordinate *a, const dust_coordinate *b) {
  if (a->ndim != b->ndim)
    return dust_fail(DUST_ERROR_ARGUMENT, "coordinates of %d and %d axes can't be combined by '%s': they must have the same number of axes",
                     a->ndim, b->ndim, sign_of(op));
  dust_coordinate result = {.ndim = a->ndim, .unbounded = a->unbounded | b->unbounded};
  for (int d = 0; d < a->ndim; d++) {
    if (dust_coordinate_is_unbounded(&result, d)) continue;
    if (b->value[d] == 0 && divides(op))
      return dust_fail(DUST_ERROR_ARGUMENT, "%" PRId64 " %s 0 on axis %d: division by zero", a->value[d], sign_of(op), d + 1);
    if (apply_entry(&result.value[d], op, a->value[d], b->value[d]))
      return dust_fail(DUST_ERROR_RANGE, "%" PRId64 " %s %" PRId64 " on axis %d is beyond 64 bits", a->value[d], sign_of(op), b->value[d],
                       d + 1);
  }
  *out = result;
  return DUST_OK;
}

/* A product that is a whole number but for the rounding of a double: 70 * 0.1. */
static bool is_whole(double value) { return fabs(value - rint(value)) <= 8 * DBL_EPSILON * fabs(value); }

/* a * number or a / number for a number that is no 64-bit integer. A quotient is cut towards zero as all are, a product is exact. */
static dust_status apply_fraction(dust_coordinate *out, dust_coordinate_op op, const dust_coordinate *a, double number) {
  dust_coordinate result = *a;
  for (int d = 0; d < a->ndim; d++) {
    if (dust_coordinate_is_unbounded(a, d)) continue;
    double value = op == DUST_MULTIPLY ? (double)a->value[d] * number : (double)a->value[d] / number;
    if (!(value > -0x1p63 && value < 0x1p63))
      return dust_fail(DUST_ERROR_RANGE, "%" PRId64 " %s %g on axis %d is beyond 64 bits", a->value[d], sign_of(op), number, d + 1);
    if (op == DUST_MULTIPLY && !is_whole(value))
      return dust_fail(DUST_ERROR_ARGUMENT,
                       "%" PRId64
                       " * %.15g on axis %d is %.17g, and world units are whole; divide (/ rounds towards zero, // down), or "
                       "make the coordinate of numbers that you rounded",
                       a->value[d], number, d + 1, value);
    result.value[d] = op == DUST_MULTIPLY ? (int64_t)rint(value) : (int64_t)value;
  }
  *out = result;
  return DUST_OK;
}

dust_status dust_coordinate_apply_number(dust_coordinate *out, dust_coordinate_op op, const dust_coordinate *a, double number) {
  if (!isfinite(number)) return dust_fail(DUST_ERROR_ARGUMENT, "coordinate %s %g: the number must be finite", sign_of(op), number);
  bool whole = number == trunc(number);
  if (whole && number >= -0x1p63 && number < 0x1p63) {
    dust_coordinate filled = dust_coordinate_filled(a->ndim, (int64_t)number);
    return dust_coordinate_apply(out, op, a, &filled);
  }
  if (op == DUST_MULTIPLY || op == DUST_DIVIDE) return apply_fraction(out, op, a, number);
  if (!whole)
    return dust_fail(DUST_ERROR_ARGUMENT, "coordinate %s %.17g: the number must be whole, since world units are", sign_of(op), number);
  return dust_fail(DUST_ERROR_RANGE, "coordinate %s %g: the number is beyond 64 bits", sign_of(op), number);
}

dust_status dust_coordinate_negate(dust_coordinate *out, const dust_coordinate *a) {
  dust_coordinate zero = dust_coordinate_filled(a->ndim, 0);
  return dust_coordinate_apply(out, DUST_SUBTRACT, &zero, a);
}

int dust_coordinate_format(char *text, size_t size, const dust_coordinate *c) {
  char whole[DUST_COORDINATE_TEXT] = "(";
  char *end = whole + 1;
  for (int d = 0; d < c->ndim; d++) {
    if (d) end = stpcpy(end, ", ");
    if (dust_coordinate_is_unbounded(c, d))
      end = stpcpy(end, "inf");
    else
      end += sprintf(end, "%" PRId64, c->value[d]);
  }
  stpcpy(end, ")");
  return snprintf(text, size, "%s", whole);
}
