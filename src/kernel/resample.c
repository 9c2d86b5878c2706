/* scipy.ndimage's zoom and diagonal affine_transform, separably: each axis has a table of taps, an output slab is the weighted
 * sum of a few input slabs, and so on down to the last axis. Sums are kept in double and rounded to float32 once, as in the
 * original.
 *
 *     in (c0, c1, c2) --taps of z--> (c1, c2) --taps of y--> (c2) --taps of x--> one sample
 */
#include "kernel/resample.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/spline.h"

enum { MAXDIM = 4, PAD = 12 /* what scipy pads before a cubic filter with mode "nearest" */ };

typedef struct taps {
  int64_t *index; /* count * (order + 1) */
  double *weight; /* likewise */
  char *zero;     /* count: beyond the edge, mode "constant" */
} taps;

typedef struct resampling {
  int ndim, order;
  int64_t out_shape[MAXDIM], in_shape[MAXDIM]; /* in_shape: padded */
  int64_t out_slab[MAXDIM], in_slab[MAXDIM];   /* elements under one index of an axis */
  taps axis[MAXDIM];
  double *partial[MAXDIM]; /* in_slab[d] sums each */
} resampling;

static void set_tap(const resampling *r, int d, int64_t o, double coordinate, int64_t n, int64_t pad, dust_edge edge) {
  int count = r->order + 1;
  int64_t *index = r->axis[d].index + o * count;
  double *weight = r->axis[d].weight + o * count, w[4];
  bool beyond = coordinate < 0 || coordinate > (double)(n - 1);
  r->axis[d].zero[o] = beyond && edge == DUST_EDGE_CONSTANT;
  if (beyond) coordinate = coordinate < 0 ? 0 : (double)(n - 1);
  double below = floor(coordinate), fraction = coordinate - below;
  if (r->order == 3)
    dust_spline_weights(fraction, w);
  else
    w[0] = 1 - fraction, w[1] = 1 - w[0];
  for (int k = 0; k < count; k++) {
    index[k] = dust_spline_mirror((int64_t)below - r->order / 2 + k + pad, r->in_shape[d]);
    weight[k] = w[k];
  }
}

static dust_status make_taps(resampling *r, int d, int64_t n, double scale, double shift, int64_t pad, dust_edge edge) {
  size_t count = (size_t)r->out_shape[d], each = (size_t)r->order + 1;
  DUST_TRY(dust_calloc((void **)&r->axis[d].index, count, each * sizeof(int64_t)));
  DUST_TRY(dust_calloc((void **)&r->axis[d].weight, count, each * sizeof(double)));
  DUST_TRY(dust_calloc((void **)&r->axis[d].zero, count, 1));
  DUST_TRY(dust_calloc((void **)&r->partial[d], (size_t)r->in_slab[d], sizeof(double)));
  for (int64_t o = 0; o < r->out_shape[d]; o++) set_tap(r, d, o, (double)o * scale + shift, n, pad, edge);
  return DUST_OK;
}

static void release(resampling *r) {
  for (int d = 0; d < r->ndim; d++) {
    dust_free(r->axis[d].index);
    dust_free(r->axis[d].weight);
    dust_free(r->axis[d].zero);
    dust_free(r->partial[d]);
  }
}

static void combine(const resampling *r, int d, int64_t o, const double *in) {
  int count = r->order + 1;
  const int64_t *index = r->axis[d].index + o * count;
  const double *weight = r->axis[d].weight + o * count;
  double *sum = r->partial[d];
  int64_t slab = r->in_slab[d];
  for (int64_t i = 0; i < slab; i++) sum[i] = weight[0] * in[index[0] * slab + i];
  for (int k = 1; k < count; k++)
    for (int64_t i = 0; i < slab; i++) sum[i] += weight[k] * in[index[k] * slab + i];
}

static void resample_axis(const resampling *r, int d, const double *in, float *out) {
  for (int64_t o = 0; o < r->out_shape[d]; o++, out += r->out_slab[d]) {
    if (r->axis[d].zero[o]) {
      memset(out, 0, (size_t)r->out_slab[d] * sizeof *out);
      continue;
    }
    combine(r, d, o, in);
    if (d == r->ndim - 1 || d == MAXDIM - 1)
      *out = (float)r->partial[d][0];
    else
      resample_axis(r, d + 1, r->partial[d], out);
  }
}

/* in as doubles, with PAD repeated samples around it where `pad` says so, as spline coefficients if order is 3. */
static void load(const resampling *r, double *grid, const float *in, const int64_t *shape, int64_t pad) {
  int64_t total = r->in_shape[0] * r->in_slab[0];
  for (int64_t i = 0; i < total; i++) {
    int64_t rest = i, from = 0;
    for (int d = 0; d < r->ndim; d++) {
      int64_t at = rest / r->in_slab[d] - pad;
      rest %= r->in_slab[d];
      from = from * shape[d] + (at < 0 ? 0 : at >= shape[d] ? shape[d] - 1 : at);
    }
    grid[i] = in[from];
  }
  if (r->order == 3) dust_spline_filter(grid, r->ndim, r->in_shape);
}

dust_status dust_resample(float *out, const int64_t *out_shape, const float *in, const int64_t *in_shape, int ndim, const double *scale,
                          const double *shift, int order, dust_edge edge) {
  if (ndim < 1 || ndim > MAXDIM) return dust_fail(DUST_ERROR_ARGUMENT, "resampling takes 1 to %d axes, not %d", MAXDIM, ndim);
  if (order != 1 && order != 3) return dust_fail(DUST_ERROR_ARGUMENT, "resampling is of order 1 or 3, not %d", order);
  resampling r = {.ndim = ndim, .order = order};
  double *grid = NULL;
  dust_status status = DUST_OK;
  int64_t pad = order == 3 && edge == DUST_EDGE_NEAREST ? PAD : 0;
  for (int d = ndim - 1; d >= 0; d--) {
    if (out_shape[d] < 1 || in_shape[d] < 1)
      return dust_fail(DUST_ERROR_ARGUMENT, "resampling needs at least one sample along axis %d", d + 1);
    r.out_shape[d] = out_shape[d], r.in_shape[d] = in_shape[d] + 2 * pad;
    r.out_slab[d] = d == ndim - 1 ? 1 : r.out_slab[d + 1] * out_shape[d + 1];
    r.in_slab[d] = d == ndim - 1 ? 1 : r.in_slab[d + 1] * r.in_shape[d + 1];
  }
  DUST_GO(dust_calloc((void **)&grid, (size_t)(r.in_shape[0] * r.in_slab[0]), sizeof *grid));
  load(&r, grid, in, in_shape, pad);
  for (int d = 0; d < ndim; d++) DUST_GO(make_taps(&r, d, in_shape[d], scale[d], shift[d], pad, edge));
  resample_axis(&r, 0, grid, out);
done:
  dust_free(grid);
  release(&r);
  return status;
}

dust_status dust_zoom(float *out, const int64_t *out_shape, const float *in, const int64_t *in_shape, int ndim, int order, dust_edge edge) {
  double scale[MAXDIM], shift[MAXDIM] = {0};
  for (int d = 0; d < ndim && d < MAXDIM; d++) scale[d] = out_shape[d] == 1 ? 1 : (double)(in_shape[d] - 1) / (double)(out_shape[d] - 1);
  return dust_resample(out, out_shape, in, in_shape, ndim, scale, shift, order, edge);
}
