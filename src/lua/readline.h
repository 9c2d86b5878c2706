/* Lines typed by a person, with editing and history where GNU readline was found. Only the program is linked with it, not the
 * module. */
#ifndef DUST_LUA_READLINE_H
#define DUST_LUA_READLINE_H

#include <lua.h>

/* Adds read_line(prompt) -> line or nil at the end, add_history(line), load_history(path) and save_history(path, lines) to the
 * table on top of the stack. */
void dust_readline_open(lua_State *L);

#endif
