/* The machine, as a script sees it: kernel threads, memory, the clock, terminals, directories, and what this build is made of. */
#include "base/printable.h"
#include "lua/binding.h"

#include <errno.h>
#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/isa.h"
#include "base/mem.h"

#define MAX_THREADS 1024
#define DEFAULT_COLUMNS 80
#define DEFAULT_ROWS 24

static int threads(lua_State *L) {
  int64_t wanted = 0;
  if (!lua_isnoneornil(L, 1)) {
    wanted = dust_lua_integer(L, 1, "the number of threads");
    if (wanted < 1 || wanted > MAX_THREADS)
      return luaL_error(L, "the number of threads must be from 1 to %d, not %I", MAX_THREADS, (lua_Integer)wanted);
  }
  lua_pushinteger(L, dust_lua_threads(L, (int)wanted));
  return 1;
}

static int isa(lua_State *L) {
  dust_isa wanted;
  if (!lua_isnoneornil(L, 1)) {
    if (dust_isa_parse(luaL_checkstring(L, 1), &wanted) != DUST_OK) return luaL_error(L, "%s", dust_message());
    dust_isa_use(wanted);
  }
  lua_pushstring(L, dust_isa_name(dust_isa_now()));
  return 1;
}

static int memory(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)dust_mem_in_use());
  lua_pushinteger(L, (lua_Integer)dust_mem_peak());
  return 2;
}

static int reset_peak(lua_State *L) { return dust_mem_reset_peak(), 0; }

static int clock_(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec * 1e-9);
  return 1;
}

static int environment_size(const char *name, int fallback) {
  const char *said = getenv(name);
  const int size = said ? atoi(said) : 0;
  return size > 0 && size < 10000 ? size : fallback;
}

static void push_screen(lua_State *L, int descriptor) {
  struct winsize size;
  const bool known = ioctl(descriptor, TIOCGWINSZ, &size) == 0;
  lua_pushinteger(L, known && size.ws_col > 0 ? size.ws_col : environment_size("COLUMNS", DEFAULT_COLUMNS));
  lua_pushinteger(L, known && size.ws_row > 0 ? size.ws_row : environment_size("LINES", DEFAULT_ROWS));
}

static int is_terminal(lua_State *L) {
  static const char *const names[] = {"stdout", "stderr", "stdin", NULL};
  static const int descriptors[] = {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO};
  int descriptor = descriptors[dust_lua_option(L, 1, "is_terminal", names, -1)];
  lua_pushboolean(L, isatty(descriptor));
  push_screen(L, descriptor);
  return 3;
}

/* ---- directories */
static dust_status make_one(const char *path) {
  struct stat there;
  if (mkdir(path, 0777) == 0) return DUST_OK;
  int reason = errno;
  if (stat(path, &there) == 0) {
    if (S_ISDIR(there.st_mode)) return DUST_OK;
    return dust_fail(DUST_ERROR_WORLD, "can't make the directory '%s': there is a file of that name", path);
  }
  return dust_fail(DUST_ERROR_WORLD, "can't make the directory '%s': %s", path, strerror(reason));
}

/* Each parent in turn, then the whole; `path` is cut and mended on the way. */
static dust_status make_all(char *path) {
  for (char *p = path + 1; *p; p++) {
    if (*p != '/' || p[-1] == '/') continue;
    *p = '\0';
    dust_status status = make_one(path);
    *p = '/';
    if (status != DUST_OK) return status;
  }
  return make_one(path);
}

static int make_directory(lua_State *L) {
  size_t length;
  if (lua_type(L, 1) != LUA_TSTRING) return luaL_error(L, "path must be a string, not %s", dust_lua_type_name(L, 1));
  const char *path = lua_tolstring(L, 1, &length);
  if (length == 0 || strlen(path) != length)
    return luaL_error(L, "path must be the name of a directory, not %s", length ? "bytes with a zero among them" : "empty");
  char *copy = lua_newuserdatauv(L, length + 1, 0);
  memcpy(copy, path, length + 1);
  if (make_all(copy) != DUST_OK) return dust_lua_fail(L);
  lua_pushboolean(L, true);
  return 1;
}

/* ---- what this is */
static void set_feature(lua_State *L, const char *name, bool there) {
  lua_pushboolean(L, there);
  lua_setfield(L, -2, name);
}

static void push_features(lua_State *L) {
  lua_createtable(L, 0, 4);
#ifdef DUST_HAVE_LIBDEFLATE
  set_feature(L, "deflate", true);
#else
  set_feature(L, "deflate", false);
#endif
#ifdef DUST_HAVE_LZF
  set_feature(L, "lzf", true);
#else
  set_feature(L, "lzf", false);
#endif
#ifdef DUST_HAVE_MICROHTTPD
  set_feature(L, "http", true);
#else
  set_feature(L, "http", false);
#endif
#ifdef DUST_HAVE_PNG
  set_feature(L, "png", true);
#else
  set_feature(L, "png", false);
#endif
#ifdef DUST_HAVE_READLINE
  set_feature(L, "readline", true);
#else
  set_feature(L, "readline", false);
#endif
}

static int version(lua_State *L) {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  lua_createtable(L, 0, 6);
  lua_pushliteral(L, DUST_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushliteral(L, LUA_RELEASE);
  lua_setfield(L, -2, "lua");
  lua_pushfstring(L, "%d.%d.%d", (int)major, (int)minor, (int)release);
  lua_setfield(L, -2, "hdf5");
  lua_pushstring(L, gsl_version);
  lua_setfield(L, -2, "gsl");
  push_features(L);
  lua_setfield(L, -2, "features");
  lua_pushinteger(L, dust_lua_threads(L, 0));
  lua_setfield(L, -2, "threads");
  return 1;
}

/* Text from outside with what would steer a terminal written out. */
static int printable(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  const size_t needed = dust_printable(NULL, 0, text, length);
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, needed + 1);
  dust_printable(out, needed + 1, text, length);
  luaL_pushresultsize(&buffer, needed);
  return 1;
}

static int physical_memory(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)sysconf(_SC_PHYS_PAGES) * (lua_Integer)sysconf(_SC_PAGESIZE));
  return 1;
}

static int dtype_size(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_pushinteger(L, (lua_Integer)dust_dtype_size(dust_lua_dtype(L, 1, DUST_DTYPE_NONE)));
  return 1;
}

/* A wish that can't be followed is a mistake to hear of at once, not a measurement of something else. */
void dust_lua_open_system(lua_State *L) {
  if (dust_isa_check() != DUST_OK) luaL_error(L, "MOONDUST_ISA: %s", dust_message());
  static const luaL_Reg functions[] = {{"threads", threads},
                                       {"memory", memory},
                                       {"reset_peak", reset_peak},
                                       {"clock", clock_},
                                       {"is_terminal", is_terminal},
                                       {"make_directory", make_directory},
                                       {"version", version},
                                       {"physical_memory", physical_memory},
                                       {"printable", printable},
                                       {"dtype_size", dtype_size},
                                       {"isa", isa},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
