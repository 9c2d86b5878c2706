/* Rows of labels compared element by element, whatever their type: only their size matters. */
#ifndef DUST_KERNEL_UNLIKE_H
#define DUST_KERNEL_UNLIKE_H

#include <stddef.h>
#include <stdint.h>

/* flag[x] = 1 where a and b differ, else 0. a, b: n contiguous elements of `size` (1, 2, 4, 8) bytes each. */
void dust_unlike_row(uint8_t *flag, const char *a, const char *b, int64_t n, size_t size);
/* flag[x] = 1 where a is 0. */
void dust_zero_row(uint8_t *flag, const char *a, int64_t n, size_t size);
/* out[x] = flag[x] ? value : in[x]; value: one element. */
void dust_replace_row(char *out, const char *in, const uint8_t *flag, const void *value, int64_t n, size_t size);

#endif
