/* Kernels for looking at arrays: colours, one picture over another, lines and text on a picture. */
#include "kernel/blend.h"
#include "kernel/colorize.h"
#include "kernel/colormap.h"
#include "kernel/glyphs.h"
#include "kernel/palette.h"
#include "kernel/quantile.h"
#include "kernel/strokes.h"
#include "lua/kernel.h"
#include "lua/ndarray.h"

enum { MOST_QUANTILES = 64, MOST_COLORS = 256 };

static void read_color(lua_State *L, int index, uint8_t rgb[3], const char *what) {
  int64_t value[DUST_MAXDIM];
  if (dust_lua_integers(L, index, value, what) != 3) luaL_error(L, "%s must be three whole numbers: red, green, blue", what);
  for (int c = 0; c < 3; c++) {
    if (value[c] < 0 || value[c] > 255) luaL_error(L, "%s has %I; red, green and blue go from 0 to 255", what, (lua_Integer)value[c]);
    rgb[c] = (uint8_t)value[c];
  }
}

/* colorize(labels) */
static int colorize(lua_State *L) {
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 1);
  return dust_lua_made_ndarray(L, dust_colorize_labels(out, dust_lua_to_ndarray(L, 1), pool));
}

/* quantiles(a, fractions) -> values, { count, nan, infinite, low, high } */
static int quantiles(lua_State *L) {
  size_t n;
  double value[MOST_QUANTILES];
  dust_finite found;
  lua_settop(L, 2);
  const double *fraction = dust_lua_doubles(L, 2, &n, "fractions");
  if (n > MOST_QUANTILES) return luaL_error(L, "there are %d fractions; there may be up to %d", (int)n, MOST_QUANTILES);
  dust_lua_check(L, dust_finite_quantiles(value, &found, dust_lua_to_ndarray(L, 1), (int)n, fraction));
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) lua_pushnumber(L, value[i]), lua_rawseti(L, -2, (lua_Integer)i + 1);
  lua_createtable(L, 0, 5);
  lua_pushinteger(L, found.count), lua_setfield(L, -2, "count");
  lua_pushinteger(L, found.nan), lua_setfield(L, -2, "nan");
  lua_pushinteger(L, found.infinite), lua_setfield(L, -2, "infinite");
  lua_pushnumber(L, found.low), lua_setfield(L, -2, "low");
  lua_pushnumber(L, found.high), lua_setfield(L, -2, "high");
  return 2;
}

/* map_colors(a, low, high, colors, nan) */
static int map_colors(lua_State *L) {
  lua_settop(L, 5);
  uint8_t rgb[MOST_COLORS * 3];
  dust_colormap map = {.low = dust_lua_number(L, 2, "low"), .high = dust_lua_number(L, 3, "high"), .rgb = rgb};
  luaL_checktype(L, 4, LUA_TTABLE);
  const lua_Integer colors = luaL_len(L, 4);
  if (colors < 2 || colors > MOST_COLORS) return luaL_error(L, "a colour map has 2 to %d colours, not %I", MOST_COLORS, colors);
  map.colors = (int)colors;
  for (lua_Integer i = 0; i < colors; i++) {
    lua_geti(L, 4, i + 1);
    read_color(L, -1, rgb + 3 * i, "a colour of the map");
    lua_pop(L, 1);
  }
  read_color(L, 5, map.nan, "the colour of NaN");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 5);
  return dust_lua_made_ndarray(L, dust_map_colors(out, dust_lua_to_ndarray(L, 1), &map, pool));
}

/* blend(under, over, where, opacity) */
static int blend(lua_State *L) {
  lua_settop(L, 4);
  const double opacity = dust_lua_number_or(L, 4, 1, "opacity");
  dust_pool *pool = dust_lua_pool(L);
  dust_ndarray *out = dust_lua_result(L, 4);
  const dust_ndarray *under = dust_lua_to_ndarray(L, 1), *over = dust_lua_to_ndarray(L, 2);
  const dust_ndarray *where = lua_isnil(L, 3) ? NULL : dust_lua_to_ndarray(L, 3);
  return dust_lua_made_ndarray(L, dust_blend_colors(out, under, over, where, opacity, pool));
}

/* The picture at 1, its bytes its own; the end of a binding that draws on it is drawn(). */
static dust_ndarray *writable_canvas(lua_State *L, size_t *copied) {
  dust_ndarray *canvas = dust_lua_to_ndarray(L, 1);
  const dust_buffer *before = canvas->buffer;
  dust_lua_check(L, dust_ndarray_make_writable(canvas));
  *copied = canvas->buffer == before ? 0 : dust_ndarray_bytes(canvas);
  return canvas;
}

static int drawn(lua_State *L, dust_status status, size_t copied) {
  dust_lua_check(L, status);
  lua_settop(L, 1);
  if (copied) dust_lua_account(L, copied);
  return 1;
}

/* draw_strokes(canvas, strokes, color) */
static int draw_strokes(lua_State *L) {
  uint8_t rgb[3];
  size_t n, copied;
  lua_settop(L, 3);
  read_color(L, 3, rgb, "color");
  const double *number = dust_lua_doubles(L, 2, &n, "strokes"); /* lies in the order of dust_stroke */
  if (n % 5 != 0) return luaL_error(L, "strokes are five numbers each (y0, x0, y1, x1, radius), there are %d", (int)n);
  const dust_ndarray *canvas = writable_canvas(L, &copied);
  return drawn(L, dust_draw_strokes(canvas, n / 5, (const dust_stroke *)(const void *)number, rgb), copied);
}

/* draw_text(canvas, glyphs, text, y, x, advance, color) */
static int draw_text(lua_State *L) {
  dust_text text = {.first = ' '};
  size_t copied;
  lua_settop(L, 7);
  text.bytes = (const unsigned char *)luaL_checklstring(L, 3, &text.length);
  text.y = dust_lua_integer(L, 4, "y"), text.x = dust_lua_integer(L, 5, "x"), text.advance = dust_lua_integer(L, 6, "advance");
  read_color(L, 7, text.rgb, "color");
  dust_lua_to_ndarray(L, 2);
  const dust_ndarray *canvas = writable_canvas(L, &copied);
  return drawn(L, dust_draw_glyphs(canvas, dust_lua_to_ndarray(L, 2), &text), copied);
}

/* reduce_colors(image, most) -> index, palette */
static int reduce_colors(lua_State *L) {
  lua_settop(L, 2);
  const int64_t most = lua_isnil(L, 2) ? 256 : dust_lua_integer(L, 2, "most");
  dust_ndarray *index = dust_lua_new_ndarray(L), *palette = dust_lua_new_ndarray(L);
  const dust_status status = dust_reduce_colors(index, palette, dust_lua_to_ndarray(L, 1), most < 0 || most > 1000 ? 1000 : (int)most);
  dust_lua_check(L, status);
  dust_lua_account(L, dust_ndarray_bytes(index));
  return 2;
}

void dust_lua_add_picture_kernels(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"colorize", colorize},         {"quantiles", quantiles}, {"map_colors", map_colors},       {"blend", blend},
      {"draw_strokes", draw_strokes}, {"draw_text", draw_text}, {"reduce_colors", reduce_colors}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
