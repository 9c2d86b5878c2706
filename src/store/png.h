/* Pictures: a 2-d array as a PNG file. */
#ifndef DUST_STORE_PNG_H
#define DUST_STORE_PNG_H

#include "volume/ndarray.h"

/* Writes uint8 (height, width), grey, or (height, width, 3), RGB; any strides. With a palette (NULL: none), uint8 (1 to 256, 3) in C
 * order, the elements of (height, width) are places in it, each of which must be there. The file is replaced, or made, once all is
 * written; what is refused as an output (store/output.h) is left alone. DUST_ERROR_UNSUPPORTED when this build has no libpng. */
dust_status dust_png_write(const char *path, const dust_ndarray *image, const dust_ndarray *palette);

/* Makes *image: uint8 (height, width) of a grey file, (height, width, 3) of any other; 16-bit samples become 8-bit ones,
 * transparent pixels are laid on white. DUST_ERROR_WORLD when the file isn't there or is no PNG. */
dust_status dust_png_read(const char *path, dust_ndarray *image);

#endif
