/* Splines, resampling and map_coordinates against scipy's figures (golden/spline.h5), and of transformations what Lua can't reach: every failing allocation, many threads, tiles,
 * rounding at the edge of a source ROI.
 */
#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include "check.h"
#include "kernel/gather.h"
#include "kernel/resample.h"
#include "kernel/spline.h"
#include "kernel/transform.h"

/* ---- helpers */

static uint64_t state = 1;
static double uniform(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 11) / 9007199254740992.0;
}

static dust_ndarray golden(hid_t file, const char *name, dust_dtype dtype) {
  const hid_t type[DUST_DTYPE_COUNT] = {[DUST_UINT8] = H5T_NATIVE_UINT8, [DUST_UINT32] = H5T_NATIVE_UINT32, [DUST_FLOAT32] = H5T_NATIVE_FLOAT};
  dust_ndarray out = {0};
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  hsize_t extent[DUST_MAXDIM];
  int64_t shape[DUST_MAXDIM];
  int ndim = H5Sget_simple_extent_dims(space, extent, NULL);
  for (int d = 0; d < ndim; d++) shape[d] = (int64_t)extent[d];
  CHECK_OK(dust_ndarray_empty(&out, dtype, ndim, shape));
  CHECK(H5Dread(dataset, type[dtype], H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data) >= 0);
  H5Sclose(space);
  H5Dclose(dataset);
  return out;
}

static double worst_difference(const dust_ndarray *a, const dust_ndarray *b) {
  double worst = 0;
  int64_t count = dust_ndarray_count(a);
  for (int64_t i = 0; i < count; i++) {
    double x, y;
    dust_row_to_double(&x, a->data + i * (int64_t)dust_dtype_size(a->dtype), 1, a->dtype, 1);
    dust_row_to_double(&y, b->data + i * (int64_t)dust_dtype_size(b->dtype), 1, b->dtype, 1);
    worst = fmax(worst, fabs(x - y));
  }
  return worst;
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

/* ---- scipy's figures */

static void test_zoom(hid_t file) {
  for (int i = 0; i < 5; i++)
    for (int order = 1; order <= 3; order += 2)
      for (int edge = 0; edge < 2; edge++) {
        char name[80];
        snprintf(name, sizeof name, "zoom_%d/input", i);
        dust_ndarray in = golden(file, name, DUST_FLOAT32), out = {0};
        snprintf(name, sizeof name, "zoom_%d/zoom_order%d_%s", i, order, edge ? "nearest" : "constant");
        dust_ndarray want = golden(file, name, DUST_FLOAT32);
        CHECK_OK(dust_ndarray_empty(&out, DUST_FLOAT32, want.ndim, want.shape));
        CHECK_OK(dust_zoom((float *)out.data, want.shape, (float *)in.data, in.shape, in.ndim, order, edge ? DUST_EDGE_NEAREST : DUST_EDGE_CONSTANT));
        double worst = worst_difference(&out, &want);
        CHECK(worst < 2e-6);
        if (worst >= 2e-6) printf("  %s: off by %g\n", name, worst);
        dust_ndarray_release(&in);
        dust_ndarray_release(&out);
        dust_ndarray_release(&want);
      }
}

static void test_zoom_refuses(void) {
  float a[4] = {0}, b[4] = {0};
  int64_t four[1] = {4}, none[1] = {0}, five[5] = {1, 1, 1, 1, 1};
  double one[5] = {1, 1, 1, 1, 1}, zero[5] = {0};
  CHECK_FAILS(dust_resample(a, four, b, four, 1, one, zero, 2, DUST_EDGE_NEAREST), DUST_ERROR_ARGUMENT, "order 1 or 3, not 2");
  CHECK_FAILS(dust_resample(a, none, b, four, 1, one, zero, 1, DUST_EDGE_NEAREST), DUST_ERROR_ARGUMENT, "at least one sample along axis 1");
  CHECK_FAILS(dust_resample(a, five, b, five, 5, one, zero, 1, DUST_EDGE_NEAREST), DUST_ERROR_ARGUMENT, "1 to 4 axes, not 5");
}

static void test_map_coordinates(hid_t file) {
  const struct { const char *in, *want; dust_dtype dtype; bool linear; double tolerance; } cases[] = {
    {"map_coordinates/image", "map_coordinates/order1", DUST_FLOAT32, true, 1e-6},
    {"map_coordinates/labels", "map_coordinates/order0", DUST_UINT32, false, 0},
    {"map_coordinates/image", "map_coordinates/order1_uint8", DUST_UINT8, true, 0},
  };
  dust_ndarray at = golden(file, "map_coordinates/coordinates", DUST_FLOAT32);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dust_ndarray in = golden(file, cases[i].in, cases[i].dtype == DUST_UINT8 ? DUST_FLOAT32 : cases[i].dtype), out = {0};
    if (cases[i].dtype == DUST_UINT8) { /* the original's input was (image * 255).astype(uint8) */
      dust_ndarray grey = {0};
      CHECK_OK(dust_ndarray_empty(&grey, DUST_UINT8, in.ndim, in.shape));
      for (int64_t k = 0; k < dust_ndarray_count(&in); k++) ((uint8_t *)grey.data)[k] = (uint8_t)(((float *)in.data)[k] * 255);
      dust_ndarray_release(&in);
      in = grey;
    }
    dust_ndarray want = golden(file, cases[i].want, cases[i].dtype);
    CHECK_OK(dust_map_coordinates(&out, &in, &at, cases[i].linear, NULL));
    CHECK(dust_ndarray_same_shape(&out, &want));
    double worst = worst_difference(&out, &want);
    CHECK(worst <= cases[i].tolerance);
    if (worst > cases[i].tolerance) printf("  %s: off by %g\n", cases[i].want, worst);
    dust_ndarray_release(&in);
    dust_ndarray_release(&out);
    dust_ndarray_release(&want);
  }
  dust_ndarray_release(&at);
}

static void test_map_coordinates_far(void) {
  float far[4] = {NAN, 1e30f, -INFINITY, 2}, line[3] = {5, 6, 7};
  dust_ndarray at = {0}, in = {0}, out = {0};
  CHECK_OK(dust_ndarray_wrap(&at, DUST_FLOAT32, 2, (int64_t[]){1, 4}, far, true, NULL, NULL));
  CHECK_OK(dust_ndarray_wrap(&in, DUST_FLOAT32, 1, (int64_t[]){3}, line, true, NULL, NULL));
  CHECK_OK(dust_map_coordinates(&out, &in, &at, true, NULL));
  const float *v = (const float *)out.data;
  CHECK(v[0] == 0 && v[1] == 0 && v[2] == 0 && v[3] == 7);
  dust_ndarray_release(&at);
  dust_ndarray_release(&in);
  dust_ndarray_release(&out);
}

/* ---- splines */

static double spline_at(const double *coefficient, int64_t n, double x) {
  double w[4], sum = 0, below = floor(x);
  dust_spline_weights(x - below, w);
  for (int k = 0; k < 4; k++) sum += w[k] * coefficient[dust_spline_mirror((int64_t)below - 1 + k, n)];
  return sum;
}

static void test_spline(void) {
  for (int64_t n = 1; n < 40; n++) {
    double sample[40], c[40];
    for (int64_t i = 0; i < n; i++) c[i] = sample[i] = uniform() * 20 - 10;
    dust_spline_filter(c, 1, &n);
    bool through = true, mirrored = true;
    for (int64_t i = 0; i < n; i++) through &= fabs(spline_at(c, n, (double)i) - sample[i]) < 1e-9;
    for (double x = 0.1; x < 2 * (double)n; x += 0.37) mirrored &= fabs(spline_at(c, n, x) - spline_at(c, n, -x)) < 1e-9;
    CHECK(through);
    CHECK(mirrored);
  }
  for (double t = 0; t < 1; t += 0.1) {
    double w[4], a[4], b[4], s[4];
    dust_spline_weights(t, w), dust_spline_weights(t + 1e-6, a), dust_spline_weights(t - 1e-6, b), dust_spline_slopes(t, s);
    bool right = fabs(w[0] + w[1] + w[2] + w[3] - 1) < 1e-12;
    for (int k = 0; k < 4; k++) right &= fabs((a[k] - b[k]) / 2e-6 - s[k]) < 1e-6;
    CHECK(right);
  }
  CHECK(dust_spline_mirror(-1, 5) == 1 && dust_spline_mirror(5, 5) == 3 && dust_spline_mirror(8, 5) == 0 && dust_spline_mirror(-9, 5) == 1 && dust_spline_mirror(7, 1) == 0);
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

static dust_status source_array(dust_ndarray *out, const dust_roi *roi, const dust_coordinate *voxel_size, dust_dtype dtype, int64_t channels) {
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

typedef struct allocation { const made_case *made; dust_dtype dtype; } allocation;

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
    if (apart >= 1e-3 || back >= 0.05 || lost) printf("  case %d: field and map differ by %g voxels, inverse by %g, %lld lost\n", i, apart, back, (long long)lost);
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
  CHECK_FAILS(dust_transform_sample(&made, t, &in, &m.roi, &m.roi, &m.voxel_size, true, NULL), DUST_ERROR_ARGUMENT, "which has 10x40x44 voxels");
  dust_ndarray_release(&in);
  CHECK_OK(dust_ndarray_zeros(&in, DUST_UINT8, 3, (int64_t[]){10, 40, 44}));
  beside.offset.value[2] += 5LL << 40;
  CHECK_FAILS(dust_transform_sample(&made, t, &in, &beside, &m.roi, &m.voxel_size, true, NULL), DUST_ERROR_RANGE, "2^29 voxels apart along axis 3");
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
  hid_t file = H5Fopen("tests/golden/spline.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  CHECK(file >= 0);
  if (file >= 0) {
    test_zoom(file);
    test_map_coordinates(file);
    H5Fclose(file);
  }
  test_zoom_refuses();
  test_map_coordinates_far();
  test_spline();
  test_every_allocation();
  test_threads();
  test_source_roi_suffices();
  test_source_roi_is_smallest();
  test_tiles();
  test_strided_input();
  test_points();
  test_refuses();
  return check_done();
}
