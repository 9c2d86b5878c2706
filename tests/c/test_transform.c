/* Of transformations what Lua can't reach: every failing allocation, many threads, tiles, rounding at the edge of a source ROI,
 * points there and back. */
#include <math.h>
#include <stdlib.h>
#include "check.h"
#include "kernel/transform.h"

static uint64_t state = 1;
static double uniform(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 11) / 9007199254740992.0;
}

static bool same_bytes(const dust_ndarray *a, const dust_ndarray *b) {
  return dust_ndarray_same_shape(a, b) && memcmp(a->data, b->data, dust_ndarray_bytes(a)) == 0;
}

static dust_coordinate coordinate(int ndim, const int64_t *value) {
  dust_coordinate c = dust_coordinate_filled(ndim, 0);
  for (int d = 0; d < ndim; d++) c.value[d] = value[d];
  return c;
}

static dust_roi box(int ndim, const int64_t *offset, const int64_t *shape) {
  dust_coordinate o = coordinate(ndim, offset), s = coordinate(ndim, shape);
  dust_roi roi = {0};
  CHECK_OK(dust_roi_make(&roi, &o, &s));
  return roi;
}

/* ---- transformations */

typedef struct sample_case {
  int ndim, subsample;
  bool quirks;
  int64_t offset[4], shape[4], voxel_size[4], controls[4];
  double angle, sigma;
} sample_case;

static const sample_case cases[] = {
    {3, 1, false, {100, 50, 25}, {500, 200, 220}, {50, 5, 5}, {5, 4, 3}, 0.4, 8},
    {3, 3, false, {0, -40, 15}, {400, 210, 155}, {50, 5, 5}, {3, 5, 5}, 1.3, 6},
    {2, 1, false, {-30, 7}, {64, 700}, {1, 1}, {4, 6}, 2.5, 5},
    {2, 4, false, {0, 0}, {90, 88}, {2, 2}, {1, 6}, -0.3, 9},
    {1, 1, false, {12}, {2400}, {2}, {9}, 0, 13},
    {4, 1, false, {0, 0, 0, 0}, {3, 24, 40, 36}, {1, 4, 2, 2}, {2, 3, 4, 3}, 0.7, 0.4},
    {4, 2, false, {3, 0, 8, 8}, {6, 24, 40, 36}, {1, 4, 2, 2}, {3, 3, 4, 3}, 0.7, 0.4},
    {3, 1, true, {100, 50, 25}, {500, 200, 220}, {50, 5, 5}, {5, 4, 3}, 0.4, 8},
    {3, 4, true, {100, 50, 25}, {500, 200, 220}, {50, 5, 5}, {5, 4, 3}, 0.4, 8},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct made_case {
  dust_roi roi;
  dust_coordinate voxel_size;
  dust_ndarray displacement;
  double rotation[16];
  dust_transform_options options;
} made_case;

static void make_case(made_case *m, const sample_case *c) {
  int64_t shape[5] = {c->ndim};
  memset(m, 0, sizeof *m);
  m->roi = box(c->ndim, c->offset, c->shape), m->voxel_size = coordinate(c->ndim, c->voxel_size);
  for (int d = 0; d < c->ndim; d++) shape[d + 1] = c->controls[d];
  CHECK_OK(dust_ndarray_empty(&m->displacement, DUST_FLOAT64, c->ndim + 1, shape));
  state = 77;
  for (int64_t i = 0; i < dust_ndarray_count(&m->displacement); i++) ((double *)m->displacement.data)[i] = (uniform() - 0.5) * 2 * c->sigma;
  for (int d = 0; d < c->ndim; d++) m->rotation[d * c->ndim + d] = 1;
  if (c->ndim > 1) {
    double *last = m->rotation + (c->ndim - 2) * c->ndim + c->ndim - 2;
    last[0] = cos(c->angle), last[1] = sin(c->angle), last[c->ndim] = -sin(c->angle), last[c->ndim + 1] = cos(c->angle);
  }
  m->options = (dust_transform_options){m->roi, m->voxel_size, &m->displacement, m->rotation, c->subsample, c->quirks};
}

static dust_status source_array(dust_ndarray *out, const dust_roi *roi, const dust_coordinate *voxel_size, dust_dtype dtype,
                                int64_t channels) {
  int64_t shape[DUST_MAXDIM] = {channels};
  for (int d = 0; d < roi->shape.ndim; d++) shape[d + 1] = roi->shape.value[d] / voxel_size->value[d];
  DUST_TRY(dust_ndarray_zeros(out, dtype, roi->shape.ndim + 1, shape));
  int64_t count = dust_ndarray_count(out);
  for (int64_t i = 0; i < count; i++) {
    double value = 1 + (double)(i * 7919 % 100);
    dust_row_from_double(out->data + i * (int64_t)dust_dtype_size(dtype), 1, dtype, &value, 1);
  }
  return DUST_OK;
}

/* Everything a node does with a transformation; `sum` gets the samples. */
static dust_status whole(dust_ndarray *out, const made_case *m, dust_dtype dtype, bool interpolate, dust_pool *pool) {
  dust_transform *t = NULL;
  dust_ndarray in = {0}, field = {0};
  dust_roi source;
  dust_status status = DUST_OK;
  DUST_GO(dust_transform_create(&t, &m->options, pool));
  DUST_GO(dust_transform_source_roi(&source, t, &m->roi, &m->voxel_size, pool));
  DUST_GO(source_array(&in, &source, &m->voxel_size, dtype, 2));
  DUST_GO(dust_transform_field(&field, t, &m->roi, &m->voxel_size, pool));
  DUST_GO(dust_transform_sample(out, t, &in, &source, &m->roi, &m->voxel_size, interpolate, pool));
done:
  dust_ndarray_release(&field);
  dust_ndarray_release(&in);
  dust_transform_release(t);
  return status;
}

typedef struct allocation {
  const made_case *made;
  dust_dtype dtype;
} allocation;

static dust_status once(void *context) {
  const allocation *a = context;
  dust_ndarray out = {0};
  dust_status status = whole(&out, a->made, a->dtype, true, NULL);
  dust_ndarray_release(&out);
  return status;
}

static void test_every_allocation(void) {
  for (int i = 0; i < CASES; i++) {
    made_case m;
    make_case(&m, &cases[i]);
    check_every_allocation("transformation", once, &(allocation){&m, DUST_UINT8});
    dust_ndarray_release(&m.displacement);
  }
}

static void test_threads(void) {
  for (int i = 0; i < CASES; i++) {
    made_case m;
    make_case(&m, &cases[i]);
    dust_ndarray one = {0};
    CHECK_OK(whole(&one, &m, DUST_UINT16, true, NULL));
    for (int threads = 2; threads <= 7; threads += 5) {
      dust_pool *pool = NULL;
      dust_ndarray many = {0};
      CHECK_OK(dust_pool_create(&pool, threads));
      CHECK_OK(whole(&many, &m, DUST_UINT16, true, pool));
      CHECK(same_bytes(&one, &many));
      dust_ndarray_release(&many);
      dust_pool_release(pool);
    }
    dust_ndarray_release(&one);
    dust_ndarray_release(&m.displacement);
  }
}

/* All values of the source are at least 1: a zero would be a position outside of the ROI that source_roi() said was enough. */
static void test_source_roi_suffices(void) {
  for (int i = 0; i < CASES; i++)
    for (int dtype = 0; dtype < DUST_DTYPE_COUNT && !cases[i].quirks; dtype++)
      for (int interpolate = 0; interpolate < 2; interpolate++) {
        made_case m;
        make_case(&m, &cases[i]);
        dust_ndarray out = {0};
        CHECK_OK(whole(&out, &m, (dust_dtype)dtype, interpolate, NULL));
        double low = 1e9, high = 0;
        for (int64_t k = 0; k < dust_ndarray_count(&out); k++) {
          double v;
          dust_row_to_double(&v, out.data + k * (int64_t)dust_dtype_size(out.dtype), 1, out.dtype, 1);
          low = fmin(low, v), high = fmax(high, v);
        }
        CHECK(low >= 1 - 1e-4 && high <= 100 + 1e-4);
        dust_ndarray_release(&out);
        dust_ndarray_release(&m.displacement);
      }
}

/* One voxel less on any side of the source ROI, and some voxel can't be fetched any more. */
static void test_source_roi_is_smallest(void) {
  for (int i = 0; i < CASES; i++) {
    if (cases[i].quirks) continue;
    made_case m;
    make_case(&m, &cases[i]);
    dust_transform *t = NULL;
    dust_roi source;
    dust_ndarray field = {0};
    CHECK_OK(dust_transform_create(&t, &m.options, NULL));
    CHECK_OK(dust_transform_source_roi(&source, t, &m.roi, &m.voxel_size, NULL));
    CHECK_OK(dust_transform_field(&field, t, &m.roi, &m.voxel_size, NULL));
    int64_t count = dust_ndarray_count(&field) / cases[i].ndim;
    for (int d = 0; d < cases[i].ndim; d++) {
      double low = 1e30, high = -1e30, v = (double)m.voxel_size.value[d];
      for (int64_t k = 0; k < count; k++) {
        float at = ((float *)field.data)[d * count + k];
        low = fmin(low, at), high = fmax(high, at);
      }
      double first = ((double)source.offset.value[d] + v / 2), last = (double)(source.offset.value[d] + source.shape.value[d]) - v / 2;
      CHECK(low >= first - 1e-3 * v && low < first + 1.001 * v);
      CHECK(high <= last + 1e-3 * v && high > last - 1.001 * v);
    }
    dust_ndarray_release(&field);
    dust_transform_release(t);
    dust_ndarray_release(&m.displacement);
  }
}

/* The floor and the ceiling of every single place, where most rows needn't be looked at: large ROIs of voxels of size 1, in which a
 * displacement as written is the engine's own float32. */
static void test_source_roi_is_exact(void) {
  static const sample_case large[] = {
      {3, 1, false, {0, 0, 0}, {24, 70, 61}, {1, 1, 1}, {3, 5, 4}, 0.7, 3},
      {3, 1, false, {5, -7, 0}, {90, 44, 17}, {1, 1, 1}, {6, 4, 2}, 0, 9},
      {3, 3, false, {0, 0, 0}, {24, 70, 61}, {1, 1, 1}, {3, 5, 4}, -2.1, 4},
      {3, 1, false, {0, 0, 0}, {24, 70, 61}, {1, 1, 1}, {3, 5, 4}, 3, 0},
      {2, 1, false, {0, 0}, {1500, 40}, {1, 1}, {30, 2}, 0.2, 20},
      {2, 4, false, {0, 0}, {1500, 40}, {1, 1}, {30, 9}, 1.5, 2},
      {4, 1, false, {0, 0, 0, 0}, {9, 12, 20, 21}, {1, 1, 1, 1}, {2, 3, 2, 4}, 1, 2},
  };
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    made_case m;
    make_case(&m, &large[i]);
    dust_transform *t = NULL;
    dust_roi source;
    dust_ndarray moved = {0};
    CHECK_OK(dust_transform_create(&t, &m.options, NULL));
    CHECK_OK(dust_transform_source_roi(&source, t, &m.roi, &m.voxel_size, NULL));
    CHECK_OK(dust_transform_displacement(&moved, t, &m.roi, &m.voxel_size, NULL));
    int64_t count = dust_ndarray_count(&moved) / large[i].ndim, stride = count;
    for (int d = 0; d < large[i].ndim; d++) {
      int64_t n = m.roi.shape.value[d], low = INT64_MAX, high = INT64_MIN;
      stride /= n;
      for (int64_t k = 0; k < count; k++) {
        float by = ((float *)moved.data)[d * count + k];
        int64_t place = m.roi.offset.value[d] + k / stride % n, below = place + (int64_t)floorf(by), above = place + (int64_t)ceilf(by);
        low = below < low ? below : low, high = above > high ? above : high;
      }
      CHECK(source.offset.value[d] == low && source.shape.value[d] == high + 1 - low);
    }
    dust_ndarray_release(&moved);
    dust_transform_release(t);
    dust_ndarray_release(&m.displacement);
  }
}

/* Rows that needn't be clamped take another way than those that must be. A source with more around it than is needed gives the
 * same samples as one that is just large enough. */
static void test_room_around(void) {
  for (int i = 0; i < CASES; i++)
    for (int dtype = 0; dtype < DUST_DTYPE_COUNT && !cases[i].quirks; dtype++) {
      made_case m;
      make_case(&m, &cases[i]);
      dust_transform *t = NULL;
      dust_roi tight, roomy;
      dust_ndarray large = {0}, part = {0}, out[4] = {{0}};
      CHECK_OK(dust_transform_create(&t, &m.options, NULL));
      CHECK_OK(dust_transform_source_roi(&tight, t, &m.roi, &m.voxel_size, NULL));
      roomy = tight;
      for (int d = 0; d < cases[i].ndim; d++)
        roomy.offset.value[d] -= m.voxel_size.value[d], roomy.shape.value[d] += 2 * m.voxel_size.value[d];
      CHECK_OK(source_array(&large, &roomy, &m.voxel_size, (dust_dtype)dtype, 1));
      int64_t begin[DUST_MAXDIM] = {0}, shape[DUST_MAXDIM] = {1};
      for (int d = 1; d <= cases[i].ndim; d++) begin[d] = 1, shape[d] = large.shape[d] - 2;
      CHECK_OK(dust_ndarray_crop(&part, &large, begin, shape));
      for (int k = 0; k < 4; k++)
        CHECK_OK(dust_transform_sample(&out[k], t, k % 2 ? &large : &part, k % 2 ? &roomy : &tight, &m.roi, &m.voxel_size, k < 2, NULL));
      CHECK(same_bytes(&out[0], &out[1]) && same_bytes(&out[2], &out[3]));
      for (int k = 0; k < 4; k++) dust_ndarray_release(&out[k]);
      dust_ndarray_release(&part);
      dust_ndarray_release(&large);
      dust_transform_release(t);
      dust_ndarray_release(&m.displacement);
    }
}

/* A tile of the ROI is fetched from the very same places. */
static void test_tiles(void) {
  made_case m;
  make_case(&m, &cases[0]);
  dust_transform *t = NULL;
  dust_roi source, tile = box(3, (int64_t[]){250, 95, 40}, (int64_t[]){150, 60, 130});
  dust_ndarray in = {0}, all = {0}, part = {0}, cut = {0}, packed = {0};
  CHECK_OK(dust_transform_create(&t, &m.options, NULL));
  CHECK_OK(dust_transform_source_roi(&source, t, &m.roi, &m.voxel_size, NULL));
  CHECK_OK(source_array(&in, &source, &m.voxel_size, DUST_FLOAT32, 1));
  CHECK_OK(dust_transform_sample(&all, t, &in, &source, &m.roi, &m.voxel_size, true, NULL));
  CHECK_OK(dust_transform_sample(&part, t, &in, &source, &tile, &m.voxel_size, true, NULL));
  CHECK_OK(dust_ndarray_crop(&cut, &all, (int64_t[]){0, 3, 9, 3}, (int64_t[]){1, 3, 12, 26}));
  CHECK_OK(dust_ndarray_contiguous(&packed, &cut));
  CHECK(same_bytes(&packed, &part));
  dust_ndarray *held[] = {&in, &all, &part, &cut, &packed, &m.displacement};
  for (size_t i = 0; i < sizeof held / sizeof *held; i++) dust_ndarray_release(held[i]);
  dust_transform_release(t);
}

/* A view that is not contiguous gives what its copy gives. */
static void test_strided_input(void) {
  made_case m;
  make_case(&m, &cases[2]);
  dust_transform *t = NULL;
  dust_roi source;
  dust_ndarray in = {0}, flipped = {0}, copied = {0}, a = {0}, b = {0};
  CHECK_OK(dust_transform_create(&t, &m.options, NULL));
  CHECK_OK(dust_transform_source_roi(&source, t, &m.roi, &m.voxel_size, NULL));
  CHECK_OK(source_array(&in, &source, &m.voxel_size, DUST_INT32, 3));
  CHECK_OK(dust_ndarray_flip(&flipped, &in, 2));
  CHECK_OK(dust_ndarray_copy(&copied, &flipped));
  CHECK_OK(dust_transform_sample(&a, t, &flipped, &source, &m.roi, &m.voxel_size, false, NULL));
  CHECK_OK(dust_transform_sample(&b, t, &copied, &source, &m.roi, &m.voxel_size, false, NULL));
  CHECK(same_bytes(&a, &b));
  dust_ndarray *held[] = {&in, &flipped, &copied, &a, &b, &m.displacement};
  for (size_t i = 0; i < sizeof held / sizeof *held; i++) dust_ndarray_release(held[i]);
  dust_transform_release(t);
}

/* The field's rows and the mapping of single points are the same transformation; and points come back. */
static void test_points(void) {
  for (int i = 0; i < CASES; i++) {
    const sample_case *c = &cases[i];
    if (c->quirks) continue;
    made_case m;
    make_case(&m, c);
    dust_transform *t = NULL;
    dust_ndarray field = {0};
    CHECK_OK(dust_transform_create(&t, &m.options, NULL));
    CHECK_OK(dust_transform_field(&field, t, &m.roi, &m.voxel_size, NULL));
    int64_t count = dust_ndarray_count(&field) / c->ndim, lost = 0;
    double apart = 0, back = 0;
    for (int64_t k = 0; k < count; k += 1 + count / 5000) {
      double p[4], s[4], q[4];
      int64_t rest = k;
      for (int d = c->ndim - 1; d >= 0; d--) {
        int64_t n = c->shape[d] / c->voxel_size[d];
        p[d] = (double)c->offset[d] + ((double)(rest % n) + 0.5) * (double)c->voxel_size[d];
        rest /= n;
      }
      bool converged;
      CHECK_OK(dust_transform_map(t, p, s));
      CHECK_OK(dust_transform_invert(t, s, q, &converged));
      lost += !converged;
      for (int d = 0; d < c->ndim; d++) {
        apart = fmax(apart, fabs(s[d] - ((float *)field.data)[d * count + k]) / (double)c->voxel_size[d]);
        if (converged) back = fmax(back, fabs(q[d] - p[d]) / (double)c->voxel_size[d]);
      }
    }
    CHECK(apart < 1e-3);
    CHECK(back < 0.05);
    CHECK(lost == 0);
    if (apart >= 1e-3 || back >= 0.05 || lost)
      printf("  case %d: field and map differ by %g voxels, inverse by %g, %lld lost\n", i, apart, back, (long long)lost);
    dust_ndarray_release(&field);
    dust_transform_release(t);
    dust_ndarray_release(&m.displacement);
  }
}

/* ---- refusals */

static void test_refuses(void) {
  made_case m;
  make_case(&m, &cases[0]);
  dust_transform *t = NULL;
  dust_transform_options o = m.options;
  o.subsample = 0;
  CHECK_FAILS(dust_transform_create(&t, &o, NULL), DUST_ERROR_ARGUMENT, "subsample must be at least 1, not 0");
  o = m.options, o.roi.offset.value[0] = 101;
  CHECK_FAILS(dust_transform_create(&t, &o, NULL), DUST_ERROR_ARGUMENT, "is not on the grid of voxel size (50, 5, 5)");
  o = m.options, o.roi.shape = o.roi.offset = dust_coordinate_unbounded(3);
  CHECK_FAILS(dust_transform_create(&t, &o, NULL), DUST_ERROR_ARGUMENT, "is unbounded");
  o = m.options, o.roi.shape.value[1] = 0;
  CHECK_FAILS(dust_transform_create(&t, &o, NULL), DUST_ERROR_ARGUMENT, "is empty");
  o = m.options, o.roi = box(5, (int64_t[]){0, 0, 0, 0, 0}, (int64_t[]){1, 1, 1, 1, 1});
  CHECK_FAILS(dust_transform_create(&t, &o, NULL), DUST_ERROR_ARGUMENT, "1 to 4 axes, not 5");
  o = m.options, o.voxel_size.value[2] = 0;
  CHECK_FAILS(dust_transform_create(&t, &o, NULL), DUST_ERROR_ARGUMENT, "must be positive");
  m.rotation[4] = NAN;
  CHECK_FAILS(dust_transform_create(&t, &m.options, NULL), DUST_ERROR_ARGUMENT, "row 2, column 2");
  m.rotation[4] = 1;
  double kept = ((double *)m.displacement.data)[6];
  ((double *)m.displacement.data)[6] = NAN;
  CHECK_FAILS(dust_transform_create(&t, &m.options, NULL), DUST_ERROR_ARGUMENT, "at element 7 of 180");
  ((double *)m.displacement.data)[6] = 1e300;
  CHECK_OK(dust_transform_create(&t, &m.options, NULL));
  dust_roi out;
  CHECK_FAILS(dust_transform_source_roi(&out, t, &m.roi, &m.voxel_size, NULL), DUST_ERROR_RANGE, "5e8 is the most");
  dust_transform_release(t), t = NULL;
  o = m.options, o.quirks = true;
  CHECK_FAILS(dust_transform_create(&t, &o, NULL), DUST_ERROR_RANGE, "more than world units can hold");
  ((double *)m.displacement.data)[6] = kept;

  CHECK_OK(dust_transform_create(&t, &m.options, NULL));
  dust_roi huge = box(3, (int64_t[]){0, 0, 0}, (int64_t[]){50LL << 25, 5LL << 25, 5LL << 25}), beside = m.roi;
  CHECK_FAILS(dust_transform_source_roi(&out, t, &huge, &m.voxel_size, NULL), DUST_ERROR_RANGE, "voxels");
  dust_ndarray in = {0}, made = {0};
  CHECK_OK(dust_ndarray_zeros(&in, DUST_UINT8, 3, (int64_t[]){10, 40, 43}));
  CHECK_FAILS(dust_transform_sample(&made, t, &in, &m.roi, &m.roi, &m.voxel_size, true, NULL), DUST_ERROR_ARGUMENT,
              "which has 10x40x44 voxels");
  dust_ndarray_release(&in);
  CHECK_OK(dust_ndarray_zeros(&in, DUST_UINT8, 3, (int64_t[]){10, 40, 44}));
  beside.offset.value[2] += 5LL << 40;
  CHECK_FAILS(dust_transform_sample(&made, t, &in, &beside, &m.roi, &m.voxel_size, true, NULL), DUST_ERROR_RANGE,
              "2^29 voxels apart along axis 3");
  beside = m.roi, beside.offset.value[2] += 5000;
  CHECK_OK(dust_transform_sample(&made, t, &in, &beside, &m.roi, &m.voxel_size, true, NULL));
  dust_ndarray_release(&made);
  double point[3] = {INFINITY, 0, 0}, got[3];
  CHECK_FAILS(dust_transform_map(t, point, got), DUST_ERROR_ARGUMENT, "finite");
  dust_transform_release(t);
  CHECK_OK(dust_transform_create(&t, &o, NULL));
  CHECK_FAILS(dust_transform_map(t, got, got), DUST_ERROR_UNSUPPORTED, "quirks");
  dust_transform_release(t);
  dust_ndarray_release(&in);
  dust_ndarray_release(&m.displacement);
}

int main(void) {
  test_every_allocation();
  test_threads();
  test_source_roi_suffices();
  test_source_roi_is_smallest();
  test_source_roi_is_exact();
  test_room_around();
  test_tiles();
  test_strided_input();
  test_points();
  test_refuses();
  return check_done();
}
