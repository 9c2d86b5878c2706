/* How a request is judged, reaches Lua, and its answer the library (see http.h). */
#include "lua/http.h"

#ifdef DUST_HAVE_MICROHTTPD

#include <ctype.h>
#include <strings.h>

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

/* ---- what can't be judged */

/* Of these a second one would leave it open which counts. */
static bool is_single(const pair *header) {
  static const char *const single[] = {"host", "origin", "content-length", "transfer-encoding", "content-type", "referer"};
  for (size_t i = 0; i < sizeof single / sizeof *single; i++)
    if (strlen(single[i]) == header->name_length && strncasecmp(single[i], header->name, header->name_length) == 0) return true;
  return false;
}

static bool is_same_name(const pair *a, const pair *b, bool any_case) {
  if (a->name_length != b->name_length) return false;
  return any_case ? strncasecmp(a->name, b->name, a->name_length) == 0 : memcmp(a->name, b->name, a->name_length) == 0;
}

static bool is_repeated(const pair *pairs, int i, bool any_case) {
  for (int j = 0; j < i; j++)
    if (is_same_name(&pairs[i], &pairs[j], any_case)) return true;
  return false;
}

/* A token of HTTP's. */
static bool is_name(const pair *header) {
  for (size_t i = 0; i < header->name_length; i++) {
    const unsigned char c = (unsigned char)header->name[i];
    if (c >= 127 || (!isalnum(c) && !(c && strchr("!#$%&'*+-.^_`|~", c)))) return false;
  }
  return header->name_length > 0;
}

static bool is_plain(const pair *header) {
  for (size_t i = 0; i < header->value_length; i++) {
    const unsigned char c = (unsigned char)header->value[i];
    if ((c < ' ' && c != '\t') || c == 127) return false;
  }
  return true;
}

dust_http_refusal dust_http_judge(struct MHD_Connection *connection, bool odd_path) {
  exchange e = {.connection = connection};
  if (odd_path) return (dust_http_refusal){400, "The path has a zero byte.\n"};
  if (MHD_get_connection_values_n(connection, MHD_HEADER_KIND, NULL, NULL) > MAX_PAIRS)
    return (dust_http_refusal){431, "There are more than 64 header fields.\n"};
  if (MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) > MAX_PAIRS)
    return (dust_http_refusal){414, "There are more than 64 names in the query.\n"};
  collect_pairs(&e, MHD_HEADER_KIND, e.headers, &e.header_count);
  for (int i = 0; i < e.header_count; i++) {
    if (!is_name(&e.headers[i]) || !is_plain(&e.headers[i])) return (dust_http_refusal){400, "A header field is malformed.\n"};
    if (is_single(&e.headers[i]) && is_repeated(e.headers, i, true))
      return (dust_http_refusal){400, "A header field is there twice that must be there once.\n"};
  }
  collect_pairs(&e, MHD_GET_ARGUMENT_KIND, e.query, &e.query_count);
  for (int i = 0; i < e.query_count; i++)
    if (is_repeated(e.query, i, false)) return (dust_http_refusal){400, "A name is there twice in the query.\n"};
  return (dust_http_refusal){0};
}

enum MHD_Result dust_http_refuse(struct MHD_Connection *connection, dust_http_refusal refusal) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(strlen(refusal.message), (void *)(uintptr_t)refusal.message, MHD_RESPMEM_PERSISTENT);
  enum MHD_Result result = MHD_NO;
  if (!response) return MHD_NO;
  if (MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8") == MHD_YES &&
      MHD_add_response_header(response, "Connection", "close") == MHD_YES)
    result = MHD_queue_response(connection, refusal.status, response);
  MHD_destroy_response(response);
  return result;
}

/* ---- to Lua and back */

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
    lua_pushvalue(L, -1);
    const bool again = lua_rawget(L, -3) == LUA_TSTRING;
    if (!again) lua_pop(L, 1);
    if (again) lua_pushliteral(L, ", ");
    lua_pushlstring(L, pairs[i].value, pairs[i].value_length);
    if (again) lua_concat(L, 3);
    lua_rawset(L, -3);
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
                                 unsigned *status, bool *failed) {
  exchange e = {.method = method, .path = path, .connection = connection};
  enum MHD_Result result = MHD_NO;
  collect_pairs(&e, MHD_HEADER_KIND, e.headers, &e.header_count);
  collect_pairs(&e, MHD_GET_ARGUMENT_KIND, e.query, &e.query_count);
  lua_pushcfunction(L, answer);
  lua_pushlightuserdata(L, &e);
  lua_pushvalue(L, handler);
  *failed = lua_pcall(L, 2, 0, 0) != LUA_OK;
  if (!*failed) result = MHD_queue_response(connection, e.status, e.response);
  *status = e.status;
  if (e.response) MHD_destroy_response(e.response);
  return result;
}

#endif
