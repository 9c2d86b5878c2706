/* Distances to faces and to zeros against a search through all sites, in 1 to 4 axes, views of any strides, whole and fractional
 * voxel sizes; the same bytes for 1 to 8 threads. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include "base/isa.h"
#include "kernel/boundary_distance.h"
#include "kernel/distance_mask.h"
#include "kernel/edt.h"

static uint64_t state = 12345;
static uint64_t draw(uint64_t below) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state % below;
}

static void random_labels(dust_ndarray *out, dust_dtype dtype, int ndim, const int64_t *shape, uint64_t ids, int blocky) {
  CHECK_OK(dust_ndarray_zeros(out, dtype, ndim, shape));
  int64_t count = dust_ndarray_count(out);
  uint64_t id = 0;
  for (int64_t i = 0; i < count; i++) {
    if (draw((uint64_t)blocky) == 0) id = draw(ids);
    dust_row_from_label(out->data + i * (int64_t)dust_dtype_size(dtype), 1, dtype, &id, 1);
  }
}

static uint64_t label_at(const dust_ndarray *a, const int64_t *index) {
  const char *p = a->data;
  uint64_t id;
  for (int d = 0; d < a->ndim; d++) p += index[d] * a->stride[d];
  dust_row_to_label(&id, p, 8, a->dtype, 1);
  return id;
}

static bool step(int64_t *index, int ndim, const int64_t *shape) {
  for (int d = ndim - 1; d >= 0; d--) {
    if (++index[d] < shape[d]) return true;
    index[d] = 0;
  }
  return false;
}

/* Squared distance of the voxel at `at` to the nearest face centre; infinite when there is none. */
static double nearest_face(const dust_ndarray *a, const int64_t *at, const double *vs) {
  double best = INFINITY;
  int64_t p[DUST_MAXDIM] = {0};
  do {
    for (int d = 0; d < a->ndim; d++) {
      if (p[d] + 1 >= a->shape[d]) continue;
      int64_t q[DUST_MAXDIM];
      memcpy(q, p, sizeof q);
      q[d]++;
      if (label_at(a, p) == label_at(a, q)) continue;
      double sum = 0;
      for (int e = 0; e < a->ndim; e++) {
        double away = ((double)(at[e] - p[e]) - (e == d ? 0.5 : 0)) * vs[e];
        sum += away * away;
      }
      if (sum < best) best = sum;
    }
  } while (step(p, a->ndim, a->shape));
  return best;
}

static double nearest_zero(const dust_ndarray *a, const int64_t *at, const double *vs, bool border) {
  double best = INFINITY;
  for (int d = 0; border && d < a->ndim; d++) {
    double edge = (double)(at[d] + 1 < a->shape[d] - at[d] ? at[d] + 1 : a->shape[d] - at[d]) * vs[d];
    if (edge * edge < best) best = edge * edge;
  }
  int64_t p[DUST_MAXDIM] = {0};
  do {
    if (label_at(a, p) != 0) continue;
    double sum = 0;
    for (int e = 0; e < a->ndim; e++) sum += (double)(at[e] - p[e]) * vs[e] * ((double)(at[e] - p[e]) * vs[e]);
    if (sum < best) best = sum;
  } while (step(p, a->ndim, a->shape));
  return best;
}

static void keep_row(const void *context, int64_t row, const double *value, size_t n) {
  memcpy(*(double *const *)context + row * (int64_t)n, value, n * sizeof *value);
}

/* Largest relative error of all voxels; -1 when finding a site or not disagrees. */
static double worst_error(const dust_ndarray *labels, const double *vs, double limit, dust_edt_sites sites) {
  double worst = 0, *distance = malloc((size_t)dust_ndarray_count(labels) * sizeof *distance);
  int64_t at[DUST_MAXDIM] = {0};
  size_t i = 0;
  dust_edt_job job = {labels, "labels", vs, sites, limit, INFINITY, NULL, keep_row, NULL, &distance};
  CHECK_OK(dust_edt_run(&job, NULL));
  do {
    double wanted =
        sqrt(sites == DUST_EDT_FACES ? nearest_face(labels, at, vs) : nearest_zero(labels, at, vs, sites == DUST_EDT_ZEROS_AND_BORDER));
    double one = distance[i++];
    if (isinf(wanted) != isinf(one)) worst = -1;
    if (isinf(wanted)) continue;
    if (limit > 0 && wanted >= limit)
      worst = one >= limit * (1 - 1e-12) && worst >= 0 ? worst : -1;
    else if (worst >= 0)
      worst = fmax(worst, fabs(one - wanted) / (wanted > 0 ? wanted : 1));
  } while (step(at, labels->ndim, labels->shape));
  free(distance);
  return worst;
}

static void check_one(const dust_ndarray *labels, const double *vs, double limit, dust_edt_sites sites) {
  double worst = worst_error(labels, vs, limit, sites);
  CHECK(worst >= 0 && worst < 1e-14);
}

static void test_against_search(void) {
  static const double sizes[5][4] = {{8, 8, 8, 8}, {50, 5, 5, 7}, {4.5, 0.5, 1.25, 3}, {100000, 99999, 3, 1}, {0.7, 1.1, 3.3, 2}};
  for (int round = 0; round < 100; round++) {
    int ndim = 1 + (int)draw(4);
    int64_t shape[4];
    for (int d = 0; d < ndim; d++) shape[d] = 1 + (int64_t)draw(ndim == 1 ? 90 : ndim == 2 ? 25 : ndim == 3 ? 9 : 5);
    dust_ndarray a = {0}, flipped = {0}, turned = {0};
    dust_dtype types[] = {DUST_UINT8, DUST_UINT64, DUST_INT32, DUST_INT16};
    random_labels(&a, types[draw(4)], ndim, shape, 1 + draw(4), 1 + (int)draw(60));
    int axes[4];
    for (int d = 0; d < ndim; d++) axes[d] = ndim - 1 - d;
    CHECK_OK(dust_ndarray_flip(&flipped, &a, (int)draw((uint64_t)ndim)));
    CHECK_OK(dust_ndarray_transpose(&turned, &flipped, axes));
    const double *vs = sizes[draw(5)];
    double limit = draw(2) ? 0 : vs[0] * (1 + (double)draw(6));
    check_one(&a, vs, limit, DUST_EDT_FACES);
    check_one(&turned, vs, limit, DUST_EDT_FACES);
    check_one(&turned, vs, limit, DUST_EDT_ZEROS);
    check_one(&turned, vs, limit, DUST_EDT_ZEROS_AND_BORDER);
    dust_ndarray_release(&a), dust_ndarray_release(&flipped), dust_ndarray_release(&turned);
  }
}

/* Lines longer than the window, so that the envelope works on them too. */
static void test_far_sites(void) {
  for (int round = 0; round < 6; round++) {
    int64_t shape[2] = {300, 1 + 3 * round};
    dust_ndarray a = {0};
    CHECK_OK(dust_ndarray_zeros(&a, DUST_UINT8, 2, shape));
    for (int n = 0; n < 1 + round; n++) a.data[draw((uint64_t)(300 * shape[1]))] = 1;
    check_one(&a, (const double[]){3, 1}, 0, DUST_EDT_FACES);
    check_one(&a, (const double[]){3.5, 1}, 0, DUST_EDT_FACES);
    check_one(&a, (const double[]){3, 1}, 40, DUST_EDT_FACES);
    for (int64_t i = 0; i < 300 * shape[1]; i++) a.data[i] = !a.data[i];
    check_one(&a, (const double[]){1, 100}, 0, DUST_EDT_ZEROS_AND_BORDER);
    dust_ndarray_release(&a);
  }
}

static double *run(const dust_ndarray *labels, const double *vs, double limit, dust_edt_sites sites, dust_pool *pool) {
  double *distance = malloc((size_t)dust_ndarray_count(labels) * sizeof *distance);
  dust_edt_job job = {labels, "labels", vs, sites, limit, 7, NULL, keep_row, NULL, &distance};
  CHECK_OK(dust_edt_run(&job, pool));
  return distance;
}

/* 16 bits against the wide way, which volumes of four axes always take: bit for bit, on every instruction set and with 1 to 3
 * threads. Shapes around 32 columns, sparse and dense sites, squares that fit and squares that don't. */
static void check_narrow(const dust_ndarray *a, const double *vs, double limit, dust_edt_sites sites) {
  const double vs4[4] = {900000, vs[0], vs[1], vs[2]}; /* too far to be seen, as a border too */
  dust_ndarray four = {0};
  CHECK_OK(dust_ndarray_add_axis(&four, a, 0));
  double *wanted = run(&four, vs4, limit, sites, NULL);
  dust_isa best = dust_isa_now();
  for (int isa = DUST_ISA_BASELINE; isa <= (int)dust_isa_best(); isa++) {
    dust_pool *pool;
    dust_isa_use((dust_isa)isa);
    CHECK_OK(dust_pool_create(&pool, 1 + isa));
    double *got = run(a, vs, limit, sites, pool);
    size_t wrong = 0;
    for (int64_t i = 0; i < dust_ndarray_count(a); i++)
      wrong += !(got[i] == wanted[i] || (limit > 0 && got[i] >= limit && wanted[i] >= limit));
    CHECK(wrong == 0);
    free(got);
    dust_pool_release(pool);
  }
  dust_isa_use(best);
  free(wanted);
  dust_ndarray_release(&four);
}

static void test_narrow_against_wide(void) {
  static const int64_t shapes[][3] = {{12, 40, 77}, {31, 1, 100},  {1, 50, 64}, {5, 70, 31},  {40, 3, 33},
                                      {7, 7, 1},    {3, 150, 200}, {2, 2, 32},  {70, 65, 40}, {12, 200, 50}};
  static const double sizes[][3] = {{1, 1, 1}, {50, 5, 5}, {3, 7, 5}, {1, 20, 3}, {8, 8, 300}, {0.75, 2.5, 1}, {999, 1, 40}};
  for (int round = 0; round < 60; round++) {
    const int64_t *shape = shapes[round % 10];
    const double *vs = sizes[draw(7)];
    dust_ndarray a = {0};
    uint64_t kind = draw(4);
    random_labels(&a, round % 2 ? DUST_UINT64 : DUST_UINT8, 3, shape, kind == 0 ? 1 : 4, kind == 1 ? 4 : 300);
    if (kind == 2) { /* hardly anything */
      memset(a.data, 0, dust_ndarray_bytes(&a));
      for (int n = 0; n < 3; n++) a.data[draw(dust_ndarray_bytes(&a))] = 1;
    }
    for (int s = DUST_EDT_FACES; s <= DUST_EDT_ZEROS_AND_BORDER; s++) {
      check_narrow(&a, vs, 0, (dust_edt_sites)s);
      check_narrow(&a, vs, vs[draw(3)] * (0.5 + (double)draw(30)), (dust_edt_sites)s);
    }
    dust_ndarray_release(&a);
  }
}

/* As many bytes a label as there may be, and more voxels along a line than 16 bits count blocks of. */
static void test_signs_and_long_lines(void) {
  const double vs[] = {50, 5, 5};
  dust_ndarray bytes = {0}, a = {0}, one = {0}, other = {0}, line = {0};
  random_labels(&bytes, DUST_UINT8, 3, (const int64_t[]){9, 40, 50}, 3, 50);
  for (int scale = 0; scale <= 20; scale += 20) {
    CHECK_OK(dust_boundary_distance(&one, &bytes, 3, vs, scale, NULL));
    for (int64_t i = 0; i < dust_ndarray_count(&one); i++) CHECK((((const float *)one.data)[i] > 0) == (bytes.data[i] != 0));
    for (int dtype = DUST_UINT8 + 1; dtype <= DUST_INT64; dtype++) {
      CHECK_OK(dust_ndarray_empty(&a, (dust_dtype)dtype, 3, bytes.shape));
      CHECK_OK(dust_ndarray_assign(&a, &bytes, NULL));
      CHECK_OK(dust_boundary_distance(&other, &a, 3, vs, scale, NULL));
      CHECK(memcmp(one.data, other.data, dust_ndarray_bytes(&one)) == 0);
      dust_ndarray_release(&a), dust_ndarray_release(&other);
    }
    dust_ndarray_release(&one);
  }
  CHECK_OK(dust_ndarray_zeros(&line, DUST_UINT8, 3, (const int64_t[]){1, 300000, 2}));
  line.data[2 * 5000] = line.data[2 * 299990] = 1;
  check_narrow(&line, (const double[]){1, 1, 1}, 40, DUST_EDT_FACES);
  check_narrow(&line, (const double[]){1, 1, 1}, 40, DUST_EDT_ZEROS_AND_BORDER);
  dust_ndarray_release(&line), dust_ndarray_release(&bytes);
}

static void test_threads(void) {
  dust_ndarray a = {0}, one = {0}, many = {0}, mask_one = {0}, mask_many = {0};
  random_labels(&a, DUST_UINT64, 4, (const int64_t[]){2, 40, 50, 70}, 3, 200);
  const double vs[] = {50, 5, 5};
  CHECK_OK(dust_boundary_distance(&one, &a, 3, vs, 20, NULL));
  CHECK_OK(dust_distance_mask(&mask_one, &one, &a, 3, vs, 20, .05, .8, NULL));
  for (int threads = 1; threads <= 8; threads++) {
    dust_pool *pool;
    CHECK_OK(dust_pool_create(&pool, threads));
    CHECK_OK(dust_boundary_distance(&many, &a, 3, vs, 20, pool));
    CHECK_OK(dust_distance_mask(&mask_many, &many, &a, 3, vs, 20, .05, .8, pool));
    CHECK(memcmp(one.data, many.data, dust_ndarray_bytes(&one)) == 0);
    CHECK(memcmp(mask_one.data, mask_many.data, dust_ndarray_bytes(&mask_one)) == 0);
    dust_ndarray_release(&many), dust_ndarray_release(&mask_many);
    dust_pool_release(pool);
  }
  dust_ndarray_release(&a), dust_ndarray_release(&one), dust_ndarray_release(&mask_one);
}

static dust_status distance_and_mask(void *context) {
  dust_ndarray distance = {0}, mask = {0};
  dust_status status;
  DUST_GO(dust_boundary_distance(&distance, context, 3, (const double[]){50, 5, 5}, 20, NULL));
  DUST_GO(dust_distance_mask(&mask, &distance, context, 3, (const double[]){50, 5, 5.5}, 20, .05, .8, NULL));
done:
  dust_ndarray_release(&distance), dust_ndarray_release(&mask);
  return status;
}

static void test_bad_input(void) {
  dust_ndarray a = {0}, out = {0}, real = {0};
  const double vs[] = {1, 1, 0};
  random_labels(&a, DUST_UINT8, 3, (const int64_t[]){3, 4, 5}, 2, 3);
  CHECK_OK(dust_ndarray_zeros(&real, DUST_FLOAT32, 3, a.shape));
  CHECK_FAILS(dust_boundary_distance(&out, &a, 3, vs, 0, NULL), DUST_ERROR_ARGUMENT, "voxel_size[3] is 0, not a positive number");
  CHECK_FAILS(dust_boundary_distance(&out, &real, 2, vs, 0, NULL), DUST_ERROR_ARGUMENT, "labels must have an integer dtype, not float32");
  CHECK_FAILS(dust_boundary_distance(&out, &a, 4, vs, 0, NULL), DUST_ERROR_ARGUMENT, "voxel_size has 4 axes, labels have 3");
  CHECK_FAILS(dust_distance_mask(&out, &a, &a, 2, vs, 1, .05, .8, NULL), DUST_ERROR_ARGUMENT,
              "target must be float32 or float64, not uint8");
  CHECK_FAILS(dust_distance_mask(&out, &real, &real, 2, vs, 1, .05, .8, NULL), DUST_ERROR_ARGUMENT, "mask must have an integer dtype");
  CHECK_FAILS(dust_distance_mask(&out, &real, &a, 2, vs, 0, .05, .8, NULL), DUST_ERROR_ARGUMENT, "scale is 0, it must be positive");
  dust_ndarray_release(&a), dust_ndarray_release(&real);
}

int main(void) {
  test_against_search();
  test_far_sites();
  test_narrow_against_wide();
  test_signs_and_long_lines();
  test_threads();
  test_bad_input();
  dust_ndarray labels = {0};
  random_labels(&labels, DUST_UINT8, 4, (const int64_t[]){2, 4, 6, 9}, 3, 5);
  check_every_allocation("boundary_distance and distance_mask", distance_and_mask, &labels);
  dust_ndarray_release(&labels);
  return check_done();
}
