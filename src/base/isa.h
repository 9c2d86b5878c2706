/* The instruction set that kernels run on: the best that this machine has, unless MOONDUST_ISA names a smaller one. The choice is made once a process, at its
 * first use; every set gives the same bytes, so it is for measuring, and for telling whether a fault is the compiler's. */
#ifndef DUST_BASE_ISA_H
#define DUST_BASE_ISA_H

#include <stdatomic.h>
#include <stdbool.h>
#include "base/status.h"

/* x86-64 has three: as it was born (SSE2), AVX2 and company, AVX-512 (F, BW, CD, DQ, VL). Elsewhere there is only the first. */
typedef enum dust_isa { DUST_ISA_BASELINE, DUST_ISA_V3, DUST_ISA_V4 } dust_isa;

/* The choice + 1; 0 until somebody asks. Only dust_isa_now() reads it and dust_isa_use() writes it: it is here because kernels ask
 * for every row. */
extern _Atomic int dust_isa_chosen;
dust_isa dust_isa_choose(void);

/* What kernels use now. Where MOONDUST_ISA can't be followed it is the best there is; dust_isa_check() says so. */
static inline dust_isa dust_isa_now(void) {
  int chosen = atomic_load_explicit(&dust_isa_chosen, memory_order_relaxed);
  return chosen > 0 ? (dust_isa)(chosen - 1) : dust_isa_choose();
}

/* The best that machine and compiler allow. */
dust_isa dust_isa_best(void);

/* "baseline", "v3", "v4": the x86-64 levels' own names. */
const char *dust_isa_name(dust_isa isa);

/* Fails on a name that isn't one, and on a set that this machine or this build lacks, with a message that says which there are. */
dust_status dust_isa_parse(const char *name, dust_isa *isa);

/* Fails as dust_isa_parse() does when MOONDUST_ISA is set to something that can't be followed. */
dust_status dust_isa_check(void);

/* From now on, in all threads. `isa` is at most dust_isa_best(). */
void dust_isa_use(dust_isa isa);

#endif
