/* Poisson counts of any mean, each a function of key and place alone: what noise.c counts with. */
#ifndef DUST_KERNEL_NOISE_POISSON_H
#define DUST_KERNEL_NOISE_POISSON_H

#include "base/status.h"
#include "kernel/philox.h"

typedef struct dust_poisson dust_poisson; /* tables, for a range of means */

/* For means from `lowest` to `highest`, 0 <= lowest <= highest <= 2^31. */
dust_status dust_poisson_create(dust_poisson **out, double lowest, double highest);
void dust_poisson_release(dust_poisson *tables);
/* Means to counts, in place; element i of block `block` has always the same words (philox.h) to draw from. There is
 * room for DUST_PHILOX_BLOCK of them, of which the first n count. */
void dust_poisson_counts(const dust_poisson *tables, double *mean_to_count, int n, uint64_t key, uint64_t block);

#endif
