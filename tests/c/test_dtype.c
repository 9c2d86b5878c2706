/* Names, promotion, and rows of every type at every stride against one-value definitions. */
#include <float.h>
#include <math.h>
#include "base/dtype.h"
#include "check.h"

enum { LENGTH = 1100 }; /* more than two blocks of a cast */

static void test_names(void) {
  static const char *const names[] = {"uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64"};
  static const size_t sizes[] = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  for (int t = 0; t < DUST_DTYPE_COUNT; t++) {
    dust_dtype found = DUST_DTYPE_NONE;
    CHECK_OK(dust_dtype_from_name(names[t], &found));
    CHECK((int)found == t && strcmp(dust_dtype_name(found), names[t]) == 0 && dust_dtype_size(found) == sizes[t]);
    CHECK(dust_dtype_is_float(found) == (t >= 8) && dust_dtype_is_signed(found) == (t >= 4));
  }
  dust_dtype out;
  CHECK_FAILS(dust_dtype_from_name("bool", &out), DUST_ERROR_ARGUMENT, "there is no dtype 'bool': use 'uint8'");
  CHECK_FAILS(dust_dtype_from_name("float", &out), DUST_ERROR_ARGUMENT,
              "unknown dtype 'float': it must be one of uint8, uint16, uint32, uint64, int8, int16, int32, int64, float32, float64");
  CHECK(strcmp(dust_dtype_name(DUST_DTYPE_NONE), "none") == 0);
}

/* numpy.promote_types for each pair, in the order of dust_dtype. */
static void test_promotion(void) {
  static const unsigned char expected[DUST_DTYPE_COUNT][DUST_DTYPE_COUNT] = {
      {0, 1, 2, 3, 5, 5, 6, 7, 8, 9}, {1, 1, 2, 3, 6, 6, 6, 7, 8, 9}, {2, 2, 2, 3, 7, 7, 7, 7, 9, 9}, {3, 3, 3, 3, 9, 9, 9, 9, 9, 9},
      {5, 6, 7, 9, 4, 5, 6, 7, 8, 9}, {5, 6, 7, 9, 5, 5, 6, 7, 8, 9}, {6, 6, 7, 9, 6, 6, 6, 7, 9, 9}, {7, 7, 7, 9, 7, 7, 7, 7, 9, 9},
      {8, 8, 9, 9, 8, 8, 9, 9, 8, 9}, {9, 9, 9, 9, 9, 9, 9, 9, 9, 9},
  };
  for (int a = 0; a < DUST_DTYPE_COUNT; a++)
    for (int b = 0; b < DUST_DTYPE_COUNT; b++) CHECK((int)dust_dtype_promote((dust_dtype)a, (dust_dtype)b) == expected[a][b]);
}

static void test_limits(void) {
  double low, high;
  dust_dtype_limits(DUST_INT16, &low, &high);
  CHECK(low == -32768 && high == 32767);
  dust_dtype_limits(DUST_UINT64, &low, &high);
  CHECK(low == 0 && high == 0x1p64);
  dust_dtype_limits(DUST_FLOAT32, &low, &high);
  CHECK(low == -FLT_MAX && high == FLT_MAX);
}

/* One value at a place of any alignment, as double or as integer bits; the slow way. */
static void put_bits(char *at, dust_dtype t, uint64_t bits) { memcpy(at, &bits, dust_dtype_size(t)); }
static uint64_t get_bits(const char *at, dust_dtype t) {
  uint64_t bits = 0;
  memcpy(&bits, at, dust_dtype_size(t));
  return bits;
}
static double get(const char *at, dust_dtype t) {
  uint64_t bits = get_bits(at, t);
  float f;
  double d;
  switch (t) {
    case DUST_INT8: return (int8_t)bits;
    case DUST_INT16: return (int16_t)bits;
    case DUST_INT32: return (int32_t)bits;
    case DUST_INT64: return (double)(int64_t)bits;
    case DUST_FLOAT32: memcpy(&f, at, 4); return f;
    case DUST_FLOAT64: memcpy(&d, at, 8); return d;
    default: return (double)bits;
  }
}

static double saturated(double v, dust_dtype t) {
  double low, high;
  dust_dtype_limits(t, &low, &high);
  if (t == DUST_FLOAT32) return (float)v;
  if (t == DUST_FLOAT64) return v;
  if (isnan(v)) return 0;
  return v < low ? low : v > high ? high : v;
}

static double samples[LENGTH];
static void make_samples(void) {
  static const double edges[] = {0,
                                 -0.0,
                                 0.5,
                                 1.5,
                                 2.5,
                                 -0.5,
                                 -1.5,
                                 254.5,
                                 255,
                                 255.5,
                                 256,
                                 127.5,
                                 -128.5,
                                 32767.5,
                                 -32768.5,
                                 65535.5,
                                 2147483647.5,
                                 4294967295.5,
                                 -2147483648.5,
                                 0x1p31,
                                 0x1p32,
                                 0x1p53,
                                 0x1p63,
                                 -0x1p63,
                                 0x1p64,
                                 1e30,
                                 -1e30,
                                 0x1p62 + 1024,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 0.49999999999999994,
                                 3e-320};
  uint64_t state = 1;
  for (int i = 0; i < LENGTH; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double v = ((double)(state >> 11) * 0x1p-53 - 0.3) * ldexp(1, (int)(state % 40));
    samples[i] = i < (int)(sizeof edges / sizeof *edges) ? edges[i] : v;
  }
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* Typed rows live in the middle of this, so that negative strides and odd addresses stay inside. */
static char storage[3 * LENGTH * 32], other[3 * LENGTH * 32];
static char *const middle = storage + LENGTH * 40 + 1, *const other_middle = other + LENGTH * 40 + 3;

static void check_store(dust_dtype t, ptrdiff_t stride) {
  static float narrow[LENGTH];
  for (int i = 0; i < LENGTH; i++) narrow[i] = (float)samples[i];
  int wrong = 0;
  memset(storage, 0x5a, sizeof storage);
  dust_row_from_double(middle, stride, t, samples, LENGTH);
  for (int i = 0; i < LENGTH; i++)
    wrong += !same(get(middle + i * stride, t), saturated(dust_dtype_is_float(t) ? samples[i] : rint(samples[i]), t));
  CHECK(wrong == 0);
  if (stride > 0) CHECK(middle[LENGTH * stride] == 0x5a && middle[-1] == 0x5a); /* nothing beside the row */
  wrong = 0;
  dust_row_from_float(middle, stride, t, narrow, LENGTH);
  for (int i = 0; i < LENGTH; i++)
    wrong += !same(get(middle + i * stride, t), saturated(dust_dtype_is_float(t) ? narrow[i] : rintf(narrow[i]), t));
  CHECK(wrong == 0);
}

static void check_load(dust_dtype t, ptrdiff_t stride) {
  static double wide[LENGTH];
  static float narrow[LENGTH];
  static uint64_t label[LENGTH];
  int wrong = 0;
  dust_row_from_double(middle, stride, t, samples, LENGTH);
  if (!dust_dtype_is_float(t)) put_bits(middle + 5 * stride, t, UINT64_MAX - 4); /* an id that no double holds */
  dust_row_to_double(wide, middle, stride, t, LENGTH);
  dust_row_to_float(narrow, middle, stride, t, LENGTH);
  dust_row_to_label(label, middle, stride, t, LENGTH);
  for (int i = 0; i < LENGTH; i++) {
    double v = get(middle + i * stride, t);
    wrong += !same(wide[i], v);
    if (dust_dtype_size(t) < 8 || dust_dtype_is_float(t)) wrong += !same(narrow[i], (float)v);
    wrong += (t == DUST_UINT64 || t == DUST_INT64) && label[i] != get_bits(middle + i * stride, t);
    wrong += dust_dtype_size(t) < 8 && !dust_dtype_is_float(t) && label[i] != (uint64_t)(int64_t)v;
  }
  CHECK(wrong == 0);
  wrong = 0;
  if (dust_dtype_is_float(t)) return;
  dust_row_from_label(other_middle, stride, t, label, LENGTH);
  for (int i = 0; i < LENGTH; i++) wrong += get_bits(other_middle + i * stride, t) != get_bits(middle + i * stride, t);
  CHECK(wrong == 0);
}

static double expected_cast(double v, uint64_t bits, dust_dtype from, dust_dtype to) {
  char cell[8];
  if (from == DUST_INT64 && to == DUST_FLOAT32) return (float)(int64_t)bits; /* one rounding */
  if (from == DUST_UINT64 && to == DUST_FLOAT32) return (float)bits;
  if (dust_dtype_is_float(to)) return to == DUST_FLOAT32 ? (float)v : v;
  if (dust_dtype_is_float(from)) return saturated(trunc(v), to);
  if (dust_dtype_is_signed(from)) bits = (uint64_t)(from == DUST_INT64 ? (int64_t)bits : (int64_t)v);
  put_bits(cell, to, bits);
  return get(cell, to);
}

static void check_cast(dust_dtype from, dust_dtype to, ptrdiff_t in_stride, ptrdiff_t out_stride) {
  int wrong = 0;
  dust_row_from_double(middle, in_stride, from, samples, LENGTH);
  if (!dust_dtype_is_float(from)) put_bits(middle + 5 * in_stride, from, 0xfedcba9876543211u);
  if (from == DUST_INT64 || from == DUST_UINT64)
    put_bits(middle + 6 * in_stride, from, 0x4000004000000001u); /* double rounding would go wrong */
  dust_row_cast(other_middle, out_stride, to, middle, in_stride, from, LENGTH);
  for (int i = 0; i < LENGTH; i++) {
    const char *at = middle + i * in_stride;
    wrong += !same(get(other_middle + i * out_stride, to), expected_cast(get(at, from), get_bits(at, from), from, to));
  }
  CHECK(wrong == 0);
}

static void test_float_labels(void) {
  uint64_t label[6];
  dust_row_to_label(label, (double[]){3.9, -3.9, NAN, 1e30, -1e30, 0x1p63}, 8, DUST_FLOAT64, 6);
  CHECK(label[0] == 3 && label[1] == (uint64_t)-3 && label[2] == 0 && label[3] == UINT64_MAX && label[4] == (uint64_t)INT64_MIN &&
        label[5] == (uint64_t)1 << 63);
  float back[2];
  dust_row_from_label(back, 4, DUST_FLOAT32, (uint64_t[]){16777216, 7}, 2);
  CHECK(back[0] == 16777216 && back[1] == 7);
}

int main(void) {
  test_names();
  test_promotion();
  test_limits();
  make_samples();
  for (int t = 0; t < DUST_DTYPE_COUNT; t++) {
    ptrdiff_t size = (ptrdiff_t)dust_dtype_size((dust_dtype)t);
    const ptrdiff_t strides[] = {size, 2 * size, -size, 3 * size + 1, -17};
    for (int s = 0; s < 5; s++) check_store((dust_dtype)t, strides[s]), check_load((dust_dtype)t, strides[s]);
    for (int to = 0; to < DUST_DTYPE_COUNT; to++) {
      ptrdiff_t out = (ptrdiff_t)dust_dtype_size((dust_dtype)to);
      check_cast((dust_dtype)t, (dust_dtype)to, size, out), check_cast((dust_dtype)t, (dust_dtype)to, -size, 2 * out),
          check_cast((dust_dtype)t, (dust_dtype)to, 19, -out);
    }
  }
  test_float_labels();
  dust_row_cast(NULL, 1, DUST_UINT8, NULL, 1, DUST_UINT8, 0);
  return check_done();
}
