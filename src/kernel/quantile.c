/* Selection after Hoare (Algorithm 65, "Find"): expected linear time, and the same answer whatever the order of the elements. */
#include "kernel/quantile.h"

#include <math.h>
#include "base/mem.h"
#include "volume/rows.h"

static void swap(double *a, double *b) {
  const double c = *a;
  *a = *b, *b = c;
}

static double median_of_three(double a, double b, double c) { return fmax(fmin(a, b), fmin(fmax(a, b), c)); }

/* Afterwards value[k] is what it would be in sorted order. */
static double select_value(double *value, int64_t n, int64_t k) {
  int64_t first = 0, last = n - 1;
  while (first < last) {
    const double pivot = median_of_three(value[first], value[first + (last - first) / 2], value[last]);
    int64_t i = first, j = last;
    while (i <= j) {
      while (value[i] < pivot) i++;
      while (value[j] > pivot) j--;
      if (i <= j) swap(&value[i++], &value[j--]);
    }
    if (k <= j)
      last = j;
    else if (k >= i)
      first = i;
    else
      break;
  }
  return value[k];
}

typedef struct gathering {
  double *value; /* NULL: only what there is is counted */
  dust_dtype dtype;
  dust_finite *found;
} gathering;

static void take(gathering *g, double v) {
  dust_finite *f = g->found;
  if (isnan(v)) {
    f->nan++;
  } else if (isinf(v)) {
    f->infinite++;
  } else {
    if (f->count == 0 || v < f->low) f->low = v;
    if (f->count == 0 || v > f->high) f->high = v;
    if (g->value) g->value[f->count] = v;
    f->count++;
  }
}

static dust_status gather_row(void *context, const dust_rows *rows, char *const *pointer, size_t row) {
  enum { CHUNK = 512 };
  gathering *g = context;
  double chunk[CHUNK];
  for (size_t begin = 0; begin < rows->length; begin += CHUNK) {
    const size_t n = rows->length - begin < CHUNK ? rows->length - begin : CHUNK;
    dust_row_to_double(chunk, pointer[0] + (int64_t)begin * rows->stride[0], rows->stride[0], g->dtype, n);
    for (size_t i = 0; i < n; i++) take(g, chunk[i]);
  }
  (void)row;
  return DUST_OK;
}

dust_status dust_finite_quantiles(double *quantile, dust_finite *found, const dust_ndarray *in, int n, const double *fraction) {
  void *block = NULL;
  dust_rows rows;
  dust_status status;
  *found = (dust_finite){0};
  for (int i = 0; i < n; i++)
    if (!(fraction[i] >= 0 && fraction[i] <= 1))
      return dust_fail(DUST_ERROR_ARGUMENT, "there is no quantile %g; fractions go from 0 to 1", fraction[i]);
  if (n > 0) DUST_TRY(dust_alloc(&block, (size_t)dust_ndarray_count(in) * sizeof(double)));
  gathering g = {block, in->dtype, found};
  DUST_GO(dust_rows_init(&rows, 1, (const dust_ndarray *[]){in}));
  DUST_GO(dust_rows_run(&rows, NULL, gather_row, &g));
  for (int i = 0; i < n; i++)
    quantile[i] = found->count ? select_value(g.value, found->count, (int64_t)(fraction[i] * (double)(found->count - 1) + 0.5)) : 0;
done:
  dust_free(block);
  return status;
}
