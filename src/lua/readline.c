/* Line input for the REPL (see readline.h). */
#include "lua/readline.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef DUST_HAVE_READLINE

#include <readline/history.h>
#include <readline/readline.h>

static int read_line(lua_State *L) {
  const char *prompt = luaL_checkstring(L, 1);
  void (*before)(int) = signal(SIGINT, SIG_DFL); /* at the prompt Ctrl-C ends the program */
  rl_readline_name = "moondust";
  char *line = readline(prompt);
  signal(SIGINT, before);
  lua_pushstring(L, line); /* nil for NULL. Out of memory here loses one line, in a program that ends */
  free(line);
  return 1;
}

static int remember(lua_State *L) { return add_history(luaL_checkstring(L, 1)), 0; }

static int load_history(lua_State *L) {
  using_history();
  lua_pushboolean(L, read_history(luaL_checkstring(L, 1)) == 0);
  return 1;
}

static int save_history(lua_State *L) {
  stifle_history((int)luaL_checkinteger(L, 2));
  lua_pushboolean(L, write_history(luaL_checkstring(L, 1)) == 0);
  return 1;
}

#else

static int read_line(lua_State *L) {
  luaL_Buffer line;
  char part[512];
  bool some = false;
  fputs(luaL_checkstring(L, 1), stdout);
  fflush(stdout);
  luaL_buffinit(L, &line);
  while (fgets(part, sizeof part, stdin)) {
    const size_t n = strlen(part);
    const bool whole = n > 0 && part[n - 1] == '\n';
    some = true;
    luaL_addlstring(&line, part, whole ? n - 1 : n);
    if (whole) break;
  }
  if (!some) return lua_pushnil(L), 1;
  luaL_pushresult(&line);
  return 1;
}

static int remember(lua_State *L) { return (void)L, 0; }
static int load_history(lua_State *L) { return lua_pushboolean(L, 0), 1; }
static int save_history(lua_State *L) { return lua_pushboolean(L, 0), 1; }

#endif

void dust_readline_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"read_line", read_line}, {"add_history", remember}, {"load_history", load_history}, {"save_history", save_history}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
