/* One function in plain C, compiled once per instruction set; dust_isa_now() says at run time which copy is called. Since nothing contracts or reassociates,
 * every copy gives the same bytes.
 *
 *     DUST_CLONED(void, add_row, (float *restrict out, const float *restrict in, size_t n), (out, in, n)) {
 *       for (size_t i = 0; i < n; i++) out[i] += in[i];
 *     }
 *
 * What a copy calls must be inlined into it, or it runs as it was compiled elsewhere. gcc's target_clones would do the same, but can't be forced to a set and
 * doesn't get on with sanitizers. -DDUST_NO_CLONES leaves the plain copy only. */
#ifndef DUST_BASE_CLONES_H
#define DUST_BASE_CLONES_H

#include "base/isa.h"

#if defined(__GNUC__) && defined(__x86_64__) && !defined(DUST_NO_CLONES)
#define DUST_HAVE_CLONES
#define DUST_TARGET_V3 "avx2,bmi,bmi2,lzcnt,movbe,popcnt,f16c"
#define DUST_TARGET_V4 DUST_TARGET_V3 ",avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
#define DUST_CLONED_AS(linkage, type, name, params, args)                                                     \
  static inline __attribute__((always_inline)) type name##_body params;                                       \
  static __attribute__((noinline)) type name##_baseline params { return name##_body args; }                   \
  static __attribute__((noinline, target(DUST_TARGET_V3))) type name##_v3 params { return name##_body args; } \
  static __attribute__((noinline, target(DUST_TARGET_V4))) type name##_v4 params { return name##_body args; } \
  linkage type name params {                                                                                  \
    switch (dust_isa_now()) {                                                                                 \
      case DUST_ISA_V4: return name##_v4 args;                                                                \
      case DUST_ISA_V3: return name##_v3 args;                                                                \
      default: return name##_baseline args;                                                                   \
    }                                                                                                         \
  }                                                                                                           \
  static inline __attribute__((always_inline)) type name##_body params
#else
#define DUST_CLONED_AS(linkage, type, name, params, args) linkage type name params
#endif

#define DUST_CLONED(type, name, params, args) DUST_CLONED_AS(static, type, name, params, args)
/* The same for a function that a header declares. */
#define DUST_CLONED_EXTERN(type, name, params, args) DUST_CLONED_AS(, type, name, params, args)

#endif
