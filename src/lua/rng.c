/* md.Rng: the pair of reference streams that travels with a request. Draws are those of base/rng.h; indices come back 1-based.
 * The userdata is the C value itself. */
#include "lua/binding.h"

#include <math.h>

dust_rng *dust_lua_to_rng(lua_State *L, int index) {
  dust_rng *rng = dust_lua_test(L, index, DUST_LUA_RNG);
  if (!rng) luaL_error(L, "expected an Rng, got %s", dust_lua_type_name(L, index));
  return rng;
}

static dust_rng *self(lua_State *L) { return dust_lua_own(L, 1, DUST_LUA_RNG); }

static uint32_t seed32(lua_State *L, int index) {
  int64_t seed = dust_lua_integer(L, index, "seed");
  if (seed < 0 || seed > UINT32_MAX) luaL_error(L, "seed must be from 0 to 4294967295, not %I", (lua_Integer)seed);
  return (uint32_t)seed;
}

static uint64_t seed64(lua_State *L, int index) {
  int64_t seed = lua_isnoneornil(L, index) ? 0 : dust_lua_integer(L, index, "seed");
  if (seed < 0) luaL_error(L, "seed must not be negative: %I", (lua_Integer)seed);
  return (uint64_t)seed;
}

static double finite_number(lua_State *L, int index, const char *what) {
  double value = dust_lua_number(L, index, what);
  if (!isfinite(value)) luaL_error(L, "%s must be finite, not %f", what, value);
  return value;
}

static int make(lua_State *L) {
  uint64_t seed = seed64(L, 1);
  dust_rng *rng = dust_lua_new(L, DUST_LUA_RNG);
  dust_rng_seed(rng, seed);
  return 1;
}

static int reseed(lua_State *L) {
  dust_rng *rng = self(L);
  if (lua_isnoneornil(L, 2)) return luaL_error(L, "Rng:seed needs a seed");
  dust_rng_seed(rng, seed64(L, 2));
  return 0;
}

/* ---- CPython's stream */
static int py_random(lua_State *L) { return lua_pushnumber(L, dust_py_random(self(L))), 1; }

static int py_exceeds(lua_State *L) {
  dust_rng *rng = self(L);
  return lua_pushboolean(L, dust_py_exceeds(rng, dust_lua_number(L, 2, "p"))), 1;
}

static int py_randint(lua_State *L) {
  dust_rng *rng = self(L);
  int64_t low = dust_lua_integer(L, 2, "low"), high = dust_lua_integer(L, 3, "high");
  if (low > high) return luaL_error(L, "randint(%I, %I): low is above high", (lua_Integer)low, (lua_Integer)high);
  return lua_pushinteger(L, dust_py_randint(rng, low, high)), 1;
}

/* point_in(roi): a whole number of [begin, stop) an axis, each as randint draws it. */
static int py_point_in(lua_State *L) {
  dust_rng *rng = self(L);
  const dust_roi *roi = dust_lua_to_roi(L, 2);
  if (dust_roi_unbounded(roi) || dust_roi_empty(roi)) return luaL_error(L, "point_in: the Roi has no end, or nothing in it");
  dust_coordinate point = {.ndim = roi->shape.ndim};
  for (int d = 0; d < point.ndim; d++) {
    const int64_t low = roi->offset.value[d];
    point.value[d] = dust_py_randint(rng, low, low + (roi->shape.value[d] - 1));
  }
  return dust_lua_push_coordinate(L, &point), 1;
}

static int py_choice_cumulative(lua_State *L) {
  dust_rng *rng = self(L);
  size_t n;
  const double *cumulative = dust_lua_doubles(L, 2, &n, "cumulative");
  if (n == 0) return luaL_error(L, "cumulative has no entries");
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(cumulative[i])) return luaL_error(L, "entry %d of cumulative is not finite", (int)i + 1);
    if (i > 0 && cumulative[i] < cumulative[i - 1])
      return luaL_error(L, "cumulative must not fall: entry %d is below the one before", (int)i + 1);
  }
  if (cumulative[n - 1] <= 0) return luaL_error(L, "cumulative must end above 0");
  return lua_pushinteger(L, (lua_Integer)dust_py_choice_cumulative(rng, cumulative, n) + 1), 1;
}

static int py_sample(lua_State *L) {
  dust_rng *rng = self(L);
  int64_t n = dust_lua_integer(L, 2, "n"), k = dust_lua_integer(L, 3, "k");
  if (n < 0 || n > INT64_C(1) << 31) return luaL_error(L, "sample: n must be from 0 to 2^31, not %I", (lua_Integer)n);
  if (k < 0 || k > n) return luaL_error(L, "sample: k must be from 0 to n = %I, not %I", (lua_Integer)n, (lua_Integer)k);
  size_t *drawn = lua_newuserdatauv(L, (size_t)k * sizeof *drawn + 1, 0);
  lua_createtable(L, k < INT32_MAX ? (int)k : 0, 0);
  dust_lua_check(L, dust_py_sample(rng, (size_t)n, (size_t)k, drawn));
  for (int64_t i = 0; i < k; i++) {
    lua_pushinteger(L, (lua_Integer)drawn[i] + 1);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- NumPy's stream */
static int np_random(lua_State *L) { return lua_pushnumber(L, dust_np_random(self(L))), 1; }

static int np_uniform(lua_State *L) {
  dust_rng *rng = self(L);
  double low = finite_number(L, 2, "low"), high = finite_number(L, 3, "high");
  if (!isfinite(high - low)) return luaL_error(L, "np_uniform: high - low is too large");
  return lua_pushnumber(L, dust_np_uniform(rng, low, high)), 1;
}

static double scale_argument(lua_State *L, int index) {
  double scale = dust_lua_number(L, index, "scale");
  if (!(scale >= 0)) luaL_error(L, "scale must not be negative: %f", scale);
  return scale;
}

static int np_normal(lua_State *L) {
  dust_rng *rng = self(L);
  double loc = dust_lua_number(L, 2, "loc"), scale = scale_argument(L, 3);
  return lua_pushnumber(L, loc + scale * dust_np_gauss(rng)), 1;
}

static int np_normals(lua_State *L) {
  dust_rng *rng = self(L);
  double loc = dust_lua_number(L, 2, "loc"), scale = scale_argument(L, 3);
  int64_t shape[DUST_MAXDIM];
  int ndim = dust_lua_integers(L, 4, shape, "shape");
  dust_ndarray *out = dust_lua_new_ndarray(L);
  dust_status status = dust_ndarray_empty(out, DUST_FLOAT64, ndim, shape);
  if (status == DUST_OK) {
    double *value = (double *)out->data;
    for (int64_t i = 0, n = dust_ndarray_count(out); i < n; i++) value[i] = loc + scale * dust_np_gauss(rng);
  }
  return dust_lua_made_ndarray(L, status);
}

/* np_displacement(sigmas, points): float32 (axes, points…), np_normals(0, sigma, points) of each axis in turn, which aren't drawn where sigma is 0; nil where all
 * are. */
static int np_displacement(lua_State *L) {
  dust_rng *rng = self(L);
  size_t axes;
  int64_t shape[DUST_MAXDIM + 1];
  const double *sigma = dust_lua_doubles(L, 2, &axes, "sigmas");
  const int ndim = dust_lua_integers(L, 3, shape + 1, "points");
  double any = 0;
  if (axes != (size_t)ndim) return luaL_error(L, "there are %d sigmas for %d axes", (int)axes, ndim);
  if (ndim == DUST_MAXDIM) return luaL_error(L, "points has %d entries; one axis more is needed", ndim);
  for (int d = 0; d < ndim; d++) any = fmax(any, sigma[d]);
  if (!(any > 0)) return lua_pushnil(L), 1;
  shape[0] = ndim;
  dust_ndarray *out = dust_lua_new_ndarray(L);
  const dust_status status = dust_ndarray_zeros(out, DUST_FLOAT32, ndim + 1, shape);
  const int64_t each = status == DUST_OK && ndim > 0 ? dust_ndarray_count(out) / ndim : 0;
  for (int d = 0; d < ndim; d++)
    for (int64_t i = 0; i < each && sigma[d] > 0; i++) ((float *)out->data)[d * each + i] = (float)(0 + sigma[d] * dust_np_gauss(rng));
  return dust_lua_made_ndarray(L, status);
}

static int np_randint(lua_State *L) {
  dust_rng *rng = self(L);
  int64_t low = dust_lua_integer(L, 2, "low"), high = dust_lua_integer(L, 3, "high");
  if (low >= high)
    return luaL_error(L, "np_randint(%I, %I): low must be below high, which is excluded", (lua_Integer)low, (lua_Integer)high);
  return lua_pushinteger(L, dust_np_randint(rng, low, high)), 1;
}

/* numpy's own tolerance: the square root of a double's epsilon. */
static void check_probabilities(lua_State *L, const double *p, size_t count, int64_t n) {
  double sum = 0;
  if (count != (size_t)n) luaL_error(L, "np_choice: %d probabilities for n = %I", (int)count, (lua_Integer)n);
  for (size_t i = 0; i < count; i++) {
    if (!(p[i] >= 0 && p[i] <= 1)) luaL_error(L, "np_choice: probability %d is %f, not from 0 to 1", (int)i + 1, p[i]);
    sum += p[i];
  }
  if (fabs(sum - 1) > 1.4901161193847656e-08) luaL_error(L, "np_choice: the probabilities sum to %f, not 1", sum);
}

static int np_choice(lua_State *L) {
  dust_rng *rng = self(L);
  int64_t n = dust_lua_integer(L, 2, "n");
  const double *p = NULL;
  size_t count;
  if (n < 1) return luaL_error(L, "np_choice: n must be at least 1, not %I", (lua_Integer)n);
  if (!lua_isnoneornil(L, 3)) {
    p = dust_lua_doubles(L, 3, &count, "p");
    check_probabilities(L, p, count, n);
  }
  return lua_pushinteger(L, (lua_Integer)dust_np_choice(rng, p, (size_t)n) + 1), 1;
}

static int np_rotation(lua_State *L) {
  double matrix[9];
  dust_np_rotation(self(L), matrix);
  lua_createtable(L, 3, 0);
  for (int i = 0; i < 3; i++) {
    lua_createtable(L, 3, 0);
    for (int j = 0; j < 3; j++) {
      lua_pushnumber(L, matrix[3 * i + j]);
      lua_rawseti(L, -2, j + 1);
    }
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- seeds */
static int seed_copy(lua_State *L) { return lua_pushinteger(L, dust_seed_copy(seed32(L, 1))), 1; }

static int seed_attempt(lua_State *L) {
  uint32_t seed = seed32(L, 1);
  int64_t attempt = dust_lua_integer(L, 2, "attempt");
  if (attempt < 0) return luaL_error(L, "attempt must not be negative: %I", (lua_Integer)attempt);
  return lua_pushinteger(L, dust_seed_attempt(seed, (uint64_t)attempt)), 1;
}

static int seed_stream(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t batch = dust_lua_integer(L, 2, "batch");
  lua_Integer count = luaL_len(L, 1);
  if (count < 1) return luaL_error(L, "the list of a seed is empty");
  int64_t *list = lua_newuserdatauv(L, (size_t)count * sizeof *list, 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, 1, i + 1);
    list[i] = dust_lua_integer(L, -1, "an entry of the seed's list");
    lua_pop(L, 1);
  }
  return lua_pushinteger(L, dust_seed_stream(list, (size_t)count, (uint64_t)batch)), 1;
}

static int permute(lua_State *L) {
  uint32_t key = seed32(L, 1);
  int64_t count = dust_lua_integer(L, 2, "count"), index = dust_lua_integer(L, 3, "index");
  if (index < 0 || index >= count) return luaL_error(L, "index must be from 0 to %I, not %I", (lua_Integer)count - 1, (lua_Integer)index);
  return lua_pushinteger(L, (lua_Integer)dust_permute(key, (uint64_t)count, (uint64_t)index)), 1;
}

static int seed_from_system(lua_State *L) { return lua_pushinteger(L, dust_seed_from_system()), 1; }

void dust_lua_open_rng(lua_State *L) {
  static const luaL_Reg methods[] = {{"seed", reseed},
                                     {"random", py_random},
                                     {"exceeds", py_exceeds},
                                     {"randint", py_randint},
                                     {"point_in", py_point_in},
                                     {"choice_cumulative", py_choice_cumulative},
                                     {"sample", py_sample},
                                     {"np_random", np_random},
                                     {"np_uniform", np_uniform},
                                     {"np_normal", np_normal},
                                     {"np_normals", np_normals},
                                     {"np_displacement", np_displacement},
                                     {"np_randint", np_randint},
                                     {"np_choice", np_choice},
                                     {"np_rotation", np_rotation},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"Rng", make},
                                       {"seed_copy", seed_copy},
                                       {"seed_attempt", seed_attempt},
                                       {"seed_stream", seed_stream},
                                       {"permute", permute},
                                       {"seed_from_system", seed_from_system},
                                       {NULL, NULL}};
  dust_lua_value_class(L, DUST_LUA_RNG, methods, NULL);
  luaL_setfuncs(L, functions, 0);
}
