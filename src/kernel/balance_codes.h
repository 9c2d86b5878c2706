/* What balance.c has to know of a voxel in one byte, where labels are few classes and masks of bytes say yes or no. */
#ifndef DUST_KERNEL_BALANCE_CODES_H
#define DUST_KERNEL_BALANCE_CODES_H

#include "kernel/balance.h"

enum {
  DUST_BALANCE_CODES = 7, /* classes at most */
  DUST_BALANCE_NONE = 255 /* a voxel that a mask leaves out; its last three bits are no class */
};

/* Shares `mask`, with leading axes of 1 dropped and broadcast to the shape of `like`, elements along its rows side by side. */
dust_status dust_balance_fit_mask(dust_ndarray *out, const dust_ndarray *mask, const dust_ndarray *like, dust_pool *pool);

/* codes: uint8, shape of labels: each voxel's class or, if *masked, DUST_BALANCE_NONE. Labels are known to be classes, or
 * options->positive; then there are codes in any case, else only with masks in them, and otherwise nothing is made. */
dust_status dust_balance_codes(dust_ndarray *codes, bool *masked, const dust_ndarray *labels, const dust_balance_options *options,
                               dust_pool *pool);

/* Adds to seen[k], for each of a handful of classes, how many of n bytes are k. */
void dust_balance_count_bytes(double *seen, const uint8_t *id, size_t n, int64_t classes);

#endif
