/* Ctrl-C as a Lua error (see interrupt.h).
 *
 * The handler does what lua.c's does and no more: it notes the signal and asks for a hook, which raises "interrupted" at the next
 * instruction in Lua. A kernel in C can't be asked: it ends its call first. A hook belongs to one coroutine, so resume() notes
 * which one runs. Threads other than the one that runs Lua have their signals blocked (base/pool.c).
 */
#include "lua/interrupt.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <unistd.h>

#define EVERYTHING (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)

/* A signal handler has nothing but globals to reach its state by. */
static lua_State *volatile running;
static volatile sig_atomic_t was_interrupted, presses, patience; /* presses: those that nothing in Lua has seen */

static void on_interrupt(int number);

static void catch_signal(void) {
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = patience > 1 ? 0 : SA_RESTART}; /* the REPL interrupts a read, too */
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

static void stop(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  presses = 0;
  if (patience > 1) catch_signal(); /* the code may catch the error and go on */
  luaL_error(L, "interrupted");
}

static void on_interrupt(int number) {
  static const char waiting[] = "\nwaiting for a function in C to return; Ctrl-C once more ends Moondust\n";
  const int reason = errno;
  was_interrupted = 1;
  if (++presses > 1 && write(STDERR_FILENO, waiting, sizeof waiting - 1) < 0) was_interrupted = 1; /* nobody to tell */
  if (presses >= patience) signal(number, SIG_DFL);
  lua_sethook(running, stop, EVERYTHING, 1);
  errno = reason;
}

static int catch_interrupt(lua_State *L) {
  patience = (sig_atomic_t)luaL_optinteger(L, 1, 1);
  was_interrupted = presses = 0;
  lua_sethook(running, NULL, 0, 0);
  catch_signal();
  return 0;
}

static int ignore_interrupt(lua_State *L) {
  (void)L;
  signal(SIGINT, SIG_IGN);
  lua_sethook(running, NULL, 0, 0);
  return 0;
}

static int interrupted(lua_State *L) {
  lua_pushboolean(L, was_interrupted);
  return 1;
}

/* Upvalue 1: coroutine.resume. An interrupt that came too late for the coroutine is raised in the one that resumed it. */
static int resume(lua_State *L) {
  lua_State *before = running, *next = lua_tothread(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  if (next) running = next;
  const int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  running = before;
  if (next && presses > 0) {
    lua_sethook(next, NULL, 0, 0);
    lua_sethook(before, stop, EVERYTHING, 1);
  }
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

void dust_interrupt_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"catch_interrupt", catch_interrupt}, {"ignore_interrupt", ignore_interrupt}, {"interrupted", interrupted}, {NULL, NULL}};
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  running = lua_tothread(L, -1);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
  lua_getglobal(L, "coroutine");
  lua_getfield(L, -1, "resume");
  lua_pushcclosure(L, resume, 1);
  lua_setfield(L, -3, "resume");
  lua_pop(L, 1);
}
