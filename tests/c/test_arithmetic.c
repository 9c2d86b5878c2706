/* Arithmetic, comparisons, filling, casting and joining where Lua can't reach: every allocation failing, foreign misaligned
 * bytes, any number of threads. */
#include "check.h"
#include "base/pool.h"
#include "kernel/compare.h"
#include "kernel/copy.h"
#include "kernel/hash.h"
#include "kernel/stack.h"

static dust_ndarray ramp(dust_dtype dtype, int64_t rows, int64_t columns) {
  dust_ndarray a = {0};
  int64_t shape[2] = {rows, columns};
  CHECK_OK(dust_ndarray_empty(&a, dtype, 2, shape));
  for (int64_t i = 0; i < rows * columns; i++) {
    dust_scalar value = dust_scalar_integer(i % 100);
    dust_scalar_store(a.data + i * (int64_t)dust_dtype_size(dtype), dtype, &value);
  }
  return a;
}

typedef struct pair {
  dust_ndarray a, b;
} pair;

static dust_status add(void *context) {
  const pair *p = context;
  dust_ndarray out = {0};
  dust_operand x = {.array = &p->a}, y = {.array = &p->b};
  DUST_TRY(dust_arithmetic(&out, DUST_OP_ADD, &x, &y, NULL));
  dust_ndarray_release(&out);
  return DUST_OK;
}

static dust_status compare(void *context) {
  const pair *p = context;
  dust_ndarray out = {0};
  dust_operand y = {.array = &p->b};
  DUST_TRY(dust_compare(&out, DUST_OP_LT, &p->a, &y, NULL));
  dust_ndarray_release(&out);
  return DUST_OK;
}

static dust_status cast(void *context) {
  const pair *p = context;
  dust_ndarray out = {0};
  DUST_TRY(dust_cast_array(&out, &p->a, DUST_FLOAT64, NULL));
  dust_ndarray_release(&out);
  return DUST_OK;
}

static dust_status join(void *context) {
  const pair *p = context;
  dust_ndarray out = {0};
  const dust_ndarray *both[] = {&p->a, &p->a};
  DUST_TRY(dust_stack_arrays(&out, both, 2, NULL));
  dust_ndarray_release(&out);
  DUST_TRY(dust_concatenate_arrays(&out, both, 2, 1, NULL));
  dust_ndarray_release(&out);
  return DUST_OK;
}

static void test_allocations(void) {
  pair p = {ramp(DUST_INT32, 5, 7), ramp(DUST_UINT8, 5, 1)};
  check_every_allocation("add", add, &p);
  check_every_allocation("compare", compare, &p);
  check_every_allocation("cast", cast, &p);
  check_every_allocation("join", join, &p);
  dust_ndarray_release(&p.a);
  dust_ndarray_release(&p.b);
}

/* Every pair of dtypes, every operation: the same bytes for 1, 2 and 5 threads and for a transposed operand. */
static void check_pair(dust_dtype x, dust_dtype y, dust_pool *const *pool) {
  pair p = {ramp(x, 300, 401), ramp(y, 1, 401)};
  dust_operand a = {.array = &p.a}, b = {.array = &p.b};
  for (int op = DUST_OP_ADD; op <= DUST_OP_POWER; op++) {
    uint64_t hash[3];
    for (int t = 0; t < 3; t++) {
      dust_ndarray out = {0};
      CHECK_OK(dust_arithmetic(&out, (dust_arithmetic_op)op, &a, &b, pool[t]));
      CHECK_OK(dust_hash(&hash[t], &out));
      dust_ndarray_release(&out);
    }
    CHECK(hash[0] == hash[1] && hash[0] == hash[2]);
  }
  dust_ndarray_release(&p.a);
  dust_ndarray_release(&p.b);
}

static void test_threads(void) {
  dust_pool *pool[3] = {NULL};
  CHECK_OK(dust_pool_create(&pool[1], 2));
  CHECK_OK(dust_pool_create(&pool[2], 5));
  for (int x = 0; x < DUST_DTYPE_COUNT; x++) check_pair((dust_dtype)x, (dust_dtype)((x * 7 + 3) % DUST_DTYPE_COUNT), pool);
  dust_pool_release(pool[1]);
  dust_pool_release(pool[2]);
}

/* Elements at odd addresses, as in a mapped file. */
static void test_misaligned(void) {
  char bytes[8 * 9 + 1];
  dust_ndarray a = {0}, sum = {0};
  int64_t shape[1] = {9};
  for (int i = 0; i < 9; i++) memcpy(bytes + 1 + 8 * i, &(double){i}, sizeof(double));
  CHECK_OK(dust_ndarray_wrap(&a, DUST_FLOAT64, 1, shape, bytes + 1, true, NULL, NULL));
  dust_operand x = {.array = &a}, y = {.number = dust_scalar_number(0.5)};
  CHECK_OK(dust_arithmetic(&sum, DUST_OP_ADD, &x, &y, NULL));
  for (int i = 0; i < 9; i++) CHECK(((double *)(void *)sum.data)[i] == i + 0.5);
  dust_ndarray_release(&sum);
  dust_ndarray_release(&a);
}

static void test_shapes(void) {
  dust_ndarray a = ramp(DUST_UINT8, 2, 3), b = ramp(DUST_UINT8, 2, 4), out = {0};
  dust_operand x = {.array = &a}, y = {.array = &b};
  CHECK_FAILS(dust_arithmetic(&out, DUST_OP_ADD, &x, &y, NULL), DUST_ERROR_ARGUMENT, "arrays of shapes 2x3 and 2x4 don't go together");
  CHECK(out.buffer == NULL);
  dust_ndarray_release(&a);
  dust_ndarray_release(&b);
}

int main(void) {
  test_allocations();
  test_threads();
  test_misaligned();
  test_shapes();
  return check_done();
}
