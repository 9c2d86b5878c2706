/* Line input for the REPL (see readline.h).
 *
 * readline is one for the whole process and calls back without an argument, hence the globals here; they mean something only while
 * read_line() is running. Its callback interface is used, so that this file does the waiting and Ctrl-C is seen at once.
 * Callbacks run Lua under lua_pcall and take strings that are there already: nothing ever jumps through readline.
 *
 *     TAB ─> find_word() asks Lua's complete(line up to the cursor) ─> stack[FOUND] = { start =, append =, "candidate", … }
 *         ─> list_matches() ─> next_match(), one candidate a call
 */
#include "lua/readline.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef DUST_HAVE_READLINE

#include <poll.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <unistd.h>

enum { PROMPT = 1, COMPLETE, FOUND }; /* where read_line() keeps them on the stack */
#define QUERY_ITEMS 200               /* more candidates than this are asked about before they are listed */

static lua_State *reader;
static char *typed;
static bool finished;
static volatile sig_atomic_t pressed;

/* ---- completion */

/* (function, userdata line) -> table; runs protected. */
static int ask(lua_State *L) {
  const char *line = lua_touserdata(L, 2);
  lua_pushvalue(L, 1);
  lua_pushlstring(L, line, (size_t)rl_point);
  lua_call(L, 1, 1);
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_getfield(L, -1, "start");
  luaL_checkinteger(L, -1);
  lua_getfield(L, -2, "append");
  lua_pop(L, 2);
  return 1;
}

/* Integer field of the candidates. The table is ours, without a metatable, and its strings are interned: nothing here allocates. */
static lua_Integer found_integer(const char *name, lua_Integer fallback) {
  if (!lua_istable(reader, FOUND)) return fallback;
  lua_getfield(reader, FOUND, name);
  const lua_Integer value = lua_isinteger(reader, -1) ? lua_tointeger(reader, -1) : fallback;
  lua_pop(reader, 1);
  return value;
}

/* What separates words is decided by what is being completed: inside of quotes everything up to them is one word. */
static char *find_word(void) {
  static char in_code[] = " \t\n\"'`!#$%&()*+,-./:;<=>?@[\\]^{|}~", in_string[] = "\"'";
  lua_settop(reader, COMPLETE);
  lua_pushcfunction(reader, ask);
  lua_pushvalue(reader, COMPLETE);
  lua_pushlightuserdata(reader, rl_line_buffer);
  if (lua_pcall(reader, 2, 1, 0) != LUA_OK) {
    lua_pop(reader, 1);
    lua_pushnil(reader);
  }
  return found_integer("in_string", 0) ? in_string : in_code;
}

/* Candidates begin where Lua says, readline's word may begin later. */
static char *next_match(const char *word, int state) {
  static lua_Integer next;
  static size_t skip;
  char *match = NULL;
  if (state == 0) {
    const lua_Integer late = (lua_Integer)rl_point - (lua_Integer)strlen(word) - found_integer("start", 0);
    next = 1;
    skip = late > 0 ? (size_t)late : 0;
  }
  if (!lua_istable(reader, FOUND) || lua_rawgeti(reader, FOUND, next++) != LUA_TSTRING) return lua_settop(reader, FOUND), NULL;
  const char *candidate = lua_tostring(reader, -1);
  if (strlen(candidate) >= skip) match = strdup(candidate + skip);
  lua_pop(reader, 1);
  return match;
}

static char **list_matches(const char *word, int start, int end) {
  (void)start, (void)end;
  rl_attempted_completion_over = 1; /* never readline's own file names */
  rl_completion_append_character = (int)found_integer("append", 0);
  return rl_completion_matches(word, next_match);
}

/* ---- one line */

static void take_line(char *line) {
  rl_callback_handler_remove();
  typed = line;
  finished = true;
}

static void on_press(int number) { (void)number, pressed = 1; }

/* SIGINT is blocked but for the wait, so that none is missed between a look at `pressed` and the wait. */
static void wait_for_line(const sigset_t *outside) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (!finished && !pressed) {
    if (ppoll(&input, 1, NULL, outside) > 0)
      rl_callback_read_char();
    else if (errno != EINTR)
      take_line(NULL);
    if (rl_pending_signal() == SIGINT) pressed = 1;
    rl_check_signals(); /* puts the terminal right for signals that end or stop the program, then sends them on */
  }
}

static void drop_line(void) {
  rl_free_line_state();
  rl_callback_sigcleanup();
  rl_callback_handler_remove();
  fputc('\n', stdout);
  fflush(stdout);
}

static void edit_line(const char *prompt) {
  struct sigaction on = {.sa_handler = on_press}, before;
  sigset_t interrupt, outside;
  sigemptyset(&on.sa_mask);
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_BLOCK, &interrupt, &outside);
  sigaction(SIGINT, &on, &before);
  rl_callback_handler_install(prompt, take_line);
  wait_for_line(&outside);
  if (!finished) drop_line();
  sigprocmask(SIG_SETMASK, &outside, NULL); /* one on its way still finds on_press */
  sigaction(SIGINT, &before, NULL);
}

static int push_line(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

static void set_up(void) {
  static bool set_up_before;
  rl_readline_name = "moondust";
  rl_persistent_signal_handlers = 1;
  rl_completion_word_break_hook = find_word;
  rl_attempted_completion_function = list_matches;
  rl_completion_query_items = QUERY_ITEMS;
  if (!set_up_before) rl_variable_bind("show-all-if-ambiguous", "on"); /* before ~/.inputrc is read, which may say otherwise */
  set_up_before = true;
}

static int read_line(lua_State *L) {
  const char *prompt = luaL_checkstring(L, PROMPT);
  lua_settop(L, COMPLETE);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  reader = L, typed = NULL, finished = false, pressed = 0;
  set_up();
  edit_line(prompt);
  lua_settop(L, 0);
  if (!finished) return lua_pushboolean(L, 0), 1;
  lua_pushcfunction(L, push_line);
  lua_pushlightuserdata(L, typed);
  const int status = lua_pcall(L, 1, 1, 0); /* nil for NULL */
  free(typed);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* ---- history: entries of several lines are kept whole by writing times between them */

static int remember(lua_State *L) {
  const char *line = luaL_checkstring(L, 1);
  const HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
  const bool repeated = last && strcmp(last->line, line) == 0;
  if (!repeated) add_history(line);
  lua_pushboolean(L, !repeated);
  return 1;
}

static int load_history(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const int lines = (int)luaL_checkinteger(L, 2);
  using_history();
  stifle_history(lines);
  history_comment_char = '#';
  history_write_timestamps = 1;
  history_truncate_file(path, lines);
  lua_pushboolean(L, read_history(path) == 0);
  return 1;
}

/* Appends the last entry, so that two sessions at once keep each other's. */
static int save_history(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_pushboolean(L, append_history(1, path) == 0 || write_history(path) == 0);
  return 1;
}

/* Files whose path begins with `text`, in no order. */
static int list_files(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  lua_Integer count = 0;
  lua_newtable(L);
  for (char *name; (name = rl_filename_completion_function(text, count > 0)) != NULL;) {
    lua_pushcfunction(L, push_line);
    lua_pushlightuserdata(L, name);
    const int status = lua_pcall(L, 1, 1, 0);
    free(name);
    if (status != LUA_OK) return lua_error(L);
    lua_rawseti(L, -2, ++count);
  }
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

static int remember(lua_State *L) { return lua_pushboolean(L, 0), 1; }
static int load_history(lua_State *L) { return lua_pushboolean(L, 0), 1; }
static int save_history(lua_State *L) { return lua_pushboolean(L, 0), 1; }
static int list_files(lua_State *L) { return lua_newtable(L), 1; }

#endif

/* "file", "directory", or "other" for what is better not opened to have a look; nil when there is nothing. */
static int file_kind(lua_State *L) {
  struct stat there;
  if (stat(luaL_checkstring(L, 1), &there) != 0) return lua_pushnil(L), 1;
  lua_pushstring(L, S_ISREG(there.st_mode) ? "file" : S_ISDIR(there.st_mode) ? "directory" : "other");
  return 1;
}

void dust_readline_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"read_line", read_line},
                                       {"add_history", remember},
                                       {"load_history", load_history},
                                       {"save_history", save_history},
                                       {"list_files", list_files},
                                       {"file_kind", file_kind},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
