/* Text from outside (names in files, paths), safe to show: what would steer a terminal is written out.
 *
 * Control characters (C0, DEL, C1), those that turn the direction of writing, line separators, and bytes that are no UTF-8 become
 * \n, \t, \x1b, \u{202e}; everything else stays, backslashes too.
 */
#ifndef DUST_BASE_PRINTABLE_H
#define DUST_BASE_PRINTABLE_H

#include <stddef.h>

/* Into `out` with its NUL, cut at a whole character where `size` is too small; returns the bytes that it takes without cutting. */
size_t dust_printable(char *out, size_t size, const char *text, size_t length);

#endif
