/* The element types: names, sizes, limits, promotion. Rows of them are converted in dtype_row.c. */
#include "base/dtype.h"
#include <float.h>
#include <string.h>

typedef struct description {
  const char *name;
  size_t size;
  double lowest, highest;
} description;

static const description types[DUST_DTYPE_COUNT] = {
    [DUST_UINT8] = {"uint8", 1, 0, UINT8_MAX},          [DUST_UINT16] = {"uint16", 2, 0, UINT16_MAX},
    [DUST_UINT32] = {"uint32", 4, 0, UINT32_MAX},       [DUST_UINT64] = {"uint64", 8, 0, 0x1p64},
    [DUST_INT8] = {"int8", 1, INT8_MIN, INT8_MAX},      [DUST_INT16] = {"int16", 2, INT16_MIN, INT16_MAX},
    [DUST_INT32] = {"int32", 4, INT32_MIN, INT32_MAX},  [DUST_INT64] = {"int64", 8, -0x1p63, 0x1p63},
    [DUST_FLOAT32] = {"float32", 4, -FLT_MAX, FLT_MAX}, [DUST_FLOAT64] = {"float64", 8, -DBL_MAX, DBL_MAX},
};

size_t dust_dtype_size(dust_dtype dtype) { return types[dtype].size; }
const char *dust_dtype_name(dust_dtype dtype) { return dtype == DUST_DTYPE_NONE ? "none" : types[dtype].name; }
bool dust_dtype_is_float(dust_dtype dtype) { return dtype == DUST_FLOAT32 || dtype == DUST_FLOAT64; }
bool dust_dtype_is_signed(dust_dtype dtype) { return dtype >= DUST_INT8; }

dust_status dust_dtype_from_name(const char *name, dust_dtype *out) {
  for (int t = 0; t < DUST_DTYPE_COUNT; t++) {
    if (strcmp(name, types[t].name) != 0) continue;
    *out = (dust_dtype)t;
    return DUST_OK;
  }
  if (strcmp(name, "bool") == 0)
    return dust_fail(DUST_ERROR_ARGUMENT, "there is no dtype 'bool': use 'uint8', with 0 for false and 1 for true");
  return dust_fail(DUST_ERROR_ARGUMENT,
                   "unknown dtype '%.64s': it must be one of uint8, uint16, uint32, uint64, int8, int16, int32, int64, float32, float64",
                   name);
}

static dust_dtype signed_of_size(size_t size) {
  return size == 1 ? DUST_INT8 : size == 2 ? DUST_INT16 : size == 4 ? DUST_INT32 : size == 8 ? DUST_INT64 : DUST_FLOAT64;
}

/* Of two integers of which one is signed: the smallest signed type that holds both. */
static dust_dtype promote_mixed(dust_dtype with_sign, dust_dtype without) {
  size_t need = 2 * dust_dtype_size(without), have = dust_dtype_size(with_sign);
  return signed_of_size(have > need ? have : need);
}

dust_dtype dust_dtype_promote(dust_dtype a, dust_dtype b) {
  bool float_a = dust_dtype_is_float(a), float_b = dust_dtype_is_float(b);
  if (float_a && float_b) return a > b ? a : b;
  if (float_a || float_b) {
    dust_dtype real = float_a ? a : b, whole = float_a ? b : a;
    return dust_dtype_size(whole) <= 2 ? real : DUST_FLOAT64; /* float32 holds 24 bits */
  }
  if (dust_dtype_is_signed(a) == dust_dtype_is_signed(b)) return dust_dtype_size(a) >= dust_dtype_size(b) ? a : b;
  return dust_dtype_is_signed(a) ? promote_mixed(a, b) : promote_mixed(b, a);
}

void dust_dtype_limits(dust_dtype dtype, double *lowest, double *highest) {
  *lowest = types[dtype].lowest;
  *highest = types[dtype].highest;
}
