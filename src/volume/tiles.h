/* Copying between two orders of axes: where the elements of the one that lie side by side are far apart in the other, rows are the wrong thing to walk, since each
 * element of a row is in another line of the cache. Tiles use each line whole while it is there.
 */
#ifndef DUST_VOLUME_TILES_H
#define DUST_VOLUME_TILES_H

#include "volume/rows.h"

/* rows: of two arrays, out and in. Whether some outer axis is the one along which the elements of `in` lie side by side, and the row isn't. */
bool dust_tiles_fit(const dust_rows *rows, dust_dtype out, dust_dtype in);
/* out = in, converted as astype does; the rows must fit. */
dust_status dust_tiles_copy(const dust_rows *rows, dust_dtype out, dust_dtype in, dust_pool *pool);

#endif
