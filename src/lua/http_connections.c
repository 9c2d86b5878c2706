/* Places of an HTTP server's connections (see http_connections.h). */
#include "lua/http_connections.h"

#ifdef DUST_HAVE_MICROHTTPD

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static dust_http_connection *free_place(dust_http_connections *all) {
  for (int i = 0; i < DUST_HTTP_PLACES; i++)
    if (!all->place[i].taken) return &all->place[i];
  return NULL;
}

void dust_http_notify(void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code) {
  dust_http_connections *all = context;
  dust_http_connection *c = *socket_context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = c = free_place(all);
    if (!c) return; /* not here: the library's limit is the number of places */
    *c = (dust_http_connection){.taken = true, .fresh = true, .since = now(), .socket = info ? info->connect_fd : -1};
    all->count++;
  } else if (c) {
    all->count--;
    all->ending -= c->ending;
    c->taken = false;
    *socket_context = NULL;
  }
}

dust_http_connection *dust_http_connection_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

void dust_http_rest(dust_http_connection *c) {
  c->busy = c->overdue = c->odd_path = false;
  c->since = now();
}

static void end(dust_http_connections *all, dust_http_connection *c) {
  (void)shutdown(c->socket, SHUT_RDWR); /* it can only fail where the other side has gone already */
  c->ending = true;
  all->ending++;
}

/* Whether `a` gives its place up before `b`: strangers before those who were let in, whoever is waited for before whoever is answered, then
 * the one that waits longest. */
static bool sooner(const dust_http_connection *a, const dust_http_connection *b) {
  if (a->busy != b->busy) return b->busy;
  if (a->known != b->known) return b->known;
  return a->since < b->since;
}

/* Shuts one down of those that the library has had a turn to read from; false: there is none. */
static bool make_room(dust_http_connections *all) {
  dust_http_connection *first = NULL;
  for (int i = 0; i < DUST_HTTP_PLACES; i++) {
    dust_http_connection *c = &all->place[i];
    if (c->taken && !c->fresh && !c->ending && (!first || sooner(c, first))) first = c;
  }
  if (first) end(all, first);
  return first != NULL;
}

/* Beyond DUST_HTTP_CONNECTIONS each that comes makes one go, which the library closes in this turn. */
void dust_http_accept(dust_http_connections *all) {
  for (int i = 0; i < DUST_HTTP_PER_TURN && all->count < DUST_HTTP_PLACES; i++) {
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    const int descriptor = accept4(all->listening, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor >= 0) {
      MHD_add_connection(all->daemon, descriptor, (struct sockaddr *)&from, size); /* closes it when it can't: the client sees that */
      if (all->count - all->ending > DUST_HTTP_CONNECTIONS) make_room(all);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      make_room(all); /* whoever waits is taken at the next turn */
      return;
    } else if (errno != ECONNABORTED && errno != EINTR)
      return;
  }
}

static int64_t limit_of(const dust_http_connection *c) { return c->since + DUST_HTTP_HEAD_SECONDS * 1000; }
static bool waits(const dust_http_connection *c) { return c->taken && !c->busy && !c->ending; }

/* Two looks with a turn of the library's in between, since a head may have come in time while a handler worked. */
void dust_http_expire(dust_http_connections *all) {
  const int64_t t = now();
  for (int i = 0; i < DUST_HTTP_PLACES; i++) {
    dust_http_connection *c = &all->place[i];
    c->fresh = false;
    if (!waits(c) || t < limit_of(c)) continue;
    if (c->overdue) end(all, c);
    c->overdue = true;
  }
}

int64_t dust_http_patience(const dust_http_connections *all, int64_t wait) {
  const int64_t t = now();
  if (all->ending > 0) return 0;
  for (int i = 0; i < DUST_HTTP_PLACES; i++) {
    const dust_http_connection *c = &all->place[i];
    const int64_t left = waits(c) ? limit_of(c) - t : wait;
    if (left < wait) wait = left < 0 ? 0 : left;
  }
  return wait;
}

#endif
