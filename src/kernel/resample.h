/* Grids at other spacings, by scipy.ndimage's arithmetic (zoom, and affine_transform with a diagonal matrix), for float32 grids
 * of 1 to 4 axes.
 *
 * Output sample o of an axis lies at input coordinate o * scale + shift, computed in double exactly so, because what happens at
 * the far edge depends on the last bit: beyond the last sample mode "constant" gives 0 for the whole slab (zoom's well-known zero
 * faces), mode "nearest" the edge.
 */
#ifndef DUST_KERNEL_RESAMPLE_H
#define DUST_KERNEL_RESAMPLE_H

#include <stdint.h>
#include "base/status.h"

typedef enum dust_edge { DUST_EDGE_CONSTANT, DUST_EDGE_NEAREST } dust_edge;

/* out and in are C-ordered, of out_shape and in_shape, every axis at least 1, and don't overlap. order is 1 or 3 (with
 * prefilter). */
dust_status dust_resample(float *out, const int64_t *out_shape, const float *in, const int64_t *in_shape, int ndim, const double *scale,
                          const double *shift, int order, dust_edge edge);
/* scipy.ndimage.zoom to out_shape: first and last samples stay where they are. */
dust_status dust_zoom(float *out, const int64_t *out_shape, const float *in, const int64_t *in_shape, int ndim, int order, dust_edge edge);

#endif
