/* Round-ended lines and discs on a picture, with smooth edges. */
#ifndef DUST_KERNEL_STROKES_H
#define DUST_KERNEL_STROKES_H

#include "volume/ndarray.h"

typedef struct dust_stroke {
  double y0, x0, y1, x1; /* in pixels; the centre of the first pixel is 0.5, 0.5. Equal ends: a disc */
  double radius;         /* half the width */
} dust_stroke;

/* A pixel is covered by as much as the stroke's edge lies beyond its centre: radius + 1/2 - distance, within 0 and 1. Strokes
 * come in order; what lies outside of the picture, or isn't finite, is not drawn. canvas: uint8 (height, width, 3), writable (the
 * caller saw to that). */
dust_status dust_draw_strokes(const dust_ndarray *canvas, size_t n, const dust_stroke *stroke, const uint8_t rgb[3]);

#endif
