/* Random words as a function of a key and a place: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011).
 *
 * Nothing here has a state, so whoever computes a part of an array, on however many threads, gets what a computation of the whole
 * would hold there. A place is a block of
 * DUST_PHILOX_BLOCK elements; the 64 counters of a block give four words each, laid out so that every loop over lanes vectorises:
 *
 *     element of the block    0 … 63      64 … 127    128 … 191   192 … 255
 *     word of the counter     0           1           2           3             counter = 64 * block + element mod 64
 */
#ifndef DUST_KERNEL_PHILOX_H
#define DUST_KERNEL_PHILOX_H

#include <stdint.h>

#define DUST_PHILOX_BLOCK 256

/* The four words of one counter (lowest word first), in place. */
void dust_philox(uint32_t counter[4], uint64_t key);
/* The words of a block. Blocks of different streams are independent. */
void dust_philox_words(uint32_t out[DUST_PHILOX_BLOCK], uint64_t key, uint32_t stream, uint64_t block);
/* Standard normals of a block, at most 6.8 from 0 (Box and Muller: elements i and i + 64 share a radius), accurate to a few units
 * of float's last place. */
void dust_philox_normals(float out[DUST_PHILOX_BLOCK], uint64_t key, uint32_t stream, uint64_t block);

#endif
