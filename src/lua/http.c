/* core.http: a small HTTP server for this machine alone, on libmicrohttpd.
 *
 * Lua decides, C serves. server:serve(handler, seconds) runs the library in the caller's thread and calls
 * handler(method, path, query, headers) -> status, headers, body for each request, so that a Lua state never meets another
 * thread, and Ctrl-C reaches Lua between two requests. Only 127.0.0.1 is listened on; requests with a body are answered before it
 * is read, and the connection ends with them.
 *
 * The library is not made for longjmp: whatever calls Lua on its way runs under lua_pcall (http_exchange.c), and an error of the
 * handler waits on the stack until serve() has the library behind it.
 */
#include "lua/http.h"

#define HTTP_SERVER "moondust.HttpServer"

#ifdef DUST_HAVE_MICROHTTPD

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 64u
#define TIMEOUT_SECONDS 3600u /* counts while the handler works, too */
#define HANDLER 2             /* serve()'s stack: server, handler, seconds, then an error of the handler */

typedef struct server {
  struct MHD_Daemon *daemon;
  int port;
  int answered;
  lua_State *serving; /* whose serve() runs; NULL: none */
  bool failed;        /* the handler raised: the error is on top of the stack of `serving` */
} server;

static bool has_body(struct MHD_Connection *connection) {
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
  return (length && strcmp(length, "0") != 0) || MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding");
}

/* Called with the head of a request, and again once it is complete. An answer at the first call ends the connection, so only a
 * request with a body gets it there. MHD_NO closes the connection at once. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **kept) {
  server *s = context;
  lua_State *L = s->serving;
  (void)version, (void)upload, (void)upload_size;
  if (!*kept && !has_body(connection)) return *kept = s, MHD_YES;
  if (!L || s->failed || !lua_checkstack(L, 4)) return MHD_NO;
  const enum MHD_Result result = dust_http_answer(L, HANDLER, connection, method, path, &s->failed);
  s->answered += result == MHD_YES;
  return result;
}

/* ---- life of a server */

/* A listening socket on 127.0.0.1 in *out, its port in *port (0: any). */
static dust_status listen_here(int *out, int *port) {
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof place;
  const int yes = 1, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return dust_fail(DUST_ERROR_WORLD, "can't make a socket: %s", strerror(errno));
  if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 || bind(descriptor, (struct sockaddr *)&place, size) != 0 ||
      listen(descriptor, SOMAXCONN) != 0 || getsockname(descriptor, (struct sockaddr *)&place, &size) != 0) {
    const int reason = errno;
    close(descriptor);
    return dust_fail(DUST_ERROR_WORLD, "can't listen on port %d of 127.0.0.1: %s%s", *port, strerror(reason),
                     reason == EADDRINUSE ? "; choose another, or 0 for any that is free" : "");
  }
  *out = descriptor;
  *port = ntohs(place.sin_port);
  return DUST_OK;
}

/* The socket belongs to the library, which closes it when it can't start. */
static dust_status start(server *s, int port) {
  int descriptor = -1;
  DUST_TRY(listen_here(&descriptor, &port));
  const unsigned flags = MHD_is_feature_supported(MHD_FEATURE_EPOLL) == MHD_YES ? MHD_USE_EPOLL : 0;
  s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)descriptor,
                               MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_SECONDS, MHD_OPTION_END);
  if (!s->daemon) return dust_fail(DUST_ERROR_WORLD, "can't start an HTTP server on port %d", port);
  s->port = port;
  return DUST_OK;
}

static int http_listen(lua_State *L) {
  const int64_t port = lua_isnoneornil(L, 1) ? 0 : dust_lua_integer(L, 1, "the port of an HTTP server");
  if (port < 0 || port > 65535) return luaL_error(L, "the port of an HTTP server must be from 0 to 65535, not %I", (lua_Integer)port);
  server *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (server){0};
  luaL_setmetatable(L, HTTP_SERVER);
  return start(s, (int)port) == DUST_OK ? 1 : dust_lua_fail(L);
}

static server *to_server(lua_State *L) {
  server *s = luaL_checkudata(L, 1, HTTP_SERVER);
  if (!s->daemon) luaL_error(L, "the HTTP server is closed");
  if (s->serving) luaL_error(L, "the HTTP server is serving: neither serve() nor close() can be called by its handler");
  return s;
}

static int server_serve(lua_State *L) {
  server *s = to_server(L);
  luaL_checktype(L, HANDLER, LUA_TFUNCTION);
  const double seconds = dust_lua_number(L, 3, "the seconds to serve");
  if (!(seconds >= 0 && seconds <= 3600)) return luaL_error(L, "the seconds to serve must be from 0 to 3600");
  lua_settop(L, 3);
  s->serving = L;
  s->failed = false;
  s->answered = 0;
  errno = 0;
  const bool ran = MHD_run_wait(s->daemon, (int32_t)(seconds * 1000)) == MHD_YES;
  const int reason = errno;
  s->serving = NULL;
  if (s->failed) return lua_error(L);
  if (!ran && reason != EINTR) return luaL_error(L, "the HTTP server can't go on: %s", strerror(reason));
  lua_pushinteger(L, s->answered);
  return 1;
}

static void release(server *s) {
  struct MHD_Daemon *daemon = s->daemon;
  if (s->serving) return; /* the state is being closed by the handler itself: the process ends */
  s->daemon = NULL;
  if (daemon) MHD_stop_daemon(daemon);
}

static int server_collect(lua_State *L) { return release(luaL_checkudata(L, 1, HTTP_SERVER)), 0; }

static int server_close(lua_State *L) {
  server *s = luaL_checkudata(L, 1, HTTP_SERVER);
  if (s->daemon) to_server(L);
  return release(s), 0;
}

static int server_index(lua_State *L) {
  const server *s = luaL_checkudata(L, 1, HTTP_SERVER);
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "port") != 0) return dust_lua_method(L);
  return lua_pushinteger(L, s->port), 1;
}

static void open_class(lua_State *L) {
  static const luaL_Reg methods[] = {{"serve", server_serve}, {"close", server_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", server_collect}, {"__close", server_collect}, {"__index", server_index}, {NULL, NULL}};
  dust_lua_class(L, HTTP_SERVER, methods, meta);
}

#else

static int http_listen(lua_State *L) {
  dust_fail(DUST_ERROR_UNSUPPORTED, "this build has no HTTP server: install libmicrohttpd-dev and run make again");
  return dust_lua_fail(L);
}

static int without(lua_State *L) { return luaL_error(L, "this build has no HTTP server"); }

static void open_class(lua_State *L) {
  static const luaL_Reg methods[] = {{"serve", without}, {"close", without}, {NULL, NULL}};
  dust_lua_class(L, HTTP_SERVER, methods, NULL);
}

#endif

void dust_lua_open_http(lua_State *L) {
  static const luaL_Reg functions[] = {{"listen", http_listen}, {NULL, NULL}};
  open_class(L);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "http");
}
