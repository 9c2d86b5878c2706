/* The program `moondust`: a Lua interpreter with the library inside.
 *
 * This file makes a Lua state, puts `moondust.core` into it, finds the Lua files and hands over to lua/moondust/cli; what the
 * words on the command line mean is decided there. What only C can do is the module `moondust.program`: Ctrl-C as a Lua error, and
 * lines typed by a person.
 */
#include <errno.h>
#include <fcntl.h>
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
#include "lua/interrupt.h"
#include "lua/readline.h"
#include "lua/small.h"

#ifndef DUST_PREFIX
#define DUST_PREFIX "/usr/local"
#endif
#ifndef DUST_TREE
#define DUST_TREE "" /* built outside of a tree */
#endif

/* ---- standard output */

/* Without this a file that is opened later could get the number of a standard stream that the program was started without, and what
 * is printed would go there. The stand-ins are the wrong way round, so that using them is an error. */
static void occupy_standard_streams(void) {
  for (int number = 0; number <= 2; number++)
    if (fcntl(number, F_GETFD) == -1 && errno == EBADF && open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY) != number) _exit(EXIT_FAILURE);
}

/* finish_output() -> string?: writes out what was printed; why that, or anything printed before, failed. Of the latter stdio keeps
 * no reason: writing to the same place once more mostly has it. */
static int finish_output(lua_State *L) {
  errno = 0;
  const bool flushed = fflush(stdout) == 0;
  if (flushed && !ferror(stdout)) return 0;
  if (flushed && write(STDOUT_FILENO, "\n", 1) == 1) errno = 0;
  lua_pushstring(L, errno ? strerror(errno) : "an earlier write failed");
  return 1;
}

/* ---- the end */

static bool is_leaving, succeeds;

/* libhdf5 and readline call exit() themselves where memory runs out, without a word the one, with a status of its own the other. */
static void at_exit(void) {
  static const char text[] = "moondust: a library ended the program, which they do where memory runs out\n";
  if (is_leaving && !(succeeds && dust_lua_lost_files())) return;
  if (is_leaving) fflush(NULL), _exit(EXIT_FAILURE);
  dust_lua_abandon_outputs();
  fflush(NULL);
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(EXIT_FAILURE); /* nobody to tell */
  _exit(EXIT_FAILURE);
}

/* leaving(succeeds): the program is about to call exit() itself. */
static int leaving(lua_State *L) {
  is_leaving = true, succeeds = lua_toboolean(L, 1);
  return 0;
}

static int open_program(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, leaving);
  lua_setfield(L, -2, "leaving");
  lua_pushcfunction(L, finish_output);
  lua_setfield(L, -2, "finish_output");
  dust_interrupt_open(L);
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

/* Whether `path` is the folder in which this program was built; the build says which. A copy elsewhere is no working tree, whatever lies beside it. */
static bool is_tree(const char *path) {
  char place[PATH_MAX], tree[PATH_MAX];
  return realpath(path, place) && realpath(DUST_TREE, tree) && strcmp(place, tree) == 0;
}

static bool find_in(const char *folder, const char *inside, char *out) {
  char place[PATH_MAX + 32];
  snprintf(place, sizeof place, "%s/%s", folder, inside);
  return realpath(place, out) && holds_moondust(out);
}

/* In the working tree (the program lies in it, or two folders down), then where `make install` puts them: beside the program, or below the prefix.
 * Nowhere else, as a folder next to a copy of the program may be anybody's. `out` has room for PATH_MAX bytes. */
static bool find_lua_files(char *out) {
  char folder[PATH_MAX], above[PATH_MAX + 8];
  if (program_folder(folder, sizeof folder)) {
    snprintf(above, sizeof above, "%s/../..", folder);
    if (is_tree(folder) && find_in(folder, "lua", out)) return true;
    if (is_tree(above) && find_in(above, "lua", out)) return true;
    if (find_in(folder, "../share/lua/5.4", out)) return true;
  }
  return find_in(DUST_PREFIX, "share/lua/5.4", out);
}

/* Without the files a `require` would look for them in the current folder, too; only a LUA_PATH is the user's own choice. */
static void set_path(lua_State *L) {
  char folder[PATH_MAX];
  if (!find_lua_files(folder)) {
    if (getenv("LUA_PATH") || getenv("LUA_PATH_5_4")) return;
    luaL_error(L, "the Lua files of moondust are neither beside the program (../share/lua/5.4) nor in " DUST_PREFIX
                  "/share/lua/5.4: install it there with `make install`, or set LUA_PATH");
  }
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

static bool is_in_lua(lua_State *L) {
  lua_Debug where;
  for (int level = 1; lua_getstack(L, level, &where); level++)
    if (lua_getinfo(L, "S", &where) && where.what[0] != 'C') return true;
  return false;
}

static int explain(lua_State *L) {
  if (!is_in_lua(L)) return 1; /* nothing to trace */
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

int main(int argc, char **argv) {
  occupy_standard_streams();
  signal(SIGXFSZ, SIG_IGN); /* a limit of the size of files is a write that fails, and is told */
  if (atexit(at_exit) != 0) is_leaving = true; /* then they end it as they like */
  lua_State *L = dust_lua_new_state();
  if (!L) return is_leaving = true, fprintf(stderr, "moondust: not enough memory for a Lua state\n"), EXIT_FAILURE;
  lua_pushcfunction(L, explain);
  lua_pushcfunction(L, protected_main);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = EXIT_FAILURE;
  dust_lua_tell_lost_files();
  if (lua_pcall(L, 2, 1, 1) == LUA_OK)
    status = (int)lua_tointeger(L, -1);
  else if (dust_interrupt_status())
    status = dust_interrupt_status(), fprintf(stderr, "moondust: interrupted\n");
  else
    fprintf(stderr, "moondust: %s\n", lua_tostring(L, -1));
  signal(SIGINT, SIG_DFL);
  dust_lua_close_state(L);
  is_leaving = true;
  return status == 0 && dust_lua_lost_files() ? EXIT_FAILURE : status;
}
