/* One request to core.http: from the library to Lua and back. What the library hands over is collected into plain C first, since no
 * Lua error may pass through its frames. */
#ifndef DUST_LUA_HTTP_H
#define DUST_LUA_HTTP_H

#include "lua/binding.h"

#ifdef DUST_HAVE_MICROHTTPD
#include <microhttpd.h>

/* Why a request is refused before Lua sees it; status 0: it is not. */
typedef struct dust_http_refusal {
  unsigned status;
  const char *message;
} dust_http_refusal;

/* `odd_path`: the path as sent has a zero byte. Only reads. */
dust_http_refusal dust_http_judge(struct MHD_Connection *connection, bool odd_path);
/* Queues the refusal; the connection ends with it. */
enum MHD_Result dust_http_refuse(struct MHD_Connection *connection, dust_http_refusal refusal);

/* Calls the function at `handler` on L's stack with method, path, query and headers and queues what it answers; MHD_NO: close the
 * connection. Headers of one name that were sent apart are one, joined with ", ". When it raises, *failed is set and the error is left on top of
 * the stack. Needs four free slots. Never raises. */
enum MHD_Result dust_http_answer(lua_State *L, int handler, struct MHD_Connection *connection, const char *method, const char *path,
                                 unsigned *status, bool *failed);
#endif

#endif
