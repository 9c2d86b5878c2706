/* CRC32C (crc32c.h): eight bytes a step, with tables or, where the processor has it, its own instruction. */
#include "store/crc32c.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82F63B78u /* bit 31 - i: x^i */
#define ONE 0x80000000u
#define LONG 16384 /* bytes from which it pays to put parts together */

static uint32_t table[8][256]; /* table[k][byte]: that byte with k zero bytes after it */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ POLYNOMIAL : value >> 1;
    table[0][byte] = value;
  }
  for (int k = 1; k < 8; k++)
    for (int byte = 0; byte < 256; byte++) table[k][byte] = table[k - 1][byte] >> 8 ^ table[0][table[k - 1][byte] & 255];
}

uint32_t dust_crc32c_tables(uint32_t state, const void *bytes, size_t size) {
  const unsigned char *p = bytes;
  pthread_once(&once, make_tables);
  for (; size >= 8; p += 8, size -= 8) {
    uint32_t low = state ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
    state = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^
            table[1][p[6]] ^ table[0][p[7]];
  }
  for (; size > 0; p++, size--) state = state >> 8 ^ table[0][(state ^ *p) & 255];
  return state;
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t state, const void *bytes, size_t size) {
  const unsigned char *p = bytes;
  uint64_t wide = state, word;
  if (size >= LONG) { /* three at a time: the instruction's result is there three cycles later */
    size_t part = size / 24 * 8;
    uint64_t second = 0, third = 0, two, three;
    for (size_t i = 0; i < part; i += 8) {
      memcpy(&word, p + i, 8), memcpy(&two, p + part + i, 8), memcpy(&three, p + 2 * part + i, 8);
      wide = _mm_crc32_u64(wide, word), second = _mm_crc32_u64(second, two), third = _mm_crc32_u64(third, three);
    }
    uint32_t factor = dust_crc32c_factor(part);
    wide = dust_crc32c_times(dust_crc32c_times((uint32_t)wide, factor) ^ (uint32_t)second, factor) ^ (uint32_t)third;
    p += 3 * part, size -= 3 * part;
  }
  for (; size >= 8; p += 8, size -= 8) memcpy(&word, p, 8), wide = _mm_crc32_u64(wide, word);
  state = (uint32_t)wide;
  for (; size > 0; p++, size--) state = _mm_crc32_u8(state, *p);
  return state;
}

static uint32_t go_on(uint32_t state, const void *bytes, size_t size) {
  return __builtin_cpu_supports("sse4.2") ? by_instruction(state, bytes, size) : dust_crc32c_tables(state, bytes, size);
}
#else
static uint32_t go_on(uint32_t state, const void *bytes, size_t size) { return dust_crc32c_tables(state, bytes, size); }
#endif

uint32_t dust_crc32c(uint32_t before, const void *bytes, size_t size) { return ~go_on(~before, bytes, size); }
uint32_t dust_crc32c_bare(const void *bytes, size_t size) { return go_on(0, bytes, size); }

uint32_t dust_crc32c_times(uint32_t bare, uint32_t factor) {
  uint32_t product = 0;
  for (; factor; factor <<= 1) {
    if (factor & ONE) product ^= bare;
    bare = bare >> 1 ^ (-(bare & 1) & POLYNOMIAL);
  }
  return product;
}

uint32_t dust_crc32c_factor(uint64_t bytes) {
  uint32_t factor = ONE;
  for (uint32_t power = ONE >> 8; bytes; bytes >>= 1, power = dust_crc32c_times(power, power))
    if (bytes & 1) factor = dust_crc32c_times(factor, power);
  return factor;
}

uint32_t dust_crc32c_shift(uint32_t bare, uint64_t bytes) { return dust_crc32c_times(bare, dust_crc32c_factor(bytes)); }
uint32_t dust_crc32c_finish(uint32_t bare, uint64_t size) { return bare ^ dust_crc32c_shift(0xffffffffu, size) ^ 0xffffffffu; }
