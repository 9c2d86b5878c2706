/* One request to core.http: from the library to Lua and back. What the library hands over is collected into plain C first, since no
 * Lua error may pass through its frames. */
#ifndef DUST_LUA_HTTP_H
#define DUST_LUA_HTTP_H

#include "lua/binding.h"

#ifdef DUST_HAVE_MICROHTTPD
#include <microhttpd.h>

/* Calls the function at `handler` on L's stack with method, path, query and headers and queues what it answers; MHD_NO: close the
 * connection. When it raises, *failed is set and the error is left on top of the stack. Needs four free slots. Never raises. */
enum MHD_Result dust_http_answer(lua_State *L, int handler, struct MHD_Connection *connection, const char *method, const char *path,
                                 bool *failed);
#endif

#endif
