/* How fast the kernels are, one thread and two, against memcpy of the same number of float32 voxels measured in between, since
 * the clock of a shared machine moves.
 *
 *     bench_kernels [SIZE = 216] [--only TEXT] [--reps N = 9] [--json FILE] [--recycle]
 *
 * Prints medians: ns a voxel, and the median of the ratios to the memcpy next to each run. Outputs are made anew each time, as
 * pipelines do, so most of what a cheap kernel costs may be the system's fresh pages; --recycle makes malloc keep large blocks,
 * which shows the kernel alone. One thread is timed by the processor's clock, so that whoever else uses the machine counts less;
 * two threads by the one on the wall. The hash is that of the result: it must not depend on threads, machine or build. No
 * judgement is made here: read the table.
 */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/mem.h"
#include "kernel/affinities.h"
#include "kernel/balance.h"
#include "kernel/boundary_distance.h"
#include "kernel/distance_mask.h"
#include "kernel/gamma.h"
#include "kernel/grow_boundary.h"
#include "kernel/local_shape.h"
#include "kernel/reduce.h"
#include "kernel/scale_shift.h"
#include "kernel/transform.h"
#include "kernel/within.h"

enum { MOST_REPS = 99, MOST_WORKS = 64, VOXEL = 8, DESCRIPTORS_PART = 3 };

static void need(dust_status status) {
  if (status == DUST_OK) return;
  fprintf(stderr, "bench_kernels: %s\n", dust_message());
  exit(1);
}

static double now(bool wall) {
  struct timespec t;
  clock_gettime(wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- what is worked on */

typedef struct bench {
  int64_t n;
  dust_ndarray grey, grey_large, bytes, blocky, sparse, classes; /* n^3; grey_large etc. are made for a transformation's source */
  dust_transform *plain, *coarse;                                /* subsample 1 and 4 */
  dust_roi roi, source;
  dust_coordinate voxel_size;
  dust_ndarray source_float, source_byte, source_id;
  bool hashing;
  uint64_t hash;
} bench;

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static double uniform(uint64_t i) { return (double)(mix(i + 1) >> 11) / 9007199254740992.0; }

static void cube(dust_ndarray *out, dust_dtype dtype, int64_t n) { need(dust_ndarray_empty(out, dtype, 3, (int64_t[]){n, n, n})); }

static void fill_noise(dust_ndarray *a) {
  int64_t count = dust_ndarray_count(a);
  for (int64_t i = 0; i < count; i++) {
    double value = a->dtype == DUST_FLOAT32 ? uniform((uint64_t)i) : floor(uniform((uint64_t)i) * 256);
    if (a->dtype == DUST_FLOAT32)
      ((float *)a->data)[i] = (float)value;
    else if (a->dtype == DUST_UINT8)
      ((uint8_t *)a->data)[i] = (uint8_t)value;
    else
      ((uint64_t *)a->data)[i] = (uint64_t)value;
  }
}

/* Blocks of 24 voxels and some, a fifth of them background. */
static uint64_t blocky_id(int64_t z, int64_t y, int64_t x) {
  uint64_t id = mix((uint64_t)((z + 3) / 24 * 1000000 + (y + x / 9) / 24 * 1000 + (x + z / 7) / 24) + 99);
  return id % 5 ? id % 1000 + 1 : 0;
}

/* About one ball of radius 9 in each 80^3. */
static uint64_t sparse_id(int64_t z, int64_t y, int64_t x) {
  int64_t cell = z / 80 * 10000 + y / 80 * 100 + x / 80, p[3] = {z % 80, y % 80, x % 80};
  double sum = 0;
  for (int d = 0; d < 3; d++) {
    double away = (double)p[d] - 10 - 60 * uniform((uint64_t)(cell * 3 + d));
    sum += away * away;
  }
  return sum < 81 ? (uint64_t)cell + 1 : 0;
}

static void fill_labels(dust_ndarray *a, uint64_t (*id)(int64_t, int64_t, int64_t)) {
  uint64_t *out = (uint64_t *)a->data;
  for (int64_t z = 0; z < a->shape[0]; z++)
    for (int64_t y = 0; y < a->shape[1]; y++)
      for (int64_t x = 0; x < a->shape[2]; x++) *out++ = id(z, y, x);
}

/* Control points 24 voxels apart with sigma of 2.5 voxels, and a rotation in the plane of the last two axes. */
static void make_transform(bench *b, dust_transform **out, int subsample) {
  int64_t c = b->n / 24 > 2 ? b->n / 24 : 2;
  dust_ndarray displacement = {0};
  need(dust_ndarray_empty(&displacement, DUST_FLOAT64, 4, (int64_t[]){3, c, c, c}));
  for (int64_t i = 0; i < 3 * c * c * c; i++) ((double *)displacement.data)[i] = (uniform((uint64_t)i) - 0.5) * 2.5 * 3.46 * VOXEL;
  double turn[9] = {1, 0, 0, 0, cos(0.6), sin(0.6), 0, -sin(0.6), cos(0.6)};
  dust_transform_options options = {b->roi, b->voxel_size, &displacement, turn, subsample, false};
  need(dust_transform_create(out, &options, NULL));
  dust_ndarray_release(&displacement);
}

static void make_source(bench *b, dust_ndarray *out, dust_dtype dtype) {
  int64_t shape[3];
  for (int d = 0; d < 3; d++) shape[d] = b->source.shape.value[d] / VOXEL;
  need(dust_ndarray_empty(out, dtype, 3, shape));
  fill_noise(out);
}

/* Both transformations differ by a voxel at most; the source has room for either. */
static void make_transforms(bench *b) {
  dust_coordinate zero = dust_coordinate_filled(3, 0), whole = dust_coordinate_filled(3, b->n * VOXEL);
  b->voxel_size = dust_coordinate_filled(3, VOXEL);
  need(dust_roi_make(&b->roi, &zero, &whole));
  make_transform(b, &b->plain, 1);
  make_transform(b, &b->coarse, 4);
  need(dust_transform_source_roi(&b->source, b->plain, &b->roi, &b->voxel_size, NULL));
  make_source(b, &b->source_float, DUST_FLOAT32);
  make_source(b, &b->source_byte, DUST_UINT8);
  make_source(b, &b->source_id, DUST_UINT64);
}

static void make_inputs(bench *b) {
  cube(&b->grey, DUST_FLOAT32, b->n), cube(&b->bytes, DUST_UINT8, b->n), cube(&b->classes, DUST_UINT8, b->n);
  cube(&b->blocky, DUST_UINT64, b->n), cube(&b->sparse, DUST_UINT64, b->n);
  fill_noise(&b->grey), fill_noise(&b->bytes);
  fill_labels(&b->blocky, blocky_id), fill_labels(&b->sparse, sparse_id);
  for (int64_t i = 0; i < b->n * b->n * b->n; i++) ((uint8_t *)b->classes.data)[i] = ((uint64_t *)b->blocky.data)[i] % 6;
  make_transforms(b);
}

static void free_inputs(bench *b) {
  dust_ndarray *all[] = {&b->grey, &b->bytes, &b->blocky, &b->sparse, &b->classes, &b->source_float, &b->source_byte, &b->source_id};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) dust_ndarray_release(all[i]);
  dust_transform_release(b->plain);
  dust_transform_release(b->coarse);
}

/* ---- works */

static void hash_bytes(bench *b, const void *bytes, size_t size) {
  if (!b->hashing) return;
  for (size_t i = 0; i < size; i++) b->hash = (b->hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
}

static void finish(bench *b, dust_ndarray *out) {
  hash_bytes(b, out->data, dust_ndarray_bytes(out));
  dust_ndarray_release(out);
}

static void box(bench *b, const dust_transform *t, dust_pool *pool) {
  dust_roi found;
  need(dust_transform_source_roi(&found, t, &b->roi, &b->voxel_size, pool));
  hash_bytes(b, found.offset.value, 3 * sizeof(int64_t));
  hash_bytes(b, found.shape.value, 3 * sizeof(int64_t));
}

static void sample(bench *b, const dust_transform *t, const dust_ndarray *in, bool linear, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_transform_sample(&out, t, in, &b->source, &b->roi, &b->voxel_size, linear, pool));
  finish(b, &out);
}

static void box_only(bench *b, dust_pool *pool) { box(b, b->plain, pool); }
static void sample_float(bench *b, dust_pool *pool) { sample(b, b->plain, &b->source_float, true, pool); }
static void elastic_float(bench *b, dust_pool *pool) { box_only(b, pool), sample_float(b, pool); }
static void elastic_coarse(bench *b, dust_pool *pool) { box(b, b->coarse, pool), sample(b, b->coarse, &b->source_float, true, pool); }
static void sample_byte_linear(bench *b, dust_pool *pool) { sample(b, b->plain, &b->source_byte, true, pool); }
static void sample_byte(bench *b, dust_pool *pool) { sample(b, b->plain, &b->source_byte, false, pool); }
static void sample_id(bench *b, dust_pool *pool) { sample(b, b->plain, &b->source_id, false, pool); }

static void extremes(bench *b, dust_pool *pool) {
  float found[2];
  need(dust_minmax(&found[0], &found[1], &b->grey, pool));
  hash_bytes(b, found, sizeof found);
}

static void extremes_byte(bench *b, dust_pool *pool) {
  uint8_t found[2];
  need(dust_minmax(&found[0], &found[1], &b->bytes, pool));
  hash_bytes(b, found, sizeof found);
}

static void gamma_node(bench *b, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_gamma_array(&out, &b->grey, 1.37, pool));
  finish(b, &out);
}

static void scale_shift(bench *b, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_scale_shift(&out, &b->grey, 2, -1, DUST_FLOAT32, -0.9, 0.9, pool));
  finish(b, &out);
}

static void normalise(bench *b, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_scale_shift(&out, &b->bytes, 1.0 / 255, 0, DUST_FLOAT32, -INFINITY, INFINITY, pool));
  finish(b, &out);
}

static void distance(bench *b, const dust_ndarray *labels, double scale, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_boundary_distance(&out, labels, 3, (double[]){VOXEL, VOXEL, VOXEL}, scale, pool));
  finish(b, &out);
}

static void distance_blocky(bench *b, dust_pool *pool) { distance(b, &b->blocky, 50, pool); }
static void distance_sparse(bench *b, dust_pool *pool) { distance(b, &b->sparse, 50, pool); }
static void distance_blocky_exact(bench *b, dust_pool *pool) { distance(b, &b->blocky, 0, pool); }
static void distance_sparse_exact(bench *b, dust_pool *pool) { distance(b, &b->sparse, 0, pool); }

static void mask_blocky(bench *b, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_distance_mask(&out, &b->grey, &b->blocky, 3, (double[]){VOXEL, VOXEL, VOXEL}, 50, 0.05, 0.8, pool));
  finish(b, &out);
}

static void near_zeros(bench *b, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_within(&out, &b->blocky, 3, (double[]){VOXEL, VOXEL, VOXEL}, 7 * VOXEL, pool));
  finish(b, &out);
}

static void grow_boundary(bench *b, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_grow_boundary(&out, &b->blocky, 2, pool));
  finish(b, &out);
}

/* Of a part of the volume, for the peer takes a minute for that. */
static void descriptors(bench *b, int64_t down, dust_pool *pool) {
  dust_ndarray part = {0}, out = {0};
  int64_t m = b->n / DESCRIPTORS_PART / down * down;
  need(dust_ndarray_crop(&part, &b->blocky, (int64_t[]){0, 0, 0}, (int64_t[]){m, m, m}));
  need(dust_local_shape(&out, &part, (double[]){VOXEL, VOXEL, VOXEL}, (double[]){10 * VOXEL, 10 * VOXEL, 10 * VOXEL}, down, pool));
  dust_ndarray_release(&part);
  finish(b, &out);
}

static void descriptors_fine(bench *b, dust_pool *pool) { descriptors(b, 1, pool); }
static void descriptors_coarse(bench *b, dust_pool *pool) { descriptors(b, 2, pool); }

static const int64_t near_far[36] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 3,  0, 0, 0, 3,  0, 0, 0, 3,
                                     9, 0, 0, 0, 9, 0, 0, 0, 9, -4, 0, 0, 0, -4, 0, 0, 0, -4};

static void affinities(bench *b, int64_t edges, dust_pool *pool) {
  dust_ndarray out = {0};
  need(dust_affinities(&out, &b->blocky, edges, near_far, false, pool));
  finish(b, &out);
}

static void affinities_3(bench *b, dust_pool *pool) { affinities(b, 3, pool); }
static void affinities_12(bench *b, dust_pool *pool) { affinities(b, 12, pool); }

static void balance_classes(bench *b, dust_pool *pool) {
  dust_ndarray out = {0};
  dust_balance_count count[6];
  for (int k = 0; k < 6; k++) count[k] = (dust_balance_count){0, 1};
  dust_balance_options options = {.classes = 6, .slab_ndim = 3, .slab = (int64_t[]){-1, -1, -1}, .clipmin = 0.05, .clipmax = 0.95};
  need(dust_balance_weights(&out, &b->classes, &options, count, pool));
  finish(b, &out);
}

typedef struct work {
  const char *name;
  void (*run)(bench *, dust_pool *);
} work;

static const work works[] = {
    {"elastic: bounding box", box_only},
    {"elastic: sample float32 linear", sample_float},
    {"elastic: box + sample float32", elastic_float},
    {"elastic: the same, subsample 4", elastic_coarse},
    {"elastic: sample uint8 linear", sample_byte_linear},
    {"elastic: sample uint8 nearest", sample_byte},
    {"elastic: sample uint64 nearest", sample_id},
    {"minmax float32", extremes},
    {"minmax uint8", extremes_byte},
    {"gamma float32", gamma_node},
    {"scale, shift, clip float32", scale_shift},
    {"normalise uint8 -> float32", normalise},
    {"distance target, blocky, tanh", distance_blocky},
    {"distance target, sparse, tanh", distance_sparse},
    {"distance, blocky", distance_blocky_exact},
    {"distance, sparse", distance_sparse_exact},
    {"distance mask, blocky", mask_blocky},
    {"within 7 voxels of zeros, blocky", near_zeros},
    {"grow boundary, blocky, 2 steps", grow_boundary},
    {"local shape descriptors, sigma 10", descriptors_fine},
    {"the same, downsample 2", descriptors_coarse},
    {"affinities uint64, 3 edges", affinities_3},
    {"affinities uint64, 12 edges", affinities_12},
    {"balanced weights uint8, 6 classes", balance_classes},
};
enum { WORKS = sizeof works / sizeof *works };

/* How many times shorter than the volume's the edges of what is worked on are. */
static int part_of(const work *w) { return w->run == descriptors_fine || w->run == descriptors_coarse ? DESCRIPTORS_PART : 1; }

/* ---- measuring */

typedef struct figure {
  double ns, ratio; /* a voxel; to memcpy */
} figure;

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int n) {
  qsort(values, (size_t)n, sizeof *values, by_value);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static figure measure(bench *b, const work *w, dust_pool *pool, int reps, char *to, double *memcpy_ns) {
  double mine[MOST_REPS], ratio[MOST_REPS], copy[MOST_REPS], all = (double)(b->n * b->n * b->n);
  double edge = (double)(b->n / part_of(w)), voxels = edge * edge * edge;
  b->hashing = true, b->hash = 0xcbf29ce484222325u;
  w->run(b, pool);
  b->hashing = false;
  for (int r = 0; r < reps; r++) {
    double a = now(pool != NULL);
    memcpy(to, b->grey.data, dust_ndarray_bytes(&b->grey));
    double middle = now(pool != NULL);
    w->run(b, pool);
    double end = now(pool != NULL);
    copy[r] = (middle - a) / all, mine[r] = (end - middle) / voxels, ratio[r] = mine[r] / copy[r];
  }
  *memcpy_ns = median(copy, reps);
  return (figure){median(mine, reps), median(ratio, reps)};
}

typedef struct options {
  int64_t size;
  int reps;
  const char *only, *json;
} options;

static void report(bench *b, const options *o, FILE *json) {
  dust_pool *two;
  need(dust_pool_create(&two, 2));
  char *to = calloc(1, dust_ndarray_bytes(&b->grey));
  memset(to, 1, dust_ndarray_bytes(&b->grey));
  bool first = true;
  printf("%-36s %10s %10s %10s %10s %10s\n", "work", "memcpy ns", "1 thread", "x memcpy", "2 threads", "x memcpy");
  if (json) fprintf(json, "{\"size\": %lld, \"reps\": %d, \"works\": [", (long long)o->size, o->reps);
  for (int i = 0; i < WORKS; i++) {
    if (o->only && !strstr(works[i].name, o->only)) continue;
    double copy, ignored;
    figure one = measure(b, &works[i], NULL, o->reps, to, &copy);
    uint64_t hash = b->hash;
    figure many = measure(b, &works[i], two, o->reps, to, &ignored);
    if (hash != b->hash) fprintf(stderr, "bench_kernels: %s gives other bytes with two threads than with one\n", works[i].name);
    printf("%-36s %10.3f %10.3f %10.2f %10.3f %10.2f  %016llx\n", works[i].name, copy, one.ns, one.ratio, many.ns, many.ratio,
           (unsigned long long)hash);
    fflush(stdout);
    if (json)
      fprintf(
          json,
          "%s\n  {\"name\": \"%s\", \"memcpy_ns\": %.4f, \"ns\": %.4f, \"ratio\": %.3f, \"ns_2_threads\": %.4f, \"ratio_2_threads\": %.3f}",
          first ? "" : ",", works[i].name, copy, one.ns, one.ratio, many.ns, many.ratio);
    first = false;
  }
  if (json) fprintf(json, "\n]}\n");
  free(to);
  dust_pool_release(two);
}

static options parse(int argc, char **argv) {
  options o = {.size = 216, .reps = 9};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--recycle") == 0)
      mallopt(M_MMAP_THRESHOLD, 1 << 30), mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
      o.only = argv[++i];
    else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
      o.json = argv[++i];
    else if (strcmp(argv[i], "--reps") == 0 && i + 1 < argc)
      o.reps = atoi(argv[++i]);
    else
      o.size = atoll(argv[i]);
  }
  if (o.size >= 16 && o.size <= 1024 && o.reps >= 1 && o.reps <= MOST_REPS) return o;
  fprintf(stderr, "usage: bench_kernels [SIZE, 16 to 1024] [--only TEXT] [--reps N, 1 to %d] [--json FILE] [--recycle]\n", MOST_REPS);
  exit(2);
}

int main(int argc, char **argv) {
  options o = parse(argc, argv);
  bench b = {.n = o.size};
  FILE *json = o.json ? fopen(o.json, "w") : NULL;
  if (o.json && !json) return perror(o.json), 1;
  make_inputs(&b);
  report(&b, &o, json);
  free_inputs(&b);
  if (json && fclose(json) != 0) return perror(o.json), 1;
  return 0;
}
