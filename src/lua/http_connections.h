/* The connections of an HTTP server: who is there since when, and who has to go.
 *
 * libmicrohttpd watches sockets edge by edge and forgets one after a short read, so that it never sees the end of a connection whose
 * client sent half a head and closed before it was accepted; with a limit of its own and nothing but those it would serve nobody for as
 * long as its timeout lasts. So connections are accepted and counted here, a request's head has HEAD_SECONDS from the connection's
 * beginning or the last answer's end, and when all places are taken the one that has kept its place longest without a head gives
 * it up to whoever comes. A place is given up by shutting the socket down, which the library does see.
 */
#ifndef DUST_LUA_HTTP_CONNECTIONS_H
#define DUST_LUA_HTTP_CONNECTIONS_H

#include "lua/http.h"

#ifdef DUST_HAVE_MICROHTTPD

#define DUST_HTTP_CONNECTIONS 256 /* kept from turn to turn */
#define DUST_HTTP_PER_TURN 64     /* accepted at most */
#define DUST_HTTP_PLACES (DUST_HTTP_CONNECTIONS + DUST_HTTP_PER_TURN)
#define DUST_HTTP_HEAD_SECONDS 10

typedef struct dust_http_connection {
  int socket;
  int64_t since; /* milliseconds: when the wait for a head began */
  bool taken;
  bool fresh;   /* accepted in this turn */
  bool busy;    /* a head is there, the answer is not yet sent */
  bool known;   /* was given an answer below 400 before */
  bool overdue; /* past its time at the last look, before the library read what had come */
  bool ending;  /* shut down; the library has yet to close it */
  bool odd_path;
} dust_http_connection;

typedef struct dust_http_connections {
  struct MHD_Daemon *daemon;
  int listening; /* socket */
  int count, ending;
  dust_http_connection place[DUST_HTTP_PLACES];
} dust_http_connections;

/* For the library: its notifications with a dust_http_connections as context. */
void dust_http_notify(void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code);
/* That of a request. */
dust_http_connection *dust_http_connection_of(struct MHD_Connection *connection);
/* The wait for the next head begins. */
void dust_http_rest(dust_http_connection *c);

/* A turn of the server is: accept, let the library run, expire. */
void dust_http_accept(dust_http_connections *all);
/* Shuts down those whose head is overdue. */
void dust_http_expire(dust_http_connections *all);
/* Milliseconds until the first head is overdue, at most `wait`. */
int64_t dust_http_patience(const dust_http_connections *all, int64_t wait);
#endif

#endif
