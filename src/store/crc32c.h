/* CRC32C (Castagnoli's polynomial, as in iSCSI and ext4): of a block, and of blocks in any order.
 *
 * The usual value starts with all ones and is inverted at the end. Without both ("bare") it is linear: the bare value of a whole is
 * the exclusive or of its parts' bare values, each multiplied by x^(8 * the bytes that follow it).
 */
#ifndef DUST_STORE_CRC32C_H
#define DUST_STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t dust_crc32c(uint32_t before, const void *bytes, size_t size); /* goes on from a value; 0 to begin with */
uint32_t dust_crc32c_bare(const void *bytes, size_t size);
/* The bare value with `bytes` zeros after what it is of. */
uint32_t dust_crc32c_shift(uint32_t bare, uint64_t bytes);
uint32_t dust_crc32c_factor(uint64_t bytes);               /* x^(8 bytes) */
uint32_t dust_crc32c_times(uint32_t bare, uint32_t factor); /* their product */
/* The usual value of `size` bytes from the bare one, and back: the same function both ways. */
uint32_t dust_crc32c_finish(uint32_t bare, uint64_t size);
uint32_t dust_crc32c_tables(uint32_t state, const void *bytes, size_t size); /* bare, with tables whatever the processor has */

#endif
