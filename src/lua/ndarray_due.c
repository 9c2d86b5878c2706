/* Arrays whose elements are due: grey values of 1 or 2 bytes times a factor, as float32, made when somebody asks for them.
 *
 *     box   array   dtype and shape of what it is for the script; no buffer until it is made
 *           source  the grey values; a view of them where the box is a view
 *           factor
 *
 * For a script such an array is like any other. What can work on the grey values themselves (views, padding, sampling) does: that saves a pass over the voxels
 * and three quarters of their bytes, with the same result. All others ask dust_lua_to_ndarray(), which makes the elements first.
 *
 * dust_lua_to_ndarray() never runs the collector, which could close what its caller has in hand: the next binding that makes an array does so for both.
 */
#include "lua/ndarray.h"

#include <math.h>
#include <string.h>
#include "kernel/scale_shift.h"

typedef struct box {
  dust_ndarray array; /* comes first: the rest of the room sees no more */
  dust_ndarray source;
  double factor;
} box;

static box *to_box(lua_State *L, int index) {
  box *b = dust_lua_test_class(L, index, DUST_LUA_NDARRAY);
  if (!b) luaL_error(L, "expected an ndarray, got %s", dust_lua_type_name(L, index));
  if (!b->array.buffer && !b->source.buffer) luaL_error(L, "this array was closed");
  return b;
}

dust_ndarray *dust_lua_new_ndarray(lua_State *L) {
  box *b = lua_newuserdatauv(L, sizeof *b, 0);
  memset(b, 0, sizeof *b);
  lua_rawgetp(L, LUA_REGISTRYINDEX, DUST_LUA_NDARRAY);
  lua_setmetatable(L, -2);
  return &b->array;
}

void dust_lua_ndarray_close(dust_ndarray *array) {
  dust_ndarray_release(array);
  dust_ndarray_release(&((box *)array)->source);
}

bool dust_lua_ndarray_is_open(const dust_ndarray *array) { return array->buffer || ((const box *)array)->source.buffer; }

static dust_status settle(box *b, dust_pool *pool) {
  dust_ndarray made = {0};
  DUST_TRY(dust_scale_shift(&made, &b->source, b->factor, 0, DUST_FLOAT32, -INFINITY, INFINITY, pool));
  dust_ndarray_release(&b->source);
  b->array = made;
  return DUST_OK;
}

dust_ndarray *dust_lua_to_ndarray(lua_State *L, int index) {
  box *b = to_box(L, index);
  if (b->array.buffer) return &b->array;
  dust_lua_check(L, settle(b, dust_lua_pool(L)));
  dust_lua_owe(L, dust_ndarray_bytes(&b->array));
  return &b->array;
}

const dust_ndarray *dust_lua_seen_ndarray(lua_State *L, int index) { return &to_box(L, index)->array; }

const dust_ndarray *dust_lua_source(lua_State *L, int index) {
  const box *b = to_box(L, index);
  return b->array.buffer ? &b->array : &b->source;
}

const double *dust_lua_factor(lua_State *L, int index) {
  const box *b = to_box(L, index);
  return b->array.buffer ? NULL : &b->factor;
}

/* What is in the box is the source of what is due. */
static void defer(box *b, double factor) {
  b->source = b->array, b->factor = factor;
  b->array.dtype = DUST_FLOAT32;
  b->array.buffer = NULL, b->array.data = NULL;
}

int dust_lua_made_of_source(lua_State *L, int index, dust_status status, bool new_bytes) {
  dust_lua_check(L, status);
  box *made = lua_touserdata(L, -1);
  const double *factor = dust_lua_factor(L, index);
  const size_t bytes = dust_ndarray_bytes(&made->array);
  if (factor) defer(made, *factor);
  if (new_bytes) dust_lua_account(L, bytes);
  return 1;
}

bool dust_lua_can_be_due(const dust_ndarray *in, dust_dtype dtype) {
  return dtype == DUST_FLOAT32 && !dust_dtype_is_float(in->dtype) && dust_dtype_size(in->dtype) <= 2;
}

int dust_lua_made_due(lua_State *L, const dust_ndarray *in, double factor) {
  box *b = lua_touserdata(L, -1);
  dust_ndarray_share(&b->array, in);
  defer(b, factor);
  return 1;
}
