/* md.ndarray: a[index] and a[index] = value.
 *
 * An index is a table with an entry per axis: a number drops the axis, {first, last} or {first, last, step} is an inclusive
 * range, {} the whole axis; axes without entry are whole. Negative numbers count from the end. A plain number is an index of the
 * first axis; there, as in any Lua sequence, reading outside gives nil.
 */
#include "kernel/copy.h"
#include "lua/ndarray.h"

typedef struct selector {
  bool drops;
  int64_t begin, count, step; /* from 0; `count` elements, `step` apart */
} selector;

static int64_t from_end(int64_t i, int64_t length) { return i < 0 ? i + length + 1 : i; }

static void select_one(lua_State *L, selector *s, int64_t index, int axis, int64_t length) {
  int64_t i = from_end(index, length);
  if (i < 1 || i > length) luaL_error(L, "index %I of axis %d is not from 1 to %I", (lua_Integer)index, axis + 1, (lua_Integer)length);
  *s = (selector){true, i - 1, 1, 1};
}

static int64_t range_entry(lua_State *L, int entry, int axis) {
  static const char *const names[] = {"first", "last", "step"};
  char what[64];
  lua_geti(L, -1, entry);
  const bool is_integer = lua_isinteger(L, -1);
  if (!is_integer) snprintf(what, sizeof what, "%s of axis %d", names[entry - 1], axis + 1);
  int64_t value = is_integer ? lua_tointeger(L, -1) : dust_lua_integer(L, -1, what);
  lua_pop(L, 1);
  return value;
}

/* The range in the table on top of the stack. first = last + 1 (going up) is the empty range, which may begin just behind the
 * end. */
static void select_range(lua_State *L, selector *s, int axis, int64_t length) {
  lua_Integer n = luaL_len(L, -1);
  *s = (selector){false, 0, length, 1};
  if (n == 0) return;
  if (n != 2 && n != 3) luaL_error(L, "a range of axis %d is {first, last}, {first, last, step} or {}, not a table of %I", axis + 1, n);
  int64_t first = range_entry(L, 1, axis), last = range_entry(L, 2, axis), step = n == 3 ? range_entry(L, 3, axis) : 1;
  if (step == 0 || step == INT64_MIN) luaL_error(L, "the step of axis %d must not be %I", axis + 1, (lua_Integer)step);
  int64_t from = from_end(first, length), to = from_end(last, length);
  bool near = from >= 0 && from <= length + 1 && to >= 0 && to <= length + 1; /* so that no sum below overflows */
  bool empty = near && (step > 0 ? from == to + 1 : from == to - 1);
  int64_t low = from < to ? from : to, high = from < to ? to : from;
  if (empty) high--, low++;
  if (!near || low < 1 || high > length || (!empty && (step > 0) != (from <= to) && from != to))
    luaL_error(L, "the range {%I, %I} of axis %d is not within 1 to %I%s", (lua_Integer)first, (lua_Integer)last, axis + 1,
               (lua_Integer)length, step < 0 ? " going down" : "");
  if (empty)
    *s = (selector){false, 0, 0, 1};
  else
    *s = (selector){false, from - 1, (step > 0 ? (to - from) / step : (from - to) / -step) + 1, step};
}

static void read_selectors(lua_State *L, selector *s, const dust_ndarray *a) {
  lua_Integer n = luaL_len(L, 2);
  if (n > a->ndim) luaL_error(L, "an index of %I entries into an array of %d axes", n, a->ndim);
  for (int d = 0; d < a->ndim; d++) {
    s[d] = (selector){false, 0, a->shape[d], 1};
    if (d >= n) continue;
    int type = lua_geti(L, 2, d + 1);
    if (type == LUA_TNUMBER) {
      char what[64];
      snprintf(what, sizeof what, "index of axis %d", d + 1);
      select_one(L, &s[d], dust_lua_integer(L, -1, what), d, a->shape[d]);
    } else if (type == LUA_TTABLE)
      select_range(L, &s[d], d, a->shape[d]);
    else
      luaL_error(L, "the index of axis %d must be a number or a range {first, last}, not %s", d + 1, dust_lua_type_name(L, -1));
    lua_pop(L, 1);
  }
}

/* One axis of *view narrowed; takes the place of the old view. */
static dust_status narrow(dust_ndarray *view, int axis, const selector *s) {
  dust_ndarray next = {0};
  int64_t span = (s->count - 1) * s->step, low = s->step > 0 ? s->begin : s->begin + span, high = s->step > 0 ? s->begin + span : s->begin;
  dust_status status;
  if (s->drops)
    status = dust_ndarray_pick(&next, view, axis, s->begin);
  else if (s->count == 0)
    status = dust_ndarray_slice(&next, view, axis, 0, 0, 1);
  else if (s->step > 0)
    status = dust_ndarray_slice(&next, view, axis, low, high + 1, s->step);
  else
    status = dust_ndarray_slice(&next, view, axis, high, low - 1, s->step);
  if (status != DUST_OK) return status;
  dust_ndarray_release(view);
  *view = next;
  return DUST_OK;
}

/* On failure *out is released. Axes are narrowed from the last, so that a dropped one doesn't renumber those still to come. */
static dust_status apply(dust_ndarray *out, const dust_ndarray *a, const selector *s) {
  dust_status status = DUST_OK;
  dust_ndarray_share(out, a);
  for (int d = a->ndim - 1; d >= 0 && status == DUST_OK; d--) status = narrow(out, d, &s[d]);
  if (status != DUST_OK) dust_ndarray_release(out);
  return status;
}

/* A plain number becomes the table {number}. */
static void table_key(lua_State *L) {
  if (lua_type(L, 2) == LUA_TTABLE) return;
  if (lua_type(L, 2) != LUA_TNUMBER) luaL_error(L, "an array is indexed with a table such as {z, y, x}, not %s", dust_lua_type_name(L, 2));
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, 1);
  lua_replace(L, 2);
}

static bool outside(lua_State *L, const dust_ndarray *a) {
  int whole;
  int64_t i = lua_tointegerx(L, 2, &whole);
  return lua_type(L, 2) == LUA_TNUMBER && whole && a->ndim > 0 && (i == 0 || i > a->shape[0] || i < -a->shape[0]);
}

int dust_lua_ndarray_get(lua_State *L) {
  const dust_ndarray *a = dust_lua_source(L, 1);
  selector s[DUST_MAXDIM];
  if (outside(L, a)) return 0;
  table_key(L);
  dust_ndarray *view = dust_lua_result(L, 2);
  read_selectors(L, s, dust_lua_seen_ndarray(L, 1));
  dust_lua_made_of_source(L, 1, apply(view, dust_lua_source(L, 1), s), false); /* asked again: reading the index ran the script's code, if it has metamethods */
  if (view->ndim > 0) return 1;
  view = dust_lua_to_ndarray(L, -1);
  dust_lua_push_element(L, view->dtype, view->data);
  dust_ndarray_release(view);
  return 1;
}

static dust_status write_array(const dust_ndarray *part, const dust_ndarray *value, dust_pool *pool) {
  dust_ndarray own = {0};
  if (value->buffer == part->buffer) DUST_TRY(dust_ndarray_copy(&own, value)); /* a[…] = a reads what it writes */
  dust_status status = dust_copy_array(part, own.buffer ? &own : value, pool);
  dust_ndarray_release(&own);
  return status;
}

int dust_lua_ndarray_set(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *a = dust_lua_to_ndarray(L, 1), part = {0};
  bool is_array = luaL_testudata(L, 3, DUST_LUA_NDARRAY) != NULL;
  const dust_ndarray *value = is_array ? dust_lua_to_ndarray(L, 3) : NULL;
  dust_scalar number = {0};
  selector s[DUST_MAXDIM];
  uint64_t bits;
  bool beyond;
  if (!is_array && lua_type(L, 3) != LUA_TNUMBER && !dust_lua_label_bits(L, 3, &bits, &beyond))
    return luaL_error(L, "an array is written with a number or an ndarray, not %s", dust_lua_type_name(L, 3));
  if (!is_array) number = dust_lua_scalar(L, 3, "the value");
  table_key(L);
  read_selectors(L, s, a);
  dust_lua_to_ndarray(L, 1); /* asked again: reading the index ran the script's code, if it has metamethods */
  if (is_array) dust_lua_to_ndarray(L, 3);
  const dust_buffer *before = a->buffer;
  dust_status status = dust_ndarray_make_writable(a);
  if (status == DUST_OK) status = apply(&part, a, s);
  if (status == DUST_OK) status = is_array ? write_array(&part, value, pool) : dust_fill_array(&part, &number, pool);
  dust_ndarray_release(&part);
  dust_lua_check(L, status);
  if (a->buffer != before) dust_lua_account(L, dust_ndarray_bytes(a));
  return 0;
}
