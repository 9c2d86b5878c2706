/* How a request reaches Lua and its answer the library (see http.h). */
#include "lua/http.h"

#ifdef DUST_HAVE_MICROHTTPD

#include <ctype.h>

#define MAX_PAIRS 64

/* The strings are the library's and live as long as the request. */

typedef struct pair {
  const char *name, *value;
  size_t name_length, value_length;
} pair;

typedef struct exchange {
  const char *method, *path;
  pair headers[MAX_PAIRS], query[MAX_PAIRS];
  int header_count, query_count;
  pair *filling;
  int *count;
  struct MHD_Connection *connection;
  struct MHD_Response *response;
  unsigned status;
} exchange;

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length, const char *value,
                               size_t value_length) {
  exchange *e = context;
  (void)kind;
  if (*e->count == MAX_PAIRS) return MHD_NO;
  e->filling[(*e->count)++] = (pair){name, value ? value : "", name_length, value ? value_length : 0};
  return MHD_YES;
}

static void collect_pairs(exchange *e, enum MHD_ValueKind kind, pair *filling, int *count) {
  e->filling = filling;
  e->count = count;
  MHD_get_connection_values_n(e->connection, kind, collect, e);
}

static void push_pairs(lua_State *L, const pair *pairs, int count, bool lower) {
  luaL_Buffer name;
  lua_createtable(L, 0, count);
  for (int i = 0; i < count; i++) {
    luaL_buffinit(L, &name);
    for (size_t c = 0; c < pairs[i].name_length; c++) {
      const unsigned char byte = (unsigned char)pairs[i].name[c];
      luaL_addchar(&name, (char)(lower && byte < 128 ? tolower(byte) : byte));
    }
    luaL_pushresult(&name);
    lua_pushlstring(L, pairs[i].value, pairs[i].value_length);
    lua_settable(L, -3);
  }
}

static void add_headers(lua_State *L, int index, struct MHD_Response *response) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "headers of an answer must be strings by name");
    if (MHD_add_response_header(response, lua_tostring(L, -2), lua_tostring(L, -1)) != MHD_YES)
      luaL_error(L, "'%s: %s' can't be a header of an answer", lua_tostring(L, -2), lua_tostring(L, -1));
    lua_pop(L, 1);
  }
}

/* Protected: (exchange, handler). Whatever it raises, the response is in the exchange, whose owner destroys it. */
static int answer(lua_State *L) {
  exchange *e = lua_touserdata(L, 1);
  size_t length;
  lua_pushstring(L, e->method);
  lua_pushstring(L, e->path);
  push_pairs(L, e->query, e->query_count, false);
  push_pairs(L, e->headers, e->header_count, true);
  lua_call(L, 4, 3);
  const int64_t status = dust_lua_integer(L, 2, "the status of an answer");
  if (status < 200 || status > 599) luaL_error(L, "the status of an answer must be from 200 to 599, not %I", (lua_Integer)status);
  if (lua_type(L, 3) != LUA_TTABLE) luaL_error(L, "headers of an answer must be a table, not %s", dust_lua_type_name(L, 3));
  if (lua_type(L, 4) != LUA_TSTRING) luaL_error(L, "the body of an answer must be a string, not %s", dust_lua_type_name(L, 4));
  const char *body = lua_tolstring(L, 4, &length);
  e->status = (unsigned)status;
  e->response = MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  if (!e->response) luaL_error(L, "no memory for an answer of %I bytes", (lua_Integer)length);
  add_headers(L, 3, e->response);
  return 0;
}

enum MHD_Result dust_http_answer(lua_State *L, int handler, struct MHD_Connection *connection, const char *method, const char *path,
                                 bool *failed) {
  exchange e = {.method = method, .path = path, .connection = connection};
  enum MHD_Result result = MHD_NO;
  collect_pairs(&e, MHD_HEADER_KIND, e.headers, &e.header_count);
  collect_pairs(&e, MHD_GET_ARGUMENT_KIND, e.query, &e.query_count);
  lua_pushcfunction(L, answer);
  lua_pushlightuserdata(L, &e);
  lua_pushvalue(L, handler);
  *failed = lua_pcall(L, 2, 0, 0) != LUA_OK;
  if (!*failed) result = MHD_queue_response(connection, e.status, e.response);
  if (e.response) MHD_destroy_response(e.response);
  return result;
}

#endif
