/* Vectors of a fixed number of lanes (GNU C's, which any machine can do), for bodies that are compiled once for each width since
 * gcc makes too little of the loop: floats_4, ints_4; and 8 and 16 of them. They may lie anywhere in memory and alias anything.
 *
 *     #define BODY(W, name, target) target static void name(float *at, size_t n) { … floats_##W a = AT(floats_##W, at + i); … }
 *     DUST_EACH_WIDTH(BODY, name)       defines name_baseline, and on x86-64 name_v3 and name_v4
 *     DUST_BY_WIDTH(name)(at, n);       calls the one for the instruction set in use
 */
#ifndef DUST_BASE_LANES_H
#define DUST_BASE_LANES_H

#include <stdint.h>
#include "base/clones.h"

#define DUST_LANES(W)                                                                  \
  typedef float floats_##W __attribute__((vector_size(4 * W), aligned(4), may_alias)); \
  typedef int32_t ints_##W __attribute__((vector_size(4 * W), aligned(4), may_alias))
DUST_LANES(4);
DUST_LANES(8);
DUST_LANES(16);
enum { DUST_MOST_LANES = 16 };

#define DUST_IOTA_4 0, 1, 2, 3
#define DUST_IOTA_8 DUST_IOTA_4, 4, 5, 6, 7
#define DUST_IOTA_16 DUST_IOTA_8, 8, 9, 10, 11, 12, 13, 14, 15

#define DUST_LANES_AT(type, pointer) (*(type *)(void *)(pointer))

/* Lanes of a and b, named by constants: 0 … W-1 are a's, W … 2W-1 b's. */
#if defined(__clang__) || __GNUC__ >= 12
#define DUST_SHUFFLE(W, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define DUST_SHUFFLE(W, a, b, ...) __builtin_shuffle(a, b, (ints_##W){__VA_ARGS__})
#endif

#ifdef DUST_HAVE_CLONES
#define DUST_EACH_WIDTH(BODY, name)                           \
  BODY(4, name##_baseline, )                                  \
  BODY(8, name##_v3, __attribute__((target(DUST_TARGET_V3)))) \
  BODY(16, name##_v4, __attribute__((target(DUST_TARGET_V4))))
#define DUST_BY_WIDTH(name) (dust_isa_now() == DUST_ISA_V4 ? name##_v4 : dust_isa_now() == DUST_ISA_V3 ? name##_v3 : name##_baseline)
#else
#define DUST_EACH_WIDTH(BODY, name) BODY(4, name##_baseline, )
#define DUST_BY_WIDTH(name) name##_baseline
#endif

#endif
