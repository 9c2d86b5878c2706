/* Element-wise work in blocks: rows (volume/rows.h) are cut into pieces that fit into the first-level cache, so that a kernel
 * converts a piece, computes on it and stores it while it is there, and one long row is shared by all threads.
 *
 * Pieces are gathered into chunks that depend on shape and strides alone: a reduction that keeps one partial result a chunk and
 * combines them in order gives the same bytes for any number of threads.
 */
#ifndef DUST_KERNEL_BLOCKS_H
#define DUST_KERNEL_BLOCKS_H

#include "volume/rows.h"

#define DUST_BLOCK 1024 /* elements of a piece at most */

/* n <= DUST_BLOCK elements; element i of array k is at pointer[k] + i * rows->stride[k]. */
typedef void (*dust_block_body)(void *context, const dust_rows *rows, char *const *pointer, size_t n, size_t chunk);

size_t dust_blocks_chunks(const dust_rows *rows); /* chunks are numbered from 0 to this - 1 */
dust_status dust_blocks_run(const dust_rows *rows, dust_pool *pool, dust_block_body body, void *context);

/* The same for a body that needs no buffers, and gets whole rows where it can: n is not bounded. Chunks are those of dust_blocks_run(). */
dust_status dust_blocks_run_long(const dust_rows *rows, dust_pool *pool, dust_block_body body, void *context);

/* The same on this thread, pieces in order, until body says false. */
typedef bool (*dust_block_test)(void *context, const dust_rows *rows, char *const *pointer, size_t n);
void dust_blocks_while(const dust_rows *rows, dust_block_test body, void *context);

/* `in` with elements that lie side by side along its rows: itself, or else (a transposed or flipped view) a copy in C order. Worth it for whoever reads elements
 * more than once, or much slower than they are copied. */
dust_status dust_blocks_near(dust_ndarray *out, const dust_ndarray *in, dust_pool *pool);
/* What an element-wise kernel reads and what it writes. A flipped or transposed view is read, and its result laid out, in the order of memory (as numpy's
 * order "K"): near and out have another shape than `in` then, and dust_blocks_result() gives the result its shape back. Only elements that don't lie side
 * by side along any axis are copied; out, if of the same dtype, is that very copy then, whose blocks may be written once they are read. */
typedef struct dust_blocks_pair {
  dust_ndarray near, out;
  dust_axis_order order;
} dust_blocks_pair;
dust_status dust_blocks_pair_make(dust_blocks_pair *pair, const dust_ndarray *in, dust_dtype dtype, dust_pool *pool);
void dust_blocks_pair_release(dust_blocks_pair *pair); /* of a zeroed one too */
void dust_blocks_result(dust_ndarray *result, const dust_blocks_pair *pair);

/* A piece as float, double or uint64: the elements themselves where they already are contiguous and of that type, else converted
 * into buffer (DUST_BLOCK long). */
const float *dust_block_floats(float *buffer, const char *pointer, int64_t stride, dust_dtype dtype, size_t n);
const double *dust_block_doubles(double *buffer, const char *pointer, int64_t stride, dust_dtype dtype, size_t n);
const uint64_t *dust_block_labels(uint64_t *buffer, const char *pointer, int64_t stride, dust_dtype dtype, size_t n);

#endif
