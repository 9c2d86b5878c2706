/* core.http: a small HTTP server for this machine alone, on libmicrohttpd.
 *
 * Lua decides, C serves. server:serve(handler, seconds) runs the library in the caller's thread and calls
 * handler(method, path, query, headers) -> status, headers, body for each request, so that a Lua state never meets another
 * thread, and Ctrl-C reaches Lua between two requests. Only 127.0.0.1 is listened on; requests with a body are answered before it
 * is read, and the connection ends with them. What can't be judged (two Hosts, more headers than are looked at) never reaches Lua.
 *
 * The library is not made for longjmp: whatever calls Lua on its way runs under lua_pcall (http_exchange.c), and an error of the
 * handler waits on the stack until serve() has the library behind it.
 */
#include "lua/http_connections.h"

#define HTTP_SERVER "moondust.HttpServer"

#ifdef DUST_HAVE_MICROHTTPD

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_SECONDS 3600u /* between two signs of life while an answer is sent; counts while the handler works, too */
#define HANDLER 2             /* serve()'s stack: server, handler, seconds, then an error of the handler */

typedef struct server {
  dust_http_connections all; /* .daemon NULL: closed */
  int events;                /* the library's epoll */
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
 * request with a body, or one that can't be judged, gets it there. MHD_NO closes the connection at once. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **kept) {
  server *s = context;
  lua_State *L = s->serving;
  dust_http_connection *c = dust_http_connection_of(connection);
  (void)version, (void)upload, (void)upload_size;
  if (!c || c->ending) return MHD_NO;
  c->busy = true;
  if (!*kept) {
    const dust_http_refusal refusal = dust_http_judge(connection, c->odd_path);
    if (refusal.status) return dust_http_refuse(connection, refusal);
    if (!has_body(connection)) return *kept = s, MHD_YES;
  }
  if (!L || s->failed || !lua_checkstack(L, 4)) return MHD_NO;
  unsigned status = 0;
  const enum MHD_Result result = dust_http_answer(L, HANDLER, connection, method, path, &status, &s->failed);
  s->answered += result == MHD_YES;
  c->known = c->known || (result == MHD_YES && status < 400);
  return result;
}

/* The path as it was sent, of which on_request sees what stands before a zero byte. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  dust_http_connection *c = dust_http_connection_of(connection);
  const char *zero = strstr(target, "%00"), *query = strchr(target, '?');
  (void)context;
  if (c) c->odd_path = zero && (!query || zero < query);
  return NULL;
}

static void on_end(void *context, struct MHD_Connection *connection, void **kept, enum MHD_RequestTerminationCode code) {
  dust_http_connection *c = dust_http_connection_of(connection);
  (void)context, (void)kept, (void)code;
  if (c) dust_http_rest(c);
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

static dust_status start(server *s, int port) {
  dust_http_connections *all = &s->all;
  if (MHD_is_feature_supported(MHD_FEATURE_EPOLL) != MHD_YES)
    return dust_fail(DUST_ERROR_UNSUPPORTED, "an HTTP server needs a libmicrohttpd with epoll, which this one was built without");
  DUST_TRY(listen_here(&all->listening, &port));
  all->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, s, MHD_OPTION_CONNECTION_LIMIT,
                                 (unsigned)DUST_HTTP_PLACES, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_SECONDS, MHD_OPTION_NOTIFY_CONNECTION,
                                 dust_http_notify, all, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target,
                                 NULL, MHD_OPTION_END);
  const union MHD_DaemonInfo *info = all->daemon ? MHD_get_daemon_info(all->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
  if (!info || info->epoll_fd < 0) {
    if (all->daemon) MHD_stop_daemon(all->daemon);
    all->daemon = NULL;
    close(all->listening);
    return dust_fail(DUST_ERROR_WORLD, "can't start an HTTP server on port %d", port);
  }
  s->events = info->epoll_fd;
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
  if (!s->all.daemon) luaL_error(L, "the HTTP server is closed");
  if (s->serving) luaL_error(L, "the HTTP server is serving: neither serve() nor close() can be called by its handler");
  return s;
}

/* Waits for something to do, and does it; false with errno. */
static bool turn(server *s, int64_t wait) {
  struct pollfd watched[] = {{.fd = s->all.listening, .events = POLLIN}, {.fd = s->events, .events = POLLIN}};
  MHD_UNSIGNED_LONG_LONG due;
  if (MHD_get_timeout(s->all.daemon, &due) == MHD_YES && due < (MHD_UNSIGNED_LONG_LONG)wait) wait = (int64_t)due;
  if (poll(watched, 2, (int)dust_http_patience(&s->all, wait)) < 0) return false;
  if (watched[0].revents) dust_http_accept(&s->all);
  if (MHD_run(s->all.daemon) != MHD_YES) return errno = EIO, false;
  dust_http_expire(&s->all);
  return true;
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
  const bool ran = turn(s, (int64_t)(seconds * 1000));
  const int reason = errno;
  s->serving = NULL;
  if (s->failed) return lua_error(L);
  if (!ran && reason != EINTR) return luaL_error(L, "the HTTP server can't go on: %s", strerror(reason));
  lua_pushinteger(L, s->answered);
  return 1;
}

static void release(server *s) {
  struct MHD_Daemon *daemon = s->all.daemon;
  if (s->serving) return; /* the state is being closed by the handler itself: the process ends */
  if (!daemon) return;
  MHD_stop_daemon(daemon);
  s->all.daemon = NULL;
  close(s->all.listening);
}

static int server_collect(lua_State *L) { return release(luaL_checkudata(L, 1, HTTP_SERVER)), 0; }

static int server_close(lua_State *L) {
  server *s = luaL_checkudata(L, 1, HTTP_SERVER);
  if (s->all.daemon) to_server(L);
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
