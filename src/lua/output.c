/* core.output: files that are complete under their name or not there, and what may not be written. */
#include "store/output.h"
#include "lua/binding.h"
#include "lua/hdf5.h"

static int output_write(lua_State *L) {
  size_t size;
  const char *path = dust_lua_to_text(L, 1, "the path of a file");
  if (lua_type(L, 2) != LUA_TSTRING) return luaL_error(L, "output.write: what is written must be a string, not %s", dust_lua_type_name(L, 2));
  const char *bytes = lua_tolstring(L, 2, &size);
  return dust_lua_hdf5_answer(L, dust_output_file(path, bytes, size));
}

static int output_protect(lua_State *L) {
  return dust_lua_hdf5_answer(L, dust_output_protect(dust_lua_to_text(L, 1, "the path of a file")));
}

static int output_allowed(lua_State *L) {
  return dust_lua_hdf5_answer(L, dust_output_allowed(dust_lua_to_text(L, 1, "the path of a file"), false));
}

static int output_unfinished(lua_State *L) {
  lua_pushinteger(L, dust_output_unfinished());
  return 1;
}

static int output_remember(lua_State *L) {
  luaL_checktype(L, 1, LUA_TBOOLEAN);
  dust_output_remember(lua_toboolean(L, 1));
  return 0;
}

static int output_unread(lua_State *L) {
  return dust_lua_hdf5_answer(L, dust_output_unread(dust_lua_to_text(L, 1, "the path of a file")));
}

/* A file that is being read: no output of this process goes there until the note is closed or collected. */
#define NOTE "moondust.OpenFile"

typedef struct note {
  bool held;
  dust_output_file_id id;
} note;

static int note_release(lua_State *L) {
  note *n = luaL_checkudata(L, 1, NOTE);
  if (n->held) dust_output_done(n->id);
  n->held = false;
  return 0;
}

static int output_reading(lua_State *L) {
  const char *path = dust_lua_to_text(L, 1, "the path of a file");
  note *n = lua_newuserdatauv(L, sizeof *n, 0);
  n->held = false;
  luaL_setmetatable(L, NOTE);
  n->held = dust_output_reading(path, &n->id);
  return 1;
}

void dust_lua_abandon_outputs(void) { dust_output_abandon(); }

void dust_lua_open_output(lua_State *L) {
  static const luaL_Reg functions[] = {{"write", output_write},     {"protect", output_protect},     {"allowed", output_allowed},
                                       {"reading", output_reading}, {"remember", output_remember},   {"unread", output_unread},
                                       {"unfinished", output_unfinished}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"close", note_release}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", note_release}, {"__close", note_release}, {NULL, NULL}};
  dust_lua_class(L, NOTE, methods, meta);
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "output");
}
