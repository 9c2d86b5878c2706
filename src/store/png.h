/* Pictures: a 2-d array as a PNG file. */
#ifndef DUST_STORE_PNG_H
#define DUST_STORE_PNG_H

#include "volume/ndarray.h"

/* Writes uint8 (height, width), grey, or (height, width, 3), RGB; any strides. An existing file is replaced. A file that can't be
 * finished is removed. DUST_ERROR_UNSUPPORTED when this build has no libpng. */
dust_status dust_png_write(const char *path, const dust_ndarray *image);

#endif
