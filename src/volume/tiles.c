/* A strip is ACROSS bytes wide where `in` lies side by side, as long as a row, and worked on tile by tile:
 *
 *     out  x x x x . .  row       in   x . . .       the elements of a line of `in` (down) go to as many rows of `out`
 *          o o o o . .  row            x . . .
 *          = = = = . .  row            x . . .
 *          tile     tile               x o = …       across ->
 */
#include "volume/tiles.h"

#include <string.h>
#include "base/clones.h"

enum { ACROSS = 64, ALONG = 64, STRIP_TARGET = 65536 }; /* bytes of a line; elements; elements of a chunk */

typedef struct tiling {
  const dust_rows *rows;
  dust_dtype out, in;
  int across;            /* the outer axis along which `in` lies side by side */
  bool down;             /* … but backwards */
  int64_t width, strips; /* rows of a strip; strips side by side */
} tiling;

typedef struct tile {
  char *out, *in;
  int64_t out_step, in_step; /* bytes: from row to row of `out`; from element to element of a row in `in` */
  size_t rows, n;
} tile;

static int across_of(const dust_rows *rows, int64_t size) {
  for (int d = rows->ndim - 1; d >= 0; d--)
    if (rows->outer[1][d] == size || rows->outer[1][d] == -size) return d;
  return -1;
}

bool dust_tiles_fit(const dust_rows *rows, dust_dtype out, dust_dtype in) {
  int64_t size = (int64_t)dust_dtype_size(in), step = rows->stride[1] < 0 ? -rows->stride[1] : rows->stride[1];
  return rows->count > 0 && rows->stride[0] == (int64_t)dust_dtype_size(out) && step > size && across_of(rows, size) >= 0;
}

/* ---- one tile */

/* A square of as many elements a side as a 16-byte vector holds is transposed by interleaving line i with line i + side / 2, again and again:
 *
 *     a0 a1 a2 a3        a0 c0 a1 c1        a0 b0 c0 d0
 *     b0 b1 b2 b3   ->   a2 c2 a3 c3   ->   a1 b1 c1 d1
 *     c0 c1 c2 c3        b0 d0 b1 d1        …
 */
#define LOW2 0, 2
#define HIGH2 1, 3
#define LOW4 0, 4, 1, 5
#define HIGH4 2, 6, 3, 7
#define LOW8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH8 4, 12, 5, 13, 6, 14, 7, 15
#define LOW16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SQUARES
#endif
#endif

#ifdef SQUARES
#define SQUARE(type, side)                                                                                                        \
  static inline __attribute__((always_inline)) void square_##type(char *out, int64_t out_step, const char *in, int64_t in_step) { \
    typedef type vector __attribute__((vector_size(16)));                                                                         \
    vector line[side], next[side];                                                                                                \
    for (int i = 0; i < side; i++) memcpy(&line[i], in + i * in_step, sizeof *line);                                              \
    for (int stage = 1; stage < side; stage *= 2) {                                                                               \
      for (int i = 0; i < side / 2; i++) {                                                                                        \
        next[2 * i] = __builtin_shufflevector(line[i], line[i + side / 2], LOW##side);                                            \
        next[2 * i + 1] = __builtin_shufflevector(line[i], line[i + side / 2], HIGH##side);                                       \
      }                                                                                                                           \
      memcpy(line, next, sizeof line);                                                                                            \
    }                                                                                                                             \
    for (int i = 0; i < side; i++) memcpy(out + i * out_step, &line[i], sizeof *line);                                            \
  }
#else
#define SQUARE(type, side)                                                                                                             \
  static inline void square_##type(char *out, int64_t out_step, const char *in, int64_t in_step) {                                     \
    for (int r = 0; r < side; r++)                                                                                                     \
      for (int i = 0; i < side; i++) memcpy(out + r * out_step + i * sizeof(type), in + i * in_step + r * sizeof(type), sizeof(type)); \
  }
#endif

#define MOVE(type, side)                                                                                                                  \
  SQUARE(type, side)                                                                                                                      \
  DUST_CLONED(void, move_##type, (char *restrict out, int64_t out_step, const char *restrict in, int64_t in_step, size_t rows, size_t n), \
              (out, out_step, in, in_step, rows, n)) {                                                                                    \
    const size_t whole_rows = rows - rows % side, whole = n - n % side;                                                                   \
    for (size_t r = 0; r < whole_rows; r += side)                                                                                         \
      for (size_t i = 0; i < whole; i += side)                                                                                            \
        square_##type(out + (int64_t)r * out_step + i * sizeof(type), out_step, in + (int64_t)i * in_step + r * sizeof(type), in_step);   \
    for (size_t r = 0; r < rows; r++)                                                                                                     \
      for (size_t i = r < whole_rows ? whole : 0; i < n; i++)                                                                             \
        memcpy(out + (int64_t)r * out_step + i * sizeof(type), in + (int64_t)i * in_step + r * sizeof(type), sizeof(type));               \
  }
MOVE(uint8_t, 16)
MOVE(uint16_t, 8)
MOVE(uint32_t, 4)
MOVE(uint64_t, 2)

static void convert(const tiling *t, const tile *part) {
  for (size_t r = 0; r < part->rows; r++)
    dust_row_cast(part->out + (int64_t)r * part->out_step, (ptrdiff_t)t->rows->stride[0], t->out, part->in + r * dust_dtype_size(t->in),
                  (ptrdiff_t)part->in_step, t->in, part->n);
}

static void copy_tile(const tiling *t, const tile *part) {
  if (t->out != t->in) {
    convert(t, part);
    return;
  }
  switch (dust_dtype_size(t->in)) {
    case 1: move_uint8_t(part->out, part->out_step, part->in, part->in_step, part->rows, part->n); return;
    case 2: move_uint16_t(part->out, part->out_step, part->in, part->in_step, part->rows, part->n); return;
    case 4: move_uint32_t(part->out, part->out_step, part->in, part->in_step, part->rows, part->n); return;
    default: move_uint64_t(part->out, part->out_step, part->in, part->in_step, part->rows, part->n);
  }
}

/* ---- strips */

/* The first tile of strip `index`; strips side by side follow each other. */
static tile strip_at(const tiling *t, size_t index) {
  const dust_rows *rows = t->rows;
  const int64_t many = rows->shape[t->across], first = (int64_t)(index % (size_t)t->strips) * t->width;
  const int64_t count = many - first < t->width ? many - first : t->width, from = t->down ? many - 1 - first : first;
  tile part = {rows->base[0], rows->base[1], rows->outer[0][t->across], rows->stride[1], (size_t)count, 0};
  part.out += from * rows->outer[0][t->across], part.in += from * rows->outer[1][t->across];
  if (t->down) part.out_step = -part.out_step;
  index /= (size_t)t->strips;
  for (int d = rows->ndim - 1; d >= 0; d--) {
    if (d == t->across) continue;
    int64_t at = (int64_t)(index % (size_t)rows->shape[d]);
    index /= (size_t)rows->shape[d];
    part.out += at * rows->outer[0][d], part.in += at * rows->outer[1][d];
  }
  return part;
}

static dust_status some_strips(void *context, size_t begin, size_t end, size_t chunk) {
  const tiling *t = context;
  for (size_t s = begin; s < end; s++) {
    tile part = strip_at(t, s);
    for (size_t left = t->rows->length; left > 0; left -= part.n) {
      part.n = left < ALONG ? left : ALONG;
      copy_tile(t, &part);
      part.out += (int64_t)part.n * t->rows->stride[0], part.in += (int64_t)part.n * part.in_step;
    }
  }
  return DUST_OK;
}

dust_status dust_tiles_copy(const dust_rows *rows, dust_dtype out, dust_dtype in, dust_pool *pool) {
  int64_t size = (int64_t)dust_dtype_size(in);
  tiling t = {.rows = rows, .out = out, .in = in, .across = across_of(rows, size), .width = ACROSS / size};
  t.down = rows->outer[1][t.across] < 0;
  t.strips = (rows->shape[t.across] - 1) / t.width + 1;
  size_t strips = rows->count / (size_t)rows->shape[t.across] * (size_t)t.strips, elements = rows->length * (size_t)t.width;
  return dust_pool_for(pool, strips, elements < STRIP_TARGET ? STRIP_TARGET / elements : 1, some_strips, &t);
}
