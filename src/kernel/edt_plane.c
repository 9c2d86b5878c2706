/* Tiles are the last 32 columns where the row's end isn't a multiple of them; rows shorter than 32 are made longer with values that
 * end the search at once. */
#include "kernel/edt_plane.h"

#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"

#define LANES DUST_EDT_LANES

/* Squares of 32 columns of `rows` rows; some[y] is set where a row holds any below far. */
DUST_CLONED(void, squares_of,
            (dust_edt_square *restrict out, uint8_t *restrict some, const uint8_t *restrict steps, int64_t pitch, int64_t rows,
             const dust_edt_squaring *s),
            (out, some, steps, pitch, rows, s)) {
  uint16_t weight = s->weight, stride = s->stride, shift = s->shift, limit = s->limit, far = s->far;
  for (int64_t y = 0; y < rows; y++, out += LANES, steps += pitch) {
    uint8_t least = DUST_EDT_NEVER;
    for (int l = 0; l < LANES; l++) {
      uint16_t way = (uint16_t)(stride * steps[l] + shift);
      out[l] = dust_edt_square_of(steps[l] < limit ? (uint16_t)((unsigned)weight * way * way) : far);
      least = steps[l] < least ? steps[l] : least;
    }
    some[y] |= least < limit;
  }
}

static dust_edt_squaring make_squaring(const dust_edt_planes *planes, double weight, int stride, int shift) {
  dust_edt_squaring s = {.stride = (uint16_t)stride, .shift = (uint16_t)shift, .far = planes->far};
  s.weight = weight < planes->far ? (uint16_t)weight : 0;
  while (s.limit < DUST_EDT_NEVER && weight * (stride * s.limit + shift) * (stride * s.limit + shift) < planes->far) s.limit++;
  return s;
}

/* ---- the volume */

dust_status dust_edt_planes_make(dust_edt_planes *planes, const dust_ndarray *labels, bool faces, const double *weight, dust_pool *pool) {
  dust_edt_scan *scan = &planes->scan;
  int64_t width = labels->shape[2] > LANES ? (labels->shape[2] + 63) / 64 * 64 : LANES; /* whole vectors, nothing left over */
  size_t volume = (size_t)labels->shape[0] * (size_t)labels->shape[1] * (size_t)width;
  planes->voxel_z = (float)(2 * sqrt(weight[0]));
  planes->square[0] = faces ? make_squaring(planes, weight[0], 2, 1) : make_squaring(planes, 4 * weight[0], 1, 0);
  planes->square[1] = planes->square[2] = make_squaring(planes, weight[0], 2, 0);
  DUST_TRY(dust_edt_axis_make(&planes->y, planes->shape[1], weight[1], planes->far, planes->border[1]));
  DUST_TRY(dust_edt_axis_make(&planes->x, planes->shape[2], weight[2], planes->far, planes->border[2]));
  *scan = (dust_edt_scan){.labels = labels, .faces = faces, .border = planes->border[0], .pitch = width};
  DUST_TRY(dust_alloc((void **)&scan->steps[0], volume));
  if (faces && labels->shape[1] > 1) DUST_TRY(dust_alloc((void **)&scan->steps[1], volume));
  if (faces) DUST_TRY(dust_alloc((void **)&scan->steps[2], volume));
  return dust_edt_scan_run(scan, pool);
}

void dust_edt_planes_release(dust_edt_planes *planes) {
  for (int k = 0; k < 3; k++) dust_free(planes->scan.steps[k]);
  dust_edt_axis_release(&planes->y);
  dust_edt_axis_release(&planes->x);
}

/* ---- what a thread needs */

static size_t pieces(const dust_edt_planes *planes) { return (size_t)((planes->shape[2] + LANES - 1) / LANES); }

/* The last piece ends where the row does. */
static int64_t piece_begin(const dust_edt_planes *planes, size_t piece) {
  int64_t begin = (int64_t)piece * LANES, last = planes->shape[2] > LANES ? planes->shape[2] - LANES : 0;
  return begin < last ? begin : last;
}

static void fill(dust_edt_square *out, uint16_t square, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = dust_edt_square_of(square);
}

/* What lies beyond the ends of a row of a plane. */
static void fill_pads(const dust_edt_planes *planes, dust_edt_square *row) {
  int64_t pad = planes->x.pad, n = planes->shape[2], room = n > LANES ? n : LANES;
  fill(row - pad, planes->far, pad);
  fill(row + n, planes->far, pad + room - n);
  if (planes->border[2]) fill(row - 1, 0, 1), fill(row + n, 0, 1);
}

static void fill_tile_pads(const dust_edt_planes *planes, dust_edt_square *tile) {
  int64_t pad = planes->y.pad * LANES, n = planes->shape[1] * LANES;
  fill(tile - pad, planes->far, pad);
  fill(tile + n, planes->far, pad);
  if (planes->border[1]) fill(tile - LANES, 0, LANES), fill(tile + n, 0, LANES);
}

static void *take(char **next, size_t bytes) {
  void *block = *next;
  *next += (bytes + DUST_ALIGN - 1) / DUST_ALIGN * DUST_ALIGN;
  return block;
}

dust_status dust_edt_plane_acquire(dust_edt_plane *plane, const dust_edt_planes *planes) {
  int64_t rows = planes->shape[1], room = planes->shape[2] > LANES ? planes->shape[2] : LANES, tile_rows = rows + 2 * planes->y.pad;
  plane->pitch = room + 2 * planes->x.pad;
  size_t tile = (size_t)(tile_rows * LANES) * sizeof(uint16_t), lattice = (size_t)(rows * plane->pitch) * sizeof(uint16_t);
  size_t filled = (size_t)(tile_rows + 2 * DUST_EDT_GROUP + 1) * sizeof(int32_t);
  size_t root = pieces(planes) * sizeof(float), row = (size_t)room * sizeof(uint16_t);
  int64_t front = dust_edt_floor_front(&planes->x);
  size_t floor = (size_t)(front + room + dust_edt_floor_behind(&planes->x)) * sizeof(dust_edt_square);
  DUST_TRY(dust_alloc(&plane->block, 2 * tile + 2 * lattice + filled + 5 * (size_t)rows + 2 * root + row + floor + 10 * DUST_ALIGN));
  char *next = plane->block;
  plane->tile.centre = (dust_edt_square *)take(&next, tile) + planes->y.pad * LANES;
  plane->tile.half = (dust_edt_square *)take(&next, tile) + planes->y.pad * LANES;
  plane->tile.filled = (int32_t *)take(&next, filled) + planes->y.pad + DUST_EDT_GROUP;
  plane->centre = (dust_edt_square *)take(&next, lattice) + planes->x.pad;
  plane->between = (dust_edt_square *)take(&next, lattice) + planes->x.pad;
  plane->some = take(&next, (size_t)rows);
  plane->row = take(&next, row);
  plane->enough = take(&next, (size_t)rows * sizeof *plane->enough);
  plane->root = take(&next, root);
  plane->first = take(&next, root);
  plane->floor = (dust_edt_square *)take(&next, floor) + front;
  fill_tile_pads(planes, plane->tile.centre);
  fill_tile_pads(planes, plane->tile.half);
  for (int64_t y = 0; y < rows; y++)
    fill_pads(planes, plane->centre + y * plane->pitch), fill_pads(planes, plane->between + y * plane->pitch);
  return DUST_OK;
}

void dust_edt_plane_release(dust_edt_plane *plane) { dust_free(plane->block); }

/* ---- along y */

/* Squares of 32 columns; half: 0 or the lattice between rows. Which rows hold anything is left in tile.filled. */
static void load_tile(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t z, int64_t x, int centre, int half) {
  const dust_edt_scan *scan = &planes->scan;
  int64_t rows = planes->shape[1], pad = planes->y.pad + DUST_EDT_GROUP, pitch = scan->pitch, offset = z * rows * pitch + x;
  int32_t *filled = plane->tile.filled, border = planes->border[1], count = border;
  memset(plane->some, 0, (size_t)rows);
  squares_of(plane->tile.centre, plane->some, scan->steps[centre] + offset, pitch, rows, &planes->square[centre]);
  if (half) squares_of(plane->tile.half, plane->some, scan->steps[half] + offset, pitch, rows, &planes->square[half]);
  for (int64_t y = 0; planes->shape[2] < LANES && y < rows; y++) /* past the end of a row there is nothing to look for */
    fill(plane->tile.centre + y * LANES + planes->shape[2], 0, LANES - planes->shape[2]);
  for (int64_t y = -pad; y < 0; y++) filled[y] = 0;
  filled[0] = count;
  for (int64_t y = 0; y < rows; y++) filled[y + 1] = count += plane->some[y];
  for (int64_t y = rows + 1; y <= rows + pad; y++) filled[y] = count + border;
}

static void centres_along_y(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t z) {
  bool between_rows = planes->scan.steps[1] != NULL;
  dust_edt_tile tile = plane->tile;
  tile.root = plane->enough;
  if (!between_rows) tile.half = NULL;
  for (int64_t y = 0; y < planes->shape[1]; y++) plane->enough[y] = 0;
  for (size_t p = 0; p < pieces(planes); p++) {
    int64_t x = piece_begin(planes, p);
    load_tile(plane, planes, z, x, 0, between_rows ? 1 : 0);
    dust_edt_window_tile(plane->centre + x, plane->pitch, &tile, &planes->y);
  }
}

/* The lattice between columns. With R the root of a row's largest centre value, and since something m voxels less a half away can only
 * be nearer than the centre that is half a voxel behind it if its square is smaller or larger by less than (2 m)^2 - (2 m - 1)^2 half
 * voxels squared, where m <= R + 1/2 voxels: nothing above R + a voxel is of any use. */
static void columns_along_y(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t z) {
  dust_edt_tile tile = plane->tile;
  tile.half = NULL, tile.enough = plane->enough;
  for (int64_t y = 0; y < planes->shape[1]; y++) plane->enough[y] += 1 / planes->x.per_root;
  for (size_t p = 0; p < pieces(planes); p++) {
    int64_t x = piece_begin(planes, p);
    load_tile(plane, planes, z, x, 2, 0);
    dust_edt_window_tile(plane->between + x, plane->pitch, &tile, &planes->y);
  }
}

static void plane_along_y(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t z) {
  centres_along_y(plane, planes, z);
  if (planes->scan.steps[2]) columns_along_y(plane, planes, z);
  for (int64_t y = 0; planes->shape[2] < LANES && y < planes->shape[1]; y++)
    fill_pads(planes, plane->centre + y * plane->pitch), fill_pads(planes, plane->between + y * plane->pitch);
}

/* ---- row for row */

void dust_edt_plane_enter(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t z, bool first) {
  for (size_t p = 0; p < pieces(planes); p++) plane->root[p] = first ? sqrtf(planes->far) : plane->first[p] + planes->voxel_z;
  plane_along_y(plane, planes, z);
}

uint16_t dust_edt_plane_row(dust_edt_plane *plane, const dust_edt_planes *planes, int64_t y) {
  size_t count = pieces(planes);
  for (size_t p = 0; y > 0 && p < count; p++) plane->root[p] += 1 / planes->y.per_root;
  const dust_edt_square *between = planes->scan.steps[2] ? plane->between + y * plane->pitch : NULL;
  uint16_t most = dust_edt_window_line(plane->row, plane->centre + y * plane->pitch, between, &planes->x, plane->root, plane->floor);
  if (y == 0) memcpy(plane->first, plane->root, count * sizeof *plane->first);
  return most;
}
