/* The two ways of edt.c. */
#ifndef DUST_KERNEL_EDT_WAYS_H
#define DUST_KERNEL_EDT_WAYS_H

#include "kernel/edt.h"

/* Units in which squares are whole, if there are any. */
typedef struct dust_edt_units {
  double unit;                /* distance = unit * sqrt(square) */
  double weight[DUST_MAXDIM]; /* squared length of half a voxel along each axis, in unit^2 */
  double far;                 /* more than any square that matters */
  bool whole;                 /* weights are whole */
} dust_edt_units;

/* *fits: whether it could be done in 16 bits; if not nothing that a row was told counts. */
dust_status dust_edt_narrow(const dust_edt_job *job, const dust_edt_units *units, bool *fits, dust_pool *pool);
dust_status dust_edt_wide(const dust_edt_job *job, const dust_edt_units *units, dust_pool *pool);

/* To float32, negative where `zero` is set. */
void dust_edt_sign_row(float *out, const double *value, const uint8_t *zero, size_t n);

/* distance[i] = unit * sqrt(square), the same rounding everywhere. */
static inline double dust_edt_distance(double square, double unit) { return __builtin_sqrt(square * (unit * unit)); }

#endif
