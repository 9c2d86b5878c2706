/* Text on a picture, in a bitmap font that the caller brings. */
#ifndef DUST_KERNEL_GLYPHS_H
#define DUST_KERNEL_GLYPHS_H

#include "volume/ndarray.h"

typedef struct dust_text {
  const unsigned char *bytes;
  size_t length;
  int64_t y, x;    /* pixel of the first glyph's upper left corner; parts outside of the picture are cut off */
  int64_t advance; /* pixels from one glyph to the next */
  int first;       /* the byte that glyph 0 draws; bytes without a glyph draw the last one */
  uint8_t rgb[3];
} dust_text;

/* canvas: uint8 (height, width, 3), writable (the caller saw to that). glyphs: uint8 (count, rows, columns), how much of a pixel is
 * ink: 0 to 255. */
dust_status dust_draw_glyphs(const dust_ndarray *canvas, const dust_ndarray *glyphs, const dust_text *text);

#endif
