/* A coordinate: up to DUST_MAXDIM signed 64-bit world units, each of which may be unbounded. A plain value, no heap.
 *
 * Semantics are funlib.geometry's: an operation with an unbounded entry gives an unbounded entry. Unbounded is a bit of its own,
 * not a magic number; the value behind it is 0. Axes run zyx. Results that overflow 64 bits are DUST_ERROR_RANGE.
 */
#ifndef DUST_VOLUME_COORDINATE_H
#define DUST_VOLUME_COORDINATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

#define DUST_MAXDIM 8
#define DUST_COORDINATE_TEXT (DUST_MAXDIM * 24) /* bytes that hold any coordinate as text */

typedef struct dust_coordinate {
  int ndim;
  uint32_t unbounded; /* bit d set: entry d is unbounded */
  int64_t value[DUST_MAXDIM];
} dust_coordinate;

typedef enum dust_coordinate_op {
  DUST_ADD,
  DUST_SUBTRACT,
  DUST_MULTIPLY,
  DUST_DIVIDE,       /* Python's a / b followed by int(): towards zero */
  DUST_FLOOR_DIVIDE, /* Python's // */
  DUST_MODULO,       /* Python's %: sign of the divisor */
} dust_coordinate_op;

dust_coordinate dust_coordinate_filled(int ndim, int64_t value);
dust_coordinate dust_coordinate_unbounded(int ndim);
static inline bool dust_coordinate_is_unbounded(const dust_coordinate *c, int d) { return (c->unbounded >> d) & 1u; }
bool dust_coordinate_equal(const dust_coordinate *a, const dust_coordinate *b);
/* Entry by entry; dims must agree; division by zero is DUST_ERROR_ARGUMENT. out may alias. */
dust_status dust_coordinate_apply(dust_coordinate *out, dust_coordinate_op op, const dust_coordinate *a, const dust_coordinate *b);
/* The same with one number; DUST_DIVIDE and DUST_MULTIPLY take fractions (a quotient is truncated towards zero, a product that is no whole number is DUST_ERROR_ARGUMENT), others whole numbers.
 * */
dust_status dust_coordinate_apply_number(dust_coordinate *out, dust_coordinate_op op, const dust_coordinate *a, double number);
dust_status dust_coordinate_negate(dust_coordinate *out, const dust_coordinate *a);
/* "(40, 4, 4)", "(inf, 4, 4)": written like upstream prints; returns the length needed as snprintf does. */
int dust_coordinate_format(char *text, size_t size, const dust_coordinate *c);

#endif
