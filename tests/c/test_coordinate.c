/* Arithmetic of coordinates: Python's signs, unbounded entries, the edges of 64 bits. */
#include "check.h"
#include "volume/coordinate.h"

static dust_coordinate c3(int64_t z, int64_t y, int64_t x) { return (dust_coordinate){.ndim = 3, .value = {z, y, x}}; }

static bool gives(dust_coordinate_op op, dust_coordinate a, dust_coordinate b, dust_coordinate expected) {
  dust_coordinate out;
  return dust_coordinate_apply(&out, op, &a, &b) == DUST_OK && dust_coordinate_equal(&out, &expected);
}

static void test_signs(void) {
  dust_coordinate a = c3(7, -7, 7), b = c3(2, 2, -2);
  CHECK(gives(DUST_ADD, a, b, c3(9, -5, 5)) && gives(DUST_SUBTRACT, a, b, c3(5, -9, 9)) && gives(DUST_MULTIPLY, a, b, c3(14, -14, -14)));
  CHECK(gives(DUST_DIVIDE, a, b, c3(3, -3, -3)));
  CHECK(gives(DUST_FLOOR_DIVIDE, a, b, c3(3, -4, -4)));
  CHECK(gives(DUST_MODULO, a, b, c3(1, 1, -1)));
  CHECK(gives(DUST_MODULO, c3(-7, 6, -6), c3(-2, -3, 3), c3(-1, 0, 0)));
  CHECK(gives(DUST_FLOOR_DIVIDE, c3(-7, 6, -6), c3(-2, -3, 4), c3(3, -2, -2)));
  CHECK(gives(DUST_DIVIDE, c3(INT64_MAX, (INT64_C(1) << 53) + 1, 1), c3(1, 1, 2),
              c3(INT64_MAX, (INT64_C(1) << 53) + 1, 0))); /* by way of doubles: 2^63, 2^53 */
}

static void test_unbounded(void) {
  dust_coordinate a = c3(1, 2, 3), out;
  a.unbounded = 2, a.value[1] = 99;
  dust_coordinate b = a;
  b.value[1] = 5; /* what stands behind an unbounded entry doesn't count */
  CHECK(dust_coordinate_equal(&a, &b));
  b.unbounded = 0;
  CHECK(!dust_coordinate_equal(&a, &b));
  dust_coordinate zero = c3(1, 0, 1);
  CHECK_OK(dust_coordinate_apply(&out, DUST_FLOOR_DIVIDE, &a, &zero)); /* no division where there is no number */
  CHECK(out.unbounded == 2 && out.value[1] == 0 && out.value[2] == 3);
  CHECK_OK(dust_coordinate_apply(&out, DUST_ADD, &zero, &a));
  CHECK(out.unbounded == 2 && out.value[0] == 2);
  CHECK_OK(dust_coordinate_negate(&out, &a));
  CHECK(out.unbounded == 2 && out.value[0] == -1 && out.value[2] == -3);
  CHECK_OK(dust_coordinate_apply_number(&out, DUST_DIVIDE, &a, 2.5));
  CHECK(out.unbounded == 2 && out.value[2] == 1);
  dust_coordinate all = dust_coordinate_unbounded(DUST_MAXDIM), other = dust_coordinate_unbounded(3);
  CHECK(all.unbounded == 255 && other.unbounded == 7 && !dust_coordinate_equal(&all, &other));
}

static void test_overflow(void) {
  dust_coordinate big = dust_coordinate_filled(2, INT64_MAX), small = dust_coordinate_filled(2, INT64_MIN),
                  one = dust_coordinate_filled(2, 1), minus = dust_coordinate_filled(2, -1), out = one;
  CHECK_FAILS(dust_coordinate_apply(&out, DUST_ADD, &big, &one), DUST_ERROR_RANGE, "9223372036854775807 + 1 on axis 1 is beyond 64 bits");
  CHECK_FAILS(dust_coordinate_apply(&out, DUST_SUBTRACT, &small, &one), DUST_ERROR_RANGE,
              "-9223372036854775808 - 1 on axis 1 is beyond 64 bits");
  CHECK_FAILS(dust_coordinate_apply(&out, DUST_MULTIPLY, &big, &big), DUST_ERROR_RANGE, "beyond 64 bits");
  CHECK_FAILS(dust_coordinate_apply(&out, DUST_DIVIDE, &small, &minus), DUST_ERROR_RANGE, "-9223372036854775808 / -1 on axis 1");
  CHECK_FAILS(dust_coordinate_apply(&out, DUST_FLOOR_DIVIDE, &small, &minus), DUST_ERROR_RANGE, "// -1");
  CHECK_FAILS(dust_coordinate_negate(&out, &small), DUST_ERROR_RANGE, "beyond 64 bits");
  CHECK(dust_coordinate_equal(&out, &one)); /* untouched */
  CHECK_OK(dust_coordinate_apply(&out, DUST_MODULO, &small, &minus));
  CHECK(out.value[0] == 0);
  CHECK_OK(dust_coordinate_apply(&out, DUST_FLOOR_DIVIDE, &big, &minus));
  CHECK(out.value[0] == -INT64_MAX);
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_MULTIPLY, &big, 1.5), DUST_ERROR_RANGE,
              "9223372036854775807 * 1.5 on axis 1 is beyond 64 bits");
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_ADD, &one, 1e19), DUST_ERROR_RANGE,
              "coordinate + 1e+19: the number is beyond 64 bits");
}

static void test_misuse(void) {
  dust_coordinate a = c3(1, 2, 3), b = dust_coordinate_filled(2, 1), zero = c3(1, 1, 0), out;
  CHECK_FAILS(dust_coordinate_apply(&out, DUST_ADD, &a, &b), DUST_ERROR_ARGUMENT,
              "coordinates of 3 and 2 axes can't be combined by '+': they must have the same number of axes");
  CHECK_FAILS(dust_coordinate_apply(&out, DUST_MODULO, &a, &zero), DUST_ERROR_ARGUMENT, "3 % 0 on axis 3: division by zero");
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_DIVIDE, &a, 0), DUST_ERROR_ARGUMENT, "division by zero");
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_ADD, &a, 0.5), DUST_ERROR_ARGUMENT, "coordinate + 0.5: the number must be whole");
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_FLOOR_DIVIDE, &a, 2.5), DUST_ERROR_ARGUMENT, "coordinate // 2.5");
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_MULTIPLY, &a, (double)__builtin_inf()), DUST_ERROR_ARGUMENT, "must be finite");
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_MULTIPLY, &a, __builtin_nan("")), DUST_ERROR_ARGUMENT, "must be finite");
}

static void test_numbers(void) {
  dust_coordinate a = c3(7, -7, 3), out, half = c3(3, -3, 1), big = c3(INT64_MAX, 1, 1);
  CHECK_FAILS(dust_coordinate_apply_number(&out, DUST_MULTIPLY, &a, 0.5), DUST_ERROR_ARGUMENT, "7 * 0.5 on axis 1 is 3.5, and world units are whole");
  dust_coordinate tens = c3(70, -30, 0), sevens = c3(7, -3, 0);
  CHECK_OK(dust_coordinate_apply_number(&out, DUST_MULTIPLY, &tens, 0.1)); /* 7.000000000000001 as doubles */
  CHECK(dust_coordinate_equal(&out, &sevens));
  CHECK_OK(dust_coordinate_apply_number(&a, DUST_DIVIDE, &a, 2)); /* onto itself */
  CHECK(dust_coordinate_equal(&a, &half));
  CHECK_OK(dust_coordinate_apply_number(&out, DUST_DIVIDE, &half, 0.25));
  CHECK(out.value[0] == 12 && out.value[1] == -12 && out.value[2] == 4);
  CHECK_OK(dust_coordinate_apply_number(&out, DUST_DIVIDE, &big, 1));
  CHECK(out.value[0] == INT64_MAX);
}

static bool reads(dust_coordinate c, const char *expected) {
  char text[DUST_COORDINATE_TEXT];
  return dust_coordinate_format(text, sizeof text, &c) == (int)strlen(expected) && strcmp(text, expected) == 0;
}

int main(void) {
  test_signs();
  test_unbounded();
  test_overflow();
  test_misuse();
  test_numbers();
  dust_coordinate mixed = c3(0, 4, 4);
  mixed.unbounded = 1;
  CHECK(reads(c3(40, 4, -4), "(40, 4, -4)") && reads(mixed, "(inf, 4, 4)") && reads(dust_coordinate_filled(0, 0), "()"));
  char text[DUST_COORDINATE_TEXT], few[6];
  dust_coordinate widest = dust_coordinate_filled(DUST_MAXDIM, INT64_MIN);
  CHECK(dust_coordinate_format(text, sizeof text, &widest) == 20 * 8 + 2 * 7 + 2);
  CHECK(dust_coordinate_format(few, sizeof few, &widest) == 176 && strcmp(few, "(-922") == 0);
  return check_done();
}
