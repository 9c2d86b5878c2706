/* Ctrl-C as a Lua error. Only the program is linked with it, not the module: signals belong to the process. */
#ifndef DUST_LUA_INTERRUPT_H
#define DUST_LUA_INTERRUPT_H

#include <lua.h>

/* Adds to the table on top of the stack, for the main thread of this state, which must be the program's only one:
 *   catch_interrupt([patience])  from now on Ctrl-C raises "interrupted" at the next instruction in Lua; of the presses that nothing in
 *                                Lua has seen the one behind `patience` (default 1) ends the program
 *   ignore_interrupt()           from now on Ctrl-C does nothing; one that was not raised yet is forgotten
 *   interrupted() -> boolean     was there one since catch_interrupt()?
 *   resume                       coroutine.resume, but Ctrl-C reaches what it resumes */
void dust_interrupt_open(lua_State *L);

#endif
