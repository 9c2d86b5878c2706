/* A step is one character of UTF-8, or one byte where there is none. */
#include "base/printable.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the character that begins there, its code in *code; 0: no UTF-8 (too long a form, a surrogate, cut off). */
static size_t character(uint32_t *code, const unsigned char *text, size_t length) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char first = text[0];
  const size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || size > length) return 0;
  *code = size == 1 ? first : first & (0x7fu >> size);
  for (size_t i = 1; i < size; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    *code = *code << 6 | (text[i] & 0x3f);
  }
  return *code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ? 0 : size;
}

static bool steers(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

size_t dust_printable(char *out, size_t size, const char *text, size_t length) {
  size_t needed = 0, at = 0;
  bool full = size == 0;
  for (size_t i = 0; i < length;) {
    char escaped[16];
    uint32_t code = 0;
    const char *piece = text + i;
    size_t step = character(&code, (const unsigned char *)piece, length - i), bytes = step;
    if (step == 0 || steers(code)) {
      if (step == 0)
        snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned char)*piece);
      else if (code == '\n' || code == '\t' || code == '\r')
        snprintf(escaped, sizeof escaped, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'r');
      else
        snprintf(escaped, sizeof escaped, code < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)code);
      piece = escaped, bytes = strlen(escaped), step = step ? step : 1;
    }
    full |= at + bytes + 1 > size;
    if (!full) memcpy(out + at, piece, bytes), at += bytes;
    needed += bytes, i += step;
  }
  if (size) out[at] = 0;
  return needed;
}
