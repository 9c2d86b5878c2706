/* Rows of elements to and from double, float and uint64: the only code in the tree that has a body per element type.
 *
 * One macro expands a loop for each type, twice: for elements that lie side by side, which the compiler vectorises, and for any
 * other stride. Elements are read and written through memcpy of their size, since wrapped bytes (a mapped file) need not be
 * aligned to it. Rounding is done by adding and taking away 1.5 * 2^52 (2^23 in float), which rounds half to even in the default
 * mode and vectorises on any machine, where rint() would be a call. Conversions are cloned per instruction
 * set: 2 to 3 times as fast with AVX2 as with the SSE2 of every x86-64.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "base/clones.h"
#include "base/dtype.h"

#define INTEGER_TYPES(X)   \
  X(DUST_UINT8, uint8_t)   \
  X(DUST_UINT16, uint16_t) \
  X(DUST_UINT32, uint32_t) \
  X(DUST_UINT64, uint64_t) X(DUST_INT8, int8_t) X(DUST_INT16, int16_t) X(DUST_INT32, int32_t) X(DUST_INT64, int64_t)
#define FLOAT_TYPES(X) X(DUST_FLOAT32, float) X(DUST_FLOAT64, double)
#define TYPES(X) INTEGER_TYPES(X) FLOAT_TYPES(X)

/* out[i] = expression of `v`, the i-th element of type T. */
#define LOAD_ROW(T, expression)                              \
  do {                                                       \
    const char *from_ = in;                                  \
    T v;                                                     \
    if (stride == (ptrdiff_t)sizeof(T)) {                    \
      for (size_t i = 0; i < n; i++) {                       \
        memcpy(&v, from_ + i * sizeof(T), sizeof v);         \
        out[i] = (expression);                               \
      }                                                      \
    } else {                                                 \
      for (size_t i = 0; i < n; i++) {                       \
        memcpy(&v, from_ + (ptrdiff_t)i * stride, sizeof v); \
        out[i] = (expression);                               \
      }                                                      \
    }                                                        \
  } while (0)

/* The i-th element of type T = expression of `v` = in[i]. */
#define STORE_ROW(T, expression)                                  \
  do {                                                            \
    char *to_ = out;                                              \
    if (stride == (ptrdiff_t)sizeof(T)) {                         \
      for (size_t i = 0; i < n; i++) {                            \
        __typeof__(*in) v = in[i];                                \
        T stored_ = (T)(expression);                              \
        memcpy(to_ + i * sizeof(T), &stored_, sizeof(T));         \
      }                                                           \
    } else {                                                      \
      for (size_t i = 0; i < n; i++) {                            \
        __typeof__(*in) v = in[i];                                \
        T stored_ = (T)(expression);                              \
        memcpy(to_ + (ptrdiff_t)i * stride, &stored_, sizeof(T)); \
      }                                                           \
    }                                                             \
  } while (0)

/* ---- one value */

/* NaN becomes 0: by a test of its own where 0 isn't the lowest, else by failing the first comparison. */
static inline double clamp(double v, double lowest, double highest) {
  if (lowest < 0) v = v == v ? v : 0;
  v = v > lowest ? v : lowest;
  return v < highest ? v : highest;
}

/* Rounded into a type of at most 32 bits: after the addition the integer stands in the low bits of the double, in two's
 * complement. */
static inline uint32_t round_bits(double v, double lowest, double highest) {
  double shifted = clamp(v, lowest, highest) + 0x1.8p52;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (uint32_t)bits;
}

/* The same for at most 16 bits, in float. */
static inline uint32_t round_bits_float(float v, float lowest, float highest) {
  if (lowest < 0) v = v == v ? v : 0;
  v = v > lowest ? v : lowest;
  v = v < highest ? v : highest;
  float shifted = v + 0x1.8p23f;
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return bits - 0x4b400000u;
}

/* Towards zero, saturating; NaN is 0. */
static inline int64_t to_int64(double v) {
  if (v != v) return 0;
  if (v >= 0x1p63) return INT64_MAX;
  return v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}
static inline uint64_t to_uint64(double v) {
  if (!(v > 0)) return 0;
  return v >= 0x1p64 ? UINT64_MAX : (uint64_t)v;
}
/* A label from a float: whatever fits 64 bits, signed or not. */
static inline uint64_t to_label(double v) { return v < 0 ? (uint64_t)to_int64(v) : to_uint64(v); }

/* ---- loading */

DUST_CLONED_EXTERN(void, dust_row_to_double, (double *restrict out, const void *in, ptrdiff_t stride, dust_dtype dtype, size_t n),
                   (out, in, stride, dtype, n)) {
  switch (dtype) {
#define X(name, T) \
  case name: LOAD_ROW(T, (double)v); return;
    TYPES(X)
#undef X
    default: return;
  }
}

DUST_CLONED_EXTERN(void, dust_row_to_float, (float *restrict out, const void *in, ptrdiff_t stride, dust_dtype dtype, size_t n),
                   (out, in, stride, dtype, n)) {
  switch (dtype) {
#define X(name, T) \
  case name: LOAD_ROW(T, (float)v); return;
    TYPES(X)
#undef X
    default: return;
  }
}

DUST_CLONED_EXTERN(void, dust_row_to_label, (uint64_t *restrict out, const void *in, ptrdiff_t stride, dust_dtype dtype, size_t n),
                   (out, in, stride, dtype, n)) {
  switch (dtype) {
#define X(name, T) \
  case name: LOAD_ROW(T, (uint64_t)v); return;
    INTEGER_TYPES(X)
#undef X
#define X(name, T) \
  case name: LOAD_ROW(T, to_label((double)v)); return;
    FLOAT_TYPES(X)
#undef X
    default: return;
  }
}

/* ---- storing */

DUST_CLONED_EXTERN(void, dust_row_from_double, (void *out, ptrdiff_t stride, dust_dtype dtype, const double *restrict in, size_t n),
                   (out, stride, dtype, in, n)) {
  switch (dtype) {
    case DUST_UINT8: STORE_ROW(uint8_t, round_bits(v, 0, UINT8_MAX)); return;
    case DUST_UINT16: STORE_ROW(uint16_t, round_bits(v, 0, UINT16_MAX)); return;
    case DUST_UINT32: STORE_ROW(uint32_t, round_bits(v, 0, UINT32_MAX)); return;
    case DUST_UINT64: STORE_ROW(uint64_t, to_uint64(rint(v))); return;
    case DUST_INT8: STORE_ROW(int8_t, round_bits(v, INT8_MIN, INT8_MAX)); return;
    case DUST_INT16: STORE_ROW(int16_t, round_bits(v, INT16_MIN, INT16_MAX)); return;
    case DUST_INT32: STORE_ROW(int32_t, round_bits(v, INT32_MIN, INT32_MAX)); return;
    case DUST_INT64: STORE_ROW(int64_t, to_int64(rint(v))); return;
    case DUST_FLOAT32: STORE_ROW(float, v); return;
    case DUST_FLOAT64: STORE_ROW(double, v); return;
    default: return;
  }
}

DUST_CLONED_EXTERN(void, dust_row_from_float, (void *out, ptrdiff_t stride, dust_dtype dtype, const float *restrict in, size_t n),
                   (out, stride, dtype, in, n)) {
  switch (dtype) {
    case DUST_UINT8: STORE_ROW(uint8_t, round_bits_float(v, 0, UINT8_MAX)); return;
    case DUST_UINT16: STORE_ROW(uint16_t, round_bits_float(v, 0, UINT16_MAX)); return;
    case DUST_UINT32: STORE_ROW(uint32_t, round_bits(v, 0, UINT32_MAX)); return;
    case DUST_UINT64: STORE_ROW(uint64_t, to_uint64(rint(v))); return;
    case DUST_INT8: STORE_ROW(int8_t, round_bits_float(v, INT8_MIN, INT8_MAX)); return;
    case DUST_INT16: STORE_ROW(int16_t, round_bits_float(v, INT16_MIN, INT16_MAX)); return;
    case DUST_INT32: STORE_ROW(int32_t, round_bits(v, INT32_MIN, INT32_MAX)); return;
    case DUST_INT64: STORE_ROW(int64_t, to_int64(rint(v))); return;
    case DUST_FLOAT32: STORE_ROW(float, v); return;
    case DUST_FLOAT64: STORE_ROW(double, v); return;
    default: return;
  }
}

DUST_CLONED_EXTERN(void, dust_row_from_label, (void *out, ptrdiff_t stride, dust_dtype dtype, const uint64_t *restrict in, size_t n),
                   (out, stride, dtype, in, n)) {
  switch (dtype) {
#define X(name, T) \
  case name: STORE_ROW(T, v); return;
    TYPES(X)
#undef X
    default: return;
  }
}

/* ---- astype */

DUST_CLONED(void, store_truncated, (void *out, ptrdiff_t stride, dust_dtype dtype, const double *restrict in, size_t n),
            (out, stride, dtype, in, n)) {
  switch (dtype) {
    case DUST_UINT8: STORE_ROW(uint8_t, (int32_t)clamp(v, 0, UINT8_MAX)); return;
    case DUST_UINT16: STORE_ROW(uint16_t, (int32_t)clamp(v, 0, UINT16_MAX)); return;
    case DUST_UINT32: STORE_ROW(uint32_t, (int64_t)clamp(v, 0, UINT32_MAX)); return;
    case DUST_UINT64: STORE_ROW(uint64_t, to_uint64(v)); return;
    case DUST_INT8: STORE_ROW(int8_t, (int32_t)clamp(v, INT8_MIN, INT8_MAX)); return;
    case DUST_INT16: STORE_ROW(int16_t, (int32_t)clamp(v, INT16_MIN, INT16_MAX)); return;
    case DUST_INT32: STORE_ROW(int32_t, (int32_t)clamp(v, INT32_MIN, INT32_MAX)); return;
    case DUST_INT64: STORE_ROW(int64_t, to_int64(v)); return;
    default: return;
  }
}

/* Rows that are reversed one after another go up and down through memory, which the hardware doesn't foresee: the next one is likely to be where this ends. */
#define AHEAD ((size_t)4096)

#define MOVE(type)                                                                                                                    \
  DUST_CLONED(void, reverse_##type, (char *restrict out, const char *restrict in, size_t n), (out, in, n)) {                          \
    for (size_t ahead = 0; ahead < n * sizeof(type) && ahead < AHEAD; ahead += 64) __builtin_prefetch(in + n * sizeof(type) + ahead); \
    for (size_t i = 0; i < n; i++) memcpy(out + i * sizeof(type), in + (n - 1 - i) * sizeof(type), sizeof(type));                     \
  }                                                                                                                                   \
  static void move_##type(char *out, ptrdiff_t out_stride, const char *in, ptrdiff_t in_stride, size_t n) {                           \
    const ptrdiff_t size = sizeof(type);                                                                                              \
    if (out_stride == size && in_stride == -size && n > 0)                                                                            \
      reverse_##type(out, in - (ptrdiff_t)(n - 1) * size, n);                                                                         \
    else                                                                                                                              \
      for (size_t i = 0; i < n; i++) memcpy(out + (ptrdiff_t)i * out_stride, in + (ptrdiff_t)i * in_stride, (size_t)size);            \
  }
MOVE(uint8_t)
MOVE(uint16_t)
MOVE(uint32_t)
MOVE(uint64_t)
#undef MOVE

static void move_row(char *out, ptrdiff_t out_stride, const char *in, ptrdiff_t in_stride, size_t size, size_t n) {
  if (out_stride == (ptrdiff_t)size && in_stride == (ptrdiff_t)size) {
    if (n) memcpy(out, in, n * size);
    return;
  }
  switch (size) {
    case 1: move_uint8_t(out, out_stride, in, in_stride, n); return;
    case 2: move_uint16_t(out, out_stride, in, in_stride, n); return;
    case 4: move_uint32_t(out, out_stride, in, in_stride, n); return;
    default: move_uint64_t(out, out_stride, in, in_stride, n);
  }
}

/* Each pair of types goes through the one of the three row formats that loses nothing on the way, a block at a time. */
enum { BLOCK = 512 };

static bool is_wide(dust_dtype dtype) { return dtype == DUST_UINT64 || dtype == DUST_INT64; }

/* Whether a row lies side by side where elements of its type may lie: it can then be read or written as it is. */
static bool lies_well(const void *row, ptrdiff_t stride, dust_dtype dtype) {
  size_t size = dust_dtype_size(dtype);
  return stride == (ptrdiff_t)size && (uintptr_t)row % size == 0;
}

static void cast_block(void *out, ptrdiff_t out_stride, dust_dtype out_dtype, const void *in, ptrdiff_t in_stride, dust_dtype in_dtype,
                       size_t n) {
  union {
    uint64_t label[BLOCK];
    double wide[BLOCK];
    float narrow[BLOCK];
  } row;
  const bool out_well = lies_well(out, out_stride, out_dtype), in_well = lies_well(in, in_stride, in_dtype);
  if (out_dtype == DUST_FLOAT32) { /* straight from 64-bit integers to float: by way of double would round twice */
    dust_row_to_float(out_well ? out : row.narrow, in, in_stride, in_dtype, n);
    if (!out_well) dust_row_from_float(out, out_stride, out_dtype, row.narrow, n);
  } else if (out_dtype == DUST_FLOAT64) {
    dust_row_to_double(out_well ? out : row.wide, in, in_stride, in_dtype, n);
    if (!out_well) dust_row_from_double(out, out_stride, out_dtype, row.wide, n);
  } else if (dust_dtype_is_float(in_dtype)) {
    dust_row_to_double(row.wide, in, in_stride, in_dtype, n);
    store_truncated(out, out_stride, out_dtype, row.wide, n);
  } else if (is_wide(in_dtype) && in_well) {
    dust_row_from_label(out, out_stride, out_dtype, in, n);
  } else {
    dust_row_to_label(out_well && is_wide(out_dtype) ? out : row.label, in, in_stride, in_dtype, n);
    if (!out_well || !is_wide(out_dtype)) dust_row_from_label(out, out_stride, out_dtype, row.label, n);
  }
}

void dust_row_cast(void *out, ptrdiff_t out_stride, dust_dtype out_dtype, const void *in, ptrdiff_t in_stride, dust_dtype in_dtype,
                   size_t n) {
  if (out_dtype == in_dtype) {
    move_row(out, out_stride, in, in_stride, dust_dtype_size(in_dtype), n);
    return;
  }
  for (size_t i = 0; i < n; i += BLOCK) {
    size_t part = n - i < BLOCK ? n - i : BLOCK;
    cast_block((char *)out + (ptrdiff_t)i * out_stride, out_stride, out_dtype, (const char *)in + (ptrdiff_t)i * in_stride, in_stride,
               in_dtype, part);
  }
}
