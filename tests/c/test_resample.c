/* Splines, resampling and map_coordinates against scipy's figures (golden/spline.h5), and what they refuse. */
#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include "check.h"
#include "kernel/gather.h"
#include "kernel/resample.h"
#include "kernel/spline.h"

static uint64_t state = 1;
static double uniform(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 11) / 9007199254740992.0;
}

static dust_ndarray golden(hid_t file, const char *name, dust_dtype dtype) {
  const hid_t type[DUST_DTYPE_COUNT] = {
      [DUST_UINT8] = H5T_NATIVE_UINT8, [DUST_UINT32] = H5T_NATIVE_UINT32, [DUST_FLOAT32] = H5T_NATIVE_FLOAT};
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

/* ---- scipy's figures */

/* A line for `make golden`, as tests/spec/support/figures.lua writes them: how far off a case was, as a share of the figures'
 * range. */
static void note_figure(const char *name, double worst, const dust_ndarray *want) {
  const char *path = getenv("MOONDUST_FIGURES");
  FILE *out = path && *path ? fopen(path, "a") : NULL;
  if (!out) return;
  double low = INFINITY, high = -INFINITY, value;
  for (int64_t i = 0; i < dust_ndarray_count(want); i++) {
    dust_row_to_double(&value, want->data + i * (int64_t)dust_dtype_size(want->dtype), 1, want->dtype, 1);
    low = fmin(low, value), high = fmax(high, value);
  }
  fprintf(out, "spline.h5\t%s\t%.3g\n", name, worst / fmax(high - low, 1e-12));
  fclose(out);
}

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
        CHECK_OK(dust_zoom((float *)out.data, want.shape, (float *)in.data, in.shape, in.ndim, order,
                           edge ? DUST_EDGE_NEAREST : DUST_EDGE_CONSTANT));
        double worst = worst_difference(&out, &want);
        CHECK(worst < 2e-6);
        if (worst < 2e-6) note_figure(name, worst, &want);
        if (worst >= 2e-6) printf("  %s: off by %g\n", name, worst);
        dust_ndarray_release(&in);
        dust_ndarray_release(&out);
        dust_ndarray_release(&want);
      }
}

/* 25 * (7.0 / 25.0) is a bit more than 7: with mode "constant" scipy's zoom of 8 samples to 26 loses the last one. */
static void test_zoom_zero_face(void) {
  float in[16], out[52];
  for (int i = 0; i < 16; i++) in[i] = (float)(i % 8 + 1);
  const int64_t from[2] = {2, 8}, to[2] = {2, 26};
  for (int order = 1; order <= 3; order += 2) {
    CHECK_OK(dust_zoom(out, to, in, from, 2, order, DUST_EDGE_CONSTANT));
    CHECK(out[25] == 0 && out[51] == 0 && out[24] > 7 && out[50] > 7);
    CHECK_OK(dust_zoom(out, to, in, from, 2, order, DUST_EDGE_NEAREST));
    CHECK(fabsf(out[25] - 8) < 1e-5f && fabsf(out[51] - 8) < 1e-5f);
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
  const struct {
    const char *in, *want;
    dust_dtype dtype;
    bool linear;
    double tolerance;
  } cases[] = {
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
    if (worst <= cases[i].tolerance) note_figure(cases[i].want, worst, &want);
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
  CHECK(dust_spline_mirror(-1, 5) == 1 && dust_spline_mirror(5, 5) == 3 && dust_spline_mirror(8, 5) == 0 &&
        dust_spline_mirror(-9, 5) == 1 && dust_spline_mirror(7, 1) == 0);
}

int main(void) {
  hid_t file = H5Fopen("tests/golden/spline.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  CHECK(file >= 0);
  if (file >= 0) {
    test_zoom(file);
    test_map_coordinates(file);
    H5Fclose(file);
  }
  test_zoom_zero_face();
  test_zoom_refuses();
  test_map_coordinates_far();
  test_spline();
  return check_done();
}
