/* What belongs to a Lua state rather than to one type: classes, errors, the kernel threads, and memory outside of Lua's heap.
 *
 * Lua's collector can't see C memory, so bytes are counted here as they are acquired; once as much as was alive after the last
 * collection (64 MiB at least) has come together, a full collection runs. A stream of batches that nobody closes thus stays
 * within about twice what is alive, and small arrays cost no collection each.
 *
 *     registry[&state_key] ──> box { pool, threads, acquired since the last collection, alive then }
 */
#include "lua/binding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define COLLECT_BYTES ((size_t)64 << 20)

typedef struct machine {
  dust_pool *pool;
  int threads; /* wanted; 0: not said yet */
  bool asked;  /* somebody said how many */
  bool closed; /* the state is going down: no new pool */
  size_t acquired, alive;
} machine;

static const char state_key = 0, methods_key = 0, sources_key = 0; /* their addresses are the keys */

/* ---- errors */

static bool is_own(const lua_Debug *frame, const char *own, size_t length) { return own && strncmp(frame->source, own, length) == 0; }

/* Pushes "file:line: " of the first Lua function up the stack that is none of ours. Where it is we who called (a node at work inside a pcall of ours), that of the
 * caller, as luaL_where: errors in a pipeline name the node. */
static void push_place(lua_State *L) {
  lua_Debug frame, users;
  size_t length = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &sources_key);
  const char *own = lua_tolstring(L, -1, &length); /* the registry keeps it */
  lua_pop(L, 1);
  bool behind_c = false;
  for (int level = 1; own && lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "S", &frame);
    const bool is_c = *frame.what == 'C';
    if (behind_c && (is_c || is_own(&frame, own, length))) break;
    behind_c = is_c;
    if (is_c || is_own(&frame, own, length)) continue;
    users = frame;
    lua_getinfo(L, "l", &users);
    lua_pushfstring(L, "%s:%d: ", users.short_src, users.currentline);
    return;
  }
  luaL_where(L, 1);
}

int dust_lua_error(lua_State *L, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  push_place(L);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_concat(L, 2);
  lua_error(L);
  abort(); /* lua_error() doesn't come back, which its declaration doesn't say */
}

void dust_lua_own_sources(lua_State *L, int index) {
  lua_pushvalue(L, index);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &sources_key);
}

static int machine_release(lua_State *L) {
  machine *m = lua_touserdata(L, 1);
  dust_pool *pool = m->pool;
  m->closed = true;
  m->pool = NULL;
  dust_pool_release(pool);
  dust_mem_trim();
  return 0;
}

static machine *machine_of(lua_State *L) {
  machine *m;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    m = lua_newuserdatauv(L, sizeof *m, 0);
    memset(m, 0, sizeof *m);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, machine_release);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  }
  m = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return m;
}

static void choose_threads(machine *m) {
  const char *said = getenv("MOONDUST_THREADS");
  if (m->threads > 0) return;
  m->threads = dust_pool_default_threads();
  m->asked = said && *said;
}

dust_pool *dust_lua_pool(lua_State *L) {
  machine *m = machine_of(L);
  choose_threads(m);
  if (m->pool || m->closed || m->threads == 1) return m->pool;
  if (dust_pool_create(&m->pool, m->threads) == DUST_OK) return m->pool;
  m->pool = NULL;
  if (m->asked) luaL_error(L, "%s", dust_message());
  m->threads = 1; /* nobody asked for as many as there are cores */
  return m->pool;
}

int dust_lua_threads(lua_State *L, int threads) {
  machine *m = machine_of(L);
  choose_threads(m);
  if (threads > 0) m->asked = true;
  if (threads > 0 && threads != m->threads) {
    dust_pool *old = m->pool;
    m->pool = NULL;
    m->threads = threads;
    dust_pool_release(old);
  }
  return m->threads;
}

void dust_lua_owe(lua_State *L, size_t bytes) { machine_of(L)->acquired += bytes; }

void dust_lua_account(lua_State *L, size_t bytes) {
  machine *m = machine_of(L);
  m->acquired += bytes;
  if (m->acquired <= COLLECT_BYTES || m->acquired <= m->alive) return;
  if (lua_gc(L, LUA_GCISRUNNING) != 1) return; /* switched off by the script, or we are inside a finaliser, where collecting is forbidden */
  lua_gc(L, LUA_GCCOLLECT);
  m->acquired = 0;
  m->alive = dust_mem_in_use();
}

void dust_lua_check(lua_State *L, dust_status status) {
  if (status == DUST_OK) return;
  luaL_error(L, "%s", dust_message());
}

int dust_lua_fail(lua_State *L) {
  luaL_pushfail(L);
  lua_pushstring(L, dust_message());
  return 2;
}

void dust_lua_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta) {
  luaL_newmetatable(L, name);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, name);
  lua_newtable(L);
  if (methods) luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__index"); /* unless meta has an __index of its own */
  lua_pushvalue(L, -1);
  lua_rawsetp(L, -3, &methods_key);
  if (meta)
    luaL_setfuncs(L, meta, 1); /* each sees the methods as its first upvalue */
  else
    lua_pop(L, 1);
  lua_pop(L, 1);
}

void dust_lua_add_methods(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_getmetatable(L, name);
  lua_rawgetp(L, -1, &methods_key);
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 2);
}

int dust_lua_method(lua_State *L) {
  lua_settop(L, 2);
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}
