/* The program `moondust`: a Lua interpreter with the library inside.
 *
 * This file makes a Lua state, puts `moondust.core` into it, finds the Lua files and hands over to lua/moondust/cli; what the
 * words on the command line mean is decided there. What only C can do stays here: Ctrl-C becomes a Lua error, so that files are
 * closed on the way out.
 */
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lua/binding.h"
#include "lua/readline.h"

#ifndef DUST_PREFIX
#define DUST_PREFIX "/usr/local"
#endif

/* ---- Ctrl-C
 * The handler does what lua.c's does and no more: it notes the signal and asks for a hook, which raises "interrupted" at the next
 * instruction in Lua. A kernel in C can't be asked: it ends its call first. Each press counts until the hook has run; beyond
 * `patience` of them the program ends. */
static lua_State *running; /* a signal handler has nothing but globals to reach its state by */
static volatile sig_atomic_t was_interrupted, presses, patience;

static void catch_signal(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = patience > 1 ? 0 : SA_RESTART}; /* the REPL interrupts a read, too */
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

static void on_interrupt(int number);

static void stop(lua_State *L, lua_Debug *where) {
  (void)where;
  lua_sethook(L, NULL, 0, 0);
  presses = 0;
  if (patience > 1) catch_signal(on_interrupt); /* the code may have caught the last one and gone on */
  luaL_error(L, "interrupted");
}

static void on_interrupt(int number) {
  static const char waiting[] = "\nwaiting for a function in C to return; Ctrl-C once more ends Moondust\n";
  const int reason = errno;
  was_interrupted = 1;
  if (++presses > 1 && write(STDERR_FILENO, waiting, sizeof waiting - 1) < 0) was_interrupted = 1; /* nobody to tell */
  if (presses >= patience) signal(number, SIG_DFL);
  lua_sethook(running, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
  errno = reason;
}

/* program.catch_interrupt([patience]): from now on Ctrl-C raises "interrupted"; the press after `patience` (default 1) ones that
 * nothing in Lua has seen ends the program. */
static int catch_interrupt(lua_State *L) {
  patience = (sig_atomic_t)luaL_optinteger(L, 1, 1);
  was_interrupted = presses = 0;
  lua_sethook(running, NULL, 0, 0);
  catch_signal(on_interrupt);
  return 0;
}

/* program.ignore_interrupt(): from now on Ctrl-C does nothing, one that came and was not raised yet is forgotten. */
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

static int open_program(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"catch_interrupt", catch_interrupt}, {"ignore_interrupt", ignore_interrupt}, {"interrupted", interrupted}, {NULL, NULL}};
  luaL_newlib(L, functions);
  dust_readline_open(L);
  return 1;
}

/* ---- the Lua files */

static bool holds_moondust(const char *folder) {
  char file[PATH_MAX + 32];
  snprintf(file, sizeof file, "%s/moondust/init.lua", folder);
  return access(file, R_OK) == 0;
}

static bool program_folder(char *out, size_t size) {
  const ssize_t length = readlink("/proc/self/exe", out, size - 1);
  if (length <= 0) return false;
  out[length] = '\0';
  char *slash = strrchr(out, '/');
  if (!slash) return false;
  *slash = '\0';
  return true;
}

/* Beside the program (a working tree, and its build folders), then where `make install` puts them. `out` has room for PATH_MAX
 * bytes. */
static bool find_lua_files(char *out) {
  static const char *const beside[] = {"lua", "../../lua", "../share/lua/5.4"};
  char folder[PATH_MAX], place[PATH_MAX + 32];
  if (program_folder(folder, sizeof folder))
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
      snprintf(place, sizeof place, "%s/%s", folder, beside[i]);
      if (realpath(place, out) && holds_moondust(out)) return true;
    }
  return realpath(DUST_PREFIX "/share/lua/5.4", out) && holds_moondust(out);
}

static void set_path(lua_State *L) {
  char folder[PATH_MAX];
  if (!find_lua_files(folder)) return; /* LUA_PATH may know */
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* ---- start */

static int protected_main(lua_State *L) {
  const int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  luaL_openlibs(L);
  preload(L, "moondust.core", luaopen_moondust_core);
  preload(L, "moondust.program", open_program);
  set_path(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "moondust.cli");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  return 1;
}

static int explain(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

int main(int argc, char **argv) {
  lua_State *L = running = luaL_newstate();
  if (!L) return fprintf(stderr, "moondust: not enough memory for a Lua state\n"), EXIT_FAILURE;
  lua_pushcfunction(L, explain);
  lua_pushcfunction(L, protected_main);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = EXIT_FAILURE;
  if (lua_pcall(L, 2, 1, 1) == LUA_OK)
    status = (int)lua_tointeger(L, -1);
  else
    fprintf(stderr, "moondust: %s\n", lua_tostring(L, -1));
  signal(SIGINT, SIG_DFL);
  lua_close(L);
  return status;
}
