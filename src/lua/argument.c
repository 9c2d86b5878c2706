/* Arguments: what a script passes, checked word by word. Messages name the argument and, for misspelt names, the nearest one
 * there is.
 *
 * Everything here may raise, so callers hold nothing. Buffers of unknown length are userdata, which the collector frees when a
 * later entry turns out to be wrong.
 */
#include "lua/binding.h"

#include <math.h>
#include <string.h>

#define NAME_MAX_LENGTH 48

enum { MOST = 1 << 27 /* numbers in a list */ };

/* Optimal string alignment (Levenshtein with neighbours swapped), case ignored. */
static int lower(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c; }

static int smallest(int a, int b, int c) {
  int ab = a < b ? a : b;
  return ab < c ? ab : c;
}

static int edit_distance(const char *a, const char *b) {
  int row[3][NAME_MAX_LENGTH + 1];
  size_t n = strlen(a), m = strlen(b);
  if (n > NAME_MAX_LENGTH || m > NAME_MAX_LENGTH) return NAME_MAX_LENGTH;
  for (size_t j = 0; j <= m; j++) row[0][j] = (int)j;
  for (size_t i = 1; i <= n; i++) {
    int *now = row[i % 3], *before = row[(i - 1) % 3], *earlier = row[(i + 1) % 3];
    now[0] = (int)i;
    for (size_t j = 1; j <= m; j++) {
      now[j] = smallest(before[j] + 1, now[j - 1] + 1, before[j - 1] + (lower(a[i - 1]) != lower(b[j - 1])));
      bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped && earlier[j - 2] + 1 < now[j]) now[j] = earlier[j - 2] + 1;
    }
  }
  return row[n % 3][m];
}

const char *dust_lua_nearest(const char *name, const char *const *known) {
  const char *best = NULL;
  int best_distance = (int)strlen(name) / 3 + 2; /* farther than this is another word */
  for (; *known; known++) {
    int distance = edit_distance(name, *known);
    if (distance < best_distance && distance < (int)strlen(*known)) best = *known, best_distance = distance;
  }
  return best;
}

static void push_list(lua_State *L, const char *const *known) {
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  for (int i = 0; known[i]; i++) {
    if (i) luaL_addstring(&text, known[i + 1] ? ", " : " and ");
    luaL_addstring(&text, known[i]);
  }
  luaL_pushresult(&text);
}

int dust_lua_unknown(lua_State *L, const char *what, const char *kind, const char *name, const char *const *known) {
  const char *nearest = dust_lua_nearest(name, known);
  if (nearest) return luaL_error(L, "%s has no %s '%s'; did you mean '%s'?", what, kind, name, nearest);
  push_list(L, known);
  return luaL_error(L, "%s has no %s '%s'; there are %s", what, kind, name, lua_tostring(L, -1));
}

const char *dust_lua_type_name(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
    const char *name = lua_tostring(L, -1); /* lives in the metatable */
    lua_pop(L, 1);
    return strncmp(name, "moondust.", 9) == 0 ? name + 9 : name;
  }
  return lua_isnoneornil(L, index) ? "nil" : luaL_typename(L, index);
}

int64_t dust_lua_integer(lua_State *L, int index, const char *what) {
  int whole = 0;
  if (lua_type(L, index) != LUA_TNUMBER) luaL_error(L, "%s must be a whole number, not %s", what, dust_lua_type_name(L, index));
  int64_t value = lua_tointegerx(L, index, &whole);
  if (!whole) {
    lua_Number number = lua_tonumber(L, index);
    luaL_error(L, "%s must be a whole number, not %f", what, number);
  }
  return value;
}

/* "18446744073709551615" or "0xff": the digits of a number below 2^64 and nothing else. */
static bool read_digits(const char *text, size_t length, uint64_t *out) {
  const bool hexadecimal = length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  const uint64_t base = hexadecimal ? 16 : 10;
  uint64_t value = 0;
  size_t i = hexadecimal ? 2 : 0;
  if (i == length) return false;
  for (; i < length; i++) {
    const int c = lower(text[i]);
    const uint64_t digit = c >= '0' && c <= '9' ? (uint64_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a' + 10) : 16;
    if (digit >= base || __builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value)) return false;
  }
  *out = value;
  return true;
}

bool dust_lua_label_bits(lua_State *L, int index, uint64_t *out, bool *beyond) {
  const int type = lua_type(L, index);
  *beyond = false;
  if (lua_isinteger(L, index)) return *out = (uint64_t)lua_tointeger(L, index), true;
  if (type == LUA_TNUMBER) {
    const double number = lua_tonumber(L, index);
    if (!(number >= -0x1p63 && number < 0x1p64) || number != floor(number)) return false;
    *beyond = number >= 0x1p63;
    *out = *beyond ? (uint64_t)number : (uint64_t)(int64_t)number;
    return true;
  }
  size_t length;
  const char *text = type == LUA_TSTRING ? lua_tolstring(L, index, &length) : NULL;
  *beyond = text && read_digits(text, length, out) && *out > INT64_MAX;
  return *beyond;
}

uint64_t dust_lua_label(lua_State *L, int index, dust_dtype dtype, const char *what) {
  uint64_t bits;
  bool beyond;
  const int type = lua_type(L, index);
  if (!dust_lua_label_bits(L, index, &bits, &beyond)) {
    if (type != LUA_TNUMBER && type != LUA_TSTRING) luaL_error(L, "%s must be a whole number, not %s", what, dust_lua_type_name(L, index));
    luaL_error(L, "%s must be a whole number (from 2^63 on as its digits, \"18446744073709551615\"), not %s", what,
               luaL_tolstring(L, index, NULL));
  }
  if (beyond && dtype != DUST_UINT64) luaL_error(L, "%s %s doesn't fit %s", what, luaL_tolstring(L, index, NULL), dust_dtype_name(dtype));
  return bits;
}

double dust_lua_number(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TNUMBER) luaL_error(L, "%s must be a number, not %s", what, dust_lua_type_name(L, index));
  return lua_tonumber(L, index);
}

bool dust_lua_boolean(lua_State *L, int index, const char *what) {
  if (!lua_isboolean(L, index)) luaL_error(L, "%s must be true or false, not %s", what, dust_lua_type_name(L, index));
  return lua_toboolean(L, index);
}

int dust_lua_integers(lua_State *L, int index, int64_t *out, const char *what) {
  const dust_coordinate *c = dust_lua_test(L, index, DUST_LUA_COORDINATE);
  if (c) {
    if (c->unbounded) luaL_error(L, "%s must not be unbounded", what);
    memcpy(out, c->value, sizeof c->value[0] * (size_t)c->ndim);
    return c->ndim;
  }
  if (lua_type(L, index) != LUA_TTABLE)
    return luaL_error(L, "%s must be a table of whole numbers, not %s", what, dust_lua_type_name(L, index));
  lua_Integer n = luaL_len(L, index);
  if (n < 0 || n > DUST_MAXDIM) return luaL_error(L, "%s has %I entries; there are at most %d axes", what, n, DUST_MAXDIM);
  index = lua_absindex(L, index);
  for (lua_Integer i = 1; i <= n; i++) {
    char entry[96];
    lua_geti(L, index, i);
    const bool is_integer = lua_isinteger(L, -1);
    if (!is_integer) snprintf(entry, sizeof entry, "entry %d of %s", (int)i, what);
    out[i - 1] = is_integer ? lua_tointeger(L, -1) : dust_lua_integer(L, -1, entry);
    lua_pop(L, 1);
  }
  return (int)n;
}

double *dust_lua_doubles(lua_State *L, int index, size_t *count, const char *what) {
  if (lua_type(L, index) != LUA_TTABLE) luaL_error(L, "%s must be a table of numbers, not %s", what, dust_lua_type_name(L, index));
  index = lua_absindex(L, index);
  lua_Integer n = luaL_len(L, index);
  if (n < 0 || n > MOST) luaL_error(L, "%s has %I entries; there may be up to %d", what, n, MOST);
  double *out = lua_newuserdatauv(L, (size_t)n * sizeof *out + 1, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    char entry[96];
    const bool is_number = lua_geti(L, index, i) == LUA_TNUMBER;
    if (!is_number) snprintf(entry, sizeof entry, "entry %lld of %s", (long long)i, what);
    out[i - 1] = is_number ? lua_tonumber(L, -1) : dust_lua_number(L, -1, entry);
    lua_pop(L, 1);
  }
  *count = (size_t)n;
  return out;
}

int dust_lua_field(lua_State *L, int index, const char *name) { return lua_getfield(L, index, name); }

void dust_lua_known_fields(lua_State *L, int index, const char *what, const char *const *known, int positional) {
  if (lua_type(L, index) != LUA_TTABLE) luaL_error(L, "%s is made with one table, not %s", what, dust_lua_type_name(L, index));
  index = lua_absindex(L, index);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (lua_isinteger(L, -1)) {
      lua_Integer i = lua_tointeger(L, -1);
      if (i >= 1 && i <= positional) continue;
      if (positional == 0) luaL_error(L, "%s takes named fields only, not a value at [%I]", what, i);
      luaL_error(L, "%s takes at most %d positional values, not one at [%I]", what, positional, i);
    }
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "%s has no fields with a %s as name", what, luaL_typename(L, -1));
    const char *name = lua_tostring(L, -1);
    int i = 0;
    while (known[i] && strcmp(known[i], name) != 0) i++;
    if (!known[i]) dust_lua_unknown(L, what, "field", name, known);
  }
}

int dust_lua_option(lua_State *L, int index, const char *what, const char *const *known, int fallback) {
  if (lua_isnoneornil(L, index) && fallback >= 0) return fallback;
  if (lua_type(L, index) != LUA_TSTRING) return luaL_error(L, "%s must be a string, not %s", what, dust_lua_type_name(L, index));
  const char *name = lua_tostring(L, index);
  for (int i = 0; known[i]; i++)
    if (strcmp(known[i], name) == 0) return i;
  return dust_lua_unknown(L, what, "choice", name, known);
}

dust_dtype dust_lua_dtype(lua_State *L, int index, dust_dtype fallback) {
  dust_dtype dtype = fallback;
  if (lua_isnoneornil(L, index)) return fallback;
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "dtype must be a name such as \"uint8\" or \"float32\", not %s", dust_lua_type_name(L, index));
  dust_lua_check(L, dust_dtype_from_name(lua_tostring(L, index), &dtype));
  return dtype;
}
