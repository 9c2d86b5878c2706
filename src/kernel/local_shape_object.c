/* An object is handled alone, in its bounding box: nothing outside of it counts, and only rows that it has voxels in are worked out.
 *
 * Moments are taken about the voxel itself: a separable filter with w(k), w(k) k and w(k) k^2 along each axis gives sum w m k^a
 * l^b n^c without the large numbers that positions in the volume would bring. Of the products only those with a + b + c <= 2 are
 * needed:
 *
 *     mask --z--> 3 volumes (order 0 1 2) --y--> 6 rows (00 01 02 10 11 20) --x--> 10 rows of sums --> 10 rows of channels --> runs
 *
 * Sums run over k in rising order, so that vectors of any width make the same numbers. */
#include "kernel/local_shape_object.h"

#include <math.h>
#include <string.h>
#include "base/clones.h"
#include "base/mem.h"

#define AXES DUST_SHAPE_AXES
#define SUMS DUST_SHAPE_SUMS
#define LANES 32 /* a row is worked on in pieces of so many, whose sums stay in registers */

enum { SIZE, OFFSET_Z, OFFSET_Y, OFFSET_X, ZZ, YY, XX, ZY, ZX, YX };
enum { P00, P01, P02, P10, P11, P20, PAIRS }; /* orders along z and y */

/* A row of the coarse box: which of its voxels are wanted, and the first of its runs. */
typedef struct box_row {
  int64_t begin, end; /* none: begin >= end */
  int64_t run;        /* -1: none */
  bool reached;       /* the filter along z brings something here */
} box_row;

typedef struct workspace {
  const dust_shape_volume *volume;
  const dust_shape_run *run;
  int64_t begin[AXES], size[AXES]; /* box on the coarse grid */
  int64_t pitch, pad;              /* floats from row to row, a multiple of LANES; zeros before and after a row of pairs */
  void *block;
  float *mask, *z[3], *pair[PAIRS], *sum[SUMS], *channel[SUMS];
  box_row *row;  /* size[0] * size[1] */
  int64_t *next; /* per run: the next one of its coarse row, -1 */
} workspace;

static int64_t coarse(const dust_shape_volume *v, int axis, int64_t at) { return axis == 0 && v->flat ? at : at / v->down; }

static void find_box(workspace *w, size_t count) {
  int64_t low[AXES] = {INT64_MAX, INT64_MAX, INT64_MAX}, high[AXES] = {0};
  for (size_t i = 0; i < count; i++) {
    const dust_shape_run *r = &w->run[i];
    const int64_t from[AXES] = {r->z, r->y, r->begin}, to[AXES] = {r->z, r->y, r->end - 1};
    for (int a = 0; a < AXES; a++) {
      if (from[a] < low[a]) low[a] = from[a];
      if (to[a] > high[a]) high[a] = to[a];
    }
  }
  for (int a = 0; a < AXES; a++) {
    w->begin[a] = coarse(w->volume, a, low[a]);
    w->size[a] = coarse(w->volume, a, high[a]) + 1 - w->begin[a];
  }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t reach(const workspace *w, int axis) { return least(w->volume->filter[axis].radius, w->size[axis] - 1); }

static float *take(float **next, size_t floats) {
  float *block = *next;
  *next += (floats + 15) / 16 * 16; /* whole cache lines */
  return block;
}

static dust_status workspace_make(workspace *w, size_t count) {
  find_box(w, count);
  size_t rows = (size_t)(w->size[0] * w->size[1]);
  w->pitch = (w->size[2] + LANES - 1) / LANES * LANES;
  w->pad = (reach(w, 2) + 15) / 16 * 16;
  size_t row = (size_t)w->pitch, padded = row + 2 * (size_t)w->pad, floats = 4 * rows * row + PAIRS * padded + 2 * SUMS * row;
  DUST_TRY(dust_calloc(&w->block, floats * sizeof(float) + rows * sizeof(box_row) + count * sizeof(int64_t), 1));
  float *next = w->block;
  w->mask = take(&next, rows * row);
  for (int o = 0; o < 3; o++) w->z[o] = take(&next, rows * row);
  for (int p = 0; p < PAIRS; p++) w->pair[p] = take(&next, padded) + w->pad;
  for (int s = 0; s < SUMS; s++) w->sum[s] = take(&next, row), w->channel[s] = take(&next, row);
  w->row = (box_row *)(void *)next;
  w->next = (int64_t *)(void *)(w->row + rows);
  return DUST_OK;
}

static box_row *row_of(const workspace *w, const dust_shape_run *r) {
  return &w->row[(coarse(w->volume, 0, r->z) - w->begin[0]) * w->size[1] + coarse(w->volume, 1, r->y) - w->begin[1]];
}

/* Runs to their coarse rows, and into the mask: of a coarse voxel the first fine one counts. */
static void place_runs(workspace *w, size_t count) {
  int64_t down = w->volume->down, rows = w->size[0] * w->size[1];
  for (int64_t i = 0; i < rows; i++) w->row[i] = (box_row){.begin = INT64_MAX, .run = -1};
  for (size_t i = count; i-- > 0;) {
    const dust_shape_run *r = &w->run[i];
    box_row *row = row_of(w, r);
    int64_t begin = r->begin / down - w->begin[2], end = (r->end - 1) / down + 1 - w->begin[2];
    w->next[i] = row->run, row->run = (int64_t)i;
    if (begin < row->begin) row->begin = begin;
    if (end > row->end) row->end = end;
    if ((!w->volume->flat && r->z % down) || r->y % down) continue;
    float *mask = w->mask + (row - w->row) * w->pitch;
    for (int64_t x = (r->begin + down - 1) / down; x * down < r->end; x++) mask[x - w->begin[2]] = 1;
  }
}

/* ---- filters */

DUST_CLONED(void, along_z,
            (float *restrict out0, float *restrict out1, float *restrict out2, const float *const *in, const int64_t *k, int64_t count,
             int64_t pitch, const dust_shape_filter *filter),
            (out0, out1, out2, in, k, count, pitch, filter)) {
  for (int64_t x = 0; x < pitch; x += LANES) {
    float sum0[LANES] = {0}, sum1[LANES] = {0}, sum2[LANES] = {0};
    for (int64_t i = 0; i < count; i++) {
      const float *from = in[i] + x;
      float w0 = filter->weight[0][k[i]], w1 = filter->weight[1][k[i]], w2 = filter->weight[2][k[i]];
      for (int l = 0; l < LANES; l++) sum0[l] += w0 * from[l];
      for (int l = 0; l < LANES; l++) sum1[l] += w1 * from[l];
      for (int l = 0; l < LANES; l++) sum2[l] += w2 * from[l];
    }
    for (int l = 0; l < LANES; l++) out0[x + l] = sum0[l], out1[x + l] = sum1[l], out2[x + l] = sum2[l];
  }
}

/* The six products of three rows. */
DUST_CLONED(void, along_y,
            (float *const *out, const float *const *in, int64_t volume, const int64_t *k, int64_t count, int64_t begin, int64_t end,
             const dust_shape_filter *filter),
            (out, in, volume, k, count, begin, end, filter)) {
  for (int64_t x = begin; x < end; x += LANES) {
    float p00[LANES] = {0}, p01[LANES] = {0}, p02[LANES] = {0}, p10[LANES] = {0}, p11[LANES] = {0}, p20[LANES] = {0};
    for (int64_t i = 0; i < count; i++) {
      const float *z0 = in[i] + x, *z1 = z0 + volume, *z2 = z1 + volume;
      float w0 = filter->weight[0][k[i]], w1 = filter->weight[1][k[i]], w2 = filter->weight[2][k[i]];
      for (int l = 0; l < LANES; l++) p00[l] += w0 * z0[l];
      for (int l = 0; l < LANES; l++) p01[l] += w1 * z0[l];
      for (int l = 0; l < LANES; l++) p02[l] += w2 * z0[l];
      for (int l = 0; l < LANES; l++) p10[l] += w0 * z1[l];
      for (int l = 0; l < LANES; l++) p11[l] += w1 * z1[l];
      for (int l = 0; l < LANES; l++) p20[l] += w0 * z2[l];
    }
    for (int l = 0; l < LANES; l++) out[P00][x + l] = p00[l], out[P01][x + l] = p01[l], out[P02][x + l] = p02[l];
    for (int l = 0; l < LANES; l++) out[P10][x + l] = p10[l], out[P11][x + l] = p11[l], out[P20][x + l] = p20[l];
  }
}

static inline __attribute__((always_inline)) void sum_up(float *restrict sum, const float *row, float weight) {
  for (int l = 0; l < LANES; l++) sum[l] += weight * row[l];
}

static inline __attribute__((always_inline)) void keep(float *restrict out, const float *restrict sum) {
  for (int l = 0; l < LANES; l++) out[l] = sum[l];
}

/* The ten sums, in two goes, for all of them don't fit into the registers. */
DUST_CLONED(void, along_x,
            (float *const *out, float *const *pair, int64_t begin, int64_t end, int64_t reach, const dust_shape_filter *filter),
            (out, pair, begin, end, reach, filter)) {
  const float *w0 = filter->weight[0], *w1 = filter->weight[1], *w2 = filter->weight[2];
  for (int64_t x = begin; x < end; x += LANES) {
    float size[LANES] = {0}, offset_z[LANES] = {0}, offset_y[LANES] = {0}, offset_x[LANES] = {0}, xx[LANES] = {0};
    for (int64_t k = -reach; k <= reach; k++) {
      sum_up(size, pair[P00] + x + k, w0[k]);
      sum_up(offset_x, pair[P00] + x + k, w1[k]);
      sum_up(xx, pair[P00] + x + k, w2[k]);
      sum_up(offset_z, pair[P10] + x + k, w0[k]);
      sum_up(offset_y, pair[P01] + x + k, w0[k]);
    }
    keep(out[SIZE] + x, size), keep(out[OFFSET_Z] + x, offset_z), keep(out[OFFSET_Y] + x, offset_y), keep(out[OFFSET_X] + x, offset_x);
    keep(out[XX] + x, xx);
    float zz[LANES] = {0}, yy[LANES] = {0}, zy[LANES] = {0}, zx[LANES] = {0}, yx[LANES] = {0};
    for (int64_t k = -reach; k <= reach; k++) {
      sum_up(zz, pair[P20] + x + k, w0[k]);
      sum_up(yy, pair[P02] + x + k, w0[k]);
      sum_up(zy, pair[P11] + x + k, w0[k]);
      sum_up(zx, pair[P10] + x + k, w1[k]);
      sum_up(yx, pair[P01] + x + k, w1[k]);
    }
    keep(out[ZZ] + x, zz), keep(out[YY] + x, yy), keep(out[ZY] + x, zy), keep(out[ZX] + x, zx), keep(out[YX] + x, yx);
  }
}

/* Rows of the mask that have voxels, filtered along z into every row of their column of rows. */
static void filter_z(workspace *w, const float **in, int64_t *k) {
  int64_t far = reach(w, 0), rows = w->size[1];
  for (int64_t y = 0; y < rows; y++) {
    for (int64_t z = 0; z < w->size[0]; z++) {
      int64_t count = 0, at = z * rows + y;
      for (int64_t other = z - far > 0 ? z - far : 0; other <= z + far && other < w->size[0]; other++)
        if (w->row[other * rows + y].run >= 0) in[count] = w->mask + (other * rows + y) * w->pitch, k[count++] = other - z;
      w->row[at].reached = count > 0;
      int64_t to = at * w->pitch;
      if (count > 0) along_z(w->z[0] + to, w->z[1] + to, w->z[2] + to, in, k, count, w->pitch, &w->volume->filter[0]);
    }
  }
}

/* ---- channels */

static inline float clip(double value) { return value < 0 ? 0 : value > 1 ? 1 : (float)value; }

/* The ten sums of a piece as channels, 3-d order. */
static inline __attribute__((always_inline)) void describe(float channel[SUMS][LANES], const float sum[SUMS][LANES],
                                                           const dust_shape_volume *v) {
  const double sz = v->step[0], sy = v->step[1], sx = v->step[2], gz = v->sigma[0], gy = v->sigma[1], gx = v->sigma[2];
  for (int l = 0; l < LANES; l++) {
    double size = sum[SIZE][l] == 0 ? 1 : sum[SIZE][l]; /* a coarse voxel that the object misses: upstream's guard */
    double mz = sum[OFFSET_Z][l] / size, my = sum[OFFSET_Y][l] / size, mx = sum[OFFSET_X][l] / size;
    double zz = (sum[ZZ][l] / size - mz * mz) * sz * sz, yy = (sum[YY][l] / size - my * my) * sy * sy;
    double xx = (sum[XX][l] / size - mx * mx) * sx * sx;
    zz = zz < 1e-3 ? 1e-3 : zz, yy = yy < 1e-3 ? 1e-3 : yy, xx = xx < 1e-3 ? 1e-3 : xx;
    double zy = (sum[ZY][l] / size - mz * my) * sz * sy, zx = (sum[ZX][l] / size - mz * mx) * sz * sx;
    double yx = (sum[YX][l] / size - my * mx) * sy * sx;
    channel[0][l] = clip(mz * sz / gz * 0.5 + 0.5);
    channel[1][l] = clip(my * sy / gy * 0.5 + 0.5);
    channel[2][l] = clip(mx * sx / gx * 0.5 + 0.5);
    channel[3][l] = clip(zz / (gz * gz));
    channel[4][l] = clip(yy / (gy * gy));
    channel[5][l] = clip(xx / (gx * gx));
    channel[6][l] = clip(zy / sqrt(zz * yy) * 0.5 + 0.5);
    channel[7][l] = clip(zx / sqrt(zz * xx) * 0.5 + 0.5);
    channel[8][l] = clip(yx / sqrt(yy * xx) * 0.5 + 0.5);
    channel[9][l] = clip(size);
  }
}

/* On copies of known size and place: only then can the compiler tell that the rows don't overlap. */
DUST_CLONED(void, describe_row, (float *const *channel, float *const *sum, int64_t begin, int64_t end, const dust_shape_volume *v),
            (channel, sum, begin, end, v)) {
  float from[SUMS][LANES], to[SUMS][LANES];
  for (int64_t x = begin; x < end; x += LANES) {
    for (int s = 0; s < SUMS; s++) memcpy(from[s], sum[s] + x, sizeof from[s]);
    describe(to, from, v);
    for (int s = 0; s < SUMS; s++) memcpy(channel[s] + x, to[s], sizeof to[s]);
  }
}

/* Fine voxels begin … end - 1 of a row of coarse ones. */
static void widen(float *restrict out, const float *restrict from, int64_t begin, int64_t end, int64_t down) {
  for (int64_t x = begin, at = begin / down; x < end; at++) {
    float value = from[at];
    for (int64_t stop = least((at + 1) * down, end); x < stop; x++) out[x] = value;
  }
}

/* The runs of a coarse row get its channels; 2-d has six of them. */
static void write_runs(const workspace *w, const box_row *row) {
  static const int in_3d[SUMS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, in_2d[6] = {1, 2, 4, 5, 8, 9};
  const dust_shape_volume *v = w->volume;
  const int *channels = v->flat ? in_2d : in_3d;
  int count = v->flat ? 6 : SUMS;
  int64_t voxels = v->shape[0] * v->shape[1] * v->shape[2];
  for (int64_t i = row->run; i >= 0; i = w->next[i]) {
    const dust_shape_run *r = &w->run[i];
    for (int c = 0; c < count; c++) {
      float *out = v->out + c * voxels + (r->z * v->shape[1] + r->y) * v->shape[2];
      const float *from = w->channel[channels[c]];
      if (v->down == 1)
        memcpy(out + r->begin, from + r->begin - w->begin[2], (size_t)(r->end - r->begin) * sizeof *out);
      else
        widen(out, from - w->begin[2], r->begin, r->end, v->down);
    }
  }
}

/* Everything after z for one row of the box. */
static void finish_row(workspace *w, int64_t z, int64_t y, const float **in, int64_t *k) {
  const box_row *row = &w->row[z * w->size[1] + y];
  int64_t rows = w->size[1], far = reach(w, 1), side = reach(w, 2), count = 0;
  for (int64_t other = y - far > 0 ? y - far : 0; other <= y + far && other < rows; other++)
    if (w->row[z * rows + other].reached) in[count] = w->z[0] + (z * rows + other) * w->pitch, k[count++] = other - y;
  int64_t begin = row->begin / LANES * LANES, end = (row->end + LANES - 1) / LANES * LANES;
  int64_t first = begin - side > 0 ? (begin - side) / LANES * LANES : 0, last = least(end + side, w->pitch);
  along_y(w->pair, in, w->z[1] - w->z[0], k, count, first, last, &w->volume->filter[1]);
  along_x(w->sum, w->pair, begin, end, side, &w->volume->filter[2]);
  describe_row(w->channel, w->sum, begin, end, w->volume);
  write_runs(w, row);
}

dust_status dust_shape_object(const dust_shape_volume *volume, const dust_shape_run *run, size_t count) {
  workspace w = {.volume = volume, .run = run};
  const float **in = NULL;
  int64_t *k = NULL;
  dust_status status;
  DUST_GO(workspace_make(&w, count));
  size_t most = (size_t)(w.size[0] > w.size[1] ? w.size[0] : w.size[1]);
  DUST_GO(dust_alloc((void **)&in, most * sizeof *in));
  DUST_GO(dust_alloc((void **)&k, most * sizeof *k));
  place_runs(&w, count);
  filter_z(&w, in, k);
  for (int64_t z = 0; z < w.size[0]; z++)
    for (int64_t y = 0; y < w.size[1]; y++)
      if (w.row[z * w.size[1] + y].run >= 0) finish_row(&w, z, y, in, k);
done:
  dust_free(w.block);
  dust_free(in);
  dust_free(k);
  return status;
}
