/* Lines typed by a person, with editing and history where GNU readline was found. Only the program is linked with it, not the
 * module. */
#ifndef DUST_LUA_READLINE_H
#define DUST_LUA_READLINE_H

#include <lua.h>

/* Adds to the table on top of the stack:
 *   read_line(prompt, complete) -> line, nil at the end of input, false after Ctrl-C. complete(line up to the cursor) returns
 *     { start = offset from 0 where its candidates begin, append = byte to put behind a sole one or 0, in_string = 1 or 0, "…", … }
 *   add_history(line) -> false when it repeats the last one, load_history(path, lines), save_history(path): appends the last entry
 *   list_files(text) -> paths that begin with text, file_kind(path) -> "file", "directory", "other" or nil
 * Without readline lines are read plainly and the rest does nothing. */
void dust_readline_open(lua_State *L);

#endif
