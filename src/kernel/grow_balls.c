/* For each voxel the nearest drawn one within reach, an axis at a time: a line knows for each of its voxels the best found so far
 * (squared distance, place), and a window that widens until nothing nearer can come improves it. Lines without anything drawn
 * cost one look.
 *
 *     axis 3        axis 2          axis 1
 *     . . . .       . 1 . .
 *     . 0 1 .  ->   . 0 1 .   ->    …          squared distances, in units of the radius
 *     . . . .       . 1 2 .
 */
#include <math.h>
#include <string.h>
#include "base/mem.h"
#include "kernel/rasterize.h"

#define LINES_A_CHUNK 64
#define SLACK 1e-9 /* of the squared radius: what lies on the surface is in, however the sums were rounded */

typedef struct field {
  const dust_ndarray *drawn; /* C order */
  double *distance;          /* squared, in units of the radius; INFINITY: none within reach */
  int64_t *nearest;          /* element of drawn */
  double limit;
  /* of the axis at hand */
  int64_t length, step, window;
  double spacing;
  /* of what is made of it */
  dust_ndarray *out;
  double inner;
} field;

typedef struct scratch {
  double *distance, *better;
  int64_t *nearest, *nearer;
} scratch;

static dust_status scratch_make(scratch *s, int64_t n) {
  DUST_TRY(dust_calloc((void **)&s->distance, (size_t)n, 2 * sizeof(double) + 2 * sizeof(int64_t)));
  s->better = s->distance + n;
  s->nearest = (int64_t *)(void *)(s->better + n);
  s->nearer = s->nearest + n;
  return DUST_OK;
}

static bool load_line(const field *f, const scratch *s, int64_t start) {
  bool any = false;
  for (int64_t i = 0; i < f->length; i++) {
    s->distance[i] = f->distance[start + i * f->step];
    s->nearest[i] = f->nearest[start + i * f->step];
    any = any || s->distance[i] < INFINITY;
  }
  return any;
}

static inline void consider(double candidate, int64_t place, double *best, int64_t *nearest) {
  if (candidate < *best || (candidate == *best && place < *nearest)) *best = candidate, *nearest = place;
}

static void improve(const field *f, const scratch *s, int64_t i) {
  double best = s->distance[i];
  int64_t nearest = s->nearest[i];
  for (int64_t k = 1; k <= f->window; k++) {
    double away = (double)k * f->spacing, squared = away * away;
    if (squared > best) break;
    if (i >= k) consider(s->distance[i - k] + squared, s->nearest[i - k], &best, &nearest);
    if (i + k < f->length) consider(s->distance[i + k] + squared, s->nearest[i + k], &best, &nearest);
  }
  s->better[i] = best <= f->limit ? best : INFINITY;
  s->nearer[i] = nearest;
}

static dust_status lines(void *context, size_t begin, size_t end, size_t chunk) {
  const field *f = context;
  scratch s;
  DUST_TRY(scratch_make(&s, f->length));
  for (size_t l = begin; l < end; l++) {
    int64_t start = (int64_t)l / f->step * f->step * f->length + (int64_t)l % f->step;
    if (!load_line(f, &s, start)) continue;
    for (int64_t i = 0; i < f->length; i++) improve(f, &s, i);
    for (int64_t i = 0; i < f->length; i++) {
      f->distance[start + i * f->step] = s.better[i];
      f->nearest[start + i * f->step] = s.nearer[i];
    }
  }
  dust_free(s.distance);
  return DUST_OK;
}

static void begin_at_drawn(field *f, int64_t count) {
  static const char zero[8];
  size_t size = dust_dtype_size(f->drawn->dtype);
  for (int64_t i = 0; i < count; i++) {
    bool here = memcmp(f->drawn->data + (size_t)i * size, zero, size) != 0;
    f->distance[i] = here ? 0 : INFINITY;
    f->nearest[i] = i;
  }
}

static dust_status measure(field *f, const double *voxel_size, const double *radius, double reach, dust_pool *pool) {
  int64_t count = dust_ndarray_count(f->drawn);
  f->limit = reach * reach * (1 + SLACK);
  DUST_TRY(dust_calloc((void **)&f->distance, (size_t)count, sizeof *f->distance));
  DUST_TRY(dust_calloc((void **)&f->nearest, (size_t)count, sizeof *f->nearest));
  begin_at_drawn(f, count);
  f->step = 1;
  for (int a = f->drawn->ndim - 1; count > 0 && a >= 0; f->step *= f->drawn->shape[a--]) {
    f->length = f->drawn->shape[a];
    f->spacing = voxel_size[a] / radius[a];
    f->window = (int64_t)fmin(reach / f->spacing * (1 + SLACK), (double)f->length);
    DUST_TRY(dust_pool_for(pool, (size_t)(count / f->length), LINES_A_CHUNK, lines, f));
  }
  return DUST_OK;
}

static dust_status check(const dust_ndarray *drawn, const double *voxel_size, const double *radius, const char *what) {
  if (drawn->ndim < 1) return dust_fail(DUST_ERROR_ARGUMENT, "nothing can grow in an array without axes");
  for (int a = 0; a < drawn->ndim; a++) {
    if (!(radius[a] > 0) || isinf(radius[a]))
      return dust_fail(DUST_ERROR_ARGUMENT, "%s is %g on axis %d, it must be positive", what, radius[a], a + 1);
    if (!(voxel_size[a] > 0) || isinf(voxel_size[a]))
      return dust_fail(DUST_ERROR_ARGUMENT, "voxel_size is %g on axis %d, it must be positive", voxel_size[a], a + 1);
  }
  return DUST_OK;
}

static dust_status color_row(void *context, size_t begin, size_t end, size_t chunk) {
  const field *f = context;
  size_t size = dust_dtype_size(f->drawn->dtype);
  double hollow = f->inner > 0 ? f->inner * f->inner * (1 + SLACK) : -1;
  for (size_t i = begin; i < end; i++)
    if (f->distance[i] < INFINITY && f->distance[i] > hollow)
      memcpy(f->out->data + i * size, f->drawn->data + (size_t)f->nearest[i] * size, size);
  return DUST_OK;
}

static dust_status peak_row(void *context, size_t begin, size_t end, size_t chunk) {
  const field *f = context;
  for (size_t i = begin; i < end; i++) {
    double value = f->distance[i] < INFINITY ? exp(-.5 * f->distance[i]) : 0;
    if (f->out->dtype == DUST_FLOAT32)
      ((float *)(void *)f->out->data)[i] = (float)value;
    else
      ((double *)(void *)f->out->data)[i] = value;
  }
  return DUST_OK;
}

static dust_status grow(dust_ndarray *out, const dust_ndarray *drawn, const double *voxel_size, const double *radius, double reach,
                        double inner, dust_dtype dtype, dust_pool_body finish, dust_pool *pool) {
  dust_ndarray made = {0}, flat = {0};
  field f = {.drawn = &flat, .out = &made, .inner = inner};
  dust_status status;
  DUST_GO(dust_ndarray_contiguous(&flat, drawn));
  DUST_GO(dust_ndarray_zeros(&made, dtype, drawn->ndim, drawn->shape));
  DUST_GO(measure(&f, voxel_size, radius, reach, pool));
  DUST_GO(dust_pool_for(pool, (size_t)dust_ndarray_count(&made), 1 << 16, finish, &f));
  *out = made;
  made = (dust_ndarray){0};
done:
  dust_free(f.distance);
  dust_free(f.nearest);
  dust_ndarray_release(&flat);
  dust_ndarray_release(&made);
  return status;
}

dust_status dust_grow_balls(dust_ndarray *out, const dust_ndarray *drawn, const double *voxel_size, const double *radius, double inner,
                            dust_pool *pool) {
  DUST_TRY(check(drawn, voxel_size, radius, "radius"));
  if (!(inner >= 0 && inner <= 1))
    return dust_fail(DUST_ERROR_ARGUMENT, "the inner fraction of the radius is %g, it must be from 0 to 1", inner);
  return grow(out, drawn, voxel_size, radius, 1, inner, drawn->dtype, color_row, pool);
}

dust_status dust_grow_peaks(dust_ndarray *out, const dust_ndarray *drawn, const double *voxel_size, const double *sigma, dust_dtype dtype,
                            dust_pool *pool) {
  DUST_TRY(check(drawn, voxel_size, sigma, "sigma"));
  if (!dust_dtype_is_float(dtype)) return dust_fail(DUST_ERROR_ARGUMENT, "peaks are float32 or float64, not %s", dust_dtype_name(dtype));
  return grow(out, drawn, voxel_size, sigma, 4, 0, dtype, peak_row, pool);
}
