/* Signals that end a program as Lua errors (see interrupt.h).
 *
 * The handler does what lua.c's does and no more: it notes the signal and asks for a hook, which raises "interrupted" at the next
 * instruction in Lua. A kernel in C can't be asked: it ends its call first. A hook belongs to one coroutine, so resume() notes
 * which one runs. Threads other than the one that runs Lua have their signals blocked (base/pool.c).
 */
#include "lua/interrupt.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#define EVERYTHING (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)

/* A signal handler has nothing but globals to reach its state by. */
static lua_State *volatile running;
static volatile sig_atomic_t was_interrupted; /* by which signal; 0: by none */
static volatile sig_atomic_t presses, patience; /* presses: signals that nothing in Lua has seen */
static volatile sig_atomic_t held;              /* they are to be seen later */

static void on_interrupt(int number);

static void catch_one(int number, int flags) {
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = flags}, before;
  sigemptyset(&action.sa_mask);
  /* `nohup` and the like have a signal ignored, which then is to stay so. */
  if (number != SIGINT && sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
  sigaction(number, &action, NULL);
}

/* The system's rule again for a signal that is caught here. */
static void release_one(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) == 0 && now.sa_handler == on_interrupt) signal(number, SIG_DFL);
}

/* Ctrl-C interrupts a read of the REPL, too, where requests to end go by the system's rule. */
static void catch_signals(void) {
  const bool is_repl = patience > 1;
  catch_one(SIGINT, is_repl ? 0 : SA_RESTART);
  for (int i = 0; i < 2; i++) {
    static const int requests[] = {SIGTERM, SIGHUP};
    if (is_repl)
      release_one(requests[i]);
    else
      catch_one(requests[i], SA_RESTART);
  }
}

static void stop(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  presses = 0;
  if (patience > 1) catch_signals(); /* the code may catch the error and go on */
  luaL_error(L, "interrupted");
}

static void on_interrupt(int number) {
  static const char waiting[] = "\nwaiting for a function in C to return; Ctrl-C once more ends Moondust\n";
  const int reason = errno;
  was_interrupted = number;
  if (++presses > 1 && write(STDERR_FILENO, waiting, sizeof waiting - 1) < 0) was_interrupted = number; /* nobody to tell */
  if (presses >= patience) release_one(SIGINT), release_one(SIGTERM), release_one(SIGHUP);
  if (!held) lua_sethook(running, stop, EVERYTHING, 1);
  errno = reason;
}

static int catch_interrupt(lua_State *L) {
  patience = (sig_atomic_t)luaL_optinteger(L, 1, 1);
  was_interrupted = presses = held = 0;
  lua_sethook(running, NULL, 0, 0);
  catch_signals();
  return 0;
}

static int hold_interrupts(lua_State *L) {
  luaL_checktype(L, 1, LUA_TBOOLEAN);
  held = lua_toboolean(L, 1);
  if (!held && presses > 0) lua_sethook(running, stop, EVERYTHING, 1);
  return 0;
}

static int ignore_interrupt(lua_State *L) {
  (void)L;
  signal(SIGINT, SIG_IGN);
  release_one(SIGTERM), release_one(SIGHUP);
  lua_sethook(running, NULL, 0, 0);
  return 0;
}

int dust_interrupt_status(void) { return was_interrupted ? 128 + was_interrupted : 0; }

static int interrupted(lua_State *L) {
  lua_pushboolean(L, was_interrupted != 0);
  if (!was_interrupted) return 1;
  lua_pushinteger(L, 128 + was_interrupted);
  return 2;
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
      {"catch_interrupt", catch_interrupt}, {"hold_interrupts", hold_interrupts}, {"ignore_interrupt", ignore_interrupt}, {"interrupted", interrupted}, {NULL, NULL}};
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
