#include "base/isa.h"

#include <stdlib.h>
#include <string.h>
#include "base/clones.h"

static const char *const names[] = {"baseline", "v3", "v4"};

/* Threads that race for it come to the same. */
_Atomic int dust_isa_chosen;

dust_isa dust_isa_best(void) {
#ifdef DUST_HAVE_CLONES
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return !v3 ? DUST_ISA_BASELINE : v4 ? DUST_ISA_V4 : DUST_ISA_V3;
#else
  return DUST_ISA_BASELINE;
#endif
}

const char *dust_isa_name(dust_isa isa) { return names[isa]; }

dust_status dust_isa_parse(const char *name, dust_isa *isa) {
  for (int i = 0; i <= DUST_ISA_V4; i++) {
    if (strcmp(name, names[i]) != 0) continue;
    if (i > (int)dust_isa_best())
      return dust_fail(DUST_ERROR_UNSUPPORTED, "instruction set %s is not here; the best that this machine and build have is %s", name,
                       names[dust_isa_best()]);
    *isa = (dust_isa)i;
    return DUST_OK;
  }
  return dust_fail(DUST_ERROR_ARGUMENT, "'%s' is no instruction set: baseline, v3 and v4 are (x86-64's levels)", name);
}

static const char *wish(void) {
  const char *name = getenv("MOONDUST_ISA");
  return name && *name ? name : NULL;
}

dust_status dust_isa_check(void) {
  dust_isa isa;
  return wish() ? dust_isa_parse(wish(), &isa) : DUST_OK;
}

static dust_isa first_choice(void) {
  dust_isa isa;
  return wish() && dust_isa_parse(wish(), &isa) == DUST_OK ? isa : dust_isa_best();
}

dust_isa dust_isa_choose(void) {
  dust_isa isa = first_choice();
  dust_isa_use(isa);
  return isa;
}

void dust_isa_use(dust_isa isa) { atomic_store_explicit(&dust_isa_chosen, (int)isa + 1, memory_order_relaxed); }
