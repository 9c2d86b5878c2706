/* Padding: an array in the middle of a larger one. Movement family: only the size of an element matters. */
#ifndef DUST_KERNEL_PAD_H
#define DUST_KERNEL_PAD_H

#include "base/pool.h"
#include "volume/ndarray.h"

typedef enum dust_pad_mode {
  DUST_PAD_CONSTANT,
  DUST_PAD_REFLECT, /* numpy's "reflect": d c b | a b c d | c b a, again and again where the pad is wider; an axis of one element repeats it */
} dust_pad_mode;

/* out: in's dtype, shape before + shape + after, made here. element: the constant, one element of in's dtype (NULL: zero; unused
 * by reflect). Negative pads, and reflecting an axis of no elements, are DUST_ERROR_ARGUMENT. */
dust_status dust_pad_array(dust_ndarray *out, const dust_ndarray *in, const int64_t *before, const int64_t *after, dust_pad_mode mode,
                           const void *element, dust_pool *pool);

/* A number as one element (8 bytes are enough for any): fractions round half to even in integer types; what doesn't fit is
 * DUST_ERROR_RANGE. */
dust_status dust_pad_element(void *element, dust_dtype dtype, double value);
dust_status dust_pad_element_integer(void *element, dust_dtype dtype, int64_t value); /* exact for 64-bit types; of uint64 its bits */

#endif
