/* The row iterator: walks the rows of up to DUST_ROWS_MAX arrays of one shape together, merging dimensions that are contiguous in
 * all of them, so that kernels own one row and nobody writes nested loops over axes again.
 *
 *     dust_rows rows; dust_rows_init(&rows, 2, (const dust_ndarray *[]){out, in});
 *     for (size_t r = 0; r < rows.count; r++) {
 *       char *p[2]; dust_rows_at(&rows, r, p);
 *       … rows.length elements, rows.stride[i] bytes apart from p[i] …
 *     }
 *
 * dust_rows_run() does the same over a pool, a fixed number of rows a chunk. Rows follow C order. Merging stops at some thousand
 * elements, so that scratch rows stay in the cache and a contiguous volume can still be shared among threads; only a last
 * dimension that is longer by itself makes a longer row.
 */
#ifndef DUST_VOLUME_ROWS_H
#define DUST_VOLUME_ROWS_H

#include "base/pool.h"
#include "volume/ndarray.h"

#define DUST_ROWS_MAX 6

typedef struct dust_rows {
  int arrays, ndim;                          /* outer dimensions after merging */
  size_t count, length;                      /* rows, elements a row */
  int64_t shape[DUST_MAXDIM];                /* outer shape */
  int64_t outer[DUST_ROWS_MAX][DUST_MAXDIM]; /* byte strides of outer dimensions */
  int64_t stride[DUST_ROWS_MAX];             /* byte stride along the row */
  char *base[DUST_ROWS_MAX];
} dust_rows;

/* All arrays must have the shape of the first (DUST_ERROR_ARGUMENT otherwise). An array of no elements has count 0; a 0-d array
 * one row of length 1. */
dust_status dust_rows_init(dust_rows *rows, int arrays, const dust_ndarray *const *array);
/* Rows of one array in the order of memory, for those to whom it doesn't matter where an element stands: a flipped or transposed view is walked as fast as
 * what it is a view of. */
void dust_rows_init_any_order(dust_rows *rows, const dust_ndarray *array);
/* Start of row `row` in each array. */
void dust_rows_at(const dust_rows *rows, size_t row, char **pointer);

typedef dust_status (*dust_row_body)(void *context, const dust_rows *rows, char *const *pointer, size_t row);
/* body for each row; chunks of rows go to the pool (NULL: this thread). The failure of the first row that fails is the result. */
dust_status dust_rows_run(const dust_rows *rows, dust_pool *pool, dust_row_body body, void *context);

#endif
