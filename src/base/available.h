/* How much memory this process may still take. */
#ifndef DUST_BASE_AVAILABLE_H
#define DUST_BASE_AVAILABLE_H

#include <stdint.h>

/* Bytes, by the machine (memory that is free or can be freed, and swap) and by the process's control group and limits; < 0: unknown. */
int64_t dust_mem_available(void);

#endif
