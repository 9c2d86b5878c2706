/* tostring(ndarray): what it is, then its values as numpy prints them, never more than a screen.
 *
 *     ndarray uint8 16x256x256          Outer axes show their first and last `edge` entries, with `edge` as large as LINES allows;
 *     [[[ 11 12 ... 14 15]              the last axis shows as many from both ends as COLUMNS allows.
 *       ...
 *       [ 61 62 ... 64 65]]
 *      ...
 */
#include <inttypes.h>
#include <string.h>
#include "lua/ndarray.h"

#define LINES 24
#define COLUMNS 100
#define CANDIDATES (COLUMNS / 2) /* more than that of either end of a row never fits */
#define ITEM_TEXT 32

typedef struct page {
  const dust_ndarray *a;
  int64_t head[DUST_MAXDIM], tail[DUST_MAXDIM]; /* entries shown of each end */
  int width;                                    /* of the widest item */
  luaL_Buffer *out;
} page;

static int format_item(char *text, const dust_ndarray *a, const char *data) {
  double number;
  uint64_t bits;
  if (dust_dtype_is_float(a->dtype)) {
    dust_row_to_double(&number, data, 0, a->dtype, 1);
    return snprintf(text, ITEM_TEXT, number != number ? "nan" : "%.6g", number);
  }
  dust_row_to_label(&bits, data, 0, a->dtype, 1);
  if (dust_dtype_is_signed(a->dtype)) return snprintf(text, ITEM_TEXT, "%" PRId64, (int64_t)bits);
  return snprintf(text, ITEM_TEXT, "%" PRIu64, bits);
}

static bool elided(const page *p, int axis) { return p->head[axis] + p->tail[axis] < p->a->shape[axis]; }

/* From the last of the head to the first of the tail. */
static int64_t next(const page *p, int axis, int64_t i) {
  return i + 1 == p->head[axis] && elided(p, axis) ? p->a->shape[axis] - p->tail[axis] : i + 1;
}

static void show(page *p, int axis, int64_t edge) {
  int64_t n = p->a->shape[axis];
  if (n <= 1 || (edge > 0 && n <= 2 * edge + 1))
    p->head[axis] = n, p->tail[axis] = 0; /* dots would take as much room as the one left out */
  else
    p->head[axis] = edge ? edge : 1, p->tail[axis] = edge;
}

/* ---- lines: how far outer axes are shown */
static double lines_of(const page *p) {
  double lines = 1;
  for (int d = p->a->ndim - 2; d >= 0; d--) lines = lines * (double)(p->head[d] + p->tail[d]) + elided(p, d);
  return lines;
}

static void fit_lines(page *p) {
  for (int64_t edge = LINES; edge >= 0; edge--) {
    for (int d = 0; d < p->a->ndim - 1; d++) show(p, d, edge);
    if (lines_of(p) <= LINES - 1) return;
  }
}

/* ---- columns: how far the last axis is shown */
static void measure(page *p, int axis, const char *data) {
  char text[ITEM_TEXT];
  for (int64_t i = 0; i < p->a->shape[axis]; i = next(p, axis, i)) {
    const char *at = data + i * p->a->stride[axis];
    if (axis < p->a->ndim - 1) {
      measure(p, axis + 1, at);
      continue;
    }
    int width = format_item(text, p->a, at);
    if (width > p->width) p->width = width;
  }
}

static void fit_columns(page *p) {
  int last = p->a->ndim - 1;
  int64_t room = COLUMNS - 2 * p->a->ndim, n = p->a->shape[last];
  show(p, last, CANDIDATES);
  measure(p, 0, p->a->data);
  int64_t fitting = room / (p->width + 1);
  if (n <= fitting)
    p->head[last] = n, p->tail[last] = 0;
  else
    show(p, last, (room - 4) / (p->width + 1) / 2);
}

/* ---- output */
static void add_spaces(page *p, int n) {
  for (int i = 0; i < n; i++) luaL_addchar(p->out, ' ');
}

static void add_row(page *p, int axis, const char *data) {
  char text[ITEM_TEXT];
  for (int64_t i = 0; i < p->a->shape[axis]; i = next(p, axis, i)) {
    int width = format_item(text, p->a, data + i * p->a->stride[axis]);
    add_spaces(p, p->width - width);
    luaL_addstring(p->out, text);
    if (i + 1 < p->a->shape[axis]) luaL_addchar(p->out, ' ');
    if (i + 1 == p->head[axis] && elided(p, axis)) luaL_addstring(p->out, p->tail[axis] ? "... " : "...");
  }
}

static void add_level(page *p, int axis, const char *data) {
  luaL_addchar(p->out, '[');
  if (axis == p->a->ndim - 1)
    add_row(p, axis, data);
  else {
    for (int64_t i = 0; i < p->a->shape[axis]; i = next(p, axis, i)) {
      if (i > 0) luaL_addchar(p->out, '\n'), add_spaces(p, axis + 1);
      add_level(p, axis + 1, data + i * p->a->stride[axis]);
      if (i + 1 != p->head[axis] || !elided(p, axis)) continue;
      luaL_addchar(p->out, '\n'), add_spaces(p, axis + 1);
      luaL_addstring(p->out, "...");
    }
  }
  luaL_addchar(p->out, ']');
}

static void add_values(page *p, size_t header) {
  char text[ITEM_TEXT];
  if (dust_ndarray_count(p->a) == 0) {
    luaL_addstring(p->out, " []");
    return;
  }
  if (p->a->ndim == 0) {
    format_item(text, p->a, p->a->data);
    luaL_addchar(p->out, ' ');
    luaL_addstring(p->out, text);
    return;
  }
  fit_lines(p);
  fit_columns(p);
  bool one_line = p->a->ndim == 1 && !elided(p, 0) && header + 2 + (size_t)(p->a->shape[0] * (p->width + 1)) <= COLUMNS;
  luaL_addchar(p->out, one_line ? ' ' : '\n');
  add_level(p, 0, p->a->data);
}

int dust_lua_ndarray_tostring(lua_State *L) {
  const dust_ndarray *box = luaL_checkudata(L, 1, DUST_LUA_NDARRAY);
  if (!box->buffer) return lua_pushliteral(L, "ndarray (closed)"), 1;
  dust_ndarray *view = dust_lua_result(L, 1); /* a view of our own: the script may close its array while the text grows */
  luaL_Buffer out;
  char header[256], shape[DUST_SHAPE_TEXT];
  dust_ndarray_share(view, dust_lua_to_ndarray(L, 1));
  page p = {.a = view, .out = &out};
  dust_shape_format(shape, sizeof shape, view->ndim, view->shape);
  snprintf(header, sizeof header, "ndarray %s %s", dust_dtype_name(view->dtype), view->ndim ? shape : "()");
  luaL_buffinit(L, &out);
  luaL_addstring(&out, header);
  add_values(&p, strlen(header));
  luaL_pushresult(&out);
  dust_ndarray_release(view);
  return 1;
}
