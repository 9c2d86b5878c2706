/* How fast the kernels are, against memcpy measured next to each run, since the clock of a shared machine moves.
 *
 *     bench_kernels [SIZE = 216] [--only TEXT] [--reps N = 9] [--threads N = 1]     a table
 *     bench_kernels SIZE --serve         answers lines on standard input, a line of JSON each: what bench.lua drives
 *         run THREADS WORK               one run timed: {"seconds", "copy_seconds", "voxels", "copy_voxels", "copied" …}
 *         save FILE WORK                 the work's result as bytes: {"dtype", "shape"}
 *         input FILE NAME                the same of an input
 *     bench_kernels SIZE --count         each work once within bench_counted(), for callgrind; prints names and voxels in that order
 *
 * One thread is timed by the processor's clock, so that whoever else uses the machine counts less; several by the one on the wall.
 * memcpy and works both write into memory that malloc hands out: fresh pages of the system where malloc gives large blocks back to
 * it (glibc's habit above 32 MiB), or the same pages again where MALLOC_MMAP_MAX_=0 and a large MALLOC_TRIM_THRESHOLD_ tell it not to.
 * Page faults are counted, so that there is no doubt which it was. No judgement is made here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "base/isa.h"
#include "kernels/scene.h"

enum { MOST_REPS = 99, GROUPS = 5 };

static const work *const groups[GROUPS] = {transform_works, label_works, intensity_works, movement_works, more_works};

typedef struct bench {
  scene scene;
  dust_pool *pool;       /* NULL: one thread */
  char *from;            /* what memcpy copies: 8 bytes a voxel of n^3 */
  const work *list[100]; /* of all groups */
  int works;
} bench;

typedef struct figure {
  double seconds, copy_seconds;
  long faults; /* of the work */
  size_t bytes;
} figure;

static double now(bool wall) {
  struct timespec t;
  clock_gettime(wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long faults(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_minflt;
}

static double cube(int64_t edge) { return (double)(edge * edge * edge); }
static double voxels(const bench *b, const work *w) { return cube(w->crop < 0 ? -w->crop : b->scene.n - w->crop); }

static double time_copy(bench *b, int bytes_a_voxel) {
  size_t size = (size_t)cube(b->scene.n) * (size_t)bytes_a_voxel;
  double begin = now(b->pool != NULL);
  char *to = malloc(size);
  if (!to) need(dust_fail(DUST_ERROR_MEMORY, "no memory for memcpy"));
  memcpy(to, b->from, size);
  __asm__ volatile("" : : "r"(to) : "memory"); /* or the compiler leaves both out */
  free(to);
  return now(b->pool != NULL) - begin;
}

static figure measure(bench *b, const work *w) {
  dust_ndarray out = {0};
  double copy = time_copy(b, w->copied);
  long before = faults();
  double begin = now(b->pool != NULL);
  w->run(&b->scene, b->pool, &out);
  size_t bytes = out.buffer ? dust_ndarray_bytes(&out) : 0;
  dust_ndarray_release(&out);
  double seconds = now(b->pool != NULL) - begin;
  return (figure){seconds, copy, faults() - before, bytes};
}

/* ---- serving */

static void use_threads(bench *b, int threads) {
  if ((b->pool ? dust_pool_threads(b->pool) : 1) == threads) return;
  dust_pool_release(b->pool);
  b->pool = NULL;
  if (threads > 1) need(dust_pool_create(&b->pool, threads));
}

static const work *find(const bench *b, const char *name) {
  for (int i = 0; i < b->works; i++)
    if (strcmp(b->list[i]->name, name) == 0) return b->list[i];
  need(dust_fail(DUST_ERROR_ARGUMENT, "no work is called '%s'", name));
  return NULL;
}

static void save(const char *path, const dust_ndarray *a) {
  dust_ndarray whole = {0};
  if (a->buffer) need(dust_ndarray_contiguous(&whole, a));
  FILE *file = fopen(path, "wb");
  size_t bytes = whole.buffer ? dust_ndarray_bytes(&whole) : 0;
  if (!file || fwrite(whole.data, 1, bytes, file) != bytes || fclose(file) != 0) need(dust_fail(DUST_ERROR_WORLD, "can't write %s", path));
  printf("{\"dtype\": \"%s\", \"shape\": [", bytes ? dust_dtype_name(whole.dtype) : "uint8");
  for (int d = 0; d < whole.ndim; d++) printf("%s%lld", d ? ", " : "", (long long)whole.shape[d]);
  printf("]}\n");
  dust_ndarray_release(&whole);
}

static void serve_save(bench *b, const char *path, const char *name) {
  dust_ndarray out = {0};
  find(b, name)->run(&b->scene, b->pool, &out);
  save(path, &out);
  dust_ndarray_release(&out);
}

static void serve_input(bench *b, const char *path, const char *name) {
  const dust_ndarray *input = scene_named(&b->scene, name);
  if (!input) need(dust_fail(DUST_ERROR_ARGUMENT, "no input is called '%s'", name));
  save(path, input);
}

static void serve_run(bench *b, const char *threads, const char *name) {
  use_threads(b, atoi(threads));
  const work *w = find(b, name);
  figure f = measure(b, w);
  printf(
      "{\"seconds\": %.9f, \"copy_seconds\": %.9f, \"voxels\": %.0f, \"copy_voxels\": %.0f, \"copied\": %d, \"faults\": %ld, \"bytes\": "
      "%zu}\n",
      f.seconds, f.copy_seconds, voxels(b, w), cube(b->scene.n), w->copied, f.faults, f.bytes);
}

static void serve(bench *b) {
  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    char *verb = strtok(line, " \n"), *first = strtok(NULL, " \n"), *rest = strtok(NULL, "\n");
    if (!rest)
      need(dust_fail(DUST_ERROR_ARGUMENT, "run THREADS WORK, save FILE WORK or input FILE NAME is wanted"));
    else if (strcmp(verb, "run") == 0)
      serve_run(b, first, rest);
    else if (strcmp(verb, "save") == 0)
      serve_save(b, first, rest);
    else
      serve_input(b, first, rest);
    fflush(stdout);
  }
}

/* ---- counting: bench_counted is what callgrind collects in, and dumps after */

void bench_counted(bench *b, const work *w, dust_ndarray *out);
__attribute__((noinline)) void bench_counted(bench *b, const work *w, dust_ndarray *out) { w->run(&b->scene, NULL, out); }

static void count(bench *b, const char *only) {
  for (int i = 0; i < b->works; i++) {
    dust_ndarray out = {0};
    if (only && !strstr(b->list[i]->name, only)) continue;
    b->list[i]->run(&b->scene, NULL, &out); /* makes the input */
    dust_ndarray_release(&out);
    bench_counted(b, b->list[i], &out);
    dust_ndarray_release(&out);
    printf("%.0f %s\n", voxels(b, b->list[i]), b->list[i]->name);
  }
}

/* ---- a table */

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int n) {
  qsort(values, (size_t)n, sizeof *values, by_value);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void report(bench *b, const char *only, int reps) {
  printf("%-32s %10s %10s %10s %12s\n", "work", "memcpy ns", "ns", "x memcpy", "4K faults");
  for (int i = 0; i < b->works; i++) {
    const work *w = b->list[i];
    double mine[MOST_REPS], copy[MOST_REPS], ratio[MOST_REPS];
    if (only && !strstr(w->name, only)) continue;
    figure f = measure(b, w);
    for (int r = 0; r < reps; r++) {
      f = measure(b, w);
      mine[r] = f.seconds / voxels(b, w) * 1e9, copy[r] = f.copy_seconds / cube(b->scene.n) * 1e9, ratio[r] = mine[r] / copy[r];
    }
    printf("%-32s %10.3f %10.3f %10.2f %12ld\n", w->name, median(copy, reps), median(mine, reps), median(ratio, reps), f.faults);
    fflush(stdout);
  }
}

typedef struct options {
  int64_t size;
  int reps, threads;
  const char *only;
  bool serve, count;
} options;

static options parse(int argc, char **argv) {
  options o = {.size = 216, .reps = 9, .threads = 1};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--serve") == 0)
      o.serve = true;
    else if (strcmp(argv[i], "--count") == 0)
      o.count = true;
    else if (strcmp(argv[i], "--only") == 0)
      o.only = value, i++;
    else if (strcmp(argv[i], "--reps") == 0)
      o.reps = atoi(value), i++;
    else if (strcmp(argv[i], "--threads") == 0)
      o.threads = atoi(value), i++;
    else
      o.size = atoll(argv[i]);
  }
  if (o.size >= 32 && o.size <= 1024 && o.reps >= 1 && o.reps <= MOST_REPS && o.threads >= 1) return o;
  fprintf(stderr, "usage: bench_kernels [SIZE, 32 to 1024] [--only TEXT] [--reps N, 1 to %d] [--threads N] [--serve | --count]\n",
          MOST_REPS);
  exit(2);
}

int main(int argc, char **argv) {
  options o = parse(argc, argv);
  bench b = {0};
  need(dust_isa_check());
  for (int g = 0; g < GROUPS; g++)
    for (const work *w = groups[g]; w->name; w++) b.list[b.works++] = w;
  scene_open(&b.scene, o.size);
  use_threads(&b, o.threads);
  size_t bytes = (size_t)cube(o.size) * 8;
  b.from = o.count ? NULL : malloc(bytes);
  if (b.from) memset(b.from, 1, bytes);
  if (o.serve)
    serve(&b);
  else if (o.count)
    count(&b, o.only);
  else
    report(&b, o.only, o.reps);
  free(b.from);
  scene_close(&b.scene);
  dust_pool_release(b.pool);
  return 0;
}
